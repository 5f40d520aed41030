"""The fleet without one of its chips: what that chip changes in dependence, where no baseline says it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.catalog import Catalog
from explorer.scenario.baseline import baseline_of
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import Scenario
from explorer.study.fleet import SHARE_BASIS, fleet_tiers, stacks_and_clouds, supply_tier, tier_outcome
from explorer.study.fleet_outcome import FixedCosts, FleetOutcome
from explorer.study.fleet_words import what_changed
from explorer.study.outcome import Outcome
from explorer.study.pools import pool_table

MONTH = QUANTITIES["usd_per_month"]


def fleet_without(scenario: Scenario, catalog: Catalog, fleet: FleetOutcome, chip: str) -> FleetOutcome | None:
    """The fleet with the traffic of a chip's pools shared among the others as they stand, sized and paid anew.

    None where the chip carries nothing, nothing else does, or a pool has no figures.
    """
    members = scenario.fleet.members
    shares = np.asarray([0.0 if one.chip == chip else one.traffic_share for one in members])
    carries = any(one.chip == chip and one.traffic_share > 0 for one in members)
    if fleet.reason or not fleet.tiers or not carries or not shares.sum() > 0:
        return None
    shares = shares / shares.sum()
    sizes = pool_table(fleet).size(shares)
    months = sizes.usd_per_month
    if not np.isfinite(months).all() or not months.sum() > 0:
        return None
    left = [at for at, one in enumerate(members) if shares[at] > 0]
    rest = [members[at] for at in left]
    spend = months / months.sum()
    pools = tuple(
        replace(
            pool,
            traffic_share=float(shares[at]),
            spend_share=float(spend[at]),
            usd_per_month=float(months[at]),
            chips=int(sizes.chips[at]),
        )
        for at, pool in enumerate(fleet.pools)
        if at in left
    )
    counted, terms = scenario.fleet.tiers, scenario.fleet
    tiers = tuple(
        tier_outcome(name, supply_tier(catalog, name, rest), spend[left], name in counted) for name in fleet_tiers(rest)
    )
    stacks, clouds = (len(set(table)) - 1 for table in stacks_and_clouds(catalog, rest))
    fixed = FixedCosts(stacks, clouds, stacks * terms.stack_usd_per_month, clouds * terms.cloud_usd_per_month)
    return FleetOutcome(pools, tiers, (), SHARE_BASIS, float(months.sum()), fixed=fixed)


def _counted(fleet: FleetOutcome) -> FleetOutcome:
    return replace(fleet, tiers=tuple(tier for tier in fleet.tiers if tier.counts))


def _new_chips(scenario: Scenario) -> list[str]:
    baseline = baseline_of(scenario)
    known = set() if baseline is None else {one.chip for one in baseline.fleet.members}
    return [one.chip for one in scenario.fleet.members if known and one.chip not in known]


def what_it_changes(scenario: Scenario, catalog: Catalog, outcome: Outcome, workload: int | None = None) -> str:
    """What one chip changes at the tiers that count, and what the fleet then costs; empty where there is no such chip.

    The chip is one that a pinned baseline's fleet does without, or else that of the selected alternative of `workload`
    (of all in order where it is None).
    """
    at = range(len(outcome.workloads)) if workload is None else (workload,)
    asked = [outcome.workloads[place].chosen.chip for place in at]
    for one in dict.fromkeys((*_new_chips(scenario), *asked)):
        before = fleet_without(scenario, catalog, outcome.fleet, one)
        said = "" if before is None else what_changed(_counted(before), _counted(outcome.fleet))
        if before is not None and said:
            months = [fleet.total_usd_per_month for fleet in (before, outcome.fleet)]
            then, now = (MONTH.format(month or 0.0) for month in months)
            bill = f"; the fleet costs {now} a month, {then} without it"
            return said.rstrip(".") + bill + "."
    return ""

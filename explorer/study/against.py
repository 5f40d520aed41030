"""A scenario against a baseline: what was changed, what that moved, and the sentence that says it."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.scenario.difference import differences
from explorer.scenario.schema import Scenario
from explorer.study.fleet_outcome import FleetOutcome
from explorer.study.fleet_words import what_changed
from explorer.study.outcome import AlternativeOutcome, Outcome

WORDS = frozenset({"title", "question"})
"""What names a scenario and moves nothing."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One figure before and after, in the unit its name ends with; None where there is none."""

    name: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class Against:
    """What a scenario is measured against, and how far it is from it."""

    title: str
    """Of the baseline."""
    changed: tuple[str, ...]
    """Every input that differs, in words."""
    sentence: str
    """Which tiers of the fleet spread out, and which stay; empty where either has no fleet with figures."""
    selected: tuple[tuple[str, tuple[Moved, ...]], ...]
    """By workload that both have: the figures of the selected alternative."""
    fleet: tuple[Moved, ...]


def against(baseline: Scenario, before: Outcome, scenario: Scenario, after: Outcome) -> Against:
    """Set the outcome of a scenario against that of a baseline; both must be of their scenarios."""
    then = {workload.name: workload for workload in before.workloads}
    return Against(
        title=baseline.title,
        changed=tuple(str(one) for one in differences(baseline, scenario) if one.path not in WORDS),
        sentence=what_changed(before.fleet, after.fleet),
        selected=tuple(
            (workload.name, _selected(then[workload.name].chosen, workload.chosen))
            for workload in after.workloads
            if workload.name in then
        ),
        fleet=_fleet(before.fleet, after.fleet),
    )


def _selected(before: AlternativeOutcome, after: AlternativeOutcome) -> tuple[Moved, ...]:
    def figures(one: AlternativeOutcome) -> dict[str, float | None]:
        p99 = {metric: one.latency[metric].p99 for metric in ("ttft", "tpot")}
        month, million = one.cost.usd_per_month, one.cost.usd_per_million_blended
        return {
            **{f"{metric}_p99_s": None if band is None else band.value for metric, band in p99.items()},
            "usd_per_month": None if month is None else month.value,
            "usd_per_million": None if million is None else million.value,
            "chips": float(one.chips_total),
        }

    old, new = figures(before), figures(after)
    return tuple(Moved(name, old[name], new[name]) for name in new)


def _fleet(before: FleetOutcome, after: FleetOutcome) -> tuple[Moved, ...]:
    tiers = {tier.tier: tier.effective_suppliers.value for tier in before.tiers}
    return (
        Moved("usd_per_month", before.usd_per_month, after.usd_per_month),
        *(
            Moved(f"{tier.tier}_effective_suppliers", tiers.get(tier.tier), tier.effective_suppliers.value)
            for tier in after.tiers
        ),
    )

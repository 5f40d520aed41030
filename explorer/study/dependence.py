"""What a fleet loses when a supplier fails, what a price rise or leaving costs, and what runs where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.catalog.portability import PortabilityMatrix, SupportCell, portability_matrix
from explorer.catalog.supplier import NO_DEPENDENCE
from explorer.engine.concentration import (
    cr3,
    expected_loss,
    lost_share,
    price_exposure,
    recovery_impact,
    risk_exposure_index,
    tier_shares_over_candidates,
)
from explorer.engine.cost import exploitable_price_rise
from explorer.scenario.schema import Risk, Scenario
from explorer.study.cost_parts import exit_cost
from explorer.study.fleet import TIER_TITLES, Tier, fleet_tiers, supply_tier
from explorer.study.outcome import Banded, FleetOutcome, Outcome
from explorer.study.pools import pool_table, spare_capacity

Array = NDArray[np.float64]

BANDS_NOTE = (
    "The bands of the DOJ and FTC (an HHI above 1,800 is highly concentrated) are for markets, not for fleets: "
    "a buyer with n suppliers cannot go below 10,000/n."
)
BASES: Mapping[str, str] = {
    "lost": "traffic",
    "price_exposure": "spend",
    "hhi": "spend",
    "delay": "chips",
}
"""Which shares each measure is of."""

EXIT_TIERS = ("designer", "software_stack", "cloud")
"""Tiers that a buyer can leave."""
PAID_TIERS = ("designer", "cloud")
"""Tiers whose price rise reaches the bill in full."""


@dataclass(frozen=True, slots=True)
class StackPortability:
    """How much of what the workloads use runs on a stack, 0 to 1, with its cells."""

    stack: str
    support: Banded
    cells: tuple[SupportCell, ...]


@dataclass(frozen=True, slots=True)
class SupplierLoss:
    """What is lost when one supplier of a tier fails: shares of traffic, with the range over what is undisclosed."""

    supplier: str
    traffic_share: float
    headroom: float
    """Spare capacity of the survivors over what they carry."""
    portability: float
    """Part of the work that can run on the survivors' stacks."""
    lost: Banded
    impact_weeks: float
    """Weeks of the whole traffic lost until it is replaced."""
    exposure_index: float
    """That, over the largest among the tiers that count (REI)."""


@dataclass(frozen=True, slots=True)
class TierDependence:
    """One tier: its suppliers, the largest loss first, and what survives the worst single failure.

    The worst is taken in each draw of what is undisclosed: an unnamed sole supplier is still a sole supplier.
    """

    tier: str
    title: str
    counts: bool
    cr3: float
    """Share of spend of the three largest suppliers, in expectation over what is undisclosed."""
    survivability: float
    suppliers: tuple[SupplierLoss, ...]


@dataclass(frozen=True, slots=True)
class TierFlow:
    """Whose money ends with whom at one tier: shares of spend by pool, then by supplier; they sum to 1."""

    tier: str
    title: str
    suppliers: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class SupplierExit:
    """What leaving a supplier costs, and what that lets it charge."""

    tier: str
    title: str
    supplier: str
    annual_spend_usd: float
    price_exposure: float | None
    """Rise of the whole bill when it raises its prices; None where nobody pays it directly."""
    exit_usd: float
    exit_months: float
    exploitable_price_rise: float
    """Largest lasting rise, as a share of what is spent, before leaving pays."""


@dataclass(frozen=True, slots=True)
class Dependence:
    """The fleet's dependence; empty with a reason where the fleet has no figures."""

    features: tuple[str, ...]
    portability: tuple[StackPortability, ...]
    tiers: tuple[TierDependence, ...]
    exits: tuple[SupplierExit, ...]
    flows: tuple[TierFlow, ...]
    survivability: float | None
    """Of the worst tier that counts: never a mean of unlike tiers."""
    binding_tiers: tuple[str, ...]
    expected_loss_weeks: float | None
    """Weeks of the whole traffic a year, over the suppliers of the tiers that count."""
    price_rise_share: float
    bases: Mapping[str, str]
    note: str
    reason: str = ""
    outage_probability_per_year: float = 0.0
    weeks_to_recover: float = 0.0
    """The scenario's terms, which the expected loss supposes of each supplier."""


def features_used(scenario: Scenario, outcome: Outcome) -> tuple[str, ...]:
    """The features that the workloads use: formats, continuous batching, what the traffic shows, and those stated."""
    found = ["continuous_batching"]
    for workload, answered in zip(scenario.workloads, outcome.workloads, strict=True):
        found.append(workload.model.weight_precision)
        if workload.traffic.prefix_hit_share > 0:
            found.append("prefix_caching")
        if answered.active_parameters < 0.95 * answered.parameters:
            found.append("expert_parallel")
    return tuple(dict.fromkeys((*found, *scenario.fleet.features)))


def stack_portability(matrix: PortabilityMatrix, stack: str, features: tuple[str, ...]) -> StackPortability:
    """Mean support of the features on a stack (theory: ordinal, a judgement); raises UnknownRecordError."""
    cells = tuple(matrix.cell(stack, feature) for feature in features)
    low, value, high = (float(np.mean([cell.range[at] for cell in cells])) for at in range(3))
    return StackPortability(stack, Banded(value, low, high), cells)


@dataclass(frozen=True, slots=True)
class TierLoss:
    """Loss of each supplier of a tier in each draw, arrays (draws, suppliers)."""

    lost: Array
    headroom: Array
    portability: Array
    share: Array


def tier_loss(tier: Tier, traffic: Array, spare: Array, support: Array, headroom: float | None) -> TierLoss:
    """Loss when a supplier fails, by the N-1 criterion, for pools' traffic shares, spare capacity and support (pools,).

    `headroom` set by hand takes the place of the pools' own spare capacity.
    """
    hit = tier.structure.assignment
    share = np.tensordot(traffic, hit, axes=1)
    left = np.maximum(1.0 - share, 0.0)
    free = np.tensordot(spare, 1.0 - hit, axes=1)
    weight = spare if spare.sum() > 0 else traffic
    carried = np.tensordot(weight, 1.0 - hit, axes=1)
    ported = np.tensordot(weight * support, 1.0 - hit, axes=1)
    portability = np.where(carried > 1e-12, ported / np.where(carried > 1e-12, carried, 1.0), 0.0)
    if headroom is None:
        room = np.where(left > 1e-12, free / np.where(left > 1e-12, left, 1.0), 0.0)
    else:
        room = np.full_like(share, headroom)
    return TierLoss(lost_share(np.minimum(share, 1.0), room, portability), room, portability, share)


def pool_support(
    scenario: Scenario, catalog: Catalog, features: tuple[str, ...]
) -> tuple[Array, tuple[StackPortability, ...]]:
    """Support of the features on each pool's stack (pools,), and the stacks."""
    members = scenario.fleet.members
    tier = supply_tier(catalog, "software_stack", members)
    stacks = tuple(stack_portability(portability_matrix(), name, features) for name in tier.suppliers)
    values = np.asarray([one.support.value for one in stacks])
    return np.einsum("kds,d,s->k", tier.structure.assignment, tier.structure.probabilities, values), stacks


def no_dependence(reason: str, features: tuple[str, ...] = (), price_rise_share: float = 0.0) -> Dependence:
    """No figures, and why."""
    return Dependence(features, (), (), (), (), None, (), None, price_rise_share, BASES, BANDS_NOTE, reason)


def dependence(scenario: Scenario, catalog: Catalog, outcome: Outcome) -> Dependence:
    """The dependence of a scenario's fleet; raises UnknownRecordError for a feature or stack nobody knows."""
    fleet, members, risk = outcome.fleet, scenario.fleet.members, scenario.fleet.risk
    features = features_used(scenario, outcome)
    if fleet.usd_per_month is None:
        return no_dependence(fleet.reason, features, risk.price_rise_share)
    traffic = np.asarray([member.traffic_share for member in members])
    spare = spare_capacity(pool_table(fleet), traffic)
    support, stacks = pool_support(scenario, catalog, features)
    headroom = None if scenario.fleet.headroom == "auto" else float(scenario.fleet.headroom)
    tiers = {name: supply_tier(catalog, name, members) for name in fleet_tiers(members)}
    losses = {name: tier_loss(tier, traffic, spare, support, headroom) for name, tier in tiers.items()}
    # an impact is judged against the worst one among the tiers that count
    counted = [name for name in tiers if name in scenario.fleet.tiers]
    largest = max((float(_impacts(tiers[name], losses[name], risk).max()) for name in counted), default=0.0)
    spend = np.asarray([pool.spend_share for pool in fleet.pools])
    found = tuple(_tier(name, tiers[name], losses[name], risk, largest, name in counted, spend) for name in tiers)
    survivability = {one.tier: one.survivability for one in found if one.counts}
    worst = min(survivability.values(), default=None)
    lost = [one.lost.value for tier in found if tier.counts for one in tier.suppliers]
    return Dependence(
        features=features,
        portability=stacks,
        tiers=found,
        exits=_exits(scenario, fleet, tiers, losses),
        flows=tuple(_flow(name, tier, fleet) for name, tier in tiers.items()),
        survivability=worst,
        binding_tiers=tuple(t for t, value in survivability.items() if worst is not None and value <= worst + 1e-9),
        expected_loss_weeks=float(
            expected_loss(risk.outage_probability_per_year, risk.weeks_to_recover, np.asarray(lost))
        ),
        price_rise_share=risk.price_rise_share,
        bases=BASES,
        note=BANDS_NOTE,
        outage_probability_per_year=risk.outage_probability_per_year,
        weeks_to_recover=risk.weeks_to_recover,
    )


def real_suppliers(tier: Tier) -> NDArray[np.bool_]:
    """Which suppliers of a tier are somebody: (suppliers,), False for "none needed"."""
    return np.asarray([name not in NO_DEPENDENCE for name in tier.suppliers])


def _impacts(tier: Tier, loss: TierLoss, risk: Risk) -> Array:
    lost = tier.structure.probabilities @ loss.lost * real_suppliers(tier)
    return recovery_impact(lost, risk.weeks_to_recover, risk.weeks_to_survive)


def _tier(
    name: str, tier: Tier, loss: TierLoss, risk: Risk, largest: float, counts: bool, spend: Array
) -> TierDependence:
    p = tier.structure.probabilities
    impacts = _impacts(tier, loss, risk)
    index = risk_exposure_index(np.append(impacts, largest))[:-1]
    lost, share = p @ loss.lost, p @ loss.share
    room, ported = p @ loss.headroom, p @ loss.portability
    order = [at for at in np.argsort(-lost, kind="stable") if real_suppliers(tier)[at] and loss.share[:, at].max() > 0]
    suppliers = tuple(
        SupplierLoss(
            supplier=tier.suppliers[at],
            traffic_share=float(share[at]),
            headroom=float(room[at]),
            portability=float(ported[at]),
            lost=Banded(float(lost[at]), float(loss.lost[:, at].min()), float(loss.lost[:, at].max())),
            impact_weeks=float(impacts[at]),
            exposure_index=float(index[at]),
        )
        for at in order
    )
    return TierDependence(
        tier=name,
        title=TIER_TITLES[name],
        counts=counts,
        cr3=float(p @ cr3(tier_shares_over_candidates(spend, tier.structure))),
        survivability=1.0 - float(p @ (loss.lost * real_suppliers(tier)).max(axis=1)),
        suppliers=suppliers,
    )


def _flow(name: str, tier: Tier, fleet: FleetOutcome) -> TierFlow:
    spend = np.asarray([pool.spend_share for pool in fleet.pools])
    shares = spend[:, None] * np.einsum("kds,d->ks", tier.structure.assignment, tier.structure.probabilities)
    order = np.argsort(-shares.sum(axis=0), kind="stable")
    return TierFlow(
        tier=name,
        title=TIER_TITLES[name],
        suppliers=tuple(tier.suppliers[at] for at in order),
        shares=tuple(tuple(float(row[at]) for at in order) for row in shares),
    )


def _exits(
    scenario: Scenario, fleet: FleetOutcome, tiers: Mapping[str, Tier], losses: Mapping[str, TierLoss]
) -> tuple[SupplierExit, ...]:
    terms, rise = scenario.fleet.migration, scenario.fleet.risk.price_rise_share
    spend = np.asarray([pool.usd_per_month for pool in fleet.pools])
    found: list[SupplierExit] = []
    for name in EXIT_TIERS:
        tier, loss = tiers[name], losses[name]
        p = tier.structure.probabilities
        month = np.einsum("k,kds,d->s", spend, tier.structure.assignment, p)
        ported = p @ loss.portability
        for at in np.argsort(-month, kind="stable"):
            if not month[at] > 0 or tier.suppliers[at] in NO_DEPENDENCE:
                continue
            # what already runs on the survivors' stacks need not be ported; a cloud is left with the stack kept
            engineering = 0.0 if name == "cloud" else 1.0 - float(ported[at])
            cost = exit_cost(terms, float(month[at]), engineering=engineering, egress=name == "cloud")
            found.append(
                SupplierExit(
                    tier=name,
                    title=TIER_TITLES[name],
                    supplier=tier.suppliers[at],
                    annual_spend_usd=12.0 * float(month[at]),
                    price_exposure=float(price_exposure(month[at : at + 1] / spend.sum(), rise))
                    if name in PAID_TIERS
                    else None,
                    exit_usd=cost,
                    exit_months=(terms.months if engineering > 0 else 0.0) + terms.dual_run_months,
                    exploitable_price_rise=float(
                        exploitable_price_rise(
                            cost, 12.0 * float(month[at]), scenario.price.cost_of_capital, terms.horizon_years
                        )
                    ),
                )
            )
    return tuple(found)

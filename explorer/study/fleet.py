"""The fleet: pools sized for their share of every workload, their money, and whom that money depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import TIERS, Catalog
from explorer.catalog.supplier import NO_DEPENDENCE
from explorer.engine.concentration import (
    HHI_OF_ONE,
    SupplierCandidates,
    TierStructure,
    known_suppliers,
    tier_structure,
    tier_summary,
    undisclosed_supplier,
    weakest_tiers,
)
from explorer.engine.cost import chips_in_whole_units, monthly_cost
from explorer.errors import UnknownRecordError
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import FleetMember, Price, Scenario
from explorer.study.answers import PoolSize
from explorer.study.banded import Banded
from explorer.study.fleet_outcome import FixedCosts, FleetOutcome, PoolOutcome, PoolReplica, SupplierShare, TierOutcome
from explorer.study.kept import Kept, Same
from explorer.study.power import facility_watts, limit_watts, within_limit
from explorer.study.sizing import replicas_for

Array = NDArray[np.float64]

TIER_TITLES: dict[str, str] = {
    "designer": "Chip designer",
    "foundry": "Foundry",
    "packaging": "Packaging",
    "memory_type": "Memory type",
    "memory_maker": "Memory makers",
    "cloud": "Cloud",
    "region": "Region",
    "software_stack": "Software stack",
    "country": "Country",
}
SHARE_BASIS = "spend"
ON_PREMISES = "own premises"


@dataclass(frozen=True)
class Tier:
    """One tier of a fleet: who may supply whom, and the suppliers' names; independent of the shares."""

    structure: TierStructure
    suppliers: tuple[str, ...]
    unknown: str


class FleetEvaluator:
    """Evaluates fleets; keeps the tiers of the last set of members, and their concentration at the last spends."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._tiers: dict[tuple[tuple[str, ...], ...], dict[str, Tier]] = {}
        self._concentrations: Kept[tuple[TierOutcome, ...]] = Kept(16)
        self._grounds: Kept[tuple[list[int], list[int]]] = Kept(16)

    def evaluate(self, scenario: Scenario, pools: Sequence[Mapping[str, PoolSize]]) -> FleetOutcome:
        """The fleet of a scenario; `pools` holds, workload by workload, what a replica of each member carries."""
        members = scenario.fleet.members
        if not members:
            return FleetOutcome((), (), (), SHARE_BASIS, None, "no fleet: add a deployment to see whom it depends on")
        months: list[float] = []
        chips: list[int] = []
        watts: list[float] = []
        reasons: list[str] = []
        feasible: list[bool] = []
        missing = ""
        for member in members:
            month, count, power, reason, able = self._pool(scenario, member, pools)
            if month is None:
                missing = missing or reason
                month = 0.0
            months.append(month)
            chips.append(count)
            watts.append(power)
            reasons.append(reason)
            feasible.append(able)
        spend = _shares(months)
        used = _shares([float(count) for count in chips])
        power_shares = _shares(watts)
        outcomes = tuple(
            PoolOutcome(
                name=member.name,
                chip=member.chip,
                chip_name=self._catalog.chip(member.chip).name,
                cloud=member.cloud,
                traffic_share=member.traffic_share,
                spend_share=float(spend[at]),
                chip_share=float(used[at]),
                power_share=float(power_shares[at]),
                usd_per_month=months[at],
                chips=chips[at],
                feasible=feasible[at],
                reason=reasons[at],
            )
            for at, member in enumerate(members)
        )
        replicas = _replicas(scenario, pools)
        if missing or not sum(months) > 0:
            return FleetOutcome(outcomes, (), (), SHARE_BASIS, None, missing or "nothing is spent", replicas)
        tiers = self._tier_outcomes(scenario, members, spend)
        counted = {tier.tier: tier.effective_suppliers.value for tier in tiers if tier.counts}
        drawn, note = _power(scenario, pools, chips)
        return FleetOutcome(
            outcomes, tiers, weakest_tiers(counted), SHARE_BASIS, float(sum(months)), "", replicas, drawn, note,
            self._fixed(scenario),
        )  # fmt: skip

    def _fixed(self, scenario: Scenario) -> FixedCosts:
        terms, members = scenario.fleet, scenario.fleet.members
        key = tuple((member.name, member.chip, member.cloud, member.region) for member in members)
        stacks, clouds = self._grounds.of(key, lambda: stacks_and_clouds(self._catalog, members))
        used = [at for at, member in enumerate(members) if member.traffic_share > 0]
        further_stacks, further_clouds = (len({table[at] for at in used}) - 1 for table in (stacks, clouds))
        return FixedCosts(
            further_stacks,
            further_clouds,
            further_stacks * terms.stack_usd_per_month,
            further_clouds * terms.cloud_usd_per_month,
        )

    def _pool(
        self, scenario: Scenario, member: FleetMember, pools: Sequence[Mapping[str, PoolSize]]
    ) -> tuple[float | None, int, float, str, bool]:
        """Month's money (None where it cannot be had), chips, watts, reason, feasible."""
        month, count, power, reason, able = 0.0, 0, 0.0, "", True
        if member.traffic_share <= 0:
            return 0.0, 0, 0.0, "", True
        for workload, sizes in zip(scenario.workloads, pools, strict=True):
            size = sizes[member.name]
            if not size.feasible:
                return None, 0, 0.0, size.reason, False
            if size.price.usd is None:
                return None, 0, 0.0, size.price.reason, False
            reason = reason or size.reason
            rate = workload.traffic.request_rate_per_s * member.traffic_share
            replicas = replicas_for(rate, size.cliff, size.saturation)
            replicas += size.candidate.deployment.settings.spare_replicas
            bought = int(chips_in_whole_units(replicas * size.candidate.layout.chips, size.price.unit_size))
            month += float(monthly_cost(size.price.usd, bought))
            count += bought
            power += bought * size.candidate.deployment.values.get("board_power", 0.0)
        return month, count, power, reason, able

    def _tier_outcomes(
        self, scenario: Scenario, members: Sequence[FleetMember], spend: Array
    ) -> tuple[TierOutcome, ...]:
        key = tuple((member.name, member.chip, member.cloud, member.region) for member in members)
        if key not in self._tiers:
            self._tiers = {key: {tier: self._tier(tier, members) for tier in fleet_tiers(members)}}
        tiers, counted = self._tiers[key], scenario.fleet.tiers
        # chips come in whole numbers: most moves of a slider leave the spend as it was
        return self._concentrations.of(
            (key, *spend.tolist(), *counted),
            lambda: tuple(tier_outcome(name, tier, spend, name in counted) for name, tier in tiers.items()),
        )

    def _tier(self, tier: str, members: Sequence[FleetMember]) -> Tier:
        return supply_tier(self._catalog, tier, members)


def stacks_and_clouds(catalog: Catalog, members: Sequence[FleetMember]) -> tuple[list[int], list[int]]:
    """By member, a number for the software stack it most likely runs on and one for its cloud, counted from 0."""
    stack = supply_tier(catalog, "software_stack", members)
    expected = np.einsum("kds,d->ks", stack.structure.assignment, stack.structure.probabilities)
    clouds = [member.cloud or ON_PREMISES for member in members]
    known = list(dict.fromkeys(clouds))
    return expected.argmax(axis=1).tolist(), [known.index(cloud) for cloud in clouds]


def fleet_tiers(members: Sequence[FleetMember]) -> tuple[str, ...]:
    """The tiers that a fleet is judged on; regions only where some member states its own."""
    return tuple(tier for tier in TIERS if tier != "region" or any(member.region for member in members))


def _regions(members: Sequence[FleetMember]) -> Tier:
    """Regions by cloud; a member that states none is in one of those of its cloud, or in another one there."""
    where = [f"{member.cloud} {member.region}".strip() if member.region else "" for member in members]
    elsewhere = [f"{member.cloud or ON_PREMISES}, elsewhere" for member in members]
    names = tuple(dict.fromkeys(place or other for place, other in zip(where, elsewhere, strict=True)))
    table: dict[str, SupplierCandidates] = {}
    silent: list[str] = []
    for member, place, other in zip(members, where, elsewhere, strict=True):
        if place:
            table[member.name] = known_suppliers(np.eye(len(names))[names.index(place)])
            continue
        same = [one for one, near in zip(where, members, strict=True) if one and near.cloud == member.cloud]
        options = tuple(dict.fromkeys([*same, other]))
        places = [names.index(one) for one in options]
        table[member.name] = undisclosed_supplier(places, [1.0] * len(places), len(names))
        silent.append(member.name)
    text = f"{', '.join(silent)}: region not stated" if silent else ""
    return Tier(tier_structure([member.name for member in members], table), names, text)


_TIERS: Kept[Tier] = Kept(64)


def supply_tier(catalog: Catalog, tier: str, members: Sequence[FleetMember]) -> Tier:
    """Who may supply whom at one tier of a fleet; raises UnknownRecordError where a chip has no such link.

    Kept for the fleets asked about last: shares, and all else that a slider moves, do not touch it.
    """
    key = tuple((member.name, member.chip, member.cloud, member.region) for member in members)
    return _TIERS.of((Same(catalog), tier, key), lambda: _supply_tier(catalog, tier, members))


def _supply_tier(catalog: Catalog, tier: str, members: Sequence[FleetMember]) -> Tier:
    if tier == "region":
        return _regions(members)
    if tier == "cloud":
        clouds = [member.cloud or ON_PREMISES for member in members]
        names = tuple(dict.fromkeys(clouds))
        rows = {cloud: known_suppliers(np.eye(len(names))[names.index(cloud)]) for cloud in names}
        return Tier(tier_structure(clouds, rows), names, "")
    links = {}
    for member in members:
        chain = catalog.supply_chain(member.chip).links
        if tier not in chain:
            raise UnknownRecordError(f"{TIER_TITLES[tier].lower()} of chip", member.chip, tuple(chain))
        links[member.chip] = chain[tier]
    names = tuple(dict.fromkeys(one.supplier for link in links.values() for one in link.candidates))
    table: dict[str, SupplierCandidates] = {}
    unknown: list[str] = []
    for chip, link in links.items():
        positions = [names.index(one.supplier) for one in link.candidates]
        weights = [one.weight for one in link.candidates]
        if link.known:
            shares = np.zeros(len(names))
            shares[positions] = weights
            table[chip] = known_suppliers(shares / shares.sum())
        else:
            table[chip] = undisclosed_supplier(positions, weights, len(names))
            if len(positions) > 1:
                unknown.append(catalog.chip(chip).short_name)
    text = f"{', '.join(unknown)}: {TIER_TITLES[tier].lower()} undisclosed" if unknown else ""
    return Tier(tier_structure([member.chip for member in members], table), names, text)


def _replicas(scenario: Scenario, pools: Sequence[Mapping[str, PoolSize]]) -> tuple[PoolReplica, ...]:
    return tuple(
        PoolReplica(
            workload=workload.name,
            member=member.name,
            request_rate=workload.traffic.request_rate_per_s,
            chips=size.candidate.layout.chips,
            largest_rate=size.cliff,
            saturation=size.saturation,
            spare_replicas=size.candidate.deployment.settings.spare_replicas,
            unit_size=size.price.unit_size,
            usd_per_chip_hour=size.price.usd,
            watts_per_chip=_watts_per_chip(size, scenario.price),
            reason=size.reason or size.price.reason,
            rates=size.rates,
            p50=dict(size.p50),
            p99=dict(size.p99),
        )
        for workload, sizes in zip(scenario.workloads, pools, strict=True)
        for member in scenario.fleet.members
        for size in (sizes[member.name],)
    )


def _watts_per_chip(size: PoolSize, price: Price) -> float | None:
    watts = facility_watts(size.candidate.deployment.values, price)
    return None if watts is None else float(watts)


def _power(
    scenario: Scenario, pools: Sequence[Mapping[str, PoolSize]], chips: Sequence[int]
) -> tuple[float | None, str]:
    """Watts of the whole fleet (None where not known of a chip it uses), and the sentence where that is too much."""
    total = 0.0
    for member, count in zip(scenario.fleet.members, chips, strict=True):
        each = _watts_per_chip(pools[0][member.name], scenario.price)
        if each is None and count:
            return None, ""
        total += count * (each or 0.0)
    if within_limit(total, scenario.price):
        return total, ""
    watts = QUANTITIES["watts"]
    limit = watts.format(limit_watts(scenario.price) or 0.0)
    return total, f"the fleet does not fit the power limit of {limit}: it draws {watts.format(total)}"


def tier_outcome(name: str, tier: Tier, spend: Array, counts: bool) -> TierOutcome:
    """How concentrated one tier is at these shares of spend (pools,)."""
    summary = tier_summary(spend, tier.structure)
    share, low, high = (
        table.tolist() for table in (summary.supplier_share, summary.supplier_share_low, summary.supplier_share_high)
    )
    order = sorted(range(len(share)), key=lambda at: -share[at])
    suppliers = tuple(SupplierShare(tier.suppliers[at], share[at], low[at], high[at]) for at in order if high[at] > 0)
    # what needs no supplier at all is nobody's single point of failure, and not whom one depends on most
    real = [at for at in order if tier.suppliers[at] not in NO_DEPENDENCE]
    top = real[0] if real else summary.top_supplier_index
    alone = summary.single_point_of_failure and tier.suppliers[summary.top_supplier_index] not in NO_DEPENDENCE
    return TierOutcome(
        tier=name,
        title=TIER_TITLES[name],
        hhi=Banded(summary.hhi, summary.hhi_low, summary.hhi_high, summary.hhi_median),
        effective_suppliers=Banded(
            summary.effective_suppliers,
            summary.effective_suppliers_low,
            summary.effective_suppliers_high,
            HHI_OF_ONE / summary.hhi_median,
        ),
        top_share=Banded(share[top], low[top], high[top], float(summary.supplier_share_median[top])),
        top_supplier=tier.suppliers[top],
        single_point_of_failure=alone,
        suppliers=suppliers,
        counts=counts,
        unknown=tier.unknown,
    )


def _shares(values: Sequence[float]) -> Array:
    total = sum(values)
    table = np.asarray(values, dtype=np.float64)
    return table / total if total > 0 else np.zeros_like(table)

"""What befalls a fleet when a supplier fails, delays or reprices: capacity, money, P99 and N_eff before and after."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import TIERS, Catalog
from explorer.catalog.supplier import NO_DEPENDENCE
from explorer.engine.concentration import effective_suppliers, tier_shares_over_candidates
from explorer.errors import MissingFigureError, UnknownRecordError
from explorer.scenario.checks import supplier_names
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import Scenario, Shock
from explorer.study.cost_parts import exit_cost
from explorer.study.dependence import features_used, pool_support
from explorer.study.figures import central_values
from explorer.study.fleet import ON_PREMISES, Tier, fleet_tiers, supply_tier
from explorer.study.fleet_whole import Latencies, mixture_p99
from explorer.study.money import owned_per_hour
from explorer.study.outcome import Outcome
from explorer.study.pools import PoolTable, pool_table, spare_capacity
from explorer.study.power import within_limit

Array = NDArray[np.float64]

BYTES_PER_GB = 1e9
KIND_WORDS: Mapping[str, str] = {
    "outage": "fails",
    "delay": "delivers late",
    "price": "reprices",
    "memory_price": "memory reprices",
    "export": "may not be had",
    "cloud_exit": "is left",
}
UNPRICED_TIERS = ("foundry", "packaging", "memory_type", "memory_maker", "software_stack", "country")
"""Tiers whose part of a chip's price nobody has published: their price change cannot be carried through."""


@dataclass(frozen=True, slots=True)
class FleetState:
    """The fleet before or after a shock; None with the shock's note where there is no figure."""

    capacity: float
    """Traffic it could carry with every promise kept, as a share of what is asked."""
    served: float
    usd_per_month: float | None
    p99_s: Latencies
    """By workload and metric: the quantile of the mixture over the pools."""
    effective_suppliers: float | None
    """Chip designers, by spend; by chips during a delay."""


@dataclass(frozen=True, slots=True)
class ShockOutcome:
    """One shock, or several of a common cause, before and after."""

    name: str
    what: str
    shocks: tuple[str, ...]
    before: FleetState
    after: FleetState
    """Capacity, service and P99 at once; money and N_eff of the fleet rebuilt from what is left (during a delay: as it
    waits)."""
    weeks: float
    lost_capacity_weeks: float
    once_usd: float
    """What it costs once, such as leaving a cloud."""
    capex_change_usd: Mapping[str, float]
    """By fleet member: change of the price of one chip."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a shock does to each pool, arrays (pools,)."""

    hit: Array
    """Part of the pool that is gone."""
    price_factor: Array
    capex_change: Array
    rebuilt: bool
    weeks: float
    once_usd: float
    notes: tuple[str, ...]


def usual_shocks(outcome: Outcome) -> tuple[Shock, ...]:
    """What to look at where a scenario states no shocks: the largest supplier of every tier that counts fails, memory
    costs a dollar a gigabyte more, and the largest cloud does what AWS did in January 2026: 15 % more."""
    tiers = [tier for tier in outcome.fleet.tiers if tier.counts and tier.top_supplier not in NO_DEPENDENCE]
    fails = dict.fromkeys(tier.top_supplier for tier in tiers)
    found = [Shock(name=f"{name} fails", kind="outage", supplier=name) for name in fails]
    found.append(Shock(name="memory dearer", kind="memory_price", usd_per_gb=1.0))
    cloud = next((tier for tier in outcome.fleet.tiers if tier.tier == "cloud"), None)
    if cloud is not None and cloud.top_supplier != ON_PREMISES:
        name = cloud.top_supplier
        found.append(Shock(name=f"{name} dearer", kind="price", supplier=name, change=0.15))
    return tuple(found)


def shock_outcomes(
    scenario: Scenario, catalog: Catalog, outcome: Outcome, shocks: tuple[Shock, ...] | None = None
) -> tuple[ShockOutcome, ...]:
    """Every shock (default: of the scenario) alone, then each common cause with all of its shocks together.

    Empty without a fleet that has figures. Raises UnknownRecordError for a supplier nobody knows, naming the key.
    """
    known = supplier_names(catalog, scenario)
    listed = scenario.shocks if shocks is None else shocks
    for at, shock in enumerate(listed):
        if shock.supplier and shock.supplier not in known:
            raise UnknownRecordError(f"supplier at shocks.{at}.supplier", shock.supplier, known)
    if outcome.fleet.usd_per_month is None or not listed:
        return ()
    fleet = _ShockedFleet(scenario, catalog, outcome)
    effects = {shock.name: fleet.effect_of(shock) for shock in listed}
    found = [fleet.outcome_of(shock.name, _what(shock), (shock.name,), effects[shock.name]) for shock in listed]
    causes = dict.fromkeys(shock.cause for shock in listed if shock.cause)
    for cause in causes:
        names = tuple(shock.name for shock in listed if shock.cause == cause)
        if len(names) > 1:
            both = combined([effects[name] for name in names])
            found.append(fleet.outcome_of(cause, f"together: {', '.join(names)}", names, both))
    return tuple(found)


def combined(effects: Sequence[Effect]) -> Effect:
    """Shocks that come together: what one leaves the next one hits; prices multiply, chip prices add."""
    return Effect(
        hit=1.0 - np.prod([1.0 - one.hit for one in effects], axis=0),
        price_factor=np.prod([one.price_factor for one in effects], axis=0),
        capex_change=np.sum([one.capex_change for one in effects], axis=0),
        rebuilt=any(one.rebuilt for one in effects),
        weeks=max(one.weeks for one in effects),
        once_usd=sum(one.once_usd for one in effects),
        notes=tuple(dict.fromkeys(note for one in effects for note in one.notes)),
    )


def _what(shock: Shock) -> str:
    percent = QUANTITIES["share"].format
    part = "" if shock.share >= 1.0 else f" ({percent(shock.share)} of it)"
    if shock.kind == "memory_price":
        sign = "+" if shock.usd_per_gb > 0 else ""
        return f"{shock.supplier or 'memory'} {sign}{QUANTITIES['usd'].format(shock.usd_per_gb)}/GB"
    if shock.kind == "price":
        sign = "+" if shock.change > 0 else ""
        return f"{shock.supplier} {sign}{percent(shock.change)}{part}"
    text = f"{shock.supplier} {KIND_WORDS[shock.kind]}{part}"
    return f"{text}, {shock.weeks:g} weeks" if shock.kind in ("outage", "delay") else text


class _ShockedFleet:
    """A fleet to which shocks can be applied."""

    def __init__(self, scenario: Scenario, catalog: Catalog, outcome: Outcome) -> None:
        self._scenario, self._catalog, self._outcome = scenario, catalog, outcome
        members = scenario.fleet.members
        self._names = tuple(member.name for member in members)
        self._tiers: dict[str, Tier] = {name: supply_tier(catalog, name, members) for name in fleet_tiers(members)}
        self._table = pool_table(outcome.fleet)
        self._traffic = np.asarray([member.traffic_share for member in members])
        self._sizes = self._table.size(self._traffic)
        self._support, _ = pool_support(scenario, catalog, features_used(scenario, outcome))
        headroom = scenario.fleet.headroom
        spare = spare_capacity(self._table, self._traffic) if headroom == "auto" else headroom * self._traffic
        self._spare: Array = spare
        self._before = FleetState(
            capacity=float(np.sum(self._traffic + spare)),
            served=1.0,
            usd_per_month=outcome.fleet.usd_per_month,
            p99_s=self._p99(self._traffic, np.zeros_like(self._traffic)),
            effective_suppliers=self._designers(self._sizes.usd_per_month),
        )

    def effect_of(self, shock: Shock) -> Effect:
        """The effect of one shock on each pool."""
        hit = shock.share * self._reached(shock, _tiers_hit(shock))
        nothing, one = np.zeros_like(hit), np.ones_like(hit)
        notes: list[str] = []
        if shock.supplier and not hit.any():
            notes.append(f"the fleet does not depend on {shock.supplier}")
        notes += [
            f"in expectation: {tier.unknown}"
            for name, tier in self._tiers.items()
            if tier.unknown and shock.supplier in tier.suppliers and name in _tiers_hit(shock)
        ]
        if shock.kind == "price":
            return self._repriced(shock, notes)
        if shock.kind == "memory_price":
            on = hit if shock.supplier else one
            added = on * shock.usd_per_gb * self._figures("memory_capacity") / BYTES_PER_GB
            if self._scenario.price.basis == "offer":
                notes.append("rents stay as offered until the cloud reprices: choose cost plus or owned to see it")
            return Effect(nothing, one, added, False, 0.0, 0.0, tuple(notes))
        once = 0.0
        if shock.kind == "cloud_exit":
            spend = float(self._sizes.usd_per_month @ hit)
            once = exit_cost(self._scenario.fleet.migration, spend, engineering=0.0, egress=True) if spend else 0.0
        return Effect(hit, one, nothing, shock.kind != "delay", shock.weeks, once, tuple(notes))

    def outcome_of(self, name: str, what: str, shocks: tuple[str, ...], effect: Effect) -> ShockOutcome:
        """The fleet before and after an effect."""
        notes = list(effect.notes)
        hit = effect.hit
        left = self._traffic * (1.0 - hit)
        gone = float(self._traffic @ hit)
        room = self._spare * (1.0 - hit)
        ported = room * self._support
        moved = min(gone * (float(ported.sum() / room.sum()) if room.sum() > 0 else 0.0), float(ported.sum()))
        taken = ported / ported.sum() * moved if ported.sum() > 0 else np.zeros_like(ported)
        served = float(left.sum()) + moved
        table = self._priced(effect, notes)
        month, suppliers = self._money(table, effect, notes)
        after = FleetState(
            capacity=float(np.sum(left + room)),
            served=min(served, 1.0),
            usd_per_month=month,
            p99_s=self._p99(left + taken, hit),
            effective_suppliers=suppliers,
        )
        return ShockOutcome(
            name=name,
            what=what,
            shocks=shocks,
            before=self._before,
            after=after,
            weeks=effect.weeks,
            lost_capacity_weeks=effect.weeks * max(0.0, 1.0 - served),
            once_usd=effect.once_usd,
            capex_change_usd=dict(zip(self._names, (float(x) for x in effect.capex_change), strict=True)),
            notes=tuple(notes),
        )

    def _reached(self, shock: Shock, tiers: Collection[str]) -> Array:
        """Part of each pool that hangs on the supplier in one of `tiers`, in expectation over what is undisclosed."""
        kept = np.ones_like(self._traffic)
        for name, tier in self._tiers.items():
            if name in tiers and shock.supplier in tier.suppliers:
                rows = tier.structure.assignment[:, :, tier.suppliers.index(shock.supplier)]
                kept = kept * (1.0 - rows @ tier.structure.probabilities)
        return np.asarray(1.0 - kept)

    def _repriced(self, shock: Shock, notes: list[str]) -> Effect:
        """What the supplier charges moves: a cloud its rents, a designer the price of its chips.

        A cloud that rents out chips of its own makes the rent dearer, once, and nobody else's chips.
        """
        basis = self._scenario.price.basis
        rented, designed = (shock.share * self._reached(shock, (tier,)) for tier in ("cloud", "designer"))
        factor, added = np.ones_like(rented), np.zeros_like(rented)
        where = [name for name, tier in self._tiers.items() if shock.supplier in tier.suppliers]
        if "cloud" in where:
            if basis == "own":
                notes.append("what is owned pays no rent")
            else:
                factor = 1.0 + shock.change * rented
        if "designer" in where:
            if basis == "offer" and "cloud" not in where:
                notes.append("rents stay as offered until the cloud reprices: choose cost plus or owned to see it")
            elif basis != "offer":
                bought = designed if basis == "own" else designed * (1.0 - rented)
                added = shock.change * bought * self._figures("capex")
        elif any(name in UNPRICED_TIERS for name in where) and "cloud" not in where:
            notes.append(f"what part of a chip's price goes to {shock.supplier} is not published: bill unchanged")
        return Effect(np.zeros_like(rented), factor, added, False, 0.0, 0.0, tuple(notes))

    def _figures(self, name: str) -> Array:
        values: list[float] = []
        for member in self._scenario.fleet.members:
            found = central_values(self._catalog.chip(member.chip), self._scenario.overrides.get(member.chip, {}))
            if name not in found:
                raise MissingFigureError(f"chip '{member.chip}'", name, "a shock to its price")
            values.append(found[name])
        return np.asarray(values)

    def _priced(self, effect: Effect, notes: list[str]) -> PoolTable:
        """The pools at the prices after the shock."""
        usd = self._table.usd_per_chip_hour * effect.price_factor
        price = self._scenario.price
        if price.basis == "offer" or not effect.capex_change.any():
            return replace(self._table, usd_per_chip_hour=usd)
        ratios = np.ones(len(self._names))
        for at, member in enumerate(self._scenario.fleet.members):
            chip = self._catalog.chip(member.chip)
            values = central_values(chip, self._scenario.overrides.get(member.chip, {}))
            # the chip alone has become dearer, not what is built around it
            dearer = values["capex"] + effect.capex_change[at] / (1.0 + price.system_overhead_share)
            if dearer < 0:
                notes.append(f"{member.name}: the price of a chip would fall below nothing")
                dearer = 0.0
            now = float(owned_per_hour(chip, values, price).total)
            ratios[at] = float(owned_per_hour(chip, {**values, "capex": dearer}, price).total) / now
        return replace(self._table, usd_per_chip_hour=usd * ratios)

    def _money(self, table: PoolTable, effect: Effect, notes: list[str]) -> tuple[float | None, float | None]:
        """USD a month and effective designers afterwards."""
        if not effect.rebuilt:
            # what waits is not billed; what has come is
            here = 1.0 - effect.hit
            months = table.size(self._traffic).usd_per_month * here
            shares = self._sizes.chips * here if effect.hit.any() else months
            if not shares.sum() > 0:
                notes.append("nothing has been delivered")
                return float(months.sum()), None
            return float(months.sum()), self._designers(shares)
        left = self._traffic * (1.0 - effect.hit)
        # a supplier that is all but certain to be needed leaves nothing to build on
        if not left.sum() > 1e-9:
            notes.append("nothing is left to carry the traffic")
            return None, None
        rebuilt = table.size(left / left.sum())
        months = rebuilt.usd_per_month
        if not within_limit(np.nan_to_num(rebuilt.watts.sum()), self._scenario.price):
            notes.append("the rebuilt fleet does not fit the power limit")
        total = float(months.sum())
        if not math.isfinite(total):
            notes.append("what is left has no price")
            return None, None
        return total, self._designers(months)

    def _designers(self, weights: Array) -> float | None:
        if not weights.sum() > 0:
            return None
        structure = self._tiers["designer"].structure
        shares = tier_shares_over_candidates(weights / weights.sum(), structure)[0]
        return float(effective_suppliers(shares))

    def _p99(self, loads: Array, hit: Array) -> Latencies:
        """P99 by workload and metric of pools that carry these shares with what is left of their replicas; spares
        stand by as long as nothing is hit."""
        replicas = self._sizes.replicas * (1.0 - hit)
        if not hit.any():
            replicas = replicas - self._table.spares * (self._traffic > 0)
        return mixture_p99(self._outcome.fleet.replicas, loads, replicas)


def _tiers_hit(shock: Shock) -> tuple[str, ...]:
    """Tiers at which the shock finds its supplier."""
    return {"cloud_exit": ("cloud",), "export": ("country",)}.get(shock.kind, TIERS)

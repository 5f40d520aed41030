"""The price of independence: the cheapest fleet for each risk, over all mixes of the fleet's chips."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.engine.concentration import HHI_OF_ONE, tier_shares_over_candidates
from explorer.scenario.schema import Scenario
from explorer.study.dependence import features_used, pool_support, real_suppliers
from explorer.study.fleet import TIER_TITLES, Tier, stacks_and_clouds, supply_tier
from explorer.study.outcome import Outcome
from explorer.study.pools import PoolTable, pool_table
from explorer.study.power import within_limit

Array = NDArray[np.float64]

LARGEST_FLEET = 8
MOST_MIXES = 12_000
MOST_NUMBERS = 1_500_000
"""Mixes times what each has to be looked at for: suppliers times combinations of those undisclosed."""
STEPS = (100, 60, 50, 40, 30, 24, 20, 12, 10, 8, 6, 5, 4)
"""Parts into which the traffic may be cut, finest first; the finest with few enough mixes is taken."""
CHUNK = 16_000
"""Numbers of one table that are worked on at once: they stay in the processor's cache."""
Risk = Literal["n1_loss", "effective_suppliers"]


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """One mix: traffic shares in the fleet's order, USD a month, and its risk."""

    shares: tuple[float, ...]
    usd_per_month: float
    further_usd_per_month: float
    """Part of it that no pool costs: software stacks and clouds beyond the first."""
    n1_loss: float
    """Traffic lost when the worst supplier of the tier fails, in expectation over what is undisclosed."""
    effective_suppliers: float
    """Of the tier, by spend."""
    single_supplier: bool


@dataclass(frozen=True, slots=True)
class Frontier:
    """Cost against risk at one tier: the cloud of mixes as arrays (mixes,), and the two lower edges of it."""

    tier: str
    title: str
    members: tuple[str, ...]
    usd_per_month: Array
    n1_loss: Array
    effective_suppliers: Array
    by_loss: tuple[FrontierPoint, ...]
    """Cheapest for each loss: cost rises as the loss falls."""
    by_suppliers: tuple[FrontierPoint, ...]
    """Cheapest for each effective number of suppliers."""
    present: FrontierPoint | None
    excluded: tuple[str, ...]
    """Members that cannot keep the promises or have no price, with the reason; no mix uses them."""
    step: float
    reason: str = ""


@lru_cache(maxsize=8)
def mixes(pools: int, steps: int) -> Array:
    """All shares (mixes, pools) in multiples of 1/steps that sum to 1: stars and bars, C(steps+pools-1, pools-1)."""
    if pools == 1:
        return np.ones((1, 1))
    bars = np.asarray(list(combinations(range(steps + pools - 1), pools - 1)), dtype=np.int64)
    edges = np.concatenate([np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), steps + pools - 1)], axis=1)
    counts = np.diff(edges, axis=1) - 1
    table = counts / float(steps)
    table.setflags(write=False)
    return table


def steps_for(pools: int, looked_at: int = 1) -> int:
    """The finest cut of the traffic that leaves few enough mixes, each of which is looked at so many times."""
    most = min(MOST_MIXES, MOST_NUMBERS // looked_at)
    return next((n for n in STEPS if comb(n + pools - 1, pools - 1) <= most), STEPS[-1])


def no_frontier(tier: str, reason: str, members: tuple[str, ...] = (), excluded: tuple[str, ...] = ()) -> Frontier:
    """No mixes, and why."""
    nothing = np.zeros(0)
    return Frontier(tier, TIER_TITLES[tier], members, nothing, nothing, nothing, (), (), None, excluded, 0.0, reason)


def _left_out(name: str, reason: str) -> str:
    """A member that no mix uses, and why: "AI200 keeps the 1T MoE promises at no rate"."""
    if not reason:
        return f"{name} has no price"
    return reason if reason.startswith(name) else f"{name}: {reason}"


def fleet_frontier(scenario: Scenario, catalog: Catalog, outcome: Outcome, tier: str = "designer") -> Frontier:
    """The frontier of a scenario's fleet at one tier; a reason instead of points where no mix can be had.

    Only mixes of members that keep every promise are taken. Each is sized pool by pool, with whole replicas, units and
    spares, plus the stated cost of each software stack and cloud beyond the first. Raises UnknownRecordError for a chip
    without suppliers at the tier.
    """
    members = scenario.fleet.members
    names = tuple(member.name for member in members)
    table = pool_table(outcome.fleet)
    priced = np.all(np.isfinite(table.usd_per_chip_hour), axis=0) & bool(len(table.rates))
    usable = [at for at in range(len(names)) if len(table.keeps) and table.keeps[at] and priced[at]]
    excluded = tuple(
        _left_out(name, table.reasons[at]) for at, name in enumerate(names) if len(table.rates) and at not in usable
    )
    if not usable:
        # why one of its members cannot stands with the fleet itself
        nobody = "no member of the fleet keeps the promises at a known price"
        reason = nobody if outcome.fleet.pools else outcome.fleet.reason
        return no_frontier(tier, reason, names, excluded)
    if len(usable) > LARGEST_FLEET:
        reason = (
            f"{len(usable)} chips of the fleet could share the traffic; the frontier takes at most {LARGEST_FLEET}: "
            "take some out of the fleet"
        )
        return no_frontier(tier, reason, names, excluded)
    costing = _Costing(scenario, catalog, outcome, table, tier)
    steps = steps_for(len(usable), costing.looked_at)
    some = mixes(len(usable), steps)
    shares = np.zeros((len(some), len(names)))
    shares[:, usable] = some
    now = np.asarray([[member.traffic_share for member in members]])
    month, further, loss, suppliers = costing.of(shares)
    if not np.isfinite(month).any():
        reason = "no mix of the fleet's chips fits the power limit"
        return no_frontier(tier, reason, names, excluded)
    found = costing.of(now)
    present = _point(now, *found, 0) if np.isfinite(found[0][0]) else None
    return Frontier(
        tier=tier,
        title=TIER_TITLES[tier],
        members=names,
        usd_per_month=month,
        n1_loss=loss,
        effective_suppliers=suppliers,
        by_loss=tuple(_point(shares, month, further, loss, suppliers, at) for at in lower_edge(month, loss)),
        by_suppliers=tuple(_point(shares, month, further, loss, suppliers, at) for at in lower_edge(month, -suppliers)),
        present=present,
        excluded=excluded,
        step=1.0 / steps,
    )


def lower_edge(cost: Array, risk: Array) -> list[int]:
    """Positions of the mixes that nothing beats in both cost and risk, the least risk first."""
    order = np.lexsort((cost, np.round(risk, 9)))
    # from the riskiest (and cheapest) on, the best cost among all that are no riskier
    best = np.minimum.accumulate(cost[order])
    before = np.concatenate([[np.inf], best[:-1]])
    return [int(at) for at in order[cost[order] < before * (1.0 - 1e-12)]]


def _point(shares: Array, month: Array, further: Array, loss: Array, suppliers: Array, at: int) -> FrontierPoint:
    return FrontierPoint(
        shares=tuple(float(share) for share in shares[at]),
        usd_per_month=float(month[at]),
        further_usd_per_month=float(further[at]),
        n1_loss=float(loss[at]),
        effective_suppliers=float(suppliers[at]),
        single_supplier=bool(suppliers[at] < 1.0 + 1e-9),
    )


class _Costing:
    """Cost and risk of many mixes at once."""

    def __init__(self, scenario: Scenario, catalog: Catalog, outcome: Outcome, table: PoolTable, tier: str) -> None:
        members, fleet = scenario.fleet.members, scenario.fleet
        self._table = table
        self._tier: Tier = supply_tier(catalog, tier, members)
        _, draws, suppliers = self._tier.structure.assignment.shape
        self.looked_at = draws * suppliers
        """Numbers a mix: every supplier in every combination of those undisclosed."""
        self._real = real_suppliers(self._tier)
        self._support, _ = pool_support(scenario, catalog, features_used(scenario, outcome))
        self._headroom = None if fleet.headroom == "auto" else float(fleet.headroom)
        stacks, clouds = stacks_and_clouds(catalog, members)
        self._stack, self._cloud = _one_hot(stacks), _one_hot(clouds)
        self._price = scenario.price
        self._per_stack, self._per_cloud = fleet.stack_usd_per_month, fleet.cloud_usd_per_month
        # how far two pools hang on the same suppliers, (pools, pools): the mean over what is undisclosed
        who = self._tier.structure
        self._alike = np.einsum("kds,lds,d->kl", who.assignment, who.assignment, who.probabilities)

    def of(self, shares: Array) -> tuple[Array, Array, Array, Array]:
        """USD a month, the part of it for further stacks and clouds, N-1 loss and effective suppliers (mixes,) of
        shares (mixes, pools)."""
        sizes = self._table.size(shares)
        used = (shares > 0).astype(np.float64)
        pools = sizes.usd_per_month.sum(axis=1)
        stacks = np.count_nonzero(used @ self._stack, axis=1)
        clouds = np.count_nonzero(used @ self._cloud, axis=1)
        further = self._per_stack * (stacks - 1) + self._per_cloud * (clouds - 1)
        month = pools + further
        # a mix that does not fit the power limit cannot be had for any money
        month = np.where(within_limit(np.nan_to_num(sizes.watts.sum(axis=1)), self._price), month, np.inf)
        spare = np.nan_to_num(np.maximum(sizes.capacity - shares, 0.0)) * used
        chunk = max(CHUNK // self.looked_at, 1)
        loss = np.concatenate(
            [self._loss(shares[at : at + chunk], spare[at : at + chunk]) for at in range(0, len(shares), chunk)]
        )
        spend = np.nan_to_num(sizes.usd_per_month / np.where(pools > 0, pools, 1.0)[:, None])
        # as on the concentration plot: 10,000 over the mean HHI of the draws, a quadratic form of the pools' spend
        mean_hhi = HHI_OF_ONE * np.einsum("mk,kl,ml->m", spend, self._alike, spend, optimize=True)
        effective = HHI_OF_ONE / np.where(mean_hhi > 0, mean_hhi, HHI_OF_ONE)
        return month, further, loss, np.where(np.isfinite(pools), effective, np.nan)

    def _loss(self, shares: Array, spare: Array) -> Array:
        """Traffic lost when the worst supplier fails, (mixes,), for shares and spare capacity (mixes, pools)."""
        structure = self._tier.structure
        taken = tier_shares_over_candidates(shares, structure)
        # all that is spare less what hangs on the supplier
        free = spare.sum(axis=1)[:, None, None] - tier_shares_over_candidates(spare, structure)
        ported = (spare @ self._support)[:, None, None] - tier_shares_over_candidates(spare * self._support, structure)
        if self._headroom is None:
            rescued = np.minimum(taken * _ratio(ported, free), np.maximum(ported, 0.0))
        else:
            left = np.maximum(1.0 - taken, 0.0)
            rescued = _ratio(ported, free) * np.minimum(taken, self._headroom * left)
            none_spare = spare.sum(axis=1) <= 0
            if none_spare.any():
                weight = shares[none_spare]
                kept = 1.0 - tier_shares_over_candidates(weight, structure)
                fits = (weight @ self._support)[:, None, None] - tier_shares_over_candidates(
                    weight * self._support, structure
                )
                rescued[none_spare] = _ratio(fits, kept) * np.minimum(
                    taken[none_spare], self._headroom * left[none_spare]
                )
        # whoever it is that fails: the worst in each draw, then over what is undisclosed
        worst = ((taken - rescued) * self._real).max(axis=2)
        return np.asarray(worst @ structure.probabilities)


def _ratio(part: Array, whole: Array) -> Array:
    """Quotient from 0 to 1; 0 where there is no whole."""
    found = np.divide(part, whole, out=np.zeros_like(part), where=whole > 1e-12)
    return np.clip(found, 0.0, 1.0, out=found)


def _one_hot(positions: list[int]) -> Array:
    return np.eye(max(positions) + 1)[positions]

"""How many replicas keep the promises: the cliff of every candidate layout, and which layout is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.engine.latency import largest_rate_within
from explorer.engine.records import StepConstants
from explorer.scenario.schema import Stragglers
from explorer.study.deployment import Candidate, rows_of
from explorer.study.kept import Kept, Same
from explorer.study.replica import (
    Demand,
    ReplicaTable,
    Rows,
    StepGrid,
    latencies,
    replica_table,
    select_rows,
    step_grid,
)
from explorer.study.resolve import ServedModel

Array = NDArray[np.float64]

SEARCH_LOADS = 12
_FIFTHS = np.linspace(0.0, 1.0, 5)
SAFE_LOAD = 0.8
"""Share of saturation to which a deployment is loaded when no load keeps the promises."""


LEAST_LOAD, LARGEST_LOAD = 0.004, 0.995


@lru_cache(maxsize=16)
def load_ladder(points: int) -> Array:
    """Shares of saturation, denser towards 1, where latencies turn."""
    t = np.linspace(0.0, 1.0, points)
    ladder = LEAST_LOAD + (LARGEST_LOAD - LEAST_LOAD) * (1.0 - (1.0 - t) ** 1.7)
    ladder.setflags(write=False)
    return np.asarray(ladder)


def grid_of(
    served: ServedModel,
    demand: Demand,
    rows: Rows,
    constants: StepConstants,
    stragglers: Stragglers,
    sequence_sharding: bool,
) -> StepGrid:
    """Step times of engine rows with the scenario's stragglers; a few rows' are kept while only the traffic moves."""

    def timed() -> StepGrid:
        return step_grid(
            served.shape,
            demand,
            rows,
            constants,
            stall_probability=stragglers.stall_probability,
            sequence_sharding=sequence_sharding,
        )

    if len(rows.caps) > MOST_KEPT_ROWS:
        return timed()
    caps, budgets = tuple(rows.caps.tolist()), tuple(rows.token_budget.ravel().tolist())
    question = (Same(rows.spec), caps, budgets, demand, stragglers.stall_probability, sequence_sharding)
    return _GRIDS.of((served.shape, constants, *question), timed)


def table_of(
    grid: StepGrid, demand: Demand, constants: StepConstants, stragglers: Stragglers, *, coarse: bool = False
) -> ReplicaTable:
    """What of replicas does not depend on the load; a few rows' is kept while only the traffic moves."""
    if len(grid.caps) > MOST_KEPT_ROWS:
        return replica_table(grid, demand, constants, stall_s=stragglers.stall_s, coarse=coarse)
    return _TABLES.of(
        (Same(grid), demand, constants, stragglers.stall_s, coarse),
        lambda: replica_table(grid, demand, constants, stall_s=stragglers.stall_s, coarse=coarse),
    )


MOST_KEPT_ROWS = 256
_GRIDS: Kept[StepGrid] = Kept(6)
_PICKED_GRIDS: Kept[StepGrid] = Kept(6)
_TABLES: Kept[ReplicaTable] = Kept(9)


def replicas_for(rate: float, cliff_rate: float, saturation: float) -> int:
    """Fewest replicas that keep every promise at `rate`; where none does, as many as carry it at a safe load."""
    per_replica = cliff_rate if cliff_rate > 0 else SAFE_LOAD * saturation
    return max(1, int(np.ceil(rate / per_replica - 1e-9)))


def _between(rates: Array, cliffs: Array) -> Array:
    """Loads (rows, 5) from the last of the ascending `rates` (rows, loads) below each cliff to the next one."""
    rows, last = np.arange(rates.shape[0]), rates.shape[1] - 1
    above = np.minimum(np.sum(rates < cliffs[:, None], axis=1), last)
    low = rates[rows, np.maximum(above - 1, 0)]
    return np.asarray(low[:, None] + (rates[rows, above] - low)[:, None] * _FIFTHS)


def choose_layouts(
    groups: Sequence[Sequence[Candidate]],
    served: ServedModel,
    demand: Demand,
    limits: Mapping[str, float],
    rate: float,
    units: Sequence[int],
    constants: StepConstants,
    stragglers: Stragglers,
    sequence_sharding: bool,
) -> tuple[list[Candidate], StepGrid]:
    """For each deployment the candidate with the fewest chips bought that keeps the promises at `rate`.

    Ties go to the fewest chips used, then to the largest margin. Where none keeps them: the one that comes
    closest to the promises at light load. Only candidates that fit may be given. Returns the choices and their
    step times, a row each.
    """
    flat = [candidate for group in groups for candidate in group]
    unit_of = [unit for unit, group in zip(units, groups, strict=True) for _ in group]
    ends = np.cumsum([len(group) for group in groups]).tolist()
    rows_of_group = [list(range(end - len(group), end)) for group, end in zip(groups, ends, strict=True)]

    rows = rows_of(flat, constants, stragglers.jitter_sigma)
    grid = grid_of(served, demand, rows, constants, stragglers, sequence_sharding)
    if len(flat) == len(groups):
        return flat, grid

    spares = np.asarray([one.deployment.settings.spare_replicas for one in flat])
    chips, bought_in = np.asarray([one.layout.chips for one in flat]), np.asarray(unit_of)

    def needed(cliffs: Array) -> list[Need]:
        replicas = np.maximum(np.ceil(rate / cliffs - 1e-9), 1.0)
        used = (replicas + spares) * chips
        bought = np.ceil(used / bought_in - 1e-9) * bought_in
        return list(zip(bought.tolist(), used.tolist(), replicas.tolist(), strict=True))

    picked = _Search(grid, demand, limits, constants, stragglers, needed).picks(rows_of_group)
    chosen = _PICKED_GRIDS.of((Same(grid), *picked), lambda: grid.rows(np.asarray(picked)))
    return [flat[row] for row in picked], chosen


Need = tuple[float, float, float]
"""Chips bought, chips used, replicas: whole numbers."""


class _Search:
    """Candidates under load, a row each: between which loads their cliffs lie, and the best of each group.

    `needed` tells what the rows need to carry the traffic with given cliffs (rows,), requests/s.
    """

    def __init__(
        self,
        grid: StepGrid,
        demand: Demand,
        limits: Mapping[str, float],
        constants: StepConstants,
        stragglers: Stragglers,
        needed: Callable[[Array], list[Need]],
    ) -> None:
        self._limits, self._needed = limits, needed
        self._table = table_of(grid, demand, constants, stragglers, coarse=True)
        rates = load_ladder(SEARCH_LOADS)[None, :] * self._table.chain.saturation[:, None]
        p99 = self._p99(self._table, rates)
        cliffs = largest_rate_within(rates, [(p99[metric], limit) for metric, limit in limits.items()])
        self._between = _between(rates, cliffs)
        self._cliffs = cliffs
        light = [np.log(p99[metric][:, 0] / limit) for metric, limit in limits.items()]
        self._shortfall = np.max(np.stack(light), axis=0).tolist() if light else [0.0] * len(rates)

    def picks(self, groups: Sequence[Sequence[int]]) -> list[int]:
        """The best row of each group."""
        contenders = self._contenders(groups)
        close = [row for some in contenders if len(some) > 1 for row in some if self._cliffs[row] > 0]
        if close and self._limits:
            # once more between the two loads about it: where nearly no load is kept, a straight line errs by a third
            rates = self._between[close]
            p99 = self._p99(select_rows(self._table, np.asarray(close)), rates)
            cliffs = largest_rate_within(rates, [(p99[metric], limit) for metric, limit in self._limits.items()])
            self._cliffs[close] = cliffs
        ranks = self._ranks()
        return [min(some, key=ranks.__getitem__) for some in contenders]

    def _p99(self, table: ReplicaTable, rates: Array) -> dict[str, Array]:
        metrics = tuple(self._limits) or ("tpot",)
        quantiles = (0.5, 0.99) if "e2e" in self._limits else (0.99,)
        found = latencies(table, rates, metrics=metrics, quantiles=quantiles).table
        return {metric: values[0.99] for metric, values in found.items()}

    def _contenders(self, groups: Sequence[Sequence[int]]) -> list[list[int]]:
        """Rows of each group that may be the best, whose cliffs must be told apart; all where none keeps a promise."""
        able = (self._cliffs > 0).tolist()
        most, least = (self._needed(self._between[:, end]) for end in (0, -1))
        found: list[list[int]] = []
        for group in groups:
            good = [row for row in group if able[row]]
            surely = min((most[row][:2] for row in good), default=None)
            found.append(list(group) if surely is None else [row for row in good if least[row][:2] <= surely])
        return found

    def _ranks(self) -> list[tuple[int, float, float, float, int]]:
        """What decides between rows, the best least."""
        kept = self._cliffs > 0
        needs = self._needed(np.where(kept, self._cliffs, SAFE_LOAD * self._table.chain.saturation))
        return [
            (0, bought, used, -replicas * cliff, row) if cliff > 0 else (1, shortfall, used, 0.0, row)
            for row, ((bought, used, replicas), cliff, shortfall) in enumerate(
                zip(needs, self._cliffs.tolist(), self._shortfall, strict=True)
            )
        ]

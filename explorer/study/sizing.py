"""How many replicas keep the promises: the cliff of every candidate layout, and which layout is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.engine.latency import largest_rate_within
from explorer.engine.records import StepConstants
from explorer.scenario.schema import Stragglers
from explorer.study.deployment import Candidate, rows_of
from explorer.study.replica import Demand, Rows, StepGrid, latencies, replica_table, step_grid
from explorer.study.resolve import ServedModel

Array = NDArray[np.float64]

SEARCH_LOADS = 12
SAFE_LOAD = 0.8
"""Share of saturation to which a deployment is loaded when no load keeps the promises."""


def load_ladder(points: int) -> Array:
    """Shares of saturation, denser towards 1, where latencies turn."""
    t = np.linspace(0.0, 1.0, points)
    return 0.004 + 0.991 * (1.0 - (1.0 - t) ** 1.7)


def grid_of(
    served: ServedModel,
    demand: Demand,
    rows: Rows,
    constants: StepConstants,
    stragglers: Stragglers,
    sequence_sharding: bool,
) -> StepGrid:
    """Step times of engine rows with the scenario's stragglers."""
    return step_grid(
        served.shape,
        demand,
        rows,
        constants,
        stall_probability=stragglers.stall_probability,
        sequence_sharding=sequence_sharding,
    )


def replicas_for(rate: float, cliff_rate: float, saturation: float) -> int:
    """Fewest replicas that keep every promise at `rate`; where none does, as many as carry it at a safe load."""
    per_replica = cliff_rate if cliff_rate > 0 else SAFE_LOAD * saturation
    return max(1, int(np.ceil(rate / per_replica - 1e-9)))


def _between(rates: Array, cliffs: Array) -> Array:
    """Loads (rows, 5) from the last of the ascending `rates` (rows, loads) below each cliff to the next one."""
    rows, last = np.arange(rates.shape[0]), rates.shape[1] - 1
    above = np.minimum(np.sum(rates < cliffs[:, None], axis=1), last)
    low = rates[rows, np.maximum(above - 1, 0)]
    return np.asarray(low[:, None] + (rates[rows, above] - low)[:, None] * np.linspace(0.0, 1.0, 5))


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
    starts = np.cumsum([0] + [len(group) for group in groups])
    grid = grid_of(
        served, demand, rows_of(flat, constants, stragglers.jitter_sigma), constants, stragglers, sequence_sharding
    )
    if len(flat) == len(groups):
        return flat, grid
    table = replica_table(grid, demand, constants, stall_s=stragglers.stall_s, coarse=True)
    at = load_ladder(SEARCH_LOADS)[None, :] * table.chain.saturation[:, None]
    metrics = tuple(limits) or ("tpot",)
    quantiles = (0.5, 0.99) if "e2e" in limits else (0.99,)
    found = latencies(table, at, metrics=metrics, quantiles=quantiles).table
    cliffs = largest_rate_within(at, [(found[metric][0.99], limit) for metric, limit in limits.items()])
    if limits:
        # once more between the two loads about it: where nearly no load is kept, a straight line errs by a third
        between = _between(at, cliffs)
        closer = latencies(table, between, metrics=metrics, quantiles=quantiles).table
        cliffs = largest_rate_within(between, [(closer[metric][0.99], limit) for metric, limit in limits.items()])
    light = [np.log(found[metric][0.99][:, 0] / limit) for metric, limit in limits.items()]
    shortfall = np.max(np.stack(light), axis=0) if light else np.zeros(len(flat))
    picked: list[int] = []
    for group, start, unit in zip(groups, starts, units, strict=False):
        ranking: list[tuple[int, float, int, float, int]] = []
        for row, candidate in enumerate(group, start=int(start)):
            replicas = replicas_for(rate, float(cliffs[row]), float(table.chain.saturation[row]))
            used = (replicas + candidate.deployment.settings.spare_replicas) * candidate.layout.chips
            bought = -(-used // unit) * unit
            if cliffs[row] > 0:
                ranking.append((0, bought, used, -replicas * float(cliffs[row]), row))
            else:
                ranking.append((1, float(shortfall[row]), used, 0.0, row))
        picked.append(min(ranking)[-1])
    return [flat[row] for row in picked], grid.rows(np.asarray(picked))

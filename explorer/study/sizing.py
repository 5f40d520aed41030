"""How many replicas keep the promises: the cliff of every candidate layout, and which layout is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.engine.queueing import largest_rate_within
from explorer.engine.records import StepConstants
from explorer.scenario.schema import Stragglers
from explorer.study.deployment import Candidate, rows_of
from explorer.study.replica import Demand, ReplicaTable, Rows, latencies, replica_table
from explorer.study.resolve import ServedModel

Array = NDArray[np.float64]

SEARCH_LOADS = 12
SAFE_LOAD = 0.8
"""Share of saturation to which a deployment is loaded when no load keeps the promises."""


def load_ladder(points: int) -> Array:
    """Shares of saturation, denser towards 1, where latencies turn."""
    t = np.linspace(0.0, 1.0, points)
    return 0.004 + 0.991 * (1.0 - (1.0 - t) ** 1.7)


def table_of(
    served: ServedModel,
    demand: Demand,
    rows: Rows,
    constants: StepConstants,
    stragglers: Stragglers,
    sequence_sharding: bool,
    *,
    coarse: bool = False,
) -> ReplicaTable:
    """Replica table of engine rows with the scenario's stragglers; `coarse` for draws and searches."""
    return replica_table(
        served.shape,
        demand,
        rows,
        constants,
        stall_probability=stragglers.stall_probability,
        stall_s=stragglers.stall_s,
        sequence_sharding=sequence_sharding,
        coarse=coarse,
    )


def replicas_for(rate: float, cliff_rate: float, saturation: float) -> int:
    """Fewest replicas that keep every promise at `rate`; where none does, as many as carry it at a safe load."""
    per_replica = cliff_rate if cliff_rate > 0 else SAFE_LOAD * saturation
    return max(1, int(np.ceil(rate / per_replica - 1e-9)))


def choose_layouts(
    groups: Sequence[Sequence[Candidate]],
    served: ServedModel,
    demand: Demand,
    limits: Mapping[str, float],
    rates: Sequence[float],
    units: Sequence[int],
    constants: StepConstants,
    stragglers: Stragglers,
    sequence_sharding: bool,
) -> list[Candidate]:
    """For each deployment the candidate with the fewest chips bought that keeps the promises at its rate.

    Ties go to the fewest chips used, then to the largest margin. Where none keeps them: the one that comes
    closest to the promises at light load. Only candidates that fit may be given.
    """
    open_groups = [group for group in groups if len(group) > 1]
    if not open_groups:
        return [group[0] for group in groups]
    flat = [candidate for group in open_groups for candidate in group]
    rows = rows_of(flat, constants, stragglers.jitter_sigma)
    table = table_of(served, demand, rows, constants, stragglers, sequence_sharding, coarse=True)
    shares = load_ladder(SEARCH_LOADS)[None, :]
    at = shares * table.chain.saturation[:, None]
    metrics = tuple(limits) or ("tpot",)
    found = latencies(table, at, metrics=metrics)
    cliffs = largest_rate_within(at, [(found.table[metric][0.99], limit) for metric, limit in limits.items()])
    light = [np.log(found.table[metric][0.99][:, 0] / limit) for metric, limit in limits.items()] or [
        np.zeros(len(flat))
    ]
    shortfall = np.max(np.stack(light), axis=0)
    chosen: list[Candidate] = []
    start = 0
    for group, rate, unit in zip(groups, rates, units, strict=True):
        if len(group) == 1:
            chosen.append(group[0])
            continue
        ranking: list[tuple[int, float, int, float, int]] = []
        for index, candidate in enumerate(group):
            row = start + index
            keeps = cliffs[row] > 0
            replicas = replicas_for(rate, float(cliffs[row]), float(table.chain.saturation[row]))
            used = replicas * candidate.layout.chips
            bought = -(-used // unit) * unit
            if keeps:
                ranking.append((0, bought, used, -replicas * float(cliffs[row]), index))
            else:
                ranking.append((1, float(shortfall[row]), used, 0.0, index))
        start += len(group)
        chosen.append(group[min(ranking)[-1]])
    return chosen

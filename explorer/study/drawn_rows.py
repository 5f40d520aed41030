"""Many drawn rows under load: in the window by arrays, in the worker by compiled code once it is there.

The window's process must never import a compiler, so which of the two it is, is not asked here: whoever may have
compiled code says so once, with `use`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.study.answers import Context
from explorer.study.correction import Correction
from explorer.study.replica import latencies
from explorer.study.resolve import step_constants
from explorer.study.sizing import grid_of, table_of
from explorer.study.step_grid import Rows

Array = NDArray[np.float64]
Table = dict[str, dict[float, Array]]

Solver = Callable[[Context, Rows, Array, Array, tuple[str, ...], Sequence[Correction | None]], tuple[Table, Array]]
"""Rows, rates (rows, loads), replicas (rows,), latencies asked for, corrections by row (or none) to quantiles
(rows, loads) and saturations (rows,)."""


def by_arrays(
    context: Context,
    rows: Rows,
    rates: Array,
    replicas: Array,
    metrics: tuple[str, ...],
    corrections: Sequence[Correction | None],
) -> tuple[Table, Array]:
    """The rows under load without compiled code."""
    constants, stragglers = step_constants(), context.scenario.stragglers
    grid = grid_of(context.served, context.demand, rows, constants, stragglers, context.sharded)
    table = table_of(grid, context.demand, constants, stragglers, coarse=True)
    if any(corrections):
        table = replace(table, corrections=tuple(corrections))
    return latencies(table, rates, replicas=replicas, metrics=metrics).table, table.saturation


_in_use: list[Solver] = [by_arrays]


def use(solver: Solver) -> None:
    """Have this process's drawn rows solved by `solver` from now on."""
    _in_use[0] = solver


def under_load(
    context: Context,
    rows: Rows,
    rates: Array,
    replicas: Array,
    metrics: tuple[str, ...],
    corrections: Sequence[Correction | None] = (),
) -> tuple[Table, Array]:
    """Latency quantiles of rows at `rates` a replica (rows, loads), and the largest rate of each (rows,)."""
    return _in_use[0](context, rows, rates, replicas, metrics, corrections)

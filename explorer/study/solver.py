"""Rows timed and put under load: by arrays, or by compiled loops once this process has them. The same within rounding.

Loading compiled code takes a moment and making it takes a compiler, so none of it is asked for here: whoever has it
says so once, with `use`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from explorer.engine.batch_nodes import COARSE
from explorer.engine.queueing import Chain, LoadState
from explorer.engine.records import ModelShape, StepConstants
from explorer.scenario.schema import Stragglers
from explorer.study.correction import Correction, capacities, loads_simulated, put_on
from explorer.study.demand import Demand
from explorer.study.kept import Kept, Same
from explorer.study.replica import ReplicaTable, batch_quantile, latencies, replica_table
from explorer.study.solved import Asked, Solved, Standing, Table, within_limits
from explorer.study.step_grid import Rows, StepGrid, step_grid

Array = NDArray[np.float64]


class Solver(Protocol):
    """What times rows and puts them under load."""

    def timed(
        self,
        shape: ModelShape,
        demand: Demand,
        rows: Rows,
        constants: StepConstants,
        *,
        stall_probability: float,
        sequence_sharding: bool,
    ) -> StepGrid:
        """As `step_grid.step_grid`."""
        ...

    def solved(
        self,
        grid: StepGrid,
        demand: Demand,
        constants: StepConstants,
        rates: Array,
        asked: Asked,
        *,
        stall_s: float,
        relative: bool = False,
        replicas: Array | float = 1.0,
    ) -> Solved:
        """As `replica.latencies`, at `rates` a replica (rows, loads): requests/s, or where `relative` shares of each
        row's saturation, of which one line may serve all rows."""
        ...


class Arrays:
    """By array functions, all rows and loads at once."""

    timed = staticmethod(step_grid)

    def solved(
        self,
        grid: StepGrid,
        demand: Demand,
        constants: StepConstants,
        rates: Array,
        asked: Asked,
        *,
        stall_s: float,
        relative: bool = False,
        replicas: Array | float = 1.0,
    ) -> Solved:
        """As `Solver.solved`."""
        table = _table(grid, demand, constants, stall_s, coarse=asked.spacing == COARSE)
        saturation = table.chain.saturation
        stated = np.broadcast_to(rates, (len(saturation), rates.shape[1]))
        stated = stated * saturation[:, None] if relative else stated
        if not rates.shape[1]:
            latency: Table = {metric: dict.fromkeys(asked.quantiles, stated) for metric in asked.metrics}
            return Solved(saturation, stated, latency, within=within_limits(stated, latency, asked))
        found = latencies(table, stated, replicas=replicas, metrics=asked.metrics, quantiles=asked.quantiles)
        where = standing_of(table, found.state) if asked.standing else None
        within = within_limits(stated, found.table, asked)
        return Solved(saturation, found.state.utilisation, found.table, where, within)


MOST_KEPT_ROWS = 256
_TABLES: Kept[ReplicaTable] = Kept(9)


def _table(grid: StepGrid, demand: Demand, constants: StepConstants, stall_s: float, *, coarse: bool) -> ReplicaTable:
    """What of replicas does not depend on the load; a few rows' is kept while only the traffic moves."""

    def made() -> ReplicaTable:
        return replica_table(grid, demand, constants, stall_s=stall_s, coarse=coarse)

    if len(grid.caps) > MOST_KEPT_ROWS:
        return made()
    return _TABLES.of((Same(grid), demand, Same(constants), stall_s, coarse), made)


def standing_of(table: ReplicaTable, state: LoadState) -> Standing:
    """Where replicas stand in a state of their chain."""
    means, chain = state.mean_batch, table.chain
    # where the load cannot be carried every slot is taken all the time
    p99 = np.where(state.stable, batch_quantile(state, chain, 0.99), means)
    prompt, step = (_at_mean(chain, values, means) for values in (table.marginal_at, table.decode_at))
    return Standing(means, p99, state.wait_probability, prompt, step)


def _at_mean(chain: Chain, values: Array, means: Array) -> Array:
    """A quantity of the nodes (rows, nodes) at mean batches (rows, loads), at least one sequence."""
    lines = zip(np.maximum(means, 1.0), chain.nodes, values, strict=True)
    return np.array([np.interp(mean, nodes, line) for mean, nodes, line in lines])


_in_use: list[Solver] = [Arrays()]


def use(solver: Solver) -> None:
    """Have this process's rows solved by `solver` from now on."""
    _in_use[0] = solver


def in_use() -> Solver:
    """What solves this process's rows."""
    return _in_use[0]


def under_load(
    grid: StepGrid,
    demand: Demand,
    constants: StepConstants,
    stragglers: Stragglers,
    rates: Array,
    asked: Asked,
    *,
    relative: bool = False,
    replicas: Array | float = 1.0,
    corrections: Sequence[Correction | None] = (),
) -> Solved:
    """Rows at `rates` (rows, loads), as `Solver.solved`, with what simulation found of each row; empty: nothing."""
    solver, stall_s = _in_use[0], stragglers.stall_s
    if not any(corrections):
        return solver.solved(
            grid, demand, constants, rates, asked, stall_s=stall_s, relative=relative, replicas=replicas
        )
    # a replica that carries more than the closed form says is as loaded as one of that form at a lower rate
    more, plain = capacities(corrections), replace(asked, limits=(), beyond=True)
    solved = solver.solved(
        grid, demand, constants, rates if relative else rates / more, plain, stall_s=stall_s, relative=relative,
        replicas=replicas,
    )  # fmt: skip
    gaps: dict[float, Array] = {}
    if "itl" in asked.metrics:
        of_gaps = replace(plain, metrics=("itl",), standing=False)
        gaps = solver.solved(
            grid, demand, constants, loads_simulated(corrections), of_gaps, stall_s=stall_s, relative=True,
            replicas=replicas,
        ).table["itl"]  # fmt: skip
    table, saturation = put_on(solved.table, corrections, solved.utilisation, gaps), solved.saturation * more[:, 0]
    within = within_limits(rates * saturation[:, None] if relative else rates, table, asked)
    return Solved(saturation, solved.utilisation, table, solved.standing, within)

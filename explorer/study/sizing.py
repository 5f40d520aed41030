"""Step times of deployments, kept while only the traffic moves, and how many replicas carry a rate."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.engine.records import StepConstants
from explorer.scenario.schema import Stragglers
from explorer.study.demand import Demand
from explorer.study.kept import Kept, Same
from explorer.study.resolve import ServedModel
from explorer.study.solver import MOST_KEPT_ROWS, in_use
from explorer.study.step_grid import Rows, StepGrid

Array = NDArray[np.float64]

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
        return in_use().timed(
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
    whole = None if rows.whole_prompts is None else tuple(rows.whole_prompts.ravel().tolist())
    drafted = None if rows.speculation is None else tuple(rows.speculation.ravel().tolist())
    question = (Same(rows.spec), caps, budgets, whole, drafted, demand, stragglers.stall_probability, sequence_sharding)
    return _GRIDS.of((served.shape, Same(constants), *question), timed)


_GRIDS: Kept[StepGrid] = Kept(6)


def replicas_for(rate: float, cliff_rate: float, saturation: float) -> int:
    """Fewest replicas that keep every promise at `rate`; where none does, as many as carry it at a safe load."""
    per_replica = cliff_rate if cliff_rate > 0 else SAFE_LOAD * saturation
    return max(1, int(np.ceil(rate / per_replica - 1e-9)))

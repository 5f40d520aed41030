"""A win map as it is handed over: plain arrays, a cell an entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.study.map_axes import AXES

Array = NDArray[np.float64]
Cells = NDArray[Any]


@dataclass(frozen=True, slots=True)
class MapContestant:
    """A chip that takes part; `alternative` is its position among the compared ones."""

    chip: str
    name: str
    unit_noun: str
    cloud: str
    alternative: int | None
    reachable: bool
    note: str


@dataclass(frozen=True, eq=False)
class WinMap:
    """Cells (columns, rows): contestants by position, -1 for none; money in USD a month.

    `x`, `y` are in the file's units, one of them each where the scenario stands (`present`).
    """

    across: str
    up: str
    workload: int
    x: Array
    y: Array
    present: tuple[float | None, float | None]
    contestants: tuple[MapContestant, ...]
    left_out: Mapping[str, str]
    winner: Cells
    """Cheapest within reach that keeps every promise."""
    runner_up: Cells
    would_win: Cells
    """Cheapest of all, could the unreachable ones be had."""
    usd_per_month: Cells
    runner_up_usd: Cells
    probability: Cells
    """Share of draws in which the winner wins; where nobody does, in which nobody does."""
    chips: Cells
    degree: Cells
    """Chips of a replica."""
    closest: Cells
    """Where nobody wins: who comes closest, -1 where the model fits none."""
    shortfall: Cells
    """Logarithm of the factor by which the closest misses a promise with hardly any load."""
    short_of: Cells
    """Which of `metrics` that is."""
    metrics: tuple[str, ...]
    """The promised latencies."""
    samples: int
    price_basis: str
    share_known: float
    done: bool
    family: str = ""
    """The model whose family the sizes along the bottom are of; empty where they are not sizes."""

    @property
    def across_title(self) -> str:
        """What stands along the bottom; sizes with the family that is scaled to them."""
        title = AXES[self.across].title
        return f"{title}, family of {self.family}" if self.family else title

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Column and row of the cell nearest to a point, in the file's units."""
        return (
            int(np.argmin(np.abs(np.log(self.x) - np.log(x)))),
            int(np.argmin(np.abs(np.log(self.y) - np.log(y)))),
        )

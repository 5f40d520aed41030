"""What simulation found of an alternative, kept as its ratio to the closed form: the way of one into the other.

A `Correction` says by how much the largest rate differs and, at a few loads, by how much each latency does. Put on
the closed form it gives the simulation at those loads and its shape between them; after a slider has moved on, the
same ratios are the estimate that is shown until the next simulation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from explorer.scenario.schema import Alternative, Workload
from explorer.study.outcome import Layout

Array = NDArray[np.float64]
Table = Mapping[str, Mapping[float, Array]]

LEAST_RATIO, MOST_RATIO = 0.7, 1.6
"""Between these a ratio is believed of a slider position that nobody has simulated."""
ESTIMATE = "estimate"
CLOSED_FORM = "closed form"

Key = tuple[str, str, str, str]
"""Workload, alternative, chip and model: what a correction is of, whatever sliders do."""


@dataclass(frozen=True, eq=False)
class Correction:
    """One alternative's simulation against its closed form; `loads` ascending shares of the largest rate, (loads,)."""

    method: str
    """As the plot says it: "simulation, 20,000 requests"."""
    requests: int
    """Simulated at each load."""
    layout: Layout
    """The split that was simulated: another one has its own ratios, and takes none from this."""
    capacity: float
    """Largest rate simulated over that of the closed form."""
    loads: Array
    ratio: Table
    """ln of simulated over closed form, by metric and quantile, (loads,)."""
    below: Table
    """How far the confidence band reaches down, ln of value over lower end, (loads,)."""
    above: Table
    """How far it reaches up."""
    simulated: bool = True
    """False for ratios carried over to a slider position that was not simulated."""

    def at(self, table: Table, metric: str, q: float, load: Array) -> Array:
        """A logarithm read off at loads of any shape; beyond the first and last load it stays."""
        return np.asarray(np.interp(load, self.loads, table[metric][q]))

    def as_estimate(self) -> Correction:
        """For other slider positions: ratios held to what is credible, bands wider by the disagreement itself."""
        least, most = np.log(LEAST_RATIO), np.log(MOST_RATIO)

        def wider(table: Table) -> Table:
            return {
                metric: {q: np.hypot(values, self.ratio[metric][q]) for q, values in of_metric.items()}
                for metric, of_metric in table.items()
            }

        held = {
            metric: {q: np.clip(values, least, most) for q, values in of_metric.items()}
            for metric, of_metric in self.ratio.items()
        }
        capacity = float(np.clip(self.capacity, LEAST_RATIO, MOST_RATIO))
        return replace(
            self, method=ESTIMATE, capacity=capacity, ratio=held, below=wider(self.below), above=wider(self.above),
            simulated=False,
        )  # fmt: skip


@dataclass(frozen=True)
class Corrections:
    """Those of a scenario, by what they are of; `complete`: of every alternative, with all the requests asked for."""

    of: Mapping[Key, Correction] = field(default_factory=dict)
    complete: bool = False

    def get(self, workload: Workload, alternative: Alternative) -> Correction | None:
        """The correction of an alternative, None for the closed form as it is."""
        return self.of.get(key_of(workload, alternative))

    def among(self, workload: Workload) -> tuple[Correction | None, ...]:
        """Those of a workload's alternatives in order."""
        return tuple(self.get(workload, one) for one in workload.alternatives)

    def with_one(self, key: Key, correction: Correction) -> Corrections:
        """With one more, or a better one."""
        return replace(self, of={**self.of, key: correction})

    def as_estimates(self) -> Corrections:
        """All of them for slider positions that were not simulated."""
        return Corrections({key: one.as_estimate() for key, one in self.of.items()})


NONE = Corrections()


def key_of(workload: Workload, alternative: Alternative) -> Key:
    """What a correction of this alternative is kept under."""
    return workload.name, alternative.name, alternative.chip, workload.model.preset


def capacities(corrections: Sequence[Correction | None]) -> Array:
    """Largest rate over the closed form's, of each row, (rows, 1)."""
    return np.asarray([1.0 if one is None else one.capacity for one in corrections])[:, None]


def put_on(
    table: dict[str, dict[float, Array]], corrections: Sequence[Correction | None], load: Array
) -> dict[str, dict[float, Array]]:
    """Latency quantiles (rows, loads) with each row's correction at its `load` (rows, loads); infinite ones stay.

    A higher quantile is kept from falling below a lower one between simulated loads.
    """
    found = {metric: {q: values.copy() for q, values in of_metric.items()} for metric, of_metric in table.items()}
    start = 0
    for correction, group in groupby(corrections):
        stop = start + len(list(group))
        if correction is not None:
            for metric, of_metric in found.items():
                lower: Array | None = None
                for q in sorted(of_metric):
                    rows = of_metric[q][start:stop]
                    rows *= np.exp(correction.at(correction.ratio, metric, q, load[start:stop]))
                    if lower is not None:
                        np.maximum(rows, lower, out=rows)
                    lower = rows
        start = stop
    return found

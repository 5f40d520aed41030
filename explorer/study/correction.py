"""What simulation found of an alternative, kept as its ratio to the closed form: the way of one into the other.

A `Correction` says by how much the largest rate differs and, at a few loads, by how much each latency does. Put on
the closed form it gives the simulation at those loads and its shape between them; after a slider has moved on, the
same ratios are the estimate that is shown until the next simulation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from explorer.scenario.schema import Alternative, Workload
from explorer.study.outcome import METRICS, Layout

Array = NDArray[np.float64]
Table = Mapping[str, Mapping[float, Array]]

UNKNOWN_WIDER = 0.3
"""How much farther (natural log) a band reaches where ratios of a scheduler unknown to the closed form are carried."""
ESTIMATE = "estimate"
CLOSED_FORM = "closed form"

Key = tuple[str, str, str, str, str]
"""Workload, alternative, chip, model, and how it is served: what a correction is of, whatever sliders do."""


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
    known: bool = True
    """False where the closed form knows nothing of the scheduler: its ratios are no small corrections."""
    simulated: bool = True
    """False for ratios carried over to a slider position that was not simulated."""

    def at(self, table: Table, metric: str, q: float, load: Array) -> Array:
        """A logarithm read off at loads of any shape; beyond the first and last load it stays."""
        return np.asarray(np.interp(load, self.loads, table[metric][q]))

    def as_estimate(self) -> Correction:
        """For other slider positions: the same ratios, bands wider by the disagreement itself.

        A ratio is believed however far from one it is: it says where the two forms differ in kind (a share of steps
        with prompts that crosses a quantile at another load, ranks that share a prompt), and they do so at
        neighbouring positions too. Held between 0.7 and 1.6 instead, 1.7 times as many latencies jumped by more than
        15 % on the moves of the benchmark, 1.3 times on moves up to a factor of 2.5, as many on moves of 8.
        """
        if not self.known:
            # what is carried over is all that is known of the scheduler, and nothing says how far it holds
            carried = {
                metric: {q: np.hypot(values, UNKNOWN_WIDER) for q, values in of.items()}
                for metric, of in self.below.items()
            }
            return replace(self, method=ESTIMATE, below=carried, above=carried, simulated=False)

        def wider(table: Table) -> Table:
            return {
                metric: {q: np.hypot(values, self.ratio[metric][q]) for q, values in of_metric.items()}
                for metric, of_metric in table.items()
            }

        return replace(self, method=ESTIMATE, below=wider(self.below), above=wider(self.above), simulated=False)


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
    traffic = workload.traffic
    trace = "" if traffic.trace is None else traffic.trace.label
    drafted = "" if alternative.speculation is None else "speculative"
    how = f"{traffic.mode} {traffic.arrivals} {trace} {alternative.scheduler} {alternative.routing} {drafted}"
    return workload.name, alternative.name, alternative.chip, workload.model.preset, how


def given_or_prior(found: Correction | None, layout: Layout, settings: Alternative) -> Correction | None:
    """A correction as far as it is of this layout; else what is known of a disaggregated replica before it is
    simulated: that each of its instances is one of the closed form."""
    if found is not None and found.layout == layout:
        return found
    return None if settings.instances == 1 else _prior(layout)


@lru_cache(maxsize=64)
def _prior(layout: Layout) -> Correction:
    nothing: Table = {metric: dict.fromkeys((0.5, 0.95, 0.99), np.zeros(2)) for metric in METRICS}
    return Correction(
        CLOSED_FORM, 0, layout, float(layout.instances), np.asarray([0.0, 1.0]), nothing, nothing, nothing,
        known=False, simulated=False,
    )  # fmt: skip


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

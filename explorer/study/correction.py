"""What simulation found of an alternative, kept as its ratio to the closed form: the way of one into the other.

A `Correction` says by how much the largest rate differs and, at a few loads, by how much each latency does. Put on
the closed form it gives the simulation at those loads and its shape between them; after a slider has moved on, the
same ratios are the estimate that is shown until the next simulation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from explorer.scenario.workload import Alternative, Workload
from explorer.study.banded import METRICS
from explorer.study.outcome import Layout

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

    def reach(self, metric: str, q: float, load: Array) -> tuple[Array, Array]:
        """How far the simulation's own band reaches down and up, logarithms, at loads of any shape."""
        return self.at(self.below, metric, q, load), self.at(self.above, metric, q, load)

    def reach_along(self, metric: str, q: float, load: Array, value: Array) -> tuple[Array, Array]:
        """The same along a corrected curve, `value` at ascending loads, (loads,).

        A gap between tokens jumps from one kind of step to another somewhere between two loads simulated: there the
        band holds what both have.
        """
        down, up = self.reach(metric, q, load)
        if metric != "itl" or len(self.loads) < 2:
            return down, up
        with np.errstate(invalid="ignore"):
            here = np.log(value)
            known = np.interp(self.loads, load, here)
            at = np.clip(np.searchsorted(self.loads, load, side="right") - 1, 0, len(self.loads) - 2)
            lower, upper = np.minimum(known[at], known[at + 1]), np.maximum(known[at], known[at + 1])
            inside = (load >= self.loads[0]) & (load <= self.loads[-1]) & np.isfinite(upper)
            return (
                np.asarray(np.where(inside, np.maximum(down, here - lower), down)),
                np.asarray(np.where(inside, np.maximum(up, upper - here), up)),
            )

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


LEAST_LOAD, MOST_LOAD = 1e-6, 1.0 - 1e-6
"""Shares of the largest rate that stand for none and for all of it: there the closed form has no answer."""


def loads_simulated(corrections: Sequence[Correction | None]) -> Array:
    """Shares of the largest rate at which the rows' corrections know their ratios, (rows, loads), as many for all.

    Shorter ones end with their last share again; a row without a correction has one in the middle.
    """
    depth = max((len(one.loads) for one in corrections if one is not None), default=1)
    shares = np.full((len(corrections), depth), 0.5)
    for rows, correction in _groups(corrections):
        if correction is not None:
            shares[rows] = np.pad(correction.loads, (0, depth - len(correction.loads)), mode="edge")
    return np.asarray(np.clip(shares, LEAST_LOAD, MOST_LOAD))


def put_on(
    table: dict[str, dict[float, Array]],
    corrections: Sequence[Correction | None],
    load: Array,
    gaps: Mapping[float, Array],
) -> dict[str, dict[float, Array]]:
    """Latency quantiles (rows, loads) with each row's correction at its `load` (rows, loads); infinite ones stay.

    A higher quantile is kept from falling below a lower one between simulated loads. Gaps between tokens jump from one
    kind of step to another, in the closed form at another load than in the simulation: a ratio between two loads
    simulated would there make a jump that neither has. Between them the gap goes evenly (in logarithms) from one
    simulated to the next; `gaps` are the closed form's by quantile at `loads_simulated`, empty where none are wanted.
    """
    found = {metric: {q: values.copy() for q, values in of_metric.items()} for metric, of_metric in table.items()}
    for group, correction in _groups(corrections):
        if correction is None:
            continue
        for metric, of_metric in found.items():
            lower: Array | None = None
            for q in sorted(of_metric):
                rows = of_metric[q][group]
                ratio = correction.ratio[metric][q]
                rows *= np.exp(np.interp(load[group], correction.loads, ratio))
                if metric == "itl" and len(ratio) > 1:
                    known = np.log(gaps[q][group, : len(ratio)]) + ratio
                    _between(rows, load[group], correction.loads, known, ratio)
                if lower is not None:
                    np.maximum(rows, lower, out=rows)
                lower = rows
    return found


def _between(values: Array, load: Array, loads: Array, known: Array, ratio: Array) -> None:
    """Put into `values` (rows, n) what lies between `known` ones (rows, loads), logarithms; where a ratio is the same
    at both ends, as beyond all that was simulated, they stay what they are."""
    at = np.clip(np.searchsorted(loads, load, side="right") - 1, 0, len(loads) - 2)
    share = np.clip((load - loads[at]) / (loads[at + 1] - loads[at]), 0.0, 1.0)
    low, high = (np.take_along_axis(known, place, axis=1) for place in (at, at + 1))
    inside = (load >= loads[0]) & (load <= loads[-1]) & (ratio[at] != ratio[at + 1]) & np.isfinite(values)
    np.copyto(values, np.exp(low + share * (high - low)), where=inside)


def _groups(corrections: Sequence[Correction | None]) -> Iterator[tuple[slice, Correction | None]]:
    """Rows that follow each other and have the same correction."""
    start = 0
    for correction, group in groupby(corrections):
        stop = start + len(list(group))
        yield slice(start, stop), correction
        start = stop

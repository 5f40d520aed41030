"""What the questions about the tail are, and what is answered: plain records, read by the page without a compiler."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.study.banded import Metric

Array = NDArray[np.float64]
View = Literal["distribution", "capacity", "degree", "burstiness", "time"]

TOLD = (0.5, 0.9, 0.95, 0.99, 0.999)
"""Percentiles told of a latency."""

VIEW_TITLES: dict[View, str] = {
    "distribution": "Distribution",
    "capacity": "Capacity under the promises",
    "degree": "Against parallelism degree",
    "burstiness": "Against burstiness",
    "time": "Over simulated time",
}


@dataclass(frozen=True, slots=True)
class TailQuestion:
    """What is asked of a workload's tail."""

    workload: int
    view: View
    metric: Metric
    replicas: tuple[int, ...] = ()
    """Those on the screen, in the order of the alternatives; empty: as the closed form counts them."""


@dataclass(frozen=True, slots=True)
class StudyLine:
    """One alternative's points, (points,); what x and y are the question says."""

    number: int
    label: str
    x: Array
    y: Array
    marked: float | None = None
    """The x at which the scenario stands."""
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class TailParts:
    """Mean seconds of what the requests about the P99 of a latency are made of."""

    number: int
    label: str
    metric: Metric
    queue: float
    prefill: float
    decode: float
    collectives: float
    stalls: float

    @property
    def total(self) -> float:
        """Seconds of all parts together: near the P99 itself."""
        return self.queue + self.prefill + self.decode + self.collectives + self.stalls


@dataclass(frozen=True, slots=True)
class Goodput:
    """Percentiles of one alternative's latency at its operating point, and the requests that keep every promise."""

    number: int
    label: str
    percentiles: tuple[float | None, ...]
    """At TOLD, seconds; None where fewer than ten of those simulated lie beyond."""
    share: float | None
    """Share of requests that keep every promise at once; None where nothing is promised of a request."""
    share_low: float | None
    share_high: float | None
    """Ends of its 95 % band, by how many were simulated."""
    rate: float | None
    """Requests of the whole service that do, 1/s."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """The largest rate of the whole service that keeps every promise, requests/s, replicas held."""

    number: int
    label: str
    rate: float
    closed_form: float
    """The same without simulation."""
    binding: str
    """The promise that breaks first beyond it, or "saturation"."""
    runs: int


@dataclass(frozen=True, slots=True)
class TailAnswer:
    """What has been found so far."""

    question: TailQuestion
    workload: str
    requests: int
    """Simulated for each point."""
    lines: tuple[StudyLine, ...] = ()
    parts: tuple[TailParts, ...] = ()
    goodputs: tuple[Goodput, ...] = ()
    capacities: tuple[Capacity, ...] = ()
    missing: tuple[tuple[int, str, str], ...] = ()
    """Alternatives without an answer: place, label and why."""

    def with_line(self, line: StudyLine) -> TailAnswer:
        """With one more line."""
        return self.with_lines((line,))

    def with_lines(self, lines: tuple[StudyLine, ...]) -> TailAnswer:
        """With more lines."""
        return replace(self, lines=(*self.lines, *lines))

    def with_parts(self, parts: tuple[TailParts, ...]) -> TailAnswer:
        """With what one alternative's P99s are made of."""
        return replace(self, parts=(*self.parts, *parts))

    def with_goodput(self, goodput: Goodput) -> TailAnswer:
        """With one alternative's percentiles and goodput."""
        return replace(self, goodputs=(*self.goodputs, goodput))

    def with_capacity(self, capacity: Capacity) -> TailAnswer:
        """With one alternative's capacity."""
        return replace(self, capacities=(*self.capacities, capacity))

    def without(self, number: int, label: str, reason: str) -> TailAnswer:
        """With the word that an alternative has no answer."""
        return replace(self, missing=(*self.missing, (number, label, reason)))

"""Values with the bands of their draws: a figure, and the latencies by percentile and against the rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Metric = Literal["ttft", "tpot", "itl", "e2e"]
METRICS: tuple[Metric, ...] = ("ttft", "tpot", "itl", "e2e")


@dataclass(frozen=True, slots=True)
class Banded:
    """A value by the central figures, with the P5-P95 band of its draws and their median; SI units."""

    value: float
    low: float
    high: float
    median: float | None = None
    """P50 of the draws, infinite where half of them cannot carry the load; None of a range that nobody drew from."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """P50, P95 and P99 of one latency at the operating point, seconds; None where the load cannot be carried."""

    p50: Banded | None
    p95: Banded | None
    p99: Banded | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LatencyCurve:
    """One latency against the rate of the whole service; arrays of shape (rates,), seconds, inf where unstable."""

    p50: Array
    p99: Array
    p99_low: Array
    p99_high: Array
    sampled_low: Array | None = None
    """Confidence band of the simulation itself (95 %, by sectioning), inside the wider band; None in closed form."""
    sampled_high: Array | None = None

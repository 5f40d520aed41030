"""Axes of the tail-latency plot: the range a reader needs, round ends, ticks, when to keep the old ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from explorer.scenario.quantity import number_text
from explorer.study.banded import Metric
from explorer.study.outcome import WorkloadOutcome

LATENCY_STEPS = (1.0, 2.0, 5.0)
RATE_STEPS = (1.0, 1.2, 1.5, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0)
TICK_STEPS = (1.0, 2.0, 2.5, 5.0)
MOST_DECADES = 4.0


@dataclass(frozen=True, slots=True)
class Span:
    """A range of an axis."""

    low: float
    high: float

    def contains(self, other: Span) -> bool:
        """Whether `other` lies within this range."""
        return self.low <= other.low and other.high <= self.high


@dataclass(frozen=True, slots=True)
class Axes:
    """Both ranges: latency in seconds (on a logarithmic axis), rate in requests/s of the whole service."""

    latency: Span
    rate: Span


def round_up(value: float, steps: tuple[float, ...]) -> float:
    """Smallest step x 10^n that is at least `value` (> 0)."""
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in steps if step * power >= value * (1 - 1e-9)), 10.0 * power)


def round_down(value: float, steps: tuple[float, ...]) -> float:
    """Largest step x 10^n that is at most `value` (> 0)."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in steps if step * power <= value * (1 + 1e-9))


def wanted_axes(workload: WorkloadOutcome, metric: Metric) -> Axes:
    """The ranges that show every alternative's idle latency, operating point, promise and cliff."""
    return Axes(_wanted_latency(workload, metric), Span(0.0, _wanted_rate(workload)))


def _wanted_latency(workload: WorkloadOutcome, metric: Metric) -> Span:
    lowest: list[float] = []
    highest: list[float] = []
    promise = workload.objectives.get(metric)
    if promise is not None:
        lowest.append(0.5 * promise)
        highest.append(4.0 * promise)
    for alternative in workload.alternatives:
        curve = alternative.curves[metric]
        idle, idle_p99 = _first_finite(curve.p50), _first_finite(curve.p99)
        if idle is not None:
            lowest.append(0.9 * idle)
        if idle_p99 is not None:
            highest.append(6.0 * idle_p99)
        here = alternative.latency[metric].p99
        if here is not None and math.isfinite(here.value) and here.value > 0:
            highest.append(2.5 * here.value)
        for run in alternative.measured:
            lowest += [0.9 * value for value in run.latency.get(metric, {}).values()]
            highest += [1.2 * value for value in run.latency.get(metric, {}).values()]
    low = round_down(min(lowest, default=1e-3), LATENCY_STEPS)
    high = round_up(max(highest, default=1.0), LATENCY_STEPS)
    if high / low > 10.0**MOST_DECADES:
        high = low * 10.0**MOST_DECADES
        if promise is not None:
            high = max(high, round_up(2.0 * promise, LATENCY_STEPS))
    return Span(low, high)


def _wanted_rate(workload: WorkloadOutcome) -> float:
    """The traffic and every cliff, with room behind; not every saturation: one chip's far one would squeeze all."""
    rate = max((a.request_rate for a in workload.alternatives), default=0.0)
    known = [float(a.rates[-1]) for a in workload.alternatives if a.rates.size]
    cliffs = [a.max_request_rate for a in workload.alternatives if math.isfinite(a.max_request_rate)]
    wanted = max(1.5 * rate, min(1.35 * max(cliffs, default=0.0), max(known, default=0.0)))
    measured = [run.rate for a in workload.alternatives for run in a.measured if run.rate is not None]
    # as far as they do not squeeze the curves
    wanted = max([wanted, *(1.05 * one for one in measured if one <= 2.0 * wanted)])
    if wanted <= 0.0:
        wanted = max(known, default=1.0)
    return round_up(wanted, RATE_STEPS) if wanted > 0 and math.isfinite(wanted) else 1.0


def _first_finite(values: np.ndarray) -> float | None:
    usable = values[np.isfinite(values) & (values > 0)]
    return float(usable[0]) if usable.size else None


def settle(old: Axes | None, wanted: Axes) -> Axes:
    """The old axes as long as they still show everything without wasting much room: no jitter on release."""
    if old is None:
        return wanted
    decades = math.log10(old.latency.high / old.latency.low)
    needed = math.log10(wanted.latency.high / wanted.latency.low)
    keep_latency = old.latency.contains(wanted.latency) and decades <= needed + 0.45
    keep_rate = old.rate.contains(wanted.rate) and old.rate.high <= 1.6 * wanted.rate.high
    return Axes(old.latency if keep_latency else wanted.latency, old.rate if keep_rate else wanted.rate)


def latency_ticks(span: Span, height: float) -> list[float]:
    """Ticks in seconds at 1, 2, 5 x 10^n; at 1 x 10^n only where `height` pixels leave less than 20 each."""
    for steps in (LATENCY_STEPS, (1.0,)):
        first, last = math.floor(math.log10(span.low)), math.ceil(math.log10(span.high))
        ticks = [
            step * 10.0**power
            for power in range(first, last + 1)
            for step in steps
            if span.low * (1 - 1e-9) <= step * 10.0**power <= span.high * (1 + 1e-9)
        ]
        if height >= 20.0 * len(ticks):
            return ticks
    return ticks[:: max(1, math.ceil(20.0 * len(ticks) / max(height, 1.0)))]


def rate_ticks(span: Span, width: float) -> list[float]:
    """Evenly spaced round ticks, at least 60 pixels apart."""
    room = max(1, int(width / 60.0))
    step = round_up((span.high - span.low) / room, TICK_STEPS)
    return [step * k for k in range(math.floor(span.high / step + 1e-9) + 1)]


def latency_unit(span: Span) -> tuple[str, float]:
    """The one unit of the axis, with its SI value: ms, or s where the middle of the range is above 0.3 s."""
    return ("s", 1.0) if math.sqrt(span.low * span.high) >= 0.3 else ("ms", 1e-3)


def tick_text(value: float) -> str:
    """A tick's number without its unit, at most four significant digits; never as a power of ten."""
    return number_text(value, 4)

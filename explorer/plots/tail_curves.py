"""Latency curves as arrays to draw: base-10 logarithms, cut where they leave the plot, no inf and no NaN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.plots.polylines import Points
from explorer.study.banded import Metric
from explorer.study.outcome import AlternativeOutcome, Array

BAND_POINTS: Final = 60
EMPTY: Final[Array] = np.empty(0)
OUT: Final = 0.5
"""Decades above the ceiling to which a line is drawn that leaves the plot for good."""


@dataclass(frozen=True, slots=True)
class Curves:
    """One alternative's points, requests/s and log10 seconds; `band` is a closed outline."""

    p99: Points
    p50: Points
    band: Points
    sampled: Points = (EMPTY, EMPTY)
    """Outline of the simulation's own confidence band, inside the other; empty in closed form and for estimates."""


def curves_of(
    alternatives: Sequence[AlternativeOutcome], metric: Metric, ceiling: float, selected: int = 0
) -> tuple[Curves, ...]:
    """The points of each alternative's latency up to just above `ceiling` (log10 seconds).

    The same as `drawable` and `band_outline` of each, but the logarithms and ends of all are found in one pass of
    array operations: this is asked in every frame of a drag. Only the selected one has the simulation's own band.
    """
    sizes = {alternative.rates.size for alternative in alternatives}
    if len(sizes) != 1 or sizes == {0}:
        return tuple(_curves_of_one(one, metric, ceiling, at == selected) for at, one in enumerate(alternatives))
    curves = [alternative.curves[metric] for alternative in alternatives]
    seconds = np.array([(one.p99, one.p50, one.p99_low, one.p99_high) for one in curves])
    known = (seconds > 0.0) & (seconds < np.inf)
    logs = np.full(seconds.shape, np.nan)
    np.log10(seconds, out=logs, where=known)
    count = seconds.shape[2]
    drawn = logs[:, :3] <= ceiling
    ends = np.where(drawn.any(axis=2), count - drawn[:, :, ::-1].argmax(axis=2), 0).tolist()
    lasts = (count - 1 - known[:, :3, ::-1].argmax(axis=2)).tolist()
    made: list[Curves] = []
    for place, alternative in enumerate(alternatives):
        rates, saturation = alternative.rates, alternative.saturation_rate
        p99, p50, low = (
            _cut(rates, logs[place, row], seconds[place, row], ends[place][row], lasts[place][row], saturation, ceiling)
            for row in range(3)
        )
        band = _outline(low, rates, seconds[place, 3], logs[place, 3], ceiling)
        own = _sampled(alternative, metric, ceiling, place == selected)
        made.append(Curves(p99=p99, p50=p50, band=band, sampled=own))
    return tuple(made)


def _curves_of_one(alternative: AlternativeOutcome, metric: Metric, ceiling: float, selected: bool) -> Curves:
    curve, rates, saturation = alternative.curves[metric], alternative.rates, alternative.saturation_rate
    return Curves(
        p99=drawable(rates, curve.p99, saturation, ceiling),
        p50=drawable(rates, curve.p50, saturation, ceiling),
        band=band_outline(rates, curve.p99_low, curve.p99_high, saturation, ceiling),
        sampled=_sampled(alternative, metric, ceiling, selected),
    )


def drawable(rates: Array, seconds: Array, saturation: float, ceiling: float) -> tuple[Array, Array]:
    """Points (rate, log10 seconds) of one curve up to just above `ceiling` (log10 seconds).

    `rates` and `seconds` have shape (rates,); inf is where the load cannot be carried, NaN where nothing is
    known: neither is drawn. A curve whose next point is inf leaves through the ceiling at `saturation`, if
    that lies between the two, else half way.
    """
    usable = np.isfinite(seconds) & (seconds > 0.0)
    if not usable.any():
        return EMPTY, EMPTY
    last = int(np.flatnonzero(usable)[-1])
    y = np.full(seconds.shape, np.nan)
    np.log10(seconds, out=y, where=usable)
    low = np.flatnonzero(usable & (y <= ceiling))
    return _cut(rates, y, seconds, int(low[-1]) + 1 if low.size else 0, last, saturation, ceiling)


def _cut(
    rates: Array, y: Array, seconds: Array, end: int, last: int, saturation: float, ceiling: float
) -> tuple[Array, Array]:
    """A curve up to its `end`, the place behind its last point below the ceiling; `last` is its last known one."""
    if end == 0:
        return EMPTY, EMPTY
    if end <= last:
        return rates[: end + 1], y[: end + 1]
    x, y = rates[:end], y[:end]
    if end < rates.size and np.isposinf(seconds[end]):
        before, after = float(rates[end - 1]), float(rates[end])
        leaves = saturation if before < saturation <= after else 0.5 * (before + after)
        return np.concatenate((x, [leaves])), np.concatenate((y, [ceiling + OUT]))
    return x, y


def _sampled(alternative: AlternativeOutcome, metric: Metric, ceiling: float, wanted: bool) -> Points:
    curve = alternative.curves[metric]
    if not wanted or not alternative.simulated_requests:
        return EMPTY, EMPTY
    if curve.sampled_low is None or curve.sampled_high is None:
        return EMPTY, EMPTY
    saturation = alternative.saturation_rate
    return band_outline(alternative.rates, curve.sampled_low, curve.sampled_high, saturation, ceiling)


def band_outline(rates: Array, low: Array, high: Array, saturation: float, ceiling: float) -> tuple[Array, Array]:
    """Closed outline (rate, log10 seconds) of a band, at most 2 x 60 points; empty where nothing is known.

    The upper edge runs along the ceiling where `high` is inf; the band ends where `low` leaves the plot.
    """
    known = np.isfinite(high) & (high > 0.0)
    logs = np.full(high.shape, np.nan)
    np.log10(high, out=logs, where=known)
    return _outline(drawable(rates, low, saturation, ceiling), rates, high, logs, ceiling)


def _outline(lower: Points, rates: Array, high: Array, logs: Array, ceiling: float) -> Points:
    """Close a lower edge with the upper one: `high` in seconds, `logs` its logarithm where that is known."""
    x, floor = lower
    keep = np.isfinite(floor)
    if not keep.all():
        x, floor = x[keep], floor[keep]
    if x.size < 2:
        return EMPTY, EMPTY
    usable = (high > 0.0) & ~np.isnan(high)
    if not usable.any():
        return EMPTY, EMPTY
    if x.size > BAND_POINTS:
        pick = _spread(x.size)
        x, floor = x[pick], floor[pick]
    # Infinity has no logarithm here: it lies on the ceiling.
    edge = np.fmin(logs, ceiling + OUT)
    if not usable.all():
        rates, edge = rates[usable], edge[usable]
    upper = np.maximum(np.interp(x, rates, edge), floor)
    return np.concatenate((x, x[::-1])), np.concatenate((floor, upper[::-1]))


@cache
def _spread(size: int) -> NDArray[np.intp]:
    """`BAND_POINTS` places spread evenly over `size`, both ends included."""
    return np.unique(np.linspace(0, size - 1, BAND_POINTS).round().astype(np.intp))


def value_at(rates: Array, seconds: Array, rate: float) -> float | None:
    """Latency in seconds at `rate`, interpolated in the logarithm; None where a neighbour is not known."""
    if rates.size == 0 or not rates[0] <= rate <= rates[-1]:
        return None
    right = min(int(np.searchsorted(rates, rate)), rates.size - 1)
    left = max(right - 1, 0)
    first, second = float(seconds[left]), float(seconds[right])
    if rate == rates[right]:
        first = second
    if not (np.isfinite(first) and np.isfinite(second) and first > 0 and second > 0):
        return None
    if left == right or first == second:
        return second
    share = (rate - float(rates[left])) / float(rates[right] - rates[left])
    return float(first ** (1.0 - share) * second**share)

"""Latency curves as arrays to draw: base-10 logarithms, cut where they leave the plot, no inf and no NaN."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.study.outcome import Array

BAND_POINTS: Final = 60
EMPTY: Final[Array] = np.empty(0)


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
    if low.size == 0:
        return EMPTY, EMPTY
    end = int(low[-1]) + 1
    if end <= last:
        return rates[: end + 1], y[: end + 1]
    x, y = rates[:end], y[:end]
    if end < rates.size and np.isposinf(seconds[end]):
        before, after = float(rates[end - 1]), float(rates[end])
        leaves = saturation if before < saturation <= after else 0.5 * (before + after)
        return np.concatenate((x, [leaves])), np.concatenate((y, [ceiling + 0.5]))
    return x, y


def band_outline(rates: Array, low: Array, high: Array, saturation: float, ceiling: float) -> tuple[Array, Array]:
    """Closed outline (rate, log10 seconds) of a band, at most 2 x 60 points; empty where nothing is known.

    The upper edge runs along the ceiling where `high` is inf; the band ends where `low` leaves the plot.
    """
    x, floor = drawable(rates, low, saturation, ceiling)
    keep = np.isfinite(floor)
    x, floor = x[keep], floor[keep]
    if x.size < 2:
        return EMPTY, EMPTY
    top = ceiling + 0.5
    usable = (high > 0.0) & ~np.isnan(high)
    edge = np.full(high.shape, top)
    np.log10(high, out=edge, where=usable & np.isfinite(high))
    np.minimum(edge, top, out=edge)
    if not usable.any():
        return EMPTY, EMPTY
    upper = np.maximum(np.interp(x, rates[usable], edge[usable]), floor)
    if x.size > BAND_POINTS:
        pick = _spread(x.size)
        x, floor, upper = x[pick], floor[pick], upper[pick]
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

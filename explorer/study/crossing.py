"""Where a condition begins or ends to hold along one quantity: a scan for every crossing, each then closed in on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Margin = Callable[[float], float]
"""By how much a condition holds at a value of the quantity: positive where it does, -inf or inf where it does so
without measure."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """A value at which the condition begins (`rising`) or ends to hold, going up; the condition holds at it."""

    value: float
    rising: bool


def crossings(
    margin: Margin, points: Sequence[float], *, whole: bool = False, tolerance: float = 1e-6
) -> tuple[Crossing, ...]:
    """Every crossing between neighbouring ascending `points`, to a relative `tolerance` (or to whole numbers).

    Two crossings between the same two points are not seen: the points set how fine the scan is.
    """
    found: list[Crossing] = []
    values = [margin(point) for point in points]
    for low, high, at_low, at_high in zip(points, points[1:], values, values[1:], strict=False):
        if (at_low >= 0.0) != (at_high >= 0.0):
            if whole:
                value = _whole_between(margin, int(low), int(high), at_high >= 0.0)
            else:
                value = between(margin, low, high, at_low, at_high, tolerance)
            found.append(Crossing(value, at_high >= 0.0))
    return tuple(found)


def between(margin: Margin, low: float, high: float, at_low: float, at_high: float, tolerance: float = 1e-6) -> float:
    """The value between two of opposite sign where the condition just holds.

    Inverse quadratic interpolation with bisection as its safeguard (Chandrupatla 1997), in the logarithm of a positive
    quantity; plain bisection where a margin is infinite. A jump is closed in on like any crossing.
    """
    scaled = low > 0.0
    to, back = (math.log, math.exp) if scaled else (_same, _same)
    a, b, fa, fb = to(high), to(low), at_high, at_low
    c, fc = a, fa
    width = tolerance if scaled else tolerance * max(abs(low), abs(high))
    # what was looked at itself: a logarithm and back again may miss a jump by a hair
    looked = {a: high, b: low}
    share = 0.5
    for _ in range(200):
        at = a + share * (b - a)
        looked[at] = back(at)
        value = margin(looked[at])
        if (value >= 0.0) == (fa >= 0.0):
            c, fc = a, fa
        else:
            c, b, fc, fb = b, a, fb, fa
        a, fa = at, value
        if abs(b - a) <= width or value == 0.0:
            break
        share = _share(a, b, c, fa, fb, fc, width)
    return looked[a if fa >= 0.0 else b]


def _share(a: float, b: float, c: float, fa: float, fb: float, fc: float, width: float) -> float:
    """How far from a towards b to look next."""
    share = 0.5
    if all(math.isfinite(f) for f in (fa, fb, fc)) and fa != fb and fc != fb and fa != fc:
        x, y = (a - b) / (c - b), (fa - fb) / (fc - fb)
        if y * y < x and (1.0 - y) ** 2 < 1.0 - x:
            share = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
    least = 0.5 * width / abs(b - a)
    return min(max(share, least), 1.0 - least)


def _whole_between(margin: Margin, low: int, high: int, holds_above: bool) -> float:
    while high - low > 1:
        middle = (low + high) // 2
        if (margin(float(middle)) >= 0.0) == holds_above:
            high = middle
        else:
            low = middle
    return float(high if holds_above else low)


def _same(value: float) -> float:
    return value


def ladder(low: float, high: float, per_decade: float, *, through: float | None = None) -> tuple[float, ...]:
    """Ascending values from `low` to `high`, evenly spread in the logarithm (from 0: linearly, with `per_decade`
    taken for ten parts), holding `through` where it lies between them."""
    if low > 0.0:
        steps = max(1, math.ceil(math.log10(high / low) * per_decade)) if high > low else 0
        values = {low * (high / low) ** (step / steps) for step in range(1, steps)} if steps else set()
    else:
        steps = max(1, math.ceil(10 * per_decade / 4))
        values = {low + (high - low) * step / steps for step in range(1, steps)}
    values |= {low, high}
    if through is not None and low < through < high:
        values.add(through)
    return tuple(sorted(values))

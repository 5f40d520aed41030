"""Quantiles read off running sums: between a node's edges in log odds, as in `node_quantiles` and `token_gaps`."""

from __future__ import annotations

import numpy as np

from explorer.engine.loops.compiler import Floats, Ints, inlined
from explorer.engine.loops.fast_math import log

ODDS_99 = float(np.log(99.0))


@inlined
def odds_of(p: float) -> float:
    held = min(max(p, 1e-12), 1.0 - 1e-12)
    return log(held / (1.0 - held))


@inlined
def between(low: float, high: float, odds: float, start: float, end: float) -> float:
    """Value at log odds `odds` between `start` (cumulative `low`) and `end` (`high`)."""
    below, above = odds_of(low), odds_of(high)
    share = (odds - below) / (above - below) if above > below else 1.0
    return start + min(max(share, 0.0), 1.0) * (end - start)


@inlined
def batch_at(p: Floats, n: Floats, total: float, count: int) -> float:
    """P99 of the batch n, weights p: a node reaches half way to its neighbours."""
    summed, before, i = p[0], 0.0, 0
    while i < count - 1 and summed < 0.99 * total:
        i += 1
        before = summed
        summed += p[i]
    end = 0.5 * (n[i] + n[i + 1]) if i < count - 1 else n[i]
    if i == 0:
        return float(end)
    return float(between(before / total, summed / total, ODDS_99, 0.5 * (n[i - 1] + n[i]), end))


@inlined
def mixture_at(k: int, marks: Floats, place: Ints, lows: Floats, inverse: Floats, mass: Floats, count: int) -> float:
    """Share of gaps below mark k, of three kinds whose edges follow each other without overlap."""
    below = 0.0
    for kind in range(3):
        passed = place[kind, k]
        below += mass[kind, passed]
        if passed < count:
            inside = max((marks[k] - lows[kind, passed]) * inverse[kind, passed], 0.0)
            below += inside * (mass[kind, passed + 1] - mass[kind, passed])
    return below


@inlined
def mixture_over(mark: float, lows: Floats, highs: Floats, mass: Floats, count: int) -> float:
    """Share of gaps below a mark, of three kinds whose edges may overlap."""
    below = 0.0
    for kind in range(3):
        for i in range(count):
            low, high = lows[kind, i], highs[kind, i]
            inside = max((mark - low) / max(high - low, 1e-15), 0.0)
            below += (1.0 if mark >= high else inside) * (mass[kind, i + 1] - mass[kind, i])
    return below


@inlined
def sort(values: Floats, count: int) -> None:
    """Put the first `count` values in ascending order (Shell's sort, which allocates nothing)."""
    gap = 1
    while 3 * gap + 1 < count:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, count):
            value, at = values[i], i
            while at >= gap and values[at - gap] > value:
                values[at] = values[at - gap]
                at -= gap
            values[at] = value
        gap //= 3

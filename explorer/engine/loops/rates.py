"""The largest rate within limits, of many rows: `largest_rate.largest_rate_within` in loops."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.engine.loops.compiler import Floats, Ints, buffer, compiled, floats_1, floats_2, free, inlined
from explorer.engine.loops.fast_math import log
from explorer.engine.loops.layout import METRICS


@inlined
def _log_of(latency: float) -> float:
    return log(max(latency if latency < 1e9 else 1e9, 1e-12))


@inlined
def _crossing(limit: float, below: float, above: float, rate_below: float, rate_above: float) -> float:
    """Rate at which a latency passes a limit between two rates; `below` and `above` are logarithms of the latency."""
    share = min(max((np.log(limit) - below) / max(above - below, 1e-12), 0.0), 1.0)
    start, end = np.sqrt(rate_below), np.sqrt(rate_above)
    root = start + share * (end - start)
    return float(root * root)


@inlined
def within_limits(found: Any, limits: Floats, wanted: Ints, rates: Floats, row: int, scale: float) -> float:
    """The largest of a row's rates, times `scale`, at which the last quantile of each metric (METRICS, quantiles, rows,
    loads) is within its limit; 0 where the lightest load is over one.

    At the first load at which any is over its limit those decide that are.
    """
    level, loads = found.shape[1] - 1, rates.shape[1]
    for load in range(loads):
        rate = float(rates[row, load]) * scale
        largest, over = rate, False
        for metric in range(METRICS):
            if wanted[metric] and found[metric, level, row, load] > limits[metric]:
                over = True
                if load == 0:
                    return 0.0
                below, above = _log_of(found[metric, level, row, load - 1]), _log_of(found[metric, level, row, load])
                at = _crossing(limits[metric], below, above, rates[row, load - 1] * scale, rate)
                largest = min(largest, at)
        if over:
            return largest
    return float(rates[row, loads - 1]) * scale if loads else 0.0


@compiled
def largest_rates(words: Any) -> None:
    """Fill (rows, limits) the largest rate at which a latency keeps each limit, at most `held` (rows,).

    `words` tell of rows start to stop, then of the arrays below. `rates`, `latency` (rows, loads) ascending, `limits`
    (limits,) ascending; crossings are interpolated in the logarithm of the latency against the root of the rate, as in
    `largest_rate.largest_rate_within`; 0 where the lightest load breaks a limit.
    """
    start, stop = words[0], words[1]
    rates, latency, held = floats_2(words, 1), floats_2(words, 2), floats_1(words, 3)
    limits, found = floats_1(words, 4), floats_2(words, 5)
    loads = rates.shape[1]
    logs = buffer(loads)
    for row in range(start, stop):
        for load in range(loads):
            logs[load] = _log_of(latency[row, load])
        at = 0
        for limit in range(limits.size):
            while at < loads and latency[row, at] <= limits[limit]:
                at += 1
            if at == 0:
                found[row, limit] = 0.0
            elif at == loads:
                found[row, limit] = min(held[row], rates[row, loads - 1])
            else:
                crossing = _crossing(limits[limit], logs[at - 1], logs[at], rates[row, at - 1], rates[row, at])
                found[row, limit] = min(held[row], crossing)
    free(logs)

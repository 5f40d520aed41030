"""The largest rate within a limit, of many rows: `largest_rate.largest_rate_within` in loops."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.engine.loops.compiler import buffer, compiled, floats_1, floats_2, free
from explorer.engine.loops.fast_math import log


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
            seen = latency[row, load]
            logs[load] = log(max(seen if seen < 1e9 else 1e9, 1e-12))
        at = 0
        for limit in range(limits.size):
            while at < loads and latency[row, at] <= limits[limit]:
                at += 1
            if at == 0:
                found[row, limit] = 0.0
            elif at == loads:
                found[row, limit] = min(held[row], rates[row, loads - 1])
            else:
                span = max(logs[at] - logs[at - 1], 1e-12)
                share = min(max((np.log(limits[limit]) - logs[at - 1]) / span, 0.0), 1.0)
                below, above = np.sqrt(rates[row, at - 1]), np.sqrt(rates[row, at])
                crossing = below + share * (above - below)
                found[row, limit] = min(held[row], crossing * crossing)
    free(logs)

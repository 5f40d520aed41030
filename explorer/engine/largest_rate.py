"""The largest rate that keeps every promise, read off latencies at a ladder of rates."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.engine.records import Array


def largest_rate_within(rates: Array, latencies: list[tuple[Array, float]]) -> Array:
    """Largest rate (rows,) at which every (latency (rows, loads), limit) holds; 0 where the lightest load breaks one.

    `rates` (rows, loads) ascending; the crossing is interpolated in ln latency against the root of the rate, with which
    latencies grow at light load.
    """
    last = rates[:, -1]
    if not latencies:
        return last.copy()
    # (promises, rows, loads)
    latency = np.array([one for one, _ in latencies])
    limit = np.array([value for _, value in latencies])[:, None]
    over = latency > limit[:, :, None]
    # the first load that is over; 0 as well where none is
    first = over.argmax(axis=2)
    before = np.maximum(first - 1, 0)
    line, row = _starts(*latency.shape)
    at = first + line
    low, high = latency.take(before + line), latency.take(at)
    high[~np.isfinite(high)] = 1e9
    low = np.log(np.maximum(low, 1e-12))
    span = np.log(np.maximum(high, 1e-12)) - low
    share = np.minimum(np.maximum((np.log(limit) - low) / np.maximum(span, 1e-12), 0.0), 1.0)
    roots = np.sqrt(rates)
    start = roots.take(before + row)
    crossing = np.square(start + share * (roots.take(first + row) - start))
    crossing[first == 0] = 0.0
    crossing[~over.take(at)] = np.inf
    return np.asarray(np.minimum(last, np.minimum.reduce(crossing)))


@lru_cache(maxsize=64)
def _starts(promises: int, rows: int, loads: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each (promise, row) begins among flattened latencies, and each row among rates."""
    return np.arange(promises * rows).reshape(promises, rows) * loads, np.arange(rows) * loads

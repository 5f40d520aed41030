"""What an outcome must say at its operating point: the run along the load, or further runs where that is unsure."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from explorer.study.settled_point import WANTED, settle, unsureness
from explorer.study.simulated_replica import LEVELS, SimulatedReplica, summary


def at_the_point(
    replica: SimulatedReplica, load: float, saturation: float, count: int
) -> tuple[dict[str, NDArray[np.float64]], str]:
    """Latencies by metric at P50, P95 and P99, and the words of the method."""
    words = f"simulation, {count:,} requests"
    own = summary(replica, load, saturation, count)
    if unsureness(own) <= WANTED:
        return own.value, words
    with ThreadPoolExecutor(2) as pool:
        last = [found for found in settle(pool, replica, load, saturation, count, LEVELS) if found is not None]
    ((point, requests),) = last
    return point.value, f"{words}, {requests:,} at your traffic"

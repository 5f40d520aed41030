"""Chains that the tests of the queue and of its latencies share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.engine.batch_nodes import batch_nodes
from explorer.engine.queueing import Chain, build_chain

Array = NDArray[np.float64]


def linear_chain(a: float, b: float, cap: int, tokens: float) -> Chain:
    """A chain whose step lasts a + b*n seconds."""
    nodes = batch_nodes(cap)
    return build_chain(nodes, a + b * nodes, tokens)


class BruteForce:
    """The same chain over every integer state; the states that wait are summed as a geometric series."""

    def __init__(self, steps: Array, tokens: float, rate: float) -> None:
        """`steps[n]` is the step of n sequences, n = 0..cap (the first is not used)."""
        cap = len(steps) - 1
        n = np.arange(1, cap + 1)
        completion = n / (tokens * steps[1:])
        log_p = np.concatenate([[0.0], np.cumsum(np.log(rate / completion))])
        p = np.exp(log_p - log_p.max())
        load = rate / completion[-1]
        queued = p[-1] * load / (1.0 - load)
        total = p.sum() + queued
        self.states = np.arange(cap + 1)
        self.wait = (p[-1] + queued) / total
        self.p = p / total
        self.p[-1] += queued / total
        self.mean_batch = float(self.p @ self.states)
        self.saturation = float(completion[-1])
        by_token = self.p[1:] * n / steps[1:]
        self.by_token = by_token / by_token.sum()

    def batch_quantile(self, q: float, by_token: bool = False) -> float:
        """Smallest state up to which a share q of time (or of tokens) is spent."""
        weights = np.concatenate([[0.0], self.by_token]) if by_token else self.p
        return float(self.states[np.searchsorted(np.cumsum(weights), q)])

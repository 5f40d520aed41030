"""Quantiles of the requests of several pools together: of the mixture, never a mean of the pools' quantiles."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_Z99 = 2.3263478740408408
"""Standard normal quantile of 0.99."""
_ROOT_HALF = math.sqrt(0.5)
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)


def mixture_quantile(weights: Array, p50: Array, p99: Array, quantile: float) -> float:
    """Quantile of a mixture of lognormals given by their medians and P99s (pools,), seconds.

    A pool's latencies are taken as lognormal through the two quantiles that are known of it, so that one pool alone
    gives back its own P50 and P99. Raises ValueError for weights without a positive sum or a quantile outside (0, 1).
    """
    total = float(weights.sum())
    if not total > 0 or np.any(weights < 0) or not 0 < quantile < 1:
        raise ValueError("weights must not be negative, nor all zero; the quantile lies between 0 and 1")
    mu = np.log(p50)
    sigma = np.maximum(np.log(p99) - mu, 1e-9) / _Z99
    pools = [(w / total, m, s) for w, m, s in zip(weights.tolist(), mu.tolist(), sigma.tolist(), strict=True)]
    low, high = float(np.min(mu - 12 * sigma)), float(np.max(mu + 12 * sigma))
    at = 0.5 * (low + high)
    for _ in range(80):
        below = slope = 0.0
        for weight, m, s in pools:
            z = (at - m) / s
            below += weight * 0.5 * math.erfc(-z * _ROOT_HALF)
            slope += weight * math.exp(-0.5 * z * z) / s
        if below < quantile:
            low = at
        else:
            high = at
        # Newton's step where it stays between the bounds, else their middle
        step = (below - quantile) / (slope * _DENSITY) if slope > 0 else math.inf
        there = at - step if low < at - step < high else 0.5 * (low + high)
        if abs(there - at) <= 1e-13 * max(1.0, abs(at)):
            return math.exp(there)
        at = there
    return math.exp(at)

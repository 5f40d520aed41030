"""Quantiles of the requests of several pools together: of the mixture, never a mean of the pools' quantiles."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_Z99 = 2.3263478740408408
"""Standard normal quantile of 0.99."""


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
    low, high = float(np.min(mu - 12 * sigma)), float(np.max(mu + 12 * sigma))
    for _ in range(80):
        middle = 0.5 * (low + high)
        below = sum(
            weight * 0.5 * math.erfc(-(middle - m) / (s * math.sqrt(2.0)))
            for weight, m, s in zip(weights, mu, sigma, strict=True)
        )
        if below / total < quantile:
            low = middle
        else:
            high = middle
    return math.exp(0.5 * (low + high))

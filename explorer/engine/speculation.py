"""Speculative decoding: a draft guesses tokens ahead, one step of the model checks them all.

Leviathan, Kalman and Matias, Fast inference from transformers via speculative decoding, ICML 2023; Chen and others,
Accelerating large language model decoding with speculative sampling, 2023: with k drafted tokens, each accepted with
chance a as long as all before it were, a step yields 1 + a + ... + a^k tokens on average.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def tokens_per_step(acceptance: float, drafted: int) -> float:
    """Mean tokens that a step yields for each sequence, from 1 to drafted + 1."""
    return float(sum(acceptance**k for k in range(drafted + 1)))


def tokens_variance(acceptance: float, drafted: int) -> float:
    """Variance of the tokens of a step: a geometric number of accepted ones, cut at the drafted, and one more."""
    # P(accepted >= j) = a^j for j up to the drafted; E[N^2] = sum (2j-1) P(N >= j)
    mean = sum(acceptance**j for j in range(1, drafted + 1))
    square = sum((2 * j - 1) * acceptance**j for j in range(1, drafted + 1))
    return float(square - mean**2)


def steps_of(
    output: NDArray[np.int64], normals: NDArray[np.float64], acceptance: float, drafted: int
) -> NDArray[np.int64]:
    """Steps in which answers of `output` tokens come, (requests,), the first token's among them.

    The number of steps to o-1 further tokens is by renewal near normal, mean (o-1)/E and variance (o-1) V/E^3; at
    least as many as if all were accepted, at most one a token. `normals` are standard normal, one a request.
    """
    mean, variance = tokens_per_step(acceptance, drafted), tokens_variance(acceptance, drafted)
    further = np.maximum(output - 1, 0).astype(np.float64)
    drawn = further / mean + normals * np.sqrt(further * variance / mean**3)
    least = np.ceil(further / (drafted + 1))
    return np.asarray(np.clip(np.rint(drawn), least, further), dtype=np.int64) + 1

"""Attention-data ranks that wait for each other: how many of them have prompt work in the same step.

In every layer with experts all ranks meet. A prompt chunk on one of them holds up the others, whether they have one of
their own or not, so that only what comes to the same step shares its time, and the longest of them sets it. Measured
against the program's own simulation on 4 to 32 ranks, four traffics of equal prompts, up to 90 % load: capacity within
1 %, P50 of the time per token at 1.00-1.26 of the simulated one, P99 at 0.98-1.25. With lengths that vary as much as
exponential ones the simulated capacity is 0.92-1.30 of this one on 8 to 32 ranks (1,854 deployments; median 1.03).
Formulas are this program's own, checked against steps played out one by one.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.engine.stragglers import normal_quantile

Array = NDArray[np.float64]

ROUNDS = 6
"""Steps of false position: within 0.9 % for steps up to 300 times longer with a chunk than without."""


def by_chance(chunks_a_step: Array, ranks: Array) -> Array:
    """Ranks with a chunk in a step that carries any, where chunks come to every step alike: as to a full batch.

    k chunks to a step by Poisson: E[k | k > 0] = mu/(1 - exp(-mu)), from 1 to `ranks`.
    """
    mean = np.maximum(chunks_a_step, 1e-9)
    return np.asarray(np.minimum(mean / -np.expm1(-mean), ranks))


def by_arrival(chunks_a_step: Array, longer: Array, ranks: Array) -> Array:
    """The same where chunks come with time: a step that carries some lasts `longer` times one that does not.

    More come during the longer steps. With p the share of steps that carry any, M = 1 + p(longer - 1) the mean step,
    a = mu/M and b = mu longer/M chunks come during one without and one with: p e^-b = (1-p)(1 - e^-a), by false
    position (Illinois), and mu/p ranks are at work together.
    """
    mean = np.maximum(chunks_a_step, 1e-9)
    low, high = np.full(np.broadcast(mean, longer).shape, 1e-12), -np.expm1(-mean) * np.ones_like(longer)
    at_low, at_high = _imbalance(low, mean, longer), _imbalance(high, mean, longer)
    share = high
    for _ in range(ROUNDS):
        share = np.clip((low * at_high - high * at_low) / (at_high - at_low), low, high)
        found = _imbalance(share, mean, longer)
        below = found < 0.0
        at_low, at_high = np.where(below, found, 0.5 * at_low), np.where(below, 0.5 * at_high, found)
        low, high = np.where(below, share, low), np.where(below, high, share)
    return np.asarray(np.minimum(mean / share, ranks))


STEPS_AN_OCTAVE, OCTAVES, SLICES = 4, 6, 256
"""The longest of up to 64 prompts is tabulated four times a doubling."""


@lru_cache(maxsize=64)
def longest_prompts(cv: float) -> Array:
    """Mean of the longest of k lognormal lengths over the mean length, for k = 1 to 64, STEPS_AN_OCTAVE each doubling.

    E[max of k] = integral of Q(u) dF(u)^k over SLICES equal slices of the lengths.
    """
    sigma = math.sqrt(math.log1p(cv * cv))
    edges = np.linspace(0.0, 1.0, SLICES + 1)
    lengths = np.exp(sigma * normal_quantile(0.5 * (edges[1:] + edges[:-1])))
    k = 2.0 ** (np.arange(OCTAVES * STEPS_AN_OCTAVE + 1) / STEPS_AN_OCTAVE)
    found = np.diff(edges[None, :] ** k[:, None], axis=1) @ lengths / lengths.mean()
    found.setflags(write=False)
    return np.asarray(found)


def longer_by(together: Array, cv: float) -> Array:
    """By how much the longest prompt of those on ranks `together` exceeds the mean one; 1 for one."""
    table = longest_prompts(cv)
    place = STEPS_AN_OCTAVE * np.log2(np.maximum(together, 1.0))
    return np.asarray(np.interp(place, np.arange(len(table)), table))


def _imbalance(share: Array, mean: Array, longer: Array) -> Array:
    step = 1.0 + share * (longer - 1.0)
    return np.asarray(share * np.exp(-mean * longer / step) + (1.0 - share) * np.expm1(-mean / step))

"""Where every draw comes from: points of the unit cube that only the scenario's seed and what is drawn decide."""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.figure import FIGURE_KINDS

Array = NDArray[np.float64]

SOBOL_FROM = 256
"""From this many draws on they are scrambled Sobol points; fewer, as while a hand moves, are only stratified."""

PARTS: tuple[str, ...] = (*FIGURE_KINDS, "step", "first", "offer")
"""What is drawn of one chip, each its own dimension: its figures, the model's error on it, and its rent."""


@lru_cache(maxsize=4096)
def uniforms(owner: str, part: str, samples: int, seed: int) -> Array:
    """Draws (samples,) in (0, 1) of one part of one owner (a chip), read-only.

    Each of `samples` equal slices of (0, 1) holds one draw (with Sobol points: where `samples` is a power of two).
    Owners are independent; the same owner has the same draws wherever it occurs (common random numbers).
    ValueError for a part that is not among PARTS.
    """
    at = PARTS.index(part)
    values = stratified(owner, part, samples, seed) if samples < SOBOL_FROM else _cube(owner, samples, seed)[:, at]
    values.setflags(write=False)
    return values


@lru_cache(maxsize=32)
def _cube(owner: str, samples: int, seed: int) -> Array:
    return sobol_points(owner, samples, len(PARTS), seed)


def stratified(owner: str, part: str, samples: int, seed: int) -> Array:
    """One value in each of `samples` equal slices of (0, 1), in an order that only the names and the seed decide."""
    rng = _generator(f"{owner}/{part}", seed)
    return np.asarray((rng.permutation(samples) + rng.random(samples)) / samples)


def sobol_points(name: str, samples: int, dimensions: int, seed: int) -> Array:
    """Scrambled Sobol points (samples, dimensions) in (0, 1), in random order (Owen 1998; Joe and Kuo 2008).

    Uses scipy, which the window's process never imports: for the worker and the command line.
    """
    from scipy.stats import qmc

    rng = _generator(name, seed)
    points = qmc.Sobol(dimensions, scramble=True, seed=rng).random_base2(max(samples - 1, 1).bit_length())[:samples]
    # two scrambles of one sequence go together point by point: only in an order of its own is each independent
    points = rng.permutation(points)
    # the half-open interval may hold its end, where quantiles are infinite
    return np.asarray(np.clip(points, 0.5**32, 1.0 - 0.5**32))


def _generator(name: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode("utf-8"))])

"""Quantiles of simulated latencies with confidence bands by sectioning, and of histograms of token gaps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.engine.stragglers import normal_quantile

Array = NDArray[np.float64]


SKEW = 3.0
"""How much farther a band reaches up: a run that missed the rare bad moments has too low a quantile and too narrow a
spread at once. Measured on chunked prefill at 50 % and 80 % load, 5,000 to 50,000 requests: with it a 95 % band of
P50 to P99 holds the long-run value 90-98 % of the time, without it 80-97 %."""


@dataclass(frozen=True, slots=True)
class Band:
    """A quantile and the band that should hold the long-run one; arrays of the shape of q."""

    value: Array
    low: Array
    high: Array


@lru_cache(maxsize=64)
def student_quantile(p: float, degrees: int) -> float:
    """Quantile of Student's t: Cornish and Fisher's expansion in 1/degrees, within 0.1 % from 4 degrees on."""
    z = float(normal_quantile(p))
    v = float(degrees)
    first = (z**3 + z) / 4.0
    second = (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / 96.0
    third = (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / 384.0
    fourth = (79.0 * z**9 + 776.0 * z**7 + 1482.0 * z**5 - 1920.0 * z**3 - 945.0 * z) / 92160.0
    return z + first / v + second / v**2 + third / v**3 + fourth / v**4


def quantiles_with_band(values: ArrayLike, q: ArrayLike, sections: int = 10, level: float = 0.95) -> Band:
    """Quantiles of a correlated series with a band by sectioning; `values` in order of arrival, NaN left out.

    The centre is the pooled quantile. On the scale of logarithms (quantiles of waiting times spread in proportion) the
    half-width is w = t_{B-1} sqrt(sum (ln q_b - ln q)^2/(B(B-1))) over B stretches (Asmussen and Glynn 2007, III.5a),
    and upwards w + SKEW w^2. A resampling of single requests would take neighbours for independent and holds the
    truth less than half of the time. Where a stretch has its quantile at 0 the plain scale is used. Raises
    ValueError for fewer than five sections or fewer values than four a section.
    """
    if sections < 5:
        raise ValueError("at least five sections are needed")
    series = np.asarray(values, dtype=np.float64)
    series = series[np.isfinite(series)]
    if series.size < 4 * sections:
        raise ValueError(f"{series.size} values are too few for {sections} sections")
    levels = np.asarray(q, dtype=np.float64)
    pooled = _of_sorted(np.sort(series)[None, :], levels)[0]
    # stretches of equal length: what is left over, fewer values than stretches, is taken off the beginning
    parts = np.sort(series[series.size % sections :].reshape(sections, -1), axis=1)
    return _sectioned(pooled, _of_sorted(parts, levels), level)


def _of_sorted(ordered: Array, levels: Array) -> Array:
    """Quantiles of sorted rows (rows, values), straight between neighbours, (rows, *levels.shape)."""
    place = levels * (ordered.shape[1] - 1)
    below = np.minimum(place.astype(np.intp), ordered.shape[1] - 2)
    low = ordered[:, below]
    return np.asarray(low + (place - below) * (ordered[:, below + 1] - low), dtype=np.float64)


def _sectioned(pooled: Array, parts: Array, level: float) -> Band:
    count = parts.shape[0]
    t = student_quantile(0.5 + level / 2.0, count - 1)
    positive = (parts > 0.0).all(axis=0) & (pooled > 0.0)
    safe_parts, safe_pooled = np.where(positive, parts, 1.0), np.where(positive, pooled, 1.0)
    spread = np.log(safe_parts) - np.log(safe_pooled)
    width = t * np.sqrt(np.sum(spread**2, axis=0) / (count * (count - 1.0)))
    plain = t * np.sqrt(np.sum((parts - pooled) ** 2, axis=0) / (count * (count - 1.0)))
    low = np.where(positive, pooled * np.exp(-width), np.maximum(pooled - plain, 0.0))
    high = np.where(positive, pooled * np.exp(np.minimum(width + SKEW * width**2, 700.0)), pooled + plain)
    return Band(value=np.asarray(pooled), low=low, high=high)


def histogram_edges(bins: int, sub_bins: int, least_exponent: int) -> Array:
    """Edges of bins that split every octave evenly, (bins+1,)."""
    k = np.arange(bins + 1)
    return np.ldexp(1.0 + (k % sub_bins) / sub_bins, least_exponent + k // sub_bins)


def histogram_quantiles(counts: Array, edges: Array, q: ArrayLike) -> Array:
    """Quantiles of a histogram, evenly spread within a bin; NaN where it is empty. `counts` (bins,), any q."""
    levels = np.asarray(q, dtype=np.float64)
    return np.asarray(_of_histograms(np.asarray(counts)[None, :], edges, levels)[0])


def _of_histograms(counts: Array, edges: Array, levels: Array) -> Array:
    """The same for rows of counts, (rows, bins), with (rows, *levels.shape)."""
    found = np.empty((counts.shape[0], *levels.shape))
    sums = np.cumsum(counts, axis=1)
    for row, (part, below) in enumerate(zip(counts, sums, strict=True)):
        total = below[-1]
        if total == 0.0:
            found[row] = np.nan
            continue
        wanted = levels * total
        # a bin without counts at the very start holds no quantile
        place = np.maximum(np.searchsorted(below, wanted, side="left"), np.searchsorted(below, 0.0, side="right"))
        place = np.minimum(place, counts.shape[1] - 1)
        held = np.maximum(part[place], 1e-300)
        within = np.minimum(np.maximum((wanted - (below[place] - part[place])) / held, 0.0), 1.0)
        found[row] = edges[place] + within * (edges[place + 1] - edges[place])
    return found


def histogram_band(sections: Array, edges: Array, q: ArrayLike, level: float = 0.95) -> Band:
    """Quantiles of the sum of histograms of successive stretches, (sections, bins), with their band.

    Wholly unsure, from 0 to infinity, where fewer than five stretches hold anything.
    """
    levels = np.asarray(q, dtype=np.float64)
    pooled = histogram_quantiles(sections.sum(axis=0), edges, levels)
    filled = sections[sections.sum(axis=1) > 0.0]
    if filled.shape[0] < 5:
        unknown = np.full(levels.shape, np.inf)
        return Band(value=pooled, low=np.zeros(levels.shape), high=unknown)
    band = _sectioned(pooled, _of_histograms(filled, edges, levels), level)
    # values are told apart to a bin, and quantiles on a plateau sit a little low in short runs: a bin to either side
    place = np.clip(np.searchsorted(edges, pooled, side="right") - 1, 1, edges.size - 3)
    return Band(band.value, np.minimum(band.low, edges[place - 1]), np.maximum(band.high, edges[place + 2]))

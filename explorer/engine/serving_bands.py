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

RARE = 0.5
"""How much farther the share of long gaps may be up: they come in rare spells, of which most short runs have none.
Measured on chunked prefill at 50 % and 80 % load, 5,000 and 20,000 requests: with it a 95 % band of P50 to P99 holds
the long-run value 92-96 % of the time (94-98 % with sectioning beside it), without it 72-96 %."""


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


def share_with_band(met: NDArray[np.bool_], sections: int = 10, level: float = 0.95) -> Band:
    """Share of a correlated series that is true, with a band by sectioning as for quantiles; `met` in order of arrival.

    On the plain scale, within 0 and 1. Where all or none are met the stretches say nothing: the band then reaches as
    far as 3 in n, the rule of three (Hanley and Lippman-Hand 1983). Raises ValueError as `quantiles_with_band`.
    """
    if sections < 5:
        raise ValueError("at least five sections are needed")
    series = np.asarray(met, dtype=np.float64)
    if series.size < 4 * sections:
        raise ValueError(f"{series.size} values are too few for {sections} sections")
    share = series.mean()
    parts = series[series.size % sections :].reshape(sections, -1).mean(axis=1)
    t = student_quantile(0.5 + level / 2.0, sections - 1)
    width = t * np.sqrt(np.sum((parts - share) ** 2) / (sections * (sections - 1.0)))
    if share in (0.0, 1.0):
        width = np.asarray(3.0 / series.size)
    return Band(np.asarray(share), np.maximum(share - width, 0.0), np.minimum(share + width, 1.0))


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
    below = np.cumsum(np.asarray(counts, dtype=np.float64))[None, :]
    return np.asarray(_of_cumulated(below, edges, np.asarray(q, dtype=np.float64))[0])


def _of_cumulated(below: Array, edges: Array, levels: Array) -> Array:
    """The same of rows of counts up to the end of each bin, (rows, bins), with (rows, *levels.shape)."""
    total = below[:, -1].reshape(-1, *(1,) * levels.ndim)
    wanted = levels * total
    # a bin without counts at the very start holds no quantile
    least = np.maximum(wanted, 0.5)
    found = [np.searchsorted(row, asked, side="left") for row, asked in zip(below, least, strict=True)]
    place = np.minimum(np.array(found), below.shape[1] - 1)
    rows = np.arange(below.shape[0]).reshape(-1, *(1,) * levels.ndim)
    before = np.where(place > 0, below[rows, place - 1], 0.0)
    within = np.clip((wanted - before) / np.maximum(below[rows, place] - before, 1e-300), 0.0, 1.0)
    return np.asarray(np.where(total > 0.0, edges[place] + within * (edges[place + 1] - edges[place]), np.nan))


def histogram_band(sections: Array, edges: Array, q: ArrayLike, level: float = 0.95) -> Band:
    """Quantiles of the sum of histograms of successive stretches, (sections, bins), with their band.

    Quantiles of token gaps sit on plateaus (a full step takes what it takes) or jump between them, so that the spread
    of the stretches' quantiles says little. The band is turned round (Woodruff 1952): it holds every gap for which the
    share E of longer ones may be 1-q, as far as the stretches differ in it, from E exp(-w) to E exp(w + RARE w^2) with
    w = t_{B-1} times the standard error of ln E over stretches weighed by what they hold; straight within a bin.
    It ends at the longest gap seen, too near where batches change slowly: where sectioning as for requests reaches
    farther it is followed, no farther up than it reaches for the longest gap itself. Wholly unsure, from 0 to
    infinity, where fewer than five stretches hold anything. `q` within (0, 1).
    """
    levels = np.asarray(q, dtype=np.float64)
    sums = np.cumsum(sections, axis=1)
    below, held = sums.sum(axis=0), sums[:, -1]
    count = int(np.count_nonzero(held))
    if count < 5:
        value = _of_cumulated(below[None, :], edges, levels)[0]
        return Band(value, low=np.zeros(levels.shape), high=np.full(levels.shape, np.inf))
    # values above each edge but the first: in all stretches, and how far each is from its part of them
    above = below[-1] - below
    spread = sums - (held / below[-1])[:, None] * below
    error = np.sqrt(np.einsum("ij,ij->j", spread, spread) * (count / (count - 1.0)))
    reach = student_quantile(0.5 + level / 2.0, count - 1) * error / np.maximum(above, 0.5)
    share = above / below[-1]
    least, most = share * np.exp(-reach), share * np.exp(np.minimum(reach + RARE * reach**2, 700.0))
    stretches = _of_cumulated(np.vstack([below, sums[held > 0.0]]), edges, np.append(levels.ravel(), 1.0))
    parts = _sectioned(stretches[0], stretches[1:], level)
    low, high = parts.low[:-1].reshape(levels.shape), np.minimum(parts.high[:-1], parts.high[-1]).reshape(levels.shape)
    for place, at in np.ndenumerate(1.0 - levels):
        first = int(np.argmax(least <= at))
        last = most.size - int(np.argmax(most[::-1] > at)) if most.max() > at else 0
        low[place] = np.minimum(low[place], _between(least, edges, first, at))
        high[place] = np.maximum(high[place], _between(most, edges, last, at))
    return Band(stretches[0, :-1].reshape(levels.shape), low, high)


def _between(share: Array, edges: Array, k: int, wanted: float) -> float:
    """Where the share above, known at the end of each bin, comes down to `wanted` within bin k."""
    before = share[k - 1] if k > 0 else 1.0
    return float(edges[k] + (edges[k + 1] - edges[k]) * (before - wanted) / (before - share[k]))

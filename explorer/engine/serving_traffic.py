"""Requests for the simulation from draws that stay put while sliders move (common random numbers).

Every arrival process and length is a monotone function of the same unit draws, so that a curve over a slider does
not jump, and a difference between two chips is not drowned in the luck of the draw.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.engine.serving_records import Array, Requests, Whole

GAMMA_NODES = 3000
MOST_DRAWN = 30.0
"""A unit exponential beyond this comes once in 1e13 draws; the gamma table ends there."""


@dataclass(frozen=True, slots=True)
class Draws:
    """The luck of a run: made once from seed and number, kept while everything else changes; (requests,) each."""

    seed: int
    gaps: Array
    """Unit exponentials behind the gaps between arrivals."""
    prompts: Array
    """Standard normals behind the prompt lengths."""
    outputs: Array
    """Standard normals behind the output lengths."""

    @property
    def count(self) -> int:
        """Number of requests."""
        return int(self.gaps.size)


def draw(seed: int, count: int) -> Draws:
    """Draws for `count` requests; the same seed gives the same ones, and the first of them for a smaller count."""
    if count < 1:
        raise ValueError(f"at least one request is needed, not {count}")
    streams = [np.random.default_rng([seed, stream]) for stream in range(3)]
    return Draws(
        seed=seed,
        gaps=streams[0].standard_exponential(count),
        prompts=streams[1].standard_normal(count),
        outputs=streams[2].standard_normal(count),
    )


@lru_cache(maxsize=64)
def _gamma_table(shape: float) -> tuple[Array, Array]:
    """ln of unit exponential and ln of the gamma variate at the same probability, both ascending.

    The lower tail is x^k e^-x/Gamma(k+1) (1 + x/(k+1) + x^2/((k+1)(k+2)) + ...), positive terms only.
    """
    top = shape + 12.0 * math.sqrt(shape) + 60.0
    # at the lower end ln x = (ln P + ln Gamma(k+1))/k; a draw below e^-40 does not come
    bottom = min((-40.0 + math.lgamma(shape + 1.0)) / shape, math.log(shape) - 12.0 / math.sqrt(shape))
    # small shapes reach far down; the bend near the mean needs nodes of its own
    knee = max(bottom, min(-15.0, math.log(shape) - 15.0 / math.sqrt(shape)))
    log_x = np.unique(
        np.concatenate(
            [
                np.linspace(bottom, knee, GAMMA_NODES),
                np.linspace(knee, math.log(top), GAMMA_NODES),
                np.log(np.linspace(max(shape - 9.0 * math.sqrt(shape), 1e-3), top, GAMMA_NODES)),
            ]
        )
    )
    x = np.exp(log_x)
    term = np.ones_like(x)
    series = np.ones_like(x)
    for k in range(1, int(top + 20.0 * math.sqrt(top) + 100.0)):
        term = term * (x / (shape + k))
        series += term
    log_lower = shape * log_x - x - math.lgamma(shape + 1.0) + np.log(series)
    lower = np.exp(np.minimum(log_lower, 0.0))
    # a tiny P is the exponential itself, to all digits
    with np.errstate(divide="ignore"):
        exponential = np.where(lower < 1e-9, lower, -np.log1p(-np.minimum(lower, 1.0)))
    usable = (lower > 0.0) & (exponential < MOST_DRAWN)
    log_drawn = np.log(exponential[usable])
    rising = np.concatenate([[True], np.diff(log_drawn) > 0.0])
    return log_drawn[rising], log_x[usable][rising]


def unit_gaps(exponentials: ArrayLike, cv: float) -> Array:
    """Gaps of mean 1 and coefficient of variation `cv`, gamma distributed, one for each unit exponential.

    By inversion: P_gamma(gap) = 1 - exp(-draw), read from a table (relative error below 1e-3
    up to a cv of 10), so that a larger draw
    is a longer gap at every cv. 0 gives even spacing, 1 the exponentials themselves.
    """
    drawn = np.asarray(exponentials, dtype=np.float64)
    if cv < 0.0:
        raise ValueError(f"a coefficient of variation must not be negative, {cv:g} is")
    if cv < 0.02:
        # nobody can tell such traffic from even spacing, and the series would need thousands of terms
        return np.ones_like(drawn)
    if cv == 1.0:
        return drawn
    shape = 1.0 / cv**2
    log_drawn, log_gap = _gamma_table(shape)
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(np.interp(np.log(drawn), log_drawn, log_gap)) / shape)


def arrivals(draws: Draws, rate: float, cv: float = 1.0) -> Array:
    """Arrival times, seconds, at `rate` requests/s with gamma gaps; Poisson for cv = 1."""
    return np.cumsum(unit_gaps(draws.gaps, cv)) / rate


def thinned_cv(cv: float, replicas: float) -> float:
    """Coefficient of variation that one of R replicas sees under random split: SCV' = 1 + (SCV-1)/R."""
    return math.sqrt(1.0 + (cv**2 - 1.0) / replicas)


def on_off_arrivals(draws: Draws, rate: float, on_share: float, on_s: float) -> Array:
    """Poisson arrivals in bursts: silence for a share 1 - `on_share` of time, rate/on_share in between, seconds.

    Bursts last an exponential time of mean `on_s`, silences one of mean on_s (1-on_share)/on_share. Thinning such
    traffic leaves its bursts where they are: all replicas see the same ones.
    """
    if not 0.0 < on_share <= 1.0 or on_s <= 0.0:
        raise ValueError("on_share must be above 0 and at most 1, on_s above 0")
    within = np.cumsum(draws.gaps) * (on_share / rate)
    bursts = int(within[-1] / on_s * 1.2 + 20.0 * math.sqrt(within[-1] / on_s + 1.0)) + 10
    on_draws, off_draws = (np.random.default_rng([draws.seed, stream]) for stream in (3, 4))
    ends = np.cumsum(on_draws.standard_exponential(bursts)) * on_s
    silences = np.cumsum(off_draws.standard_exponential(bursts)) * (on_s * (1.0 - on_share) / on_share)
    burst = np.searchsorted(ends, within)
    before = np.concatenate([[0.0], silences])
    return np.asarray(within + before[np.minimum(burst, bursts)])


def lognormal_lengths(normals: ArrayLike, mean: float, cv: float, longest: float = math.inf) -> Whole:
    """Whole lengths from 1 to `longest` tokens, lognormal with that mean and coefficient of variation before rounding.

    cv = 0 gives the mean itself, rounded.
    """
    z = np.asarray(normals, dtype=np.float64)
    variance = math.log1p(cv**2)
    lengths = np.exp(math.log(mean) - 0.5 * variance + math.sqrt(variance) * z)
    return np.clip(np.rint(lengths), 1.0, min(longest, 2.0**40)).astype(np.int64)


def recorded(
    arrival: ArrayLike, prompt: ArrayLike, output: ArrayLike, *, rate: float | None = None, count: int | None = None
) -> Requests:
    """Requests as recorded; `rate` stretches time to that many a second, `count` cuts or goes round again.

    A second round begins one mean gap after the first ended.
    """
    times = np.asarray(arrival, dtype=np.float64)
    times = times - times[0]
    span = float(times[-1])
    gap = span / (times.size - 1) if times.size > 1 else 1.0
    wanted = times.size if count is None else count
    place = np.arange(wanted)
    again, within = np.divmod(place, times.size)
    moments = times[within] + again * (span + gap)
    if rate is not None and gap > 0.0:
        moments = moments / (gap * rate)
    lengths: list[NDArray[np.int64]] = [np.asarray(values, dtype=np.int64)[within] for values in (prompt, output)]
    return Requests(moments, lengths[0], lengths[1])


def recorded_share(
    arrival: ArrayLike, prompt: ArrayLike, output: ArrayLike, draws: Draws, rate: float, replicas: float
) -> Requests:
    """As many requests as there are draws, as one of `replicas` parts of a recording split request by request sees it.

    `rate` is that of the replica, requests/s: time is stretched so that all replicas together see `replicas` times as
    many. Which requests come here is drawn by geometric steps, a monotone function of the draws; when the recording
    is used up it begins again, one mean gap later.
    """
    times = np.asarray(arrival, dtype=np.float64)
    if replicas <= 1.0:
        place = np.arange(draws.count)
    else:
        place = np.cumsum(np.ceil(draws.gaps / -math.log1p(-1.0 / replicas)).clip(1.0).astype(np.int64)) - 1
    times = times - times[0]
    span = float(times[-1])
    gap = span / (times.size - 1) if times.size > 1 else 1.0
    again, within = np.divmod(place, times.size)
    moments = times[within] + again * (span + gap)
    if gap > 0.0:
        moments = moments / (gap * rate * replicas)
    lengths: list[NDArray[np.int64]] = [np.asarray(values, dtype=np.int64)[within] for values in (prompt, output)]
    return Requests(moments, lengths[0], lengths[1])

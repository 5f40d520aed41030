"""Latencies of a replica under load: quantiles of first token, time per token and whole answers."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from explorer.engine.node_quantiles import QUANTILES, as_column
from explorer.engine.prompt_work import PromptService
from explorer.engine.queueing import Chain, LoadState, named_quantiles, peakedness
from explorer.engine.records import Array
from explorer.engine.stragglers import normal_quantile


def exponential_wait_quantile(probability: ArrayLike, decay: ArrayLike, q: float) -> Array:
    """Quantile of a wait that is 0 with 1-p and exponential with `decay` otherwise; inf where decay is 0."""
    p = np.asarray(probability, dtype=np.float64)
    d = np.asarray(decay, dtype=np.float64)
    with np.errstate(divide="ignore"):
        tail = np.log(np.maximum(p, 1e-300) / (1.0 - q)) / np.where(d > 0, d, np.nan)
    waits = np.maximum(tail, 0.0)
    return np.asarray(np.where(d > 0, np.where(p > 1.0 - q, waits, 0.0), np.inf))


@lru_cache(maxsize=64)
def standard_normal(q: float) -> float:
    """Quantile q of the standard normal, kept for the few q in use."""
    return float(normal_quantile(q))


def lognormal_quantile(mean: ArrayLike, cv: ArrayLike, q: float) -> Array:
    """Quantile of a lognormal with given mean and coefficient of variation (cv 0: the mean)."""
    scv = np.square(np.asarray(cv, dtype=np.float64))
    sigma2 = np.log1p(scv)
    z = standard_normal(q)
    return np.asarray(np.asarray(mean, dtype=np.float64) * np.exp(z * np.sqrt(sigma2) - 0.5 * sigma2))


def ttft_quantiles(
    state: LoadState, service: PromptService, quantiles: tuple[float, ...] = QUANTILES
) -> dict[float, Array]:
    """Time to first token, quantiles (rows, loads), seconds.

    Sum of independent parts: waiting for a slot (exact tail of the chain), waiting for the prompts ahead (M/G/1 with
    an exponential tail, mean by Pollaczek-Khinchine; a prompt's service is its share of full steps, decodes included),
    the prompt's own steps (lognormal lengths), half a step in progress and the front end. The quantile of the sum is
    mean + root of summed squared excesses of the parts: exact for one part. Batch and prompt queue swell together,
    which their parts do not know: `load_gain` is what the program's own simulation finds on top of all but the slot.
    Where gaps between arrivals are uneven the prompts ahead are those of `_clustered`.
    """
    own = state.mean_over_time(service.own_at)
    busy, each = service.busy(state)
    # who meets no prompt waits for the step under way, who meets one for the end of a step with prompts in it
    step = state.finite_step
    scv = float(service.scv)
    residual_service = each * (0.5 + 0.5 * scv)
    idle = 1.0 - busy
    under_way = residual_service
    if service.decode_at is not None and service.full_at is not None:
        step = idle * state.mean_over_time(service.decode_at)
        mixed = own + service.crowded_when(busy) * (state.mean_over_time(service.full_at) - own)
        under_way = np.maximum(0.5 * mixed, residual_service)
    queue_mean = busy * (under_way + busy / idle * residual_service)
    waits = busy
    if state.gap_scv is not None:
        queue_mean, waits = _clustered(state.gap_scv, scv, queue_mean, busy, each)
    wait_each = np.maximum(queue_mean, 1e-12) / waits
    slot_each = 1.0 / state.finite_decay
    slot_mean = state.wait_probability * slot_each
    gain = 1.0 + service.load_gain * np.minimum(state.utilisation, 1.0)
    mean = gain * (own + queue_mean + 0.5 * step) + slot_mean + service.overhead
    # never below what cannot be avoided: the front end and a short prompt's own step
    length_share = own * service.growth
    floor = service.overhead + gain * (own - length_share)
    log_tail = _log_tails(quantiles)
    # what each part adds beyond its mean at the quantile: slot, prompts ahead, own length, step under way
    over = np.empty((4, len(quantiles), *own.shape))
    for part, probability, scale, part_mean in (
        (over[0], state.wait_probability, slot_each, slot_mean),
        (over[1], waits, wait_each, queue_mean),
    ):
        np.subtract(np.log(np.maximum(probability, 1e-300)), log_tail, out=part)
        np.maximum(part, 0.0, out=part)
        part *= scale
        part -= part_mean
    np.multiply(length_share, _length_excesses(math.sqrt(scv), quantiles), out=over[2])
    np.multiply(step, _off_half(quantiles), out=over[3])
    over[1:] *= gain
    signed = np.add.reduce(over)
    over *= over
    spread = np.sqrt(np.add.reduce(over))
    total = np.maximum(mean + np.maximum(np.minimum(signed, spread), -spread), floor)
    return named_quantiles(state, total, quantiles)


def _clustered(gap_scv: Array, prompt_scv: float, queue_mean: Array, busy: Array, each: Array) -> tuple[Array, Array]:
    """Mean wait for the prompts ahead and the share that waits, (rows, loads), where gaps are uneven.

    More uneven than exponential ones, requests come as in clusters of (1 + scv)/2 on average, geometric: the first of
    a cluster waits as a single one, each other for those before it as well (M^X/G/1: Cooper 1981). More even, the queue
    is shorter by the rule of Allen and Cunneen.
    """
    cluster = np.maximum(peakedness(gap_scv), 1.0)
    evener = np.minimum((gap_scv + prompt_scv) / (1.0 + prompt_scv), 1.0)
    together = (cluster - 1.0) * each / (1.0 - busy)
    return queue_mean * evener + together, 1.0 - (1.0 - busy) / cluster


def tpot_quantiles(
    chain: Chain,
    state: LoadState,
    marginal_at: Array,
    quantiles: tuple[float, ...] = QUANTILES,
    *,
    prompt_scv: float = 0.0,
    output_scv: float = 0.0,
    longest: Array | None = None,
    together_at: Array | None = None,
    swells: bool = True,
) -> dict[float, Array]:
    """Time per output token of a request (mean over its tokens), quantiles (rows, loads), seconds.

    Centre: mean batch over token rate (Little). Spread: a request averages the batch over its own lifetime, which for
    a batch relaxing at about one lifetime keeps sqrt(2/e) of its standard deviation at light load and all of it near
    saturation; prompts met by chance (a Poisson number, each of its own length, shared by the request's own tokens)
    add in quadrature, the more so as the batch `swells` with them, which a fixed number of users does not, their skew
    by Cornish-Fisher. No request's mean gap is above the `longest` step, (rows, 1). Where `together_at` (rows,
    nodes) prompts are worked off side by side, a prompt more makes the batch swell by that part only. Where gaps
    between arrivals are uneven the batch is as much wider as they are peaked, up to the cap, and prompts met vary as
    they do.
    Source: theory of an Ornstein-Uhlenbeck batch, checked against discrete-event runs to 2-7 % in the mean.
    """
    step = state.finite_step
    marginal = state.mean_over_time(marginal_at)
    at_rest = math.sqrt(2.0 / math.e)
    near_saturation = at_rest + (1.0 - at_rest) * np.minimum(state.utilisation, 1.0)
    # prompts met in a lifetime of m tokens: rate*m*step; their share a token varies as its root, the more so the more
    # lengths differ (E[1/o] = (1+cv^2)/m of a lognormal output)
    busy = state.rate * step
    met_number = busy * chain.output_tokens / (1.0 + output_scv)
    spread_out = (1.0 + prompt_scv) * (1.0 + output_scv)
    chance = marginal * np.sqrt(busy * (spread_out / chain.output_tokens))
    if state.gap_scv is not None:
        # who waits for a slot is let in one by one, however they came
        chance *= np.sqrt(1.0 + (state.gap_scv - 1.0) * (1.0 - state.wait_probability))
    if swells and (prompt_scv or output_scv):
        # a prompt met holds up everybody, so that more prompts are met: the batch's own gain, step over unloaded step
        if together_at is None:
            chance *= step / chain.unloaded
        else:
            together = state.mean_over_time(together_at)
            chance /= 1.0 - np.maximum(1.0 - chain.unloaded / step, 0.0) / together
    skew = np.minimum((1.0 + prompt_scv) ** 1.5 / np.sqrt(np.maximum(met_number, 1e-9)), 3.0)
    batch = state.step_quantiles(chain.step, quantiles)
    off_batch = batch - step
    # below the mean the share kept stays, so that more load never shortens a quantile
    off_batch *= np.where(off_batch < 0, at_rest, near_saturation)
    if state.gap_scv is not None:
        off_batch *= np.sqrt(peakedness(state.gap_scv))
        np.minimum(off_batch, chain.step[:, -1:] - step, out=off_batch)
    z, skewed = _normal_quantiles(quantiles)
    met = (z + skewed * skew) * chance
    value = step + np.copysign(np.sqrt(off_batch * off_batch + met * met), off_batch + met)
    if longest is not None:
        value = np.minimum(value, longest)
    return named_quantiles(state, np.maximum(value, chain.unloaded), quantiles)


def e2e_quantiles(
    state: LoadState,
    ttft: dict[float, Array],
    tpot: dict[float, Array],
    output_tokens: Array,
    output_cv: float,
    quantiles: tuple[float, ...] = QUANTILES,
) -> dict[float, Array]:
    """End-to-end time, quantiles (rows, loads): first token plus (o-1) steps, excesses added in quadrature."""
    gaps = np.maximum(output_tokens - 1.0, 0.0)
    middle = _finite(state, ttft[min(ttft)])
    whole = gaps * state.finite_step
    first = np.array([_finite(state, ttft[q]) for q in quantiles])
    per_token = np.array([_finite(state, tpot[q]) for q in quantiles])
    waited = first - middle
    longer = whole * (_length_factors(output_cv, quantiles) - 1.0)
    slower = gaps * (per_token - state.finite_step)
    spread = np.sqrt(waited * waited + longer * longer + slower * slower)
    # parts that pull either way cancel: a sign alone would jump by twice the spread where they are equal
    apart = np.minimum(np.maximum(waited + longer + slower, -spread), spread)
    value = np.maximum(middle + whole + apart, first)
    return named_quantiles(state, value, quantiles)


@lru_cache(maxsize=64)
def _log_tails(quantiles: tuple[float, ...]) -> Array:
    return np.asarray(np.log1p(-as_column(quantiles)))


@lru_cache(maxsize=64)
def _normal_quantiles(quantiles: tuple[float, ...]) -> tuple[Array, Array]:
    """Normal quantiles, (quantiles, 1, 1), and what a skew of one adds to them: Cornish-Fisher, above the median."""
    z = np.asarray([standard_normal(q) for q in quantiles])[:, None, None]
    return z, np.where(z > 0.0, (z * z - 1.0) / 6.0, 0.0)


@lru_cache(maxsize=256)
def _length_factors(cv: float, quantiles: tuple[float, ...]) -> Array:
    """Quantiles of a length over its mean, (quantiles, 1, 1)."""
    return np.asarray([float(lognormal_quantile(1.0, cv, q)) for q in quantiles])[:, None, None]


@lru_cache(maxsize=256)
def _length_excesses(cv: float, quantiles: tuple[float, ...]) -> Array:
    return np.asarray(_length_factors(cv, quantiles) - 1.0)


@lru_cache(maxsize=64)
def _off_half(quantiles: tuple[float, ...]) -> Array:
    return np.asarray(as_column(quantiles) - 0.5)


def _finite(state: LoadState, values: Array) -> Array:
    return values if state.all_stable else np.where(state.stable, values, 0.0)

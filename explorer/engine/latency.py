"""Latencies of a replica under load: quantiles of first token, time per token, gaps and whole answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.engine.queueing import (
    QUANTILES,
    Chain,
    LoadState,
    node_edges,
    peakedness,
    share_between,
)
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


FULL_SHARPNESS = 12
"""How sharply the share of time with prompts bends from the prompt work towards all of the time."""
MOST_BUSY = 0.98


@dataclass(frozen=True, slots=True)
class PromptService:
    """How prompts are worked off, each (rows, 1): the shape of the first token.

    `own` is the time of a mean prompt's own steps among the decodes at light load, `marginal` the extra step time it
    causes, `scv` the squared coefficient of variation of prompt lengths, `overhead` what is not the chip's.
    """

    own_at: Array
    """Time of a mean prompt's steps while n sequences decode, its host time with it, (rows, nodes)."""
    marginal_at: Array
    """Extra step time a mean prompt causes while n sequences decode, (rows, nodes)."""
    scv: Array
    overhead: float
    growth: Array
    """Share of `own` that grows with the prompt's length (1: proportional)."""
    service_at: Array | None = None
    """Time the scheduler needs for a mean prompt when others wait: its share of steps full of prompt tokens, decodes
    included, (rows, nodes); None: `marginal_at`."""
    decode_at: Array | None = None
    """A step without prompts, (rows, nodes): who comes to no queue waits half of it; None: half the mean step."""
    full_at: Array | None = None
    """A step full of prompt tokens, (rows, nodes)."""
    load_gain: float = 0.0
    """By how much more, for each unit of utilisation, the first token takes than the sum of its parts says."""
    full_alone: ArrayLike = 0.0
    """Share of a prompt's chunks that fill the budget even when it is alone."""

    def busy(self, state: LoadState) -> tuple[Array, Array]:
        """Share of time in which prompts are worked off, below 1, and what a mean one then takes, (rows, loads).

        Prompt work over time, held below 1 smoothly: near saturation the batch, and with it a prompt's time, is
        overstated. The sharpness is what the program's own simulation shows.
        """
        service = state.mean_over_time(self.marginal_at if self.service_at is None else self.service_at)
        work = state.rate * service
        return np.minimum(work * (1.0 + work**FULL_SHARPNESS) ** (-1.0 / FULL_SHARPNESS), MOST_BUSY), service

    def crowded(self, state: LoadState) -> Array:
        """Share of prompt work that comes in full steps: long prompts alone, any when others wait, (rows, loads)."""
        return self.crowded_when(self.busy(state)[0])

    def crowded_when(self, busy: Array) -> Array:
        """The same where prompts are worked off a share `busy` of the time."""
        alone = np.asarray(self.full_alone)
        return np.asarray(alone + (1.0 - alone) * busy)


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
    return _ordered(state, total, quantiles)


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
    return _ordered(state, np.maximum(value, chain.unloaded), quantiles)


def longest_step(nodes: Array, full_at: Array, chunks_at: Array, merge_at: Array) -> tuple[Array, Array]:
    """The longest step that lasts, seconds, and the sequences that such steps, full of prompt tokens, feed; (rows, 1).

    `full_at`, `chunks_at`, `merge_at` (rows, nodes) as in `itl_quantiles`. Where the prompts of n sequences need more
    than a full step each step, no more than n sequences come to be decoded: others wait for their first token, however
    large the cap. Where prompts are the limit the program's own simulation of P99 is within 3 % of it from 90 % of the
    largest rate on (six example deployments); where cap or memory is, it stays 4 to 34 % below (four).
    """
    needed = chunks_at * merge_at
    enough = needed >= 1.0
    rows, last = np.arange(len(needed)), needed.shape[1] - 1
    some = np.asarray(enough.any(axis=1))
    at = np.maximum(np.where(some, enough.argmax(axis=1), last), 1)
    before, after = needed[rows, at - 1], needed[rows, at]
    share = np.where(some, (1.0 - before) / np.maximum(after - before, 1e-300), 1.0)
    share = np.minimum(np.maximum(share, 0.0), 1.0)
    ends = np.array([full_at, np.broadcast_to(nodes, full_at.shape)])
    low = ends[:, rows, at - 1]
    longest, fed = (low + share * (ends[:, rows, at] - low))[:, :, None]
    return longest, np.where(some[:, None], fed, np.inf)


def within_full_steps(
    step: Array, nodes: Array, full_at: Array, chunks_at: Array, merge_at: Array, longest: Array, fed: Array
) -> Array:
    """The mean step of n sequences with the prompts they bring, held to what full steps allow, seconds, (rows, nodes).

    `step` is a step with each prompt in chunks of its own; `longest` and `fed` (rows, 1) are of `longest_step`. Prompts
    fill `chunks_at * merge_at` steps a step, each `full_at` long: no mean is below that, nor above one full step. Of
    more sequences than are `fed` each waits its turn: a token of all costs as many longest steps as there are turns,
    and the largest rate no longer grows with the batch.
    """
    held = np.minimum(np.maximum(step, chunks_at * merge_at * full_at), full_at)
    return np.where(nodes > fed, nodes / fed * longest, np.minimum(held, longest))


BLOCK = 32
"""Rows whose gaps are looked at together, so that they stay in the processor's cache."""


def itl_quantiles(
    chain: Chain,
    state: LoadState,
    decode_at: Array,
    mixed_at: Array,
    chunks_at: Array,
    stall_probability: ArrayLike,
    stall_s: float,
    quantiles: tuple[float, ...] = QUANTILES,
    *,
    full_at: Array | None = None,
    merge_at: Array | None = None,
    crowded: Array | None = None,
) -> dict[float, Array]:
    """Gap between tokens, per token, quantiles (rows, loads), seconds.

    To a step in state n come `chunks_at` prompt chunks; one that has a step to itself makes it last `mixed_at`, others
    `decode_at` (all (rows, nodes)). Of the prompt work a share `crowded` (rows, loads) comes in steps that are full of
    prompt tokens: they last `full_at`, and `merge_at` of them do the work of one chunk. Prompt work is conserved: where
    more chunks come than there are steps, as many more are merged as it takes; of what cannot be merged one counts.
    A rare stall of `stall_s` hits a step with `stall_probability` (rows, 1) and sets the quantile once that exceeds 1-q
    (fan-out: Dean and Barroso 2013).
    """
    kinds = [node_edges(decode_at), node_edges(mixed_at)]
    if full_at is not None:
        kinds.append(node_edges(full_at))
    if full_at is None or merge_at is None or crowded is None:
        chunks_at = np.minimum(chunks_at, 1.0)
    value = np.empty((len(quantiles), *state.rate.shape))
    for first in range(0, value.shape[1], BLOCK):
        rows = slice(first, first + BLOCK)
        tokens = state.weight[rows] * state.token_ratio[rows, None, :]
        parts = np.zeros((len(kinds), *tokens.shape))
        np.multiply(tokens, chunks_at[rows, None, :], out=parts[1])
        if full_at is not None and merge_at is not None and crowded is not None:
            gone = parts[1] * crowded[rows, :, None]
            parts[1] -= gone
            np.multiply(gone, merge_at[rows, None, :], out=parts[2])
            many = (chunks_at[rows] > 1.0).any(axis=0)
            if many.any():
                # the more sequences, the more chunks
                some = slice(int(many.argmax()), None)
                _merge(parts[1:, :, :, some], tokens[:, :, some], merge_at[rows, None, some])
            tokens -= parts[2]
        np.subtract(tokens, parts[1], out=parts[0])
        value[:, rows] = _mixture_quantiles([edges[rows] for edges in kinds], parts, quantiles)
    # of all gaps a share `hit` is a stall; the rest must hold the remaining probability
    stalled = np.asarray(stall_probability, dtype=np.float64) > 1.0 - _column(quantiles)
    if stalled.any():
        value = value + np.where(stalled, stall_s, 0.0)
    return _ordered(state, value, quantiles)


def _merge(prompts: Array, steps: Array, merge: Array) -> None:
    """Merge chunks that have a step each into full ones until there are no more than `steps` (rows, loads, nodes).

    `prompts` (2, rows, loads, nodes): steps of one chunk, and full ones; a chunk is the work of `merge` full ones.
    """
    moved = np.maximum(prompts[0] + prompts[1] - steps, 0.0)
    moved /= np.maximum(1.0 - merge, 1e-9)
    np.minimum(moved, prompts[0], out=moved)
    prompts[0] -= moved
    moved *= merge
    prompts[1] += moved
    np.minimum(prompts[1], steps - prompts[0], out=prompts[1])


def _mixture_quantiles(kinds: Sequence[Array], parts: Array, quantiles: tuple[float, ...]) -> Array:
    """Quantiles (quantiles, rows, loads) of a mixture of kinds, each node's part spread evenly between its edges.

    `kinds`: edges (rows, nodes + 1) of each kind; `parts` (kinds, rows, loads, nodes): in any unit.
    """
    rising = ~np.any([_falling(edges).any(axis=1) for edges in kinds], axis=0)
    if rising.all():
        return _rising_mixture_quantiles(kinds, parts, quantiles)
    value = np.empty((len(quantiles), *parts.shape[1:3]))
    for rows, find in ((rising, _rising_mixture_quantiles), (~rising, _folded_mixture_quantiles)):
        if rows.any():
            value[:, rows] = find([edges[rows] for edges in kinds], parts[:, rows], quantiles)
    return value


def _falling(edges: Array) -> NDArray[np.bool_]:
    """Nodes (rows, nodes) whose upper edge is below the lower one by more than rounding."""
    return np.asarray(edges[:, 1:] < edges[:, :-1] * (1.0 - 1e-12))


def _rising_mixture_quantiles(
    kinds: Sequence[Array], parts: Array, quantiles: tuple[float, ...], jumps: int = 0
) -> Array:
    """The same where no kind gets shorter with more sequences: by halving among the edges of all kinds.

    Of the last `jumps` kinds each node's part all lies at its upper edge.
    """
    masses = np.zeros((*parts.shape[:3], parts.shape[3] + 2))
    parts.cumsum(axis=3, out=masses[:, :, :, 1:-1])
    masses[:, :, :, -1] = masses[:, :, :, -2]
    nodes = kinds[0].shape[1] - 1
    uppers = np.concatenate([edges[:, 1:] for edges in kinds], axis=1)
    order = uppers.argsort(axis=1, kind="stable")
    marks = np.take_along_axis(uppers, order, axis=1)
    rows, count = marks.shape
    # equal marks count alike: the position of the last of each run of them
    place = np.where(np.diff(marks, axis=1, append=np.inf) > 0.0, np.arange(count), count)
    last = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    passed = np.empty((len(kinds), marks.size), dtype=np.intp)
    inside = np.empty(passed.shape)
    for at, edges in enumerate(kinds):
        before = np.take_along_axis((order // nodes == at).cumsum(axis=1), last, axis=1)
        ends = np.concatenate([edges, edges[:, -1:] + 1.0], axis=1)
        lower = np.take_along_axis(ends, before, axis=1)
        width = np.take_along_axis(ends, before + 1, axis=1) - lower
        passed[at] = before.ravel()
        inside[at] = (np.maximum(marks - lower, 0.0) / np.maximum(width, 1e-15)).ravel()
    inside[len(kinds) - jumps :] = 0.0
    lines = masses.shape[1] * masses.shape[2]
    line = np.arange(len(kinds) * lines).reshape(len(kinds), 1, *masses.shape[1:3]) * masses.shape[3]
    first = (np.arange(rows) * count)[:, None]

    def below(mark: NDArray[np.intp]) -> Array:
        """Mass below marks (quantiles, rows, loads) given by position."""
        at = mark + first
        start = passed.take(at, axis=1) + line
        low = masses.take(start)
        start += 1
        return np.asarray(np.add.reduce(low + inside.take(at, axis=1) * (masses.take(start) - low)))

    total = masses[:, :, :, -1].sum(axis=0)
    wanted = _column(quantiles) * total
    low = np.zeros(wanted.shape, dtype=np.intp)
    high = np.full(wanted.shape, count - 1)
    for _ in range(count.bit_length()):
        middle = (low + high) >> 1
        enough = below(middle) >= wanted
        high = np.where(enough, middle, high)
        low = np.minimum(np.where(enough, low, middle + 1), high)
    before_it = np.maximum(high - 1, 0)
    share = share_between(np.array([below(before_it), below(high)]) / total, quantiles)
    start, end = marks.take(before_it + first), marks.take(high + first)
    return np.asarray(start + share * (end - start))


def _folded_mixture_quantiles(kinds: Sequence[Array], parts: Array, quantiles: tuple[float, ...]) -> Array:
    """The same where a kind gets shorter with more sequences: a falling node's part all lies at its upper edge.

    Cut where it turns, what rises between two turns is a kind of its own, and so is all that falls, in order: looked up
    as fast as kinds that rise throughout, where every node at every mark would stop the window for seconds.
    """
    chains, masses, points, piled = [], [], [], []
    for edges, part in zip(kinds, parts, strict=True):
        falls = _falling(edges)
        begins = ~falls
        begins[:, 1:] &= falls[:, :-1]
        run = np.where(falls, 0, begins.cumsum(axis=1))
        count = falls.shape[1]
        for number in range(1, int(run.max(initial=0)) + 1):
            own = run == number
            # a row that turns less often has nothing there, at an edge that it has
            some = own.any(axis=1)
            first = np.where(some, own.argmax(axis=1), 1)
            end = np.where(some, count - own[:, ::-1].argmax(axis=1), 1)
            at = np.clip(np.arange(count + 1), first[:, None], end[:, None])
            chains.append(np.take_along_axis(edges, at, axis=1))
            masses.append(np.where(own[:, None, :], part, 0.0))
        if falls.any():
            order = edges[:, 1:].argsort(axis=1)
            points.append(np.take_along_axis(edges, np.pad(order + 1, ((0, 0), (1, 0))), axis=1))
            piled.append(np.take_along_axis(np.where(falls[:, None, :], part, 0.0), order[:, None, :], axis=2))
    return _rising_mixture_quantiles([*chains, *points], np.array([*masses, *piled]), quantiles, jumps=len(points))


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
    return _ordered(state, value, quantiles)


@lru_cache(maxsize=64)
def _column(quantiles: tuple[float, ...]) -> Array:
    return np.asarray(quantiles, dtype=np.float64)[:, None, None]


@lru_cache(maxsize=64)
def _log_tails(quantiles: tuple[float, ...]) -> Array:
    return np.asarray(np.log1p(-_column(quantiles)))


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
    return np.asarray(_column(quantiles) - 0.5)


def _finite(state: LoadState, values: Array) -> Array:
    return values if state.all_stable else np.where(state.stable, values, 0.0)


def largest_rate_within(rates: Array, latencies: list[tuple[Array, float]]) -> Array:
    """Largest rate (rows,) at which every (latency (rows, loads), limit) holds; 0 where the lightest load breaks one.

    `rates` (rows, loads) ascending; the crossing is interpolated in ln latency against the root of the rate, with which
    latencies grow at light load.
    """
    last = rates[:, -1]
    if not latencies:
        return last.copy()
    # (promises, rows, loads)
    latency = np.array([one for one, _ in latencies])
    limit = np.array([value for _, value in latencies])[:, None]
    over = latency > limit[:, :, None]
    # the first load that is over; 0 as well where none is
    first = over.argmax(axis=2)
    before = np.maximum(first - 1, 0)
    line, row = _starts(*latency.shape)
    at = first + line
    low, high = latency.take(before + line), latency.take(at)
    high[~np.isfinite(high)] = 1e9
    low = np.log(np.maximum(low, 1e-12))
    span = np.log(np.maximum(high, 1e-12)) - low
    share = np.minimum(np.maximum((np.log(limit) - low) / np.maximum(span, 1e-12), 0.0), 1.0)
    roots = np.sqrt(rates)
    start = roots.take(before + row)
    crossing = np.square(start + share * (roots.take(first + row) - start))
    crossing[first == 0] = 0.0
    crossing[~over.take(at)] = np.inf
    return np.asarray(np.minimum(last, np.minimum.reduce(crossing)))


@lru_cache(maxsize=64)
def _starts(promises: int, rows: int, loads: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each (promise, row) begins among flattened latencies, and each row among rates."""
    return np.arange(promises * rows).reshape(promises, rows) * loads, np.arange(rows) * loads


def _ordered(state: LoadState, stacked: Array, quantiles: Sequence[float]) -> dict[float, Array]:
    """Quantiles by name, infinite where unstable; a higher one is never below a lower one (crossings by a hair)."""
    if len(quantiles) > 1:
        np.maximum.accumulate(stacked, axis=0, out=stacked)
    return dict(zip(quantiles, stacked if state.all_stable else np.where(state.stable, stacked, np.inf), strict=True))

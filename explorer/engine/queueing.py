"""Continuous batching under load in closed form: a birth-death chain with a batch cap, and the tails it implies.

State n = sequences in a replica. While n <= cap a step of all n takes T(n) (prompt work that the n sequences
bring included), so requests complete at mu(n) = n/(m*T(n)), m mean output tokens; above the cap the rate stays
at mu(cap) and requests wait. With T(n) = a + b*n and no cap the batch is negative binomial (generalised processor
sharing, Cohen 1979), which the tests use as an oracle; with b = 0 it is M/M/c with c = cap. The waiting tail is
geometric in lambda/mu(cap). Arrays are (rows, loads, nodes): a row is a deployment, a node a batch size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from explorer.engine.records import Array
from explorer.engine.stragglers import normal_quantile

QUANTILES = (0.50, 0.95, 0.99)
_EXACT_UP_TO = 12
_SPACING = 0.55
"""Nodes are (spacing*j)^2 apart above the exact ones: about one standard deviation of the batch each."""


@lru_cache(maxsize=512)
def batch_nodes(cap: int) -> Array:
    """Batch sizes at which the chain is evaluated: 0, 1, 2, ... exactly, then spaced by their spread, cap last."""
    if cap < 1:
        raise ValueError(f"cap must be at least 1, is {cap}")
    nodes = [float(n) for n in range(min(cap, _EXACT_UP_TO) + 1)]
    j = int(np.sqrt(nodes[-1]) / _SPACING) + 1
    while nodes[-1] < cap:
        candidate = float(round((_SPACING * j) ** 2))
        j += 1
        if candidate <= nodes[-1]:
            continue
        nodes.append(min(candidate, float(cap)))
    return np.asarray(nodes)


def padded_nodes(caps: ArrayLike) -> Array:
    """Batch nodes of several rows, (rows, nodes), shorter rows padded in front with empty states."""
    rows = [batch_nodes(int(cap)) for cap in np.atleast_1d(np.asarray(caps))]
    depth = max(len(row) for row in rows)
    table = np.zeros((len(rows), depth))
    for at, row in enumerate(rows):
        table[at, depth - len(row) :] = row
    return table


@dataclass(frozen=True, slots=True)
class Chain:
    """The load-independent part of the chain of each row; arrays (rows, nodes)."""

    nodes: Array
    step: Array
    """T(n), seconds: a step of n sequences with the prompt work they bring, spread evenly."""
    log_weight: Array
    """ln of the product of m*T(k)/k up to node n."""
    span: Array
    """States that a node stands for."""
    output_tokens: Array
    """m, shape (rows, 1)."""
    saturation: Array
    """Largest rate a row can carry, requests/s, shape (rows,)."""


def build_chain(nodes: ArrayLike, step: ArrayLike, output_tokens: ArrayLike) -> Chain:
    """Chain from step times at `nodes` (rows, nodes; node 0 is the empty state); `output_tokens` (rows,) or scalar.

    Between nodes ln T is taken as linear, so that the sum over the states between is a trapezoid.
    """
    n = np.atleast_2d(np.asarray(nodes, dtype=np.float64))
    t = np.atleast_2d(np.asarray(step, dtype=np.float64))
    n = np.broadcast_to(n, t.shape)
    m = np.broadcast_to(np.atleast_1d(np.asarray(output_tokens, dtype=np.float64)), t.shape[:1])[:, None]
    log_t = np.log(t)
    gap = np.diff(n, axis=1)
    # sum over k = n_j+1 .. n_{j+1} of ln T(k), ln T linear between the nodes
    summed = gap * 0.5 * (log_t[:, 1:] + log_t[:, :-1]) + 0.5 * (log_t[:, 1:] - log_t[:, :-1])
    # the gap from the empty state holds the single state 1
    summed = np.where((n[:, :-1] == 0.0) & (gap == 1.0), log_t[:, 1:], summed)
    weight = np.zeros_like(t)
    weight[:, 1:] = np.cumsum(summed, axis=1) + n[:, 1:] * np.log(m) - _log_factorial(n[:, 1:])
    span = np.empty_like(n)
    span[:, 0] = 0.5 * (gap[:, 0] + 1.0)
    span[:, 1:-1] = 0.5 * (gap[:, 1:] + gap[:, :-1])
    span[:, -1] = 0.5 * (gap[:, -1] + 1.0)
    # rows of smaller caps are padded with empty states in front: those stand for nothing, the last of them for one
    empty = n[:, :-1] == 0.0
    filler = empty & (n[:, 1:] == 0.0)
    span[:, :-1] = np.where(filler, 0.0, np.where(empty, 0.5 * (gap + 1.0), span[:, :-1]))
    return Chain(
        nodes=n,
        step=t,
        log_weight=weight,
        span=span,
        output_tokens=m,
        saturation=n[:, -1] / (m[:, 0] * t[:, -1]),
    )


@dataclass(frozen=True, slots=True)
class LoadState:
    """Where a row stands at each load; arrays (rows, loads) unless said otherwise. NaN-free; inf when unstable."""

    rate: Array
    utilisation: Array
    mean_batch: Array
    """Sequences in service, mean."""
    wait_probability: Array
    """Share of requests that find every slot taken."""
    wait_decay: Array
    """Rate of the exponential waiting tail of those, 1/s."""
    mean_step: Array
    """Mean time per output token of a request (Little: mean batch / token rate), seconds."""
    cumulative_time: Array
    """Cumulative probability of the batch in service, time-weighted, (rows, loads, nodes)."""
    cumulative_token: Array
    """The same weighted by tokens, as a token sees it."""


def solve_loads(chain: Chain, rate: ArrayLike, arrival_scv: ArrayLike = 1.0) -> LoadState:
    """Stationary batch and waiting of each row at each arrival rate (requests/s a replica; shape (rows, loads)).

    `arrival_scv`: squared coefficient of variation of inter-arrival times; it stretches the waiting tail by
    (1+scv)/2 (Allen-Cunneen), the batch itself is insensitive to it to first order.
    """
    lam = np.atleast_2d(np.asarray(rate, dtype=np.float64))
    lam = np.broadcast_to(lam, (chain.nodes.shape[0], lam.shape[1]))
    load = lam / chain.saturation[:, None]
    stable = load < 1.0 - 1e-9
    safe = np.where(stable, lam, 0.5 * chain.saturation[:, None])
    rho = np.where(stable, load, 0.5)
    log_p = np.log(safe)[:, :, None] * chain.nodes[:, None, :] + chain.log_weight[:, None, :]
    log_p -= log_p.max(axis=2, keepdims=True)
    p = np.exp(log_p)
    at_cap = p[:, :, -1].copy()
    p *= chain.span[:, None, :]
    queue = at_cap * rho / (1.0 - rho)
    p[:, :, -1] += queue
    total = p.sum(axis=2)
    p /= total[:, :, None]
    waiting = at_cap / (1.0 - rho) / total
    mean_batch = np.einsum("rln,rn->rl", p, chain.nodes)
    token_rate = chain.nodes / chain.step
    token_weighted = p * token_rate[:, None, :]
    token_weighted /= np.maximum(token_weighted.sum(axis=2, keepdims=True), 1e-300)
    scv = np.asarray(arrival_scv, dtype=np.float64)
    scv = scv[:, None] if scv.ndim == 1 else scv
    decay = (chain.saturation[:, None] - safe) * 2.0 / (1.0 + scv)
    mean_step = mean_batch / (safe * chain.output_tokens)

    def or_inf(values: Array) -> Array:
        return np.where(stable, values, np.inf)

    return LoadState(
        rate=lam,
        utilisation=load,
        mean_batch=np.where(stable, mean_batch, chain.nodes[:, -1:]),
        wait_probability=np.where(stable, np.minimum(waiting, 1.0), 1.0),
        wait_decay=np.where(stable, decay, 0.0),
        mean_step=or_inf(mean_step),
        cumulative_time=np.cumsum(p, axis=2),
        cumulative_token=np.cumsum(token_weighted, axis=2),
    )


def quantile_over_nodes(cumulative: Array, values: Array, q: float) -> Array:
    """Quantile q of a value that grows with the node; cumulative (rows, loads, nodes), values (rows, nodes).

    Linear between nodes (half of a node's probability lies below it).
    """
    index = np.argmax(cumulative >= q, axis=2)
    index = np.where(cumulative[:, :, -1] < q, cumulative.shape[2] - 1, index)
    below = np.maximum(index - 1, 0)
    rows = np.arange(values.shape[0])[:, None]
    high, low = values[rows, index], values[rows, below]
    take = np.take_along_axis
    c_high = take(cumulative, index[:, :, None], axis=2)[:, :, 0]
    c_low = np.where(index > 0, take(cumulative, below[:, :, None], axis=2)[:, :, 0], 0.0)
    share = np.clip((q - c_low) / np.maximum(c_high - c_low, 1e-300), 0.0, 1.0)
    return np.asarray(np.where(index == 0, values[:, :1], low + share * (high - low)))


def exponential_wait_quantile(probability: ArrayLike, decay: ArrayLike, q: float) -> Array:
    """Quantile of a wait that is 0 with 1-p and exponential with `decay` otherwise; inf where decay is 0."""
    p = np.asarray(probability, dtype=np.float64)
    d = np.asarray(decay, dtype=np.float64)
    with np.errstate(divide="ignore"):
        tail = np.log(np.maximum(p, 1e-300) / (1.0 - q)) / np.where(d > 0, d, np.nan)
    waits = np.maximum(tail, 0.0)
    return np.asarray(np.where(d > 0, np.where(p > 1.0 - q, waits, 0.0), np.inf))


@dataclass(frozen=True, slots=True)
class PromptService:
    """How prompts are worked off, each (rows, 1): the shape of the first token.

    `own` is the time of a mean prompt's own steps among the decodes at light load, `marginal` the extra step time it
    causes, `scv` the squared coefficient of variation of prompt lengths, `overhead` what is not the chip's.
    """

    own_at: Array
    """Time of a mean prompt's steps while n sequences decode, (rows, nodes)."""
    marginal_at: Array
    """Extra step time a mean prompt causes while n sequences decode, (rows, nodes)."""
    scv: Array
    overhead: float
    growth: Array
    """Share of `own` that grows with the prompt's length (1: proportional)."""


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


def ttft_quantiles(chain: Chain, state: LoadState, service: PromptService) -> dict[float, Array]:
    """Time to first token, quantiles (rows, loads), seconds.

    Sum of independent parts: waiting for a slot (exact tail of the chain), waiting for the prompts ahead (M/G/1 with
    an exponential tail, mean by Pollaczek-Khinchine), the prompt's own steps (lognormal lengths), half a step in
    progress and the front end. The quantile of the sum is mean + root of summed squared excesses of the parts: exact
    for one part, 13-28 % low at P99 in the worst published comparison, which the band carries.
    """
    own = _at_mean(chain, state, service.own_at)
    marginal = _at_mean(chain, state, service.marginal_at)
    step = np.where(np.isfinite(state.mean_step), state.mean_step, 0.0)
    busy = np.clip(state.rate * marginal, 0.0, 0.98)
    queue_mean = busy * marginal * (1.0 + service.scv) / (2.0 * (1.0 - busy))
    slot_mean = np.where(
        state.wait_decay > 0,
        state.wait_probability / np.where(state.wait_decay > 0, state.wait_decay, 1.0),
        np.inf,
    )
    mean = service.overhead + 0.5 * step + own + queue_mean + slot_mean
    results: dict[float, Array] = {}
    cv = np.sqrt(service.scv)
    for q in QUANTILES:
        slot = exponential_wait_quantile(state.wait_probability, state.wait_decay, q)
        queue = exponential_wait_quantile(busy, busy / np.maximum(queue_mean, 1e-12), q)
        length = lognormal_quantile(1.0, cv, q)
        own_q = own * (1.0 + service.growth * (length - 1.0))
        residual = step * q
        excess = [
            (slot, slot_mean),
            (queue, queue_mean),
            (own_q, own),
            (residual, 0.5 * step),
        ]
        with np.errstate(invalid="ignore"):
            spread = sum(np.square(part - centre) for part, centre in excess)
            signed = sum((part - centre) for part, centre in excess)
            total = mean + np.sign(signed) * np.minimum(np.sqrt(spread), np.abs(signed))
        # never below what cannot be avoided: the front end and a short prompt's own step
        floor = service.overhead + own * (1.0 - service.growth)
        results[q] = np.where(state.utilisation < 1.0 - 1e-9, np.maximum(total, floor), np.inf)
    return _ordered(results)


def tpot_quantiles(chain: Chain, state: LoadState, marginal_at: Array) -> dict[float, Array]:
    """Time per output token of a request (mean over its tokens), quantiles (rows, loads), seconds.

    Centre: mean batch over token rate (Little). Spread: a request averages the batch over its own lifetime, which for
    a batch relaxing at about one lifetime keeps sqrt(2/e) of its standard deviation at light load and all of it near
    saturation; prompts met by chance (Poisson) add in quadrature. Source: theory of an Ornstein-Uhlenbeck batch,
    checked against discrete-event runs to 2-7 % in the mean.
    """
    marginal = _at_mean(chain, state, marginal_at)
    keep = np.sqrt(2.0 / np.e)
    keep = keep + (1.0 - keep) * np.clip(state.utilisation, 0.0, 1.0)
    met = np.maximum(state.rate * np.where(np.isfinite(state.mean_step), state.mean_step, 0.0), 0.0)
    # number of prompts met in a lifetime of m tokens: rate*m*step; their share a token varies as its root
    chance = marginal * np.sqrt(met / chain.output_tokens)
    results: dict[float, Array] = {}
    for q in QUANTILES:
        batch = quantile_over_nodes(state.cumulative_token, chain.step, q)
        z = standard_normal(q)
        with np.errstate(invalid="ignore"):
            off_batch = keep * (batch - state.mean_step)
            spread = np.sqrt(np.square(off_batch) + np.square(z * chance))
            signed = off_batch if q == 0.5 else np.where(off_batch + z * chance < 0, -spread, spread)
            value = state.mean_step + signed
        results[q] = np.where(state.utilisation < 1.0 - 1e-9, np.maximum(value, chain.step[:, 1:2]), np.inf)
    return _ordered(results)


def itl_quantiles(
    chain: Chain,
    state: LoadState,
    decode_at: Array,
    mixed_at: Array,
    mixed_share_at: Array,
    stall_probability: ArrayLike,
    stall_s: float,
) -> dict[float, Array]:
    """Gap between tokens, per token, quantiles (rows, loads), seconds.

    In state n a step is mixed with a prompt chunk with probability `mixed_share_at` and then lasts `mixed_at`,
    otherwise `decode_at` (all (rows, nodes)). A rare stall of `stall_s` hits a step with `stall_probability` (rows, 1)
    and sets the quantile once that exceeds 1-q (fan-out: Dean and Barroso 2013).
    """
    values = np.concatenate([decode_at, mixed_at], axis=1)
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    weight = np.diff(state.cumulative_token, axis=2, prepend=0.0)
    share = mixed_share_at[:, None, :]
    both = np.concatenate([weight * (1.0 - share), weight * share], axis=2)
    cumulative = np.cumsum(np.take_along_axis(both, order[:, None, :], axis=2), axis=2)
    hit = np.asarray(stall_probability, dtype=np.float64)
    results: dict[float, Array] = {}
    for q in QUANTILES:
        value = quantile_over_nodes(cumulative, ordered, q)
        # of all gaps a share `hit` is a stall; the rest must hold the remaining probability
        value = np.where(hit > 1.0 - q, value + stall_s, value)
        results[q] = np.where(state.utilisation < 1.0 - 1e-9, value, np.inf)
    return _ordered(results)


def e2e_quantiles(
    state: LoadState,
    ttft: dict[float, Array],
    tpot: dict[float, Array],
    output_tokens: Array,
    output_cv: float,
) -> dict[float, Array]:
    """End-to-end time, quantiles (rows, loads): first token plus (o-1) steps, excesses added in quadrature."""
    gaps = np.maximum(output_tokens - 1.0, 0.0)
    results: dict[float, Array] = {}
    for q in QUANTILES:
        length = lognormal_quantile(1.0, output_cv, q)
        with np.errstate(invalid="ignore"):
            centre = ttft[0.5] + gaps * state.mean_step
            parts = [
                ttft[q] - ttft[0.5],
                gaps * state.mean_step * (length - 1.0),
                gaps * (tpot[q] - state.mean_step),
            ]
            spread = np.sqrt(sum(np.square(part) for part in parts))
            value = centre + np.where(sum(parts) < 0, -spread, spread)
        value = np.where(np.isfinite(state.mean_step), np.maximum(value, ttft[q]), np.inf)
        results[q] = value
    return _ordered(results)


def largest_rate_within(rates: Array, latencies: list[tuple[Array, float]]) -> Array:
    """Largest rate (rows,) at which every (latency (rows, loads), limit) holds; 0 where the lightest load breaks one.

    `rates` (rows, loads) ascending; the crossing is interpolated in ln latency.
    """
    best = rates[:, -1].copy()
    rows = np.arange(rates.shape[0])
    for latency, limit in latencies:
        over = latency > limit
        any_over = over.any(axis=1)
        first = np.argmax(over, axis=1)
        before = np.maximum(first - 1, 0)
        high = np.where(np.isfinite(latency[rows, first]), latency[rows, first], 1e9)
        low = latency[rows, before]
        span = np.log(np.maximum(high, 1e-12)) - np.log(np.maximum(low, 1e-12))
        share = np.clip((np.log(limit) - np.log(np.maximum(low, 1e-12))) / np.maximum(span, 1e-12), 0.0, 1.0)
        crossing = rates[rows, before] + share * (rates[rows, first] - rates[rows, before])
        crossing = np.where(first == 0, 0.0, crossing)
        best = np.where(any_over, np.minimum(best, crossing), best)
    return np.asarray(best)


def _at_mean(chain: Chain, state: LoadState, values: Array) -> Array:
    """A per-node quantity averaged over the time-weighted batch, (rows, loads)."""
    weight = np.diff(state.cumulative_time, axis=2, prepend=0.0)
    return np.asarray(np.einsum("rln,rn->rl", weight, values))


def _ordered(results: dict[float, Array]) -> dict[float, Array]:
    """Quantiles in order: a higher one is never below a lower one (approximations may cross by a hair)."""
    running: Array | None = None
    for q in sorted(results):
        running = results[q] if running is None else np.maximum(running, results[q])
        results[q] = running
    return results


def _log_factorial(n: Array) -> Array:
    """ln n! for n >= 1, Stirling with three corrections (relative error below 1e-9 from n = 1 by a shift of 8)."""
    shift = 8.0
    x = n + 1.0 + shift
    stirling = (
        (x - 0.5) * np.log(x)
        - x
        + 0.5 * np.log(2.0 * np.pi)
        + 1.0 / (12.0 * x)
        - 1.0 / (360.0 * x**3)
        + (1.0 / (1260.0 * x**5))
    )
    product = np.ones_like(n)
    for k in range(int(shift)):
        product = product * (n + 1.0 + k)
    return np.asarray(stirling - np.log(product))

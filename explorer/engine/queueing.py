"""Continuous batching under load in closed form: a birth-death chain with a batch cap, and the tails it implies.

State n = sequences in a replica. While n <= cap a step of all n takes T(n) (prompt work that the n sequences
bring included), so requests complete at mu(n) = n/(m*T(n)), m mean output tokens; above the cap the rate stays
at mu(cap) and requests wait. With T(n) = a + b*n and no cap the batch is negative binomial (generalised processor
sharing, Cohen 1979), which the tests use as an oracle; with b = 0 it is M/M/c with c = cap. The waiting tail is
geometric in lambda/mu(cap). Arrays are (rows, loads, nodes): a row is a deployment, a node a batch size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.engine.records import Array

QUANTILES = (0.50, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class NodeSpacing:
    """How the chain is thinned out: states 0..exact one by one, then gaps that grow by 2*growth from node to node.

    The gap near n is about 2*sqrt(growth*n): with growth 0.15 it is 0.8 standard deviations of a Poisson batch, where
    the trapezoid rule over a bell curve still loses nothing.
    """

    exact: int
    growth: float


FINE = NodeSpacing(16, 0.15)
COARSE = NodeSpacing(8, 0.45)
"""For draws and searches: a quantile within about 1 % of the fine one."""


@lru_cache(maxsize=1024)
def batch_nodes(cap: int, spacing: NodeSpacing = FINE) -> Array:
    """Batch sizes at which the chain is evaluated: the first ones exactly, then ever farther apart, cap last.

    Above the exact ones n_j = exact + j + g*j^2, g chosen so that the last one is the cap: a smooth map, so that sums
    over states become trapezoid sums in j. The cap stands twice: as a state, and for all states with a queue.
    """
    if cap < 1:
        raise ValueError(f"cap must be at least 1, is {cap}")
    if cap <= spacing.exact + 2:
        return np.append(np.arange(cap + 1, dtype=np.float64), float(cap))
    room = cap - spacing.exact
    steps = int(np.ceil((np.sqrt(1.0 + 4.0 * spacing.growth * room) - 1.0) / (2.0 * spacing.growth)))
    j = np.arange(1, steps + 1, dtype=np.float64)
    growth = (room - steps) / steps**2
    nodes = np.concatenate(
        [np.arange(spacing.exact + 1, dtype=np.float64), spacing.exact + j + growth * j**2, [float(cap)]]
    )
    nodes[-2] = cap
    return nodes


def padded_nodes(caps: ArrayLike, spacing: NodeSpacing = FINE) -> Array:
    """Batch nodes of several rows, (rows, nodes), shorter rows padded in front with empty states."""
    rows = [batch_nodes(int(cap), spacing) for cap in np.atleast_1d(np.asarray(caps))]
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
    end_span: Array
    """What the cap's node gains for each unit of ln(saturation/rate), (rows,): the states fall off towards it."""
    output_tokens: Array
    """m, shape (rows, 1)."""
    unloaded: Array
    """A step of one sequence alone, seconds, (rows, 1)."""
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
    # Euler-Maclaurin where the single states end and the smooth map begins
    joint = (gap[:, :-1] == 1.0) & (gap[:, 1:] > 1.0)
    span[:, 1:-1] = np.where(joint, 1.0 + (gap[:, 1:] - 1.0) / 6.0, span[:, 1:-1])
    # a cap that stands twice: the first is the state, the second holds only what queues
    queued = gap[:, -1] == 0.0
    bend = np.where(queued, 0.5 * (gap[:, -2] - gap[:, -3]) if n.shape[1] > 3 else 0.0, 0.0)
    slope = np.where(queued, gap[:, -2] + bend, 1.0)
    span[:, -2] = np.where(queued, 0.5 * (slope + 1.0) - bend / 6.0, span[:, -2])
    span[:, -1] = np.where(queued, 0.0, span[:, -1])
    # rows of smaller caps are padded with empty states in front: those stand for nothing, the last of them for one
    empty = n[:, :-1] == 0.0
    filler = empty & (n[:, 1:] == 0.0)
    span[:, :-1] = np.where(filler, 0.0, np.where(empty, 0.5 * (gap + 1.0), span[:, :-1]))
    return Chain(
        nodes=n,
        step=t,
        log_weight=weight,
        span=span,
        end_span=(slope**2 - 1.0) / 12.0,
        output_tokens=m,
        unloaded=t[np.arange(t.shape[0]), np.argmax(n > 0.0, axis=1)][:, None],
        saturation=n[:, -1] / (m[:, 0] * t[:, -1]),
    )


@dataclass(frozen=True)
class LoadState:
    """Where a row stands at each load; arrays (rows, loads) unless said otherwise. NaN-free; inf when unstable.

    Inside the engine the `finite_` twins hold a harmless number where a load is unstable; `or_inf` puts the infinity
    in at the end.
    """

    rate: Array
    utilisation: Array
    stable: NDArray[np.bool_]
    mean_batch: Array
    """Sequences in service, mean."""
    wait_probability: Array
    """Share of requests that find every slot taken."""
    finite_decay: Array
    finite_step: Array
    time_weight: Array
    """Probability of each node, time-weighted, (rows, loads, nodes)."""
    token_weight: Array
    """The same weighted by tokens, as a token sees it."""

    @cached_property
    def all_stable(self) -> bool:
        """Whether every load can be carried."""
        return bool(self.stable.all())

    @property
    def wait_decay(self) -> Array:
        """Rate of the exponential waiting tail of those that wait, 1/s; 0 when unstable."""
        return np.where(self.stable, self.finite_decay, 0.0)

    @property
    def mean_step(self) -> Array:
        """Mean time per output token of a request (Little: mean batch / token rate), seconds."""
        return self.or_inf(self.finite_step)

    @cached_property
    def cumulative_time(self) -> Array:
        """Cumulative probability of the batch in service up to each node, time-weighted, (rows, loads, nodes)."""
        return np.cumsum(self.time_weight, axis=2)

    @cached_property
    def cumulative_token(self) -> Array:
        """Cumulative probability of the batch up to each node as a token sees it, (rows, loads, nodes)."""
        return np.cumsum(self.token_weight, axis=2)

    def or_inf(self, values: Array) -> Array:
        """`values` (rows, loads), infinite where the load cannot be carried."""
        return values if self.all_stable else np.where(self.stable, values, np.inf)

    def mean_over_time(self, values: Array) -> Array:
        """A quantity of the nodes (rows, nodes) averaged over the time-weighted batch, (rows, loads)."""
        return np.asarray(np.matmul(self.time_weight, values[:, :, None])[:, :, 0])


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
    p = np.log(safe)[:, :, None] * chain.nodes[:, None, :]
    p += chain.log_weight[:, None, :]
    p -= p.max(axis=2, keepdims=True)
    np.exp(p, out=p)
    at_cap = p[:, :, -1].copy()
    p *= chain.span[:, None, :]
    p[:, :, -2] += at_cap * chain.end_span[:, None] * -np.log(rho)
    queue = at_cap * rho / (1.0 - rho)
    p[:, :, -1] += queue
    total = p.sum(axis=2)
    p /= total[:, :, None]
    waiting = at_cap / (1.0 - rho) / total
    mean_batch = np.matmul(p, chain.nodes[:, :, None])[:, :, 0]
    token_weighted = p * (chain.nodes / chain.step)[:, None, :]
    token_weighted /= np.maximum(token_weighted.sum(axis=2, keepdims=True), 1e-300)
    scv = np.asarray(arrival_scv, dtype=np.float64)
    scv = scv[:, None] if scv.ndim == 1 else scv
    decay = (chain.saturation[:, None] - safe) * 2.0 / (1.0 + scv)
    return LoadState(
        rate=lam,
        utilisation=load,
        stable=stable,
        mean_batch=np.where(stable, mean_batch, chain.nodes[:, -1:]),
        wait_probability=np.where(stable, np.minimum(waiting, 1.0), 1.0),
        finite_decay=decay,
        finite_step=mean_batch / (safe * chain.output_tokens),
        time_weight=p,
        token_weight=token_weighted,
    )


def quantile_over_nodes(cumulative: Array, values: Array, q: float) -> Array:
    """Quantile q of a value that grows with the node; see `quantiles_over_nodes`."""
    return quantiles_over_nodes(cumulative, values, (q,))[q]


def quantiles_over_nodes(cumulative: Array, values: Array, quantiles: Sequence[float]) -> dict[float, Array]:
    """Quantiles of a value that grows with the node; cumulative (rows, loads, nodes), values (rows, nodes).

    A node's probability reaches half way to the next; between those edges the quantile is interpolated in the
    logarithm of the odds, which is nearly straight for bell-shaped and for exponential tails alike.
    """
    return quantiles_at_edges(cumulative, node_edges(values)[1], quantiles)


def quantiles_at_edges(cumulative: Array, edges: Array, quantiles: Sequence[float]) -> dict[float, Array]:
    """Quantiles of a distribution given by its cumulative probability (rows, loads, edges) at edges (rows, edges)."""
    rows, loads, nodes = cumulative.shape
    count = rows * loads
    flat = np.ascontiguousarray(cumulative).reshape(count, nodes)
    line = np.arange(count)
    wanted = np.asarray(quantiles)[:, None]
    # one sorted sequence for all lines: each is shifted above the one before it
    shift = 2.0 * line
    stacked = (flat + shift[:, None]).ravel()
    at = np.minimum(np.searchsorted(stacked, shift + wanted) - line * nodes, nodes - 1)
    below = np.maximum(at - 1, 0)
    row = np.repeat(np.arange(rows), loads)
    start = edges[row, below]
    share = _share_between(flat[line, below], flat[line, at], wanted)
    value = np.where(at == 0, edges[row, 0], start + share * (edges[row, at] - start))
    return dict(zip(quantiles, value.reshape(len(quantiles), rows, loads), strict=True))


def node_edges(values: Array) -> tuple[Array, Array]:
    """Lower and upper edge of each node's share of the line, (rows, nodes): half way to the neighbours' values."""
    middle = 0.5 * (values[:, 1:] + values[:, :-1])
    return (
        np.concatenate([values[:, :1], middle], axis=1),
        np.concatenate([middle, values[:, -1:]], axis=1),
    )


def _share_between(low: Array, high: Array, q: Array) -> Array:
    """Where probability q lies between two cumulative ones, 0 to 1, on the scale of log odds."""
    odds_low, odds_high = (np.log(p) - np.log1p(-p) for p in (_inside(low), _inside(high)))
    span = odds_high - odds_low
    apart = span > 0
    share = np.where(apart, (np.log(q / (1.0 - q)) - odds_low) / np.where(apart, span, 1.0), 1.0)
    return np.asarray(np.minimum(np.maximum(share, 0.0), 1.0))


def _inside(probability: Array) -> Array:
    return np.asarray(np.minimum(np.maximum(probability, 1e-12), 1.0 - 1e-12))


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

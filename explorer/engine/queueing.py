"""Continuous batching under load in closed form: a birth-death chain with a batch cap, and the tails it implies.

State n = sequences in a replica. While n <= cap a step of all n takes T(n) (prompt work that the n sequences
bring included), so requests complete at mu(n) = n/(m*T(n)), m mean output tokens; above the cap the rate stays
at mu(cap) and requests wait. With T(n) = a + b*n and no cap the batch is negative binomial (generalised processor
sharing, Cohen 1979), which the tests use as an oracle; with b = 0 it is M/M/c with c = cap. The waiting tail is
geometric in lambda/mu(cap). Arrays are (rows, loads, nodes): a row is a deployment, a node a batch size. In memory the
nodes come first, so that what goes over them runs along rows and loads, of which there are more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.engine.records import Array

QUANTILES = (0.50, 0.95, 0.99)


class NodeSpacing(NamedTuple):
    """How the chain is thinned out: states 0..exact one by one, then gaps that grow by 2*growth from node to node.

    The gap near n is about 2*sqrt(growth*n): with growth 0.15 it is 0.8 standard deviations of a Poisson batch, where
    the trapezoid rule over a bell curve still loses nothing.
    """

    exact: int
    growth: float


FINE = NodeSpacing(16, 0.15)
COARSE = NodeSpacing(8, 0.45)
"""For draws and searches: a quantile within about 1 % of the fine one."""

NOTHING = -300.0
"""Logarithm of the weight of a node that stands for no state: what is left of it, 1e-130, is lost in any sum."""


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


@dataclass(frozen=True, slots=True, eq=False)
class ChainNodes:
    """Batch sizes at which the chains of rows are evaluated, and what of a chain follows from them alone.

    Arrays (rows, nodes) unless said otherwise. Rows of smaller caps are padded in front with empty states.
    """

    at: Array
    """Sequences in service."""
    here: Array
    """Weight of ln T at a node in the sum of ln T over the states from the node before up to it."""
    before: Array
    """Weight of ln T at the node before in that sum."""
    log_factorial: Array
    """ln n!."""
    span: Array
    """States that a node stands for."""
    log_span: Array
    """Its logarithm; `NOTHING` where a node stands for none."""
    end_span: Array
    """What the cap's node gains for each unit of ln(saturation/rate), (rows,): the states fall off towards it."""
    height: Array
    """Where a node lies between one and the cap on the scale of ln n, 0 to 1."""
    first: NDArray[np.intp]
    """Position of the first node that is not empty, (rows,)."""


def chain_nodes(nodes: ArrayLike) -> ChainNodes:
    """What follows from any nodes (rows, nodes), node 0 the empty state, ascending: trapezoids between them."""
    n = np.atleast_2d(np.asarray(nodes, dtype=np.float64))
    gap = np.diff(n, axis=1)
    empty = n[:, :-1] == 0.0
    here, before = np.zeros_like(n), np.zeros_like(n)
    # sum over k = n_j+1 .. n_{j+1} of ln T(k), ln T linear between the nodes; the first gap holds the single state 1
    single = empty & (gap == 1.0)
    here[:, 1:] = np.where(single, 1.0, np.where(empty & (gap == 0.0), 0.0, 0.5 * gap + 0.5))
    before[:, 1:] = np.where(single | (empty & (gap == 0.0)), 0.0, 0.5 * gap - 0.5)
    log_factorial = np.zeros_like(n)
    log_factorial[:, 1:] = _log_factorial(n[:, 1:])
    span = np.empty_like(n)
    span[:, 0] = 0.5 * (gap[:, 0] + 1.0)
    span[:, 1:-1] = 0.5 * (gap[:, 1:] + gap[:, :-1])
    span[:, -1] = 0.5 * (gap[:, -1] + 1.0)
    # Euler-Maclaurin where the single states end and the smooth map begins
    joint = (gap[:, :-1] == 1.0) & (gap[:, 1:] > 1.0)
    span[:, 1:-1] = np.where(joint, 1.0 + (gap[:, 1:] - 1.0) / 6.0, span[:, 1:-1])
    # a cap that stands twice: the first is the state, the second holds only what queues
    queued = gap[:, -1] == 0.0
    bend: Array = np.zeros(len(n))
    if n.shape[1] > 3:
        bend = np.where(queued & (gap[:, -3] > 0.0), 0.5 * (gap[:, -2] - gap[:, -3]), 0.0)
    slope = np.where(queued, gap[:, -2] + bend, 1.0)
    span[:, -2] = np.where(queued, 0.5 * (slope + 1.0) - bend / 6.0, span[:, -2])
    span[:, -1] = np.where(queued, 0.0, span[:, -1])
    # rows of smaller caps are padded with empty states in front: those stand for nothing, the last of them for one
    filler = empty & (n[:, 1:] == 0.0)
    span[:, :-1] = np.where(filler, 0.0, np.where(empty, 0.5 * (gap + 1.0), span[:, :-1]))
    height = np.log(np.maximum(n, 1.0)) / np.log(np.maximum(n[:, -1:], 1.0 + 1e-9))
    end_span = (slope**2 - 1.0) / 12.0
    log_span = np.full_like(span, NOTHING)
    np.log(span, out=log_span, where=span > 0.0)
    return ChainNodes(n, here, before, log_factorial, span, log_span, end_span, height, np.argmax(n > 0.0, axis=1))


@lru_cache(maxsize=2048)
def _nodes_of_cap(cap: int, spacing: NodeSpacing) -> tuple[Array, float]:
    """The seven node arrays of one cap, (7, nodes), and its end span."""
    one = chain_nodes(batch_nodes(cap, spacing))
    parts = (one.at, one.here, one.before, one.log_factorial, one.span, one.log_span, one.height)
    return np.concatenate(parts), float(one.end_span[0])


@lru_cache(maxsize=64)
def nodes_of_caps(caps: tuple[int, ...], spacing: NodeSpacing = FINE) -> ChainNodes:
    """Batch nodes of several rows with what follows from them; kept for the sets of caps last in use."""
    order = {cap: at for at, cap in enumerate(dict.fromkeys(caps))}
    different = [_nodes_of_cap(cap, spacing) for cap in order]
    depth = max(table.shape[1] for table, _ in different)
    stack = np.zeros((7, len(different), depth))
    stack[5] = NOTHING
    for at, (table, _) in enumerate(different):
        stack[:, at, depth - table.shape[1] :] = table
    end_span = np.asarray([end for _, end in different])
    first = np.asarray([depth - table.shape[1] + 1 for table, _ in different])
    if len(different) < len(caps):
        rows = np.asarray([order[cap] for cap in caps])
        stack, end_span, first = stack[:, rows], end_span[rows], first[rows]
    nodes, here, before, log_factorial, span, log_span, height = stack
    return ChainNodes(nodes, here, before, log_factorial, span, log_span, end_span, height, first)


def padded_nodes(caps: ArrayLike, spacing: NodeSpacing = FINE) -> Array:
    """Batch nodes of several rows, (rows, nodes), shorter rows padded in front with empty states."""
    return nodes_of_caps(tuple(int(cap) for cap in np.atleast_1d(np.asarray(caps))), spacing).at


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
    line: Array
    """ln of the weight of the states that a node stands for, as a line in ln(rate), (rows, nodes, 3): slope, constant,
    and -1 for what is taken off all nodes."""


def build_chain(nodes: ArrayLike | ChainNodes, step: ArrayLike, output_tokens: ArrayLike) -> Chain:
    """Chain from step times at `nodes` (rows, nodes; node 0 is the empty state); `output_tokens` (rows,) or scalar.

    Between nodes ln T is taken as linear, so that the sum over the states between is a trapezoid.
    """
    at = nodes if isinstance(nodes, ChainNodes) else chain_nodes(nodes)
    t = np.atleast_2d(np.asarray(step, dtype=np.float64))
    m = np.empty((len(t), 1))
    m[:, 0] = output_tokens
    log_t = np.log(t)
    weight = at.here * log_t
    weight[:, 1:] += at.before[:, 1:] * log_t[:, :-1]
    weight.cumsum(axis=1, out=weight)
    weight += at.at * np.log(m)
    weight -= at.log_factorial
    rows = np.arange(len(t))
    # one line of nodes may serve all rows
    nodes, span, end_span, first = (at.at, at.span, at.end_span, at.first)
    if len(nodes) < len(t):
        nodes, span = np.broadcast_to(nodes, t.shape), np.broadcast_to(span, t.shape)
        end_span, first = np.broadcast_to(end_span, len(t)), np.broadcast_to(first, len(t))
    line = np.empty((*t.shape, 3))
    line[:, :, 0], line[:, :, 2] = nodes, -1.0
    np.add(weight, at.log_span, out=line[:, :, 1])
    return Chain(
        nodes=nodes,
        step=t,
        log_weight=weight,
        span=span,
        end_span=end_span,
        output_tokens=m,
        unloaded=t[rows, first][:, None],
        saturation=nodes[:, -1] / (m[:, 0] * t[:, -1]),
        line=line,
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
    all_stable: bool
    """Whether every load can be carried."""
    mean_batch: Array
    """Sequences in service, mean."""
    wait_probability: Array
    """Share of requests that find every slot taken."""
    finite_decay: Array
    finite_step: Array
    weight: Array
    """Time spent at each node, in any unit, (rows, loads, nodes); in memory the nodes come first."""
    total: Array
    """Sum of `weight` over the nodes, (rows, loads)."""
    token_ratio: Array
    """Tokens a second at each node over the token rate's unit, (rows, nodes): from time weights to token weights."""
    gap_scv: Array | None = None
    """Squared coefficient of variation of the gaps between arrivals, (rows, 1); None where it is one for all."""
    _averages: dict[int, tuple[Array, Array]] = field(default_factory=dict, repr=False, compare=False)
    """Node quantities averaged before, by identity."""
    _steps: dict[tuple[float, ...], tuple[Array, Array]] = field(default_factory=dict, repr=False, compare=False)
    """Quantiles of the step asked for before, with the step they are of."""

    @property
    def wait_decay(self) -> Array:
        """Rate of the exponential waiting tail of those that wait, 1/s; 0 when unstable."""
        return np.where(self.stable, self.finite_decay, 0.0)

    @property
    def mean_step(self) -> Array:
        """Mean time per output token of a request (Little: mean batch / token rate), seconds."""
        return self.or_inf(self.finite_step)

    @property
    def time_weight(self) -> Array:
        """Probability of each node, time-weighted, (rows, loads, nodes)."""
        return self.weight / self.total[:, :, None]

    @property
    def token_weight(self) -> Array:
        """The same weighted by tokens, as a token sees it."""
        weight = self.weight * self.token_ratio[:, None, :]
        return np.asarray(weight / weight.sum(axis=2, keepdims=True))

    @property
    def cumulative_time(self) -> Array:
        """Cumulative probability of the batch in service up to each node, time-weighted, (rows, loads, nodes)."""
        return _running_sums(_nodes_first(self.weight)) / self.total[:, :, None]

    @property
    def cumulative_token(self) -> Array:
        """Cumulative probability of the batch up to each node as a token sees it, (rows, loads, nodes)."""
        return self.token_sums / self.token_sums[:, :, -1:]

    @cached_property
    def token_sums(self) -> Array:
        """`cumulative_token` but for a factor of each load."""
        return _running_sums(_nodes_first(self.weight) * self.token_ratio.T[:, :, None])

    def step_quantiles(self, step: Array, quantiles: tuple[float, ...]) -> Array:
        """Quantiles (quantiles, rows, loads) of the step (rows, nodes) as a token sees it; the last ones are kept."""
        kept = self._steps.get(quantiles)
        if kept is None or kept[0] is not step:
            kept = step, stacked_quantiles(self.token_sums, node_edges(step)[:, 1:], quantiles)
            self._steps[quantiles] = kept
        return kept[1]

    def or_inf(self, values: Array) -> Array:
        """`values` (rows, loads), infinite where the load cannot be carried."""
        return values if self.all_stable else np.where(self.stable, values, np.inf)

    def mean_over_time(self, values: Array) -> Array:
        """A quantity of the nodes (rows, nodes) averaged over the time-weighted batch, (rows, loads)."""
        if id(values) not in self._averages:
            self.average(values)
        return self._averages[id(values)][1]

    def average(self, *quantities: Array) -> None:
        """Average several quantities at once, which is cheaper; `mean_over_time` then finds them."""
        table = np.array(quantities)
        means = np.matmul(table.transpose(1, 0, 2), self.weight.transpose(0, 2, 1)).transpose(1, 0, 2)
        for values, mean in zip(quantities, np.divide(means, self.total, order="C"), strict=True):
            self._averages[id(values)] = (values, mean)


LARGEST_TRIANGLE = 64


@lru_cache(maxsize=LARGEST_TRIANGLE + 1)
def _triangle(nodes: int) -> Array:
    return np.tril(np.ones((nodes, nodes)))


def _nodes_first(values: Array) -> Array:
    """Values (rows, loads, nodes) as (nodes, rows, loads) one after the other; no copy where they lie so."""
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def _running_sums(first: Array) -> Array:
    """Sums of weights (nodes, rows, loads) up to each node, (rows, loads, nodes).

    Of few nodes as a matrix product, twice as fast.
    """
    nodes, rows, loads = first.shape
    if nodes <= LARGEST_TRIANGLE:
        sums = np.matmul(_triangle(nodes), first.reshape(nodes, rows * loads)).reshape(first.shape)
    else:
        sums = first.copy()
        for before, here in pairwise(sums):
            here += before
    return np.asarray(sums.transpose(1, 2, 0))


SEARCHED = 4
"""Of so many nodes one is looked at for the largest weight: it is only to keep exponentials within bounds."""


def peakedness(gap_scv: Array) -> Array:
    """Variance over mean of the number in service of a large group of servers, by the gaps' squared coefficient of
    variation: (1 + scv)/2, as of arrivals in clusters of that mean size (Eckberg 1983, for exponential service)."""
    return 0.5 * (1.0 + gap_scv)


def solve_loads(chain: Chain, rate: ArrayLike, arrival_scv: ArrayLike = 1.0, *, clustered: bool = False) -> LoadState:
    """Stationary batch and waiting of each row at each arrival rate (requests/s a replica; shape (rows, loads)).

    `arrival_scv`: squared coefficient of variation of inter-arrival times; it stretches the waiting tail by
    (1+scv)/2 (Allen-Cunneen). `clustered`: the state knows that arrivals come together or apart as that says, which
    makes waiting likelier or rarer and the latencies' spread follow; the mean batch is insensitive to first order.
    """
    nodes, saturation = chain.nodes, chain.saturation[:, None]
    lam = np.atleast_2d(np.asarray(rate, dtype=np.float64))
    if lam.shape[0] != nodes.shape[0]:
        lam = np.broadcast_to(lam, (nodes.shape[0], lam.shape[1]))
    load = lam / saturation
    stable = load < 1.0 - 1e-9
    all_stable = bool(np.logical_and.reduce(stable, axis=None))
    safe = lam if all_stable else np.where(stable, lam, 0.5 * saturation)
    rho = load if all_stable else np.where(stable, load, 0.5)
    terms = np.ones((len(lam), 3, lam.shape[1]))
    log_rate, largest = terms[:, 0], terms[:, 2]
    np.log(safe, out=log_rate)
    # the empty state has no less than 0; the last node may stand for nothing but a queue
    some = np.matmul(chain.line[:, (nodes.shape[1] - 2) % SEARCHED :: SEARCHED, :2], terms[:, :2])
    np.maximum.reduce(some, axis=1, out=largest, initial=0.0)
    p = np.empty((nodes.shape[1], *lam.shape))
    np.matmul(chain.line, terms, out=p.transpose(1, 0, 2))
    np.exp(p, out=p)
    at_cap = np.exp(log_rate * nodes[:, -1:] + chain.log_weight[:, -1:] - largest)
    p[-2] -= at_cap * chain.end_span[:, None] * np.log(rho)
    # all who find the cap taken: at the cap's own state or in the queue behind it
    waiting = at_cap / (1.0 - rho)
    p[-1] += waiting * rho
    total = np.add.reduce(p, axis=0)
    mean_batch = np.matmul(nodes[:, None, :], p.transpose(1, 0, 2))[:, 0] / total
    waiting = np.minimum(waiting / total, 1.0)
    scv = np.asarray(arrival_scv, dtype=np.float64)
    scv = scv[:, None] if scv.ndim == 1 else scv
    uneven = clustered and bool((scv != 1.0).any())
    if uneven:
        # the batch of clustered arrivals is as much wider as they are peaked, and so is the exponent of its tail
        waiting = waiting ** (1.0 / peakedness(scv))
    return LoadState(
        rate=lam,
        utilisation=load,
        stable=stable,
        all_stable=all_stable,
        mean_batch=mean_batch if all_stable else np.where(stable, mean_batch, nodes[:, -1:]),
        wait_probability=waiting if all_stable else np.where(stable, waiting, 1.0),
        finite_decay=(saturation - safe) * (2.0 / (1.0 + scv)),
        finite_step=mean_batch / (safe * chain.output_tokens),
        weight=p.transpose(1, 2, 0),
        total=total,
        token_ratio=nodes / chain.step,
        gap_scv=np.broadcast_to(scv, (len(lam), 1)) if uneven else None,
    )


def quantile_over_nodes(cumulative: Array, values: Array, q: float) -> Array:
    """Quantile q of a value that grows with the node; see `quantiles_over_nodes`."""
    return quantiles_over_nodes(cumulative, values, (q,))[q]


def quantiles_over_nodes(cumulative: Array, values: Array, quantiles: Sequence[float]) -> dict[float, Array]:
    """Quantiles of a value that grows with the node; cumulative (rows, loads, nodes), values (rows, nodes).

    A node's probability reaches half way to the next; between those edges the quantile is interpolated in the
    logarithm of the odds, which is nearly straight for bell-shaped and for exponential tails alike. `cumulative` may
    be in any unit.
    """
    found = stacked_quantiles(cumulative, node_edges(values)[:, 1:], tuple(quantiles))
    return dict(zip(quantiles, found, strict=True))


def stacked_quantiles(cumulative: Array, edges: Array, quantiles: tuple[float, ...]) -> Array:
    """Quantiles (quantiles, rows, loads) of what is spread over edges (rows, edges) with sums (rows, loads, edges)."""
    sums = _nodes_first(cumulative)
    nodes, rows, loads = sums.shape
    total = sums[-1]
    wanted = _column(quantiles) * total
    # how many sums are below is the place of the first that is not
    below = (sums < wanted[:, None]).view(np.uint8)
    at = np.add.reduce(below, axis=1, dtype=np.uint8 if nodes < 256 else np.intp)
    ends = np.empty((2, *at.shape), dtype=np.intp)
    ends[1] = at
    np.minimum(ends[1], nodes - 1, out=ends[1])
    np.maximum(ends[1] - 1, 0, out=ends[0])
    place, row = _places_of(rows, loads, nodes)
    share = share_between(sums.take(ends * (rows * loads) + place) / total, quantiles)
    start, end = edges.take(ends + row)
    return np.asarray(start + share * (end - start))


@lru_cache(maxsize=64)
def _places_of(rows: int, loads: int, nodes: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each (row, load) stands among those of a node, (rows, loads), and where a row begins among edges."""
    return np.arange(rows * loads).reshape(rows, loads), np.arange(rows)[:, None] * nodes


def node_edges(values: Array) -> Array:
    """Edges between the nodes' shares of the line, (rows, nodes + 1): half way to the neighbours' values."""
    edges = np.empty((values.shape[0], values.shape[1] + 1))
    np.add(values[:, 1:], values[:, :-1], out=edges[:, 1:-1])
    edges[:, 1:-1] *= 0.5
    edges[:, 0], edges[:, -1] = values[:, 0], values[:, -1]
    return edges


def share_between(ends: Array, quantiles: tuple[float, ...]) -> Array:
    """Where quantiles lie between two cumulative probabilities (2, quantiles, rows, loads), 0 to 1, in log odds."""
    inside = np.minimum(np.maximum(ends, 1e-12), 1.0 - 1e-12)
    low, high = np.log(inside / (1.0 - inside))
    share = (_log_odds(quantiles) - low) / np.maximum(high - low, 1e-200)
    return np.asarray(np.minimum(np.maximum(share, 0.0), 1.0))


@lru_cache(maxsize=64)
def _column(quantiles: tuple[float, ...]) -> Array:
    return np.asarray(quantiles, dtype=np.float64)[:, None, None]


@lru_cache(maxsize=64)
def _log_odds(quantiles: tuple[float, ...]) -> Array:
    return np.log(_column(quantiles) / (1.0 - _column(quantiles)))


def _log_factorial(n: Array) -> Array:
    """ln n! for n >= 0."""
    return np.asarray([math.lgamma(one) for one in (n + 1.0).ravel().tolist()]).reshape(n.shape)

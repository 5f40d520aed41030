"""Continuous batching under load in closed form: a birth-death chain with a batch cap, and the tails it implies.

State n = sequences in a replica. While n <= cap a step of all n takes T(n) (prompt work that the n sequences
bring included), so requests complete at mu(n) = n/(m*T(n)), m mean output tokens; above the cap the rate stays
at mu(cap) and requests wait. With T(n) = a + b*n and no cap the batch is negative binomial (generalised processor
sharing, Cohen 1979), which the tests use as an oracle; with b = 0 it is M/M/c with c = cap. The waiting tail is
geometric in lambda/mu(cap). Arrays are (rows, loads, nodes): a row is a deployment, a node a batch size. In memory the
nodes come first, so that what goes over them runs along rows and loads, of which there are more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.engine.batch_nodes import ChainNodes, chain_nodes
from explorer.engine.node_quantiles import node_edges, nodes_first, stacked_quantiles
from explorer.engine.records import Array


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
        return _running_sums(nodes_first(self.weight)) / self.total[:, :, None]

    @property
    def cumulative_token(self) -> Array:
        """Cumulative probability of the batch up to each node as a token sees it, (rows, loads, nodes)."""
        return self.token_sums / self.token_sums[:, :, -1:]

    @cached_property
    def token_sums(self) -> Array:
        """`cumulative_token` but for a factor of each load."""
        return _running_sums(nodes_first(self.weight) * self.token_ratio.T[:, :, None])

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


def named_quantiles(state: LoadState, stacked: Array, quantiles: Sequence[float]) -> dict[float, Array]:
    """Quantiles by name, infinite where unstable; a higher one is never below a lower one (crossings by a hair)."""
    if len(quantiles) > 1:
        np.maximum.accumulate(stacked, axis=0, out=stacked)
    return dict(zip(quantiles, stacked if state.all_stable else np.where(state.stable, stacked, np.inf), strict=True))

"""Batch sizes at which a chain of batches is evaluated: every small one, ever fewer large ones, and their weights.

Between the nodes lie states that are not looked at one by one: a node stands for a span of them, and sums over states
become trapezoids. What follows from the nodes alone is kept for the caps last in use. A row is a deployment.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.engine.records import Array


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


def _log_factorial(n: Array) -> Array:
    """ln n! for n >= 0."""
    return np.asarray([math.lgamma(one) for one in (n + 1.0).ravel().tolist()]).reshape(n.shape)

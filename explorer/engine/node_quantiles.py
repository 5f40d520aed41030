"""Quantiles of what is spread over the nodes of a chain: read off running sums, between a node's edges in log odds.

A node reaches half way to its neighbours. Arrays are (rows, loads, nodes); in memory the nodes come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.engine.records import Array

QUANTILES = (0.50, 0.95, 0.99)


def nodes_first(values: Array) -> Array:
    """Values (rows, loads, nodes) as (nodes, rows, loads) one after the other; no copy where they lie so."""
    return np.ascontiguousarray(values.transpose(2, 0, 1))


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
    sums = nodes_first(cumulative)
    nodes, rows, loads = sums.shape
    total = sums[-1]
    wanted = as_column(quantiles) * total
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
def as_column(quantiles: tuple[float, ...]) -> Array:
    """Quantiles as (quantiles, 1, 1), to stand against rows and loads; kept for the few sets in use."""
    return np.asarray(quantiles, dtype=np.float64)[:, None, None]


@lru_cache(maxsize=64)
def _log_odds(quantiles: tuple[float, ...]) -> Array:
    return np.log(as_column(quantiles) / (1.0 - as_column(quantiles)))

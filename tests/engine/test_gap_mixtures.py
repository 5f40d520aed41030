"""Quantiles of a mixture of steps whose kinds get shorter with more sequences, against a sum over every node."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.engine.queueing import node_edges, stacked_quantiles
from explorer.engine.token_gaps import _mixture_quantiles

Array = NDArray[np.float64]
QUANTILES = (0.5, 0.95, 0.99)


def by_every_node(kinds: list[Array], parts: Array) -> Array:
    """The same, with every node looked at at every mark: what is sought, as it is defined."""
    marks = np.sort(np.concatenate([edges[:, 1:] for edges in kinds], axis=1), axis=1)
    below = np.zeros((*parts.shape[1:3], marks.shape[1]))
    for edges, part in zip(kinds, parts, strict=True):
        lower, upper = edges[:, :-1, None], edges[:, 1:, None]
        inside = np.maximum((marks[:, None, :] - lower) / np.maximum(upper - lower, 1e-15), 0.0)
        below += part @ np.where(marks[:, None, :] >= upper, 1.0, inside)
    return stacked_quantiles(np.maximum.accumulate(below, axis=2), marks, QUANTILES)


@pytest.mark.parametrize("seed", range(40))
def test_that_kinds_that_turn_are_mixed_as_if_every_node_were_looked_at(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, loads, nodes = random.integers(1, 5), random.integers(1, 6), random.integers(2, 40)
    up = np.sort(random.random((rows, nodes)), axis=1)
    turning = np.abs(np.linspace(-1.0, 0.7, nodes)) + random.random((rows, 1))
    ways = (up, up[:, ::-1], random.random((rows, nodes)), turning)
    kinds = [node_edges(0.1 + ways[at]) for at in random.integers(0, len(ways), 3)]
    parts = random.random((3, rows, loads, nodes)) ** 6
    np.testing.assert_allclose(_mixture_quantiles(kinds, parts, QUANTILES), by_every_node(kinds, parts), rtol=1e-7)


def test_that_a_falling_kind_takes_no_table_of_every_node_at_every_mark() -> None:
    """Thousands of sequences a replica made of that a table of gigabytes, and of a frame half a minute."""
    rows, nodes = 4, 1200
    falling = np.tile(np.linspace(2.0, 1.0, nodes), (rows, 1))
    kinds = [node_edges(falling[:, ::-1]), node_edges(falling[:, ::-1] + 0.1), node_edges(falling)]
    parts = np.ones((3, rows, 10, nodes))
    tracemalloc.start()
    try:
        _mixture_quantiles(kinds, parts, QUANTILES)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # parts that are as many numbers as there are nodes and loads, a few times over
    assert peak < 20 * parts.nbytes

"""Gaps between tokens (ITL): the mixture, over batch sizes, of steps without prompts, with one chunk, and full ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.engine.node_quantiles import QUANTILES, as_column, node_edges, share_between
from explorer.engine.queueing import Chain, LoadState, named_quantiles
from explorer.engine.records import Array

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
    stalled = np.asarray(stall_probability, dtype=np.float64) > 1.0 - as_column(quantiles)
    if stalled.any():
        value = value + np.where(stalled, stall_s, 0.0)
    return named_quantiles(state, value, quantiles)


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
    wanted = as_column(quantiles) * total
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

"""Time of collective operations between chips: all-reduce by algorithm, all-to-all, hierarchies, tori.

Every all-reduce is `base + steps * hop + traffic * size / bandwidth` (Hockney 1994; Thakur, Rabenseifner and
Gropp 2005), so a caller may take the two coefficients once and sweep sizes itself. Bandwidth is that of one
direction of one chip's connection, never the sum of both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.errors import ExplorerError, UnknownRecordError

Array = NDArray[np.float64]


def _floats(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64)


def _rounds(ranks: Array) -> Array:
    """Rounds in which a message reaches every rank by doubling; a part-filled round is a whole one."""
    return np.ceil(np.log2(ranks))


def _two_phase_traffic(ranks: Array) -> Array:
    return 2.0 * (ranks - 1.0) / ranks


@dataclass(frozen=True, slots=True)
class _Algorithm:
    steps: Callable[[Array], Array]
    traffic: Callable[[Array], Array]
    scatters_then_gathers: bool


_ALGORITHMS: dict[str, _Algorithm] = {
    "ring": _Algorithm(lambda n: 2.0 * (n - 1.0), _two_phase_traffic, True),
    "recursive_doubling": _Algorithm(_rounds, _rounds, False),
    "rabenseifner": _Algorithm(lambda n: 2.0 * _rounds(n), _two_phase_traffic, True),
    "tree": _Algorithm(lambda n: 2.0 * _rounds(n), lambda n: 2.0 * _rounds(n), False),
    "one_shot": _Algorithm(lambda n: np.ones_like(n), lambda n: n - 1.0, False),
    "two_shot": _Algorithm(lambda n: np.full_like(n, 2.0), _two_phase_traffic, True),
    "in_network": _Algorithm(lambda n: np.full_like(n, 2.0), lambda n: 1.0 + 1.0 / n, False),
}

ALGORITHMS: tuple[str, ...] = tuple(_ALGORITHMS)
"""Names understood wherever an all-reduce algorithm is asked for."""

SCATTER_GATHER_ALGORITHMS: tuple[str, ...] = tuple(
    name for name, algorithm in _ALGORITHMS.items() if algorithm.scatters_then_gathers
)
"""Those that are a reduce-scatter followed by an all-gather, and so can be split around an outer step."""


def _algorithm(name: str) -> _Algorithm:
    try:
        return _ALGORITHMS[name]
    except KeyError:
        raise UnknownRecordError("all-reduce algorithm", name, ALGORITHMS) from None


def _ranks(ranks: ArrayLike) -> Array:
    count = _floats(ranks)
    if not np.all(count >= 1.0):
        raise ValueError("ranks must be at least 1: a collective has at least one member")
    return count


def allreduce_steps(algorithm: str, ranks: ArrayLike) -> Array:
    """Messages that follow one another in an all-reduce of `ranks` chips; 0 for one chip.

    Ring 2(N-1); recursive doubling log2 N; Rabenseifner and binary tree 2 log2 N; one-shot 1; two-shot and
    in-network 2 (Thakur et al. 2005). log2 is rounded up where N is not a power of two.

    Raises UnknownRecordError for an unknown algorithm, ValueError for ranks below 1.
    """
    count = _ranks(ranks)
    return np.where(count > 1.0, _algorithm(algorithm).steps(count), 0.0)


def allreduce_traffic(algorithm: str, ranks: ArrayLike) -> Array:
    """Bytes over one chip's link, one way, per byte of message; 0 for one chip.

    Ring, Rabenseifner and two-shot 2(N-1)/N; recursive doubling log2 N; unpipelined binary tree 2 log2 N;
    one-shot N-1; in-network 1 + 1/N: each chip sends its message once and the switch reduces.

    Raises UnknownRecordError for an unknown algorithm, ValueError for ranks below 1.
    """
    count = _ranks(ranks)
    return np.where(count > 1.0, _algorithm(algorithm).traffic(count), 0.0)


def allreduce_time(
    size_bytes: ArrayLike,
    ranks: ArrayLike,
    hop_latency: ArrayLike,
    link_bandwidth: ArrayLike,
    algorithm: str,
    base_latency: ArrayLike = 0.0,
) -> Array:
    """Seconds for an all-reduce of `size_bytes` over `ranks` chips; 0 for one chip.

    hop_latency, base_latency in seconds; link_bandwidth in bytes/s one way. All broadcast.
    """
    count = _ranks(ranks)
    time = (
        _floats(base_latency)
        + allreduce_steps(algorithm, count) * _floats(hop_latency)
        + allreduce_traffic(algorithm, count) * _floats(size_bytes) / _floats(link_bandwidth)
    )
    return np.where(count > 1.0, time, 0.0)


def fastest_allreduce(
    size_bytes: ArrayLike,
    ranks: ArrayLike,
    base_latency: ArrayLike,
    hop_latency: ArrayLike,
    link_bandwidth: ArrayLike,
    algorithms: Sequence[str],
) -> Array:
    """Seconds of the fastest of the algorithms that the part has, element by element.

    Raises ExplorerError when no algorithm is given: which ones a part has is a fact about the part.
    """
    if not algorithms:
        raise ExplorerError("no all-reduce algorithm is listed for this fabric; list at least one")
    fastest = allreduce_time(size_bytes, ranks, hop_latency, link_bandwidth, algorithms[0], base_latency)
    for name in algorithms[1:]:
        time = allreduce_time(size_bytes, ranks, hop_latency, link_bandwidth, name, base_latency)
        fastest = np.minimum(fastest, time)
    return fastest


def fitted_allreduce_time(
    size_bytes: ArrayLike, ranks: ArrayLike, alpha: ArrayLike, bandwidth: ArrayLike, c: ArrayLike
) -> Array:
    """Seconds of an all-reduce by a fit to measured times: alpha + f/B + c*sqrt(f), f = 2(n-1)/n * size.

    alpha in seconds, bandwidth in bytes/s, c in s/sqrt(byte). The square root stands for the pipelining of
    chunks; with it the mean error on measured NCCL and custom kernels falls from 11-14 % to 6.5-8.5 %.
    0 for one chip.
    """
    count = _ranks(ranks)
    moved = _two_phase_traffic(count) * _floats(size_bytes)
    time = _floats(alpha) + moved / _floats(bandwidth) + _floats(c) * np.sqrt(moved)
    return np.where(count > 1.0, time, 0.0)


def nccl_ring_ll_latency(ranks: ArrayLike, base_latency: ArrayLike, hop_latency: ArrayLike) -> Array:
    """Seconds of NCCL's own latency term for a ring all-reduce in its LL protocol: base + 2(N-1) * hop.

    NCCL's tuning model (src/graph/tuning.cc) has base 6.6 us, hop 0.6 us on NVLink, 1.0 us on PCIe and
    2.7 us on a network. 0 for one chip.
    """
    return allreduce_time(0.0, ranks, hop_latency, 1.0, "ring", base_latency)


def bridged_bandwidth(link_bandwidth: ArrayLike, bridge_bandwidth: ArrayLike, ranks: ArrayLike) -> Array:
    """Bytes/s one way that each chip gets behind a host bridge shared by all of them.

    Boxes whose cards meet only in a PCIe host bridge lose bandwidth as cards are added; the link rate of
    the slot is an upper bound, never the answer.
    """
    share = _floats(bridge_bandwidth) / _ranks(ranks)
    return np.minimum(_floats(link_bandwidth), share)


def all_to_all_time(
    size_bytes: ArrayLike,
    ranks: ArrayLike,
    hop_latency: ArrayLike,
    link_bandwidth: ArrayLike,
    base_latency: ArrayLike = 0.0,
    pairwise: bool = True,
) -> Array:
    """Seconds for an all-to-all in which every chip holds `size_bytes` and keeps 1/N of them.

    Pairwise exchange takes N-1 messages one after another, base + (N-1) hop + (N-1)/N * size/B (Thakur et
    al. 2005); with `pairwise=False` all messages leave at once through a switch: one hop. 0 for one chip.
    """
    count = _ranks(ranks)
    hops = count - 1.0 if pairwise else np.ones_like(count)
    time = (
        _floats(base_latency)
        + hops * _floats(hop_latency)
        + (count - 1.0) / count * _floats(size_bytes) / _floats(link_bandwidth)
    )
    return np.where(count > 1.0, time, 0.0)


def point_to_point_time(size_bytes: ArrayLike, hop_latency: ArrayLike, link_bandwidth: ArrayLike) -> Array:
    """Seconds to hand `size_bytes` from one chip to another (between pipeline stages): hop + size/B."""
    return _floats(hop_latency) + _floats(size_bytes) / _floats(link_bandwidth)


@dataclass(frozen=True, slots=True)
class Fabric:
    """One level of interconnect: latencies in seconds, bandwidth in bytes/s one way for each chip."""

    base_latency: ArrayLike
    hop_latency: ArrayLike
    bandwidth: ArrayLike
    algorithms: tuple[str, ...]


def hierarchical_allreduce_time(
    size_bytes: ArrayLike,
    inner_ranks: ArrayLike,
    outer_ranks: ArrayLike,
    *,
    inner: Fabric,
    outer: Fabric,
) -> Array:
    """Seconds of an all-reduce across domains: reduce-scatter inside, all-reduce outside, all-gather inside.

    `outer_ranks` domains of `inner_ranks` chips. Chips of equal position form the outer rings, so each moves
    size/inner_ranks through `outer`. With one domain it is the fastest all-reduce of `inner`.

    Raises ExplorerError when several domains meet and `inner` has no algorithm made of the two phases.
    """
    domains, chips = _ranks(outer_ranks), _ranks(inner_ranks)
    alone = fastest_allreduce(
        size_bytes, chips, inner.base_latency, inner.hop_latency, inner.bandwidth, inner.algorithms
    )
    if np.all(domains == 1.0):
        return alone + np.zeros_like(domains)
    phased = tuple(name for name in inner.algorithms if name in SCATTER_GATHER_ALGORITHMS)
    if not phased and np.any(chips > 1.0):
        raise ExplorerError(
            f"an all-reduce across domains needs one of {', '.join(SCATTER_GATHER_ALGORITHMS)} inside each; "
            f"this fabric lists {', '.join(inner.algorithms)}"
        )
    inside = (
        fastest_allreduce(size_bytes, chips, inner.base_latency, inner.hop_latency, inner.bandwidth, phased)
        if phased
        else np.zeros_like(chips)
    )
    piece = _floats(size_bytes) / chips
    outside = fastest_allreduce(
        piece, domains, outer.base_latency, outer.hop_latency, outer.bandwidth, outer.algorithms
    )
    return np.where(domains > 1.0, inside + outside, alone)


def torus_allreduce_time(
    size_bytes: ArrayLike, axes: Sequence[int], hop_latency: ArrayLike, link_bandwidth: ArrayLike
) -> Array:
    """Seconds of an all-reduce over all axes of a torus with wrap-around links, 0 for one chip.

    An all-gather takes max(hop * sum(X/2), V/(W * axes)), an all-reduce twice that; W = 2 * link_bandwidth
    since both directions of a ring carry data (How To Scale Your Model, part 3). `axes` holds the lengths;
    those of length 1 do not count. link_bandwidth in bytes/s one way of one link.
    """
    if any(length < 1 for length in axes):
        raise ValueError("a torus axis has at least one chip")
    lengths = [float(length) for length in axes if length > 1]
    hops = sum(length / 2.0 for length in lengths)
    both_ways = 2.0 * _floats(link_bandwidth)
    latency = hops * _floats(hop_latency)
    streaming = _floats(size_bytes) / (both_ways * max(len(lengths), 1))
    gather = np.maximum(latency, streaming)
    return 2.0 * gather if lengths else np.zeros_like(gather)

"""What memory may turn out to hold and take, from the draws of the bands: the KV cache of the operating P99 batch, and
the capacity where that is not settled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.study.answers import Context, Sized
from explorer.study.banded import Banded
from explorer.study.bands import HIGH, LOW, MEDIAN, Bands, band_of_draws, order_index
from explorer.study.resolve import step_constants

Array = NDArray[np.float64]


Ends = tuple[float, float, float]
"""P5, P95 and P50 of the draws."""


def batch_ends(
    context: Context, sized: Sequence[Sized], mean_batch: Array, batch_p99: Array, median_tpot: Array, bands: Bands
) -> list[Ends | None]:
    """The P99 batch of each alternative over the draws; None where the load cannot be carried.

    `mean_batch`, `batch_p99` and `median_tpot` (alternatives,) are by the central figures at the operating point.
    """
    # in a closed loop the batch is as many as there are users, whatever a step takes
    carried = (np.isfinite(median_tpot) & (not context.closed_loop)).tolist()
    caps = [entry.candidate.cap for entry in sized]
    batches = drawn_batches(mean_batch, batch_p99, median_tpot, bands.point["tpot"][0.5], caps)
    ordered = np.sort(batches, axis=1)[:, [order_index(q, batches.shape[1]) for q in (LOW, HIGH, MEDIAN)]]
    return [
        (low, high, median) if carries else None
        for carries, (low, high, median) in zip(carried, ordered.tolist(), strict=True)
    ]


def kv_band(kv: float, batch_p99: float, ends: Ends | None) -> Banded | None:
    """The band of a KV cache of `kv` bytes at a P99 batch of which the draws have these ends."""
    if ends is None:
        return None
    low, high, median = ends
    each = kv / max(batch_p99, 1e-9)
    return Banded(kv, min(each * low, kv), max(each * high, kv), each * median)


def usable_band(entry: Sized, usable: float, samples: int, seed: int) -> Banded | None:
    """The band of `usable` bytes of memory; None where its capacity is settled."""
    capacity = entry.deployment.figures.draws(samples, seed).get("memory_capacity")
    return None if capacity is None else band_of_draws(usable, capacity * step_constants().usable_memory_share)


def drawn_batches(mean: Array, p99: Array, tpot: Array, drawn_tpot: Array, caps: Sequence[int]) -> Array:
    """P99 batch in each draw, (alternatives, samples), from its time per token.

    By Little's law the mean batch of the same traffic grows as the time per token does; what P99 lies above the mean
    grows as its square root, as of independent arrivals. A draw that cannot carry the load is at the cap.
    """
    cap = np.maximum(np.asarray(caps, dtype=np.float64), p99)[:, None]
    # a central load that nobody can carry has no growth to speak of: its cap says it all
    growth = np.minimum(drawn_tpot / np.where(np.isfinite(tpot), tpot, 1.0)[:, None], 1e9)
    return np.asarray(np.minimum(mean[:, None] * growth + (p99 - mean)[:, None] * np.sqrt(growth), cap))

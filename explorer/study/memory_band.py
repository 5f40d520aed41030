"""What memory may turn out to hold and take, from the draws of the bands: the KV cache of the operating P99 batch, and
the capacity where that is not settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.study.answers import Context, Sized
from explorer.study.banded import Banded
from explorer.study.bands import HIGH, LOW, MEDIAN, Bands, band_of_draws, order_index
from explorer.study.outcome import MemoryFit
from explorer.study.resolve import step_constants

Array = NDArray[np.float64]


def with_bands(
    context: Context,
    pictures: Sequence[MemoryFit],
    sized: Sequence[Sized],
    mean_batch: Array,
    batch_p99: Array,
    median_tpot: Array,
    bands: Bands,
) -> list[MemoryFit]:
    """The memory pictures with the bands of their KV cache and usable capacity, in the order of the arrays.

    `mean_batch`, `batch_p99` and `median_tpot` (alternatives,) are by the central figures at the operating point.
    """
    # in a closed loop the batch is as many as there are users, whatever a step takes
    carried = (np.isfinite(median_tpot) & (not context.closed_loop)).tolist()
    caps = [entry.candidate.cap for entry in sized]
    batches = drawn_batches(mean_batch, batch_p99, median_tpot, bands.point["tpot"][0.5], caps)
    seed, samples = context.scenario.simulation.seed, batches.shape[1]
    ends = np.sort(batches, axis=1)[:, [order_index(q, samples) for q in (LOW, HIGH, MEDIAN)]]
    found: list[MemoryFit] = []
    for picture, entry, p99, (low, high, median) in zip(
        pictures, sized, batch_p99.tolist(), ends.tolist(), strict=True
    ):
        kv = usable = None
        each = picture.kv / max(p99, 1e-9)
        if carried[len(found)]:
            kv = Banded(picture.kv, min(each * low, picture.kv), max(each * high, picture.kv), each * median)
        capacity = entry.deployment.figures.draws(samples, seed).get("memory_capacity")
        if capacity is not None:
            usable = band_of_draws(picture.usable, capacity * step_constants().usable_memory_share)
        found.append(replace(picture, kv_band=kv, usable_band=usable))
    return found


def drawn_batches(mean: Array, p99: Array, tpot: Array, drawn_tpot: Array, caps: Sequence[int]) -> Array:
    """P99 batch in each draw, (alternatives, samples), from its time per token.

    By Little's law the mean batch of the same traffic grows as the time per token does; what P99 lies above the mean
    grows as its square root, as of independent arrivals. A draw that cannot carry the load is at the cap.
    """
    cap = np.maximum(np.asarray(caps, dtype=np.float64), p99)[:, None]
    # a central load that nobody can carry has no growth to speak of: its cap says it all
    growth = np.minimum(drawn_tpot / np.where(np.isfinite(tpot), tpot, 1.0)[:, None], 1e9)
    return np.asarray(np.minimum(mean[:, None] * growth + (p99 - mean)[:, None] * np.sqrt(growth), cap))

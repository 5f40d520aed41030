"""The memory picture of one chip of each replica: what it holds, what a step reads of it, what would make it fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.engine.memory import (
    bytes_touched_per_step,
    kv_bytes_per_sequence,
    largest_context,
    other_bytes_per_chip,
    weight_bytes_per_chip,
)
from explorer.engine.records import Split
from explorer.scenario.quantities import QUANTITIES
from explorer.study.answers import Context, Sized
from explorer.study.demand import held_length
from explorer.study.deployment import Deployment, candidates_of
from explorer.study.kept import Kept, Same
from explorer.study.layouts import split_of
from explorer.study.memory_band import Ends, kv_band, usable_band
from explorer.study.outcome import MemoryFit, ReadTime
from explorer.study.resolve import KV_BYTES, compute_format, step_constants

Array = NDArray[np.float64]

READING_MATTERS = 0.5
"""A step that reads for more than this share of the promised time per token is worth a sentence."""


def memory_fits(
    context: Context,
    sized: Sequence[Sized],
    mean_batch: Sequence[float],
    batch_p99: Sequence[float],
    ends: Sequence[Ends | None] = (),
    samples: int = 0,
) -> list[MemoryFit]:
    """The memory pictures of deployments at their operating batches (SEMANTICS: Memory picture).

    With the `ends` of each P99 batch over so many draws they have the bands of what they hold and could hold.
    """
    if not sized:
        return []
    shape, demand = context.served.shape, context.demand
    split = split_of([entry.candidate.layout for entry in sized])
    columns = _columns(sized)
    width, kv_width, _, _ = columns
    batch = np.maximum(np.asarray(mean_batch, dtype=np.float64)[:, None], 1.0)
    touched = bytes_touched_per_step(
        shape, width, kv_width, batch, demand.mean_context, split, sequence_sharding=context.sharded
    )
    question = (
        shape, Same(step_constants()), demand, context.sharded,
        tuple(
            (
                Same(one.deployment.figures), one.deployment.weight_precision, one.deployment.kv_precision,
                one.deployment.settings.token_budget, one.candidate.layout,
            )
            for one in sized
        ),
    )  # fmt: skip
    held = _HELD.of(question, lambda: _held(context, split, columns))
    read, batches, drawn = touched[:, 0].tolist(), batch[:, 0].tolist(), ends or [None] * len(sized)
    return [
        _picture(context, samples, *parts) for parts in zip(sized, held, read, batches, batch_p99, drawn, strict=True)
    ]


Held = tuple[float, float, float, float, float]
"""Bytes of one chip: weights, other, one sequence of P99 and of mean length; and the longest context, tokens."""

_HELD: Kept[list[Held]] = Kept(16)
"""What no slider of the load moves."""


Columns = tuple[Array, Array, Array, Array]


def _columns(sized: Sequence[Sized]) -> Columns:
    """Bytes a weight and a KV value, capacity in bytes and token budget of deployments, (rows, 1) each."""
    deployments = [entry.deployment for entry in sized]
    table = np.asarray(
        [
            (
                compute_format(one.chip, one.weight_precision).weight_bytes,
                KV_BYTES[one.kv_precision],
                one.capacity,
                float(one.settings.token_budget),
            )
            for one in deployments
        ]
    )
    return table[:, 0:1], table[:, 1:2], table[:, 2:3], table[:, 3:4]


def _held(context: Context, split: Split, columns: Columns) -> list[Held]:
    shape, constants, demand = context.served.shape, step_constants(), context.demand
    width, kv_width, capacity, budget = columns
    sequence_lengths = np.asarray([[held_length(demand), demand.mean_context]])
    sequences = kv_bytes_per_sequence(
        shape, kv_width, sequence_lengths, split.tp, pp=split.pp, sequence_sharding=context.sharded
    )
    weights = weight_bytes_per_chip(shape, width, split)
    others = other_bytes_per_chip(shape, budget, capacity, split, constants)
    free = capacity * constants.usable_memory_share - weights - others
    table = np.empty((len(width), 5))
    table[:, :1], table[:, 1:2], table[:, 2:4] = weights, others, sequences
    table[:, 4:] = largest_context(shape, kv_width, free, split, sequence_sharding=context.sharded)
    return [(weights, other, p99, mean, longest) for weights, other, p99, mean, longest in table.tolist()]


def _picture(
    context: Context,
    samples: int,
    entry: Sized,
    held: Held,
    touched: float,
    batch: float,
    batch_p99: float,
    ends: Ends | None,
) -> MemoryFit:
    weights, other, p99_sequence, mean_sequence, longest = held
    candidate, deployment = entry.candidate, entry.deployment
    ranks = candidate.layout.dp
    capacity, fits = deployment.capacity, candidate.fits
    usable = capacity * step_constants().usable_memory_share
    reads = _read_times(deployment, touched)
    kv = mean_sequence * batch_p99 / ranks if fits else 0.0
    return MemoryFit(
        weights=weights,
        kv=kv,
        # what does not fit, fits on no rank: a sequence is not split over them
        kv_at_cap=p99_sequence * candidate.cap / ranks if fits else p99_sequence,
        other=other,
        capacity=capacity,
        usable=usable,
        fits=fits,
        shortfall=0.0 if fits else max(weights + other + p99_sequence - usable, 0.0),
        max_batch=candidate.sequences,
        # room for more is of no use to a model that was not made for it
        max_context=min(longest, context.served.max_context),
        read_times=reads,
        sweep_s=capacity / deployment.values["memory_bandwidth"],
        remedy="" if fits else _remedy(context, entry),
        note=_note(context, deployment, touched, reads, batch),
        kv_band=kv_band(kv, batch_p99, ends),
        usable_band=usable_band(entry, usable, samples, context.scenario.simulation.seed) if samples else None,
    )


def _read_times(deployment: Deployment, touched: float) -> tuple[ReadTime, ...]:
    figure = deployment.chip.figure("memory_bandwidth")
    override = deployment.figures.overrides.get("memory_bandwidth")
    if figure.readings and (override is None or override.value is None):
        return tuple(ReadTime(reading.name, touched / reading.value) for reading in figure.readings)
    return (ReadTime("", touched / deployment.values["memory_bandwidth"]),)


def _note(context: Context, deployment: Deployment, touched: float, reads: Sequence[ReadTime], batch: float) -> str:
    """What holding does not say: how long a step reads, where that weighs on the promise or is disputed."""
    promise = context.limits.get("tpot", float("inf"))
    if len(reads) == 1 and reads[0].seconds < READING_MATTERS * promise:
        return ""
    times = " or ".join(
        QUANTITIES["seconds"].format(read.seconds) + (f" ({read.reading})" if read.reading else "") for read in reads
    )
    noun = deployment.chip.unit_noun
    text = (
        f"Holding is not reading: one step at batch {batch:.0f} reads {QUANTITIES['bytes'].format(touched)} a {noun}, "
        f"at the very least {times}"
    )
    if deployment.values.get("memory_domains", 1.0) > 1.0:
        text += f"; the {noun} has several memory domains, so this needs tensor parallelism on the {noun}"
    return text


def _remedy(context: Context, entry: Sized) -> str:
    """What would make it fit: the next degree that does, or fewer bits, in words."""
    deployment = entry.deployment
    auto = deployment.settings.model_copy(update={"parallelism_degree": "auto", "layout": "auto"})
    freed = Deployment(
        deployment.name,
        deployment.chip,
        deployment.cloud,
        deployment.offer,
        auto,
        deployment.weight_precision,
        deployment.kv_precision,
        deployment.figures,
    )
    options = candidates_of(freed, context.served, held_length(context.demand), step_constants(), context.sharded)
    enough = sorted(option.layout.chips for option in options if option.fits)
    if enough:
        return f"fits on {enough[0]} {deployment.chip.unit_noun}s"
    return "fits at no degree: fewer bits a weight, a shorter context or a smaller model would be needed"

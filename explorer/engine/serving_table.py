"""The simulation's step table from the step-time model: one replica, a few dozen step times."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from explorer.engine.records import AllReduce, ChipSpec, ModelShape, Split, StepConstants
from explorer.engine.serving_records import Array, StepTable
from explorer.engine.steptime import StepWork, step_time

BATCHES = 16
"""Batch sizes, spaced evenly in logarithms, between which steps are interpolated (within 2 %)."""
FIRST_CHUNK = 16.0


def step_table(
    shape: ModelShape,
    chip: ChipSpec,
    split: Split,
    allreduce: AllReduce,
    constants: StepConstants,
    *,
    cap: int,
    token_budget: int,
    context: float,
    prompt: float,
    prompt_context: float,
    sequence_sharding: bool = False,
    whole_prompts: bool = False,
) -> StepTable:
    """Step times of one replica, host time of the step included, for batches up to `cap` sequences.

    Chip, split and all-reduce of one row, as `step_time` takes them. `context`: mean context of a decoding sequence;
    `prompt`: mean prompt tokens to be computed; `prompt_context`: mean number of tokens that one of them attends to.
    With attention data parallelism a prompt belongs to one rank: prompt tokens are those of the slowest rank, alone and
    with as many in every rank (`spread_seconds`); the experts see them all spread at once. Of pipeline stages each is
    held up for its own share of a prompt only: the whole way of a prompt through the others is not in these times. Cap
    and budget are those of all ranks and stages together: a stage works off no more than its own part of the budget in
    one go, and more of a prompt in several, unless the scheduler keeps `whole_prompts`.
    `chip.step_factor` is in the times: where it holds the mean slowdown by jitter, give `Noise` factors of mean 1.
    Raises ValueError for more than one row.
    """
    batch = np.unique(np.concatenate([[0.0], np.round(np.geomspace(1.0, max(cap, 2), BATCHES))]))
    doublings = int(np.ceil(np.log2(max(token_budget, 2.0 * FIRST_CHUNK) / FIRST_CHUNK)))
    chunk = np.concatenate([[1.0], FIRST_CHUNK * 2.0 ** np.arange(doublings + 1)])
    ranks, stages = (float(np.max(np.asarray(part, dtype=np.float64))) for part in (split.dp, split.pp))
    # every stage with a share like this one's, of which each then has its part of the time; what is more than a stage's
    # own budget comes in as many such shares
    own = max(token_budget / (stages * ranks), 1.0)
    share = chunk if whole_prompts or stages == 1.0 else np.minimum(chunk, own)
    shares = chunk / share
    whole = share * stages
    lanes = np.full(chunk.size, stages)

    def seconds(
        decode: Array, mean_context: float, prefill: Array, on: ArrayLike | None, attended: float = prompt_context
    ) -> Array:
        work = StepWork(
            decode=decode[None, :],
            context=mean_context,
            prefill=prefill[None, :],
            prefill_context=attended,
            prompts=prefill[None, :] / max(prompt, 1.0),
            prefill_lanes=None if on is None else np.asarray(on, dtype=np.float64)[None, :],
        )
        found = step_time(shape, chip, split, allreduce, work, constants, sequence_sharding=sequence_sharding)
        if found.shape[0] != 1:
            raise ValueError(f"a step table is of one replica, not of {found.shape[0]} rows")
        return np.asarray(found[0])

    nothing = np.zeros_like(batch)
    decode = seconds(batch, context, nothing, None)
    # attention reads what it attends to: the slope around the mean, and no more than the whole of the step
    longer = seconds(batch, 1.25 * context, nothing, None) - seconds(batch, 0.75 * context, nothing, None)
    per_context = np.maximum(longer, 0.0) / (0.5 * context * np.maximum(batch, 1.0))
    per_context = np.minimum(per_context, decode / (context * np.maximum(batch, 1.0)))

    def extra_of(on: Array) -> Array:
        total = np.tile(whole * (on / stages), batch.size)
        mixed = seconds(np.repeat(batch, chunk.size), context, total, np.tile(on, batch.size))
        found = np.maximum(mixed.reshape(batch.size, chunk.size) - decode[:, None], 0.0) * shares / stages
        return np.asarray(np.maximum.accumulate(found, axis=1))

    extra = extra_of(lanes)
    spread = np.maximum(extra_of(lanes * ranks), extra) if ranks > 1.0 else None
    full, on, none = whole[-1:], lanes[-1:], np.zeros(1)
    near, far = (seconds(none, context, full, on, part * prompt_context) for part in (0.75, 1.25))
    farther = (far - near) * shares[-1] / stages
    pairs = 0.5 * prompt_context * chunk[-1]
    per_attended = max(float(farther[0]), 0.0) / pairs if prompt_context > 0.0 else 0.0
    # a chunk that attends to nothing still takes time
    per_attended = min(per_attended, float(np.min(extra / (chunk * max(prompt_context, 1.0)))))
    return StepTable(
        batch=batch,
        decode_seconds=decode,
        context=context,
        per_context=per_context,
        prompt_tokens=chunk,
        prompt_seconds=extra,
        prompt_context=prompt_context,
        per_attended=per_attended,
        spread_seconds=spread,
    )

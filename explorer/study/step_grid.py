"""Step times of deployments side by side on a ladder of batch sizes, with and without prompts in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.engine.data_ranks import by_arrival, by_chance, longer_by
from explorer.engine.loops.layout import (
    BESIDE,
    BESIDE_FULL,
    BUDGET,
    CAP,
    CHUNKS,
    DECODE,
    FULL,
    FULL_STEPS,
    GRID,
    LANES,
    MIXED,
    OF_STEPS,
    RANKS,
    STALLED,
    TOKENS_A_STEP,
)
from explorer.engine.records import AllReduce, ChipSpec, ModelShape, Split, StepConstants
from explorer.engine.steptime import StepWork, step_time
from explorer.engine.stragglers import hit_probability_per_step
from explorer.study.demand import Demand

Array = NDArray[np.float64]

LADDER = np.linspace(0.0, 1.0, GRID)
"""Where they lie between one and the cap, on the scale of ln n."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Deployments side by side: engine records stacked along rows."""

    spec: ChipSpec
    allreduce: AllReduce
    split: Split
    caps: Array
    """Effective batch cap of a replica, whole sequences >= 1, shape (rows,)."""
    token_budget: Array
    """Scheduler's tokens a step, shape (rows, 1)."""
    whole_prompts: NDArray[np.bool_] | None = None
    """Rows whose scheduler puts no prompt off to a later step, (rows, 1); None where all cut prompts in chunks."""

    speculation: Array | None = None
    """Tokens that a step yields for each sequence, and by what share it lasts longer, (rows, 2); None for none."""

    def speculated(self, decode: Array, mixed: Array, full: Array) -> tuple[Array, Array, Array, Array]:
        """Steps with drafting and checking in them, (rows, points), and the tokens each yields, (rows, 1)."""
        if self.speculation is None:
            return decode, mixed, full, np.ones((len(self.caps), 1))
        extra = decode * self.speculation[:, 1:]
        return decode + extra, mixed + extra, full + extra, self.speculation[:, :1]

    def budget_for(self, prompt: float, ranks: Array) -> Array:
        """Tokens a step, (rows, 1), large enough for a mean prompt beside a full batch where prompts stay whole."""
        if self.whole_prompts is None:
            return self.token_budget
        whole = np.maximum(self.token_budget, prompt + self.caps[:, None] / ranks)
        return np.asarray(np.where(self.whole_prompts, whole, self.token_budget))


class _Part:
    """Columns of the table of a `StepGrid`: a ladder over batch sizes, or what there is once for each row."""

    def __init__(self, first: int, columns: int = GRID) -> None:
        self._columns = slice(first, first + columns)

    def __get__(self, grid: StepGrid, _owner: type[StepGrid]) -> Array:
        return grid.table[:, self._columns]


@dataclass(frozen=True, eq=False, slots=True)
class StepGrid:
    """Step times of rows on a ladder of batch sizes, seconds; its parts are (rows, GRID) unless said otherwise."""

    table: Array
    """All parts side by side, (rows, OF_STEPS), C-contiguous: as `loops.layout` says and compiled loops read it."""

    decode = _Part(DECODE)
    mixed = _Part(MIXED)
    """A step that carries a prompt chunk besides its decodes."""
    full = _Part(FULL)
    """A step full of prompt tokens."""
    full_steps = _Part(FULL_STEPS)
    """Full steps that a mean prompt amounts to."""
    chunks = _Part(CHUNKS)
    """Steps that a mean prompt is spread over."""
    beside = _Part(BESIDE)
    """Prompts that are worked off side by side in a step that carries any, as they arrive; see `engine.data_ranks`."""
    beside_full = _Part(BESIDE_FULL, 1)
    """The same where the batch is full and others wait, so that prompts come in as answers end, (rows, 1)."""
    budget = _Part(BUDGET, 1)
    """Prompt tokens a step takes beside one sequence, (rows, 1)."""
    lanes = _Part(LANES, 1)
    """Prompts that may be worked off side by side: attention-data ranks times pipeline stages, (rows, 1)."""
    ranks = _Part(RANKS, 1)
    """Attention-data ranks, (rows, 1)."""
    stall_probability = _Part(STALLED, 1)
    """Chance that a rare stall hits a step, (rows, 1)."""
    tokens_a_step = _Part(TOKENS_A_STEP, 1)
    """Tokens that a step yields for each sequence, (rows, 1): 1 without speculative decoding."""

    @property
    def caps(self) -> Array:
        """Effective batch caps, (rows,)."""
        return self.table[:, CAP]

    @property
    def marginal(self) -> Array:
        """Seconds that a mean prompt adds to all steps it is in, those side by side sharing them, (rows, GRID)."""
        added = self.chunks * np.maximum(self.mixed - self.decode, 1e-9)
        found = added / self.beside
        found[:, -1:] = added[:, -1:] / self.beside_full
        return np.asarray(found)

    def rows(self, at: NDArray[np.intp] | slice) -> StepGrid:
        """The grid of some rows only; itself if they are all of them."""
        if not isinstance(at, slice) and len(at) == len(self.table) and bool((at == np.arange(len(at))).all()):
            return self
        return StepGrid(self.table[at])


def stacked_grids(grids: Sequence[StepGrid]) -> StepGrid:
    """Grids below each other as one."""
    return StepGrid(np.concatenate([one.table for one in grids]))


def step_grid(
    shape: ModelShape,
    demand: Demand,
    rows: Rows,
    constants: StepConstants,
    *,
    stall_probability: float,
    sequence_sharding: bool,
) -> StepGrid:
    """Time the steps of every row at batch sizes from one to its cap, with and without a prompt chunk."""
    batch = np.maximum(rows.caps[:, None], 1.0) ** LADDER
    prompt = demand.computed_prompt
    # a prompt belongs to one attention-data rank and passes one stage at a time: each lane has a chunk of its own
    data_ranks, stages = (np.asarray(part, dtype=np.float64) for part in (rows.split.dp, rows.split.pp))
    lanes = data_ranks * stages
    budget = np.maximum(rows.budget_for(prompt, data_ranks) - batch / data_ranks, 16.0)
    chunk = np.minimum(prompt, budget)
    beside = beside_full = lanes
    on, chunks_a_step = None, batch
    several = bool((data_ranks > 1.0).any())
    if several:
        tokens_a_step = 1.0 if rows.speculation is None else rows.speculation[:, :1]
        chunks_a_step = batch / demand.output * tokens_a_step * prompt / chunk
        beside = stages * by_chance(chunks_a_step, data_ranks)
        beside_full = beside[:, -1:]
        on = np.repeat(lanes, 3 * GRID, axis=1)
        # a step lasts as long as the rank with the longest of the prompts that are in it
        longer = np.minimum(longer_by(beside / stages, demand.prompt_cv), budget / chunk)
        on[:, GRID : 2 * GRID] = beside / longer
    # decodes alone, with a prompt chunk, full of prompt tokens
    prefill = np.zeros((len(batch), 3 * GRID))
    np.multiply(chunk, beside, out=prefill[:, GRID : 2 * GRID])
    np.multiply(budget, lanes, out=prefill[:, 2 * GRID :])
    both = step_time(
        shape,
        rows.spec,
        rows.split,
        rows.allreduce,
        StepWork(
            decode=np.concatenate([batch, batch, batch], axis=1),
            context=demand.mean_context,
            prefill=prefill,
            prefill_context=demand.attended_by_prompt,
            prompts=prefill / prompt,
            prefill_lanes=on,
        ),
        constants,
        sequence_sharding=sequence_sharding,
    )
    decode, mixed, full, tokens = rows.speculated(both[:, :GRID], both[:, GRID : 2 * GRID], both[:, 2 * GRID :])
    if several:
        beside = np.maximum(beside, stages * by_arrival(chunks_a_step, mixed / decode, data_ranks))
    found = StepGrid(np.empty((len(batch), OF_STEPS)))
    found.caps[:], found.budget[:] = rows.caps, budget[:, :1]
    found.decode[:], found.mixed[:], found.full[:] = decode, mixed, full
    found.full_steps[:], found.chunks[:] = prompt / budget, prompt / chunk
    found.lanes[:], found.ranks[:] = lanes, data_ranks
    found.beside[:], found.beside_full[:] = beside, beside_full
    found.stall_probability[:], found.tokens_a_step[:] = stalled(rows.split, stall_probability, shape), tokens
    return found


def stalled(split: Split, stall_probability: float, shape: ModelShape) -> Array:
    """Chance that a rare stall hits a step, (rows, 1): of chips that wait for each other twice a layer."""
    ranks = np.asarray(split.tp, dtype=np.float64)
    return np.where(ranks > 1, hit_probability_per_step(stall_probability, ranks, 2.0 * shape.layer_count), 0.0)

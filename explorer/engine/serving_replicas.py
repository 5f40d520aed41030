"""A pool of equal replicas, and the arrays that the compiled loop works on for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.engine import serving_loop as loop
from explorer.engine.serving_records import WATERMARK_SHARE, Noise, StepTable

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

MODES = {
    "chunked": loop.CHUNKED,
    "prefill_first": loop.PREFILL_FIRST,
    "static": loop.STATIC,
    "prefill_pool": loop.PREFILL_POOL,
    "disaggregated": loop.DECODE_POOL,
}


@dataclass(frozen=True, slots=True)
class Pool:
    """Equal replicas with one scheduler."""

    scheduler: Literal["chunked", "prefill_first", "static", "disaggregated", "prefill_pool"]
    table: StepTable
    max_batch: int
    kv_tokens: int
    token_budget: int
    whole_admission: bool
    host_request_s: float
    overhead_s: float
    replicas: int
    shortest_queue: bool
    noise: Noise
    seed: int
    lanes: int = 1
    """Prompts that are worked off side by side, each with its part of the budget."""

    @property
    def cap(self) -> int:
        """Most sequences at once: decodes alone may not pass the budget of a step they share with prompts."""
        shares_steps = self.scheduler in ("chunked", "disaggregated")
        return min(self.max_batch, self.token_budget) if shares_steps else self.max_batch


class Replicas:
    """The arrays the loop works on, for one queue or for several that are filled together."""

    def __init__(self, pool: Pool, ri: Whole, rf: Array, queues: int, seed: int, users: int | None) -> None:
        cap = pool.cap
        count = ri.shape[0]
        base, per_context, lines = pool.table.by_batch(cap)
        longest = int(ri[:, loop.OUTPUT].max(initial=1))
        days = 1 << int(longest + 1).bit_length()
        whole = np.zeros(loop.INT_SETTINGS, dtype=np.int64)
        whole[loop.MODE] = MODES[pool.scheduler]
        whole[loop.CAP], whole[loop.CAPACITY], whole[loop.BUDGET] = cap, pool.kv_tokens, pool.token_budget
        whole[loop.RESERVE] = int(pool.whole_admission)
        whole[loop.SEED], whole[loop.CLOSED], whole[loop.MASK] = seed, int(users is not None), days - 1
        whole[loop.STALL_BELOW] = int(pool.noise.stall_probability * 2.0**53)
        whole[loop.LANES] = pool.lanes
        whole[loop.RESPITE] = int(WATERMARK_SHARE * pool.kv_tokens)
        times = np.zeros(loop.FLOAT_SETTINGS)
        times[loop.HOST_REQUEST], times[loop.STALL] = pool.host_request_s, pool.noise.stall_s
        times[loop.OVERHEAD] = pool.overhead_s
        times[loop.ATTENDED_MEAN], times[loop.PER_ATTENDED] = pool.table.prompt_context, pool.table.per_attended
        self.si = np.zeros((queues, loop.INT_STATE), dtype=np.int64)
        self.sf = np.zeros((queues, loop.FLOAT_STATE))
        self.queue = np.zeros((queues, count), dtype=np.int64)
        for name in (loop.STACK, loop.NEWEST, loop.PAUSE):
            self.si[:, name] = -1
        self.sf[:, loop.STALL_START] = -1.0
        self.batch_time = np.zeros(cap + 2)
        self.gaps = np.zeros(loop.BINS)
        self._arrays = loop.Arrays(
            whole=whole,
            times=times,
            base=base,
            per_context=per_context,
            nodes=pool.table.prompt_tokens,
            lines=lines,
            spread_lines=pool.table.spread_lines(cap) if pool.lanes > 1 else lines,
            jitter=pool.noise.jitter,
            queue=self.queue,
            ri=ri,
            rf=rf,
            si=self.si,
            sf=self.sf,
            calendar=np.full((queues, days), -1, dtype=np.int64),
            finishing=np.zeros((queues, cap + 2), dtype=np.int64),
            begun=np.zeros((queues, pool.lanes, loop.BEGUN_ROW), dtype=np.int64),
            group_time=np.zeros((queues, cap + 2)),
            group_size=np.zeros((queues, cap + 2), dtype=np.int64),
            gaps=self.gaps,
            batch_time=self.batch_time,
        )

    def advance(self, until: float) -> None:
        """Run every replica up to a moment, infinity for the end."""
        for r in range(self.si.shape[0]):
            loop.advance(r, until, self._arrays)

    def share_out(self, start: int, stop: int) -> None:
        """Let these requests arrive and choose the shortest queue."""
        loop.share_out(start, stop, self._arrays)


def request_rows(
    pool: Pool, arrival: Array, prompt: Whole, output: Whole, computed: Whole, first: Array | None
) -> tuple[Whole, Array]:
    """Requests as the loop has them: whole numbers and times, (requests, 8) each, in order of arrival.

    `first`: times of the first tokens where another pool made them; None where this one does.
    """
    ri = np.zeros((arrival.size, 8), dtype=np.int64)
    ri[:, loop.PROMPT], ri[:, loop.OUTPUT], ri[:, loop.WORK] = prompt, output, computed
    rf = np.zeros((arrival.size, 8))
    rf[:, loop.ARRIVAL] = arrival + pool.overhead_s
    if first is not None:
        rf[:, loop.FIRST] = first
    return ri, rf

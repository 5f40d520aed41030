"""One pool of equal replicas: feeds the compiled loop stretch by stretch and gathers what it leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.engine import serving_loop as loop
from explorer.engine.serving_records import WATERMARK_SHARE, Noise, Server, StepTable

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

MODES = {
    "chunked": loop.CHUNKED,
    "prefill_first": loop.PREFILL_FIRST,
    "static": loop.STATIC,
    "prefill_pool": loop.PREFILL_POOL,
    "disaggregated": loop.DECODE_POOL,
}
BACKLOG_BATCHES = 8
"""Batches of work at least in a backlog that measures saturation."""
BACKLOG_AT_MOST = 400_000


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


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which part of a run is counted, and in how many sections."""

    warm_up: float
    drain: bool
    sections: int

    def first(self, count: int) -> int:
        """Index of the first request counted."""
        return min(int(self.warm_up * count), count - 1)

    def last(self, count: int, server: Server, users: int | None) -> int:
        """One past the last request counted: the last batch runs in a server that empties, a twentieth at most.

        A fixed number, whatever the backlog: leaving out what happens to be unfinished would favour good moments.
        """
        together = (users or server.max_batch) * server.replicas
        return count - min(together, (count - self.first(count)) // 20)

    def marks(self, count: int) -> list[int]:
        """Indices of the requests whose arrival begins a section, and of the last arrival."""
        start = self.first(count)
        return [start + (count - 1 - start) * k // self.sections for k in range(self.sections + 1)]


@dataclass(frozen=True, slots=True)
class PoolRun:
    """What a pool did with its requests; times in the order of its requests, seconds."""

    arrival: Array
    admitted: Array
    first: Array
    finish: Array
    stall_to_first: Array
    stall_to_end: Array
    gap_sections: Array
    """Histograms of token gaps by successive stretches, (sections, bins)."""
    gap_bins: slice
    """Which bins of the loop's those are; beyond them there is nothing."""
    tokens: int
    gaps: int
    preemptions: int
    busy_share: float
    mean_batch: float
    batch_time: Array
    kv_mean: float
    kv_peak: int
    time_shares: dict[str, float]

    def with_first_pool(self, before: PoolRun, finish: Array, stalls: Array) -> PoolRun:
        """This decoding pool's figures, with the requests as both pools served them."""
        return replace(
            self,
            arrival=before.arrival,
            admitted=before.admitted,
            first=before.first,
            finish=finish,
            stall_to_first=before.stall_to_first,
            stall_to_end=stalls,
            tokens=self.tokens + before.tokens,
        )


class _Replicas:
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


def _request_rows(
    pool: Pool, arrival: Array, prompt: Whole, output: Whole, computed: Whole, first: Array | None
) -> tuple[Whole, Array]:
    ri = np.zeros((arrival.size, 8), dtype=np.int64)
    ri[:, loop.PROMPT], ri[:, loop.OUTPUT], ri[:, loop.WORK] = prompt, output, computed
    rf = np.zeros((arrival.size, 8))
    rf[:, loop.ARRIVAL] = arrival + pool.overhead_s
    if first is not None:
        rf[:, loop.FIRST] = first
    return ri, rf


def run_pool(
    pool: Pool,
    arrival: Array,
    prompt: Whole,
    output: Whole,
    computed: Whole,
    stretch: Stretch,
    *,
    users: int | None = None,
    first: Array | None = None,
) -> PoolRun:
    """Serve requests in order of arrival, (requests,) each; `computed` are the prompt tokens not cached.

    `first`: times of the first tokens where another pool made them.
    """
    count = arrival.size
    ri, rf = _request_rows(pool, arrival, prompt, output, computed, first)
    tally = _Tally(stretch.sections, pool.cap)
    if count and pool.shortest_queue and pool.replicas > 1:
        together = _Replicas(pool, ri, rf, pool.replicas, pool.seed, None)
        _run_together(together, rf, stretch, tally)
    elif count:
        # which replica a request goes to depends on the seed and its place only
        lot = np.random.default_rng([pool.seed, 20_231]).random(count) if pool.replicas > 1 else np.zeros(count)
        owner = (lot * pool.replicas).astype(np.int64)
        moments = rf[stretch.marks(count), loop.ARRIVAL]
        for r in range(pool.replicas):
            mine = np.flatnonzero(owner == r)
            if mine.size == 0:
                tally.idle(float(moments[-1] - moments[0]))
                continue
            alone = pool.replicas == 1
            part_i, part_f = (ri, rf) if alone else (ri[mine], rf[mine])
            replica = _Replicas(pool, part_i, part_f, 1, pool.seed + 1_000_003 * r, users)
            replica.queue[0] = np.arange(mine.size)
            if users is None:
                _run_alone(replica, moments, stretch, tally)
            else:
                _run_closed(replica, users, stretch, tally)
            if not alone:
                rf[mine] = part_f
    return tally.result(rf, pool.overhead_s, first is None)


class _Tally:
    """Sums over the counted stretch of all replicas, and over the whole run where nothing may be lost."""

    def __init__(self, sections: int, cap: int) -> None:
        self.gap_sections = np.zeros((sections, loop.BINS))
        self.batch_time = np.zeros(cap + 2)
        self.state = np.zeros(loop.FLOAT_STATE)
        self.elapsed = 0.0
        self.tokens = self.gaps = self.preemptions = self.peak = 0
        self._before: tuple[Array, Array, Array] | None = None
        self._first_bin, self._end_bin = loop.BINS - 1, 1

    def begin(self, replicas: _Replicas) -> None:
        """Start counting from here."""
        self._before = (replicas.sf.copy(), replicas.batch_time.copy(), replicas.gaps.copy())

    def section(self, replicas: _Replicas, k: int) -> None:
        """Put the gaps since the last section into section k."""
        assert self._before is not None
        octaves = np.flatnonzero(replicas.gaps.reshape(-1, loop.SUB_BINS).max(axis=1))
        if octaves.size:
            first, last = int(octaves[0]) * loop.SUB_BINS, int(octaves[-1] + 1) * loop.SUB_BINS
            gaps, before = replicas.gaps[first:last], self._before[2]
            self.gap_sections[k, first:last] += gaps - before[first:last]
            before[first:last] = gaps
            self._first_bin, self._end_bin = min(self._first_bin, first), max(self._end_bin, last)

    def stop(self, replicas: _Replicas, elapsed: float) -> None:
        """Stop counting; `elapsed` seconds since the beginning, summed over the replicas."""
        assert self._before is not None
        self.state += (replicas.sf - self._before[0]).sum(axis=0)
        self.batch_time += replicas.batch_time - self._before[1]
        self.elapsed += elapsed

    def idle(self, elapsed: float) -> None:
        """A replica that no request went to."""
        self.elapsed += elapsed

    def finish(self, replicas: _Replicas) -> None:
        """The run is over: sums that nothing is left out of."""
        total = replicas.si.sum(axis=0)
        self.tokens += int(total[loop.TOKENS])
        self.gaps += int(total[loop.GAPS])
        self.preemptions += int(total[loop.PREEMPTIONS])
        self.peak = max(self.peak, int(replicas.si[:, loop.PEAK].max()))

    def result(self, rf: Array, overhead_s: float, makes_first: bool) -> PoolRun:
        """The run, seen from outside: arrivals before the host's overhead."""
        busy = float(self.state[loop.BUSY])
        # a step counts when it ends, so that a stretch may hold a part of a step more than its time
        in_steps, whole = max(busy, 1e-300), max(self.elapsed, busy, 1e-300)
        prompts, stalls = float(self.state[loop.PROMPT_TIME]), float(self.state[loop.STALL_TIME])
        shares = {
            "prompts": prompts / whole,
            "decode": (busy - prompts - stalls) / whole,
            "stalls": stalls / whole,
            "idle": 1.0 - busy / whole,
        }
        # of a run without gaps the ends stand the other way round: its bins are empty, whichever are shown
        first, last = sorted((self._first_bin, self._end_bin))
        return PoolRun(
            arrival=rf[:, loop.ARRIVAL] - overhead_s,
            admitted=rf[:, loop.ADMITTED],
            first=rf[:, loop.FIRST],
            finish=rf[:, loop.FINISH],
            stall_to_first=rf[:, loop.STALL_TO_FIRST] if makes_first else np.zeros(rf.shape[0]),
            stall_to_end=rf[:, loop.STALL_TO_END],
            gap_sections=self.gap_sections[:, first:last],
            gap_bins=slice(first, last),
            tokens=self.tokens,
            gaps=self.gaps,
            preemptions=self.preemptions,
            busy_share=busy / whole,
            mean_batch=float(self.state[loop.SEQUENCE_TIME]) / in_steps,
            batch_time=self.batch_time,
            kv_mean=float(self.state[loop.KV_TIME]) / in_steps,
            kv_peak=self.peak,
            time_shares=shares,
        )


def _run_alone(replica: _Replicas, moments: Array, stretch: Stretch, tally: _Tally) -> None:
    replica.si[0, loop.TAIL] = replica.queue.shape[1]
    if stretch.warm_up > 0.0:
        replica.advance(float(moments[0]))
    tally.begin(replica)
    started = 0.0 if stretch.drain else float(moments[0])
    for k, moment in enumerate(moments[1:]):
        ends = stretch.drain and k == stretch.sections - 1
        replica.advance(np.inf if ends else float(moment))
        tally.section(replica, k)
    ended = float(replica.sf[0, loop.NOW]) if stretch.drain else float(moments[-1])
    tally.stop(replica, ended - started)
    replica.advance(np.inf)
    tally.finish(replica)


def _run_together(replicas: _Replicas, rf: Array, stretch: Stretch, tally: _Tally) -> None:
    count = rf.shape[0]
    marks = stretch.marks(count)
    queues = replicas.si.shape[0]
    if stretch.warm_up > 0.0:
        replicas.share_out(0, marks[0])
    else:
        marks[0] = 0
    tally.begin(replicas)
    started = 0.0 if stretch.drain else float(rf[marks[0], loop.ARRIVAL])
    for k in range(stretch.sections):
        replicas.share_out(marks[k], count if k == stretch.sections - 1 else marks[k + 1])
        if stretch.drain and k == stretch.sections - 1:
            replicas.advance(np.inf)
        tally.section(replicas, k)
    ended = float(replicas.sf[:, loop.NOW].max()) if stretch.drain else float(rf[-1, loop.ARRIVAL])
    tally.stop(replicas, (ended - started) * queues)
    replicas.advance(np.inf)
    tally.finish(replicas)


def _run_closed(replica: _Replicas, users: int, stretch: Stretch, tally: _Tally) -> None:
    count = replica.queue.shape[1]
    replica.si[0, loop.TAIL] = min(users, count)

    def up_to(mark: int) -> None:
        if mark > replica.si[0, loop.TAIL]:
            replica.si[0, loop.PAUSE] = mark
            replica.advance(np.inf)
            replica.si[0, loop.PAUSE] = -1

    marks = stretch.marks(count)
    if stretch.warm_up > 0.0:
        up_to(marks[0])
    tally.begin(replica)
    started = float(replica.sf[0, loop.NOW])
    for k, mark in enumerate(marks[1:]):
        if stretch.drain and k == stretch.sections - 1:
            replica.advance(np.inf)
        else:
            up_to(count if k == stretch.sections - 1 else mark)
        tally.section(replica, k)
    tally.stop(replica, float(replica.sf[0, loop.NOW]) - started)
    replica.advance(np.inf)
    tally.finish(replica)


def backlog_rate(pool: Pool, prompt: Whole, output: Whole, computed: Whole) -> float:
    """Requests/s at which the pool works off a backlog, from when 40 % are done to when 90 % are.

    Lengths are gone through again where there are too few of them for a settled batch.
    """
    wanted = min(max(prompt.size, BACKLOG_BATCHES * pool.cap), BACKLOG_AT_MOST)
    again = np.arange(wanted) % prompt.size
    one = replace(pool, replicas=1, overhead_s=0.0)
    everything = Stretch(warm_up=0.0, drain=True, sections=1)
    nothing = np.zeros(wanted)
    first = nothing if pool.scheduler == "disaggregated" else None
    run = run_pool(one, nothing, prompt[again], output[again], computed[again], everything, first=first)
    done = np.sort(run.finish)
    early, late = int(0.4 * wanted), int(0.9 * wanted)
    if late <= early or done[late] <= done[early]:
        return wanted / float(done[-1]) * pool.replicas
    return (late - early) / float(done[late] - done[early]) * pool.replicas


def watch_pool(
    pool: Pool, arrival: Array, prompt: Whole, output: Whole, computed: Whole, moments: Array
) -> tuple[Array, Array, Array]:
    """Sequences in service, requests waiting and KV tokens held by the first replica at given moments, in order.

    With several replicas and random split it is the one that serves every R-th request. A step that is on its way
    counts with what it held when it began.
    """
    mine = np.arange(0, arrival.size, pool.replicas)
    ri, rf = _request_rows(pool, arrival[mine], prompt[mine], output[mine], computed[mine], None)
    replica = _Replicas(pool, ri, rf, 1, pool.seed, None)
    replica.queue[0] = np.arange(mine.size)
    replica.si[0, loop.TAIL] = mine.size
    seen = np.zeros((3, moments.size))
    for k, moment in enumerate(moments):
        replica.advance(float(moment))
        state = replica.si[0]
        running = state[loop.DECODING] - state[loop.SPENT_SLOTS] + state[loop.FINISHING] + state[loop.BEGUN]
        arrived = np.searchsorted(rf[:, loop.ARRIVAL], moment, side="right")
        held = state[loop.RESERVED] if pool.whole_admission else state[loop.CONTEXT] + state[loop.HELD]
        seen[:, k] = running, arrived - state[loop.DONE] - running, held
    return seen[0], seen[1], seen[2]

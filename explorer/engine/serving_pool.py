"""One pool of equal replicas at work: requests are fed to the compiled loop stretch by stretch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.engine import serving_loop as loop
from explorer.engine.serving_replicas import Pool, Replicas, request_rows
from explorer.engine.serving_tally import PoolRun, Stretch, Tally

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

BACKLOG_BATCHES = 8
"""Batches of work at least in a backlog that measures saturation."""
BACKLOG_AT_MOST = 400_000


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
    ri, rf = request_rows(pool, arrival, prompt, output, computed, first)
    tally = Tally(stretch.sections, pool.cap)
    if count and pool.shortest_queue and pool.replicas > 1:
        together = Replicas(pool, ri, rf, pool.replicas, pool.seed, None)
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
            replica = Replicas(pool, part_i, part_f, 1, pool.seed + 1_000_003 * r, users)
            replica.queue[0] = np.arange(mine.size)
            if users is None:
                _run_alone(replica, moments, stretch, tally)
            else:
                _run_closed(replica, users, stretch, tally)
            if not alone:
                rf[mine] = part_f
    return tally.result(rf, pool.overhead_s, first is None)


def _run_alone(replica: Replicas, moments: Array, stretch: Stretch, tally: Tally) -> None:
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


def _run_together(replicas: Replicas, rf: Array, stretch: Stretch, tally: Tally) -> None:
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


def _run_closed(replica: Replicas, users: int, stretch: Stretch, tally: Tally) -> None:
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
    ri, rf = request_rows(pool, arrival[mine], prompt[mine], output[mine], computed[mine], None)
    replica = Replicas(pool, ri, rf, 1, pool.seed, None)
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

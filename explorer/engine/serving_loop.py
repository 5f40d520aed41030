"""The compiled heart of the serving simulation: schedulers step by step, O(1) work a step and a request.

All compiled code stands in this one file, because numba's cache notices changes of the calling file only.
Nothing that the window imports may import it. `advance` runs one replica up to a moment; requests that finish
hang in a calendar of decode steps (bucket = number of the step that completes them, modulo a power of two larger
than any output), so that no step ever looks at all sequences of its batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., Any])

CHUNKED, PREFILL_FIRST, STATIC, PREFILL_POOL, DECODE_POOL = range(5)

# Settings of a run: whole numbers, then times and shares.
MODE, CAP, CAPACITY, BUDGET, RESERVE, SEED, CLOSED, MASK, STALL_BELOW, RESPITE, LANES, INT_SETTINGS = range(12)
HOST_REQUEST, STALL, OVERHEAD, ATTENDED_MEAN, PER_ATTENDED, FLOAT_SETTINGS = range(6)

# One row a request: eight whole numbers and eight times, a cache line each.
PROMPT, OUTPUT, GENERATED, LINK, OLDER, NEWER, WORK, FINISH_STEP = range(8)
ARRIVAL, ADMITTED, FIRST, FINISH, STALL_BEFORE, STALL_TO_FIRST, STALL_TO_END, LAST = range(8)

# State of a replica between two calls.
(
    HEAD, TAIL, DECODING, COUNT, STEPS, FINISHING, BEGUN, STACK, NEWEST, PLANNED,
    RUNS_DECODE, TO_PREFILL, HELD, CONTEXT, RESERVED, SPENT_SLOTS, GROUPS, DONE, TOKENS, GAPS, PREEMPTIONS, PEAK,
    PAUSE, INT_STATE,
) = range(24)  # fmt: skip
(
    NOW, END, STALL_START, STALL_CLOCK, BUSY, SEQUENCE_TIME, KV_TIME, STALL_TIME, PROMPT_TIME, STEP, FLOAT_STATE,
) = range(11)  # fmt: skip

# A prompt that is begun and not done: which request, tokens left, tokens seen.
WHICH, LEFT, SEEN, BEGUN_ROW = range(4)

SUB_BITS = 9
SUB_BINS = 1 << SUB_BITS
"""Bins an octave of the histogram of token gaps: below 0.2 % of a gap each."""
LEAST_EXPONENT = -20
BINS = 34 * SUB_BINS
"""From 2^-20 s (1 us) to 2^14 s (4.5 h)."""


class Arrays(NamedTuple):
    """Everything that a pool of replicas works on, handed to compiled code as one; indices as named above."""

    whole: Ints
    """Settings, (INT_SETTINGS,)."""
    times: Floats
    """Settings, (FLOAT_SETTINGS,)."""
    base: Floats
    """Seconds of a step at no context, by batch size, (cap+1,)."""
    per_context: Floats
    """Seconds a context token, (cap+1,)."""
    nodes: Floats
    """Prompt tokens of a step between which its time is a straight line, (nodes,)."""
    lines: Floats
    """Intercept and slope of those lines by batch size, (cap+1, nodes-1, 2)."""
    spread_lines: Floats
    """The same where every lane has a chunk."""
    jitter: Floats
    """Equally likely factors on a step, a power of two of them."""
    queue: Ints
    """Requests of each replica in order of arrival, (replicas, requests)."""
    ri: Ints
    """A row of whole numbers a request, (requests, 8)."""
    rf: Floats
    """A row of times a request, (requests, 8)."""
    si: Ints
    """State of each replica, (replicas, INT_STATE)."""
    sf: Floats
    """State of each replica, (replicas, FLOAT_STATE)."""
    calendar: Ints
    """First request that finishes at each decode step to come, -1 for none, (replicas, days)."""
    finishing: Ints
    """Requests whose prompt ends in the step under way, (replicas, cap+2)."""
    begun: Ints
    """Prompts begun and not done, the oldest first, a lane each, (replicas, lanes, BEGUN_ROW)."""
    group_time: Floats
    """Last token of groups that joined since the decodes last ran, (replicas, cap+2)."""
    group_size: Ints
    """Their sizes, (replicas, cap+2)."""
    gaps: Floats
    """Histogram of token gaps, (BINS,)."""
    batch_time: Floats
    """Seconds at each number of sequences, (cap+2,)."""


def compiled(function: Function) -> Function:
    """The function as machine code, kept on disk, run without the interpreter's lock."""
    return cast(Function, njit(cache=True, nogil=True)(function))


def compiled_into_callers(function: Function) -> Function:
    """The same, and copied into compiled callers: handing over twenty arrays costs more than most steps do."""
    return cast(Function, njit(cache=True, nogil=True, forceinline=True)(function))


def _bits_builder(_context: Any, _value: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.int64))

    return types.int64(types.float64), generate


_bits: Callable[[float], int] = cast(Any, intrinsic)(_bits_builder)


@compiled
def _bin(gap: float) -> int:
    """Bin of a gap: exponent and upper mantissa bits of the number itself, cheaper than a logarithm."""
    place: int = (_bits(gap) >> (52 - SUB_BITS)) - ((1023 + LEAST_EXPONENT) << SUB_BITS)
    return min(max(place, 0), BINS - 1)


@compiled
def _hash(seed: int, step: int) -> Any:
    """64 bits that depend on seed and step only (splitmix64, Steele and others 2014)."""
    z = np.uint64(seed) + np.uint64(step) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@compiled
def _chunk_time(nodes: Floats, lines: Floats, batch: int, tokens: int) -> float:
    """Seconds that `tokens` prompt tokens add at a batch: straight between the nodes, on beyond the last."""
    k = nodes.size - 2
    while k > 0 and nodes[k] > tokens:
        k -= 1
    return float(lines[batch, k, 0] + lines[batch, k, 1] * tokens)


@compiled
def _preempt_newest(
    r: int, ri: Ints, rf: Floats, calendar: Ints, mask: int, count: int, newest: int, last: float,
    groups: int, group_time: Floats, group_size: Ints,
) -> tuple[int, int]:  # fmt: skip
    """Take the newest decoding request off its batch; what it held and the groups of waiting gaps that remain."""
    i = newest
    generated = ri[i, OUTPUT] - (ri[i, FINISH_STEP] - count)
    ri[i, GENERATED] = generated
    at = ri[i, FINISH_STEP] & mask
    k = calendar[r, at]
    if k == i:
        calendar[r, at] = ri[i, LINK]
    else:
        while ri[k, LINK] != i:
            k = ri[k, LINK]
        ri[k, LINK] = ri[i, LINK]
    rf[i, LAST] = last
    if groups > 0:
        rf[i, LAST] = group_time[r, groups - 1]
        group_size[r, groups - 1] -= 1
        if group_size[r, groups - 1] == 0:
            groups -= 1
    if ri[i, OLDER] >= 0:
        ri[ri[i, OLDER], NEWER] = -1
    return ri[i, PROMPT] + generated, groups


@compiled_into_callers
def advance(r: int, until: float, pool: Arrays) -> None:
    """Run replica `r` of a pool up to the last step that ends by `until`; a step beyond it stays planned."""
    whole, times, base, per_context = pool.whole, pool.times, pool.base, pool.per_context
    nodes, lines, spread_lines, jitter = pool.nodes, pool.lines, pool.spread_lines, pool.jitter
    queue, ri, rf, si, sf = pool.queue, pool.ri, pool.rf, pool.si, pool.sf
    calendar, finishing, group_time, group_size = pool.calendar, pool.finishing, pool.group_time, pool.group_size
    begun, gaps, batch_time = pool.begun, pool.gaps, pool.batch_time
    mode, cap, capacity, budget = whole[MODE], whole[CAP], whole[CAPACITY], whole[BUDGET]
    reserve, closed, mask, lanes = whole[RESERVE] == 1, whole[CLOSED] == 1, whole[MASK], whole[LANES]
    seed, stall_below = whole[SEED] + r * 7_046_029_254_386_353, np.uint64(whole[STALL_BELOW])
    watermark = capacity - whole[RESPITE]
    host_request, stall_s, overhead = times[HOST_REQUEST], times[STALL], times[OVERHEAD]
    attended_mean, per_attended = times[ATTENDED_MEAN], times[PER_ATTENDED]
    jitter_mask = np.uint64(jitter.size - 1)
    whole_prompts = mode in (PREFILL_FIRST, STATIC)

    head, tail, nd, count, steps = si[r, HEAD], si[r, TAIL], si[r, DECODING], si[r, COUNT], si[r, STEPS]
    nf, parts = si[r, FINISHING], si[r, BEGUN]
    stack, newest, planned, runs = si[r, STACK], si[r, NEWEST], si[r, PLANNED], si[r, RUNS_DECODE]
    to_prefill, held, context, reserved = si[r, TO_PREFILL], si[r, HELD], si[r, CONTEXT], si[r, RESERVED]
    spent, groups, pause = si[r, SPENT_SLOTS], si[r, GROUPS], si[r, PAUSE]
    done, tokens, gap_count, preempted, peak = (
        si[r, DONE], si[r, TOKENS], si[r, GAPS], si[r, PREEMPTIONS], si[r, PEAK],
    )  # fmt: skip
    t, t_end, stall_start, stall_clock = sf[r, NOW], sf[r, END], sf[r, STALL_START], sf[r, STALL_CLOCK]
    busy, sequence_time, kv_time = sf[r, BUSY], sf[r, SEQUENCE_TIME], sf[r, KV_TIME]
    stall_time, prompt_time, dt = sf[r, STALL_TIME], sf[r, PROMPT_TIME], sf[r, STEP]

    while True:
        if planned == 0:
            if nd == 0 and parts == 0 and stack < 0:
                if head >= tail:
                    break
                arrival = rf[queue[r, head], ARRIVAL]
                if arrival > until:
                    break
                t = max(t, arrival)

            # decodes first: room for one more token of each, the newest making way
            if nd > 0 and not whole_prompts and not reserve:
                while context + held + nd > capacity and (nd > 1 or parts > 0):
                    if parts > 0:
                        parts -= 1
                        i = begun[r, parts, WHICH]
                        held -= ri[i, PROMPT] + ri[i, GENERATED]
                    else:
                        i = newest
                        freed, groups = _preempt_newest(
                            r, ri, rf, calendar, mask, count, newest, t, groups, group_time, group_size
                        )
                        newest = ri[i, OLDER]
                        nd -= 1
                        context -= freed
                    ri[i, LINK] = stack
                    stack = i
                    preempted += 1

            left = budget if whole_prompts else budget - nd
            chunk = 0
            longest = 0
            attended = 0.0
            nf = 0
            # a prompt belongs to one lane and takes no more of the budget than that lane has
            most = left if lanes == 1 else max(left // lanes, 1)
            if parts > 0:
                before, parts = parts, 0
                for k in range(before):
                    i, left_over, seen = begun[r, k, WHICH], begun[r, k, LEFT], begun[r, k, SEEN]
                    take = max(min(left_over, left, most), 0)
                    chunk += take
                    longest = max(longest, take)
                    left -= take
                    attended += take * (seen + 0.5 * take)
                    if take == left_over:
                        finishing[r, nf] = i
                        nf += 1
                    else:
                        begun[r, parts, WHICH], begun[r, parts, LEFT] = i, left_over - take
                        begun[r, parts, SEEN] = seen + take
                        parts += 1

            if mode == STATIC and nd == 0 and to_prefill == 0:
                room = capacity
                while head + to_prefill < tail and to_prefill < cap:
                    i = queue[r, head + to_prefill]
                    room -= ri[i, PROMPT] + ri[i, OUTPUT]
                    if rf[i, ARRIVAL] > t or room < 0:
                        break
                    to_prefill += 1

            while left > 0 and parts < lanes and nd + nf + parts < cap:
                again = stack >= 0
                if again:
                    i = stack
                elif head < tail:
                    i = queue[r, head]
                    if rf[i, ARRIVAL] > t or (mode == STATIC and to_prefill == 0):
                        break
                else:
                    break
                p, g = ri[i, PROMPT], ri[i, GENERATED]
                if reserve:
                    need = p + ri[i, OUTPUT]
                    if reserved + need > capacity:
                        break
                    reserved += need
                else:
                    need = p + g + nd + nf + parts + 1
                    used = context + held
                    if used > 0 and used + need > watermark:
                        break
                work = ri[i, WORK] + g
                if whole_prompts and chunk > 0 and work > left:
                    if reserve:
                        reserved -= need
                    break
                if again:
                    stack = ri[i, LINK]
                else:
                    head += 1
                    rf[i, ADMITTED] = t
                    rf[i, STALL_BEFORE] = stall_clock
                    if mode == STATIC:
                        to_prefill -= 1
                if mode == DECODE_POOL and not again:
                    # its first token came from the other pool: it joins this very step
                    left -= 1
                    ri[i, GENERATED] = 1
                    context += p + 1
                    ri[i, OLDER] = newest
                    ri[i, NEWER] = -1
                    if newest >= 0:
                        ri[newest, NEWER] = i
                    newest = i
                    nd += 1
                    ri[i, FINISH_STEP] = count + ri[i, OUTPUT] - 1
                    at = ri[i, FINISH_STEP] & mask
                    ri[i, LINK] = calendar[r, at]
                    calendar[r, at] = i
                    group_time[r, groups] = rf[i, FIRST]
                    group_size[r, groups] = 1
                    groups += 1
                    continue
                held += p + g
                take = work if whole_prompts else min(work, left, most)
                chunk += take
                longest = max(longest, take)
                left -= take
                seen = p - ri[i, WORK]
                attended += take * (seen + 0.5 * take)
                if take == work:
                    finishing[r, nf] = i
                    nf += 1
                else:
                    begun[r, parts, WHICH], begun[r, parts, LEFT] = i, work - take
                    begun[r, parts, SEEN] = seen + take
                    parts += 1

            if whole_prompts and chunk == 0 and nd > 0 and not reserve:
                while context + nd > capacity and nd > 1:
                    i = newest
                    last = stall_start if stall_start >= 0.0 else t
                    freed, groups = _preempt_newest(
                        r, ri, rf, calendar, mask, count, newest, last, groups, group_time, group_size
                    )
                    newest = ri[i, OLDER]
                    nd -= 1
                    context -= freed
                    ri[i, LINK] = stack
                    stack = i
                    preempted += 1

            runs = 1 if nd > 0 and (chunk == 0 or not whole_prompts) else 0
            if runs == 1:
                dt = base[nd] + per_context[nd] * context
                beside = nd
            else:
                dt = base[0]
                beside = 0
                if nd > 0 and stall_start < 0.0:
                    stall_start = t
            h = _hash(seed, steps)
            steps += 1
            slow = jitter[h & jitter_mask]
            if chunk > 0:
                if lanes == 1:
                    extra = _chunk_time(nodes, lines, beside, chunk)
                    extra += per_attended * (attended - chunk * attended_mean)
                else:
                    # the lanes wait for the one that has most; what they share takes the longer, the more have some
                    slowest = max(longest, (chunk + lanes - 1) // lanes)
                    extra = _chunk_time(nodes, lines, beside, slowest)
                    spread = _chunk_time(nodes, spread_lines, beside, slowest)
                    extra += (spread - extra) * (chunk / slowest - 1.0) / (lanes - 1.0)
                    extra += per_attended * (attended * (slowest / chunk) - slowest * attended_mean)
                extra += host_request * nf
                dt += extra
                prompt_time += extra * slow
            dt *= slow
            if (h >> np.uint64(11)) < stall_below:
                dt += stall_s
                stall_clock += stall_s
                stall_time += stall_s
            t_end = t + dt
            planned = 1

        if t_end > until:
            break

        # what the step brings, at its end
        busy += dt
        kv = reserved if reserve else context + held
        sequence_time += (nd + nf + parts) * dt
        kv_time += kv * dt
        batch_time[nd + nf + parts] += dt
        if runs == 1:
            live = nd - spent
            count += 1
            tokens += live
            gap_count += live
            context += live
            if groups == 0 and stall_start < 0.0:
                gaps[_bin(dt)] += live
            else:
                regular = live
                for k in range(groups):
                    gaps[_bin(t_end - group_time[r, k])] += group_size[r, k]
                    regular -= group_size[r, k]
                if regular > 0:
                    gaps[_bin(t_end - (stall_start if stall_start >= 0.0 else t))] += regular
                groups = 0
                stall_start = -1.0
            if not reserve:
                peak = max(peak, context + held)
            i = calendar[r, count & mask]
            if i >= 0:
                calendar[r, count & mask] = -1
                while i >= 0:
                    rf[i, FINISH] = t_end
                    rf[i, STALL_TO_END] = stall_clock - rf[i, STALL_BEFORE]
                    done += 1
                    if mode == STATIC:
                        spent += 1
                    else:
                        context -= ri[i, PROMPT] + ri[i, OUTPUT]
                        nd -= 1
                        older, newer = ri[i, OLDER], ri[i, NEWER]
                        if older >= 0:
                            ri[older, NEWER] = newer
                        if newer >= 0:
                            ri[newer, OLDER] = older
                        else:
                            newest = older
                        if reserve:
                            reserved -= ri[i, PROMPT] + ri[i, OUTPUT]
                    if closed and tail < queue.shape[1]:
                        rf[queue[r, tail], ARRIVAL] = t_end + overhead
                        tail += 1
                        if tail == pause:
                            until = t_end
                    i = ri[i, LINK]
        if nf > 0:
            joined = 0
            for k in range(nf):
                i = finishing[r, k]
                p, g = ri[i, PROMPT], ri[i, GENERATED]
                held -= p + g
                tokens += 1
                if g == 0:
                    rf[i, FIRST] = t_end
                    rf[i, STALL_TO_FIRST] = stall_clock - rf[i, STALL_BEFORE]
                else:
                    gap_count += 1
                    gaps[_bin(t_end - rf[i, LAST])] += 1.0
                g += 1
                if g >= ri[i, OUTPUT] or mode == PREFILL_POOL:
                    rf[i, FINISH] = t_end
                    rf[i, STALL_TO_END] = stall_clock - rf[i, STALL_BEFORE]
                    done += 1
                    if reserve:
                        reserved -= p + ri[i, OUTPUT]
                    if closed and tail < queue.shape[1]:
                        rf[queue[r, tail], ARRIVAL] = t_end + overhead
                        tail += 1
                        if tail == pause:
                            until = t_end
                else:
                    context += p + g
                    ri[i, OLDER] = newest
                    ri[i, NEWER] = -1
                    if newest >= 0:
                        ri[newest, NEWER] = i
                    newest = i
                    nd += 1
                    joined += 1
                    ri[i, FINISH_STEP] = count + ri[i, OUTPUT] - g
                    at = ri[i, FINISH_STEP] & mask
                    ri[i, LINK] = calendar[r, at]
                    calendar[r, at] = i
            if joined > 0 and stall_start >= 0.0:
                group_time[r, groups] = t_end
                group_size[r, groups] = joined
                groups += 1
            nf = 0
        kv = reserved if reserve else context + held
        peak = max(peak, kv)
        if mode == STATIC and spent == nd and to_prefill == 0:
            nd = 0
            spent = 0
            context = 0
            reserved = 0
            newest = -1
        t = t_end
        planned = 0

        # a stretch in which nothing but decoding happens, until somebody finishes or may come in
        if nd > 0 and parts == 0 and stall_start < 0.0 and to_prefill == 0:
            enter = np.inf
            if mode != STATIC and nd < cap and (whole_prompts or budget > nd):
                if stack >= 0:
                    i = stack
                    waits = t
                elif head < tail:
                    i = queue[r, head]
                    waits = rf[i, ARRIVAL]
                else:
                    i = -1
                    waits = np.inf
                if i >= 0:
                    if reserve:
                        fits = reserved + ri[i, PROMPT] + ri[i, OUTPUT] <= capacity
                    else:
                        fits = context + ri[i, PROMPT] + ri[i, GENERATED] + nd + 1 <= watermark
                    if fits:
                        enter = waits
            live = nd - spent
            room = 9_000_000_000_000_000_000 if reserve else (capacity - context) // nd
            start = t
            first = count
            base_n, slope_n = base[nd], per_context[nd]
            while t < enter and calendar[r, (count + 1) & mask] < 0 and room > 0:
                h = _hash(seed, steps)
                steps += 1
                dt = (base_n + slope_n * context) * jitter[h & jitter_mask]
                if (h >> np.uint64(11)) < stall_below:
                    dt += stall_s
                    stall_clock += stall_s
                    stall_time += stall_s
                t_end = t + dt
                if t_end > until:
                    planned = 1
                    runs = 1
                    break
                count += 1
                room -= 1
                gaps[_bin(dt)] += live
                kv_time += (reserved if reserve else context) * dt
                context += live
                t = t_end
            ran = count - first
            if ran > 0:
                tokens += live * ran
                gap_count += live * ran
                busy += t - start
                sequence_time += nd * (t - start)
                batch_time[nd] += t - start
                if not reserve:
                    peak = max(peak, context)
            if planned == 1:
                break

    si[r, HEAD], si[r, TAIL], si[r, DECODING], si[r, COUNT], si[r, STEPS] = head, tail, nd, count, steps
    si[r, FINISHING], si[r, BEGUN] = nf, parts
    si[r, STACK], si[r, NEWEST], si[r, PLANNED], si[r, RUNS_DECODE] = stack, newest, planned, runs
    si[r, TO_PREFILL], si[r, HELD], si[r, CONTEXT], si[r, RESERVED] = to_prefill, held, context, reserved
    si[r, SPENT_SLOTS], si[r, GROUPS] = spent, groups
    si[r, DONE], si[r, TOKENS], si[r, GAPS], si[r, PREEMPTIONS] = done, tokens, gap_count, preempted
    si[r, PEAK] = peak
    sf[r, NOW], sf[r, END], sf[r, STALL_START], sf[r, STALL_CLOCK] = t, t_end, stall_start, stall_clock
    sf[r, BUSY], sf[r, SEQUENCE_TIME], sf[r, KV_TIME] = busy, sequence_time, kv_time
    sf[r, STALL_TIME], sf[r, PROMPT_TIME], sf[r, STEP] = stall_time, prompt_time, dt


@compiled
def share_out(start: int, stop: int, pool: Arrays) -> None:
    """Let requests start..stop-1 each join the replica with the fewest requests at its arrival.

    Ties go round: to the first of the equals, counted from a replica that moves on with every request.
    """
    queue, rf, si, sf = pool.queue, pool.rf, pool.si, pool.sf
    replicas = queue.shape[0]
    # what the loop below asks of every replica, side by side: when it has something to do, and how many it has
    due = np.empty(replicas)
    present = np.empty(replicas, np.int64)
    for r in range(replicas):
        if si[r, PLANNED] == 1:
            due[r] = sf[r, END]
        else:
            due[r] = -np.inf if si[r, HEAD] < si[r, TAIL] else np.inf
        present[r] = si[r, TAIL] - si[r, DONE]
    turn = start % replicas
    for i in range(start, stop):
        arrival = rf[i, ARRIVAL]
        for r in range(replicas):
            if due[r] <= arrival:
                advance(r, arrival, pool)
                due[r] = sf[r, END] if si[r, PLANNED] == 1 else np.inf
                present[r] = si[r, TAIL] - si[r, DONE]
        shortest = turn
        for r in range(replicas):
            k = turn + r
            k = k - replicas if k >= replicas else k
            if present[k] < present[shortest]:
                shortest = k
        turn = turn + 1 if turn + 1 < replicas else 0
        queue[shortest, si[shortest, TAIL]] = i
        si[shortest, TAIL] += 1
        present[shortest] += 1
        if due[shortest] == np.inf:
            due[shortest] = -np.inf

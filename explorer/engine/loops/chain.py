"""Chain and latency quantiles of many rows, row by row in the nearest cache.

What is computed, and from which source, is said in `queueing`, `prompt_work`, `latency`, `token_gaps` and
`study.replica`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.engine.loops.compiler import (
    buffer,
    compiled,
    floats_1,
    floats_2,
    floats_3,
    floats_4,
    free,
    table,
    whole_1,
    whole_2,
    whole_table,
)  # fmt: skip
from explorer.engine.loops.fast_math import exp, log
from explorer.engine.loops.layout import (
    BESIDE,
    BESIDE_FULL,
    BUDGET,
    CHUNKS,
    DECODE,
    E2E,
    FULL,
    FULL_STEPS,
    GAP_SCV,
    GRID,
    HOST_REQUEST,
    ITL,
    LANES,
    LOAD_GAIN,
    MEAN_BATCH,
    METRICS,
    MIXED,
    NORMAL,
    OUTPUT,
    OUTPUT_FACTOR,
    OUTPUT_SCV,
    OVERHEAD,
    P99_BATCH,
    PADDING,
    PROMPT_AT,
    PROMPT_FACTOR,
    PROMPT_SCV,
    QUANTILE,
    RANKS,
    SCV,
    STALL,
    STALLED,
    STEP_AT,
    TOKENS_A_STEP,
    TPOT,
    TTFT,
    WAITS,
)
from explorer.engine.loops.rates import within_limits
from explorer.engine.loops.reading import batch_at, between, mixture_at, mixture_over, sort

AT_REST = float(np.sqrt(2.0 / np.e))
# as in `prompt_work`
FULL_SHARPNESS, MOST_BUSY = 12, 0.98


@compiled
def solve_rows(words: Any) -> None:
    """Chain and latency quantiles of rows; see `queueing.build_chain` and `solve_loads`, `latency` and `token_gaps`.

    `words` tell of rows start to stop and whether rates are shares of the saturation, then of the arrays below: the
    steps of rows (rows, OF_STEPS), how requests arrive (ARRIVALS, rows), of which GAP_SCV is SCV where arrivals cluster
    as it says, one where they do not; `of_cap` (rows,) says which line of the node tables (caps, nodes) is a row's.
    `rates` (rows, loads) are requests/s, or those shares. Filled are `found` (METRICS, quantiles, rows, loads) for
    metrics `wanted`, `within` (rows,), the largest rate at which the last quantile of each is within its limit
    (`limits`, by metric), `utilisation` (rows, loads), `saturation` (rows,), and `states` (STATES, rows, loads) unless
    it is empty. Beyond the first load over a limit latencies are infinite, unless they are asked for there.
    """
    start, stop, relative, beyond = words[0], words[1], words[2] != 0, words[3] != 0
    arrivals, rates, found = floats_2(words, 1), floats_2(words, 2), floats_4(words, 3)
    states, utilisation, saturation, within = (
        floats_3(words, 4),
        floats_2(words, 5),
        floats_1(words, 6),
        floats_1(words, 7),
    )
    shared, limits, lengths = floats_1(words, 8), floats_1(words, 9), floats_1(words, 10)
    of_level, wanted, steps = floats_2(words, 11), whole_1(words, 12), floats_2(words, 13)
    scv, gap_scv = arrivals[SCV], arrivals[GAP_SCV]
    of_cap, node_count, node, node_span = (
        whole_1(words, 14),
        whole_1(words, 15),
        floats_2(words, 16),
        floats_2(words, 17),
    )
    node_end, node_factorial = floats_1(words, 18), floats_2(words, 19)
    node_left, node_share = whole_2(words, 20), floats_2(words, 21)
    quantile, normal = of_level[QUANTILE], of_level[NORMAL]
    prompt_factor, output_factor = of_level[PROMPT_FACTOR], of_level[OUTPUT_FACTOR]
    most, loads, levels = node.shape[1], rates.shape[1], quantile.size
    prompt_scv, m, output_scv = shared[PROMPT_SCV], shared[OUTPUT], shared[OUTPUT_SCV]
    overhead, load_gain = shared[OVERHEAD], shared[LOAD_GAIN]
    ladder, at = table(7, GRID), table(6, most)
    lows, highs, mass, inverse = table(3, most), table(3, most), table(3, most + 1), table(3, most)
    marks, place = buffer(3 * most), whole_table(3, 3 * most)
    log_step = buffer(most)
    step = buffer(most)
    weight = buffer(most)
    p = buffer(most)
    tokens = buffer(most)
    edge = buffer(most)
    own_at = buffer(most)
    service_at = buffer(most)
    per_token = buffer(most)
    chunks_at = buffer(most)
    merge_at = buffer(most)
    mixed_gap = buffer(most)
    full_gap = buffer(most)
    beside_at = buffer(most)
    together_at = buffer(most)
    first = buffer(levels)
    per = buffer(levels)
    steady = buffer(levels)
    odds = buffer(levels)
    batch = buffer(levels)
    log_tails = buffer(levels)
    for level in range(levels):
        odds[level] = np.log(quantile[level] / (1.0 - quantile[level]))
        log_tails[level] = np.log1p(-quantile[level])
    log_m = np.log(m)
    for row in range(start, stop):
        cap = of_cap[row]
        count = node_count[cap]
        padded = min((count + PADDING - 1) // PADDING * PADDING, most)
        n, last = node[cap], node_count[cap] - 1
        of = steps[row]
        lane, ranks, tokens_a_step = of[LANES], of[RANKS], of[TOKENS_A_STEP]
        for j in range(GRID):
            ladder[0, j] = of[DECODE + j]
            together = of[BESIDE + j] if j + 1 < GRID else of[BESIDE_FULL]
            ladder[1, j] = of[CHUNKS + j] * max(of[MIXED + j] - of[DECODE + j], 1e-9) / together
            ladder[1, j] += shared[HOST_REQUEST]
            ladder[2, j] = of[MIXED + j]
            ladder[3, j] = of[CHUNKS + j]
            ladder[4, j] = of[FULL + j]
            ladder[5, j] = of[FULL_STEPS + j]
            ladder[6, j] = of[BESIDE + j]
        for which in range(6):
            for j in range(GRID):
                ladder[which, j] = log(ladder[which, j])
            for i in range(padded):
                left = node_left[cap, i]
                low = ladder[which, left]
                p[i] = low + node_share[cap, i] * (ladder[which, left + 1] - low)
            for i in range(padded):
                at[which, i] = exp(p[i])
        for i in range(padded):
            beside_at[i] = lane
        if ranks > 1.0:
            for j in range(GRID):
                ladder[6, j] = log(ladder[6, j])
            for i in range(padded):
                left = node_left[cap, i]
                low = ladder[6, left]
                p[i] = low + node_share[cap, i] * (ladder[6, left + 1] - low)
            for i in range(padded):
                beside_at[i] = exp(p[i])
        growth = min(max(1.0 - of[DECODE] / of[MIXED], 0.0), 1.0)
        whole = 0.0
        for i in range(lengths.size):
            whole += np.floor(lengths[i] / of[BUDGET])
        whole /= lengths.size
        alone = whole / (whole + 1.0)
        for i in range(padded):
            step[i] = at[0, i] / tokens_a_step + n[i] / m * at[1, i]
            own_at[i] = at[3, i] * at[2, i] + shared[HOST_REQUEST]
            service_at[i] = at[5, i] * at[4, i] / lane + shared[HOST_REQUEST]
            together = beside_at[i] * ranks / lane
            together_at[i] = together
            chunks_at[i] = n[i] / m * at[3, i] * tokens_a_step / together
            merge_at[i] = at[5, i] / (at[3, i] * lane) * together
            mixed_gap[i] = at[2, i] + shared[HOST_REQUEST] * beside_at[i] / at[3, i]
            full_gap[i] = at[4, i] + shared[HOST_REQUEST] * lane / at[5, i]
        longest, fed = full_gap[last], np.inf
        before = 0.0
        for i in range(1, count):
            after = chunks_at[i] * merge_at[i]
            if after >= 1.0:
                share = min(max((1.0 - before) / max(after - before, 1e-300), 0.0), 1.0)
                longest = full_gap[i - 1] + share * (full_gap[i] - full_gap[i - 1])
                fed = n[i - 1] + share * (n[i] - n[i - 1])
                break
            before = after
        for i in range(padded):
            filled, a_step = chunks_at[i] * merge_at[i], tokens_a_step
            if n[i] > fed:
                step[i] = n[i] / fed * longest / a_step
            else:
                step[i] = min(max(step[i], filled * full_gap[i] / a_step), min(full_gap[i], longest) / a_step)
            per_token[i] = n[i] / step[i]
        if ranks > 1.0:
            longest = min(longest, mixed_gap[last])
        longest /= tokens_a_step
        for i in range(padded):
            log_step[i] = log(step[i])
        weight[0] = 0.0
        summed = 0.0
        for i in range(1, count):
            gap = n[i] - n[i - 1]
            middle = gap * 0.5 * (log_step[i] + log_step[i - 1]) + 0.5 * (log_step[i] - log_step[i - 1])
            summed += log_step[i] if n[i - 1] == 0.0 and gap == 1.0 else middle
            weight[i] = summed + n[i] * log_m - node_factorial[cap, i]
        # nodes that only fill the last vector weigh nothing
        for i in range(count, padded):
            weight[i] = -1e30
        unloaded = step[1]
        carried = n[last] / (m * step[last])
        saturation[row] = carried
        for i in range(count - 1):
            edge[i] = 0.5 * (step[i] + step[i + 1])
        edge[last] = step[last]
        if wanted[ITL]:
            monotone = True
            total_marks = 3 * count
            for kind in range(3):
                lasts = at[0] if kind == 0 else mixed_gap if kind == 1 else full_gap
                for i in range(count):
                    low = lasts[i] if i == 0 else 0.5 * (lasts[i - 1] + lasts[i])
                    high = lasts[i] if i == last else 0.5 * (lasts[i] + lasts[i + 1])
                    lows[kind, i], highs[kind, i] = low, high
                    inverse[kind, i] = 1.0 / max(high - low, 1e-15)
                    marks[kind * count + i] = high
                    # what falls by rounding alone does not fall, as in latency._falling
                    monotone = monotone and low * (1.0 - 1e-12) <= high
            sort(marks, total_marks)
            for kind in range(3):
                passed = 0
                for k in range(total_marks):
                    while passed < count and highs[kind, passed] <= marks[k]:
                        passed += 1
                    place[kind, k] = passed
        broken = False
        for load in range(loads):
            rate = rates[row, load] * carried if relative else rates[row, load]
            busyness = rate / carried
            utilisation[row, load] = busyness
            if (broken and not beyond) or not busyness < 1.0 - 1e-9:
                for metric in range(METRICS):
                    if wanted[metric]:
                        for level in range(levels):
                            found[metric, level, row, load] = np.inf
                if states.size:
                    states[WAITS, row, load] = 1.0
                    states[MEAN_BATCH, row, load] = states[P99_BATCH, row, load] = n[last]
                    states[PROMPT_AT, row, load], states[STEP_AT, row, load] = at[1, last], at[0, last]
                continue
            log_rate = np.log(rate)
            top = -np.inf
            for i in range(padded):
                p[i] = log_rate * n[i] + weight[i]
                top = p[i] if p[i] > top else top
            for i in range(padded):
                p[i] = exp(p[i] - top)
            at_cap = p[last]
            for i in range(padded):
                p[i] *= node_span[cap, i]
            p[last - 1] += at_cap * node_end[cap] * -np.log(busyness)
            p[last] += at_cap * busyness / (1.0 - busyness)
            total = mean_batch = token = 0.0
            own = service = plain = crowd = marginal = 0.0
            for i in range(padded):
                total += p[i]
                mean_batch += p[i] * n[i]
                token += p[i] * per_token[i]
                own += p[i] * own_at[i]
                service += p[i] * service_at[i]
                plain += p[i] * at[0, i]
                crowd += p[i] * at[4, i]
                marginal += p[i] * at[1, i]
            wait = min(at_cap / (1.0 - busyness) / total, 1.0)
            mean_batch /= total
            own /= total
            service /= total
            plain /= total
            crowd /= total
            marginal /= total
            token_scale = 1.0 / max(token, 1e-300 * total)
            decay = (carried - rate) * 2.0 / (1.0 + scv[row])
            peaked = 0.5 * (1.0 + gap_scv[row])
            if gap_scv[row] != 1.0:
                wait = wait ** (1.0 / peaked)
            mean_step = mean_batch / (rate * m)
            if states.size:
                states[WAITS, row, load], states[MEAN_BATCH, row, load] = wait, mean_batch
                states[P99_BATCH, row, load] = batch_at(p, n, total, count)
                held = max(mean_batch, 1.0)
                left = 0
                # the cap stands twice: between its nodes there is nothing
                while left < last - 1 and n[left + 1] < held:
                    left += 1
                beyond = min((held - n[left]) / (n[left + 1] - n[left]), 1.0)
                states[PROMPT_AT, row, load] = at[1, left] + beyond * (at[1, left + 1] - at[1, left])
                states[STEP_AT, row, load] = at[0, left] + beyond * (at[0, left + 1] - at[0, left])
            work_met = rate * service
            busy = min(work_met * exp(-log(1.0 + work_met**FULL_SHARPNESS) / FULL_SHARPNESS), MOST_BUSY)
            crowded = alone + (1.0 - alone) * busy
            if wanted[TTFT] or wanted[E2E]:
                residual_service = 0.5 * service * (1.0 + prompt_scv)
                between_prompts = (1.0 - busy) * plain
                under_way = max(0.5 * (crowded * crowd + (1.0 - crowded) * own), residual_service)
                queue_mean = busy * (under_way + busy / (1.0 - busy) * residual_service)
                waits = busy
                if gap_scv[row] != 1.0:
                    cluster = max(peaked, 1.0)
                    evener = min((gap_scv[row] + prompt_scv) / (1.0 + prompt_scv), 1.0)
                    queue_mean = queue_mean * evener + (cluster - 1.0) * service / (1.0 - busy)
                    waits = 1.0 - (1.0 - busy) / cluster
                queue_decay = waits / max(queue_mean, 1e-12)
                slot_mean = wait / decay
                gain = 1.0 + load_gain * min(busyness, 1.0)
                mean = overhead + gain * (0.5 * between_prompts + own + queue_mean) + slot_mean
                floor = overhead + gain * own * (1.0 - growth)
                log_slot, log_queue = np.log(max(wait, 1e-300)), np.log(max(waits, 1e-300))
                least = -np.inf
                for level in range(levels):
                    slot = max(log_slot - log_tails[level], 0.0) / decay - slot_mean
                    queue = gain * (max(log_queue - log_tails[level], 0.0) / queue_decay - queue_mean)
                    longer = gain * own * growth * (prompt_factor[level] - 1.0)
                    residual = gain * between_prompts * (quantile[level] - 0.5)
                    spread = np.sqrt(slot * slot + queue * queue + longer * longer + residual * residual)
                    signed = slot + queue + longer + residual
                    value = max(mean + np.copysign(min(spread, abs(signed)), signed), floor)
                    least = max(least, value)
                    first[level] = least
                    if wanted[TTFT]:
                        found[TTFT, level, row, load] = least
            if wanted[TPOT] or wanted[ITL] or wanted[E2E]:
                for i in range(padded):
                    tokens[i] = p[i] * per_token[i] * token_scale
            if wanted[TPOT] or wanted[E2E]:
                summed = 0.0
                level = 0
                before = 0.0
                for i in range(count):
                    before = summed
                    summed += tokens[i]
                    while level < levels and (summed >= quantile[level] or i == last):
                        start_edge = edge[max(i - 1, 0)]
                        batch[level] = edge[0] if i == 0 else between(before, summed, odds[level], start_edge, edge[i])
                        level += 1
                    if level == levels:
                        break
                near = AT_REST + (1.0 - AT_REST) * min(busyness, 1.0)
                met = rate * mean_step * m / (1.0 + output_scv)
                spread_out = (1.0 + prompt_scv) * (1.0 + output_scv)
                gain = 1.0
                if prompt_scv > 0.0 or output_scv > 0.0:
                    gain = mean_step / unloaded
                    if ranks > 1.0:
                        side = 0.0
                        for i in range(padded):
                            side += p[i] * together_at[i]
                        gain = 1.0 / (1.0 - max(1.0 - unloaded / mean_step, 0.0) * total / side)
                a_token = rate * mean_step / m
                uneven = np.sqrt(1.0 + (gap_scv[row] - 1.0) * (1.0 - wait))
                chance = gain * marginal * np.sqrt(a_token * spread_out) * uneven
                skew = min((1.0 + prompt_scv) * np.sqrt(1.0 + prompt_scv) / np.sqrt(max(met, 1e-9)), 3.0)
                steady_chance = marginal * np.sqrt(a_token) * uneven
                steady_skew = min(1.0 / np.sqrt(max(rate * mean_step * m, 1e-9)), 3.0)
                least = least_steady = -np.inf
                for level in range(levels):
                    z = normal[level]
                    off = batch[level] - mean_step
                    off *= AT_REST if off < 0.0 else near
                    if gap_scv[row] != 1.0:
                        off = min(off * np.sqrt(peaked), step[last] - mean_step)
                    bent = (z * z - 1.0) / 6.0 if z > 0.0 else 0.0
                    by_chance = (z + bent * skew) * chance
                    value = mean_step + np.copysign(np.sqrt(off * off + by_chance * by_chance), off + by_chance)
                    value = min(value, longest)
                    least = max(least, max(value, unloaded))
                    per[level] = least
                    by_chance = (z + bent * steady_skew) * steady_chance
                    value = mean_step + np.copysign(np.sqrt(off * off + by_chance * by_chance), off + by_chance)
                    least_steady = max(least_steady, max(value, unloaded))
                    steady[level] = least_steady
                    if wanted[TPOT]:
                        found[TPOT, level, row, load] = per[level]
            if wanted[ITL]:
                # mixture of three kinds of steps, each node's gaps spread evenly over its edges
                for kind in range(3):
                    mass[kind, 0] = 0.0
                for i in range(count):
                    alone_part = tokens[i] * chunks_at[i]
                    whole_steps = alone_part * crowded
                    alone_part -= whole_steps
                    whole_steps *= merge_at[i]
                    over = alone_part + whole_steps - tokens[i]
                    if chunks_at[i] > 1.0 and over > 0.0:
                        moved = min(over / max(1.0 - merge_at[i], 1e-9), alone_part)
                        alone_part -= moved
                        whole_steps = min(whole_steps + moved * merge_at[i], tokens[i] - alone_part)
                    mass[0, i + 1] = mass[0, i] + (tokens[i] - whole_steps - alone_part)
                    mass[1, i + 1] = mass[1, i] + alone_part
                    mass[2, i + 1] = mass[2, i] + whole_steps
                least = -np.inf
                k = 0
                for level in range(levels):
                    top_mark = total_marks - 1
                    while k < top_mark:
                        middle_mark = (k + top_mark) // 2
                        below = (
                            mixture_at(middle_mark, marks, place, lows, inverse, mass, count)
                            if monotone
                            else mixture_over(marks[middle_mark], lows, highs, mass, count)
                        )
                        if below < quantile[level]:
                            k = middle_mark + 1
                        else:
                            top_mark = middle_mark
                    value = marks[0]
                    if k > 0:
                        if monotone:
                            before = mixture_at(k - 1, marks, place, lows, inverse, mass, count)
                            below = mixture_at(k, marks, place, lows, inverse, mass, count)
                        else:
                            before = mixture_over(marks[k - 1], lows, highs, mass, count)
                            below = mixture_over(marks[k], lows, highs, mass, count)
                        value = between(before, below, odds[level], marks[k - 1], marks[k])
                    if of[STALLED] > 1.0 - quantile[level]:
                        value += shared[STALL]
                    least = max(least, value)
                    found[ITL, level, row, load] = least
            if wanted[E2E]:
                gaps = max(m - 1.0, 0.0)
                whole_answer = gaps * mean_step
                least = -np.inf
                for level in range(levels):
                    waited = first[level] - first[0]
                    longer = whole_answer * (output_factor[level] - 1.0)
                    slower = gaps * (steady[level] - mean_step)
                    spread = np.sqrt(waited * waited + longer * longer + slower * slower)
                    value = first[0] + whole_answer + min(max(waited + longer + slower, -spread), spread)
                    least = max(least, max(value, first[level]))
                    found[E2E, level, row, load] = least
            for metric in range(METRICS):
                if wanted[metric]:
                    broken = broken or found[metric, levels - 1, row, load] > limits[metric]
        within[row] = within_limits(found, limits, wanted, rates, row, carried if relative else 1.0)
    free(ladder)
    free(at)
    free(lows)
    free(highs)
    free(mass)
    free(inverse)
    free(marks)
    free(place)
    free(log_step)
    free(step)
    free(weight)
    free(p)
    free(tokens)
    free(edge)
    free(own_at)
    free(service_at)
    free(per_token)
    free(chunks_at)
    free(merge_at)
    free(mixed_gap)
    free(full_gap)
    free(beside_at)
    free(together_at)
    free(first)
    free(per)
    free(steady)
    free(odds)
    free(batch)
    free(log_tails)

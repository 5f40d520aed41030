"""Step times of many rows on a ladder of batch sizes: `steptime.step_time` and `study.step_grid` in loops."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.engine.loops.compiler import (
    Floats,
    buffer,
    compiled,
    floats_1,
    floats_2,
    free,
    inlined,
    table,
    whole_2,
)  # fmt: skip
from explorer.engine.loops.fast_math import exp, log
from explorer.engine.loops.layout import (
    ASKED_BUDGET,
    ASKED_CAP,
    ASKED_DRAFTING,
    ASKED_TOKENS,
    BESIDE,
    BESIDE_FULL,
    BUDGET,
    CAP,
    CHUNKS,
    DECODE,
    DP,
    ELEMENTWISE_FACTOR,
    ELEMENTWISE_MEMORY,
    ELEMENTWISE_OPS,
    ELEMENTWISE_T0_S,
    EXPERTS,
    FULL,
    FULL_STEPS,
    GRID,
    HIDDEN,
    HOST_STEP_S,
    KIND,
    LANES,
    LINK_BANDWIDTH,
    MEMORY_BANDWIDTH,
    MIXED,
    MOST_PRODUCTS,
    POINT_TO_POINT_S,
    PP,
    RANKS,
    ROOT,
    ROUTED,
    SCALEUP_DOMAIN,
    STEP_FACTOR,
    TOKENS_A_STEP,
    TP,
    VOCABULARY,
)
from explorer.engine.loops.parts import (
    exchange_a_token,
    exchange_constant,
    part_of,
    product_in_16_bit,
    routed_experts,
)

# as in `data_ranks`
ROUNDS, STEPS_AN_OCTAVE = 6, 4


@inlined
def _add_rooflines(
    spent: Floats,
    tokens: Floats,
    touched: Floats,
    term: Floats,
    larger: Floats,
    work: Floats,
) -> None:
    """Add count*(t0 + smooth_roofline(a*tokens, b*touched + c*tokens, p)); `term` is a, b, c, p, t0, count.

    In short loops, one function each: a long chain of dependent steps would leave the processor waiting.
    """
    a, b, c, p, t0, count = term[0], term[1], term[2], term[3], term[4], term[5]
    root = 1.0 / p
    for i in range(work.size):
        compute, memory = tokens[i] * a, touched[i] * b + tokens[i] * c
        larger[i] = compute if compute > memory else memory
        work[i] = (memory if compute > memory else compute) / (larger[i] + 1e-300) + 1e-300
    for i in range(work.size):
        work[i] = p * log(work[i])
    for i in range(work.size):
        work[i] = 1.0 + exp(work[i])
    for i in range(work.size):
        work[i] = root * log(work[i])
    for i in range(work.size):
        spent[i] += count * (t0 + larger[i] * exp(work[i]))


@inlined
def _imbalance(share: float, mean: float, longer: float) -> float:
    step = 1.0 + share * (longer - 1.0)
    found: float = share * np.exp(-mean * longer / step) + (1.0 - share) * np.expm1(-mean / step)
    return found


@inlined
def _by_arrival(chunks_a_step: float, longer: float) -> float:
    """As `data_ranks.by_arrival`, without its bound."""
    mean = max(chunks_a_step, 1e-9)
    low, high = 1e-12, -np.expm1(-mean)
    at_low, at_high = _imbalance(low, mean, longer), _imbalance(high, mean, longer)
    share = high
    for _ in range(ROUNDS):
        share = min(max((low * at_high - high * at_low) / (at_high - at_low), low), high)
        found = _imbalance(share, mean, longer)
        if found < 0.0:
            low, at_low, at_high = share, found, 0.5 * at_high
        else:
            high, at_high, at_low = share, found, 0.5 * at_low
    return float(mean / share)


@compiled
def time_steps(words: Any) -> None:
    """Time the steps of rows; see `study.step_grid.step_grid`.

    `words` tell of rows start to stop, then of the arrays below: (rows, OF_CHIP), all-reduces (rows, algorithms) twice,
    (OF_MODEL,), (parts, OF_PART), mixer and feed-forward of groups of layers (groups, 2), of which -1 is none, and how
    many layers (groups,). `common` is (OF_STEP,), `fixed` are tokens of a prompt and of an answer, and whether
    sequences are split over ranks; `longest` is of so many prompts over the mean one (`data_ranks.longest_prompts`),
    `asked` is (ASKED, rows). Filled is `steps` (rows, OF_STEPS), the chance of stalls excepted.
    """
    start, stop = words[0], words[1]
    chips, alpha, slope = floats_2(words, 1), floats_2(words, 2), floats_2(words, 3)
    model, parts, groups, counts = floats_1(words, 4), floats_2(words, 5), whole_2(words, 6), floats_1(words, 7)
    common, fixed, longest = floats_1(words, 8), floats_1(words, 9), floats_1(words, 10)
    asked, steps = floats_2(words, 11), floats_2(words, 12)
    prompt, output, sharded, hidden = fixed[0], fixed[1], fixed[2] > 0.5, model[HIDDEN]
    width = 3 * GRID
    kept = parts.shape[0]
    decode = buffer(width)
    prefill = buffer(width)
    tokens = buffer(width)
    batch = buffer(width)
    logits = buffer(width)
    reduced = buffer(width)
    layer = buffer(width)
    total = buffer(width)
    inner = buffer(width)
    larger = buffer(width)
    ones = buffer(width)
    touched = buffer(width)
    spent = table(max(kept, 1), width)
    terms, line = table(MOST_PRODUCTS, 6), buffer(4)
    ones[:] = 1.0
    for row in range(start, stop):
        chip = chips[row]
        pp, dp = chip[PP], chip[DP]
        within = chip[TP] * dp <= chip[SCALEUP_DOMAIN]
        lanes = dp * pp
        of = steps[row]
        of[CAP], of[LANES], of[RANKS], of[TOKENS_A_STEP] = asked[ASKED_CAP, row], lanes, dp, asked[ASKED_TOKENS, row]
        per_token, drafting = of[TOKENS_A_STEP] / output, asked[ASKED_DRAFTING, row]
        step = np.log(max(of[CAP], 1.0)) / (GRID - 1)
        for j in range(GRID):
            n = np.exp(step * j)
            budget = max(asked[ASKED_BUDGET, row] - n / dp, 16.0)
            of[CHUNKS + j], of[FULL_STEPS + j] = prompt / min(prompt, budget), prompt / budget
            if j == 0:
                of[BUDGET] = budget
            own = max(n / lanes, min(n, 1.0))
            whole_batch = max(n / pp, min(n, 1.0))
            together = dp
            if dp > 1.0:
                mean = max(n * per_token * of[CHUNKS + j], 1e-9)
                together = min(mean / -np.expm1(-mean), dp)
            of[BESIDE + j] = pp * together
            longer = 1.0
            if dp > 1.0:
                at_place = min(STEPS_AN_OCTAVE * np.log2(max(together, 1.0)), longest.size - 1.0)
                left = min(int(at_place), longest.size - 2)
                longer = longest[left] + (at_place - left) * (longest[left + 1] - longest[left])
                longer = min(longer, budget / min(prompt, budget))
            for kind in range(3):
                i = kind * GRID + j
                chunk = 0.0 if kind == 0 else min(prompt, budget) if kind == 1 else budget
                decode[i] = own
                prefill[i] = chunk * longer if kind == 1 else chunk
                tokens[i] = own + prefill[i]
                ranks = together if kind == 1 else dp
                batch[i] = whole_batch + chunk * ranks
                logits[i] = max(own + chunk / prompt * (ranks / dp), 1.0 / lanes)
        for i in range(width):
            size = tokens[i] * (hidden * 2.0)
            best = alpha[row, 0] + slope[row, 0] * size
            for k in range(1, alpha.shape[1]):
                other = alpha[row, k] + slope[row, k] * size
                best = other if other < best else best
            reduced[i] = best + chip[ROOT] * np.sqrt(size)
        for part in range(kept):
            routed = parts[part, KIND] == ROUTED
            products = part_of(parts[part], chip, model, common, sharded, terms, line)
            constant, a_sequence, a_token, with_prompt = line[0], line[1], line[2], line[3]
            # experts under attention data parallelism exchange tokens instead
            reduce = 0.0 if routed and dp > 1.0 else 1.0
            for i in range(width):
                spent[part, i] = constant + a_sequence * decode[i] + a_token * prefill[i] + reduce * reduced[i]
            for i in range(GRID, width):
                spent[part, i] += with_prompt
            for at in range(products):
                _add_rooflines(spent[part], tokens, ones, terms[at], larger, inner)
            if routed:
                left_alone = routed_experts(terms[0], chip, model, common)
                for i in range(width):
                    touched[i] = model[EXPERTS] * (1.0 - exp(batch[i] * left_alone))
                _add_rooflines(spent[part], batch, touched, terms[0], larger, inner)
        # a token is handed over from stage to stage
        a_token = (pp - 1.0) * hidden * 2.0 / chip[LINK_BANDWIDTH]
        for i in range(width):
            total[i] = (pp - 1.0) * common[POINT_TO_POINT_S] + a_token * tokens[i]
        constant = common[ELEMENTWISE_OPS] * common[ELEMENTWISE_T0_S] * chip[ELEMENTWISE_FACTOR]
        rate = chip[MEMORY_BANDWIDTH] * common[ELEMENTWISE_MEMORY]
        a_token = common[ELEMENTWISE_OPS] * chip[ELEMENTWISE_FACTOR] * (hidden * 4.0 / rate)
        exchanged = exchange_a_token(chip, model, common, within)
        for group in range(groups.shape[0]):
            mixer, feed = groups[group, 0], groups[group, 1]
            for i in range(width):
                layer[i] = constant + a_token * tokens[i]
            if mixer >= 0:
                for i in range(width):
                    layer[i] += spent[mixer, i]
            if feed >= 0:
                for i in range(width):
                    layer[i] += spent[feed, i]
                if parts[feed, KIND] == ROUTED and dp > 1.0:
                    for i in range(width):
                        exchange = exchange_constant(common) + exchanged * tokens[i]
                        beside = exchange if exchange > layer[i] else layer[i]
                        layer[i] = layer[i] + exchange if within else beside
            for i in range(width):
                total[i] += counts[group] * layer[i]
        product_in_16_bit(terms[0], chip, model[VOCABULARY] / chip[TP], hidden, 1.0)
        _add_rooflines(total, logits, ones, terms[0], larger, inner)
        factor, host = chip[STEP_FACTOR], common[HOST_STEP_S]
        of[BESIDE_FULL] = of[BESIDE + GRID - 1]
        for j in range(GRID):
            alone, mixed, full = total[j] * factor + host, total[GRID + j] * factor + host, total[2 * GRID + j] * factor
            # drafting and checking are in every step
            extra = alone * drafting
            of[DECODE + j], of[MIXED + j], of[FULL + j] = alone + extra, mixed + extra, full + host + extra
            if dp > 1.0:
                longer = of[MIXED + j] / of[DECODE + j]
                together = _by_arrival(np.exp(step * j) * per_token * of[CHUNKS + j], longer)
                of[BESIDE + j] = max(of[BESIDE + j], pp * min(together, dp))
    free(decode)
    free(prefill)
    free(tokens)
    free(batch)
    free(logits)
    free(reduced)
    free(layer)
    free(total)
    free(inner)
    free(larger)
    free(ones)
    free(touched)
    free(spent)
    free(terms)
    free(line)

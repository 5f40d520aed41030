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
    floats_3,
    free,
    inlined,
    table,
    whole_2,
)  # fmt: skip
from explorer.engine.loops.fast_math import exp, log
from explorer.engine.loops.layout import (
    DP,
    ELEMENTWISE_FACTOR,
    ELEMENTWISE_MEMORY,
    ELEMENTWISE_OPS,
    ELEMENTWISE_T0_S,
    EXPERTS,
    HIDDEN,
    HOST_STEP_S,
    KIND,
    LINK_BANDWIDTH,
    MEMORY_BANDWIDTH,
    MOST_PRODUCTS,
    POINT_TO_POINT_S,
    PP,
    ROOT,
    ROUTED,
    SCALEUP_DOMAIN,
    STEP_FACTOR,
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
    """Fill the step grid (rows, points) of rows; see `study.step_grid.step_grid`.

    `words` tell of rows start to stop, then of the arrays below: (rows, OF_CHIP), all-reduces (rows, algorithms) twice,
    (OF_MODEL,), (OF_STEP,), (parts, OF_PART), mixer and feed-forward of groups of layers (groups, 2), of which -1 is
    none, and how many layers (groups,). `fixed` are tokens of a prompt, and whether sequences are split over ranks.
    `caps`, `budgets`, `per_token` (requests that a step of one sequence finishes) and `drafting` (share of a step that
    speculation adds) are (rows,); `longest` is of so many prompts over the mean one (`data_ranks.longest_prompts`).
    Filled are `budget_at`, `beside_at`, `beside_full` (rows,), and steps of decodes alone, with a prompt chunk, and
    full.
    """
    start, stop = words[0], words[1]
    chips, alpha, slope = floats_2(words, 1), floats_2(words, 2), floats_2(words, 3)
    model, common, parts = floats_1(words, 4), floats_1(words, 5), floats_2(words, 6)
    groups, counts, fixed = whole_2(words, 7), floats_1(words, 8), floats_1(words, 9)
    caps, budgets, longest = floats_1(words, 10), floats_1(words, 11), floats_1(words, 12)
    per_token, drafting = floats_1(words, 13), floats_1(words, 14)
    filled, beside_full = floats_3(words, 15), floats_1(words, 16)
    budget_at, beside_at, decode_at, mixed_at, full_at = filled[0], filled[1], filled[2], filled[3], filled[4]
    points = decode_at.shape[1]
    prompt, sharded, hidden = fixed[0], fixed[1] > 0.5, model[HIDDEN]
    width = 3 * points
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
        step = np.log(max(caps[row], 1.0)) / (points - 1)
        for j in range(points):
            n = np.exp(step * j)
            budget = max(budgets[row] - n / dp, 16.0)
            budget_at[row, j] = budget
            own = max(n / lanes, min(n, 1.0))
            whole_batch = max(n / pp, min(n, 1.0))
            together = dp
            if dp > 1.0:
                mean = max(n * per_token[row] * prompt / min(prompt, budget), 1e-9)
                together = min(mean / -np.expm1(-mean), dp)
            beside_at[row, j] = pp * together
            longer = 1.0
            if dp > 1.0:
                at_place = min(STEPS_AN_OCTAVE * np.log2(max(together, 1.0)), longest.size - 1.0)
                left = min(int(at_place), longest.size - 2)
                longer = longest[left] + (at_place - left) * (longest[left + 1] - longest[left])
                longer = min(longer, budget / min(prompt, budget))
            for kind in range(3):
                i = kind * points + j
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
            for i in range(points, width):
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
        for j in range(points):
            decode_at[row, j] = total[j] * factor + host
            mixed_at[row, j] = total[points + j] * factor + host
            full_at[row, j] = total[2 * points + j] * factor + host
        beside_full[row] = beside_at[row, points - 1]
        if dp > 1.0:
            for j in range(points):
                chunks = prompt / min(prompt, budget_at[row, j])
                longer = (mixed_at[row, j] / decode_at[row, j] + drafting[row]) / (1.0 + drafting[row])
                together = _by_arrival(np.exp(step * j) * per_token[row] * chunks, longer)
                beside_at[row, j] = max(beside_at[row, j], pp * min(together, dp))
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

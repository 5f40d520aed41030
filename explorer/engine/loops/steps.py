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
    """Fill the step grid (rows, points) of rows from `StepCoefficients`; see `study.step_grid.step_grid`.

    `words` tell of rows start to stop, then of the arrays below. `caps`, `budgets`, `per_token` (requests that a step
    of one sequence finishes) and `drafting` (share of a step that speculation adds) are (rows,); `longest` is of so
    many prompts over the mean one (`data_ranks.longest_prompts`). Filled are `budget_at`, `beside_at`, `beside_full`
    (rows,), and steps of decodes alone, with a prompt chunk, and full.
    """
    start, stop = words[0], words[1]
    whole, products, lines, experts = floats_2(words, 1), floats_3(words, 2), floats_3(words, 3), floats_2(words, 4)
    reduces, alpha, slope, root = floats_2(words, 5), floats_2(words, 6), floats_2(words, 7), floats_1(words, 8)
    parts, groups, counts, fixed = whole_2(words, 9), whole_2(words, 10), floats_1(words, 11), floats_1(words, 12)
    caps, budgets, longest = floats_1(words, 13), floats_1(words, 14), floats_1(words, 15)
    per_token, drafting = floats_1(words, 16), floats_1(words, 17)
    filled, beside_full = floats_3(words, 18), floats_1(words, 19)
    budget_at, beside_at, decode_at, mixed_at, full_at = filled[0], filled[1], filled[2], filled[3], filled[4]
    points = decode_at.shape[1]
    prompt, experts_held = fixed[0], fixed[1]
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
    ones[:] = 1.0
    for row in range(start, stop):
        within, pp, dp = whole[row, 0] > 0.5, whole[row, 1], whole[row, 2]
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
        a_byte = whole[row, 11]
        for i in range(width):
            size = tokens[i] * a_byte
            best = alpha[row, 0] + slope[row, 0] * size
            for k in range(1, alpha.shape[1]):
                other = alpha[row, k] + slope[row, k] * size
                best = other if other < best else best
            reduced[i] = best + root[row] * np.sqrt(size)
        for part in range(kept):
            constant, a_sequence, a_token, with_prompt = lines[row, part]
            reduce = reduces[row, part]
            for i in range(width):
                spent[part, i] = constant + a_sequence * decode[i] + a_token * prefill[i] + reduce * reduced[i]
            for i in range(points, width):
                spent[part, i] += with_prompt
            for at in range(parts[part, 0], parts[part, 1]):
                _add_rooflines(spent[part], tokens, ones, products[row, at], larger, inner)
            if parts[part, 2]:
                for i in range(width):
                    touched[i] = experts_held * (1.0 - exp(batch[i] * experts[row, 6]))
                _add_rooflines(spent[part], batch, touched, experts[row], larger, inner)
        for i in range(width):
            total[i] = whole[row, 7] + whole[row, 8] * tokens[i]
        for group in range(groups.shape[0]):
            mixer, feed = groups[group, 0], groups[group, 1]
            for i in range(width):
                layer[i] = whole[row, 5] + whole[row, 6] * tokens[i]
            if mixer >= 0:
                for i in range(width):
                    layer[i] += spent[mixer, i]
            if feed >= 0:
                for i in range(width):
                    layer[i] += spent[feed, i]
                if parts[feed, 2] and whole[row, 9] > 0.0:
                    for i in range(width):
                        exchange = whole[row, 9] + whole[row, 10] * tokens[i]
                        beside = exchange if exchange > layer[i] else layer[i]
                        layer[i] = layer[i] + exchange if within else beside
            for i in range(width):
                total[i] += counts[group] * layer[i]
        _add_rooflines(total, logits, ones, products[row, products.shape[1] - 1], larger, inner)
        factor, host = whole[row, 3], whole[row, 4]
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

"""The closed form compiled: step times, chain and latency quantiles of many rows, row by row in the nearest cache.

What is computed, and from which source, is said in `steptime`, `queueing`, `latency` and `study.replica`; this is the
same in loops, equal within rounding (a test holds them together). All compiled code of the closed form stands in this
one file, because numba's cache notices changes of the calling file only. Nothing that the window imports may import it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., Any])

TTFT, TPOT, ITL, E2E, METRICS = range(5)

# What all rows share, besides the quantiles.
(
    PROMPT_SCV, OUTPUT, OUTPUT_SCV, HOST_REQUEST, OVERHEAD, LOAD_GAIN, STALL, SHARED,
) = range(8)  # fmt: skip

PADDING = 8
AT_REST = float(np.sqrt(2.0 / np.e))
# as in `latency` and `data_ranks`, here because the cache notices changes of this file only
FULL_SHARPNESS, MOST_BUSY, ROUNDS, STEPS_AN_OCTAVE = 12, 0.98, 6, 4


def _inlined(function: Function) -> Function:
    """Copied into its callers, where loops over it become vector instructions; order of operations kept."""
    return cast(Function, njit(nogil=True, forceinline=True, error_model="numpy", fastmath={"contract"})(function))


def _compiled(function: Function) -> Function:
    """Machine code kept on disk, without the interpreter's lock; sums may be taken in another order."""
    flags = {"contract", "reassoc", "nsz", "arcp"}
    return cast(Function, njit(cache=True, nogil=True, error_model="numpy", fastmath=flags)(function))


def _bits_builder(_context: Any, _value: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.uint64))

    return types.uint64(types.float64), generate


def _float_builder(_context: Any, _value: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.uint64), generate


_bits: Callable[[float], Any] = cast(Any, intrinsic)(_bits_builder)
_float: Callable[[Any], float] = cast(Any, intrinsic)(_float_builder)


LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
ROUNDING = 6755399441055744.0
"""1.5 * 2^52: added to a float below 2^51, it leaves the nearest whole number in the last bits."""
_SHIFT = np.uint64(52)
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_ROOT_HALF = np.uint64(0x3FE6A09E667F3BCD)
_TO_ROOT_HALF = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
_TWO_52 = np.uint64(0x4330000000000000)


@_inlined
def _exp(x: float) -> float:
    """e^x within 1 ulp from -708 to 709, held there: Taylor's series about the nearest multiple of ln 2."""
    x = x if x > -708.0 else -708.0
    x = x if x < 709.0 else 709.0
    t = x * 1.4426950408889634 + ROUNDING
    n = t - ROUNDING
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    result: float = _float(_bits(p) + (_bits(t) << _SHIFT))
    return result


@_inlined
def _log(x: float) -> float:
    """ln x within 1 ulp for normal x > 0: the series of fdlibm (Sun Microsystems 1993), mantissa about 1."""
    k = _bits(x) + _TO_ROOT_HALF
    e = _float((k >> _SHIFT) | _TWO_52) - 4503599627371519.0
    f = _float((k & _MANTISSA) + _ROOT_HALF) - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = 1.479819860511658591e-01
    r = r * z + 1.531383769920937332e-01
    r = r * z + 1.818357216161805012e-01
    r = r * z + 2.222219843214978396e-01
    r = r * z + 2.857142874366239149e-01
    r = r * z + 3.999999999940941908e-01
    r = r * z + 6.666666666666735130e-01
    r = r * z
    half = 0.5 * f * f
    return e * LN2_HIGH - ((half - (s * (half + r) + e * LN2_LOW)) - f)


@_inlined
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
        work[i] = p * _log(work[i])
    for i in range(work.size):
        work[i] = 1.0 + _exp(work[i])
    for i in range(work.size):
        work[i] = root * _log(work[i])
    for i in range(work.size):
        spent[i] += count * (t0 + larger[i] * _exp(work[i]))


@_inlined
def _imbalance(share: float, mean: float, longer: float) -> float:
    step = 1.0 + share * (longer - 1.0)
    found: float = share * np.exp(-mean * longer / step) + (1.0 - share) * np.expm1(-mean / step)
    return found


@_inlined
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


@_compiled
def time_steps(
    start: int,
    stop: int,
    whole: Floats,
    products: Floats,
    lines: Floats,
    experts: Floats,
    reduces: Floats,
    alpha: Floats,
    slope: Floats,
    root: Floats,
    parts: Ints,
    groups: Ints,
    counts: Floats,
    experts_held: float,
    caps: Floats,
    budgets: Floats,
    prompt: float,
    longest: Floats,
    per_token: Floats,
    drafting: Floats,
    budget_at: Floats,
    beside_at: Floats,
    beside_full: Floats,
    decode_at: Floats,
    mixed_at: Floats,
    full_at: Floats,
) -> None:
    """Fill the step grid (rows, points) of rows start to stop from `StepCoefficients`; see `study.replica.step_grid`.

    `caps`, `budgets`, `per_token` (requests that a step of one sequence finishes) and `drafting` (share of a step that
    speculation adds) are (rows,); `longest` is of so many prompts over the mean one (`data_ranks.longest_prompts`).
    Filled are `budget_at`, `beside_at`, `beside_full` (rows,), and steps of decodes
    alone, with a prompt chunk, and full.
    """
    points = decode_at.shape[1]
    width = 3 * points
    kept = parts.shape[0]
    buffers = np.empty((12, width))
    decode, prefill, tokens, batch, logits = buffers[0], buffers[1], buffers[2], buffers[3], buffers[4]
    reduced, layer, total, work = buffers[5], buffers[6], buffers[7], buffers[8]
    larger, ones, touched = buffers[9], buffers[10], buffers[11]
    ones[:] = 1.0
    spent = np.empty((max(kept, 1), width))
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
                _add_rooflines(spent[part], tokens, ones, products[row, at], larger, work)
            if parts[part, 2]:
                for i in range(width):
                    touched[i] = experts_held * (1.0 - _exp(batch[i] * experts[row, 6]))
                _add_rooflines(spent[part], batch, touched, experts[row], larger, work)
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
        _add_rooflines(total, logits, ones, products[row, products.shape[1] - 1], larger, work)
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


@_inlined
def _odds(p: float) -> float:
    held = min(max(p, 1e-12), 1.0 - 1e-12)
    return _log(held / (1.0 - held))


@_inlined
def _between(low: float, high: float, odds: float, start: float, end: float) -> float:
    """Value at log odds `odds` between `start` (cumulative `low`) and `end` (`high`)."""
    below, above = _odds(low), _odds(high)
    share = (odds - below) / (above - below) if above > below else 1.0
    return start + min(max(share, 0.0), 1.0) * (end - start)


@_inlined
def _mixture_at(k: int, marks: Floats, place: Ints, kinds: Floats, inverse: Floats, mass: Floats, count: int) -> float:
    """Share of gaps below mark k, of three kinds whose edges follow each other without overlap."""
    below = 0.0
    for kind in range(3):
        passed = place[kind, k]
        below += mass[kind, passed]
        if passed < count:
            inside = max((marks[k] - kinds[kind, 0, passed]) * inverse[kind, passed], 0.0)
            below += inside * (mass[kind, passed + 1] - mass[kind, passed])
    return below


@_inlined
def _mixture_over(mark: float, kinds: Floats, mass: Floats, count: int) -> float:
    """Share of gaps below a mark, of three kinds whose edges may overlap."""
    below = 0.0
    for kind in range(3):
        for i in range(count):
            low, high = kinds[kind, 0, i], kinds[kind, 1, i]
            inside = max((mark - low) / max(high - low, 1e-15), 0.0)
            below += (1.0 if mark >= high else inside) * (mass[kind, i + 1] - mass[kind, i])
    return below


@_compiled
def solve_rows(
    start: int,
    stop: int,
    decode: Floats,
    mixed: Floats,
    full: Floats,
    chunks: Floats,
    full_steps: Floats,
    beside: Floats,
    first_budget: Floats,
    lanes: Floats,
    ranks: Floats,
    beside_full: Floats,
    stall_probability: Floats,
    tokens_a_step: Floats,
    of_cap: Ints,
    node_count: Ints,
    node: Floats,
    node_span: Floats,
    node_end: Floats,
    node_factorial: Floats,
    node_left: Ints,
    node_share: Floats,
    shared: Floats,
    lengths: Floats,
    rates: Floats,
    relative: bool,
    scv: Floats,
    gap_scv: Floats,
    quantile: Floats,
    normal: Floats,
    prompt_factor: Floats,
    output_factor: Floats,
    wanted: Ints,
    found: Floats,
    utilisation: Floats,
    saturation: Floats,
) -> None:
    """Chain and latency quantiles of rows start to stop; see `queueing.build_chain` and `solve_loads`, and `latency`.

    Step grid (rows, points); `of_cap` (rows,) says which line of the node tables (caps, nodes) is a row's. `rates`
    (rows, loads) are requests/s, or shares of the saturation where `relative`. `gap_scv` (rows,) is `scv` where
    arrivals cluster as it says, one where they do not. Filled are `found` (METRICS, quantiles,
    rows, loads) for metrics `wanted`, `utilisation` (rows, loads), `saturation` (rows,).
    """
    points, most, loads, levels = decode.shape[1], node.shape[1], rates.shape[1], quantile.size
    prompt_scv, m, output_scv = shared[PROMPT_SCV], shared[OUTPUT], shared[OUTPUT_SCV]
    overhead, load_gain = shared[OVERHEAD], shared[LOAD_GAIN]
    ladder = np.empty((7, points))
    at = np.empty((6, most))
    buffers = np.empty((15, most))
    log_step, step, weight, p, tokens, edge = (
        buffers[0], buffers[1], buffers[2], buffers[3], buffers[4], buffers[5],
    )  # fmt: skip
    own_at, service_at, per_token, chunks_at, merge_at = (
        buffers[6], buffers[7], buffers[8], buffers[9], buffers[10],
    )  # fmt: skip
    mixed_gap, full_gap, beside_at, together_at = buffers[11], buffers[12], buffers[13], buffers[14]
    kinds = np.empty((3, 2, most))
    mass = np.empty((3, most + 1))
    marks = np.empty(3 * most)
    place = np.empty((3, 3 * most), dtype=np.int64)
    inverse = np.empty((3, most))
    first, per, steady, odds = np.empty(levels), np.empty(levels), np.empty(levels), np.empty(levels)
    batch, log_tails = np.empty(levels), np.empty(levels)
    for level in range(levels):
        odds[level] = np.log(quantile[level] / (1.0 - quantile[level]))
        log_tails[level] = np.log1p(-quantile[level])
    log_m = np.log(m)
    for row in range(start, stop):
        cap = of_cap[row]
        count = node_count[cap]
        padded = min((count + PADDING - 1) // PADDING * PADDING, most)
        n, last = node[cap], node_count[cap] - 1
        lane = lanes[row]
        for j in range(points):
            ladder[0, j] = decode[row, j]
            together = beside[row, j] if j + 1 < points else beside_full[row]
            ladder[1, j] = chunks[row, j] * max(mixed[row, j] - decode[row, j], 1e-9) / together
            ladder[1, j] += shared[HOST_REQUEST]
            ladder[2, j] = mixed[row, j]
            ladder[3, j] = chunks[row, j]
            ladder[4, j] = full[row, j]
            ladder[5, j] = full_steps[row, j]
            ladder[6, j] = beside[row, j]
        for which in range(6):
            for j in range(points):
                ladder[which, j] = _log(ladder[which, j])
            for i in range(padded):
                left = node_left[cap, i]
                low = ladder[which, left]
                p[i] = low + node_share[cap, i] * (ladder[which, left + 1] - low)
            for i in range(padded):
                at[which, i] = _exp(p[i])
        for i in range(padded):
            beside_at[i] = lane
        if ranks[row] > 1.0:
            for j in range(points):
                ladder[6, j] = _log(ladder[6, j])
            for i in range(padded):
                left = node_left[cap, i]
                low = ladder[6, left]
                p[i] = low + node_share[cap, i] * (ladder[6, left + 1] - low)
            for i in range(padded):
                beside_at[i] = _exp(p[i])
        growth = min(max(1.0 - decode[row, 0] / mixed[row, 0], 0.0), 1.0)
        whole = 0.0
        for i in range(lengths.size):
            whole += np.floor(lengths[i] / first_budget[row])
        whole /= lengths.size
        alone = whole / (whole + 1.0)
        for i in range(padded):
            step[i] = at[0, i] / tokens_a_step[row] + n[i] / m * at[1, i]
            own_at[i] = at[3, i] * at[2, i] + shared[HOST_REQUEST]
            service_at[i] = at[5, i] * at[4, i] / lane + shared[HOST_REQUEST]
            together = beside_at[i] * ranks[row] / lane
            together_at[i] = together
            chunks_at[i] = n[i] / m * at[3, i] * tokens_a_step[row] / together
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
            filled, a_step = chunks_at[i] * merge_at[i], tokens_a_step[row]
            if n[i] > fed:
                step[i] = n[i] / fed * longest / a_step
            else:
                step[i] = min(max(step[i], filled * full_gap[i] / a_step), min(full_gap[i], longest) / a_step)
            per_token[i] = n[i] / step[i]
        if ranks[row] > 1.0:
            longest = min(longest, mixed_gap[last])
        longest /= tokens_a_step[row]
        for i in range(padded):
            log_step[i] = _log(step[i])
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
                    kinds[kind, 0, i], kinds[kind, 1, i] = low, high
                    inverse[kind, i] = 1.0 / max(high - low, 1e-15)
                    marks[kind * count + i] = high
                    monotone = monotone and low <= high and (i == 0 or high >= kinds[kind, 1, i - 1])
            marks[:total_marks].sort()
            for kind in range(3):
                passed = 0
                for k in range(total_marks):
                    while passed < count and kinds[kind, 1, passed] <= marks[k]:
                        passed += 1
                    place[kind, k] = passed
        for load in range(loads):
            rate = rates[row, load] * carried if relative else rates[row, load]
            busyness = rate / carried
            utilisation[row, load] = busyness
            if not busyness < 1.0 - 1e-9:
                for metric in range(METRICS):
                    if wanted[metric]:
                        for level in range(levels):
                            found[metric, level, row, load] = np.inf
                continue
            log_rate = np.log(rate)
            top = -np.inf
            for i in range(padded):
                p[i] = log_rate * n[i] + weight[i]
                top = p[i] if p[i] > top else top
            for i in range(padded):
                p[i] = _exp(p[i] - top)
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
            work = rate * service
            busy = min(work * (1.0 + work**FULL_SHARPNESS) ** (-1.0 / FULL_SHARPNESS), MOST_BUSY)
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
                        batch[level] = edge[0] if i == 0 else _between(before, summed, odds[level], start_edge, edge[i])
                        level += 1
                    if level == levels:
                        break
                near = AT_REST + (1.0 - AT_REST) * min(busyness, 1.0)
                met = rate * mean_step * m / (1.0 + output_scv)
                spread_out = (1.0 + prompt_scv) * (1.0 + output_scv)
                gain = 1.0
                if prompt_scv > 0.0 or output_scv > 0.0:
                    gain = mean_step / unloaded
                    if ranks[row] > 1.0:
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
                            _mixture_at(middle_mark, marks, place, kinds, inverse, mass, count)
                            if monotone
                            else _mixture_over(marks[middle_mark], kinds, mass, count)
                        )
                        if below < quantile[level]:
                            k = middle_mark + 1
                        else:
                            top_mark = middle_mark
                    value = marks[0]
                    if k > 0:
                        if monotone:
                            before = _mixture_at(k - 1, marks, place, kinds, inverse, mass, count)
                            below = _mixture_at(k, marks, place, kinds, inverse, mass, count)
                        else:
                            before = _mixture_over(marks[k - 1], kinds, mass, count)
                            below = _mixture_over(marks[k], kinds, mass, count)
                        value = _between(before, below, odds[level], marks[k - 1], marks[k])
                    if stall_probability[row] > 1.0 - quantile[level]:
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


@_compiled
def largest_rates(
    start: int, stop: int, rates: Floats, latency: Floats, held: Floats, limits: Floats, found: Floats
) -> None:
    """Fill (rows, limits) the largest rate at which a latency keeps each limit, at most `held` (rows,).

    Of rows start to stop. `rates`, `latency` (rows, loads) ascending, `limits` (limits,) ascending; crossings are
    interpolated in the logarithm of the latency against the root of the rate, as in `latency.largest_rate_within`; 0
    where the lightest load breaks a limit.
    """
    loads = rates.shape[1]
    logs, log_limits = np.empty(loads), np.log(limits)
    for row in range(start, stop):
        for load in range(loads):
            seen = latency[row, load]
            logs[load] = _log(max(seen if seen < 1e9 else 1e9, 1e-12))
        at = 0
        for limit in range(limits.size):
            while at < loads and latency[row, at] <= limits[limit]:
                at += 1
            if at == 0:
                found[row, limit] = 0.0
            elif at == loads:
                found[row, limit] = min(held[row], rates[row, loads - 1])
            else:
                span = max(logs[at] - logs[at - 1], 1e-12)
                share = min(max((log_limits[limit] - logs[at - 1]) / span, 0.0), 1.0)
                below, above = np.sqrt(rates[row, at - 1]), np.sqrt(rates[row, at])
                crossing = below + share * (above - below)
                found[row, limit] = min(held[row], crossing * crossing)

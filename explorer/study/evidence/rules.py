"""Which rows are left out, and why: every rule looks at the data alone, never at a prediction.

A rule takes all rows still in and returns the indices it leaves out; the first rule that applies gives the reason.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from explorer.engine.memory import count_weights, weight_bytes_per_chip
from explorer.engine.records import Split
from explorer.study.evidence.constants import serving_constants
from explorer.study.evidence.mlperf_table import workload_reason, workload_reasons
from explorer.study.evidence.rows import UNKNOWN_CHIP, UNKNOWN_MODEL, Row
from explorer.study.evidence.serving_table import is_repaired
from explorer.study.figures import central_values
from explorer.study.resolve import compute_format, shape_of

Picks = Iterable[int]
IN_LOOP = ("closed", "disaggregated")
DRAFTING_FAMILIES = ("deepseek", "qwen3.5-moe", "qwen3.5", "minimax", "glm", "kimi")
"""Families published with heads that draft tokens ahead."""


@dataclass(frozen=True)
class Rule:
    """A reason to leave rows out, and the function that finds them."""

    reason: str
    find: Callable[[Sequence[Row]], Picks]


def apply_rules(rows: Sequence[Row], rules: Sequence[Rule]) -> list[Row]:
    """The same rows in the same order; those that a rule leaves out carry its reason."""
    result = list(rows)
    for rule in rules:
        inside = [at for at, row in enumerate(result) if not row.skipped]
        for place in rule.find([result[at] for at in inside]):
            at = inside[place]
            result[at] = replace(result[at], skipped=rule.reason)
    return result


def each(test: Callable[[Row], bool]) -> Callable[[Sequence[Row]], Picks]:
    """A rule on rows one by one."""
    return lambda rows: [at for at, row in enumerate(rows) if test(row)]


def _in_loop(row: Row) -> bool:
    return row.run in IN_LOOP


def repeated_measurements(rows: Sequence[Row]) -> Picks:
    """Rows of the same chip, model, lengths, concurrency and latencies to four digits: one of them is kept.

    Kept is the copy that records worker counts, then one that needed no repair.
    """
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        ttft, tpot = row.measured.get("ttft_mean"), row.measured.get("tpot_mean")
        if row.run in IN_LOOP and ttft is not None and tpot is not None:
            load = row.prompt, row.output, _recorded_concurrency(row)
            model = row.model.id if row.model is not None else row.model_label
            groups[(row.chip_label, model, *load, f"{ttft:.4g}", f"{tpot:.4g}")].append(at)
        elif row.run == "compiled" and "tpot_p50" in row.measured:
            load = row.prompt, row.output, row.concurrency
            groups[(row.chip_label, row.model_label, *load, row.tp, row.measured["tpot_p50"])].append(at)

    def preference(at: int) -> int:
        return 0 if "num_workers" in rows[at].note else 2 if is_repaired(rows[at]) else 1

    for group in groups.values():
        if len(group) > 1:
            yield from sorted(group, key=preference)[1:]


def _recorded_concurrency(row: Row) -> float | None:
    workers = re.search(r"\bdecode_num_workers=(\d+)", row.note)
    if row.concurrency is None or workers is None:
        return row.concurrency
    return round(row.concurrency * float(workers.group(1)), 3)


def weights_too_large(row: Row) -> bool:
    """The weights exceed the whole memory of the ranks recorded."""
    if row.chip is None or row.model is None or row.tp is None:
        return False
    width = compute_format(row.chip, row.weight_precision).weight_bytes
    split = Split(row.tp, row.pp, row.dp, row.ep)
    needed = float(weight_bytes_per_chip(shape_of(row.model), width, split))
    capacity = central_values(row.chip, {})["memory_capacity"] / row.ranks_per_chip
    return needed > capacity * serving_constants().gib_per_gb


def faster_than_the_silicon(row: Row) -> bool:
    """FLOPs of prompts and outputs in a closed-loop cycle above 80 % of the dense peak of the recorded ranks."""
    ttft, tpot = row.measured.get("ttft_mean"), row.measured.get("tpot_mean")
    if row.chip is None or row.model is None or ttft is None or tpot is None:
        return False
    if None in (row.prompt, row.output, row.concurrency, row.tp):
        return False
    assert row.prompt is not None and row.output is not None and row.concurrency is not None and row.tp is not None
    values = central_values(row.chip, {})
    peak = values.get(compute_format(row.chip, row.weight_precision).peak_figure)
    if peak is None:
        return False
    cycle = ttft + max(row.output - 1.0, 0.0) * tpot
    work = row.concurrency * (row.prompt + row.output) * 2.0 * count_weights(shape_of(row.model)).active
    return work / cycle > 0.8 * peak / row.ranks_per_chip * row.tp * row.dp


def unflagged_speculation(rows: Sequence[Row]) -> Picks:
    """Measured against measured: a row of a model with draft heads that is faster than its own configuration allows.

    Faster means: the same configuration at equal concurrency was measured more than 1.35 times slower, or at lower
    concurrency more than 1.10 times slower.
    """
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row.run not in IN_LOOP or row.model is None or not row.concurrency or "tpot_mean" not in row.measured:
            continue
        if row.model.family in DRAFTING_FAMILIES:
            width = re.sub(r"int|fp|bf", "", row.weight_precision)
            key = (row.model.id, row.chip_label, width, row.prompt, row.output, row.tp, row.dp)
            groups[(*key, row.run, row.framework)].append(at)
    for group in groups.values():
        points = [(rows[at].concurrency or 0.0, rows[at].measured["tpot_mean"]) for at in group]
        for at, (load, time) in zip(group, points, strict=True):
            equal = max(other for other_load, other in points if other_load == load)
            lower = max((other for other_load, other in points if other_load < 0.99 * load), default=0.0)
            if equal > 1.35 * time or lower > 1.10 * time:
                yield at


def flat_in_concurrency(rows: Sequence[Row]) -> Picks:
    """A sweep over a fivefold range of concurrency whose time per token stays within 10 %: no loop of that concurrency.

    Only for models whose single-request time lies far below: the sweep's flat value is above 50 ms.
    """
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row.run == "closed" and row.concurrency and row.measured.get("tpot_mean", 0.0) > 0.05:
            dump = row.source.split(" row ")[0]
            groups[(dump, row.model_label, row.prompt, row.output)].append(at)
    for group in groups.values():
        loads = [rows[at].concurrency or 1.0 for at in group]
        times = [rows[at].measured["tpot_mean"] for at in group]
        if max(loads) >= 4.9 * min(loads) and max(times) < 1.10 * min(times):
            yield from group


def waits_for_generations(row: Row) -> bool:
    """A closed loop of few users in which the first token takes longer than whole generations: requests were queued."""
    ttft, tpot = row.measured.get("ttft_mean"), row.measured.get("tpot_mean")
    if row.run != "closed" or ttft is None or tpot is None or row.output is None or row.prompt is None:
        return False
    few = row.concurrency is not None and row.concurrency <= 16 and row.prompt <= 8192
    return few and ttft > 5.0 and ttft > 1.5 * row.output * tpot


def throughput_contradicts_batch(row: Row) -> bool:
    """Compiled decoder: tokens/s times the time per token is the batch, within 1.6."""
    tpot, throughput = row.measured.get("tpot_p50"), row.measured.get("output_tokens_per_s")
    if row.run != "compiled" or tpot is None or throughput is None or not row.concurrency:
        return False
    return not 0.5 <= throughput * tpot / row.concurrency <= 1.6


COLD_START = "cold start: the same configuration at equal or higher concurrency has its first token 5 times sooner"
COLD_FACTOR = 5.0


def without_cold_starts(rows: Sequence[Row]) -> list[Row]:
    """Set the first token of cold starts aside, measured against measured; their time per token is judged still.

    The same configuration: chip, model, lengths and ranks, under any release of any framework.
    """
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if not row.skipped and row.run == "closed" and row.model is not None and "ttft_mean" in row.measured:
            ranks = (row.tp or 0.0) * row.dp
            groups[(row.chip_label, row.model.id, row.prompt, row.output, ranks)].append(at)
    result = list(rows)
    for group in groups.values():
        points = [(rows[at].concurrency or 0.0, rows[at].measured["ttft_mean"]) for at in group]
        for at, (load, time) in zip(group, points, strict=True):
            if any(other_load >= load and COLD_FACTOR * other < time for other_load, other in points):
                result[at] = replace(rows[at], set_aside={"ttft_mean": COLD_START})
    return result


def split_finer_than_the_model(row: Row) -> bool:
    """More tensor ranks than attention heads, or more pipeline stages than layers."""
    if row.model is None or row.tp is None:
        return False
    return row.tp > row.model.heads or row.pp > sum(group.count for group in row.model.layers)


def overloaded(row: Row) -> bool:
    """A rate was offered that the system did not carry: what it completed is a tenth or more below it."""
    throughput = row.measured.get("output_tokens_per_s")
    if row.run != "offered" or row.rate is None or throughput is None or not row.output:
        return False
    return throughput / row.output < 0.9 * row.rate


SERVING_RULES: tuple[Rule, ...] = (
    Rule(UNKNOWN_CHIP, each(lambda row: row.chip is None)),
    Rule(UNKNOWN_MODEL, each(lambda row: row.model is None)),
    Rule("duplicate of another row: same configuration and latencies under another file name", repeated_measurements),
    Rule(
        "disaggregated, the number or layout of the decode workers is not recorded",
        each(lambda row: row.run == "disaggregated" and row.tp is None),
    ),
    Rule(
        "regression reference of a test suite, not a best effort",
        each(lambda row: "regression" in row.statistic.casefold()),
    ),
    Rule(
        "production average over a day and over roles, not one configuration",
        each(lambda row: "average" in row.statistic.casefold()),
    ),
    Rule(
        "experimental: marked by its authors as work in progress",
        each(lambda row: "WIP" in row.note or "experimental folder" in row.note),
    ),
    Rule("nothing measured that is predicted", each(lambda row: not row.measured)),
    Rule("lengths of prompt or output not recorded", each(lambda row: row.prompt is None or row.output is None)),
    Rule(
        "speculative decoding named",
        each(lambda row: bool(re.search(r"\bspec|EAGLE|MTP|medusa", row.note, re.IGNORECASE))),
    ),
    Rule(
        "concurrency or rate not recorded",
        each(
            lambda row: (
                row.run == "unknown"
                or "no concurrency tag" in row.note
                or (row.run != "in_flight_maximum" and row.concurrency is None and row.rate is None)
            )
        ),
    ),
    Rule(
        "number of ranks of a replica not recorded",
        each(lambda row: row.tp is None),
    ),
    Rule("weight format not understood, or 32-bit weights", each(lambda row: not row.weight_precision)),
    Rule("format of the KV cache not understood, or narrower than 8 bits", each(lambda row: not row.kv_precision)),
    Rule(
        "unphysical: first token after more than 400 s, or more than 500 ms a token",
        each(
            lambda row: (
                _in_loop(row)
                and (row.measured.get("ttft_mean", 0.0) > 400.0 or row.measured.get("tpot_mean", 0.0) > 0.5)
            )
        ),
    ),
    Rule(
        "first token later than 1.5 generations at 16 users or fewer: a batch driver's queue, not a closed loop",
        each(waits_for_generations),
    ),
    Rule(
        "tensor parallelism above 16 recorded for an aggregated row: its expert layout is not recorded",
        each(lambda row: row.run == "closed" and (row.tp or 0.0) > 16),
    ),
    Rule("compiled decoder: throughput times time per token contradicts the batch", each(throughput_contradicts_batch)),
    Rule(
        "variant with sampling on the host, not a best effort",
        each(lambda row: "cpu-sampling" in row.source),
    ),
    Rule(
        "first release of 70B on this stack, 3.3 times slower than two releases later",
        each(
            lambda row: (
                row.run == "compiled"
                and row.model_label == "Llama-2-70b"
                and bool(re.search(r"\b2\.1[67]\b", row.release))
            )
        ),
    ),
    Rule(
        "overloaded: less completed than offered, so that its latencies grow with the length of the run",
        each(overloaded),
    ),
    Rule("more ranks recorded than the model can be split into", each(split_finer_than_the_model)),
    Rule("the weights exceed the memory of the ranks recorded", each(weights_too_large)),
    Rule(
        "implied FLOP rate above 80 % of the dense peak: not the concurrency of these chips, or a prefix cache",
        each(lambda row: _in_loop(row) and faster_than_the_silicon(row)),
    ),
    Rule(
        "time per token flat over a fivefold range of concurrency: not a closed loop of that concurrency",
        flat_in_concurrency,
    ),
    Rule(
        "faster than the same configuration at equal or lower concurrency: speculation not flagged",
        unflagged_speculation,
    ),
)


def _benchmark(reason: str) -> Rule:
    return Rule(reason, each(lambda row: workload_reason(row) == reason))


MLPERF_RULES: tuple[Rule, ...] = (
    Rule("the same run reported twice", each(lambda row: "duplicate" in row.note)),
    Rule("no accelerator, or its number is not recorded", each(lambda row: not row.chip_label or not row.chips)),
    Rule(UNKNOWN_CHIP, each(lambda row: row.chip is None)),
    Rule(UNKNOWN_MODEL, each(lambda row: row.model is None)),
    *(_benchmark(reason) for reason in workload_reasons()),
    Rule("number of accelerators suspect or inferred", each(lambda row: "suspect" in row.note)),
    Rule("reference implementation, not a best effort", each(lambda row: "reference" in row.note)),
    Rule(
        "run at a lowered power limit (MaxQ), which is not recorded",
        each(lambda row: "power limit" in row.note),
    ),
    Rule("scenario without a rate or a throughput", each(lambda row: row.run == "unknown")),
    Rule("nothing measured that is predicted", each(lambda row: not row.measured)),
    Rule("weight format not understood", each(lambda row: not row.weight_precision)),
)

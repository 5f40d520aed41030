"""A proposed import in words: the same rows and sentences for the preview in the window and for the command line."""

from __future__ import annotations

import math

from explorer.catalog import Catalog
from explorer.scenario.benchmark import BenchmarkRow
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import NOTHING
from explorer.study.benchmarks.judged import JudgedRow
from explorer.study.benchmarks.overlay import load_words
from explorer.study.benchmarks.proposal import ImportChoices, Proposal, ProposedRow
from explorer.study.evidence.rows import THROUGHPUT
from explorer.study.verdict_table import columns

SECONDS = QUANTITIES["seconds"]
HEADINGS: tuple[tuple[str, str], ...] = (
    ("Row", "Where the file has it"),
    ("Load", "Users at once, or the rate at which requests were sent"),
    ("Prompt", "Mean length, tokens"),
    ("Answer", "Mean length, tokens"),
    ("First token", "Measured: mean or median, and P99"),
    ("Per token", "Measured: mean or median, and P99"),
    ("Tokens/s", "Answer tokens of the whole system that ran"),
    ("Engine", "What the engine says of this row from its configuration alone"),
    ("Took", "Measured time over the engine's, as a factor on a step"),
    ("What becomes of it", "Used for the step time, shown only, or left out, with the reason"),
)


def preview_rows(proposal: Proposal) -> list[list[str]]:
    """Every row of the file, a line each under HEADINGS."""
    return [_line(row, proposal.choices) for row in proposal.rows]


def _line(row: ProposedRow, choices: ImportChoices) -> list[str]:
    run = row.run.row if row.run is not None else None
    cells = [NOTHING] * 8 if run is None else _measured(run, row, choices)
    judged = row.judged
    factor = NOTHING
    if judged is not None and judged.residual is not None:
        factor = f"×{math.exp(judged.residual):.2f}"
    return [row.place, *cells[1:], factor, fate(row)]


def _measured(run: BenchmarkRow, row: ProposedRow, choices: ImportChoices) -> list[str]:
    return [
        "",
        load_words(row.judged) if row.judged is not None else _load(run),
        _tokens(run.prompt_tokens or choices.prompt_tokens),
        _tokens(run.output_tokens or choices.output_tokens),
        _latency(run, "ttft"),
        _latency(run, "tpot") if run.tpot_mean_s or run.tpot_p50_s or run.tpot_p99_s else _latency(run, "itl"),
        NOTHING if run.output_tokens_per_s is None else f"{run.output_tokens_per_s:,.0f}",
        NOTHING if row.judged is None else engine_words(row.judged),
    ]


def _load(run: BenchmarkRow) -> str:
    return load_words(JudgedRow(run, "", None, None, None, ""))


def engine_words(judged: JudgedRow) -> str:
    """What the engine says of a row, with its unit."""
    if judged.predicted is None:
        return NOTHING
    if judged.metric == THROUGHPUT:
        return f"{judged.predicted:,.0f} tokens/s"
    return SECONDS.format(judged.predicted)


def _tokens(length: float | None) -> str:
    return NOTHING if length is None else f"{length:,.0f}"


def _latency(run: BenchmarkRow, metric: str) -> str:
    middle = run.latency(metric, "mean") or run.latency(metric, "p50")
    tail = run.latency(metric, "p99")
    if middle is None:
        return NOTHING if tail is None else f"P99 {SECONDS.format(tail)}"
    return SECONDS.format(middle) if tail is None else f"{SECONDS.format(middle)}, P99 {SECONDS.format(tail)}"


def fate(row: ProposedRow) -> str:
    """What becomes of a row."""
    if not row.kept:
        return f"left out: {row.reason}"
    return f"kept, not used: {row.reason}" if row.reason else "used"


def owner_words(proposal: Proposal, catalog: Catalog) -> str:
    """Whose benchmark it is taken to be."""
    one = proposal.choices
    chip = "" if proposal.benchmark is None else f" ({catalog.chip(proposal.benchmark.chip).name})"
    parts = [f"{name} {degree}" for name, degree in (("tp", one.tp), ("pp", one.pp), ("dp", one.dp), ("ep", one.ep))]
    layout = ", ".join(part for part in parts if not part.endswith(" 1")) or "one chip"
    replicas = "" if one.replicas == 1 else f", {one.replicas} replicas"
    served = f"{catalog.model(one.model).name}, weights {one.weight_precision}, KV cache {one.kv_precision}"
    return f"{one.alternative} of {one.workload}{chip}: {served}; {layout}{replicas}; engine {one.framework}"


def effect_words(proposal: Proposal) -> str:
    """What the import does to the step times."""
    if proposal.effect is None:
        return "The step times stay as they are: no row tells them."
    return f"Step times: {proposal.effect.sentence}."


def preview_text(proposal: Proposal, catalog: Catalog) -> str:
    """The whole preview for a terminal."""
    rows = [[title for title, _ in HEADINGS], *preview_rows(proposal)]
    parts = [proposal.sentence, owner_words(proposal, catalog), "", *columns(rows), ""]
    parts += [f"read: {remark}" for remark in proposal.remarks]
    return "\n".join([*parts, effect_words(proposal)])

"""Rows of a serving table: what each cell means, and the repairs that the data itself proves."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from explorer.catalog import Model
from explorer.study.evidence.names import Names, ranks_per_chip
from explorer.study.evidence.rows import THROUGHPUT, UNSTATED, Framework, Row, Run, framework_of, precision_of
from explorer.study.evidence.table import Cells, EvidenceTable, number, positive, whole

_MILLISECONDS = {
    "tpot_mean": "tpot_mean_ms",
    "tpot_p50": "tpot_p50_ms",
    "tpot_p99": "tpot_p99_ms",
    "ttft_mean": "ttft_mean_ms",
    "ttft_p50": "ttft_p50_ms",
    "ttft_p99": "ttft_p99_ms",
}
_E2E_OVER_ALL_TOKENS = re.compile(r"\b2\.1[467]\b")
"""Neuron SDK releases whose tables divide the end-to-end time by prompt + output tokens."""


def serving_rows(table: EvidenceTable, names: Names) -> list[Row]:
    """Every row of a serving table, repaired where the data proves a repair, none left out."""
    return [_repaired(_row(cells, names)) for cells in table.rows]


def _row(cells: Cells, names: Names) -> Row:
    source, note, statistic = cells.get("source", ""), cells.get("notes", ""), cells.get("stat_kind", "")
    chip, model = names.chip(cells["chip"]), names.model(cells["model"])
    run = _run(cells, statistic, note, source)
    framework = framework_of(cells.get("framework", ""))
    if run in ("compiled", "unknown") or "optimum" in source:
        framework = "other"
    unstated = precision_of(model.native_precision, "bf16") if model is not None else "bf16"
    weights = precision_of(cells.get("weight_precision", "") or _precision_in_name(cells["model"]), unstated)
    measured = {
        metric: value / 1e3
        for metric, column in _MILLISECONDS.items()
        if (value := positive(cells, column)) is not None
    }
    throughput = positive(cells, "out_tok_per_s_total")
    if throughput is not None:
        measured[THROUGHPUT] = throughput
    ranks = ranks_per_chip(chip.id) if chip is not None else 1
    pp, dp, ep = (whole(cells, name, 1.0) for name in ("pp", "dp", "ep"))
    chips = whole(cells, "n_chips", math.nan)
    tp = whole(cells, "tp", math.nan)
    if tp is not None and math.isnan(tp):
        # a replica over all chips, where the table does not say otherwise
        counted = run != "compiled" and chips is not None and dp is not None and pp is not None
        tp = (chips or math.nan) * ranks / ((dp or 1.0) * (pp or 1.0)) if counted else None
    if tp is None or pp is None or dp is None or ep is None or not tp >= 1 or tp != int(tp):
        tp, pp, dp, ep = None, 1.0, 1.0, 1.0
    row = Row(
        id=cells["id"],
        table="serving",
        run=run,
        chip_label=cells["chip"],
        model_label=cells["model"],
        chip=chip,
        model=model,
        framework=framework,
        release=cells.get("framework", ""),
        date=cells.get("date", ""),
        source=source,
        note=note,
        weight_precision=weights,
        kv_precision=_kv_precision(cells, weights, framework, model, run),
        prompt=positive(cells, "isl"),
        output=positive(cells, "osl"),
        concurrency=positive(cells, "batch_or_concurrency"),
        chips=chips,
        tp=tp,
        pp=pp,
        dp=dp,
        ep=ep,
        measured=measured,
        rate=positive(cells, "request_rate"),
        ranks_per_chip=ranks,
        submitter=source.split(" ")[0],
        statistic=statistic,
    )
    return _decode_workers(row) if run == "disaggregated" else row


def _run(cells: Cells, statistic: str, note: str, source: str) -> Run:
    kind = statistic.casefold()
    if note.startswith("disagg"):
        return "disaggregated"
    if "static" in kind:
        return "static"
    if "first-token" in kind or (number(cells, "osl") == 1.0 and cells.get("ttft_mean_ms")):
        return "first_token"
    if "max-load" in kind:
        return "in_flight_maximum"
    if "per-token latency" in kind and "neuron" in source.casefold():
        return "compiled"
    if positive(cells, "batch_or_concurrency") is not None:
        return "closed"
    if positive(cells, "request_rate") is not None:
        return "offered"
    at_once = "max" in cells["batch_or_concurrency"].casefold() or cells.get("request_rate", "").casefold() == "inf"
    return "in_flight_maximum" if at_once else "unknown"


def _precision_in_name(model: str) -> str:
    found = re.search(r"fp4|fp8|int4|int8|\bw\d+a\d+|awq|gptq", model, re.IGNORECASE)
    return found.group(0) if found else ""


def _kv_precision(cells: Cells, weights: str, framework: Framework, model: Model | None, run: Run) -> str:
    """Recorded, else 8 bit where the quantised checkpoint or engine brings it, else 16 bit.

    TensorRT-LLM engines and the quantised Llama 3.1 70B checkpoints switch the cache to FP8; with a 16-bit cache
    requests would have had to wait that the measured first tokens show were admitted.
    """
    stated = precision_of(cells.get("kv_precision", ""), "")
    if cells.get("kv_precision", "").casefold() not in UNSTATED:
        return {"fp8": "fp8", "int8": "fp8", "bf16": "bf16"}.get(stated, "")
    eight = weights != "bf16" and run in ("closed", "disaggregated")
    brings = framework == "trtllm" or (model is not None and model.id == "llama-3.1-70b")
    return "fp8" if eight and brings else "bf16"


def _noted(note: str, key: str) -> float | None:
    found = re.search(rf"\b{key}=(\d+)", note)
    return float(found.group(1)) if found else None


def _decode_workers(row: Row) -> Row:
    """A disaggregated row with the layout of one decode worker and that worker's share of the concurrency."""
    note = row.note
    workers = _noted(note, "decode_num_workers")
    if workers is None:
        return replace(row, tp=None)
    tp = _noted(note, "decode_tp_size") or 1.0
    dp = _noted(note, "decode_attention_dp_size") or 1.0
    ep = _noted(note, "decode_moe_ep_size") or 1.0
    if dp > 1 and tp > 1 and tp * dp == ep * ep:
        tp = 1.0
    concurrency = None if row.concurrency is None else max(row.concurrency / workers, 1.0)
    return replace(row, tp=tp, dp=dp, ep=ep, pp=_noted(note, "decode_pp_size") or 1.0, concurrency=concurrency)


def _repaired(row: Row) -> Row:
    return _halved_ranks(_per_output_token(row))


def _per_output_token(row: Row) -> Row:
    """Neuron tables up to 2.17 count prompt tokens too, in the time per token and in tokens/s; here output tokens only.

    Proof in the data: one model shows 8.1, 4.2 and 0.33 ms for (128, 3968), (1024, 1024) and (3968, 128) tokens,
    and 8.4, 8.3 and 10.6 ms after the repair.
    """
    if row.run != "compiled" or row.prompt is None or not row.output or row.prompt < 64:
        return row
    if not _E2E_OVER_ALL_TOKENS.search(row.release):
        return row
    factor = (row.prompt + row.output) / row.output
    factors = {"tpot_mean": factor, "tpot_p50": factor, "tpot_p99": factor, THROUGHPUT: 1.0 / factor}
    measured = {metric: value * factors.get(metric, 1.0) for metric, value in row.measured.items()}
    return replace(row, measured=measured)


def _halved_ranks(row: Row) -> Row:
    """One dump records tensor (or data) parallelism multiplied by expert parallelism: chips = EP^2.

    Proved by the same latencies under the same lengths and concurrency in another dump, with EP chips.
    """
    if row.run != "closed" or not row.note.startswith("agg") or row.ep <= 1 or row.tp is None or row.chips is None:
        return row
    tp, dp, ep, chips = row.tp, row.dp, row.ep, row.chips
    doubled = chips == ep * ep or (chips == ep and tp * dp == chips and tp > 1 and dp > 1)
    root = 0 if math.isnan(chips) else math.isqrt(int(chips))
    if not doubled or root * root != chips:
        return row
    if tp > 1:
        tp, dp = float(root), 1.0
    elif dp > 1:
        dp = float(root)
    return replace(row, tp=tp, dp=dp, ep=min(ep, root), chips=float(root), note=row.note + "; ranks repaired")


def is_repaired(row: Row) -> bool:
    """The recorded ranks were a product and have been taken apart."""
    return row.note.endswith("; ranks repaired")

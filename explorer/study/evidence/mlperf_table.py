"""Rows of an MLPerf table: system, benchmark lengths and limits, the rate offered and what was measured."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from explorer.catalog import Chip
from explorer.catalog.location import resource_root
from explorer.study.evidence.names import Names
from explorer.study.evidence.rows import LATENCIES, RATE, THROUGHPUT, Row, Run, framework_of, precision_of
from explorer.study.evidence.table import Cells, EvidenceTable, positive

_SCENARIOS: Mapping[str, Run] = {"offline": "offline", "server": "offered", "interactive": "offered"}


@lru_cache(maxsize=1)
def _workloads() -> Mapping[str, Any]:
    path = resource_root() / "evidence" / "mlperf_workloads.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _workload(benchmark: str) -> Mapping[str, Any]:
    for entry in _workloads()["workloads"]:
        if re.search(entry["pattern"], benchmark, re.IGNORECASE):
            return dict(entry)
    return {"skip": UNKNOWN_BENCHMARK}


UNKNOWN_BENCHMARK = "lengths of this benchmark are not known"


def workload_reasons() -> tuple[str, ...]:
    """Every reason for which a benchmark is not predicted."""
    stated = dict.fromkeys(entry["skip"] for entry in _workloads()["workloads"] if "skip" in entry)
    return (*stated, UNKNOWN_BENCHMARK)


def workload_reason(row: Row) -> str:
    """Why the benchmark of a row is not predicted; empty when it is."""
    return str(_workload(row.model_label).get("skip", ""))


def mlperf_rows(table: EvidenceTable, names: Names) -> list[Row]:
    """Every row of an MLPerf table, none left out."""
    return [_row(cells, names) for cells in table.rows]


def _row(cells: Cells, names: Names) -> Row:
    chip, model = names.chip(cells["accelerator"]), names.model(cells["model"])
    load = _workload(cells["model"])
    run = _SCENARIOS.get(cells["scenario"].casefold(), "unknown")
    # where the name of a system says what its engine ran, it is right and the log's field is not
    named = "bf16" if "(fp16)" in cells.get("system_name", "").casefold() else ""
    weights = named or _precision(cells.get("precision", ""), chip)
    limits = [_limit(cells, load, name) for name in ("ttft", "tpot")]
    return Row(
        id=cells["id"],
        table="mlperf",
        run=run,
        chip_label=cells["accelerator"],
        model_label=cells["model"],
        chip=chip,
        model=model,
        framework=framework_of(cells.get("framework", "")),
        release=cells["round"],
        date=cells.get("test_date", ""),
        source=cells.get("source", ""),
        note=_note(cells),
        weight_precision=weights,
        kv_precision="bf16" if weights == "bf16" else "fp8",
        prompt=load.get("prompt"),
        output=positive(cells, "mean_out_tokens") or load.get("output"),
        concurrency=None,
        chips=positive(cells, "n_accel"),
        tp=None,
        pp=1.0,
        dp=1.0,
        ep=1.0,
        measured=_measured(cells, run, load),
        output_scv=load.get("output_scv", 0.0),
        rate=_rate(cells),
        ttft_limit=limits[0],
        tpot_limit=limits[1],
        submitter=cells.get("submitter", ""),
        statistic=cells["scenario"],
    )


def _limit(cells: Cells, load: Mapping[str, Any], name: str) -> float | None:
    """The limit recorded, else the benchmark's own; the interactive scenario has limits of its own."""
    stated = positive(cells, f"{name}_limit_p99_ms")
    if stated:
        return stated / 1e3
    interactive = "interactive" in f"{cells['scenario']} {cells['model']}".casefold()
    return load.get(f"interactive_{name}_limit_s" if interactive else f"{name}_limit_s")


def _rate(cells: Cells) -> float | None:
    """The rate offered; rounds whose summaries leave it out give the rate completed, which it was tuned to."""
    return positive(cells, "target_qps") or positive(cells, "samples_per_s")


def _measured(cells: Cells, run: Run, load: Mapping[str, Any]) -> dict[str, float]:
    """Latencies only where a rate was offered: in the offline scenario all requests are there at once.

    Rounds that count samples are converted with the benchmark's own mean output, as the official figures are.
    """
    found: dict[str, float | None] = {THROUGHPUT: positive(cells, "out_tok_per_s")}
    samples = positive(cells, "samples_per_s")
    if found[THROUGHPUT] is None and samples is not None and "output" in load:
        found[THROUGHPUT] = samples * load["output"]
    if run == "offered":
        found |= {metric: _seconds(cells, f"{metric}_ms") for metric in LATENCIES}
        found[RATE] = _rate(cells)
    return {metric: value for metric, value in found.items() if value is not None and value > 0}


def _seconds(cells: Cells, column: str) -> float | None:
    value = positive(cells, column)
    return None if value is None else value / 1e3


def _note(cells: Cells) -> str:
    notes = []
    if cells.get("is_duplicate_of_other_row") == "1":
        notes.append("duplicate")
    if cells.get("suspect_n_accel") == "1" or cells.get("inferred") == "1":
        notes.append("suspect")
    if "maxq" in cells.get("platform", "").casefold() or "maxq" in cells.get("system_name", "").casefold():
        notes.append("power limit lowered")
    reference = "python reference" in cells.get("framework", "").casefold()
    if reference or cells.get("submitter", "").casefold() == "ctuning":
        notes.append("reference")
    return "; ".join(notes)


def _precision(label: str, chip: Chip | None) -> str:
    rule = _workloads()["precision"]
    stated = precision_of(label, "")
    if chip is None:
        return stated or str(rule["default"])
    if stated in ("fp4", "int4"):
        return stated
    if chip.id in rule["sixteen_bit_chips"]:
        return "bf16"
    if chip.id in rule["four_bit_chips"] and stated in ("", "bf16"):
        return "fp4"
    return str(rule["default"]) if stated in ("", "bf16") else stated

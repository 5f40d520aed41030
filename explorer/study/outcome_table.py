"""An outcome as a table for a spreadsheet: a row an alternative of every workload, the figures of `evaluate --json`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from explorer.study.banded import METRICS
from explorer.study.export import outcome_data
from explorer.study.outcome import Outcome

Cell = str | float | int | bool | None
ENDS = {"low": "P5", "median": "median", "high": "P95"}
QUANTILES = ("p50", "p95", "p99")

_ABOUT = (
    ("workload", "name"),
    ("model", "model"),
    ("parameters (number)", "parameters"),
    ("active parameters (number)", "active_parameters"),
    *((f"promised P99 {metric.upper()} (s)", f"promises_s.{metric}") for metric in METRICS),
    ("prompt (tokens)", "prompt_tokens"),
    ("answer (tokens)", "output_tokens"),
    ("arrivals", "arrivals"),
)
"""Of the workload: heading, and path in the JSON of a workload."""

_MONEY = "cost_usd_per_million_tokens"


def _banded(title: str, unit: str, path: str, *, value: bool = True) -> Iterator[tuple[str, str]]:
    """Columns of a value, the ends of its band (P5, P95) and its median."""
    if value:
        yield f"{title} ({unit})", f"{path}.value"
    for end, name in ENDS.items():
        yield f"{title}, {name} of draws ({unit})", f"{path}.{end}"


_FIGURES: tuple[tuple[str, str], ...] = (
    ("alternative", "name"),
    ("chip", "chip"),
    ("fits", "fits"),
    ("can carry the traffic", "feasible"),
    ("keeps promises", "keeps_promises"),
    ("reason", "reason"),
    ("chips of a replica", "chips_per_replica"),
    ("replicas", "replicas"),
    ("spare replicas", "spare_replicas"),
    ("chips in all", "chips_total"),
    ("tensor parallel", "layout.tp"),
    ("pipeline parallel", "layout.pp"),
    ("attention data parallel", "layout.dp"),
    ("expert parallel", "layout.ep"),
    ("instances of a replica", "layout.instances"),
    ("weights of a chip (bytes)", "memory.weights_bytes"),
    ("KV cache of a chip (bytes)", "memory.kv_bytes"),
    ("KV cache of a chip at the cap (bytes)", "memory.kv_at_cap_bytes"),
    ("other memory of a chip (bytes)", "memory.other_bytes"),
    ("memory of a chip (bytes)", "memory.capacity_bytes"),
    ("usable memory of a chip (bytes)", "memory.usable_bytes"),
    ("largest batch (sequences)", "memory.max_batch"),
    ("largest context (tokens)", "memory.max_context_tokens"),
    ("read time of a step, by reading (s)", "memory.step_read_s"),
    ("note on memory", "memory.note"),
    ("remedy", "memory.remedy"),
    *(
        column
        for metric in METRICS
        for quantile in QUANTILES
        for column in _banded(f"{quantile.upper()} {metric.upper()}", "s", f"{metric}_s.{quantile}")
    ),
    ("request rate (requests/s)", "request_rate"),
    ("users of a replica", "users_per_replica"),
    ("utilisation (fraction)", "utilisation"),
    *_banded("utilisation", "fraction", "utilisation_band", value=False),
    ("throughput (tokens/s)", "throughput_tokens_per_s"),
    ("throughput of a replica (tokens/s)", "throughput_tokens_per_s_per_replica"),
    *_banded("throughput", "tokens/s", "throughput_tokens_per_s_band", value=False),
    ("largest rate that keeps promises (requests/s)", "max_request_rate"),
    ("largest rate of a replica (requests/s)", "max_request_rate_per_replica"),
    *_banded("largest rate that keeps promises", "requests/s", "max_request_rate_band", value=False),
    ("mean batch (sequences)", "mean_batch"),
    ("P99 batch (sequences)", "p99_batch"),
    *((f"probability that {metric.upper()} is kept (fraction)", f"probability_keeps.{metric}") for metric in METRICS),
    ("probability that all is kept (fraction)", "probability_keeps.all"),
    ("cost of all tokens (USD/million)", f"{_MONEY}.blended"),
    *_banded("cost of all tokens", "USD/million", f"{_MONEY}.blended_band", value=False),
    ("cost of prompt tokens (USD/million)", f"{_MONEY}.input"),
    *_banded("cost of prompt tokens", "USD/million", f"{_MONEY}.input_band", value=False),
    ("cost of answer tokens (USD/million)", f"{_MONEY}.output"),
    *_banded("cost of answer tokens", "USD/million", f"{_MONEY}.output_band", value=False),
    ("cost at full use (USD/million)", f"{_MONEY}.at_full_use"),
    *_banded("cost at full use", "USD/million", f"{_MONEY}.at_full_use_band", value=False),
    ("why there is no cost", f"{_MONEY}.reason"),
    ("cost (USD/month)", "cost_usd_per_month"),
    *_banded("cost", "USD/month", "cost_usd_per_month_band", value=False),
    *_banded("price of a chip-hour", "USD/h", "usd_per_chip_hour"),
    ("source of the price", "price_source"),
    ("price is hypothetical", "price_hypothetical"),
    ("price is stale", "price_stale"),
    ("price of another region", "price_elsewhere"),
    ("energy of a token (J)", "energy_joule_per_token"),
    *_banded("energy of a token", "J", "energy_joule_per_token_band", value=False),
    ("evidence grade", "evidence_grade"),
    ("error of a step (factor)", "step_error_factor"),
    ("own benchmark", "own_benchmark.sentence"),
    ("method of latencies", "latency_method"),
    ("note on method", "method_note"),
    ("simulated requests", "simulated_requests"),
    ("note on precision", "precision_note"),
    ("can be had", "available"),
    ("note on availability", "availability_note"),
)
"""Of the alternative: heading with its unit, and path in the JSON of an alternative."""

_WHOLE = (
    ("price basis", "price_basis"),
    ("comparison", "comparison_basis"),
    ("catalogue edition", "catalog_edition"),
    ("engine version", "engine_version"),
    ("draws", "samples"),
)
"""Of the whole outcome."""

HEADINGS: tuple[str, ...] = tuple(title for title, _ in (*_ABOUT, ("selected", ""), *_FIGURES, *_WHOLE))


def outcome_rows(outcome: Outcome) -> list[tuple[Cell, ...]]:
    """The rows under HEADINGS; None where there is no finite value."""
    data = outcome_data(outcome)
    rows = []
    for workload in data["workloads"]:
        for one in workload["alternatives"]:
            about = [_at(workload, path) for _, path in _ABOUT]
            figures = [_at(one, path) for _, path in _FIGURES]
            whole = [_at(data, path) for _, path in _WHOLE]
            rows.append((*about, one["name"] == workload["selected"], *figures, *whole))
    return rows


def csv_of(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A table as comma-separated values; numbers read back exactly, cells without a value are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows([_text(cell) for cell in row] for row in rows)
    return text.getvalue()


def _at(data: Mapping[str, Any], path: str) -> Cell:
    """What stands at a path; None where something on the way is missing or null."""
    here: Any = data
    for key in path.split("."):
        if not isinstance(here, Mapping) or key not in here:
            return None
        here = here[key]
    if isinstance(here, Mapping):
        return "; ".join(f"{key} = {float(value)!r}" for key, value in here.items())
    found: Cell = here
    return found


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return repr(float(cell)) if isinstance(cell, float) else str(cell)

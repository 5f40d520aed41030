"""Half-widths of the 90 % band round a prediction, from resources/calibration/residuals.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.catalog.calibration import load_calibration
from explorer.engine.stragglers import normal_quantile
from explorer.study.evidence.rows import RATE, THROUGHPUT, Row

GRADES = ("measured", "transferred", "datasheet", "undisclosed")
"""Evidence grades, the best known first."""


def quantity_of(row: Row, metric: str) -> str:
    """The kind of figure whose spread a metric of a row shares."""
    if metric == RATE:
        return "rate_within_limits"
    if metric == THROUGHPUT:
        return "throughput_at_rate" if row.run == "offered" else "throughput_full"
    latency, statistic = metric.split("_")
    if row.run == "offered":
        return f"{latency}_at_rate_{'p99' if statistic == 'p99' else 'p50'}"
    if latency == "ttft":
        return "ttft_closed" if row.run == "closed" else "ttft_alone"
    return "tpot_moe" if row.is_moe else "tpot_dense"


def half_width(row: Row, metric: str, grade: str | None = None) -> float:
    """Half-width in ln of the 90 % band of a metric of a row, by the evidence grade of its chip."""
    table: Mapping[str, Any] = load_calibration().residuals["quantity"][quantity_of(row, metric)]
    return float(table[grade or row.grade])


def step_spread(row: Row) -> float:
    """Standard deviation (ln) of the step time itself: that of the band of its grade and kind, a normal one."""
    table: Mapping[str, Any] = load_calibration().residuals["step"]
    half = float(table[row.grade]["moe" if row.is_moe else "dense"])
    return half / float(normal_quantile(0.95))

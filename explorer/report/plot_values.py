"""The numbers behind a plot as rows for a spreadsheet: one table a plot, units in the headers."""

from __future__ import annotations

import math
from collections.abc import Iterator

from explorer.plots.memory_words import used
from explorer.study.banded import METRICS, Metric
from explorer.study.fleet_outcome import FleetOutcome
from explorer.study.outcome import AlternativeOutcome, Outcome

Cell = str | float | int | bool | None
Row = tuple[Cell, ...]

TAIL_HEADER: Row = (
    "alternative", "role", "request rate (requests/s)", "P50 (s)", "P99 (s)", "P99 at P5 (s)", "P99 at P95 (s)",
)  # fmt: skip
MEMORY_HEADER: Row = (
    "alternative", "weights (bytes)", "other (bytes)", "KV cache (bytes)", "KV cache at cap (bytes)", "used (bytes)",
    "usable (bytes)", "capacity (bytes)", "fits", "shortfall (bytes)", "largest batch (sequences)",
)  # fmt: skip
CONCENTRATION_HEADER: Row = (
    "tier", "counts", "effective suppliers (number)", "effective suppliers at P5 (number)",
    "effective suppliers at P95 (number)", "supplier", "share (fraction)", "least share (fraction)",
    "greatest share (fraction)", "single point of failure", "undisclosed",
)  # fmt: skip


def tail_rows(outcome: Outcome, workload: int, metric: Metric, baseline: Outcome | None) -> Iterator[Row]:
    """One row a point of each curve, requests/s of the whole service and seconds; then the operating points."""
    assert metric in METRICS
    yield TAIL_HEADER
    shown = outcome.workloads[workload]
    for alternative in shown.alternatives:
        yield from _curve(alternative, metric, "curve")
    if baseline is not None and workload < len(baseline.workloads):
        yield from _curve(baseline.workloads[workload].chosen, metric, "baseline")
    for alternative in shown.alternatives:
        found = alternative.latency[metric]
        if found.p99 is not None:
            middle = None if found.p50 is None else found.p50.value
            band = (found.p99.value, found.p99.low, found.p99.high)
            yield (alternative.label, "operating point", alternative.request_rate, middle, *band)


def _curve(alternative: AlternativeOutcome, metric: Metric, role: str) -> Iterator[Row]:
    curve = alternative.curves[metric]
    columns = (alternative.rates, curve.p50, curve.p99, curve.p99_low, curve.p99_high)
    for values in zip(*(column.tolist() for column in columns), strict=True):
        yield (alternative.label, role, *values)


def memory_rows(outcome: Outcome, workload: int) -> Iterator[Row]:
    """One row an alternative, bytes of one chip."""
    yield MEMORY_HEADER
    for alternative in outcome.workloads[workload].alternatives:
        m = alternative.memory
        yield (
            alternative.label, m.weights, m.other, m.kv, m.kv_at_cap, used(m), m.usable, m.capacity, m.fits,
            m.shortfall, m.max_batch,
        )  # fmt: skip


def concentration_rows(fleet: FleetOutcome) -> Iterator[Row]:
    """One row a supplier of each tier, those that do not count included; shares from 0 to 1."""
    yield CONCENTRATION_HEADER
    for tier in fleet.tiers:
        number = tier.effective_suppliers
        for entry in tier.suppliers:
            yield (
                tier.title, tier.counts, number.value, number.low, number.high, entry.supplier, entry.share,
                entry.low, entry.high, tier.single_point_of_failure, tier.unknown,
            )  # fmt: skip


def cell_text(cell: Cell) -> str:
    """A cell as written: empty where there is no finite value, "yes" and "no", numbers that read back exactly."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return repr(cell) if math.isfinite(cell) else ""
    return str(cell)

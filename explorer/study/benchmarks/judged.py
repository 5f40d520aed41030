"""The rows of a benchmark judged: what the engine says of each, which count, and why others do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.benchmark import Benchmark, BenchmarkRow
from explorer.scenario.quantity import number_text
from explorer.scenario.schema import Override
from explorer.study.benchmarks.predicted import Compared, Values, compared, evidence_row
from explorer.study.evidence.rows import THROUGHPUT, Row
from explorer.study.evidence.rules import SERVING_RULES, apply_rules
from explorer.study.figures import central_values

Array = NDArray[np.float64]

UNRECORDED = "its expert layout is not recorded"
OWN_RULES = tuple(rule for rule in SERVING_RULES if UNRECORDED not in rule.reason)
"""The rules of the public tables, but for one about what those tables do not record: here the layout is stated."""

MOST_RESIDUAL = float(np.log(4.0))
"""Beyond this factor a row is not of the deployment that was stated, whatever else it is."""


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A row with what the engine says of it: `counts` says whether the update uses it, `reason` why it does not."""

    row: BenchmarkRow
    metric: str
    """tpot_mean, tpot_p50, tpot_p99 or output_tokens_per_s; empty where nothing is compared."""
    measured: float | None
    predicted: float | None
    residual: float | None
    """ln of the factor by which a step took longer than predicted."""
    reason: str
    ruled_out: bool = False
    """A stated rule leaves the row out: it is not drawn either."""

    @property
    def counts(self) -> bool:
        """Whether the row enters the update."""
        return self.residual is not None and not self.reason


def evidence_rows(benchmark: Benchmark, catalog: Catalog) -> list[Row]:
    """The rows of one replica each, those that a stated rule leaves out with its reason."""
    chip, model = catalog.chip(benchmark.chip), catalog.model(benchmark.model)
    return apply_rules([evidence_row(benchmark, row, chip, model) for row in benchmark.rows], OWN_RULES)


def judged_rows(benchmark: Benchmark, catalog: Catalog, overrides: Mapping[str, Override]) -> tuple[JudgedRow, ...]:
    """Every row of a benchmark, judged under the scenario's figures; UnknownRecordError for its chip or model."""
    rows = evidence_rows(benchmark, catalog)
    values: Values = central_values(catalog.chip(benchmark.chip), overrides)
    found = compared_rows(rows, values)
    return tuple(
        _judged(row, evidence, one, why) for row, evidence, (one, why) in zip(benchmark.rows, rows, found, strict=True)
    )


def compared_rows(rows: list[Row], values: Values) -> list[tuple[Compared | None, str]]:
    """Each row that no rule left out beside the engine, and why there is nothing to compare."""
    inside = [row for row in rows if not row.skipped]
    try:
        made = iter(compared(inside, values))
    except ExplorerError as error:
        return [(None, row.skipped or str(error)) for row in rows]
    return [(None, row.skipped) if row.skipped else (next(made), "") for row in rows]


def _judged(row: BenchmarkRow, evidence: Row, one: Compared | None, why: str) -> JudgedRow:
    if one is None:
        if not why:
            timed = any(name.startswith("tpot") for name in evidence.measured) or THROUGHPUT in evidence.measured
            why = (
                "the model does not fit this layout, or more was waiting than memory holds"
                if timed
                else "neither a time per token nor tokens/s: shown, not used"
            )
        return JudgedRow(row, "", None, None, None, why, bool(evidence.skipped))
    residual = float(one.residual[0])
    reason = ""
    if abs(residual) > MOST_RESIDUAL:
        times = f"{number_text(float(np.exp(abs(residual))), 2)} times {'slower' if residual > 0 else 'faster'}"
        reason = f"{times} than predicted: not this chip, model or layout"
    return JudgedRow(row, one.metric, one.measured, one.predicted, residual, reason)

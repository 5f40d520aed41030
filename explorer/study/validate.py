"""The engine against measured rows: read the tables, leave out by stated rules, predict, and say how far off."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from explorer.catalog import Catalog
from explorer.catalog.location import resource_root
from explorer.errors import ExplorerError
from explorer.study.evidence.constants import ServingConstants, serving_constants
from explorer.study.evidence.mlperf_table import mlperf_rows
from explorer.study.evidence.names import Names
from explorer.study.evidence.predict import LoopParts, Prediction, predict
from explorer.study.evidence.rows import LATENCIES, UNKNOWN_CHIP, UNKNOWN_MODEL, Row
from explorer.study.evidence.rules import MLPERF_RULES, SERVING_RULES, apply_rules, without_cold_starts
from explorer.study.evidence.serving_table import serving_rows
from explorer.study.evidence.table import EvidenceTable, read_tables
from explorer.study.evidence.widths import half_width

ROW_COLUMNS = (
    "id",
    "chip",
    "model",
    "metric",
    "measured",
    "predicted",
    "low90",
    "high90",
    "evidence_grade",
    "skipped_because",
)
"""Columns of the table of rows; latencies in milliseconds as in the tables read, rates a second."""

NOT_PREDICTED = "this metric is not predicted for this kind of run"


@dataclass(frozen=True)
class Validation:
    """Rows read, what was predicted of them, and why the others were not."""

    rows: Sequence[Row]
    predictions: Sequence[Prediction]
    set_aside: Sequence[Prediction]
    """Predictions of single metrics that a rule set aside from the judgement."""
    parts: Sequence[LoopParts]
    failures: dict[str, str]

    @property
    def skipped(self) -> Counter[str]:
        """How many rows each rule left out, unknown chips and models included."""
        return Counter(row.skipped for row in self.rows if row.skipped)

    @property
    def aside(self) -> Counter[str]:
        """How many single metrics of predicted rows a rule set aside."""
        return Counter(value.row.set_aside[value.metric] for value in self.set_aside)

    @property
    def predictable(self) -> int:
        """Rows of known chip and model that no rule left out."""
        return sum(1 for row in self.rows if not row.skipped)

    @property
    def predicted(self) -> int:
        """Rows with a prediction of at least one metric."""
        return len({prediction.row.id for prediction in self.predictions})

    @property
    def unknown(self) -> Counter[str]:
        """Labels of chips and models that are not in the catalogue, with their rows."""
        found: Counter[str] = Counter()
        for row in self.rows:
            if row.skipped == UNKNOWN_CHIP:
                found[f"chip {row.chip_label or '(none)'}"] += 1
            elif row.skipped == UNKNOWN_MODEL:
                found[f"model {row.model_label or '(none)'}"] += 1
        return found

    def worst(self, count: int = 10) -> list[Prediction]:
        """The predictions furthest off, one a row."""
        ordered = sorted([*self.predictions, *self.set_aside], key=lambda value: -abs(value.residual))
        seen: dict[str, Prediction] = {}
        for value in ordered:
            seen.setdefault(value.row.id, value)
            if len(seen) == count:
                break
        return list(seen.values())


def shipped_tables() -> list[Path]:
    """The measured tables that come with the program."""
    return sorted((resource_root() / "evidence").glob("*.csv"))


def validate(paths: Sequence[Path], catalog: Catalog, serving: ServingConstants | None = None) -> Validation:
    """Predict every row of the tables that no stated rule leaves out; without a path, of the shipped ones.

    Raises EvidenceTableError for a file that is no such table.
    """
    rows = _ruled_rows(paths or shipped_tables(), catalog)
    found = predict(rows, serving or serving_constants())
    return Validation(rows, found.values, found.set_aside, found.parts, found.failures)


def shipped_rows(catalog: Catalog) -> list[Row]:
    """Every row of the shipped tables, with the rule that left it out where one did."""
    return _ruled_rows(shipped_tables(), catalog)


def _ruled_rows(paths: Sequence[Path], catalog: Catalog) -> list[Row]:
    names = Names(catalog)
    tables = [table for path in paths for table in read_tables(path)]
    if not tables:
        raise ExplorerError("no measured tables are shipped with this program; name a CSV file")
    return _told_apart([row for kind in ("serving", "mlperf") for row in _ruled(kind, tables, names)])


def _told_apart(rows: Sequence[Row]) -> list[Row]:
    """The same rows, each with an id of its own: one that was there before, or none at all, gets a number."""
    seen: Counter[str] = Counter()
    result = []
    for row in rows:
        seen[row.id] += 1
        again = seen[row.id] > 1 or not row.id
        result.append(replace(row, id=f"{row.id}#{seen[row.id]}") if again else row)
    return result


def _ruled(kind: str, tables: Sequence[EvidenceTable], names: Names) -> list[Row]:
    """Rows of all tables of a kind, ruled together: the same measurement may stand in two of them."""
    mine = [table for table in tables if table.kind == kind]
    if kind == "serving":
        ruled = apply_rules([row for table in mine for row in serving_rows(table, names)], SERVING_RULES)
        return without_cold_starts(ruled)
    return apply_rules([row for table in mine for row in mlperf_rows(table, names)], MLPERF_RULES)


def shown(metric: str, value: float) -> float:
    """A value in the unit of the tables: milliseconds for latencies, else as it is."""
    return value * 1e3 if metric in LATENCIES else value


def write_rows(found: Validation, path: Path) -> None:
    """Every input row with each of its metrics, predicted or not, and why not.

    Raises ExplorerError when the file cannot be written.
    """
    predictions = {(value.row.id, value.metric): value for value in (*found.predictions, *found.set_aside)}
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(ROW_COLUMNS)
            for row in found.rows:
                writer.writerows(_lines(row, predictions, found.failures))
    except OSError as error:
        raise ExplorerError(f"{path}: cannot be written ({error}); name a file in a folder you may write to") from error


def _lines(row: Row, predictions: dict[tuple[str, str], Prediction], failures: dict[str, str]) -> list[tuple[str, ...]]:
    chip = row.chip.id if row.chip is not None else row.chip_label
    model = row.model.id if row.model is not None else row.model_label
    reason = row.skipped or failures.get(row.id, "")
    lines = []
    for metric, measured in row.measured.items() or ((("", float("nan"))),):
        value = predictions.get((row.id, metric))
        numbers = ["" if np.isnan(measured) else f"{shown(metric, measured):.6g}", "", "", ""]
        why = reason or row.set_aside.get(metric, "") or ("" if value else NOT_PREDICTED)
        if value is not None:
            width = half_width(row, metric)
            low, high = value.predicted * np.exp(-width), value.predicted * np.exp(width)
            numbers[1:] = [f"{shown(metric, one):.6g}" for one in (value.predicted, low, high)]
        lines.append((row.id, chip, model, metric, *numbers, row.grade, why))
    return lines

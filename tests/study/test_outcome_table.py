"""The table of an outcome holds every figure of its JSON, under headings with units, and the same to the last digit."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.study.evaluate import evaluate
from explorer.study.export import outcome_data
from explorer.study.outcome import Outcome
from explorer.study.outcome_table import _FIGURES, HEADINGS, csv_of, outcome_rows
from tests.study.asking import alternative, scenario, workload


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.fixture(scope="module")
def outcome(catalog: Catalog) -> Outcome:
    """Two workloads, in one of which nothing fits."""
    chat = workload(alternative("qcom-ai200"), alternative("nv-h200"))
    tight = workload(alternative("nv-l4", parallelism_degree=1), preset="kimi-k2", name="tight")
    return evaluate(scenario(chat, tight), catalog)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    else:
        yield path, value


def test_that_there_is_a_row_an_alternative_and_no_heading_stands_twice(outcome: Outcome) -> None:
    rows = outcome_rows(outcome)
    assert [(row[HEADINGS.index("workload")], row[HEADINGS.index("alternative")]) for row in rows] == [
        ("chat", "AI200"), ("chat", "H200"), ("tight", "nv-l4"),
    ]  # fmt: skip
    assert len(set(HEADINGS)) == len(HEADINGS)
    assert all(len(row) == len(HEADINGS) for row in rows)


def test_that_every_figure_of_the_json_has_a_column_and_the_same_value(outcome: Outcome) -> None:
    table = list(csv.DictReader(io.StringIO(csv_of(HEADINGS, outcome_rows(outcome)))))
    told = [one for work in outcome_data(outcome)["workloads"] for one in work["alternatives"]]
    columns = {path: title for title, path in _FIGURES}
    for row, one in zip(table, told, strict=True):
        for path, value in leaves({**one, "memory": {**one["memory"], "step_read_s": None}}):
            if path.startswith("own_benchmark") or path.endswith(".reason") or value is None:
                continue
            if path not in columns and path.endswith("_band.value"):
                assert path.removesuffix("_band.value") in columns
                continue
            cell = row[columns[path]]
            if isinstance(value, bool):
                assert cell == ("yes" if value else "no")
            elif isinstance(value, float | int):
                assert float(cell) == value, path
            else:
                assert cell == value


def test_that_what_has_no_value_is_empty_and_its_reason_stands_beside_it(outcome: Outcome) -> None:
    row = list(csv.DictReader(io.StringIO(csv_of(HEADINGS, outcome_rows(outcome)))))[2]
    assert row["P99 TTFT (s)"] == "" and row["cost (USD/month)"] == ""
    assert row["fits"] == "no" and row["reason"]

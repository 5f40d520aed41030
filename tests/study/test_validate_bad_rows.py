"""Real rows with spoilt cells: each is predicted or left out with a reason, and nothing falls over."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import load_catalog
from explorer.catalog.location import resource_root
from explorer.study.evidence.report import report_data, report_text
from explorer.study.validate import validate, write_rows

SPOILT = (
    "",
    "0",
    "-5",
    "nan",
    "inf",
    "1e9",
    "abc",
    "0.001",
    "72",
    "1",
    "~3",
    "max",
    "7 (+-2)",
    "999999",
    "fp4",
    "3.7",
    "H100-SXM",
    "H100-SXM + H200-SXM",
    "é",
)


@pytest.mark.parametrize("name", ["serving.csv", "serving-share-alike.csv", "mlperf.csv"])
@pytest.mark.parametrize("seed", range(4))
def test_that_every_row_with_spoilt_cells_is_predicted_or_has_a_reason(name: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(f"{name}{seed}")
    with (resource_root() / "evidence" / name).open(encoding="utf-8", newline="") as file:
        rows = chance.sample(list(csv.DictReader(file)), 60)
    for row in rows:
        for column in chance.sample([column for column in row if column != "id"], 4):
            row[column] = chance.choice(SPOILT)
    path = tmp_path / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    found = validate([path], load_catalog())
    said = {value.row.id for value in (*found.predictions, *found.set_aside)}
    assert all(np.isfinite(value.predicted) and value.predicted > 0 for value in found.predictions)
    assert all(row.skipped or row.id in said or found.failures.get(row.id) for row in found.rows)
    write_rows(found, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert {line["id"] for line in csv.DictReader(file)} == {row["id"] for row in rows}
    assert report_text(found) and report_data(found)["rows"] == 60

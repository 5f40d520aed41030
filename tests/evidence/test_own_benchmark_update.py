"""The update by one's own benchmark on public measurements: a quarter of each run's rows must help with the others.

Whole configurations (chip, model, framework and its release, format, ranks) stand for a user's own; every fourth row
is what was measured, the others are judged. Budgets are stated with what was reached on 2026-11-28.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.study.benchmarks.posterior import posterior, spreads_of
from explorer.study.evidence.constants import serving_constants
from explorer.study.evidence.predict import Prediction, predict
from explorer.study.validate import shipped_rows

FEWEST = 4


@dataclass(frozen=True)
class Judged:
    """Absolute errors (ln) of the rows that were held back, before and after, and the share inside the new band."""

    before: np.ndarray
    after: np.ndarray
    covered: float
    narrowest: float
    """The half-width of the band after the update, ln; of the grade before."""
    grade: float


@pytest.fixture(scope="module")
def groups() -> list[list[Prediction]]:
    """Predictions of the time per token in closed loops, by configuration."""
    catalog: Catalog = load_catalog()
    rows = [row for row in shipped_rows(catalog) if not row.skipped and row.run == "closed"]
    found: dict[tuple[object, ...], list[Prediction]] = defaultdict(list)
    for one in predict(rows, serving_constants()).values:
        row = one.row
        if one.metric == "tpot_mean" and row.chip is not None and row.model is not None:
            key = (row.chip.id, row.model.id, row.framework, row.release, row.weight_precision, row.tp, row.dp)
            found[key].append(one)
    return [group for group in found.values() if len(group) >= FEWEST]


def judged(groups: Sequence[list[Prediction]], kind: str, grade: str | None) -> Judged:
    """Update each configuration by every fourth row; `grade` as if the chip were known by no more than that."""
    before: list[float] = []
    after: list[float] = []
    inside: list[bool] = []
    widths: list[tuple[float, float]] = []
    for group in groups:
        if ("moe" if group[0].row.is_moe else "dense") != kind:
            continue
        spreads = spreads_of(grade or group[0].row.grade, kind)
        ordered = sorted(group, key=lambda one: (one.row.prompt, one.row.output, one.row.concurrency))
        found = posterior([[-one.residual for one in ordered[::4]]], spreads)
        widths.append((1.645 * found.spread, 1.645 * spreads.grade))
        for at, one in enumerate(ordered):
            if at % 4:
                error = -one.residual - found.mean
                before.append(abs(one.residual))
                after.append(abs(error))
                inside.append(abs(error) <= 1.645 * found.spread)
    assert len(before) >= 100, "too few rows to judge anything by"
    half, grade_half = np.median(np.array(widths), axis=0)
    return Judged(np.array(before), np.array(after), float(np.mean(inside)), float(half), float(grade_half))


@pytest.mark.parametrize("kind", ["dense", "moe"])
@pytest.mark.parametrize("grade", [None, "datasheet"], ids=["own grade", "as if by data sheet"])
def test_that_measured_rows_bring_the_others_closer_and_the_narrower_band_holds_them(
    groups: list[list[Prediction]], kind: str, grade: str | None
) -> None:
    found = judged(groups, kind, grade)
    # reached, medians: dense 3.9 -> 3.8 and 3.6 %, routed experts 10.3 -> 6.9 and 5.1 %; P90 12.1 -> 11.8 and 12.2,
    # 24.2 -> 19.3 and 18.6 %
    assert np.median(found.after) <= (0.85 if kind == "moe" else 1.0) * np.median(found.before)
    # where the engine was right already a few noisy rows may cost a little, and no more than that
    assert np.quantile(found.after, 0.9) <= 1.02 * np.quantile(found.before, 0.9)
    # reached: 93-98 %
    assert found.covered >= 0.87
    assert found.narrowest < found.grade


def test_that_a_chip_known_by_its_data_sheet_is_known_twice_as_well_after_one_run(
    groups: list[list[Prediction]],
) -> None:
    found = judged(groups, "dense", "datasheet")
    # reached: x/div 1.65 -> 1.25
    assert found.narrowest <= 0.5 * found.grade

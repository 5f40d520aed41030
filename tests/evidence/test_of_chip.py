"""What stands behind a chip: its measurements, the engine's error on them, and the notice that must go with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.errors import ExplorerError
from explorer.scenario.file import read_scenario
from explorer.scenario.path import replace
from explorer.study.evidence.of_chip import KIND_TITLES, ChipEvidence, chips_evidence
from explorer.study.figure_sources import OWN, figure_sources

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.fixture(scope="module")
def found(catalog: Catalog) -> dict[str, ChipEvidence]:
    """A chip that was measured, one that was not, and one with MLPerf results."""
    return chips_evidence(catalog, ("nv-h200", "qcom-ai200", "aws-inf2"))


def test_that_a_chip_nobody_measured_has_no_points_and_a_wide_band(found: dict[str, ChipEvidence]) -> None:
    ai200, h200 = found["qcom-ai200"], found["nv-h200"]
    assert ai200.points == () and ai200.scores == () and ai200.notice == ""
    assert ai200.grade == "undisclosed" and ai200.step_factor > h200.step_factor > 1.0


def test_that_the_scores_are_those_of_the_points(found: dict[str, ChipEvidence]) -> None:
    one = found["nv-h200"]
    assert {score.kind for score in one.scores} <= set(KIND_TITLES)
    for score in one.scores:
        mine = [point for point in one.points if point.kind == score.kind]
        errors = [abs(point.predicted / point.measured - 1.0) for point in mine]
        assert len(mine) == score.rows
        assert float(np.median(errors)) == pytest.approx(score.median_error)
        assert float(np.mean([point.inside for point in mine])) == pytest.approx(score.coverage)


def test_that_results_of_mlperf_never_stand_without_their_notice(found: dict[str, ChipEvidence]) -> None:
    assert "not verified by MLCommons Association" in found["nv-h200"].notice
    assert "MLPerf" not in found["aws-inf2"].notice


def test_that_every_point_says_what_ran_and_who_measured_it(found: dict[str, ChipEvidence]) -> None:
    for point in found["nv-h200"].points:
        assert point.words.count(" · ") >= 2 and point.measured > 0 and point.predicted > 0


def test_that_an_unknown_chip_is_an_error_that_names_it(catalog: Catalog) -> None:
    with pytest.raises(ExplorerError, match="abacus"):
        chips_evidence(catalog, ("abacus",))


def test_that_every_figure_has_a_source_or_a_reason(catalog: Catalog) -> None:
    scenario = read_scenario(SCENARIOS / "ai200-on-aws.toml", catalog).scenario
    for chip in catalog.chips:
        for one in figure_sources(scenario, catalog, chip):
            assert one.value and (one.source or one.reason), f"{chip}: {one.title}"


def test_that_open_figures_come_first_and_disputed_ones_give_their_readings(catalog: Catalog) -> None:
    scenario = read_scenario(SCENARIOS / "ai200-on-aws.toml", catalog).scenario
    figures = figure_sources(scenario, catalog, "qcom-ai200")
    assert figures[0].name == "memory_bandwidth" and figures[0].status == "disputed"
    assert "vendor" in figures[0].spread and "sceptic" in figures[0].spread
    open_ones = [bool(one.spread) for one in figures if one.counts]
    assert open_ones == sorted(open_ones, reverse=True)


def test_that_an_own_value_is_called_one(catalog: Catalog) -> None:
    scenario = read_scenario(SCENARIOS / "ai200-on-aws.toml", catalog).scenario
    asked = replace(
        scenario,
        "overrides.qcom-ai200.memory_bandwidth",
        {"value": 5.0, "unit": "TB/s", "reason": "told by the vendor"},
    )
    one = next(one for one in figure_sources(asked, catalog, "qcom-ai200") if one.name == "memory_bandwidth")
    assert (one.value, one.status, one.spread, one.reason) == ("5 TB/s", OWN, "", "told by the vendor")

"""The win map agrees with the full evaluation of its cells, and with what cannot be otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as with_parts
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.errors import ExplorerError
from explorer.scenario.file import read_scenario
from explorer.scenario.path import several
from explorer.scenario.schema import Scenario
from explorer.study.evaluate import evaluate
from explorer.study.figures import FigureSets
from explorer.study.map_axes import AXES, MapQuestion, axis_values, moved
from explorer.study.win_map import win_map
from explorer.study.win_map_record import WinMap

SMALL = MapQuestion(columns=7, rows=9, samples=8)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalogue, of few chips: the rest would only take time."""
    shipped = load_catalog()
    kept = ("qcom-ai200", "nv-h200", "aws-trn2", "nv-gb200-nvl72", "nv-l40s", "nv-h100-sxm", "amd-mi300x")
    return with_parts(shipped, chips={chip: shipped.chip(chip) for chip in kept})


@pytest.fixture(scope="module")
def founding(scenarios_folder: Path) -> Scenario:
    """The founding question, answered by the closed form."""
    found = read_scenario(scenarios_folder / "ai200-on-aws.toml").scenario
    return several(found, {"simulation.method": "closed_form"})


def whole(catalog: Catalog, scenario: Scenario, question: MapQuestion = SMALL) -> WinMap:
    """The finished map."""
    steps = win_map(catalog, FigureSets(catalog), scenario, question)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: WinMap = end.value
            return found


def changed(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """The scenario with settings changed."""
    return several(scenario, changes)


@pytest.fixture(scope="module")
def small(catalog: Catalog, founding: Scenario) -> WinMap:
    """A small map of the founding question."""
    return whole(catalog, founding)


def cheapest(catalog: Catalog, scenario: Scenario, map_: WinMap) -> dict[str, float]:
    """USD a month of every contestant that keeps the promises, by the full evaluation."""
    workload = scenario.workloads[map_.workload]
    chosen = next(one for one in workload.alternatives if one.name == workload.selected)
    found: dict[str, float] = {}
    for one in map_.contestants:
        alternative = chosen.model_copy(
            update={"name": one.chip, "chip": one.chip, "cloud": one.cloud, "parallelism_degree": "auto"}
        )
        asked = workload.model_copy(update={"alternatives": (alternative,), "selected": one.chip})
        outcome = evaluate(scenario.model_copy(update={"workloads": (asked,)}), catalog, samples=8)
        answer = outcome.workloads[0].alternatives[0]
        if answer.keeps_promises and answer.cost.usd_per_month is not None and one.reachable:
            found[one.chip] = answer.cost.usd_per_month.value
    return found


@pytest.mark.parametrize("up", ["tpot", "ttft", "rate"])
@pytest.mark.parametrize("bursty", [1.0, 2.0])
def test_that_cells_are_as_the_full_evaluation_has_them(
    up: str, bursty: float, catalog: Catalog, founding: Scenario
) -> None:
    founding = changed(founding, {"workloads.0.traffic.arrival_cv": bursty})
    question = with_parts(SMALL, up=up)
    map_ = whole(catalog, founding, question)
    workload_axes = (AXES[map_.across], AXES[map_.up])
    for column, row in ((0, 2), (2, 6), (3, 4), (4, 5), (5, 7)):
        there = founding
        for axis, value in zip(workload_axes, (map_.x[column], map_.y[row]), strict=True):
            there = moved(there, question, axis, float(value))
        wanted = cheapest(catalog, there, map_)
        winner = int(map_.winner[column, row])
        if not wanted:
            assert winner < 0, (column, row)
            continue
        assert winner >= 0, (column, row, wanted)
        chip = map_.contestants[winner].chip
        least = min(wanted.values())
        # a replica more or less where the need lies next to a whole number
        assert wanted[chip] <= least * 1.02, (column, row, chip, wanted)
        one_more = map_.degree[column, row] / max(int(map_.chips[column, row]), 1)
        assert map_.usd_per_month[column, row] == pytest.approx(wanted[chip], rel=0.02 + one_more)


def test_that_a_looser_promise_is_never_dearer(small: WinMap) -> None:
    usd = np.asarray(small.usd_per_month, dtype=np.float64)
    assert np.all(usd[:, 1:] <= usd[:, :-1] * (1.0 + 1e-6))


def test_that_more_requests_are_never_cheaper(catalog: Catalog, founding: Scenario) -> None:
    map_ = whole(catalog, founding, with_parts(SMALL, up="rate"))
    usd = np.asarray(map_.usd_per_month, dtype=np.float64)
    assert np.all(usd[:, 1:] >= usd[:, :-1] * (1.0 - 1e-6))


def test_that_a_chip_out_of_reach_never_wins_but_is_named(catalog: Catalog, founding: Scenario) -> None:
    """At a tenth of its price AI200 would be the cheapest somewhere; nobody has confirmed that AWS offers it."""
    chip = catalog.chip("qcom-ai200")
    capex = chip.figures["capex"]
    cheap = with_parts(capex, low=capex.low / 10, value=capex.value / 10, high=capex.high / 10)
    cheaper = with_parts(chip, figures={**chip.figures, "capex": cheap})
    map_ = whole(with_parts(catalog, chips={**catalog.chips, chip.id: cheaper}), founding)
    ai200 = next(one for one in map_.contestants if one.chip == chip.id)
    assert not ai200.reachable and "unconfirmed" in ai200.note
    at = map_.contestants.index(ai200)
    assert not np.any(map_.winner == at) and not np.any(map_.runner_up == at)
    assert np.any(map_.would_win == at)
    assert "AMD Instinct MI300X" in map_.left_out
    free = changed(founding, {"access.clouds": ()})
    assert "AMD Instinct MI300X" not in whole(catalog, free).left_out


def test_that_a_chip_dearer_and_no_better_never_wins(catalog: Catalog, founding: Scenario) -> None:
    """A twin of H200 at twice the price is dominated by it."""
    h200 = catalog.chip("nv-h200")
    capex = h200.figures["capex"]
    dearer = with_parts(capex, low=2 * capex.high, value=2 * capex.high, high=2 * capex.high)
    twin = with_parts(h200, id="twin", name="Twin", short_name="Twin", figures={**h200.figures, "capex": dearer})
    both = with_parts(catalog, chips={**catalog.chips, "twin": twin})
    map_ = whole(both, founding)
    at = [one.chip for one in map_.contestants].index("twin")
    assert map_.contestants[at].reachable
    assert not np.any(map_.winner == at) and not np.any(map_.would_win == at)


def test_that_the_same_seed_gives_the_same_map(catalog: Catalog, founding: Scenario, small: WinMap) -> None:
    again = whole(catalog, founding)
    for name in ("winner", "probability", "usd_per_month", "would_win", "runner_up"):
        np.testing.assert_array_equal(getattr(again, name), getattr(small, name))
    other = whole(catalog, changed(founding, {"simulation.seed": 7}))
    assert not np.array_equal(other.probability, small.probability)
    np.testing.assert_array_equal(other.winner, small.winner)


def test_that_probabilities_are_shares_of_draws(small: WinMap) -> None:
    counts = np.asarray(small.probability, dtype=np.float64) * small.samples
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-4)
    assert np.all((counts >= 0) & (counts <= small.samples))


def test_that_a_cell_nobody_wins_says_who_comes_closest_and_what_is_missed(
    catalog: Catalog, founding: Scenario
) -> None:
    hopeless = changed(founding, {"workloads.0.objectives.tpot_p99_s": 1e-4})
    map_ = whole(catalog, hopeless)
    lost = map_.winner < 0
    assert lost[:, 0].all()
    assert np.all(map_.closest[:, 0] >= 0)
    assert np.all(np.asarray(map_.shortfall)[:, 0] > 0.0)


def test_that_a_power_limit_keeps_the_hungry_out(catalog: Catalog, founding: Scenario, small: WinMap) -> None:
    dark = whole(catalog, changed(founding, {"price.power_limit_kw": 3.0}))
    assert np.sum(dark.winner >= 0) < np.sum(small.winner >= 0)


def test_that_the_first_picture_covers_the_whole_width(catalog: Catalog, founding: Scenario) -> None:
    question = with_parts(SMALL, columns=24)
    pictures = [one for one in win_map(catalog, FigureSets(catalog), founding, question) if one is not None]
    assert len(pictures) > 2
    assert all(one.winner.shape == (24, 9) for one in pictures)
    assert not pictures[0].done and pictures[0].samples <= question.samples
    known = [one.share_known for one in pictures[1:]]
    assert known == sorted(known)


def test_that_a_map_given_up_half_way_leaves_nothing_running(catalog: Catalog, founding: Scenario) -> None:
    import threading

    steps = win_map(catalog, FigureSets(catalog), founding, SMALL)
    next(steps)
    steps.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("win-map")]


def test_that_axes_hold_the_place_where_the_scenario_stands() -> None:
    for axis in AXES.values():
        values = axis_values(axis, axis.usual * 1.1, 40)
        assert np.isclose(values, axis.usual * 1.1).any()
        assert np.all(np.diff(values) > 0)
        assert values[0] > 0.9 * axis.least


@pytest.mark.parametrize(
    ("given", "named"),
    [({"across": "tpot"}, "across"), ({"up": "size"}, "up"), ({"across": "rate", "up": "rate"}, "up"),
     ({"columns": 1}, "two columns")],
)  # fmt: skip
def test_that_a_map_that_cannot_be_is_refused_by_name(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ExplorerError, match=named):
        MapQuestion(**given)


def test_that_a_workload_that_is_not_there_is_named(catalog: Catalog, founding: Scenario) -> None:
    with pytest.raises(ExplorerError, match="workload 9"):
        whole(catalog, founding, with_parts(SMALL, workload=8))

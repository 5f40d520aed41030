"""The fleet without one chip: the same figures as a scenario that never had it, and the sentence on what it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.catalog import Catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.path import several
from explorer.scenario.schema import Scenario
from explorer.study.board.answer import answer_sentences
from explorer.study.economics import with_economics
from explorer.study.evaluate import evaluate
from explorer.study.fleet_without import fleet_without, what_it_changes
from explorer.study.verdict_table import verdict_text

AI200 = "qcom-ai200"


@pytest.fixture(scope="module")
def founding(catalog: Catalog, scenarios_folder: Path) -> Scenario:
    asked = read_scenario(scenarios_folder / "ai200-on-aws.toml", catalog).scenario
    return several(asked, {"simulation.method": "closed_form", "simulation.samples": 16})


def test_that_a_fleet_without_a_chip_is_the_fleet_of_a_scenario_that_never_had_it(
    founding: Scenario, catalog: Catalog
) -> None:
    before = fleet_without(founding, catalog, evaluate(founding, catalog).fleet, AI200)
    rest = founding.fleet.members[:2]
    never = founding.model_copy(
        update={
            "fleet": founding.fleet.model_copy(
                update={
                    "members": tuple(
                        one.model_copy(update={"traffic_share": share})
                        for one, share in zip(rest, (0.75, 0.25), strict=True)
                    )
                }
            )
        }
    )
    same = evaluate(never, catalog).fleet
    assert before is not None
    assert before.usd_per_month == pytest.approx(same.usd_per_month)
    assert before.total_usd_per_month == pytest.approx(same.total_usd_per_month)
    assert [tier.tier for tier in before.tiers] == [tier.tier for tier in same.tiers]
    for ours, theirs in zip(before.tiers, same.tiers, strict=True):
        assert ours.effective_suppliers.value == pytest.approx(theirs.effective_suppliers.value)
        assert ours.counts == theirs.counts
    assert [pool.chips for pool in before.pools] == [pool.chips for pool in same.pools]


def test_that_evaluate_and_report_say_whether_dependence_is_lowered_or_only_moved(
    founding: Scenario, catalog: Catalog
) -> None:
    outcome = evaluate(founding, catalog)
    said = what_it_changes(founding, catalog, outcome)
    assert said.startswith("Adding Qualcomm AI200 on AWS lowers concentration at chip designer (")
    assert "leaves cloud (all AWS)" in said and "foundry too if AI200 comes from TSMC (undisclosed)" in said
    assert "memory type" not in said and "country" not in said, "tiers that do not count"
    assert said.endswith(" without it.") and said.count("a month") == 1
    assert said in verdict_text(outcome, None, said)
    economics = with_economics(founding, catalog, outcome).economics
    assert economics is not None
    assert said in answer_sentences(outcome, economics, [None, None], said)


def test_that_a_pinned_baseline_tells_which_chip_is_meant(catalog: Catalog, scenarios_folder: Path) -> None:
    asked = read_scenario(scenarios_folder / "diversified-fleet.toml", catalog).scenario
    outcome = evaluate(asked, catalog, samples=8)
    assert outcome.workloads[0].chosen.chip == "nv-h200"
    assert what_it_changes(asked, catalog, outcome).startswith("Adding Qualcomm AI200 on AWS ")


def test_that_nothing_is_said_of_a_chip_that_carries_nothing_or_everything(
    founding: Scenario, catalog: Catalog
) -> None:
    fleet = evaluate(founding, catalog).fleet
    assert fleet_without(founding, catalog, fleet, "nv-b200") is None
    only = several(
        founding,
        {f"fleet.members.{at}.traffic_share": share for at, share in enumerate((0.0, 0.0, 1.0))},
    )
    assert fleet_without(only, catalog, evaluate(only, catalog).fleet, AI200) is None
    uncounted = several(founding, {"fleet.tiers": ()})
    assert what_it_changes(uncounted, catalog, evaluate(uncounted, catalog)) == ""

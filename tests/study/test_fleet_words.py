"""The sentence on what a second designer changes, on the two shipped fleet scenarios and on made-up tiers."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.catalog import Catalog
from explorer.scenario.file import read_scenario
from explorer.study.evaluate import evaluate
from explorer.study.fleet_words import what_changed
from explorer.study.outcome import FleetOutcome
from tests.study.asking import alternative, fleet, scenario, workload


@pytest.fixture(scope="module")
def fleets(catalog: Catalog, scenarios_folder: Path) -> tuple[FleetOutcome, FleetOutcome]:
    """Nvidia alone, and with AI200 on the same cloud."""
    names = ("nvidia-only-fleet.toml", "diversified-fleet.toml")
    before, after = (read_scenario(scenarios_folder / name, catalog).scenario for name in names)
    return evaluate(before, catalog, samples=8).fleet, evaluate(after, catalog, samples=8).fleet


def test_that_ai200_on_aws_spreads_designer_packaging_and_memory_type(
    fleets: tuple[FleetOutcome, FleetOutcome],
) -> None:
    sentence = what_changed(*fleets)
    assert sentence.startswith("Adding Qualcomm AI200 on AWS lowers concentration at ")
    lowered = sentence.partition("; ")[0]
    for tier in ("chip designer", "packaging", "memory type"):
        assert tier in lowered


def test_that_it_leaves_the_cloud_and_a_tsmc_foundry_where_they_were(
    fleets: tuple[FleetOutcome, FleetOutcome],
) -> None:
    sentence = what_changed(*fleets)
    stayed = next(part for part in sentence.split("; ") if part.startswith("leaves "))
    assert "cloud (all AWS)" in stayed
    assert "foundry too if AI200 comes from TSMC (undisclosed)" in stayed
    assert "cloud" not in sentence.partition("; ")[0] and "foundry" not in sentence.partition("; ")[0]


def test_that_the_way_back_raises_what_was_lowered(fleets: tuple[FleetOutcome, FleetOutcome]) -> None:
    sentence = what_changed(fleets[1], fleets[0])
    assert sentence.startswith("Removing Qualcomm AI200 on AWS ")
    raised = next(part for part in sentence.split("; ") if "raises" in part)
    for tier in ("chip designer", "packaging", "memory type"):
        assert tier in raised
    assert "foundry" not in raised and "cloud" not in raised
    assert sentence.count("effective suppliers") == 1


def test_that_the_same_fleet_stays_where_it_was(fleets: tuple[FleetOutcome, FleetOutcome]) -> None:
    assert what_changed(fleets[0], fleets[0]) == "Sharing the traffic otherwise leaves every tier where it was."


def test_that_a_fleet_without_figures_has_no_sentence(catalog: Catalog) -> None:
    empty = evaluate(scenario(workload(alternative("nv-h200")), samples=8), catalog).fleet
    some = evaluate(scenario(workload(alternative("nv-h200")), fleet=fleet(H200=1.0), samples=8), catalog).fleet
    assert what_changed(empty, some) == "" == what_changed(some, empty)

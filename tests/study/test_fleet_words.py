"""The sentence on what a second designer changes, on the two shipped fleet scenarios and on made-up tiers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from explorer.catalog import Catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.path import replace, several
from explorer.study.banded import Banded
from explorer.study.evaluate import evaluate
from explorer.study.fleet_outcome import FleetOutcome
from explorer.study.fleet_words import what_changed
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
    assert what_changed(fleets[0], fleets[0]) == "What was changed leaves every tier where it was."


@pytest.mark.parametrize(("then", "now", "said"), [(1.52, 1.48, ""), (1.48, 1.52, ""), (1.48, 1.58, "lowers")])
def test_that_a_move_that_the_figures_do_not_show_is_none(
    fleets: tuple[FleetOutcome, FleetOutcome], then: float, now: float, said: str
) -> None:
    """ "Lowers concentration at packaging (1.5 to 1.5 effective suppliers)" would say nothing."""

    def with_packaging(suppliers: float) -> FleetOutcome:
        hhi, effective = 10_000.0 / suppliers, suppliers
        tier = next(one for one in fleets[0].tiers if one.tier == "packaging")
        moved = dataclasses.replace(tier, hhi=Banded(hhi, hhi, hhi), effective_suppliers=Banded(*(effective,) * 3))
        return dataclasses.replace(fleets[0], tiers=tuple(moved if one is tier else one for one in fleets[0].tiers))

    sentence = what_changed(with_packaging(then), with_packaging(now))
    if said:
        assert "lowers concentration at packaging (1.5 to 1.6 effective suppliers)" in sentence
    else:
        assert sentence.endswith("leaves every tier where it was.")


def test_that_a_change_of_costs_is_not_called_another_sharing(catalog: Catalog, scenarios_folder: Path) -> None:
    asked = read_scenario(scenarios_folder / "diversified-fleet.toml", catalog).scenario
    before = evaluate(asked, catalog, samples=8).fleet
    dearer = evaluate(replace(asked, "workloads.0.traffic.request_rate_per_s", 6.0), catalog, samples=8).fleet
    sentence = what_changed(before, dearer)
    assert sentence.startswith("What each pool costs has changed: that ")
    assert "Sharing" not in sentence
    first, second = (one.traffic_share for one in asked.fleet.members[:2])
    shares = {"fleet.members.0.traffic_share": first - 0.2, "fleet.members.1.traffic_share": second + 0.2}
    shared = evaluate(several(asked, shares), catalog, samples=8).fleet
    assert what_changed(before, shared).startswith("Sharing the traffic otherwise ")


def test_that_a_fleet_without_figures_has_no_sentence(catalog: Catalog) -> None:
    empty = evaluate(scenario(workload(alternative("nv-h200")), samples=8), catalog).fleet
    some = evaluate(scenario(workload(alternative("nv-h200")), fleet=fleet(H200=1.0), samples=8), catalog).fleet
    assert what_changed(empty, some) == "" == what_changed(some, empty)

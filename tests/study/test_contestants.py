"""Who may win: what can be had where one buys, by when, at a price somebody has published."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.path import several
from explorer.scenario.schema import Scenario
from explorer.study.contestants import field_of
from explorer.study.figures import FigureSets


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.fixture(scope="module")
def founding(scenarios_folder: Path) -> Scenario:
    """The founding question: AWS only, one cost-plus formula."""
    return read_scenario(scenarios_folder / "ai200-on-aws.toml").scenario


def test_that_the_compared_come_first_and_everyone_left_out_has_a_reason(catalog: Catalog, founding: Scenario) -> None:
    found = field_of(catalog, FigureSets(catalog), founding, founding.workloads[0], 8)
    compared = [one.chip for one in founding.workloads[0].alternatives]
    assert [one.deployment.chip.id for one in found.contestants[: len(compared)]] == compared
    assert [one.alternative for one in found.contestants[: len(compared)]] == list(range(len(compared)))
    assert all(one.alternative is None and one.reachable for one in found.contestants[len(compared) :])
    named = {one.deployment.chip.name for one in found.contestants}
    assert not named & set(found.left_out)
    assert len(named) + len(found.left_out) == len(catalog.chips)
    assert all(found.left_out.values())


def test_that_a_chip_without_a_published_price_cannot_win_on_offers(catalog: Catalog, founding: Scenario) -> None:
    offers = several(founding, {"price.basis": "offer"})
    found = field_of(catalog, FigureSets(catalog), offers, offers.workloads[0], 8)
    ai200 = [one for one in found.contestants if one.deployment.chip.id == "qcom-ai200"]
    assert all(not one.reachable for one in ai200)
    assert all(not one.price.hypothetical for one in found.contestants if one.reachable)


def test_that_what_is_set_by_hand_does_not_bind_the_map(catalog: Catalog, founding: Scenario) -> None:
    fixed = several(founding, {"workloads.0.alternatives.1.parallelism_degree": 8})
    found = field_of(catalog, FigureSets(catalog), fixed, fixed.workloads[0], 8)
    settings = found.contestants[1].deployment.settings
    assert (settings.parallelism_degree, settings.layout, settings.replicas) == ("auto", "auto", "auto")

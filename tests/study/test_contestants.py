"""Who may win: what can be had where one buys, by when, at a price somebody has published."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.path import several
from explorer.scenario.schema import Access, Scenario
from explorer.study.contestants import field_of, not_yet, offered_at, places_within_reach
from explorer.study.figures import FigureSets


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.fixture(scope="module")
def founding(scenarios_folder: Path) -> Scenario:
    """The founding question: AWS only, one cost-plus formula."""
    return read_scenario(scenarios_folder / "ai200-on-aws.toml").scenario


def test_that_a_chip_cannot_be_had_before_its_day(catalog: Catalog) -> None:
    assert not_yet(catalog.chip("qcom-ai250"), "2026-11-22") == "not before 2027"
    assert not_yet(catalog.chip("qcom-ai250"), "2027-01-01") == ""
    assert not_yet(catalog.chip("nv-h200"), "2026-11-22") == ""
    assert not_yet(catalog.chip("nv-h200"), "2024-10-31") == "not before 2024-11"
    assert not_yet(catalog.chip("msft-maia200"), "2026-11-22") == "not offered to anyone else"


def test_that_a_claim_is_no_offer(catalog: Catalog) -> None:
    known, note = offered_at(catalog, catalog.chip("qcom-ai200"), "AWS", Access())
    assert not known and "claimed, unconfirmed" in note
    assert offered_at(catalog, catalog.chip("nv-h200"), "AWS", Access()) == (True, "")
    assert not offered_at(catalog, catalog.chip("nv-h200"), "Vultr", Access())[0]


def test_that_an_offer_elsewhere_in_the_world_is_out_of_reach(catalog: Catalog) -> None:
    chip = catalog.chip("nv-h200")
    regions = {one.region for one in catalog.offers_for(chip.id, "AWS") if not one.hypothetical}
    assert offered_at(catalog, chip, "AWS", Access(regions=tuple(regions)))[0]
    known, note = offered_at(catalog, chip, "AWS", Access(regions=("nowhere-1",)))
    assert not known and "in no region within reach" in note


def test_that_clouds_and_premises_say_where_a_chip_can_be_had(catalog: Catalog) -> None:
    mi300x, h800 = catalog.chip("amd-mi300x"), catalog.chip("nv-h800")
    assert places_within_reach(catalog, mi300x, Access(clouds=("AWS",))) == ()
    assert places_within_reach(catalog, mi300x, Access(clouds=("AWS", "Azure"))) == ("Azure",)
    assert "Azure" in places_within_reach(catalog, mi300x, Access())
    assert places_within_reach(catalog, h800, Access(clouds=("AWS",))) == ()
    assert places_within_reach(catalog, h800, Access(clouds=("AWS",), on_premises=True)) == ("",)


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

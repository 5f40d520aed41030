"""A price is never taken for more than it is: the assumed, the old and that of another region are called so."""

from __future__ import annotations

import pytest

from explorer.catalog import Catalog
from explorer.scenario.schema import Price, Scenario
from explorer.study.cost_parts import workload_money
from explorer.study.evaluate import evaluate
from explorer.study.export import outcome_data
from explorer.study.outcome import Outcome
from explorer.study.price_words import price_marks, price_remarks
from explorer.study.verdict_table import verdict_text
from tests.study.asking import alternative, scenario, workload


def offered(as_of: str, region: str = "") -> Scenario:
    """AI200, whose only price is a guess, and H200 at AWS, at what is offered on demand."""
    compared = workload(alternative("qcom-ai200"), alternative("nv-h200"))
    return scenario(compared, price=Price(basis="offer", region=region)).model_copy(update={"as_of": as_of})


@pytest.fixture(scope="module")
def later(catalog: Catalog) -> Outcome:
    """A year after the prices were read."""
    return evaluate(offered("2027-09-01"), catalog, 8)


def test_that_a_guess_and_an_old_price_are_called_so_in_the_table(later: Outcome) -> None:
    text = verdict_text(later)
    assert "AI200: assumed price, nobody published it" in text
    assert "AI200: stale price, older than half a year" in text
    assert "H200: stale price, older than half a year" in text
    assert "H200: assumed price" not in text
    assert "needed price" not in text, "nobody solved for what it would have to be"


def test_that_one_wording_serves_the_tile_and_the_cost_page(later: Outcome, catalog: Catalog) -> None:
    ai200 = later.workloads[0].alternatives[0].cost
    assert price_marks(ai200) == ("assumed price", "stale price")
    shown = workload_money(offered("2027-09-01"), catalog, later)[0].alternatives[0].price_source
    assert shown == f"{ai200.price_source}; assumed price, nobody published it; stale price, older than half a year"


def test_that_a_price_of_another_region_is_said_to_be(catalog: Catalog) -> None:
    asked = evaluate(offered("2026-11-22", "eu-central-1"), catalog, 8)
    cost = asked.workloads[0].alternatives[1].cost
    offers = catalog.offers_for("nv-h200", "AWS", "on_demand")
    assert "eu-central-1" not in {one.region for one in offers}
    said = next(words for words in price_remarks(cost) if words.startswith("no offer in eu-central-1: price of "))
    assert said.removeprefix("no offer in eu-central-1: price of ") in {one.region for one in offers}
    assert cost.price_source.startswith(f"{said}; AWS ")
    assert f"H200: {said}" in verdict_text(asked)
    assert outcome_data(asked)["workloads"][0]["alternatives"][1]["price_elsewhere"] == said


def test_that_a_price_of_the_region_asked_for_needs_no_remark(catalog: Catalog) -> None:
    region = catalog.offers_for("nv-h200", "AWS", "on_demand")[0].region
    for where in (region, ""):
        cost = evaluate(offered("2026-11-22", where), catalog, 8).workloads[0].alternatives[1].cost
        assert cost.price_elsewhere == "" and "no offer in" not in cost.price_source

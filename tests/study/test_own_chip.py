"""A chip of the user's own of whose suppliers nothing is recorded: compared like any other, no member of a fleet."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.catalog.location import resource_root
from explorer.errors import MissingSuppliersError
from explorer.scenario.path import several
from explorer.scenario.schema import FleetMember, Scenario
from explorer.study.economics import evaluate_with_economics
from explorer.study.evaluate import evaluate
from explorer.study.what_matters import what_matters
from tests.study.asking import alternative, scenario, workload


@pytest.fixture(scope="module")
def own_catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder: Path = tmp_path_factory.mktemp("own")
    (folder / "chips").mkdir()
    text = (resource_root() / "chips" / "nv-h200.toml").read_text(encoding="utf-8")
    mine = text.replace('id = "nv-h200"', 'id = "mine"').replace('name = "Nvidia H200"', 'name = "Mine"')
    (folder / "chips" / "mine.toml").write_text(mine, encoding="utf-8")
    return load_catalog(folder)


@pytest.fixture(scope="module")
def asked() -> Scenario:
    two = scenario(workload(alternative("nv-h200"), alternative("mine")))
    return several(two, {"price.basis": "cost_plus", "simulation.samples": 32})


def test_that_it_is_compared_priced_and_judged(own_catalog: Catalog, asked: Scenario) -> None:
    outcome = evaluate_with_economics(asked, own_catalog)
    known, own = outcome.workloads[0].alternatives
    assert own.cost.usd_per_month is not None and known.cost.usd_per_month is not None
    assert own.chips_total == known.chips_total
    assert outcome.economics is not None
    money = outcome.economics.money[0].alternatives
    move = next(one.move for one in money if one.name == own.name)
    assert move is not None and move.switching_usd > 0.0, "its stack is taken for one of its own"
    assert what_matters(asked, own_catalog, 0, 64) is not None


def test_that_in_a_fleet_its_suppliers_are_asked_for_by_file(own_catalog: Catalog, asked: Scenario) -> None:
    member = FleetMember(name="Mine", chip="mine", cloud="", traffic_share=1.0)
    alone = asked.model_copy(update={"fleet": asked.fleet.model_copy(update={"members": (member,)})})
    with pytest.raises(MissingSuppliersError, match=r"suppliers/mine\.toml to your own catalogue folder"):
        evaluate(alone, own_catalog)
    assert own_catalog.software_stacks("mine") != own_catalog.software_stacks("nv-h200")

"""Economics in parts: each is what it is among all, and what was not asked for says so."""

from __future__ import annotations

import pytest

from explorer.catalog import Catalog
from explorer.scenario.schema import Scenario
from explorer.study.economics import NOT_LOOKED_AT, Economics, Part, economics
from explorer.study.evaluate import evaluate
from explorer.study.export_economics import economics_data
from explorer.study.outcome import Outcome
from tests.study.asking import alternative, fleet, scenario, workload


@pytest.fixture(scope="module")
def asked() -> Scenario:
    return scenario(
        workload(alternative("nv-h200"), alternative("qcom-ai200"), traffic={"request_rate_per_s": 60.0}),
        fleet=fleet(H200=0.7, AI200=0.3),
        samples=8,
    )


@pytest.fixture(scope="module")
def outcome(asked: Scenario, catalog: Catalog) -> Outcome:
    return evaluate(asked, catalog)


@pytest.fixture(scope="module")
def every(asked: Scenario, catalog: Catalog, outcome: Outcome) -> Economics:
    return economics(asked, catalog, outcome)


FIELDS: dict[Part, tuple[str, ...]] = {
    "money": ("money",), "fleet": ("dependence", "frontier"), "shocks": ("shocks", "usual_shocks"),
}  # fmt: skip


@pytest.mark.parametrize("part", list(FIELDS))
def test_that_a_part_alone_is_what_it_is_among_all(
    part: Part, asked: Scenario, catalog: Catalog, outcome: Outcome, every: Economics
) -> None:
    alone, whole = economics_data(economics(asked, catalog, outcome, {part})), economics_data(every)
    assert any(whole[name] for name in FIELDS[part])
    for name in FIELDS[part]:
        assert alone[name] == whole[name]


def test_that_what_is_not_asked_for_is_empty_and_says_so(asked: Scenario, catalog: Catalog, outcome: Outcome) -> None:
    money = economics(asked, catalog, outcome, {"money"})
    assert money.dependence.reason == money.frontier.reason == NOT_LOOKED_AT
    assert not money.dependence.tiers and not money.frontier.usd_per_month.size
    assert money.shocks == money.usual_shocks == ()
    assert economics(asked, catalog, outcome, {"fleet"}).money == ()

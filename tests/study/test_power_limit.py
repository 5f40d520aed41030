"""A power limit is a constraint: what draws more does not keep its promises, and no mix or rebuilt fleet may."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog
from explorer.scenario.schema import Price, Scenario, Shock
from explorer.study.economics import evaluate_with_economics
from explorer.study.evaluate import evaluate
from explorer.study.export import outcome_data
from explorer.study.frontier import fleet_frontier
from explorer.study.outcome import AlternativeOutcome
from explorer.study.pools import pool_table
from explorer.study.power import facility_watts
from tests.study.asking import alternative, fleet, scenario, workload

H200_WATTS = 700.0 * 1.45 * 1.25
"""Board power of 700 W, 45 % for the rest of the system, PUE 1.25."""


def asked(limit_kw: float | None, **parts: object) -> Scenario:
    """A 70B chat at 60 requests/s on H200 with so much power."""
    chat = workload(alternative("nv-h200"), traffic={"request_rate_per_s": 60.0})
    return scenario(chat, price=Price(power_limit_kw=limit_kw), samples=8, **parts)


def chosen(catalog: Catalog, limit_kw: float | None) -> AlternativeOutcome:
    return evaluate(asked(limit_kw), catalog).workloads[0].chosen


def test_that_a_chip_draws_its_board_its_share_of_the_system_and_of_the_building() -> None:
    watts = facility_watts({"board_power": 700.0}, Price())
    assert watts == pytest.approx(1268.75)
    assert facility_watts({}, Price()) is None


def test_that_what_draws_more_than_there_is_says_what_would_fit(catalog: Catalog) -> None:
    free = chosen(catalog, None)
    assert free.keeps_promises and free.reason == ""
    needed = free.chips_total * H200_WATTS / 1e3
    tight = chosen(catalog, 0.6 * needed)
    assert not tight.keeps_promises and not tight.within_power_limit and free.within_power_limit
    assert tight.reason.startswith("does not fit the power limit of ")
    assert "there is room for " in tight.reason and "keep the promises up to " in tight.reason
    assert tight.probability_keeps["all"] == 0.0
    # the promises themselves are as likely to be kept as before: only the power is short
    assert tight.probability_keeps["tpot"] == free.probability_keeps["tpot"]
    assert tight.cost.usd_per_month == free.cost.usd_per_month


def test_that_the_room_left_is_the_limit_in_whole_units(catalog: Catalog) -> None:
    """20 kW hold 15 chips of 1.27 kW; H200 comes by eight on AWS, so eight: four replicas of two."""
    found = chosen(catalog, 20.0)
    assert found.layout.chips == 2
    rate = 4 * found.max_request_rate / found.replicas
    assert f"room for 8 chips, which keep the promises up to {rate:.3g}/s" in found.reason


def test_that_less_than_one_replica_is_said_so(catalog: Catalog) -> None:
    assert "one replica with its spares is already too much" in chosen(catalog, 1.0).reason


@settings(max_examples=12, deadline=None)
@given(limit_kw=st.floats(1.0, 200.0))
def test_that_a_limit_is_kept_exactly_where_the_chips_fit_it(catalog: Catalog, limit_kw: float) -> None:
    found = chosen(catalog, limit_kw)
    fits = found.chips_total * H200_WATTS <= limit_kw * 1e3
    assert found.keeps_promises is fits
    assert ("power limit" in found.reason) is not fits


def test_that_a_fleet_that_draws_too_much_says_so_and_keeps_its_figures(catalog: Catalog) -> None:
    shares = {"H200": 0.6, "Trainium2": 0.4}
    free = evaluate(asked(None, fleet=fleet(**shares)), catalog).fleet
    assert free.watts is not None and free.note == ""
    tight = evaluate(asked(0.5 * free.watts / 1e3, fleet=fleet(**shares)), catalog).fleet
    assert tight.note.startswith("the fleet does not fit the power limit of ")
    assert tight.usd_per_month == free.usd_per_month and tight.tiers == free.tiers
    table = outcome_data(evaluate(asked(0.5 * free.watts / 1e3, fleet=fleet(**shares)), catalog))["fleet"]
    assert table["note"] == tight.note and table["facility_watts"] == pytest.approx(free.watts)


def test_that_no_mix_of_the_frontier_draws_more_than_there_is(catalog: Catalog) -> None:
    shares = {"H200": 0.6, "AI200": 0.4}
    free = evaluate(asked(None, fleet=fleet(**shares)), catalog)
    table = pool_table(free.fleet)
    each_alone = table.size(np.eye(2)).watts.sum(axis=1)
    limit = float(np.mean(each_alone))
    question = asked(limit / 1e3, fleet=fleet(**shares))
    outcome = evaluate(question, catalog)
    found = fleet_frontier(question, catalog, outcome)
    assert found.by_loss
    for point in found.by_loss:
        assert table.size(point.shares).watts.sum() <= limit * (1 + 1e-9)
    assert np.isinf(found.usd_per_month).any() and np.isfinite(found.usd_per_month).any()
    question = asked(1.0, fleet=fleet(**shares))
    none = fleet_frontier(question, catalog, evaluate(question, catalog))
    assert none.by_loss == () and "power limit" in none.reason


def test_that_a_fleet_rebuilt_beyond_the_limit_is_remarked(catalog: Catalog) -> None:
    shares = {"H200": 0.9, "AI200": 0.1}
    outage = Shock(name="out", kind="outage", supplier="Nvidia")
    free = evaluate(asked(None, fleet=fleet(**shares)), catalog).fleet
    assert free.watts is not None
    question = asked(free.watts / 1e3, fleet=fleet(**shares), shocks=(outage,))
    found = evaluate_with_economics(question, catalog).economics
    assert found is not None
    assert "the rebuilt fleet does not fit the power limit" in found.shocks[0].notes

"""Cost against risk over fleets: not a blend of prices, nothing cheaper is missed, and the present fleet is on it."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog
from explorer.scenario.schema import Fleet, FleetMember, Scenario
from explorer.study import frontier
from explorer.study.economics import evaluate_with_economics as evaluate
from explorer.study.export import outcome_data
from explorer.study.frontier import Frontier, fleet_frontier, lower_edge, mixes, steps_for
from explorer.study.outcome import Outcome
from tests.study.asking import alternative, fleet, scenario, workload


def asked(shares: dict[str, float], rate: float = 60.0, **keys: object) -> Scenario:
    """A 70B chat at 60 requests/s carried by these chips on AWS."""
    members = fleet(**shares).members
    return scenario(
        workload(alternative("nv-h200"), traffic={"request_rate_per_s": rate}),
        fleet=Fleet(members=members, **keys),
        samples=8,
    )


def answered(catalog: Catalog, question: Scenario, tier: str = "designer") -> tuple[Outcome, Frontier]:
    """The outcome and its frontier."""
    outcome = evaluate(question, catalog)
    return outcome, fleet_frontier(question, catalog, outcome, tier)


@given(pools=st.integers(1, 5), steps=st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_that_the_mixes_are_all_shares_that_sum_to_one(pools: int, steps: int) -> None:
    table = mixes(pools, steps)
    if pools > 1:
        assert len(table) == comb(steps + pools - 1, pools - 1) == len({tuple(row) for row in table})
    assert np.allclose(table.sum(axis=1), 1.0) and np.all(table >= 0)


def test_that_up_to_five_chips_are_cut_finely_enough() -> None:
    assert [steps_for(n) for n in (1, 2, 3, 4, 5)] == [100, 100, 100, 30, 20]


@given(pools=st.integers(1, 8), looked_at=st.integers(1, 4096 * 3))
@settings(max_examples=60, deadline=None)
def test_that_what_is_undisclosed_makes_the_cut_coarser_and_never_finer(pools: int, looked_at: int) -> None:
    steps = steps_for(pools, looked_at)
    assert steps_for(pools, 2 * looked_at) <= steps <= steps_for(pools)
    if steps > min(frontier.STEPS):
        assert comb(steps + pools - 1, pools - 1) * looked_at <= frontier.MOST_NUMBERS


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(0, 1)), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_that_nothing_beats_the_edge(points: list[tuple[float, float]]) -> None:
    cost, risk = np.array(points).T
    edge = lower_edge(cost, risk)
    assert edge
    for at in edge:
        assert not np.any((cost < cost[at] * (1 - 1e-9)) & (np.round(risk, 9) <= np.round(risk[at], 9)))
    assert np.all(np.diff(cost[edge]) < 0)
    for at in range(len(cost)):
        assert any(cost[e] <= cost[at] * (1 + 1e-9) and risk[e] <= risk[at] + 1e-9 for e in edge)


def test_that_two_chips_are_not_joined_by_a_straight_line(catalog: Catalog) -> None:
    """Pools lose the pooling of their reserves, come in whole replicas and units, and a stack costs by itself."""
    _, found = answered(catalog, asked({"H200": 0.5, "Trainium2": 0.5}))
    cost = found.usd_per_month
    share = np.linspace(0.0, 1.0, len(cost))
    blend = cost[0] + (cost[-1] - cost[0]) * share
    above = (cost - blend)[1:-1]
    assert np.all(above > 0)
    assert float(above.max()) > 25_000.0 + 0.05 * float(blend.max())
    steps = np.diff(cost[1:-1])
    assert np.unique(np.round(steps, 3)).size > 2


def test_that_a_further_stack_costs_what_is_stated(catalog: Catalog) -> None:
    shares = {"H200": 0.5, "Trainium2": 0.5}
    _, free = answered(catalog, asked(shares, stack_usd_per_month=0.0))
    _, dear = answered(catalog, asked(shares, stack_usd_per_month=40_000.0))
    extra = dear.usd_per_month - free.usd_per_month
    assert extra[[0, -1]] == pytest.approx([0.0, 0.0])
    assert extra[1:-1] == pytest.approx(np.full(len(extra) - 2, 40_000.0))


def test_that_a_further_cloud_costs_what_is_stated(catalog: Catalog) -> None:
    members = (
        FleetMember(name="here", chip="nv-h200", cloud="AWS", traffic_share=0.5),
        FleetMember(name="there", chip="nv-h200", cloud="CoreWeave", traffic_share=0.5),
    )
    question = scenario(
        workload(alternative("nv-h200")), fleet=Fleet(members=members, cloud_usd_per_month=7_000.0), samples=8
    )
    outcome, found = answered(catalog, question, "cloud")
    assert found.present is not None and outcome.fleet.usd_per_month is not None
    assert found.present.usd_per_month - outcome.fleet.usd_per_month == pytest.approx(7_000.0)


def test_that_the_present_fleet_has_its_own_cost_and_loss(catalog: Catalog) -> None:
    outcome, found = answered(catalog, asked({"H200": 0.5, "Trainium2": 0.3, "AI200": 0.2}))
    assert found.present is not None and outcome.economics is not None and outcome.fleet.usd_per_month is not None
    # three stacks: CUDA, Neuron, AIC
    assert found.present.usd_per_month == pytest.approx(outcome.fleet.usd_per_month + 2 * 25_000.0)
    for tier in outcome.economics.dependence.tiers:
        here = fleet_frontier(asked({"H200": 0.5, "Trainium2": 0.3, "AI200": 0.2}), catalog, outcome, tier.tier).present
        assert here is not None
        assert here.n1_loss == pytest.approx(1.0 - tier.survivability, abs=1e-9), tier.tier
        shown = next(one for one in outcome.fleet.tiers if one.tier == tier.tier)
        assert here.effective_suppliers == pytest.approx(shown.effective_suppliers.value), tier.tier


def test_that_headroom_set_by_hand_is_that_of_the_dependence(catalog: Catalog) -> None:
    question = asked({"H200": 0.5, "Trainium2": 0.3, "AI200": 0.2}, headroom=0.4, features=("custom_kernels",))
    outcome, found = answered(catalog, question)
    assert outcome.economics is not None and found.present is not None
    tier = next(one for one in outcome.economics.dependence.tiers if one.tier == "designer")
    assert found.present.n1_loss == pytest.approx(1.0 - tier.survivability, abs=1e-9)


def test_that_less_risk_costs_more_along_the_edge(catalog: Catalog) -> None:
    _, found = answered(catalog, asked({"H200": 0.5, "Trainium2": 0.3, "AI200": 0.2}))
    losses = [point.n1_loss for point in found.by_loss]
    costs = [point.usd_per_month for point in found.by_loss]
    assert losses == sorted(losses) and costs == sorted(costs, reverse=True)
    assert found.by_loss[-1].usd_per_month == pytest.approx(float(found.usd_per_month.min()))
    counts = [point.effective_suppliers for point in found.by_suppliers]
    assert counts == sorted(counts, reverse=True)


def test_that_no_mix_uses_a_chip_that_breaks_the_promises(catalog: Catalog) -> None:
    question = scenario(
        workload(alternative("nv-h200"), objectives={"tpot_p99_s": 0.02, "ttft_p99_s": 1.0}),
        fleet=fleet(H200=0.5, AI200=0.5),
        samples=8,
    )
    outcome, found = answered(catalog, question)
    able = {one.member: one.largest_rate > 0 for one in outcome.fleet.replicas}
    assert not able["AI200"] and able["H200"], "the promise no longer tells these chips apart"
    assert found.excluded == ("AI200 keeps the chat promises at no rate",)
    assert all(point.shares[1] == 0.0 for point in found.by_loss)


def crowd(count: int) -> Scenario:
    """A fleet of that many pools of the same chip."""
    members = tuple(
        FleetMember(name=f"m{at}", chip="nv-h200", cloud="AWS", traffic_share=1 / count) for at in range(count)
    )
    return scenario(workload(alternative("nv-h200")), fleet=Fleet(members=members), samples=8)


def test_that_many_chips_are_mixed_more_coarsely(catalog: Catalog) -> None:
    _, found = answered(catalog, crowd(7))
    assert found.by_loss and found.step == pytest.approx(0.1)
    assert found.usd_per_month.size == comb(16, 6)


def test_that_too_many_chips_have_a_reason_instead_of_a_frontier(catalog: Catalog) -> None:
    _, found = answered(catalog, crowd(9))
    assert found.by_loss == () and "9 chips" in found.reason and "take some out" in found.reason


def test_that_a_mix_costs_and_loses_the_same_whatever_else_is_looked_at(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mixes are worked on a few at a time: how many must not show in any of them."""
    question = asked({"H200": 0.5, "Trainium2": 0.3, "AI200": 0.2}, rate=20.0)
    outcome = evaluate(question, catalog)
    whole = fleet_frontier(question, catalog, outcome, "memory_maker")
    monkeypatch.setattr(frontier, "CHUNK", 500)
    parts = fleet_frontier(question, catalog, outcome, "memory_maker")
    np.testing.assert_allclose(parts.n1_loss, whole.n1_loss, rtol=1e-12)
    np.testing.assert_allclose(parts.effective_suppliers, whole.effective_suppliers, rtol=1e-12)
    assert len(parts.by_loss) == len(whole.by_loss)


def test_that_no_fleet_is_a_reason(catalog: Catalog) -> None:
    question = scenario(workload(alternative("nv-h200")), samples=8)
    _, found = answered(catalog, question)
    assert found.by_loss == () and "no fleet" in found.reason


def test_that_the_json_carries_the_edge_and_not_the_cloud(catalog: Catalog) -> None:
    table = outcome_data(evaluate(asked({"H200": 0.5, "Trainium2": 0.5}), catalog))["economics"]["frontier"]
    assert table["mixes"] == 101 and "n1_loss" not in table
    assert table["by_loss"][0]["shares"] and table["present"]["usd_per_month"] > 0

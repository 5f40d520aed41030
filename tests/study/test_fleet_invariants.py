"""What must hold of every fleet, whatever its shares: sums, bounds, and losses that only fall with room and support."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog, load_catalog
from explorer.scenario.schema import Fleet, FleetMember, Scenario
from explorer.study.dependence import Dependence, dependence
from explorer.study.evaluate import Evaluator
from explorer.study.frontier import fleet_frontier
from explorer.study.outcome import Outcome
from tests.study.asking import alternative, scenario, workload

POOLS = (
    ("H200", "nv-h200", "AWS"),
    ("Trainium2", "aws-trn2", "AWS"),
    ("MI300X", "amd-mi300x", "Azure"),
    ("AI200", "qcom-ai200", "AWS"),
)
CHAT = workload(alternative("nv-h200"), traffic={"request_rate_per_s": 40.0})


@cache
def evaluator() -> Evaluator:
    return Evaluator(load_catalog())


def known() -> Catalog:
    return evaluator().catalog


def asked(amounts: list[float], headroom: float | None = None, features: tuple[str, ...] = ()) -> Scenario:
    """A fleet whose shares are in proportion to these amounts."""
    total = sum(amounts)
    members = tuple(
        FleetMember(name=name, chip=chip, cloud=cloud, traffic_share=amount / total)
        for (name, chip, cloud), amount in zip(POOLS, amounts, strict=True)
    )
    fleet = Fleet(members=members, headroom="auto" if headroom is None else headroom, features=features)
    return scenario(CHAT, fleet=fleet, samples=8)


def answered(question: Scenario) -> tuple[Outcome, Dependence]:
    outcome = evaluator().evaluate(question)
    return outcome, dependence(question, known(), outcome)


amounts = st.lists(st.floats(0.02, 1.0), min_size=4, max_size=4)


@settings(max_examples=25, deadline=None)
@given(amounts)
def test_that_shares_sum_to_one_and_indices_keep_their_bounds(drawn: list[float]) -> None:
    outcome, found = answered(asked(drawn))
    fleet = outcome.fleet
    for read in ("traffic_share", "spend_share", "chip_share", "power_share"):
        assert sum(getattr(pool, read) for pool in fleet.pools) == pytest.approx(1.0)
    assert sum(pool.usd_per_month for pool in fleet.pools) == pytest.approx(fleet.usd_per_month)
    depend = {tier.tier: tier for tier in found.tiers}
    for tier in fleet.tiers:
        assert sum(one.share for one in tier.suppliers) == pytest.approx(1.0), tier.tier
        assert tier.hhi.value * tier.effective_suppliers.value == pytest.approx(10_000.0)
        assert tier.hhi.low <= tier.hhi.value * (1 + 1e-12) <= tier.hhi.high * (1 + 2e-12)
        assert 1.0 - 1e-9 <= tier.effective_suppliers.value <= len(tier.suppliers) + 1e-9
        assert tier.hhi.low >= 10_000.0 / len(tier.suppliers) - 1e-6
        assert max(one.share for one in tier.suppliers) - 1e-9 <= depend[tier.tier].cr3 <= 1.0 + 1e-9
    for flow in found.flows:
        assert sum(sum(row) for row in flow.shares) == pytest.approx(1.0), flow.tier


@settings(max_examples=25, deadline=None)
@given(amounts, st.floats(0.0, 2.0), st.floats(0.0, 2.0))
def test_that_more_headroom_never_loses_more_of_any_supplier(drawn: list[float], low: float, more: float) -> None:
    _, tight = answered(asked(drawn, low))
    _, roomy = answered(asked(drawn, low + more))
    for before, after in zip(tight.tiers, roomy.tiers, strict=True):
        lost = {one.supplier: one for one in after.suppliers}
        for one in before.suppliers:
            assert -1e-9 <= lost[one.supplier].lost.value <= one.lost.value + 1e-9 <= one.traffic_share + 2e-9
        assert after.survivability >= before.survivability - 1e-9
    assert roomy.expected_loss_weeks is not None and tight.expected_loss_weeks is not None
    assert roomy.expected_loss_weeks <= tight.expected_loss_weeks + 1e-9


@settings(max_examples=15, deadline=None)
@given(amounts)
def test_that_what_fewer_stacks_support_is_lost_more(drawn: list[float]) -> None:
    """Kernels of one's own and 4-bit weights run on fewer stacks than batching and FP8."""
    _, plain = answered(asked(drawn, 0.5))
    _, special = answered(asked(drawn, 0.5, ("custom_kernels", "int4", "disaggregation")))
    support = {one.stack: one.support.value for one in plain.portability}
    assert all(one.support.value <= support[one.stack] for one in special.portability)
    for before, after in zip(plain.tiers, special.tiers, strict=True):
        assert after.survivability <= before.survivability + 1e-9


@settings(max_examples=10, deadline=None)
@given(amounts)
def test_that_the_present_fleet_never_beats_the_frontier_by_more_than_its_grid(drawn: list[float]) -> None:
    """The grid is coarse, the present fleet is anywhere; but no mix on the edge is dominated by another mix."""
    question = asked(drawn)
    outcome = evaluator().evaluate(question)
    found = fleet_frontier(question, known(), outcome)
    assert found.present is not None
    assert 0.0 <= found.present.n1_loss <= 1.0 + 1e-9
    assert float(found.usd_per_month.min()) == pytest.approx(found.by_loss[-1].usd_per_month)
    costs = [point.usd_per_month for point in found.by_loss]
    assert costs == sorted(costs, reverse=True)
    for point in found.by_loss:
        assert sum(point.shares) == pytest.approx(1.0)

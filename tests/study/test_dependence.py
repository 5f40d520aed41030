"""Dependence of a fleet: worked examples of the N-1 loss, what headroom and portability do, and what leaving costs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog
from explorer.engine.concentration import known_suppliers, tier_structure
from explorer.errors import UnknownRecordError
from explorer.scenario.schema import Fleet, FleetMember, Migration, Scenario, Shock
from explorer.study.dependence import Dependence, TierDependence, tier_loss
from explorer.study.economics import evaluate_with_economics as evaluate
from explorer.study.export import outcome_data
from explorer.study.fleet import Tier
from explorer.study.outcome import Outcome
from explorer.study.pools import pool_table
from tests.study.asking import alternative, fleet, scenario, workload


def fleet_scenario(shares: dict[str, float], **fleet_keys: object) -> Scenario:
    """A 70B chat carried by a fleet on AWS with these shares."""
    members = fleet(**shares).members
    return scenario(workload(alternative("nv-h200")), fleet=Fleet(members=members, **fleet_keys), samples=8)


def answered(catalog: Catalog, shares: dict[str, float], **fleet_keys: object) -> Dependence:
    """The dependence of that fleet."""
    outcome = evaluate(fleet_scenario(shares, **fleet_keys), catalog)
    assert outcome.economics is not None
    return outcome.economics.dependence


def tier_of(found: Dependence, name: str) -> TierDependence:
    """One tier."""
    return next(tier for tier in found.tiers if tier.tier == name)


def two_pools() -> Tier:
    """A tier of two pools with a supplier each."""
    rows = {"a": known_suppliers([1.0, 0.0]), "b": known_suppliers([0.0, 1.0])}
    return Tier(tier_structure(["a", "b"], rows), ("A", "B"), "")


@pytest.mark.parametrize(
    ("share", "headroom", "portability", "lost"),
    [(0.7, 0.2, 1.0, 0.64), (0.5, 0.2, 1.0, 0.40), (0.5, 0.2, 0.5, 0.45), (0.34, 0.5, 1.0, 0.01)],
)
def test_that_the_loss_is_that_of_the_worked_examples(
    share: float, headroom: float, portability: float, lost: float
) -> None:
    """N-1 criterion: s - phi min(s, h (1 - s))."""
    found = tier_loss(two_pools(), np.array([share, 1 - share]), np.zeros(2), np.full(2, portability), headroom)
    assert found.lost[0, 0] == pytest.approx(lost)


def test_that_spare_capacity_of_the_survivors_is_the_headroom() -> None:
    found = tier_loss(two_pools(), np.array([0.7, 0.3]), np.array([0.5, 0.06]), np.ones(2), None)
    assert found.headroom[0] == pytest.approx([0.06 / 0.3, 0.5 / 0.7])
    assert found.lost[0] == pytest.approx([0.64, 0.0])


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0.01, 0.99), low=st.floats(0, 2), more=st.floats(0, 2), phi=st.floats(0, 1), psi=st.floats(0, 1))
def test_that_the_loss_falls_with_headroom_and_portability(
    share: float, low: float, more: float, phi: float, psi: float
) -> None:
    def lost(headroom: float, portability: float) -> float:
        traffic = np.array([share, 1 - share])
        return float(tier_loss(two_pools(), traffic, np.zeros(2), np.full(2, portability), headroom).lost[0, 0])

    assert lost(low + more, phi) <= lost(low, phi) + 1e-12
    assert lost(low, max(phi, psi)) <= lost(low, min(phi, psi)) + 1e-12
    assert -1e-12 <= lost(low, phi) <= share + 1e-12


def test_that_a_fleet_of_one_designer_loses_all_of_it(catalog: Catalog) -> None:
    found = answered(catalog, {"H200": 0.7, "H100": 0.3})
    assert tier_of(found, "designer").survivability == 0.0
    assert found.survivability == 0.0
    assert {"designer", "cloud", "software_stack"} <= set(found.binding_tiers)


def test_that_a_second_designer_saves_its_share_and_not_the_cloud(catalog: Catalog) -> None:
    found = answered(catalog, {"H200": 0.7, "AI200": 0.3}, headroom=0.2)
    # 1 - (0.7 - min(0.7, 0.2 * 0.3)) = 0.36, all that is used being supported by both stacks
    assert tier_of(found, "designer").survivability == pytest.approx(0.36)
    assert tier_of(found, "cloud").survivability == 0.0
    assert found.binding_tiers == ("cloud",)


def test_that_a_pool_that_breaks_its_promises_takes_over_nothing(catalog: Catalog) -> None:
    """H200 keeps a time per token that AI200 does not: AI200's idle cards have no room for H200's work."""
    members = fleet(H200=0.5, AI200=0.5).members
    question = scenario(
        workload(
            alternative("nv-h200"),
            objectives={"tpot_p99_s": 0.012},
            traffic={"request_rate_per_s": 3.0},
        ),
        fleet=Fleet(members=members),
        samples=8,
    )
    outcome = evaluate(question, catalog)
    keeps = dict(zip(("H200", "AI200"), pool_table(outcome.fleet).keeps.tolist(), strict=True))
    assert keeps == {"H200": True, "AI200": False}
    assert outcome.economics is not None
    found = tier_of(outcome.economics.dependence, "designer")
    (nvidia,) = [one for one in found.suppliers if one.supplier == "Nvidia"]
    assert nvidia.headroom == 0.0
    assert nvidia.lost.value == pytest.approx(0.5)


def test_that_what_a_stack_lacks_cannot_move_to_it(catalog: Catalog) -> None:
    plain = answered(catalog, {"H200": 0.5, "Trainium2": 0.5}, headroom=1.0)
    custom = answered(catalog, {"H200": 0.5, "Trainium2": 0.5}, headroom=1.0, features=("custom_kernels", "int4"))
    before, after = (tier_of(one, "designer") for one in (plain, custom))
    loss = {one.supplier: one.lost.value for one in after.suppliers}
    assert after.survivability < before.survivability
    # Neuron: batching 1, FP8 1, own kernels 0.5, 4-bit 0 of four features; CUDA has all
    assert loss["Nvidia"] == pytest.approx(0.5 - 0.5 * 2.5 / 4)


def test_that_an_undisclosed_foundry_is_a_range(catalog: Catalog) -> None:
    found = answered(catalog, {"H200": 0.7, "AI200": 0.3})
    tsmc = tier_of(found, "foundry").suppliers[0]
    assert tsmc.supplier == "TSMC"
    assert tsmc.lost.low < tsmc.lost.value < tsmc.lost.high == pytest.approx(1.0)


def test_that_the_largest_exposure_is_one(catalog: Catalog) -> None:
    found = answered(catalog, {"H200": 0.7, "AI200": 0.3})
    indices = [one.exposure_index for tier in found.tiers if tier.counts for one in tier.suppliers]
    assert max(indices) == pytest.approx(1.0)
    # theory: share lost * (39 - 6) weeks
    aws = tier_of(found, "cloud").suppliers[0]
    assert aws.impact_weeks == pytest.approx(33.0)


def test_that_the_price_exposure_is_the_rise_on_the_share_of_spend(catalog: Catalog) -> None:
    asked = fleet_scenario({"H200": 0.7, "AI200": 0.3})
    outcome = evaluate(asked, catalog)
    assert outcome.economics is not None
    exits = {(one.tier, one.supplier): one for one in outcome.economics.dependence.exits}
    share = next(pool.spend_share for pool in outcome.fleet.pools if pool.name == "H200")
    assert exits["designer", "Nvidia"].price_exposure == pytest.approx(0.15 * share)
    assert exits["cloud", "AWS"].price_exposure == pytest.approx(0.15)
    assert exits["software_stack", "CUDA"].price_exposure is None


def test_that_the_exploitable_rise_is_linear_in_what_leaving_costs(catalog: Catalog) -> None:
    def rise(engineers: float) -> float:
        terms = Migration(engineers=engineers, dual_run_months=0, egress_terabytes=0)
        found = answered(catalog, {"H200": 1.0}, migration=terms)
        return next(one.exploitable_price_rise for one in found.exits if one.tier == "designer")

    assert rise(12.0) == pytest.approx(2 * rise(6.0))
    # CRF(10 %, 3) = 0.402115 of the cost over the yearly spend
    found = answered(catalog, {"H200": 1.0})
    one = found.exits[0]
    assert one.exploitable_price_rise == pytest.approx(0.402115 * one.exit_usd / one.annual_spend_usd, rel=1e-5)


def test_that_an_unknown_feature_is_named_with_the_nearest(catalog: Catalog) -> None:
    with pytest.raises(UnknownRecordError, match="disaggregation"):
        answered(catalog, {"H200": 1.0}, features=("disagregation",))


def test_that_sizing_by_table_is_that_of_the_fleet(catalog: Catalog) -> None:
    outcome = evaluate(fleet_scenario({"H200": 0.5, "Trainium2": 0.3, "AI200": 0.2}), catalog)
    sizes = pool_table(outcome.fleet).size([0.5, 0.3, 0.2])
    assert sizes.usd_per_month == pytest.approx([pool.usd_per_month for pool in outcome.fleet.pools])
    assert list(sizes.chips) == [pool.chips for pool in outcome.fleet.pools]


def test_that_no_fleet_has_a_reason_and_no_figures(catalog: Catalog) -> None:
    outcome = evaluate(scenario(workload(alternative("nv-h200")), samples=8), catalog)
    assert outcome.economics is not None
    found = outcome.economics.dependence
    assert found.tiers == () and found.survivability is None and "no fleet" in found.reason


def test_that_the_json_carries_dependence_and_says_what_the_bands_are_for(catalog: Catalog) -> None:
    data = outcome_data(evaluate(fleet_scenario({"H200": 0.7, "AI200": 0.3}), catalog))
    table = data["economics"]["dependence"]
    assert "markets" in table["note"]
    assert table["tiers"][0]["suppliers"][0]["lost"]["value"] > 0
    assert table["portability"][0]["cells"][0]["source"]
    assert table["bases"]["lost"] == "traffic"


def regions(catalog: Catalog, *places: str) -> Outcome:
    """Half on H200 and half on Trainium2, both on AWS, in these regions."""
    chips = ("nv-h200", "aws-trn2")
    members = tuple(
        FleetMember(name=chip, chip=chip, cloud="AWS", region=place, traffic_share=0.5)
        for chip, place in zip(chips, places, strict=True)
    )
    outage = (Shock(name="storm", kind="outage", supplier="AWS us-east-1"),) if "us-east-1" in places else ()
    asked = scenario(workload(alternative("nv-h200")), fleet=Fleet(members=members), shocks=outage, samples=8)
    return evaluate(asked, catalog)


def test_that_two_regions_of_one_cloud_are_two_regions_and_one_cloud(catalog: Catalog) -> None:
    outcome = regions(catalog, "us-east-1", "eu-north-1")
    tiers = {tier.tier: tier for tier in outcome.fleet.tiers}
    spend = [pool.spend_share for pool in outcome.fleet.pools]
    assert tiers["region"].effective_suppliers.value == pytest.approx(1.0 / sum(share**2 for share in spend))
    assert tiers["cloud"].effective_suppliers.value == pytest.approx(1.0)
    assert {one.supplier for one in tiers["region"].suppliers} == {"AWS us-east-1", "AWS eu-north-1"}
    assert outcome.economics is not None
    storm = outcome.economics.shocks[0]
    assert storm.after.capacity < storm.before.capacity and storm.after.served > 0


def test_that_a_region_nobody_states_is_a_range_between_the_same_and_another(catalog: Catalog) -> None:
    outcome = regions(catalog, "us-east-1", "")
    (tier,) = [tier for tier in outcome.fleet.tiers if tier.tier == "region"]
    assert tier.effective_suppliers.low == pytest.approx(1.0) and tier.effective_suppliers.high > 1.2
    assert tier.unknown == "aws-trn2: region not stated" and not tier.single_point_of_failure


def test_that_without_regions_none_is_judged(catalog: Catalog) -> None:
    outcome = regions(catalog, "", "")
    assert "region" not in {tier.tier for tier in outcome.fleet.tiers}
    assert outcome.economics is not None
    assert "region" not in {tier.tier for tier in outcome.economics.dependence.tiers}

"""The fleet as one service: a mixture's P99, and a month with what further stacks and clouds cost."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.scenario.schema import Fleet, FleetMember, Scenario, Shock
from explorer.study.economics import evaluate_with_economics
from explorer.study.evaluate import evaluate
from explorer.study.export import outcome_data
from explorer.study.fleet_whole import fleet_p99, latency_words, mixture_p99, month_words
from explorer.study.pools import pool_table
from explorer.study.verdict_table import verdict_text
from tests.study.asking import alternative, scenario, workload

MEMBERS = {"H200": ("nv-h200", "AWS"), "Trainium2": ("aws-trn2", "AWS"), "MI300X": ("amd-mi300x", "Azure")}


def asked(spares: int = 0, **shares: float) -> Scenario:
    """A 70B chat at 60 requests/s on a fleet by share; $1,000 a further stack, $100 a further cloud."""
    members = tuple(
        FleetMember(name=name, chip=MEMBERS[name][0], cloud=MEMBERS[name][1], traffic_share=share)
        for name, share in shares.items()
    )
    chat = workload(alternative("nv-h200", spare_replicas=spares), traffic={"request_rate_per_s": 60.0})
    fleet = Fleet(members=members, stack_usd_per_month=1000.0, cloud_usd_per_month=100.0)
    return scenario(chat, fleet=fleet, samples=8, shocks=(Shock(name="x", kind="outage", supplier="AWS"),))


@pytest.mark.parametrize("spares", [0, 2])
def test_that_a_fleet_of_one_pool_is_as_fast_as_that_pool(spares: int, catalog: Catalog) -> None:
    outcome = evaluate(asked(spares, H200=1.0), catalog)
    alone = outcome.workloads[0].chosen
    assert alone.spare_replicas == spares
    found = fleet_p99(outcome.fleet)["chat"]
    for metric, p99 in found.items():
        own = alone.latency[metric].p99
        assert own is not None and p99 == pytest.approx(own.value, rel=0.03), metric


def test_that_the_p99_of_a_mixture_lies_between_those_of_its_pools_and_is_no_mean(catalog: Catalog) -> None:
    fleet = evaluate(asked(H200=0.5, MI300X=0.5), catalog).fleet
    replicas = pool_table(fleet).size([0.5, 0.5]).replicas
    apart = [mixture_p99(fleet.replicas, np.asarray(one), replicas)["chat"] for one in ([0.5, 0.0], [0.0, 0.5])]
    mixed = fleet_p99(fleet)["chat"]
    assert set(mixed) == {"ttft", "tpot", "itl", "e2e"}
    for metric, p99 in mixed.items():
        ends = sorted(one[metric] or 0.0 for one in apart)
        assert p99 is not None and ends[0] < p99 < ends[1], metric
        assert p99 != pytest.approx(0.5 * sum(ends), rel=1e-4), metric


@pytest.mark.parametrize("spares", [0, 2])
def test_that_a_shock_starts_from_the_same_p99(spares: int, catalog: Catalog) -> None:
    outcome = evaluate_with_economics(asked(spares, H200=0.6, Trainium2=0.4), catalog)
    assert outcome.economics is not None
    assert outcome.economics.shocks[0].before.p99_s == fleet_p99(outcome.fleet)


@pytest.mark.parametrize(
    ("shares", "stacks", "clouds"),
    [
        ({"H200": 1.0}, 0, 0),
        ({"H200": 0.6, "Trainium2": 0.4}, 1, 0),
        ({"H200": 0.6, "Trainium2": 0.2, "MI300X": 0.2}, 2, 1),
        ({"H200": 0.6, "Trainium2": 0.4, "MI300X": 0.0}, 1, 0),
    ],
    ids=["one", "one cloud", "two clouds", "one that carries nothing"],
)
def test_that_further_stacks_and_clouds_are_paid_for_as_on_the_frontier(
    shares: dict[str, float], stacks: int, clouds: int, catalog: Catalog
) -> None:
    outcome = evaluate_with_economics(asked(**shares), catalog)
    fleet, economics = outcome.fleet, outcome.economics
    assert fleet.fixed is not None and fleet.usd_per_month is not None and economics is not None
    assert (fleet.fixed.further_stacks, fleet.fixed.further_clouds) == (stacks, clouds)
    assert fleet.fixed.usd_per_month == stacks * 1000.0 + clouds * 100.0
    assert fleet.total_usd_per_month == pytest.approx(fleet.usd_per_month + fleet.fixed.usd_per_month)
    assert fleet.usd_per_month == pytest.approx(sum(pool.usd_per_month for pool in fleet.pools))
    present = economics.frontier.present
    assert present is not None and present.usd_per_month == pytest.approx(fleet.total_usd_per_month)


def test_that_the_json_and_the_table_have_them(catalog: Catalog) -> None:
    outcome = evaluate(asked(H200=0.6, Trainium2=0.2, MI300X=0.2), catalog)
    table = outcome_data(outcome)["fleet"]
    assert table["fixed_usd_per_month"] == {"further_software_stacks": 2000.0, "further_clouds": 100.0, "total": 2100.0}
    assert table["total_usd_per_month"] == pytest.approx(table["cost_usd_per_month"] + 2100.0)
    assert table["p99_s"] == {"chat": dict(fleet_p99(outcome.fleet)["chat"])}
    assert month_words(outcome.fleet).endswith(", 2 further software stacks $2,000, 1 further cloud $100")
    text = verdict_text(outcome)
    assert month_words(outcome.fleet) in text and latency_words(fleet_p99(outcome.fleet), "chat") in text


def test_that_a_fleet_without_figures_has_neither(catalog: Catalog) -> None:
    nobody = evaluate(scenario(workload(alternative("nv-h200"))), catalog)
    assert fleet_p99(nobody.fleet) == {} and nobody.fleet.total_usd_per_month is None
    assert month_words(nobody.fleet) == "" and latency_words({}, "chat") == ""
    table = outcome_data(nobody)["fleet"]
    assert table["p99_s"] == {} and table["total_usd_per_month"] is None and table["fixed_usd_per_month"] is None

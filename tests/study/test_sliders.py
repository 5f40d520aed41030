"""The four named sliders move every plot that can depend on them, and the fleet with its traffic shares held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.path import replace
from explorer.scenario.schema import Scenario
from explorer.study.evaluate import evaluate
from explorer.study.outcome import Outcome
from tests.study.asking import alternative, fleet, scenario, workload


def busy_chat() -> Scenario:
    """70B chat near the cap on two H200 a replica; the same deployment is one half of the fleet."""
    return scenario(
        workload(
            alternative("nv-h200", parallelism_degree=2, max_batch=64),
            alternative("qcom-ai200", parallelism_degree=2),
            traffic={"request_rate_per_s": 160.0},
        ),
        fleet=fleet(H200=0.5, AI200=0.5),
    )


SLIDERS: dict[str, Callable[[Scenario], Scenario]] = {
    "model size": lambda asked: replace(asked, "workloads.0.model.size_billion", 120.0),
    "batch size": lambda asked: replace(asked, "workloads.0.alternatives.0.max_batch", 8),
    "parallelism degree": lambda asked: replace(asked, "workloads.0.alternatives.0.parallelism_degree", 8),
    "chip": lambda asked: replace(asked, "workloads.0.alternatives.0.chip", "nv-gb200-nvl72"),
}


@dataclass(frozen=True)
class Shown:
    """What the three plots show of the selected alternative and of the fleet."""

    p99_curve: tuple[float, ...]
    rates: tuple[float, ...]
    weights: float
    kv: float
    kv_at_cap: float
    spend_hhi: float
    spend: tuple[float, ...]


def shown(outcome: Outcome) -> Shown:
    """The values behind the plots."""
    chosen = outcome.workloads[0].chosen
    assert chosen.feasible, chosen.reason
    designer = next(tier for tier in outcome.fleet.tiers if tier.tier == "designer")
    return Shown(
        tuple(chosen.curves["tpot"].p99),
        tuple(chosen.rates),
        chosen.memory.weights,
        chosen.memory.kv,
        chosen.memory.kv_at_cap,
        designer.hhi.value,
        tuple(pool.spend_share for pool in outcome.fleet.pools),
    )


@pytest.fixture(scope="module")
def before(catalog: Catalog) -> Shown:
    """The busy chat as it stands."""
    return shown(evaluate(busy_chat(), catalog))


@pytest.mark.parametrize("slider", SLIDERS)
def test_that_a_named_slider_moves_the_tail_latency_curve(slider: str, before: Shown, catalog: Catalog) -> None:
    after = shown(evaluate(SLIDERS[slider](busy_chat()), catalog))
    assert after.p99_curve != before.p99_curve
    grid = np.linspace(max(before.rates[0], after.rates[0]), min(before.rates[-1], after.rates[-1]) * 0.9, 20)
    ours = np.interp(grid, before.rates, before.p99_curve)
    theirs = np.interp(grid, after.rates, after.p99_curve)
    assert np.max(np.abs(np.log(theirs / ours))) > 0.02


@pytest.mark.parametrize("slider", SLIDERS)
def test_that_a_named_slider_moves_the_memory_picture(slider: str, before: Shown, catalog: Catalog) -> None:
    after = shown(evaluate(SLIDERS[slider](busy_chat()), catalog))
    assert after.kv != pytest.approx(before.kv, rel=0.01)
    if slider != "chip":  # the cap of 64 sequences takes the same bytes on any chip
        assert after.kv_at_cap != pytest.approx(before.kv_at_cap, rel=0.01)
    if slider in ("model size", "parallelism degree"):
        assert after.weights != pytest.approx(before.weights, rel=0.01)


@pytest.mark.parametrize("slider", ["model size", "batch size", "parallelism degree"])
def test_that_a_named_slider_moves_spend_concentration_with_the_traffic_shares_held(
    slider: str, before: Shown, catalog: Catalog
) -> None:
    after = shown(evaluate(SLIDERS[slider](busy_chat()), catalog))
    assert abs(after.spend_hhi - before.spend_hhi) > 1.0
    assert after.spend != before.spend


def test_that_another_chip_in_the_fleet_moves_spend_concentration(before: Shown, catalog: Catalog) -> None:
    changed = SLIDERS["chip"](busy_chat())
    changed = replace(changed, "fleet.members.0.chip", "nv-gb200-nvl72")
    after = shown(evaluate(changed, catalog))
    assert abs(after.spend_hhi - before.spend_hhi) > 1.0


@pytest.mark.parametrize("slider", ["size_billion", "parallelism_degree"])
def test_that_the_founding_scenario_moves_too(slider: str, catalog: Catalog, scenarios_folder: Path) -> None:
    asked = read_scenario(scenarios_folder / "ai200-on-aws.toml").scenario
    asked = replace(asked, "simulation.samples", 16)
    changed = (
        replace(asked, "workloads.0.model.size_billion", 140.0)
        if slider == "size_billion"
        else replace(asked, "workloads.0.alternatives.0.parallelism_degree", 2)
    )
    one, other = (
        next(tier for tier in evaluate(it, catalog).fleet.tiers if tier.tier == "designer") for it in (asked, changed)
    )
    assert abs(one.hhi.value - other.hhi.value) > 1.0


def test_that_spend_shares_are_not_the_traffic_shares_and_both_sum_to_one(catalog: Catalog) -> None:
    found = evaluate(busy_chat(), catalog).fleet
    assert found.share_basis == "spend"
    for shares in ("traffic_share", "spend_share", "chip_share", "power_share"):
        assert sum(getattr(pool, shares) for pool in found.pools) == pytest.approx(1.0)
    assert found.pools[0].spend_share != pytest.approx(found.pools[0].traffic_share, abs=0.01)
    assert found.usd_per_month == pytest.approx(sum(pool.usd_per_month for pool in found.pools))


def test_that_spend_concentration_follows_from_the_pools_money(catalog: Catalog) -> None:
    """Designer HHI = 10,000 x sum of squared spend shares, since each pool has a designer of its own."""
    found = evaluate(busy_chat(), catalog).fleet
    designer = next(tier for tier in found.tiers if tier.tier == "designer")
    expected = 1e4 * sum(pool.spend_share**2 for pool in found.pools)
    assert designer.hhi.value == pytest.approx(expected)
    assert designer.effective_suppliers.value == pytest.approx(1e4 / expected)
    assert [share.share for share in designer.suppliers] == pytest.approx(
        sorted((pool.spend_share for pool in found.pools), reverse=True)
    )


def test_that_every_tier_sums_to_one_and_stays_within_its_bounds(catalog: Catalog) -> None:
    for tier in evaluate(busy_chat(), catalog).fleet.tiers:
        assert sum(share.share for share in tier.suppliers) == pytest.approx(1.0), tier.tier
        assert 0 < tier.hhi.low <= tier.hhi.value <= tier.hhi.high <= 1e4 * (1 + 1e-12)
        assert tier.effective_suppliers.value >= 1.0 - 1e-12
        assert all(0.0 <= one.low <= one.share + 1e-12 <= one.high + 2e-12 for one in tier.suppliers)


def test_that_a_pool_is_what_an_alternative_with_its_traffic_alone_would_be(catalog: Catalog) -> None:
    pool = evaluate(busy_chat(), catalog).fleet.pools[0]
    alone = scenario(
        workload(alternative("nv-h200", parallelism_degree=2, max_batch=64), traffic={"request_rate_per_s": 80.0})
    )
    one = evaluate(alone, catalog).workloads[0].chosen
    assert pool.chips == one.chips_total
    assert one.cost.usd_per_month is not None
    assert pool.usd_per_month == pytest.approx(one.cost.usd_per_month.value)


def test_that_a_pool_that_cannot_hold_the_model_says_so_and_no_share_is_made_up(catalog: Catalog) -> None:
    asked = scenario(
        workload(
            alternative("nv-h200"),
            alternative("nv-h100-sxm", parallelism_degree=1),
            preset="llama-3.1-405b",
        ),
        fleet=fleet(H200=0.5, H100=0.5),
    )
    found = evaluate(asked, catalog).fleet
    assert found.usd_per_month is None
    assert "H100" in found.reason
    assert found.tiers == ()
    assert not found.pools[1].feasible


def test_that_a_member_without_traffic_costs_nothing_and_counts_for_nothing(catalog: Catalog) -> None:
    asked = busy_chat().model_copy(update={"fleet": fleet(H200=1.0, AI200=0.0)})
    found = evaluate(asked, catalog).fleet
    assert found.pools[1].usd_per_month == 0.0
    designer = next(tier for tier in found.tiers if tier.tier == "designer")
    assert designer.hhi.value == pytest.approx(1e4)
    assert designer.single_point_of_failure

"""Money by part: the parts add up, what works is what full use costs, and the frontier falls as load rises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog
from explorer.engine.cost import HOURS_PER_MONTH
from explorer.scenario.schema import Alternative, Migration, Price, Scenario
from explorer.study.cost_parts import AlternativeMoney, WorkloadMoney, _move, exit_cost, hosted_month
from explorer.study.economics import evaluate_with_economics as evaluate
from explorer.study.export import outcome_data
from explorer.study.outcome import Outcome
from tests.study.asking import alternative, four_chips, scenario, workload


def money_of(asked: Scenario, catalog: Catalog) -> tuple[Outcome, WorkloadMoney]:
    """An outcome and the money of its first workload."""
    outcome = evaluate(asked, catalog, samples=8)
    assert outcome.economics is not None
    return outcome, outcome.economics.money[0]


def part(money: AlternativeMoney, key: str) -> float:
    """One part's USD a month, 0 where there is none."""
    return sum(one.usd_per_month for one in money.parts if one.key == key)


@pytest.fixture(scope="module")
def answered(catalog: Catalog) -> tuple[Outcome, WorkloadMoney]:
    """The 70B chat on four chips, priced by one formula."""
    return money_of(four_chips(), catalog)


def test_that_parts_add_up_to_the_month(answered: tuple[Outcome, WorkloadMoney]) -> None:
    for one in answered[1].alternatives:
        assert one.usd_per_month is not None
        assert math.fsum(each.usd_per_month for each in one.parts) == pytest.approx(one.usd_per_month, rel=1e-9)


def test_that_what_works_is_what_the_same_tokens_cost_at_full_use(answered: tuple[Outcome, WorkloadMoney]) -> None:
    outcome, money = answered
    for one, answer in zip(money.alternatives, outcome.workloads[0].alternatives, strict=True):
        assert one.full_use is not None
        working = sum(each.usd_per_month for each in one.parts if each.key not in ("idle", "spares", "whole_units"))
        rate = answer.request_rate / 2.0  # the traffic's peak over mean
        tokens = rate * HOURS_PER_MONTH * 3600.0 * (1155.0 + 211.0)
        assert working == pytest.approx(one.full_use.blended * tokens / 1e6, rel=1e-6)


def test_that_cost_plus_has_the_margin_it_states(answered: tuple[Outcome, WorkloadMoney]) -> None:
    # price = cost (1 + 0.6)/0.7, so the margin is 1 - 0.7/1.6 = 0.5625 of what works
    for one in answered[1].alternatives:
        working = sum(part(one, key) for key in ("capital", "energy", "opex", "margin"))
        assert part(one, "margin") / working == pytest.approx(0.5625)


def test_that_spares_are_a_part_of_their_own(catalog: Catalog) -> None:
    asked = scenario(workload(alternative("nv-h200", spare_replicas=2)))
    outcome, money = money_of(asked, catalog)
    answer = outcome.workloads[0].chosen
    assert answer.cost.usd_per_chip_hour is not None
    expected = answer.cost.usd_per_chip_hour.value * 2 * answer.degree * HOURS_PER_MONTH
    assert part(money.alternatives[0], "spares") == pytest.approx(expected)


def test_that_an_offer_is_rent_and_nothing_else_works(catalog: Catalog) -> None:
    asked = scenario(workload(alternative("nv-h200")), price=Price(basis="offer"))
    _, money = money_of(asked, catalog)
    one = money.alternatives[0]
    assert part(one, "rent") > 0
    assert not {each.key for each in one.parts} & {"capital", "energy", "opex", "margin"}


def test_that_colocation_takes_the_place_of_energy(catalog: Catalog) -> None:
    asked = scenario(workload(alternative("nv-h200")), price=Price(basis="own", colocation_usd_per_kw_month=184.06))
    _, money = money_of(asked, catalog)
    keys = {each.key for each in money.alternatives[0].parts}
    assert "colocation" in keys and "energy" not in keys


def test_that_a_power_limit_is_kept_or_broken(catalog: Catalog) -> None:
    for limit, kept in ((1.0, False), (10_000.0, True)):
        asked = scenario(workload(alternative("nv-h200")), price=Price(power_limit_kw=limit))
        _, money = money_of(asked, catalog)
        assert money.alternatives[0].within_power_limit is kept


def test_that_a_hosted_service_costs_its_price_times_the_tokens() -> None:
    asked = workload(alternative("nv-h200"))
    price = Price(hosted_usd_per_million_input=0.5, hosted_usd_per_million_output=2.0)
    # 12 requests/s busy hour, peak over mean 2: 6/s * 730 h = 15.768 M requests
    assert hosted_month(price, asked) == pytest.approx(15.768 * (1155 * 0.5 + 211 * 2.0), rel=1e-9)
    assert hosted_month(Price(), asked) is None


def test_that_owning_breaks_even_where_fixed_cost_meets_rent(catalog: Catalog) -> None:
    asked = scenario(workload(alternative("nv-h200")), price=Price(basis="own"))
    _, money = money_of(asked, catalog)
    rent = money.alternatives[0].rent_or_own
    assert rent.rented_per_hour is not None and rent.owned_per_hour is not None
    assert rent.break_even_utilisation is not None
    # owning u of the hours at full energy costs as much as renting u of them
    energy = part(money.alternatives[0], "energy") / sum(each.usd_per_month for each in money.alternatives[0].parts)
    used = money.alternatives[0].used_share
    assert used is not None
    hourly_energy = energy * rent.owned_per_hour / used if energy else 0.0
    u = rent.break_even_utilisation
    whole = rent.owned_per_hour - hourly_energy + u * hourly_energy
    assert whole == pytest.approx(u * rent.rented_per_hour, rel=0.02)


def test_that_a_chip_without_an_offer_says_so(catalog: Catalog) -> None:
    _, money = money_of(scenario(workload(alternative("qcom-ai200"))), catalog)
    assert "no published on-demand offer" in money.alternatives[0].rent_or_own.reason


def test_that_users_wait_longer_where_chips_do_more(answered: tuple[Outcome, WorkloadMoney]) -> None:
    for one in answered[1].alternatives:
        assert one.interactivity is not None
        assert np.all(np.diff(one.interactivity.tokens_per_s_per_chip) > 0)
        assert np.all(np.diff(one.interactivity.tokens_per_s_per_user) < 1e-9)
        assert np.all(np.diff(one.interactivity.usd_per_million) < 0)


def test_that_the_present_point_lies_on_the_curve(answered: tuple[Outcome, WorkloadMoney]) -> None:
    outcome, money = answered
    for one, answer in zip(money.alternatives, outcome.workloads[0].alternatives, strict=True):
        assert one.interactivity is not None and one.interactivity.present is not None
        _, per_chip, _, _ = one.interactivity.present
        serving = answer.replicas * answer.degree
        assert per_chip == pytest.approx(answer.request_rate * 211.0 / serving, rel=1e-6)


def test_that_a_model_that_does_not_fit_has_a_reason_and_no_parts(catalog: Catalog) -> None:
    asked = scenario(workload(alternative("nv-l4", cloud="", parallelism_degree=1), preset="llama-3.1-405b"))
    _, money = money_of(asked, catalog)
    assert money.alternatives[0].parts == ()
    assert money.alternatives[0].reason


@settings(max_examples=8, deadline=None)
@given(rate=st.floats(0.5, 200.0), peak=st.floats(1.0, 8.0), spares=st.integers(0, 3))
def test_that_parts_add_up_at_any_traffic(catalog: Catalog, rate: float, peak: float, spares: int) -> None:
    chip: Alternative = alternative("nv-h200", spare_replicas=spares)
    _, money = money_of(
        scenario(workload(chip, traffic={"request_rate_per_s": rate, "peak_to_mean": peak}), samples=8), catalog
    )
    one = money.alternatives[0]
    assert one.usd_per_month is not None
    assert math.fsum(each.usd_per_month for each in one.parts) == pytest.approx(one.usd_per_month, rel=1e-9)
    assert all(each.usd_per_month > 0 for each in one.parts)


def test_that_leaving_costs_what_the_worked_example_says() -> None:
    """6 engineers * 4 months * 25 k$ + 3 months * 200 k$ * 0.5 + 200 TB * 0.05 $/GB = 910,000 $."""
    terms = Migration(egress_terabytes=200)
    assert exit_cost(terms, 200_000.0, engineering=1.0, egress=True) == pytest.approx(910_000.0)
    assert exit_cost(terms, 200_000.0, engineering=0.0, egress=False) == pytest.approx(300_000.0)


def test_that_a_hosted_service_is_one_more_alternative_with_its_source(catalog: Catalog) -> None:
    """At $0.50 in and $2.00 out, 1,155 and 211 tokens a request: (577.5 + 422)/1366 = $0.731698 a million."""
    price = Price(hosted_usd_per_million_input=0.5, hosted_usd_per_million_output=2.0, hosted_source="a price list")
    _, money = money_of(scenario(workload(alternative("nv-h200")), price=price), catalog)
    hosted = money.hosted
    assert hosted is not None and hosted.stated is not None and money.all[-1] is hosted
    assert hosted.stated.blended == pytest.approx(0.7316984, rel=1e-6)
    assert hosted.full_use == hosted.stated, "a service paid by the token has no idle hours"
    assert hosted.usd_per_month == pytest.approx(15.768 * (577.5 + 422.0), rel=1e-9)
    assert sum(each.usd_per_month for each in hosted.parts) == hosted.usd_per_month
    assert hosted.price_source == "a price list" and hosted.joule_per_token is None
    spend = money.alternatives[0].usd_per_month
    assert hosted.move is not None and spend is not None
    assert hosted.move.saving_usd_per_month == pytest.approx(spend - hosted.usd_per_month)
    # 6 * 4 * 25 k$ of engineering, and 3 months of half the spend twice
    assert hosted.move.switching_usd == pytest.approx(600_000.0 + 1.5 * spend)
    table = outcome_data(evaluate(scenario(workload(alternative("nv-h200")), price=price), catalog, samples=8))
    assert table["economics"]["money"][0]["hosted"]["usd_per_month"] == pytest.approx(hosted.usd_per_month)


def test_that_a_move_is_worth_what_a_calculation_by_hand_says() -> None:
    """From 200 k$ to 120 k$ a month with a new stack: 600 k$ + 1.5 * 200 k$ once, back in 11.25 months.

    36 months of 80 k$ at 1.1^(1/12) - 1 = 0.797414 % a month: annuity (1 - 1.1^-3)/0.00797414 = 31.18645.
    """
    found = _move(Migration(), Price(), 200_000.0, 120_000.0, engineering=1.0)
    assert found.switching_usd == pytest.approx(900_050.0 - 50.0)
    assert found.payback_months == pytest.approx(11.25)
    assert found.net_present_value_usd == pytest.approx(80_000.0 * 31.18645 - 900_000.0, rel=1e-5)
    dearer = _move(Migration(), Price(), 100_000.0, 120_000.0, engineering=0.0)
    assert dearer.payback_months is None and dearer.net_present_value_usd < -dearer.switching_usd


def test_that_owning_an_h200_breaks_even_where_a_calculation_by_hand_says(catalog: Catalog) -> None:
    """((K - 0.15 K/1.1^4) * 0.3154708 + 0.05 K)/8760 with K 1.35 times the chip, against the rent less the energy."""
    asked = scenario(workload(alternative("nv-h200")), price=Price(basis="own"))
    _, money = money_of(asked, catalog)
    found = money.alternatives[0].rent_or_own
    capital = 1.35 * catalog.chip("nv-h200").figures["capex"].value
    fixed = capital * ((1 - 0.15 / 1.4641) * 0.3154708 + 0.05) / 8760.0
    energy = 0.7 * 1.45 * 0.8 * 1.25 * 0.09
    assert found.owned_per_hour == pytest.approx(fixed + energy, rel=1e-6)
    assert found.rented_per_hour is not None
    assert found.break_even_utilisation == pytest.approx(fixed / (found.rented_per_hour - energy), rel=1e-6)
    assert found.rented_source.startswith("AWS ")


def test_that_a_tokens_energy_is_the_power_over_the_tokens(answered: tuple[Outcome, WorkloadMoney]) -> None:
    """Board power times 1.45 for the system, 80 % load, PUE 1.25, over the mean of 6 requests/s of 211 tokens."""
    outcome, money = answered
    h200 = next(at for at, one in enumerate(outcome.workloads[0].alternatives) if one.chip == "nv-h200")
    chips = outcome.workloads[0].alternatives[h200].chips_total
    joule = 700.0 * 1.45 * chips * 0.8 * 1.25 / (6.0 * 211.0)
    one = money.alternatives[h200]
    assert one.joule_per_token == pytest.approx(joule, rel=1e-9)
    assert one.tokens_per_s_per_watt == pytest.approx(1.0 / joule, rel=1e-9)
    assert one.usd_per_month is not None
    assert one.tokens_per_s_per_usd_hour == pytest.approx(6.0 * 211.0 / (one.usd_per_month / 730.0), rel=1e-9)


def test_that_every_price_says_where_it_is_from(answered: tuple[Outcome, WorkloadMoney], catalog: Catalog) -> None:
    assert all("cost plus" in one.price_source for one in answered[1].alternatives)
    asked = scenario(workload(alternative("nv-h200")), price=Price(basis="offer"))
    _, money = money_of(asked.model_copy(update={"as_of": "2030-01-01"}), catalog)
    source = money.alternatives[0].price_source
    assert source.startswith("AWS p5en.48xlarge, us-east-1, on-demand, 2026-07-20") and "stale" in source
    assert "read from " in source and "karpenter" in source

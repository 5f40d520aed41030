"""Money: worked examples of the cost formulas, identities, and sizing in whole units."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.engine.cost import (
    Migration,
    OwnedCost,
    break_even_utilisation,
    capital_recovery_factor,
    chips_in_whole_units,
    chips_total,
    cost_per_million_tokens,
    cost_plus_price_per_hour,
    effective_rented_price,
    energy_cost_per_million_tokens,
    energy_per_token,
    exploitable_price_rise,
    monthly_cost,
    monthly_tokens,
    net_present_value,
    owned_cost_per_hour,
    payback_months,
    replicas_with_spares,
    split_input_output,
    switching_cost,
    tokens_per_second_per_watt,
)

# An 8-GPU node worked by hand: 320,000 USD, 15 % residual after 4 years at 10 %, 10.2 kW at 80 % load,
# PUE 1.25, 0.09 USD/kWh, 5 % opex a year.
NODE = OwnedCost(
    capex=320_000.0,
    residual_share=0.15,
    cost_of_capital=0.10,
    life_years=4,
    power_watts=10_200.0,
    load=0.8,
    pue=1.25,
    usd_per_kwh=0.09,
    opex_share_per_year=0.05,
)
# The same node in colocation at CBRE's US primary-market rate of 184.06 USD per kW and month (H2 2024).
COLOCATED = replace(NODE, colocation_usd_per_kw_month=184.06)

money = st.floats(1.0, 1e9)
positive = st.floats(1e-3, 1e9)
chip_time = st.floats(1e-6, 1e6)


@pytest.mark.parametrize(("rate", "years", "expected"), [(0.10, 4, 0.31547080370609765), (0.08, 5, 0.2504564545668364)])
def test_that_the_capital_recovery_factor_is_that_of_the_annuity_tables(
    rate: float, years: int, expected: float
) -> None:
    assert capital_recovery_factor(rate, years) == pytest.approx(expected, rel=1e-12)


def test_that_money_at_no_interest_is_paid_back_in_equal_parts() -> None:
    np.testing.assert_allclose(capital_recovery_factor([0.0, 1e-12], 4), [0.25, 0.25], rtol=1e-9)
    # a rate that cannot be halved is no rate
    assert float(capital_recovery_factor(5e-324, 0.5)) == 2.0


def test_that_an_owned_node_costs_its_worked_parts_an_hour() -> None:
    parts = owned_cost_per_hour(NODE)
    assert parts.capital == pytest.approx(10.3434, abs=5e-5)
    assert parts.energy == pytest.approx(0.918, rel=1e-12)
    assert parts.colocation == 0.0
    assert parts.opex == pytest.approx(1.8265, abs=5e-5)
    assert parts.total == pytest.approx(13.087869704116272, rel=1e-12)
    assert parts.total / 8 == pytest.approx(1.635983713014534, rel=1e-12)


def test_that_colocation_replaces_energy() -> None:
    parts = owned_cost_per_hour(COLOCATED)
    assert parts.energy == 0.0
    assert parts.colocation == pytest.approx(2.5718, abs=5e-5)
    assert parts.total / 8 == pytest.approx(1.8427083705487806, rel=1e-12)
    # 184.06 USD per kW and month is 0.2521 USD/kWh at full use.
    assert parts.colocation / 10.2 == pytest.approx(0.2521369863013699, rel=1e-12)


def test_that_a_seller_adds_its_margin_to_the_owners_cost() -> None:
    assert cost_plus_price_per_hour(NODE, 0.3) == pytest.approx(1.3 * 13.087869704116272, rel=1e-12)


@pytest.mark.parametrize(("use", "expected"), [(0.6, 0.9212962962962963), (1.0, 0.5527777777777777)])
def test_that_a_rented_node_has_its_worked_price_per_million_tokens(use: float, expected: float) -> None:
    # An H200 node at 39.80 USD/h (AWS capacity block, January 2026) giving 20,000 tokens/s.
    assert cost_per_million_tokens(39.80, 20_000.0, use) == pytest.approx(expected, rel=1e-12)


def test_that_tokens_nobody_makes_cost_infinitely_much() -> None:
    assert cost_per_million_tokens(39.80, 0.0) == math.inf


def test_that_a_reservation_at_forty_percent_off_breaks_even_at_sixty_percent_use() -> None:
    assert effective_rented_price(10.0, 0.4, 1.0, 0.6) == pytest.approx(10.0, rel=1e-12)


def test_that_energy_is_a_small_part_of_a_tokens_price() -> None:
    # 10.2 kW at 80 % load and PUE 1.25 giving 20,000 tokens/s.
    joules = energy_per_token(10_200.0, 0.8, 1.25, 20_000.0)
    assert joules == pytest.approx(0.51, rel=1e-12)
    rate = tokens_per_second_per_watt(20_000.0, 10_200.0, 0.8, 1.25)
    assert rate == pytest.approx(1.9607843137254901, rel=1e-12)
    assert rate * 3.6 == pytest.approx(7.0588235294117645, rel=1e-12)
    energy = float(energy_cost_per_million_tokens(joules, 0.09))
    assert energy == pytest.approx(0.01275, rel=1e-12)
    # of the rented node's price a million: 1.4 % at 60 % use, 2.3 % at full use
    shares = energy / cost_per_million_tokens(39.80, 20_000.0, [0.6, 1.0])
    np.testing.assert_allclose(shares, [0.014, 0.023], atol=5e-4)


def test_that_leaving_costs_the_worked_sum_and_bounds_the_price_rise() -> None:
    # Six engineers for four months at 25,000; three months of half a 200,000 USD bill twice; 200 TB out.
    cost = switching_cost(
        Migration(
            engineers=6,
            months=4,
            usd_per_engineer_month=25_000.0,
            dual_run_months=3,
            monthly_spend=200_000.0,
            overlap_share=0.5,
            egress_terabytes=200.0,
            usd_per_gigabyte=0.05,
        )
    )
    assert cost == pytest.approx(910_000.0, rel=1e-12)
    assert cost / 2.4e6 == pytest.approx(0.37916666666666665, rel=1e-12)
    assert payback_months(cost, 0.2 * 200_000.0) == pytest.approx(22.75, rel=1e-12)
    assert exploitable_price_rise(cost, 2.4e6, 0.10, 3) == pytest.approx(0.15246852970795557, rel=1e-12)


def test_that_what_saves_nothing_never_pays_back() -> None:
    np.testing.assert_array_equal(payback_months(1e6, [-1.0, 0.0, 5e5]), [math.inf, math.inf, 2.0])


def test_that_present_value_is_the_discounted_sum_less_the_cost() -> None:
    # 60/1.1 + 60/1.21 - 100 = 4.1322314
    assert net_present_value(100.0, [60.0, 60.0], 0.10) == pytest.approx(4.132231404958678, rel=1e-12)
    values = net_present_value(100.0, [[60.0, 60.0], [50.0, 50.0]], [0.10, 0.0])
    np.testing.assert_allclose(values, [4.132231404958678, 0.0], atol=1e-12)


def test_that_savings_paid_for_by_the_recovery_factor_are_worth_their_cost() -> None:
    yearly = float(capital_recovery_factor(0.07, 6)) * 1000.0
    assert net_present_value(1000.0, [yearly] * 6, 0.07) == pytest.approx(0.0, abs=1e-9)


def test_that_owning_breaks_even_where_both_bills_are_the_same() -> None:
    use = float(break_even_utilisation(12.17, 39.80, 0.918))
    assert 12.17 + use * 0.918 == pytest.approx(use * 39.80, rel=1e-12)
    assert break_even_utilisation(12.17, 0.9, 0.918) == math.inf


def test_that_chips_come_in_whole_nodes_and_racks() -> None:
    np.testing.assert_array_equal(chips_in_whole_units([1, 8, 9, 72], [8, 8, 8, 72]), [8, 8, 16, 72])
    assert chips_in_whole_units(3 * (0.1 * 10 + 0.2 * 10), 3) == 9
    assert chips_total(4, 3, 2, 8) == 16
    assert chips_total(4, 3) == 12


def test_that_replicas_are_the_fewest_that_carry_the_rate_plus_spares() -> None:
    np.testing.assert_array_equal(replicas_with_spares([0.0, 1.0, 10.0, 10.1, 30.0], 10.0), [1, 1, 1, 2, 3])
    assert replicas_with_spares(10.1, 10.0, 1) == 3
    assert replicas_with_spares(0.3, 0.1) == 3
    np.testing.assert_array_equal(replicas_with_spares([0.0, 5.0], 0.0, 1), [math.inf, math.inf])


def test_that_a_month_has_730_hours_of_the_mean_rate() -> None:
    assert monthly_cost(2.0, 16) == pytest.approx(23_360.0, rel=1e-12)
    # 20 requests/s in the busy hour, twice the mean, 1,500 tokens each: 10 * 730 * 3600 * 1500.
    assert monthly_tokens(20.0, 2.0, 1500.0) == pytest.approx(3.942e10, rel=1e-12)


@settings(max_examples=100)
@given(money, positive, positive, chip_time, chip_time)
def test_that_input_and_output_dollars_add_up_to_the_month(
    month: float, tokens_in: float, tokens_out: float, prefill: float, decode: float
) -> None:
    split = split_input_output(month, tokens_in, tokens_out, prefill, decode)
    assert split.input_usd + split.output_usd == pytest.approx(month, rel=1e-12)
    by_token = split.usd_per_million_input * tokens_in + split.usd_per_million_output * tokens_out
    assert by_token / 1e6 == pytest.approx(month, rel=1e-12)
    assert split.usd_per_million_blended * (tokens_in + tokens_out) / 1e6 == pytest.approx(month, rel=1e-12)
    low, high = sorted((float(split.usd_per_million_input), float(split.usd_per_million_output)))
    assert low * (1 - 1e-9) <= split.usd_per_million_blended <= high * (1 + 1e-9)


def test_that_money_follows_chip_time() -> None:
    split = split_input_output(1000.0, 3e6, 1e6, 1.0, 3.0)
    assert split.output_usd == pytest.approx(750.0, rel=1e-12)
    assert split.usd_per_million_input == pytest.approx(250.0 / 3.0, rel=1e-12)


@pytest.mark.parametrize(
    ("tokens_in", "tokens_out", "prefill", "decode", "named"),
    [
        (0.0, 1.0, 1.0, 1.0, "tokens"),
        (1.0, 0.0, 1.0, 1.0, "tokens"),
        (1.0, 1.0, 0.0, 0.0, "chip time"),
        (1.0, 1.0, -1.0, 2.0, "chip time"),
        (1.0, 1.0, math.nan, 2.0, "chip time"),
    ],
)
def test_that_money_with_nothing_to_lie_on_is_refused(
    tokens_in: float, tokens_out: float, prefill: float, decode: float, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        split_input_output(1.0, tokens_in, tokens_out, prefill, decode)


@settings(max_examples=50)
@given(money, money, st.floats(0.0, 0.5), st.floats(0.5, 10.0), st.floats(0.0, 10.0))
def test_that_the_exploitable_rise_is_linear_in_the_switching_cost(
    cost: float, spend: float, rate: float, years: float, factor: float
) -> None:
    rise = float(exploitable_price_rise(cost, spend, rate, years))
    assert exploitable_price_rise(factor * cost, spend, rate, years) == pytest.approx(
        factor * rise, rel=1e-9, abs=1e-300
    )


@settings(max_examples=50)
@given(st.integers(1, 10_000), st.integers(1, 128))
def test_that_whole_units_cover_the_need_with_less_than_one_unit_over(chips: int, unit: int) -> None:
    bought = float(chips_in_whole_units(chips, unit))
    assert chips <= bought < chips + unit
    assert bought % unit == 0

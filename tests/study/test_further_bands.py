"""The bands beside those of latencies: of rates, use, energy and money, with the median of the same draws."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.scenario.path import replace
from explorer.scenario.schema import Override
from explorer.scenario.workload import LayoutChoice
from explorer.study.bands import band_of_draws
from explorer.study.evaluate import Evaluator, evaluate
from tests.study.asking import four_chips


def test_that_a_band_is_p5_p50_and_p95_of_its_draws_and_holds_its_value() -> None:
    draws = np.random.default_rng(3).permutation(np.arange(1, 101, dtype=np.float64))
    band = band_of_draws(40.0, draws)
    assert (band.low, band.median, band.high) == (5.0, 51.0, 96.0)
    assert band_of_draws(2.0, draws).low == 2.0
    assert band_of_draws(99.0, draws).high == 99.0


def test_that_the_median_of_a_latency_is_kept_by_half_of_the_draws(catalog: Catalog) -> None:
    asked = replace(four_chips(), "simulation.samples", 1024)
    # replicas and layout held, so that only the promise moves
    for key, value in (("layout", LayoutChoice(tp=4)), ("replicas", 12)):
        asked = replace(asked, f"workloads.0.alternatives.0.{key}", value)
    found = evaluate(asked, catalog).workloads[0].chosen.latency["tpot"].p99
    assert found is not None and found.median is not None
    promised = replace(asked, "workloads.0.objectives.tpot_p99_s", found.median)
    kept = evaluate(promised, catalog).workloads[0].chosen.probability_keeps["tpot"]
    assert kept == pytest.approx(0.5, abs=0.01)


def test_that_more_use_of_a_draw_is_less_rate_of_it(catalog: Catalog) -> None:
    for one in evaluate(four_chips(), catalog).workloads[0].alternatives:
        use, rate = one.bands["utilisation"], one.bands["throughput_tokens_per_s"]
        assert use.median is not None and rate.median is not None
        assert use.low <= use.median <= use.high
        assert rate.high <= one.throughput_tokens_per_s * (1 + 1e-9)
        month, each = one.cost.usd_per_month, one.bands.get("usd_per_million_input")
        if month is not None and each is not None:
            assert each.high / each.value == pytest.approx(month.high / month.value)


def test_that_energy_has_the_band_of_the_power_drawn_and_none_once_it_is_known(catalog: Catalog) -> None:
    asked = four_chips()
    at = next(at for at, one in enumerate(asked.workloads[0].alternatives) if one.chip == "qcom-ai200")
    open_ended = evaluate(asked, catalog).workloads[0].alternatives[at].energy_joule_per_token
    assert open_ended is not None and open_ended.median is not None
    assert open_ended.low < open_ended.median < open_ended.high
    figure = catalog.chip("qcom-ai200").figures["board_power"]
    assert open_ended.high < open_ended.value * figure.high / figure.value
    known = asked.model_copy(
        update={"overrides": {"qcom-ai200": {"board_power": Override(value=400.0, unit=figure.unit)}}}
    )
    settled = evaluate(known, catalog).workloads[0].alternatives[at].energy_joule_per_token
    assert settled is not None
    assert settled.low == settled.median == settled.high == settled.value


def test_that_a_draw_in_which_no_number_of_chips_keeps_the_promises_has_no_price(catalog: Catalog) -> None:
    one = evaluate(four_chips(), catalog).workloads[0].chosen
    assert one.chip == "qcom-ai200" and one.keeps_promises
    month = one.cost.usd_per_month
    assert month is not None and month.median is not None
    assert month.high == np.inf
    # what is too slow for the promises is not cheap: half of the draws cost at least what is believed
    assert month.median > month.value
    by_hand = replace(four_chips(), "workloads.0.alternatives.0.replicas", 12)
    fixed = evaluate(by_hand, catalog).workloads[0].chosen.cost.usd_per_month
    assert fixed is not None and fixed.high < np.inf


def test_that_what_is_out_of_reach_as_believed_is_priced_as_what_merely_carries_the_load(catalog: Catalog) -> None:
    asked = replace(four_chips(), "workloads.0.objectives.tpot_p99_s", 0.012)
    one = evaluate(asked, catalog).workloads[0].chosen
    month = one.cost.usd_per_month
    assert one.max_request_rate == 0.0 and month is not None
    assert month.low <= month.value <= month.high < np.inf


def test_that_a_moving_hand_does_without(catalog: Catalog) -> None:
    quick = Evaluator(catalog).evaluate(four_chips(), samples=12).workloads[0].chosen
    assert quick.bands == {}
    assert quick.latency["tpot"].p99 is not None

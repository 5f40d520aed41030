"""Money and size of a deployment: the headline identity, whole units, the fewest replicas that keep the promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog, load_catalog
from explorer.engine.speculation import tokens_per_step
from explorer.scenario.path import replace
from explorer.scenario.schema import Comparison, Objectives, Override, Price, Scenario, Speculation
from explorer.study.evaluate import evaluate
from explorer.study.outcome import AlternativeOutcome
from tests.study.asking import FOUR, alternative, four_chips, one_chip, scenario, workload

HOURS_A_MONTH = 730.0


def tokens_a_month(asked: Scenario) -> float:
    """Input and output tokens of a month: the busy hour's rate over its peak-to-mean, 730 hours."""
    traffic = asked.workloads[0].traffic
    requests = traffic.request_rate_per_s / traffic.peak_to_mean * HOURS_A_MONTH * 3600
    return requests * (traffic.prompt_tokens + traffic.output_tokens)


def alternatives(asked: Scenario, catalog: Catalog) -> tuple[AlternativeOutcome, ...]:
    """The outcomes of the only workload's alternatives."""
    return evaluate(asked, catalog).workloads[0].alternatives


@given(
    rate=st.floats(0.05, 300),
    prompt=st.floats(16, 20_000),
    output=st.floats(16, 2000),
    peak=st.floats(1, 5),
    basis=st.sampled_from(["cost_plus", "own", "offer"]),
)
@settings(max_examples=15, deadline=None)
def test_that_price_a_million_times_the_months_tokens_is_the_months_money(
    rate: float, prompt: float, output: float, peak: float, basis: str
) -> None:
    asked = four_chips(
        traffic={
            "request_rate_per_s": rate,
            "prompt_tokens": prompt,
            "output_tokens": output,
            "peak_to_mean": peak,
        },
        objectives={"tpot_p99_s": 0.2},
    )
    asked = asked.model_copy(update={"price": Price(basis=basis)})
    tokens = tokens_a_month(asked)
    priced = 0
    for one in alternatives(asked, load_catalog()):
        cost = one.cost
        if cost.usd_per_month is None:
            assert cost.reason
            continue
        priced += 1
        blended = cost.usd_per_million_blended
        assert blended is not None
        for ours, theirs in (
            (blended.value, cost.usd_per_month.value),
            (blended.low, cost.usd_per_month.low),
            (blended.high, cost.usd_per_month.high),
        ):
            assert ours * tokens / 1e6 == pytest.approx(theirs, rel=1e-9)
        assert cost.usd_per_million_input is not None and cost.usd_per_million_output is not None
        split = cost.usd_per_million_input * prompt + cost.usd_per_million_output * output
        assert split / (prompt + output) == pytest.approx(blended.value, rel=1e-9)
        assert cost.usd_per_chip_hour is not None
        month = cost.usd_per_chip_hour.value * one.chips_total * HOURS_A_MONTH
        assert cost.usd_per_month.value == pytest.approx(month, rel=1e-9)
    assert priced > 0


def test_that_full_use_is_cheaper_a_token_than_the_stated_traffic(catalog: Catalog) -> None:
    """Idle hours, spares and part-used units are in the headline and not in the price at full use."""
    for one in alternatives(four_chips(), catalog):
        if one.max_request_rate > 0:
            assert one.cost.usd_per_million_at_full_use is not None
            assert one.cost.usd_per_million_blended is not None
            assert one.cost.usd_per_million_at_full_use < one.cost.usd_per_million_blended.value


@pytest.mark.parametrize("chip", FOUR)
@pytest.mark.parametrize("spare", [0, 1, 3])
@pytest.mark.parametrize("basis", ["cost_plus", "own"])
def test_that_chips_are_bought_in_whole_units_and_cover_replicas_and_spares(
    chip: str, spare: int, basis: str, catalog: Catalog
) -> None:
    asked = one_chip(chip, {"spare_replicas": spare}).model_copy(update={"price": Price(basis=basis)})
    one = alternatives(asked, catalog)[0]
    unit = catalog.chip(chip).instance_size
    if basis == "cost_plus":
        # rented: the smallest instance of its cloud, or a whole node or rack where it lists none
        offers = catalog.offers_for(chip, "AWS")
        unit = min([offer.chips_per_instance for offer in offers], default=unit)
    if basis == "cost_plus":
        assert unit == {"qcom-ai200": 1, "nv-h200": 8, "aws-trn2": 16, "nv-gb200-nvl72": 72}[chip]
    needed = one.degree * (one.replicas + spare)
    assert one.spare_replicas == spare
    assert one.chips_total % unit == 0
    assert needed <= one.chips_total < needed + unit
    idle = one.chips_total - needed
    assert one.purchase_note.endswith(f"{idle} of {one.chips_total} stand idle" if idle else "")
    assert bool(one.purchase_note) == bool(idle)


@pytest.mark.parametrize("chip", FOUR)
@pytest.mark.parametrize("rate", [3.0, 17.0, 90.0])
@pytest.mark.parametrize("model", ["llama-3.1-8b", "llama-3.1-70b"])
def test_that_the_replicas_keep_every_promise_and_one_fewer_would_not(
    chip: str, rate: float, model: str, catalog: Catalog
) -> None:
    asked = one_chip(chip, preset=model, traffic={"request_rate_per_s": rate})
    one = alternatives(asked, catalog)[0]
    assert one.keeps_promises, one.reason
    assert rate <= one.max_request_rate * (1 + 1e-9)
    if one.replicas == 1:
        return
    layout = {"tp": one.layout.tp, "pp": one.layout.pp, "dp": one.layout.dp, "ep": one.layout.ep}
    fewer = one_chip(
        chip,
        {"layout": layout, "replicas": one.replicas - 1},
        preset=model,
        traffic={"request_rate_per_s": rate},
    )
    short = alternatives(fewer, catalog)[0]
    assert not short.keeps_promises
    assert short.reason


@pytest.mark.parametrize("cv", [0.0, 0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("max_batch", [2, 8, 256])
def test_that_the_replicas_keep_every_promise_and_no_fewer_would_whatever_the_burstiness(
    cv: float, max_batch: int, catalog: Catalog
) -> None:
    """The split over replicas makes regular arrivals rougher and bursts smoother: sizing must know."""

    def served_by(replicas: int | str) -> AlternativeOutcome:
        asked = one_chip(
            "nv-h200",
            {"parallelism_degree": 4, "max_batch": max_batch, "replicas": replicas},
            traffic={"arrival_cv": cv, "request_rate_per_s": 20.0},
            objectives={"ttft_p99_s": 1.0},
        )
        return alternatives(asked, catalog)[0]

    one = served_by("auto")
    assert one.keeps_promises, one.reason
    assert not served_by(one.replicas - 1).keeps_promises


def test_that_a_million_requests_a_second_keep_their_promise_too(catalog: Catalog) -> None:
    asked = one_chip(
        "nv-h200",
        {"parallelism_degree": 4, "max_batch": 2},
        traffic={"request_rate_per_s": 1e6},
        objectives={"ttft_p99_s": 1.0},
    )
    one = alternatives(asked, catalog)[0]
    assert one.keeps_promises, one.reason
    assert one.max_request_rate == pytest.approx(1e6, rel=0.02)


@pytest.mark.parametrize("rate", [2.0, 17.0, 35.9, 36.5, 120.0])
def test_that_without_a_promise_the_fewest_replicas_that_carry_the_load_are_taken(
    rate: float, catalog: Catalog
) -> None:
    asked = one_chip("nv-h200", {"parallelism_degree": 4}, traffic={"request_rate_per_s": rate}, objectives={})
    one = alternatives(asked, catalog)[0]
    assert one.feasible and one.keeps_promises
    assert one.probability_keeps.keys() == {"all"}
    if one.replicas > 1:
        assert rate > one.saturation_rate / one.replicas * (one.replicas - 1) * 0.99


def test_that_the_cliff_is_where_the_promise_breaks(catalog: Catalog) -> None:
    asked = one_chip("nv-h200", {"parallelism_degree": 4, "replicas": 3})
    one = alternatives(asked, catalog)[0]
    for share, kept in ((0.99, True), (1.01, False)):
        at = replace(asked, "workloads.0.traffic.request_rate_per_s", one.max_request_rate * share)
        assert alternatives(at, catalog)[0].keeps_promises is kept
    assert one.max_request_rate < one.saturation_rate


def test_that_curves_are_drawn_for_the_rate_of_the_whole_service(catalog: Catalog) -> None:
    one = alternatives(one_chip("nv-h200", {"parallelism_degree": 4, "replicas": 3}), catalog)[0]
    assert one.rates[-1] < one.saturation_rate
    assert one.rates[-1] == pytest.approx(one.saturation_rate, rel=0.02)
    assert np.all(np.diff(one.rates) > 0)
    p99 = one.latency["tpot"].p99
    assert p99 is not None
    on_curve = np.interp(one.request_rate, one.rates, one.curves["tpot"].p99)
    assert on_curve == pytest.approx(p99.value, rel=0.01)


def test_that_a_load_beyond_saturation_is_infeasible_with_its_reason_and_no_latency(catalog: Catalog) -> None:
    asked = one_chip("nv-h200", {"replicas": 1, "parallelism_degree": 4}, traffic={"request_rate_per_s": 500.0})
    one = alternatives(asked, catalog)[0]
    assert not one.feasible
    assert "more than 1 replica can carry" in one.reason
    assert one.latency["tpot"].p99 is None
    assert one.latency["tpot"].reason == one.reason
    assert one.utilisation > 1.0
    assert one.throughput_tokens_per_s == pytest.approx(one.saturation_rate * 211.0)


def test_that_littles_law_ties_batch_rate_and_time_per_token(catalog: Catalog) -> None:
    """Sequences in service = rate x output tokens x mean time a token; the median is near that mean."""
    one = alternatives(one_chip("nv-h200", {"parallelism_degree": 4, "replicas": 2}), catalog)[0]
    assert one.batch is not None
    p50 = one.latency["tpot"].p50
    assert p50 is not None
    batch = one.request_rate / 2 * 211.0 * p50.value
    assert one.batch.mean == pytest.approx(batch, rel=0.05)


def test_that_equal_spend_buys_no_more_than_the_selected_ones_money(catalog: Catalog) -> None:
    """Whole units and spares are paid for on both sides; one replica more would be too dear."""
    own = [
        alternative("qcom-ai200"),
        alternative("nv-h200", spare_replicas=1),
        alternative("aws-trn2"),
        alternative("nv-gb200-nvl72"),
    ]
    asked = scenario(workload(*own), comparison=Comparison(basis="equal_spend"), price=Price(basis="own"))
    found = alternatives(asked, catalog)
    spent = found[0].cost.usd_per_month
    assert spent is not None
    for one, asked_for in zip(found[1:], own[1:], strict=True):
        month = one.cost.usd_per_month
        assert month is not None
        chip = catalog.chip(one.chip)
        each, unit = month.value / one.chips_total, chip.instance_size
        dear = month.value > spent.value * (1 + 1e-9)
        assert not dear or (one.replicas == 1 and not one.keeps_promises)
        assert dear == one.reason.startswith("not to be had for the ")
        more = -(-(one.replicas + 1 + asked_for.spare_replicas) * one.degree // unit) * unit
        assert more * each > spent.value


def test_that_equal_spend_leaves_no_doubt_about_what_is_spent(catalog: Catalog) -> None:
    """What the others buy is held in every draw; on offers, which have one price, their money has no band."""
    asked = scenario(
        workload(alternative("nv-h200"), alternative("aws-trn2"), traffic={"request_rate_per_s": 20.0}),
        comparison=Comparison(basis="equal_spend"), price=Price(basis="offer"), samples=64,
    )  # fmt: skip
    month = alternatives(asked, catalog)[1].cost.usd_per_month
    assert month is not None
    assert month.low == month.value == month.high


def test_that_a_chip_without_an_offer_has_no_price_on_the_offer_basis_and_says_what_to_do(
    catalog: Catalog,
) -> None:
    asked = one_chip("qcom-ai200", {"cloud": "Azure"}).model_copy(update={"price": Price(basis="offer")})
    cost = alternatives(asked, catalog)[0].cost
    assert cost.usd_per_month is None
    assert cost.usd_per_million_blended is None
    assert "no on-demand offer of Qualcomm AI200 in Azure" in cost.reason


def test_that_a_published_offer_is_taken_at_its_price_and_marked_when_old(catalog: Catalog) -> None:
    asked = one_chip("nv-h200").model_copy(update={"price": Price(basis="offer"), "as_of": "2030-01-01"})
    cost = alternatives(asked, catalog)[0].cost
    offers = catalog.offers_for("nv-h200", "AWS", "on_demand")
    assert cost.usd_per_chip_hour is not None
    assert cost.usd_per_chip_hour.value in [offer.usd_per_chip_hour for offer in offers]
    assert not cost.price_hypothetical
    assert cost.price_stale


def test_that_a_dearer_chip_of_the_same_make_costs_more(catalog: Catalog) -> None:
    asked = one_chip("nv-h200")
    dear = asked.model_copy(update={"overrides": {"nv-h200": {"capex": Override(value=80_000.0, unit="USD")}}})
    cheap_month = alternatives(asked, catalog)[0].cost.usd_per_month
    dear_month = alternatives(dear, catalog)[0].cost.usd_per_month
    assert cheap_month is not None and dear_month is not None
    assert dear_month.value > cheap_month.value


def test_that_a_price_and_a_power_settled_by_hand_leave_a_price(catalog: Catalog) -> None:
    settled = {
        "capex": Override(value=20_000.0, unit="USD"),
        "board_power": Override(value=1000.0, unit="W"),
    }
    asked = one_chip("qcom-ai200").model_copy(update={"overrides": {"qcom-ai200": settled}})
    cost = alternatives(asked, catalog)[0].cost
    assert cost.usd_per_chip_hour is not None
    assert cost.usd_per_chip_hour.low == cost.usd_per_chip_hour.value == cost.usd_per_chip_hour.high


def test_that_every_workload_is_sized_for_its_own_traffic(catalog: Catalog) -> None:
    small = workload(alternative("nv-h200"), traffic={"request_rate_per_s": 1.0}, name="small")
    large = workload(alternative("nv-h200"), traffic={"request_rate_per_s": 200.0}, name="large")
    both = evaluate(scenario(small, large), catalog).workloads
    assert [one.name for one in both] == ["small", "large"]
    assert both[0].chosen.chips_total < both[1].chosen.chips_total
    alone = evaluate(scenario(large), catalog).workloads[0]
    assert both[1].chosen.chips_total == alone.chosen.chips_total


@pytest.mark.parametrize("chip", FOUR)
def test_that_no_degree_set_by_hand_needs_fewer_chips_than_the_one_found(chip: str) -> None:
    # tokens due within 50 ms leave one AI200 nearly no load at all: a cliff there is the hard one to place
    promise = {"ttft_p99_s": 2.0, "tpot_p99_s": 0.05}
    found = alternatives(one_chip(chip, objectives=promise), load_catalog())[0]
    assert found.keeps_promises
    for degree in (one for one in found.legal_degrees if one <= 8):
        fixed = one_chip(chip, {"parallelism_degree": degree}, objectives=promise)
        other = alternatives(fixed, load_catalog())[0]
        if other.keeps_promises:
            assert found.chips_total <= other.chips_total, degree


@pytest.mark.parametrize("stretch", [1.01, 1.05, 1.2, 1.5])
@pytest.mark.parametrize("metric", ["ttft", "tpot", "itl", "e2e"])
def test_that_what_is_sized_to_a_tight_promise_keeps_it(catalog: Catalog, metric: str, stretch: float) -> None:
    """Promises hardly above what an idle replica takes: the largest rate is at light load, where they rise fast."""
    asked = one_chip("nv-h200", {"parallelism_degree": 4})
    idle = float(alternatives(asked, catalog)[0].curves[metric].p99[0])
    promised = replace(asked, "workloads.0.objectives", Objectives(**{f"{metric}_p99_s": stretch * idle}))
    (one,) = alternatives(promised, catalog)
    assert one.max_request_rate >= one.request_rate
    assert one.keeps_promises, one.reason


def test_that_money_of_input_and_output_is_nobody_elses_business(catalog: Catalog) -> None:
    """Beside an alternative with a larger batch it is what it is alone."""
    small = alternative("nv-h200", max_batch=4, parallelism_degree=4)
    alone = alternatives(scenario(workload(small)), catalog)[0].cost
    other = alternative("nv-h100-sxm", max_batch=4096, parallelism_degree=4)
    beside = alternatives(scenario(workload(small, other)), catalog)[0].cost
    assert alone.usd_per_million_input is not None
    assert beside.usd_per_million_input == pytest.approx(alone.usd_per_million_input, rel=1e-9)
    assert beside.usd_per_million_output == pytest.approx(alone.usd_per_million_output, rel=1e-9)


def test_that_speculation_makes_output_cheaper_against_input(catalog: Catalog) -> None:
    """Full batches whose steps yield three tokens and last no longer: output takes a third of the chips' time."""
    plain = alternative("nv-h200", parallelism_degree=4, replicas=1, max_batch=8)
    drafted = alternative(
        "nv-h200", parallelism_degree=4, replicas=1, max_batch=8,
        speculation=Speculation(acceptance=0.8, draft_tokens=4, step_cost=0.0),
    )  # fmt: skip
    ratios = []
    for one in (plain, drafted):
        cost = alternatives(scenario(workload(one)), catalog)[0].cost
        assert cost.usd_per_million_input is not None and cost.usd_per_million_output is not None
        ratios.append(cost.usd_per_million_output / cost.usd_per_million_input)
    assert ratios[1] == pytest.approx(ratios[0] / tokens_per_step(0.8, 4), rel=0.05)


def test_that_a_higher_peak_never_makes_a_chip_slower(catalog: Catalog) -> None:
    found = []
    for factor in (1.0, 1.05, 2.0, 4.0):
        figure = catalog.chip("nv-h200").figures["peak_16bit"]
        override = Override(value=factor * figure.value / figure.scale, unit=figure.unit)
        asked = one_chip("nv-h200", {"parallelism_degree": 4, "replicas": 2}).model_copy(
            update={"overrides": {"nv-h200": {"peak_16bit": override}}}
        )
        found.append(alternatives(asked, catalog)[0].max_request_rate)
    assert found == sorted(found)


@pytest.mark.parametrize(("basis", "words"), [("cost_plus", "cost plus 60 % at 70 % sold"), ("own", "at 10 %, all")])
def test_that_shares_in_the_source_of_a_price_are_written_as_everywhere(
    basis: str, words: str, catalog: Catalog
) -> None:
    asked = replace(replace(one_chip("nv-h200"), "price.basis", basis), "price.cost_of_capital", 0.1)
    asked = replace(replace(asked, "price.margin", 0.6), "price.utilisation_sold", 0.7)
    assert words in evaluate(asked, catalog).workloads[0].chosen.cost.price_source

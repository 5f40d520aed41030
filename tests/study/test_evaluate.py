"""What an evaluation must always be: whole, ordered, repeatable, and clear about what it cannot do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog, load_catalog
from explorer.errors import LayoutError, MissingFigureError, UnknownRecordError
from explorer.scenario.path import replace
from explorer.scenario.schema import FleetMember, Override, Scenario
from explorer.scenario.workload import LayoutChoice
from explorer.study.banded import METRICS
from explorer.study.evaluate import evaluate
from explorer.study.figures import OverrideError
from explorer.study.outcome import AlternativeOutcome
from explorer.study.verdict_table import verdict_text
from tests.study.asking import FOUR, alternative, fleet, four_chips, one_chip, scenario, workload
from tests.study.walking import bands_out_of_order, differences, leaves, not_numbers

CHIPS = sorted(load_catalog().chips)


def only(chip: str, catalog: Catalog, **settings: object) -> AlternativeOutcome:
    """The outcome of one alternative alone."""
    return evaluate(one_chip(chip, **settings), catalog).workloads[0].chosen  # type: ignore[arg-type]


def test_that_the_same_scenario_twice_gives_the_same_numbers(catalog: Catalog) -> None:
    asked = four_chips()
    assert differences(evaluate(asked, catalog), evaluate(asked, catalog)) == []


def test_that_every_latency_lies_in_its_band_and_quantiles_are_in_order(catalog: Catalog) -> None:
    for one in evaluate(four_chips(), catalog).workloads[0].alternatives:
        for metric in METRICS:
            found = one.latency[metric]
            assert found.p50 is not None and found.p95 is not None and found.p99 is not None
            assert found.p50.value <= found.p95.value <= found.p99.value
            curve = one.curves[metric]
            assert np.all(curve.p50 <= curve.p99)
            assert np.all(curve.p99_low <= curve.p99)
            assert np.all(curve.p99 <= curve.p99_high)


@pytest.mark.parametrize("model", ["llama-3.1-8b", "llama-3.1-70b", "gpt-oss-120b", "deepseek-v3", "kimi-k2"])
def test_that_nothing_is_ever_not_a_number_and_every_band_holds_its_value(model: str, catalog: Catalog) -> None:
    for rate in (0.01, 3.0, 400.0):
        asked = four_chips(preset=model, traffic={"request_rate_per_s": rate})
        found = evaluate(asked, catalog)
        assert not_numbers(found) == []
        assert bands_out_of_order(found) == []


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("model", ["llama-3.1-70b", "kimi-k2"])
def test_that_every_shipped_chip_answers_or_names_the_figure_it_lacks(chip: str, model: str, catalog: Catalog) -> None:
    try:
        found = evaluate(one_chip(chip, {"cloud": ""}, preset=model), catalog)
    except MissingFigureError as error:
        assert chip in str(error)
        assert error.figure not in catalog.chip(chip).figures
        return
    assert not_numbers(found) == []
    assert bands_out_of_order(found) == []
    chosen = found.workloads[0].chosen
    assert chosen.chip == chip
    assert chosen.feasible or chosen.reason


def test_that_probabilities_are_probabilities(catalog: Catalog) -> None:
    for rate in (1.0, 30.0, 300.0):
        found = evaluate(four_chips(traffic={"request_rate_per_s": rate}), catalog)
        for one in found.workloads[0].alternatives:
            kept = one.probability_keeps
            assert set(kept) == {"ttft", "tpot", "all"}
            assert all(0.0 <= chance <= 1.0 for chance in kept.values())
            assert kept["all"] <= min(kept["ttft"], kept["tpot"])


def test_that_an_unknown_chip_is_named_with_the_nearest_known(catalog: Catalog) -> None:
    with pytest.raises(UnknownRecordError, match=r"unknown chip 'qcom-ai20'.*qcom-ai200"):
        evaluate(one_chip("qcom-ai20"), catalog)


def test_that_an_unknown_model_and_an_unknown_offer_are_named(catalog: Catalog) -> None:
    with pytest.raises(UnknownRecordError, match="unknown model 'llama-9'"):
        evaluate(one_chip("nv-h200", preset="llama-9"), catalog)
    asked = one_chip("nv-h200", {"offer": "no-such-offer"})
    with pytest.raises(UnknownRecordError, match="unknown offer 'no-such-offer'"):
        evaluate(replace(asked, "price.basis", "offer"), catalog)


def test_that_an_override_of_a_figure_the_chip_does_not_have_is_refused(catalog: Catalog) -> None:
    asked = one_chip("nv-h200").model_copy(
        update={"overrides": {"nv-h200": {"memory_speed": Override(value=5.0, unit="TB/s")}}}
    )
    with pytest.raises(OverrideError, match=r"'nv-h200' has no figure 'memory_speed'"):
        evaluate(asked, catalog)


def overridden(value: float, unit: str) -> Scenario:
    figures = {"memory_bandwidth": Override(value=value, unit=unit)}
    return one_chip("nv-h200").model_copy(update={"overrides": {"nv-h200": figures}})


def test_that_an_override_in_another_unit_of_its_kind_is_restated(catalog: Catalog) -> None:
    gigabytes, terabytes = (
        evaluate(overridden(*one), catalog).workloads[0].alternatives[0].latency["tpot"].p99
        for one in ((2400.0, "GB/s"), (2.4, "TB/s"))
    )
    assert gigabytes is not None and terabytes is not None
    assert gigabytes.value == pytest.approx(terabytes.value, rel=1e-12)


def test_that_an_override_in_a_unit_of_another_kind_is_refused_with_both_units(catalog: Catalog) -> None:
    with pytest.raises(OverrideError, match=r"GB'.*TB/s"):
        evaluate(overridden(4800.0, "GB"), catalog)


@pytest.mark.parametrize(
    ("chip", "figure", "override"),
    [
        ("nv-h200", "scaleup_domain", Override(value=0.4, unit="chips")),
        ("qcom-ai200", "collective_efficiency", Override(value=25.0, unit="share")),
    ],
)
def test_that_half_a_chip_or_more_than_the_whole_of_a_link_is_refused(
    chip: str, figure: str, override: Override, catalog: Catalog
) -> None:
    asked = one_chip(chip).model_copy(update={"overrides": {chip: {figure: override}}})
    with pytest.raises(OverrideError, match=rf"{figure}.*cannot be \(allowed"):
        evaluate(asked, catalog)


@pytest.mark.parametrize(
    ("layout", "model", "reason"),
    [
        ({"tp": 128}, "llama-3.1-70b", "more than the 64 attention heads"),
        ({"pp": 100}, "llama-3.1-70b", "more than the 80 layers"),
        ({"tp": 8, "ep": 8}, "llama-3.1-70b", "needs experts; this model is dense"),
        ({"tp": 64, "dp": 8, "ep": 512}, "kimi-k2", "more than the 384 experts"),
    ],
)
def test_that_an_impossible_layout_is_refused_with_its_reason(
    layout: dict[str, int], model: str, reason: str, catalog: Catalog
) -> None:
    asked = one_chip("nv-h200", {"layout": LayoutChoice(**layout)}, preset=model)
    with pytest.raises(LayoutError, match=reason):
        evaluate(asked, catalog)


def test_that_a_layout_set_by_hand_is_the_one_taken(catalog: Catalog) -> None:
    layout = LayoutChoice(tp=4, pp=2)
    found = only("nv-h200", catalog, deployed={"layout": layout})
    assert (found.layout.tp, found.layout.pp, found.layout.dp, found.layout.ep) == (4, 2, 1, 1)
    assert found.degree == 8
    assert not found.degree_is_auto


def test_that_a_chip_without_the_format_says_that_it_runs_weight_only(catalog: Catalog) -> None:
    ours = {"weight_precision": "fp4"}
    assert only("nv-gb200-nvl72", catalog, model=ours).precision_note == ""
    assert "dequantised, computing in FP8" in only("qcom-ai200", catalog, model=ours).precision_note
    assert "dequantised, computing in FP8" in only("nv-h200", catalog, model=ours).precision_note
    assert "16 bit" in only("nv-a100-80", catalog, model={"weight_precision": "fp8"}).precision_note


class TestTrillionParameters:
    """Kimi K2 at 4 bits: by capacity one AI200 card is enough, one H200 is not, and capacity is not speed."""

    def asked(self, chip: str, catalog: Catalog) -> AlternativeOutcome:
        return only(
            chip,
            catalog,
            deployed={"parallelism_degree": 1},
            preset="kimi-k2",
            model={"weight_precision": "fp4"},
            traffic={"request_rate_per_s": 0.2},
        )

    def test_that_one_ai200_holds_it_and_the_note_says_what_reading_it_takes(self, catalog: Catalog) -> None:
        memory = self.asked("qcom-ai200", catalog).memory
        assert memory.fits
        assert memory.shortfall == 0.0
        assert memory.weights + memory.other == pytest.approx(552e9, rel=0.005)
        assert memory.usable == pytest.approx(707e9, rel=0.005)
        assert "Holding is not reading" in memory.note
        assert "memory domains" in memory.note
        assert [read.reading for read in memory.read_times] == ["vendor", "sceptic"]
        assert memory.read_times[0].seconds * 7.39 == pytest.approx(memory.read_times[1].seconds * 1.7)
        # the whole card read once at the central bandwidth
        assert memory.sweep_s == pytest.approx(768e9 / (7.39e12 * 1.7e12) ** 0.5, rel=1e-9)

    def test_that_one_h200_does_not_and_the_reason_says_how_much_is_short_and_what_would_do(
        self, catalog: Catalog
    ) -> None:
        found = self.asked("nv-h200", catalog)
        assert not found.memory.fits
        assert not found.feasible
        assert found.memory.shortfall == pytest.approx(552e9 - 129.7e9, rel=0.01)
        assert "does not fit" in found.reason
        assert "fits on 8 GPUs" in found.reason
        assert found.cost.usd_per_month is None
        assert found.cost.reason
        assert found.chips_total == 0
        assert all(found.latency[metric].p99 is None and found.latency[metric].reason for metric in METRICS)


class TestDisputedFigure:
    """AI200's bandwidth has two readings, 7.39 and 1.7 TB/s, and a belief between them."""

    def p99(self, catalog: Catalog, *, belief: float | None = None, value: float | None = None) -> tuple[float, ...]:
        override = Override(belief=belief) if belief is not None else Override(value=value, unit="TB/s", reason="test")
        asked = one_chip("qcom-ai200", {"parallelism_degree": 1, "replicas": 24}).model_copy(
            update={"overrides": {"qcom-ai200": {"memory_bandwidth": override}}}
        )
        found = evaluate(asked, catalog).workloads[0].chosen.latency["tpot"].p99
        assert found is not None
        return found.value, found.low, found.high

    @pytest.mark.parametrize(("belief", "reading"), [(1.0, 7.39), (0.0, 1.7)])
    def test_that_full_belief_in_a_reading_gives_its_own_values(
        self, belief: float, reading: float, catalog: Catalog
    ) -> None:
        assert self.p99(catalog, belief=belief) == pytest.approx(self.p99(catalog, value=reading), rel=1e-9)

    def test_that_a_middling_belief_lies_between_and_its_band_spans_both_readings(self, catalog: Catalog) -> None:
        vendor, sceptic = self.p99(catalog, belief=1.0), self.p99(catalog, belief=0.0)
        value, low, high = self.p99(catalog, belief=0.5)
        assert vendor[0] < value < sceptic[0]
        assert low < vendor[0]
        assert high > sceptic[0]
        assert high / low > vendor[2] / vendor[1]


def test_that_a_settled_figure_narrows_the_band(catalog: Catalog) -> None:
    """Overriding every open figure by value leaves only the model's own error."""
    chip = catalog.chip("qcom-ai200")
    settled = {
        figure.name: Override(value=figure.value / figure.scale, unit=figure.unit) for figure in chip.open_figures
    }
    asked = one_chip("qcom-ai200", {"parallelism_degree": 2, "replicas": 40})
    open_band = evaluate(asked, catalog).workloads[0].chosen.latency["tpot"].p99
    closed = asked.model_copy(update={"overrides": {"qcom-ai200": settled}})
    closed_band = evaluate(closed, catalog).workloads[0].chosen.latency["tpot"].p99
    assert open_band is not None and closed_band is not None
    assert closed_band.value == pytest.approx(open_band.value, rel=0.02)
    assert closed_band.high / closed_band.low < open_band.high / open_band.low


def test_that_adding_an_alternative_leaves_the_others_as_they_were(catalog: Catalog) -> None:
    alone = evaluate(one_chip("nv-h200"), catalog).workloads[0].chosen
    beside = next(one for one in evaluate(four_chips(), catalog).workloads[0].alternatives if one.chip == "nv-h200")
    for metric in METRICS:
        for q in ("p50", "p95", "p99"):
            ours, theirs = getattr(alone.latency[metric], q), getattr(beside.latency[metric], q)
            assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.value, theirs.low, theirs.high), rel=1e-9)
    assert alone.replicas == beside.replicas
    assert alone.max_request_rate == pytest.approx(beside.max_request_rate, rel=1e-9)


BANDWIDTHS = st.sampled_from([0.8, 1.2, 1.7, 2.4, 3.5, 5.0, 7.39])


@given(
    BANDWIDTHS,
    BANDWIDTHS,
    st.sampled_from([(1, 1), (4, 1), (2, 2), (1, 4)]),
    st.sampled_from(["llama-3.1-8b", "llama-3.1-70b"]),
)
@settings(max_examples=20, deadline=None)
def test_that_more_bandwidth_never_lengthens_the_p99_time_per_token(
    one: float, other: float, ranks_and_stages: tuple[int, int], model: str
) -> None:
    """In one layout: left to itself a faster chip may take one that carries more, a token of which takes longer."""
    tp, pp = ranks_and_stages

    def p99(terabytes: float) -> float:
        asked = one_chip(
            "qcom-ai200",
            {"layout": {"tp": tp, "pp": pp, "dp": 1, "ep": 1}, "replicas": 8, "max_batch": 64},
            preset=model,
            traffic={"request_rate_per_s": 2.0},
        ).model_copy(update={"overrides": {"qcom-ai200": {"memory_bandwidth": Override(value=terabytes, unit="TB/s")}}})
        found = evaluate(asked, load_catalog()).workloads[0].chosen.latency["tpot"].p99
        return np.inf if found is None else found.value

    slow, fast = sorted((one, other))
    assert p99(fast) <= p99(slow) * (1 + 1e-6)


@given(
    st.sampled_from(FOUR),
    st.sampled_from([0.5, 2.0, 5.0, 11.0, 23.0, 47.0, 100.0]),
    st.floats(1.02, 3.0),
    st.sampled_from(["llama-3.1-8b", "llama-3.1-70b", "gpt-oss-120b", "kimi-k2"]),
)
@settings(max_examples=25, deadline=None)
def test_that_more_traffic_never_needs_fewer_chips(chip: str, rate: float, factor: float, model: str) -> None:
    def chips(requests: float) -> int:
        asked = one_chip(chip, preset=model, traffic={"request_rate_per_s": requests})
        return evaluate(asked, load_catalog()).workloads[0].chosen.chips_total

    assert chips(rate * factor) >= chips(rate)


def test_that_outcomes_hold_no_text_that_says_nan_or_none(catalog: Catalog) -> None:
    found = evaluate(four_chips(traffic={"request_rate_per_s": 500.0}), catalog)
    for path, value in leaves(found):
        if isinstance(value, str):
            assert "nan" not in value.lower().split(), path
            assert "None" not in value, path


def test_that_a_fleet_member_that_no_alternative_stands_for_is_sized_too(catalog: Catalog) -> None:
    asked = scenario(workload(alternative("nv-h200")), fleet=fleet(H200=0.5, H100=0.5))
    pools = evaluate(asked, catalog).fleet.pools
    assert [pool.chip for pool in pools] == ["nv-h200", "nv-h100-sxm"]
    assert all(pool.feasible and pool.chips > 0 and pool.usd_per_month > 0 for pool in pools)


def test_that_a_fleet_member_of_an_unknown_chip_is_named(catalog: Catalog) -> None:
    members = (FleetMember(name="X", chip="no-chip", cloud="AWS", traffic_share=1.0),)
    asked = scenario(workload(alternative("nv-h200")))
    asked = asked.model_copy(update={"fleet": asked.fleet.model_copy(update={"members": members})})
    with pytest.raises(UnknownRecordError, match="no-chip"):
        evaluate(asked, catalog)


def test_that_a_pool_that_holds_no_model_or_keeps_no_promise_says_so_in_one_sentence(catalog: Catalog) -> None:
    small = alternative("nv-l4", parallelism_degree=1)
    large = replace(scenario(workload(small), fleet=fleet(H200=1.0)), "workloads.0.model.size_billion", 9000.0)
    reason = evaluate(large, catalog).fleet.pools[0].reason
    assert reason == "Nvidia H200 cannot hold this 9T model in any layout (chat)"
    hasty = workload(alternative("nv-h200"), objectives={"tpot_p99_s": 0.001, "ttft_p99_s": 1.0})
    reason = evaluate(scenario(hasty, fleet=fleet(H200=1.0)), catalog).fleet.pools[0].reason
    assert reason == "H200 keeps the chat promises at no rate"


def test_that_what_does_not_fit_is_given_no_replicas(catalog: Catalog) -> None:
    outcome = evaluate(one_chip("nv-l4", {"parallelism_degree": 1}, preset="llama-3.1-405b"), catalog)
    assert "replica" not in outcome.workloads[0].chosen.layout_sentence


def named(*names: str) -> list[str]:
    """Labels of alternatives of one chip."""
    made = [alternative("nv-h200", name=name) for name in names]
    return [one.label for one in evaluate(scenario(workload(*made)), load_catalog()).workloads[0].alternatives]


def test_that_two_alternatives_of_one_chip_keep_their_own_names_in_labels() -> None:
    first, second = named("H200 as owned", "H200 latency tuned")
    assert first.startswith("H200 as owned ×") and second.startswith("H200 latency tuned ×")


def test_that_a_name_of_the_chips_own_leaves_the_label_short_and_a_long_one_is_cut(catalog: Catalog) -> None:
    (own,) = named("Nvidia H200")
    assert own.startswith("H200 ×")
    (other,) = named("Reserved for three years in Frankfurt")
    assert other.startswith("Reserved for thre… ×")
    ends = named("Reserved for three years, first", "Reserved for three years, second")
    assert ends[0] != ends[1] and "first" in ends[0] and "second" in ends[1]
    for served in (("nv-gb200-nvl72", "GB200 NVL72", "GB200 ×"), ("nv-h100-sxm", "H100", "H100 ×")):
        asked = scenario(workload(alternative(served[0], name=served[1])))
        assert evaluate(asked, catalog).workloads[0].chosen.label.startswith(served[2])


def test_that_the_printed_table_says_where_nothing_is_promised(catalog: Catalog) -> None:
    none: dict[str, float | None] = {"ttft_p99_s": None, "tpot_p99_s": None}
    asked = scenario(workload(alternative("nv-h200"), objectives=none))
    table = verdict_text(evaluate(asked, catalog))
    assert "no promise" in table and "of draws" not in table

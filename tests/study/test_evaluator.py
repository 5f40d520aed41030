"""The evaluator that keeps answers between calls gives what a fresh one gives, whatever was changed before."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog, load_catalog
from explorer.scenario.path import replace, several
from explorer.scenario.schema import Override, Scenario
from explorer.study.evaluate import Evaluator, evaluate
from tests.study.asking import alternative, fleet, scenario, workload
from tests.study.walking import differences

RATES = st.sampled_from([0.5, 6.0, 12.0, 40.0, 150.0])
CHIPS = st.sampled_from(["qcom-ai200", "nv-h200", "nv-h100-sxm", "aws-trn2"])
SHARES = st.sampled_from([0.02, 0.1, 0.3, 0.5, 0.9])


def two_workloads() -> Scenario:
    """A chat and a code workload, and a fleet of which H100 stands for no alternative."""
    return scenario(
        workload(alternative("qcom-ai200"), alternative("nv-h200"), name="chat"),
        workload(alternative("nv-h200"), preset="llama-3.1-8b", name="code"),
        fleet=fleet(H200=0.5, H100=0.3, Trainium2=0.2),
        samples=8,
    )


def with_shares(asked: Scenario, first: float) -> Scenario:
    """The fleet's first member at a share, the others sharing the rest evenly."""
    rest = (1.0 - first) / 2
    return several(
        asked,
        {f"fleet.members.{at}.traffic_share": share for at, share in enumerate((first, rest, rest))},
    )


def with_override(asked: Scenario, chip: str, figure: str, override: Override | None) -> Scenario:
    """The scenario with one figure of one chip overridden, or not."""
    figures = {name: one for name, one in asked.overrides.get(chip, {}).items() if name != figure}
    if override is not None:
        figures[figure] = override
    return asked.model_copy(update={"overrides": {**asked.overrides, chip: figures}})


CHANGES: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(st.just("workloads.0.model.size_billion"), st.sampled_from([8.0, 30.0, 70.0, 120.0])),
    st.tuples(st.just("workloads.0.traffic.request_rate_per_s"), RATES),
    st.tuples(st.just("workloads.1.traffic.request_rate_per_s"), RATES),
    st.tuples(st.just("workloads.0.alternatives.0.max_batch"), st.sampled_from([4, 64, 512])),
    st.tuples(st.just("workloads.0.alternatives.0.parallelism_degree"), st.sampled_from(["auto", 4, 8])),
    st.tuples(st.just("workloads.0.alternatives.0.chip"), CHIPS),
    st.tuples(st.just("workloads.0.objectives.tpot_p99_s"), st.sampled_from([0.02, 0.05, 0.2])),
    st.tuples(st.just("fleet.members.1.chip"), CHIPS),
    st.tuples(st.just("price.basis"), st.sampled_from(["cost_plus", "own", "offer"])),
    st.tuples(st.just("stragglers.jitter_sigma"), st.sampled_from([0.0, 0.05])),
    st.tuples(st.just("simulation.seed"), st.sampled_from([1, 2])),
    st.tuples(st.just("share"), SHARES),
    st.tuples(st.just("belief"), st.sampled_from([0.0, 0.5, 1.0])),
    st.tuples(st.just("bandwidth"), st.sampled_from([None, 1.0, 5.0])),
)


def changed(asked: Scenario, path: str, value: Any) -> Scenario:
    """The scenario after one change."""
    if path == "share":
        return with_shares(asked, value)
    if path == "belief":
        return with_override(asked, "qcom-ai200", "memory_bandwidth", Override(belief=value))
    if path == "bandwidth":
        override = None if value is None else Override(value=value, unit="TB/s")
        return with_override(asked, "nv-h200", "memory_bandwidth", override)
    return replace(asked, path, value)


@given(st.lists(CHANGES, min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_that_kept_answers_equal_fresh_ones_after_any_changes(changes: list[tuple[str, Any]]) -> None:
    catalog = load_catalog()
    evaluator = Evaluator(catalog)
    asked = two_workloads()
    evaluator.evaluate(asked)
    for path, value in changes:
        asked = changed(asked, path, value)
        assert differences(evaluator.evaluate(asked), evaluate(asked, catalog)) == [], (path, value)


def test_that_a_moved_share_resizes_a_member_that_no_alternative_stands_for(catalog: Catalog) -> None:
    evaluator = Evaluator(catalog)
    for first in (0.98, 0.02, 0.5, 0.9):
        asked = with_shares(replace(two_workloads(), "workloads.0.traffic.request_rate_per_s", 40.0), first)
        assert differences(evaluator.evaluate(asked).fleet, evaluate(asked, catalog).fleet) == []


def test_that_fewer_draws_give_a_quick_outcome_with_the_same_centre(catalog: Catalog) -> None:
    asked = replace(two_workloads(), "simulation.samples", 32)
    quick, final = evaluate(asked, catalog, samples=8), evaluate(asked, catalog)
    assert (quick.final, quick.samples) == (False, 8)
    assert (final.final, final.samples) == (True, 32)
    for ours, theirs in zip(quick.workloads, final.workloads, strict=True):
        for one, other in zip(ours.alternatives, theirs.alternatives, strict=True):
            assert one.latency["tpot"].p99 is not None and other.latency["tpot"].p99 is not None
            assert one.latency["tpot"].p99.value == other.latency["tpot"].p99.value
            assert one.chips_total == other.chips_total


def test_that_an_unchanged_workload_keeps_its_answer(catalog: Catalog) -> None:
    evaluator = Evaluator(catalog)
    asked = two_workloads()
    first = evaluator.evaluate(asked)
    second = evaluator.evaluate(replace(asked, "workloads.0.traffic.request_rate_per_s", 6.0))
    assert second.workloads[1] is first.workloads[1]
    assert second.workloads[0] is not first.workloads[0]


def test_that_the_model_size_slider_is_exact_at_the_preset_and_snaps_to_its_family(catalog: Catalog) -> None:
    def asked(**model: Any) -> Any:
        return evaluate(scenario(workload(alternative("nv-h200"), model=model)), catalog).workloads[0]

    preset = asked()
    assert preset.parameters == asked(size_billion=70.6).parameters
    assert asked(size_billion=8.0).model_name == catalog.model("llama-3.1-8b").name
    between = asked(size_billion=30.0)
    assert between.parameters / 30e9 == 1.0 or abs(between.parameters / 30e9 - 1.0) < 1e-6
    assert "scaled" in between.model_name

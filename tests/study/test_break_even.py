"""Break-evens of scenarios: the value found does what it says, and what cannot be asked names what can."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.path import replace, several
from explorer.scenario.schema import Scenario
from explorer.scenario.statement import StatementError
from explorer.study.break_even import BreakEven, Locks, break_even
from explorer.study.break_even_words import SHARE, _beyond, chance_words, remarks, sentence
from explorer.study.evaluate import Evaluator, evaluate
from explorer.study.output_values import NoAnswerError
from explorer.study.unknown import UnknownInputError


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module")
def evaluator(catalog: Catalog) -> Evaluator:
    return Evaluator(catalog)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """A trillion-parameter model on AI200 and H200, few tokens, so that both can keep a promise."""
    return Scenario.model_validate(
        {
            "as_of": "2026-11-22",
            "workloads": [
                {
                    "name": "1T MoE",
                    "selected": "AI200",
                    "model": {"preset": "kimi-k2", "weight_precision": "int4", "kv_precision": "fp8"},
                    "traffic": {"request_rate_per_s": 2, "prompt_tokens": 1000, "output_tokens": 300},
                    "objectives": {"tpot_p99_s": 0.05},
                    "alternatives": [
                        {"name": "AI200", "chip": "qcom-ai200", "cloud": "AWS"},
                        {"name": "H200", "chip": "nv-h200", "cloud": "AWS"},
                    ],
                }
            ],
        }
    )


def _at(answer: BreakEven, scenario: Scenario, factor: float) -> Scenario:
    assert answer.value is not None
    return answer.unknown.put(scenario, answer.value * factor)


def test_that_a_held_build_keeps_the_goal_above_the_value_and_not_below(
    evaluator: Evaluator, scenario: Scenario
) -> None:
    fixed = several(
        scenario,
        {
            "workloads.0.alternatives.0.parallelism_degree": 16,
            "workloads.0.alternatives.0.replicas": 1,
        },
    )
    answer = break_even(evaluator, fixed, "memory bandwidth of AI200", "P99 TPOT of AI200 <= 40 ms", samples=0)
    assert answer.status in ("value", "already met") and answer.rising
    for factor, kept in ((1.01, True), (0.99, False)):
        outcome = evaluator.evaluate(_at(answer, fixed, factor), samples=1)
        p99 = outcome.workloads[0].alternatives[0].latency["tpot"].p99
        assert (p99 is not None and p99.value <= 0.04) is kept


def test_that_a_goal_sized_for_is_kept_by_some_build_above_the_value_and_by_none_below(
    evaluator: Evaluator, scenario: Scenario
) -> None:
    goal = "P99 TPOT of AI200 x16 <= 15 ms"
    answer = break_even(evaluator, scenario, "memory_bandwidth of AI200", goal, samples=0)
    assert answer.value is not None and answer.any_build and answer.rising
    asked = several(
        scenario,
        {
            "workloads.0.alternatives.0.parallelism_degree": 16,
            "workloads.0.objectives.tpot_p99_s": 0.015,
        },
    )
    for factor, kept in ((1.02, True), (0.98, False)):
        outcome = evaluator.evaluate(_at(answer, asked, factor), samples=1)
        assert (outcome.workloads[0].alternatives[0].max_request_rate > 0) is kept


def test_that_an_impossible_goal_names_the_figure_that_blocks_it_and_what_it_must_be(
    evaluator: Evaluator, scenario: Scenario
) -> None:
    weak = several(scenario, {"overrides.qcom-ai200.memory_bandwidth": {"value": 0.05, "unit": "TB/s"}})
    goal = "P99 TPOT of AI200 x16 <= 50 ms"
    answer = break_even(evaluator, weak, "link bandwidth of AI200", goal, samples=0)
    assert answer.status == "infeasible" and answer.value is None
    first = answer.blockers[0]
    assert first.unknown.figure == "memory_bandwidth" and first.rising
    for factor, possible in ((1.01, True), (0.98, False)):
        changed = first.unknown.put(weak, first.value * factor)
        again = break_even(evaluator, changed, "link bandwidth of AI200", goal, samples=0, explain=False)
        assert (again.status != "infeasible") is possible


def test_that_a_goal_met_already_says_down_to_where(evaluator: Evaluator, scenario: Scenario) -> None:
    answer = break_even(evaluator, scenario, "memory_bandwidth of H200", "P99 TPOT of H200 <= 100 ms", samples=0)
    assert answer.status == "already met"
    assert answer.value is not None and answer.unknown.reach.present is not None
    assert answer.value < answer.unknown.reach.present


def test_that_the_price_found_makes_both_cost_the_same(evaluator: Evaluator, scenario: Scenario) -> None:
    """Checked by the purchase price: cost plus is linear in it, so another way to the same chip-hour."""
    goal = "$/M tokens of AI200 = that of H200"
    price = break_even(evaluator, scenario, "price of AI200", goal, samples=0)
    capex = break_even(evaluator, scenario, "capex of AI200", goal, samples=0)
    assert price.status == capex.status == "value"
    outcome = evaluator.evaluate(_at(capex, scenario, 1.0), samples=1)
    ai200, h200 = outcome.workloads[0].alternatives
    assert ai200.cost.usd_per_million_blended is not None and h200.cost.usd_per_million_blended is not None
    assert ai200.cost.usd_per_million_blended.value == pytest.approx(h200.cost.usd_per_million_blended.value, rel=1e-5)
    assert ai200.cost.usd_per_chip_hour is not None
    assert price.value == pytest.approx(ai200.cost.usd_per_chip_hour.value, rel=1e-5)


def test_that_more_certainty_needs_more(evaluator: Evaluator, scenario: Scenario) -> None:
    answer = break_even(evaluator, scenario, "memory bandwidth of AI200", "P99 TPOT of AI200 x16 <= 40 ms", samples=32)
    assert answer.hopeful is not None and answer.value is not None and answer.sure is not None
    assert answer.hopeful <= answer.value <= answer.sure
    assert answer.sure > 1.05 * answer.hopeful


def test_that_the_same_question_has_the_same_answer(catalog: Catalog, scenario: Scenario) -> None:
    def ask() -> tuple[float | None, float | None]:
        found = break_even(
            Evaluator(catalog), scenario, "link bandwidth of AI200", "P99 TPOT of AI200 x16 <= 15 ms", samples=16
        )
        return found.value, found.sure

    assert ask() == ask()


def test_that_held_replicas_answer_for_what_stands_there(evaluator: Evaluator, scenario: Scenario) -> None:
    goal = "P99 TPOT of AI200 x16 <= 50 ms"
    free = break_even(evaluator, scenario, "request_rate_per_s", goal, samples=0)
    held = break_even(evaluator, scenario, "request_rate_per_s", goal, locks=Locks(replicas=1), samples=0)
    assert free.status in ("already met", "no effect") and free.value is None
    assert held.value is not None and not held.rising


def test_that_a_share_of_the_fleet_is_solved_for_a_concentration(evaluator: Evaluator, scenario: Scenario) -> None:
    """Two chips from two designers: with spend shares s and 1-s the HHI is 10^4 (s^2 + (1-s)^2)."""
    fleet = several(
        scenario,
        {
            "fleet.members": [
                {"name": "H200", "chip": "nv-h200", "cloud": "AWS", "traffic_share": 0.95},
                {"name": "AI200", "chip": "qcom-ai200", "cloud": "AWS", "traffic_share": 0.05},
            ]
        },
    )
    goal = "effective suppliers (designer) of the fleet >= 1.5"
    answer = break_even(evaluator, fleet, "fleet.members.0.traffic_share", goal, samples=0)
    assert answer.value is not None
    for name in ("traffic share of H200", "fleet.members.0.traffic_share"):
        assert break_even(evaluator, fleet, name, goal, samples=0).value == answer.value
    changed = answer.unknown.put(fleet, answer.value)
    assert sum(one.traffic_share for one in changed.fleet.members) == pytest.approx(1.0)
    tiers = {one.tier: one for one in evaluator.evaluate(changed, 8).fleet.tiers}
    assert tiers["designer"].effective_suppliers.value >= 1.5


def test_that_an_undisclosed_foundry_is_in_the_band_of_a_fleets_goal(evaluator: Evaluator, scenario: Scenario) -> None:
    fleet = several(
        scenario,
        {
            "fleet.members": [
                {"name": "H200", "chip": "nv-h200", "cloud": "AWS", "traffic_share": 0.5},
                {"name": "AI200", "chip": "qcom-ai200", "cloud": "AWS", "traffic_share": 0.5},
            ]
        },
    )
    goal = "largest share (foundry) of the fleet < 99%"
    answer = break_even(evaluator, fleet, "request_rate_per_s", goal, samples=100)
    assert answer.chance_now == pytest.approx(0.17)
    said = " ".join(remarks(answer))
    assert "stated figures and prices" in said and "suppliers that are not disclosed" in said
    assert "all else that is not known" not in said


@pytest.mark.parametrize(
    ("unknown", "goal", "where", "allowed"),
    [
        ("link bandwidth of AI200", "P99 TPOT of AI300 <= 50 ms", "column 13", "AI200, H200"),
        ("link bandwidth of AI200", "P99 TPOT of AI200 x3 <= 50 ms", "column 13", "x1, x2, x4"),
        ("link bandwidth of AI200", "P99 TPOT of AI200 on 70B <= 50 ms", "column 22", "1T MoE"),
        ("traffic share of AI200", "HHI (designer) of the fleet <= 5000", "traffic share", "request_rate_per_s"),
        ("colour of AI200", "P99 TPOT of AI200 <= 50 ms", "colour", "link_bandwidth"),
        ("link bandwidth of AI400", "P99 TPOT of AI200 <= 50 ms", "AI400", "AI200, H200"),
        ("workloads.0.model.preset", "P99 TPOT of AI200 <= 50 ms", "is not a number", "size_billion"),
        ("workloads.3.traffic.prompt_cv", "P99 TPOT of AI200 <= 50 ms", "workloads.3", "0 to 0"),
        ("qcom-ai200.peak_16bit", "P99 TPOT of AI200 <= 50 ms", "follows from", "qcom-ai200.peak_fp8"),
        ("price of AI200", "P99 TPOT of AI200 <= 50 ms", "does not hang on this price", "$/M tokens"),
    ],
)
def test_that_what_cannot_be_asked_names_the_place_and_what_is_allowed(
    evaluator: Evaluator, scenario: Scenario, unknown: str, goal: str, where: str, allowed: str
) -> None:
    with pytest.raises((StatementError, UnknownInputError)) as error:
        break_even(evaluator, scenario, unknown, goal, samples=0)
    assert where in str(error.value) and allowed in str(error.value)


def test_that_a_cost_without_a_price_says_so(evaluator: Evaluator, scenario: Scenario) -> None:
    spot = several(scenario, {"price.basis": "offer", "price.term": "spot"})
    with pytest.raises(NoAnswerError, match="AI200"):
        break_even(evaluator, spot, "link bandwidth of AI200", "$/month of AI200 <= $1M", samples=0)


@pytest.mark.parametrize("name", ["70B chat", "1T MoE"])
def test_that_as_now_is_what_the_evaluation_shows(name: str, catalog: Catalog, scenarios_folder: Path) -> None:
    asked = replace(read_scenario(scenarios_folder / "ai200-on-aws.toml").scenario, "simulation.method", "closed_form")
    shown = next(one for one in evaluate(asked, catalog).workloads if one.name == name)
    for one in shown.alternatives:
        found = break_even(
            Evaluator(catalog),
            asked,
            f"memory bandwidth of {one.name}",
            f"P99 TPOT of {one.name} on {name} <= 50 ms",
            locks=Locks("now", layout=True),
            samples=0,
            explain=False,
        )
        p99 = one.latency["tpot"].p99
        assert p99 is not None
        assert found.left_now == pytest.approx(p99.value, rel=1e-6), one.name
        assert (found.status == "already met") == (p99.value <= 0.05), one.name


def test_that_the_answer_reads_as_one_sentence_with_the_number_that_must_be(
    evaluator: Evaluator, scenario: Scenario
) -> None:
    answer = break_even(evaluator, scenario, "memory bandwidth of AI200", "P99 TPOT of AI200 <= 50 ms", samples=0)
    words = sentence(answer)
    assert answer.value is not None and answer.unknown.reach.present is not None
    value, present = (answer.unknown.written(one) for one in (answer.value, answer.unknown.reach.present))
    start = f"Memory bandwidth of AI200 must be at least {value} for P99 TPOT of AI200 ≤ 50 ms; "
    ends = {"already met": f"at {present} it already is.", "value": f"it is {present} now."}
    assert words == start + ends[answer.status]


def test_that_a_value_nobody_believes_is_said_to_be_one(evaluator: Evaluator, scenario: Scenario) -> None:
    answer = break_even(evaluator, scenario, "memory bandwidth of AI200", "P99 TPOT of AI200 <= 50 ms", samples=0)
    unknown = answer.unknown
    assert _beyond(unknown, 25e12, True) == " (above both readings)"
    # that less would do than anybody believes is no warning
    assert _beyond(unknown, 3e12, True) == _beyond(unknown, 1e9, True) == ""
    ranged = dataclasses.replace(unknown, readings=0, believed=(1e12, 2e12))
    assert _beyond(ranged, 0.5e12, False) == " (below what is believed, 1–2 TB/s)"
    assert " (above both readings) for " in sentence(dataclasses.replace(answer, value=25e12))
    assert _beyond(dataclasses.replace(unknown, believed=None), 25e12, True) == ""


def test_that_a_disputed_number_has_its_chance_at_one_value_and_over_all_that_is_believed(
    evaluator: Evaluator, scenario: Scenario
) -> None:
    asked = several(scenario, {"workloads.0.alternatives.0.parallelism_degree": 8})
    # the verdict draws over the readings: so does the second chance
    verdict = evaluator.evaluate(asked).workloads[0].alternatives[0]
    assert verdict.latency["tpot"].p99 is not None
    held = Locks(replicas="now", layout=True)
    goal = "P99 TPOT of AI200 <= 50 ms"
    answer = break_even(evaluator, asked, "memory bandwidth of AI200", goal, locks=held, samples=256)
    assert answer.chance_over_all == pytest.approx(verdict.probability_keeps["tpot"], abs=1e-9)
    assert answer.chance_now is not None and answer.unknown.readings == 2
    told = next(line for line in remarks(answer) if "both readings" in line)
    assert told.startswith("With it at 3.54 TB/s: ") and told.endswith(f"({SHARE.format(answer.chance_over_all)}).")
    assert chance_words(answer) == f"at 3.54 TB/s: {SHARE.format(answer.chance_now)}"
    settled = break_even(evaluator, asked, "memory capacity of H200", "P99 TPOT of H200 <= 50 ms", samples=64)
    assert settled.chance_over_all is None

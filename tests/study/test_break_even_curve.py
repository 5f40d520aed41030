"""The goal over its number: the curve passes through what the break-even says, where values mean something."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.catalog import load_catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.schema import Scenario
from explorer.scenario.statement import parse_statement
from explorer.study.break_even import BreakEven, Locks, break_even, break_even_steps
from explorer.study.break_even_choices import numbers_offered
from explorer.study.break_even_curve import BESIDE, met_at, values_of_interest
from explorer.study.break_even_words import break_even_text, curve_words, side_words
from explorer.study.evaluate import Evaluator
from explorer.study.solving import Reach

SAMPLES = 16


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return Evaluator(load_catalog())


@pytest.fixture(scope="module")
def scenario(evaluator: Evaluator, scenarios_folder: Path) -> Scenario:
    return read_scenario(scenarios_folder / "ai200-on-aws.toml", evaluator.catalog).scenario


def in_steps(
    evaluator: Evaluator, scenario: Scenario, unknown: str, goal: str, locks: Locks | None = None
) -> tuple[BreakEven, BreakEven]:
    """The answer as it first comes, and with its curve."""
    steps, told = break_even_steps(evaluator, scenario, unknown, goal, locks=locks, samples=SAMPLES, curve=True), []
    while True:
        try:
            told.append(next(steps))
        except StopIteration as end:
            (first,) = (one for one in told if one is not None)
            return first, end.value


@pytest.fixture(scope="module")
def bandwidth(evaluator: Evaluator, scenario: Scenario) -> tuple[BreakEven, BreakEven]:
    return in_steps(
        evaluator, scenario, "memory bandwidth of AI200", "P99 TPOT of AI200 on 70B chat <= 50 ms", Locks("now", True)
    )


def test_that_a_goal_about_a_chance_has_no_chance_of_a_chance(evaluator: Evaluator, scenario: Scenario) -> None:
    goal = "chance of AI200 on 70B chat >= 90%"
    first, whole = in_steps(evaluator, scenario, "memory bandwidth of AI200", goal, Locks("now", True))
    assert whole.curve is not None and whole.curve.chances == ()
    assert (first.chance_now, first.chance_at_end, first.sure) == (None, None, None)
    told = break_even_text(whole)
    assert "As things are" not in told and "95 %" not in told and "chance that" not in curve_words(whole)


def test_that_only_numbers_are_offered_that_the_goal_can_hang_on(evaluator: Evaluator, scenario: Scenario) -> None:
    def offered(output: str) -> set[str]:
        return {one.title.partition(" – ")[0] for one in numbers_offered(evaluator.catalog, scenario, 0, 0, output)}

    money = {"Price of a chip-hour", "Purchase price"}
    assert money <= offered("usd_per_million") and "Board power" in offered("joule_per_token")
    for output in ("chance", "tpot_p99", "memory_headroom"):
        assert not offered(output) & {*money, "Board power"} and "Memory capacity" in offered(output)
    assert "Memory bandwidth" not in offered("memory_headroom")


def test_that_the_answer_comes_before_its_curve_and_is_the_same(
    bandwidth: tuple[BreakEven, BreakEven], evaluator: Evaluator, scenario: Scenario
) -> None:
    first, whole = bandwidth
    assert first.curve is None and whole.curve is not None
    assert replace(whole, curve=None) == first
    locks = Locks("now", True)
    alone = break_even(
        evaluator, scenario, "memory bandwidth of AI200", first.statement.text, locks=locks, samples=SAMPLES
    )
    assert alone == first


def test_that_the_curve_passes_through_the_break_even_and_through_what_is_now(
    bandwidth: tuple[BreakEven, BreakEven],
) -> None:
    _, found = bandwidth
    curve, present = found.curve, found.unknown.reach.present
    assert curve is not None and found.value is not None and present is not None
    at = curve.values.index(found.value)
    assert curve.left[at] == pytest.approx(curve.right[at], rel=1e-4) == pytest.approx(0.05)
    now = curve.values.index(present)
    assert curve.left[now] == found.left_now and curve.chances[now] == found.chance_now


def test_that_a_wider_memory_never_makes_a_held_build_slower_or_less_sure(
    bandwidth: tuple[BreakEven, BreakEven],
) -> None:
    curve = bandwidth[1].curve
    assert curve is not None and list(curve.values) == sorted(set(curve.values))
    assert all(later <= earlier * (1 + 1e-9) for earlier, later in zip(curve.left, curve.left[1:], strict=False))
    assert list(curve.chances) == sorted(curve.chances)


def test_that_the_other_side_is_drawn_where_it_is_not_a_value(evaluator: Evaluator, scenario: Scenario) -> None:
    goal = "$/M tokens of AI200 on 70B chat = that of H200"
    _, found = in_steps(evaluator, scenario, "purchase price of AI200", goal)
    curve = found.curve
    assert curve is not None and found.value is not None
    assert len(set(curve.right)) == 1 and curve.right[0] == pytest.approx(found.right_now)
    assert min(curve.values) < found.value < max(curve.values)
    assert "this side is the larger" in curve_words(found)


def test_that_a_number_with_few_stops_is_looked_at_there_only(evaluator: Evaluator, scenario: Scenario) -> None:
    goal = "P99 TPOT of AI200 on 70B chat <= 50 ms"
    _, found = in_steps(evaluator, scenario, "workloads.0.alternatives.0.parallelism_degree", goal)
    curve = found.curve
    assert curve is not None and set(curve.values) <= set(found.unknown.reach.stops)


def test_that_what_cannot_be_built_has_no_height(evaluator: Evaluator, scenario: Scenario) -> None:
    goal = "P99 TPOT of H200 on 70B chat <= 50 ms"
    _, found = in_steps(evaluator, scenario, "workloads.0.model.size_billion", goal, Locks("now", True))
    curve = found.curve
    assert curve is not None and curve.left[-1] == math.inf and curve.chances[-1] == 0.0
    assert "out of reach" in curve_words(found)


def test_that_sides_are_named_with_factor_tier_and_degree(evaluator: Evaluator, scenario: Scenario) -> None:
    goal = "P99 TPOT of AI200 x4 on 70B chat <= 2 x that of H200"
    found = break_even(evaluator, scenario, "memory bandwidth of AI200", goal, samples=0, explain=False)
    assert [side_words(term) for term in found.statement.terms] == ["P99 TPOT of AI200 ×4", "2 × P99 TPOT of H200"]


def test_that_it_is_met_from_the_break_even_on_also_by_a_hair(bandwidth: tuple[BreakEven, BreakEven]) -> None:
    left, right = (math.inf, 0.1, 0.05, 0.03, 0.02), (0.05,) * 5
    less, more, equal = (parse_statement(f"P99 TPOT of AI200 {sign} 50 ms") for sign in ("<=", ">=", "="))
    assert met_at(less, left, right) == (False, False, True, True, True)
    assert met_at(less, (math.inf, 0.1, 0.05 * (1 + 1e-7), 0.03, 0.02), right) == (False, False, True, True, True)
    assert met_at(more, left, right) == (True, True, True, False, False)
    assert not any(met_at(equal, left, right))
    found = bandwidth[1]
    assert found.curve is not None and found.value is not None
    assert [value for value, met in zip(found.curve.values, found.curve.met, strict=True) if met] == [
        value for value in found.curve.values if value >= found.value
    ]


def test_that_what_cannot_be_built_is_not_met() -> None:
    for sign in ("<=", ">="):
        statement = parse_statement(f"P99 TPOT of AI200 {sign} 50 ms")
        assert met_at(statement, (math.nan, 0.05), (0.05, 0.05)) == (False, True)


@given(
    present=st.one_of(st.none(), st.floats(1e-3, 1e15)),
    shares=st.lists(st.one_of(st.none(), st.floats(1e-9, 1e9)), max_size=3),
    whole=st.booleans(),
)
def test_that_values_ascend_hold_the_marks_and_stay_within_reach(
    present: float | None, shares: list[float | None], whole: bool
) -> None:
    middle = present or 1.0
    reach = Reach(present, middle / 1e3, middle * 1e3, middle / 1e6, middle * 1e6, whole=whole)
    marks = (present, *(None if share is None else middle * share for share in shares))
    values = values_of_interest(reach, marks)
    assert list(values) == sorted(set(values)) and all(value > 0.0 for value in values)
    within = [mark for mark in marks if mark is not None and reach.low <= mark <= reach.high]
    if whole:
        assert all(value == round(value) for value in values)
        return
    assert reach.low * (1 - 1e-9) <= values[0] and values[-1] <= reach.high * (1 + 1e-9)
    assert set(within) <= set(values)
    if within:
        assert values[0] >= min(within) / BESIDE * (1 - 1e-9) and values[-1] <= max(within) * BESIDE * (1 + 1e-9)


def test_that_a_number_that_cannot_be_moved_has_no_curve() -> None:
    assert len(values_of_interest(Reach(2.0, 2.0, 2.0, 2.0, 2.0), (2.0,))) < 2
    assert values_of_interest(Reach(1.0, 1.0, 8.0, 1.0, 8.0, stops=(0.0, 1.0, 2.0, 8.0)), (1.0,)) == (1.0, 2.0, 8.0)

"""Crossings: every one is found, to the tolerance, for smooth and jumping conditions, real and whole numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.study.crossing import between, crossings, ladder


@given(st.floats(-2.9, 2.9), st.floats(0.2, 5.0), st.booleans())
def test_that_the_crossing_of_a_power_is_found(at: float, power: float, rising: bool) -> None:
    place = 10.0**at
    sign = 1.0 if rising else -1.0
    (found,) = crossings(lambda x: sign * power * math.log(x / place), ladder(1e-3, 1e3, 2.0))
    assert found.value == pytest.approx(place, rel=1e-5)
    assert found.rising is rising


@given(st.floats(-2.9, 2.9), st.booleans())
def test_that_a_jump_is_closed_in_on_from_the_side_that_holds(at: float, rising: bool) -> None:
    place = 10.0**at

    def margin(x: float) -> float:
        return math.inf if (x >= place) is rising else -math.inf

    (found,) = crossings(margin, ladder(1e-3, 1e3, 2.0))
    assert found.value == pytest.approx(place, rel=2e-6)
    assert margin(found.value) > 0


@given(st.integers(2, 4000), st.booleans())
def test_that_a_whole_number_is_exact(place: int, rising: bool) -> None:
    points = tuple(float(round(x)) for x in ladder(1.0, 4096.0, 2.0))
    (found,) = crossings(lambda n: 1.0 if (n >= place) is rising else -1.0, points, whole=True)
    assert found.value == (place if rising else place - 1)


@given(st.floats(0.5, 9.5), st.floats(10.5, 99.0))
def test_that_both_ends_of_a_range_that_holds_are_found(low: float, high: float) -> None:
    found = crossings(lambda x: math.log(x / low) * math.log(high / x), ladder(1e-3, 1e3, 4.0, through=10.0))
    assert [one.value for one in found] == pytest.approx([low, high], rel=1e-5)
    assert [one.rising for one in found] == [True, False]


def test_that_nothing_is_found_where_nothing_crosses() -> None:
    assert crossings(lambda x: 1.0, ladder(1e-3, 1e3, 2.0)) == ()


def test_that_a_smooth_crossing_takes_few_looks() -> None:
    looks: list[float] = []

    def margin(x: float) -> float:
        looks.append(x)
        return math.log(x) - 1.2345

    assert between(margin, 1.0, 10.0, -1.2345, math.log(10) - 1.2345) == pytest.approx(math.exp(1.2345), rel=1e-6)
    assert len(looks) <= 8


@given(st.floats(1e-6, 1.0), st.floats(2.0, 1e6), st.floats(0.5, 4.0))
def test_that_a_ladder_ascends_from_end_to_end(low: float, high: float, per_decade: float) -> None:
    steps = ladder(low, high, per_decade, through=1.5)
    assert steps[0] == low and steps[-1] == high and 1.5 in steps
    assert list(steps) == sorted(set(steps))

"""Travel against values: what a hand can reach, and that it comes back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.ui.controls.scale import LinearScale, LogScale, StopScale

BATCH = LogScale(1, 4096, (1.0, 64.0, 4096.0), integer=True)
SIZE = LogScale(0.5, 10_000, (8.03, 70.6))


def test_that_equal_travel_is_an_equal_ratio_on_a_logarithmic_scale() -> None:
    assert LogScale(1, 10_000).position(100.0) == pytest.approx(0.5)


@given(st.floats(0.5, 10_000))
@settings(max_examples=60)
def test_that_a_value_comes_back_from_its_travel_within_three_digits_or_a_snap(value: float) -> None:
    back = float(SIZE.value(SIZE.position(value)))
    # a snap reaches 0.8 % of the travel, which here is a ratio of 20,000 ** 0.008
    assert back == pytest.approx(value, rel=0.09 if back in SIZE.stops else 0.006)


@given(st.integers(1, 4096), st.sampled_from([-10.0, -1.0, -0.1, 0.1, 1.0, 10.0]))
@settings(max_examples=80)
def test_that_a_key_always_moves_a_whole_number_unless_it_is_at_the_end(value: int, steps: float) -> None:
    moved = BATCH.stepped(value, steps)
    assert isinstance(moved, int)
    if steps > 0:
        assert moved > value or value == 4096
    else:
        assert moved < value or value == 1


def test_that_a_travel_near_a_tick_snaps_to_it() -> None:
    assert SIZE.value(SIZE.position(70.6) + 0.005) == 70.6
    assert SIZE.value(SIZE.position(70.6) + 0.02) != 70.6


def test_that_stops_are_reached_one_by_one_and_by_two_with_a_page_key() -> None:
    degrees = StopScale(("auto", 1, 2, 4, 8))
    assert [degrees.value(place / 4) for place in range(5)] == ["auto", 1, 2, 4, 8]
    assert degrees.stepped("auto", 1) == 1
    assert degrees.stepped(2, 10) == 8
    assert degrees.stepped(8, 1) == 8
    assert degrees.position(3) in (degrees.position(2), degrees.position(4))


def test_that_a_linear_scale_keeps_to_its_grain() -> None:
    share = LinearScale(0, 1, 0.01, (0.0, 0.5, 1.0))
    assert share.value(0.333) == 0.33
    assert share.value(0.497) == 0.5
    assert share.stepped(0.33, 1) == 0.34
    assert share.stepped(1.0, 1) == 1.0
    assert share.stepped(0.33, 0.1) == 0.331 and share.stepped(0.331, 1) == 0.34
    assert LinearScale(1, 8, 1, integer=True).stepped(3, -0.1) == 2


@pytest.mark.parametrize("low, high", [(0, 10), (-1, 10), (5, 5), (9, 2)])
def test_that_a_logarithmic_scale_refuses_ends_it_cannot_draw(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="0 < low < high"):
        LogScale(low, high)

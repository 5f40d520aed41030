"""Shares keep their sum whatever is moved."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.ui.controls.shares import rebalanced


@st.composite
def fleets(draw: st.DrawFn) -> tuple[list[float], list[bool], int, float]:
    weights = draw(st.lists(st.floats(0, 1), min_size=1, max_size=6))
    total = sum(weights)
    shares = [weight / total for weight in weights] if total > 1e-6 else [1 / len(weights)] * len(weights)
    locked = draw(st.lists(st.booleans(), min_size=len(shares), max_size=len(shares)))
    return shares, locked, draw(st.integers(0, len(shares) - 1)), draw(st.floats(-0.5, 1.5))


@given(fleets())
@settings(max_examples=150)
def test_that_shares_sum_to_one_and_locked_ones_hold(case: tuple[list[float], list[bool], int, float]) -> None:
    shares, locked, index, wanted = case
    after = rebalanced(shares, locked, index, wanted)
    assert sum(after) == pytest.approx(1.0, abs=1e-12)
    assert all(-1e-12 <= share <= 1 + 1e-12 for share in after)
    for place, held in enumerate(locked):
        if held and place != index:
            assert after[place] == pytest.approx(shares[place], abs=1e-9)


@given(st.lists(st.integers(1, 50), min_size=2, max_size=5), st.integers(0, 100))
def test_that_round_shares_stay_free_of_noise(parts: list[int], wanted: int) -> None:
    even = [1 / len(parts)] * len(parts)
    for share in rebalanced(even, [False] * len(parts), 0, wanted / 100):
        assert len(repr(share).partition("e")[0]) <= 16
    assert rebalanced((0.65, 0.35), (False, False), 0, 0.65) == (0.65, 0.35)
    assert rebalanced((0.4, 0.3, 0.3), (False, True, False), 0, 0.35) == (0.35, 0.3, 0.35)


def test_that_the_others_are_scaled_pro_rata() -> None:
    assert rebalanced((0.6, 0.3, 0.1), (False, False, False), 0, 0.2) == pytest.approx((0.2, 0.6, 0.2))


def test_that_a_share_stops_at_what_the_locked_ones_leave() -> None:
    assert rebalanced((0.5, 0.3, 0.2), (False, True, False), 0, 0.9) == pytest.approx((0.7, 0.3, 0.0))


def test_that_others_at_zero_share_equally_what_is_given_up() -> None:
    assert rebalanced((1.0, 0.0, 0.0), (False, False, False), 0, 0.5) == pytest.approx((0.5, 0.25, 0.25))

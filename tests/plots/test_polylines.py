"""Lines with fewer points look the same, and gaps stay gaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QRectF

from explorer.plots.polylines import TOLERANCE, clipped, pieces, thinned


def curve(points: int, steepness: float) -> tuple[np.ndarray, np.ndarray]:
    """A latency curve in pixels: flat, then steep."""
    load = np.linspace(0.0, 0.985, points)
    return 500.0 * load, 280.0 - steepness / (1.0 - load)


@settings(max_examples=30)
@given(st.integers(3, 200), st.floats(0.5, 10.0))
def test_that_no_point_left_out_lay_off_the_line_by_a_quarter_of_a_pixel(points: int, steepness: float) -> None:
    x, y = curve(points, steepness)
    ((thin_x, thin_y),) = thinned([(x, y)])
    # The distance from a point to the thinned line is never more than its vertical or its horizontal one.
    vertical = np.abs(np.interp(x, thin_x, thin_y) - y)
    horizontal = np.abs(np.interp(-y, -thin_y, thin_x) - x)
    assert np.minimum(vertical, horizontal).max() <= np.sqrt(2) * TOLERANCE + 1e-9
    assert (thin_x[0], thin_x[-1], thin_y[-1]) == (x[0], x[-1], y[-1])


def test_that_a_smooth_curve_needs_less_than_half_of_its_points() -> None:
    ((x, _),) = thinned([curve(150, 3.0)])
    assert 10 < x.size < 75


def test_that_lines_are_thinned_each_for_itself() -> None:
    first, second = curve(100, 2.0), curve(60, 8.0)
    together = thinned([first, (np.empty(0), np.empty(0)), second])
    assert together[1][0].size == 0
    for whole, thin in ((first, together[0]), (second, together[2])):
        assert set(thin[0].tolist()) <= set(whole[0].tolist())
        assert (thin[0][0], thin[0][-1]) == (whole[0][0], whole[0][-1])
    assert thinned([]) == []


def test_that_a_gap_stays_a_gap_with_both_its_edges() -> None:
    x, y = curve(100, 2.0)
    y[40:44] = np.nan
    ((thin_x, thin_y),) = thinned([(x, y)])
    assert {float(x[39]), float(x[44])} <= set(thin_x.tolist())
    drawn = pieces((thin_x, thin_y))
    assert len(drawn) == 2
    assert drawn[0].last().x() == x[39] and drawn[1].first().x() == x[44]


AREA = QRectF(0, 0, 100, 50)


def test_that_a_line_is_cut_where_it_leaves_and_where_it_comes_back() -> None:
    # In, out through the top at x = 15, back in at x = 35, out to the right.
    line = (np.array([10.0, 20.0, 30.0, 40.0, 120.0]), np.array([25.0, -25.0, -25.0, 25.0, 25.0]))
    x, y = clipped(line, AREA)
    np.testing.assert_allclose(x, [10, 15, np.nan, 35, 40, 100])
    np.testing.assert_allclose(y, [25, 0, np.nan, 0, 25, 25])


def test_that_a_line_outside_is_gone_and_one_inside_is_kept() -> None:
    assert clipped((np.array([0.0, 100.0]), np.array([-5.0, -5.0])), AREA)[0].size == 0
    inside = (np.array([0.0, 50.0, 100.0]), np.array([0.0, 25.0, 50.0]))
    np.testing.assert_array_equal(clipped(inside, AREA), inside)
    gap = (np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([1.0, 2.0, np.nan, 4.0, 5.0]))
    assert len(pieces(clipped(gap, AREA))) == 2


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(-200, 200), st.floats(-200, 200)), min_size=2, max_size=12))
def test_that_nothing_of_a_cut_line_lies_outside(points: list[tuple[float, float]]) -> None:
    x, y = clipped((np.array([x for x, _ in points]), np.array([y for _, y in points])), AREA)
    known = np.isfinite(y)
    assert (x[known] >= -1e-9).all() and (x[known] <= 100 + 1e-9).all()
    assert (y[known] >= -1e-9).all() and (y[known] <= 50 + 1e-9).all()

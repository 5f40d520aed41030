"""Lines with fewer points look the same, and gaps stay gaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.plots.polylines import ROUNDS, TOLERANCE, pieces, thinned


def curve(points: int, steepness: float) -> tuple[np.ndarray, np.ndarray]:
    """A latency curve in pixels: flat, then steep."""
    load = np.linspace(0.0, 0.985, points)
    return 500.0 * load, 280.0 - steepness / (1.0 - load)


@settings(max_examples=30)
@given(st.integers(3, 200), st.floats(0.5, 10.0))
def test_that_no_point_left_out_lay_off_the_line_by_a_third_of_a_pixel(points: int, steepness: float) -> None:
    x, y = curve(points, steepness)
    ((thin_x, thin_y),) = thinned([(x, y)])
    # The distance from a point to the thinned line is never more than its vertical or its horizontal one.
    vertical = np.abs(np.interp(x, thin_x, thin_y) - y)
    horizontal = np.abs(np.interp(-y, -thin_y, thin_x) - x)
    assert np.minimum(vertical, horizontal).max() <= np.sqrt(2) * ROUNDS * TOLERANCE + 1e-9
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

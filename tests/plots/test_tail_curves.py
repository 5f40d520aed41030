"""Curves as they are drawn: no inf, no NaN, out through the ceiling; axes that are round and calm."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QApplication

from explorer.plots.label_places import Placed, Segments, box_of, overlaps, place_label
from explorer.plots.lettering import text_width
from explorer.plots.tail_area import ROOM_RIGHT
from explorer.plots.tail_axes import (
    LATENCY_STEPS,
    Axes,
    Span,
    latency_ticks,
    rate_ticks,
    round_down,
    round_up,
    settle,
    wanted_axes,
)
from explorer.plots.tail_curves import band_outline, curves_of, drawable, value_at
from explorer.plots.tail_ticks import rate_figures
from tests.sample_outcome import sample_outcome

RATES = np.linspace(0.0, 10.0, 11)
SECONDS = st.one_of(st.floats(1e-5, 1e3), st.just(math.inf), st.just(math.nan), st.just(0.0))


def test_that_an_unstable_curve_leaves_through_the_ceiling_at_its_saturation() -> None:
    seconds = np.where(RATES < 7.0, 0.02 + 0.001 * RATES, np.inf)
    x, y = drawable(RATES, seconds, saturation=6.4, ceiling=0.0)
    assert x[-1] == pytest.approx(6.4)
    assert y[-1] > 0.0
    np.testing.assert_allclose(10.0 ** y[:-1], seconds[:7])


def test_that_a_curve_is_cut_one_point_above_the_ceiling() -> None:
    seconds = 10.0 ** (RATES - 5.0)
    x, y = drawable(RATES, seconds, saturation=99.0, ceiling=0.5)
    assert x.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert y[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("nothing", [math.inf, math.nan, 0.0, -1.0])
def test_that_a_curve_without_values_is_not_drawn(nothing: float) -> None:
    x, y = drawable(RATES, np.full(11, nothing), saturation=5.0, ceiling=0.0)
    assert x.size == y.size == 0
    outline = band_outline(RATES, np.full(11, nothing), np.full(11, nothing), 5.0, 0.0)
    assert outline[0].size == outline[1].size == 0


@given(arrays(np.float64, 11, elements=SECONDS), st.floats(0.0, 12.0), st.floats(-4.0, 2.0))
@settings(max_examples=60, deadline=None)
def test_that_drawn_points_are_in_order_and_never_inf(seconds: np.ndarray, saturation: float, ceiling: float) -> None:
    x, y = drawable(RATES, seconds, saturation, ceiling)
    assert x.shape == y.shape
    assert np.isfinite(x).all() and not np.isinf(y).any()
    assert (np.diff(x) >= 0).all()


@given(arrays(np.float64, 11, elements=st.floats(1e-4, 10.0)), st.floats(1.0, 5.0), st.floats(-3.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_that_a_band_never_lies_below_its_lower_edge(low: np.ndarray, factor: float, ceiling: float) -> None:
    x, y = band_outline(RATES, low, low * factor, 99.0, ceiling)
    assert np.isfinite(x).all() and np.isfinite(y).all()
    half = x.size // 2
    np.testing.assert_array_equal(x[:half], x[half:][::-1])
    assert (y[half:][::-1] >= y[:half] - 1e-9).all()


def test_that_a_long_band_outline_is_thinned_out() -> None:
    rates = np.linspace(0, 1, 1000)
    x, _ = band_outline(rates, np.full(1000, 0.01), np.full(1000, 0.02), 9.0, 0.0)
    assert x.size <= 120
    assert x.min() == 0.0 and x.max() == 1.0


def test_that_a_value_between_points_is_interpolated_in_the_logarithm() -> None:
    rates, seconds = np.array([0.0, 1.0, 2.0]), np.array([0.01, 0.04, np.inf])
    assert value_at(rates, seconds, 0.5) == pytest.approx(0.02)
    assert value_at(rates, seconds, 1.0) == pytest.approx(0.04)
    assert value_at(rates, seconds, 1.5) is None
    assert value_at(rates, seconds, 3.0) is None
    assert value_at(rates, seconds, -1.0) is None


@given(st.floats(1e-6, 1e6))
def test_that_round_ends_enclose_a_value_tightly(value: float) -> None:
    low, high = round_down(value, LATENCY_STEPS), round_up(value, LATENCY_STEPS)
    assert low <= value * (1 + 1e-8) and value <= high * (1 + 1e-8)
    assert high / low <= 2.5 + 1e-6


def test_that_the_axes_show_promise_operating_points_and_traffic() -> None:
    workload = sample_outcome().workloads[0]
    axes = wanted_axes(workload, "tpot")
    assert axes.latency.low < 0.05 < axes.latency.high
    assert axes.rate.low == 0.0 and axes.rate.high > workload.chosen.request_rate
    for alternative in workload.alternatives:
        found = alternative.latency["tpot"].p99
        assert found is not None
        assert axes.latency.low < found.value < axes.latency.high


def test_that_axes_without_any_latency_still_show_the_promise() -> None:
    workload = sample_outcome(alternatives=2, infeasible=(0, 1)).workloads[0]
    axes = wanted_axes(workload, "tpot")
    assert axes.latency.low < 0.05 < axes.latency.high


def test_that_axes_are_kept_for_a_small_change_and_dropped_for_a_large_one() -> None:
    old = Axes(Span(0.005, 0.5), Span(0.0, 40.0))
    small = Axes(Span(0.005, 0.2), Span(0.0, 30.0))
    assert settle(old, small) == old
    outgrown = Axes(Span(0.005, 1.0), Span(0.0, 30.0))
    assert settle(old, outgrown) == Axes(outgrown.latency, old.rate)
    wasteful = Axes(Span(0.02, 0.1), Span(0.0, 10.0))
    assert settle(old, wasteful) == wasteful
    assert settle(None, small) == small


@given(st.floats(-5, 1), st.floats(0.3, 4.0), st.floats(60.0, 800.0))
def test_that_latency_ticks_lie_on_the_axis_and_apart(low: float, decades: float, height: float) -> None:
    span = Span(10.0**low, 10.0 ** (low + decades))
    ticks = latency_ticks(span, height)
    assert all(span.low * 0.999 <= tick <= span.high * 1.001 for tick in ticks)
    assert len(ticks) <= max(1.0, height / 20.0 + 1)


def test_that_rate_ticks_start_at_zero_and_end_on_the_axis() -> None:
    assert rate_ticks(Span(0.0, 40.0), 500.0) == [0, 5, 10, 15, 20, 25, 30, 35, 40]
    assert rate_ticks(Span(0.0, 40.0), 130.0) == [0, 20, 40]
    assert rate_ticks(Span(0.0, 0.3), 400.0)[-1] == pytest.approx(0.3)


def test_that_labels_keep_off_other_lines_and_labels() -> None:
    plot = QRectF(0, 0, 400, 300)
    first = (np.array([0.0, 200.0, 210.0]), np.array([300.0, 150.0, 0.0]))
    second = (np.array([0.0, 205.0, 215.0]), np.array([300.0, 150.0, 0.0]))
    segments = Segments.of([first, second])
    taken: list[QRectF] = []
    for line in (first, second):
        placed = place_label(line, (60.0, 14.0), plot, segments, [box_of(rect) for rect in taken])
        assert placed is not None and plot.contains(placed.rect)
        assert segments.crossing(placed.rect) == 0
        assert not any(placed.rect.intersects(other) for other in taken)
        taken.append(placed.rect)


def test_that_a_label_stays_at_its_side_of_the_line_while_it_crosses_no_more_lines_there() -> None:
    plot = QRectF(0, 0, 400, 300)
    up = np.linspace(0.0, 1.0, 30)
    line = (np.concatenate(([0.0], 200.0 + 10.0 * up)), np.concatenate(([300.0], 150.0 - 150.0 * up)))
    size = (60.0, 14.0)
    first = place_label(line, size, plot, Segments.of([line]), [])
    assert first is not None and (first.rank, first.crossed) == (0, 0) and first.rect.left() > 205.0
    stays = place_label(line, size, plot, Segments.of([line]), [], Placed(QRectF(), 1, 0))
    assert stays is not None and stays.rank == 1 and stays.rect.right() < 210.0
    crossing = Segments.of([line, (stays.rect.center().x() + np.array([0.0, 1.0]), np.array([0.0, 60.0]))])
    leaves = place_label(line, size, plot, crossing, [], Placed(QRectF(), 1, 0))
    assert leaves is not None and leaves.rank == 0


@given(st.lists(st.tuples(*[st.integers(0, 9)] * 4), min_size=2, max_size=6))
def test_that_boxes_overlap_where_rectangles_intersect(corners: list[tuple[int, int, int, int]]) -> None:
    rects = [QRectF(x, y, 1 + width, 1 + height) for x, y, width, height in corners]
    expected = any(rects[0].intersects(other) for other in rects[1:])
    assert overlaps(box_of(rects[0]), [box_of(other) for other in rects[1:]]) == expected


def test_that_a_label_without_room_is_left_out() -> None:
    line = (np.array([0.0, 20.0]), np.array([20.0, 0.0]))
    assert place_label(line, (60.0, 14.0), QRectF(0, 0, 30, 30), Segments.of([line]), []) is None


def test_that_only_the_selected_line_has_the_band_of_its_simulation() -> None:
    alternatives = [
        replace(
            one,
            simulated_requests=20_000,
            curves={
                metric: replace(curve, sampled_low=0.9 * curve.p99, sampled_high=1.1 * curve.p99)
                for metric, curve in one.curves.items()
            },
        )
        for one in sample_outcome().workloads[0].alternatives[:2]
    ]
    made = curves_of(alternatives, "tpot", 2.0, selected=1)
    assert made[0].sampled[0].size == 0
    x, y = made[1].sampled
    middle = x.size // 4
    at = value_at(alternatives[1].rates, alternatives[1].curves["tpot"].p99, float(x[middle]))
    assert at is not None and 10.0 ** y[middle] == pytest.approx(0.9 * at, rel=0.01)
    estimate = [replace(one, simulated_requests=0) for one in alternatives]
    assert all(one.sampled[0].size == 0 for one in curves_of(estimate, "tpot", 2.0, selected=1))


@pytest.mark.parametrize("high", [15_000.0, 20_000.0, 600_000.0])
def test_that_large_rates_are_written_in_full_and_end_within_the_plot(qapp: QApplication, high: float) -> None:
    area = QRectF(42.0, 8.0, 402.0, 260.0)
    figures = rate_figures(Axes(Span(1e-3, 1.0), Span(0.0, high)), area)
    assert figures[-1][1] == f"{high:,.0f}" and not any("e" in text for _, text in figures)
    assert all(left + text_width(text) <= area.right() + ROOM_RIGHT for left, text in figures)
    assert all(left + text_width(text) < after for (left, text), (after, _) in pairwise(figures))

"""Points of one's own benchmark on the tail plot and on the cost plot: where they are, how they look, what is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from explorer.plots.measured_marks import measured_marks, paint_mark
from explorer.plots.tail_axes import wanted_axes
from explorer.plots.tail_latency import TailLatencyPlot
from explorer.plots.tokens import DARK, LIGHT, Tokens
from explorer.study.outcome import MeasuredRun, Outcome
from tests.sample_outcome import sample_outcome

RUN = MeasuredRun("run", "8 users", 6.0, {"tpot": {"p50": 0.02, "p99": 0.031}}, 140.0, 0.5, 1024.0, 256.0, True)


def with_runs(*runs: MeasuredRun) -> Outcome:
    """The made-up outcome, its first alternative measured."""
    outcome = sample_outcome()
    workload = outcome.workloads[0]
    first = replace(workload.alternatives[0], measured=runs)
    changed = replace(workload, alternatives=(first, *workload.alternatives[1:]))
    return replace(outcome, workloads=(changed, *outcome.workloads[1:]))


def test_that_a_run_gives_a_mark_for_its_median_and_one_for_its_tail() -> None:
    one = with_runs(RUN, replace(RUN, rate=None)).workloads[0].alternatives[0]
    middle, tail = measured_marks(0, one, "tpot")
    assert (middle.seconds, middle.is_tail) == (0.02, False) and (tail.seconds, tail.is_tail) == (0.031, True)
    assert measured_marks(0, one, "ttft") == ()


def test_that_the_axes_make_room_for_points_unless_they_lie_far_off() -> None:
    plain = wanted_axes(with_runs().workloads[0], "tpot")
    far = 1.7 * plain.rate.high
    near = wanted_axes(with_runs(replace(RUN, rate=1.2 * plain.rate.high)).workloads[0], "tpot")
    assert near.rate.high >= 1.2 * plain.rate.high
    late = replace(RUN, latency={"tpot": {"p99": 3.0 * plain.latency.high}})
    slow = wanted_axes(with_runs(late).workloads[0], "tpot")
    assert slow.latency.high >= 3.0 * plain.latency.high
    assert wanted_axes(with_runs(replace(RUN, rate=10.0 * far)).workloads[0], "tpot").rate == plain.rate


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_that_the_points_are_seen_on_the_plot_and_told_in_words(qtbot: QtBot, tokens: Tokens) -> None:
    plot = TailLatencyPlot()
    qtbot.addWidget(plot)
    plot.resize(640, 420)
    plot.set_tokens(tokens)
    plot.set_metric("tpot")
    plot.show()
    plot.show_outcome(with_runs(), 0)
    without = plot.grab().toImage()
    plot.show_outcome(with_runs(RUN), 0)
    assert len(plot.values().measured) == 2
    assert plot.grab().toImage() != without
    said = plot.text_summary()
    assert "measured by your benchmark, scaled to the whole service" in said and "8 users" in said
    plot.show_outcome(with_runs(replace(RUN, alike=False)), 0)
    assert "other lengths" in plot.text_summary()


def inked(*, is_tail: bool, alike: bool) -> np.ndarray:
    """Which pixels of a small white picture a mark paints in its own colour."""
    image = QImage(16, 16, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    paint_mark(painter, QPointF(8.0, 8.0), QColor("#1F5FD6"), LIGHT, is_tail=is_tail, alike=alike)
    painter.end()
    return np.array([[image.pixelColor(x, y).red() < 128 for x in range(16)] for y in range(16)])


def test_that_tail_and_median_differ_in_shape_and_other_lengths_are_hollow() -> None:
    square, dot = inked(is_tail=True, alike=True), inked(is_tail=False, alike=True)
    hollow = inked(is_tail=True, alike=False)
    assert square.sum() > dot.sum() > 0
    assert square[8, 8] and dot[8, 8] and not hollow[8, 8] and hollow.any()

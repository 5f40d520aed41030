"""The plot of the simulated tail: titles say what is drawn, ticks stand where points are, words stay readable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.plots.tail_study_plot import SAMPLE, TITLES, WIDTH, TailStudyPlot, axes_of, promise_words
from explorer.plots.tokens import DASHES, LIGHT
from explorer.plots.xy_frame import frame_in
from explorer.study.tail_answers import VIEW_TITLES, StudyLine, TailAnswer, TailQuestion, View


def answer(view: View, x: list[float], y: list[float]) -> TailAnswer:
    """One alternative's line."""
    line = StudyLine(0, "H200", np.asarray(x), np.asarray(y))
    return TailAnswer(TailQuestion(0, view, "ttft"), "chat", 1000, (line,))


def test_that_ticks_of_degrees_stand_at_the_degrees() -> None:
    degrees = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    across, _ = axes_of(answer("degree", degrees, [2.0] * 6), None)
    assert (across.low, across.high) == (1.0, 32.0)
    assert across.ticks(600.0, 56.0) == degrees
    # few where there is little room, and none that no chip can have
    few = across.ticks(150.0, 56.0)
    assert 1 < len(few) < 6 and set(few) <= set(degrees)
    alone, _ = axes_of(answer("degree", [8.0], [2.0]), None)
    assert alone.low < 8.0 < alone.high and alone.ticks(600.0, 56.0) == [8.0]


def test_that_the_sample_of_a_line_shows_its_pattern_again() -> None:
    assert all(1.5 * WIDTH * sum(dash) <= SAMPLE for dash in DASHES)


def test_that_a_distribution_is_called_one_also_above_the_capacities() -> None:
    assert TITLES["capacity"] == VIEW_TITLES["distribution"]
    assert {view: title for view, title in TITLES.items() if view != "capacity"}.items() <= VIEW_TITLES.items()


@pytest.mark.parametrize("view", ["distribution", "degree", "burstiness"])
def test_that_the_words_of_the_promise_keep_off_the_curves(qapp: QApplication, view: View) -> None:
    if view == "distribution":
        found, promise = answer(view, [0.1, 1.9, 2.4, 3.0], [1.0, 0.99, 0.5, 0.001]), 2.0
    else:
        found, promise = answer(view, [1.0, 2.0, 3.5, 4.0], [0.5, 0.6, 2.0, 2.3]), 2.0
    frame = frame_in(QRectF(0.0, 0.0, 500.0, 300.0), *axes_of(found, promise))
    ((text, place),) = promise_words(frame, found, promise)
    assert text == "promise 2 s" and frame.area.contains(place)
    x, y = frame.points(found.lines[0].x, found.lines[0].y)
    along = np.linspace(x[0], x[-1], 800)
    hidden = [place.contains(float(at), float(np.interp(at, x, y))) for at in along]
    assert not any(hidden)


def test_that_no_curve_runs_through_the_words_of_the_promise(qtbot: QtBot) -> None:
    plot = TailStudyPlot()
    qtbot.addWidget(plot)
    plot.resize(500, 300)
    plot.set_tokens(LIGHT)
    # curves all over the plot: no place is free
    heights = np.geomspace(0.5, 8.0, 150)
    lines = [StudyLine(0, "H200", np.asarray([1.0, 2.0]), np.full(2, height)) for height in heights]
    plot.show_answer(replace(answer("degree", [1.0, 2.0], [2.0, 2.0]), lines=tuple(lines)), 2.0)
    image = plot.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    pixels = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)

    def near(color: str) -> np.ndarray:
        wanted = QColor(color)
        far = np.abs(pixels - np.array([wanted.red(), wanted.green(), wanted.blue()])).max(axis=2)
        return np.asarray(far < 60)

    ink = near(LIGHT.text)
    # the heading, the legend and the figures of the axes stand outside the curves
    ink[:44], ink[-36:], ink[:, :54] = False, False, False
    ink[ink.sum(axis=1) > 200] = False
    at = np.argwhere(ink)
    assert len(at), "the words are not drawn"
    (top, left), (bottom, right) = at.min(axis=0), at.max(axis=0)
    assert right - left > 40
    assert not near(LIGHT.chips[0])[top : bottom + 1, left : right + 1].any()

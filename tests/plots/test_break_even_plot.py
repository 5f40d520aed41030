"""The break-even drawn: where the goal is met, the scale of its output, words and values, every kind of answer."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.catalog import load_catalog
from explorer.plots.break_even_plot import TOGETHER, BreakEvenPlot, Colours, along_line, output_axis, word_places
from explorer.plots.lettering import text_width
from explorer.plots.tokens import DARK, LIGHT
from explorer.plots.xy_frame import frame_in, linear_axis, log_axis
from explorer.report.export import plot_csv, plot_svg
from explorer.scenario.file import read_scenario
from explorer.scenario.statement import parse_statement
from explorer.study.break_even import BreakEven, break_even
from explorer.study.break_even_curve import BreakEvenCurve
from explorer.study.evaluate import Evaluator
from tests.sample_outcome import sample_outcome


@pytest.fixture(scope="module")
def found(scenarios_folder: Path) -> BreakEven:
    """A real answer, with a curve that can be followed by hand."""
    evaluator = Evaluator(load_catalog())
    scenario = read_scenario(scenarios_folder / "ai200-on-aws.toml", evaluator.catalog).scenario
    goal = "P99 TPOT of AI200 on 70B chat <= 50 ms"
    answer = break_even(evaluator, scenario, "memory bandwidth of AI200", goal, samples=8)
    curve = BreakEvenCurve(
        (1e12, 2e12, 4e12, 8e12, 16e12),
        (math.inf, 0.1, 0.05, 0.03, 0.02),
        (0.05,) * 5,
        (0.0, 0.25, 0.5, 0.75, 1.0),
        (False, False, True, True, True),
    )
    return replace(answer, value=4e12, sure=8e12, left_now=0.055, left_at_end=0.02, chance_now=0.45, curve=curve)


def shown(qtbot: QtBot, found: BreakEven | None, waiting: str = "", colours: Colours | None = None) -> BreakEvenPlot:
    plot = BreakEvenPlot()
    qtbot.addWidget(plot)
    plot.resize(900, 260)
    plot.show_outcome(sample_outcome(), 0)
    plot.show_answer(found, colours or Colours(0), waiting)
    plot.show()
    return plot


def curve_of(found: BreakEven) -> BreakEvenCurve:
    assert found.curve is not None
    return found.curve


def test_that_the_scale_holds_what_matters_and_no_more(found: BreakEven) -> None:
    axis = output_axis(found, curve_of(found))
    assert axis.log and axis.low <= 0.02 and axis.high >= 0.1 and axis.high < 0.5
    far = output_axis(found, replace(curve_of(found), left=(1e6, 0.1, 0.05, 0.03, 0.02)))
    assert far.high < 10.0
    near = output_axis(found, replace(curve_of(found), left=(0.06, 0.058, 0.055, 0.05, 0.045)))
    assert found.left_at_end == 0.02 and near.high <= TOGETHER * 0.06
    room = parse_statement("memory headroom of AI200 >= 10 GB")
    signed = replace(found, statement=room, left_now=2e10, left_at_end=5e10)
    below = output_axis(signed, replace(curve_of(found), left=(5e10, 2e10, 0.0, -1e10, -9e10), right=(1e10,) * 5))
    assert not below.log and below.low < -9e10 and below.title == "GB" and below.text(-9e10) == "−90"


def test_that_its_words_and_values_are_those_of_the_curve(qtbot: QtBot, found: BreakEven, tmp_path: Path) -> None:
    plot = shown(qtbot, found)
    words = plot.text_summary()
    assert "out of reach at 1 TB/s" in words and "20 ms at 16 TB/s" in words and "from 0 % to 100 %" in words
    plot_csv(plot, tmp_path / "curve.csv")
    lines = [line for line in (tmp_path / "curve.csv").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "value,left,right,chance" and len(lines) == 6 and lines[3].startswith("4000000000000")


def test_that_lines_on_paper_end_at_the_edges_of_the_panels(qtbot: QtBot, found: BreakEven, tmp_path: Path) -> None:
    far = replace(curve_of(found), left=(1e6, 0.1, 0.05, 1e-9, math.inf))
    plot_svg(shown(qtbot, replace(found, curve=far)), tmp_path / "curve.svg")
    text = (tmp_path / "curve.svg").read_text(encoding="utf-8")
    heights = [
        float(height)
        for line in re.findall(r'<polyline [^>]*points="([^"]*)"', text)
        for _, height in (pair.split(",") for pair in line.split())
    ]
    assert len(heights) > 10 and all(0.0 <= height <= 260.0 for height in heights)


def test_that_it_waits_in_words_and_has_no_values_then(qtbot: QtBot, found: BreakEven) -> None:
    for plot in (shown(qtbot, None, "being drawn …"), shown(qtbot, replace(found, curve=None), "being drawn …")):
        assert "being drawn …" in plot.text_summary() and plot.values() is None
        assert plot.value_rows() is None and plot.showing() is None


def test_that_every_kind_of_answer_is_painted(qtbot: QtBot, found: BreakEven) -> None:
    curve = curve_of(found)
    kinds = (
        found,
        replace(found, sure=None, value=None, chance_now=None, left_now=None),
        replace(found, curve=replace(curve, chances=())),
        replace(found, curve=replace(curve, left=(math.nan, math.inf, 0.05, math.nan, 0.02))),
        replace(found, curve=replace(curve, left=(math.inf,) * 5), left_now=math.inf, left_at_end=math.inf),
        replace(found, statement=parse_statement("P99 TPOT of AI200 = that of H200"), rising=False),
        replace(found, value=1e20, sure=1e20),
    )
    seen = []
    for one in kinds:
        plot = shown(qtbot, one, colours=Colours(0, 1) if one.statement.comparison == "=" else None)
        seen.append(plot.grab().toImage())
        plot.set_tokens(DARK)
        assert plot.grab().toImage() != seen[-1]
        plot.set_tokens(LIGHT)
    assert all(first != second for at, first in enumerate(seen) for second in seen[:at])


def test_that_where_the_goal_is_met_is_told_without_colour(qtbot: QtBot, found: BreakEven) -> None:
    """Hatched, so that neighbouring pixels of the area differ."""
    image = shown(qtbot, found).grab().toImage()
    missed = replace(curve_of(found), left=(math.inf, 0.1, 0.09, 0.08, 0.07), met=(False,) * 5)
    never = shown(qtbot, replace(found, curve=missed, value=None)).grab().toImage()
    place = range(300, 420)
    grays = {image.pixelColor(x, 150).lightness() for x in place}
    plain = {never.pixelColor(x, 150).lightness() for x in place}
    assert len(grays) > len(plain)


@pytest.mark.parametrize("at_foot", [False, True])
@pytest.mark.parametrize("height", [60.0, 120.0, 300.0])
def test_that_words_of_marks_stand_on_no_line_and_no_other_word(
    qapp: QApplication, height: float, at_foot: bool
) -> None:
    area = QRectF(50.0, 20.0, 300.0, height)
    y = area.top() + 0.05 * height if not at_foot else area.bottom() - 22.0
    rule = QRectF(area.left(), y - 1.0, area.width(), 2.0)
    named = QRectF(area.left() + 4.0, y + 2.0, 34.0, 14.0)
    marks = [("now 50 %", area.left() + 10.0), ("95 % from 4 TB/s", area.right() - 20.0)]
    places = [
        QRectF(left, baseline - 9.0, text_width(words), 11.0)
        for (words, _), (left, baseline) in zip(marks, word_places(area, marks, [rule, named], at_foot), strict=True)
    ]
    assert not any(place.intersects(one) for place in places for one in (rule, named))
    assert not places[0].intersects(places[1]) and all(area.contains(place) for place in places)


def test_that_words_of_marks_stand_off_the_line_itself(qapp: QApplication) -> None:
    frame = frame_in(QRectF(0.0, 0.0, 420.0, 200.0), log_axis([1.0, 100.0], "", str), linear_axis(0.0, 1.0, "", str))
    values = np.geomspace(1.0, 100.0, 12)
    line = along_line(frame, list(values), list(np.linspace(0.0, 1.0, 12)))
    marks = [("at 3.54 TB/s: 58 %", frame.at(20.0, 0.0).x()), ("95 % from 25.1 TB/s", frame.at(95.0, 0.0).x())]
    places = [
        QRectF(left, baseline - 9.0, text_width(words), 11.0)
        for (words, _), (left, baseline) in zip(marks, word_places(frame.area, marks, line, False), strict=True)
    ]
    assert line and not any(place.intersects(box) for place in places for box in line)


def test_that_where_no_row_is_free_words_are_drawn_all_the_same(qapp: QApplication) -> None:
    area = QRectF(0.0, 0.0, 200.0, 60.0)
    assert word_places(area, [("now 50 %", 20.0)], [area], False) == [(25.0, 13.0)]

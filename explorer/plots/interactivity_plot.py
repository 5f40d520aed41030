"""What speed for the user costs: throughput against interactivity, or money against the P99 time per token."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from explorer.plots.label_places import box_of, overlaps
from explorer.plots.lettering import draw_heading, draw_line, text_width
from explorer.plots.measured_marks import paint_mark
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.plots.strokes import draw_heavy, pieces_within
from explorer.plots.tokens import Tokens, chip_pen
from explorer.plots.xy_frame import Axis, Frame, draw_frame, frame_in, log_axis
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import number_text
from explorer.study.outcome import Outcome

Array = NDArray[np.float64]
SECONDS, MILLION = QUANTITIES["seconds"], QUANTITIES["usd_per_million"]
DOT = 4.5
LABEL_HEIGHT = 14.0
LABEL_ROWS = (-21.0, 7.0, -7.0, 21.0, -35.0, 35.0, -49.0)
"""Pixels from a point down to the top of its name, in the order tried."""
View = Literal["yield", "cost"]
TITLES: dict[View, str] = {"yield": "Throughput against interactivity", "cost": "Cost against latency"}
SUBTITLES: dict[View, tuple[str, ...]] = {
    "yield": ("answer tokens/s per chip, at each speed a user sees", "answer tokens/s per chip"),
    "cost": ("per million tokens at a steady load without idle hours", "per million tokens at a steady load"),
}


MEASURED = "■ your benchmark"


@dataclass(frozen=True, eq=False, slots=True)
class TradeLine:
    """One alternative along its load, arrays (rates,): tokens/s per user and per chip, or P99 seconds per token and
    USD per million tokens; and where it is now."""

    place: int
    label: str
    x: Array
    y: Array
    present: tuple[float, float] | None
    measured: tuple[tuple[float, float, bool], ...] = ()
    """Runs of the user's own benchmarks: x, y, and whether they were of the traffic's lengths."""


def trade_lines(outcome: Outcome, workload: int, view: View = "yield") -> tuple[TradeLine, ...]:
    """The lines of a workload's alternatives that can run and, for money, have a price."""
    if outcome.economics is None:
        return ()
    found: list[TradeLine] = []
    for at, one in enumerate(outcome.economics.money[workload].alternatives):
        curve = one.interactivity
        if curve is None:
            continue
        if view == "yield":
            present = None if curve.present is None else curve.present[:2]
            runs = [(run.tokens_per_s_per_user, run.tokens_per_s_per_chip, run.alike) for run in curve.measured]
            x, y = curve.tokens_per_s_per_user, curve.tokens_per_s_per_chip
            found.append(TradeLine(at, one.label, x, y, present, _whole(runs)))
        elif np.isfinite(curve.usd_per_million).all():
            present = None if curve.present is None else curve.present[2:]
            runs = [(run.tpot_p99_s, run.usd_per_million, run.alike) for run in curve.measured]
            found.append(TradeLine(at, one.label, curve.tpot_p99_s, curve.usd_per_million, present, _whole(runs)))
    return tuple(found)


def _whole(runs: list[tuple[float | None, float | None, bool]]) -> tuple[tuple[float, float, bool], ...]:
    return tuple((x, y, alike) for x, y, alike in runs if x is not None and y is not None)


def _number(value: float) -> str:
    return number_text(value, 4)


def _axes(lines: tuple[TradeLine, ...], view: View) -> tuple[Axis, Axis]:
    across = [float(value) for line in lines for value in (line.x.min(), line.x.max())]
    across += [x for line in lines for x, _, _ in line.measured]
    if view == "yield":
        # the lightest loads say nothing but that an idle chip yields nothing
        most = max(float(line.y.max()) for line in lines)
        down = [max(float(line.y.min()), most / 200.0) for line in lines] + [most]
        down += [y for line in lines for _, y, _ in line.measured if y > most / 200.0]
        return (
            log_axis(across, "tokens/s that the median user sees", _number),
            log_axis(down, "tokens/s per chip", _number),
        )
    least = min(float(line.y.min()) for line in lines)
    now = [line.present[1] for line in lines if line.present is not None]
    down = [least, max([20.0 * least, *now])]
    # beyond the cliff latencies run away: what is shown ends soon after the promises that anybody makes
    most = max([8.0 * min(across), *(line.present[0] * 2.0 for line in lines if line.present is not None)])
    return (
        log_axis([min(across), min(max(across), most)], "P99 time per token (TPOT)", SECONDS.format),
        log_axis(down, "per million tokens", MILLION.format),
    )


def paint_trade(painter: QPainter, rect: QRectF, tokens: Tokens, lines: tuple[TradeLine, ...], view: View) -> None:
    """Draw the lines into `rect`."""
    measured = any(line.measured for line in lines)
    marked = tuple(f"{text}; {MEASURED}" for text in SUBTITLES[view]) if measured else ()
    top = draw_heading(painter, rect, tokens, TITLES[view], (*marked, *SUBTITLES[view]))
    if not lines:
        nothing = "nothing that runs" if view == "yield" else "nothing that runs and has a price"
        draw_line(painter, rect.left(), top + 16.0, rect.width(), nothing, tokens.secondary)
        return
    frame = frame_in(QRectF(rect.left(), top, rect.width(), rect.bottom() - top), *_axes(lines, view))
    draw_frame(painter, frame, tokens)
    painter.save()
    painter.setClipRect(frame.area, Qt.ClipOperation.IntersectClip)
    for line in lines:
        painter.setPen(chip_pen(tokens, line.place))
        # the more users wait, the more chips do
        draw_heavy(painter, pieces_within(painter, frame.points(line.x, line.y), frame.area), falls=True)
    for line in lines:
        for x, y, alike in line.measured:
            paint_mark(painter, frame.at(x, y), tokens.chip(line.place), tokens, is_tail=True, alike=alike)
    painter.restore()
    _paint_labels(painter, frame, tokens, lines)


def _paint_labels(painter: QPainter, frame: Frame, tokens: Tokens, lines: tuple[TradeLine, ...]) -> None:
    """A dot and a name at the present point."""
    for line in lines:
        if line.present is not None:
            painter.setPen(QPen(QColor(tokens.panel), 1.5))
            painter.setBrush(tokens.chip(line.place))
            painter.drawEllipse(_anchor(frame, line), DOT, DOT)
            painter.setBrush(Qt.BrushStyle.NoBrush)
    for line, place in label_places(frame, lines):
        # another line must not run through the name
        painter.fillRect(place, QColor(tokens.panel))
        at, room = place.bottomLeft() + QPointF(2.0, -3.0), place.width() - 3.0
        draw_line(painter, at.x(), at.y(), room, line.label, tokens.chip(line.place), semibold=True)


def _anchor(frame: Frame, line: TradeLine) -> QPointF:
    """Where a line is now, brought within the axes; of one that is nowhere, where it was last within them."""
    area = frame.area
    if line.present is not None:
        at = frame.at(*line.present)
    else:
        x, y = frame.points(line.x, line.y)
        inside = np.flatnonzero((x >= area.left()) & (x <= area.right()) & (y >= area.top()) & (y <= area.bottom()))
        last = int(inside[-1]) if inside.size else -1
        at = QPointF(float(x[last]), float(y[last]))
    return QPointF(min(max(at.x(), area.left()), area.right()), min(max(at.y(), area.top()), area.bottom()))


def label_places(frame: Frame, lines: tuple[TradeLine, ...]) -> list[tuple[TradeLine, QRectF]]:
    """Where names stand, pixels: beside their points within the axes, off every dot and other name."""
    area = frame.area
    found: list[tuple[TradeLine, QRectF]] = []
    near = DOT + 2.0
    dots = [_anchor(frame, line) for line in lines if line.present is not None]
    taken = [(at.x() - near, at.y() - near, at.x() + near, at.y() + near) for at in dots]
    for line in sorted(lines, key=lambda one: -one.y.max()):
        at, width = _anchor(frame, line), text_width(line.label, semibold=True) + 4.0
        # the nearest first: a name belongs to what is next to it
        for down, across in product(LABEL_ROWS, (7.0, -7.0 - width)):
            left = min(max(at.x() + across, area.left()), area.right() - width)
            top = min(max(at.y() + down, area.top()), area.bottom() - LABEL_HEIGHT)
            place = QRectF(left, top, width, LABEL_HEIGHT)
            if not overlaps(box_of(place), taken):
                taken.append(box_of(place))
                found.append((line, place))
                break
    return found


class InteractivityPlot(PaintedPlot):
    """Tokens/s per chip against tokens/s per user, or USD per million tokens against P99 TPOT."""

    title = TITLES["yield"]

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("interactivity")
        self.setAccessibleName("Throughput against interactivity")
        self.setMinimumSize(220, 160)
        self._view: View = "yield"
        self.setToolTip("Along each line the load rises: users wait longer, chips do more. Dot: the stated traffic.")

    def sizeHint(self) -> QSize:
        return QSize(420, 300)

    @property
    def view(self) -> View:
        """What is drawn."""
        return self._view

    def set_view(self, view: View) -> None:
        """Draw throughput against interactivity, or money against latency."""
        if view != self._view:
            self._view = view
            self._spoken.refresh_soon()
            self.refresh()

    def values(self) -> tuple[TradeLine, ...]:
        """The lines drawn."""
        return () if self._outcome is None else trade_lines(self._outcome, self._workload, self._view)

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        lines = self.values()
        if not lines:
            return f"{TITLES[self._view]}: nothing that runs"
        return f"{TITLES[self._view]}. " + ". ".join(self._words(line) for line in lines)

    def _words(self, line: TradeLine) -> str:
        here = line.present if line.present is not None and all(map(math.isfinite, line.present)) else None
        if self._view == "yield":
            best = f"at most {_number(float(line.y.max()))} tokens/s per chip"
            now = f", now {_number(here[1])} at {_number(here[0])} tokens/s per user" if here else ""
        else:
            best = f"at least {MILLION.format(float(line.y.min()))} per million tokens"
            now = f", now {MILLION.format(here[1])} at P99 {SECONDS.format(here[0])}" if here else ""
        return f"{line.label}: {best}{now}{self._measured_words(line)}"

    def _measured_words(self, line: TradeLine) -> str:
        if not line.measured:
            return ""
        texts = []
        for x, y, alike in line.measured:
            point = f"{_number(y)} at {_number(x)} tokens/s per user"
            if self._view == "cost":
                point = f"{MILLION.format(y)} at P99 {SECONDS.format(x)}"
            texts.append(point if alike else f"{point} (other lengths or split)")
        return f"; measured by your benchmark: {', '.join(texts)}"

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """One piece: the lines."""
        lines, tokens, view = self.values(), self._tokens, self._view
        return (
            Piece(
                rect,
                (id(self._outcome), self._workload, view, tokens.name),
                lambda painter, at: paint_trade(painter, at, tokens, lines, view),
            ),
        )

"""A break-even drawn: what the goal limits over the number that is solved for, and the chance that the goal is met."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from explorer.plots.lettering import LINE_HEIGHT, draw_heading, draw_line, draw_text, text_width
from explorer.plots.painted_plot import PaintedPlot, Piece, Showing
from explorer.plots.strokes import draw_heavy, pieces_within
from explorer.plots.strokes import draw_line as draw_thin
from explorer.plots.tokens import Tokens, chip_pen, dotted_pen
from explorer.plots.xy_frame import Axis, Frame, draw_frame, frame_in, linear_axis, log_axis
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.statement import Term
from explorer.study.break_even import HIGH, BreakEven
from explorer.study.break_even_curve import BreakEvenCurve
from explorer.study.break_even_words import chance_words, curve_words, side_words
from explorer.study.output_values import latency_of

SHARE = QUANTITIES["share"]
TITLE = "How the goal hangs on it"
FAR = 30.0
"""How many times the largest, and what part of the least, value of interest the scale of the output reaches."""
TOGETHER = 3.0
"""Values that differ by no more than this many times are shown on an even scale."""
RING = 4.5
WORD_BOX = 6.0
"""Pixels of a line that count as one box when words are to be kept off it."""
MET_OPACITY = 0.10


@dataclass(frozen=True, slots=True)
class Colours:
    """Which alternative's colour and dash each side of the goal has; None for a value, or a fleet's."""

    left: int | None = None
    right: int | None = None


class BreakEvenPlot(PaintedPlot):
    """Two panels over the same number: the output with its limit, and how sure it is that the goal is met."""

    title = TITLE

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("break-even")
        self.setAccessibleName("The goal over the number that is solved for")
        self.setMinimumSize(260, 120)
        self.setToolTip("Shaded: the goal is met. Dots: as things are. Line: where the goal begins to be met.")
        self._found: BreakEven | None = None
        self._colours = Colours()
        self._waiting = ""

    def sizeHint(self) -> QSize:
        return QSize(640, 300)

    def show_answer(self, found: BreakEven | None, colours: Colours, waiting: str = "") -> None:
        """Draw an answer; `waiting` stands where it, or its curve, is not there yet."""
        self._found, self._colours, self._waiting = found, colours, waiting
        self._spoken.refresh_soon()
        self.refresh()

    def values(self) -> BreakEvenCurve | None:
        """What is drawn."""
        return None if self._found is None else self._found.curve

    def showing(self) -> Showing | None:
        """What the curve was drawn for; None before there is one."""
        return None if self.values() is None else super().showing()

    def value_rows(self) -> tuple[list[str], Iterator[tuple[str | float | int | None, ...]]] | None:
        """The curve as a table, SI units."""
        found, curve = self._found, self.values()
        if found is None or curve is None:
            return None
        heading = ("value", "left", "right", "chance")
        chances: Sequence[float | None] = curve.chances or (None,) * len(curve.values)
        rows = zip(curve.values, curve.left, curve.right, chances, strict=True)
        notes = [f"goal: {found.statement.text}", f"value: {found.unknown.name}, SI units"]
        return notes, iter([heading, *rows])

    def text_summary(self) -> str:
        """The curve in words, with its numbers."""
        found = self._found
        if found is None or found.curve is None:
            return f"{TITLE}: {self._waiting or 'nothing asked yet'}"
        return f"{TITLE}: {curve_words(found)}"

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """One piece: heading and both panels."""
        found, tokens, colours, waiting = self._found, self._tokens, self._colours, self._waiting

        def draw(painter: QPainter, place: QRectF) -> None:
            _paint(painter, place, tokens, found, colours, waiting)

        return (Piece(rect, (id(found), colours, tokens.name, waiting), draw),)


def _paint(
    painter: QPainter, rect: QRectF, tokens: Tokens, found: BreakEven | None, colours: Colours, waiting: str
) -> None:
    if found is None or found.curve is None:
        top = draw_heading(painter, rect, tokens, TITLE, ("",))
        if waiting:
            draw_line(painter, rect.left(), top + LINE_HEIGHT, rect.width(), waiting, tokens.secondary)
        return
    curve, unknown = found.curve, found.unknown
    top = draw_heading(painter, rect, tokens, TITLE, (unknown.name, unknown.title))
    room = QRectF(rect.left(), top, rect.width(), rect.bottom() - top)
    across = Axis(curve.values[0], curve.values[-1], True, unknown.name, unknown.quantity.format)
    half = 0.5 * room.width() if curve.chances else room.width()
    for at, panel in enumerate(("output", "chance") if curve.chances else ("output",)):
        place = QRectF(room.left() + at * half, room.top(), half - (8.0 if at == 0 else 0.0), room.height())
        if panel == "output":
            _paint_output(painter, place, tokens, found, curve, colours, across)
        else:
            _paint_chance(painter, place, tokens, found, curve, colours, across)


def _paint_output(
    painter: QPainter, place: QRectF, tokens: Tokens, found: BreakEven, curve: BreakEvenCurve, colours: Colours,
    across: Axis,
) -> None:  # fmt: skip
    output = found.statement.left.output
    named = side_words(found.statement.left)
    if found.any_build and latency_of(output) is not None:
        named += ", at hardly any load"
    up = output_axis(found, curve)
    frame = _framed(painter, place, tokens, f"{named}, {up.title}" if up.title else named, across, up)
    painter.save()
    painter.setClipRect(frame.area)
    _paint_met(painter, frame, tokens, curve)
    right = found.statement.right
    if isinstance(right, Term):
        painter.setPen(_pen(tokens, colours.right, 1.5))
    else:
        painter.setPen(QPen(QColor(tokens.text), 1.0))
    _paint_line(painter, frame, curve.values, curve.right)
    painter.setPen(_pen(tokens, colours.left, 2.0))
    _paint_line(painter, frame, curve.values, curve.left)
    painter.restore()
    now, here = found.unknown.reach.present, found.left_now
    limit = next((value for value in curve.right if math.isfinite(value)), None)
    taken: list[QRectF] = []
    if limit is not None and frame.y.low <= limit <= frame.y.high:
        text = side_words(right) if isinstance(right, Term) else output.quantity.format(limit)
        y = frame.at(across.low, limit).y()
        taken.append(_rule(frame, y))
        y = y - 4.0 if y - LINE_HEIGHT > frame.area.top() else y + LINE_HEIGHT - 2.0
        taken.append(_paint_word(painter, frame, tokens, frame.area.left() + 6.0, y, text))
    at_foot = here is not None and _is_high(frame, here)
    taken += along_line(frame, curve.values, curve.left)
    _paint_marks(painter, frame, tokens, _marks(found), taken, at_foot=at_foot)
    if now is not None and here is not None and math.isfinite(here):
        _paint_ring(painter, frame, tokens, colours.left, now, here)


def _paint_chance(
    painter: QPainter, place: QRectF, tokens: Tokens, found: BreakEven, curve: BreakEvenCurve, colours: Colours,
    across: Axis,
) -> None:  # fmt: skip
    equal = found.statement.comparison == "="
    named = "Chance that the left side is the larger" if equal else "Chance that it is met"
    frame = _framed(painter, place, tokens, named, across, Axis(0.0, 1.0, False, "", SHARE.format))
    taken: list[QRectF] = []
    if not equal:
        taken.append(_rule(frame, frame.at(across.low, HIGH).y()))
        painter.setPen(dotted_pen(QColor(tokens.secondary), 1.0, (4.0, 3.0)))
        painter.drawLine(frame.at(across.low, HIGH), frame.at(across.high, HIGH))
    painter.save()
    painter.setClipRect(frame.area.adjusted(0.0, -1.0, 0.0, 1.0))
    painter.setPen(_pen(tokens, colours.left, 2.0))
    _paint_line(painter, frame, curve.values, curve.chances)
    painter.restore()
    now, sure, chance = found.unknown.reach.present, found.sure, found.chance_now
    marks: list[_Mark] = []
    if now is not None and chance is not None:
        marks.append(_Mark(now, chance_words(found), now=True))
    if sure is not None and not equal:
        bound = "from" if found.rising else "up to"
        marks.append(_Mark(sure, f"{SHARE.format(HIGH)} {bound} {found.unknown.written(sure)}"))
    if sure is None and not equal:
        below = frame.at(across.low, HIGH).y() + 13.0
        taken.append(_paint_word(painter, frame, tokens, frame.area.left() + 6.0, below, SHARE.format(HIGH)))
    at_foot = chance is not None and _is_high(frame, chance)
    taken += along_line(frame, curve.values, curve.chances)
    _paint_marks(painter, frame, tokens, marks, taken, at_foot=at_foot)
    if now is not None and chance is not None:
        _paint_ring(painter, frame, tokens, colours.left, now, chance)


def _framed(painter: QPainter, place: QRectF, tokens: Tokens, named: str, across: Axis, up: Axis) -> Frame:
    """A panel with its name above it."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    frame = frame_in(place.adjusted(0.0, 12.0, 0.0, 0.0), across, up)
    draw_line(painter, frame.area.left(), place.top() + 13.0, frame.area.width(), named, tokens.text, semibold=True)
    draw_frame(painter, frame, tokens)
    return frame


def output_axis(found: BreakEven, curve: BreakEvenCurve) -> Axis:
    """The scale of the output: of all that is finite, as far as it is near what matters.

    Its title is the unit, where figures stand without one.
    """
    quantity = found.statement.left.output.quantity
    every = [value for value in (*curve.left, *curve.right) if math.isfinite(value)] or [1.0]
    marked = (*curve.right, found.left_now, found.left_at_end)
    near = [value for value in marked if value is not None and math.isfinite(value)] or every
    if min(every) <= 0.0:
        low, high = min(every), max(every)
        room = 0.05 * (high - low or 1.0)
        most = max(abs(low), abs(high))
        # with a sign there is no room for the unit at each figure
        return Axis(
            low - room, high + room, False, quantity.unit_at(most), lambda value: quantity.format_number(value, at=most)
        )
    low, high = max(min(every), min(near) / FAR), min(max(every), max(near) * FAR)
    if high <= TOGETHER * low:
        return linear_axis(0.0, 1.05 * high, "", quantity.format)
    return log_axis([low, high], "", quantity.format)


def _paint_met(painter: QPainter, frame: Frame, tokens: Tokens, curve: BreakEvenCurve) -> None:
    """Shade where the goal is met: by a wash and by hatching, so that it is not told by colour alone."""
    wash, lines = QColor(tokens.good), QColor(tokens.good)
    wash.setAlphaF(MET_OPACITY)
    lines.setAlphaF(2.0 * MET_OPACITY)
    spans: list[list[float]] = []
    for (low, here), (high, there) in pairwise(zip(curve.values, curve.met, strict=True)):
        if here and there and spans and spans[-1][1] == low:
            spans[-1][1] = high
        elif here and there:
            spans.append([low, high])
    painter.setPen(Qt.PenStyle.NoPen)
    for low, high in spans:
        place = QRectF(QPointF(frame.at(low, frame.y.low).x(), frame.area.top()), QPointF(
            frame.at(high, frame.y.low).x(), frame.area.bottom()
        ))  # fmt: skip
        painter.fillRect(place, wash)
        painter.fillRect(place, QBrush(lines, Qt.BrushStyle.BDiagPattern))
    widest = max(spans, key=lambda span: span[1] / span[0], default=None)
    if widest is not None:
        left, right = (frame.at(end, frame.y.low).x() for end in widest)
        if right - left >= text_width("met") + 12.0:
            middle = 0.5 * (left + right) - 0.5 * text_width("met")
            draw_text(painter, QPointF(middle, frame.area.bottom() - 7.0), "met", tokens.good)


def _paint_line(painter: QPainter, frame: Frame, values: Sequence[float], heights: Sequence[float]) -> None:
    """A line, broken where nothing can be built, leaving through the top where nothing carries the load."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    line = pieces_within(painter, frame.points(np.asarray(values), np.asarray(heights)), frame.area)
    if painter.pen().widthF() > 1.0:
        known = [height for height in heights if not math.isnan(height)]
        draw_heavy(painter, line, falls=bool(known) and known[-1] < known[0])
    else:
        draw_thin(painter, line)


def _is_high(frame: Frame, height: float) -> bool:
    """Whether a height lies where words at the top would cover it."""
    return math.isfinite(height) and frame.y.place(height) > 0.6


@dataclass(frozen=True, slots=True)
class _Mark:
    """A value of the number with words beside it; the present one is dotted."""

    value: float
    words: str
    now: bool = False


def _marks(found: BreakEven) -> list[_Mark]:
    """The present value, and where the goal begins to be met."""
    now, value, unknown = found.unknown.reach.present, found.value, found.unknown
    marks = [] if now is None else [_Mark(now, f"now {unknown.written(now)}", now=True)]
    if value is not None:
        sign = "=" if found.statement.comparison == "=" else "from" if found.rising else "up to"
        marks.append(_Mark(value, f"{sign} {unknown.written(value)}"))
    return marks


def along_line(frame: Frame, values: Sequence[float], heights: Sequence[float]) -> list[QRectF]:
    """A line in boxes of a few pixels, as what no word may stand on."""
    x, y = frame.points(np.asarray(values), np.asarray(heights))
    boxes: list[QRectF] = []
    for (left, start), (right, end) in pairwise(zip(x.tolist(), y.tolist(), strict=True)):
        if not (math.isfinite(start) and math.isfinite(end)):
            continue
        parts = max(1, math.ceil(max(right - left, abs(end - start)) / WORD_BOX))
        for at in range(parts):
            ends = [
                QPointF(left + (right - left) * share, start + (end - start) * share)
                for share in (at / parts, (at + 1) / parts)
            ]
            boxes.append(QRectF(ends[0], ends[1]).normalized().adjusted(-1.0, -1.0, 1.0, 1.0))
    return [box for box in boxes if box.intersects(frame.area)]


def _rule(frame: Frame, y: float) -> QRectF:
    """A line across the panel, as what no word may stand on."""
    return QRectF(frame.area.left(), y - 1.0, frame.area.width(), 2.0)


def _paint_marks(
    painter: QPainter, frame: Frame, tokens: Tokens, marks: Sequence[_Mark], taken: Sequence[QRectF], *, at_foot: bool
) -> None:
    """Lines across the panel, then the words of each in a row of their own, from the top or from the foot, off what is
    `taken`."""
    area, ink = frame.area, QColor(tokens.text)
    places = [round(frame.at(mark.value, frame.y.low).x()) + 0.5 for mark in marks]
    seen = [area.left() - 1.0 <= x <= area.right() + 1.0 for x in places]
    for mark, x, shown in zip(marks, places, seen, strict=True):
        if shown:
            painter.setPen(dotted_pen(ink, 1.0, (1.0, 2.0)) if mark.now else QPen(ink, 1.0))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    shown_marks = [(mark.words, x) for mark, x, shown in zip(marks, places, seen, strict=True) if shown]
    for (words, _), (left, baseline) in zip(shown_marks, word_places(area, shown_marks, taken, at_foot), strict=True):
        _paint_word(painter, frame, tokens, left, baseline, words)


def word_places(
    area: QRectF, marks: Sequence[tuple[str, float]], taken: Sequence[QRectF], at_foot: bool
) -> list[tuple[float, float]]:
    """Left end and baseline, pixels, of the words of each mark (words, x): rows of their own from the top of `area`, or
    from its foot, past what is `taken`."""
    step = -LINE_HEIGHT if at_foot else LINE_HEIGHT
    baseline = area.bottom() - 7.0 - LINE_HEIGHT if at_foot else area.top() + 13.0
    found: list[tuple[float, float]] = []
    for words, x in marks:
        width = text_width(words)
        left = x + 5.0 if x + 5.0 + width <= area.right() else x - 5.0 - width
        start = baseline
        while any(_word_ground(left, baseline, width).intersects(one) for one in taken):
            baseline += 0.25 * step
            if not area.contains(_word_ground(left, baseline, width)):
                # no row is free: the first one is as good as any
                baseline = start
                break
        found.append((left, baseline))
        baseline += step
    return found


def _word_ground(left: float, baseline: float, width: float) -> QRectF:
    return QRectF(left - 2.0, baseline - 11.0, width + 4.0, 14.0)


def _paint_word(painter: QPainter, frame: Frame, tokens: Tokens, left: float, baseline: float, text: str) -> QRectF:
    """Draw a word on its ground; return that."""
    ground = QColor(tokens.panel)
    ground.setAlphaF(0.8)
    width = min(text_width(text), frame.area.right() - left)
    place = _word_ground(left, baseline, width)
    painter.fillRect(place, ground)
    draw_line(painter, left, baseline, width + 1.0, text, tokens.text)
    return place


def _paint_ring(painter: QPainter, frame: Frame, tokens: Tokens, number: int | None, x: float, y: float) -> None:
    at = frame.at(x, y)
    if frame.area.adjusted(-1.0, -1.0, 1.0, 1.0).contains(at):
        painter.setPen(QPen(QColor(tokens.accent) if number is None else tokens.chip(number), 2.0))
        painter.setBrush(QColor(tokens.panel))
        painter.drawEllipse(at, RING, RING)


def _pen(tokens: Tokens, number: int | None, width: float) -> QPen:
    return QPen(QColor(tokens.accent), width) if number is None else chip_pen(tokens, number, width)

"""What the simulation says of the tail: distributions, P99 against a setting, and a replica over time, as lines."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from explorer.plots.label_places import Segments
from explorer.plots.lettering import LINE_HEIGHT, draw_heading, draw_line, text_width
from explorer.plots.metric_switch import MEANING
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.plots.tokens import DASHES, Tokens, chip_pen, dotted_pen
from explorer.plots.xy_frame import Axis, Frame, draw_frame, frame_in, linear_axis, log_axis
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import number_text
from explorer.study.tail_answers import VIEW_TITLES, StudyLine, TailAnswer, View

SECONDS, SHARE = QUANTITIES["seconds"], QUANTITIES["share"]
MARK = 4.0
WIDTH = 2.0
"""Of the alternatives' lines, pixels."""
SAMPLE = 1.5 * WIDTH * max(sum(dash) for dash in DASHES)
"""Pixels of line before a name: every pattern until it comes again, by which it is known."""
TITLES: dict[View, str] = {**VIEW_TITLES, "capacity": VIEW_TITLES["distribution"]}
"""What is drawn: the capacities stand in a table, beneath the distribution at the traffic of now."""


def _seconds(value: float) -> str:
    return SECONDS.format(value)


def _share(value: float) -> str:
    return f"{value * 100:g} %"


def _plain(value: float) -> str:
    return number_text(value, 6)


def drawn_lines(answer: TailAnswer) -> tuple[StudyLine, ...]:
    """The lines that have a point to draw."""
    return tuple(line for line in answer.lines if np.isfinite(line.y).any())


def axes_of(answer: TailAnswer, promise: float | None) -> tuple[Axis, Axis]:
    """The two axes of a view."""
    lines = drawn_lines(answer)
    xs = [float(x) for line in lines for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
    ys = [float(y) for line in lines for y in line.y if math.isfinite(y)]
    view = answer.question.view
    promised = [] if promise is None else [promise]
    if view in ("distribution", "capacity"):
        least = min(ys, default=1e-3)
        return (
            log_axis([*xs, *promised], MEANING[answer.question.metric], _seconds),
            Axis(min(least, 0.1), 1.0, True, "", _share),
        )
    if view == "time":
        return (
            linear_axis(0.0, max(xs, default=1.0), "simulated time, s, of one replica", _plain),
            linear_axis(0.0, max([0.05, *ys]), "", _share),
        )
    latency = log_axis([*ys, *promised], "", _seconds)
    if view == "degree":
        return _degrees(xs), latency
    title = "burstiness: spread of the gaps between requests (CV)"
    return linear_axis(0.0, max(xs, default=4.0), title, _plain), latency


def _degrees(values: list[float]) -> Axis:
    """Chips in a replica: only those degrees that a chip can have."""
    degrees = tuple(sorted(set(values))) or (1.0, 2.0)
    low, high = (degrees[0], degrees[-1]) if len(degrees) > 1 else (0.5 * degrees[0], 2.0 * degrees[0])
    return Axis(low, high, True, "chips in one replica, each with the traffic it has now", _plain, degrees)


class TailStudyPlot(PaintedPlot):
    """One view of the tail, a line an alternative."""

    title = "Tail by simulation"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("tail-study")
        self.setAccessibleName("The tail by simulation")
        self.setMinimumSize(260, 160)
        self._answer: TailAnswer | None = None
        self._promise: float | None = None
        self._waiting = ""

    def sizeHint(self) -> QSize:
        return QSize(560, 320)

    def show_answer(self, answer: TailAnswer | None, promise: float | None, waiting: str = "") -> None:
        """Draw an answer, with the promise of its latency in seconds; `waiting` stands where there is none yet."""
        self._answer, self._promise, self._waiting = answer, promise, waiting
        self._spoken.refresh_soon()
        self.refresh()

    def values(self) -> TailAnswer | None:
        """What is drawn."""
        return self._answer

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        answer = self._answer
        if answer is None:
            return f"Tail by simulation: {self._waiting or 'nothing simulated yet'}"
        words = [f"Tail of {answer.workload} by simulation, {answer.requests:,} requests a point"]
        for line in drawn_lines(answer):
            if answer.question.view in ("distribution", "capacity"):
                at = float(np.exp(np.interp(np.log(0.01), np.log(line.y[::-1]), np.log(line.x[::-1]))))
                words.append(f"{line.label}: one in a hundred takes longer than {SECONDS.format(at)}")
            elif answer.question.view == "time":
                mean, most = (SHARE.format(float(value)) for value in (line.y.mean(), line.y.max()))
                words.append(f"{line.label}: mean {mean}, most {most}")
            else:
                told = ", ".join(_point_words(float(x), float(y)) for x, y in zip(line.x, line.y, strict=True))
                words.append(f"{line.label}: {told}")
        words += [f"{label}: {reason}" for _, label, reason in answer.missing]
        return ". ".join(words) + "."

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """One piece: heading, frame and lines."""
        answer, promise, tokens = self._answer, self._promise, self._tokens
        waiting = self._waiting

        def draw(painter: QPainter, place: QRectF) -> None:
            _paint(painter, place, tokens, answer, promise, waiting)

        return (Piece(rect, (id(answer), promise, tokens.name, waiting), draw),)


def _point_words(x: float, y: float) -> str:
    return f"at {_plain(x)} {SECONDS.format(y) if math.isfinite(y) else 'the load cannot be carried'}"


def _subtitles(answer: TailAnswer) -> tuple[str, ...]:
    view, metric = answer.question.view, MEANING[answer.question.metric]
    if view in ("distribution", "capacity"):
        return f"share of requests that take longer, {metric}", metric
    if view == "time":
        return "solid: sequences in service, as a share of the cap · dotted: KV memory", "batch and KV memory in use"
    return f"P99 of {metric}", metric


def _paint(
    painter: QPainter, rect: QRectF, tokens: Tokens, answer: TailAnswer | None, promise: float | None, waiting: str
) -> None:
    if answer is None:
        top = draw_heading(painter, rect, tokens, "Tail by simulation", ("",))
        words = waiting or "not simulated yet"
        draw_line(painter, rect.left(), top + LINE_HEIGHT, rect.width(), words, tokens.secondary)
        return
    note = f"simulation, {answer.requests:,} requests"
    top = draw_heading(painter, rect, tokens, TITLES[answer.question.view], _subtitles(answer), note)
    top = _legend(painter, QRectF(rect.left(), top, rect.width(), rect.bottom() - top), tokens, answer)
    lines = drawn_lines(answer)
    if not lines:
        for at, (_, label, reason) in enumerate(answer.missing):
            draw_line(
                painter, rect.left(), top + (at + 1) * LINE_HEIGHT, rect.width(), f"{label}: {reason}", tokens.secondary
            )
        return
    x, y = axes_of(answer, promise)
    frame = frame_in(QRectF(rect.left(), top, rect.width(), rect.bottom() - top), x, y)
    draw_frame(painter, frame, tokens)
    painter.save()
    painter.setClipRect(frame.area.adjusted(-MARK, -MARK, MARK, MARK))
    _promise_line(painter, frame, tokens, answer, promise)
    for line in reversed(lines):
        _line(painter, frame, tokens, line, answer)
    # last, on their ground: no curve runs through them
    for text, place in promise_words(frame, answer, promise):
        painter.fillRect(place, QColor(tokens.panel))
        draw_line(painter, place.left() + 2.0, place.bottom() - 4.0, place.width(), text, tokens.text)
    painter.restore()


def _legend(painter: QPainter, room: QRectF, tokens: Tokens, answer: TailAnswer) -> float:
    """The alternatives' names in their colours, in as many rows as they take; returns where they end."""
    left, base = room.left(), room.top() + LINE_HEIGHT - 4.0
    seen: set[int] = set()
    entries = [(line.number, line.label.split(":")[0], "") for line in drawn_lines(answer)]
    entries += [(number, f"{label}: {reason}", "missing") for number, label, reason in answer.missing]
    for number, label, _ in entries:
        if number in seen:
            continue
        seen.add(number)
        width = text_width(label, semibold=True)
        if left > room.left() and left + SAMPLE + 6.0 + width > room.right():
            left, base = room.left(), base + LINE_HEIGHT
        painter.setPen(chip_pen(tokens, number, WIDTH))
        painter.drawLine(QPointF(left, base - 4.0), QPointF(left + SAMPLE, base - 4.0))
        ink = tokens.chip(number)
        left += SAMPLE + 6.0
        left += draw_line(painter, left, base, room.right() - left, label, ink, semibold=True) + 16.0
    return base + 6.0


def _promise_line(painter: QPainter, frame: Frame, tokens: Tokens, answer: TailAnswer, promise: float | None) -> None:
    view = answer.question.view
    if promise is None or view == "time":
        return
    painter.setPen(QPen(QColor(tokens.text), 1.0))
    area = frame.area
    if view in ("distribution", "capacity"):
        x = frame.at(promise, frame.y.high).x()
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        hundredth = frame.at(promise, 0.01).y()
        painter.setPen(dotted_pen(QColor(tokens.secondary), 1.0, (2.0, 3.0)))
        painter.drawLine(QPointF(area.left(), hundredth), QPointF(area.right(), hundredth))
        draw_line(painter, area.left() + 4.0, hundredth - 3.0, 40.0, "P99", tokens.secondary)
    else:
        y = frame.at(frame.x.low, promise).y()
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))


def promise_words(frame: Frame, answer: TailAnswer, promise: float | None) -> tuple[tuple[str, QRectF], ...]:
    """The words beside the line of the promise with their ground, where they hide the least of the curves; none where
    no line is drawn."""
    view, area = answer.question.view, frame.area
    if promise is None or view == "time":
        return ()
    text = f"promise {SECONDS.format(promise)}"
    width, height = text_width(text) + 4.0, 15.0
    if view in ("distribution", "capacity"):
        x = frame.at(promise, frame.y.high).x()
        foot = area.bottom() - height - 2.0
        places = [(left, top) for top in (area.top() + 1.0, foot) for left in (x + 2.0, x - 2.0 - width)]
    else:
        y = frame.at(frame.x.low, promise).y()
        ends = (area.right() - width - 4.0, area.left() + 4.0)
        places = [(left, top) for top in (y - height - 2.0, y + 2.0) for left in ends]
    inside = [one for one in (QRectF(*corner, width, height) for corner in places) if area.contains(one)]
    curves = Segments.of([frame.points(line.x, line.y) for line in drawn_lines(answer)])
    return ((text, min(inside, key=curves.crossing)),) if inside else ()


def _line(painter: QPainter, frame: Frame, tokens: Tokens, line: StudyLine, answer: TailAnswer) -> None:
    known = np.isfinite(line.y) & (line.y > 0.0 if frame.y.log else line.y >= 0.0)
    points = [frame.at(float(x), float(y)) for x, y in zip(line.x[known], line.y[known], strict=True)]
    pen = dotted_pen(tokens.chip(line.number), 1.2, (1.6, 2.4)) if line.dotted else chip_pen(tokens, line.number, WIDTH)
    painter.setPen(pen)
    painter.drawPolyline(QPolygonF(points))
    if answer.question.view not in ("degree", "burstiness"):
        return
    for x, point in zip(line.x[known], points, strict=True):
        here = line.marked is not None and math.isclose(float(x), line.marked)
        painter.setPen(QPen(tokens.chip(line.number), 1.6))
        painter.setBrush(QColor(tokens.panel) if here else tokens.chip(line.number))
        size = MARK if here else 2.2
        painter.drawEllipse(point, size, size)

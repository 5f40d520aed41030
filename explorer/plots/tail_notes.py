"""What is drawn on the curves of the tail plot: promise, own traffic, rings, cliffs, labels, hover read-out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from explorer.plots.lettering import LINE_HEIGHT, draw_line, draw_text, text_width
from explorer.plots.measured_marks import paint_mark
from explorer.plots.tail_area import Projection
from explorer.plots.tail_labels import Notes, Places
from explorer.plots.tokens import RADIUS, Tokens, dotted_pen

RING = 4.5
CLIFF = 4.0
GROUND = 0.72
"""Opacity of the ground behind a word: the lines beneath are still guessed."""


@dataclass(frozen=True, slots=True)
class Readout:
    """The values at the rate under the pointer: a heading and one row an alternative (index, name, value)."""

    rate: float
    title: str
    rows: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What notes are drawn on: the plotting area, its projection and the theme."""

    area: QRectF
    at: Projection
    tokens: Tokens


def paint_notes(painter: QPainter, sheet: Sheet, notes: Notes, places: Places, grip: str | None = None) -> None:
    """Draw lines, marks and words on a painter that clips to the area; a line in the hand (`grip`) heavier."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    _paint_promise(painter, sheet, notes, 2.0 if grip == "promise" else 1.0)
    _paint_traffic(painter, sheet, notes, 2.0 if grip == "rate" else 1.0)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    _paint_marks(painter, sheet, notes)
    _paint_labels(painter, sheet, notes, places)
    if notes.sentence:
        _paint_sentence(painter, sheet, notes.sentence)


def _paint_promise(painter: QPainter, sheet: Sheet, notes: Notes, width: float) -> None:
    if notes.promise is None:
        return
    area = sheet.area
    y = round(sheet.at.y(math.log10(notes.promise[0])))
    if area.top() <= y <= area.bottom():
        painter.setPen(QPen(QColor(sheet.tokens.text), width))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))


def _paint_traffic(painter: QPainter, sheet: Sheet, notes: Notes, width: float) -> None:
    if notes.traffic is None:
        return
    area = sheet.area
    x = round(sheet.at.x(notes.traffic[0]))
    if area.left() <= x <= area.right():
        painter.setPen(dotted_pen(QColor(sheet.tokens.text), width, (1.0, 2.0)))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))


def _paint_marks(painter: QPainter, sheet: Sheet, notes: Notes) -> None:
    area, tokens = sheet.area, sheet.tokens
    for mark in notes.cliffs:
        at = QPointF(sheet.at.x(mark.rate), sheet.at.y(math.log10(mark.seconds)))
        if area.contains(at):
            painter.setPen(QPen(QColor(tokens.panel), 1.0))
            painter.setBrush(tokens.chip(mark.index))
            painter.drawPolygon(_diamond(at, CLIFF))
    for one in notes.measured:
        at = QPointF(sheet.at.x(one.rate), sheet.at.y(math.log10(one.seconds)))
        if area.contains(at):
            paint_mark(painter, at, tokens.chip(one.index), tokens, is_tail=one.is_tail, alike=one.alike)
    for mark in notes.rings:
        at = QPointF(sheet.at.x(mark.rate), sheet.at.y(math.log10(mark.seconds)))
        if not area.left() <= at.x() <= area.right():
            continue
        painter.setPen(QPen(tokens.chip(mark.index), 2.0))
        if at.y() < area.top() + RING:
            # Above the plot: an arrow at the edge, because a missing ring would read as "no value".
            painter.setBrush(tokens.chip(mark.index))
            painter.drawPolygon(_arrow_up(QPointF(at.x(), area.top() + 3.0)))
        elif at.y() <= area.bottom():
            painter.setBrush(QColor(tokens.panel))
            painter.drawEllipse(at, RING, RING)


def _paint_labels(painter: QPainter, sheet: Sheet, notes: Notes, places: Places) -> None:
    tokens = sheet.tokens
    if notes.promise is not None and places.promise is not None:
        _paint_word(painter, places.promise, notes.promise[1], QColor(tokens.text), tokens)
    if notes.traffic is not None and places.traffic is not None:
        _paint_word(painter, places.traffic, notes.traffic[1], QColor(tokens.secondary), tokens)
    for note, rect in places.labels:
        if note.index < 0:
            _paint_word(painter, rect, note.text, QColor(tokens.secondary), tokens)
        else:
            _paint_word(painter, rect, note.text, tokens.chip(note.index), tokens, semibold=True)


def _paint_word(
    painter: QPainter, rect: QRectF, text: str, color: QColor, tokens: Tokens, *, semibold: bool = False
) -> None:
    ground = QColor(tokens.panel)
    ground.setAlphaF(GROUND)
    painter.fillRect(rect.adjusted(-2.0, 1.0, 2.0, -1.0), ground)
    draw_text(painter, QPointF(rect.left(), rect.bottom() - 4.0), text, color, semibold=semibold)


def _paint_sentence(painter: QPainter, sheet: Sheet, sentence: str) -> None:
    middle = sheet.area.center()
    width = min(text_width(sentence), sheet.area.width() - 16.0)
    draw_line(painter, middle.x() - 0.5 * width, middle.y(), width + 1.0, sentence, sheet.tokens.secondary)


def paint_readout(painter: QPainter, sheet: Sheet, readout: Readout) -> None:
    """Draw the values at the pointer in a box beside it."""
    area, tokens = sheet.area, sheet.tokens
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    x = sheet.at.x(readout.rate)
    painter.setPen(QPen(QColor(tokens.baseline), 1.0))
    painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    names = max((text_width(name, semibold=True) for _, name, _ in readout.rows), default=0.0)
    values = max((text_width(value) for _, _, value in readout.rows), default=0.0)
    width = max(names + 10.0 + values, text_width(readout.title)) + 16.0
    height = LINE_HEIGHT * (1 + len(readout.rows)) + 10.0
    left = x + 10.0 if x + 10.0 + width <= area.right() else x - 10.0 - width
    box = QRectF(max(left, area.left() + 1.0), area.top() + 22.0, width, height)
    painter.setPen(QPen(QColor(tokens.hairline), 1.0))
    painter.setBrush(QColor(tokens.panel))
    painter.drawRoundedRect(box, RADIUS, RADIUS)
    baseline = box.top() + LINE_HEIGHT
    draw_line(painter, box.left() + 8.0, baseline, width, readout.title, tokens.secondary)
    for index, name, value in readout.rows:
        baseline += LINE_HEIGHT
        draw_line(painter, box.left() + 8.0, baseline, names + 2.0, name, tokens.chip(index), semibold=True)
        draw_line(painter, box.left() + 8.0, baseline, width - 16.0, value, QColor(tokens.text), right=True)


def _diamond(at: QPointF, half: float) -> QPolygonF:
    x, y = at.x(), at.y()
    return QPolygonF([QPointF(x, y - half), QPointF(x + half, y), QPointF(x, y + half), QPointF(x - half, y)])


def _arrow_up(tip: QPointF) -> QPolygonF:
    x, y = tip.x(), tip.y()
    return QPolygonF([QPointF(x, y), QPointF(x + 5.0, y + 7.0), QPointF(x - 5.0, y + 7.0)])

"""What stands on the tail-latency curves: promise, own traffic, rings, cliffs, labels, hover read-out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from explorer.plots.label_places import Segments, place_label
from explorer.plots.lettering import LINE_HEIGHT, draw_line, draw_text, text_width
from explorer.plots.tail_axes import Axes
from explorer.plots.tail_lines import Projection
from explorer.plots.tokens import LIGHT, RADIUS, Tokens, dotted_pen
from explorer.study.outcome import Array

RING = 4.5
CLIFF = 4.0
SAMPLES = (0.0, 0.4, 0.7, 0.9)
"""Where along a line, as shares of its length, it is watched whether it has moved."""
STILL = 2.0
"""Pixels that lines may move before the labels are placed anew: labels that jump are not read."""


@dataclass(frozen=True, slots=True)
class LineNote:
    """The direct label of one line, and the line as (rate, log10 seconds); index -1 is the baseline."""

    index: int
    text: str
    x: Array
    y: Array


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of one alternative: requests/s and seconds."""

    index: int
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Readout:
    """The values at the rate under the pointer: a heading and one row an alternative (index, name, value)."""

    rate: float
    title: str
    rows: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """Everything written on the curves of one frame."""

    lines: tuple[LineNote, ...] = ()
    rings: tuple[Mark, ...] = ()
    cliffs: tuple[Mark, ...] = ()
    promise: tuple[float, str] | None = None
    traffic: tuple[float, str] | None = None
    sentence: str = ""
    """Said in the middle of the plot when there is no line to draw."""


class NotesItem(QGraphicsItem):
    """Draws `Notes` in the pixels of the view box it is a child of."""

    def __init__(self, view_box: QGraphicsItem) -> None:
        super().__init__(view_box)
        self.setZValue(1000)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self._area = QRectF()
        self._axes: Axes | None = None
        self._notes = Notes()
        self._readout: Readout | None = None
        self._grip: str | None = None
        self._tokens = LIGHT
        self._projection: Projection | None = None
        self._places: list[tuple[LineNote, QRectF]] | None = None
        self._anchors: tuple[tuple[object, ...], Array] | None = None
        self._places_found: list[tuple[LineNote, QRectF]] = []
        self._segments = Segments.of([])
        self._fixed: list[tuple[QRectF, str]] = []

    def show_notes(self, notes: Notes, axes: Axes) -> None:
        """Draw `notes` on `axes` from now on."""
        if axes != self._axes:
            self._axes, self._projection, self._anchors = axes, None, None
        self._notes, self._places = notes, None
        self.update()

    def show_readout(self, readout: Readout | None) -> None:
        """Show or hide the values under the pointer."""
        if readout != self._readout:
            self._readout = readout
            self.update()

    def show_grip(self, grip: str | None) -> None:
        """Draw the line that the hand can move ("rate", "promise") heavier; None draws neither so."""
        self._grip = grip
        self.update()

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self._tokens = tokens
        self.update()

    def set_area(self, area: QRectF) -> None:
        """Size of the plotting area, pixels."""
        if area != self._area:
            self.prepareGeometryChange()
            self._area, self._places, self._projection, self._anchors = QRectF(area), None, None, None

    def boundingRect(self) -> QRectF:
        return self._area

    def _at(self) -> Projection:
        if self._projection is None:
            assert self._axes is not None, "show_notes comes first"
            self._projection = Projection(self._axes, self._area)
        return self._projection

    def x_of(self, rate: float) -> float:
        """Pixel of a rate."""
        return self._at().x(rate)

    def y_of(self, log_seconds: float) -> float:
        """Pixel of a base-10 logarithm of seconds."""
        return self._at().y(log_seconds)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._axes is None or self._area.width() < 20 or self._area.height() < 20:
            return
        painter.save()
        painter.setClipRect(self._area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        self._paint_promise(painter)
        self._paint_traffic(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        self._paint_marks(painter)
        self._paint_labels(painter)
        if self._notes.sentence:
            self._paint_sentence(painter)
        if self._readout is not None:
            self._paint_readout(painter, self._readout)
        painter.restore()

    def _paint_promise(self, painter: QPainter) -> None:
        if self._notes.promise is None:
            return
        y = round(self.y_of(math.log10(self._notes.promise[0])))
        if not self._area.top() <= y <= self._area.bottom():
            return
        painter.setPen(QPen(QColor(self._tokens.text), 2.0 if self._grip == "promise" else 1.0))
        painter.drawLine(QPointF(self._area.left(), y), QPointF(self._area.right(), y))

    def _paint_traffic(self, painter: QPainter) -> None:
        if self._notes.traffic is None:
            return
        x = round(self.x_of(self._notes.traffic[0]))
        if not self._area.left() <= x <= self._area.right():
            return
        width = 2.0 if self._grip == "rate" else 1.0
        painter.setPen(dotted_pen(QColor(self._tokens.text), width, (1.0, 2.0)))
        painter.drawLine(QPointF(x, self._area.top()), QPointF(x, self._area.bottom()))

    def _paint_marks(self, painter: QPainter) -> None:
        for mark in self._notes.cliffs:
            at = QPointF(self.x_of(mark.rate), self.y_of(math.log10(mark.seconds)))
            if not self._area.contains(at):
                continue
            painter.setPen(QPen(QColor(self._tokens.panel), 1.0))
            painter.setBrush(self._tokens.chip(mark.index))
            painter.drawPolygon(_diamond(at, CLIFF))
        for mark in self._notes.rings:
            at = QPointF(self.x_of(mark.rate), self.y_of(math.log10(mark.seconds)))
            if not self._area.left() <= at.x() <= self._area.right():
                continue
            painter.setPen(QPen(self._tokens.chip(mark.index), 2.0))
            painter.setBrush(QColor(self._tokens.panel))
            if at.y() < self._area.top() + RING:
                # Above the plot: an arrow at the edge, because a missing ring would read as "no value".
                painter.setBrush(self._tokens.chip(mark.index))
                painter.drawPolygon(_arrow_up(QPointF(at.x(), self._area.top() + 3.0)))
            elif at.y() <= self._area.bottom():
                painter.drawEllipse(at, RING, RING)

    def places(self) -> list[tuple[LineNote, QRectF]]:
        """Where the direct labels stand, in pixels; they stay where they are until something moves by a few."""
        if self._places is None:
            anchors = self._found_anchors()
            if self._anchors is not None and _still(anchors, self._anchors):
                self._fixed = self._fixed_texts(self._segments)
                taken = self._taken()
                still = not any(rect.intersects(other) for _, rect in self._places_found for other in taken)
            else:
                still = False
            if not still:
                self._anchors, self._places_found = anchors, self._find_places()
            self._places = self._places_found
        return self._places

    def _taken(self) -> list[QRectF]:
        """Where no label may stand: the fixed texts and the marks."""
        marks = (*self._notes.rings, *self._notes.cliffs)
        return [
            *(rect for rect, _ in self._fixed),
            *(QRectF(self.x_of(m.rate) - 7, self.y_of(math.log10(m.seconds)) - 7, 14, 14) for m in marks),
        ]

    def _found_anchors(self) -> tuple[tuple[object, ...], Array]:
        """What the labels' places hang on: the texts, and pixels along the lines."""
        at, notes = self._at(), self._notes
        xs: list[float] = []
        ys: list[float] = []
        assert self._axes is not None
        ceiling = math.log10(self._axes.latency.high)
        for note in notes.lines:
            end, top = float(note.x[-1]), float(note.y[-1])
            if top > ceiling and note.x.size > 1:
                # Where the line leaves the plot, not where its last point happens to lie.
                rise = top - float(note.y[-2])
                if rise > 0:
                    end -= (end - float(note.x[-2])) * min((top - ceiling) / rise, 1.0)
                top = ceiling
            along = np.array(SAMPLES) * end
            xs += (end, *along.tolist())
            ys += (top, *np.interp(along, note.x, note.y).tolist())
        if notes.promise is not None:
            xs.append(0.0)
            ys.append(math.log10(notes.promise[0]))
        words = (*((note.index, note.text) for note in notes.lines), notes.promise and notes.promise[1])
        return words, np.stack(at.points((np.array(xs), np.array(ys))))

    def _find_places(self) -> list[tuple[LineNote, QRectF]]:
        area = self._area
        pixels = {note.index: self._pixels(note) for note in self._notes.lines}
        segments = self._segments = Segments.of(list(pixels.values()))
        self._fixed = self._fixed_texts(segments)
        taken = self._taken()
        found: list[tuple[LineNote, QRectF]] = []
        # The leftmost line first: its label has the least choice. The baseline's comes last.
        order = sorted(self._notes.lines, key=lambda note: (note.index < 0, float(note.x[-1])))
        for note in order:
            size = (text_width(note.text, semibold=note.index >= 0), LINE_HEIGHT - 1.0)
            rect = place_label(pixels[note.index], size, area, segments, taken)
            if rect is not None:
                taken.append(rect)
                found.append((note, rect))
        return found

    def _pixels(self, note: LineNote) -> tuple[Array, Array]:
        x, y = self._at().points((note.x, note.y))
        inside = x <= self._area.right()
        return x[inside], np.asarray(y[inside])

    def _fixed_texts(self, segments: Segments) -> list[tuple[QRectF, str]]:
        """Boxes of the two texts that belong to the axes: the promise and the own traffic."""
        found: list[tuple[QRectF, str]] = []
        area = self._area
        if self._notes.promise is not None:
            seconds, text = self._notes.promise
            y = self.y_of(math.log10(seconds))
            width = text_width(text)
            above, below = y - LINE_HEIGHT, y + 1.0
            left, right = area.left() + 6.0, area.right() - width - 4.0
            wanted = [
                QRectF(x, top, width, LINE_HEIGHT)
                for x, top in ((left, above), (right, above), (left, below), (right, below))
                if top >= area.top() and top + LINE_HEIGHT <= area.bottom()
            ]
            if wanted:
                found.append((min(wanted, key=segments.crossing), text))
        if self._notes.traffic is not None:
            rate, text = self._notes.traffic
            width = text_width(text)
            left = self.x_of(rate) + 6.0
            if left + width > area.right():
                left = self.x_of(rate) - 6.0 - width
            found.append((QRectF(left, area.bottom() - LINE_HEIGHT - 3.0, width, LINE_HEIGHT), text))
        return found

    def _paint_labels(self, painter: QPainter) -> None:
        inks = (self._tokens.text, self._tokens.secondary)
        places = self.places()
        for rect, text in self._fixed:
            promise = self._notes.promise is not None and text == self._notes.promise[1]
            self._paint_text(painter, rect, text, QColor(inks[0] if promise else inks[1]))
        for note, rect in places:
            if note.index < 0:
                self._paint_text(painter, rect, note.text, QColor(self._tokens.secondary))
            else:
                self._paint_text(painter, rect, note.text, self._tokens.chip(note.index), semibold=True)

    def _paint_text(self, painter: QPainter, rect: QRectF, text: str, color: QColor, *, semibold: bool = False) -> None:
        ground = QColor(self._tokens.panel)
        ground.setAlphaF(0.72)
        painter.fillRect(rect.adjusted(-2.0, 1.0, 2.0, -1.0), ground)
        draw_text(painter, QPointF(rect.left(), rect.bottom() - 4.0), text, color, semibold=semibold)

    def _paint_sentence(self, painter: QPainter) -> None:
        area = self._area
        width = min(text_width(self._notes.sentence), area.width() - 16.0)
        left, baseline = area.center().x() - 0.5 * width, area.center().y()
        draw_line(painter, left, baseline, width + 1.0, self._notes.sentence, self._tokens.secondary)

    def _paint_readout(self, painter: QPainter, readout: Readout) -> None:
        x = self.x_of(readout.rate)
        painter.setPen(QPen(QColor(self._tokens.baseline), 1.0))
        painter.drawLine(QPointF(x, self._area.top()), QPointF(x, self._area.bottom()))
        names = max((text_width(name, semibold=True) for _, name, _ in readout.rows), default=0.0)
        values = max((text_width(value) for _, _, value in readout.rows), default=0.0)
        width = max(names + 10.0 + values, text_width(readout.title)) + 16.0
        height = LINE_HEIGHT * (1 + len(readout.rows)) + 10.0
        left = x + 10.0 if x + 10.0 + width <= self._area.right() else x - 10.0 - width
        box = QRectF(max(left, self._area.left() + 1.0), self._area.top() + 22.0, width, height)
        painter.setPen(QPen(QColor(self._tokens.hairline), 1.0))
        painter.setBrush(QColor(self._tokens.panel))
        painter.drawRoundedRect(box, RADIUS, RADIUS)
        baseline = box.top() + LINE_HEIGHT
        draw_line(painter, box.left() + 8.0, baseline, width, readout.title, self._tokens.secondary)
        for index, name, value in readout.rows:
            baseline += LINE_HEIGHT
            ink = self._tokens.chip(index)
            draw_line(painter, box.left() + 8.0, baseline, names + 2.0, name, ink, semibold=True)
            ink = QColor(self._tokens.text)
            draw_line(painter, box.left() + 8.0, baseline, width - 16.0, value, ink, right=True)


def _still(new: tuple[tuple[object, ...], Array], old: tuple[tuple[object, ...], Array]) -> bool:
    """Whether the same things stand within `STILL` pixels of where they stood."""
    if new[0] != old[0] or new[1].shape != old[1].shape:
        return False
    # A gap in a line is NaN in both.
    return bool(np.all((np.abs(new[1] - old[1]) <= STILL) | (np.isnan(new[1]) & np.isnan(old[1]))))


def _diamond(at: QPointF, half: float) -> QPolygonF:
    x, y = at.x(), at.y()
    return QPolygonF([QPointF(x, y - half), QPointF(x + half, y), QPointF(x, y + half), QPointF(x - half, y)])


def _arrow_up(tip: QPointF) -> QPolygonF:
    x, y = tip.x(), tip.y()
    return QPolygonF([QPointF(x, y), QPointF(x + 5.0, y + 7.0), QPointF(x - 5.0, y + 7.0)])

"""The plot of what matters: a row for each unsettled figure, with what it moves, drives and decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from explorer.plots.lettering import LINE_HEIGHT, draw_heading, draw_line, draw_wrapped, text_width, wrapped
from explorer.plots.matters_rows import (
    BEYOND,
    Aspect,
    aspect_title,
    axis_of,
    ends_of,
    held,
    moving,
    swing_of,
    text_of,
)
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.plots.tokens import Tokens, dotted_pen
from explorer.scenario.quantities import QUANTITIES
from explorer.study.describe import METRIC_NAMES
from explorer.study.what_matters import EXPLAINED, Part, WhatMatters
from explorer.study.what_matters_words import (
    TITLES_OF_ANSWERS,
    ends_text,
    has_choice,
    in_unit,
    latency_text,
    promised,
)

SHARE, MONTH = QUANTITIES["share"], QUANTITIES["usd_per_month"]
SHORT = {
    "tornado": (
        "one figure from end to end of its range, all others as believed", "one from end to end, others as believed",
    ),
    "sobol": (
        "part of the answer's spread that knowing it removes; dark: alone", "of the spread, if known; dark: alone",
        "of the spread, if known",
    ),
    "evppi": ("$ a month gained by knowing it before choosing", "$/month, if known first"),
}  # fmt: skip
LEAST_ROW, MOST_ROW = 18.0, 34.0
MOST_BAR = 17.0
FOOT = 2.0 * LINE_HEIGHT + 4.0
"""Room below the rows for the scale and the legend."""
NAMES, SWINGS, SHARES = 0.25, 0.39, 0.18
"""Parts of the width; the rest is for the worth."""
GAP = 14.0
ROUNDING = 0.02
"""Shares that sum to so much more than one do so for being shared, not for being rounded."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the four columns lie."""

    names: QRectF
    swing: QRectF
    share: QRectF
    worth: QRectF


def _bar(line: QRectF, left: float, width: float) -> QRectF:
    """A bar within a row."""
    height = min(line.height() - 7.0, MOST_BAR)
    return QRectF(left, line.center().y() - 0.5 * height, width, height)


class MattersPlot(PaintedPlot):
    """Tornado, variance shares and the worth of knowing, side by side; a click on a row asks for its slider."""

    title = "What matters"
    figure_chosen = Signal(str)
    """Name of the figure whose row was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("matters.plot")
        self.setAccessibleName(self.title)
        self.setMinimumSize(420, 160)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._found: WhatMatters | None = None
        self._place, self._waiting = 0, ""
        self._aspect: Aspect = "p99"
        self._at = -1

    def sizeHint(self) -> QSize:
        return QSize(720, 340)

    def show_matters(self, found: WhatMatters | None, place: int, waiting: str = "") -> None:
        """Draw an answer in the colour of place `place`; None: `waiting` says what is awaited."""
        if found is not self._found:
            self._at = -1
        self._found, self._place, self._waiting = found, place, waiting
        self._spoken.refresh_soon()
        self.refresh()

    def set_aspect(self, aspect: Aspect) -> None:
        """Which output the swings are of."""
        self._aspect = aspect
        self._spoken.refresh_soon()
        self.refresh()

    @property
    def aspect(self) -> Aspect:
        """Which output the swings are of."""
        return self._aspect

    def rows(self, height: float | None = None) -> tuple[Part, ...]:
        """The rows drawn, from the top, in a plot of some height (its own if not given)."""
        if self._found is None:
            return ()
        return moving(self._found, self.aspect)[: self._room(self.height() if height is None else height)[1]]

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        if self._found is None:
            return f"{self.title}: {self._waiting or 'nothing computed yet'}"
        rows = [
            f"{part.title}: {self._swing_words(part)}, {SHARE.format(part.total)} of the spread"
            + ("" if not part.evppi else f", worth {MONTH.format(part.evppi)} a month")
            for part in self.rows()
        ]
        return f"{self.title} for {self._found.label}, {aspect_title(self._found, self.aspect)}. " + ". ".join(rows)

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """One piece: everything."""
        content = (id(self._found), self._place, self._aspect, self._waiting, self._at, self._tokens.name)
        return (Piece(rect, content, self._paint),)

    def row_at(self, at: QPointF) -> int:
        """Index of the row at a position; -1 where there is none."""
        top, count, height = self._room(self.height())
        index = math.floor((at.y() - top) / height)
        return index if 0 <= index < min(count, len(self.rows())) else -1

    def row_centre(self, index: int) -> QPointF:
        """The middle of a row's name."""
        top, _, height = self._room(self.height())
        return QPointF(40.0, top + (index + 0.5) * height)

    def event(self, event: QEvent) -> bool:
        """The row under the pointer says what it means; a heading says what its answer is."""
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._tip(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark the row under the pointer."""
        self._mark(self.row_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Unmark."""
        self._mark(-1)
        super().leaveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ask for the slider of a row."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(self.row_at(event.position()))
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk the rows, Enter asks for the slider."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        if step is not None and self.rows():
            self._mark(min(max(self._at + step, 0), len(self.rows()) - 1))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(self._at)
        else:
            super().keyPressEvent(event)

    def _mark(self, index: int) -> None:
        if index != self._at:
            self._at = index
            rows = self.rows()
            able = 0 <= index < len(rows) and rows[index].is_open
            self.setCursor(Qt.CursorShape.PointingHandCursor if able else Qt.CursorShape.ArrowCursor)
            self.refresh()

    def _choose(self, index: int) -> None:
        rows = self.rows()
        if 0 <= index < len(rows) and rows[index].is_open:
            self.figure_chosen.emit(rows[index].figure)

    def _swing_words(self, part: Part) -> str:
        swing, text = swing_of(part, self.aspect), text_of(self.aspect)
        return f"{text(swing.low)} … {text(swing.high)}"

    def _tip(self, at: QPointF) -> str:
        rows, index = self.rows(), self.row_at(at)
        if index < 0:
            place = self._columns(QRectF(self.rect()))
            keys = {"tornado": place.swing, "sobol": place.share, "evppi": place.worth}
            key = next((key for key, column in keys.items() if column.left() <= at.x() <= column.right()), "")
            above = at.y() <= self._room(self.height())[0]
            return f"{TITLES_OF_ANSWERS[key]}: {EXPLAINED[key]}" if key and above else ""
        assert self._found is not None
        part = rows[index]
        worth = "" if part.evppi is None else f"\nworth knowing: {MONTH.format(part.evppi)} a month"
        slider = "\nclick: its slider" if part.is_open else ""
        return (
            f"{part.title}, {part.status}, {ends_text(part)}\n"
            f"{aspect_title(self._found, self.aspect)}: {self._swing_words(part)}\n"
            f"share of the spread: {SHARE.format(part.first)} alone, {SHARE.format(part.total)} in all{worth}{slider}"
        )

    def _room(self, whole: float) -> tuple[float, int, float]:
        """Top of the rows, how many have room in a plot of some height, and the height of one."""
        top = 20.0 + 2.0 * LINE_HEIGHT + 8.0
        wanted = 0 if self._found is None else len(moving(self._found, self.aspect))
        body = max(whole - top - FOOT, LEAST_ROW)
        height = min(MOST_ROW, max(LEAST_ROW, body / max(wanted, 1)))
        return top, max(1, int(body / height)), height

    def _columns(self, rect: QRectF) -> Columns:
        width, left = rect.width(), rect.left()
        edges = [left + part * width for part in (0.0, NAMES, NAMES + SWINGS, NAMES + SWINGS + SHARES)]
        ends = [*edges[1:], rect.right()]
        boxes = [
            QRectF(edge, rect.top(), end - edge - (GAP if end < rect.right() else 0.0), rect.height())
            for edge, end in zip(edges, ends, strict=True)
        ]
        return Columns(*boxes)

    def _paint(self, painter: QPainter, rect: QRectF) -> None:
        tokens, found = self._tokens, self._found
        name = "" if found is None else f" for {found.label}"
        top = draw_heading(painter, rect, tokens, f"{self.title}{name}", self._subtitles())
        if found is None:
            draw_wrapped(painter, rect.left(), top + 8.0, rect.width(), [self._waiting], tokens.secondary)
            return
        columns = self._columns(rect)
        for key, box in (("tornado", columns.swing), ("sobol", columns.share), ("evppi", columns.worth)):
            title = TITLES_OF_ANSWERS[key] + (f": {aspect_title(found, self.aspect)}" if key == "tornado" else "")
            draw_line(painter, box.left(), top + 12.0, box.width(), title, tokens.text, semibold=True)
            short = next((text for text in SHORT[key] if text_width(text) <= box.width()), SHORT[key][-1])
            draw_line(painter, box.left(), top + 12.0 + LINE_HEIGHT, box.width(), short, tokens.secondary)
        start, _, height = self._room(rect.height())
        start += rect.top()
        rows = self.rows(rect.height())
        self._paint_scale(painter, columns.swing, start, start + height * len(rows))
        most = max((part.evppi or 0.0 for part in found.parts), default=0.0)
        for index, part in enumerate(rows):
            line = QRectF(rect.left(), start + index * height, rect.width(), height)
            if index == self._at:
                painter.fillRect(line, QColor(tokens.accent_wash))
            self._paint_name(painter, columns.names, line, part)
            self._paint_swing(painter, columns.swing, line, part)
            self._paint_share(painter, columns.share, line, part)
            if most > 0.0:
                self._paint_worth(painter, columns.worth, line, part, most)
        if most <= 0.0:
            words = found.reason or f"No single figure of {found.alternative} changes the choice."
            words = words if has_choice(found) else "With one alternative there is no choice."
            lines = wrapped(words, columns.worth.width(), 6)
            draw_wrapped(painter, columns.worth.left(), start, columns.worth.width(), lines, tokens.secondary)
        self._paint_rest(painter, rect, start + height * len(rows), rows)

    def _subtitles(self) -> tuple[str, ...]:
        if self._found is None:
            return ("",)
        metric = METRIC_NAMES[self._found.metric]
        short = f"three different answers of the closed form · latency: {metric}"
        why = ", the one with the least margin to its promise" if promised(self._found) else ""
        return (f"{short}{why}", short, f"closed form · {metric}", "")

    def _paint_scale(self, painter: QPainter, box: QRectF, top: float, bottom: float) -> None:
        """A light grid with its figures, where the answer lies as believed, and the promise."""
        assert self._found is not None
        tokens, axis = self._tokens, axis_of(self._found, self.aspect)
        swings = [swing_of(part, self.aspect) for part in self._found.parts]
        beyond = any(not math.isfinite(end) for swing in swings for end in ends_of(swing))
        free = box.right() - (text_width(BEYOND[self.aspect]) + 12.0 if beyond else 0.0)
        for value in axis.ticks(box.width(), 44.0):
            x = box.left() + axis.place(value) * box.width()
            painter.setPen(QPen(QColor(tokens.grid), 1.0))
            painter.drawLine(QPointF(x, top), QPointF(x, bottom))
            text = axis.text(value)
            left = min(max(x - 0.5 * text_width(text), box.left()), box.right() - text_width(text))
            if left + text_width(text) <= free:
                draw_line(painter, left, bottom + 12.0, text_width(text) + 1.0, text, tokens.secondary)
        if beyond:
            words = BEYOND[self.aspect]
            draw_line(painter, box.left(), bottom + 12.0, box.width(), words, tokens.bad, right=True)
        central = {"p99": self._found.p99, "usd_per_month": self._found.usd_per_month, "keeps": self._found.keeps}
        x = box.left() + held(axis, central[self.aspect]) * box.width()
        painter.setPen(QPen(QColor(tokens.baseline), 1.0))
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        if self.aspect == "p99" and self._found.limit is not None:
            x = box.left() + held(axis, self._found.limit) * box.width()
            painter.setPen(dotted_pen(QColor(tokens.bad)))
            painter.drawLine(QPointF(x, top), QPointF(x, bottom))

    def _paint_name(self, painter: QPainter, box: QRectF, line: QRectF, part: Part) -> None:
        tokens = self._tokens
        if part.is_open:
            _dot(painter, QPointF(box.left() + 4.0, line.center().y()), tokens)
        ink = tokens.text if part.is_open else tokens.secondary
        draw_line(painter, box.left() + 13.0, line.center().y() + 4.0, box.width() - 13.0, part.title, ink)

    def _paint_swing(self, painter: QPainter, box: QRectF, line: QRectF, part: Part) -> None:
        assert self._found is not None
        tokens, swing = self._tokens, swing_of(part, self.aspect)
        axis = axis_of(self._found, self.aspect)
        places = [box.left() + held(axis, value) * box.width() for value in ends_of(swing)]
        bar = _bar(line, min(places), max(abs(places[1] - places[0]), 1.0))
        painter.fillRect(bar, tokens.chip_wash(self._place, 0.55))
        if not part.unit:
            return
        # which end of the figure lies at which end of the bar
        low, high = (in_unit(value, part.unit) for value in part.ends)
        first, last = (low, high) if places[0] <= places[1] else (high, low)
        for text, x, right in ((first, bar.left(), True), (last, bar.right(), False)):
            width = text_width(text)
            inside = (x - box.left() < width + 5.0) if right else (box.right() - x < width + 5.0)
            if inside and bar.width() < 2.0 * width + 16.0:
                continue
            if inside:
                left = x + 4.0 if right else x - width - 4.0
                draw_line(painter, left, line.center().y() + 4.0, width + 1.0, text, tokens.text)
            else:
                left = x - width - 4.0 if right else x + 4.0
                draw_line(painter, left, line.center().y() + 4.0, width + 1.0, text, tokens.secondary)

    def _paint_share(self, painter: QPainter, box: QRectF, line: QRectF, part: Part) -> None:
        tokens, text = self._tokens, f"{100.0 * part.total:.0f} %"
        room = max(box.width() - 44.0, 10.0)
        body = _bar(line, box.left(), max(room * part.total, 0.5))
        painter.fillRect(body, QColor(tokens.track))
        painter.fillRect(
            QRectF(body.left(), body.top(), max(room * part.first, 0.0), body.height()), QColor(tokens.accent)
        )
        draw_line(painter, body.right() + 5.0, line.center().y() + 4.0, 42.0, text, tokens.text)

    def _paint_worth(self, painter: QPainter, box: QRectF, line: QRectF, part: Part, most: float) -> None:
        tokens, worth = self._tokens, part.evppi or 0.0
        assert self._found is not None
        text = f"{MONTH.format(worth)}" if worth > self._found.noise + 1.0 else "–"
        room = max(box.width() - 58.0, 10.0)
        body = _bar(line, box.left(), room * worth / most)
        painter.fillRect(body, QColor(tokens.good))
        draw_line(painter, body.right() + 5.0, line.center().y() + 4.0, 54.0, text, tokens.text)

    def _paint_rest(self, painter: QPainter, rect: QRectF, bottom: float, rows: tuple[Part, ...]) -> None:
        assert self._found is not None
        tokens, every = self._tokens, moving(self._found, self.aspect)
        parts = ["disputed or undisclosed" if any(part.is_open for part in rows) else ""]
        if self.aspect == "p99" and self._found.limit is not None:
            parts.append(f"dotted: promised {latency_text(self._found.limit)}")
        believed = {"p99": self._found.p99, "usd_per_month": self._found.usd_per_month, "keeps": self._found.keeps}
        if math.isfinite(believed[self.aspect]):
            parts.append("line: as believed")
        if sum(part.total for part in rows) > 1.0 + ROUNDING:
            parts.append("share: dark alone, light with others, sums above 100 %")
        hidden = len(every) - len(rows)
        still = len(self._found.parts) - len(every)
        parts.append(f"{hidden} more have no room here" if hidden > 0 else "")
        parts.append(f"{still} more move nothing" if still > 0 else "")
        words = " · ".join(part for part in parts if part)
        base, left = bottom + 2.0 * LINE_HEIGHT, rect.left()
        if parts[0]:
            _dot(painter, QPointF(left + 4.0, base - 4.0), tokens)
            left += 13.0
        draw_line(painter, left, base, rect.right() - left, words, tokens.secondary)


def _dot(painter: QPainter, at: QPointF, tokens: Tokens) -> None:
    """The mark of what nobody knows."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tokens.amber))
    painter.drawEllipse(at, 3.0, 3.0)

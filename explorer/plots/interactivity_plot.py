"""Throughput against interactivity: what a chip yields when every user is to be answered so fast."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from explorer.plots.lettering import draw_heading, draw_line, text_width
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.plots.polylines import pieces as unbroken
from explorer.plots.tokens import Tokens, chip_pen
from explorer.plots.xy_frame import Frame, draw_frame, frame_in, log_axis
from explorer.study.outcome import Outcome

Array = NDArray[np.float64]
DOT = 4.5


@dataclass(frozen=True, eq=False, slots=True)
class YieldLine:
    """One alternative: tokens/s per user against tokens/s per chip, (rates,), and where it is now."""

    place: int
    label: str
    per_user: Array
    per_chip: Array
    present: tuple[float, float] | None


def yield_lines(outcome: Outcome, workload: int) -> tuple[YieldLine, ...]:
    """The lines of a workload's alternatives that can run."""
    if outcome.economics is None:
        return ()
    found: list[YieldLine] = []
    for at, one in enumerate(outcome.economics.money[workload].alternatives):
        curve = one.interactivity
        if curve is not None:
            present = None if curve.present is None else (curve.present[0], curve.present[1])
            found.append(
                YieldLine(at, one.label, curve.tokens_per_s_per_user, curve.tokens_per_s_per_chip, present)
            )
    return tuple(found)


def _number(value: float) -> str:
    return f"{value:,.4g}" if value < 1e5 else f"{value:,.0f}"


def paint_yield(painter: QPainter, rect: QRectF, tokens: Tokens, lines: tuple[YieldLine, ...]) -> None:
    """Draw the lines into `rect`."""
    subtitles = ("answer tokens/s per chip, at each speed a user sees", "answer tokens/s per chip")
    top = draw_heading(painter, rect, tokens, "Throughput against interactivity", subtitles)
    if not lines:
        draw_line(painter, rect.left(), top + 16.0, rect.width(), "nothing that runs", tokens.secondary)
        return
    users = [float(v) for line in lines for v in (line.per_user.min(), line.per_user.max())]
    # the lightest loads say nothing but that an idle chip yields nothing
    most = max(float(line.per_chip.max()) for line in lines)
    chips = [max(float(line.per_chip.min()), most / 200.0) for line in lines] + [most]
    frame = frame_in(
        QRectF(rect.left(), top, rect.width(), rect.bottom() - top),
        log_axis(users, "tokens/s that the median user sees", _number),
        log_axis(chips, "tokens/s per chip", _number),
    )
    draw_frame(painter, frame, tokens)
    painter.save()
    painter.setClipRect(frame.area, Qt.ClipOperation.IntersectClip)
    for line in lines:
        points = [frame.at(x, y) for x, y in zip(line.per_user, line.per_chip, strict=True)]
        painter.setPen(chip_pen(tokens, line.place))
        shape = np.array([p.x() for p in points]), np.array([p.y() for p in points])
        for polygon in unbroken(shape):
            painter.drawPolyline(polygon)
    painter.restore()
    _paint_labels(painter, frame, tokens, lines)


def _paint_labels(painter: QPainter, frame: Frame, tokens: Tokens, lines: tuple[YieldLine, ...]) -> None:
    """A dot and a name at the present point, names pushed apart."""
    used: list[float] = []
    for line in sorted(lines, key=lambda one: -one.per_chip.max()):
        here = line.present or (float(line.per_user[0]), float(line.per_chip[-1]))
        at = frame.at(*here)
        at = QPointF(
            min(max(at.x(), frame.area.left()), frame.area.right()),
            min(max(at.y(), frame.area.top()), frame.area.bottom()),
        )
        if line.present is not None:
            painter.setPen(QPen(QColor(tokens.panel), 1.5))
            painter.setBrush(tokens.chip(line.place))
            painter.drawEllipse(at, DOT, DOT)
            painter.setBrush(Qt.BrushStyle.NoBrush)
        y = at.y() - 8.0
        while any(abs(y - other) < 14.0 for other in used):
            y += 14.0
        used.append(y)
        width = text_width(line.label, semibold=True)
        x = at.x() + 8.0 if at.x() + 10.0 + width <= frame.area.right() else at.x() - 8.0 - width
        draw_line(painter, x, y, width + 1.0, line.label, tokens.chip(line.place), semibold=True)


class InteractivityPlot(PaintedPlot):
    """Tokens/s per chip against tokens/s per user."""

    title = "Throughput against interactivity"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("interactivity")
        self.setAccessibleName("Throughput against interactivity")
        self.setMinimumSize(220, 160)
        self.setToolTip("Along each line the load rises from right to left. Dot: the stated traffic.")

    def sizeHint(self) -> QSize:
        return QSize(420, 300)

    def values(self) -> tuple[YieldLine, ...]:
        """The lines drawn."""
        return () if self._outcome is None else yield_lines(self._outcome, self._workload)

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        lines = self.values()
        if not lines:
            return "Throughput against interactivity: nothing that runs"
        parts = []
        for line in lines:
            best = f"at most {_number(float(line.per_chip.max()))} tokens/s per chip"
            now = ""
            if line.present is not None and all(math.isfinite(v) for v in line.present):
                now = f", now {_number(line.present[1])} at {_number(line.present[0])} tokens/s per user"
            parts.append(f"{line.label}: {best}{now}")
        return "Throughput against interactivity. " + ". ".join(parts)

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """One piece: the lines."""
        lines, tokens = self.values(), self._tokens
        return (
            Piece(rect, (id(self._outcome), tokens.name), lambda painter, at: paint_yield(painter, at, tokens, lines)),
        )

"""Multi-chip scaling: what a chip keeps of its throughput over the chips of a replica, decoding and prompts apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from explorer.plots.lettering import LINE_HEIGHT, draw_heading, draw_line, draw_wrapped, text_width, wrapped
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.plots.tokens import Tokens, chip_pen
from explorer.plots.xy_frame import Axis, Frame, draw_frame, frame_in
from explorer.scenario.quantities import QUANTITIES
from explorer.study.scaling_answers import Array, Scaling, ScalingLine
from explorer.study.scaling_words import NARROW, Phase, load_words, summary

SHARE = QUANTITIES["share"]
PHASES: tuple[tuple[Phase, str], ...] = (("decode", "decoding"), ("prefill", "prompts"))
TITLE = "Scaling over chips"
MARK = 3.0
NOW = 4.5
SAMPLE = 30.0
"""Pixels of line before a name: a whole dash of every pattern."""


@dataclass(frozen=True, slots=True)
class _ChipsAxis(Axis):
    """Chips on a logarithmic axis with a tick at each power of two."""

    def ticks(self, room: float, each: float) -> list[float]:
        first, last = math.ceil(math.log2(self.low) - 1e-9), math.floor(math.log2(self.high) + 1e-9)
        found = [2.0**power for power in range(first, last + 1)]
        return found[:: max(1, math.ceil(len(found) * 0.5 * each / max(room, 1.0)))]


def axes_of(found: Scaling) -> tuple[Axis, Axis]:
    """Chips of a replica across; the share kept upwards, 100 % and no less at the top."""
    degrees = [degree for line in found.lines for degree in line.degrees]
    ends = [values for line in found.lines for values in (line.decode_high, line.prefill_high)]
    most = max(float(values.max()) for values in ends)
    top = 1.0 if most <= 1.005 else math.ceil(5.0 * most) / 5.0
    across = _ChipsAxis(float(min(degrees)), float(max(degrees)), True, "chips in one replica", lambda v: f"{v:g}")
    return across, Axis(0.0, top, False, "", SHARE.format)


class ScalingPlot(PaintedPlot):
    """Two panels, a line an alternative in each, with the band of its interconnect."""

    title = TITLE

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scaling")
        self.setAccessibleName("Throughput per chip over the chips of a replica")
        self.setMinimumSize(260, 160)
        self.setToolTip(
            "Throughput per chip against that of one chip (or the fewest that hold the model), for the same step. "
            "Ring: chips of a replica now."
        )
        self._found: Scaling | None = None
        self._waiting = ""

    def sizeHint(self) -> QSize:
        # with the sentence above it as high as the other plots of the page
        return QSize(420, 220)

    def show_scaling(self, found: Scaling | None, waiting: str = "") -> None:
        """Draw an answer; `waiting` stands where there is none yet."""
        self._found, self._waiting = found, waiting
        self._spoken.refresh_soon()
        self.refresh()

    def values(self) -> Scaling | None:
        """What is drawn."""
        return self._found

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        return f"{TITLE}: {self._waiting or 'nothing asked yet'}" if self._found is None else summary(self._found)

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """One piece: heading, names and both panels."""
        found, tokens, waiting = self._found, self._tokens, self._waiting

        def draw(painter: QPainter, place: QRectF) -> None:
            _paint(painter, place, tokens, found, waiting)

        return (Piece(rect, (id(found), tokens.name, waiting), draw),)


def _paint(painter: QPainter, rect: QRectF, tokens: Tokens, found: Scaling | None, waiting: str) -> None:
    if found is None:
        top = draw_heading(painter, rect, tokens, TITLE, ("",))
        draw_line(painter, rect.left(), top + LINE_HEIGHT, rect.width(), waiting or "not asked yet", tokens.secondary)
        return
    subtitles = (f"throughput per chip, {load_words(found)}", f"throughput per chip, {found.sequences:,.0f} sequences")
    top = draw_heading(painter, rect, tokens, TITLE, (*subtitles, "throughput per chip"))
    if not found.lines:
        text = "; ".join(f"{label}: {reason}" for _, label, reason in found.missing)
        draw_wrapped(painter, rect.left(), top + 8.0, rect.width(), wrapped(text, rect.width(), 6), tokens.secondary)
        return
    top = _names(painter, QRectF(rect.left(), top, rect.width(), rect.bottom() - top), tokens, found)
    x, y = axes_of(found)
    half = 0.5 * rect.width()
    for at, (phase, name) in enumerate(PHASES):
        panel = QRectF(rect.left() + at * half, top, half - (4.0 if at == 0 else 0.0), rect.bottom() - top)
        draw_line(painter, panel.left() + 52.0, panel.top() + 12.0, half - 60.0, name, tokens.text, semibold=True)
        each = f"{found.sequences:,.0f} sequences" if phase == "decode" else f"{found.prompt_tokens:,.0f} tokens"
        titled = replace(x, title=f"chips, at {each}")
        frame = frame_in(panel.adjusted(0.0, 12.0, 0.0, 0.0), titled, y)
        draw_frame(painter, frame, tokens)
        _panel(painter, frame, tokens, found.lines, phase)


def _names(painter: QPainter, room: QRectF, tokens: Tokens, found: Scaling) -> float:
    """The alternatives' names in their colours, in as many rows as they take; returns where they end."""
    left, base = room.left(), room.top() + LINE_HEIGHT - 4.0
    entries = [(line.number, line.label) for line in found.lines]
    entries += [(number, f"{label}: {reason}") for number, label, reason in found.missing]
    for number, label in entries:
        width = text_width(label, semibold=True)
        if left > room.left() and left + SAMPLE + 6.0 + width > room.right():
            left, base = room.left(), base + LINE_HEIGHT
        painter.setPen(chip_pen(tokens, number, 2.0))
        painter.drawLine(QPointF(left, base - 4.0), QPointF(left + SAMPLE, base - 4.0))
        left += SAMPLE + 6.0
        left += draw_line(painter, left, base, room.right() - left, label, tokens.chip(number), semibold=True) + 16.0
    return base + 4.0


def _panel(painter: QPainter, frame: Frame, tokens: Tokens, lines: tuple[ScalingLine, ...], phase: Phase) -> None:
    painter.save()
    painter.setClipRect(frame.area.adjusted(-NOW - 1.0, -NOW - 1.0, NOW + 1.0, NOW + 1.0))
    for line in lines:
        low, high = getattr(line, f"{phase}_low"), getattr(line, f"{phase}_high")
        if float(np.max(high - low)) >= NARROW:
            ring = [*_points(frame, line, high), *reversed(_points(frame, line, low))]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.chip_wash(line.number, 0.18))
            painter.drawPolygon(QPolygonF(ring))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line in reversed(lines):
        points = _points(frame, line, getattr(line, phase))
        painter.setPen(chip_pen(tokens, line.number, 2.0))
        painter.drawPolyline(QPolygonF(points))
        for degree, point in zip(line.degrees, points, strict=True):
            here = degree == line.now
            painter.setPen(QPen(tokens.chip(line.number), 2.0 if here else 1.0))
            painter.setBrush(QColor(tokens.panel) if here else tokens.chip(line.number))
            size = NOW if here else MARK - 0.5
            painter.drawEllipse(point, size, size)
        painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.restore()


def _points(frame: Frame, line: ScalingLine, values: Array) -> list[QPointF]:
    return [frame.at(float(degree), float(value)) for degree, value in zip(line.degrees, values, strict=True)]

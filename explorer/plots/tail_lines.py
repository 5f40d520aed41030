"""The curves themselves: grid, bands, P50, baseline and P99, drawn in the pixels of the plotting area.

Drawn here and not by pyqtgraph's curve items, whose pens are cosmetic: those grow thinner as a screen, or the
page of a report, grows finer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from explorer.plots.tail_axes import Axes
from explorer.plots.tokens import LIGHT, Tokens, chip_pen, dotted_pen
from explorer.study.outcome import Array

BAND_OPACITY = {"light": 0.16, "dark": 0.20}
P99_WIDTH, P50_WIDTH, GHOST_WIDTH = 2.0, 1.2, 1.4
GHOST_DASH = (4.0, 3.0)

Points = tuple[Array, Array]
"""Requests/s and base-10 logarithm of seconds, each of shape (points,); NaN where the line is broken."""


@dataclass(frozen=True, slots=True)
class Curves:
    """One alternative's points; `band` is a closed outline."""

    p99: Points
    p50: Points
    band: Points


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything drawn below the notes; ticks in seconds and requests/s."""

    axes: Axes
    curves: tuple[Curves, ...]
    ghost: Points | None
    latency_ticks: tuple[float, ...]
    rate_ticks: tuple[float, ...]


class Projection:
    """From requests/s and log10 seconds to the pixels of `area`."""

    def __init__(self, axes: Axes, area: QRectF) -> None:
        low, high = math.log10(axes.latency.low), math.log10(axes.latency.high)
        self._x_scale = area.width() / (axes.rate.high - axes.rate.low)
        self._x_start = area.left() - axes.rate.low * self._x_scale
        self._y_scale = area.height() / (high - low)
        self._y_start = area.bottom() + low * self._y_scale

    def x(self, rate: float) -> float:
        """Pixel of a rate."""
        return self._x_start + self._x_scale * rate

    def y(self, log_seconds: float) -> float:
        """Pixel of a base-10 logarithm of seconds."""
        return self._y_start - self._y_scale * log_seconds

    def points(self, points: Points) -> Points:
        """Pixels of many points."""
        return self._x_start + self._x_scale * points[0], self._y_start - self._y_scale * points[1]


class LinesItem(QGraphicsItem):
    """Draws a `Frame` within the view box it is a child of."""

    def __init__(self, view_box: QGraphicsItem) -> None:
        super().__init__(view_box)
        self.setZValue(100)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self._area = QRectF()
        self._frame: Frame | None = None
        self._tokens = LIGHT

    def show_frame(self, frame: Frame) -> None:
        """Draw `frame` from now on."""
        self._frame = frame
        self.update()

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self._tokens = tokens
        self.update()

    def set_area(self, area: QRectF) -> None:
        """Size of the plotting area, pixels."""
        if area != self._area:
            self.prepareGeometryChange()
            self._area = QRectF(area)

    def boundingRect(self) -> QRectF:
        return self._area

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._frame is not None and self._area.width() >= 2 and self._area.height() >= 2:
            painter.save()
            paint_frame(painter, self._area, self._tokens, self._frame)
            painter.restore()


def paint_frame(painter: QPainter, area: QRectF, tokens: Tokens, frame: Frame) -> None:
    """Draw grid and curves into `area` (logical pixels) of any painter."""
    at = Projection(frame.axes, area)
    _paint_grid(painter, area, tokens, frame, at)
    painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
    painter.setPen(Qt.PenStyle.NoPen)
    # Not antialiased: on so faint a filling it is not seen, and it costs four times the time.
    # The first alternative lies on top: it is the one that the question is about.
    order = range(len(frame.curves) - 1, -1, -1)
    for index in order:
        outline = frame.curves[index].band
        if outline[0].size:
            painter.setBrush(tokens.chip_wash(index, BAND_OPACITY[tokens.name]))
            painter.drawPolygon(polygon(at.points(outline)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for index in order:
        painter.setPen(dotted_pen(tokens.chip(index), P50_WIDTH))
        _draw_line(painter, at.points(frame.curves[index].p50))
    if frame.ghost is not None:
        painter.setPen(dotted_pen(QColor(tokens.baseline), GHOST_WIDTH, GHOST_DASH))
        _draw_line(painter, at.points(frame.ghost))
    for index in order:
        painter.setPen(chip_pen(tokens, index, P99_WIDTH))
        _draw_line(painter, at.points(frame.curves[index].p99))


def _paint_grid(painter: QPainter, area: QRectF, tokens: Tokens, frame: Frame, at: Projection) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(QColor(tokens.grid), 1.0))
    for tick in frame.latency_ticks:
        y = round(at.y(math.log10(tick)))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
    for tick in frame.rate_ticks:
        x = round(at.x(tick))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))


def _draw_line(painter: QPainter, pixels: Points) -> None:
    x, y = pixels
    if x.size < 2:
        return
    broken = np.flatnonzero(~np.isfinite(y))
    if broken.size == 0:
        painter.drawPolyline(polygon(pixels))
        return
    for piece in np.split(np.arange(x.size), broken):
        whole = piece[np.isfinite(y[piece])]
        if whole.size >= 2:
            painter.drawPolyline(polygon((x[whole], y[whole])))


def polygon(pixels: Points) -> QPolygonF:
    """Points as Qt draws them, filled through memory: one object a point would cost more than the drawing."""
    x, y = pixels
    made: QPolygonF = pg.functions.create_qpolygonf(x.size)
    if x.size:
        memory = pg.functions.ndarray_from_qpolygonf(made)
        memory[:, 0], memory[:, 1] = x, y
    return made

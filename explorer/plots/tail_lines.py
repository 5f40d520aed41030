"""The curves themselves: grid, bands, P50, baseline and P99, drawn in the pixels of the plotting area.

Drawn here and not by pyqtgraph's curve items, whose pens are cosmetic: those grow thinner as a screen, or the
page of a report, grows finer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPaintEngine, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from explorer.plots.polylines import Points, clipped, pieces, polygon, thinned
from explorer.plots.tail_axes import Axes
from explorer.plots.tokens import LIGHT, Tokens, chip_pen, dotted_pen

BAND_OPACITY = {"light": 0.16, "dark": 0.20}
P99_WIDTH, P50_WIDTH, GHOST_WIDTH = 2.0, 1.0, 1.4
"""P50 at one pixel: any other width is stroked as an outline, which takes Qt fifteen times as long."""
P50_DOTS = (1.6, 2.4)
GHOST_DASH = (4.0, 3.0)


@dataclass(frozen=True, slots=True)
class Curves:
    """One alternative's points, requests/s and log10 seconds; `band` is a closed outline."""

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


@dataclass(frozen=True, slots=True)
class Drawing:
    """The lines of a `Frame` in pixels; one entry an alternative, a line in as many pieces as it has gaps."""

    bands: tuple[QPolygonF, ...]
    p50: tuple[list[QPolygonF], ...]
    p99: tuple[list[QPolygonF], ...]
    ghost: list[QPolygonF]


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

    def rate_at(self, x: float) -> float:
        """Rate at a pixel."""
        return (x - self._x_start) / self._x_scale

    def log_seconds_at(self, y: float) -> float:
        """Base-10 logarithm of seconds at a pixel."""
        return (self._y_start - y) / self._y_scale

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
        self._drawing: Drawing | None = None
        self._tokens = LIGHT

    def show_frame(self, frame: Frame) -> None:
        """Draw `frame` from now on."""
        self._frame, self._drawing = frame, None
        self.update()

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self._tokens = tokens
        self.update()

    def set_area(self, area: QRectF) -> None:
        """Size of the plotting area, pixels."""
        if area != self._area:
            self.prepareGeometryChange()
            self._area, self._drawing = QRectF(area), None

    def boundingRect(self) -> QRectF:
        return self._area

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._frame is not None and self._area.width() >= 2 and self._area.height() >= 2:
            if painter.paintEngine().type() == QPaintEngine.Type.SVG:
                made = drawing(self._frame, self._area, cut=True)
            else:
                made = self._drawing = self._drawing or drawing(self._frame, self._area)
            painter.save()
            paint_frame(painter, self._area, self._tokens, self._frame, made)
            painter.restore()


def drawing(frame: Frame, area: QRectF, *, cut: bool = False) -> Drawing:
    """The pixels of `frame` within `area`; `cut` ends the lines at its edges, where no clipping would."""
    at = Projection(frame.axes, area)
    lines = [at.points(points) for curves in frame.curves for points in (curves.p50, curves.p99)]
    if frame.ghost is not None:
        lines.append(at.points(frame.ghost))
    thin = thinned(lines)
    made = [pieces(clipped(line, area) if cut else line) for line in thin]
    bands = [polygon(at.points(curves.band)) for curves in frame.curves]
    if cut:
        bands = [band.intersected(QPolygonF(area)) for band in bands]
    count = 2 * len(frame.curves)
    return Drawing(
        bands=tuple(bands),
        p50=tuple(made[0:count:2]),
        p99=tuple(made[1:count:2]),
        ghost=made[count] if frame.ghost is not None else [],
    )


def paint_frame(painter: QPainter, area: QRectF, tokens: Tokens, frame: Frame, made: Drawing) -> None:
    """Draw grid and curves into `area` (logical pixels) of any painter."""
    _paint_grid(painter, area, tokens, frame, Projection(frame.axes, area))
    painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
    painter.setPen(Qt.PenStyle.NoPen)
    # Not antialiased: on so faint a filling it is not seen, and it costs four times the time.
    # The first alternative lies on top: it is the one that the question is about.
    order = range(len(frame.curves) - 1, -1, -1)
    for index in order:
        if not made.bands[index].isEmpty():
            painter.setBrush(tokens.chip_wash(index, BAND_OPACITY[tokens.name]))
            painter.drawPolygon(made.bands[index])
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for index in order:
        painter.setPen(dotted_pen(tokens.chip(index), P50_WIDTH, P50_DOTS))
        _draw(painter, made.p50[index])
    painter.setPen(dotted_pen(QColor(tokens.baseline), GHOST_WIDTH, GHOST_DASH))
    _draw(painter, made.ghost)
    for index in order:
        painter.setPen(chip_pen(tokens, index, P99_WIDTH))
        _draw(painter, made.p99[index])


def _draw(painter: QPainter, line: list[QPolygonF]) -> None:
    for piece in line:
        painter.drawPolyline(piece)


def _paint_grid(painter: QPainter, area: QRectF, tokens: Tokens, frame: Frame, at: Projection) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(QColor(tokens.grid), 1.0))
    for tick in frame.latency_ticks:
        y = round(at.y(math.log10(tick)))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
    for tick in frame.rate_ticks:
        x = round(at.x(tick))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))

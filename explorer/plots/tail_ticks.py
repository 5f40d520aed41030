"""The figures along the axes of the tail plot: drawn here, because pyqtgraph's would change size with the device."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from explorer.plots.lettering import draw_text, text_width
from explorer.plots.tail_axes import Axes, latency_unit, tick_text
from explorer.plots.tail_lines import Projection
from explorer.plots.tokens import LIGHT, Tokens

AXIS_WIDTH, AXIS_HEIGHT = 42.0, 20.0
"""Pixels left of the plotting area and below it, for the figures."""
ROOM_TOP, ROOM_RIGHT = 8.0, 14.0
"""Pixels that the outermost figures reach into on the other two sides."""


class TicksItem(QGraphicsItem):
    """Draws the figures of one axis beside the plotting area; its origin is that of the area.

    One item an axis and none over the area itself: every frame would have to blend it in there.
    """

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self._area = QRectF()
        self._axes: Axes | None = None
        self._ticks: tuple[float, ...] = ()
        self._tokens = LIGHT
        self.keep_as_pixels(True)

    def keep_as_pixels(self, keep: bool) -> None:
        """Figures seldom change: on the screen their pixels are kept; on paper they must stay text."""
        kind = QGraphicsItem.CacheMode
        self.setCacheMode(kind.DeviceCoordinateCache if keep else kind.NoCache)

    def show_ticks(self, axes: Axes, ticks: tuple[float, ...]) -> None:
        """Draw `ticks`, seconds or requests/s, from now on."""
        self._axes, self._ticks = axes, ticks
        self.update()

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self._tokens = tokens
        self.update()

    def set_area(self, origin: QPointF, area: QRectF) -> None:
        """Place and size of the plotting area, pixels."""
        self.setPos(origin)
        if area != self._area:
            self.prepareGeometryChange()
            self._area = QRectF(area)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._axes is not None and self._area.width() >= 2 and self._area.height() >= 2:
            self._draw(painter, self._axes, Projection(self._axes, self._area))

    def _draw(self, painter: QPainter, axes: Axes, at: Projection) -> None:
        raise NotImplementedError


class LatencyTicks(TicksItem):
    """Left of the area, in the one unit of the axis."""

    def boundingRect(self) -> QRectF:
        area = self._area
        return QRectF(area.left() - AXIS_WIDTH, area.top() - ROOM_TOP, AXIS_WIDTH, area.height() + 2 * ROOM_TOP)

    def _draw(self, painter: QPainter, axes: Axes, at: Projection) -> None:
        _, factor = latency_unit(axes.latency)
        right = self._area.left() - 6.0
        for tick in self._ticks:
            text = tick_text(tick / factor)
            place = QPointF(right - text_width(text), at.y(math.log10(tick)) + 4.0)
            draw_text(painter, place, text, self._tokens.secondary)


class RateTicks(TicksItem):
    """Below the area, centred under their lines."""

    def boundingRect(self) -> QRectF:
        area = self._area
        return QRectF(area.left() - ROOM_RIGHT, area.bottom(), area.width() + 2 * ROOM_RIGHT, AXIS_HEIGHT)

    def _draw(self, painter: QPainter, axes: Axes, at: Projection) -> None:
        for tick in self._ticks:
            text = tick_text(tick)
            place = QPointF(at.x(tick) - 0.5 * text_width(text), self._area.bottom() + 14.0)
            draw_text(painter, place, text, self._tokens.secondary)

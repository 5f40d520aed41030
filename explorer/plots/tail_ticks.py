"""The figures along the axes of the tail plot: drawn here, because pyqtgraph's would change size with the device."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
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
    """Draws the figures around the plotting area; its origin is that of the area."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self._area = QRectF()
        self._axes: Axes | None = None
        self._rows: tuple[float, ...] = ()
        self._columns: tuple[float, ...] = ()
        self._tokens = LIGHT
        self.keep_as_pixels(True)

    def keep_as_pixels(self, keep: bool) -> None:
        """Figures seldom change: on the screen their pixels are kept; on paper they must stay text."""
        kind = QGraphicsItem.CacheMode
        self.setCacheMode(kind.DeviceCoordinateCache if keep else kind.NoCache)

    def show_ticks(self, axes: Axes, rows: tuple[float, ...], columns: tuple[float, ...]) -> None:
        """Draw ticks of latency (seconds) and of rate (requests/s) from now on."""
        self._axes, self._rows, self._columns = axes, rows, columns
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

    def boundingRect(self) -> QRectF:
        return self._area.adjusted(-AXIS_WIDTH, -ROOM_TOP, ROOM_RIGHT, AXIS_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._axes is None or self._area.width() < 2 or self._area.height() < 2:
            return
        area, ink = self._area, self._tokens.secondary
        at = Projection(self._axes, area)
        painter.setPen(QPen(QColor(self._tokens.grid), 1.0))
        painter.drawLine(QPointF(area.left(), area.bottom()), QPointF(area.right(), area.bottom()))
        _, factor = latency_unit(self._axes.latency)
        for tick in self._rows:
            text = tick_text(tick / factor)
            right = area.left() - 6.0
            draw_text(painter, QPointF(right - text_width(text), at.y(math.log10(tick)) + 4.0), text, ink)
        for tick in self._columns:
            text = tick_text(tick)
            draw_text(painter, QPointF(at.x(tick) - 0.5 * text_width(text), area.bottom() + 14.0), text, ink)

"""What stands still beneath the curves of the tail plot: its grid and the figures along its axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from explorer.plots.lettering import draw_text, text_width
from explorer.plots.tail_area import ROOM_RIGHT, Projection
from explorer.plots.tail_axes import Axes, latency_ticks, latency_unit, rate_ticks, tick_text
from explorer.plots.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Ticks:
    """Where lines of the grid stand, each with its figure: seconds and requests/s."""

    latency: tuple[float, ...]
    rate: tuple[float, ...]


def ticks_in(axes: Axes, area: QRectF) -> Ticks:
    """As many ticks as the plotting area has room for."""
    return Ticks(tuple(latency_ticks(axes.latency, area.height())), tuple(rate_ticks(axes.rate, area.width())))


def rate_figures(axes: Axes, area: QRectF) -> tuple[tuple[float, str], ...]:
    """The figures beneath the area, each with the pixel where it begins: the last one ends within the plot."""
    at, found = Projection(axes, area), []
    for tick in ticks_in(axes, area).rate:
        text = tick_text(tick)
        width = text_width(text)
        found.append((min(at.x(tick) - 0.5 * width, area.right() + ROOM_RIGHT - width), text))
    return tuple(found)


def paint_ticks(painter: QPainter, area: QRectF, axes: Axes, tokens: Tokens) -> None:
    """Draw grid and figures on any painter; the ground is left as it is."""
    ticks, at = ticks_in(axes, area), Projection(axes, area)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(QColor(tokens.grid), 1.0))
    for tick in ticks.latency:
        y = round(at.y(math.log10(tick)))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
    for tick in ticks.rate:
        x = round(at.x(tick))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    _, factor = latency_unit(axes.latency)
    right = area.left() - 6.0
    for tick in ticks.latency:
        text = tick_text(tick / factor)
        draw_text(painter, QPointF(right - text_width(text), at.y(math.log10(tick)) + 4.0), text, tokens.secondary)
    for left, text in rate_figures(axes, area):
        draw_text(painter, QPointF(left, area.bottom() + 14.0), text, tokens.secondary)
    painter.restore()

"""Lines of curves on a painter: on a screen heavy ones by the quick way that Qt has for lines of one pixel."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPaintEngine, QPainter, QPolygonF

from explorer.plots.polylines import Points, clipped, pieces

PASS_ASIDE = 0.4
"""How far the outer passes of a line lie aside, pixels for each pixel that it is wider than one."""


def pieces_within(painter: QPainter, line: Points, area: QRectF) -> list[QPolygonF]:
    """The unbroken pieces of a line (pixels) for a painter that clips to `area`; cut there if it knows no clipping."""
    on_paper = painter.paintEngine().type() == QPaintEngine.Type.SVG
    return pieces(clipped(line, area) if on_paper else line)


def draw_line(painter: QPainter, line: Sequence[QPolygonF]) -> None:
    """The pieces of a line with the painter's pen."""
    for piece in line:
        painter.drawPolyline(piece)


def draw_heavy(painter: QPainter, line: Sequence[QPolygonF], *, falls: bool = False) -> None:
    """The same for a line wider than a pixel, the quickest way there is on this device; `falls` from left to right."""
    if _is_screen(painter):
        _draw_in_passes(painter, line, -1.0 if falls else 1.0)
    else:
        draw_line(painter, line)


def _is_screen(painter: QPainter) -> bool:
    """Pixels, one to a logical pixel or fewer: where Qt has a quick way for lines of one pixel."""
    raster = painter.paintEngine().type() == QPaintEngine.Type.Raster
    return raster and abs(painter.deviceTransform().m11()) <= 1.0


def _draw_in_passes(painter: QPainter, line: Sequence[QPolygonF], rise: float) -> None:
    """A line wider than a pixel as three of one pixel side by side, across the direction in which it rises (1) or falls
    (-1): it looks the same, and to stroke the outline of a wide one takes Qt four times as long."""
    pen = painter.pen()
    width = pen.widthF()
    dashes = pen.dashPattern()
    if dashes:
        pen.setDashPattern([width * dash for dash in dashes])
    pen.setWidthF(1.0)
    painter.setPen(pen)
    aside = PASS_ASIDE * (width - 1.0)
    painter.translate(-aside, -rise * aside)
    for _ in range(3):
        draw_line(painter, line)
        painter.translate(aside, rise * aside)
    painter.translate(-2 * aside, -2 * rise * aside)

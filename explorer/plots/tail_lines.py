"""The curves of the tail plot: bands, P50, baseline and P99, drawn in the pixels of the plotting area."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QLinearGradient, QPaintEngine, QPainter, QPolygonF

from explorer.plots.polylines import Points, clipped, pieces, pieces_of, polygon, thinned
from explorer.plots.strokes import draw_heavy, draw_line
from explorer.plots.tail_area import Projection
from explorer.plots.tail_curves import Curves
from explorer.plots.tokens import Tokens, chip_pen, dotted_pen

BAND_OPACITY = {"light": 0.16, "dark": 0.20}
SAMPLED_OPACITY = {"light": 0.38, "dark": 0.45}
P99_WIDTH, P50_WIDTH, GHOST_WIDTH = 2.0, 1.0, 1.4
"""P50 at one pixel: any other width is stroked as an outline, which takes Qt fifteen times as long."""
P50_DOTS = (1.6, 2.4)
GHOST_DASH = (4.0, 3.0)


@dataclass(frozen=True, slots=True)
class Drawing:
    """The curves in pixels; one entry an alternative, a line in as many pieces as it has gaps."""

    bands: tuple[QPolygonF, ...]
    sampled: tuple[QPolygonF, ...]
    p50: tuple[list[QPolygonF], ...]
    p99: tuple[list[QPolygonF], ...]
    ghost: list[QPolygonF]
    lines: tuple[Points, ...]
    """The P99 lines as they are drawn, and the baseline's behind them where there is one."""


def drawing(curves: tuple[Curves, ...], ghost: Points | None, at: Projection) -> Drawing:
    """Curves and the baseline's ghost (None without one) in pixels."""
    count, ghosts = len(curves), [] if ghost is None else [ghost]
    pixels = at.every(
        [
            *(one.band for one in curves), *(one.sampled for one in curves), *(one.p50 for one in curves),
            *(one.p99 for one in curves), *ghosts,
        ]
    )  # fmt: skip
    lines = thinned(pixels[2 * count :])
    made = pieces_of(lines)
    return Drawing(
        bands=tuple(polygon(one) for one in pixels[:count]),
        sampled=tuple(polygon(one) for one in pixels[count : 2 * count]),
        p50=tuple(made[:count]),
        p99=tuple(made[count : 2 * count]),
        ghost=made[2 * count] if ghost is not None else [],
        lines=tuple(lines[count:]),
    )


def cut_drawing(curves: tuple[Curves, ...], ghost: Points | None, at: Projection, area: QRectF) -> Drawing:
    """The same with every line and band ended at the edges of `area`: for a device that knows no clipping."""
    whole = drawing(curves, ghost, at)
    edge = QPolygonF(area)

    def inside(points: Points) -> list[QPolygonF]:
        return pieces(clipped(at.points(points), area))

    return Drawing(
        bands=tuple(band.intersected(edge) for band in whole.bands),
        sampled=tuple(band.intersected(edge) for band in whole.sampled),
        p50=tuple(inside(one.p50) for one in curves),
        p99=tuple(inside(one.p99) for one in curves),
        ghost=[] if ghost is None else inside(ghost),
        lines=whole.lines,
    )


def paint_lines(painter: QPainter, tokens: Tokens, made: Drawing) -> None:
    """Draw bands and curves on a painter that clips to the plotting area."""
    painter.setPen(Qt.PenStyle.NoPen)
    # Not antialiased: on so faint a filling it is not seen, and it costs four times the time.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    # The first alternative lies on top: it is the one that the question is about.
    order = range(len(made.bands) - 1, -1, -1)
    wash = _even_wash if painter.paintEngine().type() == QPaintEngine.Type.Raster else _plain_wash
    for areas, opacity in ((made.bands, BAND_OPACITY), (made.sampled, SAMPLED_OPACITY)):
        for index in order:
            if not areas[index].isEmpty():
                painter.setBrush(wash(tokens, index, opacity[tokens.name]))
                painter.drawPolygon(areas[index])
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for index in order:
        painter.setPen(dotted_pen(tokens.chip(index), P50_WIDTH, P50_DOTS))
        draw_line(painter, made.p50[index])
    if made.ghost:
        painter.setPen(dotted_pen(QColor(tokens.baseline), GHOST_WIDTH, GHOST_DASH))
        draw_heavy(painter, made.ghost)
    for index in order:
        painter.setPen(chip_pen(tokens, index, P99_WIDTH))
        draw_heavy(painter, made.p99[index])


def _plain_wash(tokens: Tokens, index: int, opacity: float) -> QBrush:
    return QBrush(tokens.chip_wash(index, opacity))


@lru_cache(maxsize=32)
def _even_wash(tokens: Tokens, index: int, opacity: float) -> QBrush:
    """The same pixels as a gradient between a colour and itself: an area of one see-through colour, if it is higher
    than 95 pixels, Qt cuts up for a pool of threads, and on two cores waits for them ten times as long as it fills."""
    even = QLinearGradient(0.0, 0.0, 0.0, 1.0)
    for end in (0.0, 1.0):
        even.setColorAt(end, tokens.chip_wash(index, opacity))
    return QBrush(even)

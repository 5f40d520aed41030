"""Lines on a win map: the edges of regions, and where a chip would win that cannot be had, with its name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from explorer.plots.fonts import BODY
from explorer.plots.lettering import LINE_HEIGHT, draw_text, text_width
from explorer.plots.tokens import Tokens
from explorer.plots.xy_frame import Frame
from explorer.study.win_map_record import WinMap
from explorer.study.win_map_words import out_of_reach_winners


def paint_outlines(
    painter: QPainter, frame: Frame, tokens: Tokens, found: WinMap, color_of: Callable[[int], QColor]
) -> None:
    """Dashed lines around where a chip that cannot be had would win."""
    for at in out_of_reach_winners(found):
        pen = QPen(color_of(at), 2.0)
        pen.setDashPattern([4.0, 3.0])
        under = QPen(QColor(tokens.panel), 4.0)
        lines = edges(found.would_win == at, frame)
        for one in (under, pen):
            painter.setPen(one)
            painter.drawLines(lines)


def label_outlines(painter: QPainter, frame: Frame, tokens: Tokens, found: WinMap) -> None:
    """The name of who would win, at each outline, on a ground of its own: what lies below has another colour."""
    for text, place in outline_labels(frame, found):
        painter.fillRect(place, QColor(tokens.panel))
        draw_text(painter, QPointF(place.left() + 4.0, place.center().y() + 4.5), text, QColor(tokens.text), BODY)


def outline_labels(frame: Frame, found: WinMap) -> list[tuple[str, QRectF]]:
    """The text of each outline and where it stands, within the map."""
    area = frame.area
    columns, rows = found.would_win.shape
    labels: list[tuple[str, QRectF]] = []
    for at in out_of_reach_winners(found):
        cells = np.argwhere(found.would_win == at)
        column, row = cells[np.argmin(((cells - cells.mean(axis=0)) ** 2).sum(axis=1))]
        text = f"{found.contestants[at].name} would win"
        wide = text_width(text, BODY) + 8.0
        x = area.left() + (column + 0.5) / columns * area.width() - 0.5 * wide
        y = area.bottom() - (row + 0.5) / rows * area.height() - 0.5 * LINE_HEIGHT
        x = max(min(x, area.right() - wide), area.left())
        y = max(min(y, area.bottom() - LINE_HEIGHT), area.top())
        labels.append((text, QRectF(x, y, wide, LINE_HEIGHT)))
    return labels


def edges(mask: NDArray[np.bool_], frame: Frame) -> list[QLineF]:
    """Lines around the cells of a mask (columns, rows), in pixels, each straight stretch as one line."""
    columns, rows = mask.shape
    area = frame.area
    wide, high = area.width() / columns, area.height() / rows
    lines: list[QLineF] = []
    padded = np.zeros((columns + 2, rows + 2), dtype=bool)
    padded[1:-1, 1:-1] = mask
    # inner boundaries only: the frame itself needs no line
    upright = (padded[1:-2, 1:-1] != padded[2:-1, 1:-1]) if columns > 1 else np.zeros((0, rows), dtype=bool)
    for column in range(columns - 1):
        for start, stop in runs(upright[column]):
            x = area.left() + (column + 1) * wide
            lines.append(QLineF(x, area.bottom() - start * high, x, area.bottom() - stop * high))
    flat = padded[1:-1, 1:-2] != padded[1:-1, 2:-1]
    for row in range(rows - 1):
        for start, stop in runs(flat[:, row]):
            y = area.bottom() - (row + 1) * high
            lines.append(QLineF(area.left() + start * wide, y, area.left() + stop * wide, y))
    return lines


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of True, first and one past the last."""
    turns = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(turns[::2], turns[1::2], strict=True)]

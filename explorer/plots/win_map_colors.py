"""The colours of a win map: a compared chip's own, grey with patterns for the others, paler where less sure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage

from explorer.plots.tokens import Tokens
from explorer.study.win_map_record import WinMap
from explorer.study.win_map_words import shares_of

PALEST = 0.28
"""What is left of a region's colour where it wins in no draw."""
OTHERS = 1
"""Rank of the grey tint of all chips that are not compared: lightness says how sure, so patterns tell them apart."""
PATTERNS = (
    Qt.BrushStyle.NoBrush, Qt.BrushStyle.BDiagPattern, Qt.BrushStyle.Dense6Pattern, Qt.BrushStyle.HorPattern,
    Qt.BrushStyle.FDiagPattern, Qt.BrushStyle.VerPattern, Qt.BrushStyle.DiagCrossPattern, Qt.BrushStyle.CrossPattern,
)  # fmt: skip


def ground_of(found: WinMap, contestant: int, tokens: Tokens) -> QColor:
    """The colour of a region at its surest: a compared chip's own, one grey for others."""
    one = found.contestants[contestant]
    if one.alternative is not None:
        return tokens.chip(one.alternative)
    return tokens.supplier(OTHERS)


def patterns_of(found: WinMap) -> dict[int, Qt.BrushStyle]:
    """The pattern of each chip that wins somewhere and is not compared, by contestant: the largest region has none."""
    others = [at for at, _ in shares_of(found) if at >= 0 and found.contestants[at].alternative is None]
    return {at: PATTERNS[rank % len(PATTERNS)] for rank, at in enumerate(others)}


def blended(color: QColor, ground: QColor, share: float) -> QColor:
    """`share` of a colour on a ground."""
    mixed = np.round(share * _parts(color) + (1.0 - share) * _parts(ground))
    return QColor(*(int(part) for part in mixed))


def _parts(color: QColor) -> NDArray[np.float64]:
    """Red, green and blue, 0 to 255."""
    return np.asarray([color.red(), color.green(), color.blue()], dtype=np.float64)


def map_image(found: WinMap, tokens: Tokens) -> QImage:
    """The cells as a picture, one pixel each, top row first; where nobody wins, the window's ground."""
    columns, rows = found.winner.shape
    ground = QColor(tokens.panel)
    table = np.zeros((rows, columns, 4), dtype=np.uint8)
    table[..., 3] = 255
    grounds = [ground_of(found, at, tokens) for at in range(len(found.contestants))]
    colors = np.stack([_parts(color) for color in (*grounds, QColor(tokens.window))])
    share = np.where(found.winner >= 0, PALEST + (1.0 - PALEST) * found.probability, 1.0)[..., None]
    mixed = share * colors[found.winner] + (1.0 - share) * _parts(ground)
    turned = np.transpose(np.round(mixed), (1, 0, 2))[::-1]
    table[..., 0], table[..., 1], table[..., 2] = turned[..., 2], turned[..., 1], turned[..., 0]
    image = QImage(table.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGB32)
    return image.copy()

"""Cells of tables of texts, painted without asking a style sheet about each of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, NamedTuple, Protocol

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QPoint, QSize
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from explorer.plots.fonts import BODY
from explorer.plots.lettering import baseline_in, draw_line, text_width
from explorer.ui import theme

MARGIN = 6
"""Pixels between a text and the edges of its cell: those of the headings, so that figures stand beneath theirs."""
HEIGHT = 24
"""Pixels that a row needs."""
Rows = Sequence[Sequence[str]]


class Cell(NamedTuple):
    """What a cell shows."""

    text: str
    right: bool = False
    color: QColor | None = None
    """None for that of all texts."""
    is_chosen: bool = False
    """Stands on the ground of what is selected."""
    picture: QPixmap | None = None
    """Before the text."""


def tell_changes(model: QAbstractTableModel, now: Rows, before: Rows) -> None:
    """Have those cells of a table painted anew whose texts are others; as many rows and columns as before."""
    for row, (texts, old) in enumerate(zip(now, before, strict=True)):
        changed = [column for column, text in enumerate(texts) if text != old[column]]
        if changed:
            model.dataChanged.emit(model.index(row, changed[0]), model.index(row, changed[-1]))


class CellSource(Protocol):
    """A model that says all there is to paint of a cell at once."""

    def cell(self, row: int, column: int) -> Cell:
        """The cell in a row and column that exist."""


class CellPainter(QStyledItemDelegate):
    """Ground, picture and one line of text of a cell, cut short where it does not fit.

    A style sheet lays each cell out as a box of its own, which takes four times as long, and a table that follows a
    hand shares the frame with the plots.
    """

    def __init__(self, source: CellSource, parent: QObject) -> None:
        super().__init__(parent)
        self._source = source

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one cell."""
        # the stubs do not know the members of the option
        known: Any = option
        cell, tokens = self._source.cell(index.row(), index.column()), theme.tokens()
        x, y, width, height = known.rect.getRect()
        if cell.is_chosen or known.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(known.rect, QColor(tokens.accent_wash))
        left, right = x + MARGIN, x + width - MARGIN
        if cell.picture is not None:
            size = cell.picture.deviceIndependentSize().toSize()
            painter.drawPixmap(QPoint(left, y + (height - size.height()) // 2), cell.picture)
            left += size.width() + MARGIN
        draw_line(
            painter, left, baseline_in(y, height, BODY), right - left, cell.text, cell.color or tokens.text, BODY,
            right=cell.right,
        )  # fmt: skip

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Room for all of the text."""
        cell = self._source.cell(index.row(), index.column())
        width = ceil(text_width(cell.text, BODY)) + 2 * MARGIN
        if cell.picture is not None:
            width += cell.picture.deviceIndependentSize().toSize().width() + MARGIN
        return QSize(width, HEIGHT)

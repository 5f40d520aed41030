"""A table that ends with a whole row: what does not fit below is scrolled to, never cut in half."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QTableView, QWidget


class WholeRows(QWidget):
    """Holds one table and gives it the height of as many whole rows as there is room for."""

    def __init__(self, table: QTableView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table = table
        table.setParent(self)
        self.setFocusProxy(table)
        self.setSizePolicy(table.sizePolicy())
        table.horizontalScrollBar().rangeChanged.connect(self.fit)

    def sizeHint(self) -> QSize:
        return self._table.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return self._table.minimumSizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Give the table the whole rows that there is room for."""
        table, row = self._table, self._table.verticalHeader().defaultSectionSize()
        beside = table.horizontalHeader().sizeHint().height() + 2 * table.frameWidth()
        across = table.horizontalScrollBar()
        if across.maximum() > across.minimum():
            beside += across.sizeHint().height()
        rows = max((self.height() - beside) // row, 1)
        table.setGeometry(0, 0, self.width(), min(beside + rows * row, self.height()))

"""What the pages of money and dependence share: they follow the document only while they are seen."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from explorer.ui.document import Document
from explorer.ui.pages.economics_feed import EconomicsFeed
from explorer.ui.pages.page import Page

LEAST_PACE_MS, MOST_PACE_MS = 40, 150
"""Between two looks while a hand moves: as often as showing takes little of the time."""
ROOM = 8
"""Pixels between a column and the next, beyond what its texts need."""
Index = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()


class TextTableModel(QAbstractTableModel):
    """Rows of texts under headings with meanings; the columns between the first and the last texts are figures.

    `first_right` columns are texts, then come figures, aligned right, and at the end `last_texts` more texts.
    """

    def __init__(self, first_right: int, last_texts: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._first_right, self._last_texts = first_right, last_texts
        self._headings: tuple[tuple[str, str], ...] = ()
        self._rows: tuple[tuple[str, ...], ...] = ()

    def show_rows(self, headings: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> bool:
        """Take headings (title, meaning) and rows; True where anything changed."""
        new = tuple(headings), tuple(tuple(row) for row in rows)
        if new == (self._headings, self._rows):
            return False
        self.beginResetModel()
        self._headings, self._rows = new
        self.endResetModel()
        return True

    def rowCount(self, parent: Index = NO_INDEX) -> int:
        """Rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NO_INDEX) -> int:
        """Columns."""
        return 0 if parent.isValid() else len(self._headings)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Text and its alignment."""
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._side(index.column())
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Titles and their meanings."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self._headings):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._headings[section][0]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._headings[section][1]
        return self._side(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def as_text(self) -> str:
        """The whole table, tabs between columns."""
        rows = [[title for title, _ in self._headings], *self._rows]
        return "\n".join("\t".join(row) for row in rows)

    def _side(self, column: int) -> Qt.AlignmentFlag:
        is_figure = self._first_right <= column < len(self._headings) - self._last_texts
        side = Qt.AlignmentFlag.AlignRight if is_figure else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter


class TextTable(QTableView):
    """A calm table of hairlines; Ctrl+C copies all of it."""

    def __init__(
        self, name: str, title: str, first_right: int = 1, parent: QWidget | None = None, *, last_texts: int = 0
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.texts = TextTableModel(first_right, last_texts, self)
        self.setModel(self.texts)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(26)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)

    def show_rows(self, headings: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> bool:
        """Show rows; widths follow only when there are other columns, for columns that twitch cannot be read.

        True where they did.
        """
        fewer = self.texts.columnCount() != len(headings) or self.texts.rowCount() != len(rows)
        widened = self.texts.show_rows(headings, rows) and fewer
        if widened:
            self.resizeColumnsToContents()
            for column in range(len(headings) - 1):
                self.setColumnWidth(column, self.columnWidth(column) + ROOM)
        return widened

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy."""
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.texts.as_text())
        else:
            super().keyPressEvent(event)


class MoneyPage(Page):
    """A page that follows the document while it is seen: at once at rest, at a pace while a hand moves."""

    def __init__(self, document: Document, feed: EconomicsFeed, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._feed = document, feed
        self._pace = QTimer(self, singleShot=True, interval=LEAST_PACE_MS)
        self._pace.timeout.connect(self._on_pace)
        feed.changed.connect(self._on_changed)
        document.workload_changed.connect(lambda _: self._on_changed())
        document.baseline_changed.connect(self._on_changed)
        document.dragging_changed.connect(self._on_dragging)

    def show_answer(self) -> None:
        """Show the present answer; subclasses say how."""
        raise NotImplementedError

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.show_answer()

    def workload_index(self) -> int:
        """Which workload is edited, as far as the answer knows it."""
        return min(self._document.workload_index, len(self._feed.outcome.workloads) - 1)

    def _on_changed(self) -> None:
        if not self.isVisible():
            return
        if self._document.is_dragging:
            if not self._pace.isActive():
                self._pace.start()
        else:
            self.show_answer()

    def _on_pace(self) -> None:
        if not self.isVisible():
            return
        start = perf_counter()
        self.show_answer()
        took = 1e3 * (perf_counter() - start)
        self._pace.setInterval(int(min(max(1.5 * took, LEAST_PACE_MS), MOST_PACE_MS)))

    def _on_dragging(self, dragging: bool) -> None:
        if not dragging:
            self._pace.stop()
            self._on_pace()

"""What the pages of money and dependence share: they follow the document only while they are seen."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from time import perf_counter
from types import MappingProxyType

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from explorer.ui.controls.cell_painter import Cell, CellPainter, tell_changes
from explorer.ui.document import Document
from explorer.ui.pages.economics_feed import EconomicsFeed
from explorer.ui.pages.page import Page

SHARE_OF_TIME = 0.05
"""What showing a page, painting included, may take of the time while a hand moves: the verdict has the frame."""
LEAST_PACE_MS, MOST_PACE_MS = 40, 270
ROOM = 8
"""Pixels between a column and the next, beyond what its texts need."""
LEAST_COLUMN = 48
Index = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()


class TextTableModel(QAbstractTableModel):
    """Rows of texts under headings with meanings; the columns between the first and the last texts are figures.

    `first_right` columns are texts, then come figures, aligned right, and at the end `last_texts` more texts.
    """

    def __init__(self, first_right: int, last_texts: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.first_right, self._last_texts = first_right, last_texts
        self._headings: tuple[tuple[str, str], ...] = ()
        self._rows: tuple[tuple[str, ...], ...] = ()

    def show_rows(self, headings: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> bool:
        """Take headings (title, meaning) and rows; True where anything changed."""
        new = tuple(headings), tuple(tuple(row) for row in rows)
        if new == (self._headings, self._rows):
            return False
        headings_before, before = self._headings, self._rows
        if headings_before != new[0] or len(before) != len(new[1]):
            self.beginResetModel()
            self._headings, self._rows = new
            self.endResetModel()
            return True
        # the rest of the table stays as it is, what is chosen in it too
        self._rows = new[1]
        tell_changes(self, self._rows, before)
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

    def cell(self, row: int, column: int) -> Cell:
        """The same for the eye, at once."""
        return Cell(self._rows[row][column], self.is_figure(column))

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
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
        side = Qt.AlignmentFlag.AlignRight if self.is_figure(column) else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter

    def is_figure(self, column: int) -> bool:
        """Whether a column holds figures."""
        return self.first_right <= column < len(self._headings) - self._last_texts


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
        self.setItemDelegate(CellPainter(self.texts, self))
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
        self._natural: tuple[int, ...] = ()
        self._figures: dict[int, int] = {}
        self._ends_in_figures = not last_texts

    def show_rows(self, headings: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> bool:
        """Show rows; widths follow only when there are other columns, for columns that twitch cannot be read, or
        where a figure would be cut: then its column is widened, and stays so.

        True where there were other columns.
        """
        fewer = self.texts.columnCount() != len(headings) or self.texts.rowCount() != len(rows)
        if not self.texts.show_rows(headings, rows):
            return False
        if fewer:
            self.fit_anew()
        else:
            self._widen()
        return fewer

    def fit_anew(self) -> None:
        """Take the texts as they are now for what the columns need."""
        header, count = self.horizontalHeader(), self.texts.columnCount()
        needed = [self.sizeHintForColumn(at) for at in range(count)]
        self._natural = tuple(max(width, header.sectionSizeHint(at)) for at, width in enumerate(needed))
        self._figures = {at: needed[at] for at in range(count) if self.texts.is_figure(at)}
        self._fit()

    def _widen(self) -> None:
        """Room for figures that have become longer; none of the columns asks for less than before."""
        longer = {at: max(self.sizeHintForColumn(at), before) for at, before in self._figures.items()}
        if longer != self._figures:
            self._figures = longer
            self._natural = tuple(max(width, longer.get(at, 0)) for at, width in enumerate(self._natural))
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _fit(self) -> None:
        """Columns in the width there is: no table scrolls sideways for the sake of a long text, which its tip tells
        in full."""
        even = self._ends_in_figures and self.texts.first_right < len(self._natural)
        widths = widths_within(self._natural, self.viewport().width(), even=even, figures=self._figures)
        for column, width in enumerate(widths):
            self.setColumnWidth(column, width)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy."""
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.texts.as_text())
        else:
            super().keyPressEvent(event)


def widths_within(
    natural: Sequence[int], available: int, *, even: bool, figures: Mapping[int, int] = MappingProxyType({})
) -> list[int]:
    """Widths of columns, pixels: as asked for where there is room, else the widest texts cut down to one width, never
    below LEAST_COLUMN. A figure cut short is another figure: `figures` are the columns that hold some, with what these
    need, and where texts alone cannot give way enough their headings do. Of what is left over each gets ROOM, or an
    equal part where `even`, lest figures at the end stand far from the others."""
    spare = available - sum(natural)
    if not natural or spare >= 0:
        each = spare // max(len(natural), 1)
        return [width + (each if even else min(each, ROOM)) for width in natural]
    found = _cut_down(natural, {at: natural[at] for at in figures}, available)
    return found if sum(found) <= available else _cut_down(found, figures, available)


def _cut_down(natural: Sequence[int], least: Mapping[int, int], available: int) -> list[int]:
    """The widest columns cut down to the one width at which all fit, none below its least (LEAST_COLUMN by itself)."""

    def at_most(one: int) -> list[int]:
        return [max(min(width, one), min(width, least.get(at, LEAST_COLUMN))) for at, width in enumerate(natural)]

    fitting = bisect_right(range(max(natural)), available, key=lambda one: sum(at_most(one)))
    return at_most(max(fitting - 1, 0))


class MoneyPage(Page):
    """A page that follows the document while it is seen: at once at rest, at a pace while a hand moves."""

    def __init__(self, document: Document, feed: EconomicsFeed, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._feed = document, feed
        self._pace = QTimer(self, singleShot=True, interval=LEAST_PACE_MS)
        self._pace.timeout.connect(self._on_pace)
        self._shown_at = 0.0
        self._painted = QTimer(self, singleShot=True, interval=0)
        self._painted.timeout.connect(self._on_painted)
        feed.changed.connect(self._on_changed)
        document.workload_changed.connect(lambda _: self._on_changed())
        document.baseline_changed.connect(self._on_changed)
        document.dragging_changed.connect(self._on_dragging)

    def show_answer(self) -> None:
        """Show the present answer; subclasses say how."""
        raise NotImplementedError

    @property
    def pace_ms(self) -> int:
        """After how long the page is shown again while a hand moves."""
        return self._pace.interval()

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
        self._shown_at = perf_counter()
        self.show_answer()
        # what is shown is painted before any timer is heard
        self._painted.start()

    def _on_painted(self) -> None:
        took = 1e3 * (perf_counter() - self._shown_at)
        self._pace.setInterval(int(min(max(took / SHARE_OF_TIME, LEAST_PACE_MS), MOST_PACE_MS)))

    def _on_dragging(self, dragging: bool) -> None:
        if not dragging:
            self._pace.stop()
            self._on_pace()

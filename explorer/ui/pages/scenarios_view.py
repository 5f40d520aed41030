"""Up to four scenarios side by side: the present one, the baseline and two further files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence, QPainter, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from explorer.errors import ExplorerError
from explorer.plots.fonts import BODY, NOTE, font, metrics
from explorer.scenario.file import read_scenario
from explorer.ui import theme
from explorer.ui.document import Document
from explorer.ui.pages.side_by_side import Row, Side, rows_of

MAX_FURTHER = 2
REFERENCE = 1
"""The baseline's column: every change is against it."""
PACE_MS = 270
TITLE_WIDTH = 250
ROW_HEIGHT = 24
Index = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()


class ScenariosModel(QAbstractTableModel):
    """Rows of texts: a title, then a cell for each scenario."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Row, ...] = ()
        self.names: tuple[str, ...] = ()

    def show_rows(self, rows: tuple[Row, ...], names: tuple[str, ...]) -> bool:
        """Take new rows; True when there are other rows or columns than before, and not only other texts."""
        same = names == self.names and [row.title for row in rows] == [row.title for row in self.rows]
        if same:
            self.rows = rows
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(names)))
            return False
        self.beginResetModel()
        self.rows, self.names = rows, names
        self.endResetModel()
        return True

    def rowCount(self, parent: Index = NO_INDEX) -> int:
        """Inputs and outcomes."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = NO_INDEX) -> int:
        """A title, then the scenarios."""
        return 0 if parent.isValid() else len(self.names) + 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Texts; the delegate takes the change apart from the value."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return row
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        if index.column() == 0:
            return row.title
        if row.is_heading:
            return ""
        cell = row.cells[index.column() - 1]
        text = f"{cell.text} ({cell.change})" if cell.change else cell.text
        return f"{row.title}: {text}" if role == Qt.ItemDataRole.ToolTipRole else text

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Names of the scenarios."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return "" if section == 0 else self.names[section - 1]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def as_text(self) -> str:
        """The whole table, tabs between columns: what a copy puts on the clipboard."""
        lines = ["\t".join(("", *self.names))]
        for at, row in enumerate(self.rows):
            cells = () if row.is_heading else range(1, len(self.names) + 1)
            lines.append("\t".join((row.title, *(str(self.data(self.index(at, column))) for column in cells))))
        return "\n".join(lines)


class _CellDelegate(QStyledItemDelegate):
    """Value and, in small type behind it, its change; headings semibold over the whole width."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One cell."""
        t = theme.tokens()
        row: Row = index.data(Qt.ItemDataRole.UserRole)
        area = QRectF(option.rect).adjusted(6, 0, -6, 0)
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.TextElideMode.ElideRight
        painter.save()
        if row.is_heading:
            painter.setFont(font(NOTE, semibold=True))
            painter.setPen(QColor(t.secondary))
            painter.drawText(area, middle, metrics(NOTE, True).elidedText(row.title, right, area.width()))
            painter.restore()
            return
        if index.column() == 0:
            painter.setFont(font(BODY))
            painter.setPen(QColor(t.secondary))
            painter.drawText(area, middle, metrics(BODY).elidedText(row.title, right, area.width()))
            painter.restore()
            return
        cell = row.cells[index.column() - 1]
        reference = row.cells[REFERENCE].text if len(row.cells) > REFERENCE else cell.text
        differs = cell.text != reference
        painter.setFont(font(BODY, semibold=differs))
        painter.setPen(QColor(t.text))
        value = metrics(BODY, differs).elidedText(cell.text, right, area.width())
        painter.drawText(area, middle, value)
        left = max(metrics(BODY, differs).horizontalAdvance(value) + 10, min(84.0, area.width() * 0.4))
        if cell.change and left < area.width() - 20:
            painter.setFont(font(NOTE))
            painter.setPen(QColor(t.secondary))
            room = area.width() - left
            painter.drawText(area.adjusted(left, 0, 0, 0), middle, metrics(NOTE).elidedText(cell.change, right, room))
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Rows of one height."""
        return QSize(60, ROW_HEIGHT)


class ScenariosTable(QTableView):
    """A quiet table; Ctrl+C copies all of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scenarios")
        self.setAccessibleName("Scenarios side by side")
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setItemDelegate(_CellDelegate(self))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.horizontalHeader().setHighlightSections(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy."""
        model = self.model()
        if event.matches(QKeySequence.StandardKey.Copy) and isinstance(model, ScenariosModel):
            QGuiApplication.clipboard().setText(model.as_text())
        else:
            super().keyPressEvent(event)


class ScenariosView(QWidget):
    """The table; hidden, it costs nothing, and shown, it follows when the hand rests."""

    refused = Signal(str)
    further_changed = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._further: list[tuple[Path, Side]] = []
        self.model = ScenariosModel(self)
        self.table = ScenariosTable(self)
        self.table.setModel(self.model)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table)
        self._pace = QTimer(self, singleShot=True, interval=PACE_MS)
        self._pace.timeout.connect(self.refresh)
        document.outcome_changed.connect(self._on_changed)
        document.baseline_changed.connect(self._on_changed)
        document.workload_changed.connect(self._on_changed)
        document.dragging_changed.connect(self._on_changed)
        document.path_changed.connect(self._on_changed)
        document.answers.further_answered.connect(self._on_answered)

    def put_above_titles(self, *buttons: QWidget) -> None:
        """Stand buttons in the header above the titles of the rows, where no scenario is named."""
        row = QHBoxLayout(self.table.horizontalHeader().viewport())
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for button in buttons:
            row.addWidget(button)
        row.addStretch(1)

    @property
    def further(self) -> tuple[Path, ...]:
        """The files opened beside the document."""
        return tuple(path for path, _ in self._further)

    @property
    def sides(self) -> tuple[Side, ...]:
        """The scenarios compared: the present one, the baseline, the further ones."""
        document = self._document
        present = document.path.stem if document.path else document.scenario.title
        return (
            Side(f"Now: {present}", document.scenario, document.outcome),
            Side(f"Baseline: {document.baseline_name}", document.baseline, document.baseline_outcome, "no answer"),
            *(side for _, side in self._further),
        )

    def add(self, path: Path) -> bool:
        """Put a file beside the present scenario; what is wrong with it is told and nothing changes."""
        if len(self._further) >= MAX_FURTHER:
            self.refused.emit(f"at most {MAX_FURTHER} further scenarios: remove one first")
            return False
        try:
            scenario = read_scenario(path, self._document.catalog).scenario
        except ExplorerError as error:
            self.refused.emit(str(error))
            return False
        self._further.append((path, Side(path.stem, scenario, None)))
        self.further_changed.emit()
        self.refresh()
        # The window first: the answer comes when the event loop has nothing else to do.
        QTimer.singleShot(0, self, self._answer_quickly)
        return True

    def remove(self, path: Path) -> None:
        """Take a file away again."""
        self._further = [one for one in self._further if one[0] != path]
        self.further_changed.emit()
        self.refresh()

    def refresh(self) -> None:
        """Show all scenarios as they are now."""
        self._pace.stop()
        if not self.isVisible():
            return
        document = self._document
        then = document.baseline_outcome
        if document.outcome.final and then is not None and not then.final:
            # Few draws against many would show changes where there are none.
            document.answers.ask_further(document.baseline)
        sides = self.sides
        rows = rows_of(sides, REFERENCE, document.workload.name)
        if self.model.show_rows(rows, tuple(side.name for side in sides)):
            self._span(rows)

    def showEvent(self, event: QShowEvent) -> None:
        """What changed while nobody looked."""
        super().showEvent(event)
        self.refresh()

    def _span(self, rows: Sequence[Row]) -> None:
        self.table.clearSpans()
        for at, row in enumerate(rows):
            if row.is_heading:
                self.table.setSpan(at, 0, 1, self.model.columnCount())
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(0, TITLE_WIDTH)

    def _answer_quickly(self) -> None:
        for place, (path, side) in enumerate(self._further):
            if side.outcome is None and not side.reason:
                try:
                    answered = Side(side.name, side.scenario, self._document.answers.quick_answer(side.scenario))
                except ExplorerError as error:
                    answered = Side(side.name, side.scenario, None, str(error))
                    self.refused.emit(f"{side.name}: {error}")
                self._further[place] = path, answered
                if answered.outcome is not None:
                    self._document.answers.ask_further(side.scenario)
        self.refresh()

    def _on_answered(self, scenario: object, outcome: Any) -> None:
        self._further = [
            (path, Side(side.name, side.scenario, outcome) if side.scenario is scenario else side)
            for path, side in self._further
        ]
        self.refresh()

    def _on_changed(self) -> None:
        if self.isVisible() and not self._document.is_dragging and not self._pace.isActive():
            self._pace.start()

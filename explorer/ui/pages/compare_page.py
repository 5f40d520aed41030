"""Compare: the alternatives of the workload, every answer in a column; or whole scenarios side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QHeaderView, QStackedLayout, QTableView, QWidget

from explorer.catalog.location import scenario_root
from explorer.plots.tokens import Tokens
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import NOTHING
from explorer.study.banded import Metric
from explorer.study.outcome import AlternativeOutcome, WorkloadOutcome
from explorer.study.price_words import price_remarks
from explorer.ui import theme
from explorer.ui.controls.cell_painter import Cell, CellPainter, tell_changes
from explorer.ui.document import Document
from explorer.ui.pace import NextTurn
from explorer.ui.pages.compare_modes import CompareModes, Mode
from explorer.ui.pages.scenarios_view import ScenariosView
from explorer.ui.verdict import SURE

SECONDS, RATE, MONTH, PER_MILLION, SHARE = (
    QUANTITIES[key] for key in ("seconds", "request_rate", "usd_per_month", "usd_per_million", "share")
)
PACE_MS = 270
Index = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()


@dataclass(frozen=True)
class Column:
    """One answer: its heading, what it means, how it is written."""

    title: str
    meaning: str
    text: Callable[[AlternativeOutcome], str]
    right: bool = True


def _p99(metric: Metric) -> Callable[[AlternativeOutcome], str]:
    def text(one: AlternativeOutcome) -> str:
        answered = one.latency.get(metric)
        return NOTHING if answered is None or answered.p99 is None else SECONDS.format(answered.p99.value)

    return text


def _per_million(one: AlternativeOutcome) -> str:
    cost = one.cost.usd_per_million_blended
    return NOTHING if cost is None else PER_MILLION.format(cost.value)


def _month(one: AlternativeOutcome) -> str:
    cost = one.cost.usd_per_month
    return NOTHING if cost is None else MONTH.format(cost.value)


def _keeps(one: AlternativeOutcome) -> str:
    probability = one.probability_keeps.get("all")
    # without a promise there is only the load to carry, and nothing is kept
    if probability is None or len(one.probability_keeps) == 1:
        return NOTHING
    sign = "✗" if not one.keeps_promises else "✓" if probability >= SURE else "?"
    return f"{sign} {SHARE.format(probability)}"


def _counted(one: AlternativeOutcome, text: str) -> str:
    """A count of what would be bought; nothing is, where it cannot run."""
    return text if one.feasible else NOTHING


def _reason(one: AlternativeOutcome) -> str:
    parts = (
        one.reason,
        one.availability_note if not one.available else "",
        one.cost.reason,
        one.purchase_note,
        *price_remarks(one.cost),
        one.method_note,
        one.precision_note,
        one.memory.note,
    )
    return " · ".join(dict.fromkeys(part for part in parts if part))


COLUMNS = (
    Column(
        "Alternative",
        "Compared deployment, with the chips of one replica",
        lambda one: one.label,
        right=False,
    ),
    Column(
        "Replicas",
        "Copies of the model, spares included",
        lambda one: _counted(one, f"{one.replicas:,}" + (f" + {one.spare_replicas}" if one.spare_replicas else "")),
    ),
    Column("Chips", "Chips in all, spares and whole units included", lambda one: _counted(one, f"{one.chips_total:,}")),
    Column("P99 TTFT", "Time to first token that 99 of 100 requests keep", _p99("ttft")),
    Column("P99 TPOT", "Mean time per token (TPOT) that 99 of 100 requests keep", _p99("tpot")),
    Column(
        "Up to",
        "Largest rate of the whole service that keeps every promise",
        lambda one: RATE.format(one.max_request_rate) if one.max_request_rate else NOTHING,
    ),
    Column("$/M tokens", "Cost per million tokens at the stated traffic", _per_million),
    Column("$/month", "Cost a month at the stated traffic", _month),
    Column("Keeps all", "Share of draws in which every promise is kept; ? where that is in doubt", _keeps),
    Column("Evidence", "How well the chip is known", lambda one: one.evidence_grade, right=False),
    Column("Remarks", "Why a promise breaks, or what to know", _reason, right=False),
)


class CompareModel(QAbstractTableModel):
    """The alternatives of one workload as a table of texts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cells: tuple[tuple[str, ...], ...] = ()
        self._selected = 0
        self._dots: list[QPixmap] = []
        self._tokens: Tokens | None = None

    def show_workload(self, workload: WorkloadOutcome) -> None:
        """Take a new answer; only what changed is painted again."""
        cells = tuple(tuple(column.text(one) for column in COLUMNS) for one in workload.alternatives)
        if self._tokens != theme.tokens():
            self._tokens = theme.tokens()
            self._dots = [_dot(self._tokens.chip(index)) for index in range(4)]
        if len(cells) != len(self._cells) or workload.selected != self._selected:
            self.beginResetModel()
            self._cells, self._selected = cells, workload.selected
            self.endResetModel()
            return
        old, self._cells = self._cells, cells
        tell_changes(self, cells, old)

    def rowCount(self, parent: Index = NO_INDEX) -> int:
        """Alternatives."""
        return 0 if parent.isValid() else len(self._cells)

    def columnCount(self, parent: Index = NO_INDEX) -> int:
        """Answers."""
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, alignment, colour dot, and the marks of bad news."""
        cell = self.cell(index.row(), index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{COLUMNS[index.column()].title}: {cell.text}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if cell.right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.DecorationRole:
            return cell.picture
        if role == Qt.ItemDataRole.BackgroundRole and cell.is_chosen:
            return QColor(theme.tokens().accent_wash)
        if role == Qt.ItemDataRole.ForegroundRole:
            return cell.color
        return None

    def cell(self, row: int, column: int) -> Cell:
        """The same for the eye, at once."""
        text = self._cells[row][column]
        return Cell(
            text,
            COLUMNS[column].right,
            QColor(theme.tokens().bad) if text.startswith("✗") else None,
            row == self._selected,
            self._dots[row % len(self._dots)] if column == 0 else None,
        )

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Headings and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.meaning
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def as_text(self) -> str:
        """The whole table, tabs between columns: what a copy puts on the clipboard."""
        rows: Sequence[Sequence[str]] = [[column.title for column in COLUMNS], *self._cells]
        return "\n".join("\t".join(row) for row in rows)


class ComparePage(QWidget):
    """Two tables: the alternatives of this scenario, and whole scenarios side by side."""

    alternative_chosen = Signal(int)
    mode_changed = Signal()
    refused = Signal(str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page.compare")
        self._document = document
        self.model = CompareModel(self)
        self.table = _CopyableTable(self)
        self.table.setModel(self.model)
        self.table.setItemDelegate(CellPainter(self.model, self.table))
        # The remarks take what is left and are cut short; in full they are the tooltip.
        self.table.horizontalHeader().setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        self.scenarios = ScenariosView(document, self)
        self.modes = CompareModes(self.scenarios, parent)
        self._tables = QStackedLayout(self)
        self._tables.addWidget(self.table)
        self._tables.addWidget(self.scenarios)
        self.modes.mode_chosen.connect(self.show_mode)
        self.modes.add_requested.connect(self._on_add)
        self.scenarios.refused.connect(self.refused)
        self.table.clicked.connect(lambda index: self.alternative_chosen.emit(index.row()))
        # A table of figures cannot be read while it runs: during a drag it follows at a pace for the eye.
        self._pace = QTimer(self, singleShot=True, interval=PACE_MS)
        self._pace.timeout.connect(self.show_outcome)
        self._turn = NextTurn(document, self.show_outcome, self)
        document.outcome_changed.connect(self._on_outcome)
        document.workload_changed.connect(self.show_outcome)
        document.dragging_changed.connect(self._on_dragging)
        self.show_outcome()
        self.fit_columns()

    @property
    def mode(self) -> Mode:
        """Which table is shown."""
        return "scenarios" if self._tables.currentWidget() is self.scenarios else "alternatives"

    def show_mode(self, mode: Mode) -> None:
        """Show one of the two tables."""
        self._tables.setCurrentWidget(self.scenarios if mode == "scenarios" else self.table)
        self.modes.show_mode(mode)
        if mode == "alternatives":
            self.show_outcome()
        self.mode_changed.emit()

    def as_text(self) -> str:
        """The table on the screen, tabs between columns."""
        return self.scenarios.model.as_text() if self.mode == "scenarios" else self.model.as_text()

    def _on_add(self) -> None:
        start = str(self._document.path.parent if self._document.path else scenario_root())
        chosen, _ = QFileDialog.getOpenFileName(self, "A scenario to compare with", start, "Scenarios (*.toml)")
        if chosen:
            self.scenarios.add(Path(chosen))

    def show_outcome(self) -> None:
        """Show the answer about the workload that is edited."""
        outcome = self._document.outcome
        self.model.show_workload(outcome.workloads[min(self._document.workload_index, len(outcome.workloads) - 1)])
        if not self._document.is_dragging:
            self._widen()

    def _on_outcome(self) -> None:
        if self.mode != "alternatives":
            return
        if not self._document.is_dragging:
            self._turn.ask()
        elif not self._pace.isActive():
            self._pace.start()

    def _on_dragging(self, dragging: bool) -> None:
        if not dragging:
            self._pace.stop()
            self.show_outcome()

    def fit_columns(self) -> None:
        """Widths for the texts of now; not on every change, for columns that twitch cannot be read."""
        self.table.resizeColumnsToContents()
        header = self.table.horizontalHeader()
        for section in range(len(COLUMNS) - 1):
            header.resizeSection(section, header.sectionSize(section) + _beyond(section))

    def _widen(self) -> None:
        """Room for what has become longer, once the hand rests; nothing is narrowed."""
        header = self.table.horizontalHeader()
        for section in range(len(COLUMNS) - 1):
            needed = self.table.sizeHintForColumn(section)
            if needed > header.sectionSize(section):
                header.resizeSection(section, needed + _beyond(section))


def _beyond(section: int) -> int:
    """Pixels of a column beyond its longest text."""
    return 2 if section else 10


class _CopyableTable(QTableView):
    """Rows of hairlines; Ctrl+C copies the whole table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compare")
        self.setAccessibleName("Comparison of the alternatives")
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        # not QHeaderView's own stretching of the last one, which never makes it narrower than 100 pixels
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(40)
        # It paints its own ground: a changed cell has nothing painted anew that lies beneath the table.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground, then the cells."""
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), QColor(theme.tokens().panel))
        painter.end()
        super().paintEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """A style sheet takes it back whenever it dresses the table."""
        super().changeEvent(event)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy."""
        model = self.model()
        if event.matches(QKeySequence.StandardKey.Copy) and isinstance(model, CompareModel):
            QGuiApplication.clipboard().setText(model.as_text())
        else:
            super().keyPressEvent(event)


def _dot(color: QColor) -> QPixmap:

    ratio = 3
    pixmap = QPixmap(14 * ratio, 14 * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawEllipse(QRect(2, 2, 10, 10))
    painter.end()
    return pixmap

"""The compared chips: one row each with its colour, degree and evidence grade; a click selects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from explorer.plots.fonts import BODY, NOTE, font, metrics
from explorer.plots.tokens import MAX_CHIPS
from explorer.ui import theme

ROW_HEIGHT = 24


@dataclass(frozen=True)
class ChipRow:
    """One compared alternative as listed."""

    label: str
    grade: str
    warning: str = ""
    is_broken: bool = False
    """Whether the warning is of a promise that cannot be kept, and not of what is to be found out."""


class _RowDelegate(QStyledItemDelegate):
    """Paints colour dot, name and grade; a broken promise or a chip that cannot be had is said in words."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """One row."""
        t = theme.tokens()
        row = index.data(Qt.ItemDataRole.UserRole)
        area = QRectF(option.rect)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if selected:
            painter.setPen(QPen(QColor(t.accent), 1) if focused else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.accent_wash))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(t.chip(index.row()))
        painter.drawEllipse(QPointF(area.left() + 12, area.center().y()), 5, 5)
        middle = Qt.AlignmentFlag.AlignVCenter
        needed = metrics(BODY, selected).horizontalAdvance(row.label) + 26 + 20
        note = f"{row.grade} · {row.warning}" if row.warning else row.grade
        if row.warning and needed + metrics(NOTE).horizontalAdvance(note) > area.width():
            note = row.warning
        note_width = min(metrics(NOTE).horizontalAdvance(note) + 2, area.width() * 0.55)
        painter.setFont(font(BODY, semibold=selected))
        painter.setPen(QColor(t.text))
        room = area.width() - 26 - note_width - 12
        label = metrics(BODY, selected).elidedText(row.label, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(area.left() + 26, area.top(), room, area.height()), middle, label)
        painter.setFont(font(NOTE))
        painter.setPen(QColor(t.bad if row.is_broken else t.amber if row.warning else t.secondary))
        note = metrics(NOTE).elidedText(note, Qt.TextElideMode.ElideRight, note_width)
        painter.drawText(
            QRectF(area.right() - note_width - 6, area.top(), note_width, area.height()),
            middle | Qt.AlignmentFlag.AlignRight,
            note,
        )
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Every row is a hit target."""
        return QSize(100, ROW_HEIGHT)


class ChipList(QListWidget):
    """Up to four compared alternatives; arrow keys and clicks select, Delete removes, Return changes the chip."""

    chosen = Signal(int)
    remove_requested = Signal(int)
    change_requested = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName("Compared chips")
        self.setAccessibleDescription("Arrow keys select, Return changes the chip, Delete removes it")
        self.setItemDelegate(_RowDelegate(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(MAX_CHIPS * ROW_HEIGHT + 2)
        self._rows: tuple[ChipRow, ...] = ()
        self._showing = False
        self.currentRowChanged.connect(self._on_row)
        self.itemDoubleClicked.connect(lambda item: self.change_requested.emit(self.row(item)))

    @property
    def rows(self) -> tuple[ChipRow, ...]:
        """The rows shown."""
        return self._rows

    def show_rows(self, rows: Sequence[ChipRow], selected: int) -> None:
        """List the alternatives and mark the selected one."""
        if tuple(rows) == self._rows and selected == self.currentRow():
            return
        self._showing = True
        for index, row in enumerate(rows):
            if index >= self.count():
                self.addItem(QListWidgetItem())
            elif row == self._rows[index]:
                continue
            item = self.item(index)
            item.setData(Qt.ItemDataRole.UserRole, row)
            spoken = f"{row.label}, {row.grade}" + (f", {row.warning}" if row.warning else "")
            item.setData(Qt.ItemDataRole.AccessibleTextRole, spoken)
            item.setToolTip(spoken)
        while self.count() > len(rows):
            self.takeItem(self.count() - 1)
        if len(rows) != len(self._rows):
            self.setFixedHeight(len(rows) * ROW_HEIGHT + 2)
        self._rows = tuple(rows)
        self.setCurrentRow(selected)
        self._showing = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete removes, Return changes."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_requested.emit(self.currentRow())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.change_requested.emit(self.currentRow())
        else:
            super().keyPressEvent(event)

    def _on_row(self, row: int) -> None:
        if not self._showing and row >= 0:
            self.chosen.emit(row)

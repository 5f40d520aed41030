"""A list to search and choose a catalogue record from: chips to compare, models to serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget


@dataclass(frozen=True)
class Pick:
    """One record that can be chosen: its identity, its name, a note, and further words it is found by."""

    identity: str
    name: str
    note: str
    words: str = ""

    def matches(self, query: str) -> bool:
        """True when every typed word occurs."""
        text = f"{self.identity} {self.name} {self.note} {self.words}".lower()
        return all(word in text for word in query.lower().split())


class RecordPicker(QFrame):
    """A popup with a search line above a list; Enter or a click chooses, Escape closes."""

    picked = Signal(str)

    def __init__(self, name: str, prompt: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("card")
        self._picks: tuple[Pick, ...] = ()
        self.search = QLineEdit(self)
        self.search.setObjectName(f"{name}.search")
        self.search.setPlaceholderText(prompt)
        self.search.setAccessibleName(prompt)
        self.list = QListWidget(self)
        self.list.setObjectName(f"{name}.list")
        self.list.setAccessibleName(prompt)
        self.list.setUniformItemSizes(True)
        self.nothing = QLabel("nothing in the catalogue has these words", self)
        self.nothing.setObjectName("note")
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self.search)
        column.addWidget(self.list)
        column.addWidget(self.nothing)
        self.resize(380, 380)
        self.search.textChanged.connect(self._on_search)
        self.search.installEventFilter(self)
        self.list.itemActivated.connect(self._on_chosen)
        self.list.itemClicked.connect(self._on_chosen)

    def open_at(self, corner: QPoint, picks: Sequence[Pick], current: str = "") -> None:
        """Show the records below a corner in global coordinates, the present one marked."""
        self._picks = tuple(picks)
        self.search.clear()
        self._fill("", current)
        screen = self.screen().availableGeometry()
        x = min(corner.x(), screen.right() - self.width() - 4)
        y = min(corner.y(), screen.bottom() - self.height() - 4)
        self.move(max(x, screen.left()), max(y, screen.top()))
        self.show()
        self.search.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys in the search line move through the list, Enter chooses."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            moves = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
            move = moves.get(Qt.Key(event.key()))
            if move is not None:
                row = min(max(self.list.currentRow() + move, 0), self.list.count() - 1)
                self.list.setCurrentRow(row)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                item = self.list.currentItem()
                if item is not None:
                    self._on_chosen(item)
                return True
        return super().eventFilter(watched, event)

    def _fill(self, query: str, current: str = "") -> None:
        self.list.clear()
        for pick in self._picks:
            if pick.matches(query):
                item = QListWidgetItem(f"{pick.name}   ·   {pick.note}" if pick.note else pick.name)
                item.setData(Qt.ItemDataRole.UserRole, pick.identity)
                self.list.addItem(item)
                if pick.identity == current:
                    self.list.setCurrentItem(item)
        if self.list.currentRow() < 0 and self.list.count():
            self.list.setCurrentRow(0)
        self.nothing.setVisible(self.list.count() == 0)

    def _on_search(self, text: str) -> None:
        self._fill(text)

    def _on_chosen(self, item: QListWidgetItem) -> None:
        identity = item.data(Qt.ItemDataRole.UserRole)
        self.close()
        self.picked.emit(identity)

"""The command palette: type what you want, Enter does it; for a slider it then asks for the value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from explorer.plots.fonts import BODY, NOTE, font, metrics
from explorer.ui import theme
from explorer.ui.commands import Command
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.fuzzy import match
from explorer.ui.icons import icon

PROMPT = "Type what you want to do: set, compare, open, serve …"
NOTHING = "Nothing has these words. Try a chip, a model, a setting or a menu entry."
WIDTH, HEIGHT = 560, 420
MOST = 60
_COMMAND = Qt.ItemDataRole.UserRole


class CommandPalette(QFrame):
    """A popup with a line to type in above the commands that match, best first; usable by keys alone."""

    def __init__(self, collect: Callable[[], Sequence[Command]], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("card")
        self.setAccessibleName("Command palette")
        self._collect, self._window = collect, parent
        self._commands: Sequence[Command] = ()
        self._asked: ParameterSlider | None = None
        self.line = QLineEdit(self)
        self.line.setObjectName("palette.line")
        self.line.setMinimumHeight(32)
        self._sign = self.line.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.list = QListWidget(self)
        self.list.setObjectName("palette.list")
        self.list.setAccessibleName("Commands")
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(_Row(self.list))
        self.note = QLabel(self)
        self.note.setObjectName("note")
        self.note.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.line)
        column.addWidget(self.note)
        column.addWidget(self.list, 1)
        self.line.textChanged.connect(self._on_typed)
        self.line.installEventFilter(self)
        self.list.itemClicked.connect(self._on_chosen)

    def open(self) -> None:
        """Show it over the window, with everything that can be done now."""
        self._commands = tuple(self._collect())
        self._list_commands()
        self.resize(WIDTH, HEIGHT)
        window = self._window
        top = window.mapToGlobal(window.rect().topLeft())
        self.move(top.x() + (window.width() - WIDTH) // 2, top.y() + 72)
        self.show()
        self.line.setFocus()

    def titles(self) -> list[str]:
        """The commands shown, in their order."""
        return [self.list.item(row).text() for row in range(self.list.count())]

    def showEvent(self, event: QShowEvent) -> None:
        """The icon in the colours of the theme in force."""
        self._sign.setIcon(icon("search"))
        super().showEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys move through the list, Enter does, Escape goes one step back."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = Qt.Key(event.key())
            moves = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 10, Qt.Key.Key_PageUp: -10}
            if key in moves and self._asked is None:
                row = min(max(self.list.currentRow() + moves[key], 0), self.list.count() - 1)
                self.list.setCurrentRow(row)
                self._say_current()
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._on_enter()
                return True
            if key == Qt.Key.Key_Escape and self._asked is not None:
                self._list_commands()
                return True
        return super().eventFilter(watched, event)

    def _list_commands(self) -> None:
        self._asked = None
        self.line.setPlaceholderText(PROMPT)
        self.line.setAccessibleName("What to do")
        self.line.clear()
        self.list.show()
        self._fill("")

    def _fill(self, query: str) -> None:
        scored = [
            (match(query, one.title, f"{one.words} {one.note}", initials=not one.changes), one)
            for one in self._commands
        ]
        # Sorting is stable: alike matches stay in the order of actions, sliders, files, chips, models.
        found = sorted(((score, one) for score, one in scored if score is not None), key=lambda pair: -pair[0])
        self.list.clear()
        for _, command in found[:MOST]:
            item = QListWidgetItem(command.title)
            item.setData(_COMMAND, command)
            beside = f"not now: {command.why_not}" if command.why_not else command.note
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{command.title}, {beside}".rstrip(", "))
            self.list.addItem(item)
        self.list.setCurrentRow(0 if found else -1)
        self.note.setText("" if found else NOTHING)
        self.note.setVisible(not found)
        self._say_current()

    def _say_current(self) -> None:
        """The keyboard stays in the line, so what Enter would do is told there."""
        chosen: list[Command] = [item.data(_COMMAND) for item in self.list.selectedItems()]
        if not chosen:
            self.line.setAccessibleDescription(NOTHING)
        elif chosen[0].why_not:
            self.line.setAccessibleDescription(f"{chosen[0].title}: not now, {chosen[0].why_not}")
        else:
            self.line.setAccessibleDescription(f"Enter does: {chosen[0].title}")

    def _on_typed(self, text: str) -> None:
        if self._asked is None:
            self._fill(text)

    def _on_enter(self) -> None:
        if self._asked is not None:
            self._set(self._asked)
            return
        item = self.list.currentItem()
        if item is not None:
            self._on_chosen(item)

    def _on_chosen(self, item: QListWidgetItem) -> None:
        command: Command = item.data(_COMMAND)
        if command.why_not:
            self._tell(f"{command.title}: not now, {command.why_not}.")
            return
        slider = command.slider() if command.slider is not None else None
        if slider is not None:
            self._ask_value(slider)
            return
        self.close()
        command.run()

    def _ask_value(self, slider: ParameterSlider) -> None:
        self._asked = slider
        self.list.hide()
        self.line.setPlaceholderText(f"{slider.title}: {slider.box.text()} now")
        self.line.setAccessibleName(f"{slider.title}, new value")
        self.line.clear()
        self._tell(f"{slider.title} is {slider.box.text()} now. {slider.meaning}")

    def _set(self, slider: ParameterSlider) -> None:
        text = self.line.text().strip()
        if not text:
            self.close()
            return
        refused: list[str] = []
        slider.refused.connect(refused.append)
        try:
            slider.take_text(text)
        finally:
            slider.refused.disconnect(refused.append)
        if refused:
            self._tell(f"Not taken: {refused[-1]}")
            self.line.selectAll()
        else:
            self.close()

    def _tell(self, text: str) -> None:
        self.note.setText(text)
        self.note.show()
        self.line.setAccessibleDescription(text)


class _Row(QStyledItemDelegate):
    """Title at the left, shortcut or kind at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """One line."""
        return QSize(200, 28)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """One command."""
        t = theme.tokens()
        command: Command = index.data(_COMMAND)
        area = QRectF(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(QColor(t.accent))
            painter.setBrush(QColor(t.accent_wash))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        beside = command.why_not or command.note
        note = metrics(NOTE).elidedText(beside, Qt.TextElideMode.ElideMiddle, area.width() * 0.4)
        note_width = metrics(NOTE).horizontalAdvance(note) + 2
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(t.faint if command.why_not else t.text))
        painter.setFont(font(BODY))
        room = area.width() - note_width - 32
        title = metrics(BODY).elidedText(command.title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(area.left() + 10, area.top(), room, area.height()), middle, title)
        painter.setPen(QColor(t.secondary))
        painter.setFont(font(NOTE))
        right = QRectF(area.right() - note_width - 10, area.top(), note_width, area.height())
        painter.drawText(right, middle | Qt.AlignmentFlag.AlignRight, note)
        painter.restore()

"""A title and a value typed as text, where no slider would help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget

from explorer.errors import ExplorerError
from explorer.scenario.path import ScenarioValueError
from explorer.ui.controls.value_text import ValueText


class ValueRow(QWidget):
    """A text is taken when it can be read and the document accepts it; else the old one stays."""

    value_edited = Signal(object)
    refused = Signal(str)

    def __init__(self, name: str, title: str, text: ValueText, meaning: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._title, self._text = title, text
        self._value: Any = None
        self.box = QLineEdit(self)
        self.box.setObjectName("value")
        self.box.setAccessibleName(title)
        self.box.setAccessibleDescription(meaning)
        self.box.setFixedHeight(24)
        self.box.setMinimumWidth(150)
        self.setToolTip(f"<p><b>{title}</b></p><p>{meaning}</p>")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 2, 0, 2)
        label = QLabel(title, self)
        label.setBuddy(self.box)
        line.addWidget(label, 1)
        line.addWidget(self.box)
        self.box.editingFinished.connect(self._on_typed)

    @property
    def value(self) -> Any:
        """The value shown."""
        return self._value

    def set_value(self, value: Any) -> None:
        """Show a value."""
        self._value = value
        if not (self.box.hasFocus() and self.box.isModified()):
            self._write()

    def attempt(self, change: Callable[[], None]) -> None:
        """Make a change, or put the old value back and tell why."""
        try:
            change()
        except ScenarioValueError as error:
            self._refuse(error.words)
        except ExplorerError as error:
            self._refuse(str(error))

    def _write(self) -> None:
        self.box.setText(self._text.format(self._value))
        self.box.setModified(False)

    def _refuse(self, why: str) -> None:
        self._write()
        self.refused.emit(f"{self._title}: {why}")

    def _on_typed(self) -> None:
        if not self.box.isModified():
            return
        try:
            value = self._text.parse(self.box.text())
        except ValueError as error:
            self._refuse(str(error))
            return
        self.box.setModified(False)
        self.value_edited.emit(value)
        self._write()

"""A non-modal bar for errors and remarks: a short text, its detail on request, and a way to copy it."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from explorer.ui import theme

Kind = Literal["error", "remark"]
SIGNS = {"error": "✗", "remark": "i"}
SHORT = 150


class MessageBar(QWidget):
    """Shows one message at a time; hidden when there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messages")
        self.setAccessibleName("Message")
        self.kind: Kind = "remark"
        self.text = ""
        self._label = QLabel(self)
        self._label.setObjectName("message.text")
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._detail = QPlainTextEdit(self)
        self._detail.setObjectName("message.detail")
        self._detail.setAccessibleName("Message, in full")
        self._detail.setReadOnly(True)
        self._detail.setMaximumHeight(110)
        self.more, self.copy, self.dismiss = (QToolButton(self) for _ in range(3))
        for button, name, text, tip in (
            (self.more, "more", "details", "Show the message in full"),
            (self.copy, "copy", "copy", "Copy the message"),
            (self.dismiss, "dismiss", "✕", "Close the message"),
        ):
            button.setText(text)
            button.setProperty("action", name)
            button.setAccessibleName(tip)
            button.setToolTip(tip)
            button.setMinimumSize(24, 24)
        self.more.setCheckable(True)
        line = QHBoxLayout()
        line.setContentsMargins(12, 3, 6, 3)
        line.addWidget(self._label, 1)
        for button in (self.more, self.copy, self.dismiss):
            line.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(line)
        column.addWidget(self._detail)
        self.more.toggled.connect(self._detail.setVisible)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text))
        self.dismiss.clicked.connect(self.clear)
        self._detail.hide()
        self.hide()

    def show_message(self, text: str, kind: Kind = "error") -> None:
        """Show a text; its first line stands in the bar."""
        self.kind, self.text = kind, text
        first, _, rest = text.strip().partition("\n")
        long = bool(rest) or len(first) > SHORT
        count = f"  (+{len(rest.splitlines())} more)" if rest else ""
        self._label.setText(f"{SIGNS[kind]}  {first[:SHORT] + '…' if len(first) > SHORT else first}{count}")
        self._label.setToolTip(first)
        self._detail.setPlainText(text)
        self.more.setVisible(long)
        self.more.setChecked(False)
        self.setAccessibleDescription(text)
        self.show()
        self.update()

    def clear(self) -> None:
        """Hide the bar."""
        self.text = ""
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """An amber wash with a rule of the kind's colour at its left."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(t.amber_wash if self.kind == "error" else t.accent_wash))
        painter.fillRect(0, 0, 3, self.height(), QColor(t.bad if self.kind == "error" else t.accent))

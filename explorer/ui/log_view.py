"""A window that shows the end of the log, to be read and copied."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from explorer.ui.log import LogFile

NOTHING = "Nothing has gone wrong so far: the log is empty."


class LogView(QDialog):
    """Non-modal; shows the log as it was when opened or refreshed."""

    def __init__(self, log_file: LogFile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("log")
        self.setWindowTitle("Log")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._log_file = log_file
        self.place = QLabel(str(log_file.path), self)
        self.place.setObjectName("note")
        self.place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text = QPlainTextEdit(self)
        self.text.setObjectName("log.text")
        self.text.setAccessibleName("Log")
        self.text.setReadOnly(True)
        self.text.setPlaceholderText(NOTHING)
        self.refresh_button, self.copy, self.leave = (
            QPushButton(title, self) for title in ("Refresh", "Copy", "Close")
        )
        row = QHBoxLayout()
        row.addWidget(self.place, 1)
        for button in (self.refresh_button, self.copy, self.leave):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.addWidget(self.text, 1)
        column.addLayout(row)
        self.resize(820, 420)
        self.refresh_button.clicked.connect(self.refresh)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        self.leave.clicked.connect(self.close)
        self.refresh()

    def refresh(self) -> None:
        """Read the log again and show its end."""
        self.text.setPlainText(self._log_file.tail())
        self.text.moveCursor(QTextCursor.MoveOperation.End)

"""Gives a plot's words to screen readers when the hand rests: in every frame they would cost, and say, too much."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

REST_MS = 150


class SpokenSummary(QTimer):
    """Keeps the accessible description of `widget` at what `summary` says."""

    def __init__(self, widget: QWidget, summary: Callable[[], str]) -> None:
        super().__init__(widget)
        self._widget = widget
        self._summary = summary
        self.setSingleShot(True)
        self.setInterval(REST_MS)
        self.timeout.connect(self.refresh)

    def refresh_soon(self) -> None:
        """Refresh once nothing has changed for a moment; the first words are given at once."""
        if self._widget.accessibleDescription():
            self.start()
        else:
            self.refresh()

    def refresh(self) -> None:
        """Give the present words now."""
        words = self._summary()
        if words != self._widget.accessibleDescription():
            self._widget.setAccessibleDescription(words)

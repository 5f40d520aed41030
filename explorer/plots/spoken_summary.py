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
        self._given = self._asked_again = False
        self.setSingleShot(True)
        self.setInterval(REST_MS)
        self.timeout.connect(self._on_time)

    def refresh_soon(self) -> None:
        """Refresh once nothing has changed for a moment; the first words are given at once."""
        if not self._given:
            self.refresh()
        elif self.isActive():
            # asked in every frame: to begin anew each time would cost more than to wait once more at the end
            self._asked_again = True
        else:
            self.start()

    def refresh(self) -> None:
        """Give the present words now."""
        words = self._summary()
        self._given = bool(words)
        if words != self._widget.accessibleDescription():
            self._widget.setAccessibleDescription(words)

    def _on_time(self) -> None:
        if self._asked_again:
            self._asked_again = False
            self.start()
        else:
            self.refresh()

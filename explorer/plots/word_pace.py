"""How often words of a plot follow a moving hand: nobody reads a line that changes sixty times a second."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

WORDS_MS = 100
"""How long words stand at least while a hand moves."""


class WordPace(QTimer):
    """Lets words change at once, and then not for a while; calls `again` when those that came meanwhile may."""

    def __init__(self, parent: QWidget, again: Callable[[], object]) -> None:
        super().__init__(parent)
        self.setSingleShot(True)
        self.setInterval(WORDS_MS)
        self._again, self._missed = again, False
        self.timeout.connect(self._on_time)

    def due(self) -> bool:
        """Whether words may change now; if so they stand for a while from now on."""
        if self.isActive():
            self._missed = True
            return False
        self.start()
        return True

    def rest(self) -> bool:
        """The hand rests: whatever is new may be shown; whether anything waits to be."""
        missed, self._missed = self._missed, False
        self.stop()
        return missed

    def _on_time(self) -> None:
        if self._missed:
            self._missed = False
            self._again()

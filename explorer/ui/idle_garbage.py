"""Garbage is looked for between two moves of a hand, never within a frame."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

from explorer.ui.document import Document

LOOK_EVERY_MS = 1000
MOST_NEW = 200_000
"""New objects that may be about before a moving hand is made to wait: some megabytes."""


class IdleGarbage(QObject):
    """Takes over from the interpreter, which would look in the middle of a frame and take a fifth of it.

    What is there when it begins stays, and is never looked through. Objects that refer to each other in a circle are
    all that is at stake: any other goes at once, as always.
    """

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self._document = document
        gc.disable()
        gc.freeze()
        self._timer = QTimer(self, interval=LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        self.destroyed.connect(gc.enable)

    def look(self) -> None:
        """Look through the generations that are due, as the interpreter counts; later while a hand moves."""
        due = [count > most for count, most in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if self._document.is_dragging and gc.get_count()[0] < MOST_NEW:
            return
        if any(due):
            gc.collect(max(age for age, one in enumerate(due) if one))

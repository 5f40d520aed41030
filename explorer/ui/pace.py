"""How often a part of the window follows a moving hand: at once when it begins, then at a pace, and at its end."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from explorer.ui.document import Document


class NextTurn(QObject):
    """Calls `show` at once, but for an answer of the worker one turn of the event loop later.

    An answer changes all of the window: what the eye looks at first is painted, then the hand is heard, then the rest
    follows. Shown in one turn it would make the hand wait.
    """

    def __init__(self, document: Document, show: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._document, self._show = document, show
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(show)

    def ask(self) -> None:
        """Something is new to show."""
        if self._document.answers.is_arriving:
            self._timer.start()
            return
        self._timer.stop()
        self._show()


class Pace(QObject):
    """Calls `show` at once while no hand moves; during a drag at most every `interval` ms, the last time included.

    For what cannot be read while it runs, so that the plots and the verdict have the frame to themselves.
    """

    def __init__(self, document: Document, show: Callable[[], object], interval: int, parent: QObject) -> None:
        super().__init__(parent)
        self._document, self._show = document, show
        self._waiting = False
        self._timer = QTimer(self, singleShot=True, interval=interval)
        self._timer.timeout.connect(self._on_time)
        self._turn = NextTurn(document, self._now, self)
        document.dragging_changed.connect(self._on_dragging)

    def ask(self) -> None:
        """Something is new to show."""
        if self._document.is_dragging and self._timer.isActive():
            self._waiting = True
            return
        self._turn.ask()

    def _now(self) -> None:
        self._waiting = False
        if self._document.is_dragging:
            self._timer.start()
        self._show()

    def _on_time(self) -> None:
        if self._waiting:
            self._now()

    def _on_dragging(self, dragging: bool) -> None:
        if not dragging:
            self._timer.stop()
            if self._waiting:
                self._now()

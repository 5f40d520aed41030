"""The steps of undo: one change of values, and which changes are one move of the hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QElapsedTimer
from PySide6.QtGui import QUndoCommand

SERIES_MS = 1000
"""Key steps that follow each other within this time are one move of the hand."""
ALONE = -1
"""Of no hand: a step of its own."""


class ChangeCommand(QUndoCommand):
    """One undoable change: paths with their old and new values, never references to widgets or records."""

    def __init__(
        self,
        apply: Callable[[Mapping[str, Any]], None],
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        what: str,
        hand: int,
    ) -> None:
        super().__init__(f"change of {what}" if what else "change")
        self._apply, self._old, self._new, self._hand = apply, dict(old), dict(new), hand

    def id(self) -> int:
        """Commands of one hand share an id and merge; -1 never merges."""
        return self._hand

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take over the newer values of the same hand."""
        if not isinstance(other, ChangeCommand) or other._new.keys() != self._new.keys():
            return False
        self._new = other._new
        self.setObsolete(self._new == self._old)
        return True

    def undo(self) -> None:
        """Put the old values back."""
        self._apply(self._old)

    def redo(self) -> None:
        """Set the new values."""
        self._apply(self._new)


class Hand:
    """Numbers the moves of the hand: a drag from its beginning to its end, or keys that follow each other."""

    def __init__(self) -> None:
        self._drag = self._series = ALONE
        self._moves = 0
        self._stepped: tuple[str, ...] = ()
        self._since_step = QElapsedTimer()

    @property
    def is_dragging(self) -> bool:
        """True while something is held."""
        return self._drag != ALONE

    def take_hold(self) -> None:
        """All changes until `let_go` are one move."""
        self._moves += 1
        self._drag = self._moves

    def let_go(self) -> None:
        """What is held is held no longer."""
        self._drag = ALONE

    def move_of(self, paths: tuple[str, ...], stepped: bool) -> int:
        """The number of the move that a change of these values belongs to; `ALONE` where it belongs to none.

        What is `stepped` by keys joins the step before it when that was of the same values and not long ago.
        """
        if not stepped or self.is_dragging:
            return self._drag
        if paths != self._stepped or self._since_step.hasExpired(SERIES_MS):
            self._moves += 1
            self._stepped, self._series = paths, self._moves
        self._since_step.start()
        return self._series

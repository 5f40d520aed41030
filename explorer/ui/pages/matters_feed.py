"""What matters for the workload that is edited, computed by the worker while a page that shows it is seen."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from explorer.scenario.schema import Scenario
from explorer.study.studies import StudyAnswer
from explorer.study.what_matters import WhatMatters
from explorer.ui.document import Document

KIND = "matters"
NO_WORKER = "The worker process cannot be reached, so this cannot be computed; the next change starts it again."
REST_MS = 350
"""The hand has rested for so long: seconds of computing are not begun between two moves of it."""


class MattersFeed(QObject):
    """Asks for the newest state of the document once per page view and change, and keeps what came last."""

    changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._asked: tuple[Scenario, int] | None = None
        self._known: tuple[Scenario, int] | None = None
        self._number = 0
        self._watched = 0
        self.found: WhatMatters | None = None
        self.problem = ""
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._ask)
        document.answers.study_answered.connect(self._on_answer)
        document.scenario_changed.connect(self._on_moved)
        document.workload_changed.connect(self._on_moved)
        document.dragging_changed.connect(self._on_moved)

    @property
    def is_current(self) -> bool:
        """Whether what is known is about the document as it stands."""
        return self._is(self._known)

    def watch(self) -> None:
        """A page is seen: ask now if anything is new."""
        self._watched += 1
        self._ask()

    def leave(self) -> None:
        """A page is no longer seen; what nobody sees is not computed on."""
        self._watched = max(0, self._watched - 1)
        if not self._watched:
            self._rest.stop()
            if self._asked is not None:
                self._document.answers.end_study(KIND)
                self._asked = None

    def _is(self, state: tuple[Scenario, int] | None) -> bool:
        return state is not None and state[0] is self._document.scenario and state[1] == self._document.workload_index

    def _on_moved(self, _: object = None) -> None:
        if not self._watched:
            return
        if self._asked is not None and not self._is(self._asked):
            self._document.answers.end_study(KIND)
            self._asked = None
        self._rest.start()
        self.changed.emit()

    def _ask(self) -> None:
        if not self._watched or self.is_current or self._is(self._asked) or self._document.is_dragging:
            return
        if self._document.answers.problem is not None:
            self.problem = str(self._document.answers.problem)
            self.changed.emit()
            return
        self._asked = (self._document.scenario, self._document.workload_index)
        self._number = self._document.answers.ask_study(KIND, self._document.workload_index)
        if not self._number:
            self._known, self._asked, self.found = self._asked, None, None
            self.problem = NO_WORKER
        self.changed.emit()

    def _on_answer(self, answer: StudyAnswer) -> None:
        if answer.kind != KIND or answer.number != self._number or not answer.last or self._asked is None:
            return
        self._known, self._asked = self._asked, None
        self.problem = "" if answer.problem is None else answer.problem.message
        self.found = answer.found if answer.problem is None else None
        self.changed.emit()


def matters_feed(document: Document, parent: QObject) -> MattersFeed:
    """The feed that the pages of one window share."""
    kept = parent.findChild(MattersFeed)
    return kept if isinstance(kept, MattersFeed) else MattersFeed(document, parent)

"""The evidence on chips, looked up once each by the worker; and where their figures come from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from explorer.study.evidence.of_chip import ChipEvidence
from explorer.study.figure_sources import FigureSource, figure_sources
from explorer.study.studies import StudyAnswer
from explorer.ui.document import Document

KIND = "evidence"


class EvidenceFeed(QObject):
    """Measurements do not change while the window is open, so each chip is looked up once."""

    changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._known: dict[str, ChipEvidence] = {}
        self._asked: set[str] = set()
        self.problem = ""
        document.answers.study_answered.connect(self._on_answer)

    def look_up(self, chips: Sequence[str]) -> None:
        """Have the worker look up chips that were not yet."""
        wanted = set(chips) - set(self._known)
        if wanted and not wanted <= self._asked:
            self._asked |= wanted
            self._document.answers.ask_study(KIND, tuple(sorted(self._asked - set(self._known))))

    def evidence(self, chip: str) -> ChipEvidence | None:
        """The evidence on a chip; None while it is looked up."""
        return self._known.get(chip)

    def figures(self, chip: str) -> tuple[FigureSource, ...]:
        """Where a chip's figures come from, as the scenario uses them."""
        return figure_sources(self._document.scenario, self._document.catalog, chip)

    def _on_answer(self, answer: StudyAnswer) -> None:
        if answer.kind != KIND:
            return
        self.problem = "" if answer.problem is None else answer.problem.message
        if answer.problem is not None:
            self._asked.clear()
        elif answer.found:
            self._known.update(answer.found)
        self.changed.emit()

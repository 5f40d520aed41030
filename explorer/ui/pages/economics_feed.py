"""The economics of the answer on the screen, computed once for all pages and only when one of them is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.study.frontier import Frontier, fleet_frontier
from explorer.study.outcome import Outcome
from explorer.ui.document import Document

if TYPE_CHECKING:
    from explorer.study.economics import Part


class EconomicsFeed(QObject):
    """Holds the scenario and the outcome that belong together; asks the study for the economics when they are read."""

    changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._scenario: Scenario = document.scenario
        self._outcome: Outcome = document.outcome
        self._answer: Outcome | None = None
        self._parts: frozenset[Part] = frozenset()
        self.problem = ""
        document.outcome_changed.connect(self._on_outcome)

    @property
    def scenario(self) -> Scenario:
        """The scenario that the answer is about."""
        return self._scenario

    @property
    def outcome(self) -> Outcome:
        """The outcome as it came."""
        return self._outcome

    def answer(self, *parts: Part) -> Outcome:
        """The outcome with these parts of its economics, and those asked for before; without any where they cannot be
        had, `problem` then says why."""
        if self._answer is None or not self._parts.issuperset(parts):
            from explorer.study.economics import with_economics

            self.problem, self._parts = "", self._parts.union(parts)
            try:
                self._answer = with_economics(self._scenario, self._document.catalog, self._outcome, self._parts)
            except ExplorerError as error:
                self.problem = str(error)
                self._answer = self._outcome
        return self._answer

    def frontier(self, tier: str) -> Frontier | None:
        """The frontier at one tier; None where it cannot be had."""
        try:
            return fleet_frontier(self._scenario, self._document.catalog, self._outcome, tier)
        except ExplorerError as error:
            self.problem = str(error)
            return None

    def _on_outcome(self, outcome: Outcome) -> None:
        self._scenario, self._outcome = self._document.scenario, outcome
        self._answer, self._parts = None, frozenset()
        self.changed.emit()

"""The economics of the answer on the screen, computed once for all pages and only when one of them is seen."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.study.frontier import Frontier, fleet_frontier
from explorer.study.outcome import Outcome
from explorer.ui.document import Document


class EconomicsFeed(QObject):
    """Holds the scenario and the outcome that belong together; asks the study for the economics when they are read."""

    changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._scenario: Scenario = document.scenario
        self._outcome: Outcome = document.outcome
        self._answer: Outcome | None = None
        self._has_shocks = False
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

    def answer(self, shocks: bool = True) -> Outcome:
        """The outcome with its economics; without them where they cannot be had, `problem` then says why.

        Shocks may be missing from it where none are asked for.
        """
        if self._answer is None or (shocks and not self._has_shocks):
            from explorer.study.economics import with_economics

            self.problem, self._has_shocks = "", shocks
            try:
                self._answer = with_economics(self._scenario, self._document.catalog, self._outcome, shocks=shocks)
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
        self._scenario, self._outcome, self._answer = self._document.scenario, outcome, None
        self.changed.emit()

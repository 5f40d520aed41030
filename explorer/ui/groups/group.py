"""What every group of the left panel is: controls bound to the document, refreshed from scenario and outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.study.outcome import Outcome, WorkloadOutcome
from explorer.ui.binding import Bound, BoundChoice, BoundSlider, Place, attempt
from explorer.ui.controls.choice_row import ChoiceRow
from explorer.ui.controls.folding_group import FoldingGroup
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.reset_button import ResetButton
from explorer.ui.document import Document


class Group(QWidget):
    """Controls of one subject; `refused` carries what could not be taken, `accepted` that a typed text was."""

    refused = Signal(str)
    accepted = Signal()
    subject = "settings"
    """What an undo of a reset of this group speaks of."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self._bound: list[Bound] = []

    def bind(
        self,
        slider: ParameterSlider,
        place: Place,
        what: str,
        write: Callable[[Any], Mapping[str, Any]] | None = None,
        read: Callable[[Any], Any] | None = None,
        then: Callable[[Scenario], Any] | None = None,
        back: Callable[[Scenario], Mapping[str, Any]] | None = None,
    ) -> ParameterSlider:
        """Tie a slider to a path; see BoundSlider."""
        self._bound.append(BoundSlider(self.document, slider, place, what, write, read, then, back))
        slider.refused.connect(self.refused)
        slider.accepted.connect(self.accepted)
        return slider

    def bind_choice(
        self,
        row: ChoiceRow,
        place: Place,
        what: str,
        write: Callable[[Any], Mapping[str, Any]] | None = None,
        read: Callable[[Any], Any] | None = None,
    ) -> ChoiceRow:
        """Tie a row of segments to a path; see BoundChoice."""
        self._bound.append(BoundChoice(self.document, row, place, what, self.refused.emit, write, read))
        return row

    def change(self, changes: Mapping[str, Any], what: str) -> None:
        """Make changes as one undoable step, or tell why not."""
        attempt(self.document, self.refused.emit, lambda: changes, what)

    def reset_paths(self) -> tuple[str, ...]:
        """What a reset of the group brings back: all that its controls write, save what is locked."""
        return tuple(path for bound in self._bound for path in bound.paths)

    def reset(self, then: Scenario) -> None:
        """Bring the group back to another scenario, as one undoable step."""
        try:
            self.document.reset(then, self.reset_paths(), self.subject)
        except ExplorerError as error:
            self.refused.emit(str(error))

    def refresh(self) -> None:
        """Show the scenario's values."""
        for bound in self._bound:
            bound.refresh()

    def show_outcome(self, outcome: Outcome) -> None:
        """Show what the answer says about these controls."""

    def workload_outcome(self, outcome: Outcome) -> WorkloadOutcome:
        """The answer about the workload that is edited."""
        return outcome.workloads[self.document.workload_index]


class FoldedGroup(Group):
    """A group that folds to its title and summary; controls are added to `rows`."""

    def __init__(self, document: Document, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        self.setObjectName(f"group.{name}")
        self.subject = title.lower()
        self.frame = FoldingGroup(name, title, self)
        self.frame.add_to_head(ResetButton(self, title))
        self.rows = self.frame.rows
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.frame)
        self.frame.folded.connect(self._on_folded)

    def summary(self) -> str:
        """The group in one line."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Show the scenario's values; those of a folded group only in its summary."""
        if self.frame.is_open:
            super().refresh()
        self.frame.header.set_summary(self.summary())

    def _on_folded(self, folded: bool) -> None:
        if not folded:
            self.refresh()
            self.show_outcome(self.document.outcome)

"""Chips: up to four alternatives compared, one of them selected."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.catalog.chip import Chip
from explorer.plots.tokens import MAX_CHIPS
from explorer.scenario.locks import locks_without
from explorer.scenario.workload import Alternative
from explorer.study.outcome import AlternativeOutcome, Outcome
from explorer.study.reach import CLAIMED
from explorer.ui.controls.chip_list import ChipList, ChipRow
from explorer.ui.controls.folding_group import Heading
from explorer.ui.controls.record_picker import Pick, RecordPicker
from explorer.ui.controls.reset_button import ResetButton
from explorer.ui.document import Document
from explorer.ui.groups.group import Group


class ChipsGroup(Group):
    """The list of compared chips, with search to add and to change."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        self._replacing: int | None = None
        self.heading = Heading("Chips", self)
        self.change_button = self.heading.add_button("change", "change", "Change the chip of the selected alternative")
        self.remove_button = self.heading.add_button("remove", "remove", "Remove the selected alternative")
        self.add_button = self.heading.add_button("compare", "+ compare", "Compare a further chip, up to four")
        self.subject = "compared chips"
        self.heading.add(ResetButton(self, "Chips"))
        self.list = ChipList("chips", self)
        self.picker = RecordPicker("chips", "search a chip", self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.heading)
        column.addWidget(self.list)
        self.add_button.clicked.connect(self._on_add)
        self.change_button.clicked.connect(lambda: self._on_change(self.document.alternative_index))
        self.remove_button.clicked.connect(lambda: self._on_remove(self.document.alternative_index))
        self.list.chosen.connect(self._on_chosen)
        self.list.remove_requested.connect(self._on_remove)
        self.list.change_requested.connect(self._on_change)
        self.picker.picked.connect(self._on_picked)

    def reset_paths(self) -> tuple[str, ...]:
        """The list of chips with all that is set for each, and which one is selected."""
        return tuple(self.document.workload_path(key) for key in ("alternatives", "selected"))

    def refresh(self) -> None:
        """Show the alternatives of the scenario; warnings come with the outcome."""
        alternatives = self.document.workload.alternatives
        outcome = self.workload_outcome(self.document.outcome)
        answered = {one.name: one for one in outcome.alternatives}
        rows = [self._row(alternative, answered.get(alternative.name)) for alternative in alternatives]
        self.list.show_rows(rows, self.document.alternative_index)
        self.add_button.setEnabled(len(alternatives) < MAX_CHIPS)
        self.remove_button.setEnabled(len(alternatives) > 1)

    def show_outcome(self, outcome: Outcome) -> None:
        """Warnings of the answer."""
        self.refresh()

    def _row(self, alternative: Alternative, answer: AlternativeOutcome | None) -> ChipRow:
        chip = self.document.catalog.chip(alternative.chip)
        warning, is_broken = "", False
        if answer is not None and answer.chip == alternative.chip:
            if not answer.memory.fits:
                warning, is_broken = "does not fit", True
            elif not answer.within_power_limit:
                warning = "too much power"
            elif not answer.keeps_promises:
                warning, is_broken = "breaks a promise", True
            elif not answer.available:
                # AWS never said that it has AI200; that it has not is not known either
                warning = "unconfirmed" if CLAIMED in answer.availability_note else "not available"
        label = chip.name if alternative.name in (chip.name, chip.short_name) else alternative.name
        return ChipRow(label, chip.evidence_grade, warning, is_broken)

    def _picks(self) -> list[Pick]:
        chips = sorted(self.document.catalog.chips.values(), key=lambda chip: chip.name.lower())
        return [
            Pick(chip.id, chip.name, chip.evidence_grade, f"{chip.vendor} {' '.join(chip.offered_by)}")
            for chip in chips
        ]

    def _open_picker(self, current: str) -> None:
        self.picker.open_at(self.heading.mapToGlobal(QPoint(0, self.heading.height())), self._picks(), current)

    def _on_add(self) -> None:
        self._replacing = None
        self._open_picker("")

    def _on_change(self, index: int) -> None:
        self._replacing = index
        self._open_picker(self.document.workload.alternatives[index].chip)

    def _on_picked(self, chip_id: str) -> None:
        if self._replacing is None:
            self.add_chip(chip_id)
        else:
            self.change_chip(self._replacing, chip_id)

    def _on_chosen(self, index: int) -> None:
        name = self.document.workload.alternatives[index].name
        self.change({self.document.workload_path("selected"): name}, "selected chip")

    def _on_remove(self, index: int) -> None:
        alternatives = self.document.workload.alternatives
        if len(alternatives) == 1:
            self.refused.emit("the last chip stays: there is nothing to show without one")
            return
        left = alternatives[:index] + alternatives[index + 1 :]
        locks = locks_without(self.document.scenario.locks, self.document.workload_path("alternatives"), index)
        self._set_alternatives(left, left[min(index, len(left) - 1)].name, "compared chips", locks)

    def add_chip(self, chip_id: str) -> None:
        """Compare a further chip, served like the selected one."""
        chip = self.document.catalog.chip(chip_id)
        present = self.document.workload.alternatives
        pattern = self.document.alternative
        added = Alternative(
            name=_free_name(chip.short_name, [one.name for one in present]),
            chip=chip.id,
            cloud=_cloud(chip, pattern.cloud),
            max_batch=pattern.max_batch,
            token_budget=pattern.token_budget,
            spare_replicas=pattern.spare_replicas,
        )
        self._set_alternatives((*present, added), added.name, "compared chips")

    def change_chip(self, index: int, chip_id: str) -> None:
        """Put another chip in an alternative's place; what only the old chip allows becomes automatic."""
        present = self.document.workload.alternatives
        old = present[index]
        if old.chip == chip_id:
            return
        chip = self.document.catalog.chip(chip_id)
        others = [one.name for place, one in enumerate(present) if place != index]
        degree = old.parallelism_degree if old.parallelism_degree in chip.degrees else "auto"
        changed = old.model_copy(
            update={
                "name": _free_name(chip.short_name, others),
                "chip": chip.id,
                "cloud": _cloud(chip, old.cloud),
                "offer": None,
                "parallelism_degree": degree,
                "layout": "auto",
            }
        )
        alternatives = (*present[:index], changed, *present[index + 1 :])
        selected = changed.name if old.name == self.document.workload.selected else self.document.workload.selected
        self._set_alternatives(alternatives, selected, "chip")

    def _set_alternatives(
        self, alternatives: tuple[Any, ...], selected: str, what: str, locks: tuple[str, ...] | None = None
    ) -> None:
        path = self.document.workload_path
        changes: dict[str, Any] = {path("alternatives"): alternatives, path("selected"): selected}
        self.change(changes if locks is None else {**changes, "locks": locks}, what)


def _free_name(wanted: str, taken: list[str]) -> str:
    names = [wanted, *(f"{wanted} {number}" for number in range(2, MAX_CHIPS + 2))]
    return next(name for name in names if name not in taken)


def _cloud(chip: Chip, wanted: str) -> str:
    """The cloud asked for where the chip can be had there, else the chip's first; none when nobody offers it."""
    if wanted in chip.offered_by:
        return wanted
    return chip.offered_by[0] if chip.offered_by else ""

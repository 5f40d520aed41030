"""Serving: batch size and parallelism degree of the selected alternative."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.scenario.quantities import QUANTITIES
from explorer.study.outcome import Outcome
from explorer.ui.controls.folding_group import Heading
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.reset_button import ResetButton
from explorer.ui.controls.scale import LogScale, StopScale, Value
from explorer.ui.controls.value_text import ValueText, text_of
from explorer.ui.document import Document
from explorer.ui.groups.group import Group

AUTO = "auto"
CAP = (
    "Batch size, at most",
    (
        "The scheduler's cap on concurrent sequences of a replica. Under open-loop traffic the batch itself "
        "is an outcome: see the line below."
    ),
)
USERS = (
    "Users of each replica",
    "In a closed loop so many users of each replica ask again as soon as they are served; the rate is an outcome.",
)
BATCHES = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0)


class ServingGroup(Group):
    """How the selected alternative is run."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        self._degrees: tuple[int, ...] = ()
        self._auto_degree: int | None = None
        self.heading = Heading("Serving", self)
        self.batch = ParameterSlider(
            "batch_size",
            CAP[0],
            LogScale(1, 4096, BATCHES, integer=True),
            text_of(QUANTITIES["batch"], integer=True),
            CAP[1],
            caption=True,
        )
        self.degree = ParameterSlider(
            "parallelism_degree",
            "Parallelism degree",
            StopScale((AUTO,)),
            self._degree_text(),
            "Chips in one replica. The stops are the degrees that this chip and model allow; auto takes the best.",
            caption=True,
        )
        self.to_all = self.heading.add_button(
            "degree_to_all", "degree to all", "Apply this parallelism degree to all compared chips"
        )
        self.subject = "serving"
        self.heading.add(ResetButton(self, "Serving"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for row in (self.heading, self.batch, self.degree):
            column.addWidget(row)
        path = document.alternative_path
        self.bind(self.batch, lambda: path("max_batch"), "batch size")
        self.bind(self.degree, lambda: path("parallelism_degree"), "parallelism degree", self._split_into)
        self.to_all.clicked.connect(self._on_to_all)

    def reset_paths(self) -> tuple[str, ...]:
        """The layout goes with the degree."""
        layout = () if self.degree.locked else (self.document.alternative_path("layout"),)
        return (*layout, *super().reset_paths())

    def refresh(self) -> None:
        """Show the scenario's values; in a closed loop the batch is a number of users."""
        self.batch.set_title(*(USERS if self.document.workload.traffic.mode == "closed_loop" else CAP))
        super().refresh()

    def show_outcome(self, outcome: Outcome) -> None:
        """Legal stops, and what became of batch and layout."""
        chosen = self.workload_outcome(outcome).chosen
        self._set_degrees(chosen.legal_degrees)
        auto = chosen.degree if chosen.degree_is_auto else None
        if auto != self._auto_degree:
            self._auto_degree = auto
            self.degree.set_text(self._degree_text())
        self.batch.set_caption(chosen.batch.sentence if chosen.batch is not None else chosen.reason)
        self.degree.set_caption(chosen.layout_sentence)

    def _set_degrees(self, degrees: tuple[int, ...]) -> None:
        if degrees != self._degrees:
            self._degrees = degrees
            self.degree.set_scale(StopScale((AUTO, *degrees)))

    def _degree_text(self) -> ValueText:
        return ValueText(self._written_degree, self._read_degree, str)

    def _written_degree(self, value: Value) -> str:
        if value == AUTO:
            return AUTO if self._auto_degree is None else f"auto: {self._auto_degree}"
        return QUANTITIES["chips"].format(float(value))

    def _read_degree(self, text: str) -> Value:
        if text.strip().lower().startswith(AUTO):
            return AUTO
        degree = round(QUANTITIES["chips"].parse(text))
        if self._degrees and degree not in self._degrees:
            allowed = ", ".join(str(one) for one in self._degrees)
            raise ValueError(f"{degree} is not possible here; allowed: auto, {allowed}")
        return degree

    def _split_into(self, degree: Value) -> Mapping[str, Any]:
        """A layout set by hand says the degree already, so a new degree makes the layout automatic again."""
        path = self.document.alternative_path
        changes: dict[str, Any] = {path("parallelism_degree"): degree}
        if self.document.alternative.layout != AUTO or self.document.is_dragging:
            changes[path("layout")] = AUTO
        return changes

    def _on_to_all(self) -> None:
        index, degree = self.document.workload_index, self.document.alternative.parallelism_degree
        outcome = self.workload_outcome(self.document.outcome)
        changes: dict[str, Any] = {}
        left_out: list[str] = []
        for place, alternative in enumerate(outcome.alternatives):
            if degree != AUTO and degree not in alternative.legal_degrees:
                left_out.append(alternative.name)
                continue
            changes[f"workloads.{index}.alternatives.{place}.parallelism_degree"] = degree
            changes[f"workloads.{index}.alternatives.{place}.layout"] = AUTO
        self.change(changes, "parallelism degree of all")
        if left_out:
            self.refused.emit(f"{degree} chips a replica is not possible for {', '.join(left_out)}: left as it was")

"""Model: preset, size within its family, precision of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.catalog.model import Model, parameter_count
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import Scenario
from explorer.ui.controls.choice_row import ChoiceRow
from explorer.ui.controls.folding_group import Heading
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.record_picker import Pick, RecordPicker
from explorer.ui.controls.reset_button import ResetButton
from explorer.ui.controls.scale import LogScale
from explorer.ui.controls.value_text import text_of
from explorer.ui.document import Document
from explorer.ui.groups.group import Group
from explorer.ui.resets import value_in

SMALLEST, LARGEST = 0.5, 10_000.0
BILLION = 1e9
NEAR_PRESET = 0.02

FOUR_BIT = "4-bit"

PRECISIONS = (
    ("bf16", "BF16", "Two bytes a weight: the precision most models are trained in"),
    ("fp8", "FP8", "One byte a weight; a chip without FP8 hardware computes in its best supported format"),
    ("int8", "INT8", "One byte a weight, integers"),
    (
        FOUR_BIT,
        "4-bit",
        "Half a byte a weight plus scales, in the model's own 4-bit format; weight-only on most chips",
    ),
)


class ModelGroup(Group):
    """Which model is served, and how large."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        self._family: dict[str, float] = {}
        self._family_name: str | None = None
        self._preset_at_grip = ""
        self.heading = Heading("Model", self)
        self.preset_button = self.heading.add_button("preset", "", "Choose a model from the catalogue")
        self.subject = "model"
        self.heading.add(ResetButton(self, "Model"))
        self.picker = RecordPicker("models", "search a model", self)
        self.size_slider = ParameterSlider(
            "model_size",
            "Model size",
            LogScale(SMALLEST, LARGEST),
            text_of(QUANTITIES["parameters"], BILLION, exact=False),
            "Total parameters. Scales the chosen model's family continuously; exact at the presets, "
            "which are marked and snap.",
        )
        self.precision = ChoiceRow(
            "weight_precision", "Weights", PRECISIONS, "Bytes a weight, the same for all chips compared"
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for row in (self.heading, self.size_slider, self.precision):
            column.addWidget(row)
        path = document.workload_path
        self.bind(
            self.size_slider,
            lambda: path("model.size_billion"),
            "model size",
            self._resized,
            self._size,
            self._size_then,
            self._back,
        )
        self.bind_choice(
            self.precision,
            lambda: path("model.weight_precision"),
            "weight precision",
            self._weighed,
            _segment,
        )
        self.size_slider.drag_started.connect(self._on_gripped)
        self.preset_button.clicked.connect(self._on_preset_button)
        self.picker.picked.connect(self._on_picked)

    def refresh(self) -> None:
        """Show preset, size and precision; the ticks are the family's presets."""
        model = self.document.catalog.model(self.document.workload.model.preset)
        if model.family != self._family_name:
            self._family_name = model.family
            self._take_family({model.id: _billions(model)})
            # Finding the family reads every model there is: after the window has been painted.
            QTimer.singleShot(0, self, self._find_family)
        self.preset_button.setText(f"{model.name} ▾") if self._preset_text() != model.name else None
        super().refresh()
        if not self.document.is_dragging:
            self._preset_at_grip = model.id

    def _find_family(self) -> None:
        models = self.document.catalog.models.values()
        self._take_family({one.id: _billions(one) for one in models if one.family == self._family_name})

    def _take_family(self, family: dict[str, float]) -> None:
        self._family = family
        self.size_slider.set_scale(LogScale(SMALLEST, LARGEST, tuple(sorted(family.values()))))

    def _preset_text(self) -> str:
        return self.preset_button.text().removesuffix(" ▾")

    def _preset_size(self, preset: str) -> float:
        return _billions(self.document.catalog.model(preset))

    def _size(self, size: float | None) -> float:
        return self._preset_size(self.document.workload.model.preset) if size is None else size

    def _size_then(self, then: Scenario) -> float:
        model = value_in(then, self.document.scenario, self.document.workload_path("model"))
        return float(model.size_billion or self._preset_size(model.preset))

    def _back(self, then: Scenario) -> Mapping[str, Any]:
        path = self.document.workload_path
        model = value_in(then, self.document.scenario, path("model"))
        return {path("model.preset"): model.preset, path("model.size_billion"): model.size_billion}

    def reset_paths(self) -> tuple[str, ...]:
        """The preset goes with the size."""
        size = () if self.size_slider.locked else (self.document.workload_path("model.preset"),)
        return (*size, *super().reset_paths())

    def _resized(self, size: float) -> Mapping[str, Any]:
        """A size near a preset of the family is that preset; any other scales the preset held at the grip."""
        path = self.document.workload_path
        near = min(self._family, key=lambda one: abs(self._family[one] / size - 1))
        if abs(self._family[near] / size - 1) <= NEAR_PRESET:
            return {path("model.preset"): near, path("model.size_billion"): None}
        return {path("model.preset"): self._preset_at_grip, path("model.size_billion"): size}

    def _weighed(self, segment: str) -> Mapping[str, Any]:
        """Four bits in the model's own format: integers where it was made for them, else floating point."""
        model = self.document.catalog.model(self.document.workload.model.preset)
        four_bit = "int4" if model.native_precision.startswith("int4") else "fp4"
        precision = four_bit if segment == FOUR_BIT else segment
        return {self.document.workload_path("model.weight_precision"): precision}

    def _on_gripped(self) -> None:
        self._preset_at_grip = self.document.workload.model.preset

    def _on_preset_button(self) -> None:
        models = sorted(self.document.catalog.models.values(), key=lambda one: (one.family, _billions(one)))
        picks = [
            Pick(
                one.id,
                one.name,
                QUANTITIES["parameters"].format(parameter_count(one)),
                f"{one.family} {' '.join(one.aliases)}",
            )
            for one in models
        ]
        corner = self.heading.mapToGlobal(QPoint(0, self.heading.height()))
        self.picker.open_at(corner, picks, self.document.catalog.model(self.document.workload.model.preset).id)

    def _on_picked(self, preset: str) -> None:
        path = self.document.workload_path
        self.change({path("model.preset"): preset, path("model.size_billion"): None}, "model")


def _segment(precision: str) -> str:
    return FOUR_BIT if precision in ("fp4", "int4") else precision


def _billions(model: Model) -> float:
    return parameter_count(model) / BILLION

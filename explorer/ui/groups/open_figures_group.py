"""Open figures: one slider for each disputed or undisclosed figure of the selected chip."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from explorer.scenario.path import get
from explorer.scenario.quantities import restated
from explorer.scenario.schema import Override, Scenario
from explorer.scenario.wording import written
from explorer.study.outcome import OpenFigure, Outcome
from explorer.ui.binding import attempt, hold
from explorer.ui.controls.folding_group import Heading
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.scale import Value
from explorer.ui.controls.value_text import ValueText
from explorer.ui.document import Document
from explorer.ui.groups.group import FoldedGroup
from explorer.ui.groups.open_figure_guise import Guise, caption_of, guise_of, override_by_belief, override_by_value


class OpenFiguresGroup(FoldedGroup):
    """Belief in a reading where figures are disputed, a value within the range where they are undisclosed."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "open_figures", "Open figures", parent)
        self._shown: tuple[OpenFigure, ...] = ()
        self.sliders: dict[str, ParameterSlider] = {}
        self._marked: tuple[Scenario, Scenario] | None = None
        self.heading = Heading("of the selected chip", self)
        self.reset_button = self.heading.add_button(
            "reset_figures", "reset all", "Give up all own values of this chip's figures"
        )
        self.none = QLabel("Every figure of this chip that the answer needs is published.", self)
        self.none.setObjectName("note")
        self.none.setWordWrap(True)
        self._list = QWidget(self)
        self._column = QVBoxLayout(self._list)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.rows.addWidget(self.heading)
        self.rows.addWidget(self.none)
        self.rows.addWidget(self._list)
        self.reset_button.clicked.connect(self._on_reset_all)

    def show_outcome(self, outcome: Outcome) -> None:
        """The figures of the selected chip, as the answer used them."""
        figures = self.workload_outcome(outcome).chosen.open_figures
        if [_key(one) for one in figures] != [_key(one) for one in self._shown] or (
            figures and not self.sliders and self.frame.is_open
        ):
            self._shown = figures
            self._rebuild()
        self._shown = figures
        self.frame.header.set_summary(self.summary())
        if not self.frame.is_open:
            return
        for figure in figures:
            slider = self.sliders[_key(figure)]
            self._disguise(slider, figure)
            slider.set_value(self._now(figure))
            slider.set_caption(caption_of(figure, self._is_by_value(figure)))
        self._mark()
        self.reset_button.setEnabled(any(figure.overridden for figure in figures))

    def refresh(self) -> None:
        """Locks at once; values come with the answer that used them."""
        super().refresh()
        for figure in self._shown:
            if (slider := self.sliders.get(_key(figure))) is not None:
                slider.set_locked(self._is_locked(figure))

    def _mark(self) -> None:
        """Where baseline and file have each figure: they hardly ever change, and this is asked in every frame."""
        then = self.document.baseline, self.document.filed
        if self._marked is not None and self._marked[0] is then[0] and self._marked[1] is then[1]:
            return
        self._marked = then
        for figure in self._shown:
            slider = self.sliders[_key(figure)]
            slider.set_baseline(self._then(figure, then[0]))
            slider.set_filed(self._then(figure, then[1]))

    def summary(self) -> str:
        """How many there are and how many were set by hand."""
        if not self._shown:
            return "none"
        own = sum(figure.overridden for figure in self._shown)
        counted = f"{len(self._shown)}, {own} set" if own else f"{len(self._shown)}"
        return f"{counted} · {self.workload_outcome(self.document.outcome).chosen.chip_name}"

    def _rebuild(self) -> None:
        while self._column.count():
            item = self._column.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.sliders = {}
        self._marked = None
        if not self.frame.is_open:
            return
        self.none.setVisible(not self._shown)
        self.heading.setVisible(bool(self._shown))
        for figure in self._shown:
            slider = self._slider(figure)
            self.sliders[_key(figure)] = slider
            self._column.addWidget(slider)

    def _slider(self, figure: OpenFigure) -> ParameterSlider:
        guise = guise_of(figure, self._is_by_value(figure))
        slider = ParameterSlider(
            f"open.{figure.figure}",
            guise.title,
            guise.scale,
            self._text_of(figure, guise),
            guise.meaning,
            caption=True,
            box_width=guise.box_width,
        )
        slider.set_badge(figure.status)
        self._dress(slider, figure, guise)
        slider.value_edited.connect(partial(self._on_edited, figure))
        slider.drag_started.connect(self.document.begin_drag)
        slider.drag_finished.connect(self.document.end_drag)
        self.document.dragging_changed.connect(slider.follow_drag)
        slider.reset_requested.connect(lambda: self._on_reset(figure, self.document.baseline))
        slider.file_reset_requested.connect(lambda: self._on_reset(figure, self.document.filed))
        slider.set_locked(self._is_locked(figure))
        slider.locked_changed.connect(partial(self._on_locked, figure))
        slider.refused.connect(self.refused)
        slider.accepted.connect(self.accepted)
        return slider

    def _text_of(self, figure: OpenFigure, guise: Guise) -> ValueText:
        return replace(guise.text, format=partial(self._written, figure, guise.text))

    def _written(self, figure: OpenFigure, text: ValueText, value: Value) -> str:
        """A value set by hand to its last digit; one that nobody typed to as many as pages show."""
        rounded = text.brief is not None and get(self.document.scenario, _path(figure)) is None
        return text.brief(value) if rounded and text.brief is not None else text.format(value)

    def _dress(self, slider: ParameterSlider, figure: OpenFigure, guise: Guise) -> None:
        slider.explain(guise.meaning, html.escape(figure.reason), html.escape(figure.source))
        slider.name_stops(*guise.stops)
        slider.track.set_wash(guise.wash, guise.marks)

    def _disguise(self, slider: ParameterSlider, figure: OpenFigure) -> None:
        """A disputed figure that was given a value shows it with its unit, and a belief again once it is one."""
        guise = guise_of(figure, self._is_by_value(figure))
        if guise.title == slider.title:
            return
        self._marked = None
        slider.set_title(guise.title, guise.meaning)
        slider.set_scale(guise.scale)
        slider.set_text(self._text_of(figure, guise))
        slider.set_box_width(guise.box_width)
        self._dress(slider, figure, guise)

    def _is_by_value(self, figure: OpenFigure) -> bool:
        """Whether the scenario has a value of its own for the figure."""
        override: Override | None = get(self.document.scenario, _path(figure))
        return override is not None and override.value is not None

    def _now(self, figure: OpenFigure) -> float:
        """The scenario's own word as it stands there: through SI units and back it would gain digits."""
        by_belief = bool(figure.readings) and not self._is_by_value(figure)
        override = get(self.document.scenario, _path(figure))
        own = None if override is None else override.belief if by_belief else _stated(override, figure.unit)
        known = figure.belief if by_belief else figure.value
        return known if own is None else float(own)

    def _then(self, figure: OpenFigure, then: Scenario) -> float | None:
        """What another scenario says of the figure, in the way it is shown now; its stated one where that says
        nothing, None where it has a value and a belief is shown."""
        override: Override | None = get(then, _path(figure))
        stated = self.document.catalog.chip(figure.chip).figure(figure.figure)
        belief = stated.belief if override is None or override.belief is None else override.belief
        own = None if override is None else _stated(override, figure.unit)
        if figure.readings and not self._is_by_value(figure):
            return belief if own is None else None
        return stated.at_belief(belief) / stated.scale if own is None else own

    def reset_paths(self) -> tuple[str, ...]:
        """Own values of the figures shown, save locked ones."""
        return tuple(_path(one) for one in self._shown if not self._is_locked(one))

    def _on_edited(self, figure: OpenFigure, value: float | Override) -> None:
        slider = self.sliders[_key(figure)]
        what = figure.title.lower()
        attempt(self.document, slider.refuse, lambda: self._changes(figure, value), what, slider.is_stepping)

    def _changes(self, figure: OpenFigure, value: float | Override) -> Mapping[str, Any]:
        if isinstance(value, Override):
            return {_path(figure): value}
        if figure.readings and not self._is_by_value(figure):
            return {_path(figure): override_by_belief(value)}
        return {_path(figure): override_by_value(figure, value)}

    def _on_reset(self, figure: OpenFigure, then: Scenario) -> None:
        self.change({_path(figure): get(then, _path(figure))}, figure.title.lower())

    def _is_locked(self, figure: OpenFigure) -> bool:
        """Sliders are made anew for another chip; a lock outlives them."""
        return _path(figure) in self.document.scenario.locks

    def _on_locked(self, figure: OpenFigure, locked: bool) -> None:
        hold(self.document, self.sliders[_key(figure)], _path(figure), locked, figure.title.lower())

    def _on_reset_all(self) -> None:
        free = (one for one in self._shown if one.overridden and not self._is_locked(one))
        self.change({_path(figure): None for figure in free}, "open figures")


def _key(figure: OpenFigure) -> str:
    return f"{figure.chip}.{figure.figure}"


def _stated(override: Override, unit: str) -> float | None:
    """The value of an override in another of its display units; None where it states none."""
    return None if override.value is None else restated(override.value, override.unit or unit, unit)


def _path(figure: OpenFigure) -> str:
    return written(("overrides", figure.chip, figure.figure))

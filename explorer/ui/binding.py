"""Ties a control to a path of the scenario: edits go to the document, the document's values come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from explorer.errors import ExplorerError
from explorer.scenario.path import ScenarioValueError, get, split
from explorer.scenario.schema import Scenario
from explorer.scenario.wording import number_range_at
from explorer.ui.controls.choice_row import ChoiceRow
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.document import Document
from explorer.ui.resets import value_in

Place = Callable[[], str]


class Bound(Protocol):
    """A control that can be told to read its value again."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Where in the scenario it writes."""

    def refresh(self) -> None:
        """Show the scenario's value and the baseline's."""


class BoundSlider:
    """A slider on one path.

    `write` turns its value into the changes to make (by default only that path), `read` the scenario's value into
    the slider's, `then` gives the slider's value in another scenario (the baseline, the file; LookupError where it
    has none), `back` the changes that lead there.
    """

    def __init__(
        self,
        document: Document,
        slider: ParameterSlider,
        place: Place,
        what: str,
        write: Callable[[Any], Mapping[str, Any]] | None = None,
        read: Callable[[Any], Any] | None = None,
        then: Callable[[Scenario], Any] | None = None,
        back: Callable[[Scenario], Mapping[str, Any]] | None = None,
    ) -> None:
        self._document, self._slider, self._place, self._what = document, slider, place, what
        self._write = write or (lambda value: {self._place(): value})
        self._read = read or (lambda value: value)
        self._then = then or self._value_then
        self._back = back
        self._marked: tuple[Scenario, Scenario, str, str] | None = None
        slider.value_edited.connect(self._on_edited)
        slider.drag_started.connect(document.begin_drag)
        slider.drag_finished.connect(document.end_drag)
        document.dragging_changed.connect(slider.follow_drag)
        slider.reset_requested.connect(lambda: self.reset(document.baseline))
        slider.file_reset_requested.connect(lambda: self.reset(document.filed))
        slider.locked_changed.connect(self._on_locked)

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it writes; nothing while it is locked."""
        return () if self._slider.locked else (self._place(),)

    def refresh(self) -> None:
        """Show the scenario's value and the baseline's."""
        document, place = self._document, self._place()
        self._slider.set_locked(place in document.scenario.locks)
        self._slider.set_value(self._read(get(document.scenario, place)))
        # A moving slider asks for this in every frame, and baseline and file hardly ever change.
        mark = (document.baseline, document.filed, place, document.workload.selected)
        if (
            self._marked is None
            or self._marked[0] is not mark[0]
            or self._marked[1] is not mark[1]
            or self._marked[2:] != mark[2:]
        ):
            self._marked = mark
            self._slider.set_baseline(self._value_or_none(document.baseline))
            self._slider.set_filed(self._value_or_none(document.filed))

    def reset(self, then: Scenario) -> None:
        """Bring the value back to that of another scenario, where it speaks of the same thing."""
        try:
            value = self._then(then)
        except LookupError:
            return
        back = self._back
        changes = (lambda: self._write(value)) if back is None else (lambda: back(then))
        attempt(self._document, self._slider.refuse, changes, self._what)

    def _value_or_none(self, then: Scenario) -> Any:
        try:
            return self._then(then)
        except LookupError:
            return None

    def _value_then(self, then: Scenario) -> Any:
        return self._read(value_in(then, self._document.scenario, self._place()))

    def _on_edited(self, value: Any) -> None:
        # Before what the value leads to is worked out: for that it has to be one that can be.
        outside = self._outside(value)
        if outside:
            self._slider.refuse(outside)
            return
        slider = self._slider
        attempt(self._document, slider.refuse, lambda: self._write(value), self._what, slider.is_stepping)

    def _outside(self, value: Any) -> str:
        """What the scenario allows, as the slider writes it, where a number is not within it; else nothing."""
        if isinstance(value, bool) or not isinstance(value, float | int):
            return ""
        allowed = number_range_at(split(self._place()))
        return "" if allowed is None or allowed.holds(value) else f"must be {allowed.words(self._slider.written)}"

    def _on_locked(self, locked: bool) -> None:
        hold(self._document, self._slider, self._place(), locked, self._what)


class BoundChoice:
    """A row of segments on one path."""

    def __init__(
        self,
        document: Document,
        row: ChoiceRow,
        place: Place,
        what: str,
        refuse: Callable[[str], None],
        write: Callable[[Any], Mapping[str, Any]] | None = None,
        read: Callable[[Any], Any] | None = None,
    ) -> None:
        self._document, self._row, self._place, self._what, self._refuse = document, row, place, what, refuse
        self._write = write or (lambda value: {self._place(): value})
        self._read = read or (lambda value: value)
        row.value_edited.connect(self._on_edited)

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it writes."""
        return (self._place(),)

    def refresh(self) -> None:
        """Check the scenario's value."""
        self._row.set_value(self._read(get(self._document.scenario, self._place())))

    def _on_edited(self, value: Any) -> None:
        attempt(self._document, self._refuse, lambda: self._write(value), self._what)


def hold(document: Document, slider: ParameterSlider, place: str, locked: bool, what: str) -> None:
    """Write a slider's lock into the scenario, where it is not there yet: an undoable step as any other."""
    locks = document.scenario.locks
    if locked != (place in locks):
        kept = tuple(one for one in locks if one != place)
        attempt(document, slider.refuse, lambda: {"locks": (*kept, place) if locked else kept}, f"lock of {what}")


def attempt(
    document: Document,
    refuse: Callable[[str], None],
    changes: Callable[[], Mapping[str, Any]],
    what: str,
    stepped: bool = False,
) -> None:
    """Make changes, or tell why they are refused; a refused change leaves everything as it was.

    Where they are `stepped`, those that follow each other at once are one undoable step.
    """
    try:
        document.change_several(changes(), what, stepped)
    except ScenarioValueError as error:
        # Who moved a control sees where: a path of the file would tell nothing.
        refuse(error.words)
    except (ExplorerError, ValueError) as error:
        refuse(str(error))

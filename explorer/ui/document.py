"""The open document: scenario, baseline, file and undo stack; its answers are an object of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

import explorer
from explorer.catalog.catalog import Catalog
from explorer.errors import ExplorerError, Problem, ScenarioFileError
from explorer.scenario.baseline import baseline_of, with_baseline
from explorer.scenario.file import LoadedScenario, read_scenario, write_scenario
from explorer.scenario.locks import with_known_locks
from explorer.scenario.path import get, several
from explorer.scenario.schema import Scenario
from explorer.scenario.snapshot import changed_since_saved, with_snapshot
from explorer.scenario.workload import Alternative, Workload
from explorer.study.outcome import Outcome
from explorer.ui.answers import Answers, Evaluator
from explorer.ui.resets import changes_back, value_in, whole_way_back
from explorer.ui.undo_steps import ChangeCommand, Hand

AS_OPENED = "as opened"
PINNED = "pinned"


class Document(QObject):
    """Holds the scenario; every change goes through it and comes back as signals."""

    scenario_changed = Signal(object)
    workload_changed = Signal(int)
    dragging_changed = Signal(bool)
    path_changed = Signal()

    def __init__(self, catalog: Catalog, live: Evaluator, scenario: Scenario, parent: QObject | None = None) -> None:
        """Start on a scenario without a file; raises ExplorerError when it cannot be evaluated."""
        super().__init__(parent)
        self.catalog = catalog
        self.undo_stack = QUndoStack(self)
        self.path: Path | None = None
        self._original: LoadedScenario | None = None
        self._hand = Hand()
        self._prepared: Scenario | None = None
        self._scenario = self._opened = self._baseline = scenario
        self._workload_index = 0
        self.answers = Answers(live, self, live.quick(scenario), self)
        self.outcome_changed, self.baseline_changed = self.answers.outcome_changed, self.answers.baseline_changed
        """Signals of the answers, which nearly everything that is shown follows."""
        self._load_baseline()

    @classmethod
    def from_file(cls, catalog: Catalog, live: Evaluator, path: Path) -> tuple[Document, tuple[str, ...]]:
        """A document on a file, and remarks on it; raises ExplorerError."""
        loaded = read_scenario(path, catalog)
        document = cls(catalog, live, loaded.scenario)
        document._original, document.path = loaded, Path(path)
        return document, document.remarks_on(loaded)

    @property
    def scenario(self) -> Scenario:
        """The present scenario."""
        return self._scenario

    @property
    def baseline(self) -> Scenario:
        """What changes are measured against: the pinned scenario, or the one as opened."""
        return self._baseline

    @property
    def filed(self) -> Scenario:
        """The scenario as its file has it: as opened, or as saved last."""
        return self._opened if self._original is None else self._original.scenario

    @property
    def original(self) -> LoadedScenario | None:
        """The file as it was opened or saved last; None before there is one."""
        return self._original

    @property
    def baseline_name(self) -> str:
        """How the baseline is called in the window."""
        return PINNED if self._scenario.baseline is not None else AS_OPENED

    @property
    def outcome(self) -> Outcome:
        """The answer on the screen."""
        return self.answers.outcome

    @property
    def baseline_outcome(self) -> Outcome | None:
        """The baseline's answer; None when it cannot be evaluated."""
        return self.answers.baseline_outcome

    @property
    def workload_index(self) -> int:
        """Which workload the window edits."""
        return self._workload_index

    @property
    def workload(self) -> Workload:
        """The workload that the window edits."""
        return self._scenario.workloads[self._workload_index]

    @property
    def alternative_index(self) -> int:
        """Which alternative of the workload is selected."""
        workload = self.workload
        return [alternative.name for alternative in workload.alternatives].index(workload.selected)

    @property
    def alternative(self) -> Alternative:
        """The selected alternative."""
        return self.workload.alternatives[self.alternative_index]

    @property
    def is_dirty(self) -> bool:
        """True when there is something that a save would keep."""
        return not self.undo_stack.isClean()

    @property
    def is_dragging(self) -> bool:
        """True while a control is held."""
        return self._hand.is_dragging

    def workload_path(self, key: str) -> str:
        """Path of a key of the workload that is edited."""
        return f"workloads.{self._workload_index}.{key}"

    def alternative_path(self, key: str) -> str:
        """Path of a key of the selected alternative."""
        return f"workloads.{self._workload_index}.alternatives.{self.alternative_index}.{key}"

    def baseline_value(self, path: str) -> Any:
        """The baseline's value at a path; None where it has none or speaks of another workload or chip."""
        try:
            return value_in(self._baseline, self._scenario, path)
        except LookupError:
            return None

    def change(self, path: str, value: Any, what: str = "") -> None:
        """Set one value as an undoable step; raises ExplorerError and leaves everything as it was."""
        self.change_several({path: value}, what)

    def change_several(self, values: Mapping[str, Any], what: str = "", stepped: bool = False) -> None:
        """Set values together as one undoable step; raises ExplorerError and leaves everything as it was.

        What is `stepped` by keys joins the step before it when that was of the same values and not long ago.
        """
        old = {path: _value_or_none(self._scenario, path) for path in values}
        if all(_same(old[path], value) for path, value in values.items()):
            return
        self._prepared = several(self._scenario, values)
        move = self._hand.move_of(tuple(values), stepped)
        self.undo_stack.push(ChangeCommand(self.apply, old, values, what, move))

    def apply(self, values: Mapping[str, Any]) -> None:
        """Set values without an undo step: what undo commands call."""
        prepared, self._prepared = self._prepared, None
        before = self._scenario
        self._scenario = several(self._scenario, values) if prepared is None else prepared
        self._workload_index = min(self._workload_index, len(self._scenario.workloads) - 1)
        if "baseline" in values:
            self._load_baseline()
        self.scenario_changed.emit(self._scenario)
        if self.is_dragging and _deployed(before) != _deployed(self._scenario):
            self._let_go()
        self.answers.request()

    def begin_drag(self) -> None:
        """The hand takes hold: changes until `end_drag` are one undo step."""
        self._hand.take_hold()
        self.dragging_changed.emit(True)

    def end_drag(self) -> None:
        """The hand lets go."""
        if self._hand.is_dragging:
            self._hand.let_go()
            self.answers.complete()
            self.dragging_changed.emit(False)

    def back_to_baseline(self, path: str, what: str = "") -> None:
        """Set one value to the baseline's; nothing happens where the baseline has none."""
        value = self.baseline_value(path)
        if value is not None:
            self.change(path, value, what)

    def reset(self, then: Scenario, paths: Iterable[str], what: str = "") -> None:
        """Bring the settings at `paths` back to those of another scenario, as one undoable step."""
        changes = changes_back(self._scenario, then, paths)
        if changes:
            self.change_several(changes, what)

    def reset_all(self, then: Scenario, what: str = "") -> None:
        """Bring every input back to that of another scenario, as one undoable step; a pinned baseline stays."""
        changes = whole_way_back(self._scenario, then)
        if changes:
            self.change_several(changes, what)

    def select_workload(self, index: int) -> None:
        """Edit another workload; a matter of view, not undoable."""
        if not 0 <= index < len(self._scenario.workloads):
            raise IndexError(f"no workload {index}")
        if index != self._workload_index:
            self.end_drag()
            self._workload_index = index
            self.workload_changed.emit(index)

    def pin_baseline(self) -> None:
        """Measure changes against the present scenario from now on."""
        self.change("baseline", with_baseline(self._scenario, self._scenario).baseline, "baseline")

    def unpin_baseline(self) -> None:
        """Measure changes against the scenario as opened again."""
        self.change("baseline", None, "baseline")

    def open(self, path: Path) -> tuple[str, ...]:
        """Replace the document by a file; returns warnings; on ExplorerError everything stays as it was."""
        loaded = read_scenario(path, self.catalog)
        self._take_over(loaded.scenario)
        self._original, self.path = loaded, Path(path)
        self.path_changed.emit()
        self._announce()
        return self.remarks_on(loaded)

    def remarks_on(self, loaded: LoadedScenario) -> tuple[str, ...]:
        """What to know about a file: unknown keys, and figures that differ from those it was saved with."""
        changed = changed_since_saved(loaded.scenario, self.catalog)
        known_today = [f"figures as known today, not as saved: {', '.join(changed)}"] if changed else []
        return (*(str(warning) for warning in loaded.warnings), *known_today)

    def start_anew(self, scenario: Scenario) -> None:
        """Replace the document by a scenario without a file; on ExplorerError everything stays as it was."""
        self._take_over(scenario)
        self._original, self.path = None, None
        self.path_changed.emit()
        self._announce()

    def resume(self, scenario: Scenario, original: LoadedScenario | None) -> None:
        """Go on with unsaved work on a file (or on none); on ExplorerError everything stays as it was."""
        self._take_over(scenario)
        self._original = original
        self.path = None if original is None else original.path
        if original is not None:
            self._opened = original.scenario
            self._load_baseline()
        self.undo_stack.resetClean()
        self.path_changed.emit()
        self._announce()

    def save(self) -> None:
        """Write to the document's file; raises ExplorerError."""
        if self.path is None:
            raise ScenarioFileError("", (Problem("file", "the scenario has no file yet", "save as a file"),))
        self.save_as(self.path)

    def save_as(self, path: Path) -> None:
        """Write to a file and make it the document's own; raises ExplorerError, the old file then stays."""
        versions = explorer.__version__, self.outcome.engine_version
        scenario = self._scenario
        if scenario.benchmarks:
            from explorer.study.benchmarks.moving import refiled

            scenario = refiled(scenario, None if self.path is None else self.path.parent, Path(path).parent)
        stamped = with_snapshot(with_known_locks(scenario), self.catalog, *versions)
        self._original = write_scenario(path, stamped, self._original)
        self.path = Path(path)
        if scenario is not self._scenario:
            # from here on the ways to its benchmarks' files begin in the new folder
            self._scenario = scenario
            self.answers.refine_timer.start()
        self.undo_stack.setClean()
        self.path_changed.emit()

    def close(self) -> None:
        """Stop what is under way."""
        self.answers.close()

    def _take_over(self, scenario: Scenario) -> None:
        outcome = self.answers.quick_answer(scenario)
        _pinned_in(scenario)  # what can be refused is refused before anything is replaced
        self.answers.begin_with(outcome)
        self._scenario = self._opened = scenario
        self._workload_index = 0
        self.undo_stack.clear()
        self._load_baseline()

    def _announce(self) -> None:
        self._let_go()
        self.workload_changed.emit(self._workload_index)
        self.scenario_changed.emit(self._scenario)
        self.answers.announce()

    def _let_go(self) -> None:
        """Take what is held out of the hand: it is no longer what the hand took hold of."""
        if self._hand.is_dragging:
            self._hand.let_go()
            self.dragging_changed.emit(False)

    def _load_baseline(self) -> None:
        self._baseline = _pinned_in(self._scenario) or self._opened
        self.answers.answer_baseline()


def _pinned_in(scenario: Scenario) -> Scenario | None:
    """The baseline pinned in a scenario; raises ScenarioFileError when it is no scenario."""
    try:
        return baseline_of(scenario)
    except ValidationError as error:
        problem = Problem("baseline", f"is no scenario: {error.errors()[0]['msg']}", "a baseline pinned anew")
        raise ScenarioFileError("", (problem,)) from error


def _deployed(scenario: Scenario) -> list[tuple[object, ...]]:
    """What a hand may have hold of a number of: workloads, their alternatives, and which of these is edited."""
    return [
        (one.name, one.selected, *((alternative.name, alternative.chip) for alternative in one.alternatives))
        for one in scenario.workloads
    ]


def _value_or_none(scenario: Scenario, path: str) -> Any:
    """Value at a path; None for an entry that a change is about to create (an override)."""
    try:
        return get(scenario, path)
    except (ExplorerError, LookupError, AttributeError):
        return None


def _same(old: Any, new: Any) -> bool:
    """Equal values; True and 1 are not, 10 and 10.0 are."""
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)

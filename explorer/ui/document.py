"""The open document: scenario, baseline, undo stack, and when it is evaluated (leading and trailing throttle)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError
from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

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
from explorer.study.banded import Metric
from explorer.study.outcome import Outcome
from explorer.study.studies import StudyAnswer, WorkerProblem
from explorer.ui.resets import changes_back, value_in, whole_way_back

REST_MS = 150
POLL_MS = 15
SERIES_MS = 1000
"""Key steps that follow each other within this time are one move of the hand."""
AS_OPENED = "as opened"
PINNED = "pinned"


class Evaluator(Protocol):
    """What the document needs of the live evaluation (explorer.study.live.LiveEvaluator)."""

    @property
    def busy(self) -> bool:
        """True while the worker computes."""

    @property
    def status(self) -> str:
        """What the worker does, in words."""

    def start_worker(self) -> None:
        """Start the worker process."""

    def quick(self, scenario: Scenario, shown: Metric | None = None) -> Outcome:
        """Closed form on the spot, with `shown` the curves of only that latency and those promised; raises
        ExplorerError."""

    def refine(self, scenario: Scenario, workload: int = 0) -> None:
        """Hand the scenario to the worker, `workload` being on the screen; the newest wins."""

    def poll(self) -> Any:
        """An Outcome surer than the one before, a problem, or None; never waits."""

    @property
    def studying(self) -> bool:
        """True while a study is under way."""

    def study(self, kind: str, scenario: Scenario, question: Any = None) -> int:
        """Hand a study to the worker in the place of the last one of its kind; its number."""

    def cancel_study(self, kind: str) -> None:
        """End a study."""

    def take_study_answers(self) -> list[StudyAnswer]:
        """What the studies have found since last asked."""

    def close(self) -> None:
        """End the worker."""


class ChangeCommand(QUndoCommand):
    """One undoable change: paths with their old and new values, never references to widgets or records."""

    def __init__(
        self, document: Document, old: Mapping[str, Any], new: Mapping[str, Any], what: str, drag: int
    ) -> None:
        super().__init__(f"change of {what}" if what else "change")
        self._document, self._old, self._new, self._drag = document, dict(old), dict(new), drag

    def id(self) -> int:
        """Commands of one drag share an id and merge; -1 never merges."""
        return self._drag

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take over the newer values of the same drag."""
        if not isinstance(other, ChangeCommand) or other._new.keys() != self._new.keys():
            return False
        self._new = other._new
        self.setObsolete(self._new == self._old)
        return True

    def undo(self) -> None:
        """Put the old values back."""
        self._document.apply(self._old)

    def redo(self) -> None:
        """Set the new values."""
        self._document.apply(self._new)


class Document(QObject):
    """Holds the scenario; every change goes through it and comes back as signals."""

    scenario_changed = Signal(object)
    outcome_changed = Signal(object)
    baseline_changed = Signal()
    workload_changed = Signal(int)
    dragging_changed = Signal(bool)
    evaluation_failed = Signal(object)
    worker_changed = Signal(str)
    worker_failed = Signal(str)
    path_changed = Signal()
    study_answered = Signal(object)
    """A StudyAnswer of a study that was asked for: what there is so far, or why there is nothing."""
    further_answered = Signal(object, object)
    """A further scenario that was asked about, and its final outcome."""

    def __init__(self, catalog: Catalog, live: Evaluator, scenario: Scenario, parent: QObject | None = None) -> None:
        """Start on a scenario without a file; raises ExplorerError when it cannot be evaluated."""
        super().__init__(parent)
        self.catalog = catalog
        self.undo_stack = QUndoStack(self)
        self.path: Path | None = None
        self.problem: ExplorerError | None = None
        self.shown_metric: Metric | None = None
        """The latency on the screen: while a hand moves, only what is seen is computed."""
        self.is_arriving = False
        """The outcome that is made known is an answer of the worker, which no hand waits for."""
        self._live = live
        self._original: LoadedScenario | None = None
        self._drag = -1
        self._drags = 0
        self._hand = -1
        self._stepped: tuple[str, ...] = ()
        self._since_step = QElapsedTimer()
        self._pending = False
        self._partial = False
        self._prepared: Scenario | None = None
        self._scenario: Scenario = scenario
        self._opened: Scenario = scenario
        self._workload_index: int = 0
        self._refining: Scenario | None = None
        self._arrived: Outcome | None = None
        """An answer to `_refining` that was read and is shown in the next turn."""
        self._further: list[Scenario] = []
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._on_turn_over)
        self.refine_timer = QTimer(self, singleShot=True, interval=REST_MS)
        """Runs while the hand may still move; when it ends the worker is asked."""
        self.refine_timer.timeout.connect(self._on_hand_rests)
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._on_poll)
        self._look = QTimer(self, singleShot=True, interval=0)
        self._look.timeout.connect(self._on_poll)
        self._take_over(scenario)

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
        return self._outcome

    @property
    def baseline_outcome(self) -> Outcome | None:
        """The baseline's answer; None when it cannot be evaluated."""
        return self._baseline_outcome

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
        return self._drag != -1

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
        hand = self._series(tuple(values)) if stepped and not self.is_dragging else self._drag
        self.undo_stack.push(ChangeCommand(self, old, values, what, hand))

    def _series(self, paths: tuple[str, ...]) -> int:
        """The hand that steps these values: the same one while its keys follow each other."""
        if paths != self._stepped or self._since_step.hasExpired(SERIES_MS):
            self._drags += 1
            self._stepped, self._hand = paths, self._drags
        self._since_step.start()
        return self._hand

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
        self._request_evaluation()

    def begin_drag(self) -> None:
        """The hand takes hold: changes until `end_drag` are one undo step."""
        self._drags += 1
        self._drag = self._drags
        self.dragging_changed.emit(True)

    def end_drag(self) -> None:
        """The hand lets go."""
        if self._drag != -1:
            self._drag = -1
            if self._partial:
                self._request_evaluation()
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
        versions = explorer.__version__, self._outcome.engine_version
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
            self.refine_timer.start()
        self.undo_stack.setClean()
        self.path_changed.emit()

    def quick_answer(self, scenario: Scenario) -> Outcome:
        """The quick outcome of a further scenario, on the spot; raises ExplorerError."""
        return self._live.quick(scenario)

    def ask_further(self, scenario: Scenario) -> None:
        """Have the worker answer a further scenario when it has nothing to do for this one: `further_answered`."""
        if not any(one is scenario for one in self._further):
            self._further.append(scenario)
            if not self._live.busy:
                self._ask_next()

    def ask_study(self, kind: str, question: Any = None) -> int:
        """Have the worker study the present scenario, in the place of the last study of that kind: `study_answered`.

        Returns the study's number, which its answers carry; 0 where no worker can be had, which is then said.
        """
        try:
            number = self._live.study(kind, self._scenario, question)
        except ExplorerError as error:
            self.worker_failed.emit(str(error))
            return 0
        self._poll.start()
        self._look.start()
        return number

    def end_study(self, kind: str) -> None:
        """Give up a study that nobody waits for any more."""
        self._live.cancel_study(kind)

    def refine_now(self) -> None:
        """Hand the scenario to the worker without waiting for the hand to rest."""
        self.refine_timer.stop()
        self._on_hand_rests()

    def close(self) -> None:
        """Stop the timers and the worker."""
        for timer in (self._turn, self.refine_timer, self._poll, self._look):
            timer.stop()
        self._live.close()

    def _take_over(self, scenario: Scenario) -> None:
        outcome = self._live.quick(scenario)
        _pinned_in(scenario)  # what can be refused is refused before anything is replaced
        self.refine_timer.stop()
        self._turn.stop()
        self._pending = False
        self._refining = self._arrived = None
        self._scenario = self._opened = scenario
        self._outcome = outcome
        self._partial = False
        self.problem = None
        self._workload_index = 0
        self.undo_stack.clear()
        self._load_baseline()

    def _announce(self) -> None:
        self._let_go()
        self.workload_changed.emit(self._workload_index)
        self.scenario_changed.emit(self._scenario)
        self.outcome_changed.emit(self._outcome)
        self.refine_timer.start()

    def _let_go(self) -> None:
        """Take what is held out of the hand: it is no longer what the hand took hold of."""
        if self._drag != -1:
            self._drag = -1
            self.dragging_changed.emit(False)

    def _load_baseline(self) -> None:
        self._baseline = _pinned_in(self._scenario) or self._opened
        try:
            same = self._baseline is self._scenario and not self._partial
            self._baseline_outcome: Outcome | None = self._outcome if same else self._live.quick(self._baseline)
        except ExplorerError:
            # The baseline's chips may have left the catalogue since; the present answer does not hang on it.
            self._baseline_outcome = None
        self.baseline_changed.emit()

    def _request_evaluation(self) -> None:
        self._pending = True
        if not self._turn.isActive():
            self._evaluate()
        # After the answer: the time that it took is not time at which the hand rested.
        self.refine_timer.start()

    def _evaluate(self) -> None:
        self._pending = False
        self._turn.start()
        try:
            shown = self.shown_metric if self.is_dragging else None
            self._outcome = self._live.quick(self._scenario, shown)
            self._partial = shown is not None
        except ExplorerError as error:
            self.problem = error
            self.evaluation_failed.emit(error)
            return
        self.problem = None
        self.outcome_changed.emit(self._outcome)

    def _on_turn_over(self) -> None:
        if self._pending:
            self._evaluate()
            self.refine_timer.start()

    def _on_hand_rests(self) -> None:
        if self.problem is not None:
            return
        self._ask_worker(self._scenario)

    def _ask_worker(self, scenario: Scenario) -> None:
        self._refining, self._arrived = scenario, None
        try:
            self._live.refine(scenario, self._workload_index)
        except ExplorerError as error:
            self.worker_failed.emit(str(error))
        self._poll.start()
        self.worker_changed.emit(self._live.status)

    def _on_poll(self) -> None:
        answer: Outcome | WorkerProblem | None = self._arrived
        if answer is None:
            answer = self._live.poll()
            if isinstance(answer, Outcome):
                # To read an answer takes as long as to show it: between the two the window hears what the hand does.
                self._arrived = answer
                self._look.start()
                return
        self._arrived = None
        if isinstance(answer, Outcome):
            if self._refining is self._scenario:
                self._outcome = answer
                self._partial = False
                if self._baseline is self._scenario:
                    self._baseline_outcome = answer
                self.is_arriving = True
                try:
                    self.outcome_changed.emit(answer)
                finally:
                    self.is_arriving = False
                if answer.final and self._baseline is not self._scenario:
                    self._refine_baseline()
            elif answer.final and self._refining is not None and self._forget_further(self._refining):
                if self._refining is self._baseline:
                    self._baseline_outcome = answer
                    self.baseline_changed.emit()
                self.further_answered.emit(self._refining, answer)
        elif answer is not None:
            if self._refining is not None:
                self._forget_further(self._refining)
            self.worker_failed.emit(f"{answer.message}\n{answer.detail}")
        for found in self._live.take_study_answers():
            self.study_answered.emit(found)
        if not self._live.busy:
            if not self._live.studying:
                self._poll.stop()
            self._ask_next()
        self.worker_changed.emit(self._live.status)

    def _refine_baseline(self) -> None:
        """A final answer against a quick one would show changes that nobody made."""
        if self._baseline_outcome is not None and not self._baseline_outcome.final:
            self.ask_further(self._baseline)

    def _ask_next(self) -> None:
        """The hand comes first: further scenarios wait until nothing is under way and nothing about to be."""
        if self._further and not self.refine_timer.isActive():
            self._ask_worker(self._further[0])

    def _forget_further(self, scenario: Scenario) -> bool:
        found = [one for one in self._further if one is scenario]
        self._further = [one for one in self._further if one is not scenario]
        return bool(found)


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

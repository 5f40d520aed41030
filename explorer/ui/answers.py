"""The answers to the open document: quick ones on the spot, at the pace of its turns, and surer ones of the worker."""

from __future__ import annotations

import sys
from typing import Any, Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.study.banded import Metric
from explorer.study.outcome import Outcome
from explorer.study.studies import StudyAnswer, WorkerProblem

REST_MS = 150
POLL_MS = 15


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


class Subject(Protocol):
    """What the answers need of the document (explorer.ui.document.Document)."""

    @property
    def scenario(self) -> Scenario:
        """What is to be answered."""

    @property
    def baseline(self) -> Scenario:
        """What it is measured against."""

    @property
    def workload_index(self) -> int:
        """Which workload is on the screen."""

    @property
    def is_dragging(self) -> bool:
        """True while a control is held."""


class Answers(QObject):
    """Has the document's scenario answered whenever it changed; further scenarios and studies when there is time."""

    outcome_changed = Signal(object)
    baseline_changed = Signal()
    """There is another baseline, or a surer answer to it."""
    evaluation_failed = Signal(object)
    worker_changed = Signal(str)
    worker_failed = Signal(str)
    study_answered = Signal(object)
    """A StudyAnswer of a study that was asked for: what there is so far, or why there is nothing."""
    further_answered = Signal(object, object)
    """A further scenario that was asked about, and its final outcome."""

    def __init__(self, live: Evaluator, subject: Subject, outcome: Outcome, parent: QObject) -> None:
        """`outcome` is the quick answer to the scenario that the document begins with."""
        super().__init__(parent)
        self.outcome = outcome
        """The answer on the screen."""
        self.baseline_outcome: Outcome | None = None
        """The baseline's answer; None when it cannot be evaluated."""
        self.problem: ExplorerError | None = None
        """Why the present scenario has no answer; the one on the screen is then of a scenario before."""
        self.shown_metric: Metric | None = None
        """The latency on the screen: while a hand moves, only what is seen is computed."""
        self.is_arriving = False
        """The outcome that is made known is an answer of the worker, which no hand waits for."""
        self._live, self._subject = live, subject
        self._pending = False
        self._partial = False
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

    def quick_answer(self, scenario: Scenario) -> Outcome:
        """The quick outcome of any scenario, on the spot; raises ExplorerError."""
        return self._live.quick(scenario)

    def begin_with(self, outcome: Outcome) -> None:
        """The document is replaced: what is under way for the one before counts no more."""
        self.refine_timer.stop()
        self._turn.stop()
        self._pending = False
        self._refining = self._arrived = None
        self.outcome = outcome
        self._partial = False
        self.problem = None

    def announce(self) -> None:
        """Make the outcome known as it is, and have it refined."""
        self.outcome_changed.emit(self.outcome)
        self.refine_timer.start()

    def answer_baseline(self) -> None:
        """Answer the document's baseline anew."""
        baseline = self._subject.baseline
        try:
            same = baseline is self._subject.scenario and not self._partial
            self.baseline_outcome = self.outcome if same else self._live.quick(baseline)
        except ExplorerError:
            # The baseline's chips may have left the catalogue since; the present answer does not hang on it.
            self.baseline_outcome = None
        self.baseline_changed.emit()

    def request(self) -> None:
        """Answer the document's scenario: now, or at the end of the turn in which one was answered already."""
        self._pending = True
        if not self._turn.isActive():
            self._evaluate()
        # After the answer: the time that it took is not time at which the hand rested.
        self.refine_timer.start()

    def complete(self) -> None:
        """Answer in full what was answered in part while the hand moved."""
        if self._partial:
            self.request()

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
            number = self._live.study(kind, self._subject.scenario, question)
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

    def _evaluate(self) -> None:
        self._pending = False
        self._turn.start()
        try:
            shown = self.shown_metric if self._subject.is_dragging else None
            self.outcome = self._live.quick(self._subject.scenario, shown)
            self._partial = shown is not None
        except ExplorerError as error:
            self._fail(error)
            return
        except (
            Exception
        ) as error:  # a mistake of the program would go through the undo stack, which is Qt's, and end it
            sys.excepthook(type(error), error, error.__traceback__)
            self._fail(ExplorerError(f"a mistake of the program ({error}); take the last change back"))
            return
        self.problem = None
        self.outcome_changed.emit(self.outcome)

    def _fail(self, error: ExplorerError) -> None:
        self.problem = error
        self.evaluation_failed.emit(error)

    def _on_turn_over(self) -> None:
        if self._pending:
            self._evaluate()
            self.refine_timer.start()

    def _on_hand_rests(self) -> None:
        if self.problem is not None:
            return
        self._ask_worker(self._subject.scenario)

    def _ask_worker(self, scenario: Scenario) -> None:
        self._refining, self._arrived = scenario, None
        try:
            self._live.refine(scenario, self._subject.workload_index)
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
            if self._refining is self._subject.scenario:
                self.outcome = answer
                self._partial = False
                if self._subject.baseline is self._subject.scenario:
                    self.baseline_outcome = answer
                self.is_arriving = True
                try:
                    self.outcome_changed.emit(answer)
                finally:
                    self.is_arriving = False
                if answer.final and self._subject.baseline is not self._subject.scenario:
                    self._refine_baseline()
            elif answer.final and self._refining is not None and self._forget_further(self._refining):
                if self._refining is self._subject.baseline:
                    self.baseline_outcome = answer
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
        if self.baseline_outcome is not None and not self.baseline_outcome.final:
            self.ask_further(self._subject.baseline)

    def _ask_next(self) -> None:
        """The hand comes first: further scenarios wait until nothing is under way and nothing about to be."""
        if self._further and not self.refine_timer.isActive():
            self._ask_worker(self._further[0])

    def _forget_further(self, scenario: Scenario) -> bool:
        found = [one for one in self._further if one is scenario]
        self._further = [one for one in self._further if one is not scenario]
        return bool(found)

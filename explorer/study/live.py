"""Answers while a hand moves: the closed form on the spot, the simulation in stages from a worker process.

The newest request wins. Between simulations the closed form carries the ratios that the last one found.
"""

from __future__ import annotations

import multiprocessing
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.study import closed_form_code
from explorer.study.banded import METRICS, Metric
from explorer.study.correction import NONE, Correction, Corrections, Key
from explorer.study.evaluate import Evaluator
from explorer.study.outcome import Outcome
from explorer.study.studies import StudyAnswer, WorkerProblem
from explorer.study.worker import OUTCOME, Answer, Request, serve

if TYPE_CHECKING:
    # Sockets and their ciphers are only needed once the worker starts, after the first picture.
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

QUICK_SAMPLES = 12
"""Draws a frame: enough for a band that moves with the hand, refined when it rests."""

MOST_UNREAD = 2
"""Requests sent ahead of the worker's next answer; before every answer it reads all there are."""


class LiveEvaluator:
    """Quick outcomes in this process and refined ones from one worker process, which starts when first needed.

    Knows no Qt: the window polls (or watches `fileno`). A worker that dies is started again with the next request.
    """

    def __init__(self, catalog: Catalog, user_folder: Path | None = None) -> None:
        self._evaluator = Evaluator(catalog)
        self._compiled = closed_form_code.use_what_is_there()
        """Whether rows are solved by compiled loops: in the first minute after an installation they are being made."""
        self._user_folder = user_folder
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._asked = 0
        self._answered = 0
        self._unread = 0
        self._held: dict[str, Request] = {}
        self._studies: dict[str, int] = {}
        self._study_number = 0
        self._study_answers: list[StudyAnswer] = []
        self._estimates: Corrections = NONE
        self._unread_estimates: dict[int, bytes] = {}
        """Those of the answers to each request that came since a hand moved last."""
        self.status = "idle"

    @property
    def busy(self) -> bool:
        """Whether a refinement is under way."""
        return self._answered < self._asked

    @property
    def studying(self) -> bool:
        """Whether a study is under way, or has answers that were not taken yet."""
        return bool(self._studies or self._study_answers)

    def quick(self, scenario: Scenario, shown: Metric | None = None) -> Outcome:
        """The outcome of the closed form with a few draws, now; raises ExplorerError.

        `shown` is the latency on screen while a hand moves: only that one, those promised, first token and time per
        token are answered then. None: all of them.
        """
        samples = min(QUICK_SAMPLES, scenario.simulation.samples)
        if shown is not None and self.busy:
            # a hand is at work: what is under way is of a question that nobody asks any more, and takes its time
            self.cancel()
        drawn = frozenset(METRICS if shown is None else {shown})
        estimates = self._known_estimates() if scenario.simulation.method == "simulation" else NONE
        return self._evaluator.evaluate(scenario, samples, drawn, estimates)

    def _known_estimates(self) -> Corrections:
        """All that simulation found, as it is believed of other slider positions; read when the hand moves first."""
        for packed in self._unread_estimates.values():
            found: dict[Key, Correction] = pickle.loads(packed)
            for key, one in found.items():
                self._estimates = self._estimates.with_one(key, one)
        self._unread_estimates.clear()
        return self._estimates

    def refine(self, scenario: Scenario, workload: int = 0) -> None:
        """Ask the worker for ever surer outcomes in the place of the last one asked for; returns at once.

        The last one is final. `workload` is the one on the screen, which comes first.
        """
        self._asked += 1
        self.status = "refining"
        self._post(Request(self._asked, scenario.model_dump(mode="json"), question=workload))

    def study(self, kind: str, scenario: Scenario, question: Any = None) -> int:
        """Ask the worker for a study (`explorer.study.studies`) in the place of the last one of its kind.

        Returns at once with its number, which its answers carry; raises ExplorerError when no worker can be had.
        """
        self._study_number += 1
        self._studies[kind] = self._study_number
        self._post(Request(self._study_number, scenario.model_dump(mode="json"), kind, question))
        return self._study_number

    def cancel_study(self, kind: str) -> None:
        """End the study of a kind, if one is under way; its answers are dropped."""
        if self._studies.pop(kind, None) is not None:
            self._post(Request(0, None, kind))

    def take_study_answers(self) -> list[StudyAnswer]:
        """What the studies under way have found since this was last asked, oldest first; `poll` reads the pipe."""
        taken, self._study_answers = self._study_answers, []
        return taken

    def cancel(self) -> None:
        """Give up the outcome under way: answers to it are dropped."""
        if self.busy and self._process is not None and self._process.is_alive():
            self._post(Request(self._asked, None))
        else:
            self._held.pop(OUTCOME, None)
        self._answered = self._asked
        self.status = "idle"

    def poll(self) -> Outcome | WorkerProblem | None:
        """The newest answer that has come, if it answers the newest request; never waits."""
        found: Answer | WorkerProblem | None = None
        while self._pipe is not None:
            try:
                if not self._pipe.poll():
                    break
                answer: Answer = self._pipe.recv()
            except (EOFError, OSError) as error:
                return self._lost(error)
            self._unread = 0
            if answer.kind != OUTCOME:
                self._take_study(answer)
            elif answer.number == self._asked and self.busy:
                if answer.last:
                    self._answered = answer.number
                    self._compiled = self._compiled or closed_form_code.use_what_is_there()
                if answer.packed is not None:
                    found = answer
                    self.status = "final" if answer.last else "refining"
                    if answer.estimates is not None:
                        self._unread_estimates[answer.number] = answer.estimates
                else:
                    found = WorkerProblem(answer.message, answer.detail)
                    self.status = "failed"
            held, self._held = self._held, {}
            for request in held.values():
                self._post(request)
        if self._process is not None and (self._unread or self.busy or self._studies) and not self._process.is_alive():
            return self._lost(None)
        return found.outcome() if isinstance(found, Answer) else found

    def fileno(self) -> int:
        """File descriptor that becomes readable when an answer has come; -1 before the worker has started."""
        return -1 if self._pipe is None else self._pipe.fileno()

    def start_worker(self) -> None:
        """Start the worker process now (it takes a moment to import); safe to call again."""
        if self._process is not None and self._process.is_alive():
            return
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        user_folder = None if self._user_folder is None else str(self._user_folder)
        process = context.Process(target=serve, args=(theirs, user_folder), name="explorer-worker", daemon=True)
        process.start()
        theirs.close()
        self._process, self._pipe, self._unread = process, ours, 0

    def close(self) -> None:
        """End the worker."""
        if self._pipe is not None:
            try:
                self._pipe.send(None)
            except (BrokenPipeError, OSError):
                self.status = "worker gone"
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.join(timeout=0.5)
            if self._process.is_alive():
                self._process.kill()
                self._process.join(timeout=2.0)
            self._process.close()
            self._process = None

    def _post(self, request: Request) -> None:
        """Send a request; hold it back while the worker may not have read the last ones, for a full pipe would wait."""
        if self._unread < MOST_UNREAD:
            self._send(request)
        else:
            self._held[request.kind] = request

    def _send(self, request: Request) -> None:
        self.start_worker()
        assert self._pipe is not None
        try:
            self._pipe.send(request)
        except (BrokenPipeError, OSError) as error:
            raise ExplorerError(
                f"the worker process cannot be reached: {error}; the next change starts it again"
            ) from error
        self._unread += 1

    def _take_study(self, answer: Answer) -> None:
        if self._studies.get(answer.kind) != answer.number:
            return
        if answer.last:
            del self._studies[answer.kind]
        problem = WorkerProblem(answer.message, answer.detail) if answer.message else None
        self._study_answers.append(StudyAnswer(answer.kind, answer.number, answer.found, answer.last, problem))

    def _lost(self, error: BaseException | None) -> WorkerProblem:
        code = None if self._process is None else self._process.exitcode
        self._answered = self._asked
        self._held.clear()
        self._unread = 0
        gone = WorkerProblem("The worker process ended.", repr(error))
        self._study_answers += [StudyAnswer(kind, number, None, True, gone) for kind, number in self._studies.items()]
        self._studies.clear()
        self.status = "worker lost"
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.kill()
            self._process.join(timeout=2.0)
            self._process.close()
            self._process = None
        return WorkerProblem(
            "The worker process ended; what you see is the quick answer. The next change starts it again.",
            f"exit code {code}; {error!r}",
        )

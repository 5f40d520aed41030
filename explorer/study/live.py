"""Answers while a hand moves: the closed form on the spot, more draws in a worker process, the newest request wins."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.study.evaluate import Evaluator
from explorer.study.outcome import METRICS, Metric, Outcome
from explorer.study.worker import Answer, Request, serve

if TYPE_CHECKING:
    # Sockets and their ciphers are only needed once the worker starts, after the first picture.
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

QUICK_SAMPLES = 12
"""Draws a frame: enough for a band that moves with the hand, refined when it rests."""


@dataclass(frozen=True)
class WorkerProblem:
    """Why a refinement did not come: a text for the user, a detail to copy."""

    message: str
    detail: str


class LiveEvaluator:
    """Quick outcomes in this process and refined ones from one worker process, which starts when first needed.

    Knows no Qt: the window polls (or watches `fileno`). A worker that dies is started again with the next request.
    """

    def __init__(self, catalog: Catalog, user_folder: Path | None = None) -> None:
        self._evaluator = Evaluator(catalog)
        self._user_folder = user_folder
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._asked = 0
        self._answered = 0
        self._in_flight = 0
        self._waiting: Request | None = None
        self.status = "idle"

    @property
    def busy(self) -> bool:
        """Whether a refinement is under way."""
        return self._answered < self._asked

    def quick(self, scenario: Scenario, shown: Metric | None = None) -> Outcome:
        """The outcome of the closed form with a few draws, now; raises ExplorerError.

        `shown` is the latency on screen while a hand moves: only that one, those promised, first token and time per
        token are answered then. None: all of them.
        """
        samples = min(QUICK_SAMPLES, scenario.simulation.samples)
        return self._evaluator.evaluate(scenario, samples, frozenset(METRICS if shown is None else {shown}))

    def refine(self, scenario: Scenario) -> None:
        """Ask the worker for the final outcome; returns at once. A request not yet begun is replaced by this one."""
        self._asked += 1
        request = Request(self._asked, scenario.model_dump(mode="json"))
        self.status = "refining"
        if self._in_flight:
            self._waiting = request
        else:
            self._send(request)

    def cancel(self) -> None:
        """Forget every request: answers to them are dropped."""
        self._answered = self._asked
        self._waiting = None
        self.status = "idle"

    def poll(self) -> Outcome | WorkerProblem | None:
        """The newest answer that has come, if it answers the newest request; never waits."""
        found: Outcome | WorkerProblem | None = None
        while self._pipe is not None:
            try:
                if not self._pipe.poll():
                    break
                answer: Answer = self._pipe.recv()
            except (EOFError, OSError) as error:
                return self._lost(error)
            self._in_flight = 0
            if answer.number == self._asked and self.busy:
                self._answered = answer.number
                if answer.outcome is not None:
                    found = answer.outcome
                    self.status = "final"
                else:
                    found = WorkerProblem(answer.message, answer.detail)
                    self.status = "failed"
            if self._waiting is not None:
                request, self._waiting = self._waiting, None
                self._send(request)
        if self._process is not None and self._in_flight and not self._process.is_alive():
            return self._lost(None)
        return found

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
        process = context.Process(
            target=serve, args=(theirs, user_folder), name="explorer-worker", daemon=True
        )
        process.start()
        theirs.close()
        self._process, self._pipe, self._in_flight = process, ours, 0

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

    def _send(self, request: Request) -> None:
        self.start_worker()
        assert self._pipe is not None
        try:
            self._pipe.send(request)
        except (BrokenPipeError, OSError) as error:
            raise ExplorerError(
                f"the worker process cannot be reached: {error}; the next change starts it again"
            ) from error
        self._in_flight = request.number

    def _lost(self, error: BaseException | None) -> WorkerProblem:
        code = None if self._process is None else self._process.exitcode
        self._answered = self._asked
        self._waiting = None
        self._in_flight = 0
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

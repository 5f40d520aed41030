"""The worker process: answers scenarios in full and studies of them step by step; holds no state but caches."""

from __future__ import annotations

import traceback
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.catalog import load_catalog
from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.study.evaluate import Evaluator
from explorer.study.outcome import Outcome
from explorer.study.studies import study_of

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

OUTCOME = "outcome"


@dataclass(frozen=True)
class Request:
    """A numbered question about a scenario (plain data: it crosses a process boundary).

    `kind` is the outcome or a study of `explorer.study.studies`, with its own `question`. Of each kind the newest
    request counts; one without a scenario only ends the one before it.
    """

    number: int
    scenario: dict[str, Any] | None
    kind: str = OUTCOME
    question: Any = None


@dataclass(frozen=True)
class Answer:
    """What a request brought so far, or what went wrong; after the `last` one nothing more comes."""

    number: int
    outcome: Outcome | None
    message: str = ""
    detail: str = ""
    kind: str = OUTCOME
    found: Any = None
    last: bool = True


class Desk:
    """The requests under way, one of each kind; each step answers a part of one, the outcome always first."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._running: dict[str, tuple[Request, Generator[Any, None, Any] | None]] = {}

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._running)

    def take(self, request: Request) -> None:
        """Put a request in the place of the one of its kind."""
        _, steps = self._running.pop(request.kind, (None, None))
        if steps is not None:
            steps.close()
        if request.scenario is not None:
            self._running[request.kind] = (request, None)

    def step(self) -> Answer:
        """Go on with the outcome, else with the study that waited longest."""
        kind = OUTCOME if OUTCOME in self._running else next(iter(self._running))
        request, steps = self._running.pop(kind)
        try:
            if steps is None:
                steps = self._begin(request)
            answer = _answer(request, next(steps), last=False)
        except StopIteration as end:
            return _answer(request, end.value, last=True)
        except ExplorerError as error:
            return Answer(request.number, None, str(error), traceback.format_exc(), kind)
        except Exception as error:  # whatever goes wrong here must reach the user, not end the worker silently
            return Answer(request.number, None, f"internal error: {error}", traceback.format_exc(), kind)
        self._running[kind] = (request, steps)
        return answer

    def _begin(self, request: Request) -> Generator[Any, None, Any]:
        scenario = Scenario.model_validate(request.scenario)
        if request.kind == OUTCOME:
            return _outcome(self._evaluator, scenario)
        return study_of(request.kind)(self._evaluator, scenario, request.question)


def _outcome(evaluator: Evaluator, scenario: Scenario) -> Generator[Outcome, None, Outcome]:
    yield from ()
    return evaluator.evaluate(scenario)


def _answer(request: Request, found: Any, *, last: bool) -> Answer:
    if request.kind == OUTCOME:
        return Answer(request.number, found, last=last)
    return Answer(request.number, None, kind=request.kind, found=found, last=last)


def serve(pipe: Connection, user_folder: str | None) -> None:
    """Answer requests until None comes or the other side is gone; what has come is read before every step."""
    desk = Desk(Evaluator(load_catalog(None if user_folder is None else Path(user_folder))))
    while True:
        try:
            while not desk.busy or pipe.poll():
                request: Request | None = pipe.recv()
                if request is None:
                    return
                desk.take(request)
                if request.scenario is None:
                    # whoever asks waits for a sign that its requests were read
                    pipe.send(Answer(request.number, None, kind=request.kind))
            pipe.send(desk.step())
        except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
            return

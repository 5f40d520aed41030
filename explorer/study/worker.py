"""The worker process: evaluates scenarios in full and sends the outcome back; holds no state but caches."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.catalog import load_catalog
from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.study.evaluate import Evaluator
from explorer.study.outcome import Outcome

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


@dataclass(frozen=True)
class Request:
    """A numbered scenario to evaluate in full (plain data: it crosses a process boundary)."""

    number: int
    scenario: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """The outcome of a request, or what went wrong."""

    number: int
    outcome: Outcome | None
    message: str = ""
    detail: str = ""


def serve(pipe: Connection, user_folder: str | None) -> None:
    """Answer requests until None comes or the other side is gone; of several waiting the newest is taken."""
    evaluator = Evaluator(load_catalog(None if user_folder is None else Path(user_folder)))
    while True:
        try:
            request: Request | None = pipe.recv()
            while request is not None and pipe.poll():
                request = pipe.recv()
            if request is None:
                return
            pipe.send(_answer(evaluator, request))
        except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
            return


def _answer(evaluator: Evaluator, request: Request) -> Answer:
    try:
        return Answer(request.number, evaluator.evaluate(Scenario.model_validate(request.scenario)))
    except ExplorerError as error:
        return Answer(request.number, None, str(error), traceback.format_exc())
    except Exception as error:  # whatever goes wrong here must reach the user, not end the worker silently
        return Answer(request.number, None, f"internal error: {error}", traceback.format_exc())

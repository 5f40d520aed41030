"""The worker process: answers scenarios stage by stage and studies of them step by step; holds no state but caches."""

from __future__ import annotations

import logging
import os
import pickle
import sys
import threading
import traceback
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.catalog import load_catalog
from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.study import closed_form_code
from explorer.study.correction import Correction, Key
from explorer.study.evaluate import Evaluator
from explorer.study.outcome import Outcome
from explorer.study.studies import study_of

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

OUTCOME = "outcome"
NICENESS = 5
"""Enough for the window to come first (its longest wait by the clock falls from 13 to 10 ms), and not so much that
other programs at work leave the simulation nothing."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """A numbered question about a scenario (plain data: it crosses a process boundary).

    `kind` is the outcome or a study of `explorer.study.studies`, with its own `question`; that of the outcome is the
    place of the workload on the screen, which is simulated first. Of each kind the newest
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
    packed: bytes | None
    """The outcome, pickled by itself: whoever has a newer answer never unpacks it."""
    message: str = ""
    detail: str = ""
    kind: str = OUTCOME
    found: Any = None
    last: bool = True
    estimates: bytes | None = None
    """What simulation found so far, as it is believed of the next slider positions: corrections by what they are of,
    pickled by themselves, for the window has no use of them before the hand moves."""

    def outcome(self) -> Outcome:
        """The outcome unpacked; only of answers that have one."""
        assert self.packed is not None
        found = pickle.loads(self.packed)
        assert isinstance(found, Outcome)
        return found


class Desk:
    """The requests under way, one of each kind; each step answers a part of one, the outcome always first."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._last: Scenario | None = None
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

    def step(self) -> Answer | None:
        """Go on with the outcome, else with the study that waited longest; None where there is nothing to tell yet."""
        kind = OUTCOME if OUTCOME in self._running else next(iter(self._running))
        request, steps = self._running.pop(kind)
        try:
            if steps is None:
                steps = self._begin(request)
            found = next(steps)
            answer = None if found is None else _answer(request, found, last=False)
        except StopIteration as end:
            return _answer(request, end.value, last=True)
        except ExplorerError as error:
            return Answer(request.number, None, str(error), traceback.format_exc(), kind)
        except Exception as error:  # whatever goes wrong here must reach the user, not end the worker silently
            return Answer(request.number, None, f"internal error: {error}", traceback.format_exc(), kind)
        self._running[kind] = (request, steps)
        return answer

    def _begin(self, request: Request) -> Generator[Any, None, Any]:
        scenario = _sharing(Scenario.model_validate(request.scenario), self._last)
        self._last = scenario
        if request.kind == OUTCOME:
            return _outcome(self._evaluator, scenario, request.question or 0)
        return study_of(request.kind)(self._evaluator, scenario, request.question)


def _sharing(new: Scenario, old: Scenario | None) -> Scenario:
    """The new scenario with the old one's records where they are equal: the evaluator knows those by identity."""
    if old is None:
        return new
    known = {one.name: one for one in old.workloads}
    workloads = tuple(known[one.name] if known.get(one.name) == one else one for one in new.workloads)
    parts = ("price", "comparison", "access", "stragglers", "simulation", "fleet")
    equal = {part: getattr(old, part) for part in parts if getattr(old, part) == getattr(new, part)}
    return new.model_copy(update={**equal, "workloads": workloads})


@dataclass(frozen=True)
class _Stage:
    """An outcome and what it rests on."""

    outcome: Outcome
    corrections: dict[Key, Correction] = field(default_factory=dict)


def _prepare() -> None:
    """Load (at the very first start: compile) the simulation while nobody waits for it, then the closed form.

    Rows are solved by arrays until the compiled closed form is there.
    """
    from explorer.engine.serving_warm_up import warm_up

    there = closed_form_code.use_what_is_there()
    warm_up()
    if not there:
        closed_form_code.made()
        closed_form_code.use_what_is_there()


def _outcome(evaluator: Evaluator, scenario: Scenario, workload: int) -> Generator[_Stage | None, None, _Stage]:
    if scenario.simulation.method == "closed_form":
        return _Stage(evaluator.evaluate(scenario))
    # imported when first needed: a scenario in closed form does without a compiler
    from explorer.study.simulation import Refinement

    refinement = Refinement(evaluator, scenario, min(workload, len(scenario.workloads) - 1))
    for outcome in refinement.stages():
        stage = None if outcome is None else _Stage(outcome, dict(refinement.corrections.of))
        if stage is not None and stage.outcome.final:
            return stage
        yield stage
    raise AssertionError("the last stage of a refinement is final")


def _answer(request: Request, found: Any, *, last: bool) -> Answer:
    if request.kind == OUTCOME:
        packed = pickle.dumps(found.outcome, pickle.HIGHEST_PROTOCOL)
        estimates = {key: one.as_estimate() for key, one in found.corrections.items()}
        return Answer(request.number, packed, last=last, estimates=pickle.dumps(estimates, pickle.HIGHEST_PROTOCOL))
    return Answer(request.number, None, kind=request.kind, found=found, last=last)


def _let_the_window_go_first() -> None:
    """Give up the processor whenever the window wants it: the simulation takes every core there is."""
    if sys.platform != "win32":
        try:
            os.nice(NICENESS)
        except OSError as error:
            # a machine that forbids it only answers its user a little later
            log.info("the worker keeps its priority: %s", error)


def serve(pipe: Connection, user_folder: str | None) -> None:
    """Answer requests until None comes or the other side is gone; what has come is read before every step."""
    _let_the_window_go_first()
    threading.Thread(target=_prepare, name="prepare", daemon=True).start()
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
            answer = desk.step()
            if answer is not None:
                pipe.send(answer)
        except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
            return

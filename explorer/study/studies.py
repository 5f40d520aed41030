"""The studies that the worker knows by name: each answers a question about a scenario, in parts as they come."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.study.evaluate import Evaluator


@dataclass(frozen=True)
class WorkerProblem:
    """Why an answer did not come: a text for the user, a detail to copy."""

    message: str
    detail: str


@dataclass(frozen=True)
class StudyAnswer:
    """What a study has found so far, whole once `last`; or the problem that ended it."""

    kind: str
    number: int
    found: Any
    last: bool
    problem: WorkerProblem | None = None


Study = Callable[[Evaluator, Scenario, Any], Generator[Any, None, Any]]
"""Yields what it has so far whenever a newer request may take its place, and returns the whole."""


def _evidence(evaluator: Evaluator, scenario: Scenario, question: Any) -> Generator[Any, None, Any]:
    """The public measurements of the chips named, one mapping from chip to its evidence."""
    from explorer.study.evidence.of_chip import chips_evidence

    yield from ()
    return chips_evidence(evaluator.catalog, tuple(question))


def _matters(evaluator: Evaluator, scenario: Scenario, question: Any) -> Generator[Any, None, Any]:
    """What matters for the workload of a place in the file, and what to ask first."""
    from explorer.study.what_matters import what_matters_in_steps

    return (yield from what_matters_in_steps(scenario, evaluator.catalog, int(question)))


def _win_map(evaluator: Evaluator, scenario: Scenario, question: Any) -> Generator[Any, None, Any]:
    """The win map of a `MapQuestion`, ever finer."""
    from explorer.study.win_map import win_map

    return (yield from win_map(evaluator.catalog, evaluator.figures, scenario, question))


def _tail(evaluator: Evaluator, scenario: Scenario, question: Any) -> Generator[Any, None, Any]:
    """One question about the tail (`tail_answers.TailQuestion`), answered alternative by alternative."""
    from explorer.study.tail_study import tail_study

    return (yield from tail_study(evaluator, scenario, question))


def _break_even(evaluator: Evaluator, scenario: Scenario, question: Any) -> Generator[Any, None, Any]:
    """A BreakEven of (unknown, goal, replicas, whether the layout is held), its curve once there is time."""
    from explorer.study.break_even import Locks, break_even_steps

    unknown, goal, replicas, layout = question
    # an evaluator of its own, so that the answer on the screen stays known
    aside = Evaluator(evaluator.catalog)
    locks = Locks(replicas, layout)
    return (yield from break_even_steps(aside, scenario, unknown, goal, locks=locks, curve=True))


def _claims(evaluator: Evaluator, scenario: Scenario, question: Any) -> Generator[Any, None, Any]:
    """The answers to the scenario's claims, a ClaimAnswer each, more and more of them."""
    from explorer.study.claims import check_claims

    return (yield from check_claims(Evaluator(evaluator.catalog), scenario))


def _scaling(evaluator: Evaluator, scenario: Scenario, question: Any) -> Generator[Any, None, Any]:
    """Throughput per chip over the chips of a replica, of the workload of a place in the file."""
    from explorer.study.scaling import scaling

    yield from ()
    # an evaluator of its own, so that the answer on the screen stays known
    return scaling(Evaluator(evaluator.catalog), scenario, int(question))


def _board(evaluator: Evaluator, scenario: Scenario, question: Any) -> Generator[Any, None, Any]:
    """The report to the board; the question is the final outcome where it is known, else None."""
    from explorer.study.board.compose import board_report_in_steps

    # an evaluator of its own, so that the answer on the screen stays known
    return (yield from board_report_in_steps(Evaluator(evaluator.catalog), scenario, question))


STUDIES: Mapping[str, Study] = {
    "evidence": _evidence,
    "matters": _matters,
    "tail": _tail,
    "win_map": _win_map,
    "break_even": _break_even,
    "claims": _claims,
    "scaling": _scaling,
    "board": _board,
}


def study_of(kind: str) -> Study:
    """The study of a name; ExplorerError for an unknown one."""
    if kind not in STUDIES:
        raise ExplorerError(f"no study '{kind}' (there are {', '.join(sorted(STUDIES))})")
    return STUDIES[kind]


def study_at_once(
    evaluator: Evaluator, kind: str, number: int, scenario: Scenario, question: Any = None
) -> StudyAnswer:
    """The whole of a study, here and now, for pictures and the command line; a problem where it cannot be had."""
    try:
        steps = study_of(kind)(evaluator, scenario, question)
        while True:
            next(steps)
    except StopIteration as end:
        return StudyAnswer(kind, number, end.value, True)
    except ExplorerError as error:
        return StudyAnswer(kind, number, None, True, WorkerProblem(str(error), ""))

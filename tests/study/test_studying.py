"""Studies in the worker: in parts, the newest of each kind, never before the outcome, and none left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.study import studies
from explorer.study.evaluate import Evaluator
from explorer.study.live import LiveEvaluator
from explorer.study.outcome import Outcome
from explorer.study.studies import StudyAnswer
from explorer.study.worker import Answer, Desk, Request
from tests.study.asking import one_chip
from tests.study.test_live import PATIENCE_S, worker_id


@pytest.fixture
def live(catalog: Catalog) -> Iterator[LiveEvaluator]:
    """An evaluator whose worker is gone afterwards."""
    evaluator = LiveEvaluator(catalog)
    yield evaluator
    evaluator.close()


def collect(live: LiveEvaluator) -> tuple[list[StudyAnswer], list[Any]]:
    """All answers of the studies under way, and the outcomes that came meanwhile."""
    found: list[StudyAnswer] = []
    outcomes: list[Any] = []
    end = time.monotonic() + PATIENCE_S
    while (live.studying or live.busy) and time.monotonic() < end:
        outcome = live.poll()
        outcomes += [] if outcome is None else [outcome]
        found += live.take_study_answers()
        time.sleep(0.005)
    assert not live.studying
    return found, outcomes


def test_that_a_study_is_answered_beside_an_outcome(live: LiveEvaluator) -> None:
    scenario = one_chip("nv-h200")
    number = live.study("evidence", scenario, ("nv-h200",))
    live.refine(scenario)
    found, outcomes = collect(live)
    assert [(one.number, one.last, one.problem) for one in found] == [(number, True, None)]
    assert found[0].found["nv-h200"].points
    assert [type(one) for one in outcomes] == [Outcome]


def test_that_many_questions_at_once_do_not_fill_the_pipe(live: LiveEvaluator) -> None:
    numbers = [live.study("evidence", one_chip("nv-l4"), ("nv-l4",)) for _ in range(400)]
    found, _ = collect(live)
    assert found[-1].number == numbers[-1] and found[-1].last
    assert all(one.number == numbers[-1] for one in found)


def test_that_a_study_that_was_cancelled_is_not_answered(live: LiveEvaluator) -> None:
    live.study("evidence", one_chip("nv-h200"), ("nv-h200",))
    live.cancel_study("evidence")
    assert not live.studying
    number = live.study("evidence", one_chip("nv-l4"), ("nv-l4",))
    found, _ = collect(live)
    assert [one.number for one in found] == [number]


def test_that_a_study_that_fails_says_why(live: LiveEvaluator) -> None:
    live.study("evidence", one_chip("nv-l4"), ("no-such-chip",))
    live.study("no such study", one_chip("nv-l4"))
    found, _ = collect(live)
    texts = {one.kind: one.problem.message for one in found if one.problem is not None}
    assert "no-such-chip" in texts["evidence"] and "evidence" in texts["no such study"]


def test_that_a_study_ends_with_a_killed_worker(live: LiveEvaluator) -> None:
    live.study("evidence", one_chip("nv-h200"), ("nv-h200",))
    os.kill(worker_id(), signal.SIGKILL)
    found, _ = collect(live)
    assert len(found) == 1 and found[0].last and found[0].problem is not None


def counted(calls: list[str]) -> studies.Study:
    """A study of three parts that notes when it goes on and when it is given up."""

    def study(evaluator: Evaluator, scenario: Scenario, question: Any) -> Generator[Any, None, Any]:
        try:
            for part in range(3):
                calls.append(f"{question}{part}")
                yield part
        finally:
            calls.append(f"{question} ends")
        return "whole"

    return study


def request(number: int, kind: str, question: Any = None) -> Request:
    """A request about a small scenario."""
    return Request(number, one_chip("nv-l4").model_dump(mode="json"), kind, question)


def test_that_the_desk_takes_turns_and_gives_up_what_was_replaced(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(studies, "STUDIES", {"a": counted(calls), "b": counted(calls)})
    desk = Desk(Evaluator(catalog))
    desk.take(request(1, "a", "a"))
    desk.take(request(2, "b", "b"))
    assert [desk.step().found for _ in range(3)] == [0, 0, 1]
    desk.take(request(3, "a", "A"))
    desk.take(request(4, "outcome"))
    assert desk.step().outcome is not None
    rest: list[Answer] = []
    while desk.busy:
        rest.append(desk.step())
    assert calls == ["a0", "b0", "a1", "a ends", "b1", "A0", "b2", "A1", "b ends", "A2", "A ends"]
    assert [(one.number, one.found, one.last) for one in rest if one.last] == [(2, "whole", True), (3, "whole", True)]
    assert all(one.number in (2, 3) for one in rest)


def test_that_an_unknown_study_names_those_there_are() -> None:
    with pytest.raises(ExplorerError, match="evidence"):
        studies.study_of("dowsing")

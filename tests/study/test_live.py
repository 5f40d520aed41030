"""Quick answers here, final ones from the worker process: the newest wins, a dead worker is replaced, none is left."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator

import pytest

from explorer.catalog import Catalog
from explorer.scenario.path import replace, several
from explorer.scenario.schema import Scenario
from explorer.study.evaluate import evaluate
from explorer.study.live import LiveEvaluator
from explorer.study.outcome import Outcome
from explorer.study.studies import WorkerProblem
from tests.study.asking import four_chips, one_chip
from tests.study.walking import differences

PATIENCE_S = 60.0


@pytest.fixture
def live(catalog: Catalog) -> Iterator[LiveEvaluator]:
    """An evaluator whose worker is gone afterwards."""
    evaluator = LiveEvaluator(catalog)
    yield evaluator
    evaluator.close()
    assert multiprocessing.active_children() == []


def answer(live: LiveEvaluator) -> Outcome | WorkerProblem:
    """Wait for the next answer."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = live.poll()
        if found is not None:
            return found
        time.sleep(0.005)
    raise AssertionError(f"no answer; status {live.status}")


def worker_id() -> int:
    """The process id of the only worker."""
    (worker,) = multiprocessing.active_children()
    assert worker.pid is not None
    return worker.pid


def at_rate(rate: float) -> Scenario:
    """A small question with many draws, so that quick and final answers differ."""
    return replace(one_chip("qcom-ai200", traffic={"request_rate_per_s": rate}), "simulation.samples", 64)


def test_that_a_refined_answer_is_the_final_outcome(live: LiveEvaluator, catalog: Catalog) -> None:
    asked = replace(four_chips(), "simulation.samples", 64)
    quick = live.quick(asked)
    assert not quick.final
    live.refine(asked)
    assert live.busy
    found = answer(live)
    assert isinstance(found, Outcome)
    assert found.final
    assert not live.busy
    assert live.status == "final"
    # the worker may have its compiled loops by now
    assert differences(found, evaluate(asked, catalog), rounding=1e-8) == []


def test_that_the_newest_question_is_the_one_answered(live: LiveEvaluator, catalog: Catalog) -> None:
    for rate in (1.0, 2.0, 3.0, 4.0, 5.0):
        live.refine(at_rate(rate))
    found = answer(live)
    assert isinstance(found, Outcome)
    assert found.workloads[0].chosen.request_rate == 5.0
    assert live.poll() is None
    assert not live.busy


def test_that_a_cancelled_question_is_not_answered_and_the_next_one_is(live: LiveEvaluator) -> None:
    live.refine(at_rate(1.0))
    live.cancel()
    assert not live.busy
    live.refine(at_rate(2.0))
    found = answer(live)
    assert isinstance(found, Outcome)
    assert found.workloads[0].chosen.request_rate == 2.0


def test_that_a_question_that_cannot_be_answered_says_why_and_the_worker_lives(live: LiveEvaluator) -> None:
    live.refine(one_chip("no-such-chip"))
    found = answer(live)
    assert isinstance(found, WorkerProblem)
    assert "no-such-chip" in found.message
    assert "Traceback" in found.detail
    assert live.status == "failed"
    before = worker_id()
    live.refine(at_rate(1.0))
    assert isinstance(answer(live), Outcome)
    assert worker_id() == before


@pytest.mark.parametrize("while_busy", [True, False])
def test_that_a_killed_worker_is_reported_and_the_next_question_is_answered(
    live: LiveEvaluator, while_busy: bool
) -> None:
    live.refine(at_rate(1.0))
    if not while_busy:
        assert isinstance(answer(live), Outcome)
    os.kill(worker_id(), signal.SIGKILL)
    found = answer(live)
    assert isinstance(found, WorkerProblem)
    assert "starts it again" in found.message
    assert not live.busy
    live.refine(at_rate(2.0))
    again = answer(live)
    assert isinstance(again, Outcome)
    assert again.workloads[0].chosen.request_rate == 2.0


def test_that_closing_leaves_no_process_even_in_the_middle_of_work(live: LiveEvaluator) -> None:
    live.refine(replace(four_chips(), "simulation.samples", 4096))
    live.close()
    assert multiprocessing.active_children() == []
    live.close()


def test_that_no_process_is_started_before_it_is_needed(live: LiveEvaluator) -> None:
    live.quick(at_rate(1.0))
    assert live.poll() is None
    assert live.fileno() == -1
    assert multiprocessing.active_children() == []
    live.start_worker()
    live.start_worker()
    assert len(multiprocessing.active_children()) == 1
    assert live.fileno() >= 0


def test_that_the_next_move_carries_what_the_worker_simulated(live: LiveEvaluator) -> None:
    asked = several(at_rate(2.0), {"simulation.method": "simulation", "simulation.requests": 1000})
    before = live.quick(replace(asked, "workloads.0.traffic.request_rate_per_s", 2.2)).workloads[0].chosen
    assert before.latency_method == "closed form"
    live.refine(asked)
    found = answer(live)
    while isinstance(found, Outcome) and not found.final:
        found = answer(live)
    assert isinstance(found, Outcome)
    moved = live.quick(replace(asked, "workloads.0.traffic.request_rate_per_s", 2.2)).workloads[0].chosen
    assert moved.latency_method == "estimate"
    # at nearly the same load it comes as near to the simulation as the closed form was off
    simulated = found.workloads[0].chosen
    ttft, closed, known = (one.latency["ttft"].p99 for one in (moved, before, simulated))
    assert ttft is not None and closed is not None and known is not None
    assert abs(ttft.value / known.value - 1.0) < abs(closed.value / known.value - 1.0)

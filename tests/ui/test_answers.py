"""The answers to the document: the throttle, what a hand has computed while it moves, the worker, no answer at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.catalog.catalog import Catalog
from explorer.errors import MissingFigureError
from explorer.scenario.file import read_scenario
from explorer.scenario.schema import Scenario
from explorer.study.banded import METRICS, Metric
from explorer.study.live import LiveEvaluator
from explorer.study.outcome import Outcome
from explorer.ui.document import Document

RATE = "workloads.0.traffic.request_rate_per_s"


class Counting(LiveEvaluator):
    """The real engine, counting; a scenario with the forbidden rate cannot be evaluated."""

    forbidden = 99.0

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog)
        self.rates: list[float] = []
        self.refined: list[float] = []

    def quick(self, scenario: Scenario, shown: Metric | None = None) -> Outcome:
        rate = scenario.workloads[0].traffic.request_rate_per_s
        self.rates.append(rate)
        if rate == self.forbidden:
            raise MissingFigureError("nv-x", "memory_bandwidth", "this test")
        return super().quick(scenario, shown)

    def refine(self, scenario: Scenario, workload: int = 0) -> None:
        self.refined.append(scenario.workloads[0].traffic.request_rate_per_s)


@pytest.fixture
def counted(catalog: Catalog, scenario_file: Path, qapp: QApplication) -> Any:
    live = Counting(catalog)
    made = Document(catalog, live, read_scenario(scenario_file, catalog).scenario)
    live.rates.clear()
    yield made, live
    made.close()


def test_that_a_burst_is_evaluated_first_and_last_and_never_in_between(counted: Any, qtbot: QtBot) -> None:
    document, live = counted
    for step in range(50):
        document.change(RATE, 13.0 + step / 10)
    assert live.rates == [13.0]
    qtbot.waitUntil(lambda: len(live.rates) > 1)
    QApplication.processEvents()
    assert live.rates == [13.0, 17.9]
    assert document.outcome.workloads[0].chosen.request_rate == 17.9


def test_that_the_worker_is_asked_once_when_the_hand_rests(counted: Any, qtbot: QtBot) -> None:
    document, live = counted
    # long enough that no machine, however busy, rests between two changes
    document.answers.refine_timer.setInterval(600_000)
    for value in (13.0, 14.0, 15.0):
        document.change(RATE, value)
        qtbot.wait(5)
    assert live.refined == [] and document.answers.refine_timer.isActive()
    document.answers.refine_timer.setInterval(0)
    qtbot.waitUntil(lambda: bool(live.refined))
    assert live.refined == [15.0]


def test_that_a_scenario_without_an_answer_is_told_and_the_next_one_recovers(counted: Any, qtbot: QtBot) -> None:
    document, _ = counted
    answer = document.outcome
    with qtbot.waitSignal(document.answers.evaluation_failed) as told:
        document.change(RATE, Counting.forbidden)
    assert "memory_bandwidth" in str(told.args[0])
    assert document.workload.traffic.request_rate_per_s == Counting.forbidden and document.outcome is answer
    document.undo_stack.undo()
    qtbot.waitUntil(lambda: document.answers.problem is None)


def test_that_the_end_of_a_drag_brings_every_latency_back(document: Document) -> None:
    document.answers.shown_metric = "tpot"
    document.begin_drag()
    document.change(RATE, 13.0)
    assert "tpot" in document.outcome.workloads[0].chosen.curves
    document.end_drag()
    QApplication.processEvents()
    assert set(document.outcome.workloads[0].chosen.curves) == set(METRICS)
    assert document.outcome.workloads[0].chosen.request_rate == 13.0


def test_that_the_worker_makes_the_outcome_final_and_close_leaves_nothing_running(
    catalog: Catalog, scenario_file: Path, qtbot: QtBot
) -> None:
    live = LiveEvaluator(catalog)
    document = Document(catalog, live, read_scenario(scenario_file, catalog).scenario)
    try:
        document.change(RATE, 13.0)
        assert not document.outcome.final
        # on a new machine the worker compiles the simulation first
        qtbot.waitUntil(lambda: document.outcome.final, timeout=100_000)
        assert document.outcome.workloads[0].chosen.request_rate == 13.0
    finally:
        document.close()
    assert not [timer for timer in document.findChildren(QTimer) if timer.isActive()]
    assert live.fileno() == -1 and not _children_alive()


def _children_alive() -> list[Any]:
    import multiprocessing

    return [child for child in multiprocessing.active_children() if child.name == "explorer-worker"]


def test_that_a_mistake_of_the_program_is_told_and_can_be_taken_back(
    catalog: Catalog, scenario_file: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slider moves through Qt's undo stack: what is raised there would end the window."""
    live = LiveEvaluator(catalog)
    document = Document(catalog, live, read_scenario(scenario_file, catalog).scenario)
    before = document.scenario
    with monkeypatch.context() as patched, qtbot.captureExceptions() as told:
        patched.setattr(live, "quick", lambda *_: 1 / 0)
        document.change(RATE, 7.5)
    assert [kind for kind, *_ in told] == [ZeroDivisionError]
    assert "division by zero" in str(document.answers.problem)
    document.undo_stack.undo()
    qtbot.waitUntil(lambda: document.answers.problem is None)
    assert document.scenario == before
    document.close()

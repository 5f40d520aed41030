"""The Tail page: asks the worker once for each view, shows what comes, and says what cannot be simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.catalog.catalog import Catalog
from explorer.plots.tokens import DARK
from explorer.scenario.file import read_scenario
from explorer.scenario.path import several
from explorer.scenario.schema import Scenario
from explorer.study.tail_answers import VIEW_TITLES
from explorer.ui.application import Unhurried
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.tail_page import TailPage

Choose = Callable[[str, str], None]


class Asked(Unhurried):
    """Answers at once and notes what was asked."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog)
        self.views: list[str] = []

    def study(self, kind: str, scenario: Scenario, question: object = None) -> int:
        self.views.append(getattr(question, "view", kind))
        return super().study(kind, scenario, question)


@pytest.fixture
def window(catalog: Catalog, scenarios_folder: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window on two chips, few requests, the Tail page in front."""
    whole = read_scenario(scenarios_folder / "llama-70b-chat.toml", catalog).scenario
    of = whole.workloads[0]
    short = whole.model_copy(update={"workloads": (of.model_copy(update={"alternatives": of.alternatives[:2]}),)})
    scenario = several(short, {"simulation.requests": 1000, "simulation.samples": 16})
    document = Document(catalog, Asked(catalog), scenario)
    made = MainWindow(document)
    made.resize(1280, 720)
    made.show()
    made.show_page("tail")
    yield made
    document.undo_stack.setClean()
    made.close()


@pytest.fixture
def page(window: MainWindow) -> TailPage:
    found = window.book.page("tail")
    assert isinstance(found, TailPage)
    return found


@pytest.fixture
def choose(page: TailPage, qtbot: QtBot) -> Choose:
    """Choose a view and a latency as a hand does, and wait for the answer."""

    def choose(view: str, metric: str) -> None:
        for box, value in ((page.view, view), (page.latency, metric)):
            box.setCurrentIndex(box.findData(value))
        page.view.activated.emit(page.view.currentIndex())

        def answered() -> bool:
            found = page.plot.values()
            return found is not None and found.question.view == view and not page.notice.text()

        qtbot.waitUntil(answered, timeout=20_000)

    return choose


@pytest.mark.parametrize("view", VIEW_TITLES)
def test_that_every_view_is_drawn_and_told_in_words(page: TailPage, choose: Choose, view: str) -> None:
    choose(view, "ttft")
    image = page.plot.grab().toImage()
    ground = image.pixelColor(image.width() - 1, image.height() - 1)
    marks = {image.pixelColor(x, y).name() for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
    assert len(marks - {ground.name()}) > 10
    words = page.plot.text_summary()
    assert "1,000 requests a point" in words and "H200 ×2" in words
    assert page.parts.isVisible() == (view in ("distribution", "capacity"))
    assert page.capacities.isVisible() == (view == "capacity")


def test_that_what_the_p99_is_made_of_follows_the_latency(page: TailPage, choose: Choose) -> None:
    choose("distribution", "ttft")
    assert "decoding" not in page.parts.text_summary()
    choose("distribution", "e2e")
    assert "decoding" in page.parts.text_summary()
    assert len(page.parts.values()) == 2


def test_that_percentiles_and_goodput_stand_beneath_the_distribution(page: TailPage, choose: Choose) -> None:
    choose("distribution", "ttft")
    assert page.percentiles.isVisible() and not page.capacities.isVisible()
    table = page.percentiles.texts.as_text()
    assert all(heading in table for heading in ("P50", "P90", "P95", "P99", "P99.9", "Break a promise", "Goodput"))
    first = [page.percentiles.texts.cell(0, column).text for column in range(8)]
    assert first[0] == "H200 ×2"
    assert first[5] == "–", "of 1,000 requests one is no P99.9"
    assert first[6].endswith(")") and "%" in first[6]
    assert first[7].endswith("/s")
    choose("degree", "ttft")
    assert not page.percentiles.isVisible()


def test_that_a_question_is_asked_once_until_the_scenario_moves(
    window: MainWindow, page: TailPage, choose: Choose, qtbot: QtBot
) -> None:
    live = window.document.answers._live
    assert isinstance(live, Asked)
    choose("burstiness", "ttft")
    before = len(live.views)
    page.ask()
    window.document.outcome_changed.emit(window.document.outcome)
    assert len(live.views) == before
    window.document.change(window.document.workload_path("traffic.request_rate_per_s"), 25.0)
    qtbot.waitUntil(lambda: len(live.views) == before + 1, timeout=20_000)


def test_that_a_hidden_page_asks_nothing(window: MainWindow, page: TailPage, choose: Choose) -> None:
    live = window.document.answers._live
    assert isinstance(live, Asked)
    choose("distribution", "tpot")
    window.set_tokens(DARK)
    assert page.plot.tokens is DARK and page.parts.tokens is DARK
    window.show_page("compare")
    before = len(live.views)
    window.document.change(window.document.workload_path("traffic.request_rate_per_s"), 26.0)
    QApplication.processEvents()
    assert len(live.views) == before

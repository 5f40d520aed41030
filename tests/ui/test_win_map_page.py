"""The Win map page: asked for only while seen and at rest, drawn as it comes, a click is one step of undo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from explorer.study.map_axes import AXES, MapQuestion
from explorer.study.studies import StudyAnswer, WorkerProblem
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.pages import win_map_page
from explorer.ui.pages.win_map_page import WinMapPage


@pytest.fixture
def page(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> Iterator[WinMapPage]:
    """The page, hidden yet; its maps are small."""
    small = WinMapPage.question.fget
    assert small is not None
    monkeypatch.setattr(
        win_map_page.WinMapPage,
        "question",
        property(lambda self: replace(small(self), columns=8, rows=8, samples=4)),
    )
    made = window.book.page("win_map")
    assert isinstance(made, WinMapPage)
    yield made
    window.show_page("compare")


def shown(window: MainWindow, page: WinMapPage, qtbot: QtBot) -> None:
    """Show the page and wait for its map."""
    window.show_page("win_map")
    qtbot.waitUntil(lambda: page.plot.found is not None and page.plot.found.done, timeout=60_000)


def test_that_a_hidden_page_asks_for_nothing(page: WinMapPage, window: MainWindow, qtbot: QtBot) -> None:
    window.document.change("workloads.0.traffic.request_rate_per_s", 20.0)
    qtbot.wait(win_map_page.REST_MS + 100)
    assert page.plot.found is None


def test_that_the_map_comes_when_the_page_is_seen(page: WinMapPage, window: MainWindow, qtbot: QtBot) -> None:
    shown(window, page, qtbot)
    found = page.plot.found
    assert found is not None and found.winner.shape == (8, 8)
    text = page.plot.text_summary()
    assert "Model size" in page.across.currentText() and "Present point" in text
    assert "AI200 at AWS: claimed, unconfirmed" in page.footing.text()
    assert "cannot be had where you buy" in page.footing.toolTip()


def test_that_a_click_goes_there_in_one_step(page: WinMapPage, window: MainWindow, qtbot: QtBot) -> None:
    shown(window, page, qtbot)
    found, document = page.plot.found, window.document
    assert found is not None
    before = document.scenario
    qtbot.mouseClick(page.plot, Qt.MouseButton.LeftButton, pos=page.plot.cell_place(2, 6).toPoint())
    workload = document.scenario.workloads[0]
    assert workload.model.size_billion == pytest.approx(float(found.x[2]), rel=1e-3)
    assert workload.objectives.tpot_p99_s == pytest.approx(float(found.y[6]), rel=1e-3)
    assert "win map" in document.undo_stack.undoText()
    document.undo_stack.undo()
    assert document.scenario.workloads[0].model == before.workloads[0].model
    assert document.scenario.workloads[0].objectives == before.workloads[0].objectives


def test_that_a_change_says_that_the_old_map_is_old(page: WinMapPage, window: MainWindow, qtbot: QtBot) -> None:
    shown(window, page, qtbot)
    window.document.change("workloads.0.traffic.request_rate_per_s", 40.0)
    assert "computing" in page.plot.text_summary()
    qtbot.waitUntil(lambda: "computing" not in page.plot.text_summary(), timeout=60_000)


def test_that_another_axis_gives_another_map(page: WinMapPage, window: MainWindow, qtbot: QtBot) -> None:
    shown(window, page, qtbot)
    page.up.setCurrentIndex(page.up.findData("rate"))
    page.up.activated.emit(page.up.currentIndex())
    qtbot.waitUntil(lambda: page.plot.found is not None and page.plot.found.up == "rate", timeout=60_000)
    page.across.setCurrentIndex(page.across.findData("rate"))
    page.across.activated.emit(page.across.currentIndex())
    assert page.up.currentData() == "tpot", "a setting cannot stand both ways"
    qtbot.waitUntil(
        lambda: page.plot.found is not None and (page.plot.found.across, page.plot.found.up) == ("rate", "tpot"),
        timeout=60_000,
    )


def test_that_a_problem_is_shown_where_the_map_would_be(
    page: WinMapPage, window: MainWindow, document: Document, qtbot: QtBot
) -> None:
    shown(window, page, qtbot)
    page._number = 7
    problem = WorkerProblem("the model is not known", "")
    document.answers.study_answered.emit(StudyAnswer("win_map", 7, None, True, problem))
    assert "the model is not known" in page.plot.text_summary()


def test_that_a_closed_loop_has_no_map_to_choose_for_and_is_told_what_to_set(
    page: WinMapPage, window: MainWindow, document: Document, qtbot: QtBot
) -> None:
    shown(window, page, qtbot)
    assert page.plot.found is not None and page.plot.found.family == "Llama 3.1 70B"
    document.change(document.workload_path("traffic.mode"), "closed_loop")
    qtbot.waitUntil(lambda: "set Load to open loop" in page.plot.text_summary(), timeout=60_000)
    assert not any(part.isVisible() for part in (page.across, page.up, page.outlined))
    assert "mode" not in page.plot.text_summary() and page.footing.text() == ""
    document.change(document.workload_path("traffic.mode"), "open_loop")
    assert page.across.isVisible() and page.outlined.isVisible()


def test_that_every_axis_offered_has_a_title_and_a_place_in_the_scenario(page: WinMapPage) -> None:
    for box in (page.across, page.up):
        assert box.accessibleName()
        for at in range(box.count()):
            axis = AXES[box.itemData(at)]
            assert box.itemText(at) == axis.title
            assert MapQuestion().path(axis).startswith("workloads.0.")

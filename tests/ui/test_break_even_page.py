"""The Break-even page: choices make the question, the answer comes as a sentence, a button takes the value over."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from explorer.study.break_even import BreakEven
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.break_even_page import BreakEvenPage


@pytest.fixture
def window(make_document: Callable[[Path], Document], scenarios_folder: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """A trillion parameters in real time, the Break-even page shown."""
    document = make_document(scenarios_folder / "trillion-moe-realtime.toml")
    window = MainWindow(document)
    window.resize(1440, 900)
    qtbot.addWidget(window, before_close_func=lambda _: document.undo_stack.setClean())
    window.show()
    qtbot.waitExposed(window)
    window.show_page("break_even")
    answered(window, qtbot)
    yield window


def page_of(window: MainWindow) -> BreakEvenPage:
    page = window.book.page("break_even")
    assert isinstance(page, BreakEvenPage)
    return page


def answered(window: MainWindow, qtbot: QtBot) -> BreakEvenPage:
    page = page_of(window)
    qtbot.waitUntil(lambda: bool(page.answer.text()) and "Looking" not in page.answer.text(), timeout=60_000)
    return page


def choose(box: QComboBox, data: object) -> None:
    """As a hand does: the choice and its signal."""
    at = box.findData(data)
    assert at >= 0, f"{data} is not offered"
    box.setCurrentIndex(at)
    box.activated.emit(at)


def said(page: BreakEvenPage) -> BreakEven:
    assert page.found is not None
    return page.found


def test_that_it_begins_with_the_disputed_figure_and_the_promise(window: MainWindow) -> None:
    page = page_of(window)
    assert page.unknown.currentText() == "Memory bandwidth – disputed"
    assert page.goal.text() == "P99 TPOT of AI200 <= 30 ms"
    assert said(page).statement.right == pytest.approx(0.03)
    assert page.answer.text() and page.remarks.text()


def test_that_the_goal_is_drawn_over_the_number_once_the_answer_is_there(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    assert page.plot.isVisible() and page.plot.height() >= page.plot.minimumHeight()
    qtbot.waitUntil(lambda: page.plot.values() is not None, timeout=60_000)
    curve = page.plot.values()
    assert curve is not None and curve == said(page).curve
    assert page.plot.text_summary().count("P99 TPOT of AI200") == 1
    page.goal.setText("P99 TPOT of AI900 <= 30 ms")
    page.goal.editingFinished.emit()
    assert page.plot.values() is None
    answered(window, qtbot)
    assert page.plot.values() is None and "nothing asked yet" in page.plot.text_summary()


def test_that_setting_the_value_is_one_step_that_can_be_undone(window: MainWindow, qtbot: QtBot) -> None:
    page, document = page_of(window), window.document
    choose(page.replicas, "auto")
    value = said(answered(window, qtbot)).value
    assert value is not None and page.take.isVisible()
    before = document.scenario
    qtbot.mouseClick(page.take, Qt.MouseButton.LeftButton)
    override = document.scenario.overrides["qcom-ai200"]["memory_bandwidth"]
    assert override.value == pytest.approx(value / 1e12) and override.unit == "TB/s"
    document.undo_stack.undo()
    assert document.scenario == before


def test_that_other_choices_ask_another_question(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    first = page.answer.text()
    choose(page.output, "usd_per_million")
    assert page.goal.text() == "$/M tokens of AI200 <= $1"
    choose(page.unknown, 'price of "AI200"')
    choose(page.against, "H200")
    assert not page.limit.isVisible()
    choose(page.comparison, "=")
    assert page.goal.text() == "$/M tokens of AI200 = that of H200"
    answered(window, qtbot)
    assert page.answer.text() != first and "makes both sides equal" in page.answer.text()
    assert not page.take.isVisible() and "offer" in page.remarks.text()


def test_that_an_impossible_goal_shows_what_blocks_it_and_no_button(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    choose(page.unknown, "overrides.qcom-ai200.link_bandwidth")
    page.goal.setText("P99 TPOT of AI200 x16 <= 1 ms")
    page.goal.editingFinished.emit()
    answered(window, qtbot)
    assert page.answer.text().startswith(("Infeasible", "No effect"))
    assert not page.take.isVisible()


def type_goal(page: BreakEvenPage, text: str) -> None:
    page.goal.setText(text)
    page.goal.editingFinished.emit()


def test_that_choices_follow_what_is_typed_or_it_is_said_that_they_do_not(window: MainWindow) -> None:
    page = page_of(window)
    type_goal(page, "$/M tokens of AI200 x8 >= $0.25")
    chosen = [box.currentData() for box in (page.output, page.degree, page.comparison, page.against)]
    assert chosen == ["usd_per_million", "8", ">=", ""] and page.limit.text() == "$0.25"
    assert page.limit.isVisible() and not page.typed.isVisible()
    assert page.goal.text() == "$/M tokens of AI200 x8 >= $0.25"
    type_goal(page, "$/M tokens of AI200 <= that of H200")
    assert (page.degree.currentData(), page.against.currentData()) == ("", "H200") and not page.limit.isVisible()
    for text in (
        "P99 TPOT of AI200 <= 2 x that of H200",
        "P99 TPOT of H200 <= 30 ms",
        "P99 TPOT of",
        "HHI (cloud) of the fleet < 1",
    ):
        type_goal(page, text)
        assert page.typed.isVisible() and page.goal.text() == text
        assert page.against.currentData() == "H200"
    type_goal(page, "P99 TPOT of AI200 <= 2 x that of H200")
    window.show_page("cost")
    window.show_page("break_even")
    assert page.typed.isVisible() and page.goal.text() == "P99 TPOT of AI200 <= 2 x that of H200"
    choose(page.output, "tpot_p99")
    assert not page.typed.isVisible() and page.goal.text().startswith("P99 TPOT of AI200")


def test_that_a_typed_goal_that_cannot_be_read_is_told_with_its_column(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    page.goal.setText("P99 TPOT of AI900 <= 30 ms")
    page.goal.editingFinished.emit()
    answered(window, qtbot)
    assert "column 13" in page.answer.text() and "AI200, H200, GB200 NVL72" in page.answer.text()
    assert page.remarks.text() == "" and not page.take.isVisible()


def test_that_a_slider_asks_again_only_while_the_page_is_seen(window: MainWindow, qtbot: QtBot) -> None:
    page, document = page_of(window), window.document
    before = said(page)
    document.change("workloads.0.traffic.output_tokens", 800)
    qtbot.waitUntil(lambda: page.found is not None and page.found is not before, timeout=60_000)
    kept = said(page)
    window.show_page("cost")
    document.change("workloads.0.traffic.output_tokens", 900)
    qtbot.wait(300)
    assert page.found is kept


def test_that_an_answer_can_cross_to_another_process(window: MainWindow) -> None:
    found = said(page_of(window))
    again = pickle.loads(pickle.dumps(found))
    assert again.value == found.value and again.unknown.quantity.format(1e12) == "1 TB/s"


def test_that_everything_on_it_has_a_name_and_can_be_reached_by_key(window: MainWindow) -> None:
    page = page_of(window)
    boxes = (page.unknown, page.output, page.alternative, page.degree, page.comparison, page.against, page.replicas)
    for widget in (*boxes, page.limit):
        assert widget.accessibleName() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert page.goal.accessibleName()

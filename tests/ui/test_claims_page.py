"""The Claims page: every claim with its verdict, the chosen one in full; claims are added and taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.claims_page import ClaimsPage

CLAIM = "P99 TPOT of AI200 x8 > 2 x that of H200 x8"


@pytest.fixture
def window(make_document: Callable[[Path], Document], scenarios_folder: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """A scenario without claims, the Claims page shown."""
    document = make_document(scenarios_folder / "trillion-moe-realtime.toml")
    window = MainWindow(document)
    window.resize(1440, 900)
    qtbot.addWidget(window, before_close_func=lambda _: document.undo_stack.setClean())
    window.show()
    qtbot.waitExposed(window)
    window.show_page("claims")
    yield window


def page_of(window: MainWindow) -> ClaimsPage:
    page = window.book.page("claims")
    assert isinstance(page, ClaimsPage)
    return page


def cell(page: ClaimsPage, row: int, column: int) -> str:
    return str(page.table.texts.data(page.table.texts.index(row, column)))


def type_claim(page: ClaimsPage, text: str, qtbot: QtBot) -> None:
    page.statement.clear()
    qtbot.keyClicks(page.statement, text)
    qtbot.mouseClick(page.add, Qt.MouseButton.LeftButton)


def test_that_a_scenario_without_claims_says_what_a_claim_is(window: MainWindow) -> None:
    page = page_of(window)
    assert page.table.texts.rowCount() == 0
    assert "makes no claims" in page.text.text() and CLAIM in page.text.text()
    assert page.statement.isVisible() and page.add.isVisible()
    assert not page.table.isVisible() and not page.remove.isVisible()
    # what to type stands beneath what it is, not at the foot of an empty table
    assert page.statement.geometry().top() < page.text.geometry().bottom() + 20


def test_that_a_claim_to_begin_with_is_stated_with_a_click(window: MainWindow, qtbot: QtBot) -> None:
    page, document = page_of(window), window.document
    offers = page.offers.findChildren(QPushButton)
    assert [one.text() for one in offers][:2] == ["P99 TTFT of AI200 ≤ 3 s", "P99 TPOT of AI200 ≤ 30 ms"]
    assert all(one.isVisible() for one in offers)
    qtbot.mouseClick(offers[1], Qt.MouseButton.LeftButton)
    assert [one.statement for one in document.scenario.claims] == ["P99 TPOT of AI200 <= 30 ms"]
    assert page.table.isVisible() and not page.offers.isVisible()
    document.undo_stack.undo()
    qtbot.waitUntil(page.offers.isVisible)
    assert not document.scenario.claims
    document.change("workloads.0.selected", "H200", "selection")
    qtbot.waitUntil(lambda: page.offers.findChildren(QPushButton)[1].text() == "P99 TPOT of H200 ≤ 30 ms")


def test_that_a_typed_claim_is_checked_and_can_be_taken_away(window: MainWindow, qtbot: QtBot) -> None:
    page, document = page_of(window), window.document
    type_claim(page, CLAIM, qtbot)
    assert [one.statement for one in document.scenario.claims] == [CLAIM]
    assert page.table.isVisible() and page.remove.isVisible()
    qtbot.waitUntil(lambda: page.table.texts.rowCount() == 1 and cell(page, 0, 1) != "…", timeout=60_000)
    assert "%" in cell(page, 0, 1) and "against 2 ×" in cell(page, 0, 2) and cell(page, 0, 3)
    assert f"Statement: {CLAIM}" in page.text.text() and "The probability runs over" in page.text.text()
    qtbot.mouseClick(page.remove, Qt.MouseButton.LeftButton)
    assert document.scenario.claims == ()
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert document.scenario.claims == ()
    document.undo_stack.redo()
    assert [one.statement for one in document.scenario.claims] == [CLAIM]


@pytest.mark.parametrize(
    ("text", "where"), [("P99 TPUT of AI200 > 1 s", "column 1 "), ("P99 TPOT of AI200", "column 18")]
)
def test_that_a_claim_that_cannot_be_read_is_told_and_not_added(
    window: MainWindow, qtbot: QtBot, text: str, where: str
) -> None:
    page = page_of(window)
    type_claim(page, text, qtbot)
    assert window.document.scenario.claims == ()
    assert page.problem.isVisible() and where in page.problem.text() and "allowed" in page.problem.text()
    assert page.statement.text() == text
    type_claim(page, CLAIM, qtbot)
    assert not page.problem.isVisible() and page.statement.text() == ""


def test_that_a_claim_about_what_is_not_there_says_so_and_the_others_are_answered(
    window: MainWindow, qtbot: QtBot
) -> None:
    page = page_of(window)
    type_claim(page, "P99 TPOT of AI900 > 1 s", qtbot)
    type_claim(page, CLAIM, qtbot)
    qtbot.waitUntil(lambda: page.table.texts.rowCount() == 2 and cell(page, 1, 1) != "…", timeout=60_000)
    assert cell(page, 0, 1) == "cannot be told" and "%" in cell(page, 1, 1)
    page.table.selectRow(0)
    assert "Column 13" in page.text.text() and "AI200, H200, GB200 NVL72" in page.text.text()


def test_that_choosing_a_row_shows_that_claim_in_full(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    for text in (CLAIM, "memory headroom of AI200 x1 > 0 GB"):
        type_claim(page, text, qtbot)
    qtbot.waitUntil(lambda: page.table.texts.rowCount() == 2 and cell(page, 1, 1) == "holds", timeout=60_000)
    page.table.setFocus()
    page.table.selectRow(0)
    qtbot.keyClick(page.table, Qt.Key.Key_Down)
    assert "memory headroom" in page.text.text() and CLAIM not in page.text.text()

"""Every number of the verdict can be asked why: by mouse, by key, by menu; the answer follows the document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.verdict_strip import KEYS
from explorer.ui.why_card import WhyCard


@pytest.fixture
def window(make_document: Callable[[Path], Document], scenarios_folder: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    document = make_document(scenarios_folder / "ai200-on-aws.toml")
    made = MainWindow(document)
    made.resize(1280, 720)
    qtbot.addWidget(made, before_close_func=lambda _: document.undo_stack.setClean())
    made.show()
    qtbot.waitExposed(made)
    yield made
    if made.why_card is not None:
        made.why_card.hide()


def card_of(window: MainWindow) -> WhyCard:
    assert window.why_card is not None
    return window.why_card


@pytest.mark.parametrize("key", KEYS)
def test_that_a_click_on_a_tile_says_why(window: MainWindow, key: str) -> None:
    tile = window.verdict.tiles[key]
    assert window.why_card is None, "made when first asked for"
    QTest.mouseClick(tile, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    card = card_of(window)
    assert card.isVisible() and card.found is not None
    assert tile.tile is not None
    if key not in ("fits", "certainty"):
        assert card.found.figure == tile.tile.figure
    assert card.found.title in card.accessibleName()
    assert all(link.title in card.chain.accessibleDescription() for link in card.found.links)
    assert card.figures.isVisible() == bool(card.found.grounds)
    corner = window.mapFromGlobal(card.mapToGlobal(QPoint(card.width(), 0)))
    assert 0 <= corner.x() <= window.width(), "it lies within the window"
    # no sentence is cut
    assert card.chain.height() >= card.chain.heightForWidth(card.chain.width())


def test_that_a_tile_answers_to_keys_and_is_reached_by_tab(window: MainWindow) -> None:
    tile = window.verdict.tiles["tpot"]
    assert tile.focusPolicy() & Qt.FocusPolicy.TabFocus
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Space):
        QTest.keyClick(tile, key)
        assert card_of(window).isVisible()
        card_of(window).hide()
    QTest.keyClick(tile, Qt.Key.Key_X)
    assert not card_of(window).isVisible()


def test_that_a_window_begins_at_the_panel(window: MainWindow) -> None:
    focused = window.focusWidget()
    assert focused is window.panel.model.preset_button
    assert not any(tile.hasFocus() for tile in window.verdict.tiles.values())


def test_that_each_number_is_in_the_menu(window: MainWindow) -> None:
    for key in KEYS:
        window.actions_by_name[f"why.{key}"].trigger()
        assert card_of(window).isVisible()
        card_of(window).hide()


def test_that_an_open_card_follows_the_document_and_a_closed_one_rests(window: MainWindow) -> None:
    window.ask_why("tpot")
    card = card_of(window)
    before = card.found
    window.document.change(window.document.workload_path("model.size_billion"), 120.0)
    assert card.found is not before and card.found is not None
    assert card.found.figure == (window.verdict.tiles["tpot"].tile or pytest.fail("no tile")).figure
    card.hide()
    last = card.found
    window.document.change(window.document.workload_path("model.size_billion"), 60.0)
    assert card.found is last


def test_that_what_moves_the_number_comes_in_when_it_is_known(window: MainWindow, qtbot: QtBot) -> None:
    metric = window.document.outcome.workloads[0].tightest_metric
    window.ask_why("ttft" if metric == "ttft" else "tpot")
    card = card_of(window)
    qtbot.waitUntil(lambda: bool(card.found and any(one.moves for one in card.found.grounds)), timeout=60_000)
    table = card.figures.texts.as_text()
    assert "disputed" in table and "…" in table and "Share" in table


def test_that_a_figure_of_the_card_leads_to_its_slider(window: MainWindow, qtbot: QtBot) -> None:
    window.panel.open_figures.frame.set_open(False)
    window.ask_why("tpot")
    card = card_of(window)
    assert card.found is not None
    row = next(at for at, one in enumerate(card.found.grounds) if one.figure == "memory_bandwidth")
    with qtbot.waitSignal(card.figure_asked):
        card.figures.activated.emit(card.figures.model().index(row, 0))
    assert not card.isVisible()
    assert window.panel.open_figures.frame.is_open

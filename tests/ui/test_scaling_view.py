"""Scaling over chips on the Cost page: asked only when it is seen and the hand rests; what it says and draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.plots.scaling_plot import ScalingPlot, axes_of
from explorer.plots.tokens import DARK, LIGHT
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.cost_page import CostPage
from explorer.ui.pages.scaling_view import KIND


@pytest.fixture
def window(make_document: Callable[[Path], Document], scenario_file: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The founding question in a window."""
    document = make_document(scenario_file)
    window = MainWindow(document)
    window.resize(1440, 900)
    qtbot.addWidget(window, before_close_func=lambda _: document.undo_stack.setClean())
    window.show()
    qtbot.waitExposed(window)
    yield window


def page_of(window: MainWindow) -> CostPage:
    """The Cost page, shown."""
    window.show_page("cost")
    page = window.book.page("cost")
    assert isinstance(page, CostPage)
    return page


def test_that_scaling_is_asked_when_it_is_seen_once_and_never_while_a_hand_moves(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = window.document
    asked: list[object] = []
    real = document.ask_study

    def noted(kind: str, question: object = None) -> int:
        if kind == KIND:
            asked.append(question)
        return real(kind, question)

    monkeypatch.setattr(document, "ask_study", noted)
    page = page_of(window)
    QApplication.processEvents()
    assert asked == []
    page.show_view("scaling")
    assert asked == [0]
    QApplication.processEvents()
    page.show_view("cost")
    page.show_view("scaling")
    assert asked == [0]
    document.begin_drag()
    for rate in (13.0, 14.0, 15.0):
        document.change("workloads.0.traffic.request_rate_per_s", rate)
        QApplication.processEvents()
    assert asked == [0]
    document.end_drag()
    QApplication.processEvents()
    assert asked == [0, 0]


def test_that_the_answer_is_a_sentence_and_the_plot_has_a_line_an_alternative(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    page.show_view("scaling")
    qtbot.waitUntil(lambda: page.scaling.found is not None, timeout=20_000)
    found = page.scaling.found
    assert found is not None and page.scaling.plot.values() is found
    assert [line.label for line in found.lines] == ["AI200", "H200", "Trainium2", "GB200"]
    assert "decoding AI200" in page.scaling.answer.text() and "prompts AI200" in page.scaling.answer.text()
    assert "not settled" in page.scaling.answer.toolTip()
    assert "of decoding and" in page.scaling.plot.text_summary()
    x, y = axes_of(found)
    assert x.ticks(300.0, 56.0)[:3] == [1.0, 2.0, 4.0] and y.high >= 1.0


def test_that_the_plot_says_what_it_waits_for_and_differs_by_theme(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    page.show_view("scaling")
    qtbot.waitUntil(lambda: page.scaling.found is not None, timeout=20_000)
    plot = ScalingPlot()
    qtbot.addWidget(plot)
    plot.resize(480, 300)
    plot.show_scaling(None, "being computed …")
    assert "being computed" in plot.text_summary()
    empty = plot.grab().toImage()
    plot.show_scaling(page.scaling.found)
    pictures = []
    for tokens in (LIGHT, DARK):
        plot.set_tokens(tokens)
        pictures.append(plot.grab().toImage())
    assert pictures[0] != empty and pictures[0] != pictures[1]

"""The Evidence page: a chip at a time, its measurements looked up once, its figures as the scenario uses them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.evidence_page import EvidencePage


@pytest.fixture
def window(make_document: Callable[[Path], Document], scenarios_folder: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """The founding question in a window, the Evidence page shown."""
    document = make_document(scenarios_folder / "ai200-on-aws.toml")
    window = MainWindow(document)
    window.resize(1440, 900)
    qtbot.addWidget(window, before_close_func=lambda _: document.undo_stack.setClean())
    window.show()
    qtbot.waitExposed(window)
    window.show_page("evidence")
    qtbot.waitUntil(lambda: "looked up" not in page_of(window).standing.text(), timeout=20_000)
    yield window


def page_of(window: MainWindow) -> EvidencePage:
    """The page."""
    page = window.book.page("evidence")
    assert isinstance(page, EvidencePage)
    return page


def cell(page: EvidencePage, row: int, column: int) -> str:
    """A cell of the table of figures."""
    model = page.figures.texts
    return str(model.data(model.index(row, column)))


def test_that_a_chip_without_measurements_says_so_and_what_that_means(window: MainWindow) -> None:
    page = page_of(window)
    assert "no public measurement" in page.standing.text()
    assert "No public measurement of Qualcomm AI200" in page.plot.text_summary()
    assert not page.scores.isVisible() and not page.kind.isEnabled() and not page.notice.isVisible()
    assert cell(page, 0, 0) == "Memory bandwidth" and cell(page, 0, 3) == "disputed"


def test_that_words_in_place_of_dots_take_the_width_and_little_height(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    qtbot.waitUntil(lambda: page.plot.width() > 0.9 * page.figures.width())
    assert page.plot.height() < 100 < page.figures.height()
    page.chips.setCurrentIndex(1)
    qtbot.waitUntil(lambda: page.plot.width() < 0.6 * page.figures.width() and page.plot.height() >= 180)
    page.chips.setCurrentIndex(0)
    qtbot.waitUntil(lambda: page.plot.width() > 0.9 * page.figures.width() and page.plot.height() < 100)


def test_that_a_measured_chip_shows_its_dots_scores_and_notice(window: MainWindow) -> None:
    page = page_of(window)
    page.chips.setCurrentIndex(1)
    assert page.scores.isVisible() and "MLCommons" in page.notice.text()
    dots = page.plot.points()
    page.kind.setCurrentIndex(1)
    page.kind.activated.emit(1)
    assert page.plot.points() and page.plot.points() != dots
    assert "first token" in page.plot.text_summary()


def test_that_the_pointer_on_a_dot_tells_what_was_measured(window: MainWindow, qtbot: QtBot) -> None:
    page = page_of(window)
    page.chips.setCurrentIndex(1)
    QApplication.processEvents()
    plot = page.plot
    hits = [
        (x, y)
        for x in range(60, plot.width() - 10, 6)
        for y in range(40, plot.height() - 40, 6)
        if plot.point_at(QPointF(x, y)) is not None
    ]
    assert hits, "no dot can be pointed at"
    at = QPointF(*hits[0])
    point = plot.point_at(at)
    assert point is not None
    event = QHelpEvent(QHelpEvent.Type.ToolTip, at.toPoint(), plot.mapToGlobal(at.toPoint()))
    QApplication.sendEvent(plot, event)
    qtbot.waitUntil(lambda: point.words in QToolTip.text())
    assert plot.point_at(QPointF(1.0, 1.0)) is None
    QToolTip.hideText()


def test_that_the_figures_follow_the_scenario_and_measurements_are_looked_up_once(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, document = page_of(window), window.document
    asked: list[object] = []
    monkeypatch.setattr(document.answers, "ask_study", lambda kind, question=None: asked.append(question) or 1)
    document.change(
        "overrides.qcom-ai200.memory_bandwidth", {"value": 5.0, "unit": "TB/s", "reason": "told by the vendor"}
    )
    QApplication.processEvents()
    rows = [cell(page, row, 0) for row in range(page.figures.texts.rowCount())]
    at = rows.index("Memory bandwidth")
    assert cell(page, at, 1) == "5 TB/s" and cell(page, at, 3) == "own value"
    assert asked == []
    document.change("workloads.0.alternatives.1.chip", "nv-l40s")
    QApplication.processEvents()
    assert asked == [("nv-l40s",)]
    assert page.chips.tabText(1) != "H200" and page.chips.focusPolicy() != Qt.FocusPolicy.NoFocus

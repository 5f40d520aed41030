"""The pages What matters and Ask first: what they show, what a click does, and what is computed when."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from explorer.scenario.schema import Scenario
from explorer.study import studies
from explorer.study.evaluate import Evaluator
from explorer.study.what_matters import EXPLAINED, WhatMatters, what_matters_in_steps
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.ask_first_page import AskFirstPage
from explorer.ui.pages.matters_page import MattersPage

DRAWS = 256
Asked = list[tuple[Scenario, int]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What was studied, with few draws."""
    noted: Asked = []

    def few(evaluator: Evaluator, scenario: Scenario, question: Any) -> Generator[Any, None, WhatMatters | None]:
        noted.append((scenario, int(question)))
        return what_matters_in_steps(scenario, evaluator.catalog, int(question), DRAWS)

    monkeypatch.setitem(studies.STUDIES, "matters", few)  # type: ignore[arg-type]
    return noted


@pytest.fixture
def window(
    make_document: Callable[[Path], Document], scenarios_folder: Path, qtbot: QtBot, asked: Asked
) -> Iterator[MainWindow]:
    """The founding question in a window."""
    document = make_document(scenarios_folder / "ai200-on-aws.toml")
    made = MainWindow(document)
    made.resize(1440, 900)
    qtbot.addWidget(made, before_close_func=lambda _: document.undo_stack.setClean())
    made.show()
    qtbot.waitExposed(made)
    yield made


def matters(window: MainWindow, qtbot: QtBot) -> MattersPage:
    """The page What matters with its answer."""
    window.show_page("matters")
    page = window.book.page("matters")
    assert isinstance(page, MattersPage)
    qtbot.waitUntil(lambda: bool(page.plot.rows()), timeout=20_000)
    return page


def ask_first(window: MainWindow, qtbot: QtBot) -> AskFirstPage:
    """The page Ask first with its answer."""
    window.show_page("ask_first")
    page = window.book.page("ask_first")
    assert isinstance(page, AskFirstPage)
    qtbot.waitUntil(lambda: page.export.isEnabled(), timeout=20_000)
    return page


def test_that_the_page_shows_three_answers_and_two_tables(window: MainWindow, qtbot: QtBot) -> None:
    page = matters(window, qtbot)
    summary = page.plot.text_summary()
    assert "What matters for AI200 ×8" in summary and "Memory bandwidth" in summary and "of the spread" in summary
    assert page.sentence.text().startswith(("No single undisclosed figure", "Ask first"))
    assert page.spreads.isVisible() and not page.regret.isVisible()
    assert page.spreads.texts.rowCount() == 4
    assert "Reference: Trainium2" in page.note.text()
    page.views.setCurrentIndex(1)
    assert page.regret.isVisible() and not page.spreads.isVisible()
    assert "smallest worst-case regret" in page.note.text()


def test_that_another_output_swings_other_figures(window: MainWindow, qtbot: QtBot) -> None:
    page = matters(window, qtbot)
    assert "capex" not in [part.figure for part in page.plot.rows()]
    page.aspect.setCurrentIndex(1)
    page.aspect.activated.emit(1)
    assert "capex" in [part.figure for part in page.plot.rows()]
    assert "$/month" in page.plot.text_summary()


def test_that_a_click_on_a_row_gives_its_slider_the_focus(window: MainWindow, qtbot: QtBot) -> None:
    page = matters(window, qtbot)
    figures = [part.figure for part in page.plot.rows()]
    at = figures.index("hop_latency")
    qtbot.mouseClick(page.plot, Qt.MouseButton.LeftButton, pos=page.plot.row_centre(at).toPoint())
    slider = window.panel.findChild(ParameterSlider, "open.hop_latency")
    assert isinstance(slider, ParameterSlider)
    qtbot.waitUntil(lambda: slider.hasFocus())

    def in_view() -> bool:
        top = slider.mapTo(window.panel.scroller.viewport(), QPoint(0, 0)).y()
        return top >= 0 and top + slider.height() <= window.panel.scroller.viewport().height()

    qtbot.waitUntil(in_view)


def test_that_a_row_without_a_slider_leads_nowhere_and_keys_walk_the_rows(window: MainWindow, qtbot: QtBot) -> None:
    page = matters(window, qtbot)
    chosen: list[str] = []
    page.plot.figure_chosen.connect(chosen.append)
    figures = [part.figure for part in page.plot.rows()]
    qtbot.mouseClick(page.plot, Qt.MouseButton.LeftButton, pos=page.plot.row_centre(figures.index("step")).toPoint())
    assert chosen == []
    page.plot.setFocus()
    while not chosen:
        qtbot.keyClick(page.plot, Qt.Key.Key_Down)
        qtbot.keyClick(page.plot, Qt.Key.Key_Return)
    assert chosen[0] in figures and chosen[0] != "step"


def test_that_headings_and_rows_explain_themselves_under_the_pointer(window: MainWindow, qtbot: QtBot) -> None:
    page = matters(window, qtbot)

    def tip(at: QPointF) -> str:
        event = QHelpEvent(QHelpEvent.Type.ToolTip, at.toPoint(), page.plot.mapToGlobal(at.toPoint()))
        QApplication.sendEvent(page.plot, event)
        return QToolTip.text()

    width = page.plot.width()
    for share, key in ((0.4, "tornado"), (0.7, "sobol"), (0.9, "evppi")):
        assert EXPLAINED[key] in tip(QPointF(share * width, 40.0))
    part = page.plot.rows()[1]
    assert part.title in tip(page.plot.row_centre(1)) and "click: its slider" in tip(page.plot.row_centre(1))
    QToolTip.hideText()


def test_that_it_is_computed_once_for_both_pages_and_anew_after_a_change(
    window: MainWindow, qtbot: QtBot, asked: Asked
) -> None:
    matters(window, qtbot)
    ask_first(window, qtbot)
    assert len(asked) == 1
    document = window.document
    document.begin_drag()
    document.change(document.workload_path("traffic.request_rate_per_s"), 6.0)
    assert "being computed anew" in ask_first(window, qtbot).sentence.text()
    qtbot.wait(450)
    assert len(asked) == 1, "nothing is begun while a hand moves"
    document.end_drag()
    qtbot.waitUntil(lambda: len(asked) == 2, timeout=20_000)
    assert asked[1][0].workloads[0].traffic.request_rate_per_s == 6.0
    qtbot.waitUntil(lambda: "anew" not in ask_first(window, qtbot).sentence.text(), timeout=20_000)
    document.select_workload(1)
    qtbot.waitUntil(lambda: len(asked) == 3 and asked[2][1] == 1, timeout=20_000)


def test_that_nothing_is_computed_while_neither_page_is_seen(window: MainWindow, qtbot: QtBot, asked: Asked) -> None:
    window.document.change(window.document.workload_path("traffic.request_rate_per_s"), 6.0)
    qtbot.wait(450)
    assert asked == []
    matters(window, qtbot)
    window.show_page("compare")
    window.document.change(window.document.workload_path("traffic.request_rate_per_s"), 7.0)
    qtbot.wait(450)
    assert len(asked) == 1


def test_that_the_table_ranks_demands_and_tells_how_to_measure(window: MainWindow, qtbot: QtBot) -> None:
    page = ask_first(window, qtbot)
    model = page.demands.texts
    titles = [str(model.data(model.index(row, 0))) for row in range(model.rowCount())]
    assert "Memory bandwidth" in titles and "Purchase price" in titles
    page.demands.selectRow(titles.index("Memory bandwidth"))
    assert "Sustained read" in page.detail.text() and "7.39 TB/s (vendor)" in page.detail.text()
    assert page.beside.texts.rowCount() >= 3


def test_that_a_double_click_on_another_chips_figure_selects_it_and_can_be_undone(
    window: MainWindow, qtbot: QtBot
) -> None:
    page = ask_first(window, qtbot)
    model = page.demands.texts
    row = next(row for row in range(model.rowCount()) if model.data(model.index(row, 1)) == "Trainium2")
    page.demands.doubleClicked.emit(model.index(row, 0))
    assert window.document.workload.selected == "Trainium2"
    slider = window.panel.findChild(ParameterSlider, "open.capex")
    assert isinstance(slider, ParameterSlider)
    qtbot.waitUntil(lambda: slider.hasFocus())
    window.document.undo_stack.undo()
    assert window.document.workload.selected == "AI200"
    page.demands.doubleClicked.emit(QModelIndex())
    assert window.document.workload.selected == "AI200"


def test_that_the_questionnaire_is_exported_and_a_failure_is_told(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ask_first(window, qtbot)
    answers = {"path": str(tmp_path / "ask"), "kind": "Markdown (*.md)"}
    monkeypatch.setattr(page, "_ask", lambda *_: (answers["path"], answers["kind"]))
    page.export.click()
    assert "Qualcomm AI200" in (tmp_path / "ask.md").read_text()
    assert "Questionnaire written" in window.messages.text
    answers["path"] = str(tmp_path / "nowhere" / "ask.html")
    page.export.click()
    assert "cannot be written" in window.messages.text
    answers["path"] = ""
    page.export.click()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("ask")) == ["ask.md"]


def test_that_what_does_not_fit_says_so_instead_of_a_plot(window: MainWindow, qtbot: QtBot) -> None:
    page = matters(window, qtbot)
    window.document.change(window.document.alternative_path("chip"), "nv-l4")
    window.document.change(window.document.alternative_path("parallelism_degree"), 1)
    qtbot.waitUntil(lambda: "does not fit or has no price" in page.sentence.text(), timeout=20_000)
    assert not page.plot.rows() and not page.spreads.isVisible() and not page.aspect.isVisible()


def test_that_without_a_worker_it_says_so_and_the_next_change_asks_again(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, asked: Asked
) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(window.document, "ask_study", lambda *_: 0)
        window.show_page("ask_first")
        page = window.book.page("ask_first")
        assert isinstance(page, AskFirstPage)
        assert "worker process cannot be reached" in page.sentence.text()
        assert not page.export.isEnabled()
    window.document.change(window.document.workload_path("traffic.request_rate_per_s"), 6.0)
    qtbot.waitUntil(lambda: page.export.isEnabled(), timeout=20_000)
    assert len(asked) == 1


def test_that_a_closed_loop_is_told_once_what_to_set_and_the_rest_of_the_page_is_away(
    window: MainWindow, qtbot: QtBot
) -> None:
    page = matters(window, qtbot)
    document = window.document
    document.change(document.workload_path("traffic.mode"), "closed_loop")
    qtbot.waitUntil(lambda: "set Load to open loop" in page.sentence.text(), timeout=20_000)
    assert "mode" not in page.sentence.text()
    for part in (page.plot, page.views, page.note, page.spreads, page.decision, page.aspect):
        assert not part.isVisible()
    document.change(document.workload_path("traffic.mode"), "open_loop")
    assert page.plot.isVisible() and page.views.isVisible()


def test_that_without_a_promise_the_page_speaks_of_none(window: MainWindow, qtbot: QtBot) -> None:
    document = window.document
    document.change_several({document.workload_path(f"objectives.{name}_p99_s"): None for name in ("ttft", "tpot")})
    page = matters(window, qtbot)
    assert "promise" not in page.note.text()
    assert page.aspect.itemText(2) == "Odds to carry the load"
    asked = ask_first(window, qtbot)
    assert "promise" not in asked.detail.text()


def test_that_the_table_of_demands_ends_with_a_whole_row_and_says_once_what_is_the_same(
    window: MainWindow, qtbot: QtBot
) -> None:
    # no single figure changes the choice there
    window.document.select_workload(1)
    page = ask_first(window, qtbot)
    rows = page.demands.texts
    titles = [rows.headerData(at, Qt.Orientation.Horizontal) for at in range(rows.columnCount())]
    for at in range(3, rows.columnCount()):
        cells = {rows.data(rows.index(row, at)) for row in range(rows.rowCount())}
        assert len(cells) > 1, titles[at]
    assert "surely both" not in titles and "surely both" in page.alike.text()
    for height in range(700, 760, 7):
        window.resize(1280, height)
        QApplication.processEvents()
        for table in (page.demands, page.beside):
            assert table.viewport().height() % table.verticalHeader().defaultSectionSize() == 0


def test_that_without_rows_the_sentence_stays_at_the_top(window: MainWindow, qtbot: QtBot) -> None:
    page = ask_first(window, qtbot)
    assert page.sentence.alignment() & Qt.AlignmentFlag.AlignTop

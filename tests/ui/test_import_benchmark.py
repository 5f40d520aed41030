"""Bringing one's own benchmark in the window: the preview, one undoable step, points and verdict, and the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QToolButton
from pytestqt.qtbot import QtBot

from explorer.scenario.file import read_scenario
from explorer.ui.benchmark_import import add_benchmark, import_benchmark, preview
from explorer.ui.dialogs.import_benchmark import ImportBenchmarkDialog
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.evidence_page import EvidencePage
from explorer.ui.verdict import verdict_tiles

TABLE = """\
concurrency,prompt_tokens,output_tokens,ttft_mean_ms,ttft_p99_ms,tpot_mean_ms,tpot_p99_ms,output_tokens_per_s
1,1155,211,95,130,21.5,22.1,45.4
8,1155,211,180,420,26.4,30.2,292
16,1155,211,260,900,33.9,40.0,451
x,1155,211,900,3900,80,90,700
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table with three good rows and a bad one."""
    place = tmp_path / "ai200.csv"
    place.write_text(TABLE, encoding="utf-8")
    return place


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


def shown_rows(dialog: ImportBenchmarkDialog) -> list[str]:
    """The last column of the preview."""
    model = dialog.table.texts
    return [str(model.data(model.index(row, model.columnCount() - 1))) for row in range(model.rowCount())]


def test_that_the_preview_shows_what_was_understood_and_follows_every_choice(
    window: MainWindow, table: Path, qtbot: QtBot
) -> None:
    dialog = preview(window.document, table, window)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.owner.currentData() == ("70B chat", "AI200")
    assert shown_rows(dialog) == ["used", "used", "used", "left out: concurrency: 'x' is not a number"]
    before = dialog.effect.text()
    dialog.degrees["tp"].setText("4")
    assert dialog.effect.text() != before and dialog.take.isEnabled()
    dialog.degrees["tp"].setText("many")
    assert not dialog.take.isEnabled() and "Tensor" in dialog.understood.text() and dialog.benchmark is None
    dialog.degrees["tp"].setText("2")
    at = dialog.model.findData("kimi-k2")
    dialog.model.setCurrentIndex(at)
    dialog.model.activated.emit(at)
    assert all(text != "used" for text in shown_rows(dialog))
    assert window.document.scenario.benchmarks == ()


def test_that_an_accepted_import_is_one_step_that_moves_plots_and_verdict_and_can_be_undone(
    window: MainWindow, table: Path
) -> None:
    document = window.document
    answer_before = document.outcome.workloads[0].chosen
    assert window.tail.values().measured == ()

    def agree() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, ImportBenchmarkDialog)
        dialog.degrees["tp"].setText("2")
        dialog.take.click()

    QTimer.singleShot(0, agree)
    assert import_benchmark(document, table, window)
    assert document.undo_stack.count() == 1 and "ai200" in document.undo_stack.undoText()
    answer = document.outcome.workloads[0].chosen
    assert answer.own is not None and answer.own.rows == 3
    assert answer.latency["tpot"] != answer_before.latency["tpot"]
    window.tail.set_metric("tpot")
    marks = window.tail.values().measured
    assert len(marks) == 6 and {mark.index for mark in marks} == {0}
    assert "measured by your benchmark" in window.tail.text_summary()
    certainty = verdict_tiles(document.outcome, 0, None)[-1]
    assert certainty.band == "own run" and "known to" in certainty.why
    document.undo_stack.undo()
    QApplication.processEvents()
    assert document.scenario.benchmarks == () and window.tail.values().measured == ()
    assert document.outcome.workloads[0].chosen.latency == answer_before.latency
    document.undo_stack.redo()
    assert len(document.scenario.benchmarks) == 1


def test_that_cancelling_leaves_the_document_as_it_was(window: MainWindow, table: Path) -> None:
    QTimer.singleShot(0, lambda: QApplication.activeModalWidget().reject())  # type: ignore[attr-defined]
    assert not import_benchmark(window.document, table, window)
    assert window.document.scenario.benchmarks == () and window.document.undo_stack.count() == 0


def test_that_a_file_that_cannot_be_read_is_told_in_the_message_bar(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"request_throughput": 1.0,', encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", staticmethod(lambda *_: (str(bad), "")))
    window.actions_by_name["import_benchmark"].trigger()
    assert "is not JSON" in window.messages.text and "line 1" in window.messages.text
    assert window.document.scenario.benchmarks == ()


def test_that_the_evidence_page_lists_a_benchmark_draws_its_rows_and_takes_it_out(
    window: MainWindow, table: Path, qtbot: QtBot
) -> None:
    document = window.document
    window.show_page("evidence")
    page = window.book.page("evidence")
    assert isinstance(page, EvidencePage)
    qtbot.waitUntil(lambda: "looked up" not in page.standing.text(), timeout=20_000)
    assert not page.own.isVisible()
    found = preview(document, table, window).benchmark
    assert found is not None
    add_benchmark(document, found)
    QApplication.processEvents()
    assert page.own.isVisible() and len(page.plot.points()) == 3
    assert "Your benchmark, 3 rows" in page.plot.text_summary()
    (away,) = [one for one in page.own.findChildren(QToolButton) if one.property("action") == "remove_benchmark"]
    assert found.name in away.accessibleName() and away.focusPolicy() != Qt.FocusPolicy.NoFocus
    away.click()
    QApplication.processEvents()
    assert document.scenario.benchmarks == () and not page.own.isVisible() and page.plot.points() == ()
    document.undo_stack.undo()
    assert len(document.scenario.benchmarks) == 1


def test_that_saving_elsewhere_keeps_the_way_to_the_file(window: MainWindow, table: Path, tmp_path: Path) -> None:
    found = preview(window.document, table, window).benchmark
    assert found is not None and found.file == "ai200.csv"
    add_benchmark(window.document, found)
    other = tmp_path / "deep" / "er"
    other.mkdir(parents=True)
    window.document.save_as(other / "copy.toml")
    (kept,) = read_scenario(other / "copy.toml").scenario.benchmarks
    assert kept.file == "../../ai200.csv" and (other / kept.file).resolve() == table.resolve()
    assert kept.rows == found.rows
    window.document.save()
    assert read_scenario(other / "copy.toml").scenario.benchmarks[0].file == "../../ai200.csv"

"""File > Export report: the window has the report made of final figures, and writes it or says why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from explorer.ui.commands import commands
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.report_export import CHANGED, MAKING, ReportExport


@pytest.fixture
def quick_file(scenarios_folder: Path, tmp_path: Path) -> Path:
    """One workload in closed form, with few draws."""
    text = (scenarios_folder / "llama-70b-chat.toml").read_text(encoding="utf-8")
    few = '[simulation]\nmethod = "closed_form"\nsamples = 16'
    place = tmp_path / "quick.toml"
    place.write_text(text.replace("[simulation]", few) if "[simulation]" in text else f"{text}\n{few}\n", "utf-8")
    return place


@pytest.fixture
def quick(qtbot: QtBot, make_document: Callable[[Path], Document], quick_file: Path) -> MainWindow:
    """A window on it."""
    document = make_document(quick_file)
    made = MainWindow(document)
    qtbot.addWidget(made, before_close_func=lambda _: document.undo_stack.setClean())
    made.show()
    return made


def said(window: MainWindow) -> str:
    return window.messages.text


@pytest.mark.parametrize(("name", "form", "start"), [("a.pdf", "", b"%PDF-"), ("b", "HTML page (*.html)", b"<!DOC")])
def test_that_a_report_is_made_and_written(
    name: str, form: str, start: bytes, quick: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    asked: list[str] = []

    def choose(_: object, place: str) -> tuple[str, str]:
        asked.append(place)
        return str(tmp_path / name), form

    export = ReportExport(quick.document, quick.messages, quick, choose)
    export.export()
    assert said(quick) == MAKING
    path = tmp_path / (name if "." in name else f"{name}.html")
    qtbot.waitUntil(path.exists, timeout=60_000)
    assert path.read_bytes().startswith(start)
    assert asked == [str(tmp_path / "quick.pdf")]
    assert said(quick) == f"The report is written: {path}"


def test_that_the_menu_and_the_palette_have_it(quick: MainWindow) -> None:
    action = quick.actions_by_name["export_report"]
    assert action.shortcut().toString() == "Ctrl+Shift+R"
    shortcuts = [key.toString() for one in quick.actions_by_name.values() for key in one.shortcuts()]
    assert shortcuts.count("Ctrl+Shift+R") == 1
    assert any("Export report" in one.title for one in commands(quick))


def test_that_a_change_meanwhile_is_told_and_nothing_is_written(
    quick: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    quick.report.export_to(tmp_path / "late.pdf")
    quick.document.change("workloads.0.traffic.request_rate_per_s", 3.0)
    qtbot.waitUntil(lambda: said(quick) == CHANGED, timeout=60_000)
    assert not (tmp_path / "late.pdf").exists()


def test_that_a_bad_place_is_told(quick: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    quick.report.export_to(tmp_path / "report.docx")
    assert ".html or .pdf" in said(quick)
    quick.report.export_to(tmp_path / "none" / "report.html")
    qtbot.waitUntil(lambda: "cannot be written" in said(quick), timeout=60_000)

"""The document's file in the user's hands: opened, saved, and what is asked before it is left."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from explorer.catalog.catalog import Catalog
from explorer.scenario.file import read_scenario
from explorer.ui.main_window import MainWindow
from tests.ui.hands import slider

RATE = "workloads.0.traffic.request_rate_per_s"
Answer = QMessageBox.StandardButton


def press_in_message_box(button: QMessageBox.StandardButton) -> None:
    """Press a button of the message box that is about to open."""

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        box.button(button).click()

    QTimer.singleShot(0, press)


def test_that_a_broken_file_shows_its_errors_and_changes_nothing(window: MainWindow, tmp_path: Path) -> None:
    before, title = window.document.scenario, window.windowTitle()
    broken = tmp_path / "broken.toml"
    broken.write_text("format = 1\n[[workloads]]\nname = 3\nselectd = 'x'\n")
    assert not window.files.open_file(broken)
    assert window.messages.isVisible() and window.messages.kind == "error"
    assert str(broken) in window.messages.text and "line" in window.messages.text
    assert window.document.scenario is before and window.windowTitle() == title
    QTest.mouseClick(window.messages.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == window.messages.text
    QTest.mouseClick(window.messages.dismiss, Qt.MouseButton.LeftButton)
    assert not window.messages.isVisible()


def test_that_opening_a_file_replaces_all_that_is_shown(window: MainWindow, scenarios_folder: Path) -> None:
    assert window.files.open_file(scenarios_folder / "trillion-moe-realtime.toml")
    QApplication.processEvents()
    scenario = window.document.scenario
    assert scenario.workloads[0].model.preset in ("kimi-k2", "deepseek-v3")
    assert "trillion-moe-realtime.toml" in window.windowTitle()
    assert len(window.tail.values().lines) == len(scenario.workloads[0].alternatives)
    assert slider(window, "request_rate_per_s").value == scenario.workloads[0].traffic.request_rate_per_s
    assert window.verdict.question.question == scenario.question


def test_that_the_title_tells_of_unsaved_changes(window: MainWindow) -> None:
    assert " *" not in window.windowTitle()
    window.document.change(RATE, 20.0)
    assert "question.toml *" in window.windowTitle()
    assert window.files.on_save()
    assert " *" not in window.windowTitle()


def test_that_save_as_writes_another_file_and_goes_on_with_it(
    window: MainWindow, tmp_path: Path, catalog: Catalog
) -> None:
    window.document.change(RATE, 20.0)
    other = tmp_path / "other.toml"
    assert window.files.save_to(other)
    assert read_scenario(other, catalog).scenario.workloads[0].traffic.request_rate_per_s == 20.0
    assert read_scenario(tmp_path / "question.toml", catalog).scenario.workloads[0].traffic.request_rate_per_s == 12.0
    assert window.document.path == other and "other.toml" in window.windowTitle()


def test_that_a_save_that_fails_is_shown_and_keeps_the_changes(window: MainWindow, tmp_path: Path) -> None:
    window.document.change(RATE, 20.0)
    assert not window.files.save_to(tmp_path / "nowhere" / "x.toml")
    assert "nowhere" in window.messages.text and window.document.is_dirty


@pytest.mark.parametrize("button, leaves, saved", [
    (Answer.Save, True, 20.0), (Answer.Discard, True, 12.0), (Answer.Cancel, False, 12.0),
])  # fmt: skip
def test_that_unsaved_changes_are_guarded(
    window: MainWindow, scenario_file: Path, catalog: Catalog, button: Answer, leaves: bool, saved: float
) -> None:
    window.document.change(RATE, 20.0)
    press_in_message_box(button)
    assert window.files.guard() is leaves
    assert read_scenario(scenario_file, catalog).scenario.workloads[0].traffic.request_rate_per_s == saved


def test_that_nothing_is_asked_without_changes(window: MainWindow) -> None:
    assert window.files.guard()


def test_that_closing_with_changes_can_be_called_off(window: MainWindow) -> None:
    window.document.change(RATE, 20.0)
    press_in_message_box(Answer.Cancel)
    assert not window.close() and window.isVisible()
    press_in_message_box(Answer.Discard)
    assert window.close() and not window.isVisible()


def test_that_a_file_that_a_missing_suffix_leads_to_is_not_replaced_unasked(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file dialog asked about "plan v1.2", which is not the name that is written to."""
    there = tmp_path / "plan v1.2.toml"
    there.write_text("precious")
    chosen = str(tmp_path / "plan v1.2")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(lambda *_: (chosen, "")))
    press_in_message_box(Answer.No)
    assert not window.files.on_save_as()
    assert there.read_text() == "precious"
    press_in_message_box(Answer.Yes)
    assert window.files.on_save_as() and window.document.path == there
    assert not (tmp_path / "plan v1.2").exists() and not (tmp_path / "plan v1.toml").exists()

"""The start page: questions as sentences, files opened last, and the way in by mouse and by keys."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from explorer.ui.example_questions import example_questions
from explorer.ui.main_window import MainWindow
from explorer.ui.start_page import StartPage


def start(window: MainWindow, *files: Path) -> StartPage:
    """The start page, shown."""
    window.show_start(files)
    QApplication.processEvents()
    page = window.start
    assert page is not None and page.isVisible() and not window.desk.isVisible()
    return page


def test_that_every_shipped_scenario_asks_its_question(window: MainWindow, scenarios_folder: Path) -> None:
    page = start(window)
    assert {entry.path.name for entry in page.entries} == {path.name for path in scenarios_folder.glob("*.toml")}
    assert page.entries[0].path.stem == "ai200-on-aws"
    for entry in page.entries:
        assert entry.headline.endswith("?") and entry.note
        assert entry.accessibleName() == entry.headline and entry.accessibleDescription() == entry.note


def test_that_a_click_on_a_question_goes_into_it(window: MainWindow) -> None:
    page = start(window)
    entry = next(entry for entry in page.entries if entry.path.stem == "nvidia-only-fleet")
    QTest.mouseClick(entry, Qt.MouseButton.LeftButton)
    assert window.desk.isVisible() and window.statusBar().isVisible()
    assert window.document.scenario.question == entry.headline


def test_that_keys_alone_choose_a_question(window: MainWindow) -> None:
    page = start(window)
    assert page.entries[0].hasFocus()
    QTest.keyClick(page.entries[0], Qt.Key.Key_Down)
    assert page.entries[1].hasFocus()
    QTest.keyClick(page.entries[1], Qt.Key.Key_Up)
    QTest.keyClick(page.entries[0], Qt.Key.Key_Down)
    QTest.keyClick(page.entries[1], Qt.Key.Key_Return)
    assert window.desk.isVisible() and window.document.path == page.entries[1].path


def test_that_escape_goes_on_with_what_is_open(window: MainWindow) -> None:
    page = start(window)
    assert "question.toml" in page.go_on.text()
    QTest.keyClick(page.entries[0], Qt.Key.Key_Escape)
    assert window.desk.isVisible() and window.document.path.name == "question.toml"
    assert window.workloads.isVisible()


def test_that_a_file_opened_last_is_opened_again(window: MainWindow, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    window.files.save_to(file)
    window.files.open_file(tmp_path / "question.toml")
    page = start(window, file)
    QTest.mouseClick(page.entries[-1], Qt.MouseButton.LeftButton)
    assert window.document.path == file


def test_that_a_file_that_cannot_be_opened_leaves_the_start_page_with_its_reason(
    window: MainWindow, tmp_path: Path
) -> None:
    file = tmp_path / "broken.toml"
    file.write_text("format = ")
    page = start(window, file)
    QTest.mouseClick(page.entries[-1], Qt.MouseButton.LeftButton)
    assert page.isVisible() and "broken.toml" in window.messages.text


def test_that_nothing_on_the_hidden_desk_takes_the_focus(window: MainWindow) -> None:
    page = start(window)
    for _ in range(40):
        QTest.keyClick(QApplication.focusWidget() or page, Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        assert focused is None or not window.desk.isAncestorOf(focused)


def test_that_a_file_that_is_no_scenario_is_not_offered(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text('# Why?\n#\n# more\nformat = 1\ntitle = "T"\n[[workloads]]\n')
    (tmp_path / "bad.toml").write_text("= 1")
    found = example_questions(tmp_path)
    assert [(one.question, one.remark) for one in found] == [("T", "Why?")]


def test_that_new_goes_on_without_a_file(window: MainWindow) -> None:
    window.actions_by_name["new"].trigger()
    assert window.document.path is None and window.document.scenario.title == "Untitled"
    assert not window.document.is_dirty and "Untitled" in window.windowTitle()

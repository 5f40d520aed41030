"""Around the window: recovery offered and taken, files changed on disk, dropped and opened last."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QGraphicsView, QLineEdit
from pytestqt.qtbot import QtBot

from explorer.catalog.catalog import Catalog
from explorer.scenario.file import read_scenario
from explorer.ui.document import Document
from explorer.ui.document_life import DocumentLife
from explorer.ui.file_drop import dropped_file
from explorer.ui.file_watch import FileWatch
from explorer.ui.journal import Journal, left_behind
from explorer.ui.main_window import MainWindow
from explorer.ui.recent_files import MOST, RecentFiles

RATE = "workloads.0.traffic.request_rate_per_s"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An empty state folder."""
    return tmp_path / "state"


@pytest.fixture
def life(window: MainWindow, state: Path) -> Iterator[DocumentLife]:
    """The window tied to the state folder."""
    made = DocumentLife(window, state)
    yield made
    made.end()


def leave_work_behind(document: Document, folder: Path, rate: float) -> None:
    """What a crash leaves: a journal with a changed rate; the document is as before."""
    journal = Journal(document, folder)
    document.change(RATE, rate)
    journal.hand_over()
    journal._timer.stop()
    document.scenario_changed.disconnect(journal._on_changed)
    document.undo_stack.cleanChanged.disconnect(journal._on_clean_changed)
    document.undo_stack.undo()


def rate(window: MainWindow) -> float:
    """The request rate on the screen."""
    return window.document.scenario.workloads[0].traffic.request_rate_per_s


def test_that_nothing_is_asked_at_a_start_after_a_clean_end(window: MainWindow, life: DocumentLife) -> None:
    life.offer_recovery()
    assert window.questions.question is None and not window.questions.isVisible()


def test_that_left_work_is_offered_and_restored(window: MainWindow, state: Path, catalog: Catalog) -> None:
    leave_work_behind(window.document, state, 33.0)
    life = DocumentLife(window, state)
    life.offer_recovery()
    assert window.questions.isVisible() and "question.toml" in window.questions.question.text
    assert [button.text() for button in window.questions.buttons] == ["Restore", "Discard"]
    window.questions.press("Restore")
    assert rate(window) == 33.0 and window.document.is_dirty and " *" in window.windowTitle()
    assert window.questions.question is None
    # It is in the journal of this window now, and in no other.
    assert list(state.glob("journal-*.json")) == [life.journal.path]
    window.document.save()
    assert read_scenario(window.document.path, catalog).scenario.workloads[0].traffic.request_rate_per_s == 33.0
    life.end()
    assert list(state.glob("journal-*")) == []


def test_that_left_work_can_be_discarded(window: MainWindow, state: Path, catalog: Catalog) -> None:
    leave_work_behind(window.document, state, 33.0)
    leave_work_behind(window.document, state, 44.0)
    life = DocumentLife(window, state)
    life.offer_recovery()
    window.questions.press("Discard")
    window.questions.press("Discard")
    assert window.questions.question is None and rate(window) == 12.0 and not window.document.is_dirty
    life.end()
    assert left_behind(state, catalog) == []


def test_that_an_unanswered_offer_is_made_again_at_the_next_start(
    window: MainWindow, state: Path, catalog: Catalog
) -> None:
    leave_work_behind(window.document, state, 33.0)
    life = DocumentLife(window, state)
    life.offer_recovery()
    life.end()
    assert len(left_behind(state, catalog)) == 1


def test_that_work_handed_over_is_taken_up_without_asking(window: MainWindow, state: Path) -> None:
    leave_work_behind(window.document, state, 33.0)
    journal = next(state.glob("journal-*.json"))
    life = DocumentLife(window, state)
    assert life.take_over(journal)
    assert rate(window) == 33.0 and not journal.exists() and life.journal.path.exists()
    assert not life.take_over(journal)
    life.end()


def test_that_a_file_changed_on_disk_is_noticed_and_reloaded(
    window: MainWindow, life: DocumentLife, scenario_file: Path, qtbot: QtBot
) -> None:
    changed = scenario_file.read_text().replace("request_rate_per_s = 12", "request_rate_per_s = 21")
    # As editors do it: a new file in the place of the old one.
    other = scenario_file.with_suffix(".new")
    other.write_text(changed)
    other.replace(scenario_file)
    qtbot.waitUntil(lambda: window.questions.question is not None, timeout=20_000)
    assert rate(window) == 12.0
    window.questions.press("Reload")
    assert rate(window) == 21.0 and not window.document.is_dirty
    scenario_file.write_text(changed.replace("request_rate_per_s = 21", "request_rate_per_s = 22"))
    qtbot.waitUntil(lambda: window.questions.question is not None, timeout=20_000)


def test_that_keeping_mine_asks_no_more_and_a_save_replaces_the_file(
    window: MainWindow, life: DocumentLife, scenario_file: Path, catalog: Catalog
) -> None:
    window.document.change(RATE, 15.0)
    scenario_file.write_text(scenario_file.read_text() + "\n# a remark from elsewhere\n")
    life.watch.look()
    assert "gives up your unsaved changes" in window.questions.question.text
    window.questions.press("Keep mine")
    life.watch.look()
    assert window.questions.question is None and window.document.is_dirty
    assert window.files.on_save()
    assert read_scenario(scenario_file, catalog).scenario.workloads[0].traffic.request_rate_per_s == 15.0


def test_that_a_save_does_not_replace_an_edit_that_the_disk_has_not_told_of_yet(
    window: MainWindow, life: DocumentLife, scenario_file: Path, tmp_path: Path
) -> None:
    """Another program writes a moment before; no notice of it has come when the save is asked for."""
    window.document.change(RATE, 15.0)
    edited = scenario_file.read_text() + "\n# a remark from elsewhere\n"
    scenario_file.write_text(edited)
    assert not window.files.on_save()
    assert scenario_file.read_text() == edited and window.document.is_dirty
    assert "changed by another program" in window.questions.question.text
    assert not window.files.on_save(), "the question is still open"
    assert window.files.save_to(tmp_path / "elsewhere.toml")


def test_that_a_save_of_ones_own_asks_nothing(
    window: MainWindow, life: DocumentLife, qtbot: QtBot, scenario_file: Path
) -> None:
    window.document.change(RATE, 15.0)
    assert window.files.on_save()
    qtbot.wait(400)
    life.watch.look()
    assert window.questions.question is None


def test_that_a_removed_file_is_told_and_can_be_written_again(
    window: MainWindow, life: DocumentLife, scenario_file: Path
) -> None:
    scenario_file.unlink()
    life.watch.look()
    assert "no longer on disk" in window.questions.question.text
    window.questions.press("Save again")
    assert scenario_file.exists() and window.questions.question is None


def test_that_a_file_that_came_back_as_it_was_withdraws_the_question(
    window: MainWindow, life: DocumentLife, scenario_file: Path
) -> None:
    text = scenario_file.read_bytes()
    scenario_file.write_bytes(b"broken")
    life.watch.look()
    assert window.questions.question is not None
    scenario_file.write_bytes(text)
    life.watch.look()
    assert window.questions.question is None


def drop(window: MainWindow, *paths: Path) -> bool:
    """Drag files over the window and let go; True when the window took them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    actions, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    with warnings.catch_warnings():
        # Qt 6.12 wants a QPointF here, which Qt 6.11 does not take
        warnings.simplefilter("ignore", DeprecationWarning)
        enter = QDragEnterEvent(QPoint(50, 50), actions, data, button, Qt.KeyboardModifier.NoModifier)
    enter.setAccepted(False)
    QApplication.sendEvent(window, enter)
    if not enter.isAccepted():
        return False
    fall = QDropEvent(QPointF(50, 50), actions, data, button, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(window, fall)
    return fall.isAccepted()


def test_that_a_dropped_scenario_is_opened_and_nothing_else(
    window: MainWindow, life: DocumentLife, scenarios_folder: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"")
    both = scenarios_folder / "llama-70b-chat.toml", scenarios_folder / "nvidia-only-fleet.toml"
    assert not drop(window, picture) and not drop(window, *both)
    assert window.document.path.name == "question.toml"
    assert drop(window, both[0])
    assert window.document.path == both[0]
    remote = QMimeData()
    remote.setUrls([QUrl("https://example.org/x.toml")])
    assert dropped_file(remote) is None


def test_that_no_part_of_the_window_takes_a_dropped_file_for_itself(window: MainWindow, life: DocumentLife) -> None:
    parts = [*window.findChildren(QGraphicsView), *window.findChildren(QLineEdit)]
    assert parts and not any(part.acceptDrops() for part in parts)


def test_that_opened_and_saved_files_are_remembered_newest_first(
    window: MainWindow, life: DocumentLife, state: Path, tmp_path: Path, scenarios_folder: Path
) -> None:
    assert life.recent.paths == (tmp_path / "question.toml",)
    window.files.save_to(tmp_path / "second.toml")
    window.files.open_file(scenarios_folder / "llama-70b-chat.toml")
    wanted = (tmp_path / "second.toml", tmp_path / "question.toml")
    assert life.recent.paths == wanted and RecentFiles(state).paths == wanted
    (tmp_path / "second.toml").unlink()
    assert life.recent.paths == wanted[1:]


def test_that_a_recent_file_that_cannot_be_looked_for_is_left_out(
    make_document: Callable[[Path], Document], scenario_file: Path, tmp_path: Path
) -> None:
    """A name too long for the disk stands for a folder that may not be looked into: neither is merely "not found"."""
    out_of_reach = tmp_path / ("x" * 300) / "scenario.toml"
    recent = RecentFiles(tmp_path)
    recent.add(scenario_file)
    recent.add(out_of_reach)
    assert recent.paths == (scenario_file,)
    document = make_document(scenario_file)
    document.path = out_of_reach
    FileWatch(document).close()


def test_that_recent_files_are_few_and_a_broken_list_is_begun_anew(tmp_path: Path) -> None:
    recent = RecentFiles(tmp_path)
    for number in range(MOST + 5):
        path = tmp_path / f"{number}.toml"
        path.write_text("")
        recent.add(path)
    assert len(RecentFiles(tmp_path).paths) == MOST
    assert recent.paths[0].name == f"{MOST + 4}.toml"
    (tmp_path / "recent.json").write_text("[1, 2")
    assert RecentFiles(tmp_path).paths == ()
    (tmp_path / "recent.json").write_text('{"a": 1}')
    assert RecentFiles(tmp_path).paths == ()


def test_that_work_that_cannot_be_offered_and_changes_that_cannot_be_kept_are_told(
    window: MainWindow, state: Path
) -> None:
    state.mkdir()
    (state / "journal-abc.json").write_text("{")
    life = DocumentLife(window, state)
    life.offer_recovery()
    assert "journal-abc.json" in window.messages.text and "journal-abc.unreadable" in window.messages.text
    shutil.rmtree(state)
    state.write_text("a file where the folder should be")
    window.document.change(RATE, 33.0)
    life.journal.write()
    assert "not kept against a crash" in window.messages.text
    life.end()


def test_that_a_moment_beyond_the_calendar_is_shown_as_it_stands(window: MainWindow, state: Path) -> None:
    leave_work_behind(window.document, state, 33.0)
    journal = next(state.glob("journal-*.json"))
    stated = json.loads(journal.read_text())
    journal.write_text(json.dumps({**stated, "written_at": "0001-01-01T00:00:00+14:00"}))
    life = DocumentLife(window, state)
    life.offer_recovery()
    assert "0001-01-01" in window.questions.question.text
    life.end()

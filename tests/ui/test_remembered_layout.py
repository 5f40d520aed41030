"""What is remembered from one start to the next, scale and presenter mode, log, and a new beginning."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.plots.tokens import DARK, LIGHT
from explorer.ui.document_life import DocumentLife
from explorer.ui.icons import icon
from explorer.ui.kept_menus import ICONS, add_kept_menus
from explorer.ui.log import KEPT, MAX_BYTES, LogFile, log
from explorer.ui.log_view import LogView
from explorer.ui.main_window import LEAST, MainWindow
from explorer.ui.remembered_layout import RememberedLayout, largest_scale, scale_of
from explorer.ui.settings import FILE, Settings, read_settings, write_settings
from explorer.ui.worker_words import worker_words


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[LogFile]:
    """A log in a folder of its own."""
    made = LogFile(tmp_path / "log")
    yield made
    made.close()


@pytest.fixture
def layout(window: MainWindow, tmp_path: Path, log_file: LogFile) -> Iterator[RememberedLayout]:
    """The window with all its menus and a remembered layout."""
    life = DocumentLife(window, tmp_path / "state")
    made = RememberedLayout(window, Settings(), tmp_path / "config")
    add_kept_menus(window, life, made, log_file)
    yield made
    life.end()


def test_that_settings_come_back_as_they_were_written(tmp_path: Path) -> None:
    kept = Settings("dark", 1.5, (1500, 800), True, True, 2.0, True, True, ("fleet", "price"))
    write_settings(tmp_path / "deep" / "er", kept)
    assert read_settings(tmp_path / "deep" / "er") == kept


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"version": 2, "scale": 2.0}', "[" * 100_000, "\0"])
def test_that_broken_settings_are_as_on_the_first_start_and_logged(
    tmp_path: Path, log_file: LogFile, content: str
) -> None:
    (tmp_path / FILE).write_text(content)
    assert read_settings(tmp_path) == Settings()
    assert FILE in log_file.tail()


@pytest.mark.parametrize("key, value", [
    ("theme", "pink"), ("scale", 7.5), ("scale", True), ("scale", "2"), ("size", [0, 5]), ("size", [1e9, 5]),
    ("size", 3), ("maximized", 1), ("enlarged", 1), ("unfolded", "fleet"), ("unfolded", [3]), ("unknown", 1),
])  # fmt: skip
def test_that_one_wrong_value_leaves_the_others_in_force(
    tmp_path: Path, log_file: LogFile, key: str, value: object
) -> None:
    (tmp_path / FILE).write_text(json.dumps({"version": 1, "presenter": True, key: value}))
    assert read_settings(tmp_path) == Settings(presenter=True)
    assert key in log_file.tail()


def test_that_a_config_folder_that_cannot_be_written_stops_nothing(tmp_path: Path, log_file: LogFile) -> None:
    occupied = tmp_path / "config"
    occupied.write_text("a file where the folder should be")
    write_settings(occupied, Settings())
    assert "not remembered" in log_file.tail()


def test_that_the_layout_is_remembered(window: MainWindow, layout: RememberedLayout, tmp_path: Path) -> None:
    window.resize(1400, 800)
    window.fold(False)
    window.panel.unfold("fleet")
    window.enlarge_page(True)
    layout.remember()
    kept = read_settings(tmp_path / "config")
    assert kept.size == (1400, 800) and kept.unfolded == ("fleet",) and kept.enlarged
    window.enlarge_page(False)
    again = RememberedLayout(window, replace(kept, size=(99_999 // 8, 100), unfolded=("price",)), tmp_path)
    again.apply()
    screen = window.screen().availableGeometry().size().expandedTo(QSize(*LEAST))
    assert window.width() == min(99_999 // 8, screen.width()) and window.height() == LEAST[1]
    assert window.panel.price.frame.is_open
    assert window.centre.enlarged and window.actions_by_name["enlarge"].isChecked()


def test_that_a_new_scale_asks_for_a_restart_and_is_kept(
    window: MainWindow, layout: RememberedLayout, qtbot: QtBot, tmp_path: Path
) -> None:
    window.actions_by_name["scale.150%"].trigger()
    assert layout.settings.scale == 1.5 and "150%" in window.questions.question.text
    with qtbot.waitSignal(layout.restart_asked):
        window.questions.press("Restart now")
    window.actions_by_name["scale.200%"].trigger()
    window.questions.press("Later")
    layout.remember()
    assert read_settings(tmp_path / "config").scale == 2.0
    window.actions_by_name["scale.150%"].trigger()
    window.actions_by_name["scale.100%"].trigger()
    assert window.questions.question is None


@pytest.mark.parametrize("screen, largest", [
    (QSize(1280, 720), 1.0), (QSize(1920, 1080), 1.5), (QSize(3840, 2160), 3.0), (QSize(800, 600), 1.0),
])  # fmt: skip
def test_that_presenter_mode_takes_the_largest_type_that_fits(screen: QSize, largest: float) -> None:
    assert largest_scale(screen, 1.0) == largest
    assert largest_scale(screen, 2.5) >= 2.5


def test_that_presenter_mode_fills_the_screen_or_asks_for_a_new_beginning(
    window: MainWindow, layout: RememberedLayout, qtbot: QtBot
) -> None:
    asked: list[bool] = []
    layout.restart_asked.connect(lambda: asked.append(True))
    window.actions_by_name["presenter"].trigger()
    QApplication.processEvents()
    assert layout.settings.presenter
    enlarged = scale_of(layout.settings) != 1.0
    assert bool(asked) is enlarged and window.isFullScreen() is not enlarged
    window.actions_by_name["presenter"].trigger()
    QApplication.processEvents()
    assert not layout.settings.presenter and scale_of(layout.settings) == 1.0 and not window.isFullScreen()


def test_that_the_log_is_shown_and_copied(window: MainWindow, layout: RememberedLayout, log_file: LogFile) -> None:
    log.warning("the cat sat on the file")
    window.actions_by_name["log"].trigger()
    view = window.findChild(LogView)
    assert view is not None and not view.isModal()
    assert "the cat sat on the file" in view.text.toPlainText() and str(log_file.path) in view.place.text()
    log.error("and then it left")
    view.refresh_button.click()
    view.copy.click()
    assert "and then it left" in QGuiApplication.clipboard().text()
    view.close()


def test_that_the_log_stays_small(log_file: LogFile) -> None:
    for number in range(40):
        log.error("%d %s", number, "x" * 50_000)
    files = list(log_file.path.parent.iterdir())
    assert 1 < len(files) <= KEPT + 1
    assert sum(file.stat().st_size for file in files) <= (KEPT + 1) * (MAX_BYTES + 60_000)
    assert "39 xxx" in log_file.tail()


def test_that_icons_take_the_colours_of_the_theme(qapp: QApplication) -> None:
    for name in {*ICONS.values(), "lock", "close", "more", "question", "file"}:
        inks = []
        for tokens in (LIGHT, DARK):
            picture = icon(name, tokens).pixmap(16).toImage()
            solid = [
                picture.pixelColor(x, y).name().upper()
                for x in range(picture.width())
                for y in range(picture.height())
                if picture.pixelColor(x, y).alpha() > 250
            ]
            inks.append(max(set(solid), key=solid.count))
        assert inks == [LIGHT.secondary, DARK.secondary], name


def test_that_the_menus_icons_stand_beside_their_words(window: MainWindow, layout: RememberedLayout) -> None:
    shown = {name for name, action in window.actions_by_name.items() if not action.icon().isNull()}
    assert shown == set(ICONS) and all(window.actions_by_name[name].text() for name in shown)


@pytest.mark.parametrize("status, final, words", [
    ("refining", False, "refining …"),
    ("final", True, "final, 256 draws"),
    ("final", False, "quick answer, 256 draws"),
    ("worker lost", False, "the worker ended: quick answer shown"),
    ("failed", False, "could not refine: quick answer shown"),
    ("", True, "final, 256 draws"),
    ("", False, ""),
])  # fmt: skip
def test_that_the_worker_is_told_of_in_words(status: str, final: bool, words: str) -> None:
    assert worker_words(status, final, 256) == words


PROGRAM = """
import json, os, sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from explorer.ui import application as program
from explorer.ui.main_window import MainWindow

def window():
    return next(one for one in QApplication.topLevelWidgets() if isinstance(one, MainWindow))

def first():
    one = window()
    one.document.change("workloads.0.traffic.request_rate_per_s", 33.0, "requests per second")
    one.actions_by_name["scale.150%"].trigger()
    one.questions.press("Restart now")

def second():
    one = window()
    print(json.dumps({
        "rate": one.document.workload.traffic.request_rate_per_s,
        "dirty": one.document.is_dirty,
        "path": str(one.document.path),
        "start": one.start is not None and one.start.isVisible(),
        "ratio": one.devicePixelRatioF(),
        "questions": one.questions.question is not None,
        "factor": os.environ.get("QT_SCALE_FACTOR"),
    }), flush=True)
    one.document.undo_stack.setClean()
    one.close()

def begun(again):
    # In place of the interpreter's own command line, which would open this program without these steps.
    def begin(path):
        return [sys.executable, sys.argv[0], "second", *([] if path is None else [str(path)])]
    program._command_line = begin

if __name__ == "__main__":
    begun(sys.argv[1])
    QApplication.setQuitOnLastWindowClosed(True)
    step = first if sys.argv[1] == "first" else second
    run = program.application_object
    def object_of(scale=1.0):
        made = run(scale)
        QTimer.singleShot(900, step)
        return made
    program.application_object = object_of
    sys.exit(program.run([Path(one) for one in sys.argv[2:]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a program that takes another's place is a matter of POSIX")
def test_that_a_restart_carries_unsaved_work_over_and_takes_the_new_scale(scenario_file: Path, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE")}
    environment = {**os.environ, **folders, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(script), "first", str(scenario_file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen == {
        "rate": 33.0, "dirty": True, "path": str(scenario_file), "start": False, "ratio": 1.5, "questions": False,
        "factor": None,
    }  # fmt: skip
    assert "Traceback" not in done.stderr
    left = list((tmp_path / "state" / "inference-explorer").glob("journal-*"))
    assert left == []


@pytest.mark.skipif(sys.platform == "win32", reason="the state folder is named by XDG here")
def test_that_a_start_without_a_file_shows_the_questions(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE")}
    environment = {**os.environ, **folders, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(script), "second"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["start"] and not seen["dirty"] and seen["ratio"] == 1.0

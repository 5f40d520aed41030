"""The window: undo, baseline, workloads, messages, theme, size, and a clean end."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QRect, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QHelpEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from explorer.catalog.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.plots.tokens import DARK, LIGHT, THEMES, contrast
from explorer.scenario.file import read_scenario
from explorer.scenario.quantity import NOTHING
from explorer.scenario.schema import Scenario
from explorer.study.banded import Metric
from explorer.study.live import LiveEvaluator
from explorer.study.outcome import Outcome
from explorer.ui import theme
from explorer.ui.application import first_document, grab
from explorer.ui.document import Document
from explorer.ui.main_window import LEAST, MainWindow
from explorer.ui.pages.compare_page import COLUMNS
from explorer.ui.verdict_strip import TileView
from tests.ui.hands import slider, type_value

RATE = "workloads.0.traffic.request_rate_per_s"


def test_that_the_first_picture_answers_the_question(window: MainWindow) -> None:
    answer = window.document.outcome.workloads[0]
    assert window.verdict.question.question == window.document.scenario.question
    tiles = {key: view.tile for key, view in window.verdict.tiles.items()}
    assert all(tile is not None and tile.figure for tile in tiles.values())
    assert [line.label for line in window.tail.values().lines] == [one.label for one in answer.alternatives]
    assert window.memory.text_summary() and window.concentration.text_summary()
    assert window.compare.model.rowCount() == len(answer.alternatives)


def test_that_tiles_and_tiers_explain_themselves_under_the_pointer(window: MainWindow, qtbot: QtBot) -> None:
    for place in (*window.verdict.tiles.values(), window.concentration):
        at = place.rect().center()
        QApplication.sendEvent(place, QHelpEvent(QEvent.Type.ToolTip, at, place.mapToGlobal(at)))
        wanted = place.tile.note if isinstance(place, TileView) and place.tile is not None else "effective suppliers"
        qtbot.waitUntil(lambda wanted=wanted: escape(wanted) in QToolTip.text())
    QToolTip.hideText()


def test_that_undo_and_redo_are_named_in_the_menu(window: MainWindow) -> None:
    undo, redo = window.actions_by_name["undo"], window.actions_by_name["redo"]
    assert not undo.isEnabled() and not redo.isEnabled()
    type_value(slider(window, "batch_size"), "64")
    assert "batch size" in undo.text()
    undo.trigger()
    assert window.document.alternative.max_batch == 256 and slider(window, "batch_size").box.text() == "256"
    redo.trigger()
    assert window.document.alternative.max_batch == 64


def test_that_a_pinned_baseline_shows_changes_against_it(window: MainWindow) -> None:
    window.document.change(RATE, 20.0)
    QApplication.processEvents()
    tile = window.verdict.tiles["usd_per_month"].tile
    assert tile is not None and tile.note.startswith("▲")
    window.actions_by_name["pin"].trigger()
    QApplication.processEvents()
    tile = window.verdict.tiles["usd_per_month"].tile
    assert tile is not None and "▲" not in tile.note
    assert window.document.scenario.baseline is not None
    window.actions_by_name["unpin"].trigger()
    assert window.document.scenario.baseline is None


def test_that_the_other_workload_is_shown_by_its_tab(window: MainWindow) -> None:
    assert [window.workloads.tabText(place) for place in range(2)] == [
        workload.name for workload in window.document.scenario.workloads
    ]
    window.workloads.setCurrentIndex(1)
    workload = window.document.scenario.workloads[1]
    assert window.document.workload is workload
    assert slider(window, "prompt_tokens").value == workload.traffic.prompt_tokens
    assert len(window.tail.values().lines) == len(workload.alternatives)
    type_value(slider(window, "request_rate_per_s"), "3/s")
    assert window.document.scenario.workloads[1].traffic.request_rate_per_s == 3.0
    assert window.document.scenario.workloads[0].traffic.request_rate_per_s == 12.0


def test_that_a_row_of_the_comparison_selects_and_copies(window: MainWindow) -> None:
    table = window.compare.table
    place = table.visualRect(window.compare.model.index(2, 1)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert window.document.workload.selected == window.document.workload.alternatives[2].name
    QTest.keySequence(table, QKeySequence(QKeySequence.StandardKey.Copy))
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t") == [column.title for column in COLUMNS]
    assert len(lines) == 1 + len(window.document.workload.alternatives)


def test_that_no_figure_of_the_comparison_is_cut_once_the_hand_rests(window: MainWindow) -> None:
    window.resize(*LEAST)
    table, document = window.compare.table, window.document
    texts = [at for at, column in enumerate(COLUMNS) if column.right]
    rate = document.workload_path("traffic.request_rate_per_s")
    document.begin_drag()
    before = [table.columnWidth(at) for at in texts]
    document.change(rate, 10_000.0)
    assert [table.columnWidth(at) for at in texts] == before
    document.end_drag()
    assert window.compare.model.cell(0, 2).text == f"{document.outcome.workloads[0].alternatives[0].chips_total:,}"
    wide = [table.columnWidth(at) for at in texts]
    assert all(width >= table.sizeHintForColumn(at) for at, width in zip(texts, wide, strict=True))
    assert table.horizontalScrollBar().maximum() == 0
    document.change(rate, 12.0)
    assert [table.columnWidth(at) for at in texts] == wide


def test_that_plots_behind_an_enlarged_page_wait_until_they_are_seen(window: MainWindow) -> None:
    document, plots = window.document, (window.tail, window.memory, window.concentration)
    window.enlarge_page(True)
    window.show_page("evidence")
    seen = document.outcome
    document.change(RATE, 20.0)
    assert document.outcome is not seen
    assert all(plot.showing() is not None and plot.showing().outcome is seen for plot in plots)
    window.show_page("compare")
    assert all(plot.showing() is not None and plot.showing().outcome is document.outcome for plot in plots)
    assert document.answers.shown_metric == window.tail.shown_metric


def test_that_keys_step_through_the_alternatives(window: MainWindow) -> None:
    names = [one.name for one in window.document.workload.alternatives]
    window.actions_by_name["next_alternative"].trigger()
    assert window.document.workload.selected == names[1]
    window.actions_by_name["previous_alternative"].trigger()
    window.actions_by_name["previous_alternative"].trigger()
    assert window.document.workload.selected == names[-1]


def test_that_no_two_actions_share_a_shortcut(window: MainWindow) -> None:
    taken: dict[str, str] = {}
    for name, action in window.actions_by_name.items():
        for keys in action.shortcuts():
            text = keys.toString()
            assert text not in taken, f"{text}: {name} and {taken.get(text)}"
            taken[text] = name


def test_that_an_infeasible_scenario_is_shown_in_words(window: MainWindow) -> None:
    type_value(slider(window, "model_size"), "9T")
    type_value(slider(window, "parallelism_degree"), "1")
    QApplication.processEvents()
    fits = window.verdict.tiles["fits"].tile
    assert fits is not None and fits.figure == "✗ no" and "short" in fits.note
    assert window.verdict.tiles["ttft"].tile is not None
    assert not window.document.outcome.workloads[0].chosen.feasible


@pytest.mark.parametrize("size", [LEAST, (1440, 900)])
@pytest.mark.parametrize("name", list(THEMES))
def test_that_nothing_is_clipped_or_overlaps(
    window: MainWindow, qapp: QApplication, size: tuple[int, int], name: str
) -> None:
    theme.apply(qapp, THEMES[name])
    window.set_tokens(THEMES[name])
    window.resize(*size)
    QApplication.processEvents()
    assert (window.width(), window.height()) == size
    plots = (window.tail, window.memory, window.concentration)
    parts: list[QWidget] = [window.panel, *plots, window.compare, window.verdict]
    areas = [QRect(part.mapTo(window, part.rect().topLeft()), part.size()) for part in parts]
    for place, area in enumerate(areas):
        assert window.rect().contains(area), parts[place].objectName()
        for other in areas[place + 1 :]:
            assert not area.intersects(other)
    chips = window.panel.chips.list
    assert chips.visualItemRect(chips.item(3)).bottom() <= chips.viewport().height()
    assert window.panel.scroller.height() > 100


def test_that_every_text_colour_can_be_read_on_its_ground() -> None:
    for tokens in THEMES.values():
        for ink in (tokens.text, tokens.secondary, tokens.good, tokens.amber, tokens.bad):
            for ground in (tokens.panel, tokens.window):
                assert contrast(ink, ground) >= 4.5, (tokens.name, ink, ground)
        assert contrast(tokens.amber, tokens.amber_wash) >= 4.5


def test_that_the_theme_follows_the_choice(qapp: QApplication, qtbot: QtBot) -> None:
    switch = theme.ThemeSwitch(qapp, "light")
    assert theme.tokens() == LIGHT
    with qtbot.waitSignal(switch.theme_changed):
        switch.choose("dark")
    assert theme.tokens() == DARK and qapp.palette().window().color().name().upper() == DARK.window
    switch.choose("light")
    switch.deleteLater()


def test_that_a_picture_has_the_size_scale_and_ground_asked_for(catalog: Catalog, scenario_file: Path) -> None:
    scenario = read_scenario(scenario_file, catalog).scenario
    picture = grab(scenario, catalog, size=(1280, 720), theme_name="dark", scale=2.0)
    assert (picture.width(), picture.height()) == (2560, 1440)
    assert picture.pixelColor(4, 2500 // 2).name().upper() == DARK.window
    with pytest.raises(ExplorerError, match="allowed: light, dark"):
        grab(scenario, catalog, theme_name="pink")


def test_that_a_path_that_cannot_be_opened_starts_on_the_question_and_says_why(
    catalog: Catalog, tmp_path: Path, scenario_file: Path
) -> None:
    live = LiveEvaluator(catalog)
    document, complaint = first_document([tmp_path / "missing.toml"], catalog, live)
    assert "does not exist" in complaint and document.scenario.question
    document.close()
    document, complaint = first_document([scenario_file], catalog, live)
    assert complaint == "" and document.path == scenario_file
    document.close()


def test_that_a_path_on_which_the_program_makes_a_mistake_starts_on_the_question_and_says_so(
    catalog: Catalog, scenario_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = LiveEvaluator(catalog)
    quick = live.quick

    def mistaken(scenario: Scenario, shown: Metric | None = None) -> Outcome:
        if scenario.title == "Unforeseen":
            raise ZeroDivisionError("nobody foresaw this")
        return quick(scenario, shown)

    monkeypatch.setattr(live, "quick", mistaken)
    text = scenario_file.read_text(encoding="utf-8")
    title = next(line for line in text.splitlines() if line.startswith("title"))
    scenario_file.write_text(text.replace(title, 'title = "Unforeseen"'), encoding="utf-8")
    document, complaint = first_document([scenario_file], catalog, live)
    assert "nobody foresaw this" in complaint and document.scenario.question
    document.close()


def test_that_a_closed_window_leaves_no_timer_running(
    make_document: Callable[[Path], Document], scenario_file: Path, qtbot: QtBot
) -> None:
    document = make_document(scenario_file)
    made = MainWindow(document)
    made.show()
    document.change(RATE, 13.0)
    document.undo_stack.setClean()
    made.close()

    def running() -> list[QTimer]:
        return [timer for owner in (made, document) for timer in owner.findChildren(QTimer) if timer.isActive()]

    # the plots give their words to screen readers a moment after the last change, once
    qtbot.waitUntil(lambda: running() == [], timeout=1000)
    qtbot.wait(200)
    assert running() == []
    made.deleteLater()
    QApplication.processEvents()
    gc.collect()


def test_that_examples_open_from_the_menu_and_themes_are_chosen_there(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_by_name["example.llama-70b-chat"].trigger()
    assert window.document.path is not None and window.document.path.name == "llama-70b-chat.toml"
    assert not window.actions_by_name["theme.dark"].isEnabled()


def test_that_the_program_opens_works_and_ends_cleanly(scenario_file: Path, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from PySide6.QtCore import QTimer\n"
        "from explorer.ui.application import application_object, run\n"
        "if __name__ == '__main__':\n"
        "    application = application_object()\n"
        "    QTimer.singleShot(1500, application.closeAllWindows)\n"
        "    sys.exit(run([Path(sys.argv[1])]))\n"
    )
    command = [sys.executable, str(script), str(scenario_file)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "Error" not in done.stderr


def test_that_without_a_promise_the_table_says_of_nobody_that_it_is_kept(window: MainWindow) -> None:
    column = [one.title for one in COLUMNS].index("Keeps all")

    def cells() -> set[str]:
        model = window.compare.model
        return {str(model.data(model.index(row, column))) for row in range(model.rowCount())}

    assert NOTHING not in cells()
    paths = [window.document.workload_path(f"objectives.{metric}_p99_s") for metric in ("ttft", "tpot")]
    window.document.change_several(dict.fromkeys(paths, None))
    QApplication.processEvents()
    assert cells() == {NOTHING}


def test_that_requests_longer_than_the_model_was_made_for_are_warned_of_until_they_are_shorter(
    window: MainWindow, qtbot: QtBot
) -> None:
    document, messages = window.document, window.messages

    def ask(prompt: float, warned: bool) -> None:
        document.change("workloads.0.traffic.prompt_tokens", prompt)
        qtbot.waitUntil(lambda: not document.answers._pending and bool(document.outcome.warnings) == warned)

    ask(200_000.0, True)
    assert "was made for" in messages.text and not messages.isHidden()
    messages.clear()
    ask(201_000.0, True)
    assert messages.text == "", "it was closed, and still holds"
    ask(1000.0, False)
    ask(200_000.0, True)
    assert "was made for" in messages.text
    document.save()
    assert document.path is not None and window.files.open_file(document.path)
    assert "was made for" in messages.text
    ask(1000.0, False)
    assert messages.text == "" and messages.isHidden()

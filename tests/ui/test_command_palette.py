"""The command palette: everything by name, by keys alone, ranked as one would expect."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from explorer.ui.command_palette import CommandPalette
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.fuzzy import match
from explorer.ui.main_window import MainWindow
from tests.ui.hands import slider


def palette(window: MainWindow, typed: str = "") -> CommandPalette:
    """The palette, opened by its action, with a text typed into it."""
    window.actions_by_name["palette"].trigger()
    found = window.palette_popup
    assert found is not None and found.isVisible()
    QTest.keyClicks(found.line, typed)
    return found


def press(shown: CommandPalette, key: Qt.Key) -> None:
    """Press a key where the keyboard is."""
    QTest.keyClick(shown.line, key)


def test_that_a_slider_is_set_by_name(window: MainWindow) -> None:
    shown = palette(window, "requests sec")
    assert shown.titles()[0] == "Set requests per second …"
    press(shown, Qt.Key.Key_Return)
    assert "12/s now" in shown.line.placeholderText()
    QTest.keyClicks(shown.line, "21")
    press(shown, Qt.Key.Key_Return)
    assert not shown.isVisible()
    assert window.document.workload.traffic.request_rate_per_s == 21.0
    assert slider(window, "request_rate_per_s").box.text() == "21/s"
    assert "requests" in window.document.undo_stack.undoText()


def test_that_a_value_that_is_refused_is_told_and_asked_again(window: MainWindow) -> None:
    shown = palette(window, "set batch size")
    press(shown, Qt.Key.Key_Return)
    QTest.keyClicks(shown.line, "-5")
    press(shown, Qt.Key.Key_Return)
    assert shown.isVisible() and shown.note.text().startswith("Not taken:")
    assert window.document.alternative.max_batch == 256
    QTest.keyClicks(shown.line, "64")
    press(shown, Qt.Key.Key_Return)
    assert not shown.isVisible() and window.document.alternative.max_batch == 64


def test_that_a_locked_slider_is_not_moved_by_the_palette(window: MainWindow) -> None:
    slider(window, "batch_size").set_locked(True)
    shown = palette(window, "set batch size")
    press(shown, Qt.Key.Key_Return)
    QTest.keyClicks(shown.line, "64")
    press(shown, Qt.Key.Key_Return)
    assert window.document.alternative.max_batch == 256 and "locked" in shown.note.text()
    shown.close()


def test_that_escape_goes_back_one_step_and_then_out(window: MainWindow) -> None:
    shown = palette(window, "set batch size")
    press(shown, Qt.Key.Key_Return)
    press(shown, Qt.Key.Key_Escape)
    assert shown.isVisible() and len(shown.titles()) > 20
    press(shown, Qt.Key.Key_Escape)
    assert not shown.isVisible()


def test_that_actions_chips_models_and_questions_are_found(window: MainWindow) -> None:
    shown = palette(window, "pin baseline")
    assert shown.titles()[0] == "Pin as baseline"
    press(shown, Qt.Key.Key_Return)
    assert window.document.scenario.baseline is not None
    shown = palette(window, "change h100")
    press(shown, Qt.Key.Key_Return)
    assert "h100" in window.document.alternative.chip
    shown = palette(window, "serve llama 8b")
    press(shown, Qt.Key.Key_Return)
    assert window.document.workload.model.preset == "llama-3.1-8b"
    window.document.undo_stack.setClean()
    shown = palette(window, "open nvidia alone")
    press(shown, Qt.Key.Key_Return)
    assert window.document.path is not None and window.document.path.stem == "nvidia-only-fleet"


def test_that_arrow_keys_choose_and_a_screen_reader_is_told(window: MainWindow) -> None:
    shown = palette(window, "fold all")
    second = shown.titles()[1]
    press(shown, Qt.Key.Key_Down)
    assert shown.line.accessibleDescription() == f"Enter does: {second}"
    assert shown.line.accessibleName() and shown.list.accessibleName()
    press(shown, Qt.Key.Key_Up)
    press(shown, Qt.Key.Key_Up)
    assert shown.list.currentRow() == 0
    shown.close()


def test_that_every_slider_of_the_window_can_be_set_by_name(window: MainWindow) -> None:
    window.panel.unfold(*(group.frame.objectName() for group in window.panel.folded))
    titles = " ".join(one.title.lower() for one in palette(window)._commands)
    figures = window.document.outcome.workloads[0].chosen.open_figures
    for one in window.panel.findChildren(ParameterSlider):
        name = one.title.lower()
        if one.objectName().startswith("open."):
            # by the figure, whether a belief or a value is shown
            name = next(figure.title.lower() for figure in figures if one.objectName() == f"open.{figure.figure}")
        assert f"set {name} …" in titles, one.objectName()
    window.palette_popup.close()


def test_that_a_folded_open_figure_is_unfolded_and_set(window: MainWindow) -> None:
    window.fold(False)
    figure = window.document.outcome.workloads[0].chosen.open_figures[0]
    shown = palette(window, f"set {figure.title}")
    assert shown.titles()[0].lower() == f"set {figure.title.lower()} …"
    press(shown, Qt.Key.Key_Return)
    QTest.keyClicks(shown.line, "100%" if figure.readings else "1")
    press(shown, Qt.Key.Key_Return)
    assert window.panel.open_figures.frame.is_open
    assert window.document.is_dirty or shown.note.text().startswith("Not taken")
    shown.close()


def test_that_words_that_are_nowhere_are_told(window: MainWindow) -> None:
    shown = palette(window, "zzqx")
    assert shown.titles() == [] and shown.note.isVisible()
    press(shown, Qt.Key.Key_Return)
    assert shown.isVisible()
    shown.close()


@pytest.mark.parametrize("query, better, worse", [
    ("save", "Save", "Save as"),
    ("rep", "Set replicas …", "Set spare replicas, as a share …"),
    ("bat", "Set batch size, at most …", "Set combat readiness …"),
    ("spt", "Set prompt tokens …", "Set appropriation …"),
    ("chip h200", "Change the chip to Nvidia H200", "Change the chip to Nvidia H100"),
])  # fmt: skip
def test_that_the_nearer_title_comes_first(query: str, better: str, worse: str) -> None:
    first, second = match(query, better), match(query, worse)
    assert first is not None and (second is None or first > second)


@pytest.mark.parametrize("typed, first", [
    ("ttft", "Set first token, P99 …"), ("tpot", "Set per token, P99 (TPOT) …"), ("slo", "P99"),
    ("csv", "Copy comparison"), ("export", "Export report"), ("concurrency", "Set batch size, at most …"),
    ("hbm", "Set memory bandwidth …"), ("vram", "Set memory bandwidth …"), ("nvlink", "Set scale-up link bandwidth"),
    ("interconnect", "Set scale-up link bandwidth"), ("throughput", "Set requests per second …"),
    ("supplier", "Fleet"), ("lock-in", "Fleet"), ("region", "Fleet"), ("dark mode", "Dark"),
    ("help", "Keys and gestures"),
])  # fmt: skip
def test_that_the_words_of_the_field_find_what_they_mean(window: MainWindow, typed: str, first: str) -> None:
    shown = palette(window, typed)
    assert first in shown.titles()[0]
    shown.close()


def test_that_letters_from_within_words_find_nothing_that_changes_the_scenario(window: MainWindow) -> None:
    for typed in ("tcm", "ctm", "oiw", "mtf", "srl"):
        shown = palette(window, typed)
        for title in shown.titles():
            assert not title.startswith(("Change the chip to", "Open:", "Serve", "Compare")) or typed in title.lower()
        shown.close()
    assert match("csv", "Change the chip to Microsoft Maia 100 services") is None


def test_that_what_cannot_be_done_now_is_listed_with_why(window: MainWindow) -> None:
    shown = palette(window, "undo")
    assert shown.titles()[0] == "Undo" and "nothing to undo" in shown.line.accessibleDescription()
    press(shown, Qt.Key.Key_Return)
    assert shown.isVisible() and "nothing to undo" in shown.note.text()
    shown.close()
    for chip in ("nv-h100", "nv-b200", "nv-b300"):
        if len(window.document.workload.alternatives) < 4 and chip in window.document.catalog.chips:
            window.panel.chips.add_chip(chip)
    assert len(window.document.workload.alternatives) == 4
    shown = palette(window, "compare as well l40s")
    before = window.document.scenario
    press(shown, Qt.Key.Key_Return)
    assert window.document.scenario is before and "4 are compared" in shown.note.text()
    shown.close()


def test_that_a_word_that_is_nowhere_matches_nothing() -> None:
    assert match("batch zzz", "Set batch size") is None
    assert match("b", "") is None
    assert match("", "anything") == 0.0
    assert match("speed", "Set batch size", "how speed comes about") is not None

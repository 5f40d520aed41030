"""Ways back to the file and to the baseline, for a slider, a group and the whole; and locks."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from explorer.scenario.difference import differences
from explorer.scenario.path import get
from explorer.ui.controls.reset_button import ResetButton
from explorer.ui.controls.slider_menu import slider_menu
from explorer.ui.main_window import MainWindow
from tests.ui.hands import drag, slider, turn_wheel, type_value

RATE = "workloads.0.traffic.request_rate_per_s"
PROMPT = "workloads.0.traffic.prompt_tokens"
BATCH = "workloads.0.alternatives.0.max_batch"


def choose(menu: QMenu, name: str) -> None:
    """Trigger the action with an object name."""
    action = next(one for one in menu.actions() if one.objectName() == name)
    assert action.isEnabled()
    action.trigger()


def reset_button(window: MainWindow, title: str) -> ResetButton:
    """The small way back of the group with a title."""
    return next(one for one in window.findChildren(ResetButton) if one.accessibleName() == f"Reset {title}")


def test_that_a_slider_goes_back_to_the_baseline_and_to_the_file_each_by_its_own_way(window: MainWindow) -> None:
    document, control = window.document, slider(window, "request_rate_per_s")
    filed = get(document.scenario, RATE)
    type_value(control, "20/s")
    document.pin_baseline()
    type_value(control, "30/s")
    control.track.setFocus()
    QTest.keyClick(control.track, Qt.Key.Key_Backspace)
    assert get(document.scenario, RATE) == 20.0
    QTest.keyClick(control.track, Qt.Key.Key_Backspace, Qt.KeyboardModifier.ShiftModifier)
    assert get(document.scenario, RATE) == filed
    document.undo_stack.undo()
    assert get(document.scenario, RATE) == 20.0


def test_that_the_menu_of_a_slider_names_the_values_it_leads_to(window: MainWindow) -> None:
    control = slider(window, "request_rate_per_s")
    type_value(control, "30/s")
    menu = slider_menu(control)
    texts = {one.objectName(): one.text() for one in menu.actions()}
    assert "12/s" in texts["to_baseline"] and "12/s" in texts["to_file"]
    choose(menu, "to_file")
    assert get(window.document.scenario, RATE) == 12
    at_home = slider_menu(control)
    assert not any(one.isEnabled() for one in at_home.actions() if one.objectName() in ("to_file", "to_baseline"))


def test_that_saving_makes_the_saved_values_those_of_the_file(window: MainWindow) -> None:
    document = window.document
    document.change(RATE, 25.0)
    document.save()
    document.change(RATE, 40.0)
    document.reset_all(document.filed)
    assert get(document.scenario, RATE) == 25.0
    steps = document.undo_stack.count()
    document.reset_all(document.filed)
    assert document.undo_stack.count() == steps, "what is as in the file needs no step back"


def test_that_a_group_goes_back_in_one_step_and_others_stay(window: MainWindow) -> None:
    document = window.document
    document.change_several({RATE: 30.0, PROMPT: 4000.0, BATCH: 64})
    menu = reset_button(window, "Traffic").menu_now()
    assert "2 settings" in menu.actions()[0].text()
    choose(menu, "to_baseline")
    assert get(document.scenario, RATE) == 12 and get(document.scenario, PROMPT) == 1155
    assert get(document.scenario, BATCH) == 64
    assert document.undo_stack.undoText() == "change of traffic"
    document.undo_stack.undo()
    assert get(document.scenario, RATE) == 30.0 and get(document.scenario, PROMPT) == 4000.0


@pytest.mark.parametrize(
    "title", ["Model", "Serving", "Chips", "Promises", "Price", "Fleet", "Open figures", "Scheduler"]
)
def test_that_every_group_finds_its_own_way_back(window: MainWindow, title: str) -> None:
    document = window.document
    first = document.workload_path
    changed = {
        "Model": {first("model.preset"): "llama-3.1-8b", first("model.weight_precision"): "bf16"},
        "Serving": {BATCH: 32},
        "Chips": {first("selected"): "H200"},
        "Promises": {first("objectives.ttft_p99_s"): None, first("objectives.e2e_p99_s"): 30.0},
        "Price": {"price.basis": "own", "price.margin": 0.1},
        "Fleet": {"fleet.tiers": ("cloud",)},
        "Open figures": {"overrides.qcom-ai200.memory_bandwidth": {"belief": 0.9, "reason": "asked"}},
        "Scheduler": {document.alternative_path("token_budget"): 512},
    }[title]
    before = document.scenario
    document.change_several(changed)
    assert differences(before, document.scenario)
    choose(reset_button(window, title).menu_now(), "to_file")
    assert not differences(before, document.scenario)


def test_that_everything_goes_back_but_the_pinned_baseline_stays(window: MainWindow) -> None:
    document = window.document
    document.pin_baseline()
    document.change_several({RATE: 30.0, "price.basis": "own", "fleet.tiers": ("cloud",)})
    window.actions_by_name["to_file"].trigger()
    assert not differences(document.filed, document.scenario)
    assert document.scenario.baseline is not None
    document.undo_stack.undo()
    assert get(document.scenario, RATE) == 30.0


def test_that_what_only_the_present_scenario_speaks_of_is_left_alone(window: MainWindow) -> None:
    document = window.document
    window.panel.chips.change_chip(0, "nv-b200")
    document.change(BATCH, 32)
    choose_nothing = reset_button(window, "Serving").menu_now()
    assert not any(action.isEnabled() for action in choose_nothing.actions())
    assert get(document.scenario, BATCH) == 32


def test_that_a_locked_slider_holds_against_hand_keys_wheel_and_typing(window: MainWindow) -> None:
    document, control = window.document, slider(window, "request_rate_per_s")
    document.change(RATE, 15.0)
    control.track.setFocus()
    QTest.keySequence(control.track, QKeySequence("Ctrl+L"))
    assert control.locked and control.track.accessibleName().endswith("locked")
    drag(control, 0.9)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_PageUp, Qt.Key.Key_End, Qt.Key.Key_Backspace):
        QTest.keyClick(control.track, key)
    turn_wheel(control.track, 3)
    QTest.mouseDClick(control.track, Qt.MouseButton.LeftButton)
    type_value(control, "99/s")
    control.take_text("98/s")
    assert get(document.scenario, RATE) == 15.0 and control.box.text() == "15/s"
    assert "locked" in control.caption
    menu = reset_button(window, "Traffic").menu_now()
    assert not any(action.isEnabled() for action in menu.actions()), "a locked slider stays where its group goes back"
    control.set_locked(False)
    control.take_text("98/s")
    assert get(document.scenario, RATE) == 98.0


def test_that_undo_passes_a_lock(window: MainWindow) -> None:
    control = slider(window, "request_rate_per_s")
    control.set_locked(True)
    window.document.change(RATE, 15.0)
    window.document.undo_stack.undo()
    assert get(window.document.scenario, RATE) == 12 and control.value == 12 and control.locked


def test_that_the_lock_is_seen(window: MainWindow) -> None:
    control = slider(window, "request_rate_per_s")
    before = control.grab().toImage()
    control.set_locked(True)
    assert control.grab().toImage() != before


def test_that_the_lock_of_an_open_figure_outlives_another_chip(window: MainWindow) -> None:
    slider(window, "open.memory_bandwidth").set_locked(True)
    first = window.document.workload_path("selected")
    window.document.change(first, "H200")
    QApplication.processEvents()
    window.document.change(first, "AI200")
    QApplication.processEvents()
    found = window.panel.open_figures.sliders["qcom-ai200.memory_bandwidth"]
    assert found.locked
    QTest.mouseClick(window.panel.open_figures.reset_button, Qt.MouseButton.LeftButton)
    assert found.locked


def test_that_a_lock_is_a_step_that_is_saved_and_shown_when_the_file_is_opened_again(
    window: MainWindow, tmp_path: Path
) -> None:
    control, document = slider(window, "request_rate_per_s"), window.document
    control.set_locked(True)
    slider(window, "open.memory_bandwidth").set_locked(True)
    assert document.scenario.locks == (RATE, "overrides.qcom-ai200.memory_bandwidth")
    document.undo_stack.undo()
    assert document.scenario.locks == (RATE,) and not slider(window, "open.memory_bandwidth").locked
    document.undo_stack.redo()
    place = tmp_path / "held.toml"
    document.save_as(place)
    control.set_locked(False)
    assert document.scenario.locks == ("overrides.qcom-ai200.memory_bandwidth",)
    document.undo_stack.setClean()
    document.open(place)
    QApplication.processEvents()
    assert slider(window, "request_rate_per_s").locked and slider(window, "open.memory_bandwidth").locked


def test_that_a_lock_on_a_chip_goes_with_the_chip(window: MainWindow) -> None:
    document = window.document
    document.change("locks", (document.alternative_path("max_batch"),))
    QApplication.processEvents()
    assert slider(window, "batch_size").locked
    document.change(document.workload_path("selected"), "H200")
    QApplication.processEvents()
    assert not slider(window, "batch_size").locked

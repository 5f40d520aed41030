"""Every control of the panel changes the scenario at its path and what the views show."""

from __future__ import annotations

import re
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from explorer.plots.fonts import BODY, metrics
from explorer.plots.tokens import HIT_TARGET, LIGHT
from explorer.scenario.path import get
from explorer.scenario.workload import LayoutChoice
from explorer.study.outcome import Outcome
from explorer.ui.controls.chip_list import ChipList, ChipRow
from explorer.ui.controls.choice_row import ChoiceRow
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.track import Track
from explorer.ui.main_window import MainWindow
from tests.ui.hands import drag, slider, turn_wheel, type_value

WORKLOAD = "workloads.0."
FIRST = "workloads.0.alternatives.0."


def seen(window: MainWindow) -> tuple[Any, ...]:
    """What the plots and the strip show, as values."""
    tiles = tuple(view.tile for view in window.verdict.tiles.values())
    tail = window.tail.values()
    curves = tuple((line.p99_rates.tobytes(), line.p99_seconds.tobytes()) for line in tail.lines)
    return tiles, curves, window.memory.values(), window.concentration.text_summary()


NUMBERS = (
    ("model_size", "40B", WORKLOAD + "model.size_billion", 40.0),
    ("batch_size", "64", FIRST + "max_batch", 64),
    ("parallelism_degree", "2", FIRST + "parallelism_degree", 2),
    ("request_rate_per_s", "30/s", WORKLOAD + "traffic.request_rate_per_s", 30.0),
    ("prompt_tokens", "4k", WORKLOAD + "traffic.prompt_tokens", 4000.0),
    ("output_tokens", "500", WORKLOAD + "traffic.output_tokens", 500.0),
    ("arrival_cv", "2", WORKLOAD + "traffic.arrival_cv", 2.0),
    ("prompt_cv", "2", WORKLOAD + "traffic.prompt_cv", 2.0),
    ("output_cv", "2", WORKLOAD + "traffic.output_cv", 2.0),
    ("prefix_hit_share", "40%", WORKLOAD + "traffic.prefix_hit_share", 0.4),
    ("peak_to_mean", "3", WORKLOAD + "traffic.peak_to_mean", 3.0),
    ("ttft_p99_s", "800 ms", WORKLOAD + "objectives.ttft_p99_s", 0.8),
    ("tpot_p99_s", "30 ms", WORKLOAD + "objectives.tpot_p99_s", 0.03),
    ("itl_p99_s", "0.2 s", WORKLOAD + "objectives.itl_p99_s", 0.2),
    ("e2e_p99_s", "20 s", WORKLOAD + "objectives.e2e_p99_s", 20.0),
    ("margin", "80 %", "price.margin", 0.8),
    ("utilisation_sold", "60%", "price.utilisation_sold", 0.6),
    ("life_years", "5", "price.life_years", 5.0),
    ("cost_of_capital", "12%", "price.cost_of_capital", 0.12),
    ("residual_share", "20%", "price.residual_share", 0.2),
    ("electricity_usd_per_kwh", "$0.2", "price.electricity_usd_per_kwh", 0.2),
    ("pue", "1.5", "price.pue", 1.5),
    ("token_budget", "512", FIRST + "token_budget", 512),
    ("replicas", "30", FIRST + "replicas", 30),
    ("spare_replicas", "3", FIRST + "spare_replicas", 3),
)


@pytest.mark.parametrize("name, text, path, value", NUMBERS, ids=[row[0] for row in NUMBERS])
def test_that_a_typed_value_reaches_its_path_and_undo_brings_it_back(
    window: MainWindow, name: str, text: str, path: str, value: Any
) -> None:
    document = window.document
    before = get(document.scenario, path)
    control = slider(window, name)
    shown = control.box.text()
    type_value(control, text)
    assert get(document.scenario, path) == pytest.approx(value)
    assert document.undo_stack.count() == 1
    QApplication.processEvents()
    document.undo_stack.undo()
    assert get(document.scenario, path) == before
    assert control.box.text() == shown


@pytest.mark.parametrize("name", ["model_size", "batch_size", "request_rate_per_s", "prompt_tokens"])
def test_that_dragging_changes_every_plot_and_is_one_undo_step(window: MainWindow, name: str, qtbot: QtBot) -> None:
    before = seen(window)
    control = slider(window, name)
    # to a batch of about 3, and otherwise to the right of where it is
    drag(control, 0.12 if name == "batch_size" else 0.75)
    qtbot.waitUntil(lambda: window.document.answers.problem is None)
    QApplication.processEvents()
    after = seen(window)
    assert window.document.undo_stack.count() == 1
    assert before[0] != after[0] and before[1] != after[1]
    # more requests are carried by more replicas, each as full as before
    assert before[2] != after[2] or name == "request_rate_per_s"
    window.document.undo_stack.undo()
    QApplication.processEvents()
    assert not window.document.is_dirty and window.document.scenario.workloads == window.document.baseline.workloads


def test_that_model_size_and_degree_move_the_concentration_of_spend(window: MainWindow) -> None:
    def spend(outcome: Outcome) -> tuple[float, ...]:
        return tuple(tier.hhi.value for tier in outcome.fleet.tiers)

    before = spend(window.document.outcome)
    type_value(slider(window, "model_size"), "300B")
    QApplication.processEvents()
    assert spend(window.document.outcome) != before


def test_that_a_family_preset_is_snapped_to_exactly(window: MainWindow) -> None:
    type_value(slider(window, "model_size"), "8.05B")
    model = window.document.workload.model
    assert model.preset == "llama-3.1-8b" and model.size_billion is None
    type_value(slider(window, "model_size"), "20B")
    assert window.document.workload.model.size_billion == 20.0


def test_that_a_drag_past_a_preset_scales_the_model_held_at_the_grip(window: MainWindow) -> None:
    drag(slider(window, "model_size"), 0.38, steps=60)
    model = window.document.workload.model
    assert model.preset == "llama-3.1-70b" and model.size_billion is not None and model.size_billion < 50


def test_that_a_double_click_on_the_size_goes_back_to_the_baselines_preset(window: MainWindow) -> None:
    control = slider(window, "model_size")
    type_value(control, "20B")
    QTest.mouseDClick(control.track, Qt.MouseButton.LeftButton)
    model = window.document.workload.model
    assert model.preset == "llama-3.1-70b" and model.size_billion is None


def test_that_a_bad_text_keeps_the_value_and_tells_why(window: MainWindow) -> None:
    control = slider(window, "batch_size")
    type_value(control, "lots")
    assert window.document.alternative.max_batch == 256 and control.box.text() == "256"
    assert window.messages.isVisible() and "Batch size" in window.messages.text
    type_value(control, "999999")
    assert window.document.alternative.max_batch == 256 and control.box.text() == "256"
    assert "must be between 1 and 65,536" in window.messages.text and "workloads" not in window.messages.text
    type_value(control, "128")
    assert window.document.alternative.max_batch == 128 and not window.messages.isVisible()


@pytest.mark.parametrize(("name", "text", "why"), [
    ("model_size", "0", "must be between 100M and 20T"), ("model_size", "-5B", "must be between 100M and 20T"),
    ("prompt_tokens", "0.5", "must be between 1 and 10M"), ("ttft_p99_s", "0", "must be more than 0 s"),
    ("request_rate_per_s", "0", "must be between 0.000001/s and 1,000,000/s"),
    ("share.0", "120%", "must be between 0 % and 100 %"),
    ("prefix_hit_share", "100%", "must be at least 0 % and less than 100 %"),
])  # fmt: skip
def test_that_a_value_out_of_bounds_is_refused_in_the_sliders_own_words(
    window: MainWindow, name: str, text: str, why: str
) -> None:
    before, control = window.document.scenario, slider(window, name)
    type_value(control, text)
    assert why in control.caption and why in window.messages.text
    assert window.document.scenario is before


def test_that_a_refusal_goes_with_a_valid_text_also_where_it_is_the_present_value(window: MainWindow) -> None:
    control = slider(window, "model_size")
    type_value(control, "0")
    complaining = control.grab().toImage()
    assert window.messages.isVisible()
    type_value(control, control.box.text())
    assert not window.messages.isVisible() and "must be" not in control.caption
    assert control.grab().toImage() != complaining


def test_that_a_bare_number_takes_the_unit_that_the_box_shows(window: MainWindow) -> None:
    control = slider(window, "tpot_p99_s")
    assert control.box.text() == "50 ms"
    type_value(control, "30")
    assert window.document.workload.objectives.tpot_p99_s == 0.03


def test_that_a_typed_share_is_saved_without_noise(window: MainWindow) -> None:
    type_value(slider(window, "share.0"), "35")
    shares = [member.traffic_share for member in window.document.scenario.fleet.members]
    assert shares[0] == 0.35 and all(len(repr(share)) <= 16 for share in shares)


def test_that_an_illegal_degree_names_the_legal_ones(window: MainWindow) -> None:
    type_value(slider(window, "parallelism_degree"), "3")
    assert window.document.alternative.parallelism_degree == "auto"
    assert "allowed: auto, 1, 2" in window.messages.text


def test_that_the_stops_of_the_degree_are_the_legal_ones_of_the_selected_chip(window: MainWindow) -> None:
    control = slider(window, "parallelism_degree")
    for place, answer in enumerate(window.document.outcome.workloads[0].alternatives):
        window.panel.chips.list.setCurrentRow(place)
        QApplication.processEvents()
        assert control.track.scale.ticks() == ("auto", *answer.legal_degrees)


def test_that_a_degree_is_applied_to_all_where_it_is_legal(window: MainWindow) -> None:
    type_value(slider(window, "parallelism_degree"), "4")
    QTest.mouseClick(window.panel.serving.to_all, Qt.MouseButton.LeftButton)
    answers = window.document.outcome.workloads[0].alternatives
    for alternative, answer in zip(window.document.workload.alternatives, answers, strict=True):
        assert (alternative.parallelism_degree == 4) == (4 in answer.legal_degrees)


CHOICES = (
    ("weight_precision", "bf16", WORKLOAD + "model.weight_precision", "bf16"),
    ("weight_precision", "4-bit", WORKLOAD + "model.weight_precision", "fp4"),
    ("kv_precision", "bf16", WORKLOAD + "model.kv_precision", "bf16"),
    ("kv_sequence_sharding", True, WORKLOAD + "model.kv_sequence_sharding", True),
    ("comparison_basis", "as_set", "comparison.basis", "as_set"),
    ("comparison_basis", "equal_spend", "comparison.basis", "equal_spend"),
    ("price_basis", "own", "price.basis", "own"),
    ("price_basis", "offer", "price.basis", "offer"),
)


@pytest.mark.parametrize("name, segment, path, value", CHOICES, ids=[f"{row[0]}-{row[1]}" for row in CHOICES])
def test_that_a_segment_sets_its_value_and_is_checked_alone(
    window: MainWindow, name: str, segment: Any, path: str, value: Any
) -> None:
    row = window.findChild(ChoiceRow, name)
    assert isinstance(row, ChoiceRow)
    QTest.mouseClick(row.button_for(segment), Qt.MouseButton.LeftButton)
    assert get(window.document.scenario, path) == value
    assert [button.isChecked() for button in row.buttons].count(True) == 1
    assert row.button_for(segment).isChecked()
    window.document.undo_stack.undo()
    assert not row.button_for(segment).isChecked()


def test_that_the_term_counts_only_with_offers(window: MainWindow) -> None:
    assert not window.panel.price.term.isEnabled()
    window.document.change("price.basis", "offer")
    assert window.panel.price.term.isEnabled()
    QTest.mouseClick(window.panel.price.term.button_for("reserved"), Qt.MouseButton.LeftButton)
    assert window.document.scenario.price.term == "reserved"


def test_that_a_click_selects_a_chip_and_the_sliders_speak_of_it(window: MainWindow) -> None:
    document = window.document
    document.change("workloads.0.alternatives.1.max_batch", 32)
    chips = window.panel.chips.list
    place = chips.visualItemRect(chips.item(1)).center()
    QTest.mouseClick(chips.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert document.workload.selected == document.workload.alternatives[1].name
    assert slider(window, "batch_size").value == 32
    QApplication.processEvents()
    assert window.verdict.question.subject.startswith(document.workload.selected)


def test_that_keys_select_remove_and_undo_in_the_chip_list(window: MainWindow) -> None:
    chips, document = window.panel.chips.list, window.document
    names = [one.name for one in document.workload.alternatives]
    chips.setFocus()
    QTest.keyClick(chips, Qt.Key.Key_Down)
    assert document.workload.selected == names[1]
    QTest.keyClick(chips, Qt.Key.Key_Delete)
    assert [one.name for one in document.workload.alternatives] == [names[0], *names[2:]]
    document.undo_stack.undo()
    assert [one.name for one in document.workload.alternatives] == names
    assert chips.count() == len(names)


def test_that_a_broken_promise_is_red_and_what_is_not_known_amber(window: MainWindow) -> None:
    document = window.document
    assert next((row.warning, row.is_broken) for row in window.panel.chips.list.rows) == ("unconfirmed", False)
    document.change(document.workload_path("objectives.tpot_p99_s"), 1e-4)
    assert {(row.warning, row.is_broken) for row in window.panel.chips.list.rows} == {("breaks a promise", True)}
    type_value(slider(window, "model_size"), "9T")
    type_value(slider(window, "parallelism_degree"), "1")
    QApplication.processEvents()
    assert ("does not fit", True) in {(row.warning, row.is_broken) for row in window.panel.chips.list.rows}

    def inks(row: ChipRow) -> set[int]:
        listed = ChipList("one", window)
        listed.show_rows([ChipRow("", ""), row], 0)
        listed.resize(300, 60)
        image = listed.grab().toImage()
        return {image.pixel(x, y) for x in range(60, image.width()) for y in range(image.height() // 2, image.height())}

    broken, unknown = inks(ChipRow("", "", "■■■■", True)), inks(ChipRow("", "", "■■■■"))
    assert QColor(LIGHT.bad).rgb() in broken - unknown
    assert QColor(LIGHT.amber).rgb() in unknown - broken


def test_that_the_last_chip_cannot_be_removed(window: MainWindow) -> None:
    for _ in range(5):
        QTest.keyClick(window.panel.chips.list, Qt.Key.Key_Delete)
    assert len(window.document.workload.alternatives) == 1
    assert "last chip stays" in window.messages.text


def test_that_a_chip_is_found_by_words_and_added(window: MainWindow, qtbot: QtBot) -> None:
    chips, document = window.panel.chips, window.document
    QTest.keyClick(chips.list, Qt.Key.Key_Delete)
    count = len(document.workload.alternatives)
    QTest.mouseClick(chips.add_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(chips.picker.isVisible)
    QTest.keyClicks(chips.picker.search, "nvidia h100")
    found = [chips.picker.list.item(row).text() for row in range(chips.picker.list.count())]
    assert found and all("H100" in text for text in found)
    QTest.keyClick(chips.picker.search, Qt.Key.Key_Return)
    assert not chips.picker.isVisible()
    assert len(document.workload.alternatives) == count + 1
    added = document.workload.alternatives[-1]
    assert added.chip.startswith("nv-h100") and document.workload.selected == added.name
    assert len(chips.list.rows) == count + 1


def test_that_no_fifth_chip_can_be_added(window: MainWindow) -> None:
    assert len(window.document.workload.alternatives) == 4
    assert not window.panel.chips.add_button.isEnabled()


def test_that_changing_the_chip_keeps_its_place_and_drops_what_only_the_old_one_allows(window: MainWindow) -> None:
    document = window.document
    document.change(FIRST + "parallelism_degree", 56)
    document.change(FIRST + "max_batch", 99)
    window.panel.chips.change_chip(0, "nv-h100-sxm")
    changed = document.workload.alternatives[0]
    assert (changed.chip, changed.max_batch, changed.parallelism_degree) == ("nv-h100-sxm", 99, "auto")
    assert document.workload.selected == changed.name
    document.undo_stack.undo()
    assert document.workload.alternatives[0].chip == "qcom-ai200"


def test_that_a_model_is_chosen_from_the_list_and_clears_the_size(window: MainWindow, qtbot: QtBot) -> None:
    model = window.panel.model
    type_value(model.size_slider, "20B")
    QTest.mouseClick(model.preset_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(model.picker.isVisible)
    QTest.keyClicks(model.picker.search, "gpt-oss 120")
    QTest.keyClick(model.picker.search, Qt.Key.Key_Return)
    choice = window.document.workload.model
    assert choice.preset == "gpt-oss-120b" and choice.size_billion is None
    assert "gpt-oss" in model.preset_button.text().lower()


def test_that_a_search_without_a_hit_says_so(window: MainWindow, qtbot: QtBot) -> None:
    picker = window.panel.model.picker
    QTest.mouseClick(window.panel.model.preset_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(picker.isVisible)
    QTest.keyClicks(picker.search, "zzzz")
    assert picker.list.count() == 0 and picker.nothing.isVisible()
    QTest.keyClick(picker.search, Qt.Key.Key_Return)
    QTest.keyClick(picker, Qt.Key.Key_Escape)
    assert window.document.undo_stack.count() == 0


def test_that_fleet_shares_keep_their_sum_and_locked_ones_hold(window: MainWindow) -> None:
    fleet, document = window.panel.fleet, window.document

    def shares() -> list[float]:
        return [member.traffic_share for member in document.scenario.fleet.members]

    before = shares()
    drag(fleet.sliders[0], 0.2)
    assert sum(shares()) == pytest.approx(1.0, abs=1e-9)
    assert shares()[0] == pytest.approx(0.2, abs=0.02)
    assert shares()[1] / shares()[2] == pytest.approx(before[1] / before[2])
    assert document.undo_stack.count() == 1
    held = shares()[1]
    QTest.mouseClick(fleet.locks[1], Qt.MouseButton.LeftButton)
    type_value(fleet.sliders[0], "50 %")
    assert shares()[1] == pytest.approx(held) and sum(shares()) == pytest.approx(1.0, abs=1e-9)
    type_value(fleet.sliders[0], "150 %")
    assert sum(shares()) == pytest.approx(1.0, abs=1e-9) and "between 0 % and 100 %" in window.messages.text


def test_that_fleet_shares_move_the_concentration(window: MainWindow) -> None:
    before = window.concentration.text_summary()
    type_value(window.panel.fleet.sliders[0], "100 %")
    QApplication.processEvents()
    assert window.concentration.text_summary() != before


def test_that_pools_are_added_removed_and_made_of_the_compared_chips(window: MainWindow) -> None:
    fleet, document = window.panel.fleet, window.document
    count = len(document.scenario.fleet.members)
    fleet.add_member("nv-h100-sxm")
    assert len(fleet.sliders) == count + 1
    fleet.remove_member(0)
    members = document.scenario.fleet.members
    assert len(fleet.sliders) == count and sum(one.traffic_share for one in members) == pytest.approx(1.0)
    QTest.mouseClick(fleet.from_chips, Qt.MouseButton.LeftButton)
    assert [one.chip for one in document.scenario.fleet.members] == [one.chip for one in document.workload.alternatives]


def test_that_a_tier_is_ticked_in_and_out(window: MainWindow) -> None:
    box = window.findChild(QCheckBox, "tier.country")
    assert isinstance(box, QCheckBox) and not box.isChecked()
    box.click()
    assert "country" in window.document.scenario.fleet.tiers
    box.click()
    assert "country" not in window.document.scenario.fleet.tiers


def test_that_open_figures_are_those_of_the_selected_chip(window: MainWindow) -> None:
    group = window.panel.open_figures
    chosen = window.document.outcome.workloads[0].chosen
    assert chosen.chip == "qcom-ai200"
    assert list(group.sliders) == [f"{one.chip}.{one.figure}" for one in chosen.open_figures]
    window.panel.chips.list.setCurrentRow(2)
    QApplication.processEvents()
    chosen = window.document.outcome.workloads[0].chosen
    assert list(group.sliders) == [f"{one.chip}.{one.figure}" for one in chosen.open_figures]


def test_that_belief_in_a_disputed_bandwidth_moves_the_latency(window: MainWindow, qtbot: QtBot) -> None:
    control = slider(window, "open.memory_bandwidth")
    path = "overrides.qcom-ai200.memory_bandwidth"

    def p99() -> float:
        band = window.document.outcome.workloads[0].chosen.latency["tpot"].p50
        assert band is not None
        return band.value

    # one fixed deployment: an automatic one would answer a slower chip with more replicas
    window.document.change_several({FIRST + "layout": {"tp": 4}, FIRST + "replicas": 30})
    type_value(control, "100 %")
    QApplication.processEvents()
    trusting = p99()
    type_value(control, "0 %")
    qtbot.waitUntil(lambda: get(window.document.scenario, path).belief == 0.0)
    QApplication.processEvents()
    assert p99() > 1.5 * trusting
    assert "set by you" in control.caption and "taken as" in control.caption


BANDWIDTH = "overrides.qcom-ai200.memory_bandwidth"


def test_that_a_disputed_figure_is_typed_in_its_own_unit_and_becomes_a_belief_again(window: MainWindow) -> None:
    control, document = slider(window, "open.memory_bandwidth"), window.document
    why = control.toolTip()
    assert control.title == "Belief in the vendor reading" and control.box.text() == "50 %"
    assert "taken as 3.54 TB/s memory bandwidth" in control.caption
    type_value(control, "2400 GB/s")
    QApplication.processEvents()
    override = get(document.scenario, BANDWIDTH)
    assert (override.value, override.unit, override.belief) == (2.4, "TB/s", None)
    assert document.outcome.workloads[0].chosen.open_figures[0].value == pytest.approx(2.4)
    assert control.title == "Memory bandwidth" and control.box.text() == "2.4 TB/s"
    assert "instead of sceptic 1.7 TB/s or vendor 7.39 TB/s" in control.caption
    assert control.baseline == pytest.approx(3.544, rel=1e-3)
    type_value(control, "3")
    QApplication.processEvents()
    assert get(document.scenario, BANDWIDTH).value == 3 and control.box.text() == "3 TB/s"
    QTest.keyClick(control.track, Qt.Key.Key_PageUp)
    assert get(document.scenario, BANDWIDTH).value > 3
    type_value(control, "Sceptic")
    QApplication.processEvents()
    override = get(document.scenario, BANDWIDTH)
    assert (override.value, override.belief) == (None, 0.0)
    assert control.title == "Belief in the vendor reading" and control.box.text() == "0 %" and control.baseline == 0.5
    assert control.toolTip() == why
    for _ in range(3):
        document.undo_stack.undo()
    QApplication.processEvents()
    assert control.box.text() == "2.4 TB/s"


@pytest.mark.parametrize(("text", "why"), [
    ("150", "between 0 % and 100 %"), ("2,4 TB/s", "did you mean 2.4?"), ("3 GB", "not a unit"),
    ("0 TB/s", "more than 0"), ("trusting", "2.4 TB/s; or a belief like 70 %, or vendor or sceptic"),
])  # fmt: skip
def test_that_what_is_neither_belief_nor_value_is_refused(window: MainWindow, text: str, why: str) -> None:
    control = slider(window, "open.memory_bandwidth")
    type_value(control, text)
    assert why in control.caption and control.box.text() == "50 %"
    assert get(window.document.scenario, BANDWIDTH) is None


@pytest.mark.parametrize(("text", "belief"), [("1.7", 0.017), ("90", 0.9), ("90 percent", 0.9), ("vendor", 1.0)])
def test_that_a_bare_number_is_the_belief_that_the_box_shows(window: MainWindow, text: str, belief: float) -> None:
    control = slider(window, "open.memory_bandwidth")
    type_value(control, text)
    QApplication.processEvents()
    assert get(window.document.scenario, BANDWIDTH).belief == pytest.approx(belief)
    assert control.box.text().endswith(" %")


def test_that_an_undisclosed_figure_is_set_and_reset(window: MainWindow) -> None:
    group = window.panel.open_figures
    figure = next(one for one in window.document.outcome.workloads[0].chosen.open_figures if not one.readings)
    control = group.sliders[f"{figure.chip}.{figure.figure}"]
    path = f"overrides.{figure.chip}.{figure.figure}"
    QTest.keyClick(control.track, Qt.Key.Key_PageUp)
    override = get(window.document.scenario, path)
    assert override.unit == figure.unit and override.value > figure.value
    QApplication.processEvents()
    assert "set by you" in control.caption
    QTest.mouseClick(group.reset_button, Qt.MouseButton.LeftButton)
    assert get(window.document.scenario, path) is None


def test_that_a_figure_that_nobody_typed_is_written_to_three_digits_and_a_typed_one_in_full(
    window: MainWindow,
) -> None:
    group = window.panel.open_figures
    for figure in window.document.outcome.workloads[0].chosen.open_figures:
        text = group.sliders[f"{figure.chip}.{figure.figure}"].box.text()
        digits = re.sub(r"[^0-9]", "", text).lstrip("0")
        assert len(digits) <= 3 or "," in text, f"{figure.figure}: {text}"
    control = slider(window, "open.collective_base_latency")
    type_value(control, "8.7765 µs")
    QApplication.processEvents()
    assert control.box.text() == "8.7765 µs"


def test_that_status_reason_and_source_of_an_open_figure_are_told(window: MainWindow) -> None:
    for figure in window.document.outcome.workloads[0].chosen.open_figures:
        control = window.panel.open_figures.sliders[f"{figure.chip}.{figure.figure}"]
        told = control.track.accessibleDescription()
        assert figure.status in ("disputed", "undisclosed")
        assert not figure.reason or "reason" not in told
        assert figure.source[:20].split("&")[0].split("'")[0] in told.replace("&amp;", "&")


def test_that_a_layout_is_typed_and_the_degree_follows(window: MainWindow) -> None:
    row, document = window.panel.scheduler.layout_row, window.document

    def write(text: str) -> None:
        row.box.selectAll()
        QTest.keyClicks(row.box, text)
        QTest.keyClick(row.box, Qt.Key.Key_Return)

    row.box.setFocus()
    write("tp 2 pp 1 dp 2 ep 2")
    assert document.alternative.layout == LayoutChoice(tp=2, pp=1, dp=2, ep=2)
    assert document.alternative.parallelism_degree == 4
    write("tp 2 ep 3")
    assert "impossible layout" in window.messages.text
    assert document.alternative.layout == LayoutChoice(tp=2, pp=1, dp=2, ep=2)
    write("sideways")
    assert "write auto" in window.messages.text
    type_value(slider(window, "parallelism_degree"), "8")
    assert document.alternative.layout == "auto" and document.alternative.parallelism_degree == 8


def test_that_folded_groups_tell_their_values_in_one_line(window: MainWindow) -> None:
    window.actions_by_name["fold_all"].trigger()
    headers = {group.frame.objectName(): group.frame.header for group in window.panel.folded}
    assert not any(group.frame.is_open for group in window.panel.folded)
    assert headers["traffic"].summary.startswith("12/s")
    window.document.change(WORKLOAD + "traffic.request_rate_per_s", 30.0)
    assert headers["traffic"].summary.startswith("30/s")
    QTest.keyClick(headers["traffic"], Qt.Key.Key_Space)
    assert slider(window, "request_rate_per_s").isVisible() and slider(window, "request_rate_per_s").value == 30.0


def test_that_the_wheel_over_an_unfocused_slider_scrolls_the_panel(window: MainWindow) -> None:
    bar = window.panel.scroller.verticalScrollBar()
    control = slider(window, "request_rate_per_s")
    window.panel.chips.list.setFocus()
    assert bar.maximum() > 0
    turn_wheel(control.track, -1)
    assert window.document.undo_stack.count() == 0


def test_that_the_named_sliders_and_the_chips_never_scroll(window: MainWindow) -> None:
    for widget in (
        *(slider(window, name) for name in ("model_size", "batch_size", "parallelism_degree")), window.panel.chips.list,
    ):  # fmt: skip
        assert not window.panel.scroller.isAncestorOf(widget)


@pytest.mark.parametrize("chips", [1, 4])
def test_that_at_the_least_size_the_named_sliders_and_the_chips_are_whole_whatever_is_scrolled(
    window: MainWindow, chips: int
) -> None:
    window.resize(1280, 720)
    for place in range(3, chips - 1, -1):
        window.panel.chips.list.remove_requested.emit(place)
    QApplication.processEvents()
    bar = window.panel.scroller.verticalScrollBar()
    assert bar.maximum() > 500, "every group is unfolded"
    standing = [slider(window, name) for name in ("model_size", "batch_size", "parallelism_degree")]
    for position in (0, bar.maximum()):
        bar.setValue(position)
        QApplication.processEvents()
        for widget in (*standing, window.panel.chips.list):
            assert widget.visibleRegion().boundingRect() == widget.rect(), widget.objectName()
    assert window.panel.chips.list.count() == chips
    assert window.panel.chips.list.verticalScrollBar().maximum() == 0
    assert window.panel.scroller.viewport().height() >= 140, "room is left for the groups that scroll"


def test_that_no_control_is_wider_than_the_panel_and_no_value_than_its_box(window: MainWindow) -> None:
    inside = window.panel.scroller.widget()
    QApplication.processEvents()
    assert inside.minimumSizeHint().width() <= window.panel.scroller.viewport().width()
    for control in window.panel.findChildren(ParameterSlider):
        needed = metrics(BODY, True).horizontalAdvance(control.box.text()) + 8
        assert needed <= control.box.width(), f"{control.title}: {control.box.text()}"


def test_that_every_control_has_a_name_a_meaning_and_a_size_to_hit(window: MainWindow) -> None:
    for control in window.panel.findChildren(ParameterSlider):
        assert control.track.accessibleName() and control.track.accessibleDescription(), control.objectName()
        assert control.toolTip()
    for button in window.panel.findChildren(QToolButton):
        assert button.accessibleName(), button.text()
        if button.isVisible():
            assert button.height() >= HIT_TARGET, button.text()


def test_that_the_keyboard_reaches_every_visible_slider(window: MainWindow, qtbot: QtBot) -> None:
    start = slider(window, "model_size").track
    start.setFocus()
    reached = set()
    for _ in range(400):
        widget = QApplication.focusWidget()
        if widget is None or widget in reached:
            break
        reached.add(widget)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
    missing = [
        control.objectName()
        for control in window.panel.findChildren(ParameterSlider)
        if control.isVisible() and control.track not in reached
    ]
    assert missing == []


def test_that_tab_goes_down_the_panel_also_through_sliders_that_were_made_late(window: MainWindow) -> None:
    for name in ("open_figures", "fleet"):
        frame = next(group.frame for group in window.panel.folded if group.frame.objectName() == name)
        frame.set_open(False)
        frame.set_open(True)
    window.panel.chips.list.setCurrentRow(2)
    window.panel.fleet.add_member("nv-b200")
    QTest.qWait(50)
    inside = window.panel.scroller.widget()
    sliders = [one for one in inside.findChildren(ParameterSlider) if one.isVisible()]
    down = sorted(sliders, key=lambda one: one.mapTo(inside, QPoint()).y())
    slider(window, "request_rate_per_s").track.setFocus()
    stops: list[QWidget] = []
    while (widget := QApplication.focusWidget()) is not None and widget not in stops:
        if not window.panel.isAncestorOf(widget):
            break
        stops.append(widget)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
    assert [one.parentWidget() for one in stops if isinstance(one, Track)] == down
    assert [one.parentWidget() for one in stops if one.objectName() == "value" and one.parentWidget() in down] == down


def test_that_keys_that_follow_each_other_are_one_undo_step_and_later_ones_another(window: MainWindow) -> None:
    control, document = slider(window, "request_rate_per_s"), window.document
    for _ in range(5):
        QTest.keyClick(control.track, Qt.Key.Key_Right)
    moved = document.workload.traffic.request_rate_per_s
    assert moved > 12 and document.undo_stack.count() == 1
    QTest.keyClick(slider(window, "batch_size").track, Qt.Key.Key_Right)
    QTest.keyClick(control.track, Qt.Key.Key_Right)
    assert document.undo_stack.count() == 3
    QTest.qWait(1100)
    QTest.keyClick(control.track, Qt.Key.Key_Right)
    assert document.undo_stack.count() == 4
    for _ in range(3):
        document.undo_stack.undo()
    assert document.workload.traffic.request_rate_per_s == moved
    document.undo_stack.undo()
    assert document.workload.traffic.request_rate_per_s == 12


def test_that_a_click_on_the_track_brings_the_handle_to_the_hand(window: MainWindow) -> None:
    control = slider(window, "batch_size")
    place = QPoint(9 + round(0.25 * (control.track.width() - 18)), control.track.height() // 2)
    QTest.mouseClick(control.track, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert window.document.alternative.max_batch == pytest.approx(4096**0.25, abs=1)
    assert window.document.undo_stack.count() == 1


def test_that_the_two_readings_of_a_disputed_figure_stand_at_the_ends_of_its_slider(window: MainWindow) -> None:
    control = slider(window, "open.memory_bandwidth")
    figure = next(one for one in window.document.outcome.workloads[0].chosen.open_figures if one.readings)
    sure, doubt = (f"{name} {value:g} TB/s" for name, value in figure.readings)
    plain = control.grab().toImage()
    type_value(control, "100 %")
    QApplication.processEvents()
    assert control.track.handle_x() > 0.9 * control.track.width(), f"sure of {sure} at the right end"
    trusted = window.document.outcome.workloads[0].chosen.open_figures[0].value
    assert trusted == pytest.approx(figure.readings[0][1])
    assert [label.text for label in control.labels()] == [doubt, sure]
    assert control.grab().toImage() != plain

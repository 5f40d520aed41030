"""One slider: hand, keys, wheel, typed values, baseline, what a screen reader is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from explorer.plots.tokens import HIT_TARGET, LIGHT
from explorer.scenario.quantities import QUANTITIES
from explorer.ui import theme
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.scale import LogScale
from explorer.ui.controls.value_text import text_of
from tests.ui.hands import drag, turn_wheel, type_value


class Listener:
    """Writes down what a slider says."""

    def __init__(self, slider: ParameterSlider) -> None:
        self.values: list[Any] = []
        self.events: list[str] = []
        slider.value_edited.connect(self._on_value)
        slider.drag_started.connect(lambda: self.events.append("start"))
        slider.drag_finished.connect(lambda: self.events.append("finish"))
        slider.reset_requested.connect(lambda: self.events.append("reset"))
        slider.refused.connect(lambda text: self.events.append(f"refused {text}"))

    def _on_value(self, value: Any) -> None:
        self.values.append(value)
        self.events.append("value")


@pytest.fixture
def slider(qtbot: QtBot, qapp: QApplication) -> Iterator[ParameterSlider]:
    """Model size in billions, at 70."""
    theme.apply(qapp, LIGHT)
    frame = QWidget()
    column = QVBoxLayout(frame)
    made = ParameterSlider(
        "size", "Model size", LogScale(0.5, 10_000, (8.0, 70.0)), text_of(QUANTITIES["parameters"], 1e9),
        "Total parameters", caption=True, optional=True,
    )  # fmt: skip
    made.set_value(70.0)
    column.addWidget(made)
    other = QWidget(frame)
    other.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    other.setObjectName("other")
    column.addWidget(other)
    qtbot.addWidget(frame)
    frame.resize(320, 160)
    frame.show()
    qtbot.waitExposed(frame)
    frame.activateWindow()
    yield made


def test_that_a_drag_starts_gives_values_and_finishes_in_this_order(slider: ParameterSlider) -> None:
    heard = Listener(slider)
    drag(slider, 0.9)
    assert heard.events[0] == "start" and heard.events[-1] == "finish"
    assert len(heard.values) >= 4
    assert heard.values == sorted(heard.values) and heard.values[-1] > 1000
    assert slider.box.text() == QUANTITIES["parameters"].format_exact(heard.values[-1] * 1e9)


def test_that_taking_the_handle_without_moving_changes_nothing(slider: ParameterSlider) -> None:
    heard = Listener(slider)
    place = QPoint(round(slider.track.handle_x()) + 3, slider.track.height() // 2)
    QTest.mousePress(slider.track, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.mouseRelease(slider.track, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert heard.values == []


@pytest.mark.parametrize(
    "key, higher", [(Qt.Key.Key_Right, True), (Qt.Key.Key_Up, True), (Qt.Key.Key_Left, False), (Qt.Key.Key_Down, False)]
)  # fmt: skip
def test_that_arrow_keys_step_by_one_hundredth_of_the_travel(
    slider: ParameterSlider, key: Qt.Key, higher: bool
) -> None:
    heard = Listener(slider)
    QTest.keyClick(slider.track, key)
    ratio = heard.values[0] / 70.0
    step = (10_000 / 0.5) ** 0.01
    assert ratio == pytest.approx(step if higher else 1 / step, rel=0.01)


@pytest.mark.parametrize("key, sign", [(Qt.Key.Key_Right, 1), (Qt.Key.Key_Left, -1)])
def test_that_arrow_keys_with_shift_step_by_a_tenth_of_that(slider: ParameterSlider, key: Qt.Key, sign: int) -> None:
    heard = Listener(slider)
    QTest.keyClick(slider.track, key, Qt.KeyboardModifier.ShiftModifier)
    assert heard.values[0] == pytest.approx(70.0 * (10_000 / 0.5) ** (sign * 0.001), rel=2e-3)
    assert heard.values[0] != 70.0


def test_that_page_keys_go_further_and_home_and_end_to_the_ends(slider: ParameterSlider) -> None:
    heard = Listener(slider)
    for key in (Qt.Key.Key_PageUp, Qt.Key.Key_Home, Qt.Key.Key_End):
        QTest.keyClick(slider.track, key)
    assert heard.values[0] > 150
    assert heard.values[1:] == [0.5, 10_000.0]


def test_that_the_wheel_moves_only_a_focused_slider(slider: ParameterSlider, qtbot: QtBot) -> None:
    heard = Listener(slider)
    slider.window().findChild(QWidget, "other").setFocus()
    assert not turn_wheel(slider.track, 1)
    assert heard.values == []
    slider.track.setFocus()
    qtbot.waitUntil(slider.track.hasFocus)
    assert turn_wheel(slider.track, 1)
    assert len(heard.values) == 1 and heard.values[0] > 70


@pytest.mark.parametrize("text, value", [("8B", 8.0), ("1.5T", 1500.0), ("405 b", 405.0), ("13", 13.0)])
def test_that_a_typed_value_with_its_unit_is_taken_exactly(slider: ParameterSlider, text: str, value: float) -> None:
    heard = Listener(slider)
    type_value(slider, text)
    assert heard.values == [pytest.approx(value)]


def test_that_a_text_that_cannot_be_read_keeps_the_value_and_says_why(slider: ParameterSlider) -> None:
    heard = Listener(slider)
    type_value(slider, "seventy")
    assert heard.values == []
    assert slider.box.text() == "70B" and slider.value == 70.0
    assert "cannot read 'seventy'" in slider.caption
    assert heard.events[0].startswith("refused Model size: ")


def test_that_the_complaint_goes_with_the_next_value(slider: ParameterSlider) -> None:
    type_value(slider, "seventy")
    slider.set_caption("mean batch 4")
    slider.set_value(80.0)
    assert slider.caption == "mean batch 4"


def test_that_escape_puts_the_value_back(slider: ParameterSlider) -> None:
    slider.box.setFocus()
    slider.box.selectAll()
    QTest.keyClicks(slider.box, "12")
    QTest.keyClick(slider.box, Qt.Key.Key_Escape)
    assert slider.box.text() == "70B"


def test_that_typing_none_unsets_an_optional_value(slider: ParameterSlider) -> None:
    heard = Listener(slider)
    type_value(slider, "none")
    assert heard.values == [None]


def test_that_a_text_being_typed_is_not_overwritten(slider: ParameterSlider, qtbot: QtBot) -> None:
    slider.box.setFocus()
    qtbot.waitUntil(slider.box.hasFocus)
    slider.box.selectAll()
    QTest.keyClicks(slider.box, "12")
    slider.set_value(33.0)
    assert slider.box.text() == "12"


def test_that_a_double_click_asks_for_the_baseline(slider: ParameterSlider) -> None:
    heard = Listener(slider)
    QTest.mouseDClick(slider.track, Qt.MouseButton.LeftButton)
    assert "reset" in heard.events


def test_that_the_handle_stays_in_the_hand_while_values_come_back_rounded(slider: ParameterSlider) -> None:
    slider.value_edited.connect(slider.set_value)
    drag(slider, 0.61, steps=5)
    assert slider.track.handle_x() == pytest.approx(
        9 + slider.track.scale.position(slider.value) * (slider.track.width() - 18), abs=1
    )


def test_that_a_refused_move_puts_handle_and_text_back(slider: ParameterSlider) -> None:
    slider.value_edited.connect(lambda _: slider.refuse("not possible"))
    before = slider.track.handle_x()
    QTest.keyClick(slider.track, Qt.Key.Key_End)
    assert slider.value == 70.0 and slider.box.text() == "70B"
    assert slider.track.handle_x() == before


def test_that_track_and_box_are_large_enough_to_hit(slider: ParameterSlider) -> None:
    assert slider.track.height() >= HIT_TARGET and slider.box.height() >= HIT_TARGET


def test_that_name_meaning_reason_and_source_are_told(slider: ParameterSlider) -> None:
    slider.explain("Total parameters", "nobody says", "S2")
    assert slider.track.accessibleName() == "Model size, 70B"
    QTest.keyClick(slider.track, Qt.Key.Key_Home)
    assert slider.track.accessibleName() == "Model size, 500M"
    assert slider.track.accessibleDescription() == "500M. Total parameters. nobody says. source: S2"
    assert slider.box.accessibleDescription() == "Total parameters. nobody says. source: S2"
    for part in ("Total parameters", "nobody says", "S2"):
        assert part in slider.toolTip()


def test_that_a_screen_reader_is_told_the_value_each_time_the_hand_lets_go(slider: ParameterSlider) -> None:
    interface = QAccessible.queryAccessibleInterface(slider.track)
    slider.set_value(70.0)
    assert interface.text(QAccessible.Text.Description).startswith("70B. ")
    slider.track.setSliderDown(True)
    slider.set_value(140.0)
    slider.track.setSliderDown(False)
    assert interface.text(QAccessible.Text.Description).startswith("140B. ")
    assert interface.text(QAccessible.Text.Name) == "Model size, 140B"


def test_that_wash_and_baseline_are_painted_where_they_are(slider: ParameterSlider) -> None:
    def columns(color: str) -> set[int]:
        picture = slider.track.grab().toImage()
        y = picture.height() // 2 - 6
        wanted = QColor(color)
        return {x for x in range(picture.width()) if abs(picture.pixelColor(x, y).lightness() - wanted.lightness()) < 4}

    plain = columns(LIGHT.baseline)
    slider.set_baseline(1000.0)
    added = columns(LIGHT.baseline) - plain
    expected = 9 + slider.track.scale.position(1000.0) * (slider.track.width() - 18)
    assert added and all(abs(x - expected) <= 3 for x in added)

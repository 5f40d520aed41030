"""What a hand does to the window: find, type, drag, turn the wheel."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from explorer.ui.controls.parameter_slider import ParameterSlider


def slider(window: QWidget, name: str) -> ParameterSlider:
    """The parameter slider with an object name."""
    found = window.findChild(ParameterSlider, name)
    assert isinstance(found, ParameterSlider), f"no slider '{name}'"
    return found


def type_value(control: ParameterSlider, text: str) -> None:
    """Type a text into a slider's value box and press Return."""
    control.box.setFocus()
    control.box.selectAll()
    QTest.keyClicks(control.box, text)
    QTest.keyClick(control.box, Qt.Key.Key_Return)


def drag(control: ParameterSlider, to: float, steps: int = 8) -> None:
    """Take the handle and pull it to a share of the track in several moves, then let go."""
    track = control.track
    middle = track.height() // 2
    start = round(track.handle_x())
    end = round(9 + to * (track.width() - 18))
    QTest.mousePress(track, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(start, middle))
    for step in range(1, steps + 1):
        QTest.mouseMove(track, QPoint(round(start + (end - start) * step / steps), middle))
        QApplication.processEvents()
    QTest.mouseRelease(track, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(end, middle))


def turn_wheel(widget: QWidget, notches: int) -> bool:
    """Turn the wheel over a widget; True when the widget took it."""
    centre = QPointF(widget.rect().center())
    event = QWheelEvent(
        centre, QPointF(widget.mapToGlobal(centre.toPoint())), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
    return event.isAccepted()

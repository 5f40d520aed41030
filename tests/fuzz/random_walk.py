"""A hand that does anything at all to the window: what it did, for the one who looks for what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from explorer.ui.controls.choice_row import ChoiceRow
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.reset_button import ResetButton
from explorer.ui.main_window import MainWindow
from tests.ui.hands import drag, turn_wheel, type_value

TEXTS = (
    "1", "0", "-1", "7", "64", "1e9", "1e-9", "nan", "inf", "", " ", "none", "auto", "70B", "1.5T", "32k", "2.4 TB/s",
    "50 ms", "2 s", "0.3", "50 %", "150 %", "-5 %", "vendor", "sceptic", "$2", "1,000", "1.000,5", "x", "12/s", "1e999",
    "999999999999999999999", "½", "日本", "3 apples", "0.0000001", "1/0",
)  # fmt: skip
KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
    Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Delete, Qt.Key.Key_Escape,
)  # fmt: skip
ACTIONS = (
    "undo", "undo", "redo", "copy_table", "unfold_all", "fold_all", "alternatives", "scenarios", "fit_columns", "pin",
    "unpin", "enlarge", "why.tpot", "to_baseline", "to_file", "remove_chip", "next_alternative", "previous_alternative",
    "next_workload",
)  # fmt: skip


class Hand:
    """One hand on one window; `did` is the list of what it did."""

    def __init__(self, window: MainWindow, random: Random, pages: tuple[str, ...]) -> None:
        self.window, self.random, self.pages = window, random, pages
        self.did: list[str] = []
        self._ways: tuple[Callable[[], None], ...] = (
            self._drag, self._drag, self._type, self._type, self._type, self._press_keys, self._turn, self._choose,
            self._choose, self._act, self._act, self._act, self._turn_to_a_page, self._compare, self._reset,
            self._lock, self._double_click,
        )  # fmt: skip

    def step(self) -> None:
        """Do one thing."""
        self.random.choice(self._ways)()
        QApplication.processEvents()

    def open(self, path: Path) -> bool:
        """Open a file, whatever it holds."""
        self.did.append(f"open {path.name}")
        opened = self.window.files.open_file(path)
        QApplication.processEvents()
        return opened

    def back_to_the_start(self) -> None:
        """Undo all there is."""
        stack = self.window.document.undo_stack
        while stack.canUndo():
            stack.undo()
            QApplication.processEvents()

    def _one(self, kind: type[QWidget]) -> QWidget | None:
        found = [one for one in self.window.findChildren(kind) if one.isVisible() and one.isEnabled()]
        return self.random.choice(found) if found else None

    def _slider(self) -> ParameterSlider | None:
        found = self._one(ParameterSlider)
        assert found is None or isinstance(found, ParameterSlider)
        return found

    def _drag(self) -> None:
        control = self._slider()
        if control is not None:
            to = self.random.choice((0.0, 1.0, self.random.random(), self.random.random(), -0.5, 1.5))
            self.did.append(f"drag {control.objectName()} to {to:.2f}")
            drag(control, to, steps=self.random.choice((1, 3)))

    def _type(self) -> None:
        control = self._slider()
        if control is not None:
            text = self.random.choice(TEXTS)
            self.did.append(f"type {text!r} into {control.objectName()}")
            if text.isascii():
                type_value(control, text)
            else:
                # QTest has no keys for these, and ends the process; an input method puts them in like this
                control.box.selectAll()
                control.box.insert(text)
                QTest.keyClick(control.box, Qt.Key.Key_Return)

    def _press_keys(self) -> None:
        control = self._slider()
        if control is not None:
            control.track.setFocus()
            for key in self.random.choices(KEYS, k=3):
                self.did.append(f"{key.name} on {control.objectName()}")
                QTest.keyClick(control.track, key)

    def _turn(self) -> None:
        control = self._slider()
        if control is not None:
            control.track.setFocus()
            notches = self.random.choice((-3, -1, 1, 3))
            self.did.append(f"wheel {notches} on {control.objectName()}")
            turn_wheel(control.track, notches)

    def _double_click(self) -> None:
        control = self._slider()
        if control is not None:
            self.did.append(f"double click on {control.objectName()}")
            QTest.mouseDClick(control.track, Qt.MouseButton.LeftButton)

    def _choose(self) -> None:
        row = self._one(ChoiceRow)
        if isinstance(row, ChoiceRow):
            buttons = [one for one in row.buttons if one.isEnabled() and one.isVisible()]
            if buttons:
                button = self.random.choice(buttons)
                self.did.append(f"choose {button.text()} of {row.objectName()}")
                QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def _act(self) -> None:
        action = self.window.actions_by_name[self.random.choice(ACTIONS)]
        self.did.append(f"{action.objectName()}{'' if action.isEnabled() else ' (off)'}")
        action.trigger()

    def _turn_to_a_page(self) -> None:
        if self.pages:
            key = self.random.choice(self.pages)
            self.did.append(f"page {key}")
            self.window.show_page(key)

    def _compare(self) -> None:
        """Add a chip, or change one, by searching it."""
        chips = self.window.panel.chips
        button = self.random.choice((chips.add_button, chips.change_button))
        if not button.isEnabled() or not button.isVisible():
            return
        catalog = self.window.document.catalog
        chip = catalog.chip(self.random.choice(sorted(catalog.chips))).name
        self.did.append(f"{button.text()} {chip}")
        button.click()
        QTest.keyClicks(chips.picker.search, chip)
        QTest.keyClick(chips.picker.search, Qt.Key.Key_Return)
        chips.picker.hide()

    def _reset(self) -> None:
        button = self._one(ResetButton)
        if isinstance(button, ResetButton):
            menu = button.menu_now()
            action = self.random.choice(menu.actions())
            self.did.append(f"{action.text()}")
            action.trigger()
            menu.deleteLater()

    def _lock(self) -> None:
        control = self._slider()
        if control is not None and self.random.random() < 0.3:
            self.did.append(f"lock {control.objectName()}")
            control.track.setFocus()
            QTest.keyClick(control.track, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)

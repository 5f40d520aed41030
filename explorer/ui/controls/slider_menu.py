"""The menu of a slider: back to the baseline, back to the file, lock, copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from explorer.ui.controls.parameter_slider import ParameterSlider


def slider_menu(slider: ParameterSlider) -> QMenu:
    """A new menu for a slider as it stands; what would change nothing is greyed out."""
    menu = QMenu(slider)
    menu.setObjectName(f"{slider.objectName()}.menu")
    for name, title, keys, there, ask in (
        ("to_baseline", "Back to the &baseline", "Backspace", slider.baseline, slider.reset_requested.emit),
        ("to_file", "Back to the &file", "Shift+Backspace", slider.filed, slider.file_reset_requested.emit),
    ):
        value = slider.written(there)
        action = menu.addAction(f"{title}: {value}\t{keys}" if value else f"{title}\t{keys}")
        action.setObjectName(name)
        action.setEnabled(bool(value) and there != slider.value and not slider.locked)
        action.triggered.connect(ask)
    menu.addSeparator()
    lock = menu.addAction("&Locked\tCtrl+L")
    lock.setObjectName("lock")
    lock.setCheckable(True)
    lock.setChecked(slider.locked)
    lock.triggered.connect(slider.set_locked)
    copy = menu.addAction("&Copy the value")
    copy.setObjectName("copy")
    copy.triggered.connect(lambda: QGuiApplication.clipboard().setText(slider.box.text()))
    return menu

"""What the Compare page shows: alternatives of this scenario or whole scenarios, and which further ones."""

from __future__ import annotations

from typing import Literal, get_args

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from explorer.ui.pages.scenarios_view import MAX_FURTHER, ScenariosView

Mode = Literal["alternatives", "scenarios"]
TIPS = {
    "alternatives": "The compared chips of this scenario",
    "scenarios": "This scenario, the baseline and up to two further files, side by side",
}


class CompareModes(QWidget):
    """Two segments at the right of the pages' tabs, and what adds and removes scenarios above their titles.

    Beside the segments those two would leave the last tabs no room in a small window.
    """

    mode_chosen = Signal(str)
    add_requested = Signal()

    def __init__(self, scenarios: ScenariosView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scenarios = scenarios
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self.remove_button = self._button("− scenario", "Take a further scenario out of the comparison")
        self.add_button = self._button("+ scenario", "Put a further scenario file beside this one")
        self.add_button.setProperty("action", "add_scenario")
        self.remove_button.setProperty("action", "remove_scenario")
        scenarios.put_above_titles(self.remove_button, self.add_button)
        self.segments: dict[Mode, QToolButton] = {}
        for mode in get_args(Mode):
            segment = QToolButton(self)
            segment.setObjectName("segment")
            segment.setText(mode.capitalize())
            segment.setCheckable(True)
            segment.setFixedHeight(24)
            segment.setAccessibleName(f"Compare: {mode}")
            segment.setAccessibleDescription(TIPS[mode])
            segment.setToolTip(TIPS[mode])
            segment.clicked.connect(lambda _=False, mode=mode: self.mode_chosen.emit(mode))
            row.addWidget(segment)
            self.segments[mode] = segment
        self.add_button.clicked.connect(self.add_requested)
        self.remove_button.clicked.connect(self._on_remove)
        scenarios.further_changed.connect(self._on_further)
        self.show_mode("alternatives")

    def show_mode(self, mode: Mode) -> None:
        """Check the mode's segment."""
        for one, segment in self.segments.items():
            segment.setChecked(one == mode)
        self._on_further()

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("flat")
        button.setText(text)
        button.setFixedHeight(24)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setAccessibleName(tip)
        button.setToolTip(tip)
        return button

    def _on_further(self) -> None:
        count = len(self._scenarios.further)
        self.add_button.setEnabled(count < MAX_FURTHER)
        self.remove_button.setEnabled(count > 0)

    def _on_remove(self) -> None:
        paths = self._scenarios.further
        if len(paths) == 1:
            self._scenarios.remove(paths[0])
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for path in paths:
            menu.addAction(f"Remove {path.stem}").triggered.connect(
                lambda _=False, path=path: self._scenarios.remove(path)
            )
        menu.popup(self.remove_button.mapToGlobal(QPoint(0, self.remove_button.height())))

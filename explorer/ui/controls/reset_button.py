"""The small way back in a group's head: its settings as in the baseline, or as in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QToolButton

from explorer.ui.resets import changes_back

if TYPE_CHECKING:
    from explorer.ui.groups.group import Group


class ResetButton(QToolButton):
    """Asks where to, and says how many settings each way would change."""

    def __init__(self, group: Group, title: str) -> None:
        super().__init__(group)
        self._group, self._title = group, title
        self.setObjectName("flat")
        self.setProperty("action", "reset")
        self.setText("↺")
        self.setFixedSize(26, 24)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"Reset {title}")
        self.setToolTip(f"{title}: back to the baseline or to the file")
        self.clicked.connect(self._on_clicked)

    def menu_now(self) -> QMenu:
        """The two ways back as of now; one that changes nothing is greyed out."""
        document = self._group.document
        menu = QMenu(self)
        menu.setObjectName(f"reset.{self._title.lower()}")
        for name, title, then in (
            ("to_baseline", f"{self._title}: back to the &baseline", document.baseline),
            ("to_file", f"{self._title}: back to the &file", document.filed),
        ):
            count = len(changes_back(document.scenario, then, self._group.reset_paths()))
            counted = "nothing differs" if not count else "1 setting" if count == 1 else f"{count} settings"
            action = menu.addAction(f"{title}\t{counted}")
            action.setObjectName(name)
            action.setEnabled(count > 0)
            action.triggered.connect(lambda _=False, then=then: self._group.reset(then))
        return menu

    def _on_clicked(self) -> None:
        menu = self.menu_now()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.mapToGlobal(QPoint(0, self.height())))

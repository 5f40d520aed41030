"""The tabs that choose which workload the window shows."""

from __future__ import annotations

from PySide6.QtWidgets import QTabBar, QWidget

from explorer.ui.document import Document


class WorkloadTabs(QTabBar):
    """A tab for each workload of the document; seen on the desk, where there are several."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document, self._on_desk = document, True
        self.setObjectName("workloads")
        self.setAccessibleName("Workload")
        self.setExpanding(False)
        self.setDrawBase(False)
        self.currentChanged.connect(self._on_tab)

    def follow(self, _: object = None) -> None:
        """Show the document's workloads, and the one that is edited."""
        names = [workload.name for workload in self._document.scenario.workloads]
        if names != [self.tabText(place) for place in range(self.count())]:
            self.blockSignals(True)
            while self.count():
                self.removeTab(0)
            for name in names:
                self.addTab(name)
            self.blockSignals(False)
            self.set_on_desk(self._on_desk)
        if self.currentIndex() != self._document.workload_index:
            self.setCurrentIndex(self._document.workload_index)

    def set_on_desk(self, on_desk: bool) -> None:
        """Whether the desk is shown, which the tabs belong to."""
        self._on_desk = on_desk
        self.setVisible(on_desk and self.count() > 1)

    def show_next(self) -> None:
        """Go on to the next workload, after the last to the first."""
        count = len(self._document.scenario.workloads)
        self._document.select_workload((self._document.workload_index + 1) % count)

    def _on_tab(self, index: int) -> None:
        if 0 <= index < len(self._document.scenario.workloads):
            self._document.select_workload(index)

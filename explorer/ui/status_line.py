"""The line at the foot of the window: how the answer was found, what the worker does, which file and catalogue."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QStatusBar

from explorer.ui.document import Document
from explorer.ui.worker_words import worker_words


class StatusLine(QObject):
    """Three labels in a status bar; texts that have not changed are left alone."""

    def __init__(self, document: Document, bar: QStatusBar) -> None:
        super().__init__(bar)
        self._document, self._status = document, ""
        self._state, self._worker, self._file = QLabel(bar), QLabel(bar), QLabel(bar)
        bar.setSizeGripEnabled(False)
        bar.addWidget(self._state, 1)
        bar.addPermanentWidget(self._worker)
        bar.addPermanentWidget(self._file)
        for label, name in ((self._worker, "worker"), (self._state, "state"), (self._file, "edition")):
            label.setObjectName(f"status.{name}")
            # A label that asks for the width of its text would lay the window out anew on every change.
            label.setSizePolicy(
                QSizePolicy.Policy.Ignored if name == "state" else QSizePolicy.Policy.Preferred,
                QSizePolicy.Policy.Preferred,
            )
        self._worker.setMinimumWidth(170)
        self._worker.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def show_outcome(self) -> None:
        """How the answer on the screen was found, and how sure it is."""
        workloads = self._document.outcome.workloads
        method = workloads[min(self._document.workload_index, len(workloads) - 1)].chosen.latency_method
        state = f"{method} · baseline {self._document.baseline_name}"
        if state != self._state.text():
            self._state.setText(state)
        self.show_worker(self._status)

    def show_worker(self, status: str) -> None:
        """What the worker does, in words of the live evaluation."""
        self._status = status
        text = worker_words(status, self._document.outcome.final, self._document.outcome.samples)
        if text != self._worker.text():
            self._worker.setText(text)

    def show_file(self, name: str) -> None:
        """Which document this is, whether it is saved, and the edition of the catalogue."""
        unsaved = " · unsaved" if self._document.is_dirty else ""
        self._file.setText(f"{name}{unsaved} · catalogue {self._document.catalog.edition}")

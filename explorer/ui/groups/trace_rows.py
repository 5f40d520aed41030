"""Which recorded trace: a shipped one or a file of one's own, and what to do about its bad rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from explorer.scenario.workload import TraceChoice
from explorer.ui.binding import attempt
from explorer.ui.controls.record_picker import Pick, RecordPicker
from explorer.ui.document import Document

LEAST_ROOM = 230
"""Pixels that a name has on the button."""
OWN = "(own file)"
FIRST_SHIPPED = "azure-2023-conversation"
FILTER = "Recorded requests (*.csv *.csv.gz *.gz)"
AskFile = Callable[..., tuple[str, str]]


def a_shipped_trace() -> TraceChoice:
    """The trace that is chosen first."""
    return TraceChoice(name=FIRST_SHIPPED)


class TraceRows(QWidget):
    """The trace chosen, what was measured of it, and a way on without a file's bad rows."""

    refused = Signal(str)

    def __init__(
        self, document: Document, parent: QWidget | None = None, ask: AskFile = QFileDialog.getOpenFileName
    ) -> None:
        super().__init__(parent)
        self.setObjectName("trace")
        self._document, self._ask = document, ask
        self._pending: Path | None = None
        self.choose = QPushButton(self)
        self.choose.setObjectName("trace.choose")
        self.choose.setToolTip(
            "<p><b>Recorded trace</b></p><p>A shipped trace, or your own CSV with the columns time, prompt and output. "
            "Time is stretched so that the mean rate is the one above.</p>"
        )
        self.note = QLabel(self)
        self.note.setObjectName("note")
        self.note.setWordWrap(True)
        self.note.setAccessibleName("What the trace holds")
        self.go_on = QPushButton("Go on without the bad rows", self)
        self.go_on.setObjectName("trace.go_on")
        self.go_on.setToolTip("Take the good rows of the file that was refused; the scenario says so.")
        self.go_on.hide()
        self.picker = RecordPicker("traces", "search a trace", self)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 4)
        column.setSpacing(4)
        for row in (self.choose, self.note, self.go_on):
            column.addWidget(row)
        self.choose.clicked.connect(self._on_choose)
        self.go_on.clicked.connect(self._on_go_on)
        self.picker.picked.connect(self._on_picked)

    def minimumSizeHint(self) -> QSize:
        """As narrow as the panel is: the button's text is cut."""
        return QSize(0, super().minimumSizeHint().height())

    def refresh(self) -> None:
        """Show which trace is chosen."""
        trace = self._document.workload.traffic.trace
        if trace is not None:
            # not yet laid out, it is as wide as the panel will make it
            room = max(self.width() - 40, LEAST_ROOM)
            label = self.choose.fontMetrics().elidedText(trace.label, Qt.TextElideMode.ElideMiddle, room)
            self.choose.setText(f"{label} ▾")
            self.choose.setAccessibleName(f"Recorded trace: {trace.label}")

    def set_note(self, text: str) -> None:
        """What was measured of the trace."""
        if text != self.note.text():
            self.note.setText(text)

    def take(self, path: Path, *, skip_bad_rows: bool = False) -> None:
        """Choose a file of one's own; a refused one is told with its reason, its bad rows by line."""
        # reads CSV, which a window without traces does without
        from explorer.scenario.traces import TraceError, own_trace

        try:
            choice = own_trace(path, skip_bad_rows=skip_bad_rows)
        except TraceError as error:
            self._offer(path if error.key == "skip_bad_rows" else None)
            self.refused.emit(str(error))
            return
        self._offer(None)
        self._choose(choice)

    def _offer(self, path: Path | None) -> None:
        self._pending = path
        self.go_on.setVisible(path is not None)

    def _choose(self, choice: TraceChoice) -> None:
        path = self._document.workload_path
        changes = {path("traffic.arrivals"): "trace", path("traffic.trace"): choice}
        attempt(self._document, self.refused.emit, lambda: changes, "recorded trace")

    def _on_choose(self) -> None:
        from explorer.catalog.trace import shipped_titles

        picks = [Pick(name, title, "shipped") for name, title in shipped_titles().items()]
        picks.append(Pick(OWN, "A file of your own …", "CSV: time, prompt, output", "open own csv file"))
        trace = self._document.workload.traffic.trace
        corner = self.choose.mapToGlobal(QPoint(0, self.choose.height()))
        self.picker.open_at(corner, picks, "" if trace is None else trace.name or OWN)

    def _on_picked(self, identity: str) -> None:
        self._offer(None)
        if identity != OWN:
            self._choose(TraceChoice(name=identity))
            return
        near = self._document.path
        chosen, _ = self._ask(self, "A recorded trace", str(near.parent) if near is not None else "", FILTER)
        if chosen:
            self.take(Path(chosen))

    def _on_go_on(self) -> None:
        if self._pending is not None:
            self.take(self._pending, skip_bad_rows=True)

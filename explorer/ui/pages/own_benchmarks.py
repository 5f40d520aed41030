"""The benchmarks of the user's own that speak of a chip: what each did, a way to take it out, a way to bring one."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from explorer.errors import ExplorerError
from explorer.scenario.benchmark import Benchmark
from explorer.study.outcome import AlternativeOutcome
from explorer.ui.benchmark_import import ask_for_benchmark, remove_benchmark
from explorer.ui.document import Document


class OwnBenchmarks(QWidget):
    """A line for each benchmark of the chip that is shown."""

    refused = Signal(str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evidence.own")
        self._document = document
        self._shown: tuple[Benchmark, ...] = ()
        self.bring = QPushButton("Import a benchmark …", self)
        self.bring.setObjectName("evidence.import")
        self.bring.setToolTip(
            "A result of vLLM bench serve, SGLang, GuideLLM, InferenceX, MLPerf, or a CSV table: its points appear on "
            "the plots, and the step times of the chip follow it"
        )
        self.bring.clicked.connect(self._on_bring)
        self.bring.setAutoDefault(False)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._lines: list[QWidget] = []

    def show_chip(self, chip: str) -> None:
        """Show the benchmarks of a chip in the workload that is edited."""
        document = self._document
        name = document.workload.name
        mine = tuple(one for one in document.scenario.benchmarks if one.chip == chip and one.workload == name)
        answer = next((one for one in self._answers() if one.chip == chip), None)
        for line in self._lines:
            line.hide()
            line.deleteLater()
        self._lines = []
        self._shown = mine
        if answer is not None and answer.own is not None:
            self._add(QLabel(f"Your benchmarks: {answer.own.sentence}", self))
        for one in mine:
            self._add(self._line(one))
        for notice in dict.fromkeys(one.notice for one in mine if one.notice):
            told = QLabel(notice, self)
            told.setObjectName("note")
            told.setWordWrap(True)
            self._add(told)
        self.setVisible(bool(self._lines))

    def _answers(self) -> tuple[AlternativeOutcome, ...]:
        workloads = self._document.outcome.workloads
        return workloads[min(self._document.workload_index, len(workloads) - 1)].alternatives

    def _line(self, one: Benchmark) -> QWidget:
        line = QWidget(self)
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        count = f"{len(one.rows)} row{'' if len(one.rows) == 1 else 's'}"
        text = QLabel(f"{one.name} · {one.format or 'rows'}, {count} · {one.file or 'no file'}", line)
        text.setObjectName("note")
        text.setToolTip(f"SHA-256 of the file: {one.sha256 or 'not known'}")
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        away = QToolButton(line)
        away.setObjectName("flat")
        away.setText("remove")
        away.setProperty("action", "remove_benchmark")
        away.setAccessibleName(f"Remove the benchmark {one.name}")
        away.setToolTip(f"Take {one.name} out of the scenario: its points and what it did to the step times")
        away.setMinimumSize(24, 24)
        away.clicked.connect(partial(self._on_remove, one.name))
        row.addWidget(text)
        row.addWidget(away)
        row.addStretch(1)
        return line

    def _add(self, line: QWidget) -> None:
        self._lines.append(line)
        self._column.addWidget(line)
        line.show()

    def _on_bring(self) -> None:
        try:
            ask_for_benchmark(self._document, self)
        except ExplorerError as error:
            self.refused.emit(str(error))

    def _on_remove(self, name: str) -> None:
        try:
            remove_benchmark(self._document, name)
        except ExplorerError as error:
            self.refused.emit(str(error))

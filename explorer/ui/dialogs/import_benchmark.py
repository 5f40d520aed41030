"""The preview of an import: whose benchmark it is, what was understood, which rows are bad, what it does."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import get_args

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.benchmark import FRAMEWORKS, Benchmark
from explorer.scenario.benchmarks.records import BenchmarkFile
from explorer.scenario.fields import KvPrecision, WeightPrecision
from explorer.scenario.quantity import QUANTITIES
from explorer.scenario.schema import Scenario
from explorer.study.benchmarks.proposal import ImportChoices, Proposal, corrected, propose, suggested
from explorer.study.benchmarks.words import HEADINGS, effect_words, preview_rows
from explorer.study.outcome import Layout
from explorer.ui.pages.money_page import TextTable

ENGINES = {"vllm": "vLLM", "trtllm": "TensorRT-LLM", "sglang": "SGLang", "other": "another"}
FORMATS = {"bf16": "BF16", "fp8": "FP8", "int8": "INT8", "fp4": "FP4", "int4": "INT4"}
DEGREES = (
    ("tp", "Tensor", "Chips over which each layer is split (tensor parallelism)"),
    ("pp", "Pipeline", "Groups of chips that hold one part of the layers each (pipeline parallelism)"),
    ("dp", "Data", "Groups of chips that run attention for their own requests (attention data parallelism)"),
    ("ep", "Expert", "Chips over which routed experts are spread (expert parallelism); 1 for dense models"),
)
TOKENS = QUANTITIES["tokens"]
Layouts = Mapping[str, Mapping[str, Layout]]
"""The layouts of the answer on the screen, by workload and alternative."""


class ImportBenchmarkDialog(QDialog):
    """Every choice may be corrected; the preview follows at once. `benchmark` is what an accepted import gives."""

    def __init__(
        self,
        catalog: Catalog,
        scenario: Scenario,
        file: BenchmarkFile,
        workload: str,
        layouts: Layouts,
        folder: Path | None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("dialog.import_benchmark")
        self.setWindowTitle(f"Import a benchmark: {Path(file.path).name}")
        self._catalog, self._scenario, self._file = catalog, scenario, file
        self._layouts, self._folder = layouts, folder
        self.proposal: Proposal | None = None
        self.owner = self._box("owner", "Whose benchmark it is")
        self.model = self._box("model", "Model that ran")
        self.weights = self._box("weights", "Precision of the weights")
        self.cache = self._box("cache", "Precision of the KV cache")
        self.framework = self._box("framework", "Serving engine")
        self.degrees = {key: self._count(key, meaning) for key, _, meaning in DEGREES}
        self.replicas = self._count("replicas", "Replicas that served behind one entrance")
        self.prompt = self._line("prompt", "Mean prompt where rows do not say, tokens: 1024 or 2k")
        self.output = self._line("output", "Mean answer where rows do not say, tokens: 256")
        self.understood, self.effect, self.remarks = (self._label(key) for key in ("understood", "effect", "remarks"))
        self.table = TextTable("import.rows", "Rows of the file", 99, self)
        self.table.setWordWrap(True)
        self.buttons = QDialogButtonBox(self)
        self.take = self.buttons.addButton("Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self.take.setObjectName("import.take")
        self.buttons.addButton("Cancel", QDialogButtonBox.ButtonRole.RejectRole)
        self._fill()
        self._lay_out()
        self._show_choices(suggested(catalog, scenario, file, workload, layouts.get(workload, {})))
        self._connect()
        self.refresh()
        self.resize(1080, 640)

    @property
    def benchmark(self) -> Benchmark | None:
        """What would be imported; None while no row is good."""
        return None if self.proposal is None else self.proposal.benchmark

    def refresh(self) -> None:
        """Show what the present choices would import."""
        try:
            self.proposal = propose(self._catalog, self._scenario, self._file, self.choices(), self._folder)
        except ExplorerError as error:
            self.proposal = None
            self.understood.setText(f"<b>✗ {escape(str(error))}</b>")
            self.effect.setText("")
            self.take.setEnabled(False)
            return
        found = self.proposal
        self.understood.setText(f"<b>{escape(found.sentence)}</b>")
        self.effect.setText(effect_words(found))
        self.remarks.setText("\n".join(found.remarks))
        self.told.setVisible(bool(found.remarks))
        self.table.show_rows(HEADINGS, preview_rows(found))
        self._fit_rows()
        self.take.setEnabled(found.benchmark is not None)

    def _fit_rows(self) -> None:
        self.table.resizeRowsToContents()

    def choices(self) -> ImportChoices:
        """What is chosen now; ExplorerError for a length that is no number."""
        workload, alternative = self.owner.currentData()
        return ImportChoices(
            workload=workload,
            alternative=alternative,
            model=self.model.currentData(),
            weight_precision=self.weights.currentData(),
            kv_precision=self.cache.currentData(),
            framework=self.framework.currentData(),
            **{key: _whole(title, self.degrees[key].text(), 1024) for key, title, _ in DEGREES},
            replicas=_whole("Replicas", self.replicas.text(), 100_000),
            prompt_tokens=_length(self.prompt.text()),
            output_tokens=_length(self.output.text()),
        )

    def _box(self, key: str, title: str) -> QComboBox:
        box = QComboBox(self)
        box.setObjectName(f"import.{key}")
        box.setAccessibleName(title)
        box.setToolTip(title)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(9)
        return box

    def _count(self, key: str, meaning: str) -> QLineEdit:
        line = self._line(key, meaning)
        line.setPlaceholderText("")
        return line

    def _line(self, key: str, meaning: str) -> QLineEdit:
        line = QLineEdit(self)
        line.setObjectName(f"import.{key}")
        line.setAccessibleName(meaning)
        line.setToolTip(meaning)
        line.setPlaceholderText("as in the file")
        return line

    def _label(self, key: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName(f"import.{key}")
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def _fill(self) -> None:
        several = len(self._scenario.workloads) > 1
        for workload in self._scenario.workloads:
            for one in workload.alternatives:
                title = f"{one.name} · {workload.name}" if several else one.name
                self.owner.addItem(title, (workload.name, one.name))
        for model in sorted(self._catalog.models.values(), key=lambda one: one.name.casefold()):
            self.model.addItem(model.name, model.id)
        for box, formats in ((self.weights, get_args(WeightPrecision)), (self.cache, get_args(KvPrecision))):
            for precision in formats:
                box.addItem(FORMATS[precision], precision)
        for engine in FRAMEWORKS:
            self.framework.addItem(ENGINES[engine], engine)

    def _lay_out(self) -> None:
        fields: tuple[tuple[str, QWidget], ...] = (
            ("Alternative", self.owner),
            ("Model", self.model),
            ("Weights", self.weights),
            ("KV cache", self.cache),
            ("Engine", self.framework),
            *((title, self.degrees[key]) for key, title, _ in DEGREES),
            ("Replicas", self.replicas),
            ("Prompt", self.prompt),
            ("Answer", self.output),
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        for at, (title, widget) in enumerate(fields):
            row, column = divmod(at, 6)
            caption = QLabel(title, self)
            caption.setObjectName("note")
            caption.setBuddy(widget)
            grid.addWidget(caption, 2 * row, column)
            grid.addWidget(widget, 2 * row + 1, column)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 4)
        for column in range(2, 6):
            grid.setColumnStretch(column, 2)
        told = QScrollArea(self)
        told.setObjectName("import.told")
        told.setAccessibleName("What was inferred from the file")
        told.setWidgetResizable(True)
        told.setFrameShape(QFrame.Shape.NoFrame)
        told.setWidget(self.remarks)
        told.setMaximumHeight(76)
        self.told = told
        column_ = QVBoxLayout(self)
        column_.setContentsMargins(16, 12, 16, 12)
        column_.setSpacing(8)
        column_.addLayout(grid)
        column_.addWidget(self.understood)
        column_.addWidget(self.table, 1)
        column_.addWidget(told)
        column_.addWidget(self.effect)
        column_.addWidget(self.buttons)

    def _connect(self) -> None:
        self.owner.activated.connect(lambda _: self._on_owner())
        for box in (self.model, self.weights, self.cache, self.framework):
            box.activated.connect(lambda _: self.refresh())
        for line in (*self.degrees.values(), self.replicas, self.prompt, self.output):
            line.textChanged.connect(lambda _: self.refresh())
        # a reason that needs two lines has them, whatever the width
        self.table.horizontalHeader().sectionResized.connect(lambda *_: self._fit_rows())
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _on_owner(self) -> None:
        """Another owner brings its own layout, where the file states none."""
        workload, alternative = self.owner.currentData()
        layout = self._layouts.get(workload, {}).get(alternative)
        if layout is not None and not any(run.row.tp for run in self._file.runs):
            chosen = corrected(self.choices(), tp=layout.tp, pp=layout.pp, dp=layout.dp, ep=layout.ep)
            self._show_choices(chosen)
        self.refresh()

    def _show_choices(self, chosen: ImportChoices) -> None:
        for box, value in (
            (self.model, chosen.model),
            (self.weights, chosen.weight_precision),
            (self.cache, chosen.kv_precision),
            (self.framework, chosen.framework),
        ):
            box.setCurrentIndex(max(box.findData(value), 0))
        owners = [self.owner.itemData(at) for at in range(self.owner.count())]
        self.owner.setCurrentIndex(owners.index((chosen.workload, chosen.alternative)))
        for key, line in self.degrees.items():
            _put(line, getattr(chosen, key))
        _put(self.replicas, chosen.replicas)


class FieldError(ExplorerError):
    """A field that holds no number of its kind."""


def _whole(title: str, text: str, most: int) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= most:
        raise FieldError(f"{title}: '{text}' is no whole number from 1 to {most:,}")
    return int(text)


def _length(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        value = TOKENS.parse(text)
    except (ValueError, ExplorerError) as error:
        raise FieldError(f"'{text}' is no length in tokens: write 1024 or 2k") from error
    if not 1.0 <= value <= 1e7:
        raise FieldError(f"{text} tokens: a mean length is 1 to 10,000,000")
    return value


def _put(line: QLineEdit, value: int) -> None:
    blocked = line.blockSignals(True)
    line.setText(f"{value}")
    line.blockSignals(blocked)

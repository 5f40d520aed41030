"""Bringing one's own benchmark into the document: a file, its preview, one undoable step; and taking it out again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from explorer.errors import ExplorerError
from explorer.scenario.benchmark import Benchmark
from explorer.ui.document import Document

if TYPE_CHECKING:
    from explorer.ui.dialogs.import_benchmark import ImportBenchmarkDialog

FILTER = "Benchmark results (*.json *.jsonl *.csv *.txt *.log);;All files (*)"


def ask_for_benchmark(document: Document, parent: QWidget) -> None:
    """Choose a file and import it; ExplorerError where nothing in it can be used."""
    start = str(document.path.parent if document.path else Path.home())
    chosen, _ = QFileDialog.getOpenFileName(parent, "Import a benchmark", start, FILTER)
    if chosen:
        import_benchmark(document, Path(chosen), parent)


def import_benchmark(document: Document, path: Path, parent: QWidget) -> bool:
    """Show the preview of a file and import it where that is agreed to; ExplorerError as `read_benchmark` raises."""
    dialog = preview(document, path, parent)
    agreed = dialog.exec() == QDialog.DialogCode.Accepted
    found = dialog.benchmark
    dialog.deleteLater()
    if not agreed or found is None:
        return False
    add_benchmark(document, found)
    return True


def preview(document: Document, path: Path, parent: QWidget) -> ImportBenchmarkDialog:
    """The preview of a file, not yet shown; the document stays as it is."""
    # few sessions import anything, and the others start without what reads and judges it
    from explorer.scenario.benchmarks.reading import read_benchmark
    from explorer.ui.dialogs.import_benchmark import ImportBenchmarkDialog

    file = read_benchmark(path)
    layouts = {
        workload.name: {one.name: one.layout for one in workload.alternatives}
        for workload in document.outcome.workloads
    }
    folder = None if document.path is None else document.path.parent
    return ImportBenchmarkDialog(
        document.catalog, document.scenario, file, document.workload.name, layouts, folder, parent
    )


def add_benchmark(document: Document, benchmark: Benchmark) -> None:
    """Put a benchmark into the document as one undoable step."""
    document.change("benchmarks", (*document.scenario.benchmarks, benchmark), f"benchmark '{benchmark.name}'")


def remove_benchmark(document: Document, name: str) -> None:
    """Take a benchmark out of the document as one undoable step; ExplorerError where there is none of that name."""
    left = tuple(one for one in document.scenario.benchmarks if one.name != name)
    if len(left) == len(document.scenario.benchmarks):
        raise ExplorerError(f"there is no benchmark '{name}' in this scenario")
    document.change("benchmarks", left, f"benchmark '{name}'")

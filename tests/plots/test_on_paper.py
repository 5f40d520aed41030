"""The same drawing functions serve a report page and a vector picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMarginsF, QRectF, QSize
from PySide6.QtGui import QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator
from pytestqt.qtbot import QtBot

from explorer.plots.concentration import ConcentrationPlot
from explorer.plots.memory_fit import MemoryFitPlot
from explorer.plots.painted_plot import PaintedPlot
from explorer.plots.tail_latency import TailLatencyPlot
from tests.sample_outcome import sample_outcome

KINDS = pytest.mark.parametrize("kind", [TailLatencyPlot, MemoryFitPlot, ConcentrationPlot])


def shown(qtbot: QtBot, kind: type[PaintedPlot]) -> PaintedPlot:
    plot = kind()
    qtbot.addWidget(plot)
    plot.resize(560, 380)
    plot.show()
    plot.show_outcome(sample_outcome(), 0, sample_outcome(selected=1))
    return plot


@KINDS
def test_that_a_plot_is_painted_on_a_page(qtbot: QtBot, tmp_path: Path, kind: type[PaintedPlot]) -> None:
    path = tmp_path / "plot.pdf"
    writer = QPdfWriter(str(path))
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    writer.setResolution(96)
    painter = QPainter(writer)
    empty_state = painter.worldTransform()
    shown(qtbot, kind).paint(painter, QRectF(40, 40, 560, 380))
    assert painter.worldTransform() == empty_state
    assert not painter.hasClipping()
    painter.end()
    assert path.stat().st_size > 5_000


@KINDS
def test_that_a_vector_picture_holds_lines_not_pixels(qtbot: QtBot, tmp_path: Path, kind: type[PaintedPlot]) -> None:
    path = tmp_path / "plot.svg"
    picture = QSvgGenerator()
    picture.setFileName(str(path))
    picture.setSize(QSize(560, 380))
    painter = QPainter(picture)
    shown(qtbot, kind).paint(painter, QRectF(0, 0, 560, 380))
    painter.end()
    text = path.read_text(encoding="utf-8")
    # "#1f5fd6" is the first chip, "#58647a" the largest supplier.
    assert "#58647a" in text if kind is ConcentrationPlot else "#1f5fd6" in text
    assert len(text) > 10_000

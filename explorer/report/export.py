"""A plot handed on: as a picture (PNG), a drawing (SVG) or its values (CSV), with or without a window."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter

from explorer.errors import ExplorerError
from explorer.plots.concentration import ConcentrationPlot
from explorer.plots.memory_fit import MemoryFitPlot
from explorer.plots.metric_switch import MEANING
from explorer.plots.painted_plot import PaintedPlot
from explorer.plots.tail_latency import TailLatencyPlot
from explorer.report.pages import save
from explorer.report.plot_values import Row, cell_text, concentration_rows, memory_rows, tail_rows

Plot = PaintedPlot

MARGIN = 12
"""Logical pixels of ground around a plot on a picture."""
INCH_IN_METRES = 0.0254
CSS_DPI = 96.0
"""Dots an inch of one logical pixel, as in CSS."""


def plot_png(plot: Plot, size: QSize | None = None, scale: float = 2.0) -> QImage:
    """The plot as a picture of `size` logical pixels (its own if not given), `scale` dots to each of them.

    Raises ExplorerError for a size or a scale that leaves nothing to draw on.
    """
    size = _usable(plot, size)
    image = QImage(size * scale, QImage.Format.Format_RGB32) if scale > 0 else QImage()
    if image.isNull():
        raise ExplorerError(f"no picture of {size.width()}x{size.height()} at scale {scale:g}; give larger figures")
    # Not a device pixel ratio: that would be lost in a file. The density is kept there instead.
    per_metre = round(CSS_DPI * scale / INCH_IN_METRES)
    image.setDotsPerMeterX(per_metre)
    image.setDotsPerMeterY(per_metre)
    painter = QPainter(image)
    painter.scale(image.width() / size.width(), image.height() / size.height())
    _draw(plot, painter, size)
    painter.end()
    image.setText("Title", _title(plot))
    image.setText("Description", plot.text_summary())
    return image


def save_png(plot: Plot, path: Path, size: QSize | None = None, scale: float = 2.0) -> None:
    """Write `plot_png` to a file; raises ExplorerError naming it when that fails."""
    save(path, _png(plot_png(plot, size, scale)))


def plot_svg(plot: Plot, path: Path, size: QSize | None = None) -> None:
    """Write `svg_of` to a file; raises ExplorerError naming it when that fails."""
    save(path, svg_of(plot, size))


def svg_of(plot: Plot, size: QSize | None = None) -> bytes:
    """The plot as a vector drawing of `size` logical pixels, its text kept as text; its description holds the plot in
    words."""
    # Hardly ever needed, and a library of its own to load at the start.
    from PySide6.QtSvg import QSvgGenerator

    size = _usable(plot, size)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    drawing = QSvgGenerator()
    drawing.setOutputDevice(buffer)
    drawing.setResolution(int(CSS_DPI))
    drawing.setSize(size)
    drawing.setViewBox(QRectF(0, 0, size.width(), size.height()))
    drawing.setTitle(_title(plot))
    drawing.setDescription(plot.text_summary())
    painter = QPainter(drawing)
    _draw(plot, painter, size)
    painter.end()
    return bytes(buffer.data().data())


def plot_csv(plot: Plot, path: Path, today: date | None = None) -> None:
    """Write the values behind the plot; the first lines, each after "# ", say what they are and whence.

    `today` is the date written down, the present one if not given. Cells without a finite value are empty.
    Raises ExplorerError when nothing is shown yet or the file cannot be written.
    """
    save(path, csv_text(plot, today or date.today()).encode("utf-8"))


def csv_text(plot: Plot, today: date) -> str:
    """What `plot_csv` writes."""
    shown = plot.showing()
    if shown is None:
        raise ExplorerError(f"{plot.title}: there are no values yet; open a scenario first")
    outcome, workload = shown.outcome, outcome_name(plot)
    notes = [_title(plot), f"date: {today.isoformat()}", f"catalogue edition: {outcome.catalog_edition}"]
    notes.append("values: final" if outcome.final else "values: estimate, not final")
    if isinstance(plot, TailLatencyPlot):
        values = plot.values()
        notes += [f"workload: {workload}", f"latency: {MEANING[values.metric]}"]
        notes.append("promise (s): " + ("none" if values.promise is None else repr(values.promise)))
        rows = tail_rows(outcome, shown.workload, values.metric, shown.baseline)
    elif isinstance(plot, MemoryFitPlot):
        notes += [f"workload: {workload}", "memory of one chip, KV cache at the P99 batch"]
        rows = memory_rows(outcome, shown.workload)
    elif isinstance(plot, ConcentrationPlot):
        notes.append(f"shares of the fleet by {outcome.fleet.share_basis}")
        rows = concentration_rows(outcome.fleet)
    else:
        own = plot.value_rows()
        if own is None:
            raise ExplorerError(f"{plot.title}: this plot has no table of values; save its picture")
        notes += own[0]
        rows = iter(own[1])
    text = io.StringIO()
    for note in notes:
        text.write(f"# {' '.join(note.split())}\n")
    _write_rows(text, list(rows))
    return text.getvalue()


def outcome_name(plot: Plot) -> str:
    """The workload that the plot shows; empty before the first outcome."""
    shown = plot.showing()
    return "" if shown is None else shown.outcome.workloads[shown.workload].name


def _title(plot: Plot) -> str:
    shown = plot.showing()
    return plot.title if shown is None or not shown.outcome.title else f"{plot.title}: {shown.outcome.title}"


def _write_rows(text: io.StringIO, rows: list[Row]) -> None:
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([cell_text(cell) for cell in row])


def _usable(plot: Plot, size: QSize | None) -> QSize:
    size = plot.size() if size is None else size
    if size.width() <= 2 * MARGIN or size.height() <= 2 * MARGIN:
        raise ExplorerError(f"no picture of {size.width()}x{size.height()}; each side needs over {2 * MARGIN} pixels")
    return size


def _draw(plot: Plot, painter: QPainter, size: QSize) -> None:
    """Ground, margin and plot at `size` on any painter."""
    whole = QRectF(0, 0, size.width(), size.height())
    painter.fillRect(whole, QColor(plot.tokens.panel))
    place = whole.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
    plot.paint(painter, place)


def _png(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise ExplorerError("the picture cannot be made into a PNG; try a smaller one")
    return bytes(buffer.data().data())

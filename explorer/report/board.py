"""The report to the board written out: HTML and PDF from one template, the plots as lines in both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication

from explorer.errors import ExplorerError
from explorer.plots.concentration import ConcentrationPlot
from explorer.plots.memory_fit import MemoryFitPlot
from explorer.plots.painted_plot import PaintedPlot
from explorer.plots.tail_latency import TailLatencyPlot
from explorer.report.export import svg_of
from explorer.report.pages import html_page, pdf_of, save
from explorer.study.board.records import BoardReport, Picture, Subject

SUFFIXES = (".html", ".pdf")
PLOTS: Mapping[Subject, type[PaintedPlot]] = {
    "tail": TailLatencyPlot,
    "memory": MemoryFitPlot,
    "concentration": ConcentrationPlot,
}
SIZES: Mapping[Subject, tuple[int, int]] = {"tail": (672, 228), "memory": (672, 180), "concentration": (672, 290)}
"""Logical pixels on paper, as wide as a line of an A4 page."""
_NAMED = re.compile(r'(?<=\bid=")[^"]+')
_PROLOGUE = re.compile(r"^.*?(?=<svg)", re.DOTALL)


def check_form(path: Path) -> str:
    """The form of a report by the suffix of its file; ExplorerError for another than those of SUFFIXES."""
    form = path.suffix.lower()
    if form not in SUFFIXES:
        raise ExplorerError(f"{path}: cannot tell the form of the report; end the name in {' or '.join(SUFFIXES)}")
    return form


def write_report(report: BoardReport, path: Path) -> None:
    """Write a report in the form of the file's suffix; ExplorerError for another, or when it cannot be written."""
    form = check_form(path)
    save(path, report_html(report).encode("utf-8") if form == ".html" else report_pdf(report))


def report_html(report: BoardReport) -> str:
    """The report as one page that needs nothing else: every text escaped, the plots inline. Starts Qt where nothing has
    yet."""
    from markupsafe import Markup

    application = QApplication.instance() or QApplication([])
    pictures = [block for section in report.sections for block in section.blocks if isinstance(block, Picture)]
    # drawn by this program, with texts escaped by Qt
    drawings = {one: Markup(_inline(svg_of(_plot(report, one), QSize(*SIZES[one.subject])), one)) for one in pictures}
    page = html_page("board.html", report=report, paper=False, sizes=SIZES, drawings=drawings)
    del application
    return page


def report_pdf(report: BoardReport) -> bytes:
    """The report as a PDF, A4; starts Qt where nothing has yet."""
    application = QApplication.instance() or QApplication([])
    content = pdf_of(paper_html(report), report.title, lambda *place: draw_picture(report, *place))
    del application
    return content


def paper_html(report: BoardReport) -> str:
    """The page that is set on paper, with a name in the place of each plot."""
    return html_page("board.html", report=report, paper=True, sizes=SIZES, drawings={})


def draw_picture(report: BoardReport, name: str, painter: QPainter, place: QRectF) -> None:
    """Draw the plot of a name ("tail:0") into its place."""
    subject, _, workload = name.partition(":")
    picture = next(
        block
        for section in report.sections
        for block in section.blocks
        if isinstance(block, Picture) and (block.subject, str(block.workload)) == (subject, workload)
    )
    _plot(report, picture).paint(painter, place)


def _plot(report: BoardReport, picture: Picture) -> PaintedPlot:
    plot = PLOTS[picture.subject]()
    # a widget that is never shown has no size of its own yet, and its labels would be placed in none
    plot.resize(*SIZES[picture.subject])
    plot.show_outcome(report.outcome, picture.workload)
    return plot


def _inline(drawing: bytes, picture: Picture) -> str:
    """An SVG file as a part of a page: without what only a file of its own begins with, and with names of its own."""
    text = _PROLOGUE.sub("", drawing.decode("utf-8"), count=1)
    for name in dict.fromkeys(_NAMED.findall(text)):
        own = f"{picture.subject}-{picture.workload}-{name}"
        text = text.replace(f'id="{name}"', f'id="{own}"').replace(f"url(#{name})", f"url(#{own})")
        text = text.replace(f'href="#{name}"', f'href="#{own}"')
    return text

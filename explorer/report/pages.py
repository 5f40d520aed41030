"""Pages of what is handed on: HTML from a template with everything escaped, and the same text set on A4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QObject, QRectF, QSizeF
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QFont,
    QGuiApplication,
    QPageLayout,
    QPageSize,
    QPainter,
    QPalette,
    QPdfWriter,
    QPyTextObject,
    QTextDocument,
    QTextFormat,
)

from explorer.errors import ExplorerError
from explorer.plots.fonts import font
from explorer.plots.lettering import draw_line
from explorer.plots.tokens import LIGHT
from explorer.report.pagination import Page, Strip, paginate, parts_of
from explorer.scenario.saving import write_whole

CSS_DPI = 96
"""Dots an inch of the lengths in a template, as in CSS."""
PDF_DPI = 1200
MARGIN_MM = 16.0
FOOT = 26.0
"""Height of the line at the foot of a page, logical pixels."""
BODY_POINTS = 8.5

Draw = Callable[[str, QPainter, QRectF], None]
"""Draws the picture of a name into a rectangle of a painter."""


def html_page(template: str, **values: Any) -> str:
    """A page from a template of this package, every value escaped; it needs nothing else."""
    from jinja2 import Environment, PackageLoader, select_autoescape

    environment = Environment(
        loader=PackageLoader("explorer.report"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(**values)


class _Drawn(QPyTextObject):
    """Draws images of a text by name instead of loading them: lines stay lines."""

    def __init__(self, draw: Draw, parent: QObject) -> None:
        super().__init__(parent)
        self._draw = draw

    def intrinsicSize(self, doc: QTextDocument, posInDocument: int, format: QTextFormat) -> QSizeF:
        """The size that the template states."""
        image = format.toImageFormat()
        return QSizeF(image.width(), image.height())

    def drawObject(
        self, painter: QPainter, rect: Any, doc: QTextDocument, posInDocument: int, format: QTextFormat
    ) -> None:
        """Draw the picture in its place."""
        painter.save()
        self._draw(format.toImageFormat().name(), painter, QRectF(rect))
        painter.restore()


@dataclass(frozen=True)
class Paper:
    """A text set on A4, portrait; `document` is laid out in logical pixels of 96 to an inch, and cut into `pages`."""

    document: QTextDocument
    title: str
    size: QSizeF
    """Within the margins, the line at the foot included."""
    pages: tuple[Page, ...]

    def paint(self, painter: QPainter, number: int) -> None:
        """Draw page `number`, from 0, with the origin in the corner within the margins."""
        page = self.pages[number]
        below = 0.0
        if page.head is not None:
            self._draw(painter, page.head, 0.0)
            below = page.head.height
        self._draw(painter, page.place, below)
        text = f"{self.title} · page {number + 1} of {len(self.pages)}"
        draw_line(painter, 0, self.size.height() - 3, self.size.width(), text, LIGHT.secondary)

    def _draw(self, painter: QPainter, strip: Strip, at: float) -> None:
        """Draw a strip of the text so that it begins at `at`."""
        context = QAbstractTextDocumentLayout.PaintContext()
        # a line between two rows is drawn half on either side
        context.clip = QRectF(0, strip.top, self.size.width(), strip.height + 0.5)
        palette = QPalette(context.palette)
        palette.setColor(QPalette.ColorRole.Text, QColor(LIGHT.text))
        context.palette = palette
        painter.save()
        painter.translate(0, at - strip.top)
        painter.setClipRect(context.clip)
        self.document.documentLayout().draw(painter, context)
        painter.restore()


def page_layout() -> QPageLayout:
    """A4, portrait, with its margins."""
    return QPageLayout(
        QPageSize(QPageSize.PageSizeId.A4),
        QPageLayout.Orientation.Portrait,
        QMarginsF(MARGIN_MM, MARGIN_MM, MARGIN_MM, MARGIN_MM),
        QPageLayout.Unit.Millimeter,
    )


def set_on_paper(html: str, title: str, draw: Draw | None = None) -> Paper:
    """A page of HTML as pages of paper; `draw` paints its images. Needs a running Qt application."""
    size = page_layout().paintRectPixels(CSS_DPI).size().toSizeF()
    document = QTextDocument()
    face = QFont(font(13.0))
    face.setPointSizeF(BODY_POINTS)
    # in running text figures as wide as each other spread hyphens and dates
    face.unsetFeature(QFont.Tag("tnum"))
    document.setDefaultFont(face)
    document.setDocumentMargin(0)
    document.setUseDesignMetrics(True)
    if draw is not None:
        handler = _Drawn(draw, document)
        document.documentLayout().registerHandler(QTextFormat.ObjectTypes.ImageObject, handler)
    document.setHtml(html)
    document.setTextWidth(size.width())
    return Paper(document, title, size, paginate(parts_of(document), size.height() - FOOT))


def pdf_of(html: str, title: str, draw: Draw | None = None) -> bytes:
    """A page of HTML as a PDF, A4; needs no window, but starts Qt's fonts where nothing has yet."""
    application = QGuiApplication.instance() or QGuiApplication([])
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(title)
    writer.setCreator("Inference Explorer")
    writer.setResolution(PDF_DPI)
    writer.setPageLayout(page_layout())
    paper = set_on_paper(html, title, draw)
    painter = QPainter(writer)
    for number in range(len(paper.pages)):
        if number:
            writer.newPage()
        painter.save()
        painter.scale(PDF_DPI / CSS_DPI, PDF_DPI / CSS_DPI)
        paper.paint(painter, number)
        painter.restore()
    painter.end()
    del writer
    content = bytes(QByteArray(buffer.data()).data())
    del application
    return content


def save(path: Path, content: bytes) -> None:
    """Write a whole file or none; ExplorerError naming it when that fails."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise ExplorerError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from error

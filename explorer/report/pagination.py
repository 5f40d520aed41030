"""Cutting a laid out text into pages: never through a row of a table, a picture or between a heading and its text.

Qt cuts rows in two, leaves headings alone and prints a table's head over what follows it. So the text is laid out as
one long strip, and cut here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QTextBlock, QTextCursor, QTextDocument, QTextFormat, QTextTable

LINES_TOGETHER = 6
"""A paragraph of more lines may be cut between them."""
ROW_END = 5.0
"""Room beneath the text of a table's last row: its padding and the line that ends it, logical pixels."""


@dataclass(frozen=True, slots=True)
class Strip:
    """From `top` to `bottom` of the long text, logical pixels."""

    top: float
    bottom: float

    @property
    def height(self) -> float:
        """Of the strip."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Part:
    """What is never cut; `keeps_next` is worth nothing without what follows it, `begins_page` stands at the top of one,
    `head` is repeated above it where a page begins with it."""

    place: Strip
    keeps_next: bool = False
    begins_page: bool = False
    head: Strip | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of the long text, and the head of a table that is repeated above it."""

    place: Strip
    head: Strip | None = None


def paginate(parts: Sequence[Part], height: float) -> tuple[Page, ...]:
    """Pages of at most `height`; a part that is higher by itself is cut where the page ends."""
    pages: list[Page] = []
    begun: Part | None = None
    end = 0.0
    for group in _groups(parts):
        first, bottom = group[0], group[-1].place.bottom
        if begun is not None and (first.begins_page or bottom - begun.place.top > _room(begun, height)):
            pages.append(_page(begun, end))
            begun = None
        begun = begun or first
        while bottom - begun.place.top > _room(begun, height):
            cut = begun.place.top + _room(begun, height)
            pages.append(_page(begun, cut))
            begun = Part(Strip(cut, bottom), head=begun.head)
        end = bottom
    if begun is not None:
        pages.append(_page(begun, end))
    return tuple(pages)


def _page(begun: Part, end: float) -> Page:
    return Page(Strip(begun.place.top, end), begun.head)


def _room(begun: Part, height: float) -> float:
    return height - (0.0 if begun.head is None else begun.head.height)


def _groups(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Parts with those that they are worth nothing without."""
    group: list[Part] = []
    for part in parts:
        group.append(part)
        if not part.keeps_next:
            yield group
            group = []
    if group:
        yield group


def parts_of(document: QTextDocument) -> tuple[Part, ...]:
    """The parts of a text laid out without pages, from the top down."""
    found: list[Part] = []
    block = document.begin()
    while block.isValid():
        table: QTextTable | None = QTextCursor(block).currentTable()
        if table is not None:
            found += _rows(document, table)
            block = document.findBlock(table.lastCursorPosition().position()).next()
        else:
            found += _paragraph(document, block)
            block = block.next()
    return tuple(found)


def _paragraph(document: QTextDocument, block: QTextBlock) -> Iterator[Part]:
    box, text = document.documentLayout().blockBoundingRect(block), block.layout()
    form = block.blockFormat()
    begins = bool(form.pageBreakPolicy() & QTextFormat.PageBreakFlag.PageBreak_AlwaysBefore)
    if not block.text().strip():
        # the empty line that Qt puts after a table, or nothing at all
        return
    if form.headingLevel() > 0 or text.lineCount() <= LINES_TOGETHER:
        yield Part(Strip(box.top(), box.bottom()), form.headingLevel() > 0, begins)
        return
    for number in range(text.lineCount()):
        line = text.lineAt(number)
        top = box.top() + line.y()
        yield Part(Strip(top, top + line.height()), number == 0, begins and number == 0)


def _rows(document: QTextDocument, table: QTextTable) -> list[Part]:
    padding = table.cellAt(0, 0).format().toTableCellFormat().topPadding()
    places = [_row(document, table, row) for row in range(table.rows())]
    tops = [place.top - padding for place in places]
    ends = [*tops[1:], places[-1].bottom + ROW_END]
    strips = [Strip(top, end) for top, end in zip(tops, ends, strict=True)]
    heads = table.format().headerRowCount()
    head = Strip(strips[0].top, strips[heads - 1].bottom) if heads else None
    return [Part(strip, keeps_next=row < heads, head=None if row < heads else head) for row, strip in enumerate(strips)]


def _row(document: QTextDocument, table: QTextTable, row: int) -> Strip:
    """Where the text of a row begins and ends."""
    layout = document.documentLayout()
    boxes = []
    for column in range(table.columns()):
        cell = table.cellAt(row, column)
        boxes.append(layout.blockBoundingRect(cell.firstCursorPosition().block()))
        boxes.append(layout.blockBoundingRect(cell.lastCursorPosition().block()))
    return Strip(min(box.top() for box in boxes), max(box.bottom() for box in boxes))

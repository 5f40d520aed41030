"""A card beneath a number of the verdict that says why it is what it is: the chain back to figures and sources."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QFrame, QHeaderView, QLabel, QVBoxLayout, QWidget

from explorer.errors import ExplorerError
from explorer.scenario.quantities import QUANTITIES
from explorer.study.why import Answer, Ground, Why, why
from explorer.ui.document import Document
from explorer.ui.pages.matters_feed import MattersFeed
from explorer.ui.pages.money_page import TextTable

SHARE = QUANTITIES["share"]
WIDTH, MOST_ROWS, ROW, HEADING = 1080, 8, 26, 30
HEADINGS = (
    ("Figure", "What the number rests on, those that move it most first; Enter or a double click goes to its slider"),
    ("Used", "The value in use"),
    ("Could be", "Its range, or its readings"),
    ("Moves it", "From where to where it moves the number over its range, all others as believed"),
    ("Share", "Share of the number's spread that it causes alone"),
    ("Status", "Disclosed, disputed, estimated, undisclosed, measured, or an own value"),
    ("Source", "Where the value is from, or why it is judged so"),
)


def ground_row(one: Ground) -> list[str]:
    """One row of the table of figures."""
    share = "" if one.share is None else SHARE.format(max(one.share, 0.0))
    return [one.title, one.value, one.spread, one.moves, share, one.status, one.source]


class WhyCard(QFrame):
    """Follows the document while it is open; Escape or a click beside it closes it."""

    figure_asked = Signal(str, str)
    """Alternative and figure whose slider is wanted."""

    def __init__(self, document: Document, feed: MattersFeed, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("why")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._document, self._feed = document, feed
        self._answer: Answer = "fits"
        self.found: Why | None = None
        self.heading, self.chain, self.note = QLabel(self), QLabel(self), QLabel(self)
        self.heading.setObjectName("why.heading")
        self.chain.setObjectName("why.chain")
        self.chain.setTextFormat(Qt.TextFormat.RichText)
        self.chain.setAccessibleName("From the answer back")
        self.chain.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.note.setObjectName("note")
        for label in (self.heading, self.chain, self.note):
            label.setWordWrap(True)
        self.figures = TextTable("why.figures", "Figures that it rests on", 1, self, last_texts=2)
        self.figures.activated.connect(lambda index: self._go(index.row()))
        self.figures.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        for part in (self.heading, self.chain, self.figures, self.note):
            column.addWidget(part)
        feed.changed.connect(self._show)
        document.outcome_changed.connect(self._show)

    def ask(self, answer: Answer, below: QWidget) -> None:
        """Say why a number is what it is, beneath the widget that shows it."""
        self._answer = answer
        if not self.isVisible():
            self._feed.watch()
        window = below.window()
        self.setFixedWidth(min(WIDTH, window.width() - 24))
        self._show(open_anyway=True)
        at = below.mapToGlobal(QPoint(0, below.height() + 4))
        most = window.mapToGlobal(QPoint(window.width() - self.width() - 12, 0)).x()
        self.move(min(at.x(), most), at.y())
        self.show()
        self.figures.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._feed.leave()

    def _show(self, _: object = None, *, open_anyway: bool = False) -> None:
        if not (open_anyway or self.isVisible()):
            return
        document = self._document
        workload = min(document.workload_index, len(document.outcome.workloads) - 1)
        matters = self._feed.found if self._feed.is_current else None
        try:
            self.found = why(self._answer, document.outcome, workload, document.scenario, document.catalog, matters)
        except ExplorerError as error:
            self.found = Why("No answer", "", (), (), str(error))
        found = self.found
        self.heading.setText(f"<b>Why {escape(found.figure)}?</b>&nbsp; {escape(found.title)}")
        rows = "".join(
            f"<tr><td>{escape(one.title)}&nbsp;&nbsp;</td><td align=right><b>{escape(one.value)}</b>&nbsp;&nbsp;</td>"
            f"<td>{escape(one.how)}</td></tr>"
            for one in found.links
        )
        self.chain.setText(f"<table cellspacing=0 cellpadding=2>{rows}</table>")
        self.chain.setAccessibleDescription("; ".join(f"{one.title}: {one.value}, {one.how}" for one in found.links))
        self.note.setText(found.note)
        self.note.setVisible(bool(found.note))
        self.figures.setVisible(bool(found.grounds))
        self.figures.setFixedHeight(HEADING + ROW * min(len(found.grounds), MOST_ROWS) + 6)
        self.figures.show_rows(HEADINGS, [ground_row(one) for one in found.grounds])
        self.setAccessibleName(f"Why {found.figure}? {found.title}")
        column = self.layout()
        assert column is not None
        column.activate()
        self.resize(self.width(), column.heightForWidth(self.width()))

    def _go(self, row: int) -> None:
        if self.found is None or not 0 <= row < len(self.found.grounds):
            return
        ground = self.found.grounds[row]
        chosen = self._document.outcome.workloads[self._document.workload_index].chosen
        if ground.figure in {one.figure for one in chosen.open_figures}:
            self.hide()
            self.figure_asked.emit(chosen.name, ground.figure)

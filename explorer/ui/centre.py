"""The middle of the window: the three live plots, always in view, and the pages beneath them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from explorer.ui.pages.compare_page import ComparePage
from explorer.ui.pages.page_book import COMPARE, PageBook

ALTERNATIVES_HEIGHT = 204
"""Pixels of a heading, four rows and a scroll bar: all that the alternatives side by side need."""
PAGE_HEIGHT, PAGE_SHARE = 300, 0.6
"""Pixels that a page has at least, and what it takes of each pixel that there are more."""
PLOTS_HEIGHT = 208
"""Pixels below which the plots would no longer be read."""
MOST_HEIGHT = 16_777_215
"""No limit: the greatest height that Qt gives a widget."""
PLOT_SHARES = ((52, 400), (24, 220), (24, 220))
"""Share of the width and least width, pixels, of tail latency, memory fit and vendor concentration."""


class Centre(QWidget):
    """Plots above, pages below; a page that is enlarged takes the room of both until it is not."""

    plots_returned = Signal()
    """The plots are seen again, as they were when they went."""

    def __init__(
        self, plots: Sequence[QWidget], book: PageBook, compare: ComparePage, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._book, self._compare = book, compare
        self._enlarged = False
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(8)
        self._cards = [_card(plot, self, least) for plot, (_, least) in zip(plots, PLOT_SHARES, strict=True)]
        for card, (share, _) in zip(self._cards, PLOT_SHARES, strict=True):
            row.addWidget(card, share)
        self._pages = _card(None, self, 300)
        inner = QVBoxLayout(self._pages)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(book)
        self._column.addLayout(row, 1)
        self._column.addWidget(self._pages)
        self._size_pages()
        book.shown.connect(self._arrange)
        compare.mode_changed.connect(self._size_pages)

    @property
    def enlarged(self) -> bool:
        """Whether pages other than Compare are to have the room of the plots too."""
        return self._enlarged

    def set_enlarged(self, on: bool) -> None:
        """Give pages the room of the plots, or take it back."""
        if on != self._enlarged:
            self._enlarged = on
            self._arrange()

    @property
    def plots_seen(self) -> bool:
        """False while an enlarged page covers the plots."""
        return not self._enlarged or self._book.key == COMPARE

    def _arrange(self, _: str = "") -> None:
        seen, before = self.plots_seen, not self._cards[0].isHidden()
        for card in self._cards:
            card.setVisible(seen)
        self._column.setStretch(0, int(seen))
        self._column.setStretch(1, int(not seen))
        self._size_pages()
        if seen and not before:
            self.plots_returned.emit()

    def _size_pages(self) -> None:
        if not self.plots_seen:
            self._pages.setMinimumHeight(PAGE_HEIGHT)
            self._pages.setMaximumHeight(MOST_HEIGHT)
            return
        room = self.height() - self._column.spacing()
        if self._book.key != COMPARE:
            least = PLOTS_HEIGHT + PAGE_HEIGHT
            self._pages.setFixedHeight(PAGE_HEIGHT + round(PAGE_SHARE * max(room - least, 0)))
        elif self._compare.mode == "scenarios":
            # a table of every input and outcome is given more where there is more
            self._pages.setFixedHeight(max(ALTERNATIVES_HEIGHT, min(420, round(0.46 * room))))
        else:
            self._pages.setFixedHeight(ALTERNATIVES_HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The pages' share of the height."""
        super().resizeEvent(event)
        self._size_pages()


def _card(plot: QWidget | None, parent: QWidget, least: int) -> QFrame:
    """A panel with a hairline around a plot or a page."""
    card = QFrame(parent)
    card.setObjectName("card")
    card.setMinimumWidth(least)
    if plot is not None:
        inside = QVBoxLayout(card)
        inside.setContentsMargins(10, 6, 10, 6)
        # It fills its whole area, so nothing behind it needs to be painted with it in every frame.
        plot.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        inside.addWidget(plot)
    return card

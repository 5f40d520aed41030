"""The pages beneath the plots: a tab each, made when first shown, so that none delays the start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QTabBar, QToolButton, QVBoxLayout, QWidget

from explorer.plots.tokens import Tokens
from explorer.ui.document import Document
from explorer.ui.pages.compare_page import ComparePage
from explorer.ui.pages.page import Page

if TYPE_CHECKING:
    from explorer.ui.pages.economics_feed import EconomicsFeed


@dataclass(frozen=True, slots=True)
class PageKind:
    """A page that the window offers: its key, its tab, its place in the menu, and how it is made.

    It needs `least` pixels of height, 0: what its sentences and controls ask for; where there are fewer it scrolls.
    """

    key: str
    title: str
    menu: str
    shortcut: str
    least: int
    make: Callable[[Document, EconomicsFeed, QWidget], Page]


def _cost(document: Document, feed: EconomicsFeed, parent: QWidget) -> Page:
    from explorer.ui.pages.cost_page import CostPage

    return CostPage(document, feed, parent)


def _fleet(document: Document, feed: EconomicsFeed, parent: QWidget) -> Page:
    from explorer.ui.pages.fleet_page import FleetPage

    return FleetPage(document, feed, parent)


def _evidence(document: Document, feed: EconomicsFeed, parent: QWidget) -> Page:
    from explorer.ui.pages.evidence_feed import EvidenceFeed
    from explorer.ui.pages.evidence_page import EvidencePage

    return EvidencePage(document, EvidenceFeed(document, feed), parent)


def _matters(document: Document, feed: EconomicsFeed, parent: QWidget) -> Page:
    from explorer.ui.pages.matters_feed import matters_feed
    from explorer.ui.pages.matters_page import MattersPage

    return MattersPage(document, matters_feed(document, parent), parent)


def _ask_first(document: Document, feed: EconomicsFeed, parent: QWidget) -> Page:
    from explorer.ui.pages.ask_first_page import AskFirstPage
    from explorer.ui.pages.matters_feed import matters_feed

    return AskFirstPage(document, matters_feed(document, parent), parent)


def _tail(document: Document, feed: EconomicsFeed, parent: QWidget) -> Page:
    from explorer.ui.pages.tail_page import TailPage

    return TailPage(document, parent)


def _win_map(document: Document, feed: EconomicsFeed, parent: QWidget) -> Page:
    from explorer.ui.pages.win_map_page import WinMapPage

    return WinMapPage(document, parent)


def _break_even(document: Document, feed: EconomicsFeed, parent: QWidget) -> Page:
    from explorer.ui.pages.break_even_page import BreakEvenPage

    return BreakEvenPage(document, parent)


def _claims(document: Document, feed: EconomicsFeed, parent: QWidget) -> Page:
    from explorer.ui.pages.claims_page import ClaimsPage

    return ClaimsPage(document, parent)


PAGES: tuple[PageKind, ...] = (
    PageKind("cost", "Cost", "C&ost", "Ctrl+3", 400, _cost),
    PageKind("win_map", "Win map", "Wi&n map", "Ctrl+4", 330, _win_map),
    PageKind("matters", "What matters", "&What matters", "Ctrl+5", 500, _matters),
    PageKind("ask_first", "Ask first", "&Ask first", "Ctrl+6", 400, _ask_first),
    PageKind("fleet", "Fleet", "F&leet", "Ctrl+7", 500, _fleet),
    PageKind("tail", "Tail", "&Tail", "Ctrl+8", 380, _tail),
    PageKind("break_even", "Break-even", "&Break-even", "Ctrl+9", 0, _break_even),
    PageKind("claims", "Claims", "C&laims", "Ctrl+0", 0, _claims),
    PageKind("evidence", "Evidence", "&Evidence", "Ctrl+Shift+E", 400, _evidence),
)
"""Every page but Compare, which stands beneath the plots and is there from the start; in the order of the tabs."""

COMPARE = "compare"


class _Scroller(QScrollArea):
    """A page that keeps the height it needs; hidden until it is asked for.

    Of the width it takes what there is. Left to itself a scroll area would give a page with sentences in it the height
    that all its plots would like to have.
    """

    def __init__(self, page: Page, kind: PageKind, parent: QWidget) -> None:
        super().__init__(parent)
        self._page, self._least = page, kind.least
        self.setObjectName(f"scroller.{kind.key}")
        self.setAccessibleName(kind.title)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(page)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A page whose sentences change may need another height."""
        if watched is self._page and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room, page = self.viewport().size(), self._page
        asked = self._least or max(page.heightForWidth(room.width()), page.minimumSizeHint().height())
        page.resize(room.width(), max(room.height(), asked))


class PageBook(QWidget):
    """Compare and the other pages under one row of tabs."""

    shown = Signal(str)
    """Key of the page that is now seen."""
    figure_asked = Signal(str, str)
    told = Signal(str)
    """As of the pages."""

    def __init__(self, document: Document, compare: ComparePage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._compare = document, compare
        self._feed: EconomicsFeed | None = None
        self._tokens: Tokens | None = None
        self._made: dict[str, Page] = {}
        self._frames: dict[str, _Scroller] = {}
        self.keys = (COMPARE, *(kind.key for kind in PAGES))
        self.tabs = QTabBar(self)
        self.tabs.setObjectName("pages")
        self.tabs.setAccessibleName("Page")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        for title in ("Compare", *(kind.title for kind in PAGES)):
            self.tabs.addTab(title)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(10, 2, 10, 6)
        self._column.setSpacing(2)
        top = QHBoxLayout()
        # all the room there is: what its own hint asks for is short of a tab's bold title
        top.addWidget(self.tabs, 1)
        top.addWidget(compare.modes)
        self.enlarge_button = QToolButton(self)
        self.enlarge_button.setObjectName("flat")
        self.enlarge_button.setFixedHeight(24)
        self.enlarge_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.enlarge_button.hide()
        top.addWidget(self.enlarge_button)
        self._column.addLayout(top)
        self._column.addWidget(compare, 1)
        self.tabs.currentChanged.connect(self._on_tab)

    @property
    def key(self) -> str:
        """The page that is shown."""
        return self.keys[self.tabs.currentIndex()]

    def show_page(self, key: str) -> None:
        """Show a page; KeyError for one that is not among `keys`."""
        if key not in self.keys:
            raise KeyError(f"no page '{key}' (there are {', '.join(self.keys)})")
        self.tabs.setCurrentIndex(self.keys.index(key))

    def page(self, key: str) -> Page:
        """The page of a key, made if it was not yet; KeyError for an unknown one."""
        if key not in self._made:
            kind = next((one for one in PAGES if one.key == key), None)
            if kind is None:
                raise KeyError(f"no page '{key}' (there are {', '.join(self.keys[1:])})")
            if self._feed is None:
                from explorer.ui.pages.economics_feed import EconomicsFeed

                self._feed = EconomicsFeed(self._document, self)
            page = kind.make(self._document, self._feed, self)
            page.figure_asked.connect(self.figure_asked)
            page.told.connect(self.told)
            if self._tokens is not None:
                page.set_tokens(self._tokens)
            frame = _Scroller(page, kind, self)
            self._column.addWidget(frame, 1)
            self._made[key], self._frames[key] = page, frame
        return self._made[key]

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme for the pages there are and those to come."""
        self._tokens = tokens
        for page in self._made.values():
            page.set_tokens(tokens)

    def _on_tab(self) -> None:
        # the tab that is seen is wider, for its title is bold
        self.tabs.updateGeometry()
        key = self.key
        if key != COMPARE:
            self.page(key)
        wanted = self._frames.get(key)
        self._compare.setVisible(wanted is None)
        self._compare.modes.setVisible(wanted is None)
        self.enlarge_button.setVisible(wanted is not None)
        for frame in self._frames.values():
            frame.setVisible(frame is wanted)
        self.shown.emit(key)

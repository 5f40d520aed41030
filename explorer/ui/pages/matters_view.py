"""What the pages of what matters share: they follow the feed while they are seen, and say what is awaited."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QWidget

from explorer.plots.fonts import QUESTION, font
from explorer.scenario.quantity import unbroken
from explorer.study.what_matters import WhatMatters
from explorer.study.what_matters_words import headline
from explorer.ui.document import Document
from explorer.ui.pages.matters_feed import MattersFeed
from explorer.ui.pages.page import Page

COMPUTING = "Being computed: thousands of draws of every figure that is not settled. This takes a few seconds."
NOT_COUNTED = "{name} does not fit or has no price here: select another alternative, or another price basis."


class MattersView(Page):
    """A page that shows the answer of the feed."""

    def __init__(self, document: Document, feed: MattersFeed, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._feed = document, feed
        self.sentence = QLabel(self)
        self.sentence.setFont(font(QUESTION, semibold=True))
        self.sentence.setWordWrap(True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        feed.changed.connect(self._on_changed)
        document.workload_changed.connect(self._on_changed)

    def show_found(self, found: WhatMatters | None, waiting: str) -> None:
        """Show an answer; None: `waiting` says why there is none."""
        raise NotImplementedError

    @property
    def can_be_asked(self) -> bool:
        """Whether the workload that is edited states a rate, without which there is nothing to size."""
        return self._document.workload.traffic.mode == "open_loop"

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._feed.watch()
        self._on_changed()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._feed.leave()

    def _on_changed(self, _: object = None) -> None:
        if not self.isVisible():
            return
        current, found = self._feed.is_current, self._feed.found
        name = self._document.workload.selected
        if found is not None and found.workload != self._document.workload.name:
            found = None
        waiting = COMPUTING
        if self._feed.problem and (current or self._document.answers.problem is not None):
            found, waiting = None, self._feed.problem
        elif current and found is None:
            waiting = NOT_COUNTED.format(name=name)
        late = found is not None and not current
        anew = " (being computed anew)" if late else ""
        self.sentence.setText(unbroken(waiting if found is None else headline(found) + anew))
        self.show_found(found, waiting)

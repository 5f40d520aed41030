"""The memory plot: what one chip holds of weights, KV cache and the rest, and how much it could hold."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QElapsedTimer, QEvent, QPointF, QRectF, QSize, QTimer
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QToolTip, QWidget

from explorer.plots.memory_bars import MemoryBar, Sentences, memory_bars, memory_pieces, sentences_of
from explorer.plots.memory_words import memory_sentence, memory_summary
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.study.outcome import AlternativeOutcome

SENTENCES_MS = 100
"""How long the sentences below the bars stand while a hand moves."""


class MemoryFitPlot(PaintedPlot):
    """Memory of one chip of each alternative of a workload."""

    title = "Memory fit"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("memory-fit")
        self.setAccessibleName("Memory fit per chip")
        self.setMinimumSize(160, 120)
        self._dragging = False
        self._said: tuple[Sentences, ...] = ()
        self._said_since = QElapsedTimer()
        self._say_more = QTimer(self, singleShot=True, interval=SENTENCES_MS)
        self._say_more.timeout.connect(self.refresh)

    def set_dragging(self, dragging: bool) -> None:
        """While a hand moves the bars follow in every frame, and the sentences below them at a pace."""
        self._dragging = dragging
        if not dragging:
            self._say_more.stop()
            self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(260, 360)

    def values(self) -> tuple[MemoryBar, ...]:
        """The bars drawn."""
        return () if self._outcome is None else memory_bars(self._outcome.workloads[self._workload].alternatives)

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        if self._outcome is None:
            return "Memory fit: nothing evaluated yet"
        return memory_summary(self._outcome.workloads[self._workload].alternatives)

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """Heading, one piece an alternative, legend."""
        if self._outcome is None:
            return super().pieces(rect)
        return memory_pieces(rect, self._tokens, self._outcome, self._workload)

    def _own_pieces(self) -> tuple[Piece, ...]:
        if self._outcome is None:
            return super()._own_pieces()
        rect, alternatives = QRectF(self.rect()), self._outcome.workloads[self._workload].alternatives
        return memory_pieces(rect, self._tokens, self._outcome, self._workload, self._sentences(alternatives))

    def _sentences(self, alternatives: Sequence[AlternativeOutcome]) -> tuple[Sentences, ...]:
        """The sentences to show: for a moment those of before while a hand moves, for as long as they are about the
        same: nobody reads a line that changes sixty times a second."""
        known = [said.fits for said in self._said] == [one.memory.fits for one in alternatives]
        if self._dragging and known and self._said_since.elapsed() < SENTENCES_MS:
            if not self._say_more.isActive():
                self._say_more.start()
            return self._said
        self._said = sentences_of(alternatives)
        self._said_since.start()
        return self._said

    def tip_at(self, position: QPointF) -> str:
        """What is said about the alternative under the pointer; empty elsewhere."""
        if self._outcome is None:
            return ""
        alternatives = self._outcome.workloads[self._workload].alternatives
        # a bar each, and where there is room the sentences below each
        for kind in (MemoryBar, Sentences):
            own = [piece for piece in self._pieces if piece.content and isinstance(piece.content[0], kind)]
            for piece, one in zip(own, alternatives, strict=False):
                if piece.place.contains(position):
                    return memory_sentence(one)
        return ""

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

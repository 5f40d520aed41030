"""The memory plot: what one chip holds of weights, KV cache and the rest, and how much it could hold."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QToolTip, QWidget

from explorer.plots.memory_bars import MemoryBar, Sentences, memory_bars, memory_pieces, sentences_of
from explorer.plots.memory_words import memory_sentence, memory_summary
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.study.outcome import AlternativeOutcome


class MemoryFitPlot(PaintedPlot):
    """Memory of one chip of each alternative of a workload."""

    title = "Memory fit"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("memory-fit")
        self.setAccessibleName("Memory fit per chip")
        self.setMinimumSize(160, 120)
        self._said: tuple[Sentences, ...] = ()

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
        same. They are not even made: bars and all below them are laid out around those shown."""
        known = [said.fits for said in self._said] == [one.memory.fits for one in alternatives]
        if not (self._dragging and known) or self._pace.due():
            self._said = sentences_of(alternatives)
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

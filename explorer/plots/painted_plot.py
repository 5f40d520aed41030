"""What the plots drawn by hand share: an outcome, a baseline, a theme, and one pure drawing function."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from explorer.plots.lettering import draw_heading
from explorer.plots.spoken_summary import SpokenSummary
from explorer.plots.tokens import LIGHT, Tokens
from explorer.study.outcome import Outcome


class PaintedPlot(QWidget):
    """A plot painted afresh from the outcome; subclasses say what is drawn and what it means in words."""

    title = ""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokens = LIGHT
        self._outcome: Outcome | None = None
        self._baseline: Outcome | None = None
        self._workload = 0
        self._spoken = SpokenSummary(self, self.text_summary)

    def show_outcome(self, outcome: Outcome, workload: int, baseline: Outcome | None = None) -> None:
        """Draw `outcome` (one workload of it, where that matters) against `baseline` from now on."""
        self._outcome, self._baseline, self._workload = outcome, baseline, workload
        self._spoken.refresh_soon()
        self.update()

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self._tokens = tokens
        self.update()

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        raise NotImplementedError

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw into `rect` of any painter (window, report, pictures); the ground is left as it is."""
        draw_heading(painter, rect, self._tokens, self.title, ("",))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(self._tokens.panel))
        self.paint(painter, QRectF(self.rect()))

"""A row of words, one of them underlined: which latency the tail plot shows."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from explorer.plots.fonts import NOTE, font
from explorer.plots.lettering import text_width
from explorer.plots.tokens import CONTROL_RADIUS, HIT_TARGET, LIGHT, Tokens
from explorer.study.banded import METRICS, Metric

SHORT: dict[Metric, str] = {
    "ttft": "First token",
    "tpot": "Per token",
    "itl": "Token gap",
    "e2e": "End to end",
}
MEANING: dict[Metric, str] = {
    "ttft": "time to first token (TTFT)",
    "tpot": "time per token (TPOT)",
    "itl": "gap between tokens (ITL)",
    "e2e": "end-to-end time",
}
EXPLANATION: dict[Metric, str] = {
    "ttft": "TTFT: from sending the request to its first token, waiting included",
    "tpot": "TPOT: mean time per token of one request, after its first token",
    "itl": "ITL: each single gap between two tokens; stalls show here first",
    "e2e": "From sending the request to its last token",
}


class _Word(QAbstractButton):
    """One choice of the switch."""

    def __init__(self, metric: Metric, parent: QWidget) -> None:
        super().__init__(parent)
        self.latency = metric
        self.tokens = LIGHT
        self.setText(SHORT[metric])
        self.setToolTip(EXPLANATION[metric])
        self.setAccessibleName(f"Show {MEANING[metric]}")
        self.setObjectName(f"metric-{metric}")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(int(text_width(self.text(), semibold=True)) + 13, HIT_TARGET)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = self.isChecked()
        painter.setFont(font(NOTE, semibold=chosen))
        painter.setPen(QColor(self.tokens.text if chosen or self.underMouse() else self.tokens.secondary))
        width = text_width(self.text(), semibold=chosen)
        left = 0.5 * (self.width() - width)
        painter.drawText(QPointF(left, 0.5 * self.height() + 4.0), self.text())
        if chosen:
            painter.setPen(QPen(QColor(self.tokens.accent), 2.0))
            painter.drawLine(QPointF(left, self.height() - 3.0), QPointF(left + width, self.height() - 3.0))
        if self.hasFocus():
            painter.setPen(QPen(QColor(self.tokens.accent), 1.0))
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), CONTROL_RADIUS, CONTROL_RADIUS)


class MetricSwitch(QWidget):
    """Chooses one metric; `metric_chosen` is sent only when a person chooses."""

    metric_chosen = Signal(str)
    entered = Signal()
    """The pointer has come over the switch."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("metric-switch")
        self.setAccessibleName("Latency shown")
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self._words: dict[Metric, _Word] = {}
        for metric in METRICS:
            word = _Word(metric, self)
            self._group.addButton(word)
            self._words[metric] = word
            row.addWidget(word)
        row.addStretch(1)
        self._group.buttonClicked.connect(self._on_button_clicked)

    def _on_button_clicked(self, button: QAbstractButton) -> None:
        if isinstance(button, _Word):
            self.metric_chosen.emit(button.latency)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.entered.emit()

    def wanted_width(self) -> float:
        """Pixels the words take, side by side."""
        return float(sum(word.sizeHint().width() for word in self._words.values()))

    def button(self, metric: Metric) -> QAbstractButton:
        """The word of `metric`."""
        return self._words[metric]

    def show_metric(self, metric: Metric) -> None:
        """Mark `metric` as shown, without saying that it was chosen."""
        if self._words[metric].isChecked():
            return
        for name, word in self._words.items():
            chosen = name == metric
            word.setChecked(chosen)
            # One stop of the tab key for the row; the arrow keys move within it.
            word.setFocusPolicy(Qt.FocusPolicy.StrongFocus if chosen else Qt.FocusPolicy.ClickFocus)

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        for word in self._words.values():
            word.tokens = tokens
            word.update()

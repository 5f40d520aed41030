"""What the P99 is made of: queue, prompt, decoding, exchange between chips and stalls, a bar an alternative."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter
from PySide6.QtWidgets import QWidget

from explorer.plots.lettering import LINE_HEIGHT, draw_heading, draw_line, text_width
from explorer.plots.metric_switch import MEANING
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.plots.tokens import Tokens
from explorer.scenario.quantity import QUANTITIES
from explorer.study.outcome import Metric
from explorer.study.tail_answers import TailParts

SECONDS, SHARE = QUANTITIES["seconds"], QUANTITIES["share"]
PARTS: tuple[tuple[str, str, float], ...] = (
    ("queue", "waiting", 0.25),
    ("prefill", "prompt", 0.55),
    ("decode", "decoding", 1.0),
    ("collectives", "exchange between chips", 0.40),
    ("stalls", "stalls", 0.15),
)
"""Key, name and strength of the colour of each part, in order of time."""
HATCHED = frozenset({"collectives"})
GREATEST_ROW, GREATEST_BAR = 110.0, 44.0
BAR_SHARE = 0.75
"""Of the room between its words that a bar takes: the rest keeps the alternatives apart."""


def part_words(one: TailParts) -> str:
    """The parts of one alternative, the largest first."""
    total = max(one.total, 1e-12)
    found = sorted(((getattr(one, key), name) for key, name, _ in PARTS), reverse=True)
    return " · ".join(f"{name} {SHARE.format(seconds / total)}" for seconds, name in found if seconds > 0.002 * total)


class TailPartsPlot(PaintedPlot):
    """Where the time of the slowest one in a hundred goes."""

    title = "What the P99 is made of"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("tail-parts")
        self.setAccessibleName("What the P99 is made of")
        self.setMinimumSize(220, 120)
        self.setToolTip("Mean of the requests about the P99 of the simulation, part by part, in order of time.")
        self._parts: tuple[TailParts, ...] = ()
        self._metric: Metric = "ttft"

    def sizeHint(self) -> QSize:
        return QSize(360, 300)

    def show_parts(self, parts: tuple[TailParts, ...], metric: Metric) -> None:
        """Draw the parts of one latency."""
        self._metric = metric
        self._parts = tuple(one for one in parts if one.metric == metric)
        self._spoken.refresh_soon()
        self.refresh()

    def values(self) -> tuple[TailParts, ...]:
        """The bars drawn."""
        return self._parts

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        if not self._parts:
            return "What the P99 is made of: nothing simulated yet"
        return f"What the P99 of {MEANING[self._metric]} is made of. " + ". ".join(
            f"{one.label}: {SECONDS.format(one.total)}, {part_words(one)}" for one in self._parts
        )

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """One piece: the bars."""
        parts, metric, tokens = self._parts, self._metric, self._tokens

        def draw(painter: QPainter, place: QRectF) -> None:
            _paint(painter, place, tokens, parts, metric)

        return (Piece(rect, (parts, metric, tokens.name), draw),)


def _paint(painter: QPainter, rect: QRectF, tokens: Tokens, parts: tuple[TailParts, ...], metric: Metric) -> None:
    top = draw_heading(painter, rect, tokens, "What the P99 is made of", (MEANING[metric], ""))
    if not parts:
        draw_line(painter, rect.left(), top + LINE_HEIGHT, rect.width(), "not simulated yet", tokens.secondary)
        return
    most = max(one.total for one in parts)
    row = min((rect.bottom() - top) / len(parts), GREATEST_ROW)
    for at, one in enumerate(parts):
        _bar(painter, QRectF(rect.left(), top + at * row, rect.width(), row), tokens, one, most)


def _bar(painter: QPainter, place: QRectF, tokens: Tokens, one: TailParts, most: float) -> None:
    colour = tokens.chip(one.number)
    base = place.top() + LINE_HEIGHT - 3.0
    took = draw_line(
        painter, place.left(), base, place.width(), SECONDS.format(one.total), tokens.text, semibold=True, right=True
    )
    draw_line(painter, place.left(), base, place.width() - took - 12.0, one.label, colour, semibold=True)
    words = place.height() >= 2 * LINE_HEIGHT + 14.0
    free = place.height() - (2 if words else 1) * LINE_HEIGHT - 8.0
    height = max(6.0, min(GREATEST_BAR, BAR_SHARE * free))
    left, top = place.left(), place.top() + LINE_HEIGHT
    for key, name, strength in PARTS:
        width = place.width() * getattr(one, key) / most if most > 0 else 0.0
        if width <= 0.0:
            continue
        part = QRectF(left, top, max(width - 1.0, 0.5), height)
        wash = QColor(colour)
        wash.setAlphaF(strength)
        painter.fillRect(part, QBrush(wash, Qt.BrushStyle.BDiagPattern) if key in HATCHED else wash)
        if height >= 14.0 and key not in HATCHED and text_width(name) + 8.0 <= width:
            ink = tokens.on_chip(one.number) if strength >= 0.7 else QColor(tokens.text)
            draw_line(painter, part.left() + 4.0, part.center().y() + 4.5, width - 4.0, name, ink)
        left += width
    if words:
        below = top + height + LINE_HEIGHT - 3.0
        draw_line(painter, place.left(), below, place.width(), part_words(one), tokens.secondary)

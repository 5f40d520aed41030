"""Runs of the user's own benchmarks as marks: squares for P99, dots for a median or mean, some hollow."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from explorer.plots.tokens import Tokens
from explorer.study.banded import Metric
from explorer.study.outcome import AlternativeOutcome

SQUARE = 3.5
DOT = 2.75
"""Half sizes, pixels."""
LEGEND = "your benchmark: ■ P99, • mean or median, hollow: other lengths or split"


@dataclass(frozen=True, slots=True)
class MeasuredMark:
    """One measured latency of alternative `index`: requests/s of the whole service, and seconds."""

    index: int
    rate: float
    seconds: float
    is_tail: bool
    alike: bool
    """Measured at the lengths of the traffic and on as many chips a replica; else hollow."""
    words: str


def measured_marks(index: int, one: AlternativeOutcome, metric: Metric) -> tuple[MeasuredMark, ...]:
    """The marks of one latency of an alternative; runs whose rate is not known have none."""
    found: list[MeasuredMark] = []
    for run in one.measured:
        values = run.latency.get(metric, {})
        if run.rate is None:
            continue
        middle = values.get("p50", values.get("mean"))
        for seconds, is_tail in ((middle, False), (values.get("p99"), True)):
            if seconds is not None:
                found.append(MeasuredMark(index, run.rate, seconds, is_tail, run.alike, run.words))
    return tuple(found)


def paint_mark(painter: QPainter, at: QPointF, ink: QColor, tokens: Tokens, *, is_tail: bool, alike: bool) -> None:
    """Draw one mark, with a rim of the ground so that it stands on its own line."""
    half = SQUARE if is_tail else DOT
    place = QRectF(at.x() - half, at.y() - half, 2 * half, 2 * half)
    if alike:
        painter.setPen(QPen(QColor(tokens.panel), 1.5))
        painter.setBrush(ink)
    else:
        painter.setPen(QPen(ink, 1.5))
        painter.setBrush(QColor(tokens.panel))
    if is_tail:
        painter.drawRect(place)
    else:
        painter.drawEllipse(place)
    painter.setBrush(Qt.BrushStyle.NoBrush)

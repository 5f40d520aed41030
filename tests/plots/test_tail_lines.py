"""The quick ways of painting the tail plot's curves paint what the plain ones do."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPolygonF
from PySide6.QtWidgets import QApplication

from explorer.plots.tail_area import Projection
from explorer.plots.tail_axes import settle, wanted_axes
from explorer.plots.tail_lines import _even_wash, _plain_wash, drawing
from explorer.plots.tokens import THEMES, Tokens
from tests.sample_outcome import sample_outcome

HIGH = QPolygonF([QPointF(3.2, 4.7), QPointF(120.0, 40.3), QPointF(95.6, 290.1), QPointF(10.0, 250.0)])
"""Of more lines of pixels than are filled in one piece."""


def filled(brush: QBrush, tokens: Tokens) -> QImage:
    """The area twice over itself on the ground of a theme."""
    image = QImage(130, 300, QImage.Format.Format_RGB32)
    image.fill(QColor(tokens.panel))
    painter = QPainter(image)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(brush)
    for _ in range(2):
        painter.drawPolygon(HIGH)
    painter.end()
    return image


@pytest.mark.parametrize("tokens", THEMES.values(), ids=THEMES)
def test_that_a_wash_without_threads_paints_the_same_pixels(qapp: QApplication, tokens: Tokens) -> None:
    for index in range(len(tokens.chips)):
        for opacity in (0.16, 0.45):
            even = filled(_even_wash(tokens, index, opacity), tokens)
            assert even == filled(_plain_wash(tokens, index, opacity), tokens)
            assert even != filled(_plain_wash(tokens, index, opacity + 0.1), tokens)


def test_that_nothing_to_draw_draws_nothing() -> None:
    axes = settle(None, wanted_axes(sample_outcome().workloads[0], "tpot"))
    made = drawing((), None, Projection(axes, QRectF(0.0, 0.0, 300.0, 200.0)))
    assert (made.bands, made.sampled, made.p50, made.p99, made.ghost, made.lines) == ((), (), (), (), [], ())

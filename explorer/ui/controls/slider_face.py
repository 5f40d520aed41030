"""What a slider shows around its track and value box, painted by hand: title, lock, badge, labels and caption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from explorer.plots.fonts import BODY
from explorer.plots.lettering import baseline_in, draw_line, draw_text, text_width
from explorer.plots.tokens import Tokens
from explorer.ui import theme
from explorer.ui.controls.tick_labels import LABEL_HEIGHT, LABEL_SIZE, PlacedLabel

BOX_HEIGHT = 24
CAPTION_HEIGHT = 15
LABEL_TOP = 24 + 21
LOCK_WIDTH = 18


class Face(NamedTuple):
    """The words of a slider; a complaint stands in the place of the caption."""

    title: str
    badge: str
    caption: str
    complaint: str
    locked: bool
    has_caption: bool
    box_width: int


def paint_face(painter: QPainter, whole: QRect, touched: QRect, face: Face, labels: Sequence[PlacedLabel]) -> None:
    """Draw what lies in `touched` of a slider as large as `whole`, on its plain ground."""
    t = theme.tokens()
    painter.fillRect(touched, QColor(t.panel))
    room = whole.width() - face.box_width - 8.0
    badge_width = text_width(face.badge) + 8 if face.badge else 0.0
    held = LOCK_WIDTH if face.locked else 0
    beside = text_width(face.title, BODY) + 6 + badge_width <= room - held or not face.has_caption
    bottom = whole.height() - CAPTION_HEIGHT - 1.0
    # A changed value has only the ground of its box painted anew, a changed caption only that line.
    if touched.top() < BOX_HEIGHT and touched.left() <= room + 8:
        if face.locked:
            _paint_lock(painter, room + 4, t)
        room -= held
        title_room = room - badge_width - 6 if beside and face.badge else room
        used = draw_line(painter, 0, baseline_in(0, BOX_HEIGHT, BODY), title_room, face.title, t.text, BODY)
        if face.badge and beside:
            _paint_badge(painter, QRectF(used + 6, 4, badge_width, 16), face.badge, t)
    middle = baseline_in(LABEL_TOP, LABEL_HEIGHT, LABEL_SIZE) if labels else 0.0
    for label in labels:
        draw_text(painter, QPointF(label.left, middle), label.text, t.secondary, LABEL_SIZE)
    if touched.bottom() < bottom:
        return
    caption_room = float(whole.width())
    if face.badge and not beside:
        _paint_badge(painter, QRectF(whole.width() - badge_width, bottom, badge_width, 15), face.badge, t)
        caption_room -= badge_width + 6
    text = f"not taken: {face.complaint}" if face.complaint else face.caption
    ink = t.bad if face.complaint else t.secondary
    draw_line(painter, 0, baseline_in(bottom, CAPTION_HEIGHT + 1), caption_room, text, ink)


def _paint_lock(painter: QPainter, right: float, t: Tokens) -> None:
    color = QColor(t.secondary)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(color, 1.4))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawArc(QRectF(right - 10, 6, 6, 8), 0, 180 * 16)
    painter.drawLine(QPointF(right - 10, 10), QPointF(right - 10, 12))
    painter.drawLine(QPointF(right - 4, 10), QPointF(right - 4, 12))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRoundedRect(QRectF(right - 12, 11, 10, 7), 1.5, 1.5)


def _paint_badge(painter: QPainter, pill: QRectF, badge: str, t: Tokens) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(t.amber_wash))
    painter.drawRoundedRect(pill, 3, 3)
    at = QPointF(pill.left() + 4, baseline_in(pill.top(), pill.height()))
    draw_text(painter, at, badge, t.amber)

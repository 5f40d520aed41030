"""Text on a painter: elided to its room, never overlapping, and the heading line every plot has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QStaticText, QTransform

from explorer.plots.fonts import BODY, NOTE, font, metrics
from explorer.plots.tokens import Tokens

HEADING_HEIGHT = 20.0
LINE_HEIGHT = 16.0
GAP = 8.0
READABLE = 860
"""Pixels of a line that the eye still follows."""
_ONE_DIGIT = str.maketrans("123456789", "000000000")
"""Tabular figures are all as wide as each other: a figure that moves is measured once."""


@lru_cache(maxsize=2048)
def text_width(text: str, pixels: float = NOTE, *, semibold: bool = False) -> float:
    """Width of one line of text, logical pixels."""
    return _width(text.translate(_ONE_DIGIT), pixels, semibold)


@lru_cache(maxsize=4096)
def _width(text: str, pixels: float, semibold: bool) -> float:
    return metrics(pixels, semibold).horizontalAdvance(text)


def baseline_in(top: float, height: float, pixels: float = NOTE, *, semibold: bool = False) -> float:
    """The baseline of a line of text that stands in the middle of a row of `height` pixels."""
    face = metrics(pixels, semibold)
    return top + 0.5 * (height - face.height()) + face.ascent()


def elided(text: str, width: float, pixels: float = NOTE, *, semibold: bool = False) -> str:
    """`text` cut with an ellipsis to at most `width` pixels; empty where not even one letter has room."""
    if width <= 0:
        return ""
    if text_width(text, pixels, semibold=semibold) <= width:
        return text
    cut = metrics(pixels, semibold).elidedText(text, Qt.TextElideMode.ElideRight, width)
    return "" if cut == "…" else cut


KEPT_FROM = 3
"""Drawings of a text before its shapes are kept."""


@lru_cache(maxsize=128)
def _color(name: str) -> QColor:
    return QColor(name)


@dataclass(eq=False, slots=True)
class _Drawn:
    """A text that was drawn: its face, and its shapes once it has been drawn a few times."""

    face: QFont
    ascent: float
    times: int = 0
    shapes: QStaticText | None = None
    """Made late: to keep the shapes of a text that is soon gone takes longer than to shape it twice."""


@lru_cache(maxsize=1024)
def _drawn(text: str, pixels: float, semibold: bool) -> _Drawn:
    return _Drawn(font(pixels, semibold=semibold), metrics(pixels, semibold).ascent())


def draw_text(
    painter: QPainter, at: QPointF, text: str, color: QColor | str, pixels: float = NOTE, *, semibold: bool = False
) -> None:
    """Draw one line of text from `at` on its baseline; a text drawn a few times before takes half the time."""
    drawn = _drawn(text, pixels, semibold)
    painter.setFont(drawn.face)
    painter.setPen(color if isinstance(color, QColor) else _color(color))
    if drawn.times < KEPT_FROM:
        drawn.times += 1
        painter.drawText(at, text)
        return
    shapes = drawn.shapes
    if shapes is None:
        shapes = drawn.shapes = QStaticText(text)
        shapes.setTextFormat(Qt.TextFormat.PlainText)
        shapes.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
        shapes.prepare(QTransform(), drawn.face)
    painter.drawStaticText(QPointF(at.x(), at.y() - drawn.ascent), shapes)


def draw_line(
    painter: QPainter,
    left: float,
    baseline: float,
    width: float,
    text: str,
    color: QColor | str,
    pixels: float = NOTE,
    *,
    semibold: bool = False,
    right: bool = False,
) -> float:
    """Draw one line within `width` from `left`, right-aligned if `right`; return the width it took."""
    shown, took = text, text_width(text, pixels, semibold=semibold)
    if took > width or not text:
        shown = elided(text, width, pixels, semibold=semibold)
        if not shown:
            return 0.0
        took = text_width(shown, pixels, semibold=semibold)
    at = QPointF(left + width - took if right else left, baseline)
    draw_text(painter, at, shown, color, pixels, semibold=semibold)
    return took


def wrapped(text: str, width: float, lines: int, pixels: float = NOTE) -> list[str]:
    """`text` broken at blanks into at most `lines` lines of `width` pixels, the last one elided."""
    if lines < 1 or not text:
        return []
    found: list[str] = []
    # Not at no-break spaces: a number stays with its unit.
    rest = [word for word in text.split(" ") if word]
    while rest:
        if len(found) == lines - 1:
            found.append(elided(" ".join(rest), width, pixels))
            break
        taken = 1
        while taken < len(rest) and text_width(" ".join(rest[: taken + 1]), pixels) <= width:
            taken += 1
        found.append(elided(" ".join(rest[:taken]), width, pixels))
        rest = rest[taken:]
    return [line for line in found if line]


def in_parts(text: str, width: float, lines: int, pixels: float = NOTE) -> list[str]:
    """`text` broken only between its parts, which " · " separates; a part too wide for a line is elided."""
    found: list[str] = []
    for part in text.split(" · "):
        joined = f"{found[-1]} · {part}" if found else part
        if found and text_width(joined, pixels) <= width:
            found[-1] = joined
        elif len(found) < lines:
            found.append(part)
        else:
            break
    return [line for line in (elided(line, width, pixels) for line in found) if line]


def draw_wrapped(
    painter: QPainter, left: float, top: float, width: float, lines: list[str], color: QColor | str
) -> float:
    """Draw the lines of `wrapped` below `top` at note size; return where they end."""
    for line in lines:
        draw_line(painter, left, top + LINE_HEIGHT - 4.0, width, line, color)
        top += LINE_HEIGHT
    return top


def heading_words(room: float, subtitles: tuple[str, ...], note: str) -> tuple[str, str]:
    """Subtitle and note as they have room, in pixels, beside a title: the first of `subtitles` that fits beside the
    note, else the last one, elided.

    The note tells how the figures were found: the subtitle gives way to it.
    """
    note = elided(note, room, NOTE)
    free = room - (text_width(note) + 2 * GAP if note else 0.0)
    subtitle = next((text for text in subtitles if text_width(text) <= free), subtitles[-1])
    return elided(subtitle, free, NOTE), note


def draw_heading(
    painter: QPainter, rect: QRectF, tokens: Tokens, title: str, subtitles: tuple[str, ...], note: str = ""
) -> float:
    """Draw "**title**  subtitle          note" at the top of `rect`; return where the plot may begin.

    The words are those of `heading_words`.
    """
    baseline = rect.top() + 14.0
    took = draw_line(painter, rect.left(), baseline, rect.width(), title, tokens.text, BODY, semibold=True)
    left = rect.left() + took + GAP
    room = rect.right() - left
    subtitle, note = heading_words(room, subtitles, note)
    draw_line(painter, left, baseline, room, note, tokens.secondary, right=True)
    draw_line(painter, left, baseline, room, subtitle, tokens.secondary)
    return rect.top() + HEADING_HEIGHT

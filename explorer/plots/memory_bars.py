"""The bars of the memory plot: laid out in a rectangle, and painted with what is said below them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen

from explorer.plots.lettering import (
    HEADING_HEIGHT,
    LINE_HEIGHT,
    draw_heading,
    draw_line,
    draw_wrapped,
    elided,
    in_parts,
    text_width,
    wrapped,
)
from explorer.plots.memory_words import room_text, shortfall_text, use_text, used
from explorer.plots.painted_plot import Piece
from explorer.plots.tokens import Tokens
from explorer.scenario.quantities import QUANTITIES
from explorer.study.banded import Banded
from explorer.study.outcome import AlternativeOutcome, MemoryFit, Outcome

OTHER_OPACITY, KV_OPACITY = 0.72, 0.42
NOTE_LINES = 5
NAME_GAP = 10.0
"""Pixels between a name and the use of memory beside it, at least."""
VISIBLE = 0.004
"""A band that is a smaller part of its bar is not drawn: about a pixel."""
BAND_KV_OPACITY = 0.2
SOFT_NAME = "KV range"
"""The cache and, soft, its P5 to P95 over the draws; said in full by the tooltip."""
BAR = (8.0, 20.0)
"""Least and greatest height of a bar, pixels."""


@dataclass(frozen=True, slots=True)
class MemoryBar:
    """One bar as drawn; lengths are fractions of the bar's whole width, which stands for `full` bytes."""

    label: str
    text: str
    fits: bool
    full: float
    weights: float
    other: float
    kv: float
    kv_at_cap: float
    usable: float
    kv_range: tuple[float, float] | None = None
    """Ends of the KV cache over the draws, from where the cache begins; None where there is nothing to show."""
    usable_range: tuple[float, float] | None = None
    """Ends of the usable capacity over the draws, from the left end of the bar."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """What is said below a bar: what there is room for, or what is short; and a note or a remedy."""

    fits: bool
    below: str
    note: str
    remedy: str


def sentences_of(alternatives: Sequence[AlternativeOutcome]) -> tuple[Sentences, ...]:
    """The sentences below the bars."""
    return tuple(
        Sentences(
            one.memory.fits,
            room_text(one.memory) if one.memory.fits else shortfall_text(one.memory),
            one.memory.note,
            one.memory.remedy,
        )
        for one in alternatives
    )


def memory_bars(alternatives: Sequence[AlternativeOutcome]) -> tuple[MemoryBar, ...]:
    """The bars of alternatives; the whole width is the chip's capacity, or the need where that is larger."""
    bars: list[MemoryBar] = []
    for alternative in alternatives:
        memory = alternative.memory
        full = max(memory.capacity, used(memory), _largest_capacity(memory), 1.0)
        bars.append(
            MemoryBar(
                label=alternative.label,
                text=use_text(alternative),
                fits=memory.fits,
                full=full,
                weights=memory.weights / full,
                other=memory.other / full,
                kv=memory.kv / full,
                kv_at_cap=memory.kv_at_cap / full,
                usable=memory.usable / full,
                kv_range=_range(memory.kv_band, full),
                usable_range=_range(memory.usable_band, full),
            )
        )
    return tuple(bars)


def _range(band: Banded | None, full: float) -> tuple[float, float] | None:
    """Ends of a band as fractions of the bar; None where it is no wider than can be seen."""
    if band is None or not band.high - band.low >= VISIBLE * full:
        return None
    return band.low / full, band.high / full


def _largest_capacity(memory: MemoryFit) -> float:
    """The upper end of a capacity that is not settled, bytes; the bar is as long."""
    return 0.0 if memory.usable_band is None else memory.capacity * memory.usable_band.high / memory.usable


def memory_pieces(
    rect: QRectF, tokens: Tokens, outcome: Outcome, workload: int, sentences: tuple[Sentences, ...] | None = None
) -> tuple[Piece, ...]:
    """The memory plot of one workload in `rect` (logical pixels): heading, bars, sentences below them, legend."""
    alternatives = outcome.workloads[workload].alternatives
    sentences = sentences or sentences_of(alternatives)
    bars = memory_bars(alternatives)
    top = rect.top() + HEADING_HEIGHT + (6.0 if rect.height() > 240 else 0.0)
    entries = _legend_entries(alternatives, any(bar.kv_range is not None for bar in bars))
    legend = _legend_rows(rect.width(), rect.bottom() - top, bars, entries)
    bottom = rect.bottom() - legend * LINE_HEIGHT - (8.0 if legend else 0.0)
    slot = (bottom - top) / max(len(bars), 1)
    rows, height = _share_out(slot, rect.width(), sentences)

    def heading(painter: QPainter, place: QRectF) -> None:
        subtitles = ("per chip, at the P99 batch", "per chip, P99 batch", "per chip")
        draw_heading(painter, place, tokens, "Memory fit", subtitles)

    def drawn(order: int, whole: QRectF) -> Callable[[QPainter, QRectF], None]:
        return lambda painter, _: _paint_slot(painter, whole, tokens, order, bars[order], height)

    def said(order: int, whole: QRectF) -> Callable[[QPainter, QRectF], None]:
        below = whole.adjusted(0.0, _bar_ends(height), 0.0, 0.0)
        return lambda painter, _: _paint_sentences(painter, below, tokens, sentences[order])

    found = [Piece(QRectF(rect.left(), rect.top(), rect.width(), HEADING_HEIGHT), (), heading)]
    words: list[Piece] = []
    for order, bar in enumerate(bars):
        # Between whole pixels, so that a slot is painted anew without touching its neighbours.
        start, end = (round(top + place * slot) for place in (order, order + 1))
        whole = QRectF(rect.left(), start, rect.width(), end - start)
        cut = min(start + math.ceil(_bar_ends(height)), end) if rows else end
        place = QRectF(rect.left(), start, rect.width(), cut - start)
        found.append(Piece(place, (bar, height), drawn(order, whole)))
        if cut < end:
            place = QRectF(rect.left(), cut, rect.width(), end - cut)
            words.append(Piece(place, (sentences[order], height), said(order, whole)))
    found += words
    if legend:
        ground = QRectF(rect.left(), bottom + 8.0, rect.width(), legend * LINE_HEIGHT)
        found.append(
            Piece(ground, entries, lambda painter, place: _paint_legend(painter, place, tokens, legend, entries))
        )
    return tuple(found)


def _legend_entries(alternatives: tuple[AlternativeOutcome, ...], soft: bool) -> tuple[tuple[str, float], ...]:
    """Names with the opacity of their swatch: 0 is the dashed outline, -1 the line at the usable capacity."""
    shares = {
        QUANTITIES["share"].format(a.memory.usable / a.memory.capacity) for a in alternatives if a.memory.capacity > 0
    }
    usable = f"usable ({shares.pop()})" if len(shares) == 1 else "usable"
    cache = SOFT_NAME if soft else "KV"
    fillings = (("weights", 1.0), ("other", OTHER_OPACITY), (cache, KV_OPACITY))
    return (*fillings, ("KV at cap", 0.0), (usable, -1.0))


def _legend_rows(
    width: float, height: float, bars: tuple[MemoryBar, ...], entries: tuple[tuple[str, float], ...]
) -> int:
    """Rows the legend may take: none where the bars themselves need the room."""
    spare = height - 56.0 * len(bars)
    rows = 1 if sum(_entry_width(name) for name, _ in entries) <= width else 2
    return rows if spare >= rows * LINE_HEIGHT + 8.0 else 0


def _share_out(slot: float, width: float, sentences: tuple[Sentences, ...]) -> tuple[int, float]:
    """Rows of sentences and height of the bar in a slot, the same for all alternatives."""
    wanted = max((len(in_parts(said.below, width, 2)) if said.fits else 2 for said in sentences), default=1)
    for rows in range(wanted, 0, -1):
        free = slot - LINE_HEIGHT * (1 + rows) - 13.0
        if free >= BAR[0]:
            return rows, min(free, BAR[1])
    return 0, min(max(slot - LINE_HEIGHT - 8.0, 4.0), BAR[0])


def slot_words(width: float, name: str, use: str) -> tuple[str, str]:
    """Name and use of memory as they have room side by side, in pixels: the use goes without what it is of ("a GPU"),
    then the name is cut, for a cut figure is none."""
    room = width - NAME_GAP
    if text_width(name, semibold=True) + text_width(use) <= room:
        return name, use
    use = use.rpartition(" a ")[0] or use
    return elided(name, room - text_width(use), semibold=True), use


def _bar_ends(height: float) -> float:
    """Where a bar of `height` ends below the top of its slot, with the mark that stands out from it, pixels."""
    return LINE_HEIGHT + 3.0 + height + 2.0


def _paint_slot(painter: QPainter, place: QRectF, tokens: Tokens, order: int, bar: MemoryBar, height: float) -> None:
    """One alternative in its slot: name and use, and a bar of `height`."""
    color = tokens.chip(order)
    if place.height() < LINE_HEIGHT + 4.0:
        _paint_bar(painter, place.adjusted(0, 1, -1, -1), tokens, order, bar)
        return
    name, use = slot_words(place.width(), bar.label, bar.text)
    baseline = place.top() + LINE_HEIGHT - 3.0
    draw_line(painter, place.left(), baseline, place.width(), name, color, semibold=True)
    ink = tokens.secondary if bar.fits else tokens.bad
    wide = text_width(use)
    draw_line(painter, place.right() - wide, baseline, wide + 0.5, use, ink, right=True)
    top = place.top() + LINE_HEIGHT + 3.0
    _paint_bar(painter, QRectF(place.left(), top, place.width() - 1.0, height), tokens, order, bar)


def _paint_sentences(painter: QPainter, place: QRectF, tokens: Tokens, said: Sentences) -> None:
    lines = max(1, int((place.height() + 2.0) / LINE_HEIGHT))
    if said.fits:
        shown = in_parts(said.below, place.width(), lines)
        # A note is said in full or, elsewhere, by the tooltip.
        room = min(lines - len(shown), NOTE_LINES)
        # Each line may save a blank at its end; a text longer than that need not be broken to see that it is too long.
        if said.note and text_width(said.note) <= room * (place.width() + text_width(" ")):
            note = wrapped(said.note, place.width(), NOTE_LINES + 1)
            if len(note) <= room:
                shown += note
        draw_wrapped(painter, place.left(), place.top(), place.width(), shown, tokens.secondary)
        return
    if lines == 1 and said.remedy:
        both = wrapped(f"{said.below}; {said.remedy}", place.width(), 1)
        draw_wrapped(painter, place.left(), place.top(), place.width(), both, tokens.bad)
        return
    below = draw_wrapped(painter, place.left(), place.top(), place.width(), [said.below], tokens.bad)
    remedy = wrapped(said.remedy, place.width(), min(lines - 1, 2))
    draw_wrapped(painter, place.left(), below, place.width(), remedy, tokens.secondary)


def _paint_bar(painter: QPainter, place: QRectF, tokens: Tokens, order: int, bar: MemoryBar) -> None:
    color = tokens.chip(order)
    painter.fillRect(place, QColor(tokens.grid))
    left = place.left()
    surely = bar.kv if bar.kv_range is None else bar.kv_range[0]
    for share, opacity in ((bar.weights, 1.0), (bar.other, OTHER_OPACITY), (surely, KV_OPACITY)):
        width = share * place.width()
        painter.fillRect(QRectF(left, place.top(), width, place.height()), tokens.chip_wash(order, opacity))
        left += width
    if bar.kv_range is not None:
        # What the cache may take: soft, as the bands of the tail, with what the figures as believed say as a line.
        width = (bar.kv_range[1] - surely) * place.width()
        painter.fillRect(QRectF(left, place.top(), width, place.height()), tokens.chip_wash(order, BAND_KV_OPACITY))
        believed = left + (bar.kv - surely) * place.width()
        painter.fillRect(QRectF(believed - 0.75, place.top(), 1.5, place.height()), color)
    if bar.usable_range is not None:
        start, end = (place.left() + share * place.width() for share in bar.usable_range)
        soft = QColor(tokens.text)
        soft.setAlphaF(BAND_KV_OPACITY)
        painter.fillRect(QRectF(start, place.top() - 2.0, end - start, place.height() + 4.0), soft)
    if bar.fits:
        start = place.left() + (bar.weights + bar.other) * place.width()
        width = min(bar.kv_at_cap * place.width(), place.right() - start)
        if width > 2.0:
            pen = QPen(color, 1.0)
            pen.setDashPattern([2.0, 2.0])
            painter.setPen(pen)
            painter.setBrush(QColor(0, 0, 0, 0))
            painter.drawRect(QRectF(start, place.top() + 0.5, width, place.height() - 1.0))
    else:
        # What is too much is hatched: red alone would be lost on a red or orange chip.
        start = place.left() + min(bar.usable, 1.0) * place.width()
        beyond = QRectF(start, place.top(), place.right() - start, place.height())
        painter.fillRect(beyond, QColor(tokens.panel))
        painter.fillRect(beyond, QBrush(QColor(tokens.bad), Qt.BrushStyle.BDiagPattern))
        painter.setPen(QPen(QColor(tokens.bad), 1.5))
        painter.setBrush(QColor(0, 0, 0, 0))
        painter.drawRect(place.adjusted(0.75, 0.75, -0.75, -0.75))
    x = place.left() + bar.usable * place.width()
    painter.setPen(QPen(QColor(tokens.text), 1.5))
    painter.drawLine(QPointF(x, place.top() - 2.0), QPointF(x, place.bottom() + 2.0))


def _entry_width(name: str) -> float:
    return 14.0 + text_width(name) + 12.0


def _paint_legend(
    painter: QPainter, place: QRectF, tokens: Tokens, rows: int, entries: tuple[tuple[str, float], ...]
) -> None:
    """Neutral swatches: the meaning of the fillings is the same for every colour."""
    left, row = place.left(), 0
    for name, opacity in entries:
        width = _entry_width(name)
        if left + width - 12.0 > place.right() and row + 1 < rows:
            left, row = place.left(), row + 1
        if left + width - 12.0 > place.right():
            break
        baseline = place.top() + (row + 1) * LINE_HEIGHT - 4.0
        swatch = QRectF(left + 0.5, baseline - 8.5, 9.0, 9.0)
        color = QColor(tokens.accent)
        if opacity > 0:
            color.setAlphaF(opacity)
            surely = swatch.adjusted(0.0, 0.0, -0.5 * swatch.width(), 0.0) if name == SOFT_NAME else swatch
            painter.fillRect(surely, color)
            if name == SOFT_NAME:
                color.setAlphaF(BAND_KV_OPACITY)
                painter.fillRect(swatch.adjusted(surely.width(), 0.0, 0.0, 0.0), color)
        elif opacity == 0:
            pen = QPen(color, 1.0)
            pen.setDashPattern([2.0, 2.0])
            painter.setPen(pen)
            painter.setBrush(QColor(0, 0, 0, 0))
            painter.drawRect(swatch)
        else:
            painter.setPen(QPen(QColor(tokens.text), 1.5))
            x = swatch.center().x()
            painter.drawLine(QPointF(x, swatch.top() - 1.0), QPointF(x, swatch.bottom() + 1.0))
        draw_line(painter, left + 14.0, baseline, text_width(name) + 1.0, name, tokens.secondary)
        left += width

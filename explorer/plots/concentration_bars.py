"""The picture of the concentration plot: by supply tier, who is the largest supplier, what is unknown, what moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from explorer.plots.concentration_words import moved_text, tier_name, top_share_text, weakest_text
from explorer.plots.lettering import (
    HEADING_HEIGHT,
    LINE_HEIGHT,
    draw_heading,
    draw_line,
    draw_wrapped,
    elided,
    text_width,
    wrapped,
)
from explorer.plots.painted_plot import Piece
from explorer.plots.tokens import HIT_TARGET, Tokens
from explorer.study.fleet_outcome import FleetOutcome, TierOutcome

BAR = (4.0, 12.0)
"""Least and greatest height of a bar, pixels."""
LEAST_ROW = LINE_HEIGHT + BAR[0] + 3.0
EASY_ROW = 30.0
"""Below this height of a row the bars come before the sentences."""
GREATEST_ROW = 52.0
DIAMOND = 4.5
LEAST_SAID = 3
"""Letters that are a name, and not an article or a "no"."""
TICK = 15.0
"""Width of the tick before a tier's name, its gap included."""


@dataclass(frozen=True, slots=True)
class TierBar:
    """One tier as drawn; shares are fractions of the bar."""

    tier: str
    name: str
    short_name: str
    """The same where room is short."""
    top_supplier: str
    share: str
    """The largest supplier's share in words, a range where a supplier is undisclosed."""
    effective_suppliers: float
    top_share: float
    segments: tuple[tuple[str, float, float], ...]
    """Supplier, start and end, the largest first; the first one ends at its least share."""
    uncertain: tuple[float, float] | None
    """The part of the top share that hangs on an undisclosed supplier."""
    single_point_of_failure: bool
    weakest: bool
    baseline_top_share: float | None
    counts: bool
    """Whether the user counts this tier."""


def tier_bars(fleet: FleetOutcome, baseline: FleetOutcome | None, show_all: bool = False) -> tuple[TierBar, ...]:
    """The bars of the tiers that count, or of all tiers."""
    before = {tier.tier: tier.top_share.value for tier in baseline.tiers} if baseline is not None else {}
    return tuple(
        TierBar(
            tier=tier.tier,
            name=tier_name(tier),
            short_name=tier_name(tier, short=True),
            top_supplier=tier.top_supplier,
            share=top_share_text(tier),
            effective_suppliers=tier.effective_suppliers.value,
            top_share=tier.top_share.value,
            segments=_segments(tier),
            uncertain=_uncertain(tier),
            single_point_of_failure=tier.single_point_of_failure,
            weakest=tier.tier in fleet.weakest_tiers,
            baseline_top_share=before.get(tier.tier),
            counts=tier.counts,
        )
        for tier in fleet.tiers
        if tier.counts or show_all
    )


def _uncertain(tier: TierOutcome) -> tuple[float, float] | None:
    low, high = tier.top_share.low, tier.top_share.high
    return (low, high) if high - low >= 0.005 else None


def _segments(tier: TierOutcome) -> tuple[tuple[str, float, float], ...]:
    """The top supplier up to its least share, the others side by side from its greatest share on."""
    others = sorted((s for s in tier.suppliers if s.supplier != tier.top_supplier), key=lambda s: -s.share)
    uncertain = _uncertain(tier)
    first, start = (tier.top_share.value,) * 2 if uncertain is None else uncertain
    found = [(tier.top_supplier, 0.0, first)]
    rest = sum(s.share for s in others)
    for supplier in others:
        width = (1.0 - start) * supplier.share / rest if rest > 0 else 0.0
        end = found[-1][2] if len(found) > 1 else start
        if width > 0:
            found.append((supplier.supplier, end, end + width))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class ConcentrationPicture:
    """The plot laid out: its pieces, where each tier's name is to be clicked, and the offer of the other tiers."""

    pieces: tuple[Piece, ...]
    names: tuple[tuple[str, QRectF], ...]
    more: QRectF
    """Empty when nothing is offered."""


def lay_out(
    rect: QRectF,
    tokens: Tokens,
    fleet: FleetOutcome,
    baseline: FleetOutcome | None = None,
    show_all: bool = False,
) -> ConcentrationPicture:
    """The concentration plot in `rect` (logical pixels): heading, one piece a tier, sentences, offer."""
    subtitles = (f"fleet, by {fleet.share_basis}", f"by {fleet.share_basis}")
    top = rect.top() + HEADING_HEIGHT

    def heading(painter: QPainter, place: QRectF) -> None:
        draw_heading(painter, place, tokens, "Vendor concentration", subtitles)

    pieces = [Piece(QRectF(rect.left(), rect.top(), rect.width(), HEADING_HEIGHT), subtitles, heading)]
    top += 6.0 if rect.height() > 240 else 0.0
    bars = tier_bars(fleet, baseline, show_all)
    hidden = len(fleet.tiers) - sum(tier.counts for tier in fleet.tiers)
    tight = rect.bottom() - top < len(bars) * LEAST_ROW
    last = LINE_HEIGHT + 2.0 if hidden or tight else 0.0
    if bars:
        footer, leading = _footer(fleet, baseline, rect.width(), rect.bottom() - top - len(bars) * EASY_ROW)
        bottom = rect.bottom() - len(footer) * LINE_HEIGHT - last
        fitting = max(1, min(len(bars), int((bottom - top) / LEAST_ROW)))
        row = min((bottom - top) / fitting, GREATEST_ROW)
    else:
        words = fleet.reason or "the fleet is empty or no tier counts"
        words = words[:1].upper() + words[1:]
        footer = wrapped(words, rect.width(), int((rect.bottom() - top - last) / LINE_HEIGHT))
        leading, fitting, row = len(footer), 0, 0.0
    names: list[tuple[str, QRectF]] = []
    for order, bar in enumerate(_most_telling(bars, fitting)):
        # Between whole pixels, so that a row is painted anew without touching its neighbours.
        start, end = (round(top + place * row) for place in (order, order + 1))
        place = QRectF(rect.left(), start, rect.width(), end - start)
        pieces.append(Piece(place, (bar,), _tier_painter(tokens, bar)))
        name, _ = _names(bar, place.width())
        width = max(TICK + text_width(name, semibold=bar.weakest), float(HIT_TARGET))
        names.append((bar.tier, QRectF(rect.left(), start, width, min(place.height(), float(HIT_TARGET)))))
    end = round(top + fitting * row)
    if footer:
        place = QRectF(rect.left(), end, rect.width(), len(footer) * LINE_HEIGHT)
        pieces.append(Piece(place, tuple(footer), _footer_painter(tokens, footer, leading)))
    more = QRectF()
    if hidden or fitting < len(bars):
        words = _more_text(hidden, len(bars) - fitting, show_all)
        width = max(text_width(words, semibold=True), float(HIT_TARGET))
        more = QRectF(rect.left(), rect.bottom() - HIT_TARGET, width, HIT_TARGET)
        place = QRectF(rect.left(), rect.bottom() - LINE_HEIGHT, rect.width(), LINE_HEIGHT)
        pieces.append(Piece(place, (words,), _more_painter(tokens, words)))
    return ConcentrationPicture(tuple(pieces), tuple(names), more)


def _tier_painter(tokens: Tokens, bar: TierBar) -> Callable[[QPainter, QRectF], None]:
    return lambda painter, place: _paint_tier(painter, place, tokens, bar)


def _footer_painter(tokens: Tokens, footer: list[str], leading: int) -> Callable[[QPainter, QRectF], None]:
    """The `leading` lines first, in the ink of what matters."""

    def draw(painter: QPainter, place: QRectF) -> None:
        end = place.top()
        for order, line in enumerate(footer):
            ink = tokens.text if order < leading else tokens.secondary
            end = draw_wrapped(painter, place.left(), end, place.width(), [line], ink)

    return draw


def _more_painter(tokens: Tokens, words: str) -> Callable[[QPainter, QRectF], None]:
    def draw(painter: QPainter, place: QRectF) -> None:
        draw_line(painter, place.left(), place.bottom() - 4.0, place.width(), words, tokens.accent, semibold=True)

    return draw


def _names(bar: TierBar, width: float) -> tuple[str, str]:
    """What is written of a tier and of its largest supplier beside the share, in a row of `width` pixels.

    The tier gives way first: it is known by its place and by half its name, the supplier by nothing else.
    """
    sign = 2 * DIAMOND + 5.0 if bar.single_point_of_failure else 0.0
    beside = width - TICK - 10.0 - sign - text_width(bar.share) - 4.0
    room = beside
    for name in (bar.name, bar.short_name):
        room = beside - text_width(name, semibold=bar.weakest)
        if text_width(bar.top_supplier) <= room:
            return name, bar.top_supplier
    words = bar.top_supplier.split()
    for count in range(len(words) - 1, 0, -1):
        # a cut between words leaves something that is said
        said = " ".join(words[:count])
        for part in (f"{said}…", said) if len(said) >= LEAST_SAID else ():
            if text_width(part) <= room:
                return bar.short_name, part
    part = elided(bar.top_supplier, room)
    name = elided(bar.short_name if part else bar.name, 0.7 * width - TICK, semibold=bar.weakest)
    return name, part


def _most_telling(bars: tuple[TierBar, ...], count: int) -> list[TierBar]:
    """The `count` bars not to be missed, in their own order: single points of failure, then weakest."""
    places = range(len(bars))
    ranked = sorted(places, key=lambda k: (not bars[k].single_point_of_failure, not bars[k].weakest, k))
    return [bars[k] for k in sorted(ranked[:count])]


def _more_text(hidden: int, cut: int, show_all: bool) -> str:
    """What the last line offers; `cut` tiers are left out because the plot is not high enough."""
    cut_text = f"{cut} need more height" if cut else ""
    if show_all:
        offer = "only the tiers that count"
    else:
        offer = f"+ {hidden} more tier{'' if hidden == 1 else 's'}" if hidden else ""
    return " · ".join(text for text in (offer, cut_text) if text)


def _footer(fleet: FleetOutcome, baseline: FleetOutcome | None, width: float, spare: float) -> tuple[list[str], int]:
    """Lines below the bars as far as there is room, and how many of them say the weakest tiers: these, what moved, what
    amber is."""
    lines = max(0, min(4, int((spare - LINE_HEIGHT) / LINE_HEIGHT)))
    most = 2 if lines > 2 else min(lines, 1)
    named = wrapped(weakest_text(fleet), width, most + 1)
    found = named if len(named) <= most else wrapped(weakest_text(fleet, counted=True), width, most)
    leading = len(found)
    room = min(lines - len(found), 2)
    whole = _unbroken(moved_text(fleet, baseline))
    # In full or without what has not moved: half a name of it would say nothing.
    fits = len(wrapped(whole, width, room + 1)) <= room
    found += wrapped(whole if fits else _unbroken(moved_text(fleet, baseline, unmoved=False)), width, room)
    if any(_uncertain(tier) for tier in fleet.tiers if tier.counts):
        found += wrapped("amber: supplier undisclosed", width, min(lines - len(found), 1))
    return found, leading


def _unbroken(text: str) -> str:
    """With both figures of a change on one line."""
    return text.replace(" → ", "\u00a0→\u00a0")


def _paint_tier(painter: QPainter, place: QRectF, tokens: Tokens, bar: TierBar) -> None:
    baseline = place.top() + LINE_HEIGHT - 4.0
    red = bar.single_point_of_failure
    sign = 2 * DIAMOND + 5.0 if red else 0.0
    _paint_tick(painter, QPointF(place.left(), baseline), tokens, bar.counts)
    name, supplier = _names(bar, place.width())
    took = text_width(name, semibold=bar.weakest)
    ink = tokens.text if bar.counts else tokens.secondary
    draw_line(painter, place.left() + TICK, baseline, took + 0.5, name, ink, semibold=bar.weakest)
    room = place.width() - TICK - took - 10.0 - sign
    ink = tokens.bad if red else tokens.secondary
    # Where room is short the names are cut, never the share.
    words = f"{supplier} {bar.share}" if supplier else bar.share
    draw_line(painter, place.right() - sign - room, baseline, room, words, ink, right=True)
    if red:
        _paint_diamond(painter, QPointF(place.right() - DIAMOND, baseline - 4.0), tokens)
    height = min(max(place.height() - LINE_HEIGHT - 8.0, BAR[0]), BAR[1])
    _paint_bar(painter, QRectF(place.left(), place.top() + LINE_HEIGHT, place.width(), height), tokens, bar)


def _paint_tick(painter: QPainter, at: QPointF, tokens: Tokens, counts: bool) -> None:
    """A small box left of the name, on its baseline: ticked where the tier counts."""
    side = 9.0
    box = QRectF(round(at.x()) + 0.5, round(at.y()) - side + 0.5, side - 1.0, side - 1.0)
    painter.setPen(QPen(QColor(tokens.accent if counts else tokens.baseline), 1.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(box)
    if counts:
        left, middle = box.left() + 1.8, box.center()
        painter.setPen(QPen(QColor(tokens.accent), 1.5))
        painter.drawPolyline(
            [
                QPointF(left, middle.y()),
                QPointF(middle.x() - 0.6, box.bottom() - 2.0),
                QPointF(box.right() - 1.5, box.top() + 2.0),
            ]
        )


def _part(place: QRectF, start: float, end: float) -> QRectF:
    """The part of a bar between two shares."""
    width = place.width()
    return QRectF(place.left() + start * width, place.top(), (end - start) * width, place.height())


def _paint_bar(painter: QPainter, place: QRectF, tokens: Tokens, bar: TierBar) -> None:
    painter.fillRect(place, QColor(tokens.grid))
    for rank, (_, start, end) in enumerate(bar.segments):
        part = _part(place, start, end)
        if rank:
            part.setLeft(part.left() + min(1.0, part.width()))
        red = bar.single_point_of_failure and rank == 0
        painter.fillRect(part, QColor(tokens.bad_fill) if red else tokens.supplier(rank))
    if bar.uncertain is not None:
        part = _part(place, *bar.uncertain)
        painter.fillRect(part, QColor(tokens.amber_wash))
        painter.fillRect(part, QBrush(QColor(tokens.amber_mark), Qt.BrushStyle.Dense3Pattern))
        painter.fillRect(part, QBrush(QColor(tokens.amber), Qt.BrushStyle.BDiagPattern))
    moved = bar.baseline_top_share is not None and abs(bar.baseline_top_share - bar.top_share) >= 0.005
    if bar.baseline_top_share is not None and moved:
        x = place.left() + min(max(bar.baseline_top_share, 0.0), 1.0) * place.width()
        x = min(max(x, place.left() + 1.0), place.right() - 1.0)
        foot = place.bottom() + 4.0
        painter.setPen(QPen(QColor(tokens.panel), 4.0))
        painter.drawLine(QPointF(x, place.top()), QPointF(x, foot))
        painter.setPen(QPen(QColor(tokens.baseline), 2.0))
        painter.drawLine(QPointF(x, place.top()), QPointF(x, foot))


def _paint_diamond(painter: QPainter, at: QPointF, tokens: Tokens) -> None:
    x, y = at.x(), at.y()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tokens.bad))
    corners = ((0.0, -DIAMOND), (DIAMOND, 0.0), (0.0, DIAMOND), (-DIAMOND, 0.0))
    painter.drawPolygon(QPolygonF([QPointF(x + across, y + down) for across, down in corners]))

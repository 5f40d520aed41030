"""The concentration plot: by supply tier, how many suppliers the fleet really has and who is the largest."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from explorer.plots.concentration_words import (
    concentration_summary,
    moved_text,
    tier_name,
    top_share_text,
    weakest_text,
)
from explorer.plots.lettering import LINE_HEIGHT, draw_heading, draw_line, draw_wrapped, elided, text_width, wrapped
from explorer.plots.painted_plot import PaintedPlot
from explorer.plots.tokens import HIT_TARGET, Tokens
from explorer.study.outcome import FleetOutcome, TierOutcome

BAR = (4.0, 12.0)
"""Least and greatest height of a bar, pixels."""
LEAST_ROW = LINE_HEIGHT + BAR[0] + 3.0
EASY_ROW = 30.0
"""Below this height of a row the bars come before the sentences."""
GREATEST_ROW = 52.0
DIAMOND = 4.5


@dataclass(frozen=True, slots=True)
class TierBar:
    """One tier as drawn; shares are fractions of the bar."""

    tier: str
    name: str
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


def tier_bars(fleet: FleetOutcome, baseline: FleetOutcome | None, show_all: bool = False) -> tuple[TierBar, ...]:
    """The bars of the tiers that count, or of all tiers."""
    before = {tier.tier: tier.top_share.value for tier in baseline.tiers} if baseline is not None else {}
    return tuple(
        TierBar(
            tier=tier.tier,
            name=tier_name(tier),
            top_supplier=tier.top_supplier,
            share=top_share_text(tier),
            effective_suppliers=tier.effective_suppliers.value,
            top_share=tier.top_share.value,
            segments=_segments(tier),
            uncertain=_uncertain(tier),
            single_point_of_failure=tier.single_point_of_failure,
            weakest=tier.tier in fleet.weakest_tiers,
            baseline_top_share=before.get(tier.tier),
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


def paint_concentration(
    painter: QPainter,
    rect: QRectF,
    tokens: Tokens,
    fleet: FleetOutcome,
    baseline: FleetOutcome | None = None,
    show_all: bool = False,
) -> QRectF:
    """Draw the concentration plot into `rect` (logical pixels) of any painter.

    Returns where the words stand that ask for the other tiers; empty when there are none.
    """
    painter.save()
    painter.setClipRect(rect)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    subtitles = (f"fleet, by {fleet.share_basis}", f"by {fleet.share_basis}")
    top = draw_heading(painter, rect, tokens, "Vendor concentration", subtitles)
    top += 6.0 if rect.height() > 240 else 0.0
    bars = tier_bars(fleet, baseline, show_all)
    if not bars:
        words = f"no figures: {fleet.reason or 'the fleet is empty or no tier counts'}"
        lines = wrapped(words, rect.width(), int((rect.bottom() - top) / LINE_HEIGHT))
        draw_wrapped(painter, rect.left(), top, rect.width(), lines, tokens.secondary)
        painter.restore()
        return QRectF()
    footer = _footer(fleet, baseline, rect.width(), rect.bottom() - top - len(bars) * EASY_ROW)
    hidden = len(fleet.tiers) - len(tier_bars(fleet, None))
    tight = rect.bottom() - top < len(bars) * LEAST_ROW
    last = LINE_HEIGHT + 2.0 if hidden or tight else 0.0
    bottom = rect.bottom() - len(footer) * LINE_HEIGHT - last
    fitting = max(1, min(len(bars), int((bottom - top) / LEAST_ROW)))
    row = min((bottom - top) / fitting, GREATEST_ROW)
    for order, bar in enumerate(_most_telling(bars, fitting)):
        _paint_tier(painter, QRectF(rect.left(), top + order * row, rect.width(), row), tokens, bar)
    end = top + fitting * row
    for place, line in enumerate(footer):
        ink = tokens.text if place == 0 else tokens.secondary
        end = draw_wrapped(painter, rect.left(), end, rect.width(), [line], ink)
    more = QRectF()
    if hidden or fitting < len(bars):
        words = _more_text(hidden, len(bars) - fitting, show_all)
        took = draw_line(painter, rect.left(), rect.bottom() - 4.0, rect.width(), words, tokens.accent, semibold=True)
        more = QRectF(rect.left(), rect.bottom() - HIT_TARGET, max(took, float(HIT_TARGET)), HIT_TARGET)
    painter.restore()
    return more


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


def _footer(fleet: FleetOutcome, baseline: FleetOutcome | None, width: float, spare: float) -> list[str]:
    """Lines below the bars as far as there is room: the weakest tiers, what moved, what amber is."""
    lines = max(0, min(4, int((spare - LINE_HEIGHT) / LINE_HEIGHT)))
    found = wrapped(weakest_text(fleet), width, min(lines, 1))
    found += wrapped(moved_text(fleet, baseline), width, min(lines - len(found), 2))
    if any(_uncertain(tier) for tier in fleet.tiers if tier.counts):
        found += wrapped("amber: supplier undisclosed", width, min(lines - len(found), 1))
    return found


def _paint_tier(painter: QPainter, place: QRectF, tokens: Tokens, bar: TierBar) -> None:
    baseline = place.top() + LINE_HEIGHT - 4.0
    red = bar.single_point_of_failure
    sign = 2 * DIAMOND + 5.0 if red else 0.0
    name = min(text_width(bar.name, semibold=bar.weakest), 0.7 * place.width())
    draw_line(painter, place.left(), baseline, name + 0.5, bar.name, tokens.text, semibold=bar.weakest)
    room = place.width() - name - 10.0 - sign
    ink = tokens.bad if red else tokens.secondary
    # Where room is short the supplier's name is cut, never the share.
    share = text_width(bar.share)
    supplier = elided(bar.top_supplier, room - share - 4.0)
    words = f"{supplier} {bar.share}" if supplier else bar.share
    draw_line(painter, place.right() - sign - room, baseline, room, words, ink, right=True)
    if red:
        _paint_diamond(painter, QPointF(place.right() - DIAMOND, baseline - 4.0), tokens)
    height = min(max(place.height() - LINE_HEIGHT - 8.0, BAR[0]), BAR[1])
    _paint_bar(painter, QRectF(place.left(), place.top() + LINE_HEIGHT, place.width(), height), tokens, bar)


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


class ConcentrationPlot(PaintedPlot):
    """Concentration of the fleet's suppliers, tier by tier."""

    title = "Vendor concentration"
    show_all_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("vendor-concentration")
        self.setAccessibleName("Vendor concentration of the fleet")
        self.setMinimumSize(160, 120)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(
            "Number: effective suppliers. Bar: shares, the largest first. Amber: hangs on an undisclosed "
            "supplier. Red with a diamond: single point of failure. Mark: largest share at the baseline."
        )
        self._show_all = False
        self._more = QRectF()

    def sizeHint(self) -> QSize:
        return QSize(260, 360)

    def set_show_all(self, show_all: bool) -> None:
        """Show every tier, or only those that count."""
        if show_all != self._show_all:
            self._show_all = show_all
            self.show_all_changed.emit(show_all)
            self.update()

    def values(self) -> tuple[TierBar, ...]:
        """The bars drawn."""
        if self._outcome is None:
            return ()
        return tier_bars(self._outcome.fleet, self._baseline_fleet(), self._show_all)

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        if self._outcome is None:
            return "Vendor concentration: nothing evaluated yet"
        return concentration_summary(self._outcome.fleet, self._baseline_fleet())

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw into `rect` of any painter."""
        if self._outcome is None:
            super().paint(painter, rect)
            return
        fleet, baseline = self._outcome.fleet, self._baseline_fleet()
        self._more = paint_concentration(painter, rect, self._tokens, fleet, baseline, self._show_all)
        if self.hasFocus() and not self._more.isEmpty():
            painter.setPen(QPen(QColor(self._tokens.accent), 1.0, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self._more.adjusted(0.5, 4.0, 3.0, -1.0))

    def _baseline_fleet(self) -> FleetOutcome | None:
        return self._baseline.fleet if self._baseline is not None else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._more.contains(event.position()):
            self.set_show_all(not self._show_all)
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        pressed = event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if pressed and not self._more.isEmpty():
            self.set_show_all(not self._show_all)
        else:
            super().keyPressEvent(event)

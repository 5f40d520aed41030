"""The cost plot: each alternative's month by part, from what works to what stands idle."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter
from PySide6.QtWidgets import QWidget

from explorer.plots.lettering import LINE_HEIGHT, draw_heading, draw_line, text_width
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.plots.tokens import Tokens
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import NOTHING
from explorer.study.cost_parts import AlternativeMoney
from explorer.study.outcome import Outcome

MONTH, MILLION, SHARE = (QUANTITIES[key] for key in ("usd_per_month", "usd_per_million", "share"))
UNUSED = frozenset({"idle", "spares", "whole_units"})
"""Parts that serve nobody: hatched."""
STRENGTH = {
    "capital": 1.0,
    "rent": 1.0,
    "energy": 0.55,
    "colocation": 0.55,
    "opex": 0.75,
    "margin": 0.38,
    "hosted": 0.38,
}
GREATEST_ROW = 74.0


@dataclass(frozen=True, slots=True)
class StackBar:
    """One alternative as drawn; segments are (key, title, USD a month)."""

    name: str
    label: str
    total: float | None
    per_million: float | None
    segments: tuple[tuple[str, str, float], ...]
    reason: str
    selected: bool

    @property
    def is_hosted(self) -> bool:
        """Whether this is the hosted service, paid by the token."""
        return any(key == "hosted" for key, _, _ in self.segments)

    @property
    def words(self) -> str:
        """Its parts with their shares, the largest first."""
        if self.total is None or not self.total > 0:
            return self.reason
        parts = sorted(self.segments, key=lambda part: -part[2])
        shares = [(title.lower(), usd / self.total) for _, title, usd in parts]
        # hundredths of a per cent would only push other parts out of sight
        large, small = ([one for one in shares if (one[1] >= 0.01) is is_large] for is_large in (True, False))
        if len(small) > 1:
            small = [("the rest", sum(share for _, share in small))]
        return " · ".join(f"{title} {SHARE.format(share)}" for title, share in (*large, *small))


def stack_bars(outcome: Outcome, workload: int) -> tuple[StackBar, ...]:
    """The bars of a workload's alternatives; none where the economics have not been computed."""
    if outcome.economics is None:
        return ()
    selected = outcome.workloads[workload].selected
    return tuple(_bar(one, at == selected) for at, one in enumerate(outcome.economics.money[workload].all))


def _bar(one: AlternativeMoney, selected: bool) -> StackBar:
    return StackBar(
        name=one.name,
        label=", ".join(text for text in (one.label, _against(one)) if text),
        total=one.usd_per_month,
        per_million=None if one.stated is None else one.stated.blended,
        segments=tuple((part.key, part.title, part.usd_per_month) for part in one.parts),
        reason=one.reason,
        selected=selected,
    )


def _against(one: AlternativeMoney) -> str:
    """What stands against it, in short."""
    if one.within_power_limit is False:
        return "above the power limit"
    return "breaks a promise" if one.keeps_promises is False else ""


def paint_cost_stack(painter: QPainter, rect: QRectF, tokens: Tokens, bars: tuple[StackBar, ...]) -> None:
    """Draw the bars into `rect`, all to one scale."""
    top = draw_heading(painter, rect, tokens, "Cost a month", ("by part, at the stated traffic", "by part"))
    if not bars:
        draw_line(painter, rect.left(), top + LINE_HEIGHT, rect.width(), "no figures yet", tokens.secondary)
        return
    most = max((bar.total or 0.0 for bar in bars), default=0.0)
    row = min((rect.bottom() - top) / len(bars), GREATEST_ROW)
    for at, bar in enumerate(bars):
        _paint_bar(painter, QRectF(rect.left(), top + at * row, rect.width(), row), tokens, bar, at, most)


def _paint_bar(painter: QPainter, place: QRectF, tokens: Tokens, bar: StackBar, at: int, most: float) -> None:
    line = place.top() + LINE_HEIGHT - 3.0
    # a hosted service is no chip and has no chip's colour
    colour = QColor(tokens.secondary) if bar.is_hosted else tokens.chip(at)
    money = NOTHING if bar.total is None else f"{MONTH.format(bar.total)}/month"
    if bar.per_million is not None:
        money += f" · {MILLION.format(bar.per_million)}/M tokens"
    took = draw_line(painter, place.left(), line, place.width(), money, tokens.text, semibold=bar.selected, right=True)
    room = place.width() - took - 12.0
    draw_line(painter, place.left(), line, room, bar.label, colour, semibold=bar.selected)
    words = place.height() >= 2 * LINE_HEIGHT + 14.0
    height = max(6.0, min(18.0, place.height() - (2 if words else 1) * LINE_HEIGHT - 8.0))
    body = QRectF(place.left(), place.top() + LINE_HEIGHT, place.width(), height)
    left = body.left()
    for key, title, usd in bar.segments:
        width = body.width() * usd / most if most > 0 else 0.0
        part = QRectF(left, body.top(), max(width - 1.0, 0.5), body.height())
        if key in UNUSED:
            painter.fillRect(part, _washed(colour, 0.10))
            painter.fillRect(part, QBrush(_washed(colour, 0.6), Qt.BrushStyle.BDiagPattern))
        else:
            painter.fillRect(part, _washed(colour, STRENGTH[key]))
        if height >= 14.0 and text_width(title) + 6.0 <= width:
            strong = key not in UNUSED and STRENGTH[key] >= 0.7
            ink = tokens.on_chip(at) if strong else QColor(tokens.text)
            if key in UNUSED:
                painter.fillRect(
                    QRectF(part.left() + 2.0, part.top() + 1.0, text_width(title) + 4.0, part.height() - 2.0),
                    QColor(tokens.panel),
                )
            draw_line(painter, part.left() + 4.0, part.bottom() - 4.5, width - 4.0, title, ink)
        left += width
    if words:
        base = body.bottom() + LINE_HEIGHT - 3.0
        draw_line(painter, place.left(), base, place.width(), bar.words, tokens.secondary)


def _washed(colour: QColor, alpha: float) -> QColor:
    wash = QColor(colour)
    wash.setAlphaF(alpha)
    return wash


class CostStackPlot(PaintedPlot):
    """What each alternative's month is spent on."""

    title = "Cost a month"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cost-stack")
        self.setAccessibleName("Cost a month by part")
        self.setMinimumSize(220, 140)
        self.setToolTip(
            "Filled: what the traffic uses, by what it pays for. Hatched: idle hours, spares, and what whole units add."
        )

    def sizeHint(self) -> QSize:
        return QSize(420, 300)

    def values(self) -> tuple[StackBar, ...]:
        """The bars drawn."""
        return () if self._outcome is None else stack_bars(self._outcome, self._workload)

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        bars = self.values()
        if not bars:
            return "Cost a month: nothing evaluated yet"
        return "Cost a month by part. " + ". ".join(
            f"{bar.label}: {NOTHING if bar.total is None else MONTH.format(bar.total)}, {bar.words}" for bar in bars
        )

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """One piece: the bars."""
        bars, tokens = self.values(), self._tokens
        return (Piece(rect, (bars, tokens.name), lambda painter, at: paint_cost_stack(painter, at, tokens, bars)),)

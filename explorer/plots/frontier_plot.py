"""The price of independence: cost of every mix of the fleet's chips against what one failure takes."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from explorer.plots.lettering import LINE_HEIGHT, draw_heading, draw_line, draw_wrapped, text_width, wrapped
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.plots.polylines import polygon
from explorer.plots.tokens import HIT_TARGET, Tokens
from explorer.plots.xy_frame import Axis, Frame, draw_frame, frame_in, linear_axis
from explorer.scenario.quantity import QUANTITIES
from explorer.study.frontier import Frontier, FrontierPoint, Risk

MONTH, SHARE, SUPPLIERS = (QUANTITIES[key] for key in ("usd_per_month", "share", "suppliers"))
MARK = 5.0
MOST_DOTS = 3_000
SUBTITLES = (
    "a month, every mix, with further stacks and clouds",
    "a month, with further stacks and clouds",
    "with further stacks and clouds",
    "a month, every mix",
)


RISKS: dict[Risk, str] = {"n1_loss": "traffic lost in a failure", "effective_suppliers": "effective suppliers"}
"""What the cost is set against, in the order offered."""


def edge_of(frontier: Frontier, risk: Risk) -> tuple[FrontierPoint, ...]:
    """The cheapest mixes for each value of the risk, the least risk first."""
    return frontier.by_loss if risk == "n1_loss" else frontier.by_suppliers


def _risk(point: FrontierPoint, risk: Risk) -> float:
    return point.n1_loss if risk == "n1_loss" else point.effective_suppliers


def mix_words(frontier: Frontier, point: FrontierPoint) -> str:
    """ "H200 70 %, AI200 30 %: $84k a month, 61 % lost": a mix in words."""
    shares = [
        f"{name} {SHARE.format(share)}" for name, share in zip(frontier.members, point.shares, strict=True) if share > 0
    ]
    lost, suppliers = SHARE.format(point.n1_loss), SUPPLIERS.format(point.effective_suppliers)
    return f"{', '.join(shares)}: {MONTH.format(point.usd_per_month)} a month, {lost} lost, {suppliers} effective"


def present_words(present: FrontierPoint) -> tuple[str, ...]:
    """What the present fleet costs, and how much of that no pool does; the longest wording first."""
    whole = MONTH.format(present.usd_per_month)
    pools = MONTH.format(present.usd_per_month - present.further_usd_per_month)
    if pools == whole:
        return (f"present fleet {whole}",)
    further = MONTH.format(present.further_usd_per_month)
    split = f"pools {pools} + {further}"
    return f"present fleet {whole}: {split} for further stacks and clouds", f"present fleet {whole}: {split}"


def frontier_frame(frontier: Frontier, rect: QRectF, risk: Risk = "n1_loss") -> Frame:
    """The axes that hold the edge, the present fleet and what lies near them."""
    shown = [*edge_of(frontier, risk), *([frontier.present] if frontier.present is not None else [])]
    most = 1.25 * max(point.usd_per_month for point in shown)
    if risk == "n1_loss":
        x = linear_axis(0.0, 1.0, f"traffic lost when one supplier fails ({frontier.title.lower()})", SHARE.format)
    else:
        many = max(point.effective_suppliers for point in shown)
        x = Axis(1.0, max(1.5, many), False, f"effective suppliers ({frontier.title.lower()})", SUPPLIERS.format)
    return frame_in(rect, x, linear_axis(0.0, most, "", MONTH.format))


def paint_frontier(
    painter: QPainter,
    rect: QRectF,
    tokens: Tokens,
    frontier: Frontier | None,
    looked_at: int | None,
    risk: Risk = "n1_loss",
) -> None:
    """Draw cloud, edge, present fleet, and the mix that is looked at."""
    top = draw_heading(painter, rect, tokens, "Price of independence", SUBTITLES)
    if frontier is None or not frontier.by_loss:
        reason = "no figures yet" if frontier is None else frontier.reason
        draw_wrapped(painter, rect.left(), top, rect.width(), wrapped(reason, rect.width(), 3), tokens.secondary)
        return
    frame = frontier_frame(frontier, _inner(frontier, rect, top), risk)
    draw_frame(painter, frame, tokens)
    painter.save()
    painter.setClipRect(frame.area, Qt.ClipOperation.IntersectClip)
    painter.setPen(QPen(QColor(tokens.track), 2.0))
    painter.drawPoints(_cloud(frontier, frame, risk))
    painter.setPen(QPen(QColor(tokens.accent), 2.0))
    painter.drawPolyline(_edge(frontier, frame, risk))
    painter.restore()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tokens.accent))
    edge = edge_of(frontier, risk)
    for point in edge:
        painter.drawEllipse(frame.at(_risk(point, risk), point.usd_per_month), 2.5, 2.5)
    if frontier.present is not None:
        _paint_present(painter, frame, tokens, frontier.present, risk)
    if looked_at is not None:
        point = edge[looked_at]
        painter.setPen(QPen(QColor(tokens.accent), 2.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(frame.at(_risk(point, risk), point.usd_per_month), MARK + 2.0, MARK + 2.0)
        note = f"take {mix_words(frontier, point)}"
    else:
        step = SHARE.format(frontier.step)
        note = f"click a point of the line to take that fleet · mixes in steps of {step}"
    for at, line in enumerate(_left_out(frontier, rect.width())):
        base = rect.bottom() - 4.0 - LINE_HEIGHT * (at + 1)
        draw_line(painter, rect.left(), base, rect.width(), line, tokens.secondary)
    ink = tokens.secondary if looked_at is None else tokens.text
    draw_line(painter, rect.left(), rect.bottom() - 4.0, rect.width(), note, ink)


def _left_out(frontier: Frontier, width: float) -> tuple[str, ...]:
    """Who cannot be mixed, and why: the last line first, as they are drawn from below."""
    if not frontier.excluded:
        return ()
    return tuple(reversed(wrapped(f"{'; '.join(frontier.excluded)}, so no mix with it is shown", width, 2)))


def _inner(frontier: Frontier, rect: QRectF, top: float) -> QRectF:
    """The room of the axes: below them stand the note, and who is left out."""
    below = LINE_HEIGHT * (1 + len(_left_out(frontier, rect.width())))
    return QRectF(rect.left(), top, rect.width(), rect.bottom() - top - below)


def _paint_present(painter: QPainter, frame: Frame, tokens: Tokens, present: FrontierPoint, risk: Risk) -> None:
    at = frame.at(_risk(present, risk), present.usd_per_month)
    painter.setPen(QPen(QColor(tokens.panel), 1.5))
    painter.setBrush(QColor(tokens.text))
    corners = ((0.0, -MARK - 1), (MARK + 1, 0.0), (0.0, MARK + 1), (-MARK - 1, 0.0))
    painter.drawPolygon(QPolygonF([QPointF(at.x() + dx, at.y() + dy) for dx, dy in corners]))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    words, place = present_label(frame, present, risk)
    # the cloud must not run through the words
    painter.fillRect(place, QColor(tokens.panel))
    room = place.width() - 3.0
    draw_line(painter, place.left() + 2.0, place.bottom() - 4.0, room, words, tokens.text, semibold=True)


def present_label(frame: Frame, present: FrontierPoint, risk: Risk) -> tuple[str, QRectF]:
    """What is said of the present fleet, and its ground: within the axes, clear of the fleet's mark."""
    area, at = frame.area, frame.at(_risk(present, risk), present.usd_per_month)
    wordings = present_words(present)
    words = next((text for text in wordings if text_width(text, semibold=True) <= area.width()), wordings[-1])
    width = min(text_width(words, semibold=True), area.width())
    x = at.x() + 10.0 if at.x() + 12.0 + width <= area.right() else at.x() - 10.0 - width
    x = min(max(x, area.left()), area.right() - width)
    place = QRectF(x - 2.0, at.y() - MARK - 2.0 - LINE_HEIGHT, width + 4.0, LINE_HEIGHT)
    if place.top() < area.top():
        place.moveTop(at.y() + MARK + 2.0)
    return words, place


def _cloud(frontier: Frontier, frame: Frame, risk: Risk) -> QPolygonF:
    """The mixes as dots, one a spot of two pixels: more cannot be told apart."""
    area = frame.area
    values = frontier.n1_loss if risk == "n1_loss" else frontier.effective_suppliers
    x = area.left() + (values - frame.x.low) / (frame.x.high - frame.x.low) * area.width()
    y = area.bottom() - frontier.usd_per_month / frame.y.high * area.height()
    good = np.isfinite(x) & np.isfinite(y) & (y >= area.top())
    spots = np.unique(np.round(np.stack([x[good], y[good]], axis=1) / 2.0), axis=0) * 2.0
    if len(spots) > MOST_DOTS:
        spots = spots[:: -(-len(spots) // MOST_DOTS)]
    return polygon((spots[:, 0], spots[:, 1]))


def _edge(frontier: Frontier, frame: Frame, risk: Risk) -> QPolygonF:
    """Steps: no mix between two points of the edge is known to be had for less."""
    points: list[QPointF] = []
    edge = edge_of(frontier, risk)
    for at, point in enumerate(edge):
        if at:
            points.append(frame.at(_risk(point, risk), edge[at - 1].usd_per_month))
        points.append(frame.at(_risk(point, risk), point.usd_per_month))
    return QPolygonF(points)


class FrontierPlot(PaintedPlot):
    """Cost of every mix against what one failure takes; a point of the edge can be taken."""

    title = "Price of independence"
    mix_chosen = Signal(object)
    """The traffic shares (tuple of floats, in the fleet's order) of the point that was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("frontier")
        self.setAccessibleName("Price of independence")
        self.setMinimumSize(240, 180)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(
            "Each dot is a mix of the fleet's chips, sized pool by pool with whole units, spares and the cost of each "
            "further stack and cloud. Line: the cheapest for each risk. Arrow keys step along it, Enter takes a mix."
        )
        self._frontier: Frontier | None = None
        self._risk: Risk = "n1_loss"
        self._looked_at: int | None = None
        self._stamp = 0

    def sizeHint(self) -> QSize:
        return QSize(420, 320)

    def show_frontier(self, frontier: Frontier | None) -> None:
        """Draw this frontier from now on."""
        self._frontier, self._stamp = frontier, self._stamp + 1
        self._look_at(None)
        self._spoken.refresh_soon()
        self.refresh()

    @property
    def risk(self) -> Risk:
        """What the cost is set against."""
        return self._risk

    def set_risk(self, risk: Risk) -> None:
        """Set the cost against another measure of the risk."""
        if risk != self._risk:
            self._risk, self._looked_at = risk, None
            self._spoken.refresh_soon()
            self.refresh()

    @property
    def edge(self) -> tuple[FrontierPoint, ...]:
        """The points that can be taken, the least risk first."""
        return () if self._frontier is None else edge_of(self._frontier, self._risk)

    @property
    def frontier(self) -> Frontier | None:
        """The frontier drawn."""
        return self._frontier

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        found = self._frontier
        edge = self.edge
        if found is None or not edge:
            return f"Price of independence: {'no figures yet' if found is None else found.reason}"
        parts = [f"cheapest {mix_words(found, edge[-1])}", f"safest {mix_words(found, edge[0])}"]
        if found.present is not None:
            words = f"present {mix_words(found, found.present)}"
            if len(present_words(found.present)) > 1:
                words += f" ({present_words(found.present)[0].partition(': ')[2]})"
            parts.insert(0, words)
        return f"Price of independence, {found.title.lower()}. {'; '.join(parts)}. {len(edge)} points."

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """One piece: the plot."""
        tokens, frontier, looked_at, risk = self._tokens, self._frontier, self._looked_at, self._risk
        return (
            Piece(
                rect,
                (self._stamp, looked_at, tokens.name, risk),
                lambda painter, at: paint_frontier(painter, at, tokens, frontier, looked_at, risk),
            ),
        )

    def point_place(self, at: int) -> QPointF:
        """Where a point of the edge lies, pixels of the widget; raises IndexError."""
        if self._frontier is None:
            raise IndexError(at)
        rect = QRectF(self.rect())
        top = rect.top() + 20.0
        inner = _inner(self._frontier, rect, top)
        point = self.edge[at]
        return frontier_frame(self._frontier, inner, self._risk).at(_risk(point, self._risk), point.usd_per_month)

    def _look_at(self, at: int | None) -> None:
        if at != self._looked_at:
            self._looked_at = at
            self.refresh()

    def _nearest(self, place: QPointF) -> int | None:
        places = [self.point_place(at) for at in range(len(self.edge))]
        far = [(p.x() - place.x()) ** 2 + (p.y() - place.y()) ** 2 for p in places]
        if not far:
            return None
        nearest = int(np.argmin(far))
        return nearest if far[nearest] <= HIT_TARGET**2 else None

    def _take(self, at: int) -> None:
        if self._frontier is not None:
            self.mix_chosen.emit(self.edge[at].shares)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = self._nearest(event.position())
        self.setCursor(Qt.CursorShape.ArrowCursor if at is None else Qt.CursorShape.PointingHandCursor)
        self._look_at(at)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = self._nearest(event.position()) if event.button() == Qt.MouseButton.LeftButton else None
        if at is None:
            super().mousePressEvent(event)
        else:
            self._take(at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        count = len(self.edge)
        # the least risk stands first: few losses at the left, many suppliers at the right
        onward = 1 if self._risk == "n1_loss" else -1
        step = {Qt.Key.Key_Left: -onward, Qt.Key.Key_Right: onward}.get(Qt.Key(event.key()))
        if count and step is not None:
            start = -1 if step > 0 else count
            now = start if self._looked_at is None else self._looked_at
            self._look_at(min(max(now + step, 0), count - 1))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._looked_at is not None:
            self._take(self._looked_at)
        else:
            super().keyPressEvent(event)

"""The flow picture: from what is spent on each pool of the fleet to the suppliers of every tier."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPainterPath
from PySide6.QtWidgets import QWidget

from explorer.plots.concentration_words import SHORT_TITLES
from explorer.plots.lettering import LINE_HEIGHT, draw_heading, draw_line, draw_wrapped, text_width, wrapped
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.plots.tokens import Tokens
from explorer.scenario.quantities import QUANTITIES
from explorer.study.outcome import Outcome

SHARE = QUANTITIES["share"]
APART = 0.005
"""Width of a range of shares from which on it is written."""
KNOWN = (0.0, 0.0)
NODE = 8.0
"""Width of a node, pixels."""
GAP = 10.0
AFTER_LAST = 84.0
"""Room behind the last column for its labels, pixels."""
LABELS_AT_MOST = 0.65
"""Of the height, before names are cut."""
GROUND = 0.8
"""Opacity of the ground behind a label."""
LEAST = 0.002
"""A flow below this share of the spend is not drawn."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, the names of its nodes, and whose money they get: shares by pool, then by node."""

    title: str
    nodes: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]
    ranges: tuple[tuple[float, float], ...] = ()
    """Of each node's share over what is undisclosed; empty where all is known."""

    def share_text(self, node: int) -> str:
        """The share of a node as it is written: over what is undisclosed a range, as in the concentration plot."""
        low, high = self.ranges[node] if self.ranges else (0.0, 0.0)
        return SHARE.format_range(low, high) if high - low > APART else SHARE.format(self.total(node))

    def total(self, node: int) -> float:
        """Share of the spend that ends at a node."""
        return sum(row[node] for row in self.shares)


def flow_columns(outcome: Outcome) -> tuple[Column, ...]:
    """The pools, then every tier that counts; none where the fleet has no figures."""
    if outcome.economics is None or not outcome.economics.dependence.flows:
        return ()
    pools = outcome.fleet.pools
    counts = {tier.tier for tier in outcome.fleet.tiers if tier.counts}
    ranges = {(tier.tier, one.supplier): (one.low, one.high) for tier in outcome.fleet.tiers for one in tier.suppliers}
    first = Column(
        "Spend",
        tuple(pool.name for pool in pools),
        tuple(tuple(pool.spend_share if at == k else 0.0 for at in range(len(pools))) for k, pool in enumerate(pools)),
    )
    tiers = [
        Column(
            flow.title,
            flow.suppliers,
            flow.shares,
            tuple(ranges.get((flow.tier, one), KNOWN) for one in flow.suppliers),
        )
        for flow in outcome.economics.dependence.flows
        if flow.tier in counts
    ]
    return (first, *tiers)


def pool_places(outcome: Outcome, workload: int) -> tuple[int | None, ...]:
    """Which compared chip each pool is, so that it has its colour; None for one that is not compared."""
    chips = [one.chip for one in outcome.workloads[workload].alternatives]
    return tuple(chips.index(pool.chip) if pool.chip in chips else None for pool in outcome.fleet.pools)


def _pool_color(tokens: Tokens, place: int | None, alpha: float = 1.0) -> QColor:
    color = tokens.supplier(1) if place is None else tokens.chip(place)
    color.setAlphaF(alpha)
    return color


@dataclass(frozen=True, slots=True)
class Node:
    """A node as drawn: where, its name and share; `bands` where each pool's part of it begins, pixels."""

    place: QRectF
    name: str
    share: float
    bands: tuple[float, ...]


Labels = tuple[tuple[tuple[str, ...], ...], ...]
"""Lines written above each node, by column."""


def node_labels(columns: tuple[Column, ...], area: QRectF) -> Labels:
    """Name and share of every node within `area`: on one line where all have room, else the share beneath the name, and
    a long name on up to three lines as long as most of the height is left to the flows. None for a node not drawn."""
    for name_lines in (3, 2):
        labels = _broken_labels(columns, area.width(), name_lines)
        if _taken(labels, _above(labels)) <= LABELS_AT_MOST * area.height():
            return labels
    return _broken_labels(columns, area.width(), 1)


def _broken_labels(columns: tuple[Column, ...], width: float, name_lines: int) -> Labels:
    rooms = [_room(columns, at, width) for at in range(len(columns))]
    drawn = [
        [(name, column.share_text(k)) if column.total(k) > LEAST else None for k, name in enumerate(column.nodes)]
        for column in columns
    ]
    apart = any(
        one is not None and text_width(" ".join(one)) > room
        for column, room in zip(drawn, rooms, strict=True)
        for one in column
    )

    def lines(one: tuple[str, str] | None, room: float) -> tuple[str, ...]:
        if one is None:
            return ()
        return (*wrapped(one[0], room, name_lines), one[1]) if apart else (" ".join(one),)

    return tuple(tuple(lines(one, room) for one in column) for column, room in zip(drawn, rooms, strict=True))


def _above(labels: Labels) -> list[list[float]]:
    """Pixels for the label above each node, by column; the first nodes stand in one row."""
    first = LINE_HEIGHT * max(len(label) for column in labels for label in column[:1])
    return [[max(LINE_HEIGHT * len(label), 0.0 if k else first) for k, label in enumerate(one)] for one in labels]


def _taken(labels: Labels, above: list[list[float]]) -> float:
    """Pixels of the height that labels and gaps take in the column with the most of them."""
    return max(sum(column) + GAP * (sum(map(bool, label)) - 1) for column, label in zip(above, labels, strict=True))


def _room(columns: tuple[Column, ...], at: int, width: float) -> float:
    """Pixels for the words of a column: as far as the next one, or what is left for the last."""
    return _step(columns, width) - 6.0 if at < len(columns) - 1 else AFTER_LAST


def _step(columns: tuple[Column, ...], width: float) -> float:
    return (width - NODE - AFTER_LAST) / max(len(columns) - 1, 1)


def laid_out(columns: tuple[Column, ...], area: QRectF) -> list[list[Node]]:
    """Nodes of every column within `area`, the largest first, as high as their share, with room for their labels."""
    labels = node_labels(columns, area)
    above = _above(labels)
    height = max(area.height() - _taken(labels, above), 20.0)
    step = _step(columns, area.width())
    found: list[list[Node]] = []
    for at, (column, rooms) in enumerate(zip(columns, above, strict=True)):
        y, nodes = area.top(), []
        for k, name in enumerate(column.nodes):
            share = column.total(k)
            is_drawn = share > LEAST
            y += rooms[k] if is_drawn or not k else 0.0
            tall = height * share if is_drawn else 0.0
            bands, start = [], y
            for row in column.shares:
                bands.append(start)
                start += height * row[k]
            nodes.append(Node(QRectF(area.left() + at * step, y, NODE, tall), name, share, tuple(bands)))
            y += tall + (GAP if is_drawn else 0.0)
        found.append(nodes)
    return found


def paint_flow(
    painter: QPainter,
    rect: QRectF,
    tokens: Tokens,
    columns: tuple[Column, ...],
    places: tuple[int | None, ...],
    reason: str,
) -> None:
    """Draw pools, ribbons and suppliers into `rect`; `places` says which compared chip each pool is."""
    subtitles = ("of the fleet's money, tier by tier", "by tier")
    top = draw_heading(painter, rect, tokens, "Where the money ends", subtitles)
    if not columns:
        draw_wrapped(painter, rect.left(), top, rect.width(), wrapped(reason, rect.width(), 3), tokens.secondary)
        return
    area = QRectF(rect.left(), top + LINE_HEIGHT, rect.width(), rect.bottom() - top - LINE_HEIGHT - 4.0)
    labels, nodes = node_labels(columns, area), laid_out(columns, area)
    for at in range(len(columns) - 1):
        colors = [_pool_color(tokens, place, 0.28) for place in places]
        _paint_ribbons(painter, colors, columns[at], columns[at + 1], nodes[at], nodes[at + 1])
    ground = QColor(tokens.panel)
    ground.setAlphaF(GROUND)
    for at, (column, here) in enumerate(zip(columns, nodes, strict=True)):
        room = _room(columns, at, area.width())
        draw_line(painter, here[0].place.left(), top + 12.0, room, _fitting_title(column.title, room), tokens.secondary)
        for k, node in enumerate(here):
            if node.share <= LEAST:
                continue
            sole = at > 0 and node.share > 1.0 - 1e-6
            fill = QColor(tokens.bad_fill if sole else tokens.accent)
            if at == 0:
                fill = _pool_color(tokens, places[k])
            painter.fillRect(node.place, fill)
            ink = tokens.bad if sole else tokens.text
            left, foot = node.place.left(), node.place.top() - 4.0
            for up, line in enumerate(reversed(labels[at][k])):
                base = foot - up * (LINE_HEIGHT - 2.0)
                # money that flows by must not run through the words
                width = min(text_width(line), room)
                painter.fillRect(QRectF(left - 1.0, base - 11.0, width + 3.0, LINE_HEIGHT - 2.0), ground)
                draw_line(painter, left, base, room, line, ink)


def _fitting_title(title: str, room: float) -> str:
    return title if text_width(title) <= room else SHORT_TITLES.get(title, title)


def _paint_ribbons(
    painter: QPainter, colors: list[QColor], left: Column, right: Column, here: list[Node], there: list[Node]
) -> None:
    """A pool's money keeps its proportions from one tier to the next: tiers are independent given the pool."""
    scale = max((node.place.height() / node.share for node in here if node.share > LEAST), default=0.0)
    for pool, row in enumerate(left.shares):
        whole = sum(row)
        if whole <= LEAST:
            continue
        taken = [0.0] * len(there)
        for a, source in enumerate(here):
            given = 0.0
            for b, target in enumerate(there):
                part = row[a] * right.shares[pool][b] / whole
                if part > LEAST:
                    _paint_ribbon(
                        painter,
                        QPointF(source.place.right(), source.bands[pool] + given),
                        QPointF(target.place.left(), target.bands[pool] + taken[b]),
                        part * scale,
                        colors[pool],
                    )
                given += part * scale
                taken[b] += part * scale


def _paint_ribbon(painter: QPainter, start: QPointF, end: QPointF, height: float, color: QColor) -> None:
    middle = 0.5 * (start.x() + end.x())
    path = QPainterPath(start)
    path.cubicTo(QPointF(middle, start.y()), QPointF(middle, end.y()), end)
    path.lineTo(end.x(), end.y() + height)
    path.cubicTo(
        QPointF(middle, end.y() + height), QPointF(middle, start.y() + height), QPointF(start.x(), start.y() + height)
    )
    path.closeSubpath()
    painter.fillPath(path, color)


class SupplierFlowPlot(PaintedPlot):
    """From the fleet's pools to the suppliers of every tier that counts."""

    title = "Where the money ends"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("supplier-flow")
        self.setAccessibleName("Where the fleet's money ends")
        self.setMinimumSize(320, 180)
        self.setToolTip("Height: share of the spend, in expectation where a supplier is undisclosed. Red: all of it.")

    def sizeHint(self) -> QSize:
        return QSize(640, 320)

    def columns(self) -> tuple[Column, ...]:
        """The columns drawn."""
        return () if self._outcome is None else flow_columns(self._outcome)

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        columns = self.columns()
        if not columns:
            return f"Where the money ends: {self._reason()}"
        parts = [
            f"{column.title}: "
            + ", ".join(
                f"{name} {column.share_text(k)}" for k, name in enumerate(column.nodes) if column.total(k) > LEAST
            )
            for column in columns
        ]
        return f"Where the money ends. {'. '.join(parts)}."

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """One piece: the flow."""
        tokens, columns, reason = self._tokens, self.columns(), self._reason()
        places = () if self._outcome is None else pool_places(self._outcome, self._workload)
        return (
            Piece(
                rect,
                (columns, places, reason, tokens.name),
                lambda painter, at: paint_flow(painter, at, tokens, columns, places, reason),
            ),
        )

    def _reason(self) -> str:
        if self._outcome is None or self._outcome.economics is None:
            return "no figures yet"
        return self._outcome.economics.dependence.reason

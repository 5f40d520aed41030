"""The win map drawn: regions of the cheapest chip, paler the less sure, with the name of the chip on each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from explorer.plots.fonts import BODY
from explorer.plots.lettering import (
    HEADING_HEIGHT,
    LINE_HEIGHT,
    draw_heading,
    draw_line,
    draw_text,
    draw_wrapped,
    in_parts,
    text_width,
    wrapped,
)
from explorer.plots.painted_plot import PaintedPlot, Piece, Showing
from explorer.plots.tokens import Tokens, contrast
from explorer.plots.win_map_outlines import edges, label_outlines, paint_outlines, runs
from explorer.plots.xy_frame import LEFT, Axis, Frame, draw_frame
from explorer.study.map_axes import AXES
from explorer.study.win_map_record import WinMap
from explorer.study.win_map_words import (
    cell_words,
    footing_words,
    map_rows,
    outlined_words,
    present_cell,
    shares_of,
    summary,
)

PALEST = 0.28
"""What is left of a region's colour where it wins in no draw."""
OTHERS = 1
"""Rank of the grey tint of all chips that are not compared: lightness says how sure, so patterns tell them apart."""
PATTERNS = (
    Qt.BrushStyle.NoBrush, Qt.BrushStyle.BDiagPattern, Qt.BrushStyle.Dense6Pattern, Qt.BrushStyle.HorPattern,
    Qt.BrushStyle.FDiagPattern, Qt.BrushStyle.VerPattern, Qt.BrushStyle.DiagCrossPattern, Qt.BrushStyle.CrossPattern,
)  # fmt: skip
PATTERN_INK = 0.28
"""How much of the ink of texts the lines of a pattern have: they stand behind names."""
MARK = 6.0
NOTE_LINES = 3
ABOVE, BELOW = 20.0, 34.0
"""Pixels above the plotting area for the title of the side, and below it for figures and the bottom's title."""


@dataclass(frozen=True, slots=True)
class RegionLabel:
    """A chip's name on its region, and where it stands in the plotting area."""

    contestant: int
    text: str
    place: QRectF


def ground_of(found: WinMap, contestant: int, tokens: Tokens) -> QColor:
    """The colour of a region at its surest: a compared chip's own, one grey for others."""
    one = found.contestants[contestant]
    if one.alternative is not None:
        return tokens.chip(one.alternative)
    return tokens.supplier(OTHERS)


def patterns_of(found: WinMap) -> dict[int, Qt.BrushStyle]:
    """The pattern of each chip that wins somewhere and is not compared, by contestant: the largest region has none."""
    others = [at for at, _ in shares_of(found) if at >= 0 and found.contestants[at].alternative is None]
    return {at: PATTERNS[rank % len(PATTERNS)] for rank, at in enumerate(others)}


def blended(color: QColor, ground: QColor, share: float) -> QColor:
    """`share` of a colour on a ground."""
    mixed = np.round(share * _parts(color) + (1.0 - share) * _parts(ground))
    return QColor(*(int(part) for part in mixed))


def _parts(color: QColor) -> NDArray[np.float64]:
    """Red, green and blue, 0 to 255."""
    return np.asarray([color.red(), color.green(), color.blue()], dtype=np.float64)


def map_image(found: WinMap, tokens: Tokens) -> QImage:
    """The cells as a picture, one pixel each, top row first; where nobody wins, the window's ground."""
    columns, rows = found.winner.shape
    ground = QColor(tokens.panel)
    table = np.zeros((rows, columns, 4), dtype=np.uint8)
    table[..., 3] = 255
    grounds = [ground_of(found, at, tokens) for at in range(len(found.contestants))]
    colors = np.stack([_parts(color) for color in (*grounds, QColor(tokens.window))])
    share = np.where(found.winner >= 0, PALEST + (1.0 - PALEST) * found.probability, 1.0)[..., None]
    mixed = share * colors[found.winner] + (1.0 - share) * _parts(ground)
    turned = np.transpose(np.round(mixed), (1, 0, 2))[::-1]
    table[..., 0], table[..., 1], table[..., 2] = turned[..., 2], turned[..., 1], turned[..., 0]
    image = QImage(table.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGB32)
    return image.copy()


def map_frame(found: WinMap, rect: QRectF) -> Frame:
    """The axes of a map: a cell's value stands in its middle."""

    def axis(key: str, values: NDArray[np.float64]) -> Axis:
        half = float(np.sqrt(values[1] / values[0]))
        kind = AXES[key]
        title = found.across_title if key == found.across else kind.title
        return Axis(float(values[0]) / half, float(values[-1]) * half, True, title, kind.text)

    area = rect.adjusted(LEFT, ABOVE, -8.0, -BELOW)
    return Frame(area, axis(found.across, found.x), axis(found.up, found.y))


def region_labels(found: WinMap, area: QRectF) -> list[RegionLabel]:
    """A name for every region that has room for it, as near its middle as it fits; also for where nobody wins."""
    columns, rows = found.winner.shape
    wide, high = area.width() / columns, area.height() / rows
    labels: list[RegionLabel] = []
    here = present_cell(found)
    for contestant, _ in shares_of(found):
        text = "nobody" if contestant < 0 else found.contestants[contestant].name
        across = max(int(np.ceil((text_width(text, BODY, semibold=True) + 10.0) / wide)), 1)
        up = max(int(np.ceil((LINE_HEIGHT + 4.0) / high)), 1)
        mask = found.winner == contestant
        if here is not None:
            # the mark of where the scenario stands needs its own room
            aside, above = (int(np.ceil((MARK + 4.0) / side)) for side in (wide, high))
            mask[max(here[0] - aside, 0) : here[0] + aside + 1, max(here[1] - above, 0) : here[1] + above + 1] = False
        if not mask.any():
            continue
        if across > columns or up > rows:
            continue
        sums = np.zeros((columns + 1, rows + 1))
        sums[1:, 1:] = mask.cumsum(axis=0).cumsum(axis=1)
        covered = sums[across:, up:] - sums[:-across, up:] - sums[across:, :-up] + sums[:-across, :-up]
        # where a region is too ragged for its name, three quarters of the room must do
        enough = across * up - 0.5 if covered.max() >= across * up - 0.5 else 0.75 * across * up
        places = np.argwhere(covered >= enough)
        if not len(places):
            continue
        middle = np.argwhere(mask).mean(axis=0) - np.asarray([across, up]) / 2.0
        column, row = places[np.argmin((((places - middle) * np.asarray([wide, high])) ** 2).sum(axis=1))]
        place = QRectF(area.left() + column * wide, area.bottom() - (row + up) * high, across * wide, up * high)
        if not any(place.intersects(label.place) for label in labels):
            labels.append(RegionLabel(contestant, text, place))
    return labels


def _label_ground(found: WinMap, label: RegionLabel, frame: Frame, tokens: Tokens) -> QColor:
    """The colour of a region as pale as it is where its name stands."""
    if label.contestant < 0:
        return QColor(tokens.window)
    columns, rows = found.winner.shape
    area = frame.area
    column = min(int((label.place.center().x() - area.left()) / area.width() * columns), columns - 1)
    row = min(int((area.bottom() - label.place.center().y()) / area.height() * rows), rows - 1)
    share = PALEST + (1.0 - PALEST) * float(found.probability[column, row])
    return blended(ground_of(found, label.contestant, tokens), QColor(tokens.panel), share)


def _label_ink(label: RegionLabel, ground: QColor, tokens: Tokens) -> QColor:
    """Ink that can be read on a ground."""
    if label.contestant < 0:
        return QColor(tokens.secondary)
    return QColor(max((tokens.panel, tokens.text), key=lambda ink: contrast(ink, ground.name())))


def _paint_patterns(painter: QPainter, frame: Frame, tokens: Tokens, found: WinMap) -> None:
    """Lines and dots on the regions of chips that are not compared."""
    area, (columns, rows) = frame.area, found.winner.shape
    wide, high = area.width() / columns, area.height() / rows
    ink = QColor(tokens.text)
    ink.setAlphaF(PATTERN_INK)
    for contestant, pattern in patterns_of(found).items():
        if pattern == Qt.BrushStyle.NoBrush:
            continue
        brush, won = QBrush(ink, pattern), found.winner == contestant
        for column in np.flatnonzero(won.any(axis=1)):
            for start, stop in runs(won[column]):
                left, top = area.left() + column * wide, area.bottom() - stop * high
                painter.fillRect(QRectF(left, top, wide, (stop - start) * high), brush)


def paint_map(
    painter: QPainter,
    rect: QRectF,
    tokens: Tokens,
    found: WinMap | None,
    state: str,
    looked_at: tuple[int, int] | None,
    outlined: bool,
) -> None:
    """Draw the map, its labels, the present point, and what the looked-at cell says."""
    subtitles = (
        "cheapest chip within reach that keeps every promise; paler where less sure",
        "cheapest; paler: less sure",
    )
    top = draw_heading(painter, rect, tokens, "Win map", subtitles, "" if found is None else state)
    if found is None:
        draw_wrapped(painter, rect.left(), top, rect.width(), wrapped(state, rect.width(), 3), tokens.secondary)
        return
    frame = map_frame(found, QRectF(rect.left(), top, rect.width(), rect.bottom() - top - NOTE_LINES * LINE_HEIGHT))
    area = frame.area
    draw_line(painter, rect.left(), area.top() - 6.0, rect.width(), frame.y.title, tokens.secondary)
    draw_frame(painter, frame, tokens)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(area, map_image(found, tokens))
    painter.save()
    painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    _paint_patterns(painter, frame, tokens, found)
    painter.setPen(QPen(QColor(tokens.panel), 1.0))
    for contestant in np.unique(found.winner):
        painter.drawLines(edges(found.winner == contestant, frame))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    if outlined:
        paint_outlines(painter, frame, tokens, found, lambda at: ground_of(found, at, tokens))
    painter.restore()
    labels, patterns = region_labels(found, area), patterns_of(found)
    for label in labels:
        width = text_width(label.text, BODY, semibold=True)
        at = QPointF(label.place.center().x() - 0.5 * width, label.place.center().y() + 4.5)
        ground = _label_ground(found, label, frame, tokens)
        if patterns.get(label.contestant, Qt.BrushStyle.NoBrush) != Qt.BrushStyle.NoBrush:
            painter.fillRect(QRectF(at.x() - 4.0, at.y() - 13.0, width + 8.0, 18.0), ground)
        draw_text(painter, at, label.text, _label_ink(label, ground, tokens), BODY, semibold=True)
    here = present_cell(found)
    if here is not None:
        _paint_present(painter, frame.at(float(found.x[here[0]]), float(found.y[here[1]])), tokens)
    if looked_at is not None:
        cell = _cell_rect(frame, found, looked_at)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(tokens.panel), 4.0))
        painter.drawRect(cell.adjusted(-2.0, -2.0, 2.0, 2.0))
        painter.setPen(QPen(QColor(tokens.text), 2.0))
        painter.drawRect(cell.adjusted(-2.0, -2.0, 2.0, 2.0))
    if outlined:
        label_outlines(painter, frame, tokens, found)
    note = cell_words(found, *looked_at) if looked_at is not None else _note(found, labels, here, outlined)
    lines = in_parts(note, rect.width(), NOTE_LINES)
    ink = tokens.secondary if looked_at is None else tokens.text
    draw_wrapped(painter, rect.left(), rect.bottom() - NOTE_LINES * LINE_HEIGHT, rect.width(), lines, ink)


def _note(found: WinMap, labels: list[RegionLabel], here: tuple[int, int] | None, outlined: bool) -> str:
    parts = list(outlined_words(found)) if outlined else []
    if here is not None:
        parts.append(f"◆ where the scenario stands: {cell_words(found, *here)}")
    named = {label.contestant for label in labels}
    small = [found.contestants[int(at)].name for at in np.unique(found.winner) if at >= 0 and int(at) not in named]
    if small:
        parts.append(f"on small regions without a name: {', '.join(small)}")
    parts.append("point at a cell for its runner-up and how sure, click to go there")
    return " · ".join(parts)


def _paint_present(painter: QPainter, at: QPointF, tokens: Tokens) -> None:
    painter.setPen(QPen(QColor(tokens.panel), 2.0))
    painter.setBrush(QColor(tokens.text))
    corners = ((0.0, -MARK - 1), (MARK + 1, 0.0), (0.0, MARK + 1), (-MARK - 1, 0.0))
    painter.drawPolygon(QPolygonF([QPointF(at.x() + dx, at.y() + dy) for dx, dy in corners]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _cell_rect(frame: Frame, found: WinMap, cell: tuple[int, int]) -> QRectF:
    columns, rows = found.winner.shape
    wide, high = frame.area.width() / columns, frame.area.height() / rows
    return QRectF(frame.area.left() + cell[0] * wide, frame.area.bottom() - (cell[1] + 1) * high, wide, high)


class WinMapPlot(PaintedPlot):
    """Who is cheapest where; a cell can be looked at and gone to."""

    title = "Win map"
    cell_chosen = Signal(int, int)
    """Column and row of the cell that was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("win_map")
        self.setAccessibleName("Win map")
        self.setMinimumSize(320, 220)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._found: WinMap | None = None
        self._state = ""
        self._looked_at: tuple[int, int] | None = None
        self._outlined = False
        self._stamp = 0

    def sizeHint(self) -> QSize:
        return QSize(760, 460)

    def show_map(self, found: WinMap | None, state: str) -> None:
        """Draw this map from now on; `state` says what it is, or why there is none."""
        if found is None or (self._found is not None and self._found.winner.shape != found.winner.shape):
            self._looked_at = None
        self._found, self._state, self._stamp = found, state, self._stamp + 1
        self._spoken.refresh_soon()
        self.refresh()

    @property
    def found(self) -> WinMap | None:
        """The map drawn."""
        return self._found

    @property
    def looked_at(self) -> tuple[int, int] | None:
        """Column and row of the cell pointed at."""
        return self._looked_at

    def set_outlined(self, outlined: bool) -> None:
        """Whether to outline where chips that cannot be had would win."""
        self._outlined = outlined
        self._spoken.refresh_soon()
        self.refresh()

    def text_summary(self) -> str:
        """The map in words, with its numbers."""
        if self._found is None:
            return f"Win map: {self._state}"
        could = " ".join(f"{line}." for line in outlined_words(self._found)) if self._outlined else ""
        return " ".join(part for part in (summary(self._found), could, self._state) if part)

    def showing(self) -> Showing | None:
        """What the map was drawn for; None before there is a map."""
        return None if self._found is None else super().showing()

    def value_rows(self) -> tuple[list[str], Iterator[tuple[str | float | int | None, ...]]] | None:
        """The cells as a table."""
        found = self._found
        return None if found is None else ([f"workload: {self._state}", footing_words(found)], map_rows(found))

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """One piece: the map."""
        tokens, found, state = self._tokens, self._found, self._state
        looked_at, outlined = self._looked_at, self._outlined
        return (
            Piece(
                rect,
                (self._stamp, looked_at, outlined, tokens.name),
                lambda painter, at: paint_map(painter, at, tokens, found, state, looked_at, outlined),
            ),
        )

    def cell_at(self, position: QPointF) -> tuple[int, int] | None:
        """Column and row of the cell at a place of the widget; None outside of the map."""
        found = self._found
        if found is None:
            return None
        area = self._frame(found).area
        if not area.contains(position):
            return None
        columns, rows = found.winner.shape
        column = int((position.x() - area.left()) / area.width() * columns)
        row = int((area.bottom() - position.y()) / area.height() * rows)
        return min(column, columns - 1), min(row, rows - 1)

    def cell_place(self, column: int, row: int) -> QPointF:
        """The middle of a cell, pixels of the widget; raises IndexError before there is a map."""
        if self._found is None:
            raise IndexError((column, row))
        return _cell_rect(self._frame(self._found), self._found, (column, row)).center()

    def _frame(self, found: WinMap) -> Frame:
        rect = QRectF(self.rect())
        top = rect.top() + HEADING_HEIGHT
        return map_frame(found, QRectF(rect.left(), top, rect.width(), rect.bottom() - top - NOTE_LINES * LINE_HEIGHT))

    def _look_at(self, cell: tuple[int, int] | None) -> None:
        if cell == self._looked_at:
            return
        self._looked_at = cell
        words = "" if cell is None or self._found is None else cell_words(self._found, *cell)
        self.setAccessibleDescription(words)
        self.refresh()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._look_at(self.cell_at(event.position()))
        self.setCursor(Qt.CursorShape.ArrowCursor if self._looked_at is None else Qt.CursorShape.PointingHandCursor)

    def leaveEvent(self, event: object) -> None:
        self._look_at(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self.cell_chosen.emit(*cell)
        else:
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        found = self._found
        moves = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Down: (0, -1),
            Qt.Key.Key_Up: (0, 1),
        }
        move = moves.get(Qt.Key(event.key()))
        if found is None or (move is None and event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter)):
            super().keyPressEvent(event)
            return
        columns, rows = found.winner.shape
        start = self._looked_at or present_cell(found) or (columns // 2, rows // 2)
        if move is not None:
            cell = (min(max(start[0] + move[0], 0), columns - 1), min(max(start[1] + move[1], 0), rows - 1))
            self._look_at(cell)
        elif self._looked_at is not None:
            self.cell_chosen.emit(*self._looked_at)

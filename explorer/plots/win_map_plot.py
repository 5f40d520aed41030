"""The win map as a plot: its cells can be pointed at, stepped through and gone to."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from explorer.plots.painted_plot import PaintedPlot, Piece, Showing
from explorer.plots.win_map_picture import cell_rect, frame_in, paint_map
from explorer.plots.xy_frame import Frame
from explorer.study.win_map_record import WinMap
from explorer.study.win_map_words import cell_words, footing_words, map_rows, outlined_words, present_cell, summary


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
        return cell_rect(self._frame(self._found), self._found, (column, row)).center()

    def _frame(self, found: WinMap) -> Frame:
        return frame_in(found, QRectF(self.rect()))

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

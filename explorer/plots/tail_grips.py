"""The two lines of the tail plot that the hand can move: the own traffic (upright) and the promise (level)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from explorer.plots.tail_area import Projection
from explorer.plots.tail_axes import Axes
from explorer.plots.tokens import HIT_TARGET

Grip = Literal["rate", "promise"]
REACH = 0.5 * HIT_TARGET
"""Pixels from a line within which it is taken hold of."""
DIGITS = 3
"""Significant digits of a value set by hand: a pixel is no finer, and the figure can be read."""


@dataclass(frozen=True, slots=True)
class GripLines:
    """Where the two lines stand: requests/s and seconds; `promise` is None where none was made."""

    axes: Axes
    area: QRectF
    request_rate: float
    promise: float | None

    def grip_at(self, position: QPointF) -> Grip | None:
        """The line within reach of `position` (pixels of the plot), the nearer one; None without one."""
        if not self.area.contains(position):
            return None
        at = Projection(self.axes, self.area)
        reached: list[tuple[float, Grip]] = [(abs(at.x(self.request_rate) - position.x()), "rate")]
        if self.promise is not None:
            reached.append((abs(at.y(math.log10(self.promise)) - position.y()), "promise"))
        distance, grip = min(reached)
        return grip if distance <= REACH else None

    def value_at(self, grip: Grip, position: QPointF) -> float:
        """The rate (requests/s) or promise (seconds) of a line held at `position`, within the axes."""
        at = Projection(self.axes, self.area)
        if grip == "promise":
            span = self.axes.latency
            value = 10.0 ** at.log_seconds_at(min(max(position.y(), self.area.top()), self.area.bottom()))
            return min(max(_readable(value), span.low), span.high)
        # Not quite down to no traffic at all: that has no latency.
        least = at.rate_at(self.area.left() + 1.0)
        return min(max(_readable(at.rate_at(position.x())), _readable(least)), self.axes.rate.high)

    def line_at(self, grip: Grip) -> QPointF:
        """A point of the line, pixels."""
        at = Projection(self.axes, self.area)
        if grip == "promise" and self.promise is not None:
            return QPointF(0.0, at.y(math.log10(self.promise)))
        return QPointF(at.x(self.request_rate), 0.0)


class LineGrips(QObject):
    """Watches the mouse on the tail plot and says where a line is dragged to."""

    grip_changed = Signal(object)
    """The line under the pointer or in the hand ("rate", "promise"), or None."""
    drag_started = Signal()
    dragged = Signal(str, float)
    """The line and its new value, requests/s or seconds."""
    drag_finished = Signal()

    def __init__(self, plot: QWidget, lines: Callable[[], GripLines | None]) -> None:
        """`lines` says where they stand at this moment, in pixels of `plot`; None where there are none."""
        super().__init__(plot)
        self._plot, self._lines = plot, lines
        self._held: Grip | None = None
        self._near: Grip | None = None
        self._offset = QPointF()
        self._last: float | None = None
        plot.installEventFilter(self)

    @property
    def held(self) -> bool:
        """Whether a line is in the hand."""
        return self._held is not None

    def let_go(self) -> None:
        """Take a line out of the hand, without a word: whoever asks knows that the drag is over."""
        if self._held is not None:
            self._held = None
            self._show_near(None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.Leave and self._held is None:
            self._show_near(None)
        if not isinstance(event, QMouseEvent):
            return False
        lines = self._lines()
        if lines is None:
            return False
        position = event.position()
        left = event.button() == Qt.MouseButton.LeftButton
        if kind == QEvent.Type.MouseButtonPress and left:
            return self._take(lines, position)
        if kind == QEvent.Type.MouseMove:
            if self._held is None:
                self._show_near(lines.grip_at(position))
                return False
            self._move(lines, position)
            return True
        if kind == QEvent.Type.MouseButtonRelease and left and self._held is not None:
            self._held = None
            self._show_near(lines.grip_at(position))
            self.drag_finished.emit()
            return True
        return False

    def _take(self, lines: GripLines, position: QPointF) -> bool:
        grip = lines.grip_at(position)
        if grip is None:
            return False
        # The line does not jump to where it was taken hold of.
        self._held, self._offset, self._last = grip, lines.line_at(grip) - position, None
        self._show_near(grip)
        self.drag_started.emit()
        return True

    def _move(self, lines: GripLines, position: QPointF) -> None:
        assert self._held is not None
        value = lines.value_at(self._held, position + self._offset)
        if value != self._last:
            self._last = value
            self.dragged.emit(self._held, value)

    def _show_near(self, grip: Grip | None) -> None:
        if grip == self._near:
            return
        self._near = grip
        if grip is None:
            self._plot.unsetCursor()
        else:
            shape = Qt.CursorShape.SplitHCursor if grip == "rate" else Qt.CursorShape.SplitVCursor
            self._plot.setCursor(shape)
        self.grip_changed.emit(grip)


def _readable(value: float) -> float:
    """`value` at `DIGITS` significant digits."""
    return float(f"{value:.{DIGITS}g}")

"""Where the parts of the tail plot lie, and from requests/s and seconds to the pixels of its plotting area."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from PySide6.QtCore import QRectF

from explorer.plots.lettering import HEADING_HEIGHT, LINE_HEIGHT
from explorer.plots.polylines import Points
from explorer.plots.tail_axes import Axes
from explorer.plots.tokens import HIT_TARGET

AXIS_WIDTH, AXIS_HEIGHT = 42.0, 20.0
"""Pixels left of the plotting area and below it, for the figures of the axes."""
ROOM_TOP, ROOM_RIGHT = 8.0, 14.0
"""Pixels that the outermost figures reach into on the other two sides."""
FOOT = LINE_HEIGHT + 2.0


@dataclass(frozen=True, slots=True)
class Rooms:
    """The parts of the plot in a rectangle, from the top down; `note` is None where there is no switch."""

    heading: QRectF
    note: QRectF | None
    """Beside the switch between metrics."""
    chart: QRectF
    """The plotting area with the figures of its axes."""
    area: QRectF
    foot: QRectF

    @property
    def drawable(self) -> bool:
        """Whether there is room for anything at all in the plotting area."""
        return self.area.width() >= 2 and self.area.height() >= 2


def rooms_in(rect: QRectF, switch_width: float | None = None) -> Rooms:
    """Share `rect` out (logical pixels); with `switch_width` a row is left for the switch and a note beside it."""
    left, top, width = rect.left(), rect.top() + HEADING_HEIGHT, rect.width()
    note = None
    if switch_width is not None:
        note = QRectF(left + switch_width, top, max(width - switch_width, 0.0), HIT_TARGET)
        top += HIT_TARGET
    bottom = rect.bottom() - FOOT
    return Rooms(
        heading=QRectF(left, rect.top(), width, HEADING_HEIGHT),
        note=note,
        chart=QRectF(left, top, width, max(bottom - top, 0.0)),
        area=QRectF(
            left + AXIS_WIDTH,
            top + ROOM_TOP,
            max(width - AXIS_WIDTH - ROOM_RIGHT, 0.0),
            max(bottom - AXIS_HEIGHT - top - ROOM_TOP, 0.0),
        ),
        foot=QRectF(left, bottom, width, FOOT),
    )


class Projection:
    """From requests/s and log10 seconds to the pixels of `area`."""

    def __init__(self, axes: Axes, area: QRectF) -> None:
        low, high = math.log10(axes.latency.low), math.log10(axes.latency.high)
        self._x_scale = area.width() / (axes.rate.high - axes.rate.low)
        self._x_start = area.left() - axes.rate.low * self._x_scale
        self._y_scale = area.height() / (high - low)
        self._y_start = area.bottom() + low * self._y_scale

    def x(self, rate: float) -> float:
        """Pixel of a rate."""
        return self._x_start + self._x_scale * rate

    def y(self, log_seconds: float) -> float:
        """Pixel of a base-10 logarithm of seconds."""
        return self._y_start - self._y_scale * log_seconds

    def rate_at(self, x: float) -> float:
        """Rate at a pixel."""
        return (x - self._x_start) / self._x_scale

    def log_seconds_at(self, y: float) -> float:
        """Base-10 logarithm of seconds at a pixel."""
        return (self._y_start - y) / self._y_scale

    def points(self, points: Points) -> Points:
        """Pixels of many points."""
        return self._x_start + self._x_scale * points[0], self._y_start - self._y_scale * points[1]

    def every(self, lines: Sequence[Points]) -> list[Points]:
        """Pixels of many lines, in one pass of array operations."""
        if not lines:
            return []
        x, y = self.points((np.concatenate([line[0] for line in lines]), np.concatenate([line[1] for line in lines])))
        ends = list(accumulate(line[0].size for line in lines))
        return [(x[start:end], y[start:end]) for start, end in pairwise((0, *ends))]

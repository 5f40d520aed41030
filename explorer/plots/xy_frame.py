"""Axes of the small plots of money: two round ranges, a light grid, figures beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from explorer.plots.lettering import draw_line, text_width
from explorer.plots.polylines import Points
from explorer.plots.tail_axes import LATENCY_STEPS, TICK_STEPS, round_down, round_up
from explorer.plots.tokens import Tokens
from explorer.study.outcome import Array

FAR = 10_000.0
"""Pixels beyond which no screen is, and painters count no more exactly."""
LEFT, BOTTOM = 52.0, 32.0
"""Pixels for the figures of the axes, and below them the title of the horizontal one."""
APART = 6.0
"""Pixels that stay free between two figures."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its range, whether it is logarithmic, its title with the unit, and how a tick is written."""

    low: float
    high: float
    log: bool
    title: str
    text: Callable[[float], str]
    marked: tuple[float, ...] = ()
    """The only values there are, in rising order: where ticks stand. Empty for one with all values between its ends."""

    def place(self, value: float) -> float:
        """Where a value lies, 0 to 1 along the axis."""
        if self.log:
            value = max(value, 1e-300)
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def places(self, values: Array) -> Array:
        """The same of many values."""
        if self.log:
            span = math.log(self.high / self.low)
            return np.asarray((np.log(np.maximum(values, 1e-300)) - math.log(self.low)) / span)
        return np.asarray((values - self.low) / (self.high - self.low))

    def ticks(self, room: float, each: float) -> list[float]:
        """Round values, or the only ones there are, at least about `each` of `room` pixels apart."""
        if self.marked:
            found: list[float] = []
            for value in self.marked:
                if not found or (self.place(value) - self.place(found[-1])) * room >= each:
                    found.append(value)
            return found
        if self.log:
            for steps in (LATENCY_STEPS, (1.0,)):
                first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
                found = [s * 10.0**p for p in range(first, last + 1) for s in steps]
                found = [v for v in found if self.low * (1 - 1e-9) <= v <= self.high * (1 + 1e-9)]
                if len(found) * each <= room:
                    return found
            return found[:: max(1, math.ceil(len(found) * each / max(room, 1.0)))]
        step = round_up((self.high - self.low) / max(1, int(room / each)), TICK_STEPS)
        first = math.ceil(self.low / step - 1e-9)
        return [step * k for k in range(first, math.floor(self.high / step + 1e-9) + 1)]


def log_axis(values: list[float], title: str, text: Callable[[float], str]) -> Axis:
    """A logarithmic axis that holds all positive `values`."""
    good = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
    low, high = round_down(min(good), LATENCY_STEPS), round_up(max(good), LATENCY_STEPS)
    return Axis(low, high if high > low else 2.0 * low, True, title, text)


def linear_axis(low: float, high: float, title: str, text: Callable[[float], str]) -> Axis:
    """A linear axis from `low` up to a round value of at least `high`."""
    top = round_up(high, TICK_STEPS) if high > 0 else 1.0
    for step in (1.2, 1.4, 1.6, 1.8, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0):
        rounded = step * 10.0 ** math.floor(math.log10(high)) if high > 0 else 1.0
        if high <= rounded < top:
            top = rounded
    return Axis(low, top, False, title, text)


@dataclass(frozen=True, slots=True)
class Frame:
    """The plotting area with its two axes."""

    area: QRectF
    x: Axis
    y: Axis

    def at(self, x: float, y: float) -> QPointF:
        """A point in pixels."""
        area = self.area
        return QPointF(area.left() + self.x.place(x) * area.width(), area.bottom() - self.y.place(y) * area.height())

    def points(self, x: Array, y: Array) -> Points:
        """Many points in pixels, those far outside brought near."""
        area = self.area
        across = area.left() + self.x.places(x) * area.width()
        down = area.bottom() - self.y.places(y) * area.height()
        return np.clip(across, -FAR, FAR), np.clip(down, -FAR, FAR)


def frame_in(rect: QRectF, x: Axis, y: Axis) -> Frame:
    """A frame within `rect` that leaves room for figures."""
    return Frame(rect.adjusted(LEFT, 8.0, -12.0, -BOTTOM), x, y)


def figures_across(frame: Frame, ticks: Sequence[float]) -> list[tuple[float, float, str]]:
    """The figures below the horizontal axis: left end, width, text. One that would touch another is left out, and
    rather a 5 than a 10: on a logarithmic axis ticks lie unevenly."""
    area = frame.area
    found: list[tuple[float, float, str]] = []
    tens = [value for value in ticks if frame.x.log and not frame.x.marked and _is_ten(value)]
    for value in (*tens, *(value for value in ticks if value not in tens)):
        text = frame.x.text(value)
        width = text_width(text)
        # the first one clear of the lowest figure of the other axis
        x = max(frame.at(value, frame.y.low).x() - 0.5 * width, area.left() - 2.0)
        x = min(x, area.right() + 12.0 - width)
        if all(x + width + APART <= other or other + wide + APART <= x for other, wide, _ in found):
            found.append((x, width, text))
    return sorted(found)


def _is_ten(value: float) -> bool:
    return math.isclose(value, 10.0 ** round(math.log10(value)), rel_tol=1e-9)


def draw_frame(painter: QPainter, frame: Frame, tokens: Tokens) -> None:
    """Draw grid, figures and the title of the horizontal axis."""
    area = frame.area
    painter.setPen(QPen(QColor(tokens.grid), 1.0))
    across = frame.x.ticks(area.width(), 56.0)
    down = frame.y.ticks(area.height(), 26.0)
    for value in across:
        x = frame.at(value, frame.y.low).x()
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    for value in down:
        y = frame.at(frame.x.low, value).y()
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
    for x, width, text in figures_across(frame, across):
        draw_line(painter, x, area.bottom() + 14.0, width + 1.0, text, tokens.secondary)
    for value in down:
        y = frame.at(frame.x.low, value).y() + 4.0
        draw_line(painter, area.left() - LEFT, y, LEFT - 6.0, frame.y.text(value), tokens.secondary, right=True)
    draw_line(painter, area.left(), area.bottom() + 29.0, area.width(), frame.x.title, tokens.secondary)

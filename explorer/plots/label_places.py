"""Where direct labels stand: beside their own line, off every other line and label."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QRectF

from explorer.study.outcome import Array

ROWS = 6
GAP = 6.0
BACK = (0.0, 0.5, 1.0, 1.5, 2.5)
"""How far behind the end of a line a label is tried, in its own widths."""


Box = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""


@dataclass(frozen=True, slots=True)
class Segments:
    """Bounding boxes of drawn line pieces, pixels; arrays of shape (pieces,)."""

    left: Array
    right: Array
    top: Array
    bottom: Array

    @staticmethod
    def of(lines: list[tuple[Array, Array]]) -> Segments:
        """From polylines of pixel coordinates (x, y); pieces that end in NaN are left out."""
        long = [line for line in lines if line[0].size > 1]
        if not long:
            return Segments(*np.empty((4, 0)))
        # One line after the other; what would join two of them is cut out by the NaN between.
        gap = np.array([np.nan])
        x, y = (np.concatenate([part for line in long for part in (line[axis], gap)]) for axis in (0, 1))
        known = np.isfinite(x[:-1] + x[1:] + y[:-1] + y[1:])
        x, y, x_next, y_next = x[:-1][known], y[:-1][known], x[1:][known], y[1:][known]
        return Segments(np.minimum(x, x_next), np.maximum(x, x_next), np.minimum(y, y_next), np.maximum(y, y_next))

    def crossing(self, rect: QRectF) -> int:
        """How many pieces touch `rect`."""
        if not self.left.size:
            return 0
        left, top, right, bottom = box_of(rect)
        touched = (self.left < right) & (self.right > left) & (self.top < bottom) & (self.bottom > top)
        return int(np.count_nonzero(touched))


def box_of(rect: QRectF) -> Box:
    """The edges of a rectangle: asking it for them again and again costs more than comparing them."""
    return rect.left(), rect.top(), rect.right(), rect.bottom()


def overlaps(first: Box, others: Iterable[Box]) -> bool:
    """Whether a box shares any room with one of the others."""
    left, top, right, bottom = first
    for near, head, far, foot in others:  # noqa: SIM110 - a generator costs more than what it compares
        if left < far and near < right and top < foot and head < bottom:
            return True
    return False


class Placed(NamedTuple):
    """Where a label stands, which of the places tried beside its line that is, and how many lines it crosses."""

    rect: QRectF
    rank: int
    crossed: int


def place_label(
    line: tuple[Array, Array],
    size: tuple[float, float],
    plot: QRectF,
    segments: Segments,
    taken: list[Box],
    last: Placed | None = None,
) -> Placed | None:
    """The best free place for a label of `size` beside `line` inside `plot`, near the line's end.

    Places already `taken` are never used; the first that crosses no line is chosen, else the one that crosses
    the fewest. A label stays at the rank of its `last` place while it crosses no more lines there: one that jumps is
    not read. None when there is no place at all.
    """
    width, height = size
    finite = np.isfinite(line[1])
    xs, ys = line if finite.all() else (line[0][finite], line[1][finite])
    if xs.size < 2 or width > plot.width():
        return None
    leaves = float(ys.min()) <= plot.top() + 1.0
    count = 2 * ROWS if leaves else 1 + 2 * len(BACK)
    least, most = plot.left() + 2.0, plot.right() - width - 2.0
    highest, lowest = plot.top(), plot.bottom() - height
    best: Placed | None = None
    fewest = math.inf
    ranks = range(count) if last is None or last.rank >= count else (last.rank, *range(count))
    for place, rank in enumerate(ranks):
        wanted = _beside_exit(xs, ys, size, plot, rank) if leaves else _behind_end(xs, ys, size, rank)
        if wanted is None:
            continue
        left, top = min(max(wanted[0], least), most), wanted[1]
        if not highest <= top <= lowest or overlaps((left, top, left + width, top + height), taken):
            continue
        rect = QRectF(left, top, width, height)
        crossed = segments.crossing(rect)
        stays = last is not None and place == 0 and rank == last.rank and crossed <= last.crossed
        if crossed == 0 or stays:
            return Placed(rect, rank, crossed)
        if 10.0 * crossed + rank < fewest:
            best, fewest = Placed(rect, rank, crossed), 10.0 * crossed + rank
    return best


def _beside_exit(
    xs: Array, ys: Array, size: tuple[float, float], plot: QRectF, rank: int
) -> tuple[float, float] | None:
    """The corner of a place right or left of a line that leaves through the top, from there downwards."""
    row, left = divmod(rank, 2)
    width, height = size
    top = plot.top() + 4.0 + row * (height + 2.0)
    here = _x_at(xs, ys, top + 0.5 * height)
    if here is None:
        return None
    return (here - GAP - width if left else here + GAP), top


def _x_at(xs: Array, ys: Array, height: float) -> float | None:
    """Where a rising polyline (pixels, y downwards) last passes a height; None where it never does."""
    below = np.flatnonzero(ys >= height)
    if below.size == 0 or below[-1] == ys.size - 1:
        return None
    place = int(below[-1])
    x, y, x_next, y_next = float(xs[place]), float(ys[place]), float(xs[place + 1]), float(ys[place + 1])
    return x + (y - height) / (y - y_next) * (x_next - x)


def _behind_end(xs: Array, ys: Array, size: tuple[float, float], rank: int) -> tuple[float, float] | None:
    """The corner of a place behind the end of a line, then above and below it, then further back."""
    width, height = size
    if rank == 0:
        return float(xs[-1]) + GAP, float(ys[-1]) - 0.5 * height
    back, below = divmod(rank - 1, 2)
    right = float(xs[-1]) - 4.0 - BACK[back] * width
    left = right - width
    span = ys[(xs >= left) & (xs <= right)]
    if span.size == 0:
        return None
    return left, (float(span.max()) + 3.0 if below else float(span.min()) - height - 3.0)

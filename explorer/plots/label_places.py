"""Where direct labels stand: beside their own line, off every other line and label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF

from explorer.study.outcome import Array

ROWS = 6
GAP = 6.0


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
        pieces: list[Array] = []
        for x, y in lines:
            if x.size < 2:
                continue
            pieces.append(
                np.stack((
                    np.minimum(x[:-1], x[1:]), np.maximum(x[:-1], x[1:]),
                    np.minimum(y[:-1], y[1:]), np.maximum(y[:-1], y[1:]),
                ))
            )  # fmt: skip
        joined = np.concatenate(pieces, axis=1) if pieces else np.empty((4, 0))
        joined = joined[:, np.isfinite(joined).all(axis=0)]
        return Segments(joined[0], joined[1], joined[2], joined[3])

    def crossing(self, rect: QRectF) -> int:
        """How many pieces touch `rect`."""
        return int(
            np.count_nonzero(
                (self.left < rect.right())
                & (self.right > rect.left())
                & (self.top < rect.bottom())
                & (self.bottom > rect.top())
            )
        )


def x_at(line: tuple[Array, Array], y: float) -> float | None:
    """Where a rising polyline (pixels, y downwards) last passes height `y`; None when it never does."""
    xs, ys = line
    if xs.size < 2:
        return None
    above = np.flatnonzero((ys[:-1] >= y) & (ys[1:] <= y))
    if above.size == 0:
        return None
    k = int(above[-1])
    drop = float(ys[k] - ys[k + 1])
    share = 0.0 if drop == 0 else (float(ys[k]) - y) / drop
    return float(xs[k] + share * (xs[k + 1] - xs[k]))


def place_label(
    line: tuple[Array, Array],
    size: tuple[float, float],
    plot: QRectF,
    segments: Segments,
    taken: list[QRectF],
) -> QRectF | None:
    """The best free place for a label of `size` beside `line` inside `plot`, near the line's end.

    Places already `taken` are never used; the first that crosses no line is chosen, else the one that crosses
    the fewest. None when there is no place at all.
    """
    width, height = size
    finite = np.isfinite(line[1])
    xs, ys = line[0][finite], line[1][finite]
    if xs.size < 2 or width > plot.width():
        return None
    leaves = float(ys.min()) <= plot.top() + 1.0
    wanted = _beside_exit(xs, ys, width, height, plot) if leaves else _near_end(xs, ys, width, height)
    best: QRectF | None = None
    least = float("inf")
    for rank, rect in enumerate(wanted):
        rect.moveLeft(min(max(rect.left(), plot.left() + 2.0), plot.right() - width - 2.0))
        if rect.top() < plot.top() or rect.bottom() > plot.bottom():
            continue
        if any(rect.intersects(other) for other in taken):
            continue
        crossed = segments.crossing(rect)
        if crossed == 0:
            return rect
        if 10.0 * crossed + rank < least:
            best, least = rect, 10.0 * crossed + rank
    return best


def _beside_exit(xs: Array, ys: Array, width: float, height: float, plot: QRectF) -> Iterator[QRectF]:
    """Right and left of a line that leaves through the top, from there downwards."""
    for row in range(ROWS):
        top = plot.top() + 4.0 + row * (height + 2.0)
        here = x_at((xs, ys), top + 0.5 * height)
        if here is not None:
            yield QRectF(here + GAP, top, width, height)
            yield QRectF(here - GAP - width, top, width, height)


def _near_end(xs: Array, ys: Array, width: float, height: float) -> Iterator[QRectF]:
    """Behind the end of a line that ends inside the plot, then above and below it, then further back."""
    yield QRectF(float(xs[-1]) + GAP, float(ys[-1]) - 0.5 * height, width, height)
    for back in (0.0, 0.5, 1.0, 1.5, 2.5):
        right = float(xs[-1]) - 4.0 - back * width
        left = right - width
        span = ys[(xs >= left) & (xs <= right)]
        if span.size == 0:
            continue
        yield QRectF(left, float(span.min()) - height - 3.0, width, height)
        yield QRectF(left, float(span.max()) + 3.0, width, height)

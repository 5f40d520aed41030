"""Polylines for Qt: no more points than the eye can tell apart, cut where nothing is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPolygonF
from shiboken6 import VoidPtr

from explorer.study.outcome import Array

Points = tuple[Array, Array]
"""x and y of a line, each of shape (points,); y is NaN where the line is broken."""

TOLERANCE = 0.16
"""Pixels that a point left out may lie off the line that is drawn."""
BLOCK = 4
"""Points that are looked at together: all but the first are left out, or none."""
POINT_BYTES = 16
"""Two doubles: what a QPolygonF holds of each point, one after the other."""


def thinned(lines: list[Points], tolerance: float = TOLERANCE) -> list[Points]:
    """The same lines (pixels) without points that lie on the straight line between the ends of their block.

    No point left out lies more than `tolerance` pixels off the line that stays. All lines go through one pass of
    array operations; stroking costs Qt as much a point as a pixel, and most points of a smooth curve are not needed.
    """
    lengths = [line[0].size for line in lines]
    blocks = (sum(lengths) - 1) // BLOCK
    if blocks < 1:
        return lines
    x, y = (np.concatenate([line[axis] for line in lines]) for axis in (0, 1))
    ends = list(accumulate(lengths))
    whole = blocks * BLOCK
    xs, ys = x[: whole + 1 : BLOCK], y[: whole + 1 : BLOCK]
    across, down = xs[1:] - xs[:-1], ys[1:] - ys[:-1]
    aside_x = x[:whole].reshape(blocks, BLOCK)[:, 1:] - xs[:-1, None]
    aside_y = y[:whole].reshape(blocks, BLOCK)[:, 1:] - ys[:-1, None]
    area = np.maximum.reduce(np.abs(across[:, None] * aside_y - down[:, None] * aside_x), axis=1)
    # A comparison with NaN is false: the points beside a gap stay.
    straight = area <= tolerance * np.hypot(across, down)
    # A block that holds the end of a line stays whole: its two sides are not of one line.
    straight[[min((end - 1) // BLOCK, blocks - 1) for end in ends[:-1]]] = False
    keep = np.ones(x.size, dtype=bool)
    keep[:whole].reshape(blocks, BLOCK)[straight, 1:] = False
    kept = np.flatnonzero(keep)
    cuts = kept.searchsorted([0, *ends]).tolist()
    x, y = x[kept], y[kept]
    return [(x[start:end], y[start:end]) for start, end in pairwise(cuts)]


def clipped(line: Points, area: QRectF) -> Points:
    """The line cut at the edges of `area`, NaN where it is outside: for devices that know no clipping, as SVG.

    Each segment by the method of Liang and Barsky (A new concept and method for line clipping, 1984).
    """
    xs: list[float] = []
    ys: list[float] = []
    x, y = line[0].tolist(), line[1].tolist()
    for (x0, y0), (x1, y1) in pairwise(zip(x, y, strict=True)):
        start, end = 0.0, 1.0
        for step, room in (
            (x0 - x1, x0 - area.left()), (x1 - x0, area.right() - x0),
            (y0 - y1, y0 - area.top()), (y1 - y0, area.bottom() - y0),
        ):  # fmt: skip
            if step < 0.0:
                start = max(start, room / step)
            elif step > 0.0:
                end = min(end, room / step)
            elif not room >= 0.0:
                end = -1.0
        if not (math.isfinite(y0) and math.isfinite(y1)) or start > end:
            continue
        first = (x0 + start * (x1 - x0), y0 + start * (y1 - y0))
        if not xs or (xs[-1], ys[-1]) != first:
            # A new piece: the line was outside, or not known, in between.
            xs += [math.nan, first[0]] if xs else [first[0]]
            ys += [math.nan, first[1]] if ys else [first[1]]
        xs.append(x0 + end * (x1 - x0))
        ys.append(y0 + end * (y1 - y0))
    return np.array(xs), np.array(ys)


def pieces_of(lines: Sequence[Points]) -> list[list[QPolygonF]]:
    """The `pieces` of each line; most often none is broken, which one look at all of them tells."""
    whole = bool(lines) and all(line[1].size >= 2 for line in lines)
    if whole and np.isfinite(np.concatenate([line[1] for line in lines])).all():
        return [[polygon(line)] for line in lines]
    return [pieces(line) for line in lines]


def pieces(line: Points) -> list[QPolygonF]:
    """The unbroken parts of a line that have at least two points."""
    x, y = line
    known = np.isfinite(y)
    if known.all():
        return [polygon(line)] if x.size >= 2 else []
    parts = np.split(np.arange(x.size), np.flatnonzero(~known))
    whole = [part[known[part]] for part in parts]
    return [polygon((x[part], y[part])) for part in whole if part.size >= 2]


def polygon(line: Points) -> QPolygonF:
    """Points as Qt draws them, filled through memory: one object a point would cost more than the drawing."""
    x, y = line
    made = QPolygonF()
    if x.size:
        made.resize(x.size)
        # The stubs do not know that memory can be had through its first point.
        points: Any = VoidPtr(made.data(), POINT_BYTES * x.size, True)  # type: ignore[call-arg,arg-type]
        memory = np.frombuffer(points).reshape(-1, 2)
        memory[:, 0], memory[:, 1] = x, y
    return made

"""Polylines for Qt: no more points than the eye can tell apart, cut where nothing is known."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPolygonF

from explorer.study.outcome import Array

Points = tuple[Array, Array]
"""x and y of a line, each of shape (points,); y is NaN where the line is broken."""

TOLERANCE = 0.08
"""Pixels a line may move by one round of leaving points out."""
ROUNDS = 3


def thinned(lines: list[Points], tolerance: float = TOLERANCE, rounds: int = ROUNDS) -> list[Points]:
    """The same lines (pixels) without the points that lie on the straight line between their neighbours.

    Each round leaves out at most every second point, those within `tolerance` of the chord of their neighbours, so
    that no line moves by more than `rounds` x `tolerance` pixels. All lines go through one pass of array operations;
    stroking costs Qt as much a point as a pixel, and most points of a smooth curve are not needed.
    """
    lengths = np.array([line[0].size for line in lines], dtype=np.intp)
    if not lengths.sum():
        return lines
    x, y = (np.concatenate([line[axis] for line in lines]) for axis in (0, 1))
    ends = np.cumsum(lengths)
    owner = np.repeat(np.arange(lengths.size), lengths)
    fixed = np.zeros(x.size, dtype=bool)
    fixed[ends[lengths > 0] - 1] = True
    fixed[(ends - lengths)[lengths > 0]] = True
    for _ in range(rounds):
        if x.size < 3:
            break
        # Odd places only: their neighbours on both sides stay.
        before, here, after = slice(0, -2, 2), slice(1, -1, 2), slice(2, None, 2)
        across, down = x[after] - x[before], y[after] - y[before]
        area = np.abs(across * (y[here] - y[before]) - down * (x[here] - x[before]))
        keep = np.ones(x.size, dtype=bool)
        # A comparison with NaN is false: the points beside a gap stay.
        keep[here] = fixed[here] | ~(area <= tolerance * np.hypot(across, down))
        x, y, fixed, owner = x[keep], y[keep], fixed[keep], owner[keep]
    cuts = np.searchsorted(owner, np.arange(lengths.size + 1)).tolist()
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
    made: QPolygonF = pg.functions.create_qpolygonf(x.size)
    if x.size:
        memory = pg.functions.ndarray_from_qpolygonf(made)
        memory[:, 0], memory[:, 1] = x, y
    return made

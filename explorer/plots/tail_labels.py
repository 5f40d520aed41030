"""Where the words on the tail plot stand: the labels of its lines, its promise and its own traffic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF

from explorer.plots.label_places import Box, Placed, Segments, box_of, overlaps, place_label
from explorer.plots.lettering import LINE_HEIGHT, text_width
from explorer.plots.measured_marks import MeasuredMark
from explorer.plots.polylines import Points
from explorer.plots.tail_area import Projection
from explorer.plots.tail_axes import Axes
from explorer.study.outcome import Array

SAMPLES = np.array((0.0, 0.4, 0.7, 0.9))
"""Where along a line, as shares of its length, it is watched whether it has moved."""
STILL = 2.0
"""Pixels that lines may move before the labels are placed anew: labels that jump are not read."""
HURRIED = 6
NO_LINES = Segments.of([])
MARK_ROOM = 7.0
"""Pixels around a ring or a cliff that labels leave free."""


@dataclass(frozen=True, slots=True)
class LineNote:
    """The direct label of one line, and the line as (rate, log10 seconds); index -1 is the baseline."""

    index: int
    text: str
    x: Array
    y: Array


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of one alternative: requests/s and seconds."""

    index: int
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Notes:
    """Everything written on the curves of one frame."""

    lines: tuple[LineNote, ...] = ()
    rings: tuple[Mark, ...] = ()
    cliffs: tuple[Mark, ...] = ()
    measured: tuple[MeasuredMark, ...] = ()
    promise: tuple[float, str] | None = None
    traffic: tuple[float, str] | None = None
    sentence: str = ""
    """Said in the middle of the plot when there is no line to draw."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where words stand, in pixels: labels of lines, and the texts of promise and own traffic."""

    labels: tuple[tuple[LineNote, QRectF], ...]
    promise: QRectF | None
    traffic: QRectF | None


@dataclass(frozen=True, slots=True)
class _Anchors:
    """What the labels' places hang on: room, axes, texts, and pixels along the lines."""

    area: QRectF
    axes: Axes
    words: tuple[object, ...]
    pixels: Array

    def still(self, before: _Anchors) -> bool:
        """Whether the same things stand within `STILL` pixels of where they stood."""
        if (self.area, self.axes, self.words) != (before.area, before.axes, before.words):
            return False
        if self.pixels.shape != before.pixels.shape:
            return False
        # A gap in a line is NaN in both.
        moved, known = np.abs(self.pixels - before.pixels), ~(np.isnan(self.pixels) & np.isnan(before.pixels))
        return bool(np.all(moved[known] <= STILL))


class LabelPlacer:
    """Places the words of one frame after the other; labels stay where they are until something moves by a few.

    While a hand moves, each label keeps its side of its line, and whether it crosses others there is looked at in
    every `HURRIED` th frame only: the eye does not read a label that is under way.
    """

    def __init__(self) -> None:
        self._anchors: _Anchors | None = None
        self._labels: tuple[tuple[LineNote, QRectF], ...] = ()
        self._last: dict[tuple[int, str], Placed] = {}
        self._segments = Segments.of([])
        self._hurried = 0
        self._promise_side = 0

    def place(
        self, notes: Notes, axes: Axes, area: QRectF, lines: tuple[Points, ...], *, hurried: bool = False
    ) -> Places:
        """The words of `notes` in `area`; `lines` are the lines drawn there, pixels, by index."""
        at = Projection(axes, area)
        self._hurried = (self._hurried + 1) % HURRIED if hurried else 0
        traffic = _traffic_place(notes, area, at)
        if self._hurried:
            # where lines are is not asked: a label stays beside its line
            self._anchors = None
            promise = self._promise_place(notes, area, at, None, traffic)
            self._labels = self._placed(notes, area, lines, NO_LINES, _taken(notes, at, promise, traffic))
            return Places(self._labels, promise, traffic)
        anchors = _found_anchors(notes, axes, area, at)
        if self._anchors is not None and anchors.still(self._anchors):
            promise = self._promise_place(notes, area, at, self._segments, traffic)
            taken = _taken(notes, at, promise, traffic)
            if not any(overlaps(box_of(rect), taken) for _, rect in self._labels):
                return Places(self._labels, promise, traffic)
        self._anchors = anchors
        segments = self._segments = Segments.of(list(lines))
        promise = self._promise_place(notes, area, at, segments, traffic)
        taken = _taken(notes, at, promise, traffic)
        self._labels = self._placed(notes, area, lines, segments, taken)
        return Places(self._labels, promise, traffic)

    def _promise_place(
        self, notes: Notes, area: QRectF, at: Projection, segments: Segments | None, traffic: QRectF | None
    ) -> QRectF | None:
        """On or under its line at either side: off the words of the own `traffic`, where it crosses the fewest
        `segments`, or (None) where it last was."""
        wanted = _promise_places(notes, area, at)
        if traffic is not None:
            free = {side: rect for side, rect in wanted.items() if not rect.intersects(traffic)}
            wanted = free or wanted
        if segments is not None or self._promise_side not in wanted:
            crossed = NO_LINES if segments is None else segments
            self._promise_side = min(wanted, key=lambda side: crossed.crossing(wanted[side]), default=0)
        return wanted.get(self._promise_side)

    def _placed(
        self, notes: Notes, area: QRectF, lines: tuple[Points, ...], segments: Segments, taken: list[Box]
    ) -> tuple[tuple[LineNote, QRectF], ...]:
        found: list[tuple[LineNote, QRectF]] = []
        now: dict[tuple[int, str], Placed] = {}
        # The leftmost line first: its label has the least choice. The baseline's comes last.
        for note in sorted(notes.lines, key=lambda one: (one.index < 0, float(one.x[-1]))):
            size = (text_width(note.text, semibold=note.index >= 0), LINE_HEIGHT - 1.0)
            x, y = lines[note.index]
            inside = int(x.searchsorted(area.right(), "right"))
            key = (note.index, note.text)
            last = self._last.get(key)
            placed = place_label((x[:inside], y[:inside]), size, area, segments, taken, last)
            if placed is not None:
                if self._hurried and last is not None and _hardly_moved(placed, last):
                    placed = last
                taken.append(box_of(placed.rect))
                found.append((note, placed.rect))
                now[key] = placed
        self._last = now
        return tuple(found)


def _hardly_moved(now: Placed, before: Placed) -> bool:
    x, y, old_x, old_y = now.rect.left(), now.rect.top(), before.rect.left(), before.rect.top()
    return now.rank == before.rank and abs(x - old_x) <= STILL and abs(y - old_y) <= STILL


def _found_anchors(notes: Notes, axes: Axes, area: QRectF, at: Projection) -> _Anchors:
    xs: list[float] = []
    ys: list[float] = []
    ceiling = math.log10(axes.latency.high)
    for note in notes.lines:
        end, top = float(note.x[-1]), float(note.y[-1])
        if top > ceiling and note.x.size > 1:
            # Where the line leaves the plot, not where its last point happens to lie.
            rise = top - float(note.y[-2])
            if rise > 0:
                end -= (end - float(note.x[-2])) * min((top - ceiling) / rise, 1.0)
            top = ceiling
        along = SAMPLES * end
        xs += (end, *along.tolist())
        ys += (top, *np.interp(along, note.x, note.y).tolist())
    if notes.promise is not None:
        xs.append(0.0)
        ys.append(math.log10(notes.promise[0]))
    words = (*((note.index, note.text) for note in notes.lines), notes.promise and notes.promise[1])
    return _Anchors(QRectF(area), axes, words, np.stack(at.points((np.array(xs), np.array(ys)))))


def _taken(notes: Notes, at: Projection, promise: QRectF | None, traffic: QRectF | None) -> list[Box]:
    """Where no label may stand: the texts of promise and traffic, and the marks."""
    found = [box_of(rect) for rect in (promise, traffic) if rect is not None]
    for mark in (*notes.rings, *notes.cliffs):
        x, y = at.x(mark.rate), at.y(math.log10(mark.seconds))
        found.append((x - MARK_ROOM, y - MARK_ROOM, x + MARK_ROOM, y + MARK_ROOM))
    return found


def _promise_places(notes: Notes, area: QRectF, at: Projection) -> dict[int, QRectF]:
    """Where the text of the promise has room: on its line at the left and right, and under it."""
    if notes.promise is None:
        return {}
    seconds, text = notes.promise
    y, width = at.y(math.log10(seconds)), text_width(text)
    left, right = area.left() + 6.0, area.right() - width - 4.0
    sides = ((left, y - LINE_HEIGHT), (right, y - LINE_HEIGHT), (left, y + 1.0), (right, y + 1.0))
    return {
        side: QRectF(x, top, width, LINE_HEIGHT)
        for side, (x, top) in enumerate(sides)
        if top >= area.top() and top + LINE_HEIGHT <= area.bottom()
    }


def _traffic_place(notes: Notes, area: QRectF, at: Projection) -> QRectF | None:
    """At the foot of its line, left of it where there is no room at the right."""
    if notes.traffic is None:
        return None
    rate, text = notes.traffic
    width = text_width(text)
    left = at.x(rate) + 6.0
    if left + width > area.right():
        left = at.x(rate) - 6.0 - width
    return QRectF(left, area.bottom() - LINE_HEIGHT - 3.0, width, LINE_HEIGHT)

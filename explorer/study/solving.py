"""Break-even on any problem that says by how much its goal is met: the value of one quantity, or what blocks it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

from explorer.study.crossing import Crossing, Margin, between, crossings, ladder

Status = Literal["already met", "value", "infeasible", "no effect"]
Side = Literal["low", "high"]

NO_EFFECT = 1e-3
"""A margin (a logarithm) that moves by less than this from one end to the other does not hang on the quantity."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a quantity may be moved: its present value (None where nothing is set), where a scan looks, and the
    ends that stand for none of it and for as much as one likes."""

    present: float | None
    low: float
    high: float
    low_end: float
    high_end: float
    whole: bool = False
    stops: tuple[float, ...] = ()
    """The only values it can take, where there are few."""
    better: Side | None = None
    """The end towards which it can only help, where that is known."""

    def points(self, per_decade: float) -> tuple[float, ...]:
        """Ascending values for a scan, both ends among them."""
        if self.stops:
            return self.stops
        inner = ladder(self.low, self.high, per_decade, through=self.present)
        if self.whole:
            inner = tuple(dict.fromkeys(float(round(value)) for value in inner))
        return tuple(sorted({self.low_end, self.high_end, *inner}))


class Problem(Protocol):
    """A goal and the quantities it may hang on."""

    @property
    def reaches(self) -> Mapping[str, Reach]:
        """The quantities by name."""
        ...

    def margin(self, values: Mapping[str, float]) -> float:
        """By how much the goal is met with some quantities at these values, the others as they are."""
        ...


@dataclass(frozen=True, slots=True)
class Solution:
    """Where a goal begins to be met along one quantity.

    `value` is the break-even nearest to the present value (None where there is none), `rising` says that the goal is
    met above it. `best_end` is the end at which the goal is met best.
    """

    status: Status
    value: float | None
    rising: bool
    crossings: tuple[Crossing, ...]
    best_end: Side
    margin_now: float | None
    margin_at_end: float

    @property
    def monotone(self) -> bool:
        """Whether more (or less) is always better: at most one crossing."""
        return len(self.crossings) <= 1


@dataclass(frozen=True, slots=True)
class Unblocking:
    """A value of another quantity from which on the goal can be met at all."""

    name: str
    value: float
    rising: bool
    change: float
    """How many times the present value, or its inverse where it must fall: at least 1."""


def solve(
    problem: Problem, unknown: str, fixed: Mapping[str, float] | None = None, per_decade: float = 2.5
) -> Solution:
    """The break-even of one quantity with the others as they are, or at `fixed`."""
    reach = problem.reaches[unknown]
    others = {} if fixed is None else dict(fixed)
    kept: dict[float, float] = {}

    def margin(value: float) -> float:
        if value not in kept:
            kept[value] = problem.margin({**others, unknown: value})
        return kept[value]

    points = reach.points(per_decade)
    found = _stops(margin, points) if reach.stops else crossings(margin, points, whole=reach.whole)
    first, last = margin(points[0]), margin(points[-1])
    best: Side = "low" if first > last else "high"
    if max(first, last) < 0.0:
        best = reach.better or best
    now = None if reach.present is None else margin(reach.present)
    spread = [margin(point) for point in points]
    end_margin = max(first, last)
    if not found:
        if (now is not None and now >= 0.0) or (now is None and end_margin >= 0.0):
            return Solution("already met", None, best == "high", (), best, now, end_margin)
        flat = max(spread) - min(spread) <= NO_EFFECT if all(map(math.isfinite, spread)) else len(set(spread)) == 1
        return Solution("no effect" if flat else "infeasible", None, best == "high", (), best, now, end_margin)
    nearest = min(found, key=lambda one: _apart(one.value, reach.present))
    status: Status = "already met" if now is not None and now >= 0.0 else "value"
    return Solution(status, nearest.value, nearest.rising, found, best, now, end_margin)


def unblockings(problem: Problem, unknown: str, end: Side, per_decade: float = 2.0) -> tuple[Unblocking, ...]:
    """With the unknown at its best end and the goal still missed: each other quantity that could make it possible,
    alone, and from which value on; the smallest change first."""
    reach = problem.reaches[unknown]
    fixed = {unknown: reach.low_end if end == "low" else reach.high_end}
    found: list[Unblocking] = []
    for name, other in problem.reaches.items():
        if name == unknown or other.present is None:
            continue
        for target in (other.low_end, other.high_end):
            if target != other.present and problem.margin({**fixed, name: target}) >= 0.0:
                solution = _from_present(problem, name, other, fixed, target, per_decade)
                if solution is not None:
                    found.append(solution)
                break
    return tuple(sorted(found, key=lambda one: one.change))


def _from_present(
    problem: Problem, name: str, reach: Reach, fixed: Mapping[str, float], target: float, per_decade: float
) -> Unblocking | None:
    """The first value on the way from the present one to `target` at which the goal is met."""
    present = reach.present
    assert present is not None
    rising = target > present
    way = [point for point in reach.points(per_decade) if (point > present) == rising and point != present]
    way = way if rising else way[::-1]

    def margin(value: float) -> float:
        return problem.margin({**fixed, name: value})

    before, at_before = present, margin(present)
    for point in way:
        at_point = margin(point)
        if at_point >= 0.0:
            if reach.stops:
                value = point
            elif reach.whole:
                value = _whole(margin, before, point, rising)
            else:
                ends = (before, point, at_before, at_point) if rising else (point, before, at_point, at_before)
                value = between(margin, *ends)
            change = value / present if rising else present / max(value, 1e-300)
            return Unblocking(name, value, rising, change if present > 0 else math.inf)
        before, at_before = point, at_point
    return None


def _whole(margin: Margin, before: float, point: float, rising: bool) -> float:
    low, high = (before, point) if rising else (point, before)
    found = crossings(margin, (low, high), whole=True)
    return found[0].value if found else point


def _stops(margin: Margin, stops: tuple[float, ...]) -> tuple[Crossing, ...]:
    """Crossings between the only values a quantity can take: the stop at which the goal is met."""
    found = []
    for low, high in pairwise(stops):
        below, above = margin(low) >= 0.0, margin(high) >= 0.0
        if below != above:
            found.append(Crossing(high if above else low, above))
    return tuple(found)


def _apart(value: float, present: float | None) -> float:
    if present is None:
        return value
    if value > 0 and present > 0:
        return abs(math.log(value / present))
    return abs(value - present)

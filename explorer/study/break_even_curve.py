"""What a break-even is read off: both sides of the goal, and its chance, over the number that it is solved for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.scenario.statement import Statement
from explorer.study.question import margins
from explorer.study.scenario_problem import ScenarioProblem
from explorer.study.solving import Reach

POINTS = 25
"""Values that are looked at, evenly on a logarithmic scale."""
SLACK = 1e-5
"""Margin (a logarithm) by which the goal may be missed at its own break-even: that is known to a few in a million."""
BESIDE = 4.0
"""How many times the least and the largest value of interest the curve goes beyond them."""


@dataclass(frozen=True, slots=True)
class BreakEvenCurve:
    """The goal over ascending values of the number, SI; sequences of one length.

    A side is infinite where nothing carries the load or fits, and not a number where nothing can be built like that.
    """

    values: tuple[float, ...]
    left: tuple[float, ...]
    right: tuple[float, ...]
    chances: tuple[float, ...]
    """Share of the draws of what is open elsewhere in which the goal is met; empty where nothing was drawn."""
    met: tuple[bool, ...]
    """Whether the goal is met with all else at its value; nowhere for an equality, which is met at a point."""


def met_at(statement: Statement, left: Sequence[float], right: Sequence[float]) -> tuple[bool, ...]:
    """Where a goal with these sides is met, or misses by no more than its break-even is known."""
    if statement.comparison == "=":
        return (False,) * len(left)
    found = margins(statement, np.asarray(left), np.asarray(right))
    return tuple((found >= -SLACK).tolist())


def values_of_interest(reach: Reach, marks: tuple[float | None, ...]) -> tuple[float, ...]:
    """Values for a curve that shows the `marks` (None for one that there is not) and what is around them, ascending.

    All positive; at most one where the number cannot be moved.
    """
    if reach.stops:
        return tuple(value for value in reach.stops if value > 0.0)
    low, high = max(reach.low, 1e-300), reach.high
    known = [value for value in marks if value is not None and low <= value <= high]
    if known:
        low, high = max(low, min(known) / BESIDE), min(high, max(known) * BESIDE)
    if not high > low:
        return (low,)
    step = math.log(high / low) / (POINTS - 1)
    ladder = [low * math.exp(step * at) for at in range(POINTS - 1)]
    every = {*ladder, high, *known}
    if reach.whole:
        every = {float(round(value)) for value in every if round(value) > 0}
    return tuple(sorted(every))


def curve_of(problem: ScenarioProblem, marks: tuple[float | None, ...], samples: int) -> BreakEvenCurve | None:
    """The goal over its number, the `marks` among the values; None where it cannot be moved."""
    values = values_of_interest(problem.unknown.reach, marks)
    if len(values) < 2:
        return None
    left, right = zip(*(problem.sides({problem.unknown.name: value}) for value in values), strict=True)
    chances = tuple(problem.chance(value, samples) for value in values) if samples else ()
    return BreakEvenCurve(values, left, right, chances, met_at(problem.question.statement, left, right))

"""What a break-even is read off: both sides of the goal, and its chance, over the number that it is solved for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from explorer.study.scenario_problem import ScenarioProblem
from explorer.study.solving import Reach

POINTS = 25
"""Values that are looked at, evenly on a logarithmic scale."""
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
    sides = [problem.sides({problem.unknown.name: value}) for value in values]
    return BreakEvenCurve(
        values,
        tuple(left for left, _ in sides),
        tuple(right for _, right in sides),
        tuple(problem.chance(value, samples) for value in values) if samples else (),
    )

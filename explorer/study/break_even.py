"""Break-even: the value of one number at which a statement about a scenario begins to hold, or what blocks it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from explorer.scenario.schema import Scenario
from explorer.scenario.statement import Statement, parse_statement
from explorer.study.break_even_curve import BreakEvenCurve, curve_of
from explorer.study.crossing import between, crossings
from explorer.study.evaluate import Evaluator
from explorer.study.fleet_question import FleetQuestion
from explorer.study.question import Question, held
from explorer.study.scenario_problem import ScenarioProblem, Wanted
from explorer.study.solving import Side, Solution, Status, Unblocking, solve, unblockings
from explorer.study.unknown import Unknown

FoundT = TypeVar("FoundT")

SAMPLES = 64
"""Draws of the other open figures while looking for a band."""
LOW, HIGH = 0.05, 0.95
LEVEL = 1e-3
"""Two sides this close (as a share) count as equal already."""
BAND_TOLERANCE = 5e-3
STEP = 1.3
"""First step of the search for the ends of a band, growing."""


@dataclass(frozen=True, slots=True)
class Locks:
    """What is set by hand although the scenario leaves it automatic: the number of replicas (a number, or as many as
    now), and the layout as it is now."""

    replicas: int | Literal["auto", "now"] = "auto"
    layout: bool = False


@dataclass(frozen=True, slots=True)
class Blocker:
    """A figure that makes the goal impossible as it is, and the value from which on it would not (SI)."""

    unknown: Unknown
    value: float
    rising: bool


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The answer; values are SI, of the unknown where not said otherwise.

    `value` is where the goal begins to be met with all other figures at their values. `hopeful` and `sure` are where
    it is met in 5 % and in 95 % of the draws of what is open elsewhere, None where no value does so.
    """

    statement: Statement
    unknown: Unknown
    status: Status
    value: float | None
    rising: bool
    """The goal is met above `value`; below it where false."""
    hopeful: float | None
    sure: float | None
    chance_now: float | None
    """Share of draws in which the goal is met at the present value."""
    chance_at_end: float | None
    """The same at the best end of the unknown."""
    end: Side
    left_now: float | None
    right_now: float | None
    """The two sides of the statement as things are."""
    left_at_end: float
    right_at_end: float
    any_build: bool
    """Any number of replicas (and of chips in each, where the scenario leaves it open) may be bought to meet it."""
    chips_at_value: int | None
    """Chips that it then takes."""
    blockers: tuple[Blocker, ...]
    left_with_all_best: float | None
    """Where it is infeasible: the left side with every figure of the chip at its best end together."""
    crossings: tuple[float, ...]
    """More than one where more is not always better."""
    cautions: tuple[str, ...]
    samples: int
    curve: BreakEvenCurve | None = None
    """The goal over the number; None where it was not asked for, or the number cannot be moved."""
    chance_over_all: float | None = None
    """As `chance_now`, with the unknown drawn over what is believed of it, as verdicts are; None for a settled one."""


CHANCE = "chance"
"""The output that is itself a share of draws."""


def break_even(
    evaluator: Evaluator,
    scenario: Scenario,
    unknown: str,
    goal: str,
    *,
    locks: Locks | None = None,
    samples: int = SAMPLES,
    explain: bool = True,
) -> BreakEven:
    """Solve a statement for one number of the scenario; `samples` 0 leaves the band out.

    `explain`: where it is infeasible, look for the figures that block it. What is sized automatically is sized for
    the goal alone where the goal limits a P99 latency (SEMANTICS: the scenario's other promises stand beside it in
    `cautions`). Raises StatementError, UnknownInputError and NoAnswerError, each with what is allowed.
    """
    steps = break_even_steps(evaluator, scenario, unknown, goal, locks=locks, samples=samples, explain=explain)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: BreakEven = end.value
            return found


def break_even_steps(
    evaluator: Evaluator,
    scenario: Scenario,
    unknown: str,
    goal: str,
    *,
    locks: Locks | None = None,
    samples: int = SAMPLES,
    explain: bool = True,
    curve: bool = False,
) -> Generator[BreakEven | None, None, BreakEven]:
    """`break_even`, pausing after every evaluation so that something more urgent can come between.

    With a `curve` the answer is yielded as soon as it is known, and returned with its curve.
    """
    statement = parse_statement(goal)
    if any(term.output.key == CHANCE for term in statement.terms):
        # It runs over the draws already: in each of them alone the goal would be met or not, and of that a chance
        # says nothing.
        samples = 0
    kept = locks or Locks()
    if any(term.of_fleet for term in statement.terms):
        problem = ScenarioProblem(FleetQuestion(evaluator, statement), scenario, unknown)
    else:
        question = Question(evaluator, scenario, statement, for_goal=True)
        # as now: as the scenario's own promises have it sized, and not as the goal alone would
        now = held(Question(evaluator, scenario, statement), scenario, kept.replicas, kept.layout)
        problem = ScenarioProblem(question, now, unknown)
    found = yield from _evaluated(
        problem, lambda: _answer(problem, solve(problem, problem.unknown.name), samples, explain)
    )
    if not curve:
        return found
    yield found
    marks = (found.unknown.reach.present, found.value, found.hopeful, found.sure)
    return replace(found, curve=(yield from _evaluated(problem, lambda: curve_of(problem, marks, samples))))


def _evaluated(problem: ScenarioProblem, work: Callable[[], FoundT]) -> Generator[None, None, FoundT]:
    """What `work` finds, pausing after every evaluation that it asks for."""
    while True:
        # a search is decided by its evaluations alone: it begins again with one more known each time
        try:
            return work()
        except Wanted as wanted:
            problem.known[wanted.key] = wanted.work()
        yield


def _answer(problem: ScenarioProblem, solution: Solution, samples: int, explain: bool) -> BreakEven:
    unknown, statement = problem.unknown, problem.question.statement
    reach = unknown.reach
    status, value = solution.status, solution.value
    if statement.comparison == "=" and solution.value is None and status != "no effect":
        status = "infeasible"
    elif statement.comparison == "=" and solution.value is not None:
        level = solution.margin_now is not None and abs(solution.margin_now) < LEVEL
        status = "already met" if level else "value"
    points = reach.points(1.0)
    end_value = points[0] if solution.best_end == "low" else points[-1]
    left_end, right_end = problem.sides({unknown.name: end_value})
    now = None if reach.present is None else problem.sides({unknown.name: reach.present})
    hopeful = sure = chance_now = chance_end = chance_all = None
    if samples and status != "no effect":
        start = value if value is not None else reach.present
        if start is not None:
            rising = solution.rising
            hopeful = _drawn_value(problem, start, rising, LOW, samples)
            sure = _drawn_value(problem, start, rising, HIGH, samples)
        chance_now = None if reach.present is None else problem.chance(reach.present, samples)
        chance_end = problem.chance(end_value, samples)
        if chance_now is not None and unknown.is_open and not statement.left.of_fleet:
            # with as many draws as a verdict has: the two are read side by side
            chance_all = problem.chance_over_all(problem.scenario.simulation.samples)
    blockers: tuple[Blocker, ...] = ()
    all_best = None
    met = solution.margin_now is not None and solution.margin_now >= 0.0
    if explain and status in ("infeasible", "no effect") and statement.comparison != "=" and not met:
        blockers = tuple(_blocker(problem, one) for one in unblockings(problem, unknown.name, solution.best_end))
        all_best = None if blockers or not problem.others else _with_all_best(problem, end_value)
    any_build = problem.question.builds_freely(problem.scenario)
    return BreakEven(
        statement=statement,
        unknown=unknown,
        status=status,
        value=value,
        rising=solution.rising,
        hopeful=hopeful,
        sure=sure,
        chance_now=chance_now,
        chance_at_end=chance_end,
        end=solution.best_end,
        left_now=None if now is None else now[0],
        right_now=None if now is None else now[1],
        left_at_end=left_end,
        right_at_end=right_end,
        any_build=any_build,
        chips_at_value=_chips(problem, value) if any_build else None,
        blockers=blockers,
        left_with_all_best=all_best,
        crossings=tuple(one.value for one in solution.crossings),
        cautions=_cautions(problem, value),
        samples=samples,
        chance_over_all=chance_all,
    )


def _drawn_value(problem: ScenarioProblem, start: float, rising: bool, share: float, samples: int) -> float | None:
    """From which value on (or up to which, where not `rising`) a share of the draws meet the goal; None for none."""
    reach = problem.unknown.reach
    points = reach.points(1.0)
    if reach.stops:
        ordered = points if rising else points[::-1]
        return next((one for one in ordered if problem.quantile(one, share, samples) >= 0.0), None)
    low, high = points[0], points[-1]

    def margin(value: float) -> float:
        return problem.quantile(value, share, samples)

    at = min(max(start, low), high)
    here = margin(at)
    # walk from where it is met centrally towards where it is just met in this share of draws
    upwards = (here < 0.0) == rising
    step = STEP if upwards else 1.0 / STEP
    for _ in range(64):
        beyond = min(max(at * step, low), high) if at > 0 else high
        there = margin(beyond)
        if (there >= 0.0) != (here >= 0.0):
            ends = (at, beyond, here, there) if beyond > at else (beyond, at, there, here)
            if reach.whole:
                return crossings(margin, tuple(round(end) for end in ends[:2]), whole=True)[0].value
            return between(margin, *ends, tolerance=BAND_TOLERANCE)
        if beyond in (low, high):
            return beyond if there >= 0.0 else None
        at, here, step = beyond, there, step**1.5
    return None


def _with_all_best(problem: ScenarioProblem, end_value: float) -> float:
    """The left side with the unknown at its best end and every other figure at its own, all together."""
    values = {problem.unknown.name: end_value}
    for name, one in problem.others.items():
        ends = (one.reach.low_end, one.reach.high_end)
        values[name] = max(ends, key=lambda end: problem.margin({problem.unknown.name: end_value, name: end}))
    return problem.sides(values)[0]


def _chips(problem: ScenarioProblem, value: float | None) -> int | None:
    outcomes = problem.outcomes(value, promised=False)
    return outcomes[0].chips_total if outcomes and outcomes[0].keeps_promises else None


def _blocker(problem: ScenarioProblem, one: Unblocking) -> Blocker:
    return Blocker(problem.others[one.name], one.value, one.rising)


def _cautions(problem: ScenarioProblem, value: float | None) -> tuple[str, ...]:
    """What else is wrong where the goal is met: promises of the scenario that stay broken, prices nobody published."""
    found: list[str] = []
    outcomes = problem.outcomes(value, promised=True)
    for one in dict.fromkeys(one.name for one in outcomes):
        outcome = next(other for other in outcomes if other.name == one)
        if not outcome.keeps_promises and outcome.reason:
            found.append(f"{outcome.name} then breaks a promise of the scenario: {outcome.reason}")
        if outcome.cost.price_hypothetical:
            found.append(f"{outcome.name}: its price is an assumption that nobody published")
    return tuple(found)

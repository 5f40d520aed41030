"""Claims checked: with which probability each holds over all that is not known, and which open figure decides it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.figure import FIGURE_KINDS
from explorer.errors import ExplorerError
from explorer.scenario.quantity import QUANTITIES, Quantity, quantity_for_unit
from explorer.scenario.schema import Claim, Scenario
from explorer.scenario.statement import Statement, parse_statement
from explorer.study.answers import DrawnWorkload
from explorer.study.bands import residual_factors
from explorer.study.evaluate import Evaluator
from explorer.study.fleet_outputs import FleetAnswers
from explorer.study.outcome import AlternativeOutcome, Banded
from explorer.study.output_values import NoAnswerError
from explorer.study.question import Question, holding, margins
from explorer.study.scenario_problem import ScenarioProblem, Wanted
from explorer.study.solving import solve
from explorer.study.unknown import UnknownInputError

Array = NDArray[np.float64]

SAMPLES = 256
BINS = 8
LEAST_SHARE = 0.05
"""A figure that explains less than this share of the doubt decides nothing."""
LOW, HIGH = 0.05, 0.95
LEAST_TOLD = 0.05
"""Where fewer of the cases than this can be compared, nothing is claimed."""
MODEL_ERROR = "the model's own error"
MEMORY_OUTPUTS = ("memory_headroom", "largest_batch", "largest_context")
STALLS = "stragglers.stall_probability"


@dataclass(frozen=True, slots=True)
class Decider:
    """The open figure on which a claim hangs most."""

    title: str
    of: str
    share: float
    """Share of the doubt about the claim that knowing this figure would take away (first-order Sobol index)."""
    chance_low: float
    """Chance of the claim where the figure is at its low end (the lowest eighth of its draws), and at its high end."""
    chance_high: float
    flips_at: float | None
    """Value (SI) at which the claim turns with all else as stated; None where none does."""
    quantity: Quantity
    path: str
    """Where a scenario sets it; empty for a rent."""
    source: str


@dataclass(frozen=True, slots=True)
class ClaimAnswer:
    """What is found of one claim. `probability` is None with a `reason` where it cannot be told."""

    claim: Claim
    statement: Statement
    holds: bool | None
    """At the stated values."""
    probability: float | None
    settled: bool
    """Nothing that is open moves either side: it holds, or it does not."""
    left: Banded | None
    right: Banded | None
    """Both sides, SI, with the band of their draws; infinite for what cannot carry the load."""
    decider: Decider | None
    model_share: float
    """Share of the doubt that the model's own error explains."""
    undecided: float
    """Share of the cases in which neither side carries anything, so that they cannot be compared; left out above."""
    stalls_flip_at: float | None
    """Chance of a rare stall at which the claim turns; None where it does not hang on stalls."""
    over: str
    """What the probability runs over."""
    cautions: tuple[str, ...]
    reason: str = ""


def check_claims(
    evaluator: Evaluator, scenario: Scenario, samples: int = SAMPLES
) -> Generator[tuple[ClaimAnswer, ...] | None, None, tuple[ClaimAnswer, ...]]:
    """Check the scenario's claims one after the other, yielding what there is so far, None where nothing is new.

    A claim that cannot be asked of this scenario has the reason in its answer; the text of each was read with the file.
    """
    fleets = FleetAnswers(evaluator, scenario)
    found: list[ClaimAnswer] = []
    for claim in scenario.claims:
        statement = parse_statement(claim.statement)
        try:
            if any(term.of_fleet or term.output.key == "portability" for term in statement.terms):
                found.append(fleets_claim(fleets, claim, statement))
            else:
                found.append((yield from _of_alternatives(evaluator, scenario, claim, statement, samples)))
        except ExplorerError as error:
            found.append(_unanswered(claim, statement, str(error)))
        yield tuple(found)
    return tuple(found)


def claims_at_once(evaluator: Evaluator, scenario: Scenario, samples: int = SAMPLES) -> tuple[ClaimAnswer, ...]:
    """All claims checked, here and now."""
    steps = check_claims(evaluator, scenario, samples)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: tuple[ClaimAnswer, ...] = end.value
            return found


def fleets_claim(fleets: FleetAnswers, claim: Claim, statement: Statement) -> ClaimAnswer:
    """A claim about fleets: over the suppliers that are not disclosed, prices and figures as stated."""
    if not isinstance(statement.right, float) and statement.left.of_fleet != statement.right.of_fleet:
        raise NoAnswerError("a fleet cannot be compared with an alternative: name two fleets, or two alternatives")
    left = fleets.values(statement.left, statement)
    right = None if isinstance(statement.right, float) else fleets.values(statement.right, statement)
    first, weight = left.draws, left.weights
    second = np.asarray([statement.right]) if right is None else right.draws
    if right is not None:
        # what one fleet does not know is drawn independently of the other, unless both know all
        first, second = np.repeat(first, second.size), np.tile(second, first.size)
        weight = np.outer(left.weights, right.weights).ravel()
    held = holding(statement, margins(statement, first, second))
    central_right = statement.right if isinstance(statement.right, float) else right.value if right else np.nan
    central = margins(statement, np.asarray([left.value]), np.asarray([central_right]))
    sides = [left] if right is None else [left, right]
    judged = [one for one in sides if one.judged]
    probability: float | None = float(weight @ held)
    reason = ""
    if judged:
        low, high = _corners(statement, left.band, None if right is None else right.band)
        probability = 1.0 if low and high else 0.0 if not (low or high) else None
        reason = "" if probability is not None else "the ranges of what was judged overlap: no probability is claimed"
    return ClaimAnswer(
        claim=claim,
        statement=statement,
        holds=bool(holding(statement, central)[0]),
        probability=probability,
        settled=not judged and first.size == 1,
        left=left.band,
        right=None if right is None else right.band,
        decider=None,
        model_share=0.0,
        undecided=0.0,
        stalls_flip_at=None,
        over="; ".join(dict.fromkeys(one.over for one in sides if one.over)) or "nothing open: all suppliers are known",
        cautions=(),
        reason=reason,
    )


def _corners(statement: Statement, left: Banded, right: Banded | None) -> tuple[bool, bool]:
    """Whether the statement holds at the two corners that favour it least and most."""
    other = (statement.right, statement.right) if right is None else (right.low, right.high)
    ends = np.asarray([[left.low, other[1]], [left.high, other[0]]], dtype=np.float64)
    held = holding(statement, margins(statement, ends[:, 0], ends[:, 1]))
    return bool(held[0]), bool(held[1])


def _of_alternatives(
    evaluator: Evaluator, scenario: Scenario, claim: Claim, statement: Statement, samples: int
) -> Generator[None, None, ClaimAnswer]:
    question = Question(evaluator, scenario, statement)
    left, right = question.values(scenario)
    central = margins(statement, np.asarray([left]), np.asarray([right]))
    first, second = question.drawn(scenario, samples)
    held = np.broadcast_to(holding(statement, margins(statement, first, second)), (samples,))
    told = np.broadcast_to(_comparable(statement, first, second), (samples,))
    if np.mean(told) < LEAST_TOLD:
        reason = "neither side carries any load that keeps the promises, so they cannot be compared"
        return _unanswered(claim, statement, reason, _cautions(question.outcomes(scenario)))
    probability = float(np.mean(held[told]))
    decider, model_share = None, 0.0
    if 0.0 < probability < 1.0:
        decider, model_share = _decider(question, scenario, held, told)
        if decider is not None and decider.path:
            flips = yield from _turning_point(question, scenario, decider.path)
            decider = _with_flip(decider, flips)
    memory_only = all(term.output.key in MEMORY_OUTPUTS for term in statement.terms)
    stalls = None
    if any(term.output.key.startswith(("itl", "e2e")) for term in statement.terms):
        stalls = yield from _turning_point(question, scenario, STALLS)
    return ClaimAnswer(
        claim=claim,
        statement=statement,
        holds=bool(holding(statement, central)[0]),
        probability=probability,
        settled=first.size == 1 and second.size == 1,
        left=_banded(left, first),
        right=None if isinstance(statement.right, float) else _banded(right, second),
        decider=decider,
        model_share=model_share,
        undecided=1.0 - float(np.mean(told)),
        stalls_flip_at=stalls,
        over="open figures of the chips and the model's own error",
        cautions=() if memory_only else _cautions(question.outcomes(scenario)),
    )


def _comparable(statement: Statement, left: Array, right: Array) -> NDArray[np.bool_]:
    """Where two sides can be told apart: not both infinite, and not both nothing."""
    if isinstance(statement.right, float):
        return np.ones(1, dtype=bool)
    endless = np.isinf(left) & np.isinf(right)
    nothing = (left == 0.0) & (right == 0.0)
    return np.asarray(~(endless | nothing))


def _decider(
    question: Question, scenario: Scenario, held: NDArray[np.bool_], told: NDArray[np.bool_]
) -> tuple[Decider | None, float]:
    """The drawn figure that explains the largest share of the variance of "it holds", and the model's own share."""
    best: Decider | None = None
    model = 0.0
    answers = held[told].astype(np.float64)
    for drawn in question.drawn_workloads(scenario, held.size):
        for path, title, of, values, quantity, source in _drawn_inputs(drawn, held.size):
            share, low, high = _first_order(values[told], answers)
            if title == MODEL_ERROR:
                model += share
            elif share >= LEAST_SHARE and (best is None or share > best.share):
                best = Decider(title, of, share, low, high, None, quantity, path, source)
    return best, model


def _drawn_inputs(
    drawn: DrawnWorkload, samples: int
) -> Generator[tuple[str, str, str, Array, Quantity, str], None, None]:
    """Everything drawn of the chips of a workload: path, title, chip, values (samples,), quantity, source."""
    seed = drawn.context.scenario.simulation.seed
    kind = "moe" if drawn.context.served.shape.is_moe else "dense"
    seen: set[str] = set()
    for entry in drawn.sized:
        chip = entry.deployment.chip
        if chip.id in seen:
            continue
        seen.add(chip.id)
        for name, values in entry.deployment.figures.draws(samples, seed).items():
            figure = chip.figure(name)
            if figure.derived_from is None and not FIGURE_KINDS[name].informative:
                source = figure.source or figure.reason
                path = f"overrides.{chip.id}.{name}"
                yield path, figure.title, chip.short_name, values, quantity_for_unit(figure.unit), source
        step, first = residual_factors(
            chip.id, chip.evidence_grade, kind, samples, seed, entry.deployment.figures.step_spread
        )
        for values in (step, first):
            yield "", MODEL_ERROR, chip.short_name, values, QUANTITIES["plain"], ""
        if entry.price.basis == "offer" and entry.price.draws is not None:
            hourly = QUANTITIES["usd_per_hour"]
            yield "", "Price of a chip-hour", chip.short_name, entry.price.draws, hourly, entry.price.source


def _first_order(values: Array, held: Array) -> tuple[float, float, float]:
    """First-order Sobol index of an input for "it holds" by equal bins of the sorted draws, what chance alone would
    give taken off; and the chance in the lowest and in the highest bin (of two readings: at each)."""
    distinct = np.unique(values)
    if distinct.size <= BINS:
        groups = [held[values == one] for one in distinct]
    else:
        groups = np.array_split(held[np.argsort(values, kind="stable")], BINS)
    means = np.asarray([np.mean(group) for group in groups])
    sizes = np.asarray([group.size for group in groups], dtype=np.float64)
    whole = float(np.mean(held))
    variance = whole * (1.0 - whole)
    between = float(sizes @ (means - whole) ** 2) / held.size
    by_chance = (len(groups) - 1) / max(held.size - 1, 1)
    # with no more draws than groups, chance alone would explain all
    told = variance > 0 and by_chance < 1.0
    share = (between / variance - by_chance) / (1.0 - by_chance) if told else 0.0
    return max(share, 0.0), float(means[0]), float(means[-1])


def _with_flip(found: Decider, flips: float | None) -> Decider:
    return Decider(
        found.title,
        found.of,
        found.share,
        found.chance_low,
        found.chance_high,
        flips,
        found.quantity,
        found.path,
        found.source,
    )


def _turning_point(question: Question, scenario: Scenario, path: str) -> Generator[None, None, float | None]:
    """Where along one number the claim turns, all else as stated; None where it does not."""
    try:
        problem = ScenarioProblem(question, scenario, path)
    except UnknownInputError:
        return None
    while True:
        try:
            return solve(problem, problem.unknown.name, per_decade=1.0).value
        except Wanted as wanted:
            problem.known[wanted.key] = wanted.work()
        yield None


def _banded(value: float, draws: Array) -> Banded:
    ordered = np.sort(draws)
    last = ordered.size - 1
    low, high = float(ordered[int(LOW * last)]), float(ordered[int(np.ceil(HIGH * last))])
    return Banded(value, min(low, value), max(high, value))


def _cautions(outcomes: tuple[AlternativeOutcome, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for one in outcomes:
        if one.reason and not one.keeps_promises:
            found.append(f"{one.name}: {one.reason}")
        if one.cost.price_hypothetical:
            found.append(f"{one.name}: its price is an assumption that nobody published")
    return tuple(dict.fromkeys(found))


def _unanswered(claim: Claim, statement: Statement, reason: str, cautions: tuple[str, ...] = ()) -> ClaimAnswer:
    return ClaimAnswer(claim, statement, None, None, False, None, None, None, 0.0, 0.0, None, "", cautions, reason)

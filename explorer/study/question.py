"""A statement put to a scenario: the alternatives it speaks of, evaluated alone, and by how much it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.scenario.places import Place, places
from explorer.scenario.schema import Fleet, Scenario
from explorer.scenario.statement import Statement, StatementError, Term
from explorer.scenario.workload import Alternative, LayoutChoice, Objectives, Workload
from explorer.study.answers import DrawnWorkload
from explorer.study.evaluate import Evaluator
from explorer.study.layouts import layouts_of_degree
from explorer.study.outcome import AlternativeOutcome
from explorer.study.output_values import central_value, drawn_values, latency_of, price_taken
from explorer.study.resolve import served_model
from explorer.study.scope import needs_a_rate

Array = NDArray[np.float64]

Evaluated = tuple[AlternativeOutcome, DrawnWorkload | None, int]
"""An alternative's outcome, the draws of its workload, and its place there."""

HOURLY_OUTPUTS = ("usd_per_million", "usd_per_million_full", "usd_per_month", "usd_per_chip_hour")


class Question:
    """A statement about alternatives of a scenario, ready to be asked of that scenario and of changed ones.

    `for_goal`: where the statement limits a P99 latency, it takes the place of the promises, so that layouts are
    chosen for it. Where the number of replicas is open as well, it is met when some build keeps it: any number of
    replicas, and any degree where none is set; its left side is then the latency of the fastest build with hardly any
    load.
    """

    def __init__(
        self, evaluator: Evaluator, scenario: Scenario, statement: Statement, *, for_goal: bool = False
    ) -> None:
        self.evaluator, self.statement = evaluator, statement
        found = places(scenario, statement, evaluator.catalog)
        self.places = tuple(place for place in found if place is not None)
        if len(self.places) < len(found):
            term = next(term for term, place in zip(statement.terms, found, strict=True) if place is None)
            raise StatementError(
                statement.text, term.subject_column, "a fleet cannot be asked about here", "an alternative's name"
            )
        for place in self.places:
            needs_a_rate(scenario.workloads[place.workload], "A statement about an alternative")
        self.for_goal = for_goal and _limits_latency(statement)

    def builds_freely(self, scenario: Scenario) -> bool:
        """Whether the statement is a goal that replicas are sized for."""
        place = self.places[0]
        return self.for_goal and scenario.workloads[place.workload].alternatives[place.alternative].replicas == "auto"

    def asked(self, scenario: Scenario, *, every_degree: bool = False) -> Scenario:
        """Only what the statement speaks of, with the numbers of chips it says; `every_degree`: once for each degree
        where none is set."""
        workloads: dict[int, list[Alternative]] = {}
        for term, place in zip(self.statement.terms, self.places, strict=True):
            workload = scenario.workloads[place.workload]
            taken = workloads.setdefault(place.workload, [])
            one = _at_degree(workload.alternatives[place.alternative], term.degree)
            if every_degree and one.parallelism_degree == "auto" and one.layout == "auto":
                taken.extend(_at_degree(one, degree) for degree in self._degrees(workload, one))
            elif one.name not in [other.name for other in taken]:
                taken.append(one)
        built = []
        for at, taken in workloads.items():
            workload = scenario.workloads[at]
            selected = taken[0].name
            if scenario.comparison.basis == "equal_spend":
                chosen = next(one for one in workload.alternatives if one.name == workload.selected)
                if chosen.name not in [one.name for one in taken]:
                    taken.append(chosen)
                selected = chosen.name
            update: dict[str, object] = {"alternatives": tuple(taken), "selected": selected}
            if self.for_goal:
                update["objectives"] = self._goal_alone()
            built.append(workload.model_copy(update=update))
        return scenario.model_copy(update={"workloads": tuple(built), "fleet": Fleet(), "shocks": ()})

    def _degrees(self, workload: Workload, one: Alternative) -> list[int]:
        catalog = self.evaluator.catalog
        chip, served = catalog.chip(one.chip), served_model(catalog, workload.model)
        return [degree for degree in chip.degrees if layouts_of_degree(degree, served, chip)]

    def _goal_alone(self) -> Objectives:
        latency = latency_of(self.statement.left.output)
        assert latency is not None and isinstance(self.statement.right, float)
        return Objectives.model_validate({f"{latency[0]}_p99_s": self.statement.right / self.statement.left.factor})

    def outcomes(self, scenario: Scenario, samples: int = 1) -> tuple[AlternativeOutcome, ...]:
        """What each term speaks of, evaluated as it is sized."""
        return tuple(one for one, _, _ in self._evaluated(scenario, samples))

    def drawn_workloads(self, scenario: Scenario, samples: int) -> tuple[DrawnWorkload, ...]:
        """The draws behind what each term speaks of, each workload once."""
        found = [drawn for _, drawn, _ in self._evaluated(scenario, samples) if drawn is not None]
        return tuple({id(drawn): drawn for drawn in found}.values())

    def values(self, scenario: Scenario, prices: Mapping[Place, float] | None = None) -> tuple[float, float]:
        """Central value of each side, SI; `prices` are USD a chip-hour taken in place of the scenario's."""
        found = []
        if self.builds_freely(scenario):
            latency = latency_of(self.statement.left.output)
            assert latency is not None
            (answer,) = self.evaluator.answers(self.asked(scenario, every_degree=True), 1, frozenset({latency[0]}))
            curves = [one.curves[latency[0]].p99 for one in answer.outcome.alternatives]
            fastest = min((float(p99[0]) for p99 in curves if p99.size), default=np.inf)
            found.append(self.statement.left.factor * fastest)
        else:
            samples = scenario.simulation.samples if self._needs_draws else 1
            for term, place, (one, drawn, at) in self._terms(scenario, samples):
                price = None if prices is None else prices.get(place)
                if price is not None and term.output.key in HOURLY_OUTPUTS:
                    value = float(price_taken(term.output, one, drawn, at, price, central=True)[0])
                else:
                    value = central_value(term.output, one)
                found.append(term.factor * value)
        right = self.statement.right if isinstance(self.statement.right, float) else found[1]
        return found[0], right

    def drawn(
        self, scenario: Scenario, samples: int, prices: Mapping[Place, float] | None = None
    ) -> tuple[Array, Array]:
        """Each side in every draw, (samples,) or (1,); the same draw of a figure stands at the same place.

        For a goal that is sized for: in each draw half the goal where some build keeps it, infinite where none does.
        """
        found: list[Array] = []
        if self.builds_freely(scenario):
            assert isinstance(self.statement.right, float)
            (answer,) = self.evaluator.answers(self.asked(scenario, every_degree=True), samples, frozenset())
            kept = np.zeros(samples, dtype=bool)
            if answer.drawn is not None:
                kept = np.any(answer.drawn.bands.cliffs > 0, axis=0)
            found.append(np.where(kept, 0.5 * self.statement.right, np.inf))
        else:
            for term, place, (one, drawn, at) in self._terms(scenario, samples):
                price = None if prices is None else prices.get(place)
                if price is not None and term.output.key in HOURLY_OUTPUTS:
                    value = price_taken(term.output, one, drawn, at, price, central=False)
                else:
                    value = drawn_values(term.output, one, drawn, at)
                found.append(term.factor * value)
        right = np.asarray([self.statement.right]) if isinstance(self.statement.right, float) else found[1]
        return found[0], right

    def margin(self, scenario: Scenario, prices: Mapping[Place, float] | None = None) -> float:
        """By how much the statement holds centrally: a logarithm of a ratio where both sides are positive."""
        left, right = self.values(scenario, prices)
        return float(margins(self.statement, np.asarray([left]), np.asarray([right]))[0])

    def drawn_margins(self, scenario: Scenario, samples: int, prices: Mapping[Place, float] | None = None) -> Array:
        """By how much the statement holds in each draw, (samples,)."""
        left, right = self.drawn(scenario, samples, prices)
        return np.broadcast_to(margins(self.statement, left, right), (samples,))

    @property
    def _needs_draws(self) -> bool:
        return any(term.output.key == "chance" for term in self.statement.terms)

    def _terms(self, scenario: Scenario, samples: int) -> list[tuple[Term, Place, Evaluated]]:
        evaluated = self._evaluated(scenario, samples)
        return list(zip(self.statement.terms, self.places, evaluated, strict=True))

    def _evaluated(self, scenario: Scenario, samples: int) -> list[Evaluated]:
        reduced = self.asked(scenario)
        answers = self.evaluator.answers(reduced, samples)
        order = list(dict.fromkeys(place.workload for place in self.places))
        found: list[Evaluated] = []
        for term, place in zip(self.statement.terms, self.places, strict=True):
            index = order.index(place.workload)
            name = _at_degree(scenario.workloads[place.workload].alternatives[place.alternative], term.degree).name
            at = [one.name for one in reduced.workloads[index].alternatives].index(name)
            answer = answers[index]
            found.append((answer.outcome.alternatives[at], answer.drawn, at))
        return found


def _limits_latency(statement: Statement) -> bool:
    latency = latency_of(statement.left.output)
    limit = isinstance(statement.right, float) and statement.comparison in ("<", "<=")
    return latency is not None and latency[1] == 0.99 and limit


def margins(statement: Statement, left: Array, right: Array) -> Array:
    """By how much `left` compares with `right` as stated; never NaN (two infinities compare as failing).

    For "=" the sign only tells which side is larger: positive where the left one is.
    """
    one, other = np.broadcast_arrays(np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        positive = (one > 0) & (other > 0)
        # of the quotient: logarithms of neighbours may be the same number
        ratio = np.log(np.where(positive, one, 1.0) / np.where(positive, other, 1.0))
        scale = np.maximum(np.maximum(np.abs(one), np.abs(other)), 1e-300)
        difference = (one - other) / np.where(np.isfinite(scale), scale, 1.0)
        more = np.where(positive, ratio, difference)
    signed = -more if statement.comparison in ("<", "<=") else more
    return np.where(np.isnan(signed), -np.inf, signed)


def holding(statement: Statement, found: Array) -> NDArray[np.bool_]:
    """Where a margin means that the statement holds."""
    return np.asarray(found > 0.0 if statement.comparison in ("<", ">") else found >= 0.0)


def _at_degree(one: Alternative, degree: int | None) -> Alternative:
    if degree is None:
        return one
    if one.parallelism_degree == degree:
        return one
    changed = {"name": f"{one.name} x{degree}", "parallelism_degree": degree, "layout": "auto"}
    return one.model_copy(update=changed)


def held(question: Question, scenario: Scenario, replicas: int | Literal["auto", "now"], layout: bool) -> Scenario:
    """The scenario with a number of replicas (or the present one), or the present layout, of what is asked about set
    by hand."""
    if replicas == "auto" and not layout:
        return scenario
    workloads = list(scenario.workloads)
    for place, one in zip(question.places, question.outcomes(scenario), strict=True):
        if not one.memory.fits:
            continue
        update: dict[str, object] = {}
        if replicas != "auto":
            update["replicas"] = one.replicas if replicas == "now" else replicas
        if layout:
            update["layout"] = LayoutChoice(tp=one.layout.tp, pp=one.layout.pp, dp=one.layout.dp, ep=one.layout.ep)
            update["parallelism_degree"] = one.layout.chips
        workload = workloads[place.workload]
        alternatives = list(workload.alternatives)
        alternatives[place.alternative] = alternatives[place.alternative].model_copy(update=update)
        workloads[place.workload] = workload.model_copy(update={"alternatives": tuple(alternatives)})
    return scenario.model_copy(update={"workloads": tuple(workloads)})

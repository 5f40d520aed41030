"""A statement about a scenario as a problem to be solved: the number asked for, the figures that may block it, and
every evaluation kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.figure import FIGURE_KINDS
from explorer.errors import ExplorerError
from explorer.scenario.outputs import OUTPUTS
from explorer.scenario.places import Place
from explorer.scenario.schema import Scenario
from explorer.study.fleet_question import FleetQuestion
from explorer.study.outcome import AlternativeOutcome
from explorer.study.output_values import NoAnswerError
from explorer.study.question import HOURLY_OUTPUTS, Question, holding, margins
from explorer.study.solving import Reach
from explorer.study.unknown import Unknown, UnknownInputError, figure_unknown, unknown_named

FoundT = TypeVar("FoundT")


class Wanted(Exception):  # noqa: N818 - not an error: an answer that is not there yet
    """What a solver asked for and is not known yet."""

    def __init__(self, key: tuple[object, ...], work: Callable[[], object]) -> None:
        self.key, self.work = key, work


class ScenarioProblem:
    """A statement about a scenario, the number it is solved for, and the figures that may block it."""

    def __init__(self, question: Question | FleetQuestion, scenario: Scenario, unknown: str) -> None:
        self.question, self.scenario = question, scenario
        catalog = question.evaluator.catalog
        self.known: dict[tuple[object, ...], object] = {}
        near = question.places[0] if question.places else Place(0, 0)
        self.unknown = unknown_named(catalog, scenario, unknown, near, _prices(question, scenario))
        if self.unknown.place is not None:
            _refuse_pointless_price(question, scenario, self.unknown)

    @cached_property
    def others(self) -> Mapping[str, Unknown]:
        """The figures of the chip that the goal is asked of, by name; none of a fleet's."""
        if not self.question.places:
            return {}
        catalog = self.question.evaluator.catalog
        place = self.question.places[0]
        chip = catalog.chip(self.scenario.workloads[place.workload].alternatives[place.alternative].chip)
        found = [
            figure_unknown(catalog, self.scenario, chip.id, name)
            for name, figure in chip.figures.items()
            if figure.derived_from is None and not FIGURE_KINDS[name].informative
        ]
        return {one.name: one for one in found if one.name != self.unknown.name}

    @cached_property
    def reaches(self) -> Mapping[str, Reach]:
        """How far each number may be moved."""
        return {self.unknown.name: self.unknown.reach, **{name: one.reach for name, one in self.others.items()}}

    def changed(self, values: Mapping[str, float]) -> tuple[Scenario, Mapping[Place, float] | None]:
        """The scenario with numbers at `values`, and the price that no scenario holds."""
        scenario, prices = self.scenario, None
        for name, value in values.items():
            one = self.unknown if name == self.unknown.name else self.others[name]
            if one.place is not None:
                prices = {one.place: value}
            else:
                scenario = one.put(scenario, value)
        return scenario, prices

    def margin(self, values: Mapping[str, float]) -> float:
        """By how much the goal is met; -inf where nothing can be built like that."""
        left, right = self.sides(values)
        return float(margins(self.question.statement, np.asarray([left]), np.asarray([right]))[0])

    def sides(self, values: Mapping[str, float]) -> tuple[float, float]:
        """Both sides of the statement, SI; not a number where nothing can be built like that."""

        def work() -> tuple[float, float]:
            try:
                return self.question.values(*self.changed(values))
            except NoAnswerError:
                raise
            except ExplorerError:
                # a layout that cannot be, such as a degree that this model does not split into
                return math.nan, math.nan

        return self._look_up(("sides", *sorted(values.items())), work)

    def quantile(self, value: float, share: float, samples: int) -> float:
        """The margin that a share of the draws reach with the unknown at `value`."""
        found = np.sort(self._drawn(value, samples))[::-1]
        return float(found[math.ceil(share * samples) - 1])

    def chance(self, value: float, samples: int) -> float:
        """Share of draws in which the goal is met with the unknown at `value`."""
        return float(np.mean(holding(self.question.statement, self._drawn(value, samples))))

    def chance_over_all(self, samples: int) -> float:
        """The same with the unknown drawn too, as it is believed."""
        return float(np.mean(holding(self.question.statement, self._drawn(None, samples))))

    def outcomes(self, value: float | None, *, promised: bool) -> tuple[AlternativeOutcome, ...]:
        """What the statement speaks of, as it is sized with the unknown at `value`: for the goal, or for what the
        scenario has promised. Empty where nothing can be built like that."""
        if isinstance(self.question, FleetQuestion):
            return ()
        question = Question(self.question.evaluator, self.scenario, self.question.statement, for_goal=not promised)
        scenario, _ = self.changed({} if value is None else {self.unknown.name: value})

        def work() -> tuple[AlternativeOutcome, ...]:
            try:
                return question.outcomes(scenario)
            except ExplorerError:
                return ()

        return self._look_up(("outcomes", value, promised), work)

    def _drawn(self, value: float | None, samples: int) -> NDArray[np.float64]:
        def work() -> NDArray[np.float64]:
            scenario, prices = self.changed({} if value is None else {self.unknown.name: value})
            try:
                return self.question.drawn_margins(scenario, samples, prices)
            except NoAnswerError:
                raise
            except ExplorerError:
                return np.full(samples, -np.inf)

        return self._look_up(("drawn", value, samples), work)

    def _look_up(self, key: tuple[object, ...], work: Callable[[], FoundT]) -> FoundT:
        if key not in self.known:
            raise Wanted(key, work)
        return cast("FoundT", self.known[key])


def _prices(question: Question | FleetQuestion, scenario: Scenario) -> dict[Place, float | None]:
    """Today's price of a chip-hour of what the goal speaks of, USD."""
    found: dict[Place, float | None] = {}
    for place, one in zip(question.places, question.outcomes(scenario), strict=True):
        price = one.cost.usd_per_chip_hour
        found[place] = None if price is None else price.value
    return found


def _refuse_pointless_price(question: Question | FleetQuestion, scenario: Scenario, unknown: Unknown) -> None:
    terms = zip(question.statement.terms, question.places, strict=False)
    if not any(place == unknown.place and term.output.key in HOURLY_OUTPUTS for term, place in terms):
        names = ", ".join(f"{OUTPUTS[key].name} of {unknown.of}" for key in HOURLY_OUTPUTS)
        raise UnknownInputError(unknown.name, "the goal does not hang on this price", f"a goal about {names}")
    if scenario.comparison.basis == "equal_spend":
        raise UnknownInputError(
            unknown.name, "with equal spend a price changes how much is bought", "sized_to_promise or as_set"
        )

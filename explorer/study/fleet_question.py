"""A statement about a fleet put to a scenario: the same questions as `Question`, answered by the fleet's suppliers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from explorer.scenario.places import Place
from explorer.scenario.schema import Scenario
from explorer.scenario.statement import Statement
from explorer.study.evaluate import Evaluator
from explorer.study.fleet_outputs import FleetAnswers, SideValues
from explorer.study.outcome import AlternativeOutcome
from explorer.study.output_values import NoAnswerError
from explorer.study.question import margins

Array = NDArray[np.float64]


class FleetQuestion:
    """A statement whose every term is a fleet's; it points at no alternative and sizes nothing for itself."""

    places: tuple[Place, ...] = ()

    def __init__(self, evaluator: Evaluator, statement: Statement) -> None:
        if not all(term.of_fleet for term in statement.terms):
            raise NoAnswerError("a fleet cannot be compared with an alternative: name two fleets, or two alternatives")
        self.evaluator, self.statement = evaluator, statement

    def builds_freely(self, _: Scenario) -> bool:
        """Never: a fleet is as its shares say."""
        return False

    def outcomes(self, _: Scenario) -> tuple[AlternativeOutcome, ...]:
        """None: a fleet is no alternative."""
        return ()

    def values(self, scenario: Scenario, prices: Mapping[Place, float] | None = None) -> tuple[float, float]:
        """Central value of each side, SI."""
        left, right = self._sides(scenario)
        return left.value, right if isinstance(right, float) else right.value

    def drawn_margins(self, scenario: Scenario, samples: int, prices: Mapping[Place, float] | None = None) -> Array:
        """By how much the statement holds in each of `samples` draws of the suppliers nobody named, (samples,)."""
        left, right = self._sides(scenario)
        first = _drawn(left, samples)
        second = np.full(samples, right) if isinstance(right, float) else _drawn(right, samples)
        return margins(self.statement, first, second)

    def _sides(self, scenario: Scenario) -> tuple[SideValues, SideValues | float]:
        answers = FleetAnswers(self.evaluator, scenario)
        left = answers.values(self.statement.left, self.statement)
        right = self.statement.right
        return left, right if isinstance(right, float) else answers.values(right, self.statement)


def _drawn(side: SideValues, samples: int) -> Array:
    """Every value as often as its weight says, in the order of the ways the undisclosed may be."""
    at = np.searchsorted(np.cumsum(side.weights), (np.arange(samples) + 0.5) / samples * side.weights.sum())
    return np.asarray(side.draws[np.minimum(at, side.draws.size - 1)])

"""The value of a named output of a fleet, or of a software stack, over what is not disclosed about suppliers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.portability import portability_matrix
from explorer.engine.concentration import HHI_OF_ONE, tier_shares_over_candidates
from explorer.scenario.places import places
from explorer.scenario.schema import Scenario
from explorer.scenario.statement import BASELINE_FLEET, Statement, Term
from explorer.study.dependence import (
    EXIT_TIERS,
    SupplierExit,
    dependence,
    features_used,
    real_suppliers,
    stack_portability,
)
from explorer.study.evaluate import Evaluator
from explorer.study.fleet import TIER_TITLES, supply_tier
from explorer.study.outcome import Banded, Outcome
from explorer.study.output_values import NoAnswerError

Array = NDArray[np.float64]

SAMPLES = 8
"""Draws of figures: a fleet's money and suppliers are answered at the stated figures."""


@dataclass(frozen=True, slots=True)
class SideValues:
    """One side of a statement: its value, and its value in each way that the undisclosed may be, with weights."""

    value: float
    draws: Array
    weights: Array
    band: Banded
    over: str
    judged: bool = False
    """A judgement with a range, which has no distribution."""


class FleetAnswers:
    """Evaluates the scenario and its baseline once, for all claims about their fleets."""

    def __init__(self, evaluator: Evaluator, scenario: Scenario) -> None:
        self._evaluator, self._scenario = evaluator, scenario
        self._outcomes: dict[str, tuple[Scenario, Outcome]] = {}

    def values(self, term: Term, statement: Statement) -> SideValues:
        """The values of a term; NoAnswerError says why there is none."""
        if term.output.key == "portability":
            return self._portability(term, statement)
        scenario, outcome = self._answered(term.subject)
        if outcome.fleet.reason:
            raise NoAnswerError(f"{term.subject}: {outcome.fleet.reason}")
        if term.output.key == "usd_per_month":
            assert outcome.fleet.usd_per_month is not None
            return _settled(term.factor * outcome.fleet.usd_per_month, "")
        assert term.tier is not None
        if term.output.key in ("exit_cost", "exploitable_rise"):
            one = self._exit(term, scenario, outcome)
            value = one.exit_usd if term.output.key == "exit_cost" else one.exploitable_price_rise
            return _settled(term.factor * value, "")
        return self._concentration(term, term.tier, scenario, outcome)

    def _concentration(self, term: Term, tier: str, scenario: Scenario, outcome: Outcome) -> SideValues:
        table = supply_tier(self._evaluator.catalog, tier, scenario.fleet.members)
        spend = np.asarray([pool.spend_share for pool in outcome.fleet.pools])
        shares = tier_shares_over_candidates(spend, table.structure)
        index = HHI_OF_ONE * np.sum(shares**2, axis=1)
        by_output: Mapping[str, Callable[[], Array]] = {
            "hhi": lambda: index,
            "effective_suppliers": lambda: HHI_OF_ONE / index,
            "largest_share": lambda: (shares * real_suppliers(table)).max(axis=1),
        }
        draws = term.factor * by_output[term.output.key]()
        found = next(one for one in outcome.fleet.tiers if one.tier == tier)
        central = {
            "hhi": found.hhi,
            "effective_suppliers": found.effective_suppliers,
            "largest_share": found.top_share,
        }[term.output.key].value * term.factor
        weights = table.structure.probabilities
        band = Banded(central, min(float(draws.min()), central), max(float(draws.max()), central))
        over = table.unknown if draws.max() - draws.min() > 1e-9 * abs(draws.max()) else ""
        return SideValues(central, draws, weights, band, over)

    def _exit(self, term: Term, scenario: Scenario, outcome: Outcome) -> SupplierExit:
        if term.tier not in EXIT_TIERS:
            titles = ", ".join(f"{term.output.name} ({tier})" for tier in EXIT_TIERS)
            tier = TIER_TITLES[term.tier or ""].lower()
            raise NoAnswerError(f"nobody can leave at the tier {tier} (allowed: {titles})")
        exits = [one for one in dependence(scenario, self._evaluator.catalog, outcome).exits if one.tier == term.tier]
        if not exits:
            raise NoAnswerError(f"{term.subject} has nobody to leave at this tier")
        return max(exits, key=lambda one: one.annual_spend_usd)

    def _portability(self, term: Term, statement: Statement) -> SideValues:
        scenario, outcome = self._answered("the fleet")
        catalog = self._evaluator.catalog
        place = places(scenario, statement, catalog)[statement.terms.index(term)]
        assert place is not None
        chip = scenario.workloads[place.workload].alternatives[place.alternative].chip
        stacks = catalog.supply_chain(chip).links["software_stack"].candidates
        features = features_used(scenario, outcome)
        found = [stack_portability(portability_matrix(), one.supplier, features).support for one in stacks]
        weights = np.asarray([one.weight for one in stacks]) / sum(one.weight for one in stacks)
        low, value, high = (
            term.factor * float(weights @ np.asarray([getattr(one, end) for one in found]))
            for end in ("low", "value", "high")
        )
        over = f"the judged support of {', '.join(feature.replace('_', ' ') for feature in features)}"
        return SideValues(value, np.asarray([value]), np.ones(1), Banded(value, low, high), over, judged=True)

    def _answered(self, subject: str) -> tuple[Scenario, Outcome]:
        if subject not in self._outcomes:
            scenario = self._scenario
            if subject == BASELINE_FLEET:
                if scenario.baseline is None:
                    raise NoAnswerError("the scenario has no baseline to compare with: pin one")
                scenario = Scenario.model_validate(scenario.baseline)
            self._outcomes[subject] = (scenario, self._evaluator.evaluate(scenario, SAMPLES))
        return self._outcomes[subject]


def _settled(value: float, over: str) -> SideValues:
    return SideValues(value, np.asarray([value]), np.ones(1), Banded(value, value, value), over)

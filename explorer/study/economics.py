"""What a scenario costs by part and whom it depends on, as one record: computed at rest, never while a hand moves."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Literal, get_args

from explorer.catalog import Catalog
from explorer.scenario.schema import Scenario
from explorer.study.cost_parts import WorkloadMoney, workload_money
from explorer.study.dependence import EXIT_TIERS, Dependence, dependence, no_dependence
from explorer.study.evaluate import evaluate
from explorer.study.frontier import Frontier, fleet_frontier, no_frontier
from explorer.study.market import MarketShift, MarketView, market_views, stated_shift
from explorer.study.outcome import Outcome
from explorer.study.shocks import ShockOutcome, shock_outcomes, usual_shocks


@dataclass(frozen=True, slots=True)
class Economics:
    """Everything about money and dependence that an outcome does not need while a slider moves."""

    money: tuple[WorkloadMoney, ...]
    dependence: Dependence
    frontier: Frontier
    """At the first tier that counts and that a buyer can act on."""
    shocks: tuple[ShockOutcome, ...]
    """Those of the scenario."""
    usual_shocks: tuple[ShockOutcome, ...]
    """Where it states none: those anybody would look at first."""
    market: tuple[MarketView, ...]
    market_shift: MarketShift


Part = Literal["money", "fleet", "shocks"]
"""Cost by part; dependence with its frontier; shocks, which take as long as all the rest."""
EVERY_PART: frozenset[Part] = frozenset(get_args(Part))
NOT_LOOKED_AT = "not looked at here"


def economics(scenario: Scenario, catalog: Catalog, outcome: Outcome, parts: Set[Part] = EVERY_PART) -> Economics:
    """The economics of an outcome of this scenario; raises UnknownRecordError for a supplier nobody knows.

    Parts can be left out where nobody looks at them: they are empty then, with a reason where there is room for one.
    """
    if any(one.traffic.mode == "closed_loop" for one in scenario.workloads):
        from explorer.study.closed_loop import rates_of

        scenario = rates_of({one.name: one for one in outcome.workloads}, scenario)
    tier = frontier_tier(scenario)
    depend, frontier = no_dependence(NOT_LOOKED_AT), no_frontier(tier, NOT_LOOKED_AT)
    if "fleet" in parts:
        depend = dependence(scenario, catalog, outcome)
        frontier = fleet_frontier(scenario, catalog, outcome, tier)
    stated: tuple[ShockOutcome, ...] = ()
    usual: tuple[ShockOutcome, ...] = ()
    if "shocks" in parts:
        stated = shock_outcomes(scenario, catalog, outcome)
        usual = () if scenario.shocks else shock_outcomes(scenario, catalog, outcome, usual_shocks(outcome))
    return Economics(
        money=workload_money(scenario, catalog, outcome) if "money" in parts else (),
        dependence=depend,
        frontier=frontier,
        shocks=stated,
        usual_shocks=usual,
        market=market_views(),
        market_shift=stated_shift(),
    )


def with_economics(scenario: Scenario, catalog: Catalog, outcome: Outcome, parts: Set[Part] = EVERY_PART) -> Outcome:
    """An outcome of this scenario with its economics beside it; raises as `economics`."""
    return replace(outcome, economics=economics(scenario, catalog, outcome, parts))


def evaluate_with_economics(scenario: Scenario, catalog: Catalog, samples: int | None = None) -> Outcome:
    """Evaluate a scenario once, money by part and dependence included: what is handed on in full."""
    return with_economics(scenario, catalog, evaluate(scenario, catalog, samples))


def frontier_tier(scenario: Scenario) -> str:
    """The tier whose frontier is shown first: the first that counts among those a buyer can leave."""
    return next((tier for tier in EXIT_TIERS if tier in scenario.fleet.tiers), EXIT_TIERS[0])

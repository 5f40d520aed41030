"""The decision between the alternatives of a workload: each sized as it would be bought today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from explorer.catalog import Catalog, Chip
from explorer.scenario.schema import Fleet, Override, Scenario
from explorer.scenario.workload import Alternative, Workload
from explorer.study.answers import Context
from explorer.study.deployment import Deployment
from explorer.study.evaluate import evaluate
from explorer.study.figures import FigureSets
from explorer.study.outcome import AlternativeOutcome, Layout, WorkloadOutcome
from explorer.study.reach import within_reach
from explorer.study.resolve import served_model
from explorer.study.scope import needs_a_rate
from explorer.study.workload import demand_of, deployment_of, limits_of

LARGER_DEGREES = 3
"""How many legal degrees above the one taken now are open to whoever adds chips later."""


@dataclass(frozen=True)
class Choice:
    """One alternative as it would be chosen today: where its chips come from, how many, in which layout."""

    outcome: AlternativeOutcome
    settings: Alternative
    deployment: Deployment
    overrides: Mapping[str, Override]
    layouts: tuple[Layout, ...]
    """The one taken now, then larger ones into which the chips may be regrouped."""
    doubt: str = ""
    """What stands against having it at all, or at this price: said wherever it is named as a winner."""

    @property
    def chip(self) -> Chip:
        """The chip."""
        return self.deployment.chip

    @property
    def is_disclosed(self) -> bool:
        """Whether enough is published about its chip to fall back on it."""
        return self.chip.evidence_grade != "undisclosed"

    def belief(self, figure: str) -> float:
        """Weight of the first reading of a disputed figure."""
        override = self.overrides.get(figure)
        return self.chip.figures[figure].belief if override is None or override.belief is None else override.belief


@dataclass(frozen=True)
class Case:
    """A workload's alternatives that fit and have a price, as a decision between them; the answer to the workload.

    Those that access or the date rule out are no choices, the selected one excepted: it is what is asked about.
    """

    context: Context
    catalog: Catalog
    answer: WorkloadOutcome
    choices: tuple[Choice, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Why an alternative that fits and has a price is no choice, by name."""

    def named(self, name: str) -> Choice | None:
        """The choice of an alternative; None where it cannot be chosen."""
        return next((one for one in self.choices if one.outcome.name == name), None)

    @property
    def doubts(self) -> dict[str, str]:
        """What stands against having a choice, by name."""
        return {one.outcome.name: one.doubt for one in self.choices if one.doubt}

    @property
    def fallback(self) -> Choice | None:
        """The cheapest alternative that is disclosed and keeps the promises, one that can be had before others."""
        kept = [one for one in self.choices if one.is_disclosed and one.outcome.keeps_promises]
        return min(kept, key=lambda one: (not one.outcome.available, _month(one)), default=None)


def decision_case(scenario: Scenario, catalog: Catalog, workload: int) -> Case:
    """The decision between the alternatives of one workload; raises as `evaluate`."""
    asked = scenario.workloads[workload]
    needs_a_rate(asked, "What matters")
    # a fleet, other workloads and many draws change nothing about how an alternative is sized
    alone = scenario.model_copy(update={"workloads": (asked,), "fleet": Fleet()})
    answer = evaluate(alone, catalog, samples=min(8, scenario.simulation.samples)).workloads[0]
    context = Context(catalog, scenario, asked, served_model(catalog, asked.model), demand_of(asked), limits_of(asked))
    figures = FigureSets(catalog)
    choices, left_out = [], {}
    for settings, outcome in zip(asked.alternatives, answer.alternatives, strict=True):
        if not outcome.replicas or outcome.cost.usd_per_month is None:
            continue
        chip = catalog.chip(settings.chip)
        reach = within_reach(catalog, chip, settings.cloud, scenario.access, scenario.as_of)
        if reach.ruled_out and settings.name != asked.selected:
            left_out[settings.name] = reach.note
            continue
        deployment = deployment_of(figures, scenario, asked, settings)
        overrides = scenario.overrides.get(settings.chip, {})
        layouts = _layouts(scenario, catalog, asked, settings, outcome)
        doubts = (reach.doubt, "at an assumed price" if outcome.cost.price_hypothetical else "")
        doubt = ", ".join(one for one in doubts if one)
        choices.append(Choice(outcome, settings, deployment, overrides, layouts, doubt))
    return Case(context, catalog, answer, tuple(choices), left_out)


def _layouts(
    scenario: Scenario, catalog: Catalog, workload: Workload, settings: Alternative, outcome: AlternativeOutcome
) -> tuple[Layout, ...]:
    """The layout taken now; where the degree was free, also the best one of each of the next larger degrees."""
    larger = [degree for degree in outcome.legal_degrees if degree > outcome.degree][:LARGER_DEGREES]
    if not outcome.degree_is_auto or not larger:
        return (outcome.layout,)
    trial = workload.model_copy(
        update={
            "selected": str(larger[0]),
            "alternatives": tuple(
                settings.model_copy(update={"name": str(degree), "parallelism_degree": degree, "replicas": "auto"})
                for degree in larger
            ),
        }
    )
    alone = scenario.model_copy(update={"workloads": (trial,), "fleet": Fleet()})
    found = evaluate(alone, catalog, samples=min(8, scenario.simulation.samples)).workloads[0].alternatives
    return (outcome.layout, *(one.layout for one in found if one.replicas))


def _month(choice: Choice) -> float:
    cost = choice.outcome.cost.usd_per_month
    return np.inf if cost is None else cost.value

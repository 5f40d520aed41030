"""What a scenario costs by part and whom it depends on, as one record: computed at rest, never while a hand moves."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.catalog import Catalog
from explorer.scenario.schema import Scenario
from explorer.study.cost_parts import WorkloadMoney, workload_money
from explorer.study.dependence import Dependence, dependence
from explorer.study.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Economics:
    """Everything about money and dependence that an outcome does not need while a slider moves."""

    money: tuple[WorkloadMoney, ...]
    dependence: Dependence


def economics(scenario: Scenario, catalog: Catalog, outcome: Outcome) -> Economics:
    """The economics of an outcome of this scenario; raises UnknownRecordError for a supplier nobody knows."""
    return Economics(
        money=workload_money(scenario, catalog, outcome),
        dependence=dependence(scenario, catalog, outcome),
    )

"""Where the figures of a chip come from: each with the value in use, its range, its status, its source and why."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.catalog import Catalog, Figure
from explorer.catalog.figure import FIGURE_KINDS
from explorer.scenario.quantities import quantity_for_unit
from explorer.scenario.schema import Scenario
from explorer.study.figures import central_values

OWN = "own value"


JUDGEMENT = "judgement"
"""Source of a figure that has none but its reason."""


@dataclass(frozen=True, slots=True)
class FigureSource:
    """One figure as the scenario uses it, in words."""

    name: str
    title: str
    value: str
    spread: str
    """Range or readings; empty where the figure is settled."""
    status: str
    source: str
    reason: str
    as_of: str
    counts: bool
    """False for a figure that enters no result."""


def figure_sources(scenario: Scenario, catalog: Catalog, chip_id: str) -> tuple[FigureSource, ...]:
    """Every figure of a chip under the scenario's own values, unsettled ones first; UnknownRecordError."""
    chip = catalog.chip(chip_id)
    overrides = scenario.overrides.get(chip_id, {})
    values = central_values(chip, overrides)
    found = []
    for name, figure in chip.figures.items():
        override = overrides.get(name)
        own = override is not None and override.value is not None
        quantity = quantity_for_unit(figure.unit)
        found.append(
            FigureSource(
                name=name,
                title=figure.title,
                value=quantity.format(values[name]),
                spread="" if own else _spread(figure),
                status=OWN if own else figure.status,
                source=OWN if own else _source(figure),
                reason=override.reason if own and override is not None else figure.reason,
                as_of="" if own else figure.as_of,
                counts=not FIGURE_KINDS[name].informative,
            )
        )
    return tuple(sorted(found, key=lambda one: (not one.counts, not one.spread)))


def _source(figure: Figure) -> str:
    if figure.derived_from is not None:
        return f"follows from: {FIGURE_KINDS[figure.derived_from].title}"
    return figure.source or JUDGEMENT


def _spread(figure: Figure) -> str:
    quantity = quantity_for_unit(figure.unit)
    if figure.readings:
        return " or ".join(f"{quantity.format(one.value)} ({one.name})" for one in figure.readings)
    if figure.low < figure.high:
        return quantity.format_range(figure.low, figure.high)
    return ""

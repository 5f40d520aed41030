"""What a report says is not settled: open figures with what is believed of them, and what to ask first."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.catalog import Catalog
from explorer.scenario.quantity import NOTHING
from explorer.scenario.schema import Scenario
from explorer.study.board.records import Block, Cell, Paragraph, Table, cells
from explorer.study.figure_sources import OWN, FigureSource, figure_sources
from explorer.study.outcome import Outcome
from explorer.study.what_matters import WhatMatters
from explorer.study.what_matters_words import believed_short, headline, odds_text, threshold_text, worth_text

ASKED = 5
"""Demands shown of each workload."""
OPEN = ("disputed", "undisclosed", OWN)
FIGURE_HEADINGS = ("Figure", "In use", "Readings or range", "Status", "Source, and why")
FIGURE_WIDTHS = (18, 9, 16, 11, 46)
DEMAND_HEADINGS = ("Ask for", "Believed", "Worth knowing", "Odds of promises", "Promises kept", "No dearer")
DEMAND_WIDTHS = (30, 18, 13, 15, 12, 12)
DEMAND_NOTE = (
    "Odds: of keeping every promise with the chips of now, at the worst and the best answer. Promises kept: the value "
    "from which they keep every promise. No dearer: the value from which that costs no more than the cheapest "
    "disclosed alternative. Not alone: no value of this figure by itself will do. * beyond its believed range."
)
UNSAID = "{workload}: what to ask first cannot be said: {name} does not fit or has no price."


def matters_blocks(outcome: Outcome, matters: Sequence[WhatMatters | None]) -> list[Block]:
    """What knowing more would change, by workload."""
    found: list[Block] = []
    tables = False
    for workload, one in zip(outcome.workloads, matters, strict=True):
        if one is None:
            found.append(Paragraph(UNSAID.format(workload=workload.name, name=workload.chosen.name)))
            continue
        found.append(Paragraph(f"{workload.name}: {headline(one)}"))
        if one.demands:
            tables = True
            rows = tuple(
                (
                    Cell(demand.title, demand.chip_name),
                    *cells(
                        believed_short(demand),
                        worth_text(demand),
                        odds_text(demand),
                        threshold_text(demand, demand.acceptance),
                        threshold_text(demand, demand.break_even),
                    ),
                )
                for demand in one.demands[:ASKED]
            )
            found.append(Table(DEMAND_HEADINGS, rows, DEMAND_WIDTHS))
    return [*found, Paragraph(DEMAND_NOTE, "note")] if tables else found


def open_figure_blocks(scenario: Scenario, catalog: Catalog, chips: Sequence[str]) -> list[Block]:
    """Every open or own figure of the chips used, a table a chip; the reason where all are settled."""
    found: list[Block] = []
    for chip in chips:
        figures = [one for one in figure_sources(scenario, catalog, chip) if one.counts]
        shown = [one for one in figures if one.status in OPEN]
        others = sum(1 for one in figures if one.status not in OPEN and one.spread)
        name = catalog.chip(chip).name
        estimates = f"{others} further figure{' is an estimate' if others == 1 else 's are estimates'} with a range"
        if not shown:
            rest = f"; {estimates}" if others else ""
            found.append(Paragraph(f"{name}: no figure is disputed or undisclosed{rest}."))
            continue
        found.append(Paragraph(name, "subject"))
        found.append(Table(FIGURE_HEADINGS, tuple(_figure(one) for one in shown), FIGURE_WIDTHS))
        if others:
            found.append(Paragraph(f"{estimates}.", "note"))
    return found


def _figure(one: FigureSource) -> tuple[Cell, ...]:
    why = "; ".join(text for text in (one.source, one.reason) if text)
    return (Cell(one.title), Cell(one.value), Cell(one.spread or NOTHING), Cell(one.status), Cell("", why))

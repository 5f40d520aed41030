"""A report put together from one final outcome, its economics, and what matters for each workload."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from explorer.catalog import Catalog
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import Scenario
from explorer.study.board.answer import answer_sentences
from explorer.study.board.assumptions import input_blocks, source_blocks
from explorer.study.board.credits import credit_lines
from explorer.study.board.dependence import concentration_picture, fleet_blocks, shock_blocks
from explorer.study.board.money import cost_blocks, verdict_blocks, verdict_notes
from explorer.study.board.records import Block, BoardReport, Paragraph, Picture, Section
from explorer.study.board.unsettled import matters_blocks, open_figure_blocks
from explorer.study.describe import COMPARISON_WORDS, PRICE_WORDS
from explorer.study.economics import with_economics
from explorer.study.evaluate import Evaluator, evaluate_in_steps
from explorer.study.fleet_without import what_it_changes
from explorer.study.outcome import Outcome
from explorer.study.what_matters import WhatMatters, what_matters_in_steps


def board_report_in_steps(
    evaluator: Evaluator, scenario: Scenario, outcome: Outcome | None = None
) -> Generator[None, None, BoardReport]:
    """The report on a scenario, pausing so that something more urgent can come between.

    `outcome` is the scenario's final one where it is known; otherwise it is computed. Raises ExplorerError as
    `evaluate` and `economics`.
    """
    if outcome is None or not outcome.final:
        outcome = yield from evaluate_in_steps(evaluator, scenario)
    catalog = evaluator.catalog
    outcome = with_economics(scenario, catalog, outcome)
    matters: list[WhatMatters | None] = []
    for at in range(len(scenario.workloads)):
        steps = what_matters_in_steps(scenario, catalog, at)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                matters.append(end.value)
                break
            yield
    return board_report(scenario, catalog, outcome, matters)


def board_report(
    scenario: Scenario, catalog: Catalog, outcome: Outcome, matters: Sequence[WhatMatters | None]
) -> BoardReport:
    """The report on a final outcome of this scenario with its economics; `matters` by workload."""
    economics = outcome.economics
    if economics is None or not outcome.final:
        raise ValueError("a report is made of a final outcome with its economics")
    chips = tuple(
        dict.fromkeys(
            [one.chip for workload in scenario.workloads for one in workload.alternatives]
            + [one.chip for one in scenario.fleet.members]
        )
    )
    warnings = outcome.warnings or ("None.",)
    change = what_it_changes(scenario, catalog, outcome)
    return BoardReport(
        title=scenario.title,
        question=scenario.question,
        facts=_facts(scenario, outcome),
        answer=answer_sentences(outcome, economics, matters, change),
        sections=(
            _section("The alternatives", *(verdict_blocks(one) for one in outcome.workloads), verdict_notes()),
            _section(
                "In pictures",
                *(_pictures(outcome, at) for at in range(len(outcome.workloads))),
                concentration_picture(outcome),
            ),
            _section(
                "Cost by part",
                *(cost_blocks(one, answered) for one, answered in zip(economics.money, outcome.workloads, strict=True)),
            ),
            _section("The fleet", fleet_blocks(outcome, economics, change), shock_blocks(outcome, economics)),
            _section(
                "What is not settled", matters_blocks(outcome, matters), open_figure_blocks(scenario, catalog, chips)
            ),
            _section("Assumptions: every input", input_blocks(scenario)),
            _section("Sources", source_blocks(scenario, catalog, chips, economics.money)),
            _section("Warnings", [Paragraph(line) for line in warnings]),
            _section(
                "Licences and attribution",
                [Paragraph(line, "note") for line in credit_lines(scenario, catalog, economics.money)],
            ),
        ),
        outcome=outcome,
    )


def _section(title: str, *parts: Sequence[Block]) -> Section:
    return Section(title, tuple(block for part in parts for block in part))


def _pictures(outcome: Outcome, workload: int) -> list[Block]:
    return [
        Paragraph(outcome.workloads[workload].name, "subject"),
        Picture("tail", workload),
        Picture("memory", workload),
    ]


def _facts(scenario: Scenario, outcome: Outcome) -> tuple[tuple[str, str], ...]:
    methods = list(dict.fromkeys(workload.chosen.latency_method for workload in outcome.workloads))
    if len(methods) > 1:
        methods = [f"{workload.name}: {workload.chosen.latency_method}" for workload in outcome.workloads]
    grades: dict[str, list[str]] = {}
    for workload in outcome.workloads:
        for one in workload.alternatives:
            names = grades.setdefault(one.evidence_grade, [])
            if one.chip_name not in names:
                names.append(one.chip_name)
    return (
        ("As of", scenario.as_of or "not stated"),
        ("Catalogue edition", outcome.catalog_edition),
        ("Engine", outcome.engine_version),
        ("Method", f"{'; '.join(methods)}; {outcome.samples:,} draws of what is not settled"),
        ("Evidence", "; ".join(f"{grade}: {', '.join(names)}" for grade, names in grades.items())),
        ("Price basis", PRICE_WORDS[outcome.price_basis]),
        ("Comparison", COMPARISON_WORDS[outcome.comparison_basis]),
        ("Traffic", ", ".join(_traffic(one.name, one.chosen.request_rate) for one in outcome.workloads)),
    )


def _traffic(name: str, rate: float) -> str:
    return f"{name} {QUANTITIES['request_rate'].format(rate)}"

"""What a report says: a short answer, the figures of the outcome, and nothing left out without a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import Scenario
from explorer.study.board.answer import MOST, answer_sentences, cheapest_within_reach
from explorer.study.board.compose import board_report, board_report_in_steps
from explorer.study.board.money import cost_blocks, price_marks, verdict_blocks
from explorer.study.board.records import BoardReport, Paragraph, Picture, Table
from explorer.study.economics import evaluate_with_economics
from explorer.study.evaluate import Evaluator, evaluate
from explorer.study.outcome import Outcome
from tests.study.asking import alternative, fleet, scenario, workload


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.fixture(scope="module")
def asked() -> Scenario:
    """AI200 against H200, with a fleet of both."""
    both = workload(alternative("qcom-ai200"), alternative("nv-h200"))
    return scenario(both, fleet=fleet(H200=0.6, AI200=0.4))


@pytest.fixture(scope="module")
def report(asked: Scenario, catalog: Catalog) -> BoardReport:
    """Its whole report."""
    steps = board_report_in_steps(Evaluator(catalog), asked)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found = end.value
            assert isinstance(found, BoardReport)
            return found


def texts(report: BoardReport) -> Iterator[str]:
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Paragraph):
                yield block.text
            elif isinstance(block, Table):
                for row in block.rows:
                    yield from (text for cell in row for text in (cell.text, cell.note))


def test_that_the_sections_come_in_order_and_each_has_something_in_it(report: BoardReport) -> None:
    assert [section.title for section in report.sections] == [
        "The alternatives",
        "In pictures",
        "Cost by part",
        "The fleet",
        "What is not settled",
        "Assumptions: every input",
        "Sources",
        "Warnings",
        "Licences and attribution",
    ]
    assert all(section.blocks for section in report.sections)
    pictures = [block for section in report.sections for block in section.blocks if isinstance(block, Picture)]
    assert [(one.subject, one.workload) for one in pictures] == [("tail", 0), ("memory", 0), ("concentration", 0)]


def test_that_the_answer_has_five_sentences_at_most_however_many_workloads(
    asked: Scenario, catalog: Catalog, report: BoardReport
) -> None:
    economics = report.outcome.economics
    assert economics is not None
    for count in (1, 2, 3, 4, 9):
        outcome = replace(report.outcome, workloads=report.outcome.workloads * count)
        found = answer_sentences(outcome, economics, [None] * count)
        assert 1 <= sum(len(re.findall(r"[.!?](?=\s|$)", one)) for one in found) <= MOST
        assert found[0].startswith("chat: ") if count <= 3 else found[0].startswith("Every promise is")


def test_that_the_tables_hold_the_figures_of_the_outcome(report: BoardReport) -> None:
    said = set(texts(report))
    for one in report.outcome.workloads[0].alternatives:
        p99, month = one.latency["tpot"].p99, one.cost.usd_per_month
        assert p99 is not None and month is not None
        assert QUANTITIES["seconds"].format(p99.value) in said
        assert QUANTITIES["usd_per_month"].format(month.value) in said
    assert report.outcome.economics is not None
    for part in report.outcome.economics.money[0].alternatives[0].parts:
        assert QUANTITIES["usd_per_month"].format(part.usd_per_month) in said


def test_that_widths_fill_the_line_and_every_row_has_a_cell_for_each_heading(report: BoardReport) -> None:
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Table):
                assert sum(block.widths) == 100, block.headings
                assert len(block.headings) in (0, len(block.widths))
                assert all(len(row) == len(block.widths) for row in block.rows)


def test_that_open_figures_come_with_readings_status_and_source(report: BoardReport) -> None:
    tables = [block for block in report.sections[4].blocks if isinstance(block, Table)]
    rows = {row[0].text: row for table in tables if table.headings[:1] == ("Figure",) for row in table.rows}
    bandwidth = rows["Memory bandwidth"]
    assert "7.39 TB/s (vendor) or 1.7 TB/s (sceptic)" in bandwidth[2].text
    assert bandwidth[3].text == "disputed"
    assert "Qualcomm" in bandwidth[4].note


def test_that_a_scenario_without_a_fleet_says_so_and_has_no_picture_of_it(catalog: Catalog) -> None:
    alone = scenario(workload(alternative("nv-h200")))
    outcome = evaluate_with_economics(alone, catalog)
    found = board_report(alone, catalog, outcome, [None])
    fleet_section = found.sections[3]
    assert isinstance(fleet_section.blocks[0], Paragraph)
    assert fleet_section.blocks[0].text.startswith("There are no figures of a fleet: ")
    pictures = [block.subject for block in found.sections[1].blocks if isinstance(block, Picture)]
    assert "concentration" not in pictures
    assert any("cannot be said" in text for text in texts(found))


def test_that_a_model_that_fits_nowhere_is_told_without_figures(catalog: Catalog) -> None:
    tight = scenario(workload(alternative("nv-l4", parallelism_degree=1), preset="kimi-k2"))
    found = board_report(tight, catalog, evaluate_with_economics(tight, catalog), [None])
    assert "cannot serve this" in found.answer[0]
    assert "no alternative that can be had keeps every promise" in found.answer[0]
    assert any("no cost is given" in text for text in texts(found))


def test_that_hypothetical_and_stale_prices_are_marked_and_never_called_the_cheapest(report: BoardReport) -> None:
    answered = report.outcome.workloads[0]
    costs = [replace(one.cost, price_hypothetical=True, price_stale=True) for one in answered.alternatives]
    marked = [
        replace(one, keeps_promises=True, available=True, cost=cost)
        for one, cost in zip(answered.alternatives, costs, strict=True)
    ]
    doubtful = replace(answered, alternatives=tuple(marked))
    assert price_marks(marked[0].cost) == "hypothetical price, stale price"
    assert cheapest_within_reach(doubtful) is None
    table = next(block for block in verdict_blocks(doubtful) if isinstance(block, Table))
    prices = [cell for row in table.rows for cell in row[5:7]]
    assert all(cell.caution and "hypothetical price" in cell.note for cell in prices)
    assert report.outcome.economics is not None
    blocks = cost_blocks(report.outcome.economics.money[0], doubtful)
    parts = next(block for block in blocks if isinstance(block, Table))
    total = next(row for row in parts.rows if row[0].text.startswith("In all"))
    assert all("stale price" in cell.note for cell in total[1:])


def test_that_only_a_final_outcome_with_its_economics_makes_a_report(asked: Scenario, catalog: Catalog) -> None:
    quick: Outcome = evaluate(asked, catalog, samples=8)
    with pytest.raises(ValueError, match="final"):
        board_report(asked, catalog, quick, [None])


def test_that_a_final_outcome_that_is_known_is_not_computed_anew(asked: Scenario, catalog: Catalog) -> None:
    known = replace(evaluate(asked, catalog), title="known before")
    steps = board_report_in_steps(Evaluator(catalog), asked, known)
    with pytest.raises(StopIteration) as end:
        while True:
            next(steps)
    assert end.value.value.outcome.title == "known before"


def test_that_whose_data_is_used_is_named(report: BoardReport) -> None:
    credits = [block.text for block in report.sections[-1].blocks if isinstance(block, Paragraph)]
    for mark in ("aiconfigurator-core", "not verified by MLCommons Association", "SIL Open Font License", "Llama 3.1"):
        assert any(mark in line for line in credits), mark


def test_that_methods_that_differ_say_which_workload_each_is_of(
    asked: Scenario, catalog: Catalog, report: BoardReport
) -> None:
    one = report.outcome.workloads[0]
    other = replace(
        one,
        name="batch",
        alternatives=tuple(replace(each, latency_method="simulation, more requests") for each in one.alternatives),
    )
    both = asked.model_copy(update={"workloads": (asked.workloads[0], asked.workloads[0])})
    outcome = replace(report.outcome, workloads=(one, other))
    assert outcome.economics is not None
    outcome = replace(outcome, economics=replace(outcome.economics, money=outcome.economics.money * 2))
    facts = dict(board_report(both, catalog, outcome, [None, None]).facts)
    assert facts["Method"].startswith(f"chat: {one.chosen.latency_method}; batch: simulation, more requests; ")
    assert dict(report.facts)["Method"].startswith(one.chosen.latency_method)


def test_that_a_month_of_pools_alone_is_not_taken_for_the_fleets(report: BoardReport) -> None:
    assert any("pools alone" in text for text in texts(report))

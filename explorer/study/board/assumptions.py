"""What a report rests on: every input in words, where prices and chips are from, and whose work is used."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.catalog import Catalog
from explorer.scenario.input_list import InputGroup, input_groups
from explorer.scenario.schema import Scenario
from explorer.study.board.money import source_rows
from explorer.study.board.records import Block, Cell, Paragraph, Table, cells
from explorer.study.cost_parts import WorkloadMoney
from explorer.study.figure_sources import JUDGEMENT, OWN, figure_sources

PAIR_WIDTHS = (29, 21, 29, 21)
TITLE_WIDTH = 28
MOST_SIDE_BY_SIDE = 6
LONG = 45
"""Letters of a title or a value that have a line of their own; shorter ones stand two to a line."""
SOURCE_HEADINGS = ("Alternative", "Price in this report", "Published on-demand rent of a chip")
SOURCE_WIDTHS = (16, 42, 42)
NONE = "none"


def input_blocks(scenario: Scenario) -> list[Block]:
    """Every input of the scenario, in groups; lists that are empty in one line."""
    found: list[Block] = []
    empty = []
    for group in input_groups(scenario):
        if not group.rows:
            empty.append(group.title.lower())
            continue
        found += [Paragraph(group.title, "subject"), *_group(group)]
    if empty:
        found.append(Paragraph(f"None stated: {', '.join(empty)}.", "note"))
    return found


def _group(group: InputGroup) -> list[Block]:
    if group.names:
        # a table wider than the paper is cut into several
        parts = range(0, len(group.names), MOST_SIDE_BY_SIDE)
        differing = [row for row in group.rows if len(group.names) == 1 or len(set(row[1])) > 1]
        apart = InputGroup(group.title, group.names, tuple(differing))
        alike = [(title, (texts[0],)) for title, texts in group.rows if (title, texts) not in differing]
        found: list[Block] = []
        if differing:
            found += [_side_by_side(apart, first, first + MOST_SIDE_BY_SIDE) for first in parts]
        if alike:
            found.append(Paragraph(f"Alike in {', '.join(group.names)}:", "note"))
            found += _pairs(alike)
        return found
    return _pairs(group.rows)


def _pairs(rows: Sequence[tuple[str, tuple[str, ...]]]) -> list[Block]:
    """Settings with one value each, two to a line; long ones have a line of their own."""
    long = [(title, texts[0]) for title, texts in rows if max(len(title), len(texts[0])) > LONG]
    short = [(title, texts[0]) for title, texts in rows if max(len(title), len(texts[0])) <= LONG]
    half = -(-len(short) // 2)
    right = [*short[half:], ("", "")]
    pairs = tuple(cells(*one, *other) for one, other in zip(short[:half], right, strict=False))
    found: list[Block] = []
    if pairs:
        found.append(Table((), pairs, PAIR_WIDTHS))
    if long:
        lines = tuple(cells(*one) for one in long)
        found.append(Table((), lines, (TITLE_WIDTH, 100 - TITLE_WIDTH)))
    return found


def _side_by_side(group: InputGroup, first: int, last: int) -> Table:
    names = group.names[first:last]
    each = (100 - TITLE_WIDTH) // len(names)
    rows = tuple((Cell(title), *cells(*texts[first:last])) for title, texts in group.rows)
    return Table(("Input", *names), rows, (100 - each * len(names), *[each] * len(names)))


def source_blocks(
    scenario: Scenario, catalog: Catalog, chips: Sequence[str], money: Sequence[WorkloadMoney]
) -> list[Block]:
    """Where the prices, the chips' figures, and their suppliers are from."""
    found: list[Block] = []
    for one in money:
        found.append(Paragraph(f"{one.workload}: prices", "subject"))
        found.append(Table(SOURCE_HEADINGS, tuple(source_rows(one)), SOURCE_WIDTHS))
    found.append(Paragraph("Chips", "subject"))
    rows = tuple(cells(catalog.chip(chip).name, _chip_sources(scenario, catalog, chip)) for chip in chips)
    found.append(Table(("Chip", "Sources of its figures, and of who supplies it"), rows, (20, 80)))
    return found


def _chip_sources(scenario: Scenario, catalog: Catalog, chip: str) -> str:
    figures = [one.source for one in figure_sources(scenario, catalog, chip) if one.counts and one.status != OWN]
    known = chip in catalog.supply_chains
    links = [link.source for link in catalog.supply_chain(chip).links.values()] if known else []
    said = [text for text in (*figures, *links) if text and text != JUDGEMENT]
    sources = [text for text in said if not text.startswith("follows from")]
    return "; ".join(dict.fromkeys(sources)) or NONE

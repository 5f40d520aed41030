"""Verdicts and costs of a report in tables."""

from __future__ import annotations

import math

from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import NOTHING, Quantity, unbroken
from explorer.study.banded import Banded
from explorer.study.board.records import Block, Cell, Paragraph, Table, cells
from explorer.study.cost_parts import PART_TITLES, AlternativeMoney, PerMillion, WorkloadMoney
from explorer.study.outcome import AlternativeOutcome, Cost, WorkloadOutcome
from explorer.study.probability_words import confidence_word, scale_sentence
from explorer.study.verdict_table import remarks, workload_words

MONTH, MILLION, SHARE, HOUR = (QUANTITIES[key] for key in ("usd_per_month", "usd_per_million", "share", "usd_per_hour"))
VERDICT_HEADINGS = (
    "Alternative", "Fits", "Chips", "P99 first token", "P99 per token", "$/M tokens", "$/month", "Promises kept",
    "Known by",
)  # fmt: skip
VERDICT_WIDTHS = (16, 5, 8, 12, 11, 10, 12, 14, 12)
BANDS = (
    "Beneath each value: what 90 % of the draws of everything that is not settled lie between. ● marks the selected "
    "alternative. Fits, chips and costs are at the stated traffic, whole replicas, units and spares included."
)


def verdict_blocks(workload: WorkloadOutcome) -> list[Block]:
    """What is asked of the workload, its alternatives in a table, and what to know about each."""
    rows = tuple(_verdict(one, at == workload.selected) for at, one in enumerate(workload.alternatives))
    found: list[Block] = [Paragraph(workload_words(workload), "subject")]
    if workload.arrivals:
        found.append(Paragraph(f"Arrivals: {workload.arrivals}.", "note"))
    found.append(Table(VERDICT_HEADINGS, rows, VERDICT_WIDTHS))
    for one in workload.alternatives:
        lines = remarks(one)
        if lines:
            found.append(Paragraph(f"{one.name}: {'; '.join(lines)}.", "note"))
    return found


def verdict_notes() -> list[Block]:
    """How the verdict tables are read."""
    return [Paragraph(BANDS, "note"), Paragraph(scale_sentence(), "note")]


def _verdict(one: AlternativeOutcome, selected: bool) -> tuple[Cell, ...]:
    chips = Cell(NOTHING)
    if one.chips_total:
        spare = f" + {one.spare_replicas} spare" if one.spare_replicas else ""
        chips = Cell(f"{one.chips_total:,}", f"{one.replicas} × {one.layout.chips}{spare}")
    kept = one.probability_keeps["all"]
    return (
        Cell(f"● {one.name}" if selected else one.name, one.chip_name, strong=selected),
        Cell("yes" if one.memory.fits else "no", caution=not one.memory.fits),
        chips,
        _banded("seconds", one.latency["ttft"].p99),
        _banded("seconds", one.latency["tpot"].p99),
        _priced("usd_per_million", one.cost.usd_per_million_blended, one.cost),
        _priced("usd_per_month", one.cost.usd_per_month, one.cost),
        Cell("yes" if one.keeps_promises else "no", unbroken(f"{confidence_word(kept)}, {SHARE.format(kept)}")),
        Cell(one.evidence_grade),
    )


def _banded(key: str, band: Banded | None) -> Cell:
    if band is None:
        return Cell(NOTHING)
    quantity = QUANTITIES[key]
    return Cell(quantity.format(band.value), _range(quantity, band))


def _range(quantity: Quantity, band: Banded) -> str:
    """The ends of a band; each with its own unit where they are too far apart for one."""
    if math.isfinite(band.high) and quantity.scale_at(band.low) != quantity.scale_at(band.high):
        return f"{quantity.format(band.low)}–{quantity.format(band.high)}"
    return quantity.format_range(band.low, band.high)


def price_marks(cost: Cost) -> str:
    """What is to be held against a price: that nobody published it, that it is old; empty where nothing is."""
    marks = ["hypothetical price"] if cost.price_hypothetical else []
    return ", ".join(marks + (["stale price"] if cost.price_stale else []))


def _priced(key: str, band: Banded | None, cost: Cost) -> Cell:
    found, marks = _banded(key, band), price_marks(cost)
    if band is None or not marks:
        return found
    return Cell(found.text, f"{found.note}, {marks}", caution=True)


def cost_blocks(money: WorkloadMoney, workload: WorkloadOutcome) -> list[Block]:
    """A month by part, an alternative a column, and what a token comes to; why where there is nothing."""
    found: list[Block] = [Paragraph(f"{money.workload}: $ a month by part, at the stated traffic", "subject")]
    shown = [one for one in money.all if one.usd_per_month is not None]
    if shown:
        marked = {one.name: price_marks(one.cost) for one in workload.alternatives}
        first = 28
        each = (100 - first) // len(shown)
        keys = [key for key in PART_TITLES if any(part.key == key for one in shown for part in one.parts)]
        rows = [(Cell(PART_TITLES[key]), *(_part(one, key) for one in shown)) for key in keys]
        rows.append((Cell("In all, $/month", strong=True), *(_month(one, marked.get(one.name, "")) for one in shown)))
        rows += [
            (Cell("$/M tokens in · out"), *(Cell(_in_and_out(one.stated)) for one in shown)),
            (Cell("$/M tokens, all"), *(Cell(_blended(one.stated)) for one in shown)),
            (Cell("$/M tokens at full use"), *(Cell(_blended(one.full_use)) for one in shown)),
            (Cell("Serving hours in use"), *(Cell(_share(one.used_share)) for one in shown)),
        ]
        headings = ("", *(one.label for one in shown))
        found.append(Table(headings, tuple(rows), (100 - each * len(shown), *[each] * len(shown)), figures=True))
    for one in money.all:
        if one.usd_per_month is None:
            found.append(Paragraph(f"{one.label}: no cost is given: {one.reason or 'it has no price'}.", "note"))
    return found


def source_rows(money: WorkloadMoney) -> list[tuple[Cell, ...]]:
    """Where each price is from, a row an alternative: in the answer, and the published rent it can be set against."""
    rows = []
    for one in money.all:
        rent = one.rent_or_own
        published = (
            rent.rented_source
            if rent.rented_per_hour is None
            else (f"{HOUR.format(rent.rented_per_hour)} a chip: {rent.rented_source}")
        )
        if rent.rented_source and one.price_source.startswith(rent.rented_source):
            published = "the same"
        rows.append(cells(one.label, one.price_source or NOTHING, published or rent.reason or NOTHING))
    return rows


def _part(one: AlternativeMoney, key: str) -> Cell:
    amount = next((part.usd_per_month for part in one.parts if part.key == key), None)
    return Cell(NOTHING if amount is None else MONTH.format(amount))


def _month(one: AlternativeMoney, marks: str) -> Cell:
    text = NOTHING if one.usd_per_month is None else MONTH.format(one.usd_per_month)
    return Cell(text, marks, caution=bool(marks), strong=True)


def _in_and_out(prices: PerMillion | None) -> str:
    return NOTHING if prices is None else f"{MILLION.format(prices.input)} · {MILLION.format(prices.output)}"


def _blended(prices: PerMillion | None) -> str:
    return NOTHING if prices is None else MILLION.format(prices.blended)


def _share(share: float | None) -> str:
    return NOTHING if share is None else SHARE.format(share)

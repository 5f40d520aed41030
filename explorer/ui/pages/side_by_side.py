"""Scenarios side by side, as texts: every input that differs and every outcome, each against the baseline."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.scenario.difference import ABSENT, ADDED, REMOVED, Difference, differences, value_named
from explorer.scenario.inputs import input_at
from explorer.scenario.path import split
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import NOTHING
from explorer.scenario.schema import Scenario
from explorer.scenario.wording import Step
from explorer.study.banded import METRICS, Banded, Metric
from explorer.study.fleet_outcome import FleetOutcome
from explorer.study.outcome import AlternativeOutcome, Outcome, WorkloadOutcome

NAMES = ("title", "question")
LATENCIES: dict[Metric, str] = {
    "ttft": "first token (TTFT)",
    "tpot": "per token (TPOT)",
    "itl": "gap between tokens (ITL)",
    "e2e": "whole answer",
}


@dataclass(frozen=True)
class Side:
    """One scenario of the comparison; `outcome` is None until it is answered, with the `reason` if it cannot be."""

    name: str
    scenario: Scenario
    outcome: Outcome | None
    reason: str = ""


@dataclass(frozen=True)
class Cell:
    """What a scenario has, and its change against the reference."""

    text: str
    change: str = ""


@dataclass(frozen=True)
class Row:
    """A setting or an outcome over all scenarios; a heading has no cells."""

    title: str
    cells: tuple[Cell, ...] = ()

    @property
    def is_heading(self) -> bool:
        """True for a line that only names what follows."""
        return not self.cells


@dataclass(frozen=True)
class _Measure:
    """One outcome: a number with its quantity, or a word."""

    title: str
    read: Callable[[WorkloadOutcome, AlternativeOutcome], float | str | None]
    quantity: str = "plain"


def rows_of(sides: Sequence[Side], reference: int, workload: str) -> tuple[Row, ...]:
    """All rows for the workload of that name; where a scenario has none of that name, its first one stands in."""
    inputs = _input_rows(sides, reference)
    counted = f"{len(inputs)} inputs differ" if len(inputs) != 1 else "1 input differs"
    return (
        Row(counted if inputs else "No input differs: move a slider, pin a baseline or add a scenario"),
        *inputs,
        Row(f"Outcomes of the selected alternative, {workload}"),
        *_outcome_rows(sides, reference, workload),
        Row("Outcomes of the fleet"),
        *_fleet_rows(sides, reference),
    )


def _input_rows(sides: Sequence[Side], reference: int) -> list[Row]:
    base = sides[reference].scenario
    # Which one of a third scenario was renamed to which one of a second nobody can say.
    pair = len(sides) <= 2
    found = [{_subject(one): one for one in differences(base, side.scenario, renames=pair)} for side in sides]
    # In the order of the file, each once, whichever side has it.
    samples = {subject: one for here in found for subject, one in here.items()}
    # What a scenario is called says least about it.
    order: list[Step] = [*(key for key in type(base).model_fields if key not in NAMES), *NAMES]
    subjects = sorted(samples, key=lambda subject: order.index(split(samples[subject].path)[0]))
    rows = []
    for subject in subjects:
        sample = samples[subject]
        cells = []
        for here, side in zip(found, sides, strict=True):
            paired = sample.old if subject not in here else here[subject].new
            value = paired if pair else value_named(side.scenario, sample.named)
            cells.append(Cell(_input_text(sample, value)))
        rows.append(Row(subject, tuple(cells)))
    return rows


def _subject(one: Difference) -> str:
    title = one.title.removesuffix(ADDED).removesuffix(REMOVED)
    return f"Fleet · {title}" if split(one.path)[0] == "fleet" else title


def _input_text(one: Difference, value: Any) -> str:
    if one.title.endswith((ADDED, REMOVED)):
        return NOTHING if value is None or value is ABSENT else "there"
    return NOTHING if value is ABSENT else input_at((one.key,)).text(value)


def _outcome_rows(sides: Sequence[Side], reference: int, workload: str) -> list[Row]:
    answers = [None if side.outcome is None else _workload_of(side.outcome, workload) for side in sides]
    rows = []
    for measure in _measures():
        values = [None if answer is None else measure.read(answer, answer.chosen) for answer in answers]
        rows.append(_row(measure.title, measure.quantity, values, sides, reference))
    return rows


def _fleet_rows(sides: Sequence[Side], reference: int) -> list[Row]:
    fleets = [None if side.outcome is None else side.outcome.fleet for side in sides]
    rows = [
        _row(
            "Fleet, $/month",
            "usd_per_month",
            [None if fleet is None else fleet.usd_per_month for fleet in fleets],
            sides,
            reference,
        )
    ]
    titles = dict.fromkeys(tier.title for fleet in fleets if fleet is not None for tier in fleet.tiers)
    for title in titles:
        tiers = [
            None if fleet is None else next((one for one in fleet.tiers if one.title == title), None)
            for fleet in fleets
        ]
        values = [None if tier is None else tier.effective_suppliers.value for tier in tiers]
        rows.append(_row(f"{title}, effective suppliers", "suppliers", values, sides, reference))
    weakest = [None if fleet is None else _weakest(fleet) for fleet in fleets]
    return [*rows, _row("Weakest tiers", "plain", weakest, sides, reference)]


def _weakest(fleet: FleetOutcome) -> str:
    named = {tier.tier: tier.title.lower() for tier in fleet.tiers}
    return ", ".join(named.get(tier, tier) for tier in fleet.weakest_tiers) or NOTHING


def _row(title: str, quantity: str, values: Sequence[float | str | None], sides: Sequence[Side], reference: int) -> Row:
    known = values[reference]
    cells = []
    for place, (value, side) in enumerate(zip(values, sides, strict=True)):
        if value is None:
            waiting = side.outcome is None and not side.reason
            cells.append(Cell("…" if waiting else NOTHING))
        elif isinstance(value, str):
            cells.append(Cell(value))
        else:
            numeric = isinstance(known, float | int) and place != reference
            change = _change(quantity, float(value), float(known)) if numeric and known is not None else ""
            cells.append(Cell(QUANTITIES[quantity].format(float(value)), change))
    return Row(title, tuple(cells))


def _change(quantity: str, now: float, then: float) -> str:
    """Absolute and relative change: "▲ 0.31 s, +25 %"; a share changes by points; nothing where none shows."""
    if not (math.isfinite(now) and math.isfinite(then)):
        return ""
    kind = QUANTITIES[quantity]
    if kind.format(now) == kind.format(then):
        return ""
    sign = "▲" if now > then else "▼"
    if quantity == "share":
        return f"{sign} {QUANTITIES['plain'].format(round(100 * abs(now - then), 1))} points"
    absolute = f"{sign} {kind.format(abs(now - then))}"
    if then == 0:
        return absolute
    ratio = now / then
    if ratio >= 3:
        return f"{absolute}, {QUANTITIES['plain'].format(ratio)}×"
    share = 100 * (ratio - 1)
    digits = 1 if abs(share) < 1 else 0
    return f"{absolute}, {'+' if share > 0 else '−'}{abs(share):.{digits}f} %"


def _workload_of(outcome: Outcome, name: str) -> WorkloadOutcome:
    return next((one for one in outcome.workloads if one.name == name), outcome.workloads[0])


def _value(band: Banded | None) -> float | None:
    return None if band is None else band.value


def _counted(one: AlternativeOutcome, number: float) -> float | None:
    """A count of what would be bought; nothing is, where it cannot run."""
    return number if one.feasible else None


def _percentile(metric: Metric, which: str) -> Callable[[WorkloadOutcome, AlternativeOutcome], float | None]:
    def read(_: WorkloadOutcome, one: AlternativeOutcome) -> float | None:
        answered = one.latency.get(metric)
        return None if answered is None else _value(getattr(answered, which))

    return read


def _measures() -> tuple[_Measure, ...]:
    latencies = [
        _Measure(f"{which.upper()} {LATENCIES[metric]}", _percentile(metric, which), "seconds")
        for metric in METRICS
        for which in ("p99", "p95", "p50")
    ]
    return (
        _Measure("Alternative", lambda _, one: one.label),
        _Measure("Model", lambda answer, _: answer.model_name),
        _Measure("Parameters", lambda answer, _: answer.parameters, "parameters"),
        _Measure("Fits", lambda _, one: "✓ yes" if one.memory.fits else "✗ no"),
        _Measure("Weights, per chip", lambda _, one: one.memory.weights, "bytes"),
        _Measure("KV cache at the P99 batch, per chip", lambda _, one: one.memory.kv, "bytes"),
        _Measure("Usable memory, per chip", lambda _, one: one.memory.usable, "bytes"),
        _Measure("Largest batch", lambda _, one: float(one.memory.max_batch), "batch"),
        _Measure("Mean batch", lambda _, one: None if one.batch is None else one.batch.mean, "plain"),
        _Measure("Layout", lambda _, one: one.layout_sentence),
        _Measure("Replicas", lambda _, one: _counted(one, one.replicas + one.spare_replicas)),
        _Measure("Chips in all", lambda _, one: _counted(one, one.chips_total)),
        *latencies,
        _Measure("Utilisation", lambda _, one: _counted(one, one.utilisation), "share"),
        _Measure("Keeps every promise up to", lambda _, one: one.max_request_rate or None, "request_rate"),
        _Measure("Keeps all promises, share of draws", lambda _, one: one.probability_keeps.get("all"), "share"),
        _Measure("$/M tokens", lambda _, one: _value(one.cost.usd_per_million_blended), "usd_per_million"),
        _Measure("$/M input tokens", lambda _, one: one.cost.usd_per_million_input, "usd_per_million"),
        _Measure("$/M output tokens", lambda _, one: one.cost.usd_per_million_output, "usd_per_million"),
        _Measure("$/M tokens at full use", lambda _, one: one.cost.usd_per_million_at_full_use, "usd_per_million"),
        _Measure("$/month", lambda _, one: _value(one.cost.usd_per_month), "usd_per_month"),
        _Measure("Energy", lambda _, one: _value(one.energy_joule_per_token), "joule_per_token"),
        _Measure("$/chip-hour", lambda _, one: _value(one.cost.usd_per_chip_hour), "usd_per_hour"),
        _Measure("Evidence", lambda _, one: one.evidence_grade),
        _Measure("Available", lambda _, one: "yes" if one.available else "no"),
    )

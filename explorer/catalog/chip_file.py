"""Reading one chip from its TOML file; the place where a file's units become SI."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from explorer.catalog.chip import (
    COLLECTIVE_ALGORITHMS,
    COMPUTE_FORMATS,
    EVIDENCE_GRADES,
    KERNEL_CLASSES,
    REQUIRED_FIGURES,
    UNIT_NOUNS,
    Chip,
    EvidenceGrade,
    KernelClass,
)
from explorer.catalog.figure import (
    DISTRIBUTIONS,
    FIGURE_KINDS,
    STATUSES,
    UNIT_SCALES,
    Distribution,
    Figure,
    Reading,
    Status,
    allowed_instead,
    geometric_mean,
)
from explorer.catalog.reading import Table, raise_problems, read_toml
from explorer.errors import Problem

MOST_RATIO = 1e6
"""Of a figure to the one that it follows."""


def read_chip(path: Path, origin: str = "shipped") -> Chip:
    """The chip in `path`; raises CatalogError with every problem of the file."""
    problems: list[Problem] = []
    table = Table(read_toml(path), problems)
    figures = _read_figures(table.table("figures"))
    chip = Chip(
        id=table.identifier("id"),
        vendor=table.text("vendor"),
        name=table.text("name"),
        short_name=table.text("short_name"),
        unit_noun=table.text("unit_noun", allowed=UNIT_NOUNS),
        kernel_class=cast(KernelClass, table.text("kernel_class", allowed=KERNEL_CLASSES)),
        evidence_grade=cast(EvidenceGrade, table.text("evidence_grade", allowed=EVIDENCE_GRADES)),
        formats=table.texts("formats", allowed=COMPUTE_FORMATS),
        figures=figures,
        degrees=table.integers("degrees"),
        instance_size=table.integer("instance_size", least=1),
        collective_algorithms=table.texts("collective_algorithms", allowed=COLLECTIVE_ALGORITHMS),
        collective_fit=table.text("collective_fit", default="") or None,
        memory_type=table.text("memory_type"),
        form_factor=table.text("form_factor", default=""),
        software_stack=table.text("software_stack", default=""),
        frameworks=table.text("frameworks", default=""),
        launch=table.text("launch", default=""),
        available_from=table.text("available_from", default=""),
        availability=table.text("availability", default=""),
        offered_by=table.texts("offered_by", default=()),
        country=table.text("country"),
        notes=table.text("notes", default=""),
        source_ids=table.texts("source_ids", default=()),
        confidence=table.text("confidence", default=""),
        origin=origin,
    )
    table.finish()
    _check_chip(table, chip)
    raise_problems(path, problems)
    return chip


def _check_chip(table: Table, chip: Chip) -> None:
    for name in REQUIRED_FIGURES:
        if name not in chip.figures:
            table.problem(f"figures.{name}", "is missing; no result can be computed without it")
    for number_format in COMPUTE_FORMATS:
        stated, listed = f"peak_{number_format}" in chip.figures, number_format in chip.formats
        if listed and not stated:
            table.problem(f"figures.peak_{number_format}", f"is missing although formats lists '{number_format}'")
        if stated and not listed:
            table.problem("formats", f"lacks '{number_format}' although its peak is stated")
    if not chip.formats:
        table.problem("formats", "must name at least one compute format", ", ".join(COMPUTE_FORMATS))
    if not chip.degrees or list(chip.degrees) != sorted(set(chip.degrees)) or chip.degrees[0] != 1:
        table.problem("degrees", "must begin with 1 and rise")


def _read_figures(tables: Table) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    derived: dict[str, tuple[Table, Figure]] = {}
    for name in tables.keys():  # noqa: SIM118 - a Table is no mapping
        table = tables.table(name)
        if name not in FIGURE_KINDS:
            tables.problem(name, "is no known figure", ", ".join(FIGURE_KINDS))
            continue
        if "derived_from" in table:
            derived[name] = (table, _read_derived(table, name))
        else:
            figures[name] = _read_figure(table, name)
    for name, (table, follower) in derived.items():
        parent = figures.get(follower.derived_from or "")
        if parent is None:
            table.problem(
                "derived_from",
                f"'{follower.derived_from}' is no figure of this chip that stands by itself",
                ", ".join(figures),
            )
            continue
        ratio = follower.ratio or 1.0
        figures[name] = replace(
            follower,
            low=parent.low * ratio,
            value=parent.value * ratio,
            high=parent.high * ratio,
            # What follows from a settled figure by a rule of thumb is an estimate all the same.
            status=parent.status if parent.is_open else "estimated",
            distribution=parent.distribution,
            readings=tuple(Reading(r.name, r.value * ratio, r.source) for r in parent.readings),
            belief=parent.belief,
        )
    # In the order of FIGURE_KINDS, so that lists and sliders do not depend on a file's order.
    return {name: figures[name] for name in FIGURE_KINDS if name in figures}


def _read_figure(table: Table, name: str) -> Figure:
    kind = FIGURE_KINDS[name]
    unit = table.text("unit", allowed=kind.units)
    scale = UNIT_SCALES.get(unit, 1.0)
    status = cast(Status, table.text("status", allowed=STATUSES))
    distribution = cast(Distribution, table.text("distribution", allowed=DISTRIBUTIONS))
    readings = tuple(_read_reading(reading, unit) for reading in table.tables("readings", default=()))
    belief = table.number("belief", default=0.5, least=0.0)
    if belief > 1.0:
        table.problem("belief", f"{belief:g} is no share", "0 to 1")
        belief = 1.0
    if status == "disputed" or readings:
        low, value, high = _span_of_readings(table, readings, belief, status, distribution)
    else:
        before = table.problem_count
        low, value, high = (table.number(key, least=0.0) for key in ("low", "value", "high"))
        if table.problem_count == before:
            _check_range(table, low, value, high, distribution)
            for key, end in (("low", low), ("high", high)):
                if allowed := allowed_instead(end, unit):
                    table.problem(key, f"{end:g} {unit} cannot be", allowed)
        low, value, high = low * scale, value * scale, high * scale
    source, reason = table.text("source", default=""), table.text("reason", default="")
    if not source and not reason:
        table.problem("source", "a figure needs a source, or a reason where no source exists")
    figure = Figure(
        name=name,
        low=low,
        value=value,
        high=high,
        unit=unit,
        status=status,
        distribution=distribution,
        group=kind.group,
        title=kind.title,
        source=source,
        as_of=table.text("as_of"),
        reason=reason,
        readings=readings,
        belief=belief,
    )
    table.finish()
    return figure


def _read_derived(table: Table, name: str) -> Figure:
    kind = FIGURE_KINDS[name]
    figure = Figure(
        name=name,
        low=0.0,
        value=0.0,
        high=0.0,
        unit=table.text("unit", allowed=kind.units),
        status="estimated",
        distribution="fixed",
        group=kind.group,
        title=kind.title,
        source=table.text("source", default=""),
        as_of=table.text("as_of"),
        reason=table.text("reason"),
        derived_from=table.text("derived_from"),
        ratio=table.number("ratio", above=0.0),
    )
    if figure.ratio is not None and figure.ratio > MOST_RATIO:
        table.problem("ratio", f"{figure.ratio:g} is too large", f"at most {MOST_RATIO:g}")
    table.finish()
    return figure


def _read_reading(table: Table, unit: str) -> Reading:
    value = table.number("value", above=0.0)
    if allowed := allowed_instead(value, unit):
        table.problem("value", f"{value:g} {unit} cannot be", allowed)
    reading = Reading(table.text("name"), value * UNIT_SCALES.get(unit, 1.0), table.text("source", default=""))
    table.finish()
    return reading


def _span_of_readings(
    table: Table, readings: tuple[Reading, ...], belief: float, status: str, distribution: str
) -> tuple[float, float, float]:
    """Low, centre and high of a disputed figure, which its readings determine, so a file states no others."""
    for key in ("low", "value", "high"):
        if key in table:
            table.problem(key, "follows from the readings; leave it out")
            table.number(key)
    if status != "disputed":
        table.problem("status", "a figure with readings is disputed", "disputed")
    if distribution != "readings":
        table.problem("distribution", "must be 'readings' for a disputed figure", "readings")
    if len(readings) != 2:
        table.problem("readings", "a disputed figure needs exactly two named readings")
        return 1.0, 1.0, 1.0
    if any(one.value <= 0.0 for one in readings):
        # told already, and of these there is no mean
        return 1.0, 1.0, 1.0
    first, second = readings[0].value, readings[1].value
    return min(first, second), geometric_mean(first, second, belief), max(first, second)


def _check_range(table: Table, low: float, value: float, high: float, distribution: str) -> None:
    if not low <= value <= high:
        table.problem("value", f"{value:g} lies outside low {low:g} and high {high:g}")
    if distribution == "readings":
        table.problem("distribution", "needs readings", ", ".join(DISTRIBUTIONS[:4]))
    if distribution in ("log_uniform", "triangular") and low <= 0.0:
        table.problem("low", f"must be greater than 0 where the distribution is {distribution}")
    if distribution == "fixed" and low < high:
        table.problem("distribution", "cannot be fixed over a range", ", ".join(DISTRIBUTIONS[1:4]))

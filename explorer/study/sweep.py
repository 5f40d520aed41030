"""A sweep: inputs of a scenario varied over ranges, every combination evaluated to the end in closed form."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.checks import misplaced_choices, unknown_records
from explorer.scenario.inputs import input_at
from explorer.scenario.path import ScenarioValueError, get, several, split
from explorer.scenario.places import Place
from explorer.scenario.schema import Scenario
from explorer.scenario.tables import plain
from explorer.scenario.wording import allowed_at, number_range_at
from explorer.study.evaluate import Evaluator
from explorer.study.outcome_table import HEADINGS, Cell, outcome_rows
from explorer.study.unknown import Unknown, UnknownInputError, unknown_named

MOST_POINTS = 10_000
FORMS = "start:stop:count, start:stop:count:log, or a,b,c"
FAILED = "why there is no answer"
"""Heading of the last column: what is wrong with a point that cannot be evaluated."""
_PATH = re.compile(r'[\w"-]+(\.[\w"-]+)+')


class SweepError(ExplorerError):
    """A range that cannot be swept: the key, the reason, and what is allowed."""

    def __init__(self, key: str, reason: str, allowed: str) -> None:
        self.key, self.reason, self.allowed = key, reason, allowed
        super().__init__(f"--vary {key}: {reason} (allowed: {allowed})")


@dataclass(frozen=True, slots=True)
class Varied:
    """One input and the values it takes, as the scenario writes them: numbers, or choices in words."""

    heading: str
    values: tuple[Cell, ...]
    number: Unknown | None
    """None for a choice in words."""
    path: str

    def changes(self, scenario: Scenario, value: Cell) -> dict[str, Any]:
        """What to change in the scenario, by path."""
        if self.number is None or isinstance(value, str):
            return {self.path: value}
        assert value is not None
        return self.number.setting(value * self.number.scale, scenario)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A scenario in closed form and what varies in it; the last of `varied` changes fastest."""

    scenario: Scenario
    varied: tuple[Varied, ...]

    @property
    def count(self) -> int:
        """Number of points."""
        return math.prod(len(one.values) for one in self.varied)

    @property
    def headings(self) -> tuple[str, ...]:
        """Of the rows: what varies, then the figures of an outcome, then why a point has none."""
        return (*(one.heading for one in self.varied), *HEADINGS, FAILED)

    def points(self) -> Iterator[tuple[Cell, ...]]:
        """The values of each point."""
        return itertools.product(*(one.values for one in self.varied))

    def at(self, point: Sequence[Cell]) -> Scenario:
        """The scenario of a point; ScenarioValueError where its values do not go together."""
        scenario = self.scenario
        for one, value in zip(self.varied, point, strict=True):
            scenario = several(scenario, one.changes(scenario, value))
        return scenario


def plan_sweep(catalog: Catalog, scenario: Scenario, ranges: Sequence[str]) -> Sweep:
    """The sweep that texts such as "request_rate_per_s=1:20:5" ask for; nothing is evaluated yet.

    A key is a path of the scenario, a figure of a chip ("link bandwidth of AI200") or the name of a setting
    ("max_batch of AI200"), as for a break-even. Raises SweepError, UnknownInputError and ScenarioValueError, each
    naming the key, the reason and what is allowed.
    """
    if not ranges:
        raise SweepError("KEY=RANGE", "is missing", FORMS)
    try:
        known = several(scenario, {"simulation.method": "closed_form"})
    except ScenarioValueError as error:
        raise ExplorerError(f"a sweep is in closed form, which this scenario has not: {error}") from None
    varied = tuple(_varied(catalog, known, text) for text in ranges)
    paths = [one.path for one in varied]
    for one in varied:
        if paths.count(one.path) > 1:
            raise SweepError(one.path, "is varied twice", "each input once")
    found = Sweep(known, varied)
    if found.count > MOST_POINTS:
        sizes = " × ".join(f"{len(one.values):,}" for one in varied)
        raise SweepError(
            ", ".join(paths), f"{sizes} makes {found.count:,} points", f"{MOST_POINTS:,} points: fewer values of each"
        )
    for one in varied:
        for value in one.values:
            _check(catalog, several(known, one.changes(known, value)), one.path)
    return found


def _check(catalog: Catalog, scenario: Scenario, key: str) -> None:
    """What `check` would refuse is told before anything is computed."""
    for fault in (*unknown_records(plain(scenario), catalog), *misplaced_choices(scenario, catalog)):
        raise SweepError(key, fault.reason, fault.allowed)


def sweep_rows(catalog: Catalog, sweep: Sweep) -> Iterator[list[tuple[Cell, ...]]]:
    """The rows of each point under the sweep's headings, an alternative each, from final outcomes with the scenario's
    own number of draws; a point without an answer has one row that says why."""
    evaluator = Evaluator(catalog)
    nothing: tuple[Cell, ...] = (None,) * len(HEADINGS)
    for point in sweep.points():
        try:
            outcome = evaluator.evaluate(sweep.at(point))
        except ExplorerError as error:
            yield [(*point, *nothing, str(error))]
        else:
            yield [(*point, *row, None) for row in outcome_rows(outcome)]


def _varied(catalog: Catalog, scenario: Scenario, text: str) -> Varied:
    key, equals, wanted = (part.strip() for part in text.rpartition("="))
    if not equals or not key:
        raise SweepError(text.strip(), "has no range", f"KEY=RANGE, a range being {FORMS}")
    if not wanted:
        raise SweepError(key, "has an empty range", FORMS)
    words = _choice(scenario, key)
    if words:
        values: tuple[Cell, ...] = tuple(part.strip() for part in wanted.split(","))
        _no_twice(key, values)
        return Varied(_heading(words, key), values, None, key)
    first = scenario.workloads[0]
    chosen = [one.name for one in first.alternatives].index(first.selected)
    number = unknown_named(catalog, scenario, key, Place(0, chosen), {})
    if number.path is None:
        reason = "is not held by a scenario, but computed from the price basis"
        allowed = "purchase price of a chip, or settings under price, such as price.margin"
        raise UnknownInputError(key, reason, allowed)
    values = tuple(_whole(number, key, value) for value in _range(number, key, wanted))
    _no_twice(key, values)
    # the last key of other paths holds the unit
    unit = f" ({number.unit})" if number.unit else ""
    return Varied(_heading(number.name, number.path) + unit, values, number, number.path)


def _heading(name: str, path: str) -> str:
    return f"{name} [{path}]"


def _choice(scenario: Scenario, key: str) -> str:
    """The title of a setting that is a choice in words, by its path; empty for a number, and for what is no path."""
    if not _PATH.fullmatch(key):
        return ""
    try:
        value = get(scenario, key)
    except ScenarioValueError:
        # told with the nearest names where numbers are looked for
        return ""
    steps = split(key)
    if isinstance(value, str | bool) and number_range_at(steps) is None and allowed_at(steps):
        return input_at(steps).title
    return ""


def _range(number: Unknown, key: str, text: str) -> list[Cell]:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) == 1:
        return [_value(number, key, part) for part in text.split(",")]
    if len(parts) not in (3, 4) or (len(parts) == 4 and parts[3] not in ("log", "linear")):
        raise SweepError(key, f"'{text}' is no range", FORMS)
    start, stop = (_number(number, key, part) for part in parts[:2])
    if not parts[2].isdecimal() or not 2 <= int(parts[2]) <= MOST_POINTS:
        raise SweepError(key, f"'{parts[2]}' is no number of values", f"2 to {MOST_POINTS:,}")
    count = int(parts[2])
    if parts[-1] == "log":
        if not (start > 0 and stop > 0):
            raise SweepError(key, f"'{text}' has an end that is not above 0", "a range above 0 for log, or without log")
        ratio = math.log(stop / start)
        inner = [start * math.exp(ratio * at / (count - 1)) for at in range(1, count - 1)]
    else:
        inner = [start + (stop - start) * at / (count - 1) for at in range(1, count - 1)]
    return [start, *inner, stop]


def _value(number: Unknown, key: str, text: str) -> Cell:
    """One value of a list: a number, or a word such as "auto" where the setting has one."""
    word = text.strip()
    if word == "auto" and number.path is not None and '"auto"' in allowed_at(split(number.path)):
        return word
    return _number(number, key, word)


def _number(number: Unknown, key: str, text: str) -> float:
    """A number as the scenario writes it; with a unit ("70B", "50 ms") it is read as that."""
    try:
        value = float(text)
    except ValueError:
        try:
            value = number.quantity.parse(text) / number.scale
        except ValueError as error:
            raise SweepError(key, str(error), f"numbers as {number.path} has them; {FORMS}") from None
    if not math.isfinite(value):
        raise SweepError(key, f"'{text}' is not finite", f"numbers as {number.path} has them")
    return value


def _whole(number: Unknown, key: str, value: Cell) -> Cell:
    """Settings that are counted take whole numbers: those between are rounded, as long as none comes twice."""
    if isinstance(value, float) and (number.reach.whole or number.reach.stops):
        return round(value)
    return value


def _no_twice(key: str, values: Sequence[Cell]) -> None:
    seen: set[Cell] = set()
    for value in values:
        if value in seen:
            raise SweepError(key, f"takes {value} twice", "each value once; whole numbers are rounded")
        seen.add(value)

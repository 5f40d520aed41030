"""Every input of a scenario in words, in groups: what a reader is told it rests on, defaults included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.scenario.fields import Record
from explorer.scenario.inputs import input_at
from explorer.scenario.schema import Scenario
from explorer.scenario.wording import fields_of
from explorer.scenario.workload import Workload

UNSET = "not set"


@dataclass(frozen=True, slots=True)
class InputGroup:
    """Settings of one part of a scenario; each row has its title and a text for each of `names` (one text where
    there are no names)."""

    title: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def input_groups(scenario: Scenario) -> tuple[InputGroup, ...]:
    """The inputs in the order of the file; lists that are empty are said to be so. Title, question, date and edition
    are the head of whatever shows them and are left out, as is what only says where a file comes from."""
    found: list[InputGroup] = []
    for workload in scenario.workloads:
        found += _workload(workload)
    fleet = scenario.fleet
    found.append(_side_by_side("Fleet: deployments", fleet.members))
    found.append(_one("Fleet: terms", fleet, fleet.migration, fleet.risk, but=("members", "migration", "risk")))
    for title, record in (
        ("Price", scenario.price),
        ("Comparison", scenario.comparison),
        ("Decision", scenario.decision),
        ("Where chips can be had", scenario.access),
        ("Stragglers", scenario.stragglers),
        ("Computation", scenario.simulation),
    ):
        found.append(_one(title, record))
    own = [
        (f"{chip}: {name.replace('_', ' ')}", override)
        for chip, table in scenario.overrides.items()
        for name, override in table.items()
    ]
    found.append(_listed("Own figures", own))
    for title, listed in (
        ("Own benchmarks", scenario.benchmarks),
        ("Shocks", scenario.shocks),
        ("Claims", scenario.claims),
    ):
        found.append(_listed(title, [(one.name, one) for one in listed]))
    return tuple(found)


def _workload(workload: Workload) -> tuple[InputGroup, InputGroup]:
    own = (input_at(("selected",)).title, (workload.selected,))
    asked = _one(f"{workload.name}: model, traffic, promises", workload.model, workload.traffic, workload.objectives)
    return (
        InputGroup(asked.title, (), (own, *asked.rows)),
        _side_by_side(f"{workload.name}: alternatives", workload.alternatives),
    )


def _one(title: str, *records: Record, but: Sequence[str] = ()) -> InputGroup:
    rows = tuple(
        (input_at((key,)).title, (_text(key, getattr(record, key)),))
        for record in records
        for key in fields_of(type(record))
        if key not in but
    )
    return InputGroup(title, (), rows)


def _side_by_side(title: str, records: Sequence[Any]) -> InputGroup:
    """Records of one kind, a column each."""
    names = tuple(one.name for one in records)
    keys: Iterable[str] = fields_of(type(records[0])) if records else ()
    rows = tuple(
        (input_at((key,)).title, tuple(_text(key, getattr(one, key)) for one in records))
        for key in keys
        if key != "name"
    )
    return InputGroup(title, names, rows)


def _listed(title: str, records: Sequence[tuple[str, Record]]) -> InputGroup:
    """Records of one kind, a line each."""
    return InputGroup(title, (), tuple((name, (_line(record),)) for name, record in records))


def _line(record: Record) -> str:
    parts = []
    for key in fields_of(type(record)):
        value = getattr(record, key)
        if key == "name" or value in (None, "", ()):
            continue
        if isinstance(value, tuple) and value and isinstance(value[0], Record):
            parts.append(f"{input_at((key,)).title}: {len(value)}")
        else:
            parts.append(f"{input_at((key,)).title}: {_text(key, value)}")
    return "; ".join(parts)


def _text(key: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(str(name), item)}" for name, item in value.items()) or "none"
    if key == "file" and isinstance(value, str):
        # where it lies on somebody's machine is nothing to hand on
        value = value.replace("\\", "/").rpartition("/")[2]
    return input_at((key,)).text(value) or UNSET

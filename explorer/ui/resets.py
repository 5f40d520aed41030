"""What leads back: the changes that bring settings to where another scenario (the file, the baseline) has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from explorer.errors import ExplorerError
from explorer.scenario.difference import NOT_INPUTS
from explorer.scenario.path import get
from explorer.scenario.schema import Scenario


def value_in(then: Scenario, now: Scenario, path: str) -> Any:
    """The value that `then` has at a path of `now`; LookupError where it speaks of another workload or chip."""
    if not _same_subject(now, then, path):
        raise LookupError(path)
    try:
        return get(then, path)
    except (ExplorerError, AttributeError) as error:
        raise LookupError(path) from error


def changes_back(now: Scenario, then: Scenario, paths: Iterable[str]) -> dict[str, Any]:
    """The values of `then` at those of `paths` where the two differ; what only `now` speaks of is left alone."""
    changes: dict[str, Any] = {}
    for path in paths:
        try:
            before, here = value_in(then, now, path), value_in(now, now, path)
        except LookupError:
            continue
        if before != here or isinstance(before, bool) != isinstance(here, bool):
            changes[path] = before
    return changes


def whole_way_back(now: Scenario, then: Scenario) -> dict[str, Any]:
    """The changes that make every input that of `then`; the pinned baseline stays."""
    # The edition is stamped on saving and is nothing that was set here.
    inputs = (key for key in type(now).model_fields if key not in {*NOT_INPUTS, "catalog_edition"})
    return {key: getattr(then, key) for key in inputs if getattr(now, key) != getattr(then, key)}


def _same_subject(now: Scenario, then: Scenario, path: str) -> bool:
    """A position in a list means the same thing in both only where the same name stands there."""
    keys = path.split(".")
    if keys[0] == "fleet" and keys[1:2] == ["members"] and len(keys) > 2:
        return _name_at(now.fleet.members, keys[2]) == _name_at(then.fleet.members, keys[2])
    if keys[0] != "workloads" or len(keys) < 2:
        return True
    here, there = (_at(one.workloads, keys[1]) for one in (now, then))
    if here is None or there is None or here.name != there.name:
        return False
    if keys[2:3] != ["alternatives"] or len(keys) < 4:
        return True
    return _name_at(here.alternatives, keys[3]) == _name_at(there.alternatives, keys[3])


def _at(records: tuple[Any, ...], index: str) -> Any:
    return records[int(index)] if int(index) < len(records) else None


def _name_at(records: tuple[Any, ...], index: str) -> str | None:
    record = _at(records, index)
    return None if record is None else str(record.name)

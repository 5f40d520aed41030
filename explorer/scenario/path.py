"""Reading and replacing one value of a scenario by its path: the only way a scenario is ever changed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import ValidationError

from explorer.errors import ExplorerError
from explorer.scenario.fields import Record
from explorer.scenario.schema import Override, Scenario
from explorer.scenario.wording import Step, faults, written

Tree = dict[Step, Any]
RecordT = TypeVar("RecordT", bound=Record)


class ScenarioValueError(ExplorerError):
    """A value that a scenario cannot take: where, why, and what would be allowed."""

    def __init__(self, path: str, reason: str, allowed: str = "") -> None:
        self.path, self.reason, self.allowed = path, reason, allowed
        super().__init__(f"{path}: {self.words}")

    @property
    def words(self) -> str:
        """Why and what is allowed, for one who sees where: without the path."""
        return self.reason + (f" (allowed: {self.allowed})" if self.allowed else "")


class _New:
    """Marks a leaf of the tree of changes, so that a table given as a value is not taken for a branch."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


@lru_cache(maxsize=4096)
def split(path: str) -> tuple[Step, ...]:
    """The steps of a path; digits are list positions, a step in double quotes may hold dots."""
    steps: list[Step] = []
    rest = path
    while rest:
        if rest.startswith('"') and '"' in rest[1:]:
            step, _, rest = rest[1:].partition('"')
            rest = rest.removeprefix(".")
            steps.append(step)
            continue
        step, _, rest = rest.partition(".")
        steps.append(int(step) if step.isdecimal() else step)
    if not steps or "" in steps:
        raise ScenarioValueError(path, "is not a path", 'keys and positions, as in "workloads.0.traffic"')
    return tuple(steps)


def get(scenario: Scenario, path: str) -> Any:
    """The value at `path`; None for an override that is not set. ScenarioValueError for an unknown path."""
    here: Any = scenario
    done: list[Step] = []
    for step in split(path):
        if done and done[0] == "overrides" and here is None:
            return None
        if isinstance(here, Record):
            if isinstance(step, int) or not _has(here, step):
                raise _unknown(here, done, step)
            here = getattr(here, step)
        elif isinstance(here, tuple | list):
            here = here[_position(here, done, step, extra=0)]
        elif isinstance(here, Mapping):
            if done[0] != "overrides" and str(step) not in here:
                raise ScenarioValueError(written([*done, step]), "there is no such key", ", ".join(here))
            here = here.get(str(step))
        else:
            raise ScenarioValueError(written([*done, step]), "nothing lies below a plain value")
        done.append(step)
    return here


def replace(scenario: Scenario, path: str, value: Any) -> Scenario:
    """A new scenario with `value` at `path`, validated; the old one stays as it was.

    None takes a list item or an override away, and unsets what may be unset. A position one past the end of a
    list appends. ScenarioValueError says where, why and what is allowed.
    """
    return several(scenario, {path: value})


def several(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """A new scenario with all `changes` (path to value) made together and validated once.

    For values that are only right together, such as the traffic shares of a fleet. List positions mean those
    of the given scenario.
    """
    tree: Tree = {}
    for path, value in changes.items():
        branch = tree
        *above, last = split(path)
        for step in above:
            deeper = branch.setdefault(step, {})
            if isinstance(deeper, _New):
                raise ScenarioValueError(path, "is changed twice in one go")
            branch = deeper
        if last in branch:
            raise ScenarioValueError(path, "is changed twice in one go")
        branch[last] = _New(value)
    return _changed_record(scenario, tree, []) if tree else scenario


def _changed_record(old: RecordT, tree: Tree, done: list[Step]) -> RecordT:
    """`old` with the changes below it. Only the records on the way are built anew; what is untouched in them
    is passed on as it is, which pydantic takes without looking inside."""
    keys = {key: getattr(old, key) for key in old.model_fields_set}
    for step, change in tree.items():
        if isinstance(step, int) or not _has(old, step):
            raise _unknown(old, done, step)
        value = _changed_value(getattr(old, step), change, [*done, step])
        if value is None and step in type(old).model_fields and type(old).model_fields[step].default is None:
            keys.pop(step, None)
        else:
            keys[step] = value
    return _validated(type(old), keys, done)


def _changed_value(old: Any, change: Any, done: list[Step]) -> Any:
    if isinstance(change, _New):
        return change.value
    if isinstance(old, Record):
        return _changed_record(old, change, done)
    if isinstance(old, tuple | list):
        return _changed_list(old, change, done)
    if isinstance(old, Mapping):
        return _changed_mapping(old, change, done)
    raise ScenarioValueError(written([*done, next(iter(change))]), "nothing lies below a plain value")


def _changed_list(old: tuple[Any, ...] | list[Any], tree: Tree, done: list[Step]) -> tuple[Any, ...]:
    items = list(old)
    for step in sorted(tree, key=lambda step: step if isinstance(step, int) else -1):
        position = _position(items, done, step, extra=1)
        change = tree[step]
        if position < len(items):
            items[position] = _changed_value(items[position], change, [*done, step])
        elif isinstance(change, _New):
            items.append(change.value)
        else:
            raise ScenarioValueError(written([*done, step]), "there is no such item")
    return tuple(item for item in items if item is not None)


def _changed_mapping(old: Mapping[str, Any], tree: Tree, done: list[Step]) -> dict[str, Any]:
    entries = dict(old)
    for step, change in tree.items():
        key = str(step)
        below = [*done, step]
        value: Any
        if len(done) == 2 and done[0] == "overrides":
            value = _changed_override(entries.get(key), change, below)
        elif isinstance(change, _New):
            value = change.value
        else:
            value = _changed_value(entries.get(key, {}), change, below)
        if value is None or (value == {} and done == ["overrides"]):
            entries.pop(key, None)
        else:
            entries[key] = value
    return entries


def _changed_override(old: Override | None, change: Any, done: list[Step]) -> Override | None:
    """One override after a change; None when its value and its belief have both been taken away."""
    if isinstance(change, _New):
        given = change.value
        return given if given is None or isinstance(given, Override) else _validated(Override, given, done)
    keys: dict[str, Any] = {} if old is None else {key: getattr(old, key) for key in old.model_fields_set}
    for step, leaf in change.items():
        if step not in Override.model_fields or not isinstance(leaf, _New):
            raise _unknown(old or Override.model_construct(), done, step)
        keys[str(step)] = leaf.value
    emptied = any(step in ("value", "belief") and leaf.value is None for step, leaf in change.items())
    if emptied and keys.get("value") is None and keys.get("belief") is None:
        return None
    return _validated(Override, {key: value for key, value in keys.items() if value is not None}, done)


def _validated(kind: type[RecordT], keys: Any, done: list[Step]) -> RecordT:
    try:
        return kind.model_validate(keys)
    except ValidationError as error:
        fault = faults(error, done)[0]
        raise ScenarioValueError(written(fault.path), fault.reason, fault.allowed) from None


def _has(record: Record, key: str) -> bool:
    return key in _fields(type(record)) or key in (record.model_extra or {})


@lru_cache(maxsize=256)
def _fields(kind: type[Record]) -> frozenset[str]:
    return frozenset(kind.model_fields)


def _unknown(record: Record, done: list[Step], step: Step) -> ScenarioValueError:
    known = (*type(record).model_fields, *(record.model_extra or {}))
    near = difflib.get_close_matches(str(step), known, n=3, cutoff=0.4)
    hint = f"; nearest known: {', '.join(near)}" if near else ""
    return ScenarioValueError(written([*done, step]), f"there is no such key{hint}", ", ".join(known))


def _position(items: tuple[Any, ...] | list[Any], done: list[Step], step: Step, extra: int) -> int:
    if not isinstance(step, int) or step >= len(items) + extra:
        allowed = f"0 to {len(items) - 1 + extra}" if len(items) + extra else ""
        raise ScenarioValueError(written([*done, step]), "there is no such item", allowed)
    return step

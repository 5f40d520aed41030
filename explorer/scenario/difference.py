"""What differs between two scenarios: every input, named for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from explorer.scenario.inputs import input_at
from explorer.scenario.schema import Record, Scenario
from explorer.scenario.wording import Step, written

NOT_INPUTS = frozenset({"format", "app_version", "engine_version", "locks", "baseline", "catalog"})
"""What says where a file comes from or how it is shown, and not what is asked."""

ADDED = ": added"
REMOVED = ": removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One input that differs. `path` is its path in the newer scenario, in the older where it is gone from
    that; `old` or `new` is None where a scenario has nothing there."""

    path: str
    title: str
    old: Any
    new: Any

    @property
    def key(self) -> str:
        """The last key of the path."""
        return self.path.rpartition(".")[2]

    def __str__(self) -> str:
        if self.title.endswith((ADDED, REMOVED)):
            return self.title
        kind = input_at((self.key,))
        return f"{self.title}: {kind.text(self.old)} → {kind.text(self.new)}"


def differences(old: Scenario, new: Scenario) -> tuple[Difference, ...]:
    """Every input that differs, in the order of the file.

    Workloads, alternatives and fleet members are matched by name, so that moving one is no difference; one
    that only one side has is given whole.
    """
    found: list[Difference] = []
    for key in type(new).model_fields:
        if key not in NOT_INPUTS:
            found.extend(_between(getattr(old, key), getattr(new, key), (key,), ""))
    return tuple(found)


def _between(old: Any, new: Any, path: tuple[Step, ...], context: str) -> Iterator[Difference]:
    if old == new and isinstance(old, bool) is isinstance(new, bool):
        return
    if isinstance(old, Record) and isinstance(new, Record):
        for key in type(new).model_fields:
            yield from _between(getattr(old, key), getattr(new, key), (*path, key), context)
    elif _are_named(old) and _are_named(new):
        yield from _between_named(old, new, path, context)
    elif isinstance(old, Mapping) or isinstance(new, Mapping):
        before, after = old or {}, new or {}
        for key in dict.fromkeys([*before, *after]):
            inner = _joined(context, key) if path == ("overrides",) else context
            yield from _between(before.get(key), after.get(key), (*path, key), inner)
    else:
        yield Difference(written(path), _joined(context, input_at(path).title), old, new)


def _between_named(
    old: tuple[Any, ...], new: tuple[Any, ...], path: tuple[Step, ...], context: str
) -> Iterator[Difference]:
    before = {item.name: (position, item) for position, item in enumerate(old)}
    after = {item.name: (position, item) for position, item in enumerate(new)}
    renamed = len(old) == len(new) and len(before.keys() - after.keys()) == 1
    for position, item in enumerate(new):
        if item.name in before:
            counterpart = before[item.name][1]
        elif renamed and old[position].name not in after:
            counterpart = old[position]
        else:
            counterpart = None
        inner = _joined(context, item.name)
        if counterpart is None:
            yield Difference(written((*path, position)), f"{inner}{ADDED}", None, item)
        else:
            yield from _between(counterpart, item, (*path, position), inner)
    for name, (position, item) in before.items():
        if name not in after and not (renamed and new[position].name not in before):
            title = f"{_joined(context, name)}{REMOVED}"
            yield Difference(written((*path, position)), title, item, None)


def _are_named(value: Any) -> bool:
    return isinstance(value, tuple) and all(hasattr(item, "name") for item in value)


def _joined(context: str, title: str) -> str:
    return f"{context} · {title}" if context else title

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
    that; `named` is the same path with names for positions, which holds in any scenario; `old` or `new` is None where
    a scenario has nothing there."""

    path: str
    title: str
    old: Any
    new: Any
    named: tuple[Step, ...] = ()

    @property
    def key(self) -> str:
        """The last key of the path."""
        return self.path.rpartition(".")[2]

    def __str__(self) -> str:
        if self.title.endswith((ADDED, REMOVED)):
            return self.title
        kind = input_at((self.key,))
        return f"{self.title}: {kind.text(self.old)} → {kind.text(self.new)}"


ABSENT = object()
"""What `value_named` gives where a scenario has no such workload, alternative or the like."""


def differences(old: Scenario, new: Scenario, *, renames: bool = True) -> tuple[Difference, ...]:
    """Every input that differs, in the order of the file.

    Workloads, alternatives and fleet members are matched by name, so that moving one is no difference; one
    that only one side has is given whole. With `renames`, a single one of another name is the same one renamed.
    """
    found: list[Difference] = []
    for key in type(new).model_fields:
        if key not in NOT_INPUTS:
            found.extend(_between(getattr(old, key), getattr(new, key), _Place((key,), (key,), ""), renames))
    return tuple(found)


def value_named(scenario: Scenario, named: tuple[Step, ...]) -> Any:
    """What a scenario has at a path with names for positions; ABSENT where something on the way is not there."""
    here: Any = scenario
    for step in named:
        if isinstance(here, Record):
            here = getattr(here, str(step), ABSENT)
        elif isinstance(here, tuple):
            here = next((item for item in here if getattr(item, "name", None) == step), ABSENT)
        elif isinstance(here, Mapping):
            here = here.get(step)
        elif here is None and named[0] == "overrides":
            return None
        else:
            return ABSENT
    return here


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the comparison stands: its path, the same with names for positions, and the names as words."""

    path: tuple[Step, ...]
    named: tuple[Step, ...]
    context: str

    def below(self, step: Step, name: str | None = None, context: str | None = None) -> _Place:
        return _Place(
            (*self.path, step),
            (*self.named, step if name is None else name),
            self.context if context is None else context,
        )


def _between(old: Any, new: Any, place: _Place, renames: bool) -> Iterator[Difference]:
    if old == new and isinstance(old, bool) is isinstance(new, bool):
        return
    if isinstance(old, Record) and isinstance(new, Record):
        for key in type(new).model_fields:
            yield from _between(getattr(old, key), getattr(new, key), place.below(key), renames)
    elif _are_named(old) and _are_named(new):
        yield from _between_named(old, new, place, renames)
    elif isinstance(old, Mapping) or isinstance(new, Mapping):
        before, after = old or {}, new or {}
        for key in dict.fromkeys([*before, *after]):
            inner = _joined(place.context, key) if place.path == ("overrides",) else place.context
            yield from _between(before.get(key), after.get(key), place.below(key, context=inner), renames)
    else:
        title = _joined(place.context, input_at(place.path).title)
        yield Difference(written(place.path), title, old, new, place.named)


def _between_named(old: tuple[Any, ...], new: tuple[Any, ...], place: _Place, renames: bool) -> Iterator[Difference]:
    before = {item.name: (position, item) for position, item in enumerate(old)}
    after = {item.name: (position, item) for position, item in enumerate(new)}
    renamed = renames and len(old) == len(new) and len(before.keys() - after.keys()) == 1
    for position, item in enumerate(new):
        if item.name in before:
            counterpart = before[item.name][1]
        elif renamed and old[position].name not in after:
            counterpart = old[position]
        else:
            counterpart = None
        here = place.below(position, item.name, _joined(place.context, item.name))
        if counterpart is None:
            yield Difference(written(here.path), f"{here.context}{ADDED}", None, item, here.named)
        else:
            yield from _between(counterpart, item, here, renames)
    for name, (position, item) in before.items():
        if name not in after and not (renamed and new[position].name not in before):
            here = place.below(position, name, _joined(place.context, name))
            yield Difference(written(here.path), f"{here.context}{REMOVED}", item, None, here.named)


def _are_named(value: Any) -> bool:
    return isinstance(value, tuple) and all(hasattr(item, "name") for item in value)


def _joined(context: str, title: str) -> str:
    return f"{context} · {title}" if context else title

"""A scenario as the plain tables of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from explorer.scenario.fields import Record

Data = dict[str, Any]


def plain(record: Record, stated: Mapping[str, Any] | None = None, everything: bool = True) -> Data:
    """The tables of a record. What is None is left out, since reading a file without it gives None again.

    With `everything` false only what differs from its default or is named in `stated` (the tables of an
    existing file) is given, so that a short file stays short.
    """
    given = {} if stated is None else stated
    data: Data = {}
    for key, field in type(record).model_fields.items():
        value = getattr(record, key)
        if value is None or (value == {} and key not in given):
            continue
        if not everything and key not in given and _is_default(value, field.default):
            continue
        data[key] = _plain_value(value, given.get(key), everything)
    for key, value in (record.model_extra or {}).items():
        data[key] = value
    return data


def same(one: Any, other: Any) -> bool:
    """Whether two plain values say the same: 12 and 12.0 do, nan and nan do, 1 and true do not."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if _is_list(one) and _is_list(other):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    # what is not a number equals nothing, itself included, and may stand in tables of the user's own
    return bool(one == other or (one != one and other != other))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_default(value: Any, default: Any) -> bool:
    return bool(value == default) and isinstance(value, bool) is isinstance(default, bool)


def _plain_value(value: Any, stated: Any, everything: bool) -> Any:
    if isinstance(value, Record):
        return plain(value, stated if isinstance(stated, Mapping) else None, everything)
    if isinstance(value, tuple | list):
        old = stated if isinstance(stated, list) else []
        return [
            _plain_value(item, _counterpart(item, position, old, len(value)), everything)
            for position, item in enumerate(value)
        ]
    if isinstance(value, Mapping):
        old_entries = stated if isinstance(stated, Mapping) else {}
        return {key: _plain_value(item, old_entries.get(key), everything) for key, item in value.items()}
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def _counterpart(item: Any, position: int, old: list[Any], length: int) -> Any:
    """The stated table that a list item came from: the one of its name, else the one in its place."""
    name = getattr(item, "name", None)
    for candidate in old:
        if name is not None and isinstance(candidate, Mapping) and candidate.get("name") == name:
            return candidate
    return old[position] if length == len(old) else None

"""The text of a scenario file: written afresh, or amended with its comments kept."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Comment, InlineTable, Item, Table, Whitespace

from explorer.scenario.schema import Scenario
from explorer.scenario.tables import Data, plain, same

_SNAPSHOT_LEVELS = 4
"""catalog, used, chips, and one chip are tables; each of the chip's figures then reads best as one line."""


def new_text(scenario: Scenario) -> str:
    """The text of a fresh file: every setting stated, one table a record."""
    document = tomlkit.document()
    _fill(document, plain(scenario), levels=None)
    return tomlkit.dumps(document)


def updated_text(scenario: Scenario, original: str) -> str:
    """`original` with the scenario's values: comments, order and unknown keys stay, and so does every line
    whose value is the same. Where the text cannot be amended faithfully, a fresh one is returned."""
    before = tomllib.loads(original)
    after = plain(scenario, stated=before, everything=False)
    if same(before, after):
        return original
    try:
        document = tomlkit.parse(original)
        _amend(document, before, after, levels=None)
        text = tomlkit.dumps(document)
        if same(tomllib.loads(text), after):
            return text
    except (TOMLKitError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, IndexError):
        # The library cannot amend every legal text (tables out of order, some dotted keys); values go first.
        return new_text(scenario)
    return new_text(scenario)


def _below(key: str, levels: int | None) -> int | None:
    """How many levels of tables follow below `key` before they are written in line; None for no limit."""
    if levels is None:
        return _SNAPSHOT_LEVELS if key == "catalog" else None
    return max(0, levels - 1)


def _fill(table: Any, data: Data, levels: int | None) -> None:
    """Write a table's values first and its sub-tables after them, as TOML demands."""
    for key, value in sorted(data.items(), key=lambda entry: _is_table(entry[1])):
        table.add(key, _item(value, _below(key, levels)))


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)
    )


def _item(value: Any, levels: int | None) -> Item:
    """A TOML item: a table in line where no levels are left, else under a header of its own."""
    if isinstance(value, Mapping):
        table = tomlkit.inline_table() if levels == 0 else tomlkit.table(is_super_table=_only_tables(value))
        _fill(table, dict(value), levels)
        return table
    if _is_table(value) and levels != 0:
        tables = tomlkit.aot()
        for entry in value:
            tables.append(_item(entry, levels))
        return tables
    if isinstance(value, list | tuple):
        array = tomlkit.array()
        for entry in value:
            array.append(_item(entry, 0))
        return array
    if isinstance(value, str) and "\n" in value and _can_stand_as_typed(value):
        return tomlkit.string(value, multiline=True)
    item: Item = tomlkit.item(value)
    return item


def _can_stand_as_typed(text: str) -> bool:
    """Whether a text of several lines reads back the same without escapes (a carriage return would not)."""
    return text.replace("\n", "").isprintable() and '"' not in text and "\\" not in text


def _only_tables(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(isinstance(entry, Mapping) for entry in value.values())


def _amend(table: Any, before: Mapping[str, Any], after: Mapping[str, Any], levels: int | None) -> None:
    """Bring a table from `before` to `after`, touching nothing that stays the same."""
    for key in before:
        if key not in after:
            del table[key]
    for key, value in after.items():
        below = 0 if isinstance(table, InlineTable) else _below(key, levels)
        if key not in before:
            _add(table, key, _item(value, below))
        elif not same(before[key], value):
            _amend_entry(table, key, before[key], value, below)


def _add(table: Any, key: str, item: Item) -> None:
    """Add a key at the end of a table, but before the gap and the comments that lead to the next one."""
    if isinstance(table, InlineTable):
        table.add(key, item)
        return
    tail = _detached_tail(table)
    if isinstance(item, Table | AoT):
        _reattach(table, [(None, tomlkit.nl())])
    table.append(key, item)
    _reattach(table, tail)


def _last_body(item: Any) -> list[Any]:
    """The body of the table that a text's next line would belong to."""
    if isinstance(item, AoT):
        return _last_body(item.body[-1])
    body: list[Any] = item.body if isinstance(item, Container) else item.value.body
    last = next((value for key, value in reversed(body) if key is not None), None)
    return _last_body(last) if isinstance(last, Table | AoT) and last is body[-1][1] else body


def _detached_tail(item: Any) -> list[Any]:
    """Take off the blank lines and comments at the end of a table."""
    body = _last_body(item)
    tail: list[Any] = []
    while body and body[-1][0] is None and isinstance(body[-1][1], Whitespace | Comment):
        tail.insert(0, body.pop())
    return tail


def _reattach(item: Any, tail: list[Any]) -> None:
    _last_body(item).extend(tail)


def _amend_entry(table: Any, key: str, old: Any, new: Any, levels: int | None) -> None:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        _amend(table[key], old, new, levels)
    elif _is_table(old) and _is_table(new):
        _amend_tables(table[key], old, new, levels if isinstance(table[key], AoT) else 0)
    else:
        table[key] = _item(new, levels)


def _amend_tables(tables: Any, old: list[Any], new: list[Any], levels: int | None) -> None:
    """Amend a list of tables: those that are gone are taken out by name, the rest is matched in order."""
    kept = list(old)
    if len(new) < len(old):
        names = {entry.get("name") for entry in new}
        for position in reversed(range(len(old))):
            if len(kept) > len(new) and old[position].get("name") not in names:
                del tables[position], kept[position]
        while len(kept) > len(new):
            del tables[len(kept) - 1], kept[-1]
    for position, entry in enumerate(new):
        if position < len(kept):
            if not same(kept[position], entry):
                _amend(tables[position], kept[position], entry, levels)
        elif isinstance(tables, AoT):
            tail = _detached_tail(tables)
            _reattach(tables, [(None, tomlkit.nl())])
            tables.append(_item(entry, levels))
            _reattach(tables, tail)
        else:
            tables.append(_item(entry, 0))

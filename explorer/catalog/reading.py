"""Reading TOML tables strictly: every missing, misspelt or ill-typed key becomes a named problem."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from explorer.catalog.content import endless_numbers, text_of
from explorer.errors import CatalogError, Problem

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
REQUIRED: Any = object()  # default of a key that has none: leaving it out is a problem


def read_toml(path: Path) -> dict[str, Any]:
    """The parsed file; CatalogError naming file and reason where it is absent, not UTF-8 or not TOML."""
    text = text_of(path)
    try:
        found = tomllib.loads(text)
        endless = tuple(endless_numbers(found))
    except ValueError as error:  # of TOML, or of Python for digits without end
        raise CatalogError(f"{path}: is not valid TOML: {error}") from error
    except RecursionError as error:
        raise CatalogError(f"{path}: is nested too deeply to be a catalogue file") from error
    raise_problems(path, [Problem(key, "is a number with too many digits", "at most 64 bits") for key in endless])
    return found


def raise_problems(path: Path, problems: Sequence[Problem]) -> None:
    """Raise one CatalogError with every problem found in `path`, or do nothing where there is none."""
    if problems:
        raise CatalogError("\n".join(f"{path}: {problem}" for problem in problems))


class Table:
    """One TOML table being read; problems gather in a list shared by the whole file.

    A reader method returns a harmless stand-in after noting a problem, so that one pass finds all of
    them; `raise_problems` then makes sure that no such value ever leaves the file's reader.
    """

    def __init__(self, content: Mapping[str, Any], problems: list[Problem], prefix: str = "") -> None:
        self._content = content
        self._problems = problems
        self._prefix = prefix
        self._known: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def keys(self) -> tuple[str, ...]:
        """The keys the file states in this table."""
        return tuple(self._content)

    @property
    def problem_count(self) -> int:
        """Problems of the whole file so far; unchanged over a few reads, these were sound."""
        return len(self._problems)

    def problem(self, key: str, reason: str, allowed: str = "") -> None:
        """Note that `key` of this table is wrong."""
        where = f"{self._prefix}.{key}" if self._prefix and key else self._prefix or key
        self._problems.append(Problem(where, reason, allowed))

    def text(self, key: str, default: Any = REQUIRED, allowed: Sequence[str] = ()) -> str:
        """A string, one of `allowed` where that is given."""
        value = self._take(key, default, "")
        if not isinstance(value, str):
            self.problem(key, f"must be text, not {_kind(value)}", ", ".join(allowed))
            return ""
        if allowed and value not in allowed and not self._failed(key, default):
            near = difflib.get_close_matches(value, allowed, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            self.problem(key, f"'{value}' is not known{hint}", ", ".join(allowed))
        return value

    def identifier(self, key: str) -> str:
        """What a record is called by in files and on command lines."""
        before = self.problem_count
        value = self.text(key)
        if self.problem_count == before and _IDENTIFIER.fullmatch(value) is None:
            self.problem(key, f"{value[:80]!r} cannot be an id", "letters, digits, '.', '_' and '-', at most 80")
        return value

    def texts(self, key: str, default: Any = REQUIRED, allowed: Sequence[str] = ()) -> tuple[str, ...]:
        """A list of strings."""
        value = self._take(key, default, ())
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            self.problem(key, "must be a list of texts", ", ".join(allowed))
            return ()
        for item in value:
            if allowed and item not in allowed:
                self.problem(key, f"'{item}' is not known", ", ".join(allowed))
        return tuple(value)

    def number(
        self, key: str, default: Any = REQUIRED, least: float | None = None, above: float | None = None
    ) -> float:
        """A finite number, at least `least` or greater than `above` where given."""
        value = self._take(key, default, 1.0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.problem(key, f"must be a number, not {_kind(value)}")
            return 1.0
        if not math.isfinite(value):
            self.problem(key, f"must be a finite number, not {value}")
            return 1.0
        if least is not None and value < least:
            self.problem(key, f"{value:g} is too small", f"{least:g} or more")
        if above is not None and value <= above:
            self.problem(key, f"{value:g} is too small", f"more than {above:g}")
        return float(value)

    def integer(self, key: str, default: Any = REQUIRED, least: int = 0) -> int:
        """A whole number of at least `least`."""
        value = self._take(key, default, least)
        if isinstance(value, bool) or not isinstance(value, int):
            self.problem(key, f"must be a whole number, not {_kind(value)}")
            return least
        if value < least:
            self.problem(key, f"{value} is too small", f"{least} or more")
        return value

    def integers(self, key: str, least: int = 1) -> tuple[int, ...]:
        """A list of whole numbers of at least `least`."""
        value = self._take(key, REQUIRED, ())
        whole = isinstance(value, list | tuple) and all(
            isinstance(item, int) and not isinstance(item, bool) and item >= least for item in value
        )
        if not whole:
            self.problem(key, "must be a list of whole numbers", f"each {least} or more")
            return ()
        return tuple(value)

    def flag(self, key: str, default: Any = REQUIRED) -> bool:
        """true or false."""
        value = self._take(key, default, False)
        if not isinstance(value, bool):
            self.problem(key, f"must be true or false, not {_kind(value)}", "true, false")
            return False
        return value

    def table(self, key: str, default: Any = REQUIRED) -> Table:
        """A table inside this one."""
        value = self._take(key, default, {})
        if not isinstance(value, dict):
            self.problem(key, f"must be a table, not {_kind(value)}")
            value = {}
        return Table(value, self._problems, f"{self._prefix}.{key}" if self._prefix else key)

    def tables(self, key: str, default: Any = REQUIRED) -> tuple[Table, ...]:
        """A list of tables."""
        value = self._take(key, default, ())
        if not isinstance(value, list | tuple) or not all(isinstance(item, dict) for item in value):
            self.problem(key, "must be a list of tables")
            return ()
        prefix = f"{self._prefix}.{key}" if self._prefix else key
        return tuple(Table(item, self._problems, f"{prefix}[{i}]") for i, item in enumerate(value))

    def finish(self) -> None:
        """Note every key that nothing asked for, with the nearest known name."""
        for key in self._content:
            if key not in self._known:
                near = difflib.get_close_matches(key, sorted(self._known), n=1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                self.problem(key, f"unknown key{hint}", ", ".join(sorted(self._known)))

    def _failed(self, key: str, default: Any) -> bool:
        return key not in self._content and default is REQUIRED

    def _take(self, key: str, default: Any, stand_in: Any) -> Any:
        self._known.add(key)
        if key in self._content:
            return self._content[key]
        if default is REQUIRED:
            self.problem(key, "is missing")
            return stand_in
        return default


def _kind(value: object) -> str:
    names = {
        bool: "true/false",
        str: "text",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), type(value).__name__)

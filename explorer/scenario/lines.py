"""On which line of a TOML text each key stands, so that a problem can be found in an editor.

The text has already been read by `tomllib`; this only walks it again for positions, which `tomllib` drops.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence

Step = str | int
Path = tuple[Step, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}\r\n#]*")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


def key_lines(text: str) -> Mapping[Path, int]:
    """The line (from 1) where each key, table and list item of a valid TOML text is stated."""
    return _Walk(text).lines


def line_of(lines: Mapping[Path, int], path: Sequence[Step]) -> int | None:
    """The line of `path`, or of the nearest thing above it that is stated; None when nothing is."""
    for length in range(len(path), 0, -1):
        line = lines.get(tuple(path[:length]))
        if line is not None:
            return line
    return None


class _Walk:
    """One pass over the text; `lines` is its result."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self._counted_to = 0
        self._line = 1
        self._tables: dict[Path, int] = {}
        table: Path = ()
        while self._skip(_BLANK) < len(text):
            table = self._header() if text[self.at] == "[" else self._statement(table)

    def _header(self) -> Path:
        line = self._line_here()
        several = self.text.startswith("[[", self.at)
        self.at += 2 if several else 1
        keys = self._dotted_key()
        self.at += 2 if several else 1
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            self.lines.setdefault(path, line)
            if several and position == len(keys) - 1:
                self._tables[path] = self._tables.get(path, -1) + 1
            if path in self._tables:
                path = (*path, self._tables[path])
                self.lines.setdefault(path, line)
        return path

    def _statement(self, table: Path) -> Path:
        line = self._line_here()
        path = self._note((*table, *self._dotted_key()), len(table), line)
        self._expect("=")
        self._value(path)
        return table

    def _note(self, path: Path, above: int, line: int) -> Path:
        for length in range(above + 1, len(path) + 1):
            self.lines.setdefault(path[:length], line)
        return path

    def _dotted_key(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            if self.text[self.at] in "\"'":
                start = self.at
                self._string()
                keys.append(next(iter(tomllib.loads(f"{self.text[start : self.at]} = 0"))))
            else:
                start = self.at
                if self._skip(_BARE_KEY) == start:
                    raise ValueError(f"no key at line {self._line_here()}")
                keys.append(self.text[start : self.at])
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def _value(self, path: Path) -> None:
        self._skip(_SPACE)
        first = self.text[self.at]
        if first == "[":
            self._items(path)
        elif first == "{":
            self._inline_table(path)
        elif first in "\"'":
            self._string()
        else:
            self._skip(_SCALAR)

    def _items(self, path: Path) -> None:
        self.at += 1
        position = 0
        while not self._closes("]"):
            self.lines.setdefault((*path, position), self._line_here())
            self._value((*path, position))
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
            position += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        while not self._closes("}"):
            line = self._line_here()
            inner = self._note((*path, *self._dotted_key()), len(path), line)
            self._expect("=")
            self._value(inner)
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1

    def _closes(self, bracket: str) -> bool:
        self._skip(_BLANK)
        if self.text[self.at] != bracket:
            return False
        self.at += 1
        return True

    def _expect(self, sign: str) -> None:
        self._skip(_SPACE)
        if self.text[self.at] != sign:
            raise ValueError(f"no '{sign}' at line {self._line_here()}")
        self.at += 1

    def _string(self) -> None:
        for pattern in _STRINGS:
            match = pattern.match(self.text, self.at)
            if match is not None:
                self.at = match.end()
                return
        raise ValueError(f"no end of the text begun at line {self._line_here()}")

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return self.at

    def _line_here(self) -> int:
        self._line += self.text.count("\n", self._counted_to, self.at)
        self._counted_to = self.at
        return self._line

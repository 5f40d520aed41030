"""Every key of a TOML text is found on the line where a person would look for it."""

from __future__ import annotations

import tomllib

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.scenario.lines import Path, key_lines, line_of

TEXT = '''\
top = 1
# a [comment] = with signs
dotted."quoted.key".bare = 2

[table.deep] # why
text = """
not = "a key"
[nor.a.table]
"""
literal = \'\'\'
x = 1\'\'\'
after = "[1, 2"

[[list]]
name = "first"
  [list.inner]
  value = 1

[[list]]
name = 'second'
[[list.of]]
a = [
  1, # one, [two
  { b = 2, c = [3,
    4] },
]
[list.of.x]
y = 2024-01-01
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 1),
        (("dotted",), 3),
        (("dotted", "quoted.key", "bare"), 3),
        (("table",), 5),
        (("table", "deep"), 5),
        (("table", "deep", "text"), 6),
        (("table", "deep", "literal"), 10),
        (("table", "deep", "after"), 12),
        (("list",), 14),
        (("list", 0, "name"), 15),
        (("list", 0, "inner", "value"), 17),
        (("list", 1), 19),
        (("list", 1, "of", 0, "a"), 22),
        (("list", 1, "of", 0, "a", 0), 23),
        (("list", 1, "of", 0, "a", 1, "b"), 24),
        (("list", 1, "of", 0, "a", 1, "c", 1), 25),
        (("list", 1, "of", 0, "x", "y"), 28),
        (("list", 1, "of", 0, "x", "missing"), 27),
        (("list", 1, "name", "deeper"), 20),
        (("nowhere",), None),
    ],
)
def test_that_a_key_is_found_on_its_line(path: Path, line: int | None) -> None:
    assert line_of(key_lines(TEXT), path) == line


def test_that_windows_line_ends_count_once() -> None:
    assert key_lines("a = 1\r\n\r\n[b]\r\nc = [\r\n 1]\r\n")["b", "c", 0] == 5


KEYS = st.text("abc-_1 .#='[", min_size=1, max_size=4)
VALUES = st.recursive(
    st.integers(-9, 9) | st.booleans() | st.text("ab\"'\\[{}]#\n=", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def _paths(value: object, above: Path = ()) -> set[Path]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {above}.union(*(_paths(inner, (*above, key)) for key, inner in entries))


@given(document=st.dictionaries(KEYS, VALUES, max_size=4))
@settings(max_examples=150)
def test_that_no_key_of_any_text_is_missed(document: dict[str, object]) -> None:
    text = tomlkit.dumps(document)
    assert set(key_lines(text)) | {()} == _paths(tomllib.loads(text))

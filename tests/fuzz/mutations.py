"""Ways in which a file goes wrong: in its bytes, and in what it says."""

from __future__ import annotations

import copy
import datetime
import json
import math
from collections.abc import Callable
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    0, 1, -1, 2, 7, 1e-300, 1e-12, -0.0, 0.5, 1e12, 1e15, 1e300, -1e300, math.nan, math.inf, -math.inf, 2**31,
    2**53 + 1, 2**63 - 1, -(2**63), 10**30, True, False, "", "x", "auto", "nan", "1e3", "日本語", "a" * 5000,
    "\u202e\u0007", "../../x", "a\nb", "{{7*7}}", "<b>", [], {}, [[]], [{}],
    {"": 0}, {"x": {"y": {"z": 1}}}, ["x", 1], [1, 2.5, -3],
    datetime.date(2026, 2, 28), datetime.time(7, 8), datetime.datetime(2026, 2, 28, tzinfo=datetime.UTC),
)  # fmt: skip
KEYS = ("", "x", "x-mine", "name", "value", "日本", "a.b", 'q"q', "__proto__", "a" * 300, "format", "catalog", "\u0000")


def changed(random: Random, content: Any, times: int) -> Any:
    """A copy of tables with `times` things wrong in it."""
    made = copy.deepcopy(content)
    for _ in range(times):
        places = list(_places(made))
        if places:
            _one_change(random, made, *random.choice(places))
    return made


def numbers_moved(random: Random, content: Any, times: int) -> Any:
    """A copy of tables with up to `times` numbers that are far from what they were."""
    made = copy.deepcopy(content)
    places = [(holder, key) for holder, key in _places(made) if type(holder[key]) in (int, float)]
    for holder, key in random.sample(places, min(times, len(places))):
        value = holder[key]
        moved = value * random.choice((0, 1e-9, 1e-3, 0.1, 0.5, 2, 3, 10, 1e3, 1e6, 1e12))
        holder[key] = int(min(moved, 2**62)) if isinstance(value, int) else moved
    return made


def _places(content: Any) -> Any:
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        yield content, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _one_change(random: Random, whole: Any, holder: Any, key: Any) -> None:
    value = holder[key]
    kind = random.randrange(10)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[random.choice((*KEYS, str(key).upper(), f"{key}s", str(key)[:-1]))] = holder.pop(key)
    elif kind == 2 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(value))
    elif kind == 3 and isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
        holder[key] = random.choice((-value, value * 1e3, value * 1e-3, value * 1e9, value + 0.5, float(value)))
    elif kind == 4 and isinstance(value, str):
        holder[key] = random.choice((value + "x", value[:-1], value.upper(), value + " ", value * 40, f" {value}"))
    elif kind == 5:
        holder[key] = copy.deepcopy(random.choice([one[key_] for one, key_ in _places(whole)]))
    elif kind == 6 and isinstance(holder, dict):
        holder[random.choice(KEYS)] = copy.deepcopy(random.choice(ODD))
    elif kind == 7:
        deep: Any = value
        for _ in range(random.choice((1, 3, 40))):
            deep = [deep] if random.random() < 0.5 else {"n": deep}
        holder[key] = deep
    elif kind == 8:
        holder[key] = str(value) if isinstance(value, int | float) else [value]
    else:
        holder[key] = copy.deepcopy(random.choice(ODD))


def broken_bytes(random: Random, content: bytes) -> bytes:
    """The same file, damaged."""
    made = bytearray(content)

    def at() -> int:
        return random.randrange(len(made) + 1)

    def cut() -> None:
        del made[at() :]

    def hole() -> None:
        start = at()
        del made[start : start + random.choice((1, 3, 40, 400))]

    def flip() -> None:
        for _ in range(random.choice((1, 2, 9))):
            if made:
                made[random.randrange(len(made))] ^= 1 << random.randrange(8)

    def put() -> None:
        here = at()
        made[here:here] = random.choice(INSERTED)

    def bom() -> None:
        made[:0] = random.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf\xef\xbb\xbf"))

    def line_ends() -> None:
        made[:] = bytes(made).replace(b"\n", random.choice((b"\r\n", b"\r", b"\n\n", b"\x0b", b"\xe2\x80\xa8")))

    def twice() -> None:
        lines = bytes(made).split(b"\n")
        start = random.randrange(len(lines))
        some = lines[start : start + random.choice((1, 2, 12))]
        here = random.randrange(len(lines) + 1)
        lines[here:here] = some
        made[:] = b"\n".join(lines)

    def swap() -> None:
        lines = bytes(made).split(b"\n")
        a, b = random.randrange(len(lines)), random.randrange(len(lines))
        lines[a], lines[b] = lines[b], lines[a]
        made[:] = b"\n".join(lines)

    def encode() -> None:
        text = bytes(made).decode("utf-8", "replace")
        made[:] = text.encode(random.choice(("utf-16", "latin-1", "utf-32")), "replace")

    ways: tuple[Callable[[], None], ...] = (cut, hole, flip, flip, put, put, bom, line_ends, twice, twice, swap, encode)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        random.choice(ways)()
    return bytes(made)


INSERTED = (
    b"\x00", b"\xff", b"\xc3", b'"', b"'", b"[", b"]", b"[[", b"{", b"}", b"=", b"#", b".", b",", b"\n", b"\\", b'"""',
    b"'''", b"inf", b"nan", b"-", b"e9", b"9" * 30, b"9" * 5000, b"0x" + b"f" * 40, b"[" * 2000, b"{a=" * 300,
    b"a." * 100, b"\xed\xa0\x80", b"\xf0\x9f\x92\xa9", b"1979-05-27T07:32:00Z", b"\x1b[31m", b" " * 3000, b"\t",
)  # fmt: skip


def toml_of(content: dict[str, Any]) -> str:
    """Tables as TOML: those at the top with headers of their own, what is below in line."""
    plain = {key: value for key, value in content.items() if not _is_table(value)}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in content.items():
        for table in (value if isinstance(value, list) else [value]) if _is_table(value) else ():
            lines.append(f"[[{_key(key)}]]" if isinstance(value, list) else f"[{_key(key)}]")
            lines += [f"{_key(name)} = {_value(below)}" for name, below in table.items()]
    return "\n".join(lines) + "\n"


def _is_table(value: Any) -> bool:
    items = value if isinstance(value, list) and value else [value]
    return all(isinstance(one, dict) for one in items)


def _key(key: str) -> str:
    return json.dumps(str(key), ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, str):
        return _key(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(below) for below in value) + "]"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return repr(value)

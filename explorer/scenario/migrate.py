"""Bringing a scenario file of an older format up to the present one, step by step; newer ones are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from explorer.errors import Problem
from explorer.scenario.schema import FORMAT

Document = dict[str, Any]

MIGRATIONS: dict[int, Callable[[Document], Document]] = {}
"""From a format to the next: each takes the whole document and returns it in the format one higher."""


class FormatError(Exception):
    """A document in a format that this program cannot read; `problem` says which and why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def migrated(
    document: Mapping[str, Any],
    migrations: Mapping[int, Callable[[Document], Document]] = MIGRATIONS,
    newest: int = FORMAT,
) -> Document:
    """The document in format `newest`, with `format` set; FormatError when that cannot be reached."""
    known = sorted({newest, *migrations})
    allowed = ", ".join(str(number) for number in known)
    if "format" not in document:
        raise FormatError(Problem("format", "is required and missing", f"format = {newest}"))
    found = document["format"]
    if not isinstance(found, int) or isinstance(found, bool):
        raise FormatError(Problem("format", f"must be a whole number; is {found!r}", allowed))
    if found > newest:
        reason = f"the file is in format {found}, made by a newer version; this one reads up to {newest}"
        raise FormatError(Problem("format", f"{reason}: open it with that version", allowed))
    present = dict(document)
    while (at := present["format"]) < newest:
        if at not in migrations:
            raise FormatError(Problem("format", f"format {at} is not known", allowed))
        present = migrations[at](dict(present))
        present["format"] = at + 1
    return present

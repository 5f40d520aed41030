"""Dates as catalogue and scenarios write them: a day, or as much of one as is known."""

from __future__ import annotations

import re
from datetime import date

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PART = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")


def is_day(text: str) -> bool:
    """Whether a text is a day of the calendar, as in "2026-11-22"; ISO's other forms do not sort as texts."""
    if _DAY.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_date(text: str) -> bool:
    """Whether a text is a day, a month or a year: "2026-11-22", "2026-11", "2026"."""
    return _PART.fullmatch(text) is not None and is_day(text + "0001-01-01"[len(text) :])

"""What reading a benchmark file gives: the rows that can be used, those that cannot with the reason, and the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from explorer.errors import ScenarioFileError
from explorer.scenario.benchmark import BenchmarkRow


class BenchmarkFileError(ScenarioFileError):
    """A benchmark file of which nothing can be used; says where, why, and what would be read."""


@dataclass(frozen=True, slots=True)
class ReadRun:
    """One run as read; `says` are the file's own words about chip, model, framework and formats, by subject.

    `reading` tells what was inferred rather than written: units, lengths from totals.
    """

    row: BenchmarkRow
    says: Mapping[str, str] = field(default_factory=dict)
    reading: tuple[str, ...] = ()
    chips: float | None = None
    """Chips of the whole system that ran, where the file says so."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used: where it is, which key, and why."""

    place: str
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.key}: {self.reason}" if self.key else f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class BenchmarkFile:
    """A file that was read: which client wrote it, its digest, its runs, and the rows that are bad."""

    path: str
    sha256: str
    format: str
    runs: tuple[ReadRun, ...]
    bad: tuple[BadRow, ...]
    notice: str = ""
    """What must stand beside figures that come from this file."""

"""Reading a table of measurements: which of the two known kinds it is, and its cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from explorer.errors import ExplorerError

Kind = Literal["serving", "mlperf"]
Cells = Mapping[str, str]

REQUIRED: Mapping[Kind, frozenset[str]] = {
    "mlperf": frozenset({"id", "round", "scenario", "accelerator", "n_accel", "model"}),
    "serving": frozenset({"id", "chip", "model", "isl", "osl", "batch_or_concurrency"}),
}
_NUMBER = re.compile(r"^[~ ]*(?:max_batch )?([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?:\(.*)?$")


class EvidenceTableError(ExplorerError):
    """A table of measurements cannot be read, with the reason."""


@dataclass(frozen=True)
class EvidenceTable:
    """One CSV file: its kind and its rows as text."""

    path: Path
    kind: Kind
    rows: Sequence[Cells]


def read_tables(path: Path) -> list[EvidenceTable]:
    """Read a CSV file with the columns of the shipped tables, in any order, known by its header.

    A file with the columns of both kinds gives a table of each: a row that names an accelerator is MLPerf's.
    Raises EvidenceTableError when the file cannot be read, is no known table, names a column twice or has rows of
    the wrong length.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceTableError(f"{path}: cannot be read ({error}); name a CSV file in UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise EvidenceTableError(f"{path}: line {reader.line_num}: not a CSV file ({error})") from error
    if not lines:
        raise EvidenceTableError(f"{path}: is empty; the first line must name the columns")
    header = [name.strip().casefold() for name in lines[0][1]]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise EvidenceTableError(f"{path}: columns named twice: {', '.join(twice)}; keep one of each")
    kinds = _kinds(path, frozenset(header))
    rows: dict[Kind, list[Cells]] = {kind: [] for kind in kinds}
    for number, cells in lines[1:]:
        filled = [cell.strip() for cell in cells]
        while len(filled) > len(header) and not filled[-1]:
            filled.pop()  # spreadsheets write empty cells beyond the last column
        if len(filled) != len(header):
            raise EvidenceTableError(f"{path}: line {number}: {len(filled)} cells under {len(header)} columns")
        row = dict(zip(header, filled, strict=True))
        of_both = len(kinds) > 1
        kind: Kind = kinds[0] if not of_both else "mlperf" if row["accelerator"] or not row["chip"] else "serving"
        rows[kind].append(row)
    return [EvidenceTable(path, kind, rows[kind]) for kind in kinds]


def _kinds(path: Path, header: frozenset[str]) -> tuple[Kind, ...]:
    found = tuple(kind for kind, needed in REQUIRED.items() if needed <= header)
    if found:
        return found
    nearest: Kind = "mlperf" if "scenario" in header else "serving"
    missing = ", ".join(sorted(REQUIRED[nearest] - header))
    raise EvidenceTableError(f"{path}: is no table of measurements that is known; columns missing: {missing}")


def number(cells: Cells, column: str) -> float | None:
    """The number in a cell, or None where it is absent, not a number or infinite.

    Forms in use are understood: "~255", "max_batch 32", and a mean with its spread, "1500(+-150)".
    """
    found = _NUMBER.match(cells.get(column, ""))
    return float(found.group(1)) if found else None


def positive(cells: Cells, column: str) -> float | None:
    """The number in a cell where it is above zero, else None."""
    value = number(cells, column)
    return value if value is not None and value > 0 else None


def whole(cells: Cells, column: str, unstated: float) -> float | None:
    """A count in a cell: `unstated` where it is empty, None where it is no whole number from one."""
    if cells.get(column, "") in ("", "nan"):
        return unstated
    value = number(cells, column)
    return value if value is not None and value >= 1 and value == int(value) else None

"""Recorded traffic: the shipped traces, and a user's own CSV of time, prompt and output."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import math
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.content import content_of
from explorer.catalog.location import resource_root
from explorer.catalog.reading import Table, raise_problems, read_toml
from explorer.errors import CatalogError, Problem, UnknownRecordError

TIME = {
    "time": 1.0, "time_s": 1.0, "t_s": 1.0, "timestamp": 1.0, "arrival": 1.0, "arrival_s": 1.0, "arrived_at": 1.0,
    "time_ms": 1e-3, "t_ms": 1e-3, "timestamp_ms": 1e-3, "arrival_ms": 1e-3,
}  # fmt: skip
"""Names a column of arrival times may have, and its unit in seconds."""
PROMPT = ("prompt", "prompt_tokens", "input_tokens", "input_length", "context_tokens", "contexttokens")
OUTPUT = ("output", "output_tokens", "output_length", "generated_tokens", "generatedtokens", "completion_tokens")
MOST_TOKENS = 10_000_000
MOST_BYTES = 256_000_000
"""Of a trace, packed and unpacked: some ten million requests."""
LONGEST_S = 1e10
"""Three centuries: a longer trace has its times in another unit."""
SHOWN = 20
"""Bad rows that an error's text lists; all of them are kept in a reading."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Requests as they came, in order of time; arrays (requests,)."""

    id: str
    title: str
    arrival_s: NDArray[np.float64]
    """Seconds since the first request."""
    prompt_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]
    source: str
    sha256: str
    """Of the file, so that a scenario can tell whether it is still the same."""
    licence: str = ""
    as_of: str = ""

    @property
    def count(self) -> int:
        """Number of requests."""
        return int(self.arrival_s.size)

    @property
    def rate(self) -> float:
        """Mean requests/s between the first and the last; infinite where all came at once."""
        span = float(self.arrival_s[-1])
        return (self.count - 1) / span if span > 0.0 else math.inf


@dataclass(frozen=True, slots=True)
class TraceReading:
    """A trace of the good rows of a file, and what is wrong with the others."""

    trace: Trace
    problems: tuple[Problem, ...]


def shipped_traces() -> tuple[str, ...]:
    """Names of the shipped traces."""
    return tuple(_register())


def shipped_titles() -> dict[str, str]:
    """What the shipped traces are called, by name."""
    return {name: entry["title"] for name, entry in _register().items()}


def shipped_trace(name: str) -> Trace:
    """A shipped trace; UnknownRecordError where there is none of that name."""
    register = _register()
    if name not in register:
        raise UnknownRecordError("trace", name, tuple(register))
    entry = register[name]
    path = resource_root() / "traces" / f"{name}.csv.gz"
    read = read_trace(path).trace
    return Trace(
        id=name,
        title=entry["title"],
        arrival_s=read.arrival_s,
        prompt_tokens=read.prompt_tokens,
        output_tokens=read.output_tokens,
        source=entry["source"],
        sha256=read.sha256,
        licence=entry["licence"],
        as_of=entry["as_of"],
    )


def _register() -> dict[str, dict[str, str]]:
    path = resource_root() / "traces" / "traces.toml"
    problems: list[Problem] = []
    table = Table(read_toml(path), problems)
    entries: dict[str, dict[str, str]] = {}
    for row in table.tables("traces"):
        entries[row.text("id")] = {key: row.text(key) for key in ("title", "source", "licence", "as_of")}
        row.finish()
    table.finish()
    raise_problems(path, problems)
    return entries


def read_trace(path: Path, *, keep_good: bool = False, raw: bytes | None = None) -> TraceReading:
    """Read a CSV file, `.gz` or plain, with a header that names time, prompt and output.

    Times are seconds (or milliseconds where the column's name ends in `_ms`) or dates with time of day, without a
    zone taken as UTC; they are put in order and counted from the first. Lengths are whole tokens of at least 1. Other
    columns are left alone. Raises CatalogError that lists the bad rows by line, unless `keep_good` asks to go on with
    the rest; without a header, with fewer than two good rows, or for a file that cannot be read, in any case. `raw` is
    the file's content where it is known already.
    """
    content = file_bytes(path) if raw is None else raw
    text = _unpacked(path, content)
    rows = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    problems: list[Problem] = []
    times: list[float] = []
    prompts: list[int] = []
    outputs: list[int] = []
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        columns, unit = _columns(path, header)
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            before = len(problems)
            line = rows.line_num
            if len(row) != len(header):
                problems.append(Problem("row", f"has {len(row)} fields, the header has {len(header)}", line=line))
                continue
            names = [header[column] for column in columns]
            cells = [row[column].strip() for column in columns]
            time = time_of(names[0], cells[0], unit, line, problems)
            prompt = tokens_of(names[1], cells[1], line, problems)
            output = tokens_of(names[2], cells[2], line, problems)
            if len(problems) == before:
                times.append(time)
                prompts.append(prompt)
                outputs.append(output)
    except csv.Error as error:
        raise CatalogError(f"{path}: line {rows.line_num}: is not CSV: {error}") from error
    if problems and not keep_good:
        shown = "\n".join(f"{path}: {problem}" for problem in problems[:SHOWN])
        more = f"\n{path}: and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise CatalogError(f"{shown}{more}\n{len(times)} other rows are good")
    if len(times) < 2:
        raise CatalogError(f"{path}: holds {len(times)} usable requests; a trace needs two at least")
    arrival = np.array(times)
    if not max(times) - min(times) <= LONGEST_S:
        raise CatalogError(f"{path}: first and last request lie more than {LONGEST_S:.0e} s apart; look at the times")
    order = np.argsort(arrival, kind="stable")
    trace = Trace(
        id=path.name.removesuffix(".gz").removesuffix(".csv"),
        title=path.name,
        arrival_s=arrival[order] - arrival[order[0]],
        prompt_tokens=np.array(prompts, dtype=np.int64)[order],
        output_tokens=np.array(outputs, dtype=np.int64)[order],
        source=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    return TraceReading(trace, tuple(problems))


def file_text(path: Path) -> str:
    """Text of a CSV file, `.gz` or plain; raises CatalogError where it cannot be read."""
    return _unpacked(path, file_bytes(path))


def file_bytes(path: Path) -> bytes:
    """Content of a CSV file as it lies on the disk; raises CatalogError where it cannot be read."""
    return content_of(path, MOST_BYTES)


def _unpacked(path: Path, raw: bytes) -> str:
    try:
        content = raw
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
                # a few bytes may unpack to more than there is memory
                content = packed.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise CatalogError(f"{path}: unpacks to more than the {MOST_BYTES:,} bytes that are read")
        return content.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CatalogError(f"{path}: is not a whole gzip file: {error}") from error
    except UnicodeDecodeError as error:
        raise CatalogError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def _columns(path: Path, header: list[str]) -> tuple[tuple[int, int, int], float]:
    """Places of time, prompt and output, and the unit of time in seconds."""
    found = []
    missing = []
    for what, names in (("time", tuple(TIME)), ("prompt", PROMPT), ("output", OUTPUT)):
        places = [place for place, name in enumerate(header) if name in names]
        if len(places) == 1:
            found.append(places[0])
        elif places:
            several = ", ".join(header[place] for place in places)
            missing.append(f"{path}: line 1: the columns {several} could each be the {what}; keep one")
        else:
            missing.append(f"{path}: line 1: no column for the {what} (allowed: {', '.join(names)})")
    if missing:
        raise CatalogError("\n".join(missing))
    return (found[0], found[1], found[2]), TIME[header[found[0]]]


def time_of(name: str, cell: str, unit: float, line: int, problems: list[Problem]) -> float:
    """Seconds in a cell of the named column, times `unit`, or of a date; what is wrong goes to `problems`."""
    try:
        value = float(cell) * unit
    except ValueError:
        try:
            moment = datetime.fromisoformat(cell)
        except ValueError:
            problems.append(Problem(name, f"'{cell}' is no time", "seconds, or 2026-01-31 18:15:46.68", line))
            return 0.0
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(value):
        problems.append(Problem(name, f"must be a finite number, not {cell}", line=line))
        return 0.0
    return value


def tokens_of(name: str, cell: str, line: int, problems: list[Problem]) -> int:
    """Whole tokens in a cell of the named column; what is wrong goes to `problems`."""
    try:
        value = float(cell)
    except ValueError:
        problems.append(Problem(name, f"'{cell}' is no number of tokens", "a whole number", line))
        return 1
    if not (math.isfinite(value) and value == math.floor(value) and 1 <= value <= MOST_TOKENS):
        problems.append(Problem(name, f"{cell} is no number of tokens", f"a whole number, 1 to {MOST_TOKENS:,}", line))
        return 1
    return int(value)

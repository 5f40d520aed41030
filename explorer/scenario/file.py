"""Scenario files: read with every problem named at once, saved whole with comments and unknown keys kept."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from explorer.catalog.catalog import Catalog
from explorer.errors import Problem, ScenarioFileError
from explorer.scenario.baseline import baseline_of
from explorer.scenario.checks import misplaced_choices, unknown_keys, unknown_records, unreadable_claims
from explorer.scenario.lines import key_lines, line_of
from explorer.scenario.migrate import FormatError, migrated
from explorer.scenario.saving import write_whole
from explorer.scenario.schema import Scenario
from explorer.scenario.tables import plain, same
from explorer.scenario.wording import Fault, Step, faults, written

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_KEY_DOTS = 64
WHOLE_FILE = "(file)"

_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")

_KEY_TUPLE = re.compile(r"\('[^)]*\)")
_LONG_NUMBER = re.compile(r"[0-9_]{4000,}")


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A scenario with the file it came from: `text_document` is that file's text, to which a save keeps;
    `warnings` name its unknown keys."""

    scenario: Scenario
    path: Path
    text_document: str
    warnings: tuple[Problem, ...]


def read_scenario(path: Path | str, catalog: Catalog | None = None) -> LoadedScenario:
    """Read a scenario file. With a catalogue, unknown chips, models, offers and figures are errors as well.

    ScenarioFileError holds every problem found, each with its line, key, reason and the values allowed.
    """
    place = Path(path)
    return parse_scenario(_text_of(place), place, catalog)


def parse_scenario(text: str, path: Path, catalog: Catalog | None = None) -> LoadedScenario:
    """A scenario from the text of a file; `path` is only named in errors."""
    document, lines = _tables_of(text, path)
    try:
        present = migrated(document)
    except FormatError as error:
        raise _refusal(path, lines, [_fault_of(error.problem)]) from None
    found: list[Fault] = []
    scenario: Scenario | None = None
    if _has_traces(present):
        # few scenarios have recorded traffic, and the others start without what reads it
        from explorer.scenario.traces import found_from, trace_faults

        present = found_from(present, path.parent)
        found.extend(trace_faults(present) if catalog is not None else ())
    try:
        scenario = Scenario.model_validate(present)
    except ValidationError as error:
        found.extend(faults(error))
    found.extend(_baseline_faults(present.get("baseline")))
    found.extend(unreadable_claims(present))
    if catalog is not None:
        found.extend(unknown_records(present, catalog))
    if found or scenario is None:
        raise _refusal(path, lines, found)
    warnings = tuple(_located(fault, lines) for fault in unknown_keys(scenario))
    return LoadedScenario(scenario, path, text, warnings)


def check_scenario(loaded: LoadedScenario, catalog: Catalog) -> tuple[Problem, ...]:
    """What a file that can be read still has wrong: unknown keys (those under "x-..." are free), unknown
    records, overrides in a wrong unit, degrees a chip does not have, choices that contradict each other."""
    found = [
        *unknown_keys(loaded.scenario),
        *unknown_records(migrated(tomllib.loads(loaded.text_document)), catalog),
        *misplaced_choices(loaded.scenario, catalog),
    ]
    baseline = baseline_of(loaded.scenario)
    if baseline is not None:
        below = misplaced_choices(baseline, catalog)
        found.extend(Fault(("baseline", *fault.path), fault.reason, fault.allowed) for fault in below)
    return located(found, loaded)


def located(found: Sequence[Fault], loaded: LoadedScenario) -> tuple[Problem, ...]:
    """Faults as problems of a file, each with its line, in the order of the lines."""
    lines = key_lines(loaded.text_document)
    problems = [_located(fault, lines) for fault in found]
    return tuple(sorted(problems, key=lambda problem: problem.line or 0))


def write_scenario(path: Path | str, scenario: Scenario, original: LoadedScenario | None = None) -> LoadedScenario:
    """Save a scenario: the old file or the new one stands at `path`, never a part of either.

    With `original`, its comments, order and unknown keys are kept and only lines with changed values differ.
    Returns what a reading of the new file would, for the next save. ScenarioFileError when it cannot be
    saved; the old file is then as it was.
    """
    place = Path(path)
    # what writes files is not needed to open one
    from explorer.scenario.document import new_text, updated_text

    told = scenario
    if any(workload.traffic.trace is not None for workload in scenario.workloads) or scenario.baseline is not None:
        from explorer.scenario.traces import told_from

        told = told_from(scenario, place.parent)
    text = new_text(told) if original is None else updated_text(told, original.text_document)
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError:
        reason = "holds a character that is no character (half of a pair)"
        raise ScenarioFileError(str(place), (Problem(WHOLE_FILE, reason, "text that is UTF-8"),)) from None
    if len(content) > MAX_BYTES:
        reason = f"would be larger than {MAX_BYTES:,} bytes and could not be read again"
        raise ScenarioFileError(str(place), (Problem(WHOLE_FILE, reason, "shorter texts"),))
    loaded = parse_scenario(text, place)
    if not same(plain(loaded.scenario), plain(scenario)):
        reason = "would not be read back as it is now"
        allowed = "any other value; this is a mistake of the program, please report it"
        raise ScenarioFileError(str(place), (Problem(WHOLE_FILE, reason, allowed),))
    try:
        write_whole(place, content)
    except OSError as error:
        reason = f"cannot be saved: {_why(error)}; what stood there is unchanged"
        allowed = "a place that can be written to, with space left"
        raise ScenarioFileError(str(place), (Problem(WHOLE_FILE, reason, allowed),)) from error
    return loaded


def _text_of(path: Path) -> str:
    try:
        # Opened without waiting, so that a pipe without a writer cannot hang the program.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _whole_file(path, "is not a file", "a TOML file in UTF-8")
            content = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise _whole_file(path, "is a folder", "a TOML file in UTF-8") from None
    except FileNotFoundError:
        raise _whole_file(path, "does not exist", "the path of a scenario file") from None
    except (OSError, ValueError) as error:
        raise _whole_file(path, f"cannot be read: {_why(error)}", "a file you may read") from None
    if len(content) > MAX_BYTES:
        raise _whole_file(path, "is too large for a scenario", f"at most {MAX_BYTES:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = f"is not UTF-8 text: byte 0x{content[error.start]:02x} cannot be read"
        raise _whole_file(path, reason, "text saved as UTF-8", line) from None
    if not text.strip():
        raise _whole_file(path, "is empty", "format = 1 and at least one [[workloads]]", 1)
    return text


def _tables_of(text: str, path: Path) -> tuple[dict[str, Any], Mapping[tuple[Step, ...], int]]:
    too_deep = "is nested too deeply for a scenario"
    for number, line in enumerate(text.split("\n"), start=1):
        # Long dotted keys cost the parser quadratic time.
        if line.partition("=")[0].count(".") > MAX_KEY_DOTS and not line.lstrip().startswith("#"):
            raise _whole_file(path, too_deep, f"keys of at most {MAX_KEY_DOTS} parts", number)
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise _whole_file(path, too_deep, f"at most {MAX_DEPTH} levels", 1) from None
    except ValueError as error:
        raise ScenarioFileError(str(path), (_syntax_problem(error, text),)) from None
    if _depth(document) > MAX_DEPTH:
        raise _whole_file(path, too_deep, f"at most {MAX_DEPTH} levels", 1)
    lines = key_lines(text)
    endless = [Fault(found, "is a number with too many digits", "at most 64 bits") for found in _endless(document, ())]
    if endless:
        raise _refusal(path, lines, endless)
    return document, lines


def _endless(value: Any, path: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Whole numbers beyond what TOML promises: written in hexadecimal they have no end, and no text either."""
    if isinstance(value, int) and abs(value) >= 2**63:
        yield path
    elif isinstance(value, dict | list):
        for step, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _endless(below, (*path, step))


def _syntax_problem(error: ValueError, text: str) -> Problem:
    message = str(error)
    match = _AT_LINE.search(message)
    if isinstance(error, tomllib.TOMLDecodeError):
        reason = _AT_LINE.sub("", message)
        reason = _KEY_TUPLE.sub(lambda keys: ".".join(re.findall(r"'([^']*)'", keys.group())), reason)
    else:
        # What Python itself refuses: digits without end.
        match = _LONG_NUMBER.search(text)
        reason = "a number has too many digits"
    line: int | None = None
    if match is not None and match.re is _LONG_NUMBER:
        line = text.count("\n", 0, match.start()) + 1
    elif match is not None:
        line = int(match.group(1)) if match.group(1) else text.count("\n") + 1
    reason = f"is not TOML: {reason[:1].lower()}{reason[1:]}"
    return Problem(_key_on(line, text), reason, "key = value, [table] or # comment", line)


def _key_on(line: int | None, text: str) -> str:
    """The key or table header that a broken line begins with."""
    stated = text.split("\n")[line - 1 : line] if line else []
    if not stated or not stated[0].strip():
        return WHOLE_FILE
    return stated[0].partition("=")[0].partition("#")[0].strip()[:60] or WHOLE_FILE


def _has_traces(document: Any) -> bool:
    """Whether any workload of a document, or of its baseline, names a recorded trace."""
    workloads = document.get("workloads")
    for workload in workloads if isinstance(workloads, list) else ():
        traffic = workload.get("traffic") if isinstance(workload, dict) else None
        if isinstance(traffic, dict) and "trace" in traffic:
            return True
    baseline = document.get("baseline")
    return isinstance(baseline, dict) and _has_traces(baseline)


def _depth(document: Any) -> int:
    depth = 0
    level = [document]
    while level:
        depth += 1
        level = [
            entry
            for value in level
            for entry in (value.values() if isinstance(value, dict) else value)
            if isinstance(entry, dict | list)
        ]
    return depth


def _baseline_faults(baseline: Any) -> list[Fault]:
    """The faults of an embedded baseline, which is a scenario without a baseline of its own."""
    if not isinstance(baseline, dict):
        return []
    if "baseline" in baseline:
        return [Fault(("baseline", "baseline"), "a baseline holds no baseline of its own", "remove it")]
    try:
        Scenario.model_validate(baseline)
    except ValidationError as error:
        return [Fault(("baseline", *fault.path), fault.reason, fault.allowed) for fault in faults(error)]
    return []


def _refusal(path: Path, lines: Mapping[tuple[Step, ...], int], found: list[Fault]) -> ScenarioFileError:
    problems = sorted({_located(fault, lines) for fault in found}, key=lambda p: (p.line or 0, p.key))
    return ScenarioFileError(str(path), tuple(problems))


def _located(fault: Fault, lines: Mapping[tuple[Step, ...], int]) -> Problem:
    # What is missing altogether is reported where the file begins.
    return Problem(written(fault.path), fault.reason, fault.allowed, line_of(lines, fault.path) or 1)


def _fault_of(problem: Problem) -> Fault:
    return Fault((problem.key,), problem.reason, problem.allowed)


def _whole_file(path: Path, reason: str, allowed: str, line: int | None = None) -> ScenarioFileError:
    return ScenarioFileError(str(path), (Problem(WHOLE_FILE, reason, allowed, line),))


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).lower()

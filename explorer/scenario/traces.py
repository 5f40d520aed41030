"""The recorded traffic of a scenario: its file found beside the scenario's, read once, and held to its SHA-256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from explorer.catalog.trace import SHOWN, TraceReading, file_bytes, read_trace, shipped_trace, shipped_traces
from explorer.errors import CatalogError, ExplorerError, UnknownRecordError
from explorer.scenario.schema import Scenario
from explorer.scenario.wording import Fault, Step
from explorer.scenario.workload import TraceChoice

Tables = dict[str, Any]


class TraceError(ExplorerError):
    """A recorded trace that cannot be used: `key` of its table is to be looked at."""

    def __init__(self, key: str, reason: str, allowed: str) -> None:
        self.key, self.reason, self.allowed = key, reason, allowed
        super().__init__(f"recorded trace: {reason} (allowed: {allowed})")


def reading_of(choice: TraceChoice) -> TraceReading:
    """The trace that a scenario names, and what is wrong with rows that are left out; raises TraceError.

    A file of the user's own must be the one that the scenario was made with, and good throughout unless the scenario
    says to go on without the bad rows.
    """
    return _reading(choice.name, choice.file, choice.sha256, choice.skip_bad_rows)


@lru_cache(maxsize=8)
def _reading(name: str, file: str, sha256: str, skip_bad_rows: bool) -> TraceReading:
    if name:
        try:
            return TraceReading(shipped_trace(name), ())
        except UnknownRecordError as error:
            raise TraceError("name", str(error), ", ".join(shipped_traces())) from error
    try:
        raw = file_bytes(Path(file))
        actual = hashlib.sha256(raw).hexdigest()
        if sha256 and sha256 != actual:
            # another file than the scenario's is neither unpacked nor read
            raise _another_file(file, "is not the file this scenario was made with", actual)
        found = read_trace(Path(file), keep_good=True, raw=raw)
    except CatalogError as error:
        raise TraceError("file", str(error), "a CSV file with columns time, prompt and output") from error
    if not sha256:
        raise _another_file(file, "needs its sha256 beside it", actual)
    if found.problems and not skip_bad_rows:
        bad = len(found.problems)
        shown = "; ".join(str(one) for one in found.problems[:SHOWN])
        more = f"; and {bad - SHOWN} more" if bad > SHOWN else ""
        reason = f"{Path(file).name} has bad rows: {shown}{more}; {found.trace.count:,} other rows are good"
        raise TraceError("skip_bad_rows", reason, "true to go on with the good rows, or a file without bad ones")
    return found


def _another_file(file: str, reason: str, actual: str) -> TraceError:
    return TraceError("sha256", f"{file} {reason}", f'sha256 = "{actual}", which is the file as it is now')


def own_trace(path: Path, *, skip_bad_rows: bool = False) -> TraceChoice:
    """The choice of a file of the user's own as it is now; raises TraceError where it cannot be used."""
    place = _whole(path)
    try:
        found = read_trace(Path(place), keep_good=True)
    except CatalogError as error:
        raise TraceError("file", str(error), "a CSV file with columns time, prompt and output") from error
    choice = TraceChoice(file=place, sha256=found.trace.sha256, skip_bad_rows=skip_bad_rows)
    reading_of(choice)
    return choice


def trace_faults(document: Mapping[str, Any], above: tuple[Step, ...] = ()) -> Iterator[Fault]:
    """What is wrong with the traces that a document's tables name; tables of another form are reported elsewhere."""
    for path, table in _trace_tables(document, above):
        try:
            reading_of(TraceChoice.model_validate(table))
        except ValidationError:
            continue
        except TraceError as error:
            yield Fault((*path, error.key), error.reason, error.allowed)


def found_from(document: Mapping[str, Any], folder: Path) -> Tables:
    """The tables of a document with the files of its traces as absolute paths; they are relative to `folder`."""
    return _with_files(document, lambda file: _whole(folder / file))


def told_from(scenario: Scenario, folder: Path) -> Scenario:
    """A scenario with the files of its traces relative to `folder`, as its own file tells them."""
    start = _whole(folder)

    def relative(file: str) -> str:
        try:
            return Path(os.path.relpath(file, start)).as_posix()
        except ValueError:  # another drive: there is no way from here to there
            return file

    workloads = []
    for one in scenario.workloads:
        trace = one.traffic.trace
        if trace is not None and trace.file:
            trace = trace.model_copy(update={"file": relative(trace.file)})
            one = one.model_copy(update={"traffic": one.traffic.model_copy(update={"trace": trace})})
        workloads.append(one)
    baseline = None if scenario.baseline is None else _with_files(scenario.baseline, relative)
    return scenario.model_copy(update={"workloads": tuple(workloads), "baseline": baseline})


def _whole(path: Path) -> str:
    """An absolute path without ".." in it; links stay as they are named."""
    return os.path.normpath(path.absolute())


def _trace_tables(
    document: Mapping[str, Any], above: tuple[Step, ...]
) -> Iterator[tuple[tuple[Step, ...], Mapping[str, Any]]]:
    workloads = document.get("workloads")
    for at, workload in enumerate(workloads if isinstance(workloads, list | tuple) else ()):
        traffic = workload.get("traffic") if isinstance(workload, Mapping) else None
        trace = traffic.get("trace") if isinstance(traffic, Mapping) else None
        if isinstance(trace, Mapping):
            yield (*above, "workloads", at, "traffic", "trace"), trace
    baseline = document.get("baseline")
    if isinstance(baseline, Mapping):
        yield from _trace_tables(baseline, (*above, "baseline"))


def _with_files(document: Mapping[str, Any], change: Callable[[str], str]) -> Tables:
    """A copy of a document's tables with every trace's file changed; what is no such table stays as it is."""
    changed: Tables = dict(document)
    workloads = changed.get("workloads")
    if isinstance(workloads, list | tuple):
        changed["workloads"] = [_with_file(one, change) for one in workloads]
    if isinstance(changed.get("baseline"), Mapping):
        changed["baseline"] = _with_files(changed["baseline"], change)
    return changed


def _with_file(workload: Any, change: Callable[[str], str]) -> Any:
    traffic = workload.get("traffic") if isinstance(workload, Mapping) else None
    trace = traffic.get("trace") if isinstance(traffic, Mapping) else None
    if traffic is None or not isinstance(trace, Mapping):
        return workload
    file = trace.get("file")
    if not isinstance(file, str) or not file:
        return workload
    return {**workload, "traffic": {**traffic, "trace": {**trace, "file": change(file)}}}

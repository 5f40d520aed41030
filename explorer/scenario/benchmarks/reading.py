"""Reading a benchmark file: which client wrote it, its runs, and the rows that cannot be used with the reason."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from explorer.errors import Problem
from explorer.scenario.benchmark import MOST_ROWS
from explorer.scenario.benchmarks.guidellm import guidellm_load, guidellm_runs, is_guidellm
from explorer.scenario.benchmarks.keys import latency_key, number_key, text_key, words_of
from explorer.scenario.benchmarks.mlperf import MLPERF_NOTICE, detail_values, is_detail, is_summary, summary_values
from explorer.scenario.benchmarks.records import BadRow, BenchmarkFile, BenchmarkFileError, ReadRun
from explorer.scenario.benchmarks.runs import RowError, read_run

MAX_BYTES = 32_000_000
WHOLE_FILE = "(file)"
FORMATS = (
    "a result of vLLM `bench serve`, SGLang bench_serving, GuideLLM (JSON or CSV), InferenceX rows, "
    "mlperf_log_summary.txt or mlperf_log_detail.txt, or a CSV table with named columns"
)
Values = Mapping[str, Any]
Row = tuple[str, Values, Mapping[str, float]]
"""Where a row stands, its values by key, and what is known of its load beside."""


def read_benchmark(path: Path | str) -> BenchmarkFile:
    """Read a file of any known format; BenchmarkFileError where nothing in it can be used."""
    place = Path(path)
    content = _content_of(place)
    text = _text_of(place, content)
    name, rows, notice = _rows_of(place, text)
    runs: list[ReadRun] = []
    bad: list[BadRow] = []
    for where, values, load in rows:
        if len(runs) == MOST_ROWS:
            raise _refused(place, f"holds more than {MOST_ROWS} runs", f"at most {MOST_ROWS} in one file: split it")
        try:
            runs.append(read_run(where, values, load=load))
        except RowError as error:
            bad.append(BadRow(where, error.key, error.reason))
    if not runs:
        if not bad:
            raise _refused(place, "holds no run", FORMATS)
        problems = tuple(Problem(f"{one.place}, {one.key}" if one.key else one.place, one.reason) for one in bad)
        raise BenchmarkFileError(str(place), problems)
    return BenchmarkFile(str(place), hashlib.sha256(content).hexdigest(), name, tuple(runs), tuple(bad), notice)


def _refused(
    path: Path, reason: str, allowed: str, line: int | None = None, key: str = WHOLE_FILE
) -> BenchmarkFileError:
    return BenchmarkFileError(str(path), (Problem(key, reason, allowed, line),))


def _content_of(path: Path) -> bytes:
    try:
        # opened without waiting, so that a pipe without a writer cannot hang the program
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _refused(path, "is not a file", FORMATS)
            content = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise _refused(path, "is a folder", FORMATS) from None
    except FileNotFoundError:
        raise _refused(path, "does not exist", "the path of a benchmark's result") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _refused(path, f"cannot be read: {why.lower()}", "a file you may read") from None
    if len(content) > MAX_BYTES:
        allowed = f"at most {MAX_BYTES // 1_000_000} MB; save the result without its single requests"
        raise _refused(path, "is too large", allowed)
    return content


def _text_of(path: Path, content: bytes) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = f"is not UTF-8 text: byte 0x{content[min(error.start, len(content) - 1)]:02x} cannot be read"
        raise _refused(path, reason, "text saved as UTF-8", line) from None
    if not text.strip():
        raise _refused(path, "is empty", FORMATS, 1)
    return text


def _rows_of(path: Path, text: str) -> tuple[str, Iterable[Row], str]:
    if is_summary(text):
        return "MLPerf summary", _mlperf(path, summary_values(text)), MLPERF_NOTICE
    if is_detail(text):
        return "MLPerf detail log", _mlperf(path, detail_values(text)), MLPERF_NOTICE
    if text.lstrip()[0] in "[{":
        return *_json_rows(path, text), ""
    return *_table_rows(path, text), ""


def _mlperf(path: Path, found: tuple[dict[str, Any], dict[str, float], str]) -> Iterator[Row]:
    values, load, problem = found
    if problem:
        raise _refused(path, problem, "a performance run of the Server or Offline scenario that is VALID")
    yield "the run", values, load


def _json_rows(path: Path, text: str) -> tuple[str, Iterable[Row]]:
    data = _json_of(path, text)
    if is_guidellm(data):
        return "GuideLLM JSON", guidellm_runs(data)
    items = data if isinstance(data, list) else [data]
    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
        if not _known(data) and len(lists) == 1:
            # rows below one key, as exports of dashboards have them
            items = lists[0]
    first = next((item for item in items if isinstance(item, dict)), None)
    if first is None or not any(_known(item) for item in items if isinstance(item, dict)):
        raise _refused(path, "is JSON, but of no benchmark known here", FORMATS)
    rows: list[Row] = []
    for number, item in enumerate(items, 1):
        place = "the run" if len(items) == 1 else f"run {number}"
        rows.append((place, item if isinstance(item, dict) else {}, {}))
    return _client_of(first), rows


def _json_of(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise _refused(path, "is nested too deeply", FORMATS) from None
    except ValueError as error:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) > 1 and lines[0][1].rstrip().endswith("}"):
            # a run a line, as clients append them
            return [_json_line(path, number, line) for number, line in lines]
        line = getattr(error, "lineno", 1)
        column = getattr(error, "colno", 1)
        reason = f"is not JSON: {getattr(error, 'msg', str(error)).lower()}"
        raise _refused(path, reason, "JSON as the client wrote it", line, f"column {column}") from None


def _json_line(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except RecursionError:
        raise _refused(path, "is nested too deeply", FORMATS, number) from None
    except ValueError as error:
        reason = f"is not JSON: {getattr(error, 'msg', str(error)).lower()}"
        column = getattr(error, "colno", 1)
        raise _refused(path, reason, "one run a line, each whole", number, f"column {column}") from None


def _known(values: Mapping[str, Any]) -> bool:
    return any(latency_key(str(key)) is not None or number_key(str(key)) == "output_tokens_per_s" for key in values)


def _client_of(values: Mapping[str, Any]) -> str:
    keys = {words_of(str(key)) for key in values}
    if {"hw", "conc"} <= keys or "output tput per gpu" in keys:
        return "InferenceX rows"
    if "accept length" in keys or "mean e2e latency ms" in keys:
        return "SGLang bench_serving"
    return "vLLM bench serve" if "request throughput" in keys else "JSON rows"


def _table_rows(path: Path, text: str) -> tuple[str, Iterable[Row]]:
    head = text.lstrip("\n\r ").partition("\n")[0]
    mark = max(",;\t", key=head.count)
    if not head.count(mark):
        raise _refused(path, "is neither JSON, nor an MLPerf log, nor a table", FORMATS, 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    try:
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise _refused(path, f"is not a table: {error}", FORMATS, reader.line_num) from None
    header = [name.strip() for name in lines[0][1]]
    number_of_line = lines[0][0]
    if not any(latency_key(name) or number_key(name) for name in header):
        shown = ", ".join(name[:30] for name in header[:6])
        allowed = "columns such as concurrency, prompt_tokens, output_tokens, ttft_mean_ms, tpot_mean_ms"
        raise _refused(path, f"none of its columns is known ({shown})", allowed, number_of_line)
    twice = [name for name in dict.fromkeys(header) if name and header.count(name) > 1]
    if twice:
        raise _refused(path, f"has column '{twice[0]}' twice", "a name for each column", number_of_line)
    guide = any(text_key(name) == "load" for name in header)
    return ("GuideLLM CSV" if guide else "CSV table"), _cells(header, lines[1:], guide)


def _cells(header: list[str], lines: list[tuple[int, list[str]]], guide: bool) -> Iterator[Row]:
    for number, cells in lines:
        values: dict[str, Any] = dict(zip(header, cells, strict=False))
        if len(cells) != len(header):
            # told as a bad row of its own, so that the others are kept
            values = {"duration": f"{len(cells)} cells under {len(header)} columns"}
        load = guidellm_load(next((str(values[key]) for key in values if text_key(key) == "load"), "")) if guide else {}
        yield f"line {number}", values, load

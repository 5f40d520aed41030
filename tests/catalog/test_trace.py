"""Recorded traffic: the shipped traces are those that were published, and a bad row is named by its line."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog.location import resource_root
from explorer.catalog.trace import read_trace, shipped_trace, shipped_traces
from explorer.errors import CatalogError, UnknownRecordError

GOOD = "time,prompt,output\n0.5,10,5\n1.5,20,6\n2.0,30,7\n"


def written(folder: Path, text: str, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "count", "prompt", "output", "span"),
    [
        ("azure-2023-conversation", 19_366, 1154.697408, 211.125942, 3501.721937),
        ("azure-2023-code", 8_819, 2047.848282, 27.882526, 3435.948056),
        ("mooncake-conversation", 12_031, 12_035.06, 342.6189, 3536.999),
    ],
)
def test_that_a_shipped_trace_is_the_published_one(
    name: str, count: int, prompt: float, output: float, span: float
) -> None:
    """Numbers, means and spans of the published files; Splitwise prints medians of 1,020 and 129, 1,500 and 13."""
    trace = shipped_trace(name)
    assert trace.count == count
    assert np.mean(trace.prompt_tokens) == pytest.approx(prompt, rel=1e-6)
    assert np.mean(trace.output_tokens) == pytest.approx(output, rel=1e-6)
    assert trace.arrival_s[0] == 0.0
    assert trace.arrival_s[-1] == pytest.approx(span, abs=1e-3)
    assert trace.rate == pytest.approx((count - 1) / span, rel=1e-6)
    assert trace.source
    assert trace.licence


def test_that_the_medians_are_those_printed_with_the_traces() -> None:
    conversation, code = shipped_trace("azure-2023-conversation"), shipped_trace("azure-2023-code")
    assert np.median(conversation.prompt_tokens) == pytest.approx(1020, rel=0.01)
    assert np.median(conversation.output_tokens) == pytest.approx(129, rel=0.01)
    assert np.median(code.prompt_tokens) == pytest.approx(1500, rel=0.03)
    assert np.median(code.output_tokens) == pytest.approx(13, rel=0.01)


def test_that_every_shipped_trace_has_its_file_its_licence_and_its_entry() -> None:
    folder = resource_root() / "traces"
    files = {path.name.removesuffix(".csv.gz") for path in folder.glob("*.csv.gz")}
    licences = (folder / "LICENSES.md").read_text(encoding="utf-8")
    assert files == set(shipped_traces())
    assert all(f"`{name}.csv.gz`" in licences for name in files)


def test_that_an_unknown_trace_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownRecordError, match="azure-2023-conversation"):
        shipped_trace("azure-2023-conversations")


def test_that_ones_own_file_is_read_with_its_checksum(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path, GOOD)).trace
    assert trace.id == "mine"
    np.testing.assert_allclose(trace.arrival_s, [0.0, 1.0, 1.5])
    assert trace.prompt_tokens.tolist() == [10, 20, 30]
    assert trace.output_tokens.tolist() == [5, 6, 7]
    other = read_trace(written(tmp_path, GOOD + "\n", "other.csv")).trace
    assert len(trace.sha256) == 64
    assert other.sha256 != trace.sha256


def test_that_a_packed_file_reads_like_a_plain_one(tmp_path: Path) -> None:
    packed = tmp_path / "mine.csv.gz"
    packed.write_bytes(gzip.compress(GOOD.encode()))
    assert read_trace(packed).trace.prompt_tokens.tolist() == [10, 20, 30]
    packed.write_bytes(gzip.compress(GOOD.encode())[:-9])
    with pytest.raises(CatalogError, match="not a whole gzip file"):
        read_trace(packed)


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [
        ("TIMESTAMP,ContextTokens,GeneratedTokens", "2023-11-16 18:15:46.6805900", "2023-11-16 18:15:48.1805900"),
        ("timestamp,input_tokens,output_tokens", "2026-01-01T00:00:00+02:00", "2025-12-31T22:00:01.5Z"),
        ("t_ms,input_length,output_length", "27000", "28500"),
        ("arrived_at, prompt_tokens, completion_tokens", "-1.5", "0"),
    ],
)
def test_that_common_headers_and_kinds_of_time_are_understood(
    header: str, first: str, second: str, tmp_path: Path
) -> None:
    trace = read_trace(written(tmp_path, f"\ufeff{header}\r\n{first},8,2\r\n{second},9,3\r\n")).trace
    np.testing.assert_allclose(trace.arrival_s, [0.0, 1.5], atol=1e-5)
    assert trace.prompt_tokens.tolist() == [8, 9]


def test_that_further_columns_are_left_alone_and_rows_put_in_order(tmp_path: Path) -> None:
    text = "model,output,time,prompt\na,5,9.0,10\nb,6,4.0,20\n\n"
    trace = read_trace(written(tmp_path, text)).trace
    np.testing.assert_allclose(trace.arrival_s, [0.0, 5.0])
    assert trace.output_tokens.tolist() == [6, 5]


BAD_ROWS = {
    "x,10,5": "time: 'x' is no time",
    "nan,10,5": "time: must be a finite number, not nan",
    "3.0,0,5": "prompt: 0 is no number of tokens (allowed: a whole number, 1 to 10,000,000)",
    "3.0,10,-4": "output: -4 is no number of tokens",
    "3.0,10,2.5": "output: 2.5 is no number of tokens",
    "3.0,1e99,5": "prompt: 1e99 is no number of tokens",
    "3.0,,5": "prompt: '' is no number of tokens",
    "3.0,10": "row: has 2 fields, the header has 3",
    "3.0,10,5,6": "row: has 4 fields, the header has 3",
}


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS.items())
def test_that_a_bad_row_is_named_by_line_and_left_out_only_if_asked(row: str, reason: str, tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + f"{row}\n4.0,40,8\n")
    with pytest.raises(CatalogError) as caught:
        read_trace(path)
    assert f"mine.csv: line 5, {reason}" in str(caught.value)
    assert "4 other rows are good" in str(caught.value)
    reading = read_trace(path, keep_good=True)
    assert reading.trace.prompt_tokens.tolist() == [10, 20, 30, 40]
    assert [problem.line for problem in reading.problems] == [5]


def test_that_all_bad_rows_are_kept_but_not_all_printed(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + "bad,1,1\n" * 500)
    with pytest.raises(CatalogError) as caught:
        read_trace(path)
    assert "and 480 more" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 22
    assert len(read_trace(path, keep_good=True).problems) == 500


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no column for the time"),
        ("0.5,10,5\n1.5,20,6\n", "no column for the prompt"),
        ("time,arrival,prompt,output\n0,0,1,1\n1,1,1,1\n", "time, arrival could each be the time"),
        ("time,prompt,output\n1.0,10,5\n", "holds 1 usable requests; a trace needs two at least"),
        ("time,prompt,output\n1.0,10,5\nx,1,1\n", "'x' is no time"),
    ],
)
def test_that_a_file_that_is_no_trace_says_what_is_missing(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=reason):
        read_trace(written(tmp_path, text))


def test_that_only_a_regular_file_of_some_size_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CatalogError, match="is not a file"):
        read_trace(Path(os.devnull))
    with pytest.raises(CatalogError, match="cannot be read"):
        read_trace(tmp_path / "a\0b.csv")
    monkeypatch.setattr("explorer.catalog.trace.MOST_BYTES", 1000)
    with pytest.raises(CatalogError, match="larger than the 1,000 bytes"):
        read_trace(written(tmp_path, "time,prompt,output\n" + "0,1,1\n" * 400))
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress(b"time,prompt,output\n" + b"0,1,1\n" * 400))
    with pytest.raises(CatalogError, match="unpacks to more than the 1,000 bytes"):
        read_trace(bomb)


def test_that_times_centuries_apart_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("time,prompt,output\n-1e308,9,9\n1e308,9,9\n")
    with pytest.raises(CatalogError, match="apart"):
        read_trace(tmp_path / "mine.csv")


def test_that_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        read_trace(tmp_path / "absent.csv")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"time,prompt,output\n\xff\xfe\n")
    with pytest.raises(CatalogError, match="not UTF-8 text"):
        read_trace(binary)


@settings(max_examples=200, deadline=None)
@given(text=st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda b: b.decode("latin-1"))))
def test_that_whatever_a_file_holds_it_is_read_or_refused_in_words(
    text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text("time,prompt,output\n0,1,1\n1,1,1\n" + text, encoding="utf-8", errors="replace", newline="")
    try:
        reading = read_trace(path, keep_good=True)
    except CatalogError as error:
        assert str(path) in str(error)
    else:
        assert reading.trace.count >= 2

"""Logs of single requests: bad rows are named, good ones compared percentile by percentile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.engine.serving import simulate
from explorer.errors import CatalogError, ExplorerError, LayoutError
from explorer.scenario.workload import LayoutChoice
from explorer.study.request_log import Served, compare_log, comparison_data, comparison_text, read_request_log
from tests.engine.serving_examples import chat, chat_server

HEADER = "time,prompt,output,ttft,tpot"
GOOD = [f"{k * 0.5},{300 + k},{40 + k},0.0{5 + k % 3}1,0.0{1 + k % 2}2" for k in range(30)]


def written(folder: Path, rows: list[str], header: str = HEADER) -> Path:
    path = folder / "log.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_that_milliseconds_and_the_order_of_rows_do_not_matter(tmp_path: Path) -> None:
    plain = read_request_log(written(tmp_path, GOOD))
    turned = [row.split(",") for row in reversed(GOOD)]
    scaled = [f"{t},{p},{o},{float(x) * 1e3:.6f},{float(y) * 1e3:.6f}" for t, p, o, x, y in turned]
    other = read_request_log(written(tmp_path, scaled, "time_s,input_tokens,output_tokens,ttft_ms,tpot_ms"))
    np.testing.assert_allclose(other.ttft, plain.ttft)
    np.testing.assert_allclose(other.tpot, plain.tpot)
    assert other.requests.prompt.tolist() == plain.requests.prompt.tolist()


def test_that_every_bad_row_is_named_with_its_line_and_reason(tmp_path: Path) -> None:
    bad = ["5,0,10,0.1,0.01", "6,10,10,-1,0.01", "7,10,10,0.1", "8,ten,10,0.1,0.01", "9,10,10,0.1,nan"]
    path = written(tmp_path, [*GOOD, *bad])
    with pytest.raises(CatalogError) as told:
        read_request_log(path)
    text = str(told.value)
    for line, word in ((32, "prompt"), (33, "ttft"), (34, "fields"), (35, "'ten'"), (36, "tpot")):
        assert any(f"line {line}," in one and word in one for one in text.splitlines()), (line, word, text)
    assert "30 other rows are good; --skip-bad-rows" in text
    kept = read_request_log(path, skip_bad_rows=True)
    assert kept.ttft.size == 30
    assert [problem.line for problem in kept.problems] == [32, 33, 34, 35, 36]


def test_that_an_answer_of_one_token_needs_no_time_per_token(tmp_path: Path) -> None:
    log = read_request_log(written(tmp_path, [*GOOD, "99,10,1,0.1,"]))
    assert np.isnan(log.tpot[-1]) and log.problems == ()


@pytest.mark.parametrize(
    ("header", "rows", "told"),
    [
        ("time,prompt,output,ttft", GOOD, "no column for the tpot"),
        ("time,prompt,output,ttft,ttft_ms", GOOD, "several columns for the ttft"),
        (HEADER, GOOD[:5], "percentiles need 20"),
    ],
)
def test_that_a_file_that_is_no_such_log_is_refused(tmp_path: Path, header: str, rows: list[str], told: str) -> None:
    with pytest.raises(CatalogError, match=told):
        read_request_log(written(tmp_path, rows, header), skip_bad_rows=True)


def test_that_a_log_is_compared_percentile_by_percentile(tmp_path: Path, catalog: Catalog) -> None:
    asked = chat(3, 400, 6.0)
    run = simulate(asked, chat_server(), whole_run=True)
    rows = [
        f"{t:.4f},{p},{o},{x:.5f},{y:.6f}"
        for t, p, o, x, y in zip(asked.arrival, asked.prompt, asked.output, run.ttft, run.tpot, strict=True)
        if o > 1
    ]
    log = read_request_log(written(tmp_path, rows))
    found = compare_log(log, Served("nv-h100-sxm", "llama-3.1-70b", LayoutChoice(tp=4)), catalog)
    assert [row.metric for row in found.rows] == ["ttft"] * 3 + ["tpot"] * 3
    assert all(row.low <= row.predicted <= row.high for row in found.rows)
    assert found.rejected == 0
    data = comparison_data(found)
    assert data["requests"] == log.ttft.size
    # the made-up server is several times as fast as these chips: its answers lie outside, and that is said
    assert not any(row.inside for row in found.rows if row.metric == "tpot")
    assert comparison_text(found).count("OUTSIDE") == sum(not row.inside for row in found.rows)
    again = compare_log(log, Served("nv-h100-sxm", "llama-3.1-70b", LayoutChoice(tp=4)), catalog)
    assert again.rows == found.rows


def test_that_what_cannot_be_served_is_said(tmp_path: Path, catalog: Catalog) -> None:
    log = read_request_log(written(tmp_path, GOOD))
    with pytest.raises(ExplorerError, match="no-such"):
        compare_log(log, Served("no-such", "llama-3.1-8b"), catalog)
    with pytest.raises(CatalogError, match="does not fit"):
        compare_log(log, Served("nv-l4", "llama-3.1-405b"), catalog)
    with pytest.raises(LayoutError):
        compare_log(log, Served("nv-h100-sxm", "llama-3.1-8b", LayoutChoice(pp=64)), catalog)

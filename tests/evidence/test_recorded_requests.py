"""A recorded log of single requests on a real server, kept out of every fit: its percentiles lie inside the band."""

from __future__ import annotations

import pytest

from explorer.catalog import load_catalog
from explorer.catalog.location import resource_root
from explorer.study.request_log import LogComparison, Served, compare_log, comparison_text, read_request_log


@pytest.fixture(scope="module")
def compared() -> LogComparison:
    """vLLM on one RTX PRO 6000, 300 requests at 10/s, at most 128 together (resources/evidence/LICENCES.md)."""
    path = resource_root() / "evidence" / "requests" / "vllm-rtxpro6000-llama-3.1-8b.csv"
    served = Served("nv-rtxpro6000", "llama-3.1-8b", max_batch=128, token_budget=2048)
    return compare_log(read_request_log(path), served, load_catalog())


def test_that_the_log_is_the_one_that_was_published(compared: LogComparison) -> None:
    # the authors' own summary of the run, milliseconds: validation/summary.txt beside the log
    published = {("ttft", 0.95): 18_397.9, ("ttft", 0.99): 19_755.3, ("tpot", 0.5): 33.4, ("tpot", 0.99): 37.3}
    for row in compared.rows:
        if (row.metric, row.quantile) in published:
            assert row.measured * 1e3 == pytest.approx(published[row.metric, row.quantile], rel=0.005)


def test_that_p50_and_p99_fall_inside_the_stated_band(compared: LogComparison) -> None:
    print(f"\n{comparison_text(compared)}")
    assert [row for row in compared.rows if not row.inside] == []


def test_that_the_prediction_is_nearer_than_its_band_is_wide(compared: LogComparison) -> None:
    for row in compared.rows:
        limit = 0.15 if row.metric == "tpot" else 0.35
        assert abs(row.predicted / row.measured - 1.0) < limit, row

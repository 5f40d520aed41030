"""Benchmark files of every client: meanings, units, loads; and every way in which one can be bad.

All files here are written for these tests in the shapes that the clients write.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from explorer.scenario.benchmarks.keys import latency_key
from explorer.scenario.benchmarks.reading import read_benchmark
from explorer.scenario.benchmarks.records import BenchmarkFile, BenchmarkFileError

VLLM: dict[str, Any] = {
    "date": "20260301-101500", "endpoint_type": "openai", "model_id": "meta-llama/Llama-3.1-70B-Instruct",
    "num_prompts": 320, "request_rate": "inf", "burstiness": 1.0, "max_concurrency": 32, "duration": 100.0,
    "completed": 320, "total_input_tokens": 327_680, "total_output_tokens": 81_920, "request_throughput": 3.2,
    "output_throughput": 819.2, "mean_ttft_ms": 410.0, "median_ttft_ms": 380.0, "std_ttft_ms": 90.0,
    "p99_ttft_ms": 1200.0, "mean_tpot_ms": 37.5, "median_tpot_ms": 37.0, "p99_tpot_ms": 44.0, "mean_itl_ms": 37.4,
    "p99_itl_ms": 90.0, "ttfts": [0.3, 0.4], "errors": ["", ""],
}  # fmt: skip

SUMMARY = """\
================================================
MLPerf Results Summary
================================================
SUT name : PySUT
Scenario : {scenario}
Mode     : {mode}
Completed samples per second    : 24.0
Completed tokens per second: 7200.0
Result is : {verdict}
  Performance constraints satisfied : Yes

================================================
Additional Stats
================================================
Scheduled samples per second : 24.4
Mean latency (ns)               : 30000000000
99.00 percentile latency (ns)   : 60000000000
99.90 percentile latency (ns)   : 70000000000

Mean First Token latency (ns)               : 600000000
50.00 percentile first token latency (ns)   : 590000000
99.00 percentile first token latency (ns)   : 1500000000

Mean Time to Output Token (ns)                : 98000000
50.00 percentile time to output token (ns)   : 97000000
99.00 percentile time to output token (ns)   : 150000000

================================================
Test Parameters Used
================================================
target_qps : 24.5
ttft_latency (ns): 2000000000
tpot_latency (ns): 200000000
"""


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """A file with that content."""
    place = folder / name
    place.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return place


def read(folder: Path, content: object, name: str = "run.json") -> BenchmarkFile:
    """What is read of a file with that content; anything but text as JSON."""
    return read_benchmark(written(folder, name, content if isinstance(content, str) else json.dumps(content)))


def refused(folder: Path, content: str | bytes, name: str = "run.json") -> str:
    """The words with which a file is refused."""
    with pytest.raises(BenchmarkFileError) as caught:
        read_benchmark(written(folder, name, content))
    return str(caught.value)


def test_that_a_result_of_vllm_is_read_in_seconds_with_lengths_from_its_totals(tmp_path: Path) -> None:
    found = read(tmp_path, VLLM)
    row = found.runs[0].row
    assert found.format == "vLLM bench serve" and not found.bad
    assert (row.concurrency, row.request_rate_per_s, row.at_once) == (32.0, None, False)
    assert (row.prompt_tokens, row.output_tokens) == (1024.0, 256.0)
    assert (row.ttft_mean_s, row.ttft_p50_s, row.ttft_p99_s) == (0.41, 0.38, 1.2)
    assert (row.tpot_mean_s, row.tpot_p99_s, row.itl_p99_s) == (0.0375, 0.044, 0.09)
    assert found.runs[0].says["model"] == VLLM["model_id"]


def test_that_a_rate_that_was_kept_is_an_open_load_and_a_cap_that_binds_makes_a_closed_one(tmp_path: Path) -> None:
    kept = read(tmp_path, {**VLLM, "request_rate": 3.25}).runs[0].row
    bound = read(tmp_path, {**VLLM, "request_rate": 12.0}).runs[0].row
    assert kept.request_rate_per_s == 3.25 and kept.concurrency is None
    assert bound.concurrency == 32.0 and bound.request_rate_per_s is None
    everything = read(tmp_path, {**VLLM, "max_concurrency": None}).runs[0].row
    assert everything.at_once and everything.concurrency is None


@pytest.mark.parametrize(("factor", "unit"), [(1.0, "seconds"), (1000.0, "milliseconds")])
def test_that_keys_without_a_unit_are_told_apart_by_littles_law(tmp_path: Path, factor: float, unit: str) -> None:
    bare = {key: value for key, value in VLLM.items() if not key.endswith("_ms")}
    bare |= {"median_ttft": 0.38 * factor, "median_tpot": 0.0375 * factor, "p99_tpot": 0.044 * factor}
    found = read(tmp_path, bare).runs[0]
    assert found.row.tpot_p50_s == pytest.approx(0.0375) and found.row.ttft_p50_s == pytest.approx(0.38)
    assert any(unit in text for text in found.reading)


def test_that_a_time_without_a_unit_that_nothing_tells_is_refused_and_not_guessed(tmp_path: Path) -> None:
    text = refused(tmp_path, "concurrency,prompt_tokens,output_tokens,tpot_mean\n4,1000,100,0.6\n", "run.csv")
    assert "line 2" in text and "no unit" in text and "tpot_mean" in text


def test_that_the_runs_of_sglang_are_read_a_line_each_with_infinite_rates(tmp_path: Path) -> None:
    one = {
        "backend": "sglang", "dataset_name": "random", "request_rate": math.inf, "max_concurrency": 8,
        "random_input_len": 2048, "random_output_len": 512, "duration": 60.0, "completed": 80,
        "total_input_tokens": 81_920, "total_output_tokens": 20_480, "request_throughput": 1.333,
        "output_throughput": 341.3, "mean_e2e_latency_ms": 5900.0, "mean_ttft_ms": 200.0, "mean_tpot_ms": 22.3,
        "mean_itl_ms": 22.3, "concurrency": 7.9, "accept_length": None,
    }  # fmt: skip
    lines = "\n".join(json.dumps(run) for run in (one, {**one, "max_concurrency": 16, "accept_length": 2.7}))
    found = read(tmp_path, lines, "out.jsonl")
    assert found.format == "SGLang bench_serving" and len(found.runs) == 2
    assert found.runs[0].row.prompt_tokens == 1024.0, "what came counts, not what was asked for"
    assert "speculation" not in found.runs[0].says and "2.7" in found.runs[1].says["speculation"]


def test_that_rows_of_inferencex_bring_their_own_split_and_tokens_by_chip(tmp_path: Path) -> None:
    row = {
        "hw": "h200", "tp": 8, "ep": 8, "dp_attention": "true", "conc": 64, "model": "deepseek-ai/DeepSeek-R1-0528",
        "framework": "sglang", "precision": "fp8", "isl": 1024, "osl": 1024, "tput_per_gpu": 700.0,
        "output_tput_per_gpu": 350.0, "mean_ttft": 0.4, "p99_ttft": 1.1, "mean_tpot": 0.022, "mean_intvty": 45.0,
        "median_e2el": 23.0,
    }  # fmt: skip
    found = read(tmp_path, [row])
    run = found.runs[0]
    assert found.format == "InferenceX rows" and run.row.output_tokens_per_s == 2800.0
    assert (run.row.tp, run.row.dp, run.row.ep) == (1, 8, 8)
    assert run.row.tpot_mean_s == 0.022 and run.row.e2e_p50_s == 23.0 and run.says["chip"] == "h200"


def test_that_a_report_of_guidellm_is_read_with_the_load_of_each_strategy(tmp_path: Path) -> None:
    def benchmark(strategy: dict[str, object], rate: float) -> dict[str, object]:
        def seen(mean: float, tail: float) -> dict[str, object]:
            return {"successful": {"mean": mean, "median": 0.98 * mean, "percentiles": {"p99": tail}}}

        return {
            "args": {"strategy": strategy},
            "metrics": {
                "requests_per_second": seen(rate, rate), "output_tokens_per_second": seen(rate * 128, rate),
                "time_to_first_token_ms": seen(80.0, 200.0), "inter_token_latency_ms": seen(21.0, 25.0),
                "time_per_output_token_ms": seen(21.6, 26.0), "request_latency": seen(2.75, 3.4),
                "prompt_token_count": seen(256, 256), "output_token_count": seen(128, 128),
            },
        }  # fmt: skip

    report = {"benchmarks": [
        benchmark({"type_": "synchronous"}, 0.36),
        benchmark({"type_": "concurrent", "streams": 16}, 5.6),
        benchmark({"type_": "constant", "rate": 4.0}, 3.98),
        benchmark({"type_": "throughput"}, 11.0),
    ]}  # fmt: skip
    rows = [run.row for run in read(tmp_path, report).runs]
    assert [row.concurrency for row in rows] == [1.0, 16.0, None, None]
    assert [row.request_rate_per_s for row in rows] == [None, None, 4.0, None] and rows[3].at_once
    # its gap between tokens is what everybody else calls the time per token; its own name counts the first token in
    assert rows[0].tpot_mean_s == 0.021 and rows[0].tpot_p99_s == 0.025 and rows[0].e2e_mean_s == 2.75


def test_that_a_summary_table_of_guidellm_is_read(tmp_path: Path) -> None:
    table = (
        "model_id,Date,Input type,Requests per Second,Request Latency (s),Time-to-first-token (ms),"
        "Inter Token Latency (ms),Output Token Throughput (t/s)\n"
        "org_Llama-3.1-8B,2026-01-01,synchronous,0.2,5.0,400,23,40\n"
        "org_Llama-3.1-8B,2026-01-01,asynchronous@2.5 req/sec,2.5,6.0,420,28,500\n"
    )
    found = read(tmp_path, table, "summary.csv")
    assert found.format == "GuideLLM CSV"
    assert [run.row.concurrency for run in found.runs] == [1.0, None]
    assert found.runs[1].row.request_rate_per_s == 2.5 and found.runs[1].row.output_tokens == 200.0
    assert found.runs[0].row.itl_mean_s == 0.023


def test_that_a_summary_of_mlperf_gives_its_rate_its_tails_and_its_notice(tmp_path: Path) -> None:
    text = SUMMARY.format(scenario="Server", mode="PerformanceOnly", verdict="VALID")
    found = read(tmp_path, text, "mlperf_log_summary.txt")
    row = found.runs[0].row
    assert row.request_rate_per_s == 24.5 and row.output_tokens == 300.0
    assert (row.ttft_p99_s, row.tpot_mean_s, row.tpot_p99_s, row.e2e_p99_s) == (1.5, 0.098, 0.15, 60.0)
    assert "not verified by MLCommons Association" in found.notice


def test_that_an_offline_run_gives_its_throughput_only(tmp_path: Path) -> None:
    text = SUMMARY.format(scenario="Offline", mode="PerformanceOnly", verdict="VALID")
    row = read(tmp_path, text.replace("Completed samples", "Samples").replace("Completed tokens", "Tokens")).runs[0].row
    assert row.at_once and row.output_tokens_per_s == 7200.0 and row.e2e_p99_s is None and row.tpot_mean_s is None


def test_that_a_detail_log_of_mlperf_says_the_same_as_its_summary(tmp_path: Path) -> None:
    entries = {
        "requested_scenario": "Server", "effective_scenario": "Server", "effective_test_mode": "PerformanceOnly",
        "effective_target_qps": 24.5, "result_validity": "VALID", "result_completed_samples_per_sec": 24.0,
        "result_token_throughput_with_loadgen_overhead": 7200.0, "result_token_throughput": 9.0,
        "result_first_token_99.00_percentile_latency_ns": 1_500_000_000, "result_time_to_output_token_mean": 98_000_000,
        "result_time_per_output_token_99.00_percentile_ns": 150_000_000,
    }  # fmt: skip
    lines = [f":::MLLOG {json.dumps({'key': key, 'value': value})}" for key, value in entries.items()]
    row = read(tmp_path, "\n".join([*lines, ":::MLLOG {broken"]), "mlperf_log_detail.txt").runs[0].row
    assert (row.request_rate_per_s, row.output_tokens_per_s, row.output_tokens) == (24.5, 7200.0, 300.0)
    assert (row.ttft_p99_s, row.tpot_mean_s, row.tpot_p99_s) == (1.5, 0.098, 0.15)


@pytest.mark.parametrize(
    ("scenario", "mode", "verdict", "said"),
    [
        ("SingleStream", "PerformanceOnly", "VALID", "SingleStream"),
        ("Server", "AccuracyOnly", "VALID", "accuracy"),
        ("Server", "PerformanceOnly", "INVALID", "INVALID"),
    ],
)
def test_that_a_run_of_mlperf_that_is_no_evidence_is_refused(
    tmp_path: Path, scenario: str, mode: str, verdict: str, said: str
) -> None:
    assert said in refused(tmp_path, SUMMARY.format(scenario=scenario, mode=mode, verdict=verdict), "summary.txt")


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_that_good_rows_of_a_table_are_kept_and_bad_ones_named_with_line_key_and_reason(
    tmp_path: Path, mark: str
) -> None:
    lines = [
        "concurrency,prompt_tokens,output_tokens,ttft_mean_ms,tpot_mean_ms,tpot_p99_ms,output_tokens_per_s",
        "8,1024,256,180,26,30,292",
        "x,1024,256,180,26,30,292",
        "8,1024,256,180,-26,30,292",
        "8,1024,256,180,26,10,292",
        "8,1024,256,180,26,30,2920",
        "8,1024,256",
        ",1024,256,180,26,30,292",
        "8,1024,256,,,,",
        "16,1024,256,260,34,40,451",
    ]
    found = read(tmp_path, "\n".join(lines).replace(",", mark), "run.csv")
    assert [run.row.place for run in found.runs] == ["line 2", "line 10"]
    told = {bad.place: f"{bad.key}: {bad.reason}" for bad in found.bad}
    assert "concurrency: 'x' is not a number" in told["line 3"]
    assert "tpot_mean_ms" in told["line 4"] and "no time" in told["line 4"]
    assert "far above the P99" in told["line 5"]
    assert "users busy" in told["line 6"] and "3 cells" in told["line 7"]
    assert "no load" in told["line 8"] and "no latency and no throughput" in told["line 9"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"   \n ", "is empty"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b'{"request_throughput": 1.0, \xe9}', "not UTF-8 text: byte 0xe9"),
        (b'{"request_throughput": 1.0,', "is not JSON"),
        (b'{"a": 1}', "of no benchmark known here"),
        (b"[1, 2, 3]", "of no benchmark known here"),
        (b"[]", "of no benchmark known here"),
        (b"hello", "neither JSON"),
        (b"a,b\n1,2\n", "none of its columns is known"),
        (b"concurrency,concurrency,tpot_ms\n1,2,3\n", "twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"benchmarks": [{"metrics": {}}]}', "no load"),
        (b'{"max_concurrency": 4, "mean_tpot_ms": "fast"}', "'fast' is not a number"),
        (b'{"max_concurrency": 4, "mean_tpot_ms": 1e999}', "no time"),
        (b'{"max_concurrency": 4, "completed": 0, "mean_tpot_ms": 20}', "no request was completed"),
        (b'{"max_concurrency": 4, "completed": 50, "failed": 50, "mean_tpot_ms": 20}', "failed"),
    ],
)
def test_that_a_file_of_which_nothing_can_be_used_is_refused_with_the_reason(
    tmp_path: Path, content: bytes, said: str
) -> None:
    text = refused(tmp_path, content)
    assert said in text and str(tmp_path) in text


def test_that_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for place, said in ((tmp_path, "folder"), (tmp_path / "gone.json", "does not exist")):
        with pytest.raises(BenchmarkFileError, match=said):
            read_benchmark(place)


def test_that_a_broken_line_of_many_runs_is_named_by_its_number(tmp_path: Path) -> None:
    good = json.dumps({"max_concurrency": 4, "mean_tpot_ms": 20.0, "output_throughput": 190.0})
    assert "line 2" in refused(tmp_path, f"{good}\n{good[:-5]}\n{good}\n", "out.jsonl")


def test_that_text_in_utf_16_is_read(tmp_path: Path) -> None:
    table = "concurrency,prompt_tokens,output_tokens,tpot_mean_ms\n4,100,100,20\n"
    found = read_benchmark(written(tmp_path, "run.csv", table.encode("utf-16")))
    assert found.runs[0].row.tpot_mean_s == 0.02


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("p99_ttft_ms", ("ttft", "p99", 1e3)),
        ("Time-to-first-token (ms)", ("ttft", "mean", 1e3)),
        ("99.00 percentile first token latency (ns)", ("ttft", "p99", 1e9)),
        ("median_e2el", ("e2e", "p50", None)),
        ("99.90 percentile latency (ns)", None),
        ("std_tpot_ms", None),
        ("p90_itl_ms", None),
        ("Output Token Throughput (t/s)", None),
        ("total_token_throughput", None),
    ],
)
def test_that_a_key_means_a_latency_with_its_statistic_and_unit(
    key: str, expected: tuple[str, str, float | None] | None
) -> None:
    found = latency_key(key)
    assert (None if found is None else (found.quantity, found.statistic, found.per_second)) == expected

"""MLPerf Inference: the summary and the detail log of a run as values by key, and the load it was under."""

from __future__ import annotations

import json
import math
import re
from typing import Any

MLPERF_NOTICE = (
    "Run by MLPerf Inference's load generator. Figures derived from it are not verified by MLCommons Association; name "
    "round, submitter and date where you show them."
)
_LINE = re.compile(r"^([^:]{2,80}?)\s*:\s*(\S.*?)\s*$")
_DETAIL = ":::MLLOG"
_DETAIL_KEYS = {
    "result_completed_samples_per_sec": "samples_per_second",
    "result_samples_per_second": "samples_per_second",
    # tokens over the time in which requests were sent; result_token_throughput is tokens over summed latencies
    "result_token_throughput_with_loadgen_overhead": "output_throughput",
    "result_tokens_per_second": "output_throughput",
    "result_mean_latency_ns": "mean_e2e_ns",
    "result_50.00_percentile_latency_ns": "p50_e2e_ns",
    "result_99.00_percentile_latency_ns": "p99_e2e_ns",
    "result_first_token_mean_latency_ns": "mean_ttft_ns",
    "result_first_token_50.00_percentile_latency_ns": "p50_ttft_ns",
    "result_first_token_99.00_percentile_latency_ns": "p99_ttft_ns",
    "result_time_to_output_token_mean": "mean_tpot_ns",
    "result_time_per_output_token_50.00_percentile_ns": "p50_tpot_ns",
    "result_time_per_output_token_99.00_percentile_ns": "p99_tpot_ns",
}
"""As mlcommons/inference logs them (loadgen/results.cc, PerformanceSummary::LogDetail)."""
Found = tuple[dict[str, Any], dict[str, float], str]
"""Values by key, the load, and why the run cannot be used (empty where it can)."""


def is_summary(text: str) -> bool:
    """Whether a text is an mlperf_log_summary.txt."""
    return "MLPerf Results Summary" in text[:2000]


def is_detail(text: str) -> bool:
    """Whether a text is an mlperf_log_detail.txt."""
    return text.lstrip().startswith(_DETAIL)


def summary_values(text: str) -> Found:
    """The values of a summary; latencies of an offline run say when the queue was done, so they are left out."""
    said = {key.strip(): value for key, value in _pairs(text)}
    values: dict[str, Any] = {}
    for key, value in said.items():
        if "latency" in key.casefold() or "output token" in key.casefold():
            # what the run was allowed stands among them as ttft_latency and tpot_latency
            if key.split(" ")[0] not in ("ttft_latency", "tpot_latency"):
                values[key] = value
        elif re.match(r"(?i)^(completed )?(samples|tokens) per second$", key):
            values["output_throughput" if "oken" in key else "samples_per_second"] = value
    scenario, mode, verdict = (said.get(key, "") for key in ("Scenario", "Mode", "Result is"))
    return _judged(values, scenario, mode, verdict, said.get("target_qps"))


def detail_values(text: str) -> Found:
    """The values of a detail log; lines that are no JSON are passed over, as loggers break them."""
    entries: dict[str, Any] = {}
    for line in text.splitlines():
        if not line.startswith(_DETAIL):
            continue
        try:
            entry = json.loads(line[len(_DETAIL) :])
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict) and isinstance(entry.get("key"), str):
            entries[entry["key"]] = entry.get("value")
    values = {name: entries[key] for key, name in _DETAIL_KEYS.items() if key in entries}
    return _judged(
        values,
        str(entries.get("effective_scenario", entries.get("requested_scenario", ""))),
        str(entries.get("effective_test_mode", entries.get("requested_test_mode", ""))),
        str(entries.get("result_validity", "")),
        entries.get("effective_target_qps", entries.get("requested_server_target_qps")),
    )


def _pairs(text: str) -> list[tuple[str, str]]:
    return [match.groups() for match in map(_LINE.match, text.splitlines()) if match is not None]  # type: ignore[misc]


def _judged(values: dict[str, Any], scenario: str, mode: str, verdict: str, target: Any) -> Found:
    kind = scenario.strip().casefold()
    if kind not in ("server", "offline", "interactive"):
        return {}, {}, f"is a run of scenario '{scenario or 'unstated'}', which is not predicted"
    if "accuracy" in mode.casefold():
        return {}, {}, "is an accuracy run: its times are not those of the service"
    if verdict.strip().casefold() != "valid":
        return {}, {}, f"is a run whose result is {verdict or 'unstated'}, not VALID"
    if kind == "offline":
        kept = {key: value for key, value in values.items() if key in ("samples_per_second", "output_throughput")}
        return kept, {"request_rate": math.inf}, ""
    try:
        rate = float(target)
    except (TypeError, ValueError):
        return {}, {}, "does not say at which rate requests were sent (target_qps)"
    return values, {"request_rate": rate}, ""

"""GuideLLM: its JSON report as runs, and the load that its strategies mean."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

_METRICS: Mapping[str, tuple[str, str]] = {
    "time_to_first_token_ms": ("ttft", "ms"),
    # a request's mean gap after its first token: TPOT as it is meant here; its own "time per output token" divides the
    # first token's time by all tokens as well
    "inter_token_latency_ms": ("tpot", "ms"),
    "request_latency": ("e2e", "s"),
}
_MEANS: Mapping[str, str] = {
    "requests_per_second": "requests_per_second",
    "output_tokens_per_second": "output_throughput",
    "prompt_token_count": "prompt_tokens",
    "output_token_count": "output_tokens",
}


def is_guidellm(data: Any) -> bool:
    """Whether parsed JSON is a report of GuideLLM."""
    runs = data.get("benchmarks") if isinstance(data, Mapping) else None
    return isinstance(runs, list) and any(isinstance(run, Mapping) and "metrics" in run for run in runs)


def guidellm_runs(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, float]]]:
    """The runs of a report as values by key, each with its load; figures of successful requests only."""
    stated = _text(data.get("args"), "model") or _text(data.get("args"), "backend_model")
    for at, run in enumerate(data["benchmarks"]):
        place = f"benchmark {at + 1}"
        metrics = run.get("metrics") if isinstance(run, Mapping) else None
        if not isinstance(metrics, Mapping):
            yield place, {}, {}
            continue
        values: dict[str, Any] = {}
        for name, key in _MEANS.items():
            found = _statistics(metrics.get(name))
            values[key] = found.get("mean", found.get("median"))
        for name, (quantity, unit) in _METRICS.items():
            for statistic, value in _statistics(metrics.get(name)).items():
                values[f"{statistic}_{quantity}_{unit}"] = value
        model = _text(run.get("worker"), "backend_model") or _text(run.get("config"), "model") or stated
        if model:
            values["model"] = model
        load = _load_of(run)
        if not load:
            # neither users nor a rate: the row says so when it is read
            yield place, values, {}
            continue
        yield place, values, load


def guidellm_load(label: str) -> dict[str, float]:
    """The load of a strategy's label: "synchronous", "concurrent@16", "asynchronous@5.33 req/sec", "throughput"."""
    name, _, rest = label.strip().casefold().partition("@")
    number = re.search(r"\d+(?:\.\d+)?", rest)
    if name.startswith("sync"):
        return {"concurrency": 1.0}
    if name.startswith("throughput"):
        return {"request_rate": math.inf}
    if number is None:
        return {}
    value = float(number.group())
    return {"concurrency": value} if name.startswith("concurrent") else {"request_rate": value}


def _load_of(run: Mapping[str, Any]) -> dict[str, float]:
    for holder in (run.get("args"), run.get("config"), run):
        strategy = holder.get("strategy") if isinstance(holder, Mapping) else None
        if isinstance(strategy, Mapping):
            kind = str(strategy.get("type_", strategy.get("type", "")))
            amount = strategy.get("streams", strategy.get("rate", ""))
            return guidellm_load(f"{kind}@{amount}")
        if isinstance(strategy, str):
            return guidellm_load(strategy)
    return {}


def _statistics(metric: Any) -> dict[str, Any]:
    """Mean, median and P99 of the successful requests of a metric, as far as they are there."""
    if not isinstance(metric, Mapping):
        return {}
    found = metric.get("successful", metric)
    if not isinstance(found, Mapping):
        return {}
    percentiles = found.get("percentiles")
    inner = percentiles if isinstance(percentiles, Mapping) else {}
    middle = found.get("median", found.get("p50", inner.get("p50")))
    return {"mean": found.get("mean"), "median": middle, "p99": found.get("p99", inner.get("p99"))}


def _text(table: Any, key: str) -> str:
    value = table.get(key) if isinstance(table, Mapping) else None
    return value if isinstance(value, str) else ""

"""What a key or a column heading of a benchmark file means, whatever client wrote it; units are read off the name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

UNITS: Mapping[str, float] = {
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "ms": 1e3, "msec": 1e3, "milliseconds": 1e3,
    "us": 1e6, "ns": 1e9,
}  # fmt: skip
"""How many of a unit a second has: figures as written stay as they are when they are divided."""

_QUANTITIES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ttft", re.compile(r"\bttft|\btime to first token|\bfirst token latency|\bfirst token\b")),
    ("tpot", re.compile(r"\btpot|\btime per output token|\btime to output token|\btime per token")),
    ("itl", re.compile(r"\bitl|\binter ?token latency|\btoken gap")),
    ("e2e", re.compile(r"\be2el?\b|\be2e latency|\bend to end|\brequest latency|\blatency\b")),
)
_OTHER_STATISTIC = re.compile(r"\b(?:std|stdev|stddev|min|max|minimum|maximum|p\d+(?: \d+)?|\d+(?: \d+)? percentile)\b")
_STATISTICS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("p99", re.compile(r"\bp99\b(?! \d)|\b99(?: 0+)? percentile|\bp99 0+\b")),
    ("p50", re.compile(r"\bmedian\b|\bp50\b|\b50(?: 0+)? percentile")),
    ("mean", re.compile(r"\bmean\b|\bavg\b|\baverage\b")),
)

NUMBERS: Mapping[str, str] = {
    **dict.fromkeys(
        ("max concurrency", "conc", "num concurrent users", "concurrent users", "users", "streams",
         "batch or concurrency", "concurrent requests"), "concurrency",
    ),
    "concurrency": "concurrency reached",
    **dict.fromkeys(
        ("request rate", "request rate per s", "request rate req s", "rate", "target qps", "qps", "offered rate",
         "requests per second offered"), "request_rate",
    ),
    **dict.fromkeys(
        ("request throughput", "requests per second", "requests per s", "request per second", "req per s",
         "completed samples per second", "samples per second", "rps"), "requests_per_s",
    ),
    **dict.fromkeys(
        ("output throughput", "output token throughput", "output tokens per second", "output tokens per s",
         "output token throughput t s", "completed tokens per second", "out tok per s total", "out tok per s",
         "output tok per s", "generation throughput", "output token throughput t per s", "tokens per s",
         "tok per s"), "output_tokens_per_s",
    ),
    **dict.fromkeys(("output tput per gpu", "output tokens per s per chip"), "output_tokens_per_s_per_chip"),
    **dict.fromkeys(
        ("isl", "prompt tokens", "input tokens", "input len", "input length", "prompt length", "random input len",
         "mean input tokens"), "prompt",
    ),
    **dict.fromkeys(
        ("osl", "output tokens", "output len", "output length", "random output len", "mean output tokens",
         "generated tokens"), "output",
    ),
    "total input tokens": "total_prompt",
    **dict.fromkeys(("total output tokens", "total generated tokens"), "total_output"),
    **dict.fromkeys(("completed", "completed requests", "successful requests"), "completed"),
    "failed": "failed",
    "duration": "duration",
    **dict.fromkeys(("tp", "tp size", "tensor parallel size", "tensor parallelism"), "tp"),
    **dict.fromkeys(("pp", "pp size", "pipeline parallel size"), "pp"),
    **dict.fromkeys(("dp", "dp size", "data parallel size"), "dp"),
    **dict.fromkeys(("ep", "ep size", "expert parallel size"), "ep"),
    **dict.fromkeys(("chips", "n chips", "num gpus", "gpus", "num chips", "n accel"), "chips"),
    **dict.fromkeys(("accept length", "acceptance length", "spec accept length"), "accept_length"),
    **dict.fromkeys(("num prefill gpu", "prefill gpus"), "prefill_chips"),
}  # fmt: skip
"""Numbers that are no latency, by the words of their key."""

TEXTS: Mapping[str, str] = {
    **dict.fromkeys(("chip", "hw", "gpu", "accelerator", "device"), "chip"),
    **dict.fromkeys(("model", "model id", "model name"), "model"),
    **dict.fromkeys(("framework", "backend", "endpoint type", "engine"), "framework"),
    **dict.fromkeys(("precision", "weight precision", "quantization", "dtype"), "weights"),
    **dict.fromkeys(("kv precision", "kv cache dtype"), "cache"),
    **dict.fromkeys(("input type", "strategy", "scenario"), "load"),
    **dict.fromkeys(("spec decoding", "speculative", "mtp", "mtp mode"), "speculation"),
    "dp attention": "attention_parallel",
    **dict.fromkeys(("disagg", "disaggregated", "is disagg"), "disaggregated"),
}  # fmt: skip
"""Texts, by the words of their key."""


@dataclass(frozen=True, slots=True)
class LatencyKey:
    """A latency: which, which statistic of it, and how many of its unit a second has (None without a unit)."""

    quantity: str
    statistic: str
    per_second: float | None


def words_of(key: str) -> str:
    """A key as lower-case words with single blanks: "Time-to-first-token (ms)" is "time to first token ms"."""
    return " ".join(re.findall(r"[a-z0-9]+", key.casefold().replace("/s", " per s ")))


def number_key(key: str) -> str | None:
    """What a number under this key is, if it is no latency; None where the key is not known."""
    return NUMBERS.get(words_of(key))


def text_key(key: str) -> str | None:
    """What a text under this key says; None where the key is not known."""
    return TEXTS.get(words_of(key))


def latency_key(key: str) -> LatencyKey | None:
    """The latency under a key; None for what is none, or a statistic that nothing here predicts (P90, a minimum).

    A latency whose key names no statistic is a mean, as summaries have it.
    """
    words = words_of(key)
    if "per s" in words or "throughput" in words or "goodput" in words or words.endswith(" per sec"):
        return None
    unit = words.rpartition(" ")[2]
    per_second = UNITS.get(unit) if " " in words else None
    base = words.rpartition(" ")[0] if per_second is not None else words
    quantity = next((name for name, pattern in _QUANTITIES if pattern.search(base)), None)
    if quantity is None:
        return None
    statistic = next((name for name, pattern in _STATISTICS if pattern.search(base)), None)
    if statistic is None:
        if _OTHER_STATISTIC.search(base):
            return None
        statistic = "mean"
    return LatencyKey(quantity, statistic, per_second)

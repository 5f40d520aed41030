"""A benchmark of the user's own, as a scenario keeps it: what ran, on what, and the rows as they were read."""

from __future__ import annotations

from typing import Annotated, Literal

from explorer.scenario.fields import KvPrecision, Positive, Record, WeightPrecision, Whole, refused

# after the fields, which keep plugins out
from pydantic import ConfigDict, Field, model_validator  # isort: skip

Degree = Annotated[Whole, Field(ge=1, le=1024)]
Framework = Literal["vllm", "trtllm", "sglang", "other"]
FRAMEWORKS: tuple[Framework, ...] = ("vllm", "trtllm", "sglang", "other")

MOST_ROWS = 500
"""A scenario stays a file that is read and compared by people."""

LATENCIES = ("ttft", "tpot", "itl", "e2e")
STATISTICS = ("mean", "p50", "p99")


class BenchmarkRow(Record):
    """One run: its load, its lengths and what was measured of the whole system that ran; nothing is filled in.

    `place` is where the file has it. A load is a number of concurrent users, an offered rate, or everything at once.
    tp, pp, dp and ep are the row's own, where they differ from its benchmark's.
    """

    model_config = ConfigDict(defer_build=True)

    place: Annotated[str, Field(max_length=80)] = ""
    concurrency: Positive | None = None
    request_rate_per_s: Positive | None = None
    at_once: Annotated[bool, Field(strict=True)] = False
    prompt_tokens: Positive | None = None
    output_tokens: Positive | None = None
    requests_per_s: Positive | None = None
    output_tokens_per_s: Positive | None = None
    ttft_mean_s: Positive | None = None
    ttft_p50_s: Positive | None = None
    ttft_p99_s: Positive | None = None
    tpot_mean_s: Positive | None = None
    tpot_p50_s: Positive | None = None
    tpot_p99_s: Positive | None = None
    itl_mean_s: Positive | None = None
    itl_p50_s: Positive | None = None
    itl_p99_s: Positive | None = None
    e2e_mean_s: Positive | None = None
    e2e_p50_s: Positive | None = None
    e2e_p99_s: Positive | None = None
    tp: Degree | None = None
    pp: Degree | None = None
    dp: Degree | None = None
    ep: Degree | None = None

    def latency(self, metric: str, statistic: str) -> float | None:
        """One latency in seconds; None where it was not measured."""
        value: float | None = getattr(self, f"{metric}_{statistic}_s")
        return value

    @property
    def measured_anything(self) -> bool:
        """Whether the row holds a latency or a throughput."""
        latencies = (self.latency(metric, one) for metric in LATENCIES for one in STATISTICS)
        return any(value is not None for value in (*latencies, self.output_tokens_per_s, self.requests_per_s))


class Benchmark(Record):
    """One imported file: the alternative it is about, the system it ran on, and its rows.

    tp, pp, dp, ep are the chips of one replica, `replicas` how many served behind one entrance; prompt_tokens and
    output_tokens stand for rows that do not say. `file` is relative to the scenario's own folder; what counts are the
    rows, `sha256` says which file they were read from.
    """

    # the scenario's own record holds its rules; few programs need them apart, and a start goes without
    model_config = ConfigDict(defer_build=True)

    name: Annotated[str, Field(min_length=1, max_length=80)]
    workload: str
    alternative: str
    chip: str
    model: str
    weight_precision: WeightPrecision = "fp8"
    kv_precision: KvPrecision = "bf16"
    framework: Framework = "vllm"
    tp: Degree = 1
    pp: Degree = 1
    dp: Degree = 1
    ep: Degree = 1
    replicas: Annotated[Whole, Field(ge=1, le=100_000)] = 1
    prompt_tokens: Positive | None = None
    output_tokens: Positive | None = None
    format: Annotated[str, Field(max_length=80)] = ""
    file: Annotated[str, Field(max_length=1000)] = ""
    sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    notice: Annotated[str, Field(max_length=400)] = ""
    rows: Annotated[tuple[BenchmarkRow, ...], Field(min_length=1, max_length=MOST_ROWS)]

    @model_validator(mode="after")
    def _layout_is_possible(self) -> Benchmark:
        layouts = [("ep", self.tp, self.dp, self.ep)]
        for row in self.rows:
            layouts.append((f"ep of {row.place}", row.tp or self.tp, row.dp or self.dp, row.ep or self.ep))
        for where, tp, dp, ep in layouts:
            if tp * dp % ep:
                reason = f"impossible layout: {where} is {ep} and does not divide tp*dp, which is {tp * dp}"
                raise refused("ep", reason, f"a divisor of {tp * dp}")
        return self

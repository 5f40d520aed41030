"""What serving frameworks add to the engine's steps (resources/calibration/serving.toml), as one record."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache

from explorer.catalog.location import resource_root
from explorer.study.evidence.rows import Framework, Row
from explorer.study.resolve import step_constants


@dataclass(frozen=True)
class ServingConstants:
    """Seconds, tokens and shares; `host_step`, `host_request` and `first_token` are what serving data can tell."""

    host_step: float
    host_request: float
    host_step_offline: float
    host_step_other: float
    host_request_offered: float
    first_token_vllm: float
    first_token_trtllm: float
    first_token_sglang: float
    first_token_other: float
    first_token_attention_parallel: float
    burst: float
    burst_attention_parallel: float
    steps_trtllm: float
    steps_other: float
    admission: float
    long_prompt: float
    p99_over_p50: float
    p99_over_p50_long: float
    packed_tokens: float
    largest_batch: float
    tail_servers: float
    closed_tpot_p99: float
    closed_chunk: float
    maximum_tokens: float
    gib_per_gb: float
    usable_share: float
    reserve_bytes: float
    compiled_tpot_p99: float
    compiled_ttft_p99: float

    def step_host(self, row: Row) -> float:
        """Host seconds of a step of a row's run."""
        if row.framework == "other":
            return self.host_step_other
        served = row.run not in OFFLINE_RUNS and not (row.run in HARNESS_RUNS and row.framework == "trtllm")
        return self.host_step if served else self.host_step_offline

    def offered_tail(self, framework: Framework) -> float:
        """P99 of the time per token at an offered rate over the closed form's."""
        return self.tail_servers if framework in ("vllm", "sglang") else 1.0

    def first_token(self, framework: Framework) -> float:
        """Fixed part of the first token under a framework, seconds."""
        return {
            "vllm": self.first_token_vllm,
            "trtllm": self.first_token_trtllm,
            "sglang": self.first_token_sglang,
            "other": self.first_token_other,
        }[framework]


OFFLINE_RUNS = ("static", "in_flight_maximum", "first_token")
HARNESS_RUNS = ("offline", "offered")
"""MLPerf's harness drives TensorRT-LLM's executor in its own process; vLLM and SGLang run as servers there too."""


@lru_cache(maxsize=1)
def serving_constants() -> ServingConstants:
    """The shipped constants."""
    path = resource_root() / "calibration" / "serving.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    common = step_constants()
    host, first, offered = table["host"], table["first_token"], table["offered"]
    packing, memory, compiled = table["packing"], table["memory"], table["compiled"]
    return ServingConstants(
        host_step=common.host_step_s,
        host_request=common.host_request_s,
        host_step_offline=host["offline_step_s"],
        host_step_other=host["other_step_s"],
        host_request_offered=host["offered_request_s"],
        first_token_vllm=common.request_overhead_s,
        first_token_trtllm=first["trtllm_s"],
        first_token_sglang=first["sglang_s"],
        first_token_other=first["other_s"],
        first_token_attention_parallel=first["attention_parallel_s"],
        burst=first["burst"],
        burst_attention_parallel=first["attention_parallel_burst"],
        steps_trtllm=offered["steps_trtllm"],
        steps_other=offered["steps_other"],
        admission=offered["admission_s"],
        long_prompt=offered["long_prompt_tokens"],
        p99_over_p50=offered["p99_over_p50"],
        p99_over_p50_long=offered["p99_over_p50_long"],
        packed_tokens=offered["packed_tokens"],
        largest_batch=offered["largest_batch"],
        tail_servers=offered["tail_servers"],
        closed_tpot_p99=offered["closed_tpot_p99"],
        closed_chunk=packing["closed_chunk_tokens"],
        maximum_tokens=packing["maximum_tokens"],
        gib_per_gb=memory["gib_per_gb"],
        usable_share=memory["usable_share"],
        reserve_bytes=memory["reserve_bytes"],
        compiled_tpot_p99=compiled["tpot_p99"],
        compiled_ttft_p99=compiled["ttft_p99"],
    )

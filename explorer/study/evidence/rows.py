"""One measured row as the prediction takes it: what ran, on what, under which load, and what was measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from explorer.catalog import Chip, Model

Run = Literal[
    "closed",
    "disaggregated",
    "static",
    "in_flight_maximum",
    "first_token",
    "compiled",
    "offline",
    "offered",
    "unknown",
]
Framework = Literal["vllm", "trtllm", "sglang", "other"]

LATENCIES = ("tpot_mean", "tpot_p50", "tpot_p99", "ttft_mean", "ttft_p50", "ttft_p99")
THROUGHPUT = "output_tokens_per_s"
RATE = "rate_within_limits"
"""Requests/s that a system carries within its benchmark's limits, against the rate it was run at."""
METRICS = (*LATENCIES, THROUGHPUT, RATE)

UNKNOWN_CHIP = "unknown chip"
UNKNOWN_MODEL = "unknown model"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a measurement table, SI units; `skipped` holds the reason why it is not predicted.

    `measured` maps metrics to seconds, tokens/s or requests/s; `set_aside` those of a predicted row that are not
    judged to the reason. tp, pp, dp, ep count ranks of one replica (a rank is a chip, or 1/`ranks_per_chip` of
    one); None where not recorded. `concurrency` is a replica's.
    """

    id: str
    table: Literal["serving", "mlperf"]
    run: Run
    chip_label: str
    model_label: str
    chip: Chip | None
    model: Model | None
    framework: Framework
    release: str
    date: str
    source: str
    note: str
    weight_precision: str
    kv_precision: str
    prompt: float | None
    output: float | None
    concurrency: float | None
    chips: float | None
    tp: float | None
    pp: float
    dp: float
    ep: float
    measured: Mapping[str, float] = field(hash=False)
    output_scv: float = 0.0
    rate: float | None = None
    ttft_limit: float | None = None
    tpot_limit: float | None = None
    ranks_per_chip: int = 1
    submitter: str = ""
    statistic: str = ""
    skipped: str = ""
    set_aside: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def cluster(self) -> str:
        """Rows that are not independent of each other: submitter or source, platform and model."""
        return f"{self.submitter} / {self.chip_label} / {self.model_label}"

    @property
    def known(self) -> bool:
        """Chip and model are in the catalogue."""
        return self.chip is not None and self.model is not None

    @property
    def grade(self) -> str:
        """How well the chip is known; empty for an unknown one."""
        return self.chip.evidence_grade if self.chip is not None else ""

    @property
    def is_moe(self) -> bool:
        """The model routes tokens to experts."""
        return self.model is not None and self.model.experts > 0


def framework_of(label: str) -> Framework:
    """The framework family that a table's label names."""
    text = label.casefold()
    if "tensorrt" in text or re.search(r"(?<![a-z])trt", text):
        return "trtllm"
    if "sglang" in text:
        return "sglang"
    if "vllm" in text or "llm-d" in text:
        return "vllm"
    return "other"


UNSTATED = frozenset({"", "unset", "nan", "none", "null", "auto", "default", "unknown", "-", "n/a", "na", "?"})
"""What tables write where they say nothing of a format."""

_PRECISIONS = (
    (r"int8|\bw8a(8|16)|\bq8", "int8"),
    (r"int4|\bw4a|awq|gptq|nf4|\b4[- ]?bit|\bq4", "int4"),
    (r"16|\bhalf", "bf16"),
    (r"\b8[- ]?bit", "int8"),
)


def precision_of(label: str, unstated: str) -> str:
    """Weight format of a table's label, in the catalogue's words; `unstated` where it says nothing.

    Formats between 4 and 8 bits (MXFP6) and block formats of 8 bits count as 8-bit; "w4a16" names the bits of weights
    and activations; empty when not understood.
    """
    text = label.casefold()
    if text in UNSTATED:
        return unstated
    if re.search(r"fp4|e2m1", text):
        return "fp4"
    if re.search(r"fp8|fp6|e4m3|e5m2", text) and not re.search(r"\bw4a", text):
        return "fp8"
    return next((precision for pattern, precision in _PRECISIONS if re.search(pattern, text)), "")

"""What is served in a scenario: a model, its traffic and promises, and the alternatives compared for it."""

from __future__ import annotations

from typing import Annotated, Literal

from explorer.scenario.fields import (
    Flag,
    KvPrecision,
    Number,
    Positive,
    Record,
    WeightPrecision,
    Whole,
    refused,
)

# after the fields, which keep plugins out
from pydantic import Field, model_validator  # isort: skip

MAX_ALTERNATIVES = 4

Scheduler = Literal["chunked", "prefill_first", "static", "disaggregated"]
SIMULATED_ONLY: dict[Scheduler, str] = {"static": "static batching", "disaggregated": "disaggregated prefill"}
"""Schedulers that the closed form does not know, in words."""


class ModelChoice(Record):
    """Which model is served: a catalogue preset, scaled continuously within its family."""

    preset: str
    size_billion: Annotated[Number, Field(ge=0.1, le=20_000)] | None = None
    weight_precision: WeightPrecision = "fp8"
    kv_precision: KvPrecision = "fp8"
    kv_sequence_sharding: Flag = False


class TraceChoice(Record):
    """Recorded traffic: a shipped trace by `name`, or the user's own CSV of time, prompt and output.

    `file` is relative to the scenario's file there, and absolute in memory; `sha256` holds it to what it was.
    """

    name: str = ""
    file: str = ""
    sha256: str = ""
    skip_bad_rows: Flag = False

    @property
    def label(self) -> str:
        """What it is called in a line of text."""
        return self.name or self.file.replace("\\", "/").rpartition("/")[2]

    @model_validator(mode="after")
    def _is_one_trace(self) -> TraceChoice:
        if bool(self.name) == bool(self.file):
            said = "both name and file" if self.name else "neither name nor file"
            raise refused("name", f"says {said}", "the name of a shipped trace, or the file of your own")
        if self.name and (self.sha256 or self.skip_bad_rows):
            key = "sha256" if self.sha256 else "skip_bad_rows"
            raise refused(key, "goes with a file of your own; a shipped trace is known", "leave it out")
        if self.sha256 and not (len(self.sha256) == 64 and set(self.sha256) <= set("0123456789abcdef")):
            raise refused("sha256", "is no SHA-256", "64 digits and letters a to f")
        return self


class Traffic(Record):
    """What arrives: the busy-hour mean rate of the whole service, and the lengths of prompts and answers.

    In a closed loop a fixed number of users of each replica (an alternative's `max_batch`) ask again when served, and
    the rate is what comes of it: `request_rate_per_s` and arrivals are then not looked at.
    `arrivals` are gaps with a coefficient of variation (gamma, `arrival_cv`), bursts (silence for all but `on_share`
    of the time, bursts of `burst_s` on average), or a recorded `trace`, stretched to the rate, whose lengths then
    stand for those stated.
    """

    mode: Literal["open_loop", "closed_loop"] = "open_loop"
    request_rate_per_s: Annotated[Number, Field(ge=1e-6, le=1e6)] = 10.0
    arrivals: Literal["gamma", "on_off", "trace"] = "gamma"
    arrival_cv: Annotated[Number, Field(ge=0, le=10)] = 1.0
    on_share: Annotated[Number, Field(ge=0.01, le=1)] = 0.5
    burst_s: Annotated[Number, Field(ge=0.01, le=86_400)] = 10.0
    trace: TraceChoice | None = None
    prompt_tokens: Annotated[Number, Field(ge=1, le=10_000_000)] = 1024.0
    prompt_cv: Annotated[Number, Field(ge=0, le=10)] = 1.0
    output_tokens: Annotated[Number, Field(ge=1, le=1_000_000)] = 256.0
    output_cv: Annotated[Number, Field(ge=0, le=10)] = 1.0
    prefix_hit_share: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    peak_to_mean: Annotated[Number, Field(ge=1, le=100)] = 2.0

    @model_validator(mode="after")
    def _arrivals_have_their_trace(self) -> Traffic:
        if self.arrivals == "trace" and self.trace is None:
            raise refused("trace", 'is missing for arrivals = "trace"', "a table with a name, or a file and sha256")
        if self.arrivals != "trace" and self.trace is not None:
            raise refused("arrivals", f'is "{self.arrivals}" while a trace is given', '"trace", or no trace')
        if self.mode == "closed_loop" and self.arrivals != "gamma":
            reason = f'is "{self.arrivals}", but the users of a closed loop ask when they are served'
            raise refused("arrivals", reason, 'no arrivals with mode = "closed_loop", or mode = "open_loop"')
        return self


class Objectives(Record):
    """The promises: largest acceptable P99 of each latency; a promise left out is not made."""

    ttft_p99_s: Positive | None = None
    tpot_p99_s: Positive | None = None
    itl_p99_s: Positive | None = None
    e2e_p99_s: Positive | None = None


class LayoutChoice(Record):
    """A split of one replica's chips set by hand; ep divides tp*dp."""

    tp: Annotated[Whole, Field(ge=1, le=1024)] = 1
    pp: Annotated[Whole, Field(ge=1, le=256)] = 1
    dp: Annotated[Whole, Field(ge=1, le=1024)] = 1
    ep: Annotated[Whole, Field(ge=1, le=1024)] = 1


class Speculation(Record):
    """Speculative decoding: a draft of `draft_tokens` a step, each accepted with chance `acceptance` after the others.

    `step_cost` is what drafting and checking add to a step, as a share of it. All three are the user's own figures:
    they hang on the draft, the text and the batch, and no catalogue knows them.
    """

    acceptance: Annotated[Number, Field(ge=0, lt=1)] = 0.7
    draft_tokens: Annotated[Whole, Field(ge=1, le=16)] = 3
    step_cost: Annotated[Number, Field(ge=0, le=10)] = 0.2


class Alternative(Record):
    """One deployment of the workload, carrying all of its traffic alone.

    `scheduler`: prompts in chunks beside the decodes (`chunked`, within `token_budget`), whole and before any decode
    (`prefill_first`), in batches that end together (`static`), or on instances of their own (`disaggregated`): a
    replica is then `prefill_instances` and `decode_instances` of `parallelism_degree` chips each, and keys and values
    go over at `kv_transfer_gb_per_s` a chip (left out: the chip's own scale-out link).
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    chip: str
    cloud: str = ""
    offer: str | None = None
    parallelism_degree: Literal["auto"] | Annotated[Whole, Field(ge=1, le=1024)] = "auto"
    layout: Literal["auto"] | LayoutChoice = "auto"
    max_batch: Annotated[Whole, Field(ge=1, le=65_536)] = 256
    replicas: Literal["auto"] | Annotated[Whole, Field(ge=1, le=100_000)] = "auto"
    spare_replicas: Annotated[Whole, Field(ge=0, le=1000)] = 0
    token_budget: Annotated[Whole, Field(ge=16, le=1_048_576)] = 2048
    scheduler: Scheduler = "chunked"
    prefill_instances: Annotated[Whole, Field(ge=1, le=64)] = 1
    decode_instances: Annotated[Whole, Field(ge=1, le=64)] = 1
    kv_transfer_gb_per_s: Positive | None = None
    routing: Literal["random", "shortest_queue"] = "random"
    speculation: Speculation | None = None
    weight_precision: WeightPrecision | None = None
    kv_precision: KvPrecision | None = None

    @property
    def instances(self) -> int:
        """Copies of the model in one replica: one, but for disaggregated ones."""
        return self.prefill_instances + self.decode_instances if self.scheduler == "disaggregated" else 1

    @model_validator(mode="after")
    def _pools_are_disaggregated(self) -> Alternative:
        if self.scheduler == "disaggregated":
            if self.routing != "random":
                reason = "is not modelled between the pools of a disaggregated replica"
                raise refused("routing", reason, '"random", or another scheduler')
            return self
        for key in ("prefill_instances", "decode_instances", "kv_transfer_gb_per_s"):
            if getattr(self, key) not in (1, None):
                reason = f'goes with scheduler = "disaggregated", not with "{self.scheduler}"'
                raise refused(key, reason, 'none, or scheduler = "disaggregated"')
        return self

    @model_validator(mode="after")
    def _layout_matches_degree(self) -> Alternative:
        if isinstance(self.layout, LayoutChoice):
            chips = self.layout.tp * self.layout.pp * self.layout.dp
            if (self.layout.tp * self.layout.dp) % self.layout.ep:
                ranks = self.layout.tp * self.layout.dp
                raise refused(
                    "layout",
                    f"impossible layout: ep {self.layout.ep} does not divide tp*dp, which is {ranks}",
                    f"ep one of {', '.join(str(ep) for ep in range(1, ranks + 1) if ranks % ep == 0)}",
                )
            if self.parallelism_degree not in ("auto", chips):
                raise refused(
                    "layout",
                    f"impossible layout: tp*pp*dp is {chips}, parallelism_degree says {self.parallelism_degree}",
                    f'parallelism_degree {chips} or "auto", or a layout of that many chips',
                )
        return self


class Workload(Record):
    """A model, its traffic, its promises, and the alternatives compared for it."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    selected: str
    model: ModelChoice
    traffic: Traffic = Traffic()
    objectives: Objectives = Objectives(ttft_p99_s=2.0, tpot_p99_s=0.05)
    alternatives: Annotated[tuple[Alternative, ...], Field(min_length=1, max_length=MAX_ALTERNATIVES)]

    @model_validator(mode="after")
    def _selected_exists(self) -> Workload:
        names = [alternative.name for alternative in self.alternatives]
        if len(set(names)) != len(names):
            raise refused("alternatives", "two alternatives have the same name", "a different name for each")
        for position, one in enumerate(self.alternatives if self.traffic.mode == "closed_loop" else ()):
            key = "scheduler" if one.scheduler == "disaggregated" else "routing"
            if one.scheduler == "disaggregated" or one.routing != "random":
                reason = f'{one.name}: {key} is "{getattr(one, key)}", which a closed loop of users does not have'
                allowed = '"chunked", "prefill_first", "static"' if key == "scheduler" else '"random"'
                raise refused("alternatives", f"item {position}: {reason}", f'{allowed}, or mode = "open_loop"')
        if self.selected not in names:
            raise refused("selected", f"'{self.selected}' is no alternative's name", ", ".join(names))
        return self

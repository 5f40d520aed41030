"""The scenario document: everything a result depends on, immutable, with units in the key names."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from explorer.catalog.dates import is_day
from explorer.scenario.benchmark import Benchmark
from explorer.scenario.fields import Flag, NonNegative, Number, Positive, Share, Whole, refused
from explorer.scenario.fields import KvPrecision as KvPrecision
from explorer.scenario.fields import Record as Record
from explorer.scenario.fields import WeightPrecision as WeightPrecision

# after the fields, which keep plugins out
from pydantic import Field, model_validator  # isort: skip

FORMAT = 1
MAX_ALTERNATIVES = 4

Scheduler = Literal["chunked", "prefill_first", "static", "disaggregated"]
SIMULATED_ONLY: dict[Scheduler, str] = {"static": "static batching", "disaggregated": "disaggregated prefill"}
"""Schedulers that the closed form does not know, in words."""
PriceBasis = Literal["offer", "cost_plus", "own"]
Term = Literal["on_demand", "reserved", "spot"]
Tier = Literal[
    "designer", "foundry", "packaging", "memory_type", "memory_maker", "cloud", "region", "software_stack", "country"
]


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


class FleetMember(Record):
    """One deployment of the fleet and its share of the output tokens; where none states a region, none is judged."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    chip: str
    cloud: str = ""
    region: Annotated[str, Field(max_length=80)] = ""
    offer: str | None = None
    traffic_share: Share
    locked: Flag = False


class Migration(Record):
    """What leaving a supplier takes: engineering, running both for a while, moving data out, penalties."""

    engineers: NonNegative = 6.0
    months: NonNegative = 4.0
    usd_per_engineer_month: NonNegative = 25_000.0
    dual_run_months: NonNegative = 3.0
    overlap_share: Share = 0.5
    egress_terabytes: NonNegative = 1.0
    egress_usd_per_gb: NonNegative = 0.05
    requalification_usd: NonNegative = 0.0
    penalties_usd: NonNegative = 0.0
    horizon_years: Annotated[Number, Field(gt=0, le=20)] = 3.0


class Risk(Record):
    """How often a supplier fails, how long until it is replaced, and by how much it may raise its prices."""

    outage_probability_per_year: Share = 0.05
    weeks_to_recover: NonNegative = 39.0
    weeks_to_survive: NonNegative = 6.0
    price_rise_share: NonNegative = 0.15


class Fleet(Record):
    """Who carries the traffic: shares that sum to 1, and which supply tiers count."""

    members: tuple[FleetMember, ...] = ()
    tiers: tuple[Tier, ...] = (
        "designer",
        "software_stack",
        "packaging",
        "memory_maker",
        "foundry",
        "cloud",
    )
    headroom: Literal["auto"] | NonNegative = "auto"
    features: tuple[str, ...] = ()
    stack_usd_per_month: NonNegative = 25_000.0
    cloud_usd_per_month: NonNegative = 10_000.0
    migration: Migration = Migration()
    risk: Risk = Risk()

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Fleet:
        total = sum(member.traffic_share for member in self.members)
        if self.members and abs(total - 1.0) > 1e-6:
            reason = f"traffic shares sum to {total:.6g}, not to 1"
            raise refused("members", reason, "shares from 0 to 1 that sum to 1")
        names = [member.name for member in self.members]
        if len(set(names)) != len(names):
            raise refused("members", "two fleet members have the same name", "a different name for each")
        return self


class Price(Record):
    """One price basis for all alternatives of the comparison, and the terms of owning."""

    basis: PriceBasis = "cost_plus"
    term: Term = "on_demand"
    region: str = ""
    margin: Annotated[Number, Field(ge=0, le=10)] = 0.6
    utilisation_sold: Annotated[Number, Field(ge=0.01, le=1)] = 0.7
    life_years: Annotated[Number, Field(ge=0.1, le=20)] = 4.0
    residual_share: Share = 0.15
    cost_of_capital: Annotated[Number, Field(ge=0, le=1)] = 0.10
    system_overhead_share: Annotated[Number, Field(ge=0, le=5)] = 0.35
    power_overhead_share: Annotated[Number, Field(ge=0, le=5)] = 0.45
    load_share: Annotated[Number, Field(gt=0, le=1)] = 0.8
    pue: Annotated[Number, Field(ge=1, le=3)] = 1.25
    electricity_usd_per_kwh: NonNegative = 0.09
    opex_share_per_year: Annotated[Number, Field(ge=0, le=1)] = 0.05
    colocation_usd_per_kw_month: NonNegative | None = None
    power_limit_kw: Positive | None = None
    hosted_usd_per_million_input: NonNegative | None = None
    hosted_usd_per_million_output: NonNegative | None = None
    hosted_source: Annotated[str, Field(max_length=200)] = ""


class Comparison(Record):
    """On what footing alternatives are compared."""

    basis: Literal["sized_to_promise", "equal_spend", "as_set"] = "sized_to_promise"
    each_at_own_precision: Flag = False


class Decision(Record):
    """What a choice among the alternatives is judged by, beside its mean cost.

    `penalty_usd_per_month` is paid where a choice turns out to keep its promises at no size; without it, the cheapest
    alternative whose figures are disclosed is bought instead, and the switch paid for. `optimism` is Hurwicz's,
    `tail_share` the part of the outcomes that are not the worst ones of the tail mean (CVaR).
    """

    penalty_usd_per_month: NonNegative | None = None
    optimism: Share = 0.5
    tail_share: Annotated[Number, Field(ge=0, lt=1)] = 0.9


class Access(Record):
    """Where chips can be had: only those may win; others are shown outlined."""

    clouds: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    on_premises: Flag = False


class Stragglers(Record):
    """Jitter at barriers and rare stalls: one prior for every chip and fabric unless measured."""

    jitter_sigma: Annotated[Number, Field(ge=0, le=1)] = 0.01
    stall_probability: Annotated[Number, Field(ge=0, le=1e-2)] = 1e-7
    stall_s: Annotated[Number, Field(ge=0, le=10)] = 0.05


class Simulation(Record):
    """How latencies are computed and with which seed."""

    method: Literal["closed_form", "simulation"] = "simulation"
    seed: Annotated[Whole, Field(ge=0, le=2**31 - 1)] = 1
    requests: Annotated[Whole, Field(ge=100, le=2_000_000)] = 20_000
    samples: Annotated[Whole, Field(ge=8, le=8_192)] = 256


class Override(Record):
    """A user's own word on one figure of one chip: a value in a unit of the catalogue, or a belief weight."""

    value: Annotated[Number, Field(ge=1e-12, le=1e15)] | None = None
    unit: str | None = None
    belief: Share | None = None
    reason: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Override:
        if self.value is None and self.belief is None:
            raise refused("value", "says nothing", "a value with its unit, or a belief from 0 to 1")
        if self.value is not None and not self.unit:
            raise refused("unit", "a value needs its unit", 'unit = "TB/s" or the like')
        return self


class Shock(Record):
    """Something that befalls a supplier; shocks of one `cause` come together.

    outage: it delivers nothing; delay: what is on order comes `weeks` late; price: it changes its price by `change`
    (0.15 = 15 % more); memory_price: a GB costs `usd_per_gb` more; export: a country's chips may not be had;
    cloud_exit: the cloud is left. `share` is the part of the supplier that is hit.
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    kind: Literal["outage", "delay", "price", "memory_price", "export", "cloud_exit"]
    supplier: str = ""
    share: Share = 1.0
    weeks: NonNegative = 26.0
    change: Annotated[Number, Field(ge=-1, le=100)] = 0.0
    usd_per_gb: Annotated[Number, Field(ge=-1000, le=1000)] = 0.0
    cause: str = ""

    @model_validator(mode="after")
    def _says_what_is_hit(self) -> Shock:
        if self.kind != "memory_price" and not self.supplier:
            raise refused("supplier", f"a shock of kind {self.kind} needs its supplier", "a supplier of the fleet")
        if self.kind == "price" and self.change == 0:
            raise refused("change", "a price shock needs its change", "0.15 for 15 % more, -0.44 for 44 % less")
        if self.kind == "memory_price" and self.usd_per_gb == 0:
            raise refused("usd_per_gb", "a memory price shock needs its change", "USD a GB, as in 1.0")
        return self


class Claim(Record):
    """Something that somebody said, as a statement about outputs that can be checked.

    `statement` is in the grammar of `explorer.scenario.statement`; `says` the claim in words, `sources` who said it and
    what else was published, `found` what was later found against or for it.
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    statement: Annotated[str, Field(min_length=1, max_length=400)]
    says: str = ""
    sources: tuple[str, ...] = ()
    found: str = ""


class Scenario(Record):
    """The whole document.

    `locks` are paths of settings ("workloads.0.traffic.request_rate_per_s") that the window's sliders hold; they change
    no answer.
    """

    format: Literal[1] = 1
    title: str = "Untitled scenario"
    question: str = ""
    app_version: str = ""
    engine_version: str = ""
    catalog_edition: str = ""
    as_of: str = ""
    workloads: Annotated[tuple[Workload, ...], Field(min_length=1)]
    fleet: Fleet = Fleet()
    price: Price = Price()
    comparison: Comparison = Comparison()
    decision: Decision = Decision()
    access: Access = Access()
    stragglers: Stragglers = Stragglers()
    simulation: Simulation = Simulation()
    overrides: dict[str, dict[str, Override]] = Field(default={})
    benchmarks: tuple[Benchmark, ...] = ()
    shocks: tuple[Shock, ...] = ()
    claims: tuple[Claim, ...] = ()
    locks: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()
    baseline: dict[str, Any] | None = None
    catalog: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _as_of_is_a_day(self) -> Scenario:
        # anything else would turn off every check of what is stale and what is to be had yet
        if self.as_of and not is_day(self.as_of):
            raise refused("as_of", f"'{self.as_of}' is no day", 'a day as in "2026-11-22", or "" for none')
        return self

    @model_validator(mode="after")
    def _closed_form_knows_the_schedulers(self) -> Scenario:
        if self.simulation.method == "closed_form":
            for workload in self.workloads:
                for one in workload.alternatives:
                    if one.scheduler in SIMULATED_ONLY:
                        unknown = SIMULATED_ONLY[one.scheduler]
                        reason = f"{workload.name}, {one.name}: the closed form knows no {unknown}"
                        allowed = 'method = "simulation", or scheduler = "chunked" or "prefill_first"'
                        raise refused("simulation", reason, allowed)
        return self

    @model_validator(mode="after")
    def _workload_names_differ(self) -> Scenario:
        names = [workload.name for workload in self.workloads]
        if len(set(names)) != len(names):
            raise refused("workloads", "two workloads have the same name", "a different name for each")
        shocks = [shock.name for shock in self.shocks]
        if len(set(shocks)) != len(shocks):
            raise refused("shocks", "two shocks have the same name", "a different name for each")
        claims = [claim.name for claim in self.claims]
        if len(set(claims)) != len(claims):
            raise refused("claims", "two claims have the same name", "a different name for each")
        benchmarks = [benchmark.name for benchmark in self.benchmarks]
        if len(set(benchmarks)) != len(benchmarks):
            raise refused("benchmarks", "two benchmarks have the same name", "a different name for each")
        return self

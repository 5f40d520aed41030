"""The scenario document: everything a result depends on, immutable, with units in the key names."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from explorer.catalog.dates import is_day
from explorer.scenario.benchmark import Benchmark
from explorer.scenario.fields import Flag, NonNegative, Number, Positive, Record, Share, Whole, refused
from explorer.scenario.workload import SIMULATED_ONLY, Workload

# after the fields, which keep plugins out
from pydantic import Field, model_validator  # isort: skip

FORMAT = 1

PriceBasis = Literal["offer", "cost_plus", "own"]
Term = Literal["on_demand", "reserved", "spot"]
Tier = Literal[
    "designer", "foundry", "packaging", "memory_type", "memory_maker", "cloud", "region", "software_stack", "country"
]


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
    tiers: tuple[Tier, ...] = ("designer", "software_stack", "packaging", "memory_maker", "foundry", "cloud")
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

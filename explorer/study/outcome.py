"""What an evaluation answers: one immutable record that every view, file and test reads."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.scenario.quantities import QUANTITIES
from explorer.study.banded import Banded, LatencyCurve, Metric, Percentiles
from explorer.study.fleet_outcome import FleetOutcome

if TYPE_CHECKING:
    from explorer.study.economics import Economics

Array = NDArray[np.float64]


class Layout(NamedTuple):
    """Chips of one replica: tensor, pipeline, attention-data and expert parallel degrees."""

    tp: int
    pp: int
    dp: int
    ep: int
    instances: int = 1
    """Copies of the model in one replica: prefill and decode instances, where they are apart."""

    @property
    def degree(self) -> int:
        """Chips that hold the model once."""
        return self.tp * self.pp * self.dp

    @property
    def chips(self) -> int:
        """Chips in one replica."""
        return self.degree * self.instances


@dataclass(frozen=True, slots=True)
class ReadTime:
    """Time to read the bytes one step touches, for a named reading of the bandwidth ("" when undisputed)."""

    reading: str
    seconds: float


@dataclass(frozen=True, slots=True)
class MemoryFit:
    """Memory of one chip of the replica, bytes; `kv` at the operating P99 batch, `kv_at_cap` at the cap."""

    weights: float
    kv: float
    kv_at_cap: float
    other: float
    capacity: float
    usable: float
    fits: bool
    shortfall: float
    max_batch: int
    max_context: float
    read_times: tuple[ReadTime, ...]
    sweep_s: float
    remedy: str
    note: str = ""
    kv_band: Banded | None = None
    """`kv` over the draws; None where it does not fit or the load cannot be carried."""
    usable_band: Banded | None = None
    """`usable` over the draws of a capacity that is not settled; None where it is."""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """The batch as an outcome: mean and P99 sequences a replica, the cap, and whether it binds."""

    mean: float
    p99: float
    cap: int
    cap_set: int
    binding: bool
    limited_by_memory: bool
    users_rate: float | None = None
    """Requests/s that each user of a closed loop is served at; None where requests arrive at a stated rate."""

    @property
    def sentence(self) -> str:
        """As shown under the slider."""
        if self.users_rate is not None:
            held = f"; memory serves {self.cap} at a time" if self.limited_by_memory and self.cap < self.cap_set else ""
            return f"each user is answered every {QUANTITIES['seconds'].format(1.0 / self.users_rate)}{held}"
        if self.limited_by_memory and self.cap < self.cap_set:
            tail = f"memory holds {self.cap}"
        else:
            tail = "cap binding: requests queue" if self.binding else "cap not binding"
        return f"mean batch {self.mean:.0f}, P99 {self.p99:.0f}: {tail}"


@dataclass(frozen=True, slots=True)
class Cost:
    """Money of one alternative, USD; None with `reason` where it has no meaning."""

    usd_per_month: Banded | None
    usd_per_million_blended: Banded | None
    usd_per_million_input: float | None
    usd_per_million_output: float | None
    usd_per_million_at_full_use: float | None
    usd_per_chip_hour: Banded | None
    price_basis: str
    price_source: str
    price_hypothetical: bool
    price_stale: bool
    reason: str = ""
    price_elsewhere: str = ""
    """That the price is of another region than the one asked for, which has none; `price_source` begins with it."""


@dataclass(frozen=True, slots=True)
class OpenFigure:
    """A disputed or undisclosed figure of a compared chip, as a slider needs it (display units)."""

    chip: str
    chip_name: str
    figure: str
    title: str
    status: str
    unit: str
    low: float
    value: float
    high: float
    readings: tuple[tuple[str, float], ...]
    belief: float
    overridden: bool
    reason: str
    source: str


OWN_GRADE = "own run"
"""Evidence grade of an alternative whose own deployment was measured."""


@dataclass(frozen=True, slots=True)
class OwnEvidence:
    """What benchmarks of the user's own did to an alternative's step times."""

    runs: int
    rows: int
    step_factor: float
    """Steps take this many times as long as the engine said."""
    error_before: float
    """The 90 % band multiplies and divides a step by this: by the chip's evidence grade alone,"""
    error_after: float
    """and with what was measured."""

    @property
    def sentence(self) -> str:
        """In words."""
        change = self.step_factor - 1.0
        moved = f"steps {100.0 * abs(change):.0f} % {'longer' if change > 0 else 'shorter'} than predicted"
        files = "" if self.runs == 1 else f" of {self.runs} files"
        rows = f"{self.rows} measured row{'' if self.rows == 1 else 's'}{files}"
        return f"{rows}: {moved}, known to ×/÷ {self.error_after:.2f} (before: {self.error_before:.2f})"


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A run of a benchmark of the user's own, as the whole service would carry it; seconds, requests/s, tokens/s."""

    name: str
    words: str
    rate: float | None
    latency: dict[Metric, dict[str, float]]
    """By metric and statistic: "mean", "p50", "p99"."""
    tokens_per_s_per_chip: float | None
    requests_per_s_per_chip: float | None
    prompt_tokens: float | None
    output_tokens: float | None
    alike: bool
    """Its prompts and answers are as long as those of the traffic, and its replica is split over as many chips."""


@dataclass(frozen=True, slots=True)
class AlternativeOutcome:
    """Everything answered about one alternative of a workload."""

    name: str
    chip: str
    chip_name: str
    label: str
    """Short label with the degree, as on the plots: "AI200 x2"."""
    unit_noun: str
    degree: int
    degree_is_auto: bool
    legal_degrees: tuple[int, ...]
    layout: Layout
    layout_sentence: str
    replicas: int
    spare_replicas: int
    chips_total: int
    feasible: bool
    """Fits in memory and can carry the stated load at all."""
    keeps_promises: bool
    reason: str
    """Why not feasible or why a promise breaks; empty when all is kept."""
    memory: MemoryFit
    batch: BatchReport | None
    latency: dict[Metric, Percentiles]
    curves: dict[Metric, LatencyCurve]
    rates: Array
    """Rates of the whole service, requests/s, shape (rates,)."""
    request_rate: float
    utilisation: float
    max_request_rate: float
    """Largest rate of the whole service that keeps every promise (the cliff); 0 when none does."""
    saturation_rate: float
    next_replica_rate: float | None
    throughput_tokens_per_s: float
    probability_keeps: dict[str, float]
    """Share of draws that keep each promise ("ttft", "tpot", ...) and "all"."""
    cost: Cost
    energy_joule_per_token: Banded | None
    evidence_grade: str
    latency_method: str
    precision_note: str
    available: bool
    availability_note: str
    open_figures: tuple[OpenFigure, ...]
    within_power_limit: bool = True
    """False where its chips draw more than there is; `reason` then says what would fit."""
    simulated_requests: int = 0
    """Requests simulated at each load behind these latencies; 0 for the closed form and for an estimate."""
    users: int | None = None
    """Users of each replica in a closed loop; None where requests arrive at a stated rate."""
    method_note: str = ""
    """What the latencies leave out as long as nothing is simulated; empty where nothing is."""
    bands: dict[str, Banded] = field(default_factory=dict)
    """Further outputs with the band of their draws, by field name; empty while a hand moves and in a closed loop."""
    step_error: float | None = None
    """The 90 % band multiplies and divides a step by this, before the ranges of open figures are counted."""
    own: OwnEvidence | None = None
    measured: tuple[MeasuredRun, ...] = ()
    purchase_note: str = ""
    """In what the chips are bought, where more are bought than serve or stand by; empty otherwise."""


@dataclass(frozen=True, slots=True)
class WorkloadOutcome:
    """One workload: its alternatives in file order, and which is selected."""

    name: str
    model_name: str
    parameters: float
    active_parameters: float
    alternatives: tuple[AlternativeOutcome, ...]
    selected: int
    objectives: dict[str, float]
    """Promises in seconds by metric; absent when not made."""
    tightest_metric: Metric
    """Metric with the least margin to its promise for the selected alternative."""
    prompt_tokens: float
    output_tokens: float
    arrivals: str = ""
    """How requests arrive where it is not gamma gaps: bursts, or a trace with what was measured of it."""
    longest_tokens: float = 0.0
    """P99 prompt + P99 answer."""
    model_context: float = math.inf
    """Tokens of context that the model was made for; infinite where it is not known."""

    @property
    def chosen(self) -> AlternativeOutcome:
        """The selected alternative."""
        return self.alternatives[self.selected]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to a whole scenario."""

    title: str
    workloads: tuple[WorkloadOutcome, ...]
    fleet: FleetOutcome
    price_basis: str
    comparison_basis: str
    catalog_edition: str
    engine_version: str
    samples: int
    final: bool
    """True when computed with the scenario's own number of samples."""
    warnings: tuple[str, ...] = field(default=())
    economics: Economics | None = None
    """Money by part, dependence, frontier, shocks and market; left out while a hand moves."""

"""Why a number of the verdict is what it is: the chain from the answer back to the figures it rests on.

Nothing is computed here that is not in the outcome; each figure has its value, status and source, and, once it is known
what matters, how far it moves the number and which share of the spread it causes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from explorer.catalog import Catalog
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import NOTHING
from explorer.scenario.schema import Scenario
from explorer.study.banded import METRICS, Banded, Metric
from explorer.study.describe import METRIC_NAMES
from explorer.study.figure_sources import figure_sources
from explorer.study.fleet_outcome import FleetOutcome, TierOutcome
from explorer.study.outcome import AlternativeOutcome, Outcome, WorkloadOutcome
from explorer.study.price_words import price_doubts
from explorer.study.resolve import compute_format
from explorer.study.uncertainty import FIRST, RENT, STEP
from explorer.study.what_matters import Part, Swing, WhatMatters
from explorer.study.what_matters_words import ends_text, latency_text, money_text

Answer = Literal["fits", "ttft", "tpot", "usd_per_million", "usd_per_month", "fleet", "certainty"]
"""The numbers of the verdict."""

BYTES, SECONDS, SHARE, RATE = (QUANTITIES[key] for key in ("bytes", "seconds", "share", "request_rate"))
MONTH, PER_MILLION, CHIP_HOUR = (QUANTITIES[key] for key in ("usd_per_month", "usd_per_million", "usd_per_hour"))
SUPPLIERS, TOKENS, PARAMETERS = (QUANTITIES[key] for key in ("suppliers", "tokens", "parameters"))

MONEY_FIGURES = ("capex", "board_power")
"""Figures of a chip that only money follows from."""
CALIBRATION = "serving measurements of other chips and models (resources/calibration)"


@dataclass(frozen=True, slots=True)
class Link:
    """One step of the chain, from the answer backwards: what it is, how much, and how it comes about."""

    title: str
    value: str
    how: str


@dataclass(frozen=True, slots=True)
class Ground:
    """A figure at the chain's end."""

    figure: str
    """Its name in the catalogue; empty for one that has no slider."""
    title: str
    value: str
    spread: str
    status: str
    source: str
    """Where it is from; of a judgement why it is so judged."""
    moves: str
    """From where to where it moves the answer, over its range; empty where that is not known."""
    share: float | None
    """Share of the answer's variance that it causes alone; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Why:
    """The whole chain of one number."""

    title: str
    figure: str
    links: tuple[Link, ...]
    grounds: tuple[Ground, ...]
    note: str = ""


def why(
    answer: Answer,
    outcome: Outcome,
    workload: int,
    scenario: Scenario,
    catalog: Catalog,
    matters: WhatMatters | None = None,
) -> Why:
    """The chain behind a number of the verdict about the selected alternative; `matters` is of the same scenario.

    Raises ExplorerError where the scenario names what the catalogue does not know.
    """
    found = outcome.workloads[workload]
    chosen = found.chosen
    if answer == "fleet":
        return _fleet(outcome.fleet)
    if matters is not None and (matters.workload, matters.alternative) != (found.name, chosen.name):
        matters = None
    if answer == "fits":
        links, value = _fits(found, scenario.workloads[workload].model.weight_precision)
        fits = "fits into memory" if chosen.memory.fits else "does not fit into memory"
        title, names = f"{chosen.label} {fits}", ("memory_capacity",)
    elif answer in ("usd_per_million", "usd_per_month"):
        links, value = _money(found, answer)
        money = "$/M tokens" if answer == "usd_per_million" else "$/month"
        title, names = f"{money} of {chosen.label}", None
    elif answer == "certainty":
        links, value, title, names = (
            *_certainty(found, outcome.samples),
            f"How sure it is that {chosen.label} keeps every promise",
            None,
        )
    else:
        metric: Metric = "ttft" if answer == "ttft" else "tpot"
        links, value = _latency(found, metric)
        title, names = f"P99 {METRIC_NAMES[metric]} of {chosen.label}", None
    grounds = _grounds(answer, found, scenario, catalog, workload, names, matters)
    return Why(title, value, links, grounds, _note(answer, found, matters))


def _latency(found: WorkloadOutcome, metric: Metric) -> tuple[tuple[Link, ...], str]:
    chosen, name = found.chosen, METRIC_NAMES[metric]
    answered = chosen.latency.get(metric)
    p99 = None if answered is None else answered.p99
    if p99 is None:
        return (Link(f"P99 {name}", NOTHING, chosen.reason),), NOTHING
    value = SECONDS.format(p99.value)
    links = [
        Link(
            f"P99 {name}",
            _banded(SECONDS.format, p99),
            f"one request in a hundred takes longer: {chosen.latency_method}",
        )
    ]
    if answered is not None and answered.p50 is not None:
        links.append(Link(f"P50 {name}", SECONDS.format(answered.p50.value), "half of the requests take longer"))
    links += _served(chosen)
    if metric == "ttft":
        links.append(
            Link("Prompt", f"{TOKENS.format(found.prompt_tokens)} tokens", "worked off before the first token")
        )
    return (*links, *_read(chosen), *_model_error(chosen)), value


def _served(chosen: AlternativeOutcome) -> list[Link]:
    """Load and batch of a replica."""
    carried = f"{RATE.format(chosen.request_rate)} of the {RATE.format(chosen.saturation_rate)} that replicas can carry"
    links = [
        Link("Deployment", chosen.label, chosen.layout_sentence),
        Link("Load", SHARE.format(chosen.utilisation), carried),
    ]
    if chosen.batch is not None:
        links.append(Link("Batch", f"{chosen.batch.mean:.0f} sequences", chosen.batch.sentence))
    return links


def _read(chosen: AlternativeOutcome) -> list[Link]:
    """What a step reads of each chip's memory, the least that it can take."""
    memory = chosen.memory
    touched = f"weights {BYTES.format(memory.weights)} and the batch's KV cache of each chip, read once a step"
    times = [f"{SECONDS.format(one.seconds)}{f' ({one.reading})' if one.reading else ''}" for one in memory.read_times]
    return [Link("Reading a step", " or ".join(times), touched)] if times else []


def _model_error(chosen: AlternativeOutcome) -> list[Link]:
    """How far a step may be off though every figure were known."""
    if chosen.step_error is None:
        return []
    error = f"of a step, for evidence of grade “{chosen.evidence_grade}”, before open figures"
    return [Link("The model's own error", f"×/÷ {chosen.step_error:.2f}", error)]


def _fits(found: WorkloadOutcome, precision: str) -> tuple[tuple[Link, ...], str]:
    chosen, memory = found.chosen, found.chosen.memory
    used = memory.weights + memory.kv + memory.other
    batch = 0.0 if chosen.batch is None else chosen.batch.p99
    links = (
        Link("Used of a chip", BYTES.format(used), f"of {BYTES.format(memory.usable)} usable"),
        Link(
            "Weights",
            BYTES.format(memory.weights),
            f"{PARAMETERS.format(found.parameters)} parameters in {precision.upper()}: {chosen.layout_sentence}",
        ),
        Link("KV cache", BYTES.format(memory.kv), f"of the P99 batch, {batch:.0f} sequences of a replica"),
        Link("Other", BYTES.format(memory.other), "activations, buffers of collectives, and the runtime"),
        Link(
            "Usable",
            BYTES.format(memory.usable),
            f"{SHARE.format(memory.usable / memory.capacity)} of {BYTES.format(memory.capacity)}",
        ),
        Link(
            "Largest batch", f"{memory.max_batch:,}", f"of requests up to {TOKENS.format(found.longest_tokens)} tokens"
        ),
    )
    return links, "yes" if memory.fits else "no"


def _money(found: WorkloadOutcome, answer: Answer) -> tuple[tuple[Link, ...], str]:
    chosen, cost = found.chosen, found.chosen.cost
    month, million, hour = cost.usd_per_month, cost.usd_per_million_blended, cost.usd_per_chip_hour
    title = "$/M tokens" if answer == "usd_per_million" else "$/month"
    if month is None or million is None:
        return (Link(title, NOTHING, cost.reason or chosen.reason),), NOTHING
    links = []
    if answer == "usd_per_million":
        tokens = month.value / million.value
        links.append(Link("$/M tokens", _banded(PER_MILLION.format, million), "a month's money over a month's tokens"))
        links.append(
            Link("Tokens a month", f"{TOKENS.format(1e6 * tokens)}", "prompts and answers of the mean traffic")
        )
    bought = "; ".join(one for one in (chosen.layout_sentence, chosen.purchase_note) if one)
    links += [
        Link("$/month", _banded(MONTH.format, month), "chips bought, each hour of a month"),
        Link("Chips", f"{chosen.chips_total:,}", bought),
    ]
    if hour is not None:
        told = "; ".join((*price_doubts(cost), cost.price_source))
        links.append(Link("Price of a chip-hour", _banded(CHIP_HOUR.format, hour), told))
    largest = RATE.format(chosen.max_request_rate) if chosen.max_request_rate > 0.0 else "no rate"
    links.append(Link("Promises kept up to", largest, "by this many chips: what replicas are counted from"))
    value = PER_MILLION.format(million.value) if answer == "usd_per_million" else MONTH.format(month.value)
    return tuple(links), value


def _certainty(found: WorkloadOutcome, samples: int) -> tuple[tuple[Link, ...], str]:
    chosen = found.chosen
    every = chosen.probability_keeps.get("all")
    links = [
        Link(
            f"Keeps P99 {METRIC_NAMES[metric]}",
            SHARE.format(chosen.probability_keeps[metric]),
            f"of {samples:,} draws of what is not settled stay within {SECONDS.format(found.objectives[metric])}",
        )
        for metric in METRICS
        if metric in found.objectives and metric in chosen.probability_keeps
    ]
    if every is None:
        return (Link("Promises", NOTHING, chosen.reason or "none is made"),), NOTHING
    links.insert(0, Link("Keeps all promises", SHARE.format(every), "the same draws keep them together"))
    return (*links, *_served(chosen)[1:], *_model_error(chosen)), SHARE.format(every)


def _fleet(fleet: FleetOutcome) -> Why:
    tier = next((one for one in fleet.tiers if one.tier == "designer"), None)
    title = "Effective chip designers of the fleet"
    if tier is None:
        return Why(title, NOTHING, (Link("Fleet", NOTHING, fleet.reason),), ())
    value = tier.effective_suppliers
    links = [
        Link("Effective suppliers", SUPPLIERS.format(value.value), "one over the sum of squared shares (HHI / 10,000)"),
        *(Link(one.supplier, _shared(one.share, one.low, one.high), "of the fleet's spend") for one in tier.suppliers),
        *(
            Link(
                pool.name,
                SHARE.format(pool.spend_share),
                f"of spend for {SHARE.format(pool.traffic_share)} of traffic: {pool.chips:,} × {pool.chip_name}"
                + (f" on {pool.cloud}" if pool.cloud else ""),
            )
            for pool in fleet.pools
        ),
        *(
            Link(f"Weakest: {one.title.lower()}", SUPPLIERS.format(one.effective_suppliers.value), _held(one))
            for one in fleet.weakest
        ),
    ]
    return Why(title, SUPPLIERS.format(value.value), tuple(links), ())


def _held(tier: TierOutcome) -> str:
    single = ", a single point of failure" if tier.single_point_of_failure else ""
    return f"{tier.top_supplier} has {SHARE.format(tier.top_share.value)}{single}"


def _shared(share: float, low: float, high: float) -> str:
    return SHARE.format(share) if high - low < 0.005 else f"{SHARE.format(share)} ({SHARE.format_range(low, high)})"


def _banded(words: Callable[[float], str], banded: Banded) -> str:
    """A value with its band."""
    value, low, high = words(banded.value), words(banded.low), words(banded.high)
    if not math.isfinite(banded.high):
        return f"{value} (from {low})"
    return value if low == high else f"{value} ({low} to {high})"


def _grounds(
    answer: Answer,
    found: WorkloadOutcome,
    scenario: Scenario,
    catalog: Catalog,
    workload: int,
    names: tuple[str, ...] | None,
    matters: WhatMatters | None,
) -> tuple[Ground, ...]:
    """The figures of the chip that the answer rests on, those that move it most first."""
    asked, chosen = scenario.workloads[workload], found.chosen
    settings = next(one for one in asked.alternatives if one.name == chosen.name)
    own = scenario.comparison.each_at_own_precision and settings.weight_precision
    precision = own or asked.model.weight_precision
    peaks = {"peak_16bit", compute_format(catalog.chip(chosen.chip), precision).peak_figure}
    parts: Mapping[str, Part] = {} if matters is None else {one.figure: one for one in matters.parts}
    grounds = []
    for one in figure_sources(scenario, catalog, chosen.chip):
        if not one.counts or (names is not None and one.name not in names):
            continue
        if one.name.startswith("peak_") and one.name not in peaks:
            continue
        if one.name in MONEY_FIGURES and answer not in ("usd_per_million", "usd_per_month"):
            continue
        part = parts.get(one.name)
        moves, share = ("", None) if part is None or matters is None else _effect(answer, part, matters)
        told = one.source or (f"judgement: {one.reason}" if one.reason else "")
        grounds.append(Ground(one.name, one.title, one.value, one.spread, one.status, told, moves, share))
    for name in (STEP, FIRST, RENT):
        part = parts.get(name)
        if names is not None or matters is None or part is None:
            continue
        moves, share = _effect(answer, part, matters)
        if moves or share:
            source = chosen.cost.price_source if part.figure == RENT else CALIBRATION
            grounds.append(Ground("", part.title, "as believed", ends_text(part), part.status, source, moves, share))
    return tuple(sorted(grounds, key=lambda one: (-(one.share or 0.0), not one.moves, not one.spread)))


def _effect(answer: Answer, part: Part, matters: WhatMatters) -> tuple[str, float | None]:
    """From where to where a part moves an answer, and its share of the spread."""
    if answer in ("ttft", "tpot"):
        return (_swung(part.p99, latency_text), part.first) if matters.metric == answer else ("", None)
    if answer in ("usd_per_million", "usd_per_month"):
        return _swung(part.usd_per_month, money_text), None
    return (_swung(part.keeps, SHARE.format), None) if answer == "certainty" else ("", None)


def _swung(swing: Swing, words: Callable[[float], str]) -> str:
    """Both ends in words; empty where it moves nothing."""
    low, high = words(swing.low), words(swing.high)
    return "" if low == high else f"{low} … {high}"


def _note(answer: Answer, found: WorkloadOutcome, matters: WhatMatters | None) -> str:
    if answer == "fits":
        return ""
    if matters is None:
        return "What each figure moves is being computed, or cannot be for this alternative."
    if answer in ("ttft", "tpot") and matters.metric != answer:
        return (
            f"What each figure moves is known of the latency with the least margin, P99 {METRIC_NAMES[matters.metric]}."
        )
    about = "P99" if answer in ("ttft", "tpot") else "a month's money" if answer != "certainty" else "the chance"
    return (
        f"Moves: {about} over a figure's range, all others as believed, in closed form with {matters.samples:,} draws."
    )

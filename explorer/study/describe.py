"""From computed arrays to the parts of an outcome: batch, layout, and the sentences beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.workload import SIMULATED_ONLY, Alternative
from explorer.study.answers import Context, Sized
from explorer.study.banded import METRICS, LatencyCurve, Metric, Percentiles
from explorer.study.correction import CLOSED_FORM, Correction
from explorer.study.deployment import Deployment
from explorer.study.layouts import layouts_by_degree
from explorer.study.memory_picture import memory_fits
from explorer.study.outcome import AlternativeOutcome, BatchReport, Cost, Layout, OpenFigure
from explorer.study.reach import within_reach
from explorer.study.resolve import ServedModel, compute_format

UNKNOWN_ARRIVALS = {
    "on_off": "bursts by their share and length: an estimate",
    "trace": "trace by its means and variation: an estimate",
}
"""What the closed form takes of arrivals that are not gamma gaps."""

LONGEST_NAME = 18
"""Letters of an alternative's own name that a label has room for."""

METRIC_NAMES: dict[str, str] = {
    "ttft": "first token",
    "tpot": "time per token",
    "itl": "gap between tokens",
    "e2e": "whole answer",
}

PRICE_WORDS: dict[str, str] = {"offer": "offers, rented", "cost_plus": "cost plus one margin for all", "own": "owned"}
COMPARISON_WORDS: dict[str, str] = {
    "sized_to_promise": "sized to the promise",
    "equal_spend": "at equal spend",
    "as_set": "as set",
}
"""On what footing alternatives are priced and compared."""


def arrivals_words(context: Context) -> str:
    """How requests arrive, where it is not gamma gaps."""
    traffic = context.workload.traffic
    if traffic.arrivals == "gamma":
        return ""
    # most traffic is gamma gaps, and starts without what reads traces
    from explorer.study import arrivals

    return arrivals.arrivals_words(traffic)


def method_words(context: Context, settings: Alternative, correction: Correction | None) -> str:
    """Which method a latency is from; what the closed form does not know of the traffic or the scheduler is said."""
    if correction is not None and correction.method != CLOSED_FORM:
        return correction.method
    arrivals = context.workload.traffic.arrivals
    if settings.scheduler in SIMULATED_ONLY:
        return f"{CLOSED_FORM} of chunked prefill, {SIMULATED_ONLY[settings.scheduler]} not in it: an estimate"
    if settings.routing == "shortest_queue":
        return f"{CLOSED_FORM}, requests split at random: an estimate"
    return CLOSED_FORM if arrivals == "gamma" else f"{CLOSED_FORM}, {UNKNOWN_ARRIVALS[arrivals]}"


def method_note(settings: Alternative, correction: Correction | None) -> str:
    """A warning beside figures that know nothing of the scheduler yet."""
    if settings.scheduler not in SIMULATED_ONLY or (correction is not None and correction.method != CLOSED_FORM):
        return ""
    return f"not simulated yet: figures of chunked prefill, {SIMULATED_ONLY[settings.scheduler]} is not in them"


def legal_degrees(deployment: Deployment, served: ServedModel) -> tuple[int, ...]:
    """Degrees at which this chip can split this model in some way."""
    by_degree = layouts_by_degree(tuple(deployment.chip.degrees), served, deployment.chip)
    return tuple(degree for degree, layouts in by_degree if layouts)


def label_of(context: Context, deployment: Deployment, layout: Layout) -> str:
    """An alternative as plots and tables name it: "H200 ×4" by its chip, "H200 as owned ×4" where it has a name of its
    own or shares the chip with another."""
    chip, name, others = deployment.chip, deployment.settings.name, context.workload.alternatives
    shared = sum(one.chip == chip.id for one in others) > 1
    if not shared and any(_closed_up(whole).endswith(_closed_up(name)) for whole in (chip.short_name, chip.name)):
        return f"{chip.short_name} ×{layout.chips}"
    short = _elided(name)
    if any(one.name != name and _elided(one.name) == short for one in others):
        # what tells two long names apart may stand at their ends
        half = LONGEST_NAME // 2
        short = f"{name[: half - 1].rstrip()}…{name[-half:].lstrip()}"
    return f"{short} ×{layout.chips}"


def _closed_up(name: str) -> str:
    """A name without its spaces, whatever its case: "AI100 Ultra" is a "Qualcomm AI 100 Ultra"."""
    return "".join(name.split()).casefold()


def _elided(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}…"


def layout_sentence(layout: Layout, replicas: int, spare: int) -> str:
    """As shown under the slider: "tensor 2 · 1 replica, 1 spare"."""
    parts = [f"tensor {layout.tp}"] if layout.tp > 1 else []
    if layout.pp > 1:
        parts.append(f"pipeline {layout.pp}")
    if layout.dp > 1:
        parts.append(f"attention data {layout.dp}")
    if layout.ep > 1:
        parts.append(f"experts over {layout.ep}")
    text = ", ".join(parts) if parts else "one chip, not split"
    if layout.instances > 1:
        text += f" · {layout.instances} instances a replica"
    if replicas:
        text += f" · {_replicas(replicas)}"
    return text + (f", {spare} spare" if spare else "")


def purchase_note(entry: Sized, replicas: int, bought: int) -> str:
    """What whole units make one pay for beside what serves and stands by; empty where that is nothing."""
    idle = bought - (replicas + entry.deployment.settings.spare_replicas) * entry.candidate.layout.chips
    if idle <= 0:
        return ""
    noun = entry.deployment.chip.unit_noun
    return f"bought by {entry.price.unit_size} {noun}s: {idle:,} of {bought:,} stand idle"


def precision_note(deployment: Deployment) -> str:
    """What to say when the chip lacks hardware for the weights' format; empty otherwise."""
    return compute_format(deployment.chip, deployment.weight_precision).note


def availability(context: Context, deployment: Deployment) -> tuple[bool, str]:
    """Whether the chip can be had where and when the scenario buys, and what is known about it."""
    access, as_of = context.scenario.access, context.scenario.as_of
    key = ("availability", deployment.cloud, access, as_of)
    kept: tuple[bool, str] | None = deployment.figures.memo.get(key)
    if kept is None:
        found = within_reach(context.catalog, deployment.chip, deployment.cloud, access, as_of)
        kept = deployment.figures.memo[key] = (found.available, found.note)
    return kept


def open_figures(deployment: Deployment) -> tuple[OpenFigure, ...]:
    """The disputed and undisclosed figures of a chip, in display units, as sliders need them."""
    kept: tuple[OpenFigure, ...] | None = deployment.figures.memo.get(("open figures",))
    if kept is not None:
        return kept
    overrides = deployment.figures.overrides
    found = []
    for figure in deployment.chip.open_figures:
        override = overrides.get(figure.name)
        belief = figure.belief if override is None or override.belief is None else override.belief
        found.append(
            OpenFigure(
                chip=deployment.chip.id,
                chip_name=deployment.chip.name,
                figure=figure.name,
                title=figure.title,
                status=figure.status,
                unit=figure.unit,
                low=figure.low / figure.scale,
                value=deployment.values[figure.name] / figure.scale,
                high=figure.high / figure.scale,
                readings=tuple((reading.name, reading.value / figure.scale) for reading in figure.readings),
                belief=belief,
                overridden=override is not None,
                reason=figure.reason,
                source=figure.source,
            )
        )
    deployment.figures.memo[("open figures",)] = tuple(found)
    return tuple(found)


def batch_report(entry: Sized, mean: float, p99: float, wait_probability: float) -> BatchReport:
    """The batch as an outcome; the cap binds when one request in a hundred waits for a slot."""
    cap = entry.candidate.cap
    asked = entry.deployment.settings.max_batch
    return BatchReport(
        mean=mean,
        p99=p99,
        cap=cap,
        cap_set=asked,
        binding=wait_probability > 0.01,
        limited_by_memory=entry.candidate.sequences < asked,
    )


def promise_reason(
    context: Context,
    broken: Sequence[str],
    p99: Mapping[str, float],
    light: Mapping[str, float],
    replicas: int,
    saturation: float,
    cliff: float,
) -> str:
    """Why a promise breaks, in one sentence; empty when all are kept.

    `p99` at the stated load, `light` with next to none: a promise broken even there is the one to name.
    """
    rate, seconds = QUANTITIES["request_rate"], QUANTITIES["seconds"]
    if context.rate >= replicas * saturation:
        return (
            f"{rate.format(context.rate)} is more than {_replicas(replicas)} can carry "
            f"({rate.format(replicas * saturation)})"
        )
    if not broken:
        return ""

    def worst(values: Mapping[str, float]) -> str:
        return max(context.limits, key=lambda metric: values[metric] / context.limits[metric])

    metric = worst(light) if cliff <= 0 else worst(p99)
    found = seconds.format(light[metric] if cliff <= 0 else p99[metric])
    text = f"P99 {METRIC_NAMES[metric]} {found}"
    if cliff <= 0:
        promised = seconds.format(context.limits[metric])
        return f"{text} with hardly any load, promised {promised}: out of reach at any load"
    most = rate.format(cliff * replicas)
    return f"{text}, promised {seconds.format(context.limits[metric])}; kept up to {most} with {_replicas(replicas)}"


def _replicas(count: int) -> str:
    return f"{count:,} replica{'s' if count != 1 else ''}"


def tightest_metric(outcome: AlternativeOutcome, limits: Mapping[str, float]) -> Metric:
    """The promised latency with the least margin; time per token when nothing is promised or nothing runs."""
    ratios: dict[Metric, float] = {}
    for metric in METRICS:
        p99 = outcome.latency[metric].p99
        if metric in limits and p99 is not None:
            ratios[metric] = p99.value / limits[metric]
    return max(ratios, key=lambda one: ratios[one]) if ratios else "tpot"


def not_fitting(context: Context, entry: Sized) -> AlternativeOutcome:
    """The outcome of an alternative whose memory cannot hold the model: what is short, and what would help."""
    settings, chip = entry.deployment.settings, entry.deployment.chip
    layout = entry.candidate.layout
    (memory,) = memory_fits(context, [entry], [0.0], [0.0])
    bytes_ = QUANTITIES["bytes"]
    reason = f"does not fit: {bytes_.format(memory.shortfall)} a {chip.unit_noun} short; {memory.remedy}"
    available, note = availability(context, entry.deployment)
    nothing = Percentiles(None, None, None, reason)
    return AlternativeOutcome(
        name=settings.name,
        chip=chip.id,
        chip_name=chip.name,
        label=label_of(context, entry.deployment, layout),
        unit_noun=chip.unit_noun,
        degree=layout.degree,
        degree_is_auto=settings.parallelism_degree == "auto" and settings.layout == "auto",
        legal_degrees=entry.degrees,
        layout=layout,
        layout_sentence=layout_sentence(layout, 0, 0),
        replicas=0,
        spare_replicas=settings.spare_replicas,
        chips_total=0,
        feasible=False,
        keeps_promises=False,
        reason=reason,
        memory=memory,
        batch=None,
        latency=dict.fromkeys(METRICS, nothing),
        curves=dict.fromkeys(METRICS, LatencyCurve(*(np.zeros(0) for _ in range(4)))),
        rates=np.zeros(0),
        request_rate=context.rate,
        utilisation=float("inf"),
        max_request_rate=0.0,
        saturation_rate=0.0,
        next_replica_rate=None,
        throughput_tokens_per_s=0.0,
        probability_keeps={**dict.fromkeys(context.limits, 0.0), "all": 0.0},
        cost=Cost(None, None, None, None, None, None, entry.price.basis, entry.price.source, False, False, reason),
        energy_joule_per_token=None,
        evidence_grade=chip.evidence_grade,
        latency_method="closed form",
        precision_note=precision_note(entry.deployment),
        available=available,
        availability_note=note,
        open_figures=open_figures(entry.deployment),
    )

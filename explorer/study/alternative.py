"""The outcomes of a workload's alternatives, assembled from what the engine answered about their rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.scenario.workload import Alternative
from explorer.study import describe
from explorer.study.answers import Context, Loaded, Sized
from explorer.study.banded import METRICS, Banded, LatencyCurve, Metric, Percentiles
from explorer.study.bands import Bands, banded, step_error
from explorer.study.bill import beyond_spend, bills
from explorer.study.correction import Correction
from explorer.study.further_bands import further_bands
from explorer.study.memory_band import batch_ends
from explorer.study.memory_picture import memory_fits
from explorer.study.outcome import OWN_GRADE, AlternativeOutcome, Cost, MeasuredRun, MemoryFit, OwnEvidence
from explorer.study.power import beyond_limit, share_within_limit
from explorer.study.sizing import load_ladder
from explorer.study.solved import Solved

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Answered:
    """What the engine says of the alternatives that fit; sequences in their order, arrays (alternatives, ...)."""

    context: Context
    settings: Sequence[Alternative]
    entries: Sequence[Sized]
    rows: Sequence[int]
    """Their places in `loaded`."""
    replicas: Sequence[int]
    loaded: Loaded
    point: Solved
    """At the operating point, (alternatives, 1)."""
    bands: Bands
    metrics: Sequence[Metric]


def outcomes_of(answered: Answered) -> list[AlternativeOutcome]:
    """The outcome of each alternative that fits."""
    context, entries, point = answered.context, answered.entries, answered.point
    bought = [entry.bought(replicas) for entry, replicas in zip(entries, answered.replicas, strict=True)]
    dear = beyond_spend(context, entries, bought)
    standing = point.standing
    assert standing is not None, "asked for at the operating point"
    means = standing.mean_batch[:, 0]
    # read between the chain's nodes, it may come out beside what can be
    p99s = np.maximum(np.minimum(standing.p99_batch[:, 0], [entry.candidate.cap for entry in entries]), means)
    mean_batch, p99_batch = means.tolist(), p99s.tolist()
    bands, loaded, rows = answered.bands, answered.loaded, answered.rows
    median_tpot = point.table["tpot"][0.5][:, 0]
    ends = batch_ends(context, entries, means, p99s, median_tpot, bands)
    pictures = memory_fits(context, entries, mean_batch, p99_batch, ends, bands.cliffs.shape[1])
    return [
        _alternative(answered, at, *parts)
        for at, parts in enumerate(
            zip(
                bought,
                dear,
                bills(
                    context,
                    entries,
                    answered.replicas,
                    bought,
                    loaded,
                    rows,
                    standing,
                    bands.cliffs,
                    bands.saturations,
                ),
                pictures,
                _curves(loaded, rows, bands, answered.metrics),
                mean_batch,
                p99_batch,
                standing.wait_probability[:, 0].tolist(),
                strict=True,
            )
        )
    ]


def _alternative(
    answered: Answered,
    at: int,
    bought: int,
    dear: str,
    bill: tuple[Cost, Banded | None],
    memory: MemoryFit,
    curves: dict[Metric, LatencyCurve],
    mean_batch: float,
    p99_batch: float,
    waits: float,
) -> AlternativeOutcome:
    context, loaded, point, bands = answered.context, answered.loaded, answered.point, answered.bands
    settings, entry, row, replicas = (
        answered.settings[at], answered.entries[at], answered.rows[at], answered.replicas[at],
    )  # fmt: skip
    chip, layout, rate = entry.deployment.chip, entry.candidate.layout, context.rate
    saturation = float(loaded.saturation[row])
    correction = loaded.corrections[row] if loaded.corrections else None
    cliff = float(loaded.cliffs[row])
    feasible = rate < replicas * saturation
    p99 = {metric: float(found[0.99][at, 0]) for metric, found in point.table.items()}
    broken = [metric for metric, limit in context.limits.items() if not p99[metric] <= limit * (1.0 + 1e-6)]
    light = {metric: float(found[0.99][row, 0]) for metric, found in loaded.latency.items()}
    reason = describe.promise_reason(context, broken, p99, light, replicas, saturation, cliff)
    spare = settings.spare_replicas
    cost, energy = bill
    over = beyond_limit(context, entry, bought, cliff)
    within = share_within_limit(context, entry, bought, bands.cliffs.shape[1]) & (not dear)
    further: dict[str, Banded] = {}
    if len(bands.cliffs[at]) >= context.scenario.simulation.samples and not context.closed_loop:
        # a moving hand does without
        drawn_rates = bands.cliffs[at], bands.saturations[at]
        further = further_bands(context, entry, replicas, cliff, saturation, *drawn_rates, cost)
    available, availability = describe.availability(context, entry.deployment)
    own: OwnEvidence | None = None
    measured: tuple[MeasuredRun, ...] = ()
    if context.scenario.benchmarks:
        from explorer.study.benchmarks.overlay import own_measurements

        update, serving = entry.deployment.figures.update, replicas * layout.chips
        own, measured = own_measurements(context, settings, update, serving, layout.degree)
    return AlternativeOutcome(
        name=settings.name,
        chip=chip.id,
        chip_name=chip.name,
        label=describe.label_of(context, entry.deployment, layout),
        unit_noun=chip.unit_noun,
        degree=layout.degree,
        degree_is_auto=settings.parallelism_degree == "auto" and settings.layout == "auto",
        legal_degrees=entry.degrees,
        layout=layout,
        layout_sentence=describe.layout_sentence(layout, replicas, spare),
        replicas=replicas,
        spare_replicas=spare,
        chips_total=bought,
        feasible=feasible,
        keeps_promises=feasible and not broken and not over and not dear,
        reason="; ".join(text for text in (over, dear, reason) if text),
        memory=memory,
        batch=describe.batch_report(entry, mean_batch, p99_batch, waits),
        latency={metric: _percentiles(metric, point, bands, at, reason, correction) for metric in METRICS},
        curves=curves,
        rates=loaded.rates[row] * replicas,
        request_rate=rate,
        utilisation=rate / (replicas * saturation),
        max_request_rate=cliff * replicas,
        saturation_rate=saturation * replicas,
        next_replica_rate=cliff * replicas if cliff > 0 else None,
        throughput_tokens_per_s=min(rate, saturation * replicas) * context.demand.output,
        probability_keeps=bands.probabilities(at, within),
        cost=cost,
        energy_joule_per_token=energy,
        evidence_grade=chip.evidence_grade if own is None else OWN_GRADE,
        latency_method=describe.method_words(context, settings, correction),
        simulated_requests=correction.requests if correction is not None and correction.simulated else 0,
        precision_note=describe.precision_note(entry.deployment),
        available=available,
        availability_note=availability,
        open_figures=describe.open_figures(entry.deployment),
        within_power_limit=not over,
        method_note=describe.method_note(settings, correction),
        bands=further,
        step_error=step_error(chip.evidence_grade, context.served.shape.is_moe) if own is None else own.error_after,
        own=own,
        measured=measured,
        purchase_note=describe.purchase_note(entry, replicas, bought),
    )


def _percentiles(
    metric: Metric, point: Solved, bands: Bands, at: int, reason: str, correction: Correction | None
) -> Percentiles:
    if metric not in point.table:
        return Percentiles(None, None, None, "not looked at while a hand moves")
    found: dict[float, Banded | None] = {}
    for q in (0.5, 0.95, 0.99):
        value = float(point.table[metric][q][at, 0])
        up = float(bands.first_up[at]) if metric == "ttft" and q == 0.99 else 1.0
        low, high = float(bands.point_low[metric][q][at]), float(bands.point_high[metric][q][at]) * up
        if correction is not None and math.isfinite(value):
            own = (np.asarray([one]) for one in (value, low, high))
            ends = _widened(*correction.reach(metric, q, point.utilisation[at]), *own)
            low, high = (float(end[0]) for end in ends)
        found[q] = banded(value, low, high, float(bands.point_median[metric][q][at]))
    p50, p95, p99 = in_order([found[0.5], found[0.95], found[0.99]])
    return Percentiles(p50, p95, p99, "" if p99 is not None else reason)


def in_order(quantiles: Sequence[Banded | None]) -> list[Banded | None]:
    """Bands of rising quantiles with ends that rise as well: each is widened by its own simulation's uncertainty, and
    a P95 that is less sure than the P99 would reach beyond it."""
    ordered: list[Banded | None] = []
    low = high = -math.inf
    for one in quantiles:
        if one is not None:
            low, high = max(low, one.low), max(high, one.high)
            if low != one.low or high != one.high:
                one = replace(one, low=low, high=high)
        ordered.append(one)
    return ordered


def _curves(
    loaded: Loaded, rows: Sequence[int], bands: Bands, metrics: Sequence[Metric]
) -> list[dict[Metric, LatencyCurve]]:
    """Curves of the alternatives in `rows`, with their bands brought from the bands' few loads to the curves' many."""
    load, table = loaded.utilisation, loaded.latency
    ends = np.array([[bands.low[metric], bands.high[metric]] for metric in metrics])
    logs = np.log(np.minimum(ends, 1e9))
    lows, highs = np.exp(logs @ _between_loads(bands.at.shape[1], load.shape[1])).swapaxes(0, 1)
    p50s, p99s = (np.array([table[metric][q] for metric in metrics])[:, rows] for q in (0.5, 0.99))
    lows, highs = np.minimum(lows, p99s), np.maximum(np.where(highs > 1e6, np.inf, highs), p99s)
    curves: list[dict[Metric, LatencyCurve]] = []
    for at, row in enumerate(rows):
        correction = loaded.corrections[row] if loaded.corrections else None
        own: dict[Metric, LatencyCurve] = {}
        for metric, p50, p99, low, high in zip(metrics, p50s, p99s, lows, highs, strict=True):
            if correction is None:
                own[metric] = LatencyCurve(p50[at], p99[at], low[at], high[at])
                continue
            down, up = correction.reach_along(metric, 0.99, load[row], p99[at])
            own[metric] = LatencyCurve(
                p50[at],
                p99[at],
                *_widened(down, up, p99[at], low[at], high[at]),
                sampled_low=p99[at] * np.exp(-down),
                sampled_high=p99[at] * np.exp(up),
            )
        curves.append(own)
    return curves


@lru_cache(maxsize=4)
def _between_loads(few: int, many: int) -> Array:
    """Weights (few, many) that interpolate linearly from one ladder of loads to another between the same ends."""
    weights = [np.interp(load_ladder(many), load_ladder(few), one) for one in np.eye(few)]
    return np.asarray(weights)


def _widened(below: Array, above: Array, value: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """A band of open figures with the simulation's own uncertainty, `below` and `above`, beside it: in quadrature, on
    logarithms."""
    with np.errstate(divide="ignore", invalid="ignore"):
        down = np.hypot(np.log(value / np.minimum(low, value)), below)
        up = np.hypot(np.log(np.maximum(high, value) / value), above)
        carried = np.isfinite(value)
        return np.where(carried, value * np.exp(-down), low), np.where(carried, value * np.exp(up), high)

"""One workload answered: its deployments sized, loaded, banded; what views need is assembled here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.engine.cost import chips_in_whole_units
from explorer.engine.latency import largest_rate_within
from explorer.scenario.schema import Alternative, Scenario, Workload
from explorer.study import describe
from explorer.study.answers import Context, DrawnWorkload, Loaded, PoolSize, Sized, WorkloadAnswer
from explorer.study.bands import Bands, banded, draw_bands
from explorer.study.correction import CLOSED_FORM, NONE, Correction, Corrections
from explorer.study.deployment import Candidate, Deployment, candidates_of_all
from explorer.study.figures import FigureSets
from explorer.study.memory_picture import memory_fits
from explorer.study.money import chip_price
from explorer.study.outcome import (
    METRICS,
    AlternativeOutcome,
    Banded,
    LatencyCurve,
    MemoryFit,
    Metric,
    Percentiles,
    WorkloadOutcome,
)
from explorer.study.power import beyond_limit, share_within_limit
from explorer.study.replica import (
    Demand,
    Latencies,
    ReplicaTable,
    StepGrid,
    batch_quantile,
    latencies,
    p99_length,
    select_rows,
)
from explorer.study.resolve import served_model, step_constants
from explorer.study.sizing import choose_layouts, load_ladder, replicas_for, table_of

Array = NDArray[np.float64]

CURVE_POINTS = 150
SHARING_ATTEMPTS = 5
READ_OFF = 0.998
"""Share taken of a cliff that is only read off its curve, which may lie a hair too high."""


def limits_of(workload: Workload) -> dict[str, float]:
    """The promises made, seconds by metric."""
    promises = {
        "ttft": workload.objectives.ttft_p99_s,
        "tpot": workload.objectives.tpot_p99_s,
        "itl": workload.objectives.itl_p99_s,
        "e2e": workload.objectives.e2e_p99_s,
    }
    return {metric: limit for metric, limit in promises.items() if limit is not None}


def demand_of(workload: Workload) -> Demand:
    """What a request of the workload brings."""
    traffic = workload.traffic
    return Demand(
        prompt=traffic.prompt_tokens,
        prompt_cv=traffic.prompt_cv,
        output=traffic.output_tokens,
        output_cv=traffic.output_cv,
        arrival_scv=traffic.arrival_cv**2,
        prefix_hit=traffic.prefix_hit_share,
    )


def settings_of(scenario: Scenario, workload: Workload) -> tuple[list[Alternative], dict[str, int]]:
    """The workload's alternatives, then one for each fleet member that none of them stands for.

    Returns them with the index of each fleet member's. A member's own deployment takes batch cap and token budget
    of the selected alternative and finds its layout itself.
    """
    chosen = next(one for one in workload.alternatives if one.name == workload.selected)
    settings = list(workload.alternatives)
    index: dict[str, int] = {}
    for member in scenario.fleet.members:
        match = next(
            (
                position
                for position, one in enumerate(settings)
                if (one.chip, one.cloud, one.offer) == (member.chip, member.cloud, member.offer)
            ),
            None,
        )
        if match is None:
            settings.append(
                Alternative(
                    name=member.name,
                    chip=member.chip,
                    cloud=member.cloud,
                    offer=member.offer,
                    max_batch=chosen.max_batch,
                    token_budget=chosen.token_budget,
                )
            )
            match = len(settings) - 1
        index[member.name] = match
    return settings, index


def deployment_of(figures: FigureSets, scenario: Scenario, workload: Workload, settings: Alternative) -> Deployment:
    """An alternative's chip with its figures under the scenario's overrides, at the precision of the comparison."""
    chosen = figures.of(settings.chip, scenario.overrides.get(settings.chip, {}))
    own = scenario.comparison.each_at_own_precision
    return Deployment(
        name=settings.name,
        chip=chosen.chip,
        cloud=settings.cloud,
        offer=settings.offer,
        settings=settings,
        weight_precision=(settings.weight_precision if own else None) or workload.model.weight_precision,
        kv_precision=(settings.kv_precision if own else None) or workload.model.kv_precision,
        figures=chosen,
    )


def evaluate_workload(
    catalog: Catalog,
    figures: FigureSets,
    scenario: Scenario,
    workload: Workload,
    samples: int,
    drawn: frozenset[Metric] = frozenset(METRICS),
    corrections: Corrections = NONE,
) -> WorkloadAnswer:
    """Answer one workload; the same arguments give the same answer (`figures` only saves repeated work).

    Answered are the latencies in `drawn`, those promised, and first token and time per token. `corrections` are what
    simulation found of the alternatives so far.
    """
    context = Context(
        catalog,
        scenario,
        workload,
        served_model(catalog, workload.model),
        demand_of(workload),
        limits_of(workload),
    )
    settings, member_index = settings_of(scenario, workload)
    deployments = [deployment_of(figures, scenario, workload, one) for one in settings]
    alternatives = len(workload.alternatives)
    wanted = tuple(one for one in METRICS if one in drawn or one in context.limits or one in ("ttft", "tpot"))
    sized, grid = _size(context, deployments, samples)
    present = [position for position, entry in enumerate(sized) if entry.candidate.fits]
    row_of = {position: row for row, position in enumerate(present)}
    fixed = [settings[position].replicas for position in present]
    found = (*corrections.among(workload), *(None for _ in settings[alternatives:]))
    corrected = tuple(
        one if one is not None and one.layout == sized[position].candidate.layout else None
        for position, one in ((position, found[position]) for position in present)
    )
    loaded = None if grid is None else _load(context, grid, wanted, fixed, corrected)

    outcomes: dict[int, AlternativeOutcome] = {}
    every_draw: DrawnWorkload | None = None
    shown = [position for position in present if position < alternatives]
    if loaded is not None and shown:
        rows = [row_of[position] for position in shown]
        replicas = _replicas(context, sized, loaded, row_of, shown)
        point = _operating(context, loaded, rows, replicas, wanted)
        bands = draw_bands(
            context,
            [sized[position] for position in shown],
            replicas,
            loaded.table.saturation[rows],
            samples,
            wanted,
            [corrected[row] for row in rows],
        )
        every_draw = DrawnWorkload(context, bands, shown, [sized[at] for at in shown], replicas)
        p99_batch = batch_quantile(point.state, point.chain, 0.99)[:, 0]
        pictures = memory_fits(
            context, [sized[at] for at in shown], list(point.state.mean_batch[:, 0]), list(p99_batch)
        )
        curves = _curves(loaded, rows, bands, wanted)
        for at, position in enumerate(shown):
            outcomes[position] = _alternative(
                context,
                settings[position],
                sized[position],
                loaded,
                rows[at],
                point,
                bands,
                curves[at],
                at,
                replicas[at],
                pictures[at],
                float(p99_batch[at]),
            )
    for position in range(alternatives):
        if position not in outcomes:
            outcomes[position] = describe.not_fitting(context, sized[position])
    selected = next(i for i, one in enumerate(workload.alternatives) if one.name == workload.selected)
    outcome = WorkloadOutcome(
        name=workload.name,
        model_name=context.served.name,
        parameters=context.served.parameters,
        active_parameters=context.served.active_parameters,
        alternatives=tuple(outcomes[position] for position in range(alternatives)),
        selected=selected,
        objectives=dict(context.limits),
        tightest_metric=describe.tightest_metric(outcomes[selected], context.limits),
        prompt_tokens=context.demand.prompt,
        output_tokens=context.demand.output,
    )
    pools = {name: _pool(context, sized[at], loaded, row_of.get(at)) for name, at in member_index.items()}
    return WorkloadAnswer(outcome, pools, every_draw)


def _size(context: Context, deployments: Sequence[Deployment], samples: int) -> tuple[list[Sized], StepGrid | None]:
    """Give each deployment its layout: the best that fits, or the closest where none does.

    Also the step times of those that fit, a row each, in order; None when none does.
    """
    scenario = context.scenario
    constants = step_constants()
    seed = scenario.simulation.seed
    p99_tokens = p99_length(context.demand)
    sized: list[Sized] = []
    groups: list[tuple[Candidate, ...]] = []
    found = candidates_of_all(deployments, context.served, p99_tokens, constants, context.sharded)
    for deployment, options in zip(deployments, found, strict=True):
        price = chip_price(context.catalog, deployment, scenario.price, scenario.as_of, samples, seed)
        groups.append(tuple(option for option in options if option.fits))
        closest = max(options, key=lambda option: option.held)
        sized.append(Sized(deployment, closest, price, describe.legal_degrees(deployment, context.served)))
    present = [position for position, group in enumerate(groups) if group]
    if not present:
        return sized, None
    # a pool that is not an alternative takes the layout it would take for all of the traffic: its share may move
    picks, grid = choose_layouts(
        [groups[position] for position in present],
        context.served,
        context.demand,
        context.limits,
        context.rate,
        [sized[position].price.unit_size for position in present],
        constants,
        scenario.stragglers,
        context.sharded,
    )
    for position, pick in zip(present, picks, strict=True):
        old = sized[position]
        sized[position] = Sized(old.deployment, pick, old.price, old.degrees)
    return sized, grid


def _load(
    context: Context, grid: StepGrid, wanted: tuple[Metric, ...], fixed: Sequence[int | Literal["auto"]],
    corrections: tuple[Correction | None, ...] = (),
) -> Loaded:
    """Curves and cliffs of one replica of each row.

    Bursty arrivals are as R replicas share them: R as set by hand, or as many as keep up.
    """
    table = table_of(grid, context.demand, step_constants(), context.scenario.stragglers)
    if any(corrections):
        table = replace(table, corrections=corrections)
    rates = load_ladder(CURVE_POINTS)[None, :] * table.saturation[:, None]

    def under(replicas: Array) -> Loaded:
        found = latencies(table, rates, replicas=replicas, metrics=wanted, quantiles=(0.5, 0.99))
        checks = [(found.table[metric][0.99], limit) for metric, limit in context.limits.items()]
        cliffs = largest_rate_within(rates, checks)
        exact = len(wanted) == len(METRICS)
        cliffs = _exact_cliffs(context, table, cliffs, rates[:, -1], replicas) if exact else READ_OFF * cliffs
        return Loaded(table, rates, found, cliffs)

    shared = np.ones(len(fixed))
    loaded = under(shared)
    # how bursty a replica's share is depends on how many share it, and how many are needed on how bursty it is
    for attempt in range(SHARING_ATTEMPTS if context.demand.arrival_scv != 1.0 else 0):
        needed = np.asarray(
            [
                replicas_for(context.rate, float(cliff), float(saturation)) if count == "auto" else count
                for cliff, saturation, count in zip(loaded.cliffs, table.saturation, fixed, strict=True)
            ],
            dtype=np.float64,
        )
        if np.array_equal(needed, shared):
            break
        shared = np.maximum(needed, shared) if attempt == SHARING_ATTEMPTS - 1 else needed
        loaded = under(shared)
    return loaded


def _exact_cliffs(context: Context, table: ReplicaTable, cliffs: Array, last: Array, replicas: Array) -> Array:
    """Cliffs read off the curves brought to the last digits that count, by bisection about them; (rows,).

    A moving hand does without.
    """
    if not context.limits:
        return cliffs
    low, high = 0.98 * cliffs, np.minimum(1.02 * cliffs, last)
    promised = tuple(metric for metric in METRICS if metric in context.limits)
    for _ in range(14):
        middle = np.maximum(0.5 * (low + high), 1e-12)
        found = latencies(table, middle[:, None], replicas=replicas, metrics=promised, quantiles=(0.5, 0.99)).table
        kept = np.all([found[one][0.99][:, 0] <= limit for one, limit in context.limits.items()], axis=0)
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    return np.asarray(np.where((cliffs > 0.0) & (cliffs < last), low, cliffs))


def _replicas(
    context: Context, sized: Sequence[Sized], loaded: Loaded, row_of: Mapping[int, int], shown: Sequence[int]
) -> list[int]:
    """Replicas of each shown alternative on the comparison's basis.

    Sized to the promise: the fewest that keep it, a number set by hand stands. Equal spend: as many as the selected
    alternative's money buys, at least one.
    """
    workload, basis = context.workload, context.scenario.comparison.basis
    result: dict[int, int] = {}
    for position in shown:
        row, fixed = row_of[position], workload.alternatives[position].replicas
        fewest = replicas_for(context.rate, float(loaded.cliffs[row]), float(loaded.table.saturation[row]))
        result[position] = fewest if fixed == "auto" else fixed
    chosen = next(i for i, one in enumerate(workload.alternatives) if one.name == workload.selected)
    usd = sized[chosen].price.usd
    if basis == "equal_spend" and chosen in result and usd is not None:
        budget = usd * result[chosen] * sized[chosen].candidate.layout.chips
        for position in result:
            price = sized[position].price.usd
            if position != chosen and price is not None:
                result[position] = max(1, int(budget / (price * sized[position].candidate.layout.chips)))
    return [result[position] for position in shown]


def _operating(
    context: Context, loaded: Loaded, rows: Sequence[int], replicas: Sequence[int], wanted: tuple[Metric, ...]
) -> Latencies:
    count = np.asarray(replicas, dtype=np.float64)
    table = select_rows(loaded.table, np.asarray(rows))
    return latencies(table, (context.rate / count)[:, None], replicas=count, metrics=wanted)


def _alternative(
    context: Context,
    settings: Alternative,
    entry: Sized,
    loaded: Loaded,
    row: int,
    point: Latencies,
    bands: Bands,
    curves: dict[Metric, LatencyCurve],
    at: int,
    replicas: int,
    memory: MemoryFit,
    batch_p99: float,
) -> AlternativeOutcome:
    chip, layout, rate = entry.deployment.chip, entry.candidate.layout, context.rate
    saturation = float(loaded.table.saturation[row])
    correction = loaded.table.corrections[row] if loaded.table.corrections else None
    cliff = float(loaded.cliffs[row])
    feasible = rate < replicas * saturation
    p99 = {metric: float(found[0.99][at, 0]) for metric, found in point.table.items()}
    broken = [metric for metric, limit in context.limits.items() if not p99[metric] <= limit * (1.0 + 1e-6)]
    light = {metric: float(found[0.99][row, 0]) for metric, found in loaded.found.table.items()}
    reason = describe.promise_reason(context, broken, p99, light, replicas, saturation, cliff)
    spare = settings.spare_replicas
    bought = int(chips_in_whole_units((replicas + spare) * layout.chips, entry.price.unit_size))
    mean_batch = float(point.state.mean_batch[at, 0])
    cost, energy = describe.money(context, entry, bought, cliff, bands.cliffs[at], bands.saturations[at], loaded, row)
    over = beyond_limit(context, entry, bought, cliff)
    within = share_within_limit(context, entry, bought, bands.cliffs.shape[1])
    available, availability = describe.availability(context, entry.deployment)
    return AlternativeOutcome(
        name=settings.name,
        chip=chip.id,
        chip_name=chip.name,
        label=f"{chip.short_name} ×{layout.chips}",
        unit_noun=chip.unit_noun,
        degree=layout.chips,
        degree_is_auto=settings.parallelism_degree == "auto" and settings.layout == "auto",
        legal_degrees=entry.degrees,
        layout=layout,
        layout_sentence=describe.layout_sentence(layout, replicas, spare),
        replicas=replicas,
        spare_replicas=spare,
        chips_total=bought,
        feasible=feasible,
        keeps_promises=feasible and not broken and not over,
        reason="; ".join(text for text in (over, reason) if text),
        memory=memory,
        batch=describe.batch_report(entry, mean_batch, batch_p99, float(point.state.wait_probability[at, 0])),
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
        evidence_grade=chip.evidence_grade,
        latency_method=CLOSED_FORM if correction is None else correction.method,
        simulated_requests=correction.requests if correction is not None and correction.simulated else 0,
        precision_note=describe.precision_note(entry.deployment),
        available=available,
        availability_note=availability,
        open_figures=describe.open_figures(entry.deployment),
        within_power_limit=not over,
    )


def _percentiles(
    metric: Metric, point: Latencies, bands: Bands, at: int, reason: str, correction: Correction | None
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
            ends = _widened(correction, metric, q, point.state.utilisation[at], *own)
            low, high = (float(end[0]) for end in ends)
        found[q] = banded(value, low, high)
    return Percentiles(found[0.5], found[0.95], found[0.99], "" if found[0.99] is not None else reason)


def _curves(
    loaded: Loaded, rows: Sequence[int], bands: Bands, metrics: Sequence[Metric]
) -> list[dict[Metric, LatencyCurve]]:
    """Curves of the alternatives in `rows`, with their bands brought from the bands' few loads to the curves' many."""
    load, table = loaded.found.state.utilisation, loaded.found.table
    ends = np.array([[bands.low[metric], bands.high[metric]] for metric in metrics])
    logs = np.log(np.minimum(ends, 1e9))
    lows, highs = np.exp(logs @ _between_loads(bands.at.shape[1], load.shape[1])).swapaxes(0, 1)
    p50s, p99s = (np.array([table[metric][q] for metric in metrics])[:, rows] for q in (0.5, 0.99))
    lows, highs = np.minimum(lows, p99s), np.maximum(np.where(highs > 1e6, np.inf, highs), p99s)
    curves: list[dict[Metric, LatencyCurve]] = []
    for at, row in enumerate(rows):
        correction = loaded.table.corrections[row] if loaded.table.corrections else None
        own: dict[Metric, LatencyCurve] = {}
        for metric, p50, p99, low, high in zip(metrics, p50s, p99s, lows, highs, strict=True):
            if correction is None:
                own[metric] = LatencyCurve(p50[at], p99[at], low[at], high[at])
                continue
            wider = _widened(correction, metric, 0.99, load[row], p99[at], low[at], high[at])
            own[metric] = LatencyCurve(
                p50[at],
                p99[at],
                *wider,
                sampled_low=p99[at] * np.exp(-correction.at(correction.below, metric, 0.99, load[row])),
                sampled_high=p99[at] * np.exp(correction.at(correction.above, metric, 0.99, load[row])),
            )
        curves.append(own)
    return curves


@lru_cache(maxsize=4)
def _between_loads(few: int, many: int) -> Array:
    """Weights (few, many) that interpolate linearly from one ladder of loads to another between the same ends."""
    weights = [np.interp(load_ladder(many), load_ladder(few), one) for one in np.eye(few)]
    return np.asarray(weights)


def _widened(
    correction: Correction, metric: Metric, q: float, load: Array, value: Array, low: Array, high: Array
) -> tuple[Array, Array]:
    """A band of open figures with the simulation's own uncertainty beside it: in quadrature, on logarithms."""
    with np.errstate(divide="ignore", invalid="ignore"):
        down = np.hypot(np.log(value / np.minimum(low, value)), correction.at(correction.below, metric, q, load))
        up = np.hypot(np.log(np.maximum(high, value) / value), correction.at(correction.above, metric, q, load))
        carried = np.isfinite(value)
        return np.where(carried, value * np.exp(-down), low), np.where(carried, value * np.exp(up), high)


def _pool(context: Context, entry: Sized, loaded: Loaded | None, row: int | None) -> PoolSize:
    chip = entry.deployment.chip
    if loaded is None or row is None:
        reason = f"{context.workload.name}: {context.served.name} fits {chip.name} in no layout tried"
        return PoolSize(entry.candidate, 0.0, 0.0, entry.price, False, reason, np.zeros(0), {}, {})
    cliff = float(loaded.cliffs[row])
    reason = "" if cliff > 0 else f"{context.workload.name}: {chip.name} keeps the promises at no rate"
    table = loaded.found.table
    return PoolSize(
        candidate=entry.candidate,
        cliff=cliff,
        saturation=float(loaded.table.saturation[row]),
        price=entry.price,
        feasible=True,
        reason=reason,
        rates=loaded.rates[row],
        p50={metric: table[metric][0.5][row] for metric in METRICS if metric in table},
        p99={metric: table[metric][0.99][row] for metric in METRICS if metric in table},
    )

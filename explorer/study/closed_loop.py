"""A workload of users who ask again when served: `max_batch` of them on each replica, and the rate that comes of it.

The closed form takes the batch as given (`engine.closed_loop`) and Little's law for the rate; the simulation's ratios
correct latencies and rate alike. Loads are shares of the most users looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.engine.closed_loop import solve_users, users_rate
from explorer.engine.largest_rate import largest_rate_within
from explorer.engine.node_quantiles import QUANTILES
from explorer.scenario.schema import Scenario
from explorer.scenario.workload import Workload
from explorer.study import describe
from explorer.study.alternative import Answered, outcomes_of
from explorer.study.answers import Context, DrawnWorkload, Loaded, Sized, WorkloadAnswer
from explorer.study.banded import METRICS, Banded, Metric
from explorer.study.bands import (
    BAND_POINTS,
    HIGH,
    LOW,
    MEDIAN,
    Bands,
    drawn_rows,
    order_index,
    residual_factors,
    with_first_error,
)
from explorer.study.correction import NONE, Correction, Corrections, given_or_prior, loads_simulated, put_on
from explorer.study.demand import held_length, p99_length
from explorer.study.deployment import Candidate, Deployment, candidate, candidates_of_all
from explorer.study.engine_rows import rows_of
from explorer.study.figures import FigureSets
from explorer.study.load_curves import CURVE_POINTS
from explorer.study.money import chip_price
from explorer.study.outcome import AlternativeOutcome, WorkloadOutcome
from explorer.study.replica import Latencies, ReplicaTable, quantiles_of, replica_table, select_rows
from explorer.study.resolve import served_model, step_constants
from explorer.study.sizing import grid_of, load_ladder
from explorer.study.solved import Solved
from explorer.study.solver import standing_of
from explorer.study.workload import (
    demand_of,
    deployment_of,
    limits_of,
    pool_size,
    settings_of,
)

Array = NDArray[np.float64]

MORE_USERS = 4
"""How many times the stated users a curve reaches, as far as memory holds them."""
RATE = "rate"
"""Under which a correction holds its ratio of rates."""
BEYOND = 1.0 + 1e-6
"""Users never ask for more than is carried: their own rate is no overload, to the last digit."""


def users_of(one: Candidate) -> int:
    """Users whose requests a replica works on together: those stated, as far as memory holds them."""
    return one.cap


def widened(one: Candidate) -> Candidate:
    """The candidate with room for the most users looked at."""
    settings = one.deployment.settings
    most = max(one.cap, min(one.sequences, MORE_USERS * settings.max_batch))
    wider = replace(one.deployment, settings=settings.model_copy(update={"max_batch": most}))
    return candidate(wider, one.layout, one.held)


@dataclass(frozen=True)
class Served:
    """Rows at numbers of users: rate of a replica and latencies, each (rows, loads)."""

    rate: Array
    found: Latencies


def at_users(
    table: ReplicaTable,
    users: Array,
    most: Array,
    *,
    metrics: tuple[str, ...] = METRICS,
    quantiles: tuple[float, ...] = QUANTILES,
) -> Served:
    """Latency quantiles and rate of each row at `users` (rows, loads) of at most `most` (rows, 1)."""
    state = solve_users(table.chain, users)
    answer = quantiles_of(table, state, metrics, quantiles, swells=False)
    rate, load = users_rate(table.chain, state), state.mean_batch / most
    if table.corrections:
        gaps: dict[float, Array] = {}
        if "itl" in metrics:
            at = solve_users(table.chain, np.maximum(loads_simulated(table.corrections) * most, 1.0))
            gaps = quantiles_of(table, at, ("itl",), quantiles, swells=False)["itl"]
        answer = put_on(answer, table.corrections, load, gaps)
        ratio = np.zeros_like(rate)
        for row, one in enumerate(table.corrections):
            if one is not None and RATE in one.ratio:
                ratio[row] = one.at(one.ratio, RATE, 0.5, load[row])
        rate = rate * np.exp(ratio)
    return Served(rate, Latencies(replace(state, utilisation=load), answer))


def _ladder(points: int, most: Array) -> Array:
    """Numbers of users from one to the most, (rows, points)."""
    rise = load_ladder(points)
    return np.asarray(1.0 + (most - 1.0) * (rise - rise[0]) / (rise[-1] - rise[0]))


def evaluate_users(
    catalog: Catalog,
    figures: FigureSets,
    scenario: Scenario,
    workload: Workload,
    samples: int,
    drawn: frozenset[Metric] = frozenset(METRICS),
    corrections: Corrections = NONE,
) -> WorkloadAnswer:
    """Answer a closed-loop workload; as `workload.evaluate_workload`. Replicas not set by hand are one."""
    context = Context(
        catalog, scenario, workload, served_model(catalog, workload.model), demand_of(workload), limits_of(workload)
    )
    stated, member_index = settings_of(scenario, workload)
    settings = [one if one.replicas != "auto" else one.model_copy(update={"replicas": 1}) for one in stated]
    deployments = [deployment_of(figures, scenario, workload, one) for one in settings]
    alternatives = len(workload.alternatives)
    wanted = tuple(one for one in METRICS if one in drawn or one in context.limits or one in ("ttft", "tpot"))
    sized = _sized(context, deployments, samples)
    present = [at for at, entry in enumerate(sized) if entry.candidate.fits]
    row_of = {position: row for row, position in enumerate(present)}
    found = (*corrections.among(workload), *(None for _ in settings[alternatives:]))
    corrected = [
        given_or_prior(found[position], sized[position].candidate.layout, settings[position]) for position in present
    ]
    outcomes: dict[int, AlternativeOutcome] = {}
    every_draw: DrawnWorkload | None = None
    loaded: Loaded | None = None
    table: ReplicaTable | None = None
    shown = [position for position in present if position < alternatives]
    if present:
        loaded, table = _load(context, [sized[at] for at in present], wanted, corrected)
    if loaded is not None and table is not None and shown:
        rows = [row_of[position] for position in shown]
        entries = [sized[at] for at in shown]
        replicas = [entry.deployment.settings.replicas for entry in entries]
        counts = [one if isinstance(one, int) else 1 for one in replicas]
        bands, swing = _bands(context, entries, samples, wanted, [corrected[row] for row in rows], loaded.rates[rows])
        every_draw = DrawnWorkload(context, bands, shown, entries, counts)
        for at, (position, row, entry) in enumerate(zip(shown, rows, entries, strict=True)):
            # each alternative has a rate of its own
            own = select_rows(table, np.asarray([row]))
            point = _with_wait(at_users(own, _here([entry]), _most([entry]), metrics=wanted), _waiting(entry))
            rate = float(point.rate[0, 0])
            answered = Answered(
                _with_rate(context, rate * counts[at]), [settings[position]], [entry], [row], [counts[at]], loaded,
                _solved(own, point), _bands_of(bands, at), wanted,
            )  # fmt: skip
            (one,) = outcomes_of(answered)
            outcomes[position] = _as_users(one, workload.alternatives[position].max_batch, rate, swing[at])
    for position in range(alternatives):
        if position not in outcomes:
            outcomes[position] = describe.not_fitting(_with_rate(context, 0.0), sized[position])
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
        arrivals="users who ask again when they are served",
        longest_tokens=p99_length(context.demand),
        model_context=context.served.max_context,
    )
    pools = {name: pool_size(context, sized[at], loaded, row_of.get(at)) for name, at in member_index.items()}
    return WorkloadAnswer(outcome, pools, every_draw)


def _with_rate(context: Context, rate: float) -> Context:
    """The context with a rate of the whole service that came of its users."""
    traffic = context.workload.traffic.model_copy(update={"request_rate_per_s": rate})
    return replace(context, workload=context.workload.model_copy(update={"traffic": traffic}))


def _most(entries: Sequence[Sized]) -> Array:
    return np.asarray([[float(widened(entry.candidate).cap)] for entry in entries])


def _here(entries: Sequence[Sized]) -> Array:
    return np.asarray([[float(users_of(entry.candidate))] for entry in entries])


def _waiting(entry: Sized) -> float:
    """Users for whom memory has no room beside the others."""
    return float(max(entry.deployment.settings.max_batch - users_of(entry.candidate), 0))


def _with_wait(served: Served, waiting: float) -> Served:
    """With the time that users stand in line who do not fit beside the others: one place is free every 1/X seconds."""
    if not waiting:
        return served
    extra = waiting / served.rate
    table = {
        metric: {q: values + extra if metric in ("ttft", "e2e") else values for q, values in of.items()}
        for metric, of in served.found.table.items()
    }
    return Served(served.rate, replace(served.found, table=table))


def _sized(context: Context, deployments: Sequence[Deployment], samples: int) -> list[Sized]:
    """Each deployment in the layout with the fewest chips that keeps the promises for its users, else the closest.

    Of equal ones the fastest. Where none fits, the one that is nearest to it.
    """
    scenario = context.scenario
    constants, stragglers = step_constants(), scenario.stragglers
    groups = candidates_of_all(deployments, context.served, held_length(context.demand), constants, context.sharded)
    fitting = [one for group in groups for one in group if one.fits]
    ranks: dict[int, tuple[float, float, float]] = {}
    if len(fitting) > len(deployments):
        rows = rows_of(fitting, constants, stragglers.jitter_sigma)
        grid = grid_of(context.served, context.demand, rows, constants, stragglers, context.sharded)
        table = replica_table(grid, context.demand, constants, stall_s=stragglers.stall_s, coarse=True)
        users = np.asarray([[float(users_of(one))] for one in fitting])
        quantiles = (0.5, 0.99) if "e2e" in context.limits else (0.99,)
        found = at_users(table, users, users, metrics=tuple(context.limits) or ("tpot",), quantiles=quantiles)
        over = [found.found.table[metric][0.99][:, 0] / limit for metric, limit in context.limits.items()]
        worst = np.max(over, axis=0) if over else np.zeros(len(fitting))
        for row, one in enumerate(fitting):
            kept = worst[row] <= 1.0
            chips, rate = float(one.layout.chips), float(found.rate[row, 0])
            ranks[id(one)] = (0.0, chips, -rate) if kept else (1.0, float(worst[row]), chips)
    sized = []
    for deployment, group in zip(deployments, groups, strict=True):
        price = chip_price(
            context.catalog, deployment, scenario.price, scenario.as_of, samples, scenario.simulation.seed
        )
        able = [one for one in group if one.fits]
        pick = (
            min(able, key=lambda one: ranks.get(id(one), (0.0, 0.0, 0.0)))
            if able
            else max(group, key=lambda one: one.held_by_rank)
        )
        sized.append(Sized(deployment, pick, price, describe.legal_degrees(deployment, context.served)))
    return sized


def _load(
    context: Context, entries: Sequence[Sized], wanted: tuple[Metric, ...], corrections: Sequence[Correction | None]
) -> tuple[Loaded, ReplicaTable]:
    """Curves over the number of users, against the rate that comes of them, and the largest rate within promises; and
    the replicas that they are of."""
    constants, stragglers = step_constants(), context.scenario.stragglers
    rows = rows_of([widened(entry.candidate) for entry in entries], constants, stragglers.jitter_sigma)
    grid = grid_of(context.served, context.demand, rows, constants, stragglers, context.sharded)
    table = replica_table(grid, context.demand, constants, stall_s=stragglers.stall_s)
    table = replace(table, chain=replace(table.chain, saturation=table.chain.saturation * BEYOND))
    if any(corrections):
        table = replace(table, corrections=tuple(corrections))
    most = _most(entries)
    served = at_users(table, _ladder(CURVE_POINTS, most), most, metrics=wanted, quantiles=(0.5, 0.99))
    rates = np.maximum.accumulate(served.rate, axis=1)
    checks = [(served.found.table[metric][0.99], limit) for metric, limit in context.limits.items()]
    latency = served.found.table
    utilisation, cliffs = served.found.state.utilisation, largest_rate_within(rates, checks)
    return Loaded(grid, table.saturation, rates, utilisation, latency, cliffs, table.corrections), table


def _solved(table: ReplicaTable, served: Served) -> Solved:
    """Rows with their users as the assembly of outcomes takes them."""
    state = served.found.state
    return Solved(table.saturation, state.utilisation, served.found.table, standing_of(table, state))


def _bands_of(bands: Bands, at: int) -> Bands:
    """The bands of one alternative."""
    one = slice(at, at + 1)

    def each(tables: Mapping[str, Mapping[float, Array]]) -> dict[str, dict[float, Array]]:
        return {metric: {q: values[one] for q, values in of.items()} for metric, of in tables.items()}

    low, high = ({metric: ends[one] for metric, ends in side.items()} for side in (bands.low, bands.high))
    return Bands(
        each(bands.point), each(bands.point_low), each(bands.point_high), low, high, bands.at[one], bands.cliffs[one],
        bands.saturations[one], bands.limits, bands.first_up[one], each(bands.point_median),
    )  # fmt: skip


def _bands(
    context: Context,
    entries: Sequence[Sized],
    samples: int,
    metrics: tuple[Metric, ...],
    corrections: Sequence[Correction | None],
    rates: Array,
) -> tuple[Bands, list[tuple[float, float]]]:
    """Draws at the stated users and along them, and how far each rate swings: P5 and P95 over the central one."""
    scenario = context.scenario
    constants, stragglers = step_constants(), scenario.stragglers
    kind = "moe" if context.served.shape.is_moe else "dense"
    seed, deployments = scenario.simulation.seed, [entry.deployment for entry in entries]
    factors = [
        residual_factors(one.chip.id, one.chip.evidence_grade, kind, samples, seed, one.figures.step_spread)
        for one in deployments
    ]
    rows = drawn_rows(context, [widened(one.candidate) for one in entries], samples, [step for step, _ in factors])
    grid = grid_of(context.served, context.demand, rows, constants, stragglers, context.sharded)
    table = replica_table(grid, context.demand, constants, stall_s=stragglers.stall_s, coarse=True)
    if any(corrections):
        table = replace(table, corrections=tuple(one for one in corrections for _ in range(samples)))
    most = _most(entries)
    users = np.concatenate([_ladder(BAND_POINTS, most), _here(entries)], axis=1)
    served = at_users(table, np.repeat(users, samples, axis=0), np.repeat(most, samples, axis=0), metrics=metrics)
    found = served.found.table
    with_first_error(found, np.concatenate([first for _, first in factors]))
    count = len(entries)
    waiting = np.repeat([[_waiting(entry)] for entry in entries], samples, axis=0)
    for metric in ("ttft", "e2e"):
        for values in found.get(metric, {}).values():
            values[:, -1:] += waiting / served.rate[:, -1:]
    point: dict[str, dict[float, Array]] = {}
    ends: tuple[dict[str, dict[float, Array]], ...] = ({}, {}, {})
    low: dict[str, Array] = {}
    high: dict[str, Array] = {}
    for metric in metrics:
        point[metric] = {q: values[:, -1].reshape(count, samples) for q, values in found[metric].items()}
        ordered = {q: np.sort(draws, axis=1) for q, draws in point[metric].items()}
        for end, share in zip(ends, (LOW, HIGH, MEDIAN), strict=True):
            end[metric] = {q: draws[:, order_index(share, samples)] for q, draws in ordered.items()}
        along = np.sort(found[metric][0.99][:, :-1].reshape(count, samples, BAND_POINTS), axis=1)
        low[metric], high[metric] = along[:, order_index(LOW, samples)], along[:, order_index(HIGH, samples)]
    drawn_rates = np.maximum.accumulate(served.rate[:, :-1], axis=1)
    checks = [(found[metric][0.99][:, :-1], limit) for metric, limit in context.limits.items()]
    bands = Bands(
        point, ends[0], ends[1], low, high, rates[:, np.linspace(0, rates.shape[1] - 1, BAND_POINTS).astype(int)],
        largest_rate_within(drawn_rates, checks).reshape(count, samples),
        drawn_rates[:, -1].reshape(count, samples), context.limits, np.ones(count), ends[2],
    )  # fmt: skip
    here = np.sort(served.rate[:, -1].reshape(count, samples), axis=1)
    middle = np.median(here, axis=1)
    swing = [
        (float(row[order_index(LOW, samples)] / half), float(row[order_index(HIGH, samples)] / half))
        for row, half in zip(here, middle, strict=True)
    ]
    return bands, swing


def _as_users(one: AlternativeOutcome, users: int, rate: float, swing: tuple[float, float]) -> AlternativeOutcome:
    """An alternative as its users see it: the rate is an outcome, so that money per token swings with it."""
    cost = one.cost
    if cost.usd_per_million_blended is not None:
        value, (low, high) = cost.usd_per_million_blended.value, swing
        # the rate swings about its own middle, and the money with it
        band = Banded(value, value / max(high, 1.0), value / min(low, 1.0), value)
        cost = replace(cost, usd_per_million_blended=band)
    batch = one.batch and replace(one.batch, users_rate=rate / users, binding=False)
    return replace(one, cost=cost, batch=batch, users=users, next_replica_rate=None)


def rates_of(outcomes: Mapping[str, WorkloadOutcome], scenario: Scenario) -> Scenario:
    """The scenario with each closed loop's rate as its selected alternative serves it: what its fleet must carry."""
    workloads = []
    for one in scenario.workloads:
        if one.traffic.mode == "closed_loop":
            rate = max(outcomes[one.name].chosen.request_rate, 1e-9)
            one = one.model_copy(update={"traffic": one.traffic.model_copy(update={"request_rate_per_s": rate})})
        workloads.append(one)
    return scenario.model_copy(update={"workloads": tuple(workloads)})

"""The win map: over model size and a promise (or other settings), the cheapest chip within reach that keeps it.

Column by column: every chip in every layout that fits is put under load once; the largest rate within each promise is
read off that curve for all promises of the column together; replicas, whole units and price follow. How surely the
winner wins is the share of draws of all open figures in which it is still the cheapest, each chip in the layout chosen
from central figures and with the replicas that the draw takes. Brings numba: for the worker and the command line.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.catalog import Catalog
from explorer.engine.cost import chips_in_whole_units, monthly_cost
from explorer.engine.queueing import COARSE, FINE, NodeSpacing
from explorer.engine.records import StepConstants
from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario, Workload
from explorer.study.bands import residual_factors
from explorer.study.compiled import on_this_thread, rates_within, solve, time_grid
from explorer.study.contestants import Contestant, Field, field_of
from explorer.study.deployment import Candidate, candidates_of, rows_of
from explorer.study.figures import FigureSets
from explorer.study.map_axes import AXES, MapAxis, MapQuestion, axis_values, moved, present_value
from explorer.study.power import facility_watts, limit_watts
from explorer.study.replica import Demand, Rows, p99_length
from explorer.study.resolve import ServedModel, served_model, step_constants
from explorer.study.scope import needs_a_rate
from explorer.study.sizing import load_ladder
from explorer.study.win_map_record import MapContestant, WinMap
from explorer.study.workload import demand_of, limits_of

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

CHOICE_LOADS, CENTRAL_LOADS, DRAWN_LOADS = 16, 28, 10
"""Against 48 loads everywhere the winner differs in 1 of 900 cells, the chance by 0.005 in the mean: a tenth of what
64 draws leave open."""
FIRST_COLUMNS, FIRST_SAMPLES = 8, 8
"""The first picture: every so many columns, with few draws."""
PARTS = 8
"""Pictures shown while the whole is computed."""


@dataclass(frozen=True)
class _Curves:
    """Rows of candidates under load: what each carries and how its latencies grow, P99, (rows, loads)."""

    rates: Array
    latency: Mapping[str, Array]


@dataclass(frozen=True)
class _Column:
    """One column of the map, read off for every value along the side; arrays (values,) unless said otherwise."""

    winner: Ints
    runner_up: Ints
    would_win: Ints
    usd_per_month: Array
    runner_up_usd: Array
    probability: Array
    chips: Ints
    degree: Ints
    closest: Ints
    shortfall: Array
    """Logarithm of the factor by which the closest chip misses; infinite where the model fits none."""
    short_of: Ints


class _Map:
    """A map in the making: what all columns share, and the columns that are there."""

    def __init__(self, catalog: Catalog, figures: FigureSets, scenario: Scenario, question: MapQuestion) -> None:
        self.catalog, self.scenario, self.question = catalog, scenario, question
        if not 0 <= question.workload < len(scenario.workloads):
            raise ExplorerError(f"no workload {question.workload + 1}: the scenario has {len(scenario.workloads)}")
        needs_a_rate(scenario.workloads[question.workload], "A win map")
        self.across, self.up = AXES[question.across], AXES[question.up]
        self.present = tuple(present_value(scenario, catalog, question, axis) for axis in (self.across, self.up))
        self.x = axis_values(self.across, self.present[0], question.columns)
        self.y = axis_values(self.up, self.present[1], question.rows)
        self.constants: StepConstants = step_constants()
        self.figures = figures
        self.fields: dict[int, Field] = {}
        self.columns: list[_Column | None] = [None] * question.columns
        self.curves: dict[int, _Readings] = {}

    def metrics(self) -> tuple[str, ...]:
        """The latencies that are promised, the one along the side last."""
        limits = limits_of(self.scenario.workloads[self.question.workload])
        limits.pop(self.up.metric, None)
        return (*limits, *([self.up.metric] if self.up.metric else []))

    def field(self, samples: int) -> Field:
        """Who takes part, prices drawn `samples` times."""
        if samples not in self.fields:
            workload = self.scenario.workloads[self.question.workload]
            self.fields[samples] = field_of(self.catalog, self.figures, self.scenario, workload, samples)
        return self.fields[samples]

    def fill_all(self, order: Sequence[int], samples: int) -> Generator[None]:
        """Compute columns on all cores, in order; a turn after each, at which whoever asks may give up."""
        self.field(samples)
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="win-map") as threads:
            if self.across.key == "rate":
                self._fill(order[0], samples)
            under_way = [threads.submit(self._fill, at, samples) for at in order]
            try:
                for one in under_way:
                    one.result()
                    yield None
            finally:
                for one in under_way:
                    one.cancel()

    def _fill(self, at: int, samples: int) -> None:
        with on_this_thread():
            self._compute(at, samples)

    def _compute(self, at: int, samples: int) -> None:
        value = float(self.x[at])
        scenario = moved(self.scenario, self.question, self.across, value)
        workload = scenario.workloads[self.question.workload]
        if self.across.key == "rate":
            # no step takes another time: the curves of one column are those of all
            if samples not in self.curves:
                self.curves[samples] = _Readings(self, workload, samples)
            readings = self.curves[samples]
        else:
            readings = _Readings(self, workload, samples)
        self.columns[at] = readings.column(workload.traffic.request_rate_per_s)

    def picture(self, samples: int, done: bool) -> WinMap:
        """The map as far as it is known; columns still to come look like the nearest one."""
        known = np.asarray([column is not None for column in self.columns])
        at = np.flatnonzero(known)
        nearest = at[np.argmin(np.abs(np.arange(len(known))[:, None] - at[None, :]), axis=1)]
        shown = [self.columns[one] for one in nearest]

        def stacked(name: str, kind: type) -> NDArray[np.generic]:
            return np.stack([getattr(column, name) for column in shown]).astype(kind)

        field = self.field(samples)
        preset = self.scenario.workloads[self.question.workload].model.preset
        return WinMap(
            family=self.catalog.model(preset).name if self.across.key == "size" else "",
            across=self.across.key,
            up=self.up.key,
            workload=self.question.workload,
            x=self.x,
            y=self.y,
            present=self.present,  # type: ignore[arg-type]
            contestants=tuple(
                MapContestant(
                    chip=one.deployment.chip.id,
                    name=one.deployment.chip.short_name,
                    unit_noun=one.deployment.chip.unit_noun,
                    cloud=one.deployment.cloud,
                    alternative=one.alternative,
                    reachable=one.reachable,
                    note=one.note,
                )
                for one in field.contestants
            ),
            left_out=dict(field.left_out),
            winner=stacked("winner", np.int16),
            runner_up=stacked("runner_up", np.int16),
            would_win=stacked("would_win", np.int16),
            usd_per_month=stacked("usd_per_month", np.float32),
            runner_up_usd=stacked("runner_up_usd", np.float32),
            probability=stacked("probability", np.float32),
            chips=stacked("chips", np.int32),
            degree=stacked("degree", np.int32),
            closest=stacked("closest", np.int16),
            shortfall=stacked("shortfall", np.float32),
            short_of=stacked("short_of", np.int16),
            metrics=self.metrics(),
            samples=samples,
            price_basis=self.scenario.price.basis,
            share_known=float(known.mean()),
            done=done,
        )


class _Readings:
    """The latency curves of one column, central and drawn, and what is read off them."""

    def __init__(self, made: _Map, workload: Workload, samples: int) -> None:
        self.map, self.workload, self.samples = made, workload, samples
        self.served: ServedModel = served_model(made.catalog, workload.model)
        self.demand: Demand = demand_of(workload)
        self.up: MapAxis = made.up
        limits = limits_of(workload)
        limits.pop(self.up.metric, None)
        self.held_limits = limits
        self.metrics = made.metrics() or ("tpot",)
        self.y_limits = made.y if self.up.metric else np.asarray([np.inf])
        self.field = made.field(samples)
        self.candidates, self.of = self._fitting()
        self.degrees = np.asarray([one.layout.chips for one in self.candidates], dtype=np.int64)
        self.drawn: dict[int, tuple[Array, Array]] = {}
        if self.candidates:
            rows = rows_of(self.candidates, made.constants, made.scenario.stragglers.jitter_sigma)
            self.choice, _, self.light = self._rates(rows, CHOICE_LOADS, COARSE, None)
            # layouts are chosen from the coarse chain, as everywhere; what counts of those chosen is fine
            self.bursty, self.smooth = (np.zeros_like(self.choice) for _ in range(2))

    def _fitting(self) -> tuple[list[Candidate], Ints]:
        """Every layout of every contestant that holds the model, and whose it is."""
        p99, sharded = p99_length(self.demand), self.workload.model.kv_sequence_sharding
        found: list[Candidate] = []
        of: list[int] = []
        for position, one in enumerate(self.field.contestants):
            try:
                options = candidates_of(one.deployment, self.served, p99, self.map.constants, sharded)
            except ExplorerError:
                continue
            for option in options:
                if option.fits and (one.several or option.layout.chips == 1):
                    found.append(option)
                    of.append(position)
        return found, np.asarray(of, dtype=np.int64)

    def _rates(self, rows: Rows, loads: int, spacing: NodeSpacing, first: Array | None) -> tuple[Array, Array, Array]:
        """Largest rates of a replica (rows, limits) within the promises, under the stated arrivals and under Poisson
        ones, and the factors by which each metric misses at light load, as logarithms (rows, metrics)."""
        stragglers, sharded = self.map.scenario.stragglers, self.workload.model.kv_sequence_sharding
        grid = time_grid(
            self.served.shape,
            self.demand,
            rows,
            self.map.constants,
            stall_probability=stragglers.stall_probability,
            sequence_sharding=sharded,
        )
        shares = load_ladder(loads)[None, :]
        quantiles = (0.5, 0.99) if "e2e" in self.metrics else (0.99,)
        wanted = tuple(dict.fromkeys([*self.metrics, *(["ttft"] if "e2e" in self.metrics else [])]))
        found: list[Array] = []
        light = np.zeros((len(rows.caps), 0))
        # a share of bursty arrivals is as bursty as it has sharers: rates between one replica and very many
        for replicas in (1.0,) if self.demand.arrival_scv == 1.0 else (1.0, np.inf):
            solved = solve(
                grid, self.demand, self.map.constants, shares, relative=True, stall_s=stragglers.stall_s,
                replicas=replicas, metrics=wanted, quantiles=quantiles, spacing=spacing,
            )  # fmt: skip
            p99 = {metric: solved.table[metric][0.99] for metric in wanted}
            if first is not None and "ttft" in p99:
                extra = p99["ttft"] * (first[:, None] - 1.0)
                if "e2e" in p99:
                    p99["e2e"] = p99["e2e"] + extra
                p99["ttft"] = p99["ttft"] + extra
            rates = shares * solved.saturation[:, None]
            held = rates[:, -1]
            for metric, limit in self.held_limits.items():
                held = rates_within(rates, p99[metric], held, np.asarray([limit]))[:, 0]
            up = self.up.metric
            found.append(rates_within(rates, p99[up], held, self.y_limits) if up else held[:, None])
            if light.shape[1] == 0:
                light = np.stack([np.log(p99[metric][:, 0]) for metric in self.metrics], axis=1)
        return found[0], found[-1], light

    def column(self, rate: float) -> _Column:
        """Who wins at each value along the side, at a rate of the whole service unless the side is the rate."""
        y = self.map.y
        count = len(y)
        asked = y if self.up.key == "rate" else np.full(count, rate)
        field, samples = self.field.contestants, self.samples
        if not self.candidates:
            return _nobody(count)
        picked, short, short_of = self._pick(asked)
        central = np.full((len(field), count), np.inf)
        degree, chips = np.zeros((len(field), count), dtype=np.int64), np.zeros((len(field), count), dtype=np.int64)
        drawn = np.full((len(field), count, samples), np.inf)
        self._draw(np.unique(picked[picked >= 0]))
        for position, one in enumerate(field):
            rows = picked[position]
            if rows[0] < 0:
                continue
            layout = self.degrees[rows]
            bought = self._bought(one, layout, self.bursty[rows], self.smooth[rows], asked)
            central[position] = monthly_cost(one.price.usd or 0.0, bought)
            degree[position] = layout
            chips[position] = np.where(np.isfinite(bought), bought, 0.0)
            if not one.reachable:
                continue
            distinct = np.unique(rows)
            bursty, smooth = (np.stack([self.drawn[int(row)][kind] for row in distinct]) for kind in (0, 1))
            at = np.searchsorted(distinct, rows)
            # (values, samples, limits) read at each value's own limit
            limit = np.arange(count) if self.up.metric else np.zeros(count, dtype=np.int64)
            each = self._bought(
                one, layout[:, None], bursty[at, :, limit], smooth[at, :, limit], asked[:, None], power_drawn=True
            )
            price = np.asarray([one.price.usd or 0.0]) if one.price.draws is None else one.price.draws
            drawn[position] = monthly_cost(price[None, :], each)
        return self._decided(central, drawn, chips, degree, short, short_of)

    def _limits_of(self, metric: str) -> Array:
        """The promise on a metric at each value of the side, or one for all; infinite where none is made."""
        if metric == self.up.metric:
            return self.y_limits
        return np.asarray([self.held_limits.get(metric, np.inf)])

    def _at_values(self, rates: Array, count: int) -> Array:
        return rates if self.up.metric else np.broadcast_to(rates, (len(rates), count))

    def _pick(self, asked: Array) -> tuple[Ints, Array, Ints]:
        """Each contestant's best layout at each value (contestants, values), -1 where none holds the model; by how
        much the best misses where none keeps the promises (logarithm), and which metric it misses most."""
        count = len(asked)
        kept = self._at_values(self.choice, count)
        field = self.field.contestants
        limits = np.stack([np.broadcast_to(np.log(self._limits_of(metric)), (count,)) for metric in self.metrics])
        # (rows, metrics, values)
        misses = self.light[:, :, None] - limits[None, :, :]
        missed = np.broadcast_to(misses.max(axis=1), (len(kept), count))
        worst = np.broadcast_to(misses.argmax(axis=1), (len(kept), count))
        picked = np.full((len(field), count), -1, dtype=np.int64)
        short, short_of = np.full((len(field), count), np.inf), np.zeros((len(field), count), dtype=np.int64)
        columns = np.arange(count)
        for position, one in enumerate(field):
            rows = np.flatnonzero(self.of == position)
            if not len(rows):
                continue
            rate = kept[rows]
            feasible = rate > 0.0
            replicas = np.maximum(np.ceil(asked / np.where(feasible, rate, 1.0) - 1e-9), 1.0)
            layout = self.degrees[rows][:, None]
            used = (replicas + one.deployment.settings.spare_replicas) * layout
            bought = chips_in_whole_units(used, one.price.unit_size)
            # fewest bought, then fewest used, then the largest margin
            margin = np.maximum(replicas * np.where(feasible, rate, 1.0) / asked, 1.0)
            score = np.where(feasible, bought * 1e7 + used + 0.49 / margin, 1e30 + missed[rows] * 1e27)
            best = rows[np.argmin(score, axis=0)]
            picked[position] = best
            fails = kept[best, columns] <= 0.0
            short[position] = np.where(fails, np.maximum(missed[best, columns], 0.0), 0.0)
            short_of[position] = worst[best, columns]
        return picked, short, short_of

    def _draw(self, wanted: Ints) -> None:
        """Read the rows wanted that were not yet: finely, and drawn under stated and Poisson arrivals."""
        rows = [int(row) for row in wanted if int(row) not in self.drawn]
        if not rows:
            return
        scenario, samples = self.map.scenario, self.samples
        candidates = [self.candidates[row] for row in rows]
        central = rows_of(candidates, self.map.constants, scenario.stragglers.jitter_sigma)
        self.bursty[rows], self.smooth[rows], _ = self._rates(central, CENTRAL_LOADS, FINE, None)
        # nobody's probability hangs on a chip that cannot be had
        rows = [row for row in rows if self.field.contestants[self.of[row]].reachable]
        if not rows:
            return
        candidates = [self.candidates[row] for row in rows]
        kind = "moe" if self.served.shape.is_moe else "dense"
        factors = [
            residual_factors(
                one.deployment.chip.id,
                one.deployment.chip.evidence_grade,
                kind,
                samples,
                scenario.simulation.seed,
                one.deployment.figures.step_spread,
            )
            for one in candidates
        ]
        table = rows_of(
            candidates,
            self.map.constants,
            scenario.stragglers.jitter_sigma,
            samples=samples,
            seed=scenario.simulation.seed,
            residual=[step for step, _ in factors],
        )
        bursty, smooth, _ = self._rates(table, DRAWN_LOADS, COARSE, np.concatenate([first for _, first in factors]))
        for at, row in enumerate(rows):
            part = slice(at * samples, (at + 1) * samples)
            self.drawn[row] = (bursty[part], smooth[part])

    def _bought(
        self,
        one: Contestant,
        layout: Ints,
        bursty: Array,
        smooth: Array,
        asked: Array,
        power_drawn: bool = False,
    ) -> Array:
        """Chips bought in whole units to carry `asked` within the promises; infinite where nothing does.

        With R replicas each carries about smooth + (bursty - smooth)/R: its arrivals' variance lies as far from
        Poisson's. The fewest R that together carry the rate follow.
        """
        if not power_drawn:
            limit = np.arange(len(layout)) if self.up.metric else np.zeros(len(layout), dtype=np.int64)
            each = np.arange(len(layout))
            bursty, smooth = bursty[each, limit], smooth[each, limit]
        keeps = smooth > 0.0
        carried = np.where(keeps, smooth, 1.0)
        replicas = np.maximum(np.ceil((asked + carried - np.where(keeps, bursty, 1.0)) / carried - 1e-9), 1.0)
        keeps &= (replicas > 1.0) | (bursty >= asked * (1.0 - 1e-9))
        used = (replicas + one.deployment.settings.spare_replicas) * layout
        bought = chips_in_whole_units(used, one.price.unit_size)
        price, most = self.map.scenario.price, limit_watts(self.map.scenario.price)
        if most is not None:
            values: dict[str, ArrayLike] = dict(one.deployment.values)
            if power_drawn:
                values |= one.deployment.figures.draws(self.samples, self.map.scenario.simulation.seed)
            watts = facility_watts(values, price)
            if watts is not None:
                keeps = keeps & (bought * watts <= most * (1.0 + 1e-9))
        return np.where(keeps, bought, np.inf)

    def _decided(
        self, central: Array, drawn: Array, chips: Ints, degree: Ints, short: Array, short_of: Ints
    ) -> _Column:
        field = self.field.contestants
        reachable = np.asarray([one.reachable for one in field])
        columns = np.arange(central.shape[1])
        within = np.where(reachable[:, None], central, np.inf)
        order = np.argsort(within, axis=0, kind="stable")
        winner = order[0]
        usd = within[winner, columns]
        runner = order[1] if len(field) > 1 else np.full_like(winner, -1)
        runner_usd = within[runner, columns] if len(field) > 1 else np.full_like(usd, np.inf)
        best_drawn = np.where(reachable[:, None, None], drawn, np.inf).min(axis=0)
        mine = drawn[winner, columns]
        probability = np.mean(np.isfinite(mine) & (mine <= best_drawn * (1.0 + 1e-12)), axis=1)
        wins = np.isfinite(usd)
        could = np.argmin(central, axis=0)
        nearest = np.argmin(np.where(reachable[:, None], short, np.inf), axis=0)
        missing = np.where(reachable[nearest], short[nearest, columns], np.inf)
        return _Column(
            winner=np.where(wins, winner, -1),
            runner_up=np.where(np.isfinite(runner_usd), runner, -1),
            would_win=np.where(np.isfinite(central[could, columns]), could, -1),
            usd_per_month=usd,
            runner_up_usd=runner_usd,
            # where nobody wins: how surely nobody does
            probability=np.asarray(np.where(wins, probability, np.mean(~np.isfinite(best_drawn), axis=1))),
            chips=np.where(wins, chips[winner, columns], 0),
            degree=np.where(wins, degree[winner, columns], 0),
            closest=np.where(np.isfinite(missing), nearest, -1),
            shortfall=missing,
            short_of=short_of[nearest, columns],
        )


def _nobody(count: int) -> _Column:
    """A column in which no chip holds the model."""
    none = np.full(count, -1, dtype=np.int64)
    zero, far = np.zeros(count, dtype=np.int64), np.full(count, np.inf)
    return _Column(none, none, none, far, far, np.ones(count), zero, zero, none, far, zero)


def win_map(
    catalog: Catalog, figures: FigureSets, scenario: Scenario, question: MapQuestion
) -> Generator[WinMap | None, None, WinMap]:
    """The map in parts: a coarse picture first, then ever more columns in full; None between for those who wait.

    Raises ExplorerError for a workload that is not there. The same arguments give the same map.
    """
    made = _Map(catalog, figures, scenario, question)
    count = question.columns
    few = min(FIRST_SAMPLES, question.samples)
    first = np.unique(np.round(np.linspace(0, count - 1, min(FIRST_COLUMNS, count))).astype(int))
    yield from made.fill_all([int(at) for at in first], few)
    yield made.picture(few, done=False)
    made.columns = [None] * count
    steps = max(count // PARTS, 1)
    # every so many columns first, then those between: each part covers the whole width
    order = [at for start in _spread(steps) for at in range(start, count, steps)]
    part = max(count // PARTS, 1)
    for done, _ in enumerate(made.fill_all(order, question.samples), start=1):
        yield made.picture(question.samples, done=False) if done % part == 0 and done < count else None
    return made.picture(question.samples, done=True)


def _spread(count: int) -> list[int]:
    """0 to count-1, each next one far from those before."""
    bits = max(count - 1, 1).bit_length()
    turned = [int(f"{at:0{bits}b}"[::-1], 2) for at in range(2**bits)]
    return [at for at in turned if at < count]

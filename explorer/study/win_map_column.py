"""One column of the win map: every chip in every layout put under load once, and what is read off the curves.

Brings numba: for the worker and the command line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.catalog import Catalog
from explorer.engine.batch_nodes import COARSE, FINE, NodeSpacing
from explorer.engine.cost import chips_in_whole_units, monthly_cost
from explorer.engine.records import StepConstants
from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.scenario.workload import Workload
from explorer.study.bands import residual_factors
from explorer.study.closed_form_code import made
from explorer.study.contestants import Contestant, Field, field_of
from explorer.study.demand import Demand, held_length
from explorer.study.deployment import Candidate, candidates_of
from explorer.study.engine_rows import rows_of
from explorer.study.figures import FigureSets
from explorer.study.map_axes import AXES, MapAxis, MapQuestion, axis_values, present_value
from explorer.study.power import facility_watts, limit_watts
from explorer.study.resolve import ServedModel, served_model, step_constants
from explorer.study.scope import needs_a_rate
from explorer.study.sizing import load_ladder
from explorer.study.solved import Asked
from explorer.study.step_grid import Rows
from explorer.study.workload import demand_of, limits_of

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

CHOICE_LOADS, CENTRAL_LOADS, DRAWN_LOADS = 16, 28, 10
"""Against 48 loads everywhere the winner differs in 1 of 900 cells, the chance by 0.005 in the mean: a tenth of what
64 draws leave open."""


@dataclass(frozen=True)
class Column:
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


class MapFrame:
    """What all columns of a map share: what is asked, the values along both sides, and who takes part.

    Raises ExplorerError for a workload that is not there or states no rate.
    """

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


class Readings:
    """The latency curves of one column, central and drawn, and what is read off them."""

    def __init__(self, frame: MapFrame, workload: Workload, samples: int) -> None:
        self.frame, self.workload, self.samples = frame, workload, samples
        self.served: ServedModel = served_model(frame.catalog, workload.model)
        self.demand: Demand = demand_of(workload)
        self.up: MapAxis = frame.up
        limits = limits_of(workload)
        limits.pop(self.up.metric, None)
        self.held_limits = limits
        self.metrics = frame.metrics() or ("tpot",)
        self.y_limits = frame.y if self.up.metric else np.asarray([np.inf])
        self.field = frame.field(samples)
        self.candidates, self.of = self._fitting()
        self.degrees = np.asarray([one.layout.chips for one in self.candidates], dtype=np.int64)
        self.drawn: dict[int, tuple[Array, Array]] = {}
        if self.candidates:
            rows = rows_of(self.candidates, frame.constants, frame.scenario.stragglers.jitter_sigma)
            self.choice, _, self.light = self._rates(rows, CHOICE_LOADS, COARSE, None)
            # layouts are chosen from the coarse chain, as everywhere; what counts of those chosen is fine
            self.bursty, self.smooth = (np.zeros_like(self.choice) for _ in range(2))

    def _fitting(self) -> tuple[list[Candidate], Ints]:
        """Every layout of every contestant that holds the model, and whose it is."""
        p99, sharded = held_length(self.demand), self.workload.model.kv_sequence_sharding
        found: list[Candidate] = []
        of: list[int] = []
        for position, one in enumerate(self.field.contestants):
            try:
                options = candidates_of(one.deployment, self.served, p99, self.frame.constants, sharded)
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
        stragglers, sharded = self.frame.scenario.stragglers, self.workload.model.kv_sequence_sharding
        loops = made()
        grid = loops.timed(
            self.served.shape,
            self.demand,
            rows,
            self.frame.constants,
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
            solved = loops.solved(
                grid, self.demand, self.frame.constants, shares, Asked(wanted, quantiles, spacing),
                stall_s=stragglers.stall_s, relative=True, replicas=replicas,
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
                held = loops.rates_within(rates, p99[metric], held, np.asarray([limit]))[:, 0]
            up = self.up.metric
            found.append(loops.rates_within(rates, p99[up], held, self.y_limits) if up else held[:, None])
            if light.shape[1] == 0:
                light = np.stack([np.log(p99[metric][:, 0]) for metric in self.metrics], axis=1)
        return found[0], found[-1], light

    def column(self, rate: float) -> Column:
        """Who wins at each value along the side, at a rate of the whole service unless the side is the rate."""
        y = self.frame.y
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
        """The promise on a metric at each value of the side, or one for all; infinite where none is frame."""
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
        scenario, samples = self.frame.scenario, self.samples
        candidates = [self.candidates[row] for row in rows]
        central = rows_of(candidates, self.frame.constants, scenario.stragglers.jitter_sigma)
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
            self.frame.constants,
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
        price, most = self.frame.scenario.price, limit_watts(self.frame.scenario.price)
        if most is not None:
            values: dict[str, ArrayLike] = dict(one.deployment.values)
            if power_drawn:
                values |= one.deployment.figures.draws(self.samples, self.frame.scenario.simulation.seed)
            watts = facility_watts(values, price)
            if watts is not None:
                keeps = keeps & (bought * watts <= most * (1.0 + 1e-9))
        return np.where(keeps, bought, np.inf)

    def _decided(self, central: Array, drawn: Array, chips: Ints, degree: Ints, short: Array, short_of: Ints) -> Column:
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
        return Column(
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


def _nobody(count: int) -> Column:
    """A column in which no chip holds the model."""
    none = np.full(count, -1, dtype=np.int64)
    zero, far = np.zeros(count, dtype=np.int64), np.full(count, np.inf)
    return Column(none, none, none, far, far, np.ones(count), zero, zero, none, far, zero)

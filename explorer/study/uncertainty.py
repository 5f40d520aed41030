"""What a choice turns out to be worth once figures are other than believed: where they may lie, and what then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.calibration import load_calibration
from explorer.catalog.figure import FIGURE_KINDS
from explorer.engine.cost import chips_in_whole_units, monthly_cost
from explorer.engine.largest_rate import largest_rate_within
from explorer.engine.stragglers import normal_quantile
from explorer.scenario.workload import LayoutChoice
from explorer.study.answers import Context
from explorer.study.banded import METRICS, Metric
from explorer.study.bands import HALF_WIDTH_TO_SD
from explorer.study.decision_case import Case, Choice
from explorer.study.demand import held_length
from explorer.study.deployment import Candidate, Deployment, candidates_of
from explorer.study.draws import uniforms
from explorer.study.engine_rows import rows_of
from explorer.study.figures import GivenDraws, unsettled, values_at, with_followers
from explorer.study.money import chip_price, priced
from explorer.study.outcome import Layout
from explorer.study.resolve import step_constants
from explorer.study.sizing import load_ladder
from explorer.study.solved import Asked

Array = NDArray[np.float64]

CLIFF_POINTS = 12

STEP, FIRST, RENT = "step", "first", "offer"
"""Drawn beside a chip's figures: the model's error on every step and on the first token, and a published rent."""


@dataclass(frozen=True)
class Points:
    """Where a chip's figures, the model's error and its rent lie, in each of `samples` cases; absent: as believed.

    `step` and `first` are factors, `rent` quantiles of an offer's range, NaN for the price stated.
    """

    samples: int
    figures: Mapping[str, Array] = field(default_factory=dict)
    """SI values by name, those that follow by ratio among them."""
    step: Array | None = None
    first: Array | None = None
    rent: Array | None = None

    @property
    def ones(self) -> Array:
        """One for each case."""
        return np.ones(self.samples)

    @property
    def steps(self) -> Array:
        """Factors on every step."""
        return self.ones if self.step is None else self.step

    @property
    def firsts(self) -> Array:
        """Factors on the first token beyond that on a step."""
        return self.ones if self.first is None else self.first

    def rows(self, at: NDArray[np.intp]) -> Points:
        """Some cases only."""
        return Points(
            len(at),
            {name: values[at] for name, values in self.figures.items()},
            None if self.step is None else self.step[at],
            None if self.first is None else self.first[at],
            None if self.rent is None else self.rent[at],
        )


@dataclass(frozen=True)
class Drawn:
    """What an alternative turns out to be in each case, arrays (samples,)."""

    p99: Mapping[Metric, Array]
    """At the stated traffic with the replicas of now, seconds; infinite where they cannot carry it."""
    keeps: NDArray[np.bool_]
    chips_needed: Array
    """Fewest chips that keep the promises, in whole units and in the best layout open; infinite where none do."""
    usd_per_chip_hour: Array
    chips_now: float

    def months_needed(self) -> Array:
        """USD a month when bought only after all is known; infinite where the promises are out of reach."""
        return np.asarray(monthly_cost(self.usd_per_chip_hour, self.chips_needed))

    def months_held(self) -> Array:
        """USD a month when bought now and added to once all is known; infinite where the promises are out of reach."""
        return np.asarray(monthly_cost(self.usd_per_chip_hour, np.maximum(self.chips_needed, self.chips_now)))


def parts_of(choice: Choice, price_basis: str) -> tuple[str, ...]:
    """What is not settled about a choice: its chip's figures, the model's error, and its rent where it is rented."""
    rent = (RENT,) if price_basis == "offer" else ()
    known = [name for name in unsettled(choice.chip, choice.overrides) if not FIGURE_KINDS[name].informative]
    return (*known, STEP, FIRST, *rent)


def points_at(case: Case, choice: Choice, quantiles: Mapping[str, Array], samples: int) -> Points:
    """Points at quantiles (samples,), 0 to 1, of the distributions of some parts; the others as believed."""
    table = load_calibration().residuals
    grade = choice.chip.evidence_grade
    step = table["step"][grade]["moe" if case.context.served.shape.is_moe else "dense"] * HALF_WIDTH_TO_SD
    spread = choice.deployment.figures.step_spread
    deviations = {
        STEP: step if spread is None else spread,
        FIRST: table["first_token"][grade] * HALF_WIDTH_TO_SD,
    }

    def error(part: str) -> Array | None:
        if part not in quantiles:
            return None
        return np.asarray(np.exp(deviations[part] * normal_quantile(quantiles[part])))

    chosen = {name: u for name, u in quantiles.items() if name in choice.chip.figures}
    figures = values_at(choice.chip, choice.overrides, chosen)
    return Points(samples, figures, error(STEP), error(FIRST), quantiles.get(RENT))


def points_with(choice: Choice, values: Mapping[str, Array], samples: int) -> Points:
    """Points at SI values (samples,) of some figures; NaN stands for the value believed."""
    believed = choice.deployment.values
    filled = {name: np.where(np.isnan(given), believed[name], given) for name, given in values.items()}
    return Points(samples, with_followers(choice.chip, choice.overrides, filled))


def joint_points(case: Case, choice: Choice, samples: int) -> tuple[Points, dict[str, Array]]:
    """Joint draws of everything that is not settled about a choice, and the quantiles drawn by part, (samples,).

    These are the draws of the bands: the same chip has the same ones in every alternative.
    """
    seed = case.context.scenario.simulation.seed
    parts = parts_of(choice, case.context.scenario.price.basis)
    quantiles = {part: uniforms(choice.chip.id, part, samples, seed) for part in parts}
    return points_at(case, choice, quantiles, samples), quantiles


def drawn(case: Case, choice: Choice, points: Points, *, money: bool = True) -> Drawn:
    """What a choice turns out to be at `points`; without `money`, chips and prices are left infinite."""
    p99, keeps, needed = _in_layout_of_now(case, choice, points, money=money)
    if not money:
        return Drawn(p99, keeps, needed, needed, float(choice.outcome.chips_total))
    # a chip that is well known is regrouped only where its chips keep the promises at no number in their layout
    all_rows = bool(choice.chip.open_figures)
    for layout in choice.layouts[1:]:
        rows = np.arange(points.samples) if all_rows else np.flatnonzero(~np.isfinite(needed))
        if rows.size:
            loaded = _Loaded(case, choice, layout, points.rows(rows))
            if loaded.fits:
                chips = _chips(case, choice, layout, loaded.cliffs(1.0))
                needed[rows] = np.minimum(needed[rows], chips)
    usd = _usd_per_chip_hour(case, _deployment(choice, points), points)
    return Drawn(p99, keeps, needed, usd, float(choice.outcome.chips_total))


def _in_layout_of_now(
    case: Case, choice: Choice, points: Points, *, money: bool
) -> tuple[dict[Metric, Array], NDArray[np.bool_], Array]:
    """P99s at the stated traffic, whether the promises are kept, and the chips that keep them (infinite unasked)."""
    context, count = case.context, max(choice.outcome.replicas, 1)
    asked = tuple(metric for metric in METRICS if metric in (*_promised(context), case.answer.tightest_metric))
    loaded = _Loaded(case, choice, choice.layouts[0], points)
    stated = np.full((points.samples, 1), context.rate / count)
    found, saturation = loaded.p99(stated, asked, count)
    p99 = {metric: found[metric][:, 0] for metric in asked}
    keeps = stated[:, 0] < saturation
    for metric in METRICS:
        if metric in context.limits:
            keeps &= p99[metric] <= context.limits[metric]
    needed = np.full(points.samples, np.inf)
    if money:
        needed = _chips(case, choice, choice.layouts[0], loaded.cliffs(count))
    return p99, keeps, needed


class _Loaded:
    """A choice in one layout at points: one row each, timed once and loaded as asked."""

    def __init__(self, case: Case, choice: Choice, layout: Layout, points: Points) -> None:
        # may have to compile: never in the window's process
        from explorer.study.closed_form_code import made

        self._loops, self._context, self._points = made(), case.context, points
        context, scenario = case.context, case.context.scenario
        candidate = _candidate(context, _deployment(choice, points), layout)
        self.fits = candidate.fits
        self._constants = step_constants()
        self._grid = self._loops.timed(
            context.served.shape,
            context.demand,
            rows_of(
                [candidate],
                self._constants,
                scenario.stragglers.jitter_sigma,
                samples=points.samples,
                seed=scenario.simulation.seed,
                residual=[points.steps],
            ),
            self._constants,
            stall_probability=scenario.stragglers.stall_probability,
            sequence_sharding=context.sharded,
        )

    def p99(
        self, rates: Array, metrics: tuple[Metric, ...], replicas: float, *, relative: bool = False
    ) -> tuple[dict[Metric, Array], Array]:
        """P99s (rows, loads) at `rates` a replica, or shares of each row's own saturation; and that (rows,)."""
        wanted = _drawn_together(metrics)
        solved = self._loops.solved(
            self._grid,
            self._context.demand,
            self._constants,
            rates,
            Asked(wanted, (0.5, 0.99)),
            stall_s=self._context.scenario.stragglers.stall_s,
            relative=relative,
            replicas=replicas,
        )
        found = {metric: solved.table[metric][0.99] for metric in wanted}
        if "ttft" in found:
            # the error on the first token beyond that on a step; a whole answer begins with it
            more = np.where(np.isfinite(found["ttft"]), found["ttft"], 0.0) * (self._points.firsts[:, None] - 1.0)
            found["ttft"] = found["ttft"] + more
            if "e2e" in found:
                found["e2e"] = found["e2e"] + more
        return found, solved.saturation

    def cliffs(self, replicas: float) -> Array:
        """Largest rate of a replica that keeps every promise, (rows,): a draw may carry far more than is believed."""
        ladder = load_ladder(CLIFF_POINTS)[None, :]
        found, saturation = self.p99(ladder, _promised(self._context), replicas, relative=True)
        checks = [(found[metric], self._context.limits[metric]) for metric in METRICS if metric in self._context.limits]
        return largest_rate_within(ladder * saturation[:, None], checks)


def _promised(context: Context) -> tuple[Metric, ...]:
    return tuple(metric for metric in METRICS if metric in context.limits) or ("tpot",)


def _drawn_together(metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
    """A whole answer carries the error on its first token."""
    return ("ttft", *metrics) if "e2e" in metrics and "ttft" not in metrics else metrics


def _chips(case: Case, choice: Choice, layout: Layout, cliffs: Array) -> Array:
    """Chips in whole units that carry the stated traffic within the promises; infinite where no number does."""
    scenario = case.context.scenario
    unit = chip_price(case.catalog, choice.deployment, scenario.price, scenario.as_of, 8, 0).unit_size
    able = cliffs > 0.0
    replicas = np.maximum(np.ceil(case.context.rate / np.where(able, cliffs, 1.0) - 1e-9), 1.0)
    chips = chips_in_whole_units((replicas + choice.settings.spare_replicas) * layout.chips, unit)
    return np.where(able, chips, np.inf)


def _deployment(choice: Choice, points: Points) -> Deployment:
    update = choice.deployment.figures.update
    return replace(choice.deployment, figures=GivenDraws(choice.chip, choice.overrides, points.figures, update))


def _usd_per_chip_hour(case: Case, deployment: Deployment, points: Points) -> Array:
    scenario = case.context.scenario
    rents = np.full(points.samples, np.nan) if points.rent is None else points.rent
    found = priced(case.catalog, deployment, scenario.price, scenario.as_of, points.figures, rents)
    if found.usd is None:
        return np.full(points.samples, np.inf)
    if found.draws is None:
        return np.full(points.samples, found.usd)
    prices = np.broadcast_to(found.draws, (points.samples,))
    if scenario.price.basis == "offer":
        prices = np.where(np.isnan(rents), found.usd, prices)
    return np.asarray(prices)


def _candidate(context: Context, deployment: Deployment, layout: Layout) -> Candidate:
    held = deployment.settings.model_copy(
        update={
            "layout": LayoutChoice(tp=layout.tp, pp=layout.pp, dp=layout.dp, ep=layout.ep),
            "parallelism_degree": layout.chips,
        }
    )
    fixed = replace(deployment, settings=held)
    tokens = held_length(context.demand)
    return candidates_of(fixed, context.served, tokens, step_constants(), context.sharded)[0]

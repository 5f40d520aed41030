"""Bands: every draw of a chip's open figures and of the model's own error, through the same engine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.calibration import load_calibration
from explorer.engine.largest_rate import largest_rate_within
from explorer.engine.stragglers import normal_quantile
from explorer.study.answers import Context, Sized
from explorer.study.banded import METRICS, Banded, Metric
from explorer.study.correction import Correction
from explorer.study.demand import shared_scv
from explorer.study.deployment import Candidate
from explorer.study.draws import SOBOL_FROM, uniforms
from explorer.study.engine_rows import rows_of
from explorer.study.kept import Kept, Same
from explorer.study.layout_search import Pick
from explorer.study.resolve import step_constants
from explorer.study.sizing import grid_of, load_ladder
from explorer.study.solved import Asked
from explorer.study.solver import under_load
from explorer.study.step_grid import Rows

Array = NDArray[np.float64]

BAND_POINTS = 14
BEYOND_POINTS = 6
OWN_END = 0.995
"""Share of its own saturation up to which a draw is followed that keeps the promises beyond the central one."""
LOW, MEDIAN, HIGH = 0.05, 0.5, 0.95
HALF_WIDTH_TO_SD = 1.0 / 1.6448536269514722
"""A 90 % half-width times this is a standard deviation (normal in the logarithm)."""


@dataclass(frozen=True)
class Bands:
    """Draws: at the operating point (alternatives, samples), along the load (alternatives, BAND_POINTS)."""

    point: Mapping[str, Mapping[float, Array]]
    point_low: Mapping[str, Mapping[float, Array]]
    """P5 and P95 of the draws at the operating point, (alternatives,)."""
    point_high: Mapping[str, Mapping[float, Array]]
    low: Mapping[str, Array]
    high: Mapping[str, Array]
    at: Array
    """Rates a replica at which the band along the load stands."""
    cliffs: Array
    saturations: Array
    limits: Mapping[str, float]
    """A latency that was not drawn is absent from `point`, `low` and `high`."""
    first_up: Array
    """Factor by which the upper end of P99 first token is raised, (alternatives,); 1 where it was simulated."""
    point_median: Mapping[str, Mapping[float, Array]]
    """P50 of the draws at the operating point, (alternatives,)."""

    def probabilities(self, at: int, within: NDArray[np.bool_]) -> dict[str, float]:
        """Share of draws that keep each promise at the operating point, and all of them together.

        `within` (samples,): the draws that also keep within what there is, such as power.
        """
        kept = {metric: self.point[metric][0.99][at] <= limit for metric, limit in self.limits.items()}
        every = within if kept else within & np.isfinite(self.point["tpot"][0.99][at])
        for flags in kept.values():
            every = every & flags
        return {metric: np.count_nonzero(flags) / len(flags) for metric, flags in {**kept, "all": every}.items()}


def first_token_up() -> float:
    """Factor by which the upper band of the closed form's P99 first token is raised (it reads low)."""
    return float(np.exp(load_calibration().residuals["closed_form"]["first_token_p99_up"]))


@lru_cache(maxsize=1024)
def residual_factors(
    chip: str, grade: str, kind: str, samples: int, seed: int, spread: float | None = None
) -> tuple[Array, Array]:
    """Draws of the model's own error for a chip: on every step, and on the first token beyond it; (samples,) each.

    `spread` is what measurements of the user's own left of the error on a step (standard deviation, ln).
    """
    table = load_calibration().residuals
    step = normal_quantile(uniforms(chip, "step", samples, seed))
    first = normal_quantile(uniforms(chip, "first", samples, seed))
    deviation = table["step"][grade][kind] * HALF_WIDTH_TO_SD if spread is None else spread
    return (
        np.asarray(np.exp(deviation * step)),
        np.asarray(np.exp(table["first_token"][grade] * HALF_WIDTH_TO_SD * first)),
    )


@lru_cache(maxsize=16)
def step_error(grade: str, is_moe: bool) -> float:
    """The factor by which the 90 % band of an evidence grade multiplies and divides a step."""
    return float(np.exp(load_calibration().residuals["step"][grade]["moe" if is_moe else "dense"]))


def drawn_rows(context: Context, candidates: Sequence[Candidate], samples: int, steps: Sequence[Array]) -> Rows:
    """Engine rows of every draw of the figures of every candidate, `samples` each.

    `steps` (samples,) each are the model's own error on a step.
    """
    return rows_of(
        candidates,
        step_constants(),
        context.scenario.stragglers.jitter_sigma,
        samples=samples,
        seed=context.scenario.simulation.seed,
        residual=steps,
    )


def with_first_error(found: dict[str, dict[float, Array]], firsts: Array) -> None:
    """Put the model's own error on the first token, `firsts` (rows,), into latencies (rows, loads)."""
    if "ttft" not in found:
        return
    first, whole = found["ttft"], found.get("e2e")
    values = np.array(list(first.values()))
    extra = np.where(np.isfinite(values), values, 0.0) * (firsts[:, None] - 1.0)
    values += extra
    for at, q in enumerate(first):
        first[q] = values[at]
        if whole is not None:
            longer = whole[q] + extra[at]
            # corrected apart from each other, far beyond saturation of a draw, first tokens may outgrow answers
            whole[q] = np.where(longer > 0.0, longer, values[at])


@dataclass(frozen=True, eq=False, slots=True)
class _Along:
    """The draws of one alternative along its load: ends of the band (2, metrics, BAND_POINTS), rates (samples,)."""

    ends: Array
    cliffs: Array
    saturations: Array


@dataclass(frozen=True, eq=False, slots=True)
class _Point:
    """The draws of one alternative at its operating point by metric and quantile, (metrics, quantiles, samples)."""

    quantiles: tuple[float, ...]
    draws: Array
    ends: Array
    """P5, P95 and P50 of them, (3, metrics, quantiles)."""


_ALONG: Kept[_Along] = Kept(64)
_POINTS: Kept[_Point] = Kept(64)


def draw_bands(
    context: Context,
    sized: Sequence[Sized],
    replicas: Sequence[int],
    saturation: Array,
    samples: int,
    metrics: tuple[Metric, ...],
    corrections: Sequence[Correction | None],
    picks: Sequence[Pick],
) -> Bands:
    """Evaluate every draw of every alternative at its operating point and along its load, replicas held.

    `metrics` are the latencies to draw; the first token, time per token and promised ones must be among them.

    `saturation` (alternatives,): central saturation of one replica, which sets where the band is evaluated. `picks`
    tell alternatives apart: while a hand moves, what it leaves alone is taken from the frame before.
    """
    share = np.asarray(replicas, dtype=np.float64)
    drawing = _Drawing(
        context, sized, share, samples, metrics, corrections,
        load_ladder(BAND_POINTS)[None, :] * saturation[:, None], context.rate / share,
    )  # fmt: skip
    seed = context.scenario.simulation.seed
    keys = [
        (pick, samples, seed, metrics, scv, Same(correction))
        for pick, scv, correction in zip(picks, shared_scv(context.demand, share).tolist(), corrections, strict=True)
    ]
    rated = [(key, rate) for key, rate in zip(keys, drawing.rates.tolist(), strict=True)]
    along_known, point_known = _ALONG, _POINTS
    if not context.moving:
        along_known, point_known = Kept(len(keys)), Kept(len(keys))
    along, point = [along_known.get(key) for key in keys], [point_known.get(key) for key in rated]
    new_along = [at for at, one in enumerate(along) if one is None]
    new_point = [at for at, one in enumerate(point) if one is None]
    # both at once where they are of the same alternatives
    for which, do_along, do_point in (
        [(new_along, True, True)] if new_along == new_point else [(new_along, True, False), (new_point, False, True)]
    ):
        if which:
            lines, points = drawing.of(which, along=do_along, point=do_point)
            for at, line in zip(which, lines, strict=bool(lines)):
                along[at] = line
                along_known.put(keys[at], line)
            for at, one in zip(which, points, strict=bool(points)):
                point[at] = one
                point_known.put(rated[at], one)
    lines = [one for one in along if one is not None]
    points = [one for one in point if one is not None]

    quantiles = points[0].quantiles

    def by_quantile(table: Array) -> dict[str, dict[float, Array]]:
        """(alternatives, metrics, quantiles, ...) by name."""
        return {
            metric: {q: table[:, row, column] for column, q in enumerate(quantiles)}
            for row, metric in enumerate(metrics)
        }

    point_ends = np.array([one.ends for one in points])
    low, high = np.array([one.ends for one in lines]).transpose(1, 2, 0, 3)
    return Bands(
        by_quantile(np.array([one.draws for one in points])),
        by_quantile(point_ends[:, 0]),
        by_quantile(point_ends[:, 1]),
        dict(zip(metrics, low, strict=True)),
        dict(zip(metrics, high, strict=True)),
        drawing.at,
        np.array([one.cliffs for one in lines]),
        np.array([one.saturations for one in lines]),
        context.limits,
        drawing.first_up,
        by_quantile(point_ends[:, 2]),
    )


@dataclass(frozen=True)
class _Drawing:
    """The draws of some alternatives under load; arrays (alternatives, ...)."""

    context: Context
    sized: Sequence[Sized]
    share: Array
    """Replicas."""
    samples: int
    metrics: tuple[Metric, ...]
    corrections: Sequence[Correction | None]
    at: Array
    """Rates a replica along the load, (alternatives, BAND_POINTS), requests/s."""
    rates: Array
    """Rate a replica at the operating point, requests/s."""

    @property
    def first_up(self) -> Array:
        """Factor by which the upper end of P99 first token is raised."""
        return np.asarray([1.0 if one is not None else first_token_up() for one in self.corrections])

    def of(self, which: Sequence[int], *, along: bool, point: bool) -> tuple[list[_Along], list[_Point]]:
        """What was asked for of the alternatives at these places, in their order; else empty lists."""
        context, samples, count = self.context, self.samples, len(which)
        places = np.asarray(which)
        seed, kind = context.scenario.simulation.seed, "moe" if context.served.shape.is_moe else "dense"
        deployments = [self.sized[one].deployment for one in which]
        factors = [
            residual_factors(one.chip.id, one.chip.evidence_grade, kind, samples, seed, one.figures.step_spread)
            for one in deployments
        ]
        firsts = np.concatenate([first for _, first in factors])
        rows = drawn_rows(context, [self.sized[one].candidate for one in which], samples, [step for step, _ in factors])
        given = [self.corrections[one] for one in which]
        each = tuple(one for one in given for _ in range(samples)) if any(given) else ()
        columns = [self.at[places]] if along else []
        columns += [self.rates[places, None]] if point else []
        loads, share = np.repeat(np.concatenate(columns, axis=1), samples, axis=0), self.share[places]
        found, largest = rows_under_load(context, rows, loads, np.repeat(share, samples), self.metrics, each)
        with_first_error(found, firsts)
        points = self._points(found, count) if point else []
        if not along:
            return [], points
        rates = loads[:, :BAND_POINTS]
        tails: dict[str, Array] = {metric: found[metric][0.99][:, :BAND_POINTS] for metric in self.metrics}
        cliffs = largest_rate_within(rates, [(tails[metric], limit) for metric, limit in context.limits.items()])
        if samples >= SOBOL_FROM:
            # a moving hand does without
            cliffs = _beyond(context, rows, each, cliffs, rates[:, -1], largest, share, firsts)
        # ends, metrics, alternatives, loads
        ordered = np.array([tails[metric] for metric in self.metrics])
        ordered = np.sort(ordered.reshape(-1, count, samples, BAND_POINTS), axis=2)
        ends = ordered[:, :, [order_index(end, samples) for end in (LOW, HIGH)]].transpose(2, 0, 1, 3)
        ends[1, self.metrics.index("ttft")] *= self.first_up[places, None]
        cliffs, largest = cliffs.reshape(count, samples), largest.reshape(count, samples)
        return [_Along(ends[:, :, at], cliffs[at], largest[at]) for at in range(count)], points

    def _points(self, found: Mapping[str, Mapping[float, Array]], count: int) -> list[_Point]:
        """The operating point, which is the last column, of each alternative."""
        quantiles = tuple(found[self.metrics[0]])
        block = np.array([[found[metric][q][:, -1] for q in quantiles] for metric in self.metrics])
        block = block.reshape(len(self.metrics), len(quantiles), count, self.samples)
        ordered = np.sort(block, axis=3)
        ends = ordered[..., [order_index(end, self.samples) for end in (LOW, HIGH, MEDIAN)]].transpose(3, 0, 1, 2)
        return [_Point(quantiles, block[:, :, at], ends[:, :, :, at]) for at in range(count)]


def rows_under_load(
    context: Context,
    rows: Rows,
    rates: Array,
    replicas: Array,
    metrics: tuple[str, ...],
    corrections: Sequence[Correction | None],
) -> tuple[dict[str, dict[float, Array]], Array]:
    """Latency quantiles of drawn rows at `rates` a replica (rows, loads), and the largest rate of each (rows,)."""
    constants, stragglers = step_constants(), context.scenario.stragglers
    grid = grid_of(context.served, context.demand, rows, constants, stragglers, context.sharded)
    solved = under_load(
        grid, context.demand, constants, stragglers, rates, Asked(metrics), replicas=replicas, corrections=corrections
    )
    return solved.table, solved.saturation


def _beyond(
    context: Context,
    rows: Rows,
    corrections: Sequence[Correction | None],
    cliffs: Array,
    last: Array,
    largest: Array,
    share: Array,
    firsts: Array,
) -> Array:
    """Cliffs (rows,) of draws that keep every promise up to the `last` rate looked at, followed to their own end.

    The band along the load ends where the central figures do; a better draw may carry several times as much.
    """
    ends = np.maximum(OWN_END * largest, last)
    further = (cliffs >= last * (1.0 - 1e-9)) & (ends > last * (1.0 + 1e-9))
    promised = tuple(metric for metric in METRICS if metric in context.limits)
    if not promised or not further.any():
        return cliffs
    rates = last[:, None] + (ends - last)[:, None] * np.linspace(0.0, 1.0, BEYOND_POINTS)[None, :]
    wanted = ("ttft", *promised) if "e2e" in promised and "ttft" not in promised else promised
    replicas = np.repeat(share, len(last) // len(share))
    found, _ = rows_under_load(context, rows, rates, replicas, wanted, corrections)
    with_first_error(found, firsts)
    followed = largest_rate_within(rates, [(found[metric][0.99], context.limits[metric]) for metric in promised])
    return np.where(further, followed, cliffs)


def order_index(q: float, samples: int) -> int:
    """Index of quantile q among sorted draws: the lower neighbour below the median, the upper above."""
    return int(np.floor(q * (samples - 1))) if q < 0.5 else int(np.ceil(q * (samples - 1)))


def banded(value: float, low: float, high: float, median: float | None = None) -> Banded | None:
    """A value with the band of its draws, which is made to hold the value; None when the value is not finite.

    An upper end that is infinite (more than one draw in twenty cannot carry the load) stays infinite.
    """
    if not math.isfinite(value):
        return None
    return Banded(value, min(low, value), max(high, value), median)


def band_of_draws(value: float, draws: Array) -> Banded:
    """A finite value with P5, P50 and P95 of its draws (samples,), a band which is made to hold the value."""
    ordered, samples = np.sort(draws), len(draws)
    low, median, high = (float(ordered[order_index(q, samples)]) for q in (LOW, MEDIAN, HIGH))
    return Banded(value, min(low, value), max(high, value), median)


def scaled(band: Banded, factor: float) -> Banded:
    """A band in another unit."""
    median = None if band.median is None else band.median * factor
    return Banded(band.value * factor, band.low * factor, band.high * factor, median)

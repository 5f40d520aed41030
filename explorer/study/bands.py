"""Bands: every draw of a chip's open figures and of the model's own error, through the same engine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.calibration import load_calibration
from explorer.engine.latency import largest_rate_within
from explorer.engine.stragglers import normal_quantile
from explorer.study.answers import Context, Sized
from explorer.study.correction import Correction
from explorer.study.deployment import Candidate, rows_of
from explorer.study.drawn_rows import under_load
from explorer.study.draws import SOBOL_FROM, uniforms
from explorer.study.outcome import METRICS, Banded, Metric
from explorer.study.replica import Rows
from explorer.study.resolve import step_constants
from explorer.study.sizing import load_ladder

Array = NDArray[np.float64]

BAND_POINTS = 14
BEYOND_POINTS = 6
OWN_END = 0.995
"""Share of its own saturation up to which a draw is followed that keeps the promises beyond the central one."""
LOW, HIGH = 0.05, 0.95
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
def residual_factors(chip: str, grade: str, kind: str, samples: int, seed: int) -> tuple[Array, Array]:
    """Draws of the model's own error for a chip: on every step, and on the first token beyond it; (samples,) each."""
    table = load_calibration().residuals
    step = normal_quantile(uniforms(chip, "step", samples, seed))
    first = normal_quantile(uniforms(chip, "first", samples, seed))
    return (
        np.asarray(np.exp(table["step"][grade][kind] * HALF_WIDTH_TO_SD * step)),
        np.asarray(np.exp(table["first_token"][grade] * HALF_WIDTH_TO_SD * first)),
    )


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
    if "ttft" in found:
        for q, values in found["ttft"].items():
            extra = np.where(np.isfinite(values), values, 0.0) * (firsts[:, None] - 1.0)
            if "e2e" in found:
                found["e2e"][q] = found["e2e"][q] + extra
            found["ttft"][q] = values + extra


def draw_bands(
    context: Context,
    sized: Sequence[Sized],
    replicas: Sequence[int],
    saturation: Array,
    samples: int,
    metrics: tuple[Metric, ...],
    corrections: Sequence[Correction | None] = (),
) -> Bands:
    """Evaluate every draw of every alternative at its operating point and along its load, replicas held.

    `metrics` are the latencies to draw; the first token, time per token and promised ones must be among them.

    `saturation` (alternatives,): central saturation of one replica, which sets where the band is evaluated.
    """
    scenario = context.scenario
    kind = "moe" if context.served.shape.is_moe else "dense"
    factors = [
        residual_factors(
            entry.deployment.chip.id,
            entry.deployment.chip.evidence_grade,
            kind,
            samples,
            scenario.simulation.seed,
        )
        for entry in sized
    ]
    share = np.asarray(replicas, dtype=np.float64)
    at = load_ladder(BAND_POINTS)[None, :] * saturation[:, None]
    loads = np.concatenate([at, (context.rate / share)[:, None]], axis=1)
    rows = drawn_rows(context, [entry.candidate for entry in sized], samples, [step for step, _ in factors])
    given = corrections or [None] * len(sized)
    first_up = np.asarray([1.0 if one is not None else first_token_up() for one in given])
    every, count = np.repeat(loads, samples, axis=0), len(sized)
    firsts = np.concatenate([first for _, first in factors])
    each = tuple(one for one in corrections for _ in range(samples)) if any(corrections) else ()
    found, largest = under_load(context, rows, every, np.repeat(share, samples), metrics, each)
    with_first_error(found, firsts)
    point: dict[str, dict[float, Array]] = {}
    ends: tuple[dict[str, dict[float, Array]], dict[str, dict[float, Array]]] = ({}, {})
    low: dict[str, Array] = {}
    high: dict[str, Array] = {}
    for metric in metrics:
        point[metric] = {q: values[:, -1].reshape(count, samples) for q, values in found[metric].items()}
        ordered = {q: np.sort(draws, axis=1) for q, draws in point[metric].items()}
        for end, share_of_draws in zip(ends, (LOW, HIGH), strict=True):
            end[metric] = {q: draws[:, order_index(share_of_draws, samples)] for q, draws in ordered.items()}
        along = np.sort(found[metric][0.99][:, :-1].reshape(count, samples, BAND_POINTS), axis=1)
        low[metric] = along[:, order_index(LOW, samples), :]
        high[metric] = along[:, order_index(HIGH, samples), :] * (first_up[:, None] if metric == "ttft" else 1.0)
    checks = [(found[metric][0.99][:, :-1], limit) for metric, limit in context.limits.items()]
    cliffs = largest_rate_within(every[:, :-1], checks)
    if samples >= SOBOL_FROM:
        # a moving hand does without
        cliffs = _beyond(context, rows, each, cliffs, every[:, BAND_POINTS - 1], largest, share, firsts)
    return Bands(
        point,
        *ends,
        low,
        high,
        at,
        cliffs.reshape(count, samples),
        largest.reshape(count, samples),
        context.limits,
        first_up,
    )


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
    found, _ = under_load(context, rows, rates, replicas, wanted, corrections)
    with_first_error(found, firsts)
    followed = largest_rate_within(rates, [(found[metric][0.99], context.limits[metric]) for metric in promised])
    return np.where(further, followed, cliffs)


def order_index(q: float, samples: int) -> int:
    """Index of quantile q among sorted draws: the lower neighbour below the median, the upper above."""
    return int(np.floor(q * (samples - 1))) if q < 0.5 else int(np.ceil(q * (samples - 1)))


def banded(value: float, low: float, high: float) -> Banded | None:
    """A value with the band of its draws, which is made to hold the value; None when the value is not finite.

    An upper end that is infinite (more than one draw in twenty cannot carry the load) stays infinite.
    """
    if not math.isfinite(value):
        return None
    return Banded(value, min(low, value), max(high, value))

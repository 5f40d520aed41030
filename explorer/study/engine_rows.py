"""The engine rows that deployments in their layouts become, by central figures or by draws of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.engine.fabric import allreduce_coefficients
from explorer.engine.records import AllReduce, ChipSpec, Split, StepConstants, stack_allreduce
from explorer.engine.speculation import tokens_per_step
from explorer.engine.stragglers import mean_of_max_lognormal
from explorer.scenario.workload import Alternative
from explorer.study.deployment import Candidate
from explorer.study.figures import FigureSet
from explorer.study.kept import Same
from explorer.study.layouts import split_of
from explorer.study.outcome import Layout
from explorer.study.resolve import chip_spec, fabric_of, require_links
from explorer.study.step_grid import Rows

Array = NDArray[np.float64]


def rows_of(
    candidates: Sequence[Candidate],
    constants: StepConstants,
    jitter: float,
    *,
    samples: int = 0,
    seed: int = 0,
    residual: Sequence[Array] = (),
) -> Rows:
    """Engine rows of candidates: one each, or `samples` each of their figures' draws with step residuals (samples,)."""
    drawn = [Same(one) for one in residual] if samples else [None] * len(candidates)
    parts = tuple(
        (one.deployment.figures, one.deployment.weight_precision, one.deployment.kv_precision, one.layout, own)
        for one, own in zip(candidates, drawn, strict=True)
    )
    spec, allreduce, split = _stacked(parts, constants, jitter, samples, seed)
    caps = np.asarray([one.cap for one in candidates], dtype=np.float64)
    budgets = np.asarray([one.deployment.settings.token_budget for one in candidates], dtype=np.float64)
    whole = [one.deployment.settings.scheduler == "prefill_first" for one in candidates]
    count = max(samples, 1)
    return Rows(
        spec=spec,
        allreduce=allreduce,
        split=split,
        caps=np.repeat(caps, count),
        token_budget=np.repeat(budgets, count)[:, None],
        whole_prompts=np.repeat(whole, count)[:, None] if any(whole) else None,
        speculation=_speculation([one.deployment.settings for one in candidates], count),
    )


def _speculation(settings: Sequence[Alternative], count: int) -> Array | None:
    """Tokens a step and extra time of it, `count` rows for each deployment; None where none speculates."""
    if all(one.speculation is None for one in settings):
        return None
    each = [
        (1.0, 0.0)
        if one.speculation is None
        else (tokens_per_step(one.speculation.acceptance, one.speculation.draft_tokens), one.speculation.step_cost)
        for one in settings
    ]
    return np.repeat(np.asarray(each, dtype=np.float64), count, axis=0)


_Part = tuple[FigureSet, str, str, Layout, Same | None]
"""Figures, weight and KV precision, layout, and the draws of the model's own error."""


@lru_cache(maxsize=12)
def _stacked(
    parts: tuple[_Part, ...], constants: StepConstants, jitter: float, samples: int, seed: int
) -> tuple[ChipSpec, AllReduce, Split]:
    """Chips, all-reduces and splits of deployments side by side: what no slider of traffic or model touches."""
    columns: list[Array] = []
    reduces: list[AllReduce] = []
    count = max(samples, 1)
    for figures, weights, cache, layout, residual in parts:
        own = None if residual is None else np.asarray(residual.one)
        columns.append(_spec_matrix(figures, weights, cache, samples, seed, layout.tp, jitter, own))
        key = ("allreduce", layout.tp, samples, seed)
        if key not in figures.memo:
            values = _values(figures, samples, seed)
            if layout.degree > 1:
                require_links(figures.chip, values)
            figures.memo[key] = _reduce_rows(
                allreduce_coefficients(layout.tp, fabric_of(figures.chip, values), constants), count
            )
        reduces.append(figures.memo[key])
    table = np.concatenate(columns, axis=1)
    split = split_of([layout for _, _, _, layout, _ in parts])
    return (
        ChipSpec(**{name: table[at][:, None] for at, name in enumerate(ChipSpec.__slots__)}),
        stack_allreduce(tuple(reduces)),
        Split(*(np.repeat(np.asarray(part), count, axis=0) for part in (split.tp, split.pp, split.dp, split.ep))),
    )


def _values(figures: FigureSet, samples: int, seed: int) -> Mapping[str, float | Array]:
    return {**figures.values, **figures.draws(samples, seed)} if samples else figures.values


_STEP_FACTOR = ChipSpec.__slots__.index("step_factor")


def _spec_matrix(
    figures: FigureSet,
    weight_precision: str,
    kv_precision: str,
    samples: int,
    seed: int,
    ranks: int,
    jitter: float,
    residual: Array | None,
) -> Array:
    """Fields of the chip spec as rows, draws as columns, jitter and residual in the step factor."""
    key = ("spec", weight_precision, kv_precision, samples, seed, ranks, jitter, id(residual))
    kept: tuple[Array, Array | None] | None = figures.memo.get(key)
    if kept is not None:
        return kept[0]
    spec = chip_spec(figures.chip, _values(figures, samples, seed), weight_precision, kv_precision)
    matrix = np.empty((len(ChipSpec.__slots__), max(samples, 1)))
    for at, name in enumerate(ChipSpec.__slots__):
        matrix[at] = getattr(spec, name)
    if ranks > 1:
        matrix[_STEP_FACTOR] *= _mean_jitter(ranks, jitter)
    if figures.update is not None:
        matrix[_STEP_FACTOR] *= np.exp(figures.update.shifts(figures.draws(samples, seed) if samples else {}))
    if residual is not None:
        matrix[_STEP_FACTOR] *= residual
    # the residual is kept too, so that its identity stays its own
    figures.memo[key] = (matrix, residual)
    return matrix


@lru_cache(maxsize=256)
def _mean_jitter(ranks: int, sigma: float) -> float:
    return float(mean_of_max_lognormal(ranks, sigma))


def _reduce_rows(item: AllReduce, count: int) -> AllReduce:
    if item.alpha.shape[1] == count:
        return item
    return AllReduce(
        alpha=np.repeat(item.alpha, count, axis=1),
        slope=np.repeat(item.slope, count, axis=1),
        root=np.repeat(item.root, count, axis=0),
    )

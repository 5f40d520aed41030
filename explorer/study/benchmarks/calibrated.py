"""The step times of a deployment as its own benchmarks have them: what the evaluation asks for every alternative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.scenario.benchmark import Benchmark
from explorer.scenario.schema import Override, Scenario
from explorer.scenario.workload import Workload
from explorer.study.benchmarks.judged import JudgedRow, compared_rows, evidence_rows, judged_rows
from explorer.study.benchmarks.posterior import posterior, spreads_of
from explorer.study.evidence.rows import Row
from explorer.study.figures import central_values
from explorer.study.kept import Same
from explorer.study.step_update import StepUpdate

Array = NDArray[np.float64]
Overridden = tuple[tuple[str, Override], ...]


def benchmarks_of(scenario: Scenario, workload: Workload, chip: str) -> tuple[Benchmark, ...]:
    """The benchmarks that speak of a chip in a workload."""
    return tuple(one for one in scenario.benchmarks if one.workload == workload.name and one.chip == chip)


def step_update(catalog: Catalog, scenario: Scenario, workload: Workload, chip: str) -> StepUpdate | None:
    """What the scenario's benchmarks say of a chip's steps in a workload; None where they say nothing.

    Those of models of the other kind (dense, with routed experts) stand aside: other kernels, another spread.
    """
    mine = benchmarks_of(scenario, workload, chip)
    if not mine:
        return None
    overrides = tuple(sorted(scenario.overrides.get(chip, {}).items()))
    is_moe = catalog.model(workload.model.preset).experts > 0
    return _updated(Same(catalog), chip, is_moe, overrides, tuple(Same(one) for one in mine))


def judged(catalog: Catalog, benchmark: Benchmark, overrides: Mapping[str, Override]) -> tuple[JudgedRow, ...]:
    """Every row of a benchmark judged under overrides of its chip, kept for the next frame."""
    return _judged(Same(catalog), Same(benchmark), tuple(sorted(overrides.items())))


@lru_cache(maxsize=64)
def _judged(catalog: Same, benchmark: Same, overrides: Overridden) -> tuple[JudgedRow, ...]:
    known, one = catalog.one, benchmark.one
    assert isinstance(known, Catalog) and isinstance(one, Benchmark)
    return judged_rows(one, known, dict(overrides))


@lru_cache(maxsize=32)
def _updated(
    catalog: Same, chip: str, is_moe: bool, overrides: Overridden, benchmarks: tuple[Same, ...]
) -> StepUpdate | None:
    known = catalog.one
    assert isinstance(known, Catalog)
    mine = [one.one for one in benchmarks if isinstance(one.one, Benchmark)]
    given = dict(overrides)
    runs: list[tuple[list[Row], list[float]]] = []
    for one in mine:
        if (known.model(one.model).experts > 0) != is_moe:
            continue
        seen = judged(known, one, given)
        rows = [row for row, judgement in zip(evidence_rows(one, known), seen, strict=True) if judgement.counts]
        residuals = [one.residual for one in seen if one.counts and one.residual is not None]
        if residuals:
            runs.append((rows, residuals))
    if not runs:
        return None
    spreads = spreads_of(known.chip(chip).evidence_grade, "moe" if is_moe else "dense")
    found = posterior([residuals for _, residuals in runs], spreads)
    drift = _Drift(central_values(known.chip(chip), given), [rows for rows, _ in runs], found.weights)
    return StepUpdate(
        key=(chip, is_moe, overrides, benchmarks),
        shift=found.mean,
        spread=found.spread,
        prior_spread=spreads.grade,
        runs=len(runs),
        rows=sum(len(residuals) for _, residuals in runs),
        drift=drift if known.chip(chip).open_figures else None,
    )


class _Drift:
    """What each draw of the open figures takes off the shift: with it the engine says something else of the rows.

    The rows hold the step time itself, whatever share of it a disputed bandwidth has: a draw with half the bandwidth
    predicts them slower, so its deployment must be the better for them. Draws keep their own weights.
    """

    def __init__(self, values: Mapping[str, float], runs: Sequence[list[Row]], weights: Sequence[float]) -> None:
        self._values, self._runs, self._weights = dict(values), runs, weights

    def __call__(self, draws: Mapping[str, Array]) -> Array:
        values: dict[str, float | Array] = {**self._values, **draws}
        total = np.zeros(len(next(iter(draws.values()))))
        for rows, weight in zip(self._runs, self._weights, strict=True):
            now = [one for one, _ in compared_rows(rows, values)]
            then = [one for one, _ in compared_rows(rows, dict(self._values))]
            pairs = zip(then, now, strict=True)
            changes = [old.residual - new.residual for old, new in pairs if old is not None and new is not None]
            if changes:
                total = total + weight * np.mean(np.broadcast_arrays(*changes), axis=0)
        return total

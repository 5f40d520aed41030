"""The operating point simulated further than the curve about it: until its latencies are known to a few percent.

Brings numba, as `simulation` does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.engine.serving import gap_edges
from explorer.engine.serving_bands import Band, histogram_band, quantiles_with_band
from explorer.study.outcome import METRICS
from explorer.study.simulated_replica import Run, SimulatedReplica

Array = NDArray[np.float64]

WANTED = 0.05
"""Half-width of the band of a P99 over its value at which no more is simulated."""
LONGER = 5
"""A further run has so many times the requests of the runs along the load, as far as MOST_REQUESTS."""
MOST_REQUESTS = 100_000
BATCH = 4
"""Runs between two looks at how sure it is; the same on every machine, whatever its cores."""
MOST_BATCHES = 4
SEED_STEP = 7_919
REACH = 0.3
"""Share of the largest rate within which the luck of one load tells of that of another: measured over 40 seeds, errors
of P99 at 60 % and 70 % go with those at 80 % by 0.5-0.95, at 30 % by 0.2-0.6, at 90 % by 0.3-0.9."""


@dataclass(frozen=True)
class Further:
    """What is kept of one further run: latencies of its counted requests, token gaps, and what else it tells."""

    values: Mapping[str, Array]
    gaps: Array
    """Histograms of token gaps of its sections, (sections, bins)."""
    gap_bins: slice
    """Which bins those are."""
    further: Mapping[str, float]


def further_run(replica: SimulatedReplica, load: float, saturation: float, count: int, number: int) -> Further:
    """The `number`-th run beside the one of the curve, with luck of its own; a function of the replica's seed."""
    own = replace(replica, seed=replica.seed + SEED_STEP * (number + 1), draws_kept=False)
    run = own.run(load, saturation, count)
    values = {"ttft": run.ttft, "tpot": run.tpot, "e2e": run.e2e}
    return Further(
        {metric: of[run.counted & np.isfinite(of)] for metric, of in values.items()},
        run.gap_sections.copy(),
        run.gap_bins,
        own.further(run),
    )


def pooled(runs: Sequence[Further], load: float, levels: Sequence[float]) -> Run:
    """Quantiles over all requests of several runs; the band is by sectioning over the runs one after the other."""
    found: dict[str, Band] = {}
    for metric in ("ttft", "tpot", "e2e"):
        series = np.concatenate([run.values[metric] for run in runs])
        if series.size >= 40:
            found[metric] = quantiles_with_band(series, levels)
    found["itl"] = _gap_band(runs, levels)
    known = {
        metric: band for metric, band in found.items() if np.all(np.isfinite(band.value)) and np.all(band.value > 0.0)
    }
    means = {name: float(np.mean([run.further[name] for run in runs])) for name in runs[0].further}
    whole = {name: np.full(len(levels), one) for name, one in means.items()}
    return Run(
        load,
        settled=True,
        value={metric: band.value for metric, band in known.items()} | whole,
        low={metric: band.low for metric, band in known.items()} | whole,
        high={metric: band.high for metric, band in known.items()} | whole,
    )


def _gap_band(runs: Sequence[Further], levels: Sequence[float]) -> Band:
    bins = slice(min(run.gap_bins.start for run in runs), max(run.gap_bins.stop for run in runs))
    ends = ((run.gap_bins.start - bins.start, bins.stop - run.gap_bins.stop) for run in runs)
    sections = [np.pad(run.gaps, ((0, 0), end)) for run, end in zip(runs, ends, strict=True)]
    return histogram_band(np.concatenate(sections), gap_edges(bins), levels)


def unsureness(run: Run) -> float:
    """The largest half-width of a P99's band over its value; infinite where a band has no end."""
    widths = [
        0.5 * (run.high[metric][-1] - run.low[metric][-1]) / run.value[metric][-1]
        for metric in METRICS
        if metric in run.value
    ]
    return max((float(width) for width in widths), default=math.inf)


def settle(
    pool: Executor, replica: SimulatedReplica, load: float, saturation: float, count: int, levels: Sequence[float]
) -> Iterator[tuple[Run, int] | None]:
    """Run the load again and again; None after each run, and at the end what all brought, with their requests.

    `count` are the requests of a run along the load.
    """
    each = min(LONGER * count, MOST_REQUESTS)
    runs: list[Further] = []
    for _ in range(MOST_BATCHES):
        tasks = [
            pool.submit(further_run, replica, load, saturation, each, len(runs) + number) for number in range(BATCH)
        ]
        for _task in as_completed(tasks):
            yield None
        runs += [task.result() for task in tasks]
        found = pooled(runs, load, levels)
        if unsureness(found) <= WANTED:
            break
    yield found, each * len(runs)


def moved_along(runs: Sequence[Run], points: Sequence[Run]) -> list[Run]:
    """The runs of a curve with `points` in the place of the runs at their loads, and the others moved with the nearest.

    All loads are simulated with the same luck: what it did at one load it did in part at the next (regression on the
    error of the one that is known better; less with distance, no more than at the point). Longer runs have their own.
    """
    known = {point.load: point for point in points}
    old = {run.load: run for run in runs if run.load in known}
    if not old:
        return list(runs)
    found = []
    for run in runs:
        nearest = min(old, key=lambda load: abs(load - run.load))
        if run.load in old:
            found.append(known[run.load])
        else:
            alike = run.requests == old[nearest].requests
            found.append(_moved(run, old[nearest], known[nearest]) if alike else run)
    return found


def _moved(run: Run, old: Run, new: Run) -> Run:
    near = max(0.0, 1.0 - abs(run.load - old.load) / REACH)
    factors = {
        metric: np.exp(
            near
            * np.minimum(_width(run, metric) / np.maximum(_width(old, metric), 1e-9), 1.0)
            * np.log(new.value[metric] / old.value[metric])
        )
        for metric in run.value
        if metric in old.value and metric in new.value
    }

    def with_factors(table: Mapping[str, Array]) -> dict[str, Array]:
        return {metric: values * factors.get(metric, 1.0) for metric, values in table.items()}

    return replace(run, value=with_factors(run.value), low=with_factors(run.low), high=with_factors(run.high))


def _width(run: Run, metric: str) -> Array:
    value = run.value[metric]
    return np.asarray(np.log(np.minimum(run.high[metric], 1e3 * value) / np.maximum(run.low[metric], 1e-3 * value)))

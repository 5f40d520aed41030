"""One replica of each row along its load: latency curves, and the largest rate that keeps the promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.engine.batch_nodes import FINE
from explorer.study.answers import Context, Loaded
from explorer.study.banded import METRICS, Metric
from explorer.study.correction import Correction
from explorer.study.demand import shared_scv
from explorer.study.kept import Kept, Same
from explorer.study.layout_search import Chosen
from explorer.study.resolve import step_constants
from explorer.study.sizing import load_ladder, replicas_for
from explorer.study.solved import Asked
from explorer.study.solver import under_load

Array = NDArray[np.float64]
Corrections = tuple[Correction | None, ...]

CURVE_POINTS = 150
CURVE_QUANTILES = (0.5, 0.99)
SHARING_ATTEMPTS = 12
MOST_SMOOTHED = 20.0
"""Replicas for each unit of the gaps' squared coefficient of variation beyond which a share is as good as Poisson:
its own is then within 5 % of one."""
READ_OFF = 0.998
"""Share taken of a cliff that is only read off its curve, which may lie a hair too high."""
SECTIONS = np.linspace(0.0, 1.0, 26)
SECTIONINGS = 3
"""Times that the way from one load of the curves to the next is split into those sections: to 1 in a million of the
largest rate. Bisection, with as many values fewer, takes 14 turns to it and three times as long."""


def load_curves(
    context: Context,
    chosen: Chosen,
    wanted: tuple[Metric, ...],
    fixed: Sequence[int | Literal["auto"]],
    corrections: Corrections = (),
) -> Loaded:
    """Curves and cliffs of one replica of each row.

    Bursty arrivals are as R replicas share them: R as set by hand, or as many as keep up.
    """
    given: Corrections = corrections if any(corrections) else ()

    def under(replicas: Array) -> Loaded:
        curves = _curves_of(context, chosen, given, wanted, replicas)
        latency: dict[str, dict[float, Array]] = {
            metric: {q: table_of_metric[at] for at, q in enumerate(CURVE_QUANTILES)}
            for metric, table_of_metric in zip(wanted, np.stack([one.latency for one in curves], axis=2), strict=True)
        }
        saturation = np.asarray([one.saturation for one in curves])
        rates = load_ladder(CURVE_POINTS)[None, :] * saturation[:, None]
        utilisation = np.stack([one.utilisation for one in curves])
        cliffs, exact = np.asarray([one.cliff for one in curves]), len(wanted) == len(METRICS)
        loaded = Loaded(
            chosen.grid, saturation, rates, utilisation, latency, cliffs if exact else READ_OFF * cliffs, given,
            replicas,
        )  # fmt: skip
        return replace(loaded, cliffs=_exact_cliffs(context, loaded)) if exact else loaded

    shared = np.ones(len(fixed))
    loaded = under(shared)
    free = np.asarray([count == "auto" for count in fixed])
    fewest = _Fewest(context.rate, len(fixed), MOST_SMOOTHED * context.demand.arrival_scv)
    # how bursty a replica's share is depends on how many share it, and how many are needed on how bursty it is
    for attempt in range(SHARING_ATTEMPTS if context.demand.arrival_scv != 1.0 else 0):
        needed = np.asarray(
            [
                replicas_for(context.rate, float(cliff), float(saturation)) if count == "auto" else count
                for cliff, saturation, count in zip(loaded.cliffs, loaded.saturation, fixed, strict=True)
            ],
            dtype=np.float64,
        )
        if context.demand.arrival_scv > 1.0:
            needed = np.where(free, fewest.next(shared, needed, loaded.cliffs), needed)
        if np.array_equal(needed, shared):
            break
        shared = np.maximum(needed, shared) if attempt == SHARING_ATTEMPTS - 1 else needed
        loaded = under(shared)
    return loaded


class _Fewest:
    """The fewest replicas, row by row, that keep up though they share bursts, which more of them find smoother."""

    def __init__(self, rate: float, rows: int, most: float) -> None:
        self._rate, self._most = rate, most
        self._enough, self._too_few = np.full(rows, np.inf), np.zeros(rows)

    def next(self, tried: Array, needed: Array, cliffs: Array) -> Array:
        """What to try after `tried` replicas, whose cliffs call for `needed`; the same again where that is settled."""
        keeps = (cliffs > 0.0) & (tried * cliffs >= self._rate * (1.0 - 1e-9))
        self._enough = np.where(keeps, np.minimum(self._enough, tried), self._enough)
        self._too_few = np.where(keeps, self._too_few, np.maximum(self._too_few, tried))
        # bursts that break the promises of one replica at any load may not once more of them share the bursts
        onward = np.where(cliffs > 0.0, needed, np.where(tried < self._most, 2.0 * tried, needed))
        middle = np.ceil(0.5 * (self._too_few + np.minimum(self._enough, 1e12)))
        between = (onward > self._too_few) & (onward < self._enough)
        found = np.where(between | ~np.isfinite(self._enough), onward, middle)
        return np.where(self._enough - self._too_few <= 1.0, self._enough, found)


@dataclass(frozen=True, eq=False, slots=True)
class _Curves:
    """One replica's latencies along its load."""

    utilisation: Array
    """(loads,)."""
    latency: Array
    """(metrics, CURVE_QUANTILES, loads), seconds."""
    cliff: float
    """Largest rate that keeps every promise, requests/s, read off the curves."""
    saturation: float
    """Largest rate, requests/s."""


_CURVES: Kept[_Curves] = Kept(64)


def _curves_of(
    context: Context, chosen: Chosen, corrections: Corrections, wanted: tuple[Metric, ...], replicas: Array
) -> list[_Curves]:
    """The curves of every row; a moving hand takes those of rows that it leaves alone from the frame before."""
    known = _CURVES if context.moving else Kept[_Curves](len(replicas))
    every = corrections or (None,) * len(replicas)
    keys = [
        (pick, wanted, scv, Same(correction))
        for pick, scv, correction in zip(
            chosen.picks, shared_scv(context.demand, replicas).tolist(), every, strict=True
        )
    ]
    found = [known.get(key) for key in keys]
    new = [row for row, one in enumerate(found) if one is None]
    if new:
        at = np.asarray(new)
        ladder = load_ladder(CURVE_POINTS)[None, :]
        asked = Asked(wanted, CURVE_QUANTILES, spacing=FINE, limits=tuple(context.limits.items()))
        under = under_load(
            chosen.grid.rows(at), context.demand, step_constants(), context.scenario.stragglers, ladder, asked,
            relative=True, replicas=replicas[at], corrections=tuple(every[row] for row in new),
        )  # fmt: skip
        # without promises as much as is looked at
        cliffs = under.saturation * ladder[0, -1] if under.within is None else under.within
        block = np.array([[under.table[metric][q] for q in CURVE_QUANTILES] for metric in wanted])
        for place, row in enumerate(new):
            one = _Curves(
                under.utilisation[place], block[:, :, place], float(cliffs[place]), float(under.saturation[place])
            )
            known.put(keys[row], one)
            found[row] = one
    return [one for one in found if one is not None]


def _exact_cliffs(context: Context, loaded: Loaded) -> Array:
    """Cliffs read off the curves brought to the last digits that count, section by section; (rows,).

    A cliff lies between two rates of the curves, of which the lower keeps the promises. A moving hand does without.
    """
    cliffs, rates = loaded.cliffs, loaded.rates
    if not context.limits:
        return cliffs
    places = [int(np.searchsorted(row, cliff, side="right")) for row, cliff in zip(rates, cliffs, strict=True)]
    above = np.clip(places, 1, rates.shape[1] - 1)
    rows, last = np.arange(cliffs.size), rates[:, -1]
    low, high = rates[rows, above - 1], rates[rows, above]
    promised = tuple(metric for metric in METRICS if metric in context.limits)
    for _ in range(SECTIONINGS):
        looked_at = low[:, None] + (high - low)[:, None] * SECTIONS
        found = under_load(
            loaded.grid, context.demand, step_constants(), context.scenario.stragglers,
            np.maximum(looked_at[:, 1:-1], 1e-12), Asked(promised, (0.5, 0.99), spacing=FINE),
            replicas=loaded.shared, corrections=loaded.corrections,
        ).table  # fmt: skip
        kept = np.all([found[one][0.99] <= limit for one, limit in context.limits.items()], axis=0)
        at = np.cumprod(kept, axis=1).sum(axis=1)
        low, high = looked_at[rows, at], looked_at[rows, at + 1]
    return np.asarray(np.where((cliffs > 0.0) & (cliffs < last), low, cliffs))

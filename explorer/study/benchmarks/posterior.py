"""The Bayesian update of a step time by runs that were measured: conjugate normal, in the logarithm."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from explorer.catalog.calibration import load_calibration
from explorer.catalog.location import resource_root
from explorer.study.bands import HALF_WIDTH_TO_SD


@dataclass(frozen=True, slots=True)
class Spreads:
    """Standard deviations (ln) of the time per token."""

    grade: float
    """Of the engine about a chip of an evidence grade, before anything was measured."""
    run: float
    """From one run of a configuration to the next."""
    load: float
    """Of what the engine misses differently at another load or length."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of theta, ln(true/engine's step time), once runs were seen.

    `spread` is that of a further run at any load: theta's own and the engine's from load to load.
    """

    mean: float
    sd: float
    spread: float
    weights: tuple[float, ...]
    """Weight of each run's mean in `mean`; the prior has the rest."""


@lru_cache(maxsize=16)
def spreads_of(grade: str, kind: str) -> Spreads:
    """The spreads for an evidence grade and a kind of model ("dense", "moe"), from the calibration files."""
    table = tomllib.loads((resource_root() / "calibration" / "own_benchmark.toml").read_text(encoding="utf-8"))
    total = float(load_calibration().residuals["step"][grade][kind]) * HALF_WIDTH_TO_SD
    # what the grade's band holds is both: the deployment's own bias, and what differs from load to load
    load = min(float(table["from_load_to_load"][kind]), 0.9 * total)
    return Spreads(total, float(table["run_to_run"]), load)


def posterior(runs: Sequence[Sequence[float]], spreads: Spreads) -> Posterior:
    """Update by the residuals y = ln(measured/predicted) of each run's rows.

    theta ~ N(0, s0^2 - sl^2): the evidence grade's spread s0 holds the deployment's bias and the spread from load to
    load sl. The mean of the n rows of run f is ybar_f ~ N(theta, v_f), v_f = sr^2 + sl^2/sqrt(n): sr from run to run;
    rows of one sweep are no independent trials and count as sqrt(n), as in the widths of the bands. Then

        1/V = 1/(s0^2 - sl^2) + sum_f 1/v_f,   E[theta] = V sum_f ybar_f/v_f,   spread = sqrt(V + sl^2).

    Normal mean with known variances: Gelman et al., Bayesian Data Analysis, 3rd ed. (2013), eq. 2.11-2.12 (one mean)
    and 5.17 (means of groups). ValueError for a run without rows or a residual that is not finite.
    """
    prior = spreads.grade**2 - spreads.load**2
    precision = [1.0 / prior]
    means: list[float] = []
    for residuals in runs:
        values = np.asarray(residuals, dtype=np.float64)
        if not values.size or not np.isfinite(values).all():
            raise ValueError("a run needs rows, each with a finite residual")
        means.append(float(values.mean()))
        precision.append(1.0 / (spreads.run**2 + spreads.load**2 / math.sqrt(values.size)))
    variance = 1.0 / sum(precision)
    weights = tuple(one * variance for one in precision[1:])
    mean = sum(weight * value for weight, value in zip(weights, means, strict=True))
    return Posterior(mean, math.sqrt(variance), math.sqrt(variance + spreads.load**2), weights)

"""Rows under load: what may be asked of them, and what whoever solves them answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.engine.batch_nodes import COARSE, NodeSpacing
from explorer.engine.largest_rate import largest_rate_within
from explorer.engine.node_quantiles import QUANTILES

Array = NDArray[np.float64]
Table = dict[str, dict[float, Array]]
METRIC_NAMES = ("ttft", "tpot", "itl", "e2e")


@dataclass(frozen=True)
class Asked:
    """What is asked of rows under load."""

    metrics: tuple[str, ...] = METRIC_NAMES
    quantiles: tuple[float, ...] = QUANTILES
    spacing: NodeSpacing = COARSE
    standing: bool = False
    """Where the replicas stand as well."""
    limits: tuple[tuple[str, float], ...] = ()
    """The largest rate as well at which the last quantile of each of these metrics is within its limit, seconds."""
    beyond: bool = True
    """Whether latencies count beyond the first load at which one is over its limit."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where replicas stand at each load, (rows, loads)."""

    mean_batch: Array
    """Sequences in service, mean; the cap where the load cannot be carried."""
    p99_batch: Array
    wait_probability: Array
    """Share of requests that find every slot taken."""
    prompt_s: Array
    """Seconds that a mean prompt adds to all steps, at the mean batch."""
    step_s: Array
    """Seconds of a step that only decodes, at the mean batch."""


@dataclass(frozen=True, slots=True)
class Solved:
    """Rows under load; seconds, requests/s."""

    saturation: Array
    """Largest rate of each, (rows,)."""
    utilisation: Array
    """(rows, loads)."""
    table: Table
    """Quantiles by metric, (rows, loads); infinite where the load cannot be carried."""
    standing: Standing | None = None
    """Where it was asked for."""
    within: Array | None = None
    """Largest rate within the limits, (rows,); None where there are none. As `engine.largest_rate`."""


def within_limits(rates: Array, table: Table, asked: Asked) -> Array | None:
    """The largest of `rates` (rows, loads), requests/s, within the limits asked for; None where there are none."""
    if not asked.limits:
        return None
    if not rates.shape[1]:
        return np.zeros(len(rates))
    last = asked.quantiles[-1]
    return largest_rate_within(rates, [(table[metric][last], limit) for metric, limit in asked.limits])

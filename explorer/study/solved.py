"""Rows under load, as whoever solves them answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Table = dict[str, dict[float, Array]]
NO_LIMITS: Mapping[str, float] = {}


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

"""Records that pass between the parts of one workload's evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.scenario.schema import Scenario
from explorer.scenario.workload import Workload
from explorer.study.banded import Metric
from explorer.study.correction import Correction
from explorer.study.demand import Demand
from explorer.study.deployment import Candidate, Deployment
from explorer.study.money import ChipPrice
from explorer.study.outcome import WorkloadOutcome
from explorer.study.resolve import ServedModel
from explorer.study.step_grid import StepGrid

if TYPE_CHECKING:
    from explorer.study.bands import Bands

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Context:
    """What every alternative of a workload shares."""

    catalog: Catalog
    scenario: Scenario
    workload: Workload
    served: ServedModel
    demand: Demand
    limits: Mapping[str, float]
    """Promises, seconds by metric."""
    moving: bool = False
    """A hand is at work: answers to rows that it leaves alone may be those of the frame before."""

    @property
    def sharded(self) -> bool:
        """Whether a latent KV cache is sharded by sequence over the tensor group."""
        return self.workload.model.kv_sequence_sharding

    @property
    def closed_loop(self) -> bool:
        """Whether users ask again once served, so that the batch is stated and the rate comes of it."""
        return self.workload.traffic.mode == "closed_loop"

    @property
    def rate(self) -> float:
        """Requests/s of the whole service."""
        return self.workload.traffic.request_rate_per_s


@dataclass(frozen=True)
class Sized:
    """A deployment with the layout it takes (the closest one where none fits), its price and its legal degrees."""

    deployment: Deployment
    candidate: Candidate
    price: ChipPrice
    degrees: tuple[int, ...]

    def bought(self, replicas: int) -> int:
        """Chips of so many replicas with their spares, in whole units (node, rack)."""
        chips = (replicas + self.deployment.settings.spare_replicas) * self.candidate.layout.chips
        unit = self.price.unit_size
        return -(-chips // unit) * unit


@dataclass(frozen=True)
class Loaded:
    """Central rows under load: one replica's curves and cliffs."""

    grid: StepGrid
    saturation: Array
    """Largest rate of one replica, (rows,), requests/s."""
    rates: Array
    """Requests/s of one replica, (rows, loads)."""
    utilisation: Array
    """(rows, loads)."""
    latency: Mapping[str, Mapping[float, Array]]
    """Quantiles by metric, seconds, (rows, loads)."""
    cliffs: Array
    """Largest rate of one replica that keeps every promise, (rows,), requests/s."""
    corrections: tuple[Correction | None, ...] = ()
    """What simulation found of each row; empty: the closed form as it is."""
    shared: Array | float = 1.0
    """Replicas that share the arrivals in these curves, (rows,): as many as are needed, or set by hand."""


@dataclass(frozen=True)
class PoolSize:
    """What one replica of a fleet member's deployment carries for this workload."""

    candidate: Candidate
    cliff: float
    saturation: float
    price: ChipPrice
    feasible: bool
    reason: str
    rates: Array
    """Rates of one replica, (rates,), at which its latencies below are known; empty where it does not fit."""
    p50: Mapping[Metric, Array]
    p99: Mapping[Metric, Array]


@dataclass(frozen=True)
class DrawnWorkload:
    """What every draw answered: the bands of the alternatives that fit, and what they were sized as.

    `positions` are their places among the workload's alternatives; the others are in their order.
    """

    context: Context
    bands: Bands
    positions: Sequence[int]
    sized: Sequence[Sized]
    replicas: Sequence[int]


@dataclass(frozen=True)
class WorkloadAnswer:
    """The outcome of one workload, the replicas that the fleet's pools are made of by member name, and its draws."""

    outcome: WorkloadOutcome
    pools: Mapping[str, PoolSize]
    drawn: DrawnWorkload | None = None
    """None where no alternative fits."""

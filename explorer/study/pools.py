"""Sizing a fleet's pools for any traffic shares at once: whole replicas, spares and whole units, pool by pool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.engine.cost import HOURS_PER_MONTH
from explorer.study.fleet_outcome import FleetOutcome, PoolReplica
from explorer.study.sizing import SAFE_LOAD

Array = NDArray[np.float64]

_WHOLE = 1e-9


@dataclass(frozen=True, slots=True)
class PoolSizes:
    """Pools sized for shares (..., pools): chips, USD a month, and the traffic share they could carry in full."""

    chips: Array
    usd_per_month: Array
    capacity: Array
    watts: Array
    """Of the facility at full load; NaN where a used chip's power is not known."""
    replicas: Array
    """(workloads, ..., pools), spares included."""


@dataclass(frozen=True, slots=True)
class PoolTable:
    """What a fleet's pools are made of; arrays of shape (workloads, pools), rates (workloads, 1)."""

    names: tuple[str, ...]
    rates: Array
    per_replica: Array
    """Requests/s of one replica: the most that keeps the promises, a safe load where none does, NaN where it cannot
    run."""
    chips: Array
    spares: Array
    units: Array
    usd_per_chip_hour: Array
    """NaN without a price."""
    watts_per_chip: Array
    """NaN where unknown."""
    keeps: NDArray[np.bool_]
    """(pools,): whether a replica keeps the promises of every workload."""
    reasons: tuple[str, ...]

    def size(self, shares: ArrayLike) -> PoolSizes:
        """Size every pool for its share (..., pools) of every workload; NaN where a used pool cannot run or be priced.

        A pool of no share holds nothing. Raises nothing.
        """
        s = np.asarray(shares, dtype=np.float64)
        lead = (len(self.rates),) + (1,) * (s.ndim - 1) + (len(self.names),)

        def wide(values: Array) -> Array:
            return np.broadcast_to(values, self.per_replica.shape).reshape(lead)

        used = s > 0.0
        wanted = s * wide(self.rates) / wide(self.per_replica)
        replicas = np.where(used, np.maximum(np.ceil(wanted - _WHOLE), 1.0) + wide(self.spares), 0.0)
        unit = wide(self.units)
        bought = np.ceil(replicas * wide(self.chips) / unit - _WHOLE) * unit
        month = np.where(used, bought * wide(self.usd_per_chip_hour) * HOURS_PER_MONTH, 0.0)
        capacity = np.where(used, replicas * wide(self.per_replica) / wide(self.rates), 0.0)
        watts = np.where(used, bought * wide(self.watts_per_chip), 0.0)
        return PoolSizes(
            np.sum(bought, axis=0),
            np.sum(month, axis=0),
            np.min(capacity, axis=0),
            np.sum(watts, axis=0),
            np.asarray(replicas),
        )


def spare_capacity(table: PoolTable, traffic: Array) -> Array:
    """Share of all traffic that each pool could carry beyond its own (pools,): none where it breaks its promises.

    `traffic` (pools,): the shares that the pools were sized for.
    """
    beyond = np.nan_to_num(np.maximum(table.size(traffic).capacity - traffic, 0.0))
    return np.asarray(beyond * table.keeps * (traffic > 0))


def pool_table(fleet: FleetOutcome) -> PoolTable:
    """The table of a fleet's pools; empty for an empty fleet."""
    names = tuple(pool.name for pool in fleet.pools)
    workloads = tuple(dict.fromkeys(one.workload for one in fleet.replicas))
    rows = [[_of(fleet, workload, name) for name in names] for workload in workloads]

    def column(read: str) -> Array:
        # None, where there is no figure, becomes NaN
        return np.asarray([[getattr(one, read) for one in row] for row in rows], dtype=np.float64)

    if not rows:
        empty = np.zeros((0, len(names)))
        return PoolTable(
            names, np.zeros((0, 1)), empty, empty, empty, empty, empty, empty, np.zeros(len(names), bool), ()
        )
    largest, saturation = column("largest_rate"), column("saturation")
    per_replica = np.where(largest > 0, largest, SAFE_LOAD * saturation)
    return PoolTable(
        names=names,
        rates=np.asarray([[row[0].request_rate] for row in rows]),
        per_replica=np.where(per_replica > 0, per_replica, np.nan),
        chips=column("chips"),
        spares=column("spare_replicas"),
        units=column("unit_size"),
        usd_per_chip_hour=column("usd_per_chip_hour"),
        watts_per_chip=column("watts_per_chip"),
        keeps=np.all(largest > 0, axis=0),
        reasons=tuple(next((row[at].reason for row in rows if row[at].reason), "") for at in range(len(names))),
    )


def _of(fleet: FleetOutcome, workload: str, member: str) -> PoolReplica:
    return next(one for one in fleet.replicas if one.workload == workload and one.member == member)

"""The fleet as one service: the P99 over all its requests; its month, with what further stacks and clouds cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.scenario.quantities import QUANTITIES
from explorer.study.banded import METRICS, Metric
from explorer.study.fleet_outcome import FleetOutcome, PoolReplica
from explorer.study.mixture import mixture_quantile
from explorer.study.pools import pool_table

Array = NDArray[np.float64]
Latencies = Mapping[str, Mapping[Metric, float | None]]
"""By workload and metric, seconds; None where a pool is overloaded."""

MONTH, SECONDS = QUANTITIES["usd_per_month"], QUANTITIES["seconds"]
SHOWN: Mapping[Metric, str] = {"ttft": "first token", "tpot": "per token"}


def fleet_p99(fleet: FleetOutcome) -> Latencies:
    """P99 over all requests of the fleet at its traffic shares, spares standing by; empty for a fleet without figures.

    Computed when asked for: a moving slider does not pay for it.
    """
    if fleet.usd_per_month is None or not fleet.replicas:
        return {}
    traffic = np.asarray([pool.traffic_share for pool in fleet.pools])
    table = pool_table(fleet)
    return mixture_p99(fleet.replicas, traffic, table.size(traffic).replicas - table.spares * (traffic > 0))


def mixture_p99(pools: Sequence[PoolReplica], loads: Array, replicas: Array) -> dict[str, dict[Metric, float | None]]:
    """P99 by workload and metric of pools that carry `loads` (pools,), shares of all traffic, with `replicas`
    (workloads, pools): the quantile of the mixture, never a mean of P99s."""
    found: dict[str, dict[Metric, float | None]] = {}
    for at, workload in enumerate(dict.fromkeys(one.workload for one in pools)):
        own = [one for one in pools if one.workload == workload]
        table: dict[Metric, float | None] = {}
        for metric in METRICS:
            if any(metric not in one.p99 for one in own if one.rates.size):
                continue
            carrying = [k for k, one in enumerate(own) if min(loads[k], replicas[at, k]) > 1e-12 and metric in one.p99]
            table[metric] = _quantile(
                [(loads[k], own[k], loads[k] * own[k].request_rate / replicas[at, k]) for k in carrying], metric
            )
        found[workload] = table
    return found


def _quantile(parts: Sequence[tuple[float, PoolReplica, float]], metric: Metric) -> float | None:
    """P99 of the mixture of pools (weight, pool, rate of one replica); None where one of them is overloaded."""
    middle: list[float] = []
    tail: list[float] = []
    for _, pool, rate in parts:
        if rate > pool.rates[-1] * (1.0 + 1e-9):
            return None
        middle.append(float(np.interp(rate, pool.rates, pool.p50[metric])))
        tail.append(float(np.interp(rate, pool.rates, pool.p99[metric])))
    if not parts or not all(math.isfinite(value) for value in (*middle, *tail)):
        return None
    return mixture_quantile(np.asarray([part[0] for part in parts]), np.asarray(middle), np.asarray(tail), 0.99)


def month_words(fleet: FleetOutcome) -> str:
    """The month of the whole fleet with its parts: "$71.2k a month: pools $46.2k, 1 further software stack $25k"."""
    total = fleet.total_usd_per_month
    if total is None or fleet.usd_per_month is None:
        return ""
    parts = [f"pools {MONTH.format(fleet.usd_per_month)}"]
    fixed = fleet.fixed
    if fixed is not None:
        for count, noun, usd in (
            (fixed.further_stacks, "software stack", fixed.stacks_usd_per_month),
            (fixed.further_clouds, "cloud", fixed.clouds_usd_per_month),
        ):
            if count:
                parts.append(f"{count} further {noun}{'' if count == 1 else 's'} {MONTH.format(usd)}")
    return f"{MONTH.format(total)} a month" + (f": {', '.join(parts)}" if len(parts) > 1 else "")


def latency_words(found: Latencies, workload: str) -> str:
    """P99 over all requests of a workload that the fleet carries; the simulation is of alternatives."""
    known = {metric: found.get(workload, {}).get(metric) for metric in SHOWN}
    parts = [f"{SHOWN[metric]} {SECONDS.format(value)}" for metric, value in known.items() if value is not None]
    return f"P99 of all requests of {workload}, by the closed form: {', '.join(parts)}" if parts else ""

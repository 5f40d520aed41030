"""What an evaluation answers about the fleet: its pools, their money, and concentration by supply tier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.study.banded import Banded, Metric

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SupplierShare:
    """One supplier's share of a tier, with its range where a supplier is unknown."""

    supplier: str
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TierOutcome:
    """Concentration of one supply tier over the fleet."""

    tier: str
    title: str
    hhi: Banded
    effective_suppliers: Banded
    top_share: Banded
    top_supplier: str
    single_point_of_failure: bool
    suppliers: tuple[SupplierShare, ...]
    counts: bool
    """Ticked by the user as a tier that counts."""
    unknown: str = ""
    """Which supplier is undisclosed, in words; empty when all are known."""


@dataclass(frozen=True, slots=True)
class PoolOutcome:
    """One member of the fleet, sized for its share of every workload."""

    name: str
    chip: str
    chip_name: str
    cloud: str
    traffic_share: float
    spend_share: float
    chip_share: float
    power_share: float
    usd_per_month: float
    chips: int
    feasible: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PoolReplica:
    """One replica of a fleet member's deployment for one workload: what it carries, how fast, for how much.

    `rates` (rates,) are of one replica, requests/s; `p50` and `p99` by metric, seconds, same shape.
    """

    workload: str
    member: str
    request_rate: float
    """Of the whole workload, requests/s."""
    chips: int
    largest_rate: float
    """Largest rate of one replica that keeps every promise; 0 when none does."""
    saturation: float
    spare_replicas: int
    unit_size: int
    usd_per_chip_hour: float | None
    watts_per_chip: float | None
    """Of the facility, at full load."""
    reason: str
    rates: Array
    p50: dict[Metric, Array]
    p99: dict[Metric, Array]


@dataclass(frozen=True, slots=True)
class FixedCosts:
    """What a fleet pays for every software stack and every cloud beyond the first of each, USD a month."""

    further_stacks: int
    further_clouds: int
    stacks_usd_per_month: float
    clouds_usd_per_month: float

    @property
    def usd_per_month(self) -> float:
        """Both together."""
        return self.stacks_usd_per_month + self.clouds_usd_per_month


@dataclass(frozen=True, slots=True)
class FleetOutcome:
    """The fleet: pools, money and concentration by tier; `reason` says why figures are missing."""

    pools: tuple[PoolOutcome, ...]
    tiers: tuple[TierOutcome, ...]
    weakest_tiers: tuple[str, ...]
    share_basis: str
    usd_per_month: float | None
    """Of the pools together: what shares of spend are shares of."""
    reason: str = ""
    replicas: tuple[PoolReplica, ...] = ()
    """What the pools are made of, workload by workload, each member in file order."""
    watts: float | None = None
    """Of the facility, all chips at full load; None where a chip's power is not known."""
    note: str = ""
    """What stands against the fleet although it has figures: more power than there is."""
    fixed: FixedCosts | None = None

    @property
    def weakest(self) -> tuple[TierOutcome, ...]:
        """The tiers that `weakest_tiers` names."""
        return tuple(tier for tier in self.tiers if tier.tier in self.weakest_tiers)

    @property
    def total_usd_per_month(self) -> float | None:
        """The pools and what further stacks and clouds cost, as on the frontier; None without figures."""
        if self.usd_per_month is None or self.fixed is None:
            return self.usd_per_month
        return self.usd_per_month + self.fixed.usd_per_month

"""An offer: what one chip-hour costs at one cloud, region and term, on a date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.catalog.figure import Status

Term = Literal["on_demand", "spot", "reserved"]
TERMS: tuple[Term, ...] = ("on_demand", "spot", "reserved")


@dataclass(frozen=True, slots=True)
class Offer:
    """A price in USD per chip-hour with its range. `hypothetical` marks one that nobody published."""

    id: str
    cloud: str
    instance: str
    chip: str
    chips_per_instance: int
    region: str
    term: Term
    usd_per_chip_hour: float
    low: float
    high: float
    status: Status
    hypothetical: bool
    date: str
    source: str
    confidence: str
    note: str
    origin: str = "shipped"

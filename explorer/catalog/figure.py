"""A figure: one catalogue number together with how far it can be trusted, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Status = Literal["disclosed", "disputed", "estimated", "undisclosed", "measured"]
Distribution = Literal["fixed", "uniform", "log_uniform", "triangular", "readings"]

STATUSES: tuple[Status, ...] = ("disclosed", "disputed", "estimated", "undisclosed", "measured")
DISTRIBUTIONS: tuple[Distribution, ...] = ("fixed", "uniform", "log_uniform", "triangular", "readings")
GROUPS: tuple[str, ...] = ("memory", "compute", "link", "power", "price", "card")

# What one display unit is worth in SI. GB and TB are decimal, as vendors state them;
# Gb/s is a line rate in bits, so it becomes bytes per second.
UNIT_SCALES: Mapping[str, float] = MappingProxyType(
    {
        "GB": 1e9,
        "TB": 1e12,
        "MB": 1e6,
        "TB/s": 1e12,
        "GB/s": 1e9,
        "Gb/s": 1e9 / 8,
        "TFLOPS": 1e12,
        "PFLOPS": 1e15,
        "us": 1e-6,
        "ms": 1e-3,
        "W": 1.0,
        "kW": 1e3,
        "USD": 1.0,
        "USD/h": 1.0,
        "chips": 1.0,
        "count": 1.0,
        "share": 1.0,
    }
)


@dataclass(frozen=True, slots=True)
class FigureKind:
    """What a figure name means: its group, its title for people and the units a file may state it in.

    An informative figure is worth knowing but enters no result, so it never becomes a slider.
    """

    group: str
    title: str
    units: tuple[str, ...]
    informative: bool = False


_BANDWIDTH = ("GB/s", "TB/s", "Gb/s")
_COMPUTE = ("TFLOPS", "PFLOPS")
_TIME = ("us", "ms")

FARTHEST = 1e15
"""More of its unit than any figure is, and few enough that what is computed of it stays finite."""


def allowed_instead(value: float, unit: str) -> str:
    """What a value in this unit may be where it cannot be `value` (half a chip, twice a link); empty where it can."""
    if unit in ("chips", "count") and value < 1.0:
        return "1 or more"
    if unit == "share" and not 0.0 < value <= 1.0:
        return "more than 0, at most 1"
    if value > FARTHEST:
        return f"at most {FARTHEST:g}"
    return "more than 0" if value <= 0.0 and unit in _BANDWIDTH + _COMPUTE + ("GB", "TB", "MB", "W", "kW") else ""


FIGURE_KINDS: Mapping[str, FigureKind] = MappingProxyType(
    {
        "memory_capacity": FigureKind("memory", "Memory capacity", ("GB", "TB")),
        "memory_bandwidth": FigureKind("memory", "Memory bandwidth", _BANDWIDTH),
        "sram": FigureKind("memory", "On-chip memory", ("MB", "GB"), informative=True),
        "peak_16bit": FigureKind("compute", "Peak 16-bit compute, dense", _COMPUTE),
        "peak_fp8": FigureKind("compute", "Peak FP8 compute, dense", _COMPUTE),
        "peak_int8": FigureKind("compute", "Peak INT8 compute, dense", _COMPUTE),
        "peak_fp4": FigureKind("compute", "Peak FP4 compute, dense", _COMPUTE),
        "link_bandwidth": FigureKind("link", "Scale-up link bandwidth, one way", _BANDWIDTH),
        "scaleup_domain": FigureKind("link", "Scale-up domain", ("chips",)),
        "hop_latency": FigureKind("link", "Link hop latency", _TIME),
        "collective_base_latency": FigureKind("link", "All-reduce base latency", _TIME),
        "collective_efficiency": FigureKind("link", "Share of the link an all-reduce reaches", ("share",)),
        "allreduce_16kb": FigureKind("link", "Measured 16 KB all-reduce (for reference)", _TIME, informative=True),
        "allreduce_2mb": FigureKind("link", "Measured 2 MB all-reduce (for reference)", _TIME, informative=True),
        "scaleout_bandwidth": FigureKind("link", "Scale-out network bandwidth", _BANDWIDTH),
        "board_power": FigureKind("power", "Board power", ("W", "kW")),
        "rack_power": FigureKind("power", "Rack power", ("kW", "W"), informative=True),
        "capex": FigureKind("price", "Purchase price", ("USD",)),
        "rent_price": FigureKind("price", "Guess at a rent, where no offer exists", ("USD/h",), informative=True),
        "socs_per_card": FigureKind("card", "SoCs on a card", ("count",), informative=True),
        "memory_domains": FigureKind("card", "Separate memory domains on a card", ("count",)),
        "on_card_link": FigureKind("card", "Link between the domains of a card, one way", _BANDWIDTH),
    }
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One named way to read a disputed figure; `value` is SI."""

    name: str
    value: float
    source: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a record with its range and provenance. `low`, `value`, `high` are SI.

    `unit` is the display unit of the file. `belief` is the weight of `readings[0]` against `readings[1]`
    and only matters for a disputed figure. A figure with `derived_from` is no input of its own: it follows
    another figure of the same record by `ratio`.
    """

    name: str
    low: float
    value: float
    high: float
    unit: str
    status: Status
    distribution: Distribution
    group: str
    title: str
    source: str
    as_of: str
    reason: str = ""
    derived_from: str | None = None
    ratio: float | None = None
    readings: tuple[Reading, ...] = ()
    belief: float = 0.5

    @property
    def is_open(self) -> bool:
        """Whether the figure is unsettled (disputed or undisclosed) and so deserves a slider."""
        return self.status in ("disputed", "undisclosed")

    @property
    def scale(self) -> float:
        """SI value of one display unit."""
        return UNIT_SCALES[self.unit]

    def at_belief(self, belief: float) -> float:
        """Central SI value when the first reading is believed with weight `belief` (0 to 1).

        The belief-weighted geometric mean of the first two readings, the natural centre of a
        quantity disputed by a factor; the stated value for a figure that is not disputed.
        """
        if not 0.0 <= belief <= 1.0:
            raise ValueError(f"belief {belief} in figure '{self.name}' must lie between 0 and 1")
        if len(self.readings) < 2:
            return self.value
        return geometric_mean(self.readings[0].value, self.readings[1].value, belief)


def geometric_mean(first: float, second: float, weight: float) -> float:
    """Geometric mean of two positive numbers, `first` taken with `weight` (0 to 1)."""
    return math.exp(weight * math.log(first) + (1.0 - weight) * math.log(second))

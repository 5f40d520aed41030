"""The quantities that are shown and typed, with their units, and those that the catalogue's own units stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from explorer.catalog.figure import UNIT_SCALES
from explorer.errors import UnknownRecordError
from explorer.scenario.quantity import Quantity, Scale

# Never without a letter: a bare number of parameters is taken to be in billions.
_PARAMETERS = (
    Scale("M", 1e6, spaced=False),
    Scale("B", 1e9, 1e9, spaced=False),
    Scale("T", 1e12, 1e12, spaced=False),
)
_TOKENS = (
    Scale("", 1.0),
    Scale("k", 1e3, 1e4, spaced=False),
    Scale("M", 1e6, 1e6, spaced=False),
    Scale("B", 1e9, 1e9, spaced=False),
    Scale("T", 1e12, 1e12, spaced=False),
)
_DOLLARS = (
    Scale("", 1.0),
    Scale("k", 1e3, 1e4, spaced=False),
    Scale("M", 1e6, 1e6, spaced=False),
    Scale("B", 1e9, 1e9, spaced=False),
)
_BYTES = (
    Scale("B", 1.0),
    Scale("kB", 1e3, 1e3),
    Scale("MB", 1e6, 1e6),
    Scale("GB", 1e9, 1e9, digits=2),
    Scale("TB", 1e12, 1e12),
    Scale("PB", 1e15, 1e15),
)
_SECONDS = (
    Scale("µs", 1e-6, digits=2),
    Scale("ms", 1e-3, 1e-3, digits=2),
    Scale("s", 1.0, 0.1, decimals=2),
    Scale("min", 60.0, 600.0),
    Scale("h", 3600.0, 36_000.0),
)
_PER_MONTH = MappingProxyType({"/mo": 1.0, "amonth": 1.0, "permonth": 1.0})
_MONEY: dict[str, float] = {"usd": 1.0, "dollars": 1.0, "m": 1e6, "million": 1e6, "bn": 1e9}


def _quantities() -> dict[str, Quantity]:
    plain = (Scale("", 1.0),)
    listed = (
        Quantity(
            "parameters",
            "Parameters",
            "B",
            _PARAMETERS,
            "8B, 70B or 1.5T",
            spellings={"bn": 1e9, "billion": 1e9, "million": 1e6, "trillion": 1e12},
        ),
        Quantity(
            "request_rate",
            "Requests per second",
            "/s",
            (Scale("/s", 1.0, spaced=False),),
            "12/s or 0.5/s",
            spellings={"req/s": 1.0, "requests/s": 1.0, "rps": 1.0, "/min": 1 / 60, "k/s": 1e3},
        ),
        Quantity(
            "tokens",
            "Tokens",
            "",
            _TOKENS,
            "512, 32k or 1M",
            spellings={"tokens": 1.0, "token": 1.0, "tok": 1.0, "ktokens": 1e3},
        ),
        Quantity(
            "tokens_per_s",
            "Tokens per second",
            "/s",
            (
                Scale("/s", 1.0, spaced=False),
                Scale("k/s", 1e3, 1e4, spaced=False),
                Scale("M/s", 1e6, 1e6, spaced=False),
            ),
            "900/s or 32k/s",
            spellings={"tokens/s": 1.0, "tok/s": 1.0},
        ),
        Quantity(
            "batch",
            "Batch size",
            "",
            plain,
            "1, 64 or 256",
            whole=True,
            change="absolute",
            spellings={"k": 1e3, "sequences": 1.0},
        ),
        Quantity(
            "chips",
            "Chips",
            "",
            plain,
            "1, 8 or 72",
            whole=True,
            change="absolute",
            nouns=("chip", "chips"),
            spellings={"gpu": 1.0, "gpus": 1.0, "card": 1.0, "cards": 1.0},
        ),
        Quantity(
            "seconds",
            "Time",
            "s",
            _SECONDS,
            "2 s, 0.05 s or 50 ms",
            change="absolute",
            spellings={"us": 1e-6, "sec": 1.0, "seconds": 1.0, "ns": 1e-9},
        ),
        Quantity(
            "bytes",
            "Memory",
            "GB",
            _BYTES,
            "141 GB or 1.5 TB",
            spellings={"gib": 2.0**30, "mib": 2.0**20, "tib": 2.0**40, "kib": 1024.0},
        ),
        Quantity(
            "bytes_per_s",
            "Bandwidth",
            "GB/s",
            (
                Scale("B/s", 1.0),
                Scale("kB/s", 1e3, 1e3),
                Scale("MB/s", 1e6, 1e6),
                Scale("GB/s", 1e9, 1e9),
                Scale("TB/s", 1e12, 1e12),
                Scale("PB/s", 1e15, 1e15),
            ),
            "900 GB/s or 2.4 TB/s",
            spellings={"Gb/s": 1e9 / 8, "Tb/s": 1e12 / 8, "gbit/s": 1e9 / 8, "gbps": 1e9 / 8},
        ),
        Quantity(
            "bits_per_s",
            "Network bandwidth",
            "Gb/s",
            (Scale("Mb/s", 1e6 / 8), Scale("Gb/s", 1e9 / 8, 1e9 / 8), Scale("Tb/s", 1e12 / 8, 1e13 / 8)),
            "400 Gb/s",
            spellings={"GB/s": 1e9, "TB/s": 1e12, "MB/s": 1e6, "gbps": 1e9 / 8, "gbit/s": 1e9 / 8},
        ),
        Quantity(
            "flops",
            "Compute peak",
            "TFLOPS",
            (Scale("FLOPS", 1.0), Scale("GFLOPS", 1e9, 1e9), Scale("TFLOPS", 1e12, 1e12), Scale("PFLOPS", 1e15, 1e16)),
            "989 TFLOPS or 18 PFLOPS",
            spellings={"tflop/s": 1e12, "pflop/s": 1e15, "gflop/s": 1e9, "tops": 1e12, "pops": 1e15},
        ),
        Quantity("usd", "Price", "", _DOLLARS, "$30,000 or $30k", prefix="$", cents=True, spellings=_MONEY),
        Quantity(
            "usd_per_month",
            "Cost a month",
            "",
            _DOLLARS,
            "$9,500 or $1.24M",
            prefix="$",
            cents=True,
            spellings={**_MONEY, **_PER_MONTH},
        ),
        Quantity(
            "usd_per_million",
            "Cost per million tokens",
            "",
            _DOLLARS,
            "$0.12",
            prefix="$",
            cents=True,
            spellings={**_MONEY, "/m": 1.0, "/mtokens": 1.0},
        ),
        Quantity(
            "usd_per_hour",
            "Price an hour",
            "",
            _DOLLARS,
            "$2.20/h",
            prefix="$",
            per="/h",
            cents=True,
            spellings={"usd": 1.0, "/hr": 1.0, "/hour": 1.0, "usd/hour": 1.0},
        ),
        Quantity(
            "share", "Share", "%", (Scale("%", 0.01, digits=2),), "50%", change="absolute", spellings={"percent": 0.01}
        ),
        Quantity(
            "suppliers",
            "Effective suppliers",
            "",
            plain,
            "1.9",
            change="absolute",
            fixed_decimals=1,
            spellings={"effective": 1.0},
        ),
        Quantity("plain", "Number", "", plain, "1 or 0.96", change="absolute", spellings={"k": 1e3}),
        Quantity(
            "years",
            "Years",
            "",
            plain,
            "4 years",
            change="absolute",
            nouns=("year", "years"),
            spellings={"a": 1.0, "y": 1.0},
        ),
        Quantity(
            "watts", "Power", "W", (Scale("W", 1.0), Scale("kW", 1e3, 1e4), Scale("MW", 1e6, 1e6)), "700 W or 132 kW"
        ),
        Quantity(
            "joule_per_token",
            "Energy per token",
            "J/token",
            (Scale("mJ/token", 1e-3), Scale("J/token", 1.0, 0.1, decimals=2)),
            "0.8 J/token",
            spellings={"j": 1.0, "mj": 1e-3},
        ),
    )
    return {quantity.key: quantity for quantity in listed}


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(_quantities())

_UNITS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "MB": ("bytes", "MB"),
        "GB": ("bytes", "GB"),
        "TB": ("bytes", "TB"),
        "GB/s": ("bytes_per_s", "GB/s"),
        "TB/s": ("bytes_per_s", "TB/s"),
        "Gb/s": ("bits_per_s", "Gb/s"),
        "TFLOPS": ("flops", "TFLOPS"),
        "PFLOPS": ("flops", "PFLOPS"),
        "us": ("seconds", "µs"),
        "ms": ("seconds", "ms"),
        "W": ("watts", "W"),
        "kW": ("watts", "kW"),
        "USD": ("usd", ""),
        "USD/h": ("usd_per_hour", ""),
        "share": ("share", "%"),
        "chips": ("chips", ""),
        "count": ("plain", ""),
    }
)
"""The catalogue's display units: the quantity of each, and what a bare typed number is in."""


@cache
def quantity_for_unit(unit: str) -> Quantity:
    """The quantity of a catalogue figure by its display unit; a bare typed number is in that unit.

    Its methods take and give SI values, so a value read in display units is first multiplied by
    `unit_scale(unit)`. UnknownRecordError for a unit the catalogue does not use.
    """
    if unit not in _UNITS:
        raise UnknownRecordError("unit", unit, tuple(_UNITS))
    key, bare = _UNITS[unit]
    quantity = QUANTITIES[key]
    return quantity if quantity.unit == bare else replace(quantity, unit=bare)


def unit_scale(unit: str) -> float:
    """SI value of one display unit of the catalogue ("TB/s" -> 1e12, "Gb/s" -> 1.25e8 bytes/s)."""
    if unit not in UNIT_SCALES:
        raise UnknownRecordError("unit", unit, tuple(UNIT_SCALES))
    return UNIT_SCALES[unit]


def restated(value: float, unit: str, other: str) -> float:
    """A value in one display unit, in the other; ValueError for another dimension. The same unit leaves every digit."""
    if unit == other:
        return value
    if not same_dimension(unit, other):
        raise ValueError(f"'{unit}' cannot be restated in '{other}'")
    return value * unit_scale(unit) / unit_scale(other)


def same_dimension(unit: str, other: str) -> bool:
    """Whether a value in one display unit can be restated in the other (GB/s and Gb/s can)."""
    keys = {quantity_for_unit(unit).key, quantity_for_unit(other).key}
    return len(keys) == 1 or keys == {"bytes_per_s", "bits_per_s"}

"""One formatter and parser a quantity: titles, axes, tooltips, tables, exports, sliders and the command line
all show and read a value the same way. Values are SI inside; units appear only here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Literal

from explorer.catalog.figure import UNIT_SCALES
from explorer.errors import UnknownRecordError

NOTHING = "–"
"""Shown where there is no finite value."""

OUT_OF_REACH = "out of reach"
"""An infinite latency, cost or number of chips in words; in a table of numbers "∞" stands for it."""

_NUMBER = re.compile(r"([+\-−]?)\s*(\.?\d[\d,_.]*)((?:e[+\-]?\d+)?)", re.IGNORECASE)
_MANTISSA = re.compile(r"(?:\d[\d_]*|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d*)?|\.\d+")
"""A comma parts thousands and nothing else: as a decimal mark it would multiply what was meant."""
_DECIMAL_COMMA = re.compile(r"(\d{1,3}(?:\.\d{3})+|\d*),(\d+)")
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|[KMGT]?B(?:/s)?\b|[mµ]?s\b|h\b|TFLOPS\b|PFLOPS\b|[kM]?W\b|years?\b)")


def unbroken(text: str) -> str:
    """A text for a place that breaks lines: no number is parted from its unit."""
    return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", text)


@dataclass(frozen=True, slots=True)
class Scale:
    """One unit a quantity can be shown in.

    `factor` is the SI value of one such unit, `starts` the smallest SI magnitude shown in it, `digits` the
    significant digits kept (a whole part is never cut), `decimals` the most decimals above 0.1.
    """

    symbol: str
    factor: float
    starts: float = 0.0
    digits: int = 3
    decimals: int = 6
    spaced: bool = True

    @property
    def suffix(self) -> str:
        """The unit as it stands behind a number."""
        return f" {self.symbol}" if self.spaced and self.symbol else self.symbol

    @property
    def shortens(self) -> bool:
        """Whether it is the "k" or "M" of a shortened number and no unit: never left away, for $13 is not $13k."""
        return not self.spaced and self.symbol in ("k", "M", "B", "T")


@dataclass(frozen=True, slots=True)
class Quantity:
    """How one quantity is titled, written and read; `unit` is what a bare typed number is taken to be in."""

    key: str
    title: str
    unit: str
    scales: tuple[Scale, ...]
    """Smallest unit first."""
    examples: str
    change: Literal["absolute", "percent"] = "percent"
    prefix: str = ""
    per: str = ""
    """Written behind the unit: the "/h" of "$2.20/h"."""
    cents: bool = False
    """Money: two decimals from 0.1 to 100, three significant digits above."""
    fixed_decimals: int | None = None
    whole: bool = False
    """Only whole numbers are accepted."""
    nouns: tuple[str, str] | None = None
    """Singular and plural, for counts of things."""
    spellings: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Further units accepted when typed, with the SI value of one."""

    def scale_at(self, value: float) -> Scale:
        """The unit that `value` (SI) is shown in."""
        if not math.isfinite(value):
            return next((scale for scale in self.scales if scale.symbol == self.unit), self.scales[0])
        # A hair of slack, so that 0.1 s computed as 0.0999...9 does not change its unit.
        magnitude = abs(value) * (1 + 1e-9)
        if value == 0:
            return next((scale for scale in self.scales if scale.symbol == self.unit), self.scales[0])
        for scale in reversed(self.scales):
            if magnitude >= scale.starts:
                return scale
        return self.scales[0]

    def unit_at(self, value: float) -> str:
        """The unit's text at `value`, for an axis title: "ms", "GB", "$", "$/h"."""
        if self.nouns:
            return self.nouns[1]
        symbol = self.scale_at(value).symbol
        return f"{self.prefix}{symbol}{self.per}"

    def format(self, value: float) -> str:
        """`value` (SI) with its unit: "37 ms", "$2.20/h", "70B"; "–" when it is not finite."""
        if not math.isfinite(value):
            return NOTHING
        scale = self.scale_at(value)
        return self._dress(self._digits(abs(value), scale), scale, value < 0)

    def format_number(self, value: float, at: float | None = None) -> str:
        """`value` (SI) without its unit, in the unit that `at` (SI) is shown in: an axis' tick labels."""
        if not math.isfinite(value):
            return NOTHING
        text = self._digits(abs(value), self.scale_at(value if at is None else at))
        return f"−{text}" if value < 0 and text.strip("0.,") else text

    def format_alike(self, value: float, at: float) -> str:
        """`value` (SI) with the unit that `at` (SI) is shown in: cells of one column."""
        if not math.isfinite(value):
            return NOTHING
        scale = self.scale_at(at)
        return self._dress(self._digits(abs(value), scale), scale, value < 0)

    def format_exact(self, value: float) -> str:
        """The shortest text with a unit that `parse` reads back as `value` to 15 digits: for a value box."""
        if not math.isfinite(value):
            return NOTHING
        scale = self.scale_at(value)
        number = abs(value) / scale.factor
        rounded = self._digits(abs(value), scale)
        if math.isclose(_plain(rounded), number, rel_tol=1e-12, abs_tol=1e-300):
            return self._dress(rounded, scale, value < 0)
        if scale.symbol == "k":
            # 12,035 and not 12.035k
            number, scale = abs(value), self.scales[0]
        text = f"{number:.15g}"
        if "e" not in text:
            whole, _, rest = text.partition(".")
            text = f"{int(whole):,}" + (f".{rest}" if rest else "")
        return self._dress(text, scale, value < 0)

    def format_range(self, low: float, high: float, at: float | None = None) -> str:
        """A band in one unit: "0.6–1.7 s"; with `at`, the value it stands beside, in that value's unit, which
        is then not repeated: "0.6–1.7", but for the "k" of a shortened number: "74k–2.5M". A band without `at` that
        spans units names both: "$30k–1.2M", "20 ms–0.18 s"."""
        if math.isnan(low) or math.isnan(high) or not math.isfinite(low):
            return NOTHING
        known = [value for value in (high, low) if math.isfinite(value)]
        if at is not None and any(self.scale_at(value).shortens for value in known):
            return self._range_of_shortened(known[::-1])
        if at is None and math.isfinite(high) and self._is_coarse(low, high):
            return f"{self.format(low)}–{self.format(high).removeprefix(self.prefix)}"
        scale = self.scale_at(at if at is not None and math.isfinite(at) else known[0])
        top = abs(known[0]) / scale.factor
        decimals = max(0, 1 - _exponent(top)) if top else 0
        if self.fixed_decimals is not None:
            decimals = self.fixed_decimals
        elif self.whole:
            decimals = 0
        first = self._end_of_range(low, scale, decimals)
        if not math.isfinite(high):
            text = first
        else:
            last = self._end_of_range(high, scale, decimals)
            text = first if first == last else f"{first}–{last}"
        if at is None:
            text = self._dress(text, scale, negative=False)
        return text if math.isfinite(high) else f"≥ {text}"

    def format_quantiles(self, *values: float) -> str:
        """Quantiles in rising order, each with its own unit: "$18.6k / $260k / ∞"; all infinite ones are one "∞"."""
        if not any(math.isfinite(value) for value in values):
            return "∞"
        return " / ".join(self.format(value) if math.isfinite(value) else "∞" for value in values)

    def format_change(self, new: float, old: float) -> str:
        """The change from `old` to `new`: "▲ 0.31 s", "▼ 35 %", "unchanged"; "–" when either is missing."""
        if not (math.isfinite(new) and math.isfinite(old)):
            return NOTHING
        sign = "▲" if new > old else "▼"
        step = abs(new - old)
        if self.change == "percent" and old:
            share = step / abs(old)
            if share < 0.005:
                return "unchanged"
            if new / old >= 3:
                return f"{sign} {_rounded(new / old, 2, 6)}×"
            return f"{sign} {_rounded(100 * share, 2, 0)} %"
        if step <= 0.005 * max(abs(new), abs(old)) or self.format(new) == self.format(old):
            return "unchanged"
        if self.key == "share":
            return f"{sign} {_rounded(100 * step, 2, 1)} points"
        return f"{sign} {self.format(step)}"

    def parse(self, text: str, shown: float | None = None) -> float:
        """The SI value of a typed text ("70B", "2.4 TB/s", "50 ms", "$2.20/h", "50%"); a bare number is in
        `unit`, or in the unit in which `shown` (SI) stands where it is typed. ValueError says what is allowed."""
        body = text.strip().replace("$", "", 1).strip() if self.prefix == "$" else text.strip()
        match = _NUMBER.match(body)
        if match is None:
            what = f"'{text.strip()}' as {self.title.lower()}"
            raise ValueError(f"cannot read {what}: write it like {self.examples}")
        sign, mantissa, power = match.groups()
        if not _MANTISSA.fullmatch(mantissa):
            raise ValueError(self._misread(mantissa))
        number = float(sign.replace("−", "-") + re.sub("[,_]", "", mantissa) + power)
        symbol = re.sub(r"\s+", "", body[match.end() :]).replace("μ", "µ")
        factor = self._factor(symbol) if symbol else self._bare_factor(shown)
        if factor is None:
            raise ValueError(
                f"'{body[match.end() :].strip()}' is not a unit of {self.title.lower()}: write it like {self.examples}"
            )
        value = without_noise(number * factor)
        if not math.isfinite(value):
            raise ValueError(f"'{text.strip()}' is too large; write it like {self.examples}")
        if self.whole and not math.isclose(value, round(value), rel_tol=1e-12, abs_tol=1e-9):
            raise ValueError(f"{self.title.lower()} must be a whole number; write it like {self.examples}")
        return float(round(value)) if self.whole else value

    def _misread(self, mantissa: str) -> str:
        """What to write instead of a number whose commas or points part no thousands and no decimals."""
        decimal = _DECIMAL_COMMA.fullmatch(mantissa)
        if decimal is not None:
            return f"{mantissa}: did you mean {decimal[1].replace('.', '') or 0}.{decimal[2]}?"
        return f"cannot read '{mantissa}' as {self.title.lower()}: write it like {self.examples}"

    def _bare_factor(self, shown: float | None) -> float | None:
        """SI value of what a bare number counts. "k" or "B" behind a number only shortens it: 512 typed beside 32k
        is 512; "ms" is a unit: 50 typed beside 40 ms is 50 ms."""
        beside = None if shown is None else self.scale_at(shown)
        return beside.factor if beside is not None and beside.symbol and beside.spaced else self._factor("")

    def _factor(self, symbol: str) -> float | None:
        """SI value of one typed unit, None when it is none of this quantity's; "" is the default unit."""
        if self.per and symbol.lower().endswith(self.per):
            symbol = symbol[: -len(self.per)]
            if not symbol:
                return 1.0
        if not symbol:
            return next((scale.factor for scale in self.scales if scale.symbol == self.unit), 1.0)
        if self.nouns and symbol.lower() in self.nouns:
            return 1.0
        known = {**self.spellings, **{scale.symbol: scale.factor for scale in self.scales}}
        # As typed first: "Gb/s" is not "GB/s". Only then whatever the case.
        if symbol in known:
            return known[symbol]
        lowered = {name.lower(): factor for name, factor in reversed(known.items())}
        lowered.update({scale.symbol.lower(): scale.factor for scale in self.scales if scale.symbol})
        return lowered.get(symbol.lower())

    def _digits(self, magnitude: float, scale: Scale) -> str:
        number = magnitude / scale.factor
        if self.fixed_decimals is not None:
            return f"{number:,.{self.fixed_decimals}f}"
        if self.cents:
            if number == 0:
                return "0"
            if 0.095 <= number < 99.995 and scale.factor == 1:
                return f"{number:.2f}"
            if number >= 1000:
                number = round(number, 2 - _exponent(number))
                return f"{number:,.0f}"
        digits = 2 if self.cents and number < 0.095 else scale.digits
        return _rounded(number, digits, scale.decimals)

    def _is_coarse(self, low: float, high: float) -> bool:
        """Whether the lower end of a band would lose what is known of it in the unit of the upper one."""
        scale = self.scale_at(high)
        if low <= 0 or self.scale_at(low) == scale:
            return False
        if low < 0.05 * high or self.fixed_decimals is not None or self.whole:
            # "$0.03–1.2M" would read as three cents
            return low < 0.05 * high
        # "0.02–0.18 s" might be 15 ms as well as 25
        left = round(low / scale.factor, max(0, 1 - _exponent(high / scale.factor)))
        return not math.isclose(left * scale.factor, low, rel_tol=0.01)

    def _range_of_shortened(self, ends: Sequence[float]) -> str:
        """A band beside a value whose ends are shortened: "≥ 13k", "7–62k", "74k–2.5M"."""
        top = self.scale_at(ends[-1])
        scales = [top if value >= top.factor else self.scale_at(value) for value in ends]
        numbers = [value / scale.factor for value, scale in zip(ends, scales, strict=True)]
        texts = [_rounded(number, 2, max(0, 1 - _exponent(number))) if number else "0" for number in numbers]
        if len(ends) == 1:
            return f"≥ {texts[0]}{top.suffix}"
        first = texts[0] if scales[0] == top else texts[0] + scales[0].suffix
        return texts[1] + top.suffix if first == texts[1] else f"{first}–{texts[1]}{top.suffix}"

    def _end_of_range(self, value: float, scale: Scale, decimals: int) -> str:
        number = abs(value) / scale.factor
        text = f"{number:,.{decimals}f}"
        if number and not text.strip("0.,"):
            text = _rounded(number, 1, 12)
        elif decimals and self.fixed_decimals is None and not self.cents:
            text = text.rstrip("0").rstrip(".")
        return f"−{text}" if value < 0 and text.strip("0.,") else text

    def _dress(self, digits: str, scale: Scale, negative: bool) -> str:
        """Put sign, currency and unit around the digits."""
        sign = "−" if negative and digits.strip("0.,") else ""
        if self.nouns:
            return f"{sign}{digits} {self.nouns[0] if digits == '1' else self.nouns[1]}"
        return f"{sign}{self.prefix}{digits}{scale.suffix}{self.per}"


def without_noise(value: float) -> float:
    """A number to the 15 digits that a text holds: 35 × 0.01 is 0.35 and not 0.35000000000000003."""
    return float(f"{value:.15g}")


def number_text(number: float, digits: int = 3) -> str:
    """A number without a unit to `digits` significant digits: "3,850", "0.00012"; never as a power of ten."""
    if not math.isfinite(number):
        return NOTHING
    rounded = abs(float(f"{number:.{digits}g}"))
    places = max(0, digits - 1 - _exponent(rounded)) if rounded else 0
    text = f"{rounded:,.{places}f}"
    sign = "−" if number < 0 else ""
    return sign + (text.rstrip("0").rstrip(".") if places else text)


def _exponent(number: float) -> int:
    """Power of ten of the leading digit."""
    return math.floor(math.log10(number) + 1e-12)


def _plain(text: str) -> float:
    return float(text.replace(",", ""))


def _rounded(number: float, digits: int, decimals: int) -> str:
    """`digits` significant digits, thousands in commas, no trailing zeros; a whole part is never cut."""
    if number == 0:
        return "0"
    places = digits - 1 - _exponent(number)
    # Below 0.1 the cap on decimals would eat the digits themselves.
    places = min(places, decimals) if number >= 0.1 else min(places, 12)
    places = max(0, places)
    text = f"{number:,.{places}f}"
    if not text.strip("0.,"):
        return f"{number:.2g}"
    return text.rstrip("0").rstrip(".") if places else text


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

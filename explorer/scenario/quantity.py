"""One formatter and parser a quantity: titles, axes, tooltips, tables, exports, sliders and the command line
all show and read a value the same way. Values are SI inside; units appear only here and in `quantities`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

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
    suffix: str = field(init=False, repr=False, compare=False)
    """The unit as it stands behind a number."""
    shortens: bool = field(init=False, repr=False, compare=False)
    """Whether it is the "k" or "M" of a shortened number and no unit: never left away, for $13 is not $13k."""

    def __post_init__(self) -> None:
        # asked for fifty times a frame
        object.__setattr__(self, "suffix", f" {self.symbol}" if self.spaced and self.symbol else self.symbol)
        object.__setattr__(self, "shortens", not self.spaced and self.symbol in ("k", "M", "B", "T"))


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
    _falling: tuple[Scale, ...] = field(init=False, repr=False, compare=False)
    """The units, largest first."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_falling", self.scales[::-1])

    def scale_at(self, value: float) -> Scale:
        """The unit that `value` (SI) is shown in."""
        # A hair of slack, so that 0.1 s computed as 0.0999...9 does not change its unit.
        magnitude = abs(value) * (1 + 1e-9)
        if not 0.0 < magnitude < math.inf:
            return next((scale for scale in self.scales if scale.symbol == self.unit), self.scales[0])
        for scale in self._falling:
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
    places = digits - 1 - math.floor(math.log10(number) + 1e-12)
    # Below 0.1 the cap on decimals would eat the digits themselves.
    most = decimals if number >= 0.1 else 12
    if places > most:
        places = most
    if places <= 0:
        text = f"{number:,.0f}"
        return text if number >= 1.0 or text != "0" else f"{number:.2g}"
    text = f"{number:,.{places}f}"
    if number < 1.0 and not text.strip("0."):
        return f"{number:.2g}"
    return text.rstrip("0").rstrip(".")

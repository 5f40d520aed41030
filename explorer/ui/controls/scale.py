"""How a slider's travel maps to values: logarithmic, linear, or stops only; knows no Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SNAP_TRAVEL = 0.008
SINGLE_STEP = 0.01
PAGE_STEP = 0.1
FINE_STEP = 0.001

Value = float | int | str


class Scale(Protocol):
    """Travel from 0 (left) to 1 (right) against values of the parameter."""

    def position(self, value: Value) -> float:
        """Travel of a value, held within 0..1."""

    def value(self, position: float) -> Value:
        """Value at a travel, rounded to what a hand can mean and snapped to near ticks."""

    def stepped(self, value: Value, steps: float) -> Value:
        """Value after so many key steps (1 an arrow key, 10 a page key, 0.1 a fine one); always moves unless at an
        end."""

    def ticks(self) -> tuple[Value, ...]:
        """Values worth a tick mark."""


def rounded(value: float, significant: int) -> float:
    """Value rounded to that many significant digits."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, significant - 1 - math.floor(math.log10(abs(value))))


@dataclass(frozen=True)
class LogScale:
    """Equal travel for equal ratios; `low` must be positive. Whole numbers where `integer`."""

    low: float
    high: float
    stops: tuple[float, ...] = ()
    integer: bool = False
    significant: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high:
            raise ValueError(f"a logarithmic scale needs 0 < low < high, not {self.low} and {self.high}")

    def position(self, value: Value) -> float:
        """Travel of a value, held within 0..1."""
        number = min(max(float(value), self.low), self.high)
        return math.log(number / self.low) / math.log(self.high / self.low)

    def value(self, position: float) -> Value:
        """Value at a travel, snapped to a tick within 0.8 % of the travel."""
        for stop in self.stops:
            if abs(self.position(stop) - position) <= SNAP_TRAVEL:
                return self._typed(stop)
        return self._rounded(self.low * (self.high / self.low) ** min(max(position, 0.0), 1.0))

    def stepped(self, value: Value, steps: float) -> Value:
        """Value after so many key steps; at least the next distinct value."""
        here = float(value)
        moved = float(self._rounded(self.low * (self.high / self.low) ** self._clamped(here, steps)))
        if moved == here:
            moved = here + math.copysign(1.0, steps) if self.integer else rounded(here * 1.01**steps, 4)
        return self._typed(min(max(moved, self.low), self.high))

    def ticks(self) -> tuple[Value, ...]:
        """The meaningful stops, or the decades when none were given."""
        if self.stops:
            return self.stops
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        return tuple(10.0**power for power in range(first, last + 1))

    def _clamped(self, value: float, steps: float) -> float:
        return min(max(self.position(value) + steps * SINGLE_STEP, 0.0), 1.0)

    def _rounded(self, value: float) -> Value:
        return self._typed(min(max(rounded(value, self.significant), self.low), self.high))

    def _typed(self, value: float) -> Value:
        return round(value) if self.integer else value


@dataclass(frozen=True)
class LinearScale:
    """Equal travel for equal differences, in multiples of `grain`."""

    low: float
    high: float
    grain: float
    stops: tuple[float, ...] = ()
    integer: bool = False

    def __post_init__(self) -> None:
        if not (self.low < self.high and self.grain > 0):
            raise ValueError(f"a linear scale needs low < high and a grain, not {self.low}, {self.high}")

    def position(self, value: Value) -> float:
        """Travel of a value, held within 0..1."""
        number = min(max(float(value), self.low), self.high)
        return (number - self.low) / (self.high - self.low)

    def value(self, position: float) -> Value:
        """Value at a travel, on the grain, snapped to a tick within 0.8 % of the travel."""
        for stop in self.stops:
            if abs(self.position(stop) - position) <= SNAP_TRAVEL:
                return self._typed(stop)
        return self._on_grain(self.low + position * (self.high - self.low))

    def stepped(self, value: Value, steps: float) -> Value:
        """Value after so many key steps of 1 % of the travel, at least one grain each way; fine ones go between."""
        step = max(self.grain, (self.high - self.low) * SINGLE_STEP)
        if abs(steps) >= 1:
            return self._on_grain(float(value) + steps * step)
        fine = math.copysign(max(abs(steps) * step, 1.0 if self.integer else 0.0), steps)
        return self._typed(min(max(round(float(value) + fine, self._digits), self.low), self.high))

    def ticks(self) -> tuple[Value, ...]:
        """The meaningful stops."""
        return self.stops

    def _on_grain(self, value: float) -> Value:
        on_grain = round(round(value / self.grain) * self.grain, self._digits)
        return self._typed(min(max(on_grain, self.low), self.high))

    @property
    def _digits(self) -> int:
        """Decimals that a tenth of a grain takes."""
        return max(0, -math.floor(math.log10(self.grain)) + 1)

    def _typed(self, value: float) -> Value:
        return round(value) if self.integer else value


@dataclass(frozen=True)
class StopScale:
    """Only the given values, at equal distances, in the given order."""

    stops: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.stops:
            raise ValueError("a scale of stops needs at least one stop")

    def position(self, value: Value) -> float:
        """Travel of the stop; of the nearest numeric stop for a value that is none."""
        return self._index(value) / max(len(self.stops) - 1, 1)

    def value(self, position: float) -> Value:
        """The nearest stop."""
        return self.stops[round(min(max(position, 0.0), 1.0) * (len(self.stops) - 1))]

    def stepped(self, value: Value, steps: float) -> Value:
        """The next stop; a page key goes two stops."""
        count = int(math.copysign(2 if abs(steps) >= PAGE_STEP / SINGLE_STEP else 1, steps))
        return self.stops[min(max(self._index(value) + count, 0), len(self.stops) - 1)]

    def ticks(self) -> tuple[Value, ...]:
        """Every stop."""
        return self.stops

    def _index(self, value: Value) -> int:
        if value in self.stops:
            return self.stops.index(value)
        return nearest_index(self.stops, value)


def nearest_index(stops: Sequence[Value], value: Value) -> int:
    """Index of the numeric stop nearest to a value; 0 when there is no number to compare."""
    if isinstance(value, str):
        return 0
    numeric = [(abs(float(stop) - value), index) for index, stop in enumerate(stops) if not isinstance(stop, str)]
    return min(numeric)[1] if numeric else 0

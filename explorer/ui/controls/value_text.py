"""How a value of the scenario is written beside its control, and read when it is typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from explorer.scenario.quantity import Quantity, without_noise
from explorer.ui.controls.scale import Value


@dataclass(frozen=True)
class ValueText:
    """How a value of the scenario is written and read; `parse` raises ValueError saying what is allowed. What it
    gives is what `value_edited` carries.

    `brief` writes the label of a tick; without one ticks are written like values. `beside` reads a text that was typed
    in the place of a value, in whose unit a bare number is.
    """

    format: Callable[[Value], str]
    parse: Callable[[str], Any]
    brief: Callable[[Value], str] | None = None
    beside: Callable[[str, Value], Any] | None = None


def text_of(quantity: Quantity, si_per_unit: float = 1.0, *, integer: bool = False, exact: bool = True) -> ValueText:
    """The text of a quantity whose scenario values are in units of `si_per_unit`."""
    show = quantity.format_exact if exact else quantity.format

    def beside(text: str, shown: Value | None) -> Value:
        at = float(shown) * si_per_unit if isinstance(shown, float | int) else None
        value = without_noise(quantity.parse(text, at) / si_per_unit)
        return round(value) if integer else value

    return ValueText(
        lambda value: show(float(value) * si_per_unit),
        lambda text: beside(text, None),
        lambda value: quantity.format(float(value) * si_per_unit),
        beside,
    )

"""How the slider of an open figure looks and reads: a belief between two readings, or the figure's own value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from explorer.catalog.figure import allowed_instead
from explorer.scenario.quantities import QUANTITIES, quantity_for_unit, unit_scale
from explorer.scenario.quantity import without_noise
from explorer.scenario.schema import Override
from explorer.study.outcome import OpenFigure
from explorer.ui.controls.parameter_slider import BOX_WIDTH
from explorer.ui.controls.scale import LinearScale, LogScale, Scale, Value
from explorer.ui.controls.value_text import ValueText, text_of

REASON = "set in the window"
BELIEF_WIDTH = 60
MARGIN = 1.6
"""How far a slider goes beyond a figure's stated range, as a ratio: the range is a judgement, not a law."""

_SHARE = QUANTITIES["share"]


@dataclass(frozen=True)
class Guise:
    """What a slider shows of a figure at the moment."""

    title: str
    meaning: str
    scale: Scale
    text: ValueText
    box_width: int
    stops: tuple[tuple[Value, str], ...] = ()
    wash: tuple[Value, Value] | None = None

    @property
    def marks(self) -> tuple[Value, ...]:
        """Where the readings are."""
        return tuple(value for value, _ in self.stops)


def guise_of(figure: OpenFigure, by_value: bool) -> Guise:
    """The guise of a figure; a disputed one is a belief as long as no value was set for it (`by_value`)."""
    if figure.readings and not by_value:
        share = text_of(_SHARE)
        first, second, *_ = (name for name, _ in figure.readings)
        return Guise(
            f"Belief in the {first} reading",
            f"How much you believe the reading '{first}' of the {figure.title.lower()} rather than '{second}': 100 % "
            f"is sure of it. A text with a unit, like {_example(figure)}, sets the figure itself.",
            LinearScale(0, 1, 0.01, (0.0, 0.5, 1.0)),
            ValueText(share.format, _reader(figure, by_value), share.brief),
            BELIEF_WIDTH,
            # Sure of the first reading at the right end, of the second at the left.
            tuple(sorted(zip((1.0, 0.0), named_readings(figure), strict=False))),
        )
    text = text_of(quantity_for_unit(figure.unit), unit_scale(figure.unit))
    if figure.readings:
        values = (value for _, value in figure.readings)
        return Guise(
            figure.title,
            "Your own value of a disputed figure, taken as known. A share like 50 %, or a reading's name, makes it a "
            "belief again.",
            _scale(figure),
            ValueText(text.format, _reader(figure, by_value), text.brief, partial(_read_beside, figure)),
            BOX_WIDTH,
            tuple(sorted(zip(values, named_readings(figure), strict=True))),
        )
    return Guise(
        figure.title,
        "Nobody has published this figure. The wash is its stated range; a value set here is taken as known.",
        _scale(figure),
        text,
        BOX_WIDTH,
        wash=(figure.low, figure.high) if figure.low < figure.high else None,
    )


def override_of(figure: OpenFigure, typed: str, by_value: bool, shown: float | None = None) -> Override:
    """What a text typed for a disputed figure sets; ValueError says what is allowed.

    A reading's name is full belief in it, a share a belief, a text with the figure's unit its value. A bare number
    is what the box shows: a belief in per cent, or a value (`by_value`) in the unit of the one `shown`.
    """
    named = typed.strip().lower()
    for (name, _), belief in zip(figure.readings, (1.0, 0.0), strict=False):
        if named == name.lower():
            return Override(belief=belief, reason=REASON)
    is_belief = not by_value
    if named.rstrip("%") != named or named.endswith("percent"):
        is_belief = True
    elif any(sign.isalpha() or sign == "$" for sign in named.replace("e", "")):
        is_belief = False
    if is_belief:
        return override_by_belief(_SHARE.parse(typed))
    unit = unit_scale(figure.unit)
    try:
        value = quantity_for_unit(figure.unit).parse(typed, None if shown is None else shown * unit)
    except ValueError as error:
        names = " or ".join(name for name, _ in figure.readings)
        raise ValueError(f"{error}; or a belief like 70 %, or {names}") from error
    return override_by_value(figure, value / unit)


def override_by_belief(belief: float) -> Override:
    """Belief in the first reading; ValueError outside 0 to 1."""
    if not 0 <= belief <= 1:
        raise ValueError("a belief lies between 0 % and 100 %")
    return Override(belief=belief, reason=REASON)


def override_by_value(figure: OpenFigure, value: float) -> Override:
    """The figure itself, in its display unit; ValueError where it is not above 0."""
    if value <= 0:
        raise ValueError(f"{figure.title.lower()} must be more than 0")
    if allowed := allowed_instead(value, figure.unit):
        raise ValueError(f"{figure.title.lower()} must be {allowed}")
    return Override(value=without_noise(value), unit=figure.unit, reason=REASON)


def caption_of(figure: OpenFigure, by_value: bool) -> str:
    """The line below the track: who set it, and what is taken."""
    own = "set by you · " if figure.overridden else ""
    if figure.readings and by_value:
        return f"{own}instead of {' or '.join(reversed(named_readings(figure)))}"
    if figure.readings:
        taken = quantity_for_unit(figure.unit).format(figure.value * unit_scale(figure.unit))
        # The value first: a narrow panel cuts the end.
        after = " · set by you" if figure.overridden else ""
        return f"taken as {taken} {figure.title.lower()}{after}"
    return own + figure.reason


def named_readings(figure: OpenFigure) -> list[str]:
    """The readings with their values: "vendor 7.39 TB/s"."""
    quantity, unit = quantity_for_unit(figure.unit), unit_scale(figure.unit)
    return [f"{name} {quantity.format(value * unit)}" for name, value in figure.readings]


def _reader(figure: OpenFigure, by_value: bool) -> Callable[[str], Any]:
    return lambda typed: override_of(figure, typed, by_value)


def _read_beside(figure: OpenFigure, typed: str, shown: Value) -> Override:
    return override_of(figure, typed, True, float(shown))


def _example(figure: OpenFigure) -> str:
    return quantity_for_unit(figure.unit).format(figure.high * unit_scale(figure.unit))


def _scale(figure: OpenFigure) -> Scale:
    if figure.unit == "share":
        return LinearScale(0, 1, 0.01, (0.0, 0.5, 1.0))
    low, high = figure.low / MARGIN, max(figure.high, figure.low * 1.01) * MARGIN
    if figure.unit in ("chips", "count", ""):
        return LogScale(max(1.0, low), max(high, 2.0), integer=True)
    return LogScale(low, high, (figure.low, figure.high))

"""What to ask the vendor first: each open figure with what knowing it is worth and the number it must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.figure import Figure
from explorer.scenario.quantities import QUANTITIES
from explorer.study.decision_case import Case, Choice
from explorer.study.figures import values_at
from explorer.study.uncertainty import Drawn, drawn, points_with
from explorer.study.value_of_information import Worth

Array = NDArray[np.float64]
SHARE = QUANTITIES["share"]

REACH = 8.0
"""A break-even is looked for up to so many times beyond either end of a figure's stated range."""
SCAN = 33
REFINED = 2
"""Times the turning point is looked for again between two values: to three digits, as a break-even has it."""
ACCEPT = 0.9
"""An answer is accepted when the promises are then kept, at no more than the reference costs, this surely."""
ACCEPT_BINS = 16

PENNIES = 1.0
"""USD a month below which nothing is worth knowing, whatever the draws say."""

Kind = Literal["met", "value", "none"]


@dataclass(frozen=True, slots=True)
class Threshold:
    """What an answer must beat, in display units.

    `kind` "met": any answer within the stated range will do; "none": no answer to this figure alone will do.
    """

    kind: Kind
    value: float | None
    at_least: bool
    """Whether more is better."""
    within_range: bool
    """Whether the value lies within the range the figure is believed to have."""
    note: str


@dataclass(frozen=True, slots=True)
class Demand:
    """One open figure to ask for; `low`, `value`, `high` and readings in display units."""

    chip: str
    chip_name: str
    chip_short: str
    alternative: str
    figure: str
    title: str
    status: str
    unit: str
    low: float
    value: float
    high: float
    readings: tuple[tuple[str, float], ...]
    worth: float | None
    """EVPPI, USD a month; None where there is nothing to decide between."""
    decides: bool
    """Whether that is more than a figure that decides nothing seems to be worth."""
    odds: tuple[float, float]
    """Probability to keep every promise with the chips of now, at the worst and at the best answers."""
    acceptance: Threshold
    """With all others as believed: where the chips of now keep every promise."""
    break_even: Threshold
    """With all others as believed: where keeping them costs no more than the reference."""
    surely: Threshold
    """With all others as uncertain as they are: where both hold for some number of chips with 90 % probability."""
    reason: str
    source: str


def ask_first(
    case: Case,
    joint: Sequence[Drawn],
    quantiles: Sequence[Mapping[str, Array]],
    worth: Worth,
) -> tuple[Demand, ...]:
    """The open figures of all choices, those worth most first, then those whose chip hangs on them most."""
    found: dict[tuple[str, str], Demand] = {}
    for choice, own, drawn_at in zip(case.choices, joint, quantiles, strict=True):
        names = [
            figure.name
            for figure in choice.chip.open_figures
            if figure.name in drawn_at and (choice.chip.id, figure.name) not in found
        ]
        if not names:
            continue
        rival = rival_of(case, choice)
        beaten, kept = _thresholds(case, choice, names, rival)
        theirs = None if rival is None else joint[case.choices.index(rival)].months_needed()
        months = own.months_needed()
        good = np.isfinite(months) if theirs is None else np.isfinite(months) & (months <= theirs)
        for name in names:
            figure, value = choice.chip.figures[name], worth.of.get((choice.chip.id, name))
            found[choice.chip.id, name] = Demand(
                chip=choice.chip.id,
                chip_name=choice.chip.name,
                chip_short=choice.chip.short_name,
                alternative=choice.outcome.name,
                figure=name,
                title=figure.title,
                status=figure.status,
                unit=figure.unit,
                low=figure.low / figure.scale,
                value=choice.deployment.values[name] / figure.scale,
                high=figure.high / figure.scale,
                readings=tuple((one.name, one.value / figure.scale) for one in figure.readings),
                worth=value,
                decides=value is not None and value > 2.0 * worth.noise[choice.chip.id] + PENNIES,
                odds=_odds(_binned(choice, figure, drawn_at[name]), own.keeps),
                acceptance=kept[name],
                break_even=beaten[name],
                surely=_surely(choice, figure, drawn_at[name], good, beaten[name].at_least),
                reason=figure.reason,
                source=figure.source,
            )
    return tuple(sorted(found.values(), key=lambda one: (-(one.worth or 0.0) * one.decides, one.odds[0] - one.odds[1])))


def _binned(choice: Choice, figure: Figure, u: Array) -> list[NDArray[np.intp]]:
    """Draws by the figure's value, lowest quantiles first: of its readings, or of equal shares."""
    if figure.readings:
        first = u < choice.belief(figure.name)
        return [np.flatnonzero(mask) for mask in (first, ~first) if mask.any()]
    return np.array_split(np.argsort(u, kind="stable"), ACCEPT_BINS)


def _odds(bins: Sequence[NDArray[np.intp]], keeps: NDArray[np.bool_]) -> tuple[float, float]:
    """Share of the draws that keep every promise at the two ends of a figure, the worse end first."""
    ends = [float(np.mean(keeps[one])) for one in (bins[0], bins[-1])]
    return min(ends), max(ends)


def rival_of(case: Case, choice: Choice) -> Choice | None:
    """What a choice must not cost more than: the fallback, or for the fallback itself the cheapest that keeps."""
    if case.fallback is not choice:
        return case.fallback
    others = [one for one in case.choices if one is not choice and one.outcome.keeps_promises]
    return min(others, key=_month, default=None)


def _month(choice: Choice) -> float:
    cost = choice.outcome.cost.usd_per_month
    return np.inf if cost is None else cost.value


def _grid(figure: Figure) -> Array:
    low, high = figure.low / REACH, figure.high * REACH
    if figure.unit == "share":
        high = 1.0
    if figure.unit in ("chips", "count"):
        whole = np.unique(np.round(np.geomspace(max(figure.low / REACH, 1.0), max(high, 2.0), SCAN)))
        return np.concatenate([whole, np.full(SCAN - len(whole), whole[-1])])
    return np.geomspace(low, high, SCAN)


def _thresholds(
    case: Case, choice: Choice, names: Sequence[str], rival: Choice | None
) -> tuple[dict[str, Threshold], dict[str, Threshold]]:
    """By figure, all others as believed: where keeping the promises costs no more than the rival, and where the
    chips of now keep them."""
    figures = [choice.chip.figures[name] for name in names]
    grids = np.stack([_grid(figure) for figure in figures])
    most = np.inf if rival is None else _month(rival)
    months, keeps = _along(case, choice, names, grids)
    cheap = np.isfinite(months) & (months <= most * (1.0 + 1e-9))
    found: list[dict[str, Threshold]] = []
    for which, good in enumerate((cheap, keeps)):
        finer, good_finer = grids, good
        for _ in range(REFINED):
            brackets = np.stack([_bracket(row, fine) for row, fine in zip(finer, good_finer, strict=True)])
            finer = np.geomspace(brackets[:, 0], brackets[:, 1], SCAN, axis=1)
            months_finer, keeps_finer = _along(case, choice, names, finer)
            cheap_finer = np.isfinite(months_finer) & (months_finer <= most * (1.0 + 1e-9))
            good_finer = keeps_finer if which else cheap_finer
        least = [""] * len(names) if which else [_least(row, rival) for row in months]
        found.append(
            {
                figure.name: _threshold(figure, grid, fine, near, fine_near, words)
                for figure, grid, fine, near, fine_near, words in zip(
                    figures, grids, good, finer, good_finer, least, strict=True
                )
            }
        )
    return found[0], found[1]


def _least(months: Array, rival: Choice | None) -> str:
    """The least that a choice comes to along a figure, against what it must not exceed."""
    usd = QUANTITIES["usd_per_month"]
    if not np.isfinite(months).any():
        return "the promises stay out of reach"
    against = "" if rival is None else f" against {usd.format(_month(rival))}"
    return f"at best {usd.format(float(np.min(months)))} a month{against}"


def _along(case: Case, choice: Choice, names: Sequence[str], grids: Array) -> tuple[Array, NDArray[np.bool_]]:
    """At each value (figures, values) of one figure: USD a month that keep the promises; whether those of now do."""
    count = grids.size
    values = {name: np.full(count, np.nan) for name in names}
    for at, name in enumerate(names):
        values[name][at * grids.shape[1] : (at + 1) * grids.shape[1]] = grids[at]
    found = drawn(case, choice, points_with(choice, values, count))
    return found.months_needed().reshape(grids.shape), found.keeps.reshape(grids.shape)


def _bracket(values: Array, good: NDArray[np.bool_]) -> Array:
    """The two neighbouring values between which it turns good, seen from the good end."""
    at = _turn(good)
    return np.asarray([values[at], values[min(at + 1, len(values) - 1)]])


def _turn(good: NDArray[np.bool_]) -> int:
    """Index before the last change of `good`, seen from the end at which it is good; 0 where it never is."""
    changes = np.flatnonzero(good[1:] != good[:-1])
    if len(changes) == 0:
        return 0
    return int(changes[-1] if good[-1] else changes[0])


def _threshold(
    figure: Figure,
    grid: Array,
    good: NDArray[np.bool_],
    near: Array,
    good_near: NDArray[np.bool_],
    least: str,
) -> Threshold:
    within = (grid >= figure.low * (1.0 - 1e-9)) & (grid <= figure.high * (1.0 + 1e-9))
    at_least = bool(good[-1]) or not bool(good[0])
    if good[within].all() and within.any() and (good[-1] or good[0]):
        return Threshold("met", None, at_least, True, "any answer within its range will do")
    if not (good[-1] or good[0]):
        return Threshold("none", None, True, False, least or "no answer to this figure alone will do")
    turn = _turn(good_near)
    if good_near.all() or not good_near.any():
        value = float(near[0] if good_near[0] else near[-1])
    else:
        value = float(near[turn + 1] if at_least else near[turn])
    if figure.unit in ("chips", "count"):
        value = float(np.ceil(value - 1e-9) if at_least else np.floor(value + 1e-9))
    inside = figure.low <= value <= figure.high
    note = "" if inside else "beyond the range it is believed to have"
    return Threshold("value", value / figure.scale, at_least, inside, note)


def _surely(choice: Choice, figure: Figure, u: Array, good: NDArray[np.bool_], at_least: bool) -> Threshold:
    """The value from which on the draws are good with probability ACCEPT, everything else drawn too."""
    bins = _binned(choice, figure, u)
    shares = [float(np.mean(good[one])) for one in bins]
    if figure.readings:
        weight = choice.belief(figure.name)
        held = [reading for reading, part in zip(figure.readings, (weight, 1.0 - weight), strict=False) if part > 0.0]
        words = ", ".join(f"{reading.name}: {SHARE.format(share)}" for reading, share in zip(held, shares, strict=True))
        surely = [reading for reading, share in zip(held, shares, strict=True) if share >= ACCEPT]
        if len(surely) == len(held):
            return Threshold("met", None, at_least, True, words)
        if surely:
            return Threshold("value", surely[0].value / figure.scale, at_least, True, words)
        return Threshold("none", None, at_least, False, words)
    if at_least:
        bins, shares = bins[::-1], shares[::-1]
    # from the best values to the worst
    sure = next((at for at, share in enumerate(shares) if share < ACCEPT), len(shares))
    best = f"{SHARE.format(shares[0])} at its best end"
    if sure == 0:
        return Threshold("none", None, at_least, False, best)
    if sure == len(shares):
        return Threshold("met", None, at_least, True, f"{SHARE.format(shares[-1])} even at its worst end")
    edge = u[bins[sure - 1]]
    value = _at_quantile(choice, figure, float(np.min(edge) if at_least else np.max(edge)))
    return Threshold("value", value / figure.scale, at_least, True, best)


def _at_quantile(choice: Choice, figure: Figure, u: float) -> float:
    return float(values_at(choice.chip, choice.overrides, {figure.name: np.asarray([u])})[figure.name][0])

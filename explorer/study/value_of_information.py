"""What it would be worth to know a figure before choosing: EVPPI of the decision between a workload's alternatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.figure import FIGURE_KINDS
from explorer.engine.cost import monthly_cost
from explorer.engine.decision import BINS, evpi, evppi, gain
from explorer.study.cost_parts import exit_cost
from explorer.study.decision_case import Case, Choice
from explorer.study.draws import uniforms
from explorer.study.uncertainty import FIRST, STEP, Drawn, drawn, parts_of, points_at

Array = NDArray[np.float64]

IDLE = tuple(name for name, kind in FIGURE_KINDS.items() if kind.informative)
"""Parts that are drawn and enter no result: what they seem to be worth is noise."""
LEAST_IN_A_BIN = 128
"""Draws in which a figure counts as known: fewer make noise look like worth."""
SHEETS, INNER = 256, 16
"""Data sheets drawn for a chip, and draws of all else for each."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What knowing is worth (EVPPI, USD a month) by chip and part, and by chip what a mere number seems to be."""

    of: Mapping[tuple[str, str], float]
    noise: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Together:
    """What knowing all open figures of a chip at once is worth, USD a month."""

    chip: str
    chip_name: str
    figures: int
    worth: float


def switching_costs(case: Case) -> dict[str, float]:
    """USD a month, over the horizon, of leaving each choice for the fallback; none for the fallback itself."""
    fallback, terms = case.fallback, case.context.scenario.fleet.migration
    found = {}
    for choice in case.choices:
        cost = choice.outcome.cost.usd_per_month
        if fallback is None or fallback is choice or cost is None:
            found[choice.outcome.name] = 0.0
            continue
        stacks = [case.catalog.software_stacks(one.chip.id) for one in (choice, fallback)]
        once = exit_cost(terms, cost.value, engineering=float(stacks[0] != stacks[1]), egress=False)
        found[choice.outcome.name] = once / (12.0 * terms.horizon_years)
    return found


def payoff(case: Case, drawn_of: Sequence[Drawn], switching: Mapping[str, float]) -> Array:
    """USD a month of each choice in each case, (samples, choices): SEMANTICS, Decisions.

    Where the chips of now break a promise, chips are added; where that keeps it at no size, or costs more than
    leaving, the fallback is bought instead and the switch (USD a month, by name) paid for, or the stated penalty on
    top of the chips of now. Where the fallback is itself out of reach its chips of now are paid: nobody keeps the
    promises there. Raises ValueError without either.
    """
    penalty, fallback = case.context.scenario.decision.penalty_usd_per_month, case.fallback
    if penalty is None and fallback is None:
        raise ValueError("no disclosed alternative keeps the promises, and no penalty for breaking them is stated")
    now = [np.asarray(monthly_cost(found.usd_per_chip_hour, found.chips_now)) for found in drawn_of]
    if penalty is not None:
        instead = [rest + penalty for rest in now]
    else:
        assert fallback is not None
        at = case.choices.index(fallback)
        held = drawn_of[at].months_held()
        rescue = np.where(np.isfinite(held), held, now[at])
        instead = [rescue + switching[choice.outcome.name] for choice in case.choices]
        instead[at] = rescue
    columns = []
    for found, rest, other in zip(drawn_of, now, instead, strict=True):
        enough = found.chips_needed <= found.chips_now
        columns.append(np.where(enough, rest, np.minimum(found.months_held(), other)))
    return np.stack(columns, axis=1)


def worth_of(case: Case, costs: Array | None, quantiles: Sequence[Mapping[str, Array]]) -> Worth:
    """EVPPI of every part from joint costs (samples, choices), USD a month, and the quantiles they were drawn at."""
    if costs is None:
        return Worth({}, {})
    columns: dict[tuple[str, str], Array] = {}
    for choice, drawn_at in zip(case.choices, quantiles, strict=True):
        for part, u in drawn_at.items():
            columns[choice.chip.id, part] = _as_read(choice, part, u)
    seed = case.context.scenario.simulation.seed
    chips = dict.fromkeys(choice.chip.id for choice in case.choices)
    idle = {(chip, part): uniforms(chip, part, len(costs), seed) for chip in chips for part in IDLE}
    every = {**columns, **idle}
    fallback = case.fallback
    behind = "" if fallback is None else fallback.chip.id
    # a choice hangs on its own chip's figures, and on those of the fallback, for which it may be given up
    depends = [[choice.chip.id == chip or chip == behind for choice in case.choices] for chip, _ in every]
    bins = min(BINS, max(1, len(costs) // LEAST_IN_A_BIN))
    found = dict(zip(every, evppi(-costs, np.stack([*every.values()], axis=1), bins, depends), strict=True))
    return Worth(
        {key: float(found[key]) for key in columns},
        {chip: max(float(found[chip, part]) for part in IDLE) for chip in chips},
    )


def together(case: Case, costs: Array, joint: Sequence[Drawn], switching: Mapping[str, float]) -> tuple[Together, ...]:
    """The worth of each chip's whole data sheet, from joint costs (samples, choices) and what they came from.

    Nested: up to SHEETS data sheets, INNER draws of everything else for each (Brennan et al. 2007). Only the choices
    on the chip itself hang on its sheet; the others keep their mean.
    """
    seed, means, every = case.context.scenario.simulation.seed, np.mean(costs, axis=0), evpi(-costs)
    sheets = max(1, min(SHEETS, len(costs) // INNER))
    found = []
    for chip in dict.fromkeys(choice.chip for choice in case.choices):
        own = [at for at, choice in enumerate(case.choices) if choice.chip is chip]
        opened = _open_parts(case, case.choices[own[0]])
        if len(opened) < 2:
            continue
        count = sheets * INNER
        expected = np.tile(means, (sheets, 1))
        for at in own:
            choice = case.choices[at]
            quantiles = {
                part: np.repeat(uniforms(chip.id, part, sheets, seed), INNER)
                if part in opened
                else uniforms(f"{chip.id} inner", part, count, seed)
                for part in parts_of(choice, case.context.scenario.price.basis)
            }
            mixed = [_some(one, count) for one in joint]
            mixed[at] = drawn(case, choice, points_at(case, choice, quantiles, count))
            expected[:, at] = payoff(case, mixed, switching)[:, at].reshape(sheets, INNER).mean(axis=1)
        # against the mean of these very draws, lest the difference of two samples pass for a worth
        without = -float(np.min(np.mean(expected, axis=0)))
        worth = float(gain(-np.mean(np.min(expected, axis=1)), without))
        found.append(Together(chip.id, chip.name, len(opened), min(worth, every)))
    return tuple(found)


def _some(one: Drawn, count: int) -> Drawn:
    """The first draws of a choice."""
    return replace(
        one,
        p99={metric: values[:count] for metric, values in one.p99.items()},
        keeps=one.keeps[:count],
        chips_needed=one.chips_needed[:count],
        usd_per_chip_hour=one.usd_per_chip_hour[:count],
    )


def _open_parts(case: Case, choice: Choice) -> tuple[str, ...]:
    figures = choice.chip.figures
    names = parts_of(choice, case.context.scenario.price.basis)
    return tuple(name for name in names if name not in (STEP, FIRST) and name in figures and figures[name].is_open)


def _as_read(choice: Choice, part: str, u: Array) -> Array:
    """Quantiles of a part; of a disputed figure, which of its readings holds."""
    figure = choice.chip.figures.get(part)
    return u if figure is None or not figure.readings else np.asarray(u < choice.belief(part), dtype=np.float64)

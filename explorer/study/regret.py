"""Which choice stands the worst: regret and its relatives over what nobody has disclosed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from explorer.engine.decision import conditional_value_at_risk, hurwicz, laplace, worst_payoff, worst_regret
from explorer.study.decision_case import Case, Choice
from explorer.study.draws import uniforms
from explorer.study.uncertainty import Points, drawn, parts_of, points_at, points_with
from explorer.study.value_of_information import payoff

Array = NDArray[np.float64]

STATES = 512
"""Draws of the open figures, beside the corners where all of a chip's are at their best or at their worst."""


@dataclass(frozen=True, slots=True)
class RegretRow:
    """One choice under every rule, USD a month; less is better in each."""

    name: str
    label: str
    worst_regret: float
    """The most it may cost above what would have been best."""
    worst_cost: float
    hurwicz_cost: float
    mean_cost: float
    tail_cost: float


@dataclass(frozen=True, slots=True)
class RegretTable:
    """The choices under five rules, and which each rule takes (the first of equals)."""

    rows: tuple[RegretRow, ...]
    minimax_regret: str
    maximin: str
    hurwicz: str
    laplace: str
    tail: str
    optimism: float
    tail_share: float
    states: int
    open_figures: int
    doubts: Mapping[str, str] = field(default_factory=dict)
    """What stands against having a choice, by name."""


def regret_table(case: Case, switching: Mapping[str, float]) -> RegretTable:
    """The table over the open figures alone: everything else as believed, the model's error left out.

    Raises ValueError as `payoff`.
    """
    opened = {choice.chip.id: _open_parts(case, choice) for choice in case.choices}
    free = [chip for chip, names in opened.items() if names]
    corners = list(product((False, True), repeat=len(free)))
    found = []
    for choice in case.choices:
        best = [dict(zip(free, corner, strict=True)).get(choice.chip.id, False) for corner in corners]
        found.append(drawn(case, choice, _states(case, choice, opened[choice.chip.id], best)))
    payoffs = -payoff(case, found, switching).T
    # corners are extremes that no draw reaches: they count for the worst and the best, not for means
    draws, decision = payoffs[:, :STATES], case.context.scenario.decision
    columns = (
        worst_regret(payoffs),
        -worst_payoff(payoffs),
        -hurwicz(payoffs, decision.optimism),
        -laplace(draws),
        conditional_value_at_risk(-draws, decision.tail_share),
    )
    names = [choice.outcome.name for choice in case.choices]
    regret, maximin, between, mean, tail = (names[int(np.argmin(column))] for column in columns)
    rows = tuple(
        RegretRow(choice.outcome.name, choice.outcome.label, *(float(column[at]) for column in columns))
        for at, choice in enumerate(case.choices)
    )
    return RegretTable(
        rows=rows,
        minimax_regret=regret,
        maximin=maximin,
        hurwicz=between,
        laplace=mean,
        tail=tail,
        optimism=decision.optimism,
        tail_share=decision.tail_share,
        states=payoffs.shape[1],
        open_figures=sum(len(names) for names in opened.values()),
        doubts=case.doubts,
    )


def _open_parts(case: Case, choice: Choice) -> tuple[str, ...]:
    figures = choice.chip.figures
    names = parts_of(choice, case.context.scenario.price.basis)
    return tuple(name for name in names if name in figures and figures[name].is_open)


def _states(case: Case, choice: Choice, names: Sequence[str], best: Sequence[bool]) -> Points:
    """STATES draws of the open figures of a choice, then its best or worst corner for each of `best`."""
    count = STATES + len(best)
    if not names:
        return Points(count)
    seed = case.context.scenario.simulation.seed
    figures = choice.chip.figures
    quantiles = {name: uniforms(choice.chip.id, name, STATES, seed) for name in names}
    # both ends of each open figure, one at a time: the end that costs more is the worse one
    ends = 2 * len(names)
    values = {name: np.full(ends, np.nan) for name in names}
    for at, name in enumerate(names):
        values[name][2 * at : 2 * at + 2] = figures[name].low, figures[name].high
    one = drawn(case, choice, points_with(choice, values, ends))
    months, tightest = one.months_held().reshape(-1, 2), one.p99[case.answer.tightest_metric].reshape(-1, 2)
    at_draws = points_at(case, choice, quantiles, STATES)
    corner = {}
    for at, name in enumerate(names):
        figure = figures[name]
        # infinite on both sides says nothing: then the faster end is the better
        higher_is_better = (
            months[at, 1] < months[at, 0]
            if months[at, 0] != months[at, 1]
            else bool(tightest[at, 1] <= tightest[at, 0])
        )
        good, bad = (figure.high, figure.low) if higher_is_better else (figure.low, figure.high)
        drawn_at = at_draws.figures[name]
        corner[name] = np.concatenate([drawn_at, np.where(np.asarray(best), good, bad)])
    return points_with(choice, corner, count)

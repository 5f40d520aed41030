"""Which open figure matters, in three ways: what moves the answer, what drives its spread, what is worth knowing."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.engine.decision import evpi, expected_regret
from explorer.engine.sensitivity import pick_freeze, sobol_indices, tornado_order
from explorer.scenario.schema import Scenario
from explorer.study.ask_first import Demand, ask_first
from explorer.study.audit_tests import AuditTest, audit_tests
from explorer.study.banded import Metric
from explorer.study.decision_case import Case, Choice, decision_case
from explorer.study.draws import sobol_points, uniforms
from explorer.study.regret import RegretTable, regret_table
from explorer.study.uncertainty import FIRST, RENT, STEP, Drawn, Points, drawn, joint_points, parts_of, points_at
from explorer.study.value_of_information import Together, Worth, payoff, switching_costs, together, worth_of

Array = NDArray[np.float64]

SAMPLES = 4096
"""Joint draws behind the worth of knowing; a power of two, in which Sobol points are balanced."""
DESIGN = 512
"""Points of each of the two samples behind the variance shares."""
FREEZE = 256
"""Draws of everything else at each end of a figure's range."""
CEILING = 20.0
"""A latency counts as at most so many times its promise: one that cannot be carried at all has no variance."""

EXPLAINED = {
    "tornado": "Move one figure from end to end of its range, all others as believed: how far does the answer swing?",
    "sobol": "Let everything vary at once: which share of the answer's spread would go away if this figure were known?",
    "evppi": "Learn this figure before choosing: how much cheaper would the choice be on average, in $ a month?",
}
"""What each of the three answers means, in one line."""

TITLES = {
    STEP: "The model's own error on a step",
    FIRST: "The model's own error on the first token",
    RENT: "Rent of a chip",
}


@dataclass(frozen=True, slots=True)
class Swing:
    """An output with a part at the lower and the upper end of its range; infinite where out of reach."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is not settled about the selected alternative, and what hangs on it."""

    figure: str
    title: str
    status: str
    unit: str
    ends: tuple[float, float]
    """Lower and upper end in display units; of a part that is no figure, factors."""
    is_open: bool
    """Disputed or undisclosed: it has a slider."""
    p99: Swing
    usd_per_month: Swing
    keeps: Swing
    first: float
    """Share of the variance of the latency that it causes alone."""
    total: float
    """The same with every interaction it takes part in."""
    evppi: float | None
    """USD a month."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What an alternative may turn out to be: P5, P50 and P95, and how likely it is good enough."""

    name: str
    label: str
    p99: tuple[float, float, float]
    """Of the latency with the least margin, seconds; infinite where the load cannot be carried."""
    usd_per_month: tuple[float, float, float]
    """When bought after all is known; infinite where the promises are out of reach."""
    keeps: Mapping[str, float]
    """Probability to keep each promise with the chips of now, and all of them ("all")."""
    within_reach: float
    """Probability that some number of chips keeps all promises."""
    cheaper: float | None
    """Probability to keep them and cost less than the reference; None for the reference itself or without one."""
    expected_usd_per_month: float | None
    """Mean of what choosing it now comes to, chips added or the fallback bought where needed."""


@dataclass(frozen=True, slots=True)
class WhatMatters:
    """The answer for one workload; `parts` by tornado swing, those that matter most first."""

    workload: str
    alternative: str
    label: str
    chip: str
    metric: Metric
    limit: float | None
    p99: float
    usd_per_month: float
    keeps: float
    """The selected alternative with everything as believed: seconds, USD, and its probability to keep all promises."""
    reference: str
    """The cheapest disclosed alternative that keeps the promises; empty where there is none."""
    parts: tuple[Part, ...]
    spreads: tuple[Spread, ...]
    best_now: str
    """The choice with the least expected cost as things stand; empty where there is none to fall back on."""
    evpi: float | None
    """What knowing everything before choosing is worth, USD a month."""
    regret_of_present: float | None
    """Expected regret of the selected alternative, USD a month."""
    noise: float
    """What a figure of its chip that enters nothing seems to be worth with as many draws, USD a month."""
    together: tuple[Together, ...]
    """What knowing all open figures of a chip at once is worth."""
    regret: RegretTable | None
    demands: tuple[Demand, ...]
    """What to ask first, by what knowing it is worth."""
    tests: tuple[AuditTest, ...]
    """What alternatives on chips with open figures have to show, beside single figures."""
    samples: int
    seed: int
    reason: str
    """Why there is no worth of knowing; empty where there is."""
    doubts: Mapping[str, str] = field(default_factory=dict)
    """What stands against having a choice, by name: a mere claim, a price nobody published."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Alternatives that access or the date rule out, by name with the reason: they are no choices."""


def what_matters(scenario: Scenario, catalog: Catalog, workload: int, samples: int = SAMPLES) -> WhatMatters | None:
    """What matters for one workload; None where its selected alternative does not fit or has no price.

    Raises ExplorerError as `evaluate`.
    """
    steps = what_matters_in_steps(scenario, catalog, workload, samples)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: WhatMatters | None = end.value
            return found


def what_matters_in_steps(
    scenario: Scenario, catalog: Catalog, workload: int, samples: int = SAMPLES
) -> Generator[None, None, WhatMatters | None]:
    """`what_matters`, pausing wherever a newer question may take its place."""
    case = decision_case(scenario, catalog, workload)
    chosen = case.named(case.answer.chosen.name)
    if chosen is None:
        return None
    joint: list[Drawn] = []
    quantiles: list[dict[str, Array]] = []
    for choice in case.choices:
        yield
        points, drawn_at = joint_points(case, choice, samples)
        joint.append(drawn(case, choice, points))
        quantiles.append(drawn_at)
    switching = switching_costs(case)
    costs, reason = None, ""
    try:
        costs = payoff(case, joint, switching)
    except ValueError as error:
        reason = str(error)
    worth = worth_of(case, costs, quantiles)
    yield
    sheets = () if costs is None else together(case, costs, joint, switching)
    yield
    parts = yield from _parts(case, chosen, worth)
    rules = None if costs is None else regret_table(case, switching)
    yield
    demands = ask_first(case, joint, quantiles, worth)
    yield
    at = case.choices.index(chosen)
    metric = case.answer.tightest_metric
    means = None if costs is None else np.mean(costs, axis=0)
    believed = drawn(case, chosen, points_at(case, chosen, {}, 1))
    reference = case.fallback
    return WhatMatters(
        workload=case.answer.name,
        alternative=chosen.outcome.name,
        label=chosen.outcome.label,
        chip=chosen.chip.id,
        metric=metric,
        limit=case.context.limits.get(metric),
        p99=float(believed.p99[metric][0]),
        usd_per_month=float(believed.months_needed()[0]),
        keeps=float(np.mean(joint[at].keeps)),
        reference="" if reference is None else reference.outcome.name,
        parts=parts,
        spreads=tuple(
            _spread(case, one, joint, place, None if means is None else float(means[place]))
            for place, one in enumerate(case.choices)
        ),
        best_now="" if means is None else case.choices[int(np.argmin(means))].outcome.name,
        evpi=None if costs is None else evpi(-costs),
        regret_of_present=None if costs is None else float(expected_regret(-costs)[at]),
        noise=worth.noise.get(chosen.chip.id, 0.0),
        together=sheets,
        regret=rules,
        demands=demands,
        tests=audit_tests(case, joint),
        samples=samples,
        seed=scenario.simulation.seed,
        reason=reason,
        doubts=case.doubts,
        left_out=case.left_out,
    )


def _parts(case: Case, choice: Choice, worth: Worth) -> Generator[None, None, tuple[Part, ...]]:
    """Every part of the selected alternative with its swings and its shares of the variance."""
    names, metric = parts_of(choice, case.context.scenario.price.basis), case.answer.tightest_metric
    count = len(names)
    ends = drawn(case, choice, _ends(case, choice, names))
    yield
    keeps = np.mean(drawn(case, choice, _frozen(case, choice, names), money=False).keeps.reshape(-1, FREEZE), axis=1)
    yield
    seed = case.context.scenario.simulation.seed
    both = sobol_points(f"{choice.chip.id} design", DESIGN, 2 * count, seed)
    design = pick_freeze(both[:, :count], both[:, count:])
    at = {name: design[:, place] for place, name in enumerate(names)}
    spread = drawn(case, choice, points_at(case, choice, at, len(design)), money=False)
    limit = case.context.limits.get(metric) or float(np.median(spread.p99[metric]))
    shares = sobol_indices(np.log(np.minimum(spread.p99[metric] / limit, CEILING)), count)
    p99, months = ends.p99[metric], ends.months_needed()
    order = tornado_order(np.minimum(p99[:count], CEILING * limit), np.minimum(p99[count:], CEILING * limit))
    return tuple(
        _part(
            choice,
            names[place],
            Swing(float(p99[place]), float(p99[count + place])),
            Swing(float(months[place]), float(months[count + place])),
            Swing(float(keeps[place]), float(keeps[count + place])),
            (float(np.clip(shares.first[place], 0.0, 1.0)), float(np.clip(shares.total[place], 0.0, 1.0))),
            worth.of.get((choice.chip.id, names[place])),
        )
        for place in order
    )


def _part(
    choice: Choice,
    name: str,
    p99: Swing,
    usd: Swing,
    keeps: Swing,
    shares: tuple[float, float],
    worth: float | None,
) -> Part:
    figure = choice.chip.figures.get(name)
    low, high = (0.0, 1.0) if figure is None else (figure.low / figure.scale, figure.high / figure.scale)
    return Part(
        figure=name,
        title=TITLES[name] if figure is None else figure.title,
        status="estimated" if figure is None else figure.status,
        unit="" if figure is None else figure.unit,
        ends=(low, high),
        is_open=figure is not None and figure.is_open,
        p99=p99,
        usd_per_month=usd,
        keeps=keeps,
        first=shares[0],
        total=max(shares),
        evppi=worth,
    )


LOW_END, HIGH_END = 1e-9, 1.0 - 1e-9
ERROR_ENDS = 0.05, 0.95
"""The model's error has no ends: its 5 % and 95 % quantiles stand for them."""


def _end_quantiles(choice: Choice, name: str) -> tuple[float, float]:
    figure = choice.chip.figures.get(name)
    if figure is None:
        return (LOW_END, HIGH_END) if name == RENT else ERROR_ENDS
    if figure.readings and figure.readings[0].value > figure.readings[1].value:
        # the first reading has the lower quantiles, whichever is larger
        return HIGH_END, LOW_END
    return LOW_END, HIGH_END


def _ends(case: Case, choice: Choice, names: Sequence[str]) -> Points:
    """Each part at its lower, then each at its upper end, all others as believed."""
    count = len(names)
    believed = _at_belief(case, choice, names, 2 * count)
    figures = {name: values.copy() for name, values in believed.figures.items()}
    extra = {STEP: believed.step, FIRST: believed.first, RENT: believed.rent}
    for place, name in enumerate(names):
        low, high = _end_quantiles(choice, name)
        at = points_at(case, choice, {name: np.asarray([low, high])}, 2)
        if name in extra:
            given, column = {STEP: at.step, FIRST: at.first, RENT: at.rent}[name], extra[name]
            assert given is not None and column is not None
            column[[place, count + place]] = given
        for key, values in at.figures.items():
            figures[key][[place, count + place]] = values
    return Points(2 * count, figures, extra[STEP], extra[FIRST], extra[RENT])


def _at_belief(case: Case, choice: Choice, names: Sequence[str], samples: int) -> Points:
    believed = choice.deployment.values
    keys = points_at(case, choice, {name: np.full(1, 0.5) for name in names if name in believed}, 1).figures
    figures = {key: np.full(samples, believed[key]) for key in keys}
    rent = np.full(samples, np.nan) if RENT in names else None
    return Points(samples, figures, np.ones(samples), np.ones(samples), rent)


def _frozen(case: Case, choice: Choice, names: Sequence[str]) -> Points:
    """All parts drawn FREEZE times over, with each in turn at its lower, then at its upper end."""
    seed, count = case.context.scenario.simulation.seed, len(names)
    quantiles = {name: np.tile(uniforms(choice.chip.id, name, FREEZE, seed), 2 * count) for name in names}
    for place, name in enumerate(names):
        for half, end in enumerate(_end_quantiles(choice, name)):
            start = (half * count + place) * FREEZE
            quantiles[name][start : start + FREEZE] = end
    return points_at(case, choice, quantiles, 2 * count * FREEZE)


def _spread(case: Case, choice: Choice, joint: Sequence[Drawn], at: int, expected: float | None) -> Spread:
    found, metric = joint[at], case.answer.tightest_metric
    months = found.months_needed()
    cheaper = None
    reference = case.fallback
    if reference is not None and reference is not choice:
        theirs = joint[case.choices.index(reference)].months_needed()
        # where neither keeps the promises nobody is cheaper
        cheaper = float(np.mean(np.isfinite(months) & (months < theirs)))
    kept: dict[str, float] = {
        name: float(np.mean(found.p99[each] <= limit))
        for name, limit in case.context.limits.items()
        for each in found.p99
        if each == name
    }
    return Spread(
        name=choice.outcome.name,
        label=choice.outcome.label,
        p99=_quantiles(found.p99[metric]),
        usd_per_month=_quantiles(months),
        keeps={**kept, "all": float(np.mean(found.keeps))},
        within_reach=float(np.mean(np.isfinite(months))),
        cheaper=cheaper,
        expected_usd_per_month=expected,
    )


def _quantiles(values: Array) -> tuple[float, float, float]:
    ordered = np.sort(values)
    low, mid, high = (ordered[round(q * (len(ordered) - 1))] for q in (0.05, 0.5, 0.95))
    return float(low), float(mid), float(high)

"""What a vendor's own measurement must show, beside single figures: scaling, latency under load, price, portability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.portability import portability_matrix
from explorer.engine.cost import HOURS_PER_MONTH
from explorer.scenario.schema import Fleet
from explorer.study.ask_first import rival_of
from explorer.study.banded import Metric
from explorer.study.bands import band_of_draws, first_token_up
from explorer.study.cost_parts import exit_cost
from explorer.study.decision_case import Case, Choice
from explorer.study.evaluate import evaluate
from explorer.study.uncertainty import Drawn, drawn, points_at

AT_ONCE = 4
"""Degrees evaluated together: as many as a workload has alternatives."""


@dataclass(frozen=True, slots=True)
class ScalingPoint:
    """A replica of `degree` chips: requests/s a chip that it carries within the promises, 0 where none."""

    degree: int
    fits: bool
    rate_per_chip: float


@dataclass(frozen=True, slots=True)
class AuditTest:
    """What an alternative on a chip of undisclosed figures has to show; None where no number of it would do."""

    chip: str
    chip_name: str
    alternative: str
    reference: str
    """What it must not cost more than; empty where there is nothing to compare with."""
    unit_noun: str
    degree: int
    replicas: int
    rate_per_replica: float
    """Requests/s that comes to each replica at the stated traffic."""
    prompt_tokens: float
    output_tokens: float
    limits: Mapping[str, float]
    """Promises, seconds by metric."""
    p99: Mapping[str, tuple[float, float, float]]
    """As believed with its band, seconds by metric; absent where the load cannot be carried."""
    usd_per_chip_hour: float | None
    """As believed."""
    usd_per_chip_hour_to_beat: float | None
    rate_per_chip_to_beat: float | None
    """Requests/s a chip within the promises at which it costs what the reference does, at the price believed."""
    scaling: tuple[ScalingPoint, ...]
    stack: str
    unknown_features: tuple[str, ...]
    missing_features: tuple[str, ...]
    exit_usd: float
    """Engineering, overlap and re-qualification of leaving it again, once."""
    keeps_promises: bool = True
    """As believed, with `replicas`."""
    reason: str = ""
    """Why it does not."""

    @property
    def best(self) -> ScalingPoint | None:
        """The size of a replica at which a chip carries most within the promises; None where it carries nothing."""
        able = [point for point in self.scaling if point.rate_per_chip > 0.0]
        return max(able, key=lambda point: point.rate_per_chip, default=None)


def audit_tests(case: Case, joint: Sequence[Drawn]) -> tuple[AuditTest, ...]:
    """One for each choice on a chip with open figures; `joint` are the draws of all choices in order."""
    return tuple(
        _test(case, choice, own) for choice, own in zip(case.choices, joint, strict=True) if choice.chip.open_figures
    )


def _test(case: Case, choice: Choice, own: Drawn) -> AuditTest:
    context, outcome = case.context, choice.outcome
    rival = rival_of(case, choice)
    spent = None if rival is None else rival.outcome.cost.usd_per_month
    budget = None if spent is None else spent.value
    hourly = outcome.cost.usd_per_chip_hour
    needed = float(drawn(case, choice, points_at(case, choice, {}, 1)).chips_needed[0])
    to_beat = None if budget is None or not np.isfinite(needed) else budget / (needed * HOURS_PER_MONTH)
    rate = None
    if budget is not None and hourly is not None and hourly.value > 0.0:
        rate = context.rate / (budget / (hourly.value * HOURS_PER_MONTH))
    stack, unknown, missing = _stack(case, choice)
    month = outcome.cost.usd_per_month
    return AuditTest(
        chip=choice.chip.id,
        chip_name=choice.chip.name,
        alternative=outcome.name,
        reference="" if rival is None else rival.outcome.name,
        unit_noun=choice.chip.unit_noun,
        degree=outcome.degree,
        replicas=outcome.replicas,
        rate_per_replica=context.rate / max(outcome.replicas, 1),
        prompt_tokens=context.demand.prompt,
        output_tokens=context.demand.output,
        limits=dict(context.limits),
        p99={
            metric: _band(metric, p99.value, own.p99[metric])
            for metric, found in outcome.latency.items()
            if (p99 := found.p99) is not None and metric in context.limits
        },
        usd_per_chip_hour=None if hourly is None else hourly.value,
        usd_per_chip_hour_to_beat=to_beat,
        rate_per_chip_to_beat=rate,
        scaling=_scaling(case, choice),
        stack=stack,
        unknown_features=unknown,
        missing_features=missing,
        keeps_promises=outcome.keeps_promises,
        reason=outcome.reason,
        exit_usd=exit_cost(
            context.scenario.fleet.migration, 0.0 if month is None else month.value, engineering=1.0, egress=False
        ),
    )


def _band(metric: Metric, value: float, draws: NDArray[np.float64]) -> tuple[float, float, float]:
    """A latency as believed with P5 and P95 of all draws, as in the bands: few would only be their extremes."""
    found = band_of_draws(value, draws)
    return value, found.low, found.high * (first_token_up() if metric == "ttft" else 1.0)


def _scaling(case: Case, choice: Choice) -> tuple[ScalingPoint, ...]:
    """What a chip carries within the promises in replicas of each legal degree, all figures as believed."""
    scenario, workload = case.context.scenario, case.context.workload
    degrees = choice.outcome.legal_degrees
    points: list[ScalingPoint] = []
    for start in range(0, len(degrees), AT_ONCE):
        some = degrees[start : start + AT_ONCE]
        trial = workload.model_copy(
            update={
                "selected": str(some[0]),
                "alternatives": tuple(
                    choice.settings.model_copy(
                        update={
                            "name": str(degree),
                            "parallelism_degree": degree,
                            "layout": "auto",
                            "replicas": "auto",
                        }
                    )
                    for degree in some
                ),
            }
        )
        alone = scenario.model_copy(update={"workloads": (trial,), "fleet": Fleet()})
        answer = evaluate(alone, case.catalog, samples=min(8, scenario.simulation.samples))
        points += [
            ScalingPoint(
                degree,
                bool(one.replicas),
                one.max_request_rate / (one.replicas * degree) if one.replicas else 0.0,
            )
            for degree, one in zip(some, answer.workloads[0].alternatives, strict=True)
        ]
    return tuple(points)


def _stack(case: Case, choice: Choice) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The likeliest software stack of a chip, and the features nobody says it supports or that it lacks."""
    matrix = portability_matrix()
    if choice.chip.id not in case.catalog.supply_chains:
        return "not recorded", tuple(matrix.features.values()), ()
    links = case.catalog.supply_chain(choice.chip.id).links["software_stack"].candidates
    name = max(links, key=lambda link: link.weight).supplier
    if name not in matrix.stacks:
        return name, tuple(matrix.features.values()), ()
    wanted = case.context.scenario.fleet.features or tuple(matrix.features)
    found = [(matrix.features[one], matrix.cell(name, one).support) for one in wanted if one in matrix.features]
    unknown = tuple(title for title, support in found if support == "unknown")
    return name, unknown, tuple(title for title, support in found if support == "none")

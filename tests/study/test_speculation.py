"""Speculative decoding of an alternative: off unless asked for, alike in closed form and simulation."""

from __future__ import annotations

import pytest

from explorer.catalog import Catalog
from explorer.engine.speculation import tokens_per_step
from explorer.scenario.path import ScenarioValueError, several
from explorer.scenario.schema import Scenario
from explorer.study.evaluate import evaluate
from explorer.study.outcome import AlternativeOutcome
from tests.study.asking import one_chip

AT = "workloads.0.alternatives.0"
DRAFT = {"acceptance": 0.7, "draft_tokens": 3, "step_cost": 0.2}


def served(method: str = "closed_form", rate: float = 9.0, **draft: float) -> Scenario:
    asked = one_chip(
        "nv-h200", {"parallelism_degree": 2, "replicas": 2, **({"speculation": draft} if draft else {})},
        traffic={"request_rate_per_s": rate},
    )  # fmt: skip
    return several(asked, {"simulation.method": method, "simulation.requests": 4000})


def answered(asked: Scenario, catalog: Catalog) -> AlternativeOutcome:
    return evaluate(asked, catalog).workloads[0].chosen


def value(found: AlternativeOutcome, metric: str, level: str = "p50") -> float:
    told = getattr(found.latency[metric], level)  # type: ignore[index]
    assert told is not None
    return float(told.value)


def test_that_a_draft_of_no_use_and_no_cost_changes_nothing(catalog: Catalog) -> None:
    for method in ("closed_form", "simulation"):
        plain = answered(served(method), catalog)
        idle = answered(served(method, acceptance=0.0, draft_tokens=3, step_cost=0.0), catalog)
        for metric in ("ttft", "tpot", "itl", "e2e"):
            for level in ("p50", "p99"):
                assert value(idle, metric, level) == pytest.approx(value(plain, metric, level), rel=1e-9)
        assert idle.saturation_rate == pytest.approx(plain.saturation_rate, rel=1e-9)


def test_that_hardly_any_load_shows_the_speedup_of_the_paper(catalog: Catalog) -> None:
    """Time per token falls by E/(1 + cost), the gap between outputs grows by the cost (Leviathan and others 2023)."""
    for method in ("closed_form", "simulation"):
        plain, drafted = (answered(served(method, 0.02, **draft), catalog) for draft in ({}, DRAFT))
        ratio = value(drafted, "tpot") / value(plain, "tpot")
        assert ratio == pytest.approx(1.2 / tokens_per_step(0.7, 3), rel=0.05), method
        assert value(drafted, "itl") / value(plain, "itl") == pytest.approx(1.2, rel=0.02)


def test_that_closed_form_and_simulation_agree_under_load(catalog: Catalog) -> None:
    formula, run = (answered(served(method, **DRAFT), catalog) for method in ("closed_form", "simulation"))
    assert formula.saturation_rate == pytest.approx(run.saturation_rate, rel=0.05)
    for metric, within in (("ttft", 0.15), ("tpot", 0.15), ("e2e", 0.10)):
        assert value(formula, metric) == pytest.approx(value(run, metric), rel=within), metric


def test_that_more_is_carried_where_drafts_pay_and_less_where_they_do_not(catalog: Catalog) -> None:
    plain, good, bad = (
        answered(served(**draft), catalog).saturation_rate
        for draft in ({}, DRAFT, {"acceptance": 0.1, "draft_tokens": 8, "step_cost": 0.8})
    )
    assert bad < plain < good


@pytest.mark.parametrize(
    ("draft", "key"), [({"acceptance": 1.0}, "acceptance"), ({"draft_tokens": 0}, "draft_tokens"),
                       ({"step_cost": -0.1}, "step_cost")],
)  # fmt: skip
def test_that_a_draft_that_cannot_be_is_refused(draft: dict[str, float], key: str) -> None:
    with pytest.raises(ScenarioValueError, match=key):
        several(served(), {f"{AT}.speculation": draft})

"""Any scenario at all through the one way to an answer: what must hold of every outcome holds of it."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.path import several
from explorer.scenario.schema import Scenario
from explorer.study.banded import METRICS
from explorer.study.evaluate import Evaluator, evaluate
from explorer.study.live import LiveEvaluator
from explorer.study.outcome import AlternativeOutcome, Metric, Outcome
from tests.fuzz.drawn_scenarios import drawn
from tests.fuzz.invariants import broken
from tests.study.walking import differences

READ_OFF = 0.15
"""By how much a moving hand may miss (SEMANTICS: the jump on release): it reads the largest rate off its curve, which
has few loads where that is far below saturation, and takes as many replicas as that rate calls for."""


def answered(asked: Scenario, catalog: Catalog) -> Outcome | None:
    """The outcome; None where the scenario is refused in words."""
    try:
        return evaluate(asked, catalog)
    except ExplorerError as error:
        assert str(error)
        return None


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_that_nothing_about_an_outcome_contradicts_itself(catalog: Catalog, first: int) -> None:
    served = 0
    for seed in range(first, first + 10):
        asked = drawn(Random(seed), catalog)
        found = answered(asked, catalog)
        if found is not None:
            assert broken(asked, found, catalog) == [], f"seed {seed}"
            served += any(one.feasible for one in alternatives(found))
    assert served >= 3, "where all is refused or out of reach there is nothing to contradict"


@pytest.mark.parametrize("first", range(300, 310, 5))
def test_that_a_hand_sees_what_is_there_when_it_rests(catalog: Catalog, first: int) -> None:
    for seed in range(first, first + 5):
        random = Random(seed)
        asked, shown = drawn(random, catalog), random.choice(METRICS)
        found = answered(asked, catalog)
        if found is None:
            continue
        assert differences(found, Evaluator(catalog).evaluate(asked)) == [], f"seed {seed}: asked twice"
        live = LiveEvaluator(catalog)
        for quick in (live.quick(asked), live.quick(asked, shown)):
            for rest, moving in zip(alternatives(found), alternatives(quick), strict=True):
                assert apart(rest, moving) == [], f"seed {seed}, {rest.name}, {shown}"


def alternatives(outcome: Outcome) -> list[AlternativeOutcome]:
    """Those of all workloads."""
    return [one for workload in outcome.workloads for one in workload.alternatives]


def apart(rest: AlternativeOutcome, moving: AlternativeOutcome) -> list[str]:
    """Central figures that differ by more than a moving hand may be told."""
    found = [
        f"{name}: {getattr(rest, name)}, moving {getattr(moving, name)}"
        for name in ("layout", "feasible", "keeps_promises")
        if getattr(rest, name) != getattr(moving, name)
    ]
    if abs(rest.replicas - moving.replicas) > max(1.0, READ_OFF * rest.replicas):
        found.append(f"replicas: {rest.replicas}, moving {moving.replicas}")
    for metric in METRICS if rest.replicas == moving.replicas else ():
        if "hand moves" not in moving.latency[metric].reason and not math.isclose(
            p99(rest, metric), p99(moving, metric), rel_tol=1e-6
        ):
            found.append(f"P99 {metric}: {p99(rest, metric)}, moving {p99(moving, metric)}")
    if not math.isclose(rest.max_request_rate, moving.max_request_rate, rel_tol=READ_OFF, abs_tol=1e-9):
        found.append(f"largest rate: {rest.max_request_rate}, moving {moving.max_request_rate}")
    return found


def p99(one: AlternativeOutcome, metric: Metric) -> float:
    """P99 of a latency; infinite where there is none."""
    band = one.latency[metric].p99
    return math.inf if band is None else band.value


@pytest.mark.parametrize("first", range(400, 412, 4))
def test_that_a_tighter_promise_takes_no_fewer_chips_and_is_not_kept_where_a_looser_one_breaks(
    catalog: Catalog, first: int
) -> None:
    for seed in range(first, first + 4):
        asked = several(drawn(Random(seed), catalog), {"comparison.basis": "sized_to_promise"})
        loose = answered(asked, catalog)
        if loose is None:
            continue
        for key in ("ttft_p99_s", "tpot_p99_s", "itl_p99_s", "e2e_p99_s"):
            promise = getattr(asked.workloads[0].objectives, key)
            if promise is None:
                continue
            tight = evaluate(several(asked, {f"workloads.0.objectives.{key}": 0.9 * promise}), catalog)
            for before, after in zip(loose.workloads[0].alternatives, tight.workloads[0].alternatives, strict=True):
                assert before.keeps_promises or not after.keeps_promises, f"seed {seed}, {key}, {before.name}"
                if after.keeps_promises:
                    assert after.chips_total >= before.chips_total, f"seed {seed}, {key}, {before.name}"


@pytest.mark.parametrize("first", range(500, 512, 4))
def test_that_first_tokens_never_come_sooner_of_more_requests(catalog: Catalog, first: int) -> None:
    for seed in range(first, first + 4):
        asked = drawn(Random(seed), catalog)
        traffic, least = asked.workloads[0].traffic, {"prompt_tokens": 500.0, "output_tokens": 16.0}
        # of shorter ones a step holds hundreds, whose host time the closed form then takes for that of every step
        longer = {f"workloads.0.traffic.{key}": max(getattr(traffic, key), size) for key, size in least.items()}
        budgets = {
            f"workloads.0.alternatives.{at}.token_budget": 2048 for at in range(len(asked.workloads[0].alternatives))
        }
        asked = several(asked, {"comparison.basis": "as_set", **longer, **budgets})
        found = answered(asked, catalog)
        for workload, outcome in zip(asked.workloads[:1], found.workloads if found else (), strict=False):
            for one in outcome.alternatives if workload.traffic.mode == "open_loop" else ():
                if "ttft" in one.curves:
                    line = one.curves["ttft"].p99
                    falls = [b / a for a, b in pairwise(line) if math.isfinite(b)]
                    assert min(falls, default=1.0) > 1.0 - 2e-3, f"seed {seed}, {one.name}"


@pytest.mark.parametrize("seed", [5018, 5021])
def test_that_a_simulated_outcome_contradicts_itself_as_little(catalog: Catalog, seed: int) -> None:
    asked = drawn(Random(seed), catalog, method="simulation")
    found = answered(asked, catalog)
    assert found is None or broken(asked, found, catalog) == []

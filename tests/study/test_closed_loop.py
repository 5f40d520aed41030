"""Users who ask again when served: rate, latency and money come of their number, by formula and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.path import ScenarioValueError, several
from explorer.scenario.schema import Scenario
from explorer.study.economics import evaluate_with_economics
from explorer.study.evaluate import Evaluator, evaluate
from explorer.study.export import outcome_data
from explorer.study.map_axes import MapQuestion
from explorer.study.outcome import AlternativeOutcome
from explorer.study.simulated_replica import LEVELS, summary
from explorer.study.simulated_server import replica_to_simulate
from explorer.study.studies import study_at_once
from explorer.study.tail_answers import TailQuestion
from explorer.study.what_matters import what_matters
from tests.study.asking import FOUR, alternative, fleet, one_chip, scenario, workload

USERS = {"mode": "closed_loop"}


def loop(users: int, method: str = "closed_form", requests: int = 4000, **deployed: object) -> Scenario:
    asked = one_chip("nv-h200", {"max_batch": users, "parallelism_degree": 4, **deployed}, traffic=USERS)
    return several(asked, {"simulation.method": method, "simulation.requests": requests})


def answered(asked: Scenario, catalog: Catalog) -> AlternativeOutcome:
    return evaluate(asked, catalog).workloads[0].chosen


@pytest.mark.parametrize("users", [1, 8, 64, 200])
def test_that_the_closed_form_is_near_the_simulation(catalog: Catalog, users: int) -> None:
    """Rate within 5 %, time per token and whole answer within 10 % at P50 and P99."""
    formula, run = (answered(loop(users, method), catalog) for method in ("closed_form", "simulation"))
    assert formula.request_rate == pytest.approx(run.request_rate, rel=0.05)
    for metric in ("tpot", "e2e"):
        for level in ("p50", "p99"):
            one, other = (getattr(found.latency[metric], level) for found in (formula, run))
            assert one is not None and other is not None
            assert one.value == pytest.approx(other.value, rel=0.10), (metric, level)


def test_that_no_queue_is_missed_where_users_wait_for_their_answers(catalog: Catalog) -> None:
    """The band of a short run is that of its requests: more of them than there are users never wait."""
    evaluator, asked = Evaluator(catalog), loop(64, "simulation", 1000)
    of = asked.workloads[0]
    found = evaluator.evaluate(asked, 8).workloads[0].alternatives[0]
    replica = replica_to_simulate(evaluator, asked, of, of.alternatives[0], found)
    saturation = replica.saturation(1000)
    load = replica.own_load(saturation)
    told = summary(replica, load, saturation, 1000)
    np.testing.assert_array_equal(told.high["ttft"], replica.run(load, saturation, 1000).quantiles("ttft", LEVELS).high)
    assert replica.long_enough(told.settles, 1000) == 1000


def test_that_the_simulation_obeys_littles_law(catalog: Catalog) -> None:
    """Users = rate x mean time of a request, with the rate counted and the time measured apart."""
    evaluator = Evaluator(catalog)
    asked = loop(32, "simulation", 20_000)
    found = answered(asked, catalog)
    of = asked.workloads[0]
    replica = replica_to_simulate(evaluator, asked, of, of.alternatives[0], found)
    saturation = replica.saturation(20_000)
    run = replica.run(replica.own_load(saturation), saturation, 20_000)
    assert run.users == 32 and not run.open_loop
    assert run.throughput * float(np.nanmean(run.e2e)) == pytest.approx(32.0, rel=0.01)
    assert found.request_rate == pytest.approx(run.throughput, rel=0.01)


def test_that_throughput_and_cost_come_of_the_users(catalog: Catalog) -> None:
    few, many = (answered(loop(users), catalog) for users in (4, 64))
    for one in (few, many):
        assert one.throughput_tokens_per_s == pytest.approx(one.request_rate * 211.0)
        month, per_million = one.cost.usd_per_month, one.cost.usd_per_million_blended
        assert month is not None and per_million is not None
        tokens = one.request_rate / 2.0 * 730.0 * 3600.0 * (1155.0 + 211.0)
        assert per_million.value == pytest.approx(month.value / tokens * 1e6, rel=1e-9)
        assert per_million.low < per_million.value < per_million.high
    assert few.replicas == many.replicas == 1 and few.users == 4
    assert many.request_rate > few.request_rate


def test_that_replicas_set_by_hand_multiply_the_rate_and_leave_the_latency(catalog: Catalog) -> None:
    one, three = (answered(loop(16, replicas=count), catalog) for count in (1, 3))
    assert three.request_rate == pytest.approx(3.0 * one.request_rate)
    for metric in one.latency:
        assert one.latency[metric].p99 == three.latency[metric].p99


def test_that_users_whom_memory_cannot_hold_wait_in_line(catalog: Catalog) -> None:
    held = answered(loop(60_000), catalog).memory.max_batch
    within, beyond = (answered(loop(users), catalog) for users in (held, 2 * held))
    assert beyond.request_rate == pytest.approx(within.request_rate, rel=0.02)
    first, later = within.latency["ttft"].p50, beyond.latency["ttft"].p50
    assert first is not None and later is not None
    assert later.value - first.value == pytest.approx(held / beyond.request_rate, rel=0.05)
    assert beyond.batch is not None and f"memory serves {held}" in beyond.batch.sentence


def test_that_the_curve_runs_over_users_and_passes_the_operating_point(catalog: Catalog) -> None:
    found = answered(loop(64, "simulation"), catalog)
    assert np.all(np.diff(found.rates) >= 0.0)
    assert found.rates[0] < found.request_rate < found.rates[-1]
    here = found.latency["tpot"].p99
    assert here is not None
    assert np.interp(found.request_rate, found.rates, found.curves["tpot"].p99) == pytest.approx(here.value, rel=0.03)
    assert found.latency_method.startswith("simulation, 4,000 requests") and found.simulated_requests == 4000


def test_that_a_fleet_carries_what_the_users_of_the_selected_alternative_ask(catalog: Catalog) -> None:
    asked = scenario(
        workload(*(alternative(chip, max_batch=32) for chip in FOUR), traffic=USERS),
        fleet=fleet(H200=0.5, AI200=0.5),
    )
    outcome = evaluate_with_economics(asked, catalog)
    rate = outcome.workloads[0].chosen.request_rate
    assert {one.request_rate for one in outcome.fleet.replicas} == {rate}
    told = outcome_data(outcome)["workloads"][0]["alternatives"][0]
    assert told["users_per_replica"] == 32 and told["request_rate"] == rate


def test_that_what_is_asked_at_a_rate_is_refused_with_the_reason(catalog: Catalog) -> None:
    asked = loop(16)
    with pytest.raises(ExplorerError, match=r"What matters needs a stated rate .*: set Load to open loop"):
        what_matters(asked, catalog, 0)
    for kind, question in (
        ("win_map", MapQuestion(0)),
        ("break_even", ("link bandwidth of H200", "P99 TPOT of H200 <= 50 ms", "auto", False)),
    ):
        answer = study_at_once(Evaluator(catalog), kind, 1, asked, question)
        assert answer.problem is not None and "closed loop of users" in answer.problem.message
    tail = study_at_once(Evaluator(catalog), "tail", 1, asked, TailQuestion(0, "degree", "tpot"))
    assert tail.problem is None and "stated rate" in tail.found.missing[0][2]
    shape = study_at_once(
        Evaluator(catalog), "tail", 1, loop(16, requests=1000), TailQuestion(0, "distribution", "tpot")
    )
    assert shape.found.lines and not shape.found.missing


def test_that_users_have_no_arrivals_of_their_own() -> None:
    with pytest.raises(ScenarioValueError, match="ask when they are served"):
        several(loop(4), {"workloads.0.traffic.arrivals": "on_off"})

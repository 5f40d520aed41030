"""Questions about the tail: capacity under the promises, shape, parts, degree, burstiness and a replica over time."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.scenario.path import several
from explorer.scenario.schema import Scenario
from explorer.study.banded import Metric
from explorer.study.evaluate import Evaluator
from explorer.study.simulated_server import replica_to_simulate
from explorer.study.studies import study_at_once
from explorer.study.tail_answers import TailAnswer, TailQuestion, View
from explorer.study.tail_study import capacity
from explorer.study.workload import limits_of
from tests.study.asking import alternative, one_chip, scenario, workload

REQUESTS = 2_000


@pytest.fixture(scope="module")
def evaluator(catalog: Catalog) -> Evaluator:
    return Evaluator(catalog)


def asked(**settings: object) -> Scenario:
    two = scenario(workload(alternative("nv-h200"), alternative("qcom-ai200")), **settings)
    return several(two, {"simulation.method": "simulation", "simulation.requests": REQUESTS})


def answer(evaluator: Evaluator, view: View, metric: Metric = "ttft", question: Scenario | None = None) -> TailAnswer:
    found = study_at_once(evaluator, "tail", 1, question or asked(), TailQuestion(0, view, metric))
    assert found.problem is None and isinstance(found.found, TailAnswer)
    return found.found


def test_that_the_capacity_keeps_every_promise_and_a_little_more_breaks_one(evaluator: Evaluator) -> None:
    question = several(one_chip("nv-h200", {"replicas": 2}), {"simulation.requests": REQUESTS})
    at = question.workloads[0]
    found = evaluator.evaluate(question, 8).workloads[0].alternatives[0]
    replica = replica_to_simulate(evaluator, question, at, at.alternatives[0], found)
    limits = limits_of(at)
    told = capacity(replica, 0, found, limits, question)
    saturation = replica.saturation(REQUESTS)

    def kept(rate: float) -> bool:
        load = rate / replica.replicas / saturation
        settles = replica.settles(replica.run(load, saturation, REQUESTS), load)
        run = replica.run(load, saturation, replica.long_enough(settles, REQUESTS))
        return all(float(run.quantiles(metric, [0.99]).value[0]) <= limit for metric, limit in limits.items())

    assert kept(told.rate)
    assert not kept(1.01 * told.rate)
    assert told.binding in limits
    assert told.rate == pytest.approx(told.closed_form, rel=0.15)


def test_that_a_promise_nobody_can_keep_has_no_rate(evaluator: Evaluator) -> None:
    question = several(asked(), {"workloads.0.objectives": {"ttft_p99_s": 0.001}})
    for one in answer(evaluator, "capacity", "ttft", question).capacities:
        assert one.rate == 0.0
        assert one.binding == "ttft"


def test_that_without_a_promise_the_replicas_themselves_are_the_limit(evaluator: Evaluator) -> None:
    question = several(asked(), {"workloads.0.objectives": {}})
    assert [one.binding for one in answer(evaluator, "capacity", "ttft", question).capacities] == ["saturation"] * 2


def test_that_a_distribution_falls_and_its_parts_add_up_to_its_p99(evaluator: Evaluator) -> None:
    found = answer(evaluator, "distribution")
    assert [line.number for line in found.lines] == [0, 1]
    for line in found.lines:
        assert np.all(np.diff(line.y) < 0.0)
        assert np.all(np.diff(line.x) >= 0.0)
        assert line.y[-1] >= 10.0 / REQUESTS, "beyond ten requests nothing is known of a tail"
        p99 = float(np.interp(np.log(0.01), np.log(line.y[::-1]), line.x[::-1]))
        (one,) = (part for part in found.parts if part.number == line.number and part.metric == "ttft")
        assert one.total == pytest.approx(p99, rel=0.1)
        assert min(one.queue, one.prefill, one.decode, one.collectives, one.stalls) >= 0.0
        assert one.decode == 0.0
    whole = [part for part in found.parts if part.metric == "e2e"]
    assert all(part.decode > part.prefill for part in whole)


def test_that_goodput_is_the_rate_of_the_requests_that_keep_every_promise(evaluator: Evaluator) -> None:
    """Zhong et al. 2024 (DistServe): a request counts where it keeps all of them, so no more than of any one do."""
    question = asked()
    found = answer(evaluator, "distribution", "tpot", question)
    outcome = evaluator.evaluate(question, 8).workloads[0]
    for one, alternative_found in zip(found.goodputs, outcome.alternatives, strict=True):
        alternative_of = question.workloads[0].alternatives[one.number]
        replica = replica_to_simulate(evaluator, question, question.workloads[0], alternative_of, alternative_found)
        saturation = replica.saturation(REQUESTS)
        run = replica.run(replica.own_load(saturation), saturation, REQUESTS)
        limits = limits_of(question.workloads[0])
        assert set(limits) == {"ttft", "tpot"}
        of_each = [np.nanmean((getattr(run, metric) <= limit)[run.counted]) for metric, limit in limits.items()]
        assert one.share is not None and one.share_low is not None and one.share_high is not None
        assert sum(of_each) - 1.0 - 1e-9 <= one.share <= min(of_each) + 1e-9
        assert 0.0 <= one.share_low <= one.share <= one.share_high <= 1.0
        assert one.rate == pytest.approx(one.share * alternative_found.request_rate)
        assert one.percentiles[-1] is None, "two of 2,000 requests tell no P99.9"
        told = [seconds for seconds in one.percentiles if seconds is not None]
        assert told == sorted(told)
        assert told[-1] == pytest.approx(float(run.quantiles("tpot", [0.99]).value[0]))


def test_that_goodput_falls_with_the_promise_and_is_of_requests_not_of_gaps(evaluator: Evaluator) -> None:
    def share(objectives: dict[str, float]) -> list[float | None]:
        promised = several(asked(), {"workloads.0.objectives": objectives})
        return [one.share for one in answer(evaluator, "distribution", "ttft", promised).goodputs]

    assert share({}) == [None, None]
    assert share({"itl_p99_s": 0.05}) == [None, None]
    assert share({"ttft_p99_s": 1e-6}) == [0.0, 0.0]
    assert share({"ttft_p99_s": 600.0, "e2e_p99_s": 3600.0}) == [1.0, 1.0]
    loose, tight = share({"e2e_p99_s": 12.0}), share({"e2e_p99_s": 6.0})
    assert all(a is not None and b is not None and b < a for a, b in zip(loose, tight, strict=True))


def test_that_a_single_chip_exchanges_nothing(evaluator: Evaluator) -> None:
    question = several(one_chip("nv-h200", {"parallelism_degree": 1}), {"simulation.requests": REQUESTS})
    assert {part.collectives for part in answer(evaluator, "distribution", "ttft", question).parts} == {0.0}
    question = several(one_chip("nv-h200", {"parallelism_degree": 8}), {"simulation.requests": REQUESTS})
    assert all(part.collectives > 0.0 for part in answer(evaluator, "distribution", "ttft", question).parts)


def test_that_bursts_lengthen_the_tail(evaluator: Evaluator) -> None:
    for line in answer(evaluator, "burstiness").lines:
        assert line.marked in line.x
        assert line.y[-1] > line.y[0]


def test_that_every_degree_that_fits_has_its_point(evaluator: Evaluator) -> None:
    found = answer(evaluator, "degree", "tpot")
    outcome = evaluator.evaluate(asked(), 8).workloads[0]
    for line, one in zip(found.lines, outcome.alternatives, strict=True):
        assert set(line.x) <= set(one.legal_degrees)
        assert line.marked == one.degree
        assert np.isfinite(line.y[list(line.x).index(one.degree)])


def test_that_a_replica_over_time_stays_within_its_cap_and_memory(evaluator: Evaluator) -> None:
    batch, memory = answer(evaluator, "time").lines
    assert batch.number == 0 and not batch.dotted and memory.dotted
    for line in (batch, memory):
        assert np.all((line.y >= 0.0) & (line.y <= 1.0))
        assert line.y.max() > 0.0


def test_that_an_impossible_load_and_a_model_too_large_are_said(evaluator: Evaluator) -> None:
    rate = {"workloads.0.traffic.request_rate_per_s": 5000.0, "workloads.0.alternatives.0.replicas": 1}
    over = several(asked(), rate)
    found = answer(evaluator, "distribution", "ttft", over)
    assert "cannot carry" in {number: reason for number, _, reason in found.missing}[0]
    large = several(one_chip("nv-l4", {"parallelism_degree": 1}), {"workloads.0.model.size_billion": 400.0})
    assert answer(evaluator, "degree", "ttft", large).missing[0][2] == "does not fit"


def test_that_a_workload_that_is_not_there_is_refused(evaluator: Evaluator) -> None:
    found = study_at_once(evaluator, "tail", 1, asked(), TailQuestion(3, "time", "ttft"))
    assert found.problem is not None and "no workload 3" in found.problem.message

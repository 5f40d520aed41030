"""Questions about the tail put to the simulation: its shape, what it is made of, and what moves it.

Brings numba, as `simulation` does. Every question is answered alternative by alternative, at the operating point of
the scenario unless it is the load itself that is asked for, with the scenario's own draws and number of requests.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.engine.records import AllReduce
from explorer.engine.serving import Simulated, timeline
from explorer.engine.steptime import StepWork, step_time
from explorer.errors import ExplorerError
from explorer.scenario.path import several
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import Scenario
from explorer.scenario.workload import Workload
from explorer.study.banded import Metric
from explorer.study.demand import held_length
from explorer.study.deployment import candidates_of
from explorer.study.engine_rows import rows_of
from explorer.study.evaluate import Evaluator
from explorer.study.outcome import AlternativeOutcome
from explorer.study.resolve import served_model, step_constants
from explorer.study.simulated_replica import SimulatedReplica
from explorer.study.simulated_server import replica_to_simulate
from explorer.study.step_grid import Rows
from explorer.study.tail_answers import (
    TOLD,
    Capacity,
    Goodput,
    StudyLine,
    TailAnswer,
    TailParts,
    TailQuestion,
)
from explorer.study.workload import demand_of, deployment_of, limits_of

Array = NDArray[np.float64]

SHARES = np.geomspace(1.0, 1e-3, 61)
"""Shares of requests that took longer, at which a distribution is drawn."""
FEWEST_BEYOND = 10.0
"""Requests that must have taken longer for a tail to be told so far out."""
BURSTINESS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
MOMENTS = 200
BISECTIONS = 9
"""Halvings of the load: the capacity is then known to a part in 500."""
HEAVIEST = 0.995
SHOWN_REQUESTS = 600
"""Requests of the stretch shown over time."""


def tail_study(
    evaluator: Evaluator, scenario: Scenario, question: TailQuestion
) -> Generator[TailAnswer, None, TailAnswer]:
    """Answer one question for a workload's alternatives, yielding after each; raises ExplorerError."""
    if not 0 <= question.workload < len(scenario.workloads):
        raise ExplorerError(f"there is no workload {question.workload}")
    workload = scenario.workloads[question.workload]
    outcome = evaluator.evaluate(scenario, 8).workloads[question.workload]
    answer = TailAnswer(question, workload.name, scenario.simulation.requests)
    for number, (alternative, found) in enumerate(zip(workload.alternatives, outcome.alternatives, strict=True)):
        label = found.label
        if question.view == "time" and alternative.name != workload.selected:
            continue
        if number < len(question.replicas):
            found = replace(found, replicas=question.replicas[number])
        if not found.memory.fits:
            answer = answer.without(number, label, "does not fit")
            yield answer
            continue
        replica = replica_to_simulate(evaluator, scenario, workload, alternative, found)
        if alternative.scheduler == "disaggregated" and question.view == "time":
            answer = answer.without(number, label, "is of one kind of replica, and these have two")
        elif workload.traffic.mode == "closed_loop" and question.view != "distribution":
            answer = answer.without(number, label, "is asked at a stated rate, and a closed loop of users has none")
        elif question.view == "degree":
            answer = answer.with_line(_by_degree(evaluator, scenario, workload, number, found, question.metric))
        elif question.view == "burstiness" and workload.traffic.arrivals != "gamma":
            why = "a recorded trace" if workload.traffic.arrivals == "trace" else "bursts"
            answer = answer.without(number, label, f"arrivals are {why}: no variation of gaps is set")
        elif question.view == "burstiness":
            answer = answer.with_line(_by_burstiness(scenario, replica, number, found, question.metric))
        elif question.view == "time":
            answer = answer.with_lines(_over_time(scenario, replica, number, label))
        else:
            answer = _with_distribution(evaluator, answer, scenario, workload, replica, number, found)
            if question.view == "capacity":
                yield answer
                limits = limits_of(workload)
                answer = answer.with_capacity(capacity(replica, number, found, limits, scenario))
        yield answer
    return answer


def capacity(
    replica: SimulatedReplica,
    number: int,
    found: AlternativeOutcome,
    limits: dict[str, float],
    scenario: Scenario,
) -> Capacity:
    """The largest rate of the whole service at which every promise is kept, by bisection on the simulation.

    Its replicas are held. Common random numbers make the latencies nearly monotone in the load, so that halving
    finds the edge; near the largest rate runs are longer, as for the curves. 0 where a promise breaks at the lightest
    load, with that promise.
    """
    count = scenario.simulation.requests
    saturation = replica.saturation(count)
    if not np.isfinite(saturation):
        return Capacity(number, found.label, 0.0, found.max_request_rate, "does not fit", 0)

    def broken(load: float) -> str:
        run = replica.run(load, saturation, count)
        longer = replica.long_enough(replica.settles(run, load), count)
        if longer > count:
            run = replica.run(load, saturation, longer)
        over = {metric: float(run.quantiles(metric, [0.99]).value[0]) / limit for metric, limit in limits.items()}
        worst = max(over, key=lambda metric: over[metric], default="")
        return worst if worst and over[worst] > 1.0 else ""

    low, high, binding = 0.02, HEAVIEST, "saturation"
    runs = 2
    first, last = broken(low), broken(high)
    if first:
        return Capacity(number, found.label, 0.0, found.max_request_rate, first, runs)
    if last:
        binding = last
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            over = broken(middle)
            runs += 1
            if over:
                high, binding = middle, over
            else:
                low = middle
    else:
        low = high
    return Capacity(number, found.label, low * saturation * replica.replicas, found.max_request_rate, binding, runs)


def _own_load(replica: SimulatedReplica, count: int) -> tuple[float, float]:
    """Utilisation at the operating point and the largest rate of one replica, requests/s."""
    saturation = replica.saturation(count)
    return (replica.own_load(saturation) if np.isfinite(saturation) else np.inf), saturation


def _with_distribution(
    evaluator: Evaluator,
    answer: TailAnswer,
    scenario: Scenario,
    workload: Workload,
    replica: SimulatedReplica,
    number: int,
    found: AlternativeOutcome,
) -> TailAnswer:
    count = scenario.simulation.requests
    load, saturation = _own_load(replica, count)
    if load >= 1.0:
        share = QUANTITIES["share"].format(load)
        return answer.without(number, found.label, f"cannot carry this load ({share} of the largest)")
    run = replica.run(load, saturation, count)
    metric = answer.question.metric
    shares = SHARES[FEWEST_BEYOND / count <= SHARES]
    line = StudyLine(number, found.label, run.quantiles(metric, 1.0 - shares).value, shares)
    decode, prefill = _collective_shares(evaluator, scenario, workload, found, run.mean_batch)
    parts = []
    for which in ("ttft", "e2e"):
        told = run.parts(which, 0.99)
        exchanged = told["prefill"] * prefill + told["decode"] * decode
        parts.append(
            TailParts(
                number, found.label, "ttft" if which == "ttft" else "e2e", told["queue"],
                told["prefill"] * (1.0 - prefill), told["decode"] * (1.0 - decode), exchanged, told["stalls"],
            )
        )  # fmt: skip
    told_of = _goodput(run, replica, number, found, metric, limits_of(workload))
    return answer.with_line(line).with_parts(tuple(parts)).with_goodput(told_of)


def _goodput(
    run: Simulated,
    replica: SimulatedReplica,
    number: int,
    found: AlternativeOutcome,
    metric: Metric,
    limits: dict[str, float],
) -> Goodput:
    """Gaps between tokens are promised of tokens, not of requests: that promise is not asked of a request."""
    values = run.quantiles(metric, TOLD).value
    seen = run.gaps if metric == "itl" else int(run.counted.sum())
    percentiles = tuple(
        float(value) if seen * (1.0 - q) >= FEWEST_BEYOND else None for q, value in zip(TOLD, values, strict=True)
    )
    of_requests = {one: limit for one, limit in limits.items() if one != "itl"}
    if not of_requests:
        return Goodput(number, found.label, percentiles, None, None, None, None)
    kept = run.share_within(of_requests)
    rate = found.request_rate if run.open_loop else run.throughput * replica.parts
    share, low, high = (float(one) for one in (kept.value, kept.low, kept.high))
    return Goodput(number, found.label, percentiles, share, low, high, share * rate)


def _collective_shares(
    evaluator: Evaluator, scenario: Scenario, workload: Workload, found: AlternativeOutcome, batch: float
) -> tuple[float, float]:
    """Shares of a decoding step and of a prompt's step in which chips exchange results."""
    constants, demand = step_constants(), demand_of(workload)
    model = served_model(evaluator.catalog, workload.model)
    alternative = next(one for one in workload.alternatives if one.name == found.name)
    deployment = deployment_of(evaluator.figures, scenario, workload, alternative)
    sharded = workload.model.kv_sequence_sharding
    options = candidates_of(deployment, model, held_length(demand), constants, sharded)
    candidate = next(one for one in options if one.layout == found.layout)
    rows: Rows = rows_of([candidate], constants, scenario.stragglers.jitter_sigma)
    reduce = rows.allreduce
    nothing = AllReduce(np.zeros_like(reduce.alpha), np.zeros_like(reduce.slope), np.zeros_like(reduce.root))
    endless = np.full_like(np.asarray(rows.spec.link_bandwidth), 1e30)
    alone = replace(rows.spec, link_bandwidth=endless, scaleout_bandwidth=endless)
    free = replace(constants, dispatch_base_s=0.0, point_to_point_s=0.0)
    prompt, beside = demand.computed_prompt, np.array([[max(batch, 1.0)]])
    one = np.ones((1, 1))
    shares = []
    for work in (
        StepWork(beside, demand.mean_context),
        StepWork(beside, demand.mean_context, prompt * one, 0.5 * prompt, one),
    ):
        whole = step_time(
            model.shape, rows.spec, rows.split, rows.allreduce, work, constants, sequence_sharding=sharded
        )
        without = step_time(model.shape, alone, rows.split, nothing, work, free, sequence_sharding=sharded)
        shares.append(float(np.clip(1.0 - without[0, 0] / whole[0, 0], 0.0, 1.0)))
    return shares[0], shares[1]


def _by_degree(
    evaluator: Evaluator,
    scenario: Scenario,
    workload: Workload,
    number: int,
    found: AlternativeOutcome,
    metric: Metric,
) -> StudyLine:
    """P99 against the chips of a replica, each chip carrying the traffic it carries now."""
    at = scenario.workloads.index(workload)
    a_chip = found.request_rate / (max(found.replicas, 1) * found.layout.chips)
    degrees: list[float] = []
    seconds: list[float] = []
    for degree in found.legal_degrees:
        path = f"workloads.{at}.alternatives.{number}"
        changed = several(scenario, {f"{path}.parallelism_degree": degree, f"{path}.layout": "auto"})
        try:
            there = evaluator.evaluate(changed, 8).workloads[at].alternatives[number]
        except ExplorerError:
            continue
        if not there.memory.fits:
            continue
        asked = changed.workloads[at]
        replica = replica_to_simulate(evaluator, changed, asked, asked.alternatives[number], there)
        replica = replace(replica, rate=a_chip * there.layout.chips)
        load, saturation = _own_load(replica, scenario.simulation.requests)
        degrees.append(float(degree))
        run = None if load >= 1.0 else replica.run(load, saturation, scenario.simulation.requests)
        seconds.append(np.inf if run is None else float(run.quantiles(metric, [0.99]).value[0]))
    return StudyLine(number, found.label, np.array(degrees), np.array(seconds), float(found.degree))


def _by_burstiness(
    scenario: Scenario, replica: SimulatedReplica, number: int, found: AlternativeOutcome, metric: Metric
) -> StudyLine:
    """P99 against the coefficient of variation of the gaps between the service's arrivals, replicas held."""
    count = scenario.simulation.requests
    load, saturation = _own_load(replica, count)
    own = replica.demand.arrival_scv**0.5
    seconds = []
    cvs = sorted({*BURSTINESS, own})
    for cv in cvs:
        other = replace(replica, demand=replace(replica.demand, arrival_scv=cv**2))
        run = None if load >= 1.0 else other.run(load, saturation, count)
        seconds.append(np.inf if run is None else float(run.quantiles(metric, [0.99]).value[0]))
    return StudyLine(number, found.label, np.array(cvs), np.array(seconds), own)


def _over_time(scenario: Scenario, replica: SimulatedReplica, number: int, label: str) -> tuple[StudyLine, ...]:
    """One replica over simulated time: sequences in service as a share of its cap, and KV as a share of its memory."""
    count = min(SHOWN_REQUESTS, scenario.simulation.requests)
    load, saturation = _own_load(replica, scenario.simulation.requests)
    if load >= 1.0:
        return ()
    seen = timeline(replica.requests(load * saturation, count), replica.server, seed=replica.seed, points=MOMENTS)
    cap, memory = replica.server.max_batch, replica.server.kv_tokens
    return (
        StudyLine(number, f"{label}: batch, of at most {cap:,}", seen.seconds, seen.running / cap),
        StudyLine(number, f"{label}: KV memory", seen.seconds, seen.kv_tokens / memory, dotted=True),
    )

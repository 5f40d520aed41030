"""The simulation against exact results of queueing theory, over replications with z-scores, at fixed seeds.

One decode step is a small slice of a service time and lasts the same whatever the batch: then a cap of c sequences is
a queue with c servers, outputs of geometric length are exponential services, and outputs of one length are constant
ones. Times are in mean services. A request waits for the end of the running slice on top: half a slice in the mean.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.engine.queueing_exact import (
    md1_wait_cdf,
    mg1_mean_wait,
    mm1_sojourn_quantile,
    mmc_mean_wait,
    mmc_wait_quantile,
)
from explorer.engine.serving import Requests, Server, StepTable, simulate
from explorer.engine.serving_traffic import arrivals, draw

Array = NDArray[np.float64]

LEVELS = np.array([0.5, 0.95, 0.99])
SLICES = 200
REPLICATIONS = 10
COUNT = 100_000
MOST_STANDARD_ERRORS = 3.5
"""With ten replications one test in 150 would leave it by chance; the seeds are fixed, so none does."""


def servers(c: int, slices: int = SLICES) -> Server:
    """A batch cap of c, and steps of 1/slices whatever they carry."""
    step = 1.0 / slices
    table = StepTable(
        batch=np.array([0.0, float(c)]),
        decode_seconds=np.full(2, step),
        context=1.0,
        per_context=np.zeros(2),
        prompt_tokens=np.array([1.0, 1e6]),
        prompt_seconds=np.zeros((2, 2)),
    )
    return Server(table, max_batch=c, kv_tokens=10**9, token_budget=10**6)


def replications(server: Server, load: float, exponential: bool, count: int = COUNT) -> tuple[list[Array], list[Array]]:
    """Waits and sojourns of the counted requests of each replication."""
    waits, sojourns = [], []
    for seed in range(REPLICATIONS):
        luck = draw(200 + seed, count)
        output = np.full(count, SLICES)
        if exponential:
            output = np.random.default_rng([200 + seed, 7]).geometric(1.0 / SLICES, count)
        requests = Requests(arrivals(luck, load * server.max_batch), np.ones(count), output)
        run = simulate(requests, server, seed=seed, saturation=float(server.max_batch))
        waits.append(run.queue[run.counted])
        sojourns.append(run.e2e[run.counted])
    return waits, sojourns


def assert_agrees(found: list[Array], exact: Array, slack: float = 1.0 / SLICES) -> None:
    """Each column's mean over replications within its standard errors of the exact value, and a slice."""
    table = np.array(found)
    mean = table.mean(axis=0)
    error = table.std(axis=0, ddof=1) / math.sqrt(len(found))
    off = np.maximum(np.abs(mean - exact) - slack, 0.0) / np.maximum(error, 1e-12)
    assert np.all(off <= MOST_STANDARD_ERRORS), f"found {mean}, exact {exact}, {off} standard errors off"
    # the errors themselves must be small enough to tell a wrong model from a right one
    assert np.all(error <= 0.06 * np.maximum(exact, 0.2))


def test_that_one_server_follows_lindleys_recursion_request_by_request() -> None:
    count = 5000
    arrival = arrivals(draw(1, count), 0.9)
    output = np.random.default_rng(2).geometric(1.0 / SLICES, count)
    run = simulate(Requests(arrival, np.ones(count), output), servers(1), saturation=1.0)
    free = 0.0
    for moment, tokens, e2e in zip(arrival, output, run.e2e, strict=True):
        free = max(free, moment) + tokens / SLICES
        assert e2e == pytest.approx(free - moment, abs=1e-7)


def test_that_the_shortest_of_three_queues_is_joined_request_by_request() -> None:
    """Single servers side by side, by hand: fewest present at the arrival; of equals the first from i mod R on."""
    count, replicas = 4000, 3
    arrival = arrivals(draw(3, count), 0.9 * replicas)
    output = np.random.default_rng(4).geometric(1.0 / SLICES, count)
    one = servers(1)
    server = Server(one.table, 1, one.kv_tokens, one.token_budget, replicas=replicas, routing="shortest_queue")
    run = simulate(Requests(arrival, np.ones(count), output), server, saturation=float(replicas))
    leaves: list[list[float]] = [[] for _ in range(replicas)]
    for i, moment in enumerate(arrival):
        present = [sum(left > moment for left in queue[-60:]) for queue in leaves]
        order = [(i + k) % replicas for k in range(replicas)]
        joined = min(order, key=lambda r: present[r])
        begins = max(moment, leaves[joined][-1]) if leaves[joined] else moment
        leaves[joined].append(begins + output[i] / SLICES)
        assert run.e2e[i] == pytest.approx(leaves[joined][-1] - moment, abs=1e-7)


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_that_one_server_with_exponential_service_matches_mm1(load: float) -> None:
    _, sojourns = replications(servers(1), load, exponential=True)
    exact = mm1_sojourn_quantile(LEVELS, load, 1.0)
    assert_agrees([np.quantile(x, LEVELS) for x in sojourns], exact, slack=2.0 / SLICES)


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_that_one_server_with_constant_service_matches_md1(load: float) -> None:
    waits, _ = replications(servers(1), load, exponential=False)
    assert_agrees([np.array([x.mean()]) for x in waits], np.array([mg1_mean_wait(load, 1.0, 0.0)]))
    moments = np.array([0.25, 1.0, 2.5, 5.0])
    # the distribution at fixed moments, the half slice of waiting for a step to end taken off
    found = [np.array([np.mean(x <= w + 0.5 / SLICES) for w in moments]) for x in waits]
    assert_agrees(found, md1_wait_cdf(moments, load, 1.0))


def mdc_wait_cdf(x: float, rate: float, c: int, states: int = 400) -> float:
    """P(wait <= x) in M/D/c with services of 1 (Crommelin 1932; the form of Franx 2001).

    States a service time apart: all who were in service leave, all who arrived meanwhile stay. Then
    exp(-lambda(kD-x)) sum_{j<kc} (lambda(kD-x))^j/j! Q_{kc-j-1} for (k-1)D <= x < kD, Q_m = P(at most c+m present).
    """
    poisson = np.exp([-rate + n * math.log(rate) - math.lgamma(n + 1) for n in range(states)])
    step = np.zeros((states, states))
    for n in range(states):
        left = max(n - c, 0)
        step[n, left:] = poisson[: states - left]
    present = np.full(states, 1.0 / states)
    for _ in range(12):
        step = step @ step
        step /= step.sum(axis=1, keepdims=True)
    present = present @ step
    at_most = np.cumsum(present / present.sum())
    k = math.floor(x) + 1
    y = rate * (k - x)
    terms = np.exp([-y + j * math.log(y) - math.lgamma(j + 1) for j in range(k * c)])
    return float(sum(terms[j] * at_most[c + k * c - j - 1] for j in range(k * c)))


def test_that_the_oracle_of_mdc_gives_the_published_percentiles() -> None:
    """M/D/4 at 80 %: P50 .1372, P95 1.5205, P99 2.4546; M/D/8: P95 .7013, P99 1.1696 (Franx's formula)."""
    for wait, q in ((0.1372, 0.5), (1.5205, 0.95), (2.4546, 0.99)):
        assert mdc_wait_cdf(wait, 3.2, 4) == pytest.approx(q, abs=2e-4)
    for wait, q in ((0.7013, 0.95), (1.1696, 0.99)):
        assert mdc_wait_cdf(wait, 6.4, 8) == pytest.approx(q, abs=2e-4)


@pytest.mark.parametrize("c", [4, 8])
def test_that_several_servers_with_constant_service_match_mdc(c: int) -> None:
    waits, _ = replications(servers(c), 0.8, exponential=False)
    moments = np.array([0.2, 0.7, 1.5, 2.4])
    exact = np.array([mdc_wait_cdf(w, 0.8 * c, c) for w in moments])
    assert_agrees([np.array([np.mean(x <= w + 0.5 / SLICES) for w in moments]) for x in waits], exact)


@pytest.mark.parametrize(("c", "load"), [(8, 0.8), (32, 0.8)])
def test_that_several_servers_with_exponential_service_match_mmc(c: int, load: float) -> None:
    waits, _ = replications(servers(c), load, exponential=True)
    exact = mmc_wait_quantile(LEVELS[1:], load * c, 1.0, c)
    assert_agrees([np.quantile(x, LEVELS[1:]) for x in waits], exact)
    assert_agrees([np.array([x.mean()]) for x in waits], np.array([mmc_mean_wait(load * c, 1.0, c)]))


def test_that_a_step_that_grows_with_its_batch_shares_out_the_server_as_generalised_processor_sharing() -> None:
    """a = 10 ms, b = 0.2 ms, 200 tokens, 12 requests/s: 47.08 in the mean (Cohen 1979), steps taken whole -0.3 %."""
    batch = np.array([0.0, 512.0])
    table = StepTable(batch, 0.010 + 0.0002 * batch, 1.0, np.zeros(2), np.array([1.0, 1e6]), np.zeros((2, 2)))
    server = Server(table, max_batch=512, kv_tokens=10**9, token_budget=10**6)
    found = []
    for seed in range(6):
        requests = Requests(arrivals(draw(seed, COUNT), 12.0), np.ones(COUNT), np.full(COUNT, 200))
        run = simulate(requests, server, saturation=1000.0)
        found.append([run.mean_batch, float(np.mean(run.tpot[run.counted]))])
    mean = np.mean(found, axis=0)
    assert mean[0] == pytest.approx(47.0769, rel=0.01)
    assert mean[1] == pytest.approx(0.019615, rel=0.01)

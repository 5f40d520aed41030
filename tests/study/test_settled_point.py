"""The operating point is simulated further than the curve, and the curve about it goes with it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.scenario.path import several
from explorer.study.evaluate import Evaluator, evaluate
from explorer.study.settled_point import (
    BATCH,
    LONGER,
    MOST_BATCHES,
    REACH,
    WANTED,
    further_run,
    moved_along,
    pooled,
    settle,
    unsureness,
)
from explorer.study.simulated_replica import LEVELS, Run, SimulatedReplica, summary
from explorer.study.simulated_server import replica_to_simulate
from tests.study.asking import one_chip

METRICS = ("ttft", "tpot", "itl", "e2e")
LOAD = 0.7


@pytest.fixture(scope="module")
def replica(catalog: Catalog) -> SimulatedReplica:
    """An H200 pair that serves the 70B chat."""
    asked = several(one_chip("nv-h200"), {"simulation.method": "simulation", "simulation.requests": 4000})
    of = asked.workloads[0]
    found = evaluate(asked, catalog).workloads[0].chosen
    return replica_to_simulate(Evaluator(catalog), asked, of, of.alternatives[0], found)


def run_of(load: float, p99: float, half_width: float) -> Run:
    """A run whose first token has the same value and band (ln) at every level."""
    value = np.full(len(LEVELS), p99)
    return Run(load, True, {"ttft": value}, {"ttft": value / np.exp(half_width)}, {"ttft": value * np.exp(half_width)})


def settled(replica: SimulatedReplica, count: int, threads: int = 2) -> tuple[Run, int]:
    saturation = replica.saturation(4000)
    with ThreadPoolExecutor(threads) as pool:
        return [one for one in settle(pool, replica, LOAD, saturation, count, LEVELS) if one is not None][-1]


def test_that_it_ends_when_it_is_sure_or_after_the_most_runs(replica: SimulatedReplica) -> None:
    few, requests = settled(replica, 100)
    assert requests == BATCH * MOST_BATCHES * LONGER * 100
    assert unsureness(few) > WANTED
    many, requests = settled(replica, 20_000)
    assert requests < BATCH * MOST_BATCHES * LONGER * 20_000
    assert unsureness(many) <= WANTED
    assert unsureness(many) < 0.5 * unsureness(summary(replica, LOAD, replica.saturation(4000), 20_000))


def test_that_the_number_of_threads_changes_no_digit(replica: SimulatedReplica) -> None:
    one, two = settled(replica, 400, threads=1)[0], settled(replica, 400, threads=3)[0]
    assert all(np.array_equal(one.value[metric], two.value[metric]) for metric in METRICS)
    assert all(np.array_equal(one.high[metric], two.high[metric]) for metric in METRICS)


def test_that_it_comes_to_the_value_of_the_long_run(replica: SimulatedReplica) -> None:
    """A run of a million requests with other luck lies within both bands."""
    point, _ = settled(replica, 20_000)
    saturation = replica.saturation(4000)
    long = summary(replace(replica, seed=99, draws_kept=False), LOAD, saturation, 1_000_000)
    for metric in METRICS:
        apart = np.abs(np.log(point.value[metric] / long.value[metric]))
        ends = np.log(point.high[metric] / point.low[metric]) + np.log(long.high[metric] / long.low[metric])
        assert np.all(apart <= ends)


def test_that_further_runs_have_luck_of_their_own_and_the_same_each_time(replica: SimulatedReplica) -> None:
    saturation = replica.saturation(4000)
    first, again, other = (further_run(replica, LOAD, saturation, 2000, number) for number in (0, 0, 1))
    np.testing.assert_array_equal(first.values["ttft"], again.values["ttft"])
    assert not np.array_equal(first.values["ttft"], other.values["ttft"])


def test_that_runs_are_pooled_request_by_request(replica: SimulatedReplica) -> None:
    saturation = replica.saturation(4000)
    runs = [further_run(replica, LOAD, saturation, 2000, number) for number in range(3)]
    whole: NDArray[np.float64] = np.concatenate([run.values["e2e"] for run in runs])
    found = pooled(runs, LOAD, LEVELS)
    np.testing.assert_allclose(found.value["e2e"], np.quantile(whole, LEVELS), rtol=1e-12)
    assert found.load == LOAD and found.settled


def test_that_neighbours_move_with_the_point_and_less_with_distance() -> None:
    curve = [run_of(load, 1.0, 0.1) for load in (0.2, 0.6, 0.7, 0.8, 0.95)]
    moved = moved_along(curve, [run_of(0.7, 1.2, 0.02)])
    shifts = [float(np.log(run.value["ttft"][-1])) for run in moved]
    assert shifts[2] == pytest.approx(np.log(1.2))
    assert shifts[1] == pytest.approx(np.log(1.2) * (1.0 - 0.1 / REACH))
    assert 0.0 < shifts[4] < shifts[3] < shifts[2]
    assert shifts[0] == 0.0
    for old, new in zip(curve, moved, strict=True):
        width = np.log(new.high["ttft"] / new.low["ttft"])
        expected = 0.04 if new.load == 0.7 else float(np.log(old.high["ttft"] / old.low["ttft"])[0])
        np.testing.assert_allclose(width, expected)


def test_that_a_surer_neighbour_moves_less_and_an_unsurer_one_no_more() -> None:
    curve = [run_of(0.65, 1.0, 0.01), run_of(0.7, 1.0, 0.1), run_of(0.75, 1.0, 0.4)]
    surer, _, unsurer = (np.log(run.value["ttft"][0]) for run in moved_along(curve, [run_of(0.7, 1.1, 0.01)]))
    near = 1.0 - 0.05 / REACH
    assert surer == pytest.approx(0.1 * near * np.log(1.1))
    assert unsurer == pytest.approx(near * np.log(1.1))


def test_that_each_run_goes_with_the_nearest_point_and_without_a_point_none_moves() -> None:
    curve = [run_of(load, 1.0, 0.1) for load in (0.3, 0.4, 0.7, 0.8)]
    moved = moved_along(curve, [run_of(0.4, 2.0, 0.1), run_of(0.7, 0.5, 0.1)])
    assert moved[0].value["ttft"][0] > 1.0 > moved[3].value["ttft"][0]
    assert moved_along(curve, []) == curve

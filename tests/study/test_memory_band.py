"""The bands of the memory picture: KV cache by Little's law over the draws, capacity where it is not settled."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.scenario.path import replace
from explorer.scenario.schema import Override
from explorer.study.evaluate import evaluate
from explorer.study.memory_band import drawn_batches
from tests.study.asking import alternative, four_chips, one_chip, scenario, workload


def test_that_a_batch_of_independent_arrivals_has_the_p99_of_its_own_mean() -> None:
    # Poisson: P99 of mean 16 is 26, of 64 it is 83, of 4 it is 9 (scipy.stats.poisson.ppf)
    found = drawn_batches(np.array([16.0]), np.array([26.0]), np.array([0.02]), np.array([[0.02, 0.08, 0.005]]), [1000])
    np.testing.assert_allclose(found[0], [26.0, 83.0, 9.0], rtol=0.02)


def test_that_a_draw_that_cannot_carry_the_load_fills_every_slot() -> None:
    found = drawn_batches(np.array([16.0]), np.array([26.0]), np.array([0.02]), np.array([[np.inf, 5.0]]), [96])
    assert found.tolist() == [[96.0, 96.0]]


def test_that_the_cache_is_the_less_sure_the_less_is_known_of_the_chip(catalog: Catalog) -> None:
    alternatives = evaluate(four_chips(), catalog).workloads[0].alternatives
    width = {}
    for one in alternatives:
        band = one.memory.kv_band
        assert band is not None and band.median is not None
        assert band.value == one.memory.kv
        assert band.low <= band.median <= band.high <= one.memory.kv_at_cap
        width[one.chip] = band.high / band.low
        assert one.memory.usable_band is None
    assert width["qcom-ai200"] > 1.5 * width["nv-h200"]


def test_that_a_load_nobody_can_carry_fills_the_cache_to_its_cap_and_has_no_band(catalog: Catalog) -> None:
    asked = four_chips(traffic={"request_rate_per_s": 100.0})
    for at in range(4):
        asked = replace(asked, f"workloads.0.alternatives.{at}.replicas", 1)
    light = evaluate(four_chips(), catalog).workloads[0].alternatives
    for one, before in zip(evaluate(asked, catalog).workloads[0].alternatives, light, strict=True):
        assert not one.feasible and one.batch is not None and before.batch is not None
        assert one.batch.p99 == one.batch.mean == one.batch.cap
        assert one.memory.kv_band is None
        if one.layout == before.layout:
            assert one.memory.kv / before.memory.kv == pytest.approx(one.batch.cap / before.batch.p99)


def test_that_a_capacity_with_a_range_has_a_band_until_it_is_settled(catalog: Catalog) -> None:
    asked = scenario(workload(alternative("nv-gh200", cloud="")))
    memory = evaluate(asked, catalog).workloads[0].chosen.memory
    assert memory.usable_band is not None
    assert memory.usable_band.low == memory.usable
    assert memory.usable < memory.usable_band.high <= 144e9
    figure = catalog.chip("nv-gh200").figures["memory_capacity"]
    settled = one_chip("nv-gh200", {"cloud": ""}).model_copy(
        update={"overrides": {"nv-gh200": {"memory_capacity": Override(value=144.0, unit=figure.unit)}}}
    )
    known = evaluate(settled, catalog).workloads[0].chosen.memory
    assert known.usable_band is None
    assert known.usable == pytest.approx(144e9 * 0.92)

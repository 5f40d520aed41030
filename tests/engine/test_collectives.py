"""Collective times against the alpha-beta formulas, NCCL's tuning model and the scaling-book's answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.engine.collectives import (
    ALGORITHMS,
    Fabric,
    all_to_all_time,
    allreduce_steps,
    allreduce_time,
    allreduce_traffic,
    bridged_bandwidth,
    fastest_allreduce,
    fitted_allreduce_time,
    hierarchical_allreduce_time,
    nccl_ring_ll_latency,
    point_to_point_time,
    torus_allreduce_time,
)
from explorer.errors import ExplorerError, UnknownRecordError

KIB16, MIB = 16 * 1024, 1024 * 1024
NVLINK, PCIE5 = (1e-6, 450e9), (3e-6, 50e9)

# Microseconds over 8 ranks, worked by hand from the Hockney alpha-beta formulas (Thakur, Rabenseifner and
# Gropp 2005): NVLink with 1 us and 450 GB/s, PCIe 5 x16 with 3 us and 50 GB/s usable.
EIGHT_RANKS = {
    (KIB16, NVLINK): {
        "ring": 14.063715555555556,
        "recursive_doubling": 3.1092266666666664,
        "rabenseifner": 6.063715555555556,
        "tree": 6.218453333333333,
        "one_shot": 1.254862222222222,
        "two_shot": 2.0637155555555555,
        "in_network": 2.0409599999999997,
    },
    (MIB, NVLINK): {
        "ring": 18.077795555555554,
        "recursive_doubling": 9.990506666666667,
        "rabenseifner": 10.077795555555555,
        "tree": 19.981013333333333,
        "one_shot": 17.31118222222222,
        "two_shot": 6.077795555555555,
        "in_network": 4.621440000000001,
    },
    (KIB16, PCIE5): {
        "ring": 42.573440000000005,
        "recursive_doubling": 9.98304,
        "rabenseifner": 18.57344,
        "tree": 19.96608,
        "one_shot": 5.293760000000001,
        "two_shot": 6.57344,
        "in_network": 6.36864,
    },
    (MIB, PCIE5): {
        "ring": 78.70016,
        "recursive_doubling": 71.91456,
        "rabenseifner": 54.70016,
        "tree": 143.82912,
        "one_shot": 149.80064,
        "two_shot": 42.700160000000004,
        "in_network": 29.59296,
    },
}

sizes = st.floats(1.0, 1e10)
ranks = st.integers(1, 1024)
bandwidths = st.floats(1e8, 2e12)
hops = st.floats(0.0, 1e-4)
algorithms = st.sampled_from(ALGORITHMS)


@pytest.mark.parametrize(
    ("size", "link", "algorithm", "microseconds"),
    [(*case, name, us) for case, row in EIGHT_RANKS.items() for name, us in row.items()],
)
def test_that_eight_ranks_take_the_time_of_the_alpha_beta_formula(
    size: int, link: tuple[float, float], algorithm: str, microseconds: float
) -> None:
    hop, bandwidth = link
    assert allreduce_time(size, 8, hop, bandwidth, algorithm) * 1e6 == pytest.approx(microseconds, rel=1e-12)


@pytest.mark.parametrize(
    ("count", "hop_us", "expected_us"),
    [(8, 0.6, 15.0), (8, 1.0, 20.6), (4, 0.6, 10.2)],
    ids=["NVLink 8", "PCIe 8", "NVLink 4"],
)
def test_that_the_ring_latency_is_that_of_nccls_tuning_table(count: int, hop_us: float, expected_us: float) -> None:
    # NVIDIA/nccl src/graph/tuning.cc: base 6.6 us and the hop for the LL protocol.
    assert nccl_ring_ll_latency(count, 6.6e-6, hop_us * 1e-6) == pytest.approx(expected_us * 1e-6, rel=1e-12)


def test_that_a_token_of_an_80_layer_model_waits_for_160_all_reduces() -> None:
    # Measured floors on four H100 over NVSwitch: 23.1 us launched one by one, 13.7 us from a CUDA graph
    # (nccl-collectives-bench, quiet runs); 3.696 and 2.192 ms a token.
    for floor, expected in ((23.1e-6, 3.696e-3), (13.7e-6, 2.192e-3)):
        assert 160 * allreduce_time(0.0, 4, 0.0, 450e9, "two_shot", floor) == pytest.approx(expected, rel=1e-12)


def test_that_a_ring_of_32_cards_waits_23_ms_a_token_for_latency_alone() -> None:
    # A 61-layer model, two all-reduces a layer, 3 us a hop: 2 * 61 * 2 * 31 * 3 us = 22.692 ms.
    assert 2 * 61 * allreduce_steps("ring", 32) * 3e-6 == pytest.approx(22.692e-3, rel=1e-12)


def test_that_the_fit_of_measured_h100_times_is_met_at_a_point_worked_by_hand() -> None:
    # NCCL on 8 H100: 15.42 us, 484.5 GB/s, 6.827 us per sqrt(MB). One MB moves 1.75 MB:
    # 15.42 + 1.75e6/484.5e3 + 6.827*sqrt(1.75) = 15.42 + 3.61197 + 9.03128 us.
    time = fitted_allreduce_time(1e6, 8, 15.42e-6, 484.5e9, 6.827e-6 / 1e3)
    assert time * 1e6 == pytest.approx(28.06325, abs=2e-4)


def test_that_the_fit_without_its_root_term_is_the_ring_with_a_fixed_latency() -> None:
    size, count = np.array([1e3, 1e6, 1e9]), np.array([[2.0], [8.0]])
    fitted = fitted_allreduce_time(size, count, 5e-6, 400e9, 0.0)
    np.testing.assert_allclose(fitted, allreduce_time(size, count, 0.0, 400e9, "ring", 5e-6), rtol=1e-14)


def test_that_two_torus_axes_take_the_time_of_the_scaling_books_worked_answer() -> None:
    # How To Scale Your Model, part 3, question 2: all-gather of bf16[1024, 4096] over two axes of 4 with
    # 45 GB/s one way a link takes 46 us (46.6 exactly); an all-reduce is twice an all-gather.
    time = torus_allreduce_time(2 * 1024 * 4096, (4, 4), 0.5e-6, 45e9)
    assert time == pytest.approx(2 * 2 * 1024 * 4096 / 1.8e11, rel=1e-12)
    assert time / 2 == pytest.approx(46e-6, rel=0.02)


def test_that_a_small_message_on_a_torus_costs_half_the_ring_in_hops() -> None:
    # Same chapter, question 3: 256 bytes on one axis of 4 take two hops of about 1 us; twice for all-reduce.
    assert torus_allreduce_time(256, (4,), 1e-6, 45e9) == pytest.approx(4e-6, rel=1e-12)


def test_that_one_chip_never_waits_for_itself() -> None:
    for name in ALGORITHMS:
        assert allreduce_time(1e9, 1, 1e-5, 1e9, name, 1e-5) == 0.0
        assert allreduce_steps(name, 1) == 0.0
        assert allreduce_traffic(name, 1) == 0.0
    assert fitted_allreduce_time(1e9, 1, 1e-5, 1e9, 1e-9) == 0.0
    assert all_to_all_time(1e9, 1, 1e-5, 1e9, 1e-5) == 0.0
    assert torus_allreduce_time(1e9, (1, 1), 1e-5, 1e9) == 0.0
    fabric = Fabric(1e-5, 1e-6, 1e9, ("ring",))
    assert hierarchical_allreduce_time(1e9, 1, 1, inner=fabric, outer=fabric) == 0.0


def test_that_ranks_between_powers_of_two_need_a_whole_extra_round() -> None:
    np.testing.assert_array_equal(allreduce_steps("rabenseifner", [2, 3, 4, 5, 8]), [2, 4, 4, 6, 6])
    np.testing.assert_array_equal(allreduce_steps("recursive_doubling", [2, 3, 4, 72]), [1, 2, 2, 7])


def test_that_the_fastest_is_chosen_for_each_message_size_on_its_own() -> None:
    times = fastest_allreduce([KIB16, MIB], 8, 0.0, 1e-6, 450e9, ("one_shot", "two_shot"))
    np.testing.assert_allclose(times * 1e6, [1.254862222222222, 6.077795555555555], rtol=1e-12)


def test_that_an_all_reduce_across_nodes_is_the_sum_of_its_three_parts() -> None:
    inner = Fabric(0.0, 1e-6, 450e9, ("one_shot", "two_shot"))
    outer = Fabric(5e-6, 3e-6, 50e9, ("ring",))
    time = hierarchical_allreduce_time(MIB, 8, 4, inner=inner, outer=outer)
    ring = 5e-6 + 6 * 3e-6 + 1.5 * (MIB / 8) / 50e9
    assert time == pytest.approx(6.077795555555555e-6 + ring, rel=1e-12)


def test_that_within_one_node_the_hierarchy_adds_nothing() -> None:
    inner = Fabric(0.0, 1e-6, 450e9, ("one_shot",))
    outer = Fabric(5e-6, 3e-6, 50e9, ("ring",))
    times = hierarchical_allreduce_time(KIB16, 8, [1], inner=inner, outer=outer)
    np.testing.assert_allclose(times, [1.254862222222222e-6], rtol=1e-12)


def test_that_a_fabric_that_cannot_scatter_is_refused_across_nodes() -> None:
    inner = Fabric(0.0, 1e-6, 450e9, ("one_shot", "in_network"))
    with pytest.raises(ExplorerError, match="one_shot, in_network"):
        hierarchical_allreduce_time(MIB, 8, 2, inner=inner, outer=Fabric(0.0, 1e-6, 5e10, ("ring",)))


def test_that_an_unknown_algorithm_is_named_with_its_nearest_neighbour() -> None:
    with pytest.raises(UnknownRecordError, match=r"rabenseifer.*rabenseifner"):
        allreduce_time(1.0, 2, 0.0, 1.0, "rabenseifer")


def test_that_a_fabric_without_algorithms_is_refused() -> None:
    with pytest.raises(ExplorerError, match="no all-reduce algorithm"):
        fastest_allreduce(1.0, 2, 0.0, 0.0, 1.0, ())


@pytest.mark.parametrize("count", [0, -1, 0.5, math.nan])
def test_that_fewer_than_one_rank_is_refused(count: float) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        allreduce_time(1.0, count, 0.0, 1.0, "ring")


def test_that_a_pairwise_all_to_all_pays_each_partner_and_a_switched_one_pays_once() -> None:
    # (N-1) alpha + (N-1)/N * n/B: 7 * 3 us + 7/8 * 1 MiB / 50 GB/s (Thakur et al. 2005).
    assert all_to_all_time(MIB, 8, 3e-6, 50e9) == pytest.approx(21e-6 + 0.875 * MIB / 50e9, rel=1e-12)
    assert all_to_all_time(MIB, 8, 3e-6, 50e9, 2e-6, pairwise=False) == pytest.approx(
        5e-6 + 0.875 * MIB / 50e9, rel=1e-12
    )


def test_that_pipeline_stages_hand_over_in_one_hop() -> None:
    assert point_to_point_time(1e6, 3e-6, 50e9) == pytest.approx(23e-6, rel=1e-12)


def test_that_cards_behind_one_host_bridge_share_it() -> None:
    np.testing.assert_allclose(bridged_bandwidth(50e9, 64e9, [1, 2, 8]), [50e9, 32e9, 8e9])


@settings(max_examples=60)
@given(sizes, st.floats(1.0, 100.0), ranks, hops, bandwidths, st.floats(1.0, 10.0), algorithms)
def test_that_time_grows_with_size_and_falls_with_bandwidth(
    size: float, more: float, count: int, hop: float, bandwidth: float, faster: float, name: str
) -> None:
    time = allreduce_time(size, count, hop, bandwidth, name)
    assert allreduce_time(size * more, count, hop, bandwidth, name) >= time
    assert allreduce_time(size, count, hop, bandwidth * faster, name) <= time


@settings(max_examples=60)
@given(sizes, ranks, hops, bandwidths, st.floats(0.0, 1e-4), algorithms)
def test_that_time_is_base_plus_steps_and_traffic(
    size: float, count: int, hop: float, bandwidth: float, base: float, name: str
) -> None:
    time = allreduce_time(size, count, hop, bandwidth, name, base)
    parts = allreduce_steps(name, count) * hop + allreduce_traffic(name, count) * size / bandwidth
    assert time == pytest.approx(float(parts) + (base if count > 1 else 0.0), rel=1e-12)


@settings(max_examples=40)
@given(sizes, ranks, hops, bandwidths, st.sets(algorithms, min_size=1))
def test_that_a_further_algorithm_never_slows_a_fabric(
    size: float, count: int, hop: float, bandwidth: float, some: set[str]
) -> None:
    fewer = fastest_allreduce(size, count, 0.0, hop, bandwidth, sorted(some))
    assert fastest_allreduce(size, count, 0.0, hop, bandwidth, ALGORITHMS) <= fewer


@settings(max_examples=40)
@given(sizes, st.lists(st.integers(1, 32), min_size=1, max_size=3), hops, bandwidths, st.floats(1.0, 10.0))
def test_that_a_torus_is_slower_with_more_bytes_and_faster_with_wider_links(
    size: float, axes: list[int], hop: float, bandwidth: float, factor: float
) -> None:
    time = torus_allreduce_time(size, axes, hop, bandwidth)
    assert torus_allreduce_time(size * factor, axes, hop, bandwidth) >= time
    assert torus_allreduce_time(size, axes, hop, bandwidth * factor) <= time

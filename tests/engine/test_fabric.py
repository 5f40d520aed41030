"""All-reduces of a tensor group: measured fits, formulas, cards of several domains, leaving the scale-up domain."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import load_catalog
from explorer.catalog.calibration import load_calibration
from explorer.engine.collectives import allreduce_time, fastest_allreduce, fitted_allreduce_time
from explorer.engine.fabric import Fabric, FittedFabric, allreduce_coefficients
from explorer.errors import MissingFigureError
from explorer.study.figures import central_values
from explorer.study.resolve import fabric_of, require_links, step_constants

SIZES = np.geomspace(1e3, 1e9, 25)[None, :]

NVLINK = Fabric(
    base_latency=0.0,
    hop_latency=1e-6,
    link_bandwidth=450e9,
    efficiency=1.0,
    scaleup_domain=8.0,
    scaleout_bandwidth=50e9,
    algorithms=("ring",),
)


def seconds(fabric: Fabric, ranks: float, size: float = 16_384.0) -> float:
    """One all-reduce of `size` bytes."""
    return float(allreduce_coefficients(ranks, fabric, step_constants()).time(size)[0, 0])


@pytest.mark.parametrize(
    ("algorithm", "microseconds"),
    [
        # theory oracle: 16 KB on 8 ranks, 1 us a message, 450 GB/s
        ("ring", 14.063715555555556),
        ("recursive_doubling", 3.1092266666666664),
        ("rabenseifner", 6.063715555555556),
        ("tree", 6.218453333333333),
        ("one_shot", 1.254862222222222),
        ("two_shot", 2.0637155555555555),
        ("in_network", 2.0409599999999997),
    ],
)
def test_that_each_algorithm_takes_what_theory_says(algorithm: str, microseconds: float) -> None:
    found = seconds(replace(NVLINK, algorithms=(algorithm,)), 8)
    assert found == pytest.approx(microseconds * 1e-6, rel=1e-9)


@given(st.integers(2, 8), st.floats(0, 1e9))
@settings(max_examples=50)
def test_that_the_fastest_of_the_algorithms_a_part_has_is_taken(ranks: int, size: float) -> None:
    names = ("ring", "tree", "rabenseifner", "two_shot")
    fabric = replace(NVLINK, base_latency=5e-6, efficiency=0.8, algorithms=names)
    expected = fastest_allreduce(size, ranks, 5e-6, 1e-6, 0.8 * 450e9, names)
    assert seconds(fabric, ranks, size) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("name", ["hopper_nvswitch", "blackwell_nvswitch", "ampere_nvswitch", "pcie4_box", "pcie5_box"])
def test_that_a_measured_fit_gives_back_its_own_points(name: str) -> None:
    table = load_calibration().allreduce[name]
    chip = next(one for one in load_catalog().chips.values() if one.collective_fit == name)
    fabric = fabric_of(chip, central_values(chip, {}))
    for ranks, alpha, bandwidth, root in zip(
        table["ranks"], table["alpha"], table["bandwidth"], table["root"], strict=True
    ):
        found = allreduce_coefficients(ranks, replace(fabric, scaleup_domain=8.0), step_constants())
        assert found.time(SIZES)[0] == pytest.approx(
            fitted_allreduce_time(SIZES, ranks, alpha, bandwidth, root)[0], rel=1e-9
        )


def test_that_a_fit_is_slower_beyond_the_ranks_it_was_measured_at() -> None:
    fit = FittedFabric((2.0, 4.0, 8.0), (4e-6, 5e-6, 6e-6), (300e9, 400e9, 450e9), (0.0, 0.0, 0.0), 4e-6, 0.8)
    wide = replace(NVLINK, scaleup_domain=72.0, fit=fit)
    for size in (1e4, 1e8):
        times = [seconds(wide, ranks, size) for ranks in (8, 16, 32, 64)]
        assert times == sorted(times)
    assert seconds(wide, 16, 0.0) == pytest.approx(6e-6 + 4e-6)


@pytest.mark.parametrize("chip", ["qcom-ai200", "nv-h200", "nv-h100-sxm", "aws-trn2", "nv-gb200-nvl72"])
def test_that_leaving_the_scale_up_domain_is_slower_than_staying_inside(chip: str) -> None:
    record = load_catalog().chip(chip)
    values = central_values(record, {})
    fabric = fabric_of(record, values)
    domain = int(values["scaleup_domain"])
    ranks = domain * 2
    across = allreduce_coefficients(ranks, fabric, step_constants()).time(SIZES)
    inside = allreduce_coefficients(domain, fabric, step_constants()).time(SIZES)
    assert np.all(np.isfinite(across))
    assert np.all(across > inside)


def test_that_two_domains_exchange_their_shares_over_the_network() -> None:
    constants = step_constants()
    outside = seconds(NVLINK, 16, 1e8) - seconds(NVLINK, 8, 1e8)
    # every rank of a domain of 8 sends 1/8 of the message through its own interface
    wire = 1e8 / 8 / (50e9 * constants.outside_domain_share)
    assert outside == pytest.approx(constants.outside_domain_s + wire, rel=1e-9)


def test_that_one_chip_of_one_memory_domain_does_nothing() -> None:
    assert seconds(NVLINK, 1, 1e9) == 0.0


def test_that_a_card_of_four_domains_adds_a_stage_even_alone() -> None:
    card = replace(NVLINK, memory_domains=4.0, on_card_link=64e9)
    stage = 2 * math.log2(4) * 1e-6 + 1.5 * 1e6 / 64e9
    assert seconds(card, 1, 1e6) == pytest.approx(stage)
    assert seconds(card, 8, 1e6) == pytest.approx(seconds(NVLINK, 8, 1e6) + stage)


def test_that_the_formula_is_that_of_the_collectives() -> None:
    fabric = replace(NVLINK, base_latency=3e-6, efficiency=0.7)
    found = allreduce_coefficients(6, fabric, step_constants()).time(SIZES)[0]
    assert found == pytest.approx(allreduce_time(SIZES, 6, 1e-6, 0.7 * 450e9, "ring", 3e-6)[0])


@pytest.mark.parametrize(
    ("worse", "factor"),
    [("hop_latency", 3.0), ("base_latency", 3.0), ("link_bandwidth", 1 / 3), ("efficiency", 1 / 3)],
)
@given(ranks=st.sampled_from([2, 4, 8, 16, 56]), size=st.floats(1e3, 1e9))
@settings(max_examples=20)
def test_that_a_worse_link_is_never_faster(worse: str, factor: float, ranks: int, size: float) -> None:
    fabric = replace(NVLINK, base_latency=1e-6, algorithms=("ring", "tree", "rabenseifner"))
    slower = replace(fabric, **{worse: getattr(fabric, worse) * factor})
    assert seconds(slower, ranks, size) > seconds(fabric, ranks, size)


def test_that_draws_of_a_figure_are_rows() -> None:
    fabric = replace(NVLINK, link_bandwidth=np.array([100e9, 450e9]), scaleup_domain=np.array([4.0, 8.0]))
    both = allreduce_coefficients(8, fabric, step_constants()).time(1e6)
    assert both.shape == (2, 1)
    first = replace(NVLINK, link_bandwidth=100e9, scaleup_domain=4.0)
    assert both[:, 0] == pytest.approx([seconds(first, 8, 1e6), seconds(NVLINK, 8, 1e6)])


@pytest.mark.parametrize("chip", sorted(load_catalog().chips))
def test_that_every_shipped_chip_is_timed_at_all_its_degrees_or_lacks_a_named_figure(chip: str) -> None:
    record = load_catalog().chip(chip)
    values = central_values(record, {})
    for degree in record.degrees:
        try:
            if degree > 1:
                require_links(record, values)
        except MissingFigureError as error:
            assert error.figure not in values
            continue
        found = allreduce_coefficients(degree, fabric_of(record, values), step_constants()).time(SIZES)
        assert np.all(np.isfinite(found)), f"{degree} chips"

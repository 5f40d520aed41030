"""Concentration indices, loss measures and undisclosed suppliers, against worked values and invariants."""

from __future__ import annotations

import itertools
import math
from dataclasses import fields
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.engine.concentration import (
    SupplierCandidates,
    TierStructure,
    TierSummary,
    annual_failure_rate,
    any_outage_probability,
    cr3,
    effective_suppliers,
    entropy,
    expected_loss,
    gini_simpson,
    hhi,
    known_suppliers,
    look_through,
    lost_share,
    merge_delta_hhi,
    minimum_variance_mix,
    normalised_hhi,
    pooled_outage_probability,
    price_exposure,
    recovery_impact,
    risk_exposure_index,
    survivability,
    theil,
    tier_shares_over_candidates,
    tier_structure,
    tier_summary,
    top_share,
    undisclosed_supplier,
    weakest_tiers,
)
from explorer.errors import ExplorerError, UnknownRecordError

Array = NDArray[np.float64]

# Accelerators by compute, 2022-2025 cumulative (Epoch AI); HBM makers in Q2 2025 (Counterpoint); the others
# are text-book mixes. HHI, N_eff, CR1, CR3, entropy, its exponential, Theil, Gini-Simpson, normalised HHI.
MIXES = {
    "one": ([1.0], (10000.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0)),
    "70/30": ([0.7, 0.3], (5800.0, 1.724138, 0.7, 1.0, 0.610864, 1.84202, 0.082283, 0.42, 0.16)),
    "50/50": ([0.5, 0.5], (5000.0, 2.0, 0.5, 1.0, 0.693147, 2.0, 0.0, 0.5, 0.0)),
    "40/30/20/10": (
        [0.4, 0.3, 0.2, 0.1],
        (3000.0, 3.333333, 0.4, 0.9, 1.279854, 3.59612, 0.106440, 0.70, 0.066667),
    ),
    "thirds": ([1 / 3] * 3, (3333.333333, 3.0, 0.333333, 1.0, 1.098612, 3.0, 0.0, 0.666667, 0.0)),
    "accelerators": (
        [0.659, 0.133, 0.109, 0.058, 0.041],
        (4688.96, 2.1327, 0.659, 0.901, 1.08083, 2.9471, 0.5286, 0.5311, 0.33612),
    ),
    # a buyer of five equal suppliers is still above the agencies' 1,800
    "fifths": ([0.2] * 5, (2000.0, 5.0, 0.2, 0.6, 1.609438, 5.0, 0.0, 0.8, 0.0)),
    "HBM": ([0.62, 0.21, 0.17], (4574.0, 2.1863, 0.62, 1.0, 0.92535, 2.5228, 0.17326, 0.5426, 0.1861)),
}


@st.composite
def share_vectors(draw: st.DrawFn, least: int = 1, most: int = 8) -> Array:
    amounts = np.array(draw(st.lists(st.floats(1e-6, 1.0), min_size=least, max_size=most)))
    return np.asarray(amounts / amounts.sum())


@pytest.mark.parametrize(("shares", "expected"), MIXES.values(), ids=MIXES)
def test_that_known_mixes_have_their_published_indices(shares: list[float], expected: tuple[float, ...]) -> None:
    found = [
        hhi(shares),
        effective_suppliers(shares),
        top_share(shares),
        cr3(shares),
        entropy(shares),
        np.exp(entropy(shares)),
        theil(shares),
        gini_simpson(shares),
        normalised_hhi(shares),
    ]
    np.testing.assert_allclose(found, expected, rtol=3e-5, atol=1e-6)


def test_that_indices_work_along_any_axis_and_ignore_suppliers_without_a_share() -> None:
    table = np.array([[0.7, 0.3, 0.0], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(hhi(table), [5800.0, 10000.0])
    np.testing.assert_allclose(hhi(table.T, axis=0), [5800.0, 10000.0])
    np.testing.assert_allclose(normalised_hhi(table), [0.16, 1.0])
    np.testing.assert_allclose(theil(table), [0.082283, 0.0], atol=1e-6)
    np.testing.assert_allclose(cr3(table.T, axis=0), [1.0, 1.0])


def test_that_merging_suppliers_of_thirty_and_ten_percent_adds_six_hundred() -> None:
    assert merge_delta_hhi(0.3, 0.1) == pytest.approx(600.0, rel=1e-12)


# Half Nvidia, 30 % Trainium, 20 % AI200. The memory rows are chosen so as to give the worked shares.
FLEET = [0.5, 0.3, 0.2]


@pytest.mark.parametrize(
    ("matrix", "shares", "index"),
    [
        (np.eye(3), [0.5, 0.3, 0.2], 3800.0),
        ([[1.0, 0.0]] * 3, [1.0, 0.0], 10000.0),
        (
            [[0.62, 0.21, 0.17, 0.0], [0.5, 0.0, 0.5, 0.0], [0.0, 0.3, 0.5, 0.2]],
            [0.46, 0.165, 0.335, 0.04],
            3526.5,
        ),
        ([[0.5, 0.5], [1.0, 0.0], [1.0, 0.0]], [0.75, 0.25], 6250.0),
    ],
    ids=["designer and stack", "foundry", "memory", "cloud"],
)
def test_that_a_fleet_of_three_looks_through_to_its_tiers(
    matrix: list[list[float]], shares: list[float], index: float
) -> None:
    found = look_through(FLEET, matrix)
    np.testing.assert_allclose(found, shares, atol=1e-12)
    assert hhi(found) == pytest.approx(index, rel=1e-12)


@pytest.mark.parametrize(
    ("share", "headroom", "portability", "lost"),
    [
        (0.7, 0.2, 1.0, 0.64),
        (0.5, 0.2, 1.0, 0.40),
        (0.5, 0.2, 0.5, 0.45),
        (0.34, 0.5, 1.0, 0.01),
        (1, 0.2, 1, 1),
    ],
)
def test_that_the_failure_of_one_supplier_loses_its_worked_share(
    share: float, headroom: float, portability: float, lost: float
) -> None:
    assert lost_share(share, headroom, portability) == pytest.approx(lost, abs=1e-12)


def test_that_a_seventy_thirty_fleet_survives_with_a_third() -> None:
    assert survivability([0.7, 0.3], 0.2) == pytest.approx(0.36, rel=1e-12)


def test_that_a_rare_long_outage_costs_capacity_weeks() -> None:
    # One in twenty a year, 39 weeks' delay (Dell H100 lead time, late 2023), 64 % lost.
    assert expected_loss([0.05], [39.0], [0.64]) == pytest.approx(1.248, rel=1e-12)


def test_that_exposure_counts_only_the_weeks_that_stocks_do_not_bridge() -> None:
    impacts = recovery_impact([0.7, 0.3], [39.0, 4.0], 6.0)
    np.testing.assert_allclose(impacts, [23.1, 0.0], atol=1e-12)
    np.testing.assert_allclose(risk_exposure_index(impacts), [1.0, 0.0])
    np.testing.assert_array_equal(risk_exposure_index([0.0, 0.0]), [0.0, 0.0])


def test_that_a_price_rise_weighs_by_the_spend_that_cannot_leave() -> None:
    assert price_exposure([0.7, 0.3], [0.15, 0.0]) == pytest.approx(0.105, rel=1e-12)
    assert price_exposure([0.7, 0.3], [0.15, 0.0], [0.5, 0.0]) == pytest.approx(0.0525, rel=1e-12)


def test_that_a_common_foundry_makes_a_joint_outage_far_likelier() -> None:
    pools = [0.05, 0.05, 0.05]
    assert any_outage_probability(pools) == pytest.approx(0.142625, rel=1e-9)
    assert pooled_outage_probability(pools) == pytest.approx(0.000125, rel=1e-9)
    together = pooled_outage_probability(pools, 0.02)
    assert together == pytest.approx(0.0201225, rel=1e-9)
    assert together / pooled_outage_probability(pools) == pytest.approx(161.0, abs=0.1)


def test_that_the_llama_3_training_run_gives_its_failure_rates() -> None:
    # Llama 3 report: 419 unexpected interruptions, 268 of them by GPUs, 54 days, 16,384 GPUs.
    np.testing.assert_allclose(
        annual_failure_rate([268, 419], 16_384, 54), [0.1105640552662037, 0.1728594744646991], rtol=1e-9
    )


def test_that_the_least_risky_mix_of_two_is_the_closed_form_one() -> None:
    # Markowitz with standard deviations .3 and .2, correlation .3; then costs 1 and 1.25 at weight 10.
    covariance = np.array([[0.09, 0.018], [0.018, 0.04]])
    mix = minimum_variance_mix(covariance)
    np.testing.assert_allclose(mix, [0.23404255319148945, 0.7659574468085106], rtol=1e-9)
    assert mix @ covariance @ mix == pytest.approx(0.034851063829787234, rel=1e-12)
    assert minimum_variance_mix(covariance, [1.0, 1.25], 10.0)[0] == pytest.approx(0.3670212765957448, rel=1e-9)


def test_that_a_mix_never_holds_less_than_nothing_of_a_supplier() -> None:
    mix = minimum_variance_mix([[0.04, 0.038], [0.038, 0.09]], [1.0, 3.0], 1.0)
    np.testing.assert_allclose(mix, [1.0, 0.0], atol=1e-12)


@pytest.mark.parametrize(
    ("covariance", "risk_weight", "named"),
    [([[1.0, 0.0]], 1.0, "square"), (np.eye(13), 1.0, "12"), (np.eye(2), 0.0, "risk_weight")],
)
def test_that_a_mix_that_cannot_be_solved_is_refused(
    covariance: list[list[float]], risk_weight: float, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        minimum_variance_mix(covariance, None, risk_weight)


def test_that_every_tied_tier_is_named_weakest() -> None:
    assert weakest_tiers({"designer": 2.3, "foundry": 1.0, "cloud": 1.0 + 1e-12}) == ("foundry", "cloud")
    assert weakest_tiers({}) == ()


def test_that_a_chip_in_two_pools_has_one_undisclosed_supplier() -> None:
    # Pools of AI200 on two clouds and one of H200; the AI200's foundry is TSMC (weight 3) or Samsung (1).
    structure = tier_structure(
        ("ai200", "h200", "ai200"),
        {"ai200": undisclosed_supplier([0, 1], [3.0, 1.0], 2), "h200": known_suppliers([1.0, 0.0])},
    )
    np.testing.assert_allclose(structure.probabilities, [0.75, 0.25])
    shares = tier_shares_over_candidates([0.1, 0.6, 0.3], structure)
    np.testing.assert_allclose(shares, [[1.0, 0.0], [0.6, 0.4]])
    summary = tier_summary([0.1, 0.6, 0.3], structure)
    assert summary.hhi == pytest.approx(0.75 * 10_000 + 0.25 * 5_200, rel=1e-12)
    assert (summary.hhi_low, summary.hhi_high) == pytest.approx((5_200.0, 10_000.0), rel=1e-12)
    assert summary.effective_suppliers == pytest.approx(10_000 / 8_800, rel=1e-12)
    assert summary.effective_suppliers_low == pytest.approx(1.0, rel=1e-12)
    assert summary.effective_suppliers_high == pytest.approx(10_000 / 5_200, rel=1e-12)
    assert (summary.top_share_low, summary.top_share, summary.top_share_high) == pytest.approx((0.6, 0.9, 1.0))
    assert summary.top_supplier_index == 0
    assert summary.probability_single_point == pytest.approx(0.75)
    assert not summary.single_point_of_failure
    np.testing.assert_allclose(summary.supplier_share, [0.9, 0.1])
    np.testing.assert_allclose(summary.supplier_share_low, [0.6, 0.0])
    np.testing.assert_allclose(summary.supplier_share_high, [1.0, 0.4])
    # three to one for TSMC: the median is its case
    assert summary.hhi_median == pytest.approx(10_000.0)
    np.testing.assert_allclose(summary.supplier_share_median, [1.0, 0.0])


def test_that_a_single_point_is_flagged_from_ninety_five_percent_on() -> None:
    def summary_at(belief: float) -> bool:
        structure = tier_structure(
            ("h200", "ai200"),
            {
                "h200": known_suppliers([1.0, 0.0]),
                "ai200": undisclosed_supplier([0, 1], [belief, 1.0 - belief], 2),
            },
        )
        return tier_summary([0.5, 0.5], structure).single_point_of_failure

    assert summary_at(0.95)
    assert not summary_at(0.94)


def test_that_one_chip_hangs_on_one_supplier_even_if_nobody_knows_which() -> None:
    structure = tier_structure(("ai200",), {"ai200": undisclosed_supplier([0, 1, 2], [1, 1, 1], 3)})
    summary = tier_summary([1.0], structure)
    assert summary.single_point_of_failure
    assert summary.top_share_low == summary.top_share_high == 1.0
    np.testing.assert_allclose(summary.supplier_share, [1 / 3] * 3)


def test_that_a_candidate_nobody_believes_in_widens_nothing() -> None:
    structure = tier_structure(("ai200",), {"ai200": undisclosed_supplier([0, 1], [2.0, 0.0], 2)})
    assert structure.probabilities.shape == (1,)
    assert tier_summary([1.0], structure).supplier_share_low[0] == 1.0


@pytest.mark.parametrize("pools", [(1.0, 0.0), (0.5, 0.5), (0.2, 0.8), (1.0 - 1e-7, 1e-7)])
def test_that_a_tier_whose_suppliers_are_known_is_as_one_with_two_beliefs_that_say_the_same(
    pools: tuple[float, float],
) -> None:
    rows = {"h200": np.array([[0.7, 0.3, 0.0]]), "ai200": np.array([[0.0, 0.0, 1.0]])}
    settled, twice = (
        tier_summary(pools, tier_structure(tuple(rows), {chip: SupplierCandidates(
            np.repeat(shares, count, axis=0), np.ones(count)
        ) for chip, shares in rows.items()}))
        for count in (1, 2)
    )  # fmt: skip
    for field in fields(TierSummary):
        np.testing.assert_allclose(getattr(settled, field.name), getattr(twice, field.name), rtol=1e-12, atol=1e-15)


def test_that_known_split_suppliers_are_no_uncertainty() -> None:
    structure = tier_structure(("h200",), {"h200": known_suppliers([0.62, 0.21, 0.17])})
    summary = tier_summary([1.0], structure)
    assert summary.hhi == pytest.approx(4574.0, rel=1e-12)
    assert summary.hhi_low == summary.hhi_high == summary.hhi
    assert not summary.single_point_of_failure


def test_that_too_many_open_suppliers_are_an_error_that_names_the_chips() -> None:
    open_chip = undisclosed_supplier(range(8), [1.0] * 8, 8)
    chips = tuple("abcde")
    with pytest.raises(ExplorerError, match=r"32768 .*a, b, c, d, e.*4096"):
        tier_structure(chips, dict.fromkeys(chips, open_chip))
    assert tier_structure(chips[:4], dict.fromkeys(chips, open_chip)).probabilities.size == 4096


def test_that_a_chip_without_supplier_data_is_named() -> None:
    with pytest.raises(UnknownRecordError, match="ai200"):
        tier_structure(("ai200",), {"ai100": known_suppliers([1.0])})


@pytest.mark.parametrize(
    ("candidates", "named"),
    [
        (SupplierCandidates(np.eye(2), np.array([0.0, 0.0])), "weights"),
        (SupplierCandidates(np.eye(2), np.array([2.0, -1.0])), "weights"),
        (SupplierCandidates(np.eye(2), np.array([math.nan, 1.0])), "weights"),
        (SupplierCandidates(np.array([[0.5, 0.4]]), np.ones(1)), "shares"),
        (SupplierCandidates(np.array([[1.5, -0.5]]), np.ones(1)), "shares"),
    ],
)
def test_that_candidates_that_are_no_distribution_are_refused(candidates: SupplierCandidates, named: str) -> None:
    with pytest.raises(ExplorerError, match=f"ai200: {named}"):
        tier_structure(("ai200",), {"ai200": candidates})


@pytest.mark.parametrize("shares", [[0.5, 0.4], [math.nan, 1.0], [0.0, 0.0]])
def test_that_pool_shares_must_sum_to_one(shares: list[float]) -> None:
    structure = tier_structure(("a", "b"), {"a": known_suppliers([1.0]), "b": known_suppliers([1.0])})
    with pytest.raises(ValueError, match="sum to 1"):
        tier_summary(shares, structure)


@settings(max_examples=60)
@given(share_vectors())
def test_that_the_hill_numbers_are_ordered(shares: Array) -> None:
    n_eff = float(effective_suppliers(shares))
    assert float(hhi(shares)) * n_eff == pytest.approx(10_000.0, rel=1e-12)
    hill_one = math.exp(float(entropy(shares)))
    assert 1.0 - 1e-9 <= n_eff <= hill_one * (1 + 1e-9) <= len(shares) * (1 + 2e-9)


@settings(max_examples=60)
@given(share_vectors(least=2), st.randoms(use_true_random=False))
def test_that_order_does_not_matter_and_merging_never_lowers_the_index(shares: Array, random: Random) -> None:
    shuffled = np.array(shares)
    random.shuffle(shuffled)
    assert hhi(shuffled) == pytest.approx(float(hhi(shares)), rel=1e-12)
    merged = np.concatenate([[shares[0] + shares[1]], shares[2:]])
    assert hhi(merged) - hhi(shares) == pytest.approx(float(merge_delta_hhi(shares[0], shares[1])), rel=1e-6, abs=1e-8)
    assert hhi(merged) >= hhi(shares) - 1e-9


@settings(max_examples=40)
@given(share_vectors(least=3, most=3), st.lists(share_vectors(least=4, most=4), min_size=3, max_size=3))
def test_that_shares_looked_through_still_sum_to_one(shares: Array, rows: list[Array]) -> None:
    assert look_through(shares, rows).sum() == pytest.approx(1.0, rel=1e-12)


@settings(max_examples=60)
@given(*[st.floats(0.0, 1.0)] * 5)
def test_that_headroom_and_portability_never_raise_the_loss(
    share: float, headroom: float, more_headroom: float, portability: float, further: float
) -> None:
    lost = float(lost_share(share, headroom, portability))
    assert 0.0 <= lost <= share
    assert lost_share(share, headroom + more_headroom, portability) <= lost
    assert lost_share(share, headroom, portability + further * (1.0 - portability)) <= lost + 1e-15


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Array, TierStructure, tuple[str, ...], dict[str, SupplierCandidates]]:
    chip_of_pool = tuple(draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=4)))
    supplier_count = 3
    candidates: dict[str, SupplierCandidates] = {}
    for chip in "abc":
        who = draw(st.lists(st.integers(0, supplier_count - 1), min_size=1, max_size=3, unique=True))
        weights = draw(st.lists(st.floats(0.1, 1.0), min_size=len(who), max_size=len(who)))
        candidates[chip] = undisclosed_supplier(who, weights, supplier_count)
    pools = draw(share_vectors(least=len(chip_of_pool), most=len(chip_of_pool)))
    return pools, tier_structure(chip_of_pool, candidates), chip_of_pool, candidates


@settings(max_examples=40)
@given(tiers())
def test_that_enumeration_agrees_with_an_enumeration_by_hand(
    case: tuple[Array, TierStructure, tuple[str, ...], dict[str, SupplierCandidates]],
) -> None:
    pools, structure, chip_of_pool, candidates = case
    chips = sorted(set(chip_of_pool))
    expected_index, single = 0.0, 0.0
    for choice in itertools.product(*(range(len(candidates[chip].weights)) for chip in chips)):
        row = dict(zip(chips, choice, strict=True))
        probability, supplied = 1.0, np.zeros(3)
        for chip in chips:
            probability *= candidates[chip].weights[row[chip]] / candidates[chip].weights.sum()
        for pool, chip in zip(pools, chip_of_pool, strict=True):
            supplied += pool * candidates[chip].shares[row[chip]]
        expected_index += probability * float(np.sum((100.0 * supplied) ** 2))
        single += probability * float(supplied.max() > 1.0 - 1e-6)
    summary = tier_summary(pools, structure)
    assert summary.hhi == pytest.approx(expected_index, rel=1e-9)
    assert summary.probability_single_point == pytest.approx(single, abs=1e-9)
    assert structure.probabilities.sum() == pytest.approx(1.0, rel=1e-12)
    assert summary.supplier_share.sum() == pytest.approx(1.0, rel=1e-9)
    assert summary.hhi_low <= summary.hhi * (1 + 1e-12) <= summary.hhi_high * (1 + 1e-9)
    assert summary.hhi * summary.effective_suppliers == pytest.approx(10_000.0, rel=1e-12)


def test_that_shares_of_many_fleets_are_looked_through_at_once() -> None:
    structure = tier_structure(
        ("a", "b"), {"a": undisclosed_supplier([0, 1], [1, 1], 2), "b": known_suppliers([0.0, 1.0])}
    )
    shares = tier_shares_over_candidates([[[0.2, 0.8]], [[1.0, 0.0]]], structure)
    assert shares.shape == (2, 1, 2, 2)
    np.testing.assert_allclose(shares[0, 0], [[0.2, 0.8], [0.0, 1.0]])
    np.testing.assert_allclose(shares[1, 0], [[1.0, 0.0], [0.0, 1.0]])

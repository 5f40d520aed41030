"""Value of information and choices under uncertainty against exact results, and what must hold for any numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm, qmc

from explorer.engine.decision import (
    conditional_value_at_risk,
    evpi,
    evppi,
    expected_regret,
    gain,
    hurwicz,
    laplace,
    regrets,
    worst_payoff,
    worst_regret,
)

PAYOFF = np.asarray([[100.0, 20.0], [60.0, 60.0], [80.0, 10.0]])

tables = arrays(np.float64, st.tuples(st.integers(2, 40), st.integers(1, 4)), elements=st.floats(-1e6, 1e6, width=32))


def loss_avoided(mean: float, sd: float) -> float:
    """Worth of knowing X ~ N(mean, sd^2) when the choice is between X and nothing (unit normal loss integral)."""
    at = abs(mean) / sd
    return float(sd * norm.pdf(at) - abs(mean) * norm.cdf(-at))


def two_normals(sd: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Nothing against INB ~ N(1, 5^2), of which a first normal has `sd`: net benefits and the two normals."""
    z = norm.ppf(qmc.Sobol(2, scramble=True, seed=seed).random_base2(12))
    benefit = 1.0 + sd * z[:, 0] + np.sqrt(25.0 - sd**2) * z[:, 1]
    return np.stack([np.zeros_like(benefit), benefit], axis=1), z


@pytest.mark.parametrize(("sd", "exact"), [(5.0, 1.534472), (4.0, 1.14538), (3.0, 0.762708), (0.2, 1.07e-8)])
def test_that_the_exact_values_are_those_of_the_loss_integral(sd: float, exact: float) -> None:
    assert loss_avoided(1.0, sd) == pytest.approx(exact, rel=2e-3)


@pytest.mark.parametrize(("sd", "exact"), [(3.0, 0.762708), (4.0, 1.14538)])
def test_that_4096_points_and_32_bins_find_the_value_of_one_normal_and_of_both(sd: float, exact: float) -> None:
    benefit, z = two_normals(sd)
    assert evpi(benefit) == pytest.approx(1.534472, abs=1e-3)
    assert evppi(benefit, z)[0] == pytest.approx(exact, abs=1.5e-3)


def test_that_rounding_is_not_taken_for_a_worth() -> None:
    """One choice is best in every draw: the sums over bins and over all draws differ in their last digits only."""
    rng = np.random.default_rng(3)
    best = rng.normal(-9e4, 2e4, 4096)
    benefit, figures = np.stack([best, best - 1e3], axis=1), rng.random((4096, 20))
    assert evpi(benefit) == 0.0
    assert np.all(evppi(benefit, figures) == 0.0)
    assert np.all(evppi(benefit, figures, bins=7) == 0.0)


def test_that_a_gain_counts_from_where_digits_carry_it() -> None:
    assert gain([1e5 + 1e-11, 1e5 + 1e-2, 1e5 - 1.0], 1e5).tolist() == [0.0, pytest.approx(1e-2), 0.0]
    assert gain(1e-12, 0.0) == 1e-12


def test_that_a_figure_that_changes_no_choice_is_worth_nothing() -> None:
    benefit, z = two_normals(0.2)
    assert evppi(benefit, z)[0] == pytest.approx(1.07e-8, abs=1e-6)


def test_that_two_named_readings_are_two_bins() -> None:
    # known to be 4 or -2 with even odds: choose it or nothing, worth 2 of 0.5 * 4 against 1 without knowing
    reading = np.tile([4.0, -2.0], 64)
    benefit = np.stack([np.zeros(128), reading], axis=1)
    assert evppi(benefit, reading[:, None])[0] == pytest.approx(1.0)
    assert evpi(benefit) == pytest.approx(1.0)


@given(tables, st.integers(0, 2**32 - 1), st.integers(1, 64))
@settings(max_examples=100)
def test_that_one_figure_is_never_worth_more_than_all_nor_all_more_than_the_regret(
    benefit: np.ndarray, seed: int, bins: int
) -> None:
    figures = np.random.default_rng(seed).integers(0, 9, (len(benefit), 3)).astype(np.float64)
    scale = 1e-9 * (1.0 + np.max(np.abs(benefit)))
    one, every = evppi(benefit, figures, bins), evpi(benefit)
    assert np.all(one >= 0.0)
    assert np.all(one <= every + scale)
    assert every <= np.min(expected_regret(benefit)) + scale


@given(tables, st.floats(-1e5, 1e5), st.floats(0.1, 10.0))
@settings(max_examples=50)
def test_that_the_worth_of_knowing_ignores_what_all_choices_share_and_scales_with_the_unit(
    benefit: np.ndarray, shift: float, unit: float
) -> None:
    scale = 1e-8 * (1.0 + np.max(np.abs(benefit)) + abs(shift))
    assert evpi(benefit + shift) == pytest.approx(evpi(benefit), abs=scale)
    assert evpi(unit * benefit) == pytest.approx(unit * evpi(benefit), abs=unit * scale)


def test_that_the_textbook_payoffs_give_the_textbook_choices() -> None:
    assert regrets(PAYOFF).tolist() == [[0.0, 40.0], [40.0, 0.0], [20.0, 50.0]]
    assert worst_regret(PAYOFF).tolist() == [40.0, 40.0, 50.0]
    assert int(np.argmin(worst_regret(PAYOFF))) == 0
    assert int(np.argmax(worst_payoff(PAYOFF))) == 1
    assert int(np.argmax(laplace(PAYOFF))) == 0
    assert hurwicz(PAYOFF, 0.6) == pytest.approx([68.0, 60.0, 52.0])


@pytest.mark.parametrize(("q", "mean"), [(0.8, 54.5), (0.9, 100.0), (0.85, (100.0 + 0.5 * 9.0) / 1.5), (0.0, 14.5)])
def test_that_the_tail_mean_of_ten_losses_is_that_of_its_worst(q: float, mean: float) -> None:
    losses = np.asarray([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 100.0])
    assert float(conditional_value_at_risk(losses, q)) == pytest.approx(mean)


@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6, width=32)), st.floats(0.0, 0.99))
def test_that_the_tail_mean_lies_between_the_mean_and_the_worst(losses: np.ndarray, q: float) -> None:
    found, scale = float(conditional_value_at_risk(losses, q)), 1e-6 * (1.0 + np.max(np.abs(losses)))
    assert np.mean(losses) - scale <= found <= np.max(losses) + scale


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: evpi([[1.0, np.nan]]), "finite"),
        (lambda: evpi([1.0, 2.0]), "two axes"),
        (lambda: evppi([[1.0, 2.0]], [[1.0], [2.0]]), "do not belong"),
        (lambda: evppi([[1.0, 2.0]], [[1.0]], bins=0), "at least one"),
        (lambda: hurwicz(PAYOFF, 1.2), "optimism"),
        (lambda: conditional_value_at_risk([1.0], 1.0), "q 1.0"),
        (lambda: worst_regret(np.zeros((2, 0))), "there must be some"),
    ],
)
def test_that_numbers_without_meaning_are_refused(call: object, reason: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=reason):
        call()

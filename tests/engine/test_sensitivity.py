"""Variance shares against functions whose shares are known exactly, and the order of a tornado."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, qmc

from explorer.engine.sensitivity import SobolIndices, pick_freeze, sobol_indices, tornado_order


def indices(function: Callable[[np.ndarray], np.ndarray], inputs: int, base: int = 13, seed: int = 3) -> SobolIndices:
    """Indices of a function of uniform inputs from 2**base Sobol points."""
    both = qmc.Sobol(2 * inputs, scramble=True, seed=seed).random_base2(base)
    points = pick_freeze(both[:, :inputs], both[:, inputs:])
    return sobol_indices(function(points), inputs)


def ishigami(u: np.ndarray) -> np.ndarray:
    """Ishigami and Homma (1990) with a = 7, b = 0.1 on (-pi, pi)^3."""
    x = np.pi * (2.0 * u - 1.0)
    return np.asarray(np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))


def test_that_the_shares_of_a_linear_model_are_its_squared_weights() -> None:
    found = indices(lambda u: 3.0 * norm.ppf(u[:, 0]) + 4.0 * norm.ppf(u[:, 1]), 2)
    assert found.first == pytest.approx([0.36, 0.64], abs=2e-3)
    assert found.total == pytest.approx([0.36, 0.64], abs=2e-3)
    assert found.variance == pytest.approx(25.0, rel=0.02)


def test_that_the_ishigami_function_has_its_published_shares() -> None:
    found = indices(ishigami, 3)
    assert found.first == pytest.approx([0.3139, 0.4424, 0.0], abs=4e-3)
    assert found.total == pytest.approx([0.5576, 0.4424, 0.2437], abs=2e-3)


@given(st.lists(st.floats(0.1, 5.0), min_size=2, max_size=5), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_that_first_shares_of_a_sum_add_up_to_one_and_of_a_product_to_less(weights: list[float], seed: int) -> None:
    count = len(weights)
    added = indices(lambda u: np.sum(np.asarray(weights) * u, axis=1), count, 11, seed)
    assert np.sum(added.first) == pytest.approx(1.0, abs=0.02)
    multiplied = indices(lambda u: np.prod((u - 0.5) * np.asarray(weights), axis=1), count, 13, seed)
    # exactly none; five estimates of 8,192 points each leave up to about 0.07
    assert np.sum(multiplied.first) < 0.2
    assert np.all(multiplied.total >= multiplied.first - 0.05)


def test_that_an_output_that_never_varies_has_no_drivers() -> None:
    found = indices(lambda u: np.full(len(u), 7.1), 3, 6)
    assert found.variance == 0.0
    assert not found.first.any() and not found.total.any()


def test_that_points_differ_from_the_first_sample_in_one_input_only() -> None:
    a, b = np.zeros((4, 3)), np.ones((4, 3))
    crossed = pick_freeze(a, b)[8:].reshape(3, 4, 3)
    assert np.array_equal(crossed, np.repeat(np.eye(3)[:, None, :], 4, axis=1))


@pytest.mark.parametrize(
    ("outputs", "inputs", "reason"),
    [(np.zeros(7), 2, "multiple"), (np.zeros(0), 2, "multiple"), (np.asarray([1.0, np.inf, 0.0, 0.0]), 2, "finite")],
)
def test_that_outputs_that_do_not_fit_are_refused(outputs: np.ndarray, inputs: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        sobol_indices(outputs, inputs)
    with pytest.raises(ValueError, match="one shape"):
        pick_freeze(np.zeros((2, 3)), np.zeros((2, 2)))


def test_that_the_widest_swing_comes_first_and_hopeless_both_ways_last() -> None:
    low = np.asarray([1.0, 5.0, 2.0, np.inf, np.inf])
    high = np.asarray([2.0, 1.0, 2.0, 3.0, np.inf])
    assert tornado_order(low, high).tolist() == [3, 1, 0, 2, 4]

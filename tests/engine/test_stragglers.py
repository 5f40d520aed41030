"""Maxima over ranks and rare stalls, against exact values and an independent implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from explorer.engine.stragglers import (
    critical_ranks,
    expected_max_normal,
    hit_probability_per_step,
    max_of_n_quantile,
    mean_of_max_lognormal,
    normal_quantile,
    sd_of_max_lognormal,
)


def test_that_the_normal_quantile_agrees_with_scipy_into_both_tails() -> None:
    p = np.concatenate([np.logspace(-300, -1, 400), np.linspace(0.001, 0.999, 999), 1.0 - np.logspace(-15, -1, 100)])
    np.testing.assert_allclose(normal_quantile(p), stats.norm.ppf(p), rtol=1e-12, atol=1e-12)


def test_that_the_normal_quantile_names_its_ends_and_refuses_what_is_no_probability() -> None:
    np.testing.assert_array_equal(
        normal_quantile([0.0, 0.5, 1.0, -0.1, 1.1]), [-math.inf, 0.0, math.inf, math.nan, math.nan]
    )


def test_that_the_expected_largest_normal_has_its_tabulated_values() -> None:
    # Order statistics of the normal law; N = 2 is 1/sqrt(pi) exactly.
    expected = [
        0.0,
        1.0 / math.sqrt(math.pi),
        1.0293753730039643,
        1.4236003060452778,
        1.765991393054788,
        2.069668827928907,
        2.34373346507944,
        2.38785218568438,
    ]
    np.testing.assert_allclose(expected_max_normal([1, 2, 4, 8, 16, 32, 64, 72]), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("sigma", "n", "mean", "sd", "median", "p99"),
    [
        (0.05, 8, 1.0729350550731507, 0.032958, 1.07038, 1.16166),
        (0.1, 8, 1.1493987690807665, 0.071082, 1.14284, 1.34609),
        (0.1, 64, 1.2591040121855852, 0.057639, 1.25211, 1.42667),
        (0.2, 8, 1.3129745730425673, 0.16485413742879257, 1.2930963480207665, 1.7939186014219262),
    ],
)
def test_that_the_largest_of_n_lognormals_has_the_exact_moments_and_quantiles(
    sigma: float, n: int, mean: float, sd: float, median: float, p99: float
) -> None:
    # Quadrature and closed quantile of the maximum of n independent lognormals of mean 1.
    assert mean_of_max_lognormal(n, sigma) == pytest.approx(mean, rel=3e-8)
    assert sd_of_max_lognormal(n, sigma) == pytest.approx(sd, rel=2e-5)
    quantiles = max_of_n_quantile([0.5, 0.99], n, -(sigma**2) / 2, sigma)
    np.testing.assert_allclose(quantiles, [median, p99], rtol=5e-6)


def test_that_the_mean_of_the_maximum_agrees_with_adaptive_quadrature_for_a_rack() -> None:
    for n, sigma in ((72, 0.15), (512, 0.4), (3, 0.5)):

        def density(z: float, n: int = n, sigma: float = sigma) -> float:
            height = n * stats.norm.pdf(z) * stats.norm.cdf(z) ** (n - 1)
            return float(height * math.exp(sigma * z - sigma**2 / 2))

        reference, _ = integrate.quad(density, -10, 14, epsabs=1e-13, epsrel=1e-12, limit=400)
        assert mean_of_max_lognormal(n, sigma) == pytest.approx(reference, rel=1e-9)


def test_that_a_rare_stall_meets_the_share_of_steps_worked_by_hand() -> None:
    # 1 - 0.99^100 and 1 - (1 - 1e-4)^2000 (Dean and Barroso, "The tail at scale", 2013).
    assert hit_probability_per_step(0.01, 100, 1) == pytest.approx(0.6339676587267709, rel=1e-12)
    assert hit_probability_per_step(1e-4, 2000, 1) == pytest.approx(0.18127743473445046, rel=1e-12)
    # One in a million per rank and barrier, 8 ranks, 160 barriers: a step, and 500 steps.
    assert hit_probability_per_step(1e-6, 8, 160) == pytest.approx(0.0012791817886320667, rel=1e-9)
    assert hit_probability_per_step(1e-6, 8, 160 * 500) == pytest.approx(0.47270774470031673, rel=1e-9)


def test_that_the_p99_gap_is_a_stall_from_seven_ranks_on() -> None:
    # ln .99 / (160 ln(1 - 1e-5)) = 6.2814
    limit = float(critical_ranks(0.99, 160, 1e-5))
    assert limit == pytest.approx(6.281, abs=5e-4)
    assert hit_probability_per_step(1e-5, math.floor(limit), 160) < 0.01
    assert hit_probability_per_step(1e-5, math.ceil(limit), 160) > 0.01
    assert critical_ranks(0.99, 160, 0.0) == math.inf


@settings(max_examples=50)
@given(st.integers(1, 4096), st.integers(0, 4096), st.floats(0.0, 0.5), st.floats(0.0, 0.3))
def test_that_more_ranks_or_more_jitter_never_speed_a_step_up(n: int, further: int, sigma: float, wider: float) -> None:
    mean = mean_of_max_lognormal(n, sigma)
    assert mean >= 1.0 - 1e-12
    assert mean_of_max_lognormal(n + further, sigma) >= mean - 1e-12
    assert mean_of_max_lognormal(n, sigma + wider) >= mean - 1e-12


@settings(max_examples=50)
@given(st.floats(1e-6, 1 - 1e-6), st.integers(1, 1000), st.floats(-3.0, 3.0), st.floats(0.01, 1.0))
def test_that_the_quantile_of_the_maximum_inverts_its_distribution(q: float, n: int, mu: float, sigma: float) -> None:
    x = float(max_of_n_quantile(q, n, mu, sigma))
    log_probability = n * stats.norm.logcdf((math.log(x) - mu) / sigma)
    assert math.exp(log_probability) == pytest.approx(q, rel=1e-6)


@settings(max_examples=50)
@given(st.floats(1e-320, 0.5, exclude_min=True))
def test_that_the_normal_quantile_is_odd_about_the_median(p: float) -> None:
    if 1.0 - (1.0 - p) == p:
        assert normal_quantile(p) == pytest.approx(-float(normal_quantile(1.0 - p)), abs=1e-12)

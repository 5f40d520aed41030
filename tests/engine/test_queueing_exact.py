"""Queueing formulas against textbook values, tables and each other where one contains the next."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.engine.queueing_exact import (
    distserve_mean_ttft,
    erlang_c,
    gps_mean_batch,
    gps_mean_tpot,
    md1_wait_cdf,
    mg1_mean_wait,
    mm1_sojourn_quantile,
    mm1_wait_quantile,
    mmc_mean_wait,
    mmc_wait_quantile,
)

loads = st.floats(0.01, 0.98)


def test_that_mm1_at_eighty_percent_has_its_textbook_p99() -> None:
    # Mean service 1 s: -ln(.01)/.2 and ln(.8/.01)/.2.
    assert mm1_sojourn_quantile(0.99, 0.8, 1.0) == pytest.approx(23.025850929940457, rel=1e-12)
    assert mm1_wait_quantile(0.99, 0.8, 1.0) == pytest.approx(21.910133173369406, rel=1e-12)


@pytest.mark.parametrize(
    ("load", "p50", "p95", "p99"),
    [(0.5, 1.3863, 5.9915, 9.2103), (0.8, 3.4657, 14.979, 23.026), (0.9, 6.931, 29.96, 46.05)],
)
def test_that_mm1_sojourn_quantiles_match_the_exponential_law(load: float, p50: float, p95: float, p99: float) -> None:
    np.testing.assert_allclose(mm1_sojourn_quantile([0.5, 0.95, 0.99], load, 1.0), [p50, p95, p99], rtol=2e-4)


def test_that_those_who_find_the_server_idle_do_not_wait() -> None:
    np.testing.assert_allclose(mm1_wait_quantile([0.0, 0.19, 0.2], 0.8, 1.0), 0.0, atol=1e-12)
    assert mm1_wait_quantile(0.21, 0.8, 1.0) > 0.0


def test_that_pollaczek_and_khinchine_give_the_worked_means() -> None:
    # Load .8 and mean service 1: deterministic 2, exponential 4, squared variation two 6.
    np.testing.assert_allclose(mg1_mean_wait(0.8, 1.0, [0.0, 1.0, 2.0]), [2.0, 4.0, 6.0], rtol=1e-12)


def test_that_prefill_at_eight_a_second_has_distserves_worked_ttft() -> None:
    # DistServe (OSDI 2024): D + R D^2/(2(1 - R D)) = .300 s at R = 8/s, D = .1 s; two stages halve the
    # occupancy: D + R D^2/(4(2 - R D)).
    assert distserve_mean_ttft(8.0, 0.1) == pytest.approx(0.3, rel=1e-12)
    assert distserve_mean_ttft(8.0, 0.1, 2) == pytest.approx(0.1 + 0.08 / (4.0 * 1.2), rel=1e-12)


def test_that_eight_servers_at_eighty_percent_have_their_erlang_c_values() -> None:
    assert erlang_c(8, 6.4) == pytest.approx(0.4576449254420166, rel=1e-12)
    assert mmc_mean_wait(6.4, 1.0, 8) == pytest.approx(0.2860280784012604, rel=1e-12)
    assert mmc_wait_quantile(0.99, 6.4, 1.0, 8) == pytest.approx(2.3896928240504725, rel=1e-12)


def test_that_thirty_two_servers_at_ninety_percent_have_their_values() -> None:
    assert mmc_mean_wait(28.8, 1.0, 32) == pytest.approx(0.1432, abs=5e-5)
    np.testing.assert_allclose(mmc_wait_quantile([0.5, 0.95, 0.99], 28.8, 1.0, 32), [0.0, 0.692, 1.195], atol=5e-4)


@settings(max_examples=40)
@given(st.integers(1, 60), loads)
def test_that_erlang_c_agrees_with_its_sum_in_exact_fractions(servers: int, load: float) -> None:
    offered = Fraction(load) * servers
    term, total = Fraction(1), Fraction(0)
    for k in range(servers):
        total += term
        term = term * offered / (k + 1)
    last = term / (1 - Fraction(load))
    assert erlang_c(servers, float(offered)) == pytest.approx(float(last / (total + last)), rel=1e-9)


def test_that_erlang_c_takes_servers_and_loads_together() -> None:
    table = erlang_c([[1], [8]], [0.5, 6.4])
    np.testing.assert_allclose(table[:, 0], [0.5, float(erlang_c(8, 0.5))], rtol=1e-12)
    np.testing.assert_allclose(table[:, 1], [1.0, 0.4576449254420166], rtol=1e-12)


@pytest.mark.parametrize("servers", [0, 2.5, math.nan])
def test_that_servers_come_whole(servers: float) -> None:
    with pytest.raises(ValueError, match="whole"):
        erlang_c(servers, 0.5)


def test_that_nothing_waits_finitely_at_saturation() -> None:
    for rate in (1.0, 1.5):
        assert mm1_sojourn_quantile(0.99, rate, 1.0) == math.inf
        assert mm1_wait_quantile(0.1, rate, 1.0) == math.inf
        assert mg1_mean_wait(rate, 1.0, 0.0) == math.inf
        assert mmc_mean_wait(2 * rate, 1.0, 2) == math.inf
        assert mmc_wait_quantile(0.5, 2 * rate, 1.0, 2) == math.inf
        assert distserve_mean_ttft(rate, 1.0) == math.inf
        assert gps_mean_batch(rate, 100.0, 0.01, 0.01) == math.inf
        assert gps_mean_tpot(rate, 100.0, 0.01, 0.01) == math.inf


def test_that_continuous_batching_without_a_cap_has_its_worked_means() -> None:
    # a = 10 ms, b = .2 ms, 200 tokens, 12 requests/s (Cohen 1979); simulated mean batches were 46.93 +- .07
    # for constant, 46.95 for geometric and 46.94 for lognormal lengths.
    batch = gps_mean_batch(12.0, 200.0, 0.010, 0.0002)
    tpot = gps_mean_tpot(12.0, 200.0, 0.010, 0.0002)
    assert batch == pytest.approx(47.0769230769231, rel=1e-12)
    assert tpot == pytest.approx(0.019615384615384625, rel=1e-12)
    assert 200.0 * tpot == pytest.approx(3.923076923076925, rel=1e-12)


@settings(max_examples=50)
@given(st.floats(0.0, 1e3), st.floats(1.0, 1e4), st.floats(1e-4, 1.0), st.floats(1e-7, 1e-2))
def test_that_the_batch_obeys_littles_law(rate: float, tokens: float, a: float, b: float) -> None:
    batch = float(gps_mean_batch(rate, tokens, a, b))
    tpot = float(gps_mean_tpot(rate, tokens, a, b))
    if math.isinf(tpot):
        assert rate * tokens * b >= 1.0
        assert math.isinf(batch)
    else:
        assert batch == pytest.approx(rate * tokens * tpot, rel=1e-9)
        assert tpot >= a + b


@pytest.mark.parametrize(
    ("load", "quantiles"),
    [(0.8, (1.2759, 6.6203, 10.3559)), (0.9, (3.013, 14.129, 21.898))],
)
def test_that_md1_has_its_tabulated_quantiles(load: float, quantiles: tuple[float, ...]) -> None:
    # Exact M/D/1 waiting-time quantiles P50, P95, P99 for a service time of 1.
    np.testing.assert_allclose(md1_wait_cdf(quantiles, load, 1.0), [0.5, 0.95, 0.99], atol=1e-4)


@settings(max_examples=40)
@given(st.floats(0.05, 0.95), st.floats(0.0, 12.0))
def test_that_md1_agrees_with_the_alternating_sum_in_exact_fractions(load: float, wait: float) -> None:
    # Erlang's formula, (1-rho) sum_k (-y_k)^k e^{y_k}/k!, y_k = rho (x - k): exact powers, exponentials as
    # fractions of a Taylor series so that nothing cancels.
    rho, x = Fraction(load), Fraction(wait)
    total = Fraction(0)
    for k in range(math.floor(wait) + 1):
        y = rho * (x - k)
        exponential, term, n = Fraction(0), Fraction(1), 0
        while term > Fraction(1, 10**30):
            exponential += term
            n += 1
            term = Fraction((term * y / n).limit_denominator(10**40))
        total += (-y) ** k * exponential / math.factorial(k)
    assert md1_wait_cdf(wait, load, 1.0) == pytest.approx(float((1 - rho) * total), abs=1e-10)


def test_that_the_md1_tail_stays_a_probability_far_out() -> None:
    waits = np.linspace(0.0, 300.0, 601)
    cdf = md1_wait_cdf(waits, 0.95, 1.0)
    assert np.all(np.diff(cdf) >= -1e-13)
    # The older alternating sum has lost all digits here; the tail itself is about 1e-13.
    assert cdf[-1] == pytest.approx(1.0, abs=1e-10)


def test_that_the_md1_distribution_has_the_pollaczek_khinchine_mean() -> None:
    waits = np.linspace(0.0, 60.0, 6001)
    tail = 1.0 - md1_wait_cdf(waits, 0.8, 1.0)
    assert np.trapezoid(tail, waits) == pytest.approx(2.0, rel=1e-4)


def test_that_nobody_waits_less_than_nothing_and_idle_ones_not_at_all() -> None:
    np.testing.assert_allclose(md1_wait_cdf([[-1.0, 0.0]], 8.0, 0.1), [[0.0, 0.2]], atol=1e-12)
    with pytest.raises(ValueError, match="not below 1"):
        md1_wait_cdf(1.0, 10.0, 0.1)


@settings(max_examples=40)
@given(st.floats(0.01, 0.999), loads, st.integers(1, 40))
def test_that_one_server_is_mm1_and_pooling_never_lengthens_the_wait(q: float, load: float, servers: int) -> None:
    one = float(mm1_wait_quantile(q, load, 1.0))
    assert mmc_wait_quantile(q, load, 1.0, 1) == pytest.approx(one, rel=1e-9, abs=1e-12)
    assert mmc_wait_quantile(q, load * servers, 1.0, servers) <= one + 1e-9

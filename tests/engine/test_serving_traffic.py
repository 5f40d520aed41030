"""Traffic from fixed draws: right in distribution, and never jumping when a slider moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma

from explorer.engine.serving_traffic import (
    arrivals,
    draw,
    lognormal_lengths,
    on_off_arrivals,
    recorded,
    thinned_cv,
    unit_gaps,
)

LUCK = draw(1, 20_000)


@pytest.mark.parametrize("cv", [0.05, 0.3, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0])
def test_that_gaps_are_gamma_quantiles_of_their_draws(cv: float) -> None:
    some = LUCK.gaps[:2000]
    shape = 1.0 / cv**2
    exact = np.where(some < 0.5, gamma.ppf(-np.expm1(-some), shape), gamma.isf(np.exp(-some), shape)) / shape
    normal = exact > 1e-200
    np.testing.assert_allclose(unit_gaps(some, cv)[normal], exact[normal], rtol=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.0, 10.0))
def test_that_at_every_burstiness_a_larger_draw_is_no_shorter_gap(cv: float) -> None:
    gaps = unit_gaps(np.sort(LUCK.gaps[:500]), cv)
    assert np.all(np.isfinite(gaps))
    assert np.all(np.diff(gaps) >= 0.0)


def test_that_a_small_move_of_burstiness_moves_every_gap_a_little() -> None:
    before, after = unit_gaps(LUCK.gaps, 1.5), unit_gaps(LUCK.gaps, 1.501)
    assert np.max(np.abs(after - before)) < 0.02


def test_that_rate_scales_time_and_nothing_else() -> None:
    np.testing.assert_allclose(arrivals(LUCK, 20.0, 2.0) * 2.0, arrivals(LUCK, 10.0, 2.0), rtol=1e-14)


def test_that_fewer_requests_are_the_first_of_more() -> None:
    few = draw(1, 100)
    np.testing.assert_array_equal(few.gaps, LUCK.gaps[:100])
    np.testing.assert_array_equal(few.outputs, LUCK.outputs[:100])


def test_that_a_negative_variation_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        unit_gaps(LUCK.gaps, -0.5)


def test_that_bursts_keep_the_mean_rate_and_gather_the_requests() -> None:
    """Interrupted Poisson process: rate 10/s overall, 50/s in bursts of 3 s, a fifth of the time."""
    times = on_off_arrivals(draw(2, 200_000), 10.0, 0.2, 3.0)
    assert 200_000 / times[-1] == pytest.approx(10.0, rel=0.05)
    # silences longer than a second: one a burst (mean 12 s), which few of the gaps inside bursts reach
    gaps = np.diff(times)
    silences = gaps[gaps > 1.0]
    assert silences.size == pytest.approx(times[-1] / 15.0 * np.exp(-1.0 / 12.0), rel=0.05)
    assert np.median(gaps) == pytest.approx(np.log(2.0) / 50.0, rel=0.03)


def test_that_bursts_all_of_the_time_are_poisson() -> None:
    np.testing.assert_allclose(on_off_arrivals(LUCK, 7.0, 1.0, 2.0), arrivals(LUCK, 7.0), rtol=1e-12)


def test_that_thinning_draws_the_variation_towards_one() -> None:
    assert thinned_cv(3.0, 1) == 3.0
    assert thinned_cv(3.0, 8) == pytest.approx(np.sqrt(2.0))
    assert thinned_cv(0.0, 4) == pytest.approx(np.sqrt(0.75))


def test_that_lengths_have_the_stated_moments() -> None:
    lengths = lognormal_lengths(draw(3, 200_000).prompts, 1155.0, 0.96)
    assert np.mean(lengths) == pytest.approx(1155.0, rel=0.01)
    assert np.std(lengths) / np.mean(lengths) == pytest.approx(0.96, rel=0.03)
    assert np.all(lognormal_lengths(LUCK.prompts, 700.4, 0.0) == 700)
    assert np.max(lognormal_lengths(LUCK.prompts, 1000.0, 2.0, longest=4096)) == 4096


def test_that_a_recording_is_stretched_to_the_rate_and_goes_round() -> None:
    run = recorded([5.0, 6.0, 9.0], [10, 20, 30], [1, 2, 3], rate=1.0, count=7)
    # mean gap 2 s recorded, 1 s wanted; the second round begins a mean gap after the first ends
    np.testing.assert_allclose(run.arrival, [0.0, 0.5, 2.0, 3.0, 3.5, 5.0, 6.0])
    assert run.prompt.tolist() == [10, 20, 30, 10, 20, 30, 10]
    assert run.output.tolist() == [1, 2, 3, 1, 2, 3, 1]
    np.testing.assert_allclose(recorded([5.0, 6.0, 9.0], [1, 1, 1], [1, 1, 1]).arrival, [0.0, 1.0, 4.0])

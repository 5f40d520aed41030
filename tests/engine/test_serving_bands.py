"""Confidence bands of simulated quantiles: they hold the long-run value as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.engine.queueing_exact import mm1_sojourn_quantile
from explorer.engine.serving import (
    GAP_EDGES,
    Requests,
    StepTable,
    gap_edges,
    quantiles_with_band,
    saturation_rate,
    simulate,
)
from explorer.engine.serving_bands import histogram_band, histogram_quantiles, share_with_band, student_quantile
from tests.engine.serving_examples import chat, chat_server

LEVELS = np.array([0.5, 0.95, 0.99])


@pytest.mark.parametrize(
    ("degrees", "quantile"), [(4, 2.7764), (9, 2.2622), (19, 2.0930), (29, 2.0452), (1000, 1.9623)]
)
def test_that_students_quantile_agrees_with_the_printed_tables(degrees: int, quantile: float) -> None:
    assert student_quantile(0.975, degrees) == pytest.approx(quantile, rel=1e-3)


def test_that_the_band_of_the_textbook_formula_comes_out_on_the_scale_of_logarithms() -> None:
    series = np.random.default_rng(1).lognormal(size=1000)
    band = quantiles_with_band(series, 0.5)
    middle = np.log(np.median(series))
    parts = np.log([np.median(part) for part in series.reshape(10, 100)])
    width = 2.2622 * np.sqrt(np.sum((parts - middle) ** 2) / 90)
    assert band.value == pytest.approx(np.median(series))
    assert np.log(band.low) == pytest.approx(middle - width, rel=1e-3)
    assert np.log(band.high) == pytest.approx(middle + width + 3.0 * width**2, rel=1e-3)


def test_that_waits_of_zero_still_have_a_band() -> None:
    series = np.maximum(np.random.default_rng(2).normal(size=2000), 0.0)
    band = quantiles_with_band(series, np.array([0.3, 0.9]))
    assert band.value[0] == band.low[0] == band.high[0] == 0.0
    assert 0.0 < band.low[1] < band.value[1] < band.high[1]


def test_that_too_few_values_or_sections_are_refused() -> None:
    with pytest.raises(ValueError, match="too few for 10 sections"):
        quantiles_with_band(np.ones(30), 0.5)
    with pytest.raises(ValueError, match="five sections"):
        quantiles_with_band(np.ones(300), 0.5, sections=3)


def test_that_independent_values_are_covered_as_stated() -> None:
    luck = np.random.default_rng(3)
    held = np.zeros(3)
    for _ in range(400):
        band = quantiles_with_band(luck.exponential(size=4000), LEVELS)
        held += (band.low <= -np.log1p(-LEVELS)) & (-np.log1p(-LEVELS) <= band.high)
    assert np.all((held / 400 > 0.91) & (held / 400 < 0.985))


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_that_the_sojourns_of_mm1_are_covered_as_stated(load: float) -> None:
    """Lindley's recursion with exact long-run quantiles: strongly correlated values, the hard case."""
    luck = np.random.default_rng(4)
    runs, count = 200, 20_000
    exact = mm1_sojourn_quantile(LEVELS, load, 1.0)
    gaps, services = luck.exponential(1.0 / load, (runs, count)), luck.exponential(1.0, (runs, count))
    sojourn = np.empty((runs, count))
    wait = np.zeros(runs)
    for k in range(count):
        sojourn[:, k] = wait + services[:, k]
        wait = np.maximum(sojourn[:, k] - (gaps[:, k + 1] if k + 1 < count else 0.0), 0.0)
    bands = [quantiles_with_band(row[count // 10 :], LEVELS) for row in sojourn]
    held = np.mean([(band.low <= exact) & (exact <= band.high) for band in bands], axis=0)
    assert np.all((held >= 0.88) & (held <= 0.98)), held


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_that_bands_of_the_simulation_hold_the_long_run_value(load: float) -> None:
    """100 short runs against one long run; 1,000 in tests/benchmarks."""
    server = chat_server()
    saturation = saturation_rate(chat(0, 50_000, 1.0), server)
    rate = load * saturation
    long_run = simulate(chat(0, 1_500_000, rate), server, saturation=saturation)
    held = {metric: np.zeros(2) for metric in ("ttft", "itl", "e2e")}
    truth = {metric: long_run.quantiles(metric, LEVELS[::2]).value for metric in held}
    for seed in range(1, 101):
        run = simulate(chat(seed, 10_000, rate), server, saturation=saturation, seed=seed)
        for metric, count in held.items():
            band = run.quantiles(metric, LEVELS[::2])
            count += (band.low <= truth[metric]) & (truth[metric] <= band.high)
    assert all(np.all((count >= 86) & (count <= 100)) for count in held.values()), held


def test_that_the_histogram_has_bins_below_a_fifth_of_a_percent_from_1_us_to_4_hours() -> None:
    assert GAP_EDGES[0] == 2.0**-20 < 1e-6
    assert GAP_EDGES[-1] == 2.0**14 > 4.5 * 3600
    assert np.max(np.diff(GAP_EDGES) / GAP_EDGES[:-1]) < 0.002


def test_that_gaps_fall_into_the_bin_that_holds_them() -> None:
    """A lone request of steady steps of 7.3 ms: all its gaps in the one bin around 7.3 ms."""
    table = StepTable(
        np.array([0.0, 8.0]), np.full(2, 0.0073), 1.0, np.zeros(2), np.array([1.0, 9.0]), np.zeros((2, 2))
    )
    requests = Requests(np.zeros(1), np.ones(1), np.full(1, 100))
    server = chat_server(table=table, max_batch=8)
    run = simulate(requests, server, offered_rate=1.0, saturation=9.0, whole_run=True)
    counts, edges = run.gap_sections.sum(axis=0), gap_edges(run.gap_bins)
    (place,) = np.flatnonzero(counts)
    assert counts[place] == 99
    assert edges[place] <= 0.0073 < edges[place + 1]


def test_that_a_run_without_a_single_gap_has_an_empty_histogram() -> None:
    requests = Requests(np.arange(50.0), np.full(50, 10), np.ones(50, dtype=np.int64))
    run = simulate(requests, chat_server(), offered_rate=1.0, saturation=9.0)
    assert run.gap_sections.sum() == run.gaps == 0
    band = run.quantiles("itl", [0.5, 0.99])
    assert np.all(np.isnan(band.value) & np.isinf(band.high))


def test_that_quantiles_of_a_histogram_are_those_of_its_values_to_a_bin() -> None:
    values = np.random.default_rng(5).lognormal(-4.0, 1.0, 100_000)
    counts = np.histogram(values, GAP_EDGES)[0].astype(float)
    found = histogram_quantiles(counts, GAP_EDGES, np.array([0.01, 0.5, 0.99, 0.999]))
    np.testing.assert_allclose(found, np.quantile(values, [0.01, 0.5, 0.99, 0.999]), rtol=0.002)
    assert np.isnan(histogram_quantiles(np.zeros(GAP_EDGES.size - 1), GAP_EDGES, 0.5))


def test_that_a_histogram_of_too_few_filled_sections_is_drawn_as_wholly_unsure() -> None:
    sections = np.zeros((10, 3000))
    sections[:3, 2000] = 7.0
    band = histogram_band(sections, GAP_EDGES[:3001], 0.5)
    assert np.isfinite(band.value)
    assert np.isinf(band.high)


def sections_of(parts: list[np.ndarray]) -> np.ndarray:
    return np.array([np.histogram(part, GAP_EDGES)[0] for part in parts], dtype=np.float64)


def test_that_gaps_between_two_plateaus_are_as_unsure_as_the_share_of_each() -> None:
    """5 ms or 70 ms, 1 % of the long ones in the mean, fewer or more in the stretches: P99 may be either."""
    short, long = np.full(1000, 0.005), np.full(1000, 0.070)
    parts = [np.concatenate([short[: 1000 - k], long[:k]]) for k in (1, 25, 5, 1, 20, 10, 1, 20, 12, 5)]
    band = histogram_band(sections_of(parts), GAP_EDGES, np.array([0.5, 0.99]))
    assert band.high[0] < 0.00502
    assert band.low[1] < 0.00502
    assert 0.0698 < band.high[1] < 0.0702


def test_that_gaps_on_a_plateau_are_known_to_a_bin_however_the_stretches_differ() -> None:
    """30 % to 60 % of the gaps are of 70 ms: P95 lies among them for certain."""
    short, long = np.full(1000, 0.005), np.full(1000, 0.070)
    parts = [np.concatenate([short[: 1000 - k], long[:k]]) for k in range(300, 600, 30)]
    band = histogram_band(sections_of(parts), GAP_EDGES, 0.95)
    assert 0.0698 < band.low < band.value < band.high < 0.0702


def test_that_independent_gaps_are_covered_as_stated() -> None:
    luck = np.random.default_rng(6)
    truth = 0.02 * np.exp(0.3 * np.array([0.0, 1.644853627, 2.326347874]))
    held = np.zeros(3)
    for _ in range(300):
        band = histogram_band(sections_of(list(0.02 * np.exp(0.3 * luck.normal(size=(10, 400))))), GAP_EDGES, LEVELS)
        held += (band.low <= truth) & (truth <= band.high)
    assert np.all((held / 300 > 0.91) & (held / 300 < 0.99)), held


def test_that_the_band_of_a_share_holds_it_and_grows_with_what_goes_together() -> None:
    """Independent draws: 95 % of bands hold 0.9. In runs of fifty the same share is known fifty times less well."""
    luck = np.random.default_rng(5)
    held, apart, together = 0, [], []
    for _ in range(300):
        band = share_with_band(luck.random(2000) < 0.9)
        held += bool(band.low <= 0.9 <= band.high)
        apart.append(float(band.high - band.low))
        clumped = share_with_band(np.repeat(luck.random(40) < 0.9, 50))
        together.append(float(clumped.high - clumped.low))
    assert 0.91 <= held / 300 <= 0.98
    assert np.median(together) > 4.0 * np.median(apart)


def test_that_a_share_of_all_or_none_is_known_to_three_in_n() -> None:
    """The rule of three: Hanley and Lippman-Hand 1983."""
    every, none = share_with_band(np.ones(1000, dtype=bool)), share_with_band(np.zeros(1000, dtype=bool))
    assert (float(every.value), float(every.low), float(every.high)) == pytest.approx((1.0, 0.997, 1.0))
    assert (float(none.value), float(none.low), float(none.high)) == pytest.approx((0.0, 0.0, 0.003))
    with pytest.raises(ValueError, match="too few"):
        share_with_band(np.ones(30, dtype=bool))
    with pytest.raises(ValueError, match="five sections"):
        share_with_band(np.ones(300, dtype=bool), sections=3)

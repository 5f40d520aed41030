"""What is estimated from measurements, on rows whose answer is known."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import load_catalog
from explorer.catalog.location import resource_root
from explorer.study.evidence.constants import ServingConstants, serving_constants
from explorer.study.evidence.estimate import again, estimate, left_out
from explorer.study.evidence.loads import LADDER, Load, RateTable, closed_loop, offered_rates, prompt_alone
from explorer.study.evidence.null import chip_median_error, share_of_limit_error
from explorer.study.evidence.offered import latencies_at
from explorer.study.evidence.predict import LoopParts, Prediction
from explorer.study.evidence.rows import Row
from explorer.study.evidence.scores import score
from explorer.study.evidence.spread import covered_unseen, estimated_widths, weighted_quantile
from explorer.study.evidence.systems import System, Systems, systems_of
from explorer.study.resolve import step_constants
from explorer.study.validate import Validation

pytestmark = pytest.mark.evidence


def made_up(parts: Sequence[LoopParts], truth: ServingConstants) -> list[LoopParts]:
    """The same rows, measured by a world in which `truth` holds."""
    return [replace(part, row=replace(part.row, measured=again(part, truth))) for part in parts]


def test_that_constants_are_found_again_in_rows_made_with_them(shipped: Validation) -> None:
    start = serving_constants()
    truth = replace(
        start,
        host_step=0.9e-3,
        first_token_vllm=0.11,
        first_token_trtllm=0.06,
        first_token_sglang=0.2,
        burst=0.3,
    )
    found = estimate(made_up(shipped.parts, truth), start)
    assert found.host_step == pytest.approx(truth.host_step, rel=0.06)
    assert found.host_request == start.host_request
    assert found.burst == pytest.approx(truth.burst, abs=0.02)
    for name in ("first_token_vllm", "first_token_trtllm", "first_token_sglang"):
        assert getattr(found, name) == pytest.approx(getattr(truth, name), rel=0.06)


def test_that_a_chip_left_out_does_not_change_its_own_prediction(shipped: Validation) -> None:
    """Every measurement of H200 made ten times as slow: what is said of H200 from the others stays."""
    start = serving_constants()

    def group(part: LoopParts) -> str:
        return part.row.chip_label

    def slow(part: LoopParts) -> LoopParts:
        measured = {metric: 10 * value for metric, value in part.row.measured.items()}
        return replace(part, row=replace(part.row, measured=measured)) if "H200" in part.row.chip_label else part

    def said(parts: Sequence[LoopParts]) -> list[float]:
        return [value.predicted for value in left_out(parts, start, group) if "H200" in value.row.chip_label]

    assert said(shipped.parts) == said([slow(part) for part in shipped.parts])


def test_that_the_shipped_host_times_are_near_what_the_rows_say(shipped: Validation) -> None:
    start = serving_constants()
    found = estimate(shipped.parts, start)
    assert found.host_step == pytest.approx(start.host_step, abs=0.25e-3)
    assert found.burst == pytest.approx(start.burst, abs=0.05)
    for name in ("first_token_vllm", "first_token_trtllm", "first_token_sglang"):
        assert getattr(found, name) == pytest.approx(getattr(start, name), rel=0.2)


def test_that_a_freely_fitted_host_time_of_a_request_serves_unseen_rows_no_better_than_the_common_one(
    shipped: Validation,
) -> None:
    """One value in window and validation: the shipped 3 ms against the 5.5 ms that all rows together ask for."""
    start = serving_constants()
    assert start.host_request == step_constants().host_request_s

    def error(request: float) -> float:
        values = left_out(shipped.parts, replace(start, host_request=request), lambda part: part.row.chip_label)
        return float(np.median([abs(np.expm1(value.residual)) for value in values if value.metric == "tpot_mean"]))

    assert error(start.host_request) < error(5.5e-3) + 0.001


@given(st.lists(st.floats(0.0, 5.0), min_size=1, max_size=50), st.floats(0.05, 0.95))
@settings(max_examples=60, deadline=None)
def test_that_a_quantile_of_equal_weights_leaves_its_share_below(values: list[float], q: float) -> None:
    found = weighted_quantile(values, [1.0] * len(values), q)
    assert sum(value <= found for value in values) >= q * len(values) - 1e-9
    assert sum(value < found for value in values) <= q * len(values) + 1e-9


def prediction(row: Row, ratio: float, chip: str) -> Prediction:
    return Prediction(replace(row, chip_label=chip, source=f"{chip}{ratio}"), "tpot_mean", 1.0, ratio)


def test_that_a_band_is_estimated_without_the_chip_that_it_is_judged_on(shipped: Validation) -> None:
    row = next(value.row for value in shipped.predictions if value.row.run == "closed" and not value.row.is_moe)
    tight = [prediction(row, float(np.exp(one)), chip) for chip in "AB" for one in np.linspace(-0.1, 0.1, 21)]
    wild = [prediction(row, float(np.exp(one)), "C") for one in np.linspace(0.5, 1.0, 21)]
    inside: dict[str, list[bool]] = {"A": [], "B": [], "C": []}
    for value, held in covered_unseen(tight + wild, lambda row: row.chip_label):
        inside[value.row.chip_label].append(held)
    assert [len(held) for held in inside.values()] == [21, 21, 21]
    assert not any(inside["C"])
    assert all(inside["A"]) and all(inside["B"])
    width = estimated_widths(tight)["tpot_dense"]["measured"]
    assert 0.09 < width < 0.13


def test_that_null_predictors_know_only_the_limit_and_the_chip(shipped: Validation) -> None:
    row = next(value.row for value in shipped.predictions if value.row.table == "mlperf" and value.row.tpot_limit)
    assert row.tpot_limit is not None
    half = [Prediction(row, "tpot_p99", row.tpot_limit / 2, 1.0) for _ in range(5)]
    assert share_of_limit_error(half) == pytest.approx(0.0)
    assert chip_median_error(half) == pytest.approx(0.0)
    assert not score("all at half the limit", half).beats_null
    assert share_of_limit_error([replace(half[0], row=replace(row, tpot_limit=None))]) is None


@pytest.fixture(scope="module")
def h200() -> Systems:
    catalog = load_catalog()
    return systems_of(catalog.model("llama-3.1-70b"), [System(catalog.chip("nv-h200"), "fp8", "fp8", 1)])


def one(value: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.asarray([[value]])


@given(prompt=st.floats(64, 16384), output=st.floats(2, 4096), users=st.integers(1, 2000), burst=st.floats(0.0, 1.0))
@settings(max_examples=40, deadline=None)
def test_that_a_closed_loop_loses_no_request(
    h200: Systems, prompt: float, output: float, users: int, burst: float
) -> None:
    """Little's law, and no prediction below the device's own time."""
    load = Load(one(prompt), one(output), one(float(users)), one(0.7e-3))
    found = closed_loop(h200, load, serving_constants(), fixed=one(0.05), burst=one(burst))
    lifetime = found.ttft + load.steps * found.tpot
    assert float((found.rate * lifetime)[0, 0]) == pytest.approx(users)
    assert found.tpot[0, 0] >= found.device[0, 0]
    assert found.ttft[0, 0] >= found.alone[0, 0] + found.wait[0, 0]


def test_that_a_higher_rate_is_never_faster(h200: Systems) -> None:
    load = Load(one(300.0), one(300.0), one(1.0), one(0.7e-3))
    table = offered_rates(h200, load, serving_constants(), output_scv=one(0.6), wait_steps=one(1.5))
    assert table.rate.shape == (1, len(LADDER))
    stable = np.flatnonzero(np.diff(table.rate[0]) > 0)
    for values in (table.tpot_p50, table.ttft_p50):
        assert np.all(np.diff(values[0])[stable] >= -1e-9)
    assert np.all(table.tpot_p99 >= table.tpot_p50)
    assert np.all(table.ttft_p99 >= table.ttft_p50)


def offered(systems: Systems, prompt: float, output: float) -> RateTable:
    load = Load(one(prompt), one(output), one(1.0), one(0.7e-3))
    return offered_rates(systems, load, serving_constants(), output_scv=one(0.4), wait_steps=one(1.5))


@given(u=st.floats(1.0, 3.0), sigma=st.floats(0.0, 1e-4))
@settings(max_examples=20, deadline=None)
def test_that_beyond_capacity_a_rate_that_was_carried_obeys_littles_law(h200: Systems, u: float, sigma: float) -> None:
    """The latency, at the rate offered, of the batch that one arrival in a hundred finds full.

    n = rate * output * time per token, and n + 2.33 sqrt(n/(1 - e)) = cap for a birth-and-death chain of elasticity e.
    """
    table = offered(h200, 300.0, 300.0)
    rate = u * float(table.rate.max())
    batch = latencies_at(table, rate, sigma)["tpot_p50"] * rate * 300.0
    batches = table.rate[0] * table.tpot_p50[0] * 300.0
    assert batch == pytest.approx(float(np.interp(1.0, table.crowding[0], batches)), rel=0.01)
    cap = float(batches[-1])
    elasticity = np.interp(batch, batches, np.gradient(np.log(table.tpot_p50[0]), np.log(batches)))
    assert batch + 2.33 * np.sqrt(batch / (1.0 - elasticity)) == pytest.approx(cap, rel=0.03)
    assert 0.5 * cap < batch < cap


@given(u=st.floats(0.05, 0.5))
@settings(max_examples=20, deadline=None)
def test_that_far_from_saturation_the_latency_is_the_tables_own(h200: Systems, u: float) -> None:
    table = offered(h200, 300.0, 300.0)
    rate = u * float(table.rate.max())
    own = float(table.at(np.asarray(rate)).tpot_p99)
    assert latencies_at(table, rate, 1e-6)["tpot_p99"] == pytest.approx(own, rel=1e-3)


def test_that_stages_work_on_the_chunks_of_a_long_prompt_one_behind_the_other() -> None:
    """Longer than an equal share of the work on each stage, shorter than the stages in turn."""
    catalog = load_catalog()
    model, chip = catalog.model("llama-3.1-405b"), catalog.chip("nv-h200")
    load = Load(one(16384.0), one(600.0), one(1.0), one(0.0))

    def alone(tp: int, pp: int) -> float:
        systems = systems_of(model, [System(chip, "fp8", "fp8", tp, pp)])
        return float(prompt_alone(systems, load, serving_constants())[0, 0])

    assert alone(4, 1) / 2 < alone(4, 2) < alone(4, 1)
    assert alone(2, 4) < 2 * alone(4, 2)


def test_that_every_benchmark_that_is_predicted_says_where_its_prompt_length_comes_from() -> None:
    table = tomllib.loads((resource_root() / "evidence" / "mlperf_workloads.toml").read_text(encoding="utf-8"))
    predicted = [entry for entry in table["workloads"] if "skip" not in entry]
    assert len(predicted) == 5
    assert all(len(entry["prompt_source"]) > 40 for entry in predicted)

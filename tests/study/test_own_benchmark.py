"""One's own benchmark: the update against Bayes' rule by hand, what it shifts and narrows, and what leaves it alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.scenario.benchmark import Benchmark
from explorer.scenario.benchmarks.reading import read_benchmark
from explorer.scenario.file import read_scenario, write_scenario
from explorer.scenario.path import replace, several
from explorer.scenario.schema import Scenario
from explorer.study.benchmarks.calibrated import step_update
from explorer.study.benchmarks.judged import judged_rows
from explorer.study.benchmarks.posterior import Spreads, posterior, spreads_of
from explorer.study.benchmarks.predicted import compared, evidence_row
from explorer.study.benchmarks.proposal import ImportChoiceError, corrected, propose, suggested
from explorer.study.evaluate import Evaluator, evaluate
from explorer.study.export import outcome_data
from explorer.study.figures import central_values
from explorer.study.interactivity import measured_trades
from explorer.study.outcome import OWN_GRADE, AlternativeOutcome

SAMPLES = 256
H200 = {
    "name": "own run", "workload": "70B chat", "alternative": "H200", "chip": "nv-h200", "model": "llama-3.1-70b",
    "weight_precision": "fp8", "kv_precision": "fp8", "framework": "vllm", "tp": 2,
}  # fmt: skip
LOADS = (1.0, 8.0, 16.0, 32.0)


@pytest.fixture(scope="module")
def founding(scenarios_folder: Path, catalog: Catalog) -> Scenario:
    """The founding question in closed form."""
    scenario = read_scenario(scenarios_folder / "ai200-on-aws.toml", catalog).scenario
    return replace(scenario, "simulation.method", "closed_form")


def row(users: float, seconds: float, **more: object) -> dict[str, Any]:
    """A run of so many users at lengths of the founding traffic."""
    cells = {"place": f"{users:g} users", "concurrency": users, "prompt_tokens": 1155.0, "output_tokens": 211.0}
    return {**cells, "tpot_mean_s": seconds, **more}


def predicted(catalog: Catalog, given: dict[str, Any]) -> list[float]:
    """What the engine says of LOADS under a benchmark's configuration."""
    one = Benchmark.model_validate({**given, "rows": [row(users, 0.05) for users in LOADS]})
    values = [judged.predicted for judged in judged_rows(one, catalog, {})]
    assert all(value is not None for value in values)
    return [value for value in values if value is not None]


def measured(catalog: Catalog, factor: float, **changes: Any) -> dict[str, Any]:
    """A benchmark in which every step takes `factor` times as long as the engine says."""
    given = {**H200, **changes}
    times = predicted(catalog, given)
    return {**given, "rows": [row(users, factor * time) for users, time in zip(LOADS, times, strict=True)]}


def selected(scenario: Scenario, catalog: Catalog, name: str) -> AlternativeOutcome:
    """The answer about one alternative of the first workload."""
    found = evaluate(scenario, catalog, SAMPLES).workloads[0].alternatives
    return next(one for one in found if one.name == name)


def width(one: AlternativeOutcome) -> float:
    """The band of the P99 time per token as a factor from end to end."""
    band = one.latency["tpot"].p99
    assert band is not None
    return band.high / band.low


def test_that_the_posterior_is_bayes_rule_integrated_by_hand() -> None:
    spreads, runs = Spreads(grade=0.3, run=0.09, load=0.087), [[0.2, 0.1, 0.25], [0.05]]
    theta = np.linspace(-3.0, 3.0, 240_001)
    weight = np.exp(-0.5 * theta**2 / (0.3**2 - 0.087**2))
    for rows in runs:
        variance = 0.09**2 + 0.087**2 / np.sqrt(len(rows))
        weight *= np.exp(-0.5 * (np.mean(rows) - theta) ** 2 / variance)
    weight /= weight.sum()
    mean = float(weight @ theta)
    sd = float(np.sqrt(weight @ (theta - mean) ** 2))
    found = posterior(runs, spreads)
    assert found.mean == pytest.approx(mean, rel=1e-6) and found.sd == pytest.approx(sd, rel=1e-6)
    assert found.spread == pytest.approx(np.hypot(sd, 0.087), rel=1e-6)


@pytest.mark.parametrize("grade", ["measured", "transferred", "datasheet", "undisclosed"])
@pytest.mark.parametrize("kind", ["dense", "moe"])
def test_that_more_runs_narrow_and_never_below_what_differs_from_load_to_load(grade: str, kind: str) -> None:
    spreads = spreads_of(grade, kind)
    widths = [spreads.grade] + [posterior([[0.1] * 4] * count, spreads).spread for count in (1, 2, 8, 64)]
    assert widths == sorted(widths, reverse=True) and widths[-1] > spreads.load
    means = [posterior([[0.1] * 4] * count, spreads).mean for count in (1, 2, 8, 64)]
    assert means == sorted(means) and means[0] > 0.0 and means[-1] < 0.1


def test_that_a_run_without_finite_residuals_is_an_error() -> None:
    for bad in ([[]], [[float("nan")]]):
        with pytest.raises(ValueError, match="finite"):
            posterior(bad, spreads_of("measured", "dense"))


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_that_rows_that_are_slower_than_predicted_shift_the_step_and_with_it_every_latency(
    founding: Scenario, catalog: Catalog, factor: float
) -> None:
    fixed = several(
        founding,
        {"workloads.0.alternatives.1.replicas": 4, "workloads.0.alternatives.1.parallelism_degree": 2},
    )
    own = replace(fixed, "benchmarks", [measured(catalog, factor)])
    update = step_update(catalog, own, own.workloads[0], "nv-h200")
    assert update is not None and update.rows == 4 and update.runs == 1
    expected = posterior([[np.log(factor)] * 4], spreads_of("measured", "dense"))
    assert update.shift == pytest.approx(expected.mean, rel=1e-9) and update.spread == pytest.approx(expected.spread)
    before, after = selected(fixed, catalog, "H200"), selected(own, catalog, "H200")
    for metric in ("tpot", "ttft", "itl", "e2e"):
        old, new = before.latency[metric].p99, after.latency[metric].p99
        assert old is not None and new is not None
        assert (new.value > old.value) == (factor > 1.0)
    assert (after.saturation_rate < before.saturation_rate) == (factor > 1.0)
    assert after.evidence_grade == OWN_GRADE and before.evidence_grade == "measured"
    assert after.own is not None and after.step_error == after.own.error_after < after.own.error_before


def test_that_what_was_measured_of_one_chip_leaves_the_others_and_the_other_workload_alone(
    founding: Scenario, catalog: Catalog
) -> None:
    own = replace(founding, "benchmarks", [measured(catalog, 1.25)])
    before, after = (evaluate(one, catalog, 32) for one in (founding, own))
    pairs = zip(before.workloads[0].alternatives, after.workloads[0].alternatives, strict=True)
    for at, (old, new) in enumerate(pairs):
        assert (old.latency == new.latency) == (at != 1)
    for old, new in zip(before.workloads[1].alternatives, after.workloads[1].alternatives, strict=True):
        assert old.latency == new.latency


def test_that_a_measured_chip_whose_bandwidth_is_disputed_keeps_only_the_step_that_was_measured(
    founding: Scenario, catalog: Catalog
) -> None:
    chip = {"alternative": "AI200", "chip": "qcom-ai200", "tp": 1}
    own = replace(founding, "benchmarks", [measured(catalog, 1.0, **chip)])
    fixed = {"workloads.0.alternatives.0.replicas": 40, "workloads.0.alternatives.0.parallelism_degree": 1}
    before, after = (selected(several(one, fixed), catalog, "AI200") for one in (founding, own))
    assert width(after) < 0.35 * width(before)
    update = step_update(catalog, own, own.workloads[0], "qcom-ai200")
    assert update is not None and update.shift == pytest.approx(0.0, abs=1e-9)
    # a draw with the sceptic's bandwidth predicts the rows slower, so its deployment is taken to be the better
    draws = {"memory_bandwidth": np.array([1.7e12, 7.39e12])}
    low, high = np.asarray(update.shifts(draws))
    assert low < 0.0 < high


def test_that_a_shift_follows_the_figures_that_a_user_sets_so_that_the_measured_step_stays(
    founding: Scenario, catalog: Catalog
) -> None:
    chip = {"alternative": "AI200", "chip": "qcom-ai200", "tp": 1}
    own = replace(founding, "benchmarks", [measured(catalog, 1.0, **chip)])
    faster = replace(own, "overrides.qcom-ai200.memory_bandwidth", {"value": 7.39, "unit": "TB/s"})
    update = step_update(catalog, faster, faster.workloads[0], "qcom-ai200")
    assert update is not None and update.shift > 0.3


def test_that_the_factor_on_a_step_is_found_again_from_latencies_at_an_offered_rate(catalog: Catalog) -> None:
    chip, model = catalog.chip("nv-h200"), catalog.model("llama-3.1-70b")
    values = central_values(chip, {})
    residuals = []
    for rate, seconds in ((0.5, 0.025), (2.0, 0.035), (3.0, 0.05)):
        cells = {**row(1.0, seconds), "concurrency": None, "request_rate_per_s": rate}
        offered = Benchmark.model_validate({**H200, "rows": [cells]})
        (found,) = compared([evidence_row(offered, offered.rows[0], chip, model)], values)
        assert found is not None
        residuals.append(float(found.residual[0]))
        # the same run with steps s times as long, s*rate lower: T(rate) = s*T0(s*rate)
        stretched = {**row(1.0, 1.3 * seconds), "concurrency": None, "request_rate_per_s": rate / 1.3}
        again = Benchmark.model_validate({**H200, "rows": [stretched]})
        (longer,) = compared([evidence_row(again, again.rows[0], chip, model)], values)
        assert longer is not None
        assert float(longer.residual[0]) == pytest.approx(residuals[-1] + np.log(1.3), abs=1e-6)
    assert np.isfinite(residuals).all()


def test_that_rows_that_cannot_be_are_named_by_the_rules_of_the_public_tables(catalog: Catalog) -> None:
    rows = [row(64.0, 0.001, ttft_mean_s=0.05), row(4.0, 0.6), row(8.0, 0.031), row(8.0, 0.5)]
    found = judged_rows(Benchmark.model_validate({**H200, "rows": rows}), catalog, {})
    assert [one.counts for one in found] == [False, False, True, False]
    assert "FLOP rate" in found[0].reason and "500 ms a token" in found[1].reason
    assert "times slower than predicted" in found[3].reason and not found[3].ruled_out
    heavy = Benchmark.model_validate({**H200, "model": "kimi-k2", "tp": 1, "rows": [row(8.0, 0.03)]})
    assert "weights exceed the memory" in judged_rows(heavy, catalog, {})[0].reason


def test_that_a_model_of_the_other_kind_says_nothing_of_the_step(founding: Scenario, catalog: Catalog) -> None:
    run = {**H200, "model": "gpt-oss-120b", "tp": 1, "rows": [row(8.0, 0.008)]}
    own = replace(founding, "benchmarks", [run])
    assert step_update(catalog, own, own.workloads[0], "nv-h200") is None
    after = selected(own, catalog, "H200")
    assert after.evidence_grade == "measured" and len(after.measured) == 1


def test_that_points_are_scaled_by_chips_to_the_whole_service(founding: Scenario, catalog: Catalog) -> None:
    run = {**H200, "rows": [row(8.0, 0.03, requests_per_s=1.2, ttft_p99_s=0.4, tpot_p99_s=0.036)]}
    fixed = {"workloads.0.alternatives.1.replicas": 5, "workloads.0.alternatives.1.parallelism_degree": 4}
    own = several(founding, {"benchmarks": [run], **fixed})
    after = selected(own, catalog, "H200")
    (point,) = after.measured
    # 1.2 requests/s on 2 chips, 20 chips serve
    assert point.rate == pytest.approx(12.0) and point.latency["tpot"] == {"mean": 0.03, "p99": 0.036}
    assert not point.alike and "2 chips" in point.words, "it ran on another split"
    assert point.tokens_per_s_per_chip == pytest.approx(1.2 * 211.0 / 2.0)
    (trade,) = measured_trades(after, 3.6)
    assert trade.usd_per_million == pytest.approx(3.6 / 3600.0 / (0.6 * (1155.0 + 211.0)) * 1e6)
    assert trade.tokens_per_s_per_user == pytest.approx(1.0 / 0.03) and trade.tpot_p99_s == 0.036
    own = replace(own, "workloads.0.alternatives.1.parallelism_degree", 2)
    assert selected(own, catalog, "H200").measured[0].alike
    longer = replace(own, "workloads.0.traffic.output_tokens", 400.0)
    assert not selected(longer, catalog, "H200").measured[0].alike


def test_that_taking_a_benchmark_out_gives_the_old_answer_to_the_last_digit(
    founding: Scenario, catalog: Catalog
) -> None:
    evaluator = Evaluator(catalog)
    before = outcome_data(evaluator.evaluate(founding, 32))
    own = replace(founding, "benchmarks", [measured(catalog, 1.2)])
    assert outcome_data(evaluator.evaluate(own, 32)) != before
    assert outcome_data(evaluator.evaluate(replace(own, "benchmarks", ()), 32)) == before


def test_that_a_saved_scenario_gives_the_same_numbers_without_the_benchmarks_file(
    founding: Scenario, catalog: Catalog, tmp_path: Path
) -> None:
    own = replace(founding, "benchmarks", [measured(catalog, 1.2)])
    write_scenario(tmp_path / "own.toml", own)
    again = read_scenario(tmp_path / "own.toml", catalog).scenario
    assert again.benchmarks == own.benchmarks
    first, second = (json.dumps(outcome_data(evaluate(one, catalog, 32))) for one in (own, again))
    assert first == second


def test_that_a_benchmark_of_a_chip_that_is_compared_no_more_is_kept_and_said(
    founding: Scenario, catalog: Catalog
) -> None:
    own = replace(founding, "benchmarks", [measured(catalog, 1.2)])
    gone = replace(own, "workloads.0.alternatives.1.chip", "nv-b200")
    outcome = evaluate(gone, catalog, 8)
    assert len(gone.benchmarks) == 1 and any("own run" in warning for warning in outcome.warnings)


def imported(founding: Scenario, catalog: Catalog, folder: Path, rows: list[dict[str, Any]], **choices: Any) -> Any:
    """The proposal for a file of such rows."""
    place = folder / "run.json"
    place.write_text(json.dumps(rows), encoding="utf-8")
    file = read_benchmark(place)
    chosen = suggested(catalog, founding, file, "70B chat", {})
    return propose(catalog, founding, file, corrected(chosen, **choices), folder)


def test_that_a_file_finds_its_owner_by_the_chip_and_the_model_it_names(
    founding: Scenario, catalog: Catalog, tmp_path: Path
) -> None:
    good = {"hw": "H200", "model": "meta-llama/Llama-3.1-70B-Instruct", "tp": 2, "precision": "fp8", "conc": 8,
            "isl": 1024, "osl": 256, "mean_tpot_ms": 26.0, "framework": "vllm"}  # fmt: skip
    other_chip, other_model = {**good, "hw": "B200"}, {**good, "model": "openai/gpt-oss-120b"}
    drafted, apart = {**good, "spec_decoding": "mtp"}, {**good, "disagg": "true"}
    found = imported(founding, catalog, tmp_path, [good, other_chip, other_model, drafted, apart])
    assert (found.choices.alternative, found.choices.model, found.choices.tp) == ("H200", "llama-3.1-70b", 2)
    assert [one.kept for one in found.rows] == [True, False, False, False, False]
    reasons = [one.reason for one in found.rows]
    assert "B200" in reasons[1] and "another model" in reasons[2]
    assert "speculative" in reasons[3] and "different machines" in reasons[4]
    assert found.benchmark is not None and found.benchmark.file == "run.json" and len(found.benchmark.rows) == 1
    assert "1 row kept, 1 of them used for the step time, 4 left out" in found.sentence


def test_that_an_impossible_choice_is_named(founding: Scenario, catalog: Catalog, tmp_path: Path) -> None:
    rows = [{"max_concurrency": 8, "isl": 1024, "osl": 256, "mean_tpot_ms": 26.0}]
    for choices, said in (
        ({"alternative": "H300"}, "no alternative 'H300'"),
        ({"workload": "batch"}, "no workload 'batch'"),
        ({"tp": 2, "ep": 3}, "does not divide"),
    ):
        with pytest.raises(ImportChoiceError, match=said):
            imported(founding, catalog, tmp_path, rows, **choices)


def test_that_lengths_that_no_row_says_are_asked_for_and_not_made_up(
    founding: Scenario, catalog: Catalog, tmp_path: Path
) -> None:
    rows = [{"hw": "H200", "max_concurrency": 8, "mean_tpot_ms": 26.0, "tp": 2}]
    without = imported(founding, catalog, tmp_path, rows)
    assert without.benchmark is None and "lengths of prompt or output not recorded" in without.rows[0].reason
    stated = imported(founding, catalog, tmp_path, rows, prompt_tokens=1024.0, output_tokens=256.0)
    assert stated.benchmark is not None and stated.effect is not None


def test_that_a_workload_of_users_who_ask_again_has_its_step_shifted_too(founding: Scenario, catalog: Catalog) -> None:
    users = replace(founding, "workloads.0.traffic.mode", "closed_loop")
    fixed = {"workloads.0.alternatives.1.max_batch": 16, "workloads.0.alternatives.1.parallelism_degree": 2}
    before = several(users, fixed)
    after = replace(before, "benchmarks", [measured(catalog, 1.25)])
    old, new = (selected(one, catalog, "H200") for one in (before, after))
    slower, was = new.latency["tpot"].p50, old.latency["tpot"].p50
    assert slower is not None and was is not None
    assert slower.value > 1.02 * was.value and new.evidence_grade == OWN_GRADE

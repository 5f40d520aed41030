"""Claims: probabilities over common draws, the figure they hang on, and what cannot be compared."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from explorer.catalog import Catalog, load_catalog
from explorer.scenario.path import several
from explorer.scenario.schema import Scenario
from explorer.scenario.statement import parse_statement
from explorer.study.claims import ClaimAnswer, _first_order, claims_at_once
from explorer.study.claims_words import claims_data, claims_text, hangs_on, sides_text, verdict
from explorer.study.evaluate import Evaluator
from explorer.study.outcome import Banded
from explorer.study.question import holding, margins

ALTERNATIVES = [
    {"name": "AI200", "chip": "qcom-ai200", "cloud": "AWS"},
    {"name": "H200", "chip": "nv-h200", "cloud": "AWS"},
]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def scenario_with(*statements: str, **more: Any) -> Scenario:
    return Scenario.model_validate(
        {
            "as_of": "2026-11-22",
            "workloads": [
                {
                    "name": "chat",
                    "selected": "AI200",
                    "model": {"preset": "llama-3.1-70b"},
                    "traffic": {"request_rate_per_s": 12, "prompt_tokens": 1000, "output_tokens": 200},
                    "objectives": {"tpot_p99_s": 0.05},
                    "alternatives": ALTERNATIVES,
                }
            ],
            "claims": [{"name": f"claim {at}", "statement": text} for at, text in enumerate(statements)],
            **more,
        }
    )


def checked(catalog: Catalog, scenario: Scenario, samples: int = 64) -> tuple[ClaimAnswer, ...]:
    return claims_at_once(Evaluator(catalog), scenario, samples)


def test_that_a_claim_and_its_opposite_share_all_the_probability(catalog: Catalog) -> None:
    over, under = checked(
        catalog,
        scenario_with("P99 TPOT of AI200 x8 > P99 TPOT of H200 x8", "P99 TPOT of AI200 x8 <= P99 TPOT of H200 x8"),
    )
    assert over.probability is not None and under.probability is not None
    assert over.probability + under.probability == pytest.approx(1.0)
    assert over.holds is not under.holds


def test_that_both_sides_see_the_same_draws(catalog: Catalog) -> None:
    """A chip against itself is never faster or slower, whatever is drawn."""
    more, half, same = checked(
        catalog,
        scenario_with(
            "P99 TPOT of AI200 x8 > that of AI200 x8",
            "P99 TPOT of AI200 x8 > 0.99 x that of AI200 x8",
            "P99 TPOT of AI200 x8 >= that of AI200 x8",
        ),
    )
    assert (more.probability, half.probability, same.probability) == (0.0, 1.0, 1.0)


def test_that_a_stricter_claim_is_never_more_probable(catalog: Catalog) -> None:
    found = checked(catalog, scenario_with(*(f"P99 TPOT of AI200 x8 > {ms} ms" for ms in (5, 15, 25, 40, 80))))
    chances = [one.probability for one in found]
    assert None not in chances
    assert chances == sorted(chances, reverse=True)  # type: ignore[type-var]
    assert chances[0] == 1.0 and chances[-1] is not None and chances[-1] < 1.0


def test_that_the_probability_is_the_share_of_draws_of_the_evaluation(catalog: Catalog) -> None:
    scenario = scenario_with("P99 TPOT of AI200 <= 50 ms")
    (found,) = checked(catalog, scenario, 64)
    outcome = Evaluator(catalog).evaluate(scenario, samples=64)
    assert found.probability == pytest.approx(outcome.workloads[0].alternatives[0].probability_keeps["tpot"])


def test_that_the_figure_it_hangs_on_is_the_one_that_was_left_open(catalog: Catalog) -> None:
    """Every other figure of the chip is settled by an override: nothing else can decide, save the model's error."""
    chip = catalog.chip("qcom-ai200")
    settled = {
        f"overrides.qcom-ai200.{name}": {"value": figure.value / figure.scale, "unit": figure.unit}
        for name, figure in chip.figures.items()
        if figure.derived_from is None and name != "capex"
    }
    scenario = several(scenario_with("$/chip-hour of AI200 x8 < $2.70/h"), settled)
    (found,) = checked(catalog, scenario, 256)
    assert found.probability is not None and 0.05 < found.probability < 0.95
    assert found.decider is not None and found.decider.path == "overrides.qcom-ai200.capex"
    assert found.decider.share > 0.5
    assert found.decider.chance_low > found.decider.chance_high
    assert found.decider.flips_at is not None
    turned = several(
        scenario,
        {
            "overrides.qcom-ai200.capex": {"value": found.decider.flips_at * 1.01, "unit": "USD"},
        },
    )
    assert checked(catalog, turned)[0].holds is False


def test_that_what_nothing_open_moves_holds_or_does_not(catalog: Catalog) -> None:
    fits, bursts = checked(
        catalog, scenario_with("memory headroom of AI200 x1 > 0 GB", "memory headroom of H200 x1 > 100 GB")
    )
    assert fits.settled and verdict(fits) == "holds"
    assert bursts.settled and verdict(bursts) == "does not hold"


def test_that_two_sides_that_both_fail_are_not_compared(catalog: Catalog) -> None:
    scenario = several(
        scenario_with("largest rate of AI200 > that of H200"),
        {
            "workloads.0.objectives.tpot_p99_s": 1e-6,
        },
    )
    (found,) = checked(catalog, scenario)
    assert found.probability is None and found.holds is None
    assert "cannot be compared" in found.reason and verdict(found) == "cannot be told"


def test_that_a_claim_without_a_price_says_so_and_the_others_are_answered(catalog: Catalog) -> None:
    scenario = scenario_with(
        "$/month of AI200 <= $1M", "P99 TPOT of AI200 <= 50 ms", price={"basis": "offer", "term": "spot"}
    )
    without, other = checked(catalog, scenario)
    assert without.probability is None and "price" in without.reason
    assert other.probability is not None


def test_that_claims_that_hang_on_rare_stalls_name_the_chance_at_which_they_turn(catalog: Catalog) -> None:
    scenario = several(
        scenario_with("P99 ITL of AI200 > 3 x P50 ITL of AI200"),
        {
            "workloads.0.traffic.request_rate_per_s": 0.02,
            "workloads.0.alternatives.0.replicas": 1,
            "workloads.0.alternatives.0.layout": {"tp": 8},
        },
    )
    (found,) = checked(catalog, scenario)
    assert found.holds is False and found.stalls_flip_at is not None
    for factor, holds in ((1.1, True), (0.9, False)):
        changed = several(scenario, {"stragglers.stall_probability": found.stalls_flip_at * factor})
        assert checked(catalog, changed)[0].holds is holds


FLEET = {
    "members": [
        {"name": "H200", "chip": "nv-h200", "cloud": "AWS", "traffic_share": 0.5},
        {"name": "AI200", "chip": "qcom-ai200", "cloud": "AWS", "traffic_share": 0.5},
    ]
}


def test_that_a_fleets_claim_runs_over_the_suppliers_nobody_named(catalog: Catalog) -> None:
    """AI200's foundry is TSMC with 83 %: else the fleet has two foundries."""
    scenario = scenario_with(
        "largest share (foundry) of the fleet >= 99%",
        "HHI (designer) of the fleet < 10000",
        "HHI (cloud) of the fleet >= 10000",
        fleet=FLEET,
    )
    foundry, designer, cloud = checked(catalog, scenario)
    assert foundry.probability == pytest.approx(0.83)
    assert "foundry undisclosed" in foundry.over
    assert designer.settled and designer.holds and cloud.settled and cloud.holds


def test_that_a_fleet_is_compared_with_the_baselines(catalog: Catalog) -> None:
    alone = {"members": [{"name": "H200", "chip": "nv-h200", "cloud": "AWS", "traffic_share": 1.0}]}
    before = scenario_with(fleet=alone).model_dump(mode="json", exclude_none=True)
    before.pop("claims")
    statement = "HHI (designer) of the fleet < that of the baseline fleet"
    (found,) = checked(catalog, scenario_with(statement, fleet=FLEET, baseline=before))
    assert found.holds and found.right is not None and found.right.value == pytest.approx(10_000)
    (missing,) = checked(catalog, scenario_with(statement, fleet=FLEET))
    assert missing.holds is None and "baseline" in missing.reason


def test_that_portability_is_judged_and_claims_no_probability_where_ranges_overlap(catalog: Catalog) -> None:
    apart, overlapping = checked(
        catalog,
        scenario_with(
            "portability of AI200 < that of H200",
            "portability of AI200 > 0.99 x that of AI200",
            fleet={"features": ["expert_parallel", "int4", "int8"]},
        ),
    )
    assert apart.probability == 1.0
    assert overlapping.holds and overlapping.probability is None and "overlap" in overlapping.reason


def test_that_the_same_seed_gives_the_same_answers_to_the_last_digit(catalog: Catalog) -> None:
    scenario = scenario_with("P99 TPOT of AI200 x8 > 2 x that of H200 x8", "$/M tokens of AI200 < that of H200")
    assert claims_data(checked(catalog, scenario)) == claims_data(checked(catalog, scenario))


def test_that_words_and_data_say_the_same(catalog: Catalog) -> None:
    found = checked(catalog, scenario_with("P99 TPOT of AI200 x8 > 2 x that of H200 x8"))
    text, data = claims_text(found), claims_data(found)["claims"][0]
    assert data["verdict"] in text and found[0].claim.statement in text
    assert found[0].probability == data["probability"]
    assert hangs_on(found[0]) in text


@given(st.lists(st.tuples(st.floats(0.1, 10.0), st.booleans()), min_size=16, max_size=64))
def test_that_the_share_of_a_figure_lies_between_nothing_and_all(draws: list[tuple[float, bool]]) -> None:
    values = np.asarray([value for value, _ in draws])
    held = np.asarray([float(holds) for _, holds in draws])
    share, low, high = _first_order(values, held)
    assert 0.0 <= share <= 1.0 + 1e-9
    assert 0.0 <= low <= 1.0 and 0.0 <= high <= 1.0


def test_that_a_figure_that_decides_alone_explains_all_the_doubt() -> None:
    values = np.linspace(0.0, 1.0, 256)
    share, low, high = _first_order(values, (values > 0.5).astype(float))
    assert share == pytest.approx(1.0) and (low, high) == (0.0, 1.0)


@example(1e-06, 1.0000000000000002e-06, "<")
@example(2.0, 1.9999999999999998, ">")
@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.sampled_from(["<", "<=", ">", ">="]))
def test_that_a_margin_has_the_sign_of_the_comparison(left: float, right: float, sign: str) -> None:
    statement = parse_statement(f"P99 TPOT of A {sign} P99 TPOT of B")
    found = holding(statement, margins(statement, np.asarray([left]), np.asarray([right])))
    expected = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]
    assert bool(found[0]) is expected


def test_that_what_was_found_stands_beside_the_limit_claimed_and_a_bare_number_has_its_name(catalog: Catalog) -> None:
    members = [{"name": "H200", "chip": "nv-h200", "cloud": "AWS", "traffic_share": 1.0}]
    statements = "memory headroom of AI200 x8 > 0 GB", "HHI (designer) of the fleet < 9000"
    headroom, index = checked(catalog, scenario_with(*statements, fleet={"members": members}))
    assert sides_text(headroom).startswith("> 0 GB claimed, ") and sides_text(headroom).endswith(" GB found")
    assert sides_text(index) == "< 9,000 claimed, HHI 10,000 found"


def test_that_no_rate_at_all_is_said_in_words(catalog: Catalog) -> None:
    some, none = checked(catalog, scenario_with("largest rate of AI200 x8 > 0/s", "largest rate of AI200 x8 <= 0/s"))
    left = Banded(0.0, 0.0, 8.79)
    assert sides_text(dataclasses.replace(some, left=left)) == "some rate claimed, no rate (no rate to 8.79/s) found"
    assert sides_text(dataclasses.replace(none, left=left)).startswith("no rate claimed, ")


@pytest.mark.parametrize(("probability", "words"), [(0.0, "false (0 %)"), (0.0078, "almost surely false (0.78 %)")])
def test_that_a_claim_that_fails_is_false_and_not_hopeless(probability: float, words: str, catalog: Catalog) -> None:
    (found,) = checked(catalog, scenario_with("P99 TPOT of AI200 x8 > P99 TPOT of H200 x8"))
    assert verdict(dataclasses.replace(found, probability=probability, settled=False)) == words

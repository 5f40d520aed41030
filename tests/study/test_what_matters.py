"""What matters: three answers that agree with evaluating the scenario itself, their bounds, and the same digits."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.catalog.figure import FIGURE_KINDS
from explorer.scenario.file import read_scenario
from explorer.scenario.quantities import unit_scale
from explorer.scenario.schema import Decision, Override, Scenario
from explorer.study.break_even import Locks, break_even
from explorer.study.decision_case import Case, decision_case
from explorer.study.evaluate import Evaluator, evaluate
from explorer.study.studies import study_of
from explorer.study.uncertainty import drawn, joint_points, points_with
from explorer.study.value_of_information import payoff, switching_costs
from explorer.study.what_matters import WhatMatters, what_matters
from explorer.study.what_matters_words import (
    alike,
    alike_sentence,
    ask_first_text,
    demand_headings,
    headline,
    matters_text,
    part_headings,
    part_row,
    spread_headings,
)
from tests.conftest import REPOSITORY
from tests.study.asking import alternative, four_chips, one_chip, scenario, workload

AI200 = "qcom-ai200"
DRAWS = 1024

FINGERPRINT = """
import hashlib, json
from explorer.catalog import load_catalog
from explorer.study.export_economics import plain_data
from explorer.study.what_matters import what_matters
from tests.study.asking import one_chip
found = what_matters(one_chip("qcom-ai200"), load_catalog(), 0, 256)
print(hashlib.sha256(json.dumps(plain_data(found)).encode()).hexdigest())
"""


def nearly_settled(usd_a_card: float) -> Scenario:
    """AI200 against H200 with all but its bandwidth at its best: the two cost about the same."""
    known = {
        "link_bandwidth": ("GB/s", 512.0),
        "collective_efficiency": ("share", 0.9),
        "on_card_link": ("GB/s", 256.0),
        "capex": ("USD", usd_a_card),
        "memory_domains": ("count", 1.0),
        "peak_fp8": ("TFLOPS", 5000.0),
        "collective_base_latency": ("us", 1.0),
    }
    overrides = {AI200: {name: Override(value=value, unit=unit) for name, (unit, value) in known.items()}}
    return scenario(workload(alternative(AI200), alternative("nv-h200")), overrides=overrides)


@pytest.fixture(scope="module")
def found(catalog: Catalog) -> WhatMatters:
    """The answer for four chips."""
    answer = what_matters(four_chips(), catalog, 0, DRAWS)
    assert answer is not None
    return answer


@pytest.fixture(scope="module")
def decisive(catalog: Catalog) -> WhatMatters:
    """An answer that hangs on one figure."""
    answer = what_matters(nearly_settled(36_000.0), catalog, 0, 4096)
    assert answer is not None
    return answer


def test_that_one_figure_is_worth_at_most_all_and_all_at_most_the_regret_of_the_present_choice(
    found: WhatMatters, decisive: WhatMatters
) -> None:
    for answer in (found, decisive):
        assert answer.evpi is not None and answer.regret_of_present is not None
        assert all(0.0 <= (part.evppi or 0.0) <= answer.evpi + 1e-6 for part in answer.parts)
        assert answer.evpi <= answer.regret_of_present + 1e-6
        assert all(0.0 <= sheet.worth <= answer.evpi + 1e-6 for sheet in answer.together)


def test_that_shares_and_probabilities_are_such_and_bands_are_in_order(found: WhatMatters) -> None:
    for part in found.parts:
        assert 0.0 <= part.first <= part.total <= 1.0
        assert 0.0 <= part.keeps.low <= 1.0 and 0.0 <= part.keeps.high <= 1.0
    assert sum(part.first for part in found.parts) <= 1.05
    for spread in found.spreads:
        assert list(spread.p99) == sorted(spread.p99)
        assert list(spread.usd_per_month) == sorted(spread.usd_per_month)
        assert all(0.0 <= share <= 1.0 for share in spread.keeps.values())
        assert spread.keeps["all"] <= min(spread.keeps.values()) + 1e-12
    assert found.reference and [one.cheaper for one in found.spreads if one.name == found.reference] == [None]


def test_that_only_what_is_unsettled_and_enters_a_result_is_a_part(found: WhatMatters, catalog: Catalog) -> None:
    names = [part.figure for part in found.parts]
    assert "memory_bandwidth" in names and "step" in names
    assert "peak_16bit" not in names, "it follows another figure"
    assert not [name for name in names if name in FIGURE_KINDS and FIGURE_KINDS[name].informative]
    assert len(names) == len(set(names))


def test_that_the_ends_of_the_tornado_are_those_of_the_scenario_with_the_figure_set_there(catalog: Catalog) -> None:
    asked = one_chip(AI200)
    answer = what_matters(asked, catalog, 0, 256)
    assert answer is not None
    central = evaluate(asked, catalog).workloads[0].chosen
    part = next(part for part in answer.parts if part.figure == "memory_bandwidth")
    for end, swing in zip(part.ends, (part.p99.low, part.p99.high), strict=True):
        layout = {"tp": central.layout.tp, "pp": central.layout.pp}
        held = one_chip(AI200, {"replicas": central.replicas, "layout": layout})
        moved = held.model_copy(update={"overrides": {AI200: {"memory_bandwidth": Override(value=end, unit="TB/s")}}})
        there = evaluate(moved, catalog).workloads[0].chosen.latency[answer.metric].p99
        assert there is not None
        # the draws stand on thinned nodes of the chain
        assert swing == pytest.approx(there.value, rel=0.03)


def test_that_what_is_drawn_is_what_the_bands_draw(found: WhatMatters, catalog: Catalog) -> None:
    banded = evaluate(
        four_chips().model_copy(update={"simulation": four_chips().simulation.model_copy(update={"samples": DRAWS})}),
        catalog,
    ).workloads[0]
    for one, spread in zip(banded.alternatives, found.spreads, strict=True):
        assert spread.keeps["all"] == pytest.approx(one.probability_keeps["all"], abs=2.0 / DRAWS)


def test_that_bandwidth_decides_where_all_else_is_settled(decisive: WhatMatters) -> None:
    first = decisive.demands[0]
    assert first.figure == "memory_bandwidth" and first.decides
    assert first.worth is not None and first.worth > 1000.0
    assert "memory bandwidth" in headline(decisive)
    others = [one for one in decisive.demands if one is not first]
    assert all((one.worth or 0.0) < 0.5 * first.worth for one in others)
    (sheet,) = decisive.together
    assert sheet.worth >= 0.8 * first.worth


def test_that_an_answer_beyond_the_threshold_keeps_the_promises_and_one_short_of_it_breaks_them(
    found: WhatMatters, catalog: Catalog
) -> None:
    central = next(one for one in evaluate(four_chips(), catalog).workloads[0].alternatives if one.chip == AI200)
    tried = 0
    for demand in found.demands:
        threshold = demand.acceptance
        if demand.chip != AI200 or threshold.kind != "value" or demand.unit in ("chips", "count"):
            continue
        assert threshold.value is not None
        better = 1.06 if threshold.at_least else 1.0 / 1.06
        for factor, kept in ((better, True), (1.0 / better, False)):
            value = threshold.value * factor
            if demand.unit == "share" and value > 1.0:
                continue
            layout = {"tp": central.layout.tp, "pp": central.layout.pp}
            held = one_chip(AI200, {"replicas": central.replicas, "layout": layout})
            told = held.model_copy(
                update={"overrides": {AI200: {demand.figure: Override(value=value, unit=demand.unit)}}}
            )
            if abs(value - demand.value) < 0.03 * demand.value:
                continue
            assert evaluate(told, catalog).workloads[0].chosen.keeps_promises is kept, (demand.figure, value)
            tried += 1
    assert tried >= 4


def test_that_a_price_at_the_break_even_costs_what_the_reference_does(catalog: Catalog) -> None:
    asked = four_chips()
    answer = what_matters(asked, catalog, 0, 256)
    assert answer is not None
    demand = next(one for one in answer.demands if one.figure == "capex" and one.chip == AI200)
    assert demand.break_even.kind == "value" and demand.break_even.value is not None
    told = asked.model_copy(
        update={"overrides": {AI200: {"capex": Override(value=demand.break_even.value, unit="USD")}}}
    )
    months = {
        one.name: one.cost.usd_per_month.value
        for one in evaluate(told, catalog).workloads[0].alternatives
        if one.cost.usd_per_month is not None
    }
    # chips come in whole ones, so the month may lie below the reference's by less than one chip's worth
    assert months["AI200"] == pytest.approx(months[answer.reference], rel=0.05)


def case_of(asked: Scenario, catalog: Catalog) -> tuple[Case, np.ndarray]:
    """A decision and what each choice comes to in 256 draws."""
    case = decision_case(asked, catalog, 0)
    joint = [drawn(case, choice, joint_points(case, choice, 256)[0]) for choice in case.choices]
    return case, payoff(case, joint, switching_costs(case))


def test_that_a_choice_whose_promises_break_pays_the_fallback_and_the_switch(catalog: Catalog) -> None:
    asked = scenario(workload(alternative(AI200), alternative("nv-h200")))
    case, costs = case_of(asked, catalog)
    assert case.fallback is not None and case.fallback.outcome.name == "H200"
    hopeless = points_with(case.choices[0], {"memory_bandwidth": np.asarray([1e10])}, 1)
    stuck = drawn(case, case.choices[0], hopeless)
    assert not np.isfinite(stuck.months_held()[0])
    known = drawn(case, case.choices[1], points_with(case.choices[1], {}, 1))
    switching = switching_costs(case)
    (paid,) = payoff(case, [stuck, known], switching)
    assert paid[0] == pytest.approx(known.months_held()[0] + switching["AI200"])
    assert switching["AI200"] > 0.0 and switching["H200"] == 0.0
    assert np.all(np.isfinite(costs)) and np.all(costs > 0.0)


def test_that_a_stated_penalty_takes_the_place_of_the_fallback(catalog: Catalog) -> None:
    asked = one_chip(AI200).model_copy(update={"decision": Decision(penalty_usd_per_month=5000.0)})
    case, costs = case_of(asked, catalog)
    most = drawn(case, case.choices[0], joint_points(case, case.choices[0], 256)[0])
    now = most.usd_per_chip_hour * most.chips_now * 730.0
    assert np.all(costs[:, 0] <= now + 5000.0 + 1e-6)


def test_that_without_a_disclosed_alternative_or_a_penalty_no_worth_is_claimed(catalog: Catalog) -> None:
    answer = what_matters(one_chip(AI200), catalog, 0, 256)
    assert answer is not None
    assert "no penalty" in answer.reason
    assert answer.evpi is None and answer.regret is None and not answer.together
    assert all(part.evppi is None for part in answer.parts)
    assert headline(answer).startswith("There is no choice to make: AI200 has no alternative beside it.")
    both = scenario(workload(alternative(AI200), alternative(AI200, name="AI200, small batches", max_batch=16)))
    undisclosed = what_matters(both, catalog, 0, 256)
    assert undisclosed is not None and "cannot be said" in headline(undisclosed)
    assert answer.demands, "what keeps the promises can be said all the same"
    assert "memory bandwidth" in ask_first_text(answer).lower()


def test_that_with_one_alternative_nothing_is_said_to_be_chosen_or_worth_knowing(catalog: Catalog) -> None:
    answer = what_matters(one_chip("nv-h200"), catalog, 0, 256)
    assert answer is not None and answer.evpi == 0.0
    assert "There is no choice to make" in headline(answer) and "costs least" not in headline(answer)
    assert "Knowing everything" not in matters_text(answer)


def test_that_who_costs_least_on_average_is_told_from_who_does_in_the_middle_case(
    scenarios_folder: Path, catalog: Catalog
) -> None:
    asked = read_scenario(scenarios_folder / "nvidia-only-fleet.toml", catalog).scenario
    answer = what_matters(asked, catalog, 0, 1024)
    assert answer is not None and answer.best_now == "H200" and answer.reference == "H100"
    words = headline(answer)
    assert "H200 costs least on average, what may go wrong included (in the middle case H100: $" in words
    # a bar of worth stands beside it
    assert max(part.evppi or 0.0 for part in answer.parts) > answer.noise + 1.0
    assert "Nothing" not in words and "Worth most to know first: purchase price, $" in words
    assert "mean with fallback" in spread_headings(answer) and "expected" not in spread_headings(answer)


def test_that_an_audit_tests_band_is_that_of_the_verdict_and_not_of_a_handful_of_draws(catalog: Catalog) -> None:
    asked = four_chips()
    answer = what_matters(asked, catalog, 0, 1024)
    assert answer is not None
    test = next(one for one in answer.tests if one.chip == AI200)
    shown = evaluate(asked, catalog, samples=256).workloads[0]
    latency = next(one for one in shown.alternatives if one.chip == AI200).latency
    for metric in ("ttft", "tpot"):
        p99 = latency[metric].p99
        assert p99 is not None
        _, low, high = test.p99[metric]
        assert (low, high) == pytest.approx((p99.low, p99.high), rel=0.12)


def test_that_latencies_are_headed_as_those_of_the_closed_form(found: WhatMatters) -> None:
    assert "closed-form P99" in spread_headings(found)


def test_that_a_month_at_any_size_is_not_headed_as_the_month_of_the_chips_of_now(found: WhatMatters) -> None:
    assert "$/month" not in spread_headings(found) and "$/month, any size" in spread_headings(found)


def test_that_a_worth_within_the_noise_of_the_draws_is_not_printed(found: WhatMatters) -> None:
    part = replace(found.parts[0], evppi=found.noise + 0.5)
    assert part_row(part, found.noise)[-1] == "–"
    assert part_row(replace(part, evppi=found.noise + 500.0), found.noise)[-1].startswith("$")


def test_that_without_a_promise_an_alternative_carries_the_load_and_keeps_nothing(catalog: Catalog) -> None:
    none: dict[str, float | None] = {"ttft_p99_s": None, "tpot_p99_s": None}
    asked = scenario(workload(alternative(AI200), alternative("nv-h200"), objectives=none))
    answer = what_matters(asked, catalog, 0, 256)
    assert answer is not None
    assert "carries it" in spread_headings(answer) and "carries it" in part_headings(answer)
    assert "promise" not in " ".join(demand_headings(answer))
    assert "carries the load: " in matters_text(answer) and "keeps all promises" not in matters_text(answer)


def test_that_columns_that_say_the_same_of_every_figure_are_said_once() -> None:
    headings = ("ask for", "of", "believed", "worth knowing", "kept", "no dearer")
    rows = [("a", "X", "1", "nothing", "≥ 3", "nothing"), ("b", "X", "1", "nothing", "≥ 4", "nothing")]
    assert alike(rows) == (3, 5)
    assert alike_sentence(headings, rows) == "The same for every figure: worth knowing and no dearer: nothing."
    # a single row is no pattern
    assert alike(rows[:1]) == () and alike_sentence(headings, rows[:1]) == ""


def test_that_what_does_not_fit_has_nothing_that_matters(catalog: Catalog) -> None:
    asked = one_chip("nv-l4", {"parallelism_degree": 1}, preset="llama-3.1-405b")
    assert what_matters(asked, catalog, 0, 256) is None


@pytest.mark.parametrize("promised", [{}, {"e2e_p99_s": 20.0}, {"itl_p99_s": 0.2, "ttft_p99_s": 3.0}])
def test_that_any_promises_can_be_asked_about(promised: dict[str, float], catalog: Catalog) -> None:
    none: dict[str, float | None] = {"ttft_p99_s": None, "tpot_p99_s": None}
    asked = scenario(workload(alternative(AI200), alternative("nv-h200"), objectives={**none, **promised}))
    answer = what_matters(asked, catalog, 0, 256)
    assert answer is not None and answer.parts
    assert len(answer.spreads[0].keeps) == len(promised) + 1
    assert matters_text(answer)


def test_that_on_offers_the_rent_is_a_part_and_nobody_without_one_is_chosen(catalog: Catalog) -> None:
    asked = scenario(workload(alternative("nv-h200"), alternative("aws-trn2")))
    rented = asked.model_copy(update={"price": asked.price.model_copy(update={"basis": "offer"})})
    answer = what_matters(rented, catalog, 0, 256)
    assert answer is not None
    assert [part.title for part in answer.parts if part.figure == "offer"] == ["Rent of a chip"]


def test_that_the_regret_table_names_the_least_of_each_rule(found: WhatMatters) -> None:
    table = found.regret
    assert table is not None
    least = min(table.rows, key=lambda row: row.worst_regret)
    assert table.minimax_regret == least.name
    for row in table.rows:
        assert row.worst_regret >= -1e-9
        assert row.mean_cost <= row.tail_cost + 1e-6 <= row.worst_cost + 2e-6
        assert row.hurwicz_cost <= row.worst_cost + 1e-6


def test_that_two_processes_find_the_same_to_the_last_digit() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", FINGERPRINT], cwd=REPOSITORY, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(digests) == 1


def test_that_another_seed_draws_other_cases_and_finds_about_the_same(found: WhatMatters, catalog: Catalog) -> None:
    asked = four_chips()
    other = asked.model_copy(update={"simulation": asked.simulation.model_copy(update={"seed": 2})})
    answer = what_matters(other, catalog, 0, DRAWS)
    assert answer is not None
    assert answer.keeps != found.keeps
    assert answer.keeps == pytest.approx(found.keeps, abs=0.05)


def test_that_the_worker_pauses_within_it_and_answers_the_same(catalog: Catalog) -> None:
    asked = one_chip(AI200)
    steps = study_of("matters")(Evaluator(catalog), asked, 0)
    pauses = 0
    while True:
        try:
            next(steps)
            pauses += 1
        except StopIteration as end:
            answer = end.value
            break
    assert pauses >= 5
    assert isinstance(answer, WhatMatters) and answer.workload == "chat"


def test_that_the_bands_follow_a_better_draw_beyond_the_central_saturation(catalog: Catalog) -> None:
    asked = one_chip(AI200, {"parallelism_degree": 2})
    case = decision_case(asked, catalog, 0)
    (choice,) = case.choices
    (answer,) = Evaluator(catalog).answers(asked, 256)
    assert answer.drawn is not None
    bands = answer.drawn.bands
    ours = drawn(case, choice, joint_points(case, choice, 256)[0])
    theirs = 2.0 * np.maximum(np.ceil(12.0 / np.where(bands.cliffs[0] > 0, bands.cliffs[0], 1e-9) - 1e-9), 1.0)
    better = np.isfinite(ours.chips_needed) & (ours.chips_needed < 0.5 * ours.chips_now)
    assert better.any()
    # the draws are the same, the loads looked at are not: a replica more or less
    assert np.all(np.abs(theirs - ours.chips_needed)[better] <= 2.0 + 0.1 * ours.chips_needed[better])


@pytest.mark.parametrize(
    ("figure", "goal"),
    [("memory_bandwidth", "P99 TPOT of AI200 <= 50 ms"), ("peak_fp8", "P99 TTFT of AI200 <= 2 s")],
)
def test_that_the_number_to_beat_is_the_break_even_of_the_solver(
    figure: str, goal: str, found: WhatMatters, catalog: Catalog
) -> None:
    demand = next(one for one in found.demands if one.figure == figure)
    assert demand.acceptance.value is not None
    unknown = f"{figure} of AI200"
    locks = Locks(replicas="now", layout=True)
    solved = break_even(Evaluator(catalog), four_chips(), unknown, goal, locks=locks, samples=0)
    assert solved.value is not None
    assert demand.acceptance.value * unit_scale(demand.unit) == pytest.approx(solved.value, rel=2e-3)

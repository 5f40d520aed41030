"""Why a number is what it is: the chain says what the outcome says, and ends at figures with status and source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from explorer.catalog import Catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.path import several
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import NOTHING
from explorer.scenario.schema import Scenario
from explorer.study.evaluate import evaluate
from explorer.study.figure_sources import figure_sources
from explorer.study.outcome import Outcome
from explorer.study.what_matters import TITLES, WhatMatters, what_matters
from explorer.study.why import Answer, why

ANSWERS: tuple[Answer, ...] = get_args(Answer)


@pytest.fixture(scope="module")
def scenario(catalog: Catalog, scenarios_folder: Path) -> Scenario:
    whole = read_scenario(scenarios_folder / "ai200-on-aws.toml", catalog).scenario
    return several(whole, {"simulation.method": "closed_form", "simulation.samples": 32})


@pytest.fixture(scope="module")
def outcome(scenario: Scenario, catalog: Catalog) -> Outcome:
    return evaluate(scenario, catalog)


@pytest.fixture(scope="module")
def matters(scenario: Scenario, catalog: Catalog) -> WhatMatters:
    found = what_matters(scenario, catalog, 0, 256)
    assert found is not None
    return found


def test_that_every_chain_begins_with_the_number_and_says_nothing_twice(
    scenario: Scenario, outcome: Outcome, catalog: Catalog
) -> None:
    chosen = outcome.workloads[0].chosen
    said: dict[Answer, str] = {}
    for answer in ANSWERS:
        found = why(answer, outcome, 0, scenario, catalog)
        said[answer] = found.figure
        assert found.links and all(link.title and link.value and link.how for link in found.links)
        assert answer == "fits" or found.links[0].value.startswith(found.figure)
        assert len({link.title for link in found.links}) == len(found.links)
    month, million = chosen.cost.usd_per_month, chosen.cost.usd_per_million_blended
    first, token = chosen.latency["ttft"].p99, chosen.latency["tpot"].p99
    assert month is not None and million is not None and first is not None and token is not None
    assert said["usd_per_month"] == QUANTITIES["usd_per_month"].format(month.value)
    assert said["usd_per_million"] == QUANTITIES["usd_per_million"].format(million.value)
    assert said["ttft"] == QUANTITIES["seconds"].format(first.value)
    assert said["tpot"] == QUANTITIES["seconds"].format(token.value)
    assert said["certainty"] == QUANTITIES["share"].format(chosen.probability_keeps["all"])
    assert said["fits"] == "yes"


def test_that_the_parts_of_memory_add_up_to_what_is_used(
    scenario: Scenario, outcome: Outcome, catalog: Catalog
) -> None:
    memory, links = outcome.workloads[0].chosen.memory, why("fits", outcome, 0, scenario, catalog).links
    told = {link.title: QUANTITIES["bytes"].parse(link.value) for link in links if link.title != "Largest batch"}
    assert told["Weights"] + told["KV cache"] + told["Other"] == pytest.approx(told["Used of a chip"], rel=0.05)
    assert told["Used of a chip"] == pytest.approx(memory.weights + memory.kv + memory.other, rel=0.05)
    assert told["Usable"] == pytest.approx(memory.usable, rel=0.01)


def test_that_a_chain_ends_at_the_figures_that_enter_it(scenario: Scenario, outcome: Outcome, catalog: Catalog) -> None:
    known = {one.name: one for one in figure_sources(scenario, catalog, "qcom-ai200")}
    latency = why("tpot", outcome, 0, scenario, catalog)
    money = why("usd_per_month", outcome, 0, scenario, catalog)
    named = {one.figure for one in latency.grounds}
    assert {"memory_bandwidth", "peak_fp8", "peak_16bit", "link_bandwidth"} <= named
    assert not {"peak_int8", "peak_fp4", "rack_power", "capex", "board_power"} & named
    assert {one.figure for one in money.grounds} - named == {"capex", "board_power"}
    assert {one.figure for one in why("fits", outcome, 0, scenario, catalog).grounds} == {"memory_capacity"}
    for one in latency.grounds:
        assert (one.value, one.status) == (known[one.figure].value, known[one.figure].status)
        assert one.source, f"{one.title} says neither where it is from nor why it is judged so"
        assert (one.moves, one.share) == ("", None), "what moves it was not given"
    assert "being computed" in latency.note


def test_that_what_moves_the_number_is_told_and_comes_first(
    scenario: Scenario, outcome: Outcome, catalog: Catalog, matters: WhatMatters
) -> None:
    metric = matters.metric
    assert metric in ("ttft", "tpot")
    grounds = why(metric, outcome, 0, scenario, catalog, matters).grounds
    shares = [one.share or 0.0 for one in grounds]
    assert shares == sorted(shares, reverse=True) and shares[0] > 0.05
    parts = {part.figure: part for part in matters.parts}
    told = {one.figure: one for one in grounds if one.figure}
    assert told["memory_bandwidth"].share == parts["memory_bandwidth"].first
    assert "…" in told["memory_bandwidth"].moves
    assert any(not one.figure and one.source and one.moves for one in grounds), "the model's own error is one of them"
    other: Answer = "ttft" if metric == "tpot" else "tpot"
    known_of_one = why(other, outcome, 0, scenario, catalog, matters)
    assert all(one.share is None and not one.moves for one in known_of_one.grounds)
    assert "least margin" in known_of_one.note
    money = {one.figure: one for one in why("usd_per_month", outcome, 0, scenario, catalog, matters).grounds}
    assert "$" in money["capex"].moves and money["capex"].share is None


def test_that_beside_figures_only_the_models_error_and_the_rent_are_told(
    scenario: Scenario, outcome: Outcome, catalog: Catalog, matters: WhatMatters
) -> None:
    """Also where draws give a figure that enters nothing a hair of the spread: it has no such source."""
    stirred = replace(matters, parts=tuple(replace(part, first=0.01, is_open=False) for part in matters.parts))
    assert {"capex", "peak_int8"} & {part.figure for part in stirred.parts}
    grounds = why("tpot" if matters.metric == "tpot" else "ttft", outcome, 0, scenario, catalog, stirred).grounds
    assert {one.title for one in grounds if not one.figure} <= set(TITLES.values())
    assert not {"capex", "board_power"} & {one.figure for one in grounds}


def test_that_what_matters_of_another_choice_is_not_told(
    scenario: Scenario, catalog: Catalog, matters: WhatMatters
) -> None:
    other = several(scenario, {"workloads.0.selected": "H200"})
    found = why("tpot", evaluate(other, catalog), 0, other, catalog, matters)
    assert "H200" in found.title and all(not one.moves for one in found.grounds)


def test_that_what_has_no_number_has_a_reason(scenario: Scenario, catalog: Catalog) -> None:
    settings = {"selected": "H200", "alternatives.1.parallelism_degree": 1, "model.size_billion": 400.0}
    large = several(scenario, {f"workloads.0.{path}": value for path, value in settings.items()})
    found = evaluate(large, catalog)
    assert not found.workloads[0].chosen.memory.fits
    fits = why("fits", found, 0, large, catalog)
    assert fits.figure == "no" and "does not fit" in fits.title
    without: tuple[Answer, ...] = ("ttft", "tpot", "usd_per_month", "usd_per_million")
    for answer in without:
        told = why(answer, found, 0, large, catalog)
        assert told.figure == NOTHING
        assert told.links[0].value == NOTHING and told.links[0].how
    assert why("certainty", found, 0, large, catalog).figure == "0 %"


def test_that_the_fleet_is_told_by_supplier_and_by_pool(scenario: Scenario, outcome: Outcome, catalog: Catalog) -> None:
    found = why("fleet", outcome, 0, scenario, catalog)
    tier = next(one for one in outcome.fleet.tiers if one.tier == "designer")
    assert found.figure == QUANTITIES["suppliers"].format(tier.effective_suppliers.value)
    assert {one.supplier for one in tier.suppliers} <= {link.title for link in found.links}
    assert 1.0 / sum(one.share**2 for one in tier.suppliers) == pytest.approx(tier.effective_suppliers.value)
    assert any("single point of failure" in link.how for link in found.links)

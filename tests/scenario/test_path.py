"""A scenario is changed one value at a time, by path, and refuses what it cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.scenario.path import ScenarioValueError, get, replace, several
from explorer.scenario.schema import Scenario

SETTABLE: dict[str, st.SearchStrategy[Any]] = {
    "title": st.text(max_size=20),
    "workloads.0.model.size_billion": st.none() | st.floats(min_value=0.1, max_value=20_000),
    "workloads.0.traffic.request_rate_per_s": st.floats(min_value=1e-3, max_value=1e6),
    "workloads.0.objectives.ttft_p99_s": st.none() | st.floats(min_value=1e-3, max_value=100),
    "workloads.0.alternatives.0.max_batch": st.integers(min_value=1, max_value=65_536),
    "workloads.0.alternatives.0.parallelism_degree": st.just("auto") | st.integers(1, 1024),
    "price.basis": st.sampled_from(["offer", "cost_plus", "own"]),
    "fleet.tiers": st.lists(st.sampled_from(["designer", "foundry", "cloud"]), unique=True).map(tuple),
    "overrides.qcom-ai200.memory_bandwidth.belief": st.floats(min_value=0, max_value=1),
    "access.on_premises": st.booleans(),
}


@given(changes=st.fixed_dictionaries({}, optional=SETTABLE))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_that_what_is_put_at_a_path_is_found_there_and_nothing_else_changes(
    scenario: Scenario, changes: dict[str, Any]
) -> None:
    before = scenario.model_dump()
    changed = several(scenario, changes)
    assert {path: get(changed, path) for path in changes} == changes
    assert scenario.model_dump() == before
    assert several(changed, {path: get(scenario, path) for path in changes}) == scenario
    untouched = SETTABLE.keys() - changes.keys()
    assert {path: get(changed, path) for path in untouched} == {path: get(scenario, path) for path in untouched}


@pytest.mark.parametrize(
    ("path", "value", "names", "reason", "allowed"),
    [
        ("workloads.0.traffic.request_rate_per_s", -1, "", "at least 0.000001", "at least 1e-06"),
        ("workloads.0.traffic.request_rate_per_s", "12", "", "not text", "a number"),
        ("workloads.0.traffic.request_rate_per_s", True, "", "not true or false", "a number"),
        ("workloads.0.traffic.request_rate_per_s", float("nan"), "", "finite", "a number"),
        ("workloads.0.trafic.x", 1, "workloads.0.trafic", "nearest known: traffic", "traffic"),
        ("workloads.0.alternatives.0.max_batch", 2.5, "", "whole number", "at least 1"),
        ("workloads.0.alternatives.0.parallelism_degree", 0, "", "at least 1", '"auto" or a whole'),
        ("workloads.0.alternatives.0.parallelism_degree", "all", "", "not one of", '"auto" or a whole'),
        ("workloads.0.alternatives.1.layout.ep", 3, "workloads.0.alternatives.1.layout", "divide", "1, 2"),
        ("workloads.0.alternatives.0.layout", "wide", "", "not one of", '"auto"'),
        ("workloads.0.alternatives", (), "", "at least 1", "list"),
        ("workloads.7.name", "x", "workloads.7", "no such item", "0 to 1"),
        ("fleet.members.0.traffic_share", 0.5, "fleet.members", "sum to 0.9", "sum to 1"),
        ("price.basis", "free", "", "not one of", '"cost_plus"'),
        ("overrides.qcom-ai200.memory_bandwidth", {"value": 2}, None, "needs its unit", "TB/s"),
        ("overrides.qcom-ai200.memory_bandwidth.belief", 2, "", "at most 1", "at most 1"),
        ("workloads.0.alternatives.1.name", "AI200", "workloads.0.alternatives", "same name", "different"),
        ("workloads.0.alternatives.0", None, "workloads.0.selected", "no alternative's name", "H200"),
        ("title.x", 1, "", "plain value", ""),
        ("", 1, "", "not a path", "workloads"),
    ],
)
def test_that_a_refused_value_says_where_why_and_what_is_allowed(
    scenario: Scenario, path: str, value: object, names: str | None, reason: str, allowed: str
) -> None:
    with pytest.raises(ScenarioValueError) as refusal:
        replace(scenario, path, value)
    if names is not None:
        assert refusal.value.path == (names or path)
    assert reason in refusal.value.reason
    assert allowed in refusal.value.allowed


def test_that_shares_that_only_sum_together_are_changed_together(scenario: Scenario) -> None:
    changed = several(scenario, {"fleet.members.0.traffic_share": 0.1, "fleet.members.1.traffic_share": 0.9})
    assert [member.traffic_share for member in changed.fleet.members] == [0.1, 0.9]


def test_that_an_override_appears_and_disappears_without_a_trace(scenario: Scenario) -> None:
    path = "overrides.qcom-ai200.memory_bandwidth"
    assert get(scenario, path) is None
    changed = replace(scenario, path, {"value": 2.4, "unit": "TB/s", "reason": "own test"})
    assert get(changed, f"{path}.value") == 2.4
    assert get(changed, "overrides.nv-h200.sram") is None
    assert replace(changed, path, None) == scenario


def test_that_items_are_appended_and_removed_by_position(scenario: Scenario) -> None:
    added = replace(scenario, "workloads.0.alternatives.2", {"name": "Trainium2", "chip": "aws-trn2"})
    assert [a.name for a in added.workloads[0].alternatives] == ["AI200", "H200", "Trainium2"]
    removed = several(added, {"workloads.0.alternatives.0": None, "workloads.0.selected": "H200"})
    assert [a.name for a in removed.workloads[0].alternatives] == ["H200", "Trainium2"]


def test_that_a_key_with_a_dot_is_reached_in_quotes(scenario: Scenario) -> None:
    path = 'overrides."my-chip.v2".sram.belief'
    changed = replace(scenario, path, 0.5)
    assert changed.overrides["my-chip.v2"]["sram"].belief == get(changed, path) == 0.5


def test_that_one_path_cannot_be_changed_and_changed_below_in_one_go(scenario: Scenario) -> None:
    with pytest.raises(ScenarioValueError, match="twice"):
        several(scenario, {"price": {"basis": "own"}, "price.margin": 0.2})


def test_that_a_slider_giving_a_whole_float_sets_a_whole_number(scenario: Scenario) -> None:
    path = "workloads.0.alternatives.0.max_batch"
    value = get(replace(scenario, path, 64.0), path)
    assert isinstance(value, int)
    assert value == 64


def test_that_unknown_keys_survive_a_change(scenario: Scenario) -> None:
    changed = replace(scenario, "price.margin", 0.3)
    assert get(changed, "price.margn") == 0.5
    assert get(changed, "x-mine.list") == [1, 2]


@pytest.mark.parametrize("path", ["workloads.0.nothing", "x-mine.nothing", "workloads.5", "title.0"])
def test_that_reading_an_unknown_path_is_an_error_that_names_it(scenario: Scenario, path: str) -> None:
    with pytest.raises(ScenarioValueError, match=path.rpartition(".")[2]):
        get(scenario, path)

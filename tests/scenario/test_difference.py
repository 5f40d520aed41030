"""What differs between two scenarios is listed input by input, in people's words."""

from __future__ import annotations

import pytest

from explorer.scenario.difference import differences
from explorer.scenario.inputs import INPUTS
from explorer.scenario.path import get, replace, several
from explorer.scenario.quantity import QUANTITIES
from explorer.scenario.schema import Alternative, Scenario


def test_that_a_scenario_does_not_differ_from_itself(scenario: Scenario) -> None:
    assert differences(scenario, scenario.model_copy(deep=True)) == ()


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("workloads.0.traffic.request_rate_per_s", 20.0, "70B chat · Requests per second: 12/s → 20/s"),
        ("workloads.0.model.size_billion", 405.0, "70B chat · Model size: not set → 405B"),
        ("workloads.0.objectives.tpot_p99_s", 0.03, "70B chat · Promise: P99 per token (TPOT): 50 ms → 30 ms"),
        ("workloads.0.alternatives.1.max_batch", 64, "70B chat · H200 · Batch size, at most: 256 → 64"),
        ("workloads.0.alternatives.1.layout.tp", 4, "70B chat · H200 · Tensor parallel: 2 → 4"),
        ("price.basis", "own", "Basis: cost plus → own"),
        ("access.on_premises", True, "On premises possible: no → yes"),
        ("access.clouds", ("AWS",), "Clouds within reach: none → AWS"),
        (
            "overrides.qcom-ai200.memory_bandwidth.belief", 0.25,
            "qcom-ai200 · Memory bandwidth: not set → belief 0.25",
        ),
    ],
)  # fmt: skip
def test_that_one_change_is_one_difference_at_its_path(scenario: Scenario, path: str, value: object, text: str) -> None:
    changed = replace(scenario, path, value)
    (difference,) = differences(scenario, changed)
    assert str(difference) == text
    assert path.startswith(difference.path)
    assert difference.new == get(changed, difference.path)
    assert difference.old == get(scenario, difference.path)


def test_that_alternatives_are_matched_by_name(scenario: Scenario) -> None:
    first, second = scenario.workloads[0].alternatives
    moved = replace(scenario, "workloads.0.alternatives", (second, first))
    assert differences(scenario, moved) == ()
    third = Alternative(name="Trainium2", chip="aws-trn2")
    exchanged = several(
        scenario,
        {"workloads.0.alternatives": (third, second), "workloads.0.selected": "H200"},
    )
    texts = [str(difference) for difference in differences(scenario, exchanged)]
    assert "70B chat · Trainium2 · Name: AI200 → Trainium2" in texts
    assert "70B chat · Trainium2 · Chip: qcom-ai200 → aws-trn2" in texts
    assert not [text for text in texts if "H200 ·" in text]


def test_that_what_only_one_side_has_is_told_whole(scenario: Scenario) -> None:
    added = replace(scenario, "workloads.0.alternatives.2", {"name": "Trainium2", "chip": "aws-trn2"})
    (there,) = differences(scenario, added)
    assert (str(there), there.old) == ("70B chat · Trainium2: added", None)
    (gone,) = differences(added, scenario)
    assert (str(gone), gone.new) == ("70B chat · Trainium2: removed", None)


def test_that_where_a_file_comes_from_is_no_difference(scenario: Scenario) -> None:
    assert differences(scenario, scenario.model_copy(update={"app_version": "9", "catalog": {"used": {}}})) == ()


def test_that_every_input_names_a_quantity_that_exists() -> None:
    assert {entry.quantity for entry in INPUTS.values()} - {None} <= set(QUANTITIES)

"""Every input of a scenario is listed in words, defaults included, and nothing of the user's machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.catalog import load_catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.input_list import input_groups
from explorer.scenario.inputs import input_at
from explorer.scenario.wording import fields_of
from explorer.scenario.workload import TraceChoice
from tests.study.asking import alternative, fleet, scenario, workload


def test_that_every_setting_of_traffic_price_and_alternatives_is_there() -> None:
    asked = scenario(workload(alternative("nv-h200"), alternative("qcom-ai200")), fleet=fleet(H200=1.0))
    groups = {group.title: group for group in input_groups(asked)}
    work = asked.workloads[0]
    for title, record in (
        ("chat: model, traffic, promises", work.traffic),
        ("chat: alternatives", work.alternatives[0]),
        ("Price", asked.price),
        ("Fleet: terms", asked.fleet.migration),
    ):
        listed = {row for row, _ in groups[title].rows}
        assert {input_at((key,)).title for key in fields_of(type(record)) if key != "name"} <= listed
    assert groups["chat: alternatives"].names == ("H200", "AI200")
    assert dict(groups["chat: model, traffic, promises"].rows)["Requests per second"] == ("12/s",)
    assert dict(groups["chat: alternatives"].rows)["Chip"] == ("nv-h200", "qcom-ai200")
    assert dict(groups["Price"].rows)["Colocation, per kW and month"] == ("not set",)


@pytest.mark.parametrize("name", ["ai200-on-aws", "claims-of-the-brief", "diversified-fleet", "recorded-chat-traffic"])
def test_that_shipped_scenarios_are_listed_without_an_empty_text(name: str, scenarios_folder: Path) -> None:
    loaded = read_scenario(scenarios_folder / f"{name}.toml", load_catalog()).scenario
    groups = input_groups(loaded)
    for group in groups:
        for title, texts in group.rows:
            assert title and all(texts)
            assert len(texts) == max(len(group.names), 1)
    assert len(next(group for group in groups if group.title == "Claims").rows) == len(loaded.claims)


def test_that_choices_and_rare_chances_read_as_in_the_window() -> None:
    asked = scenario(workload(alternative("nv-h200"), traffic={"prompt_tokens": 12_035.0}))
    rows = {title: texts for group in input_groups(asked) for title, texts in group.rows}
    assert rows["Arrivals"] == ("gaps",)
    assert rows["Prompt length"] == ("12,035",)
    assert rows["Chance of a stall"] == ("1 in 10,000,000",)


def test_that_the_folder_of_a_users_own_trace_is_not_told() -> None:
    choice = TraceChoice(file="../somebody/secret/mine.csv", sha256="a" * 64)
    asked = scenario(workload(alternative("nv-h200"), traffic={"arrivals": "trace", "trace": choice}))
    said = str(input_groups(asked))
    assert "mine.csv" in said and "somebody" not in said

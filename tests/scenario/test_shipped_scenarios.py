"""The scenarios that are shipped are in order, and each begins with its question."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.catalog import Catalog, scenario_root
from explorer.scenario.difference import differences
from explorer.scenario.file import check_scenario, read_scenario, write_scenario

NAMES = (
    "ai200-on-aws",
    "claims-of-the-brief",
    "diversified-fleet",
    "llama-70b-chat",
    "nvidia-only-fleet",
    "recorded-chat-traffic",
    "small-model-high-throughput",
    "trillion-moe-realtime",
)


def shipped(name: str) -> Path:
    return scenario_root() / f"{name}.toml"


def test_that_no_shipped_scenario_is_left_untested() -> None:
    assert {path.stem for path in scenario_root().glob("*.toml")} >= set(NAMES)


@pytest.mark.parametrize("path", sorted(scenario_root().glob("*.toml")), ids=lambda path: path.stem)
def test_that_a_shipped_scenario_has_no_problem_and_begins_with_its_question(path: Path, catalog: Catalog) -> None:
    loaded = read_scenario(path, catalog)
    assert check_scenario(loaded, catalog) == ()
    head = loaded.text_document.partition("\n\n")[0]
    assert head.startswith("# ")
    assert "?" in head
    assert loaded.scenario.question.endswith("?")


@pytest.mark.parametrize("name", NAMES)
def test_that_saving_a_shipped_scenario_keeps_every_byte(tmp_path: Path, name: str) -> None:
    loaded = read_scenario(shipped(name))
    write_scenario(tmp_path / "copy.toml", loaded.scenario, loaded)
    assert (tmp_path / "copy.toml").read_bytes() == shipped(name).read_bytes()


def test_that_the_founding_question_compares_four_chips_for_both_models() -> None:
    scenario = read_scenario(shipped("ai200-on-aws")).scenario
    assert [workload.name for workload in scenario.workloads] == ["70B chat", "1T MoE"]
    for workload in scenario.workloads:
        assert {alternative.chip for alternative in workload.alternatives} == {
            "qcom-ai200", "nv-h200", "aws-trn2", "nv-gb200-nvl72",
        }  # fmt: skip
    # Means and spread of the Azure conversation trace of 2023: 1154.7 (cv 0.960) and 211.1 (cv 0.771).
    traffic = scenario.workloads[0].traffic
    assert (traffic.prompt_tokens, traffic.prompt_cv) == pytest.approx((1154.7, 0.960), rel=0.005)
    assert (traffic.output_tokens, traffic.output_cv) == pytest.approx((211.1, 0.771), rel=0.005)
    assert {member.chip: member.traffic_share for member in scenario.fleet.members} == {
        "nv-h200": 0.6, "aws-trn2": 0.2, "qcom-ai200": 0.2,
    }  # fmt: skip
    assert scenario.price.basis == "cost_plus"


def test_that_the_two_fleets_differ_by_the_new_chip_alone() -> None:
    one = read_scenario(shipped("nvidia-only-fleet")).scenario
    two = read_scenario(shipped("diversified-fleet")).scenario
    assert {difference.title for difference in differences(one, two)} == {
        "Title",
        "Question",
        "70B chat · AI200: added",
        "AI200: added",
        "H200 · Traffic share",
        "H100 · Traffic share",
    }

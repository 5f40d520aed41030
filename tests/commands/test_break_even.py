"""`break-even` on the command line: a sentence with its remarks, the same as JSON; refusals say what is allowed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from explorer.cli import main

GOAL = "P99 TPOT of AI200 x16 on the 1T model <= 50 ms"


@pytest.fixture
def founding(scenarios_folder: Path) -> str:
    return str(scenarios_folder / "ai200-on-aws.toml")


def test_that_json_and_text_give_the_same_answer(founding: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["break-even", founding, "--of", "memory bandwidth of AI200", "--goal", GOAL, "--samples", "16"]
    asked += ["--replicas", "auto"]
    assert main(asked) == 0
    text = capsys.readouterr().out
    assert main([*asked, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert text.splitlines()[0] == data["sentence"]
    assert [line.strip() for line in text.splitlines()[1:]] == data["remarks"]
    assert data["status"] == "already_met" and data["met"] == "above"
    assert data["value"] < data["unknown"]["present"]
    assert data["met_in_5_percent_of_draws_from"] < data["met_in_95_percent_of_draws_from"]
    assert data["unknown"]["path"] == "overrides.qcom-ai200.memory_bandwidth"


def test_that_without_options_replicas_and_layout_are_those_of_now_as_in_the_window(
    founding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    goal = "P99 TPOT of AI200 on 70B chat <= 50 ms"
    asked = ["break-even", founding, "--of", "memory bandwidth of AI200", "--goal", goal]
    said = []
    for options in ([], ["--replicas", "now", "--hold-layout"], ["--replicas", "auto"]):
        assert main([*asked, "--samples", "0", *options]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]
    # tens of thousands of chips are an answer to another question
    assert "Any number of replicas" in said[2] and "Any number of replicas" not in said[0]


def test_that_an_infeasible_goal_names_what_blocks_it(founding: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["break-even", founding, "--of", "link bandwidth of AI200", "--goal", GOAL, "--replicas", "2"]
    assert main([*asked, "--samples", "0", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["value"] is None and data["blocked_by"]
    first = data["blocked_by"][0]
    assert first["name"] in data["sentence"] or first["name"][0].lower() + first["name"][1:] in data["sentence"]
    assert "What blocks it" in data["sentence"]


@pytest.mark.parametrize(
    ("unknown", "goal", "where", "allowed"),
    [
        ("link bandwidth of AI200", "P99 TPOT of AI200 x16 <= 50 ms", "column 13", "on 70B chat, on 1T MoE"),
        ("link bandwidth of AI200", "P99 TPUT of AI200 on 1T MoE <= 50 ms", "column 1 ", "P99 TPOT"),
        ("link bandwidth of AI200", "P99 TPOT of AI200 on 1T MoE <= 50 GB", "column 32", "50 ms"),
        ("link bandwidth of AI200", "P99 TPOT of AI200 on 1T MoE", "column 28", "<="),
        ("link width of AI200", GOAL, "link width", "link_bandwidth"),
    ],
)
def test_that_what_cannot_be_read_is_refused_with_place_and_alternatives(
    founding: str, unknown: str, goal: str, where: str, allowed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["break-even", founding, "--of", unknown, "--goal", goal]) == 2
    captured = capsys.readouterr()
    assert where in captured.err and allowed in captured.err
    assert captured.out == "" and "Traceback" not in captured.err


@pytest.mark.parametrize("option", [["--replicas", "0"], ["--replicas", "some"], ["--samples", "3"]])
def test_that_a_bad_option_is_refused(founding: str, option: list[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(["break-even", founding, "--of", "price of AI200", "--goal", GOAL, *option])
    assert refusal.value.code == 2

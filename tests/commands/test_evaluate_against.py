"""`evaluate` against a baseline: the pinned one or a file; what was changed, and what that moved, in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from explorer.cli import main


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["evaluate", "--json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_that_the_pinned_fleet_without_ai200_says_what_ai200_lowers_and_leaves(
    scenarios_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = answered(capsys, str(scenarios_folder / "diversified-fleet.toml"))
    moved = data["against_baseline"]
    assert moved["title"] == "Nvidia only"
    assert "H200 · Traffic share: 70 % → 49 %" in moved["changed"]
    assert not any("Title" in line or "Question" in line for line in moved["changed"])
    lowered, left = moved["what_it_moved"].split("; ")[:2]
    for tier in ("chip designer", "packaging", "memory type"):
        assert tier in lowered
    assert "cloud (all AWS)" in left and "foundry too if AI200 comes from TSMC" in left
    fleet = moved["fleet"]
    assert fleet["designer_effective_suppliers"]["before"] == pytest.approx(1.0)
    assert fleet["designer_effective_suppliers"]["after"] == pytest.approx(
        data["fleet"]["tiers"]["designer"]["effective_suppliers"]
    )
    assert fleet["usd_per_month"]["after"] == data["fleet"]["cost_usd_per_month"]


def test_that_a_named_file_is_the_baseline_before_the_pinned_one(
    scenarios_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = scenarios_folder / "nvidia-only-fleet.toml"
    data = answered(capsys, str(scenarios_folder / "diversified-fleet.toml"), "--baseline", str(other))
    assert data["against_baseline"]["what_it_moved"].startswith("Adding Qualcomm AI200 on AWS lowers")
    back = answered(capsys, str(other), "--baseline", str(scenarios_folder / "diversified-fleet.toml"))
    assert "raises concentration at chip designer" in back["against_baseline"]["what_it_moved"]
    chat = back["against_baseline"]["selected"]["70B chat"]
    assert chat["usd_per_month"]["before"] == pytest.approx(chat["usd_per_month"]["after"])


def test_that_without_a_baseline_nothing_is_said_to_have_moved(
    scenarios_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answered(capsys, str(scenarios_folder / "llama-70b-chat.toml"))["against_baseline"] is None


def test_that_the_table_ends_with_the_sentence(scenarios_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(scenarios_folder / "diversified-fleet.toml")]) == 0
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert lines[-1].startswith("Adding Qualcomm AI200 on AWS lowers concentration at chip designer")
    assert "Against the baseline, Nvidia only:" in lines


def test_that_a_broken_baseline_is_refused_with_its_own_name(
    scenarios_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Path(shutil.copy(scenarios_folder / "nvidia-only-fleet.toml", tmp_path / "before.toml"))
    broken.write_text(broken.read_text(encoding="utf-8").replace("traffic_share = 0.7", "traffic_share = 0.8"))
    asked = str(scenarios_folder / "diversified-fleet.toml")
    assert main(["evaluate", asked, "--json", "--baseline", str(broken)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert str(broken) in captured.err and "sum to 1.1" in captured.err

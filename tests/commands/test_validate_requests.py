"""`validate --requests` from the command line: what it prints, and when it stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from explorer.cli import main

ROWS = [f"{k * 0.4},{400 + 7 * k},{60 + k},0.0{4 + k % 5}1,0.0{1 + k % 2}2" for k in range(40)]
SYSTEM = ["--chip", "nv-h100-sxm", "--model", "llama-3.1-8b", "--layout", "tp=1"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["time,prompt,output,ttft,tpot", *ROWS, "20,30,forty,0.1,0.02"]) + "\n")
    return path


def test_that_bad_rows_stop_it_and_are_left_out_when_asked(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["validate", "--requests", str(log), *SYSTEM]
    assert main(command) == 2
    assert "line 42, output: 'forty'" in capsys.readouterr().err
    assert main([*command, "--skip-bad-rows", "--json"]) == 0
    told = capsys.readouterr()
    assert "line 42, output: 'forty'" in told.err
    found = json.loads(told.out)
    assert found["requests"] == 40 and len(found["left_out"]) == 1
    assert [(row["metric"], row["quantile"]) for row in found["percentiles"]] == [
        (metric, q) for metric in ("ttft", "tpot") for q in (0.5, 0.95, 0.99)
    ]
    assert all(row["low90_s"] <= row["predicted_s"] <= row["high90_s"] for row in found["percentiles"])


@pytest.mark.parametrize("missing", ["--chip", "--model"])
def test_that_the_system_must_be_named(log: Path, missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    at = SYSTEM.index(missing)
    assert main(["validate", "--requests", str(log), *SYSTEM[:at], *SYSTEM[at + 2 :]]) == 2
    assert "with --chip and --model" in capsys.readouterr().err


@pytest.mark.parametrize("layout", ["tp", "tp=0", "xp=2", "tp=2;pp=1"])
def test_that_a_layout_is_read_or_refused(log: Path, layout: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["validate", "--requests", str(log), *SYSTEM[:-1], layout])
    assert "is no layout" in capsys.readouterr().err

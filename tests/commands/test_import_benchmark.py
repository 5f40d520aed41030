"""`import-benchmark`: what was understood is told, good rows are written, and nothing else changes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.scenario.file import read_scenario

TABLE = """\
concurrency,prompt_tokens,output_tokens,ttft_mean_ms,ttft_p99_ms,tpot_mean_ms,tpot_p99_ms,output_tokens_per_s
1,1155,211,95,130,21.5,22.1,45.4
8,1155,211,180,420,26.4,30.2,292
16,1155,211,260,900,33.9,40.0,451
x,1155,211,900,3900,80,90,700
"""


@pytest.fixture
def scenario(scenarios_folder: Path, tmp_path: Path) -> Path:
    """A copy of the founding question that may be written to."""
    copy = tmp_path / "question.toml"
    copy.write_bytes((scenarios_folder / "ai200-on-aws.toml").read_bytes())
    return copy


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table with three good rows and a bad one."""
    place = tmp_path / "runs" / "ai200.csv"
    place.parent.mkdir()
    place.write_text(TABLE, encoding="utf-8")
    return place


def test_that_an_import_tells_what_it_understood_and_writes_the_good_rows(
    scenario: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = scenario.read_text(encoding="utf-8")
    asked = ["import-benchmark", str(scenario), str(table), "--alternative", "AI200", "--layout", "tp=2"]
    assert main(asked) == 0
    told = capsys.readouterr().out
    assert "3 rows kept, 3 of them used for the step time, 1 left out" in told
    assert "left out: concurrency: 'x' is not a number" in told and "Qualcomm AI200" in told
    new = scenario.read_text(encoding="utf-8")
    # comments stay, and every line that was there
    assert all(line in new.splitlines() for line in old.splitlines())
    (benchmark,) = read_scenario(scenario).scenario.benchmarks
    assert benchmark.file == "runs/ai200.csv" and len(benchmark.rows) == 3
    assert benchmark.sha256 == hashlib.sha256(table.read_bytes()).hexdigest()
    assert main(["check", str(scenario)]) == 0


def test_that_evaluate_tells_of_the_benchmark_and_gives_the_same_numbers_without_its_file(
    scenario: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = scenario.read_text(encoding="utf-8").replace("[simulation]", '[simulation]\nmethod = "closed_form"')
    if "[simulation]" not in text:
        text += '\n[simulation]\nmethod = "closed_form"\n'
    scenario.write_text(text, encoding="utf-8")
    assert main(["import-benchmark", str(scenario), str(table), "--alternative", "AI200", "--layout", "tp=2"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(scenario), "--json"]) == 0
    first = capsys.readouterr().out
    table.unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = scenario.rename(elsewhere / "moved.toml")
    assert main(["evaluate", str(moved), "--json"]) == 0
    assert capsys.readouterr().out == first
    one = json.loads(first)["workloads"][0]["alternatives"][0]
    assert one["evidence_grade"] == "own run" and one["own_benchmark"]["rows"] == 3
    assert one["step_error_factor"] == one["own_benchmark"]["step_error_factor"]
    assert one["step_error_factor"] < one["own_benchmark"]["step_error_factor_before"]


def test_that_a_dry_run_and_an_output_elsewhere_leave_the_scenario_alone(
    scenario: Path, table: Path, tmp_path: Path
) -> None:
    old = scenario.read_bytes()
    asked = ["import-benchmark", str(scenario), str(table), "--alternative", "H200"]
    assert main([*asked, "--dry-run"]) == 0
    assert scenario.read_bytes() == old and sorted(tmp_path.iterdir()) == [scenario, table.parent]
    other = tmp_path / "out" / "with.toml"
    other.parent.mkdir()
    assert main([*asked, "-o", str(other)]) == 0
    assert scenario.read_bytes() == old
    assert read_scenario(other).scenario.benchmarks[0].file == "../runs/ai200.csv"
    assert read_scenario(other).scenario.benchmarks[0].alternative == "H200"


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("", (), "is empty"),
        (TABLE, ("--alternative", "H300"), "no alternative 'H300'"),
        (TABLE, ("--workload", "batch"), "no workload 'batch'"),
        (TABLE, ("--model", "llama-9"), "unknown model 'llama-9'"),
        (TABLE, ("--layout", "tp=2,ep=3"), "does not divide"),
        (TABLE.replace("1155", ""), (), "nothing was imported"),
    ],
)
def test_that_what_cannot_be_imported_exits_2_with_the_reason_and_changes_nothing(
    scenario: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    options: tuple[str, ...],
    said: str,
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(content, encoding="utf-8")
    old = scenario.read_bytes()
    assert main(["import-benchmark", str(scenario), str(bad), *options]) == 2
    assert said in capsys.readouterr().err
    assert scenario.read_bytes() == old


def test_that_a_scenario_whose_benchmark_names_nobody_known_is_refused_with_line_and_key(
    scenario: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import-benchmark", str(scenario), str(table), "--alternative", "AI200", "--layout", "tp=2"]) == 0
    good = scenario.read_text(encoding="utf-8")
    head, _, tail = good.partition("[[benchmarks]]")
    for old, new, said in (
        ('model = "llama-3.1-70b"', 'model = "llama-9"', "benchmarks.0.model"),
        ('workload = "70B chat"', 'workload = "chat"', "benchmarks.0.workload"),
        ("concurrency = 8", "concurrency = -8", "benchmarks.0.rows.1.concurrency"),
        ("tp = 2", "tp = 2\nep = 3", "ep"),
    ):
        assert old in tail
        scenario.write_text(f"{head}[[benchmarks]]{tail.replace(old, new, 1)}", encoding="utf-8")
        capsys.readouterr()
        assert main(["check", str(scenario)]) == 2
        told = capsys.readouterr().err
        assert said in told and "line " in told

"""Claims in scenario files: kept on save, and refused with file, line, column and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.catalog import Catalog, load_catalog, scenario_root
from explorer.cli import main
from explorer.errors import ScenarioFileError
from explorer.scenario.file import check_scenario, read_scenario, write_scenario
from explorer.scenario.path import several

BRIEF = (
    "Q1",
    "Q2",
    "Q3",
    "Q4",
    "Q5",
    "Q6",
    "Q7",
    "Q8",
    "Q9",
    "Q10",
    "Q11",
    "Q12",
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def broken(folder: Path, statement: str) -> Path:
    text = (scenario_root() / "trillion-moe-realtime.toml").read_text(encoding="utf-8")
    path = folder / "broken.toml"
    path.write_text(f"{text}\n[[claims]]\nname = \"one\"\nstatement = '{statement}'\n", encoding="utf-8")
    return path


def test_that_every_claim_of_the_brief_is_stated_with_its_sources() -> None:
    claims = read_scenario(scenario_root() / "claims-of-the-brief.toml").scenario.claims
    assert {claim.name.partition(":")[0].rstrip("abc") for claim in claims} == set(BRIEF)
    assert all(claim.sources and claim.says and claim.found for claim in claims)


def test_that_a_changed_claim_is_saved_and_all_else_stays(tmp_path: Path) -> None:
    loaded = read_scenario(scenario_root() / "claims-of-the-brief.toml")
    said = "P99 TPOT of AI200 x8 on the 1T model > 3 x that of H200 x8"
    at = next(position for position, claim in enumerate(loaded.scenario.claims) if claim.name.startswith("Q3a"))
    changed = several(loaded.scenario, {f"claims.{at}.statement": said})
    write_scenario(tmp_path / "copy.toml", changed, loaded)
    before = loaded.text_document.splitlines()
    after = (tmp_path / "copy.toml").read_text(encoding="utf-8").splitlines()
    assert len(before) == len(after)
    assert [line for old, line in zip(before, after, strict=True) if old != line] == [f'statement = "{said}"']
    assert read_scenario(tmp_path / "copy.toml").scenario == changed


def test_that_a_new_claim_is_saved_beside_the_others(tmp_path: Path) -> None:
    loaded = read_scenario(scenario_root() / "ai200-on-aws.toml")
    claim = {"name": "mine", "statement": "P99 TPOT of AI200 on 1T MoE <= 50 ms", "sources": ["me"]}
    changed = several(loaded.scenario, {"claims.0": claim})
    write_scenario(tmp_path / "copy.toml", changed, loaded)
    again = read_scenario(tmp_path / "copy.toml")
    assert again.scenario == changed and again.scenario.claims[0].sources == ("me",)
    assert again.text_document.startswith(loaded.text_document.splitlines()[0])


@pytest.mark.parametrize(
    ("statement", "column", "allowed"),
    [
        ("P99 TPUT of AI200 < 50 ms", "column 1:", "P99 TPOT"),
        ("P99 TPOT of AI200 < 50 GB", "column 21:", "50 ms"),
        ("P99 TPOT of AI200", "column 18:", "<="),
    ],
)
def test_that_a_claim_that_cannot_be_parsed_names_file_line_column_and_what_is_allowed(
    tmp_path: Path, statement: str, column: str, allowed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = broken(tmp_path, statement)
    line = path.read_text(encoding="utf-8").splitlines().index(f"statement = '{statement}'") + 1
    with pytest.raises(ScenarioFileError) as error:
        read_scenario(path)
    (problem,) = error.value.problems
    assert problem.line == line and problem.key == "claims.0.statement"
    assert column in problem.reason and allowed in problem.allowed
    for command in ("claims", "check", "evaluate"):
        assert main([command, str(path)]) == 2
        told = capsys.readouterr().err
        assert f"{path}: line {line}, claims.0.statement: {column}" in told and allowed in told


@pytest.mark.parametrize(
    ("statement", "column", "allowed"),
    [
        ("P99 TPOT of AI300 < 50 ms", "column 13:", "AI200, H200, GB200 NVL72"),
        ("P99 TPOT of AI200 x3 < 50 ms", "column 13:", "x1, x2, x4"),
        ("P99 TPOT of AI200 on the 8B model < 50 ms", "column 22:", "1T real time"),
        ("HHI (cloud) of the baseline fleet < 9000", "column 16:", "[baseline]"),
    ],
)
def test_that_a_claim_about_what_is_not_there_is_named_by_check(
    tmp_path: Path, statement: str, column: str, allowed: str, catalog: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    path = broken(tmp_path, statement)
    (problem,) = check_scenario(read_scenario(path, catalog), catalog)
    assert problem.key == "claims.0.statement" and column in problem.reason and allowed in problem.allowed
    assert main(["claims", str(path)]) == 2
    assert column in capsys.readouterr().err


def test_that_the_command_answers_in_text_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    path = broken(tmp_path, "P99 TPOT of AI200 x8 > that of H200 x8")
    assert main(["claims", str(path)]) == 0
    text = capsys.readouterr().out
    assert main(["claims", str(path), "--json"]) == 0
    (claim,) = json.loads(capsys.readouterr().out)["claims"]
    assert 0.0 <= claim["probability"] <= 1.0
    assert claim["verdict"] in text

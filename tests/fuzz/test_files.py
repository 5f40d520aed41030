"""Files gone wrong in every way: each loads, or is refused by name and key, and no byte of it is touched."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.catalog.trace import read_trace
from explorer.cli import main
from explorer.errors import ExplorerError, ScenarioFileError
from explorer.scenario.benchmarks.reading import read_benchmark
from explorer.scenario.file import LoadedScenario, check_scenario, read_scenario, write_scenario
from explorer.scenario.snapshot import with_snapshot
from explorer.scenario.tables import plain, same
from explorer.study.evaluate import evaluate
from explorer.ui.journal import read_draft
from explorer.ui.settings import Settings, read_settings, write_settings
from tests.catalog.test_huggingface import DENSE, HYBRID, LATENT, ROUTED, WINDOWED
from tests.fuzz.drawn_scenarios import drawn
from tests.fuzz.invariants import broken
from tests.fuzz.mutations import broken_bytes, changed, numbers_moved, toml_of
from tests.scenario.test_benchmark_reading import SUMMARY, VLLM
from tests.study.asking import alternative, scenario, workload

RECORDS = ("chips", "chips", "models", "prices", "hf")
CONFIGS = (DENSE, ROUTED, LATENT, WINDOWED, HYBRID)
TRACE = b"time,prompt,output\n0.0,100,20\n0.5,300,1\n1.25,7,900\n9.5,1200,80\n"
TABLE = b"concurrency,prompt_tokens,output_tokens,ttft_mean_ms,tpot_mean_ms\n4,1000,100,200,20\n16,1000,100,400,30\n"


def spoilt_scenario(random: Random, folder: Path, catalog: Catalog) -> bytes:
    """A scenario's file with something wrong in its bytes or in what it says."""
    source = random.choice(sorted(folder.glob("*.toml")))
    if random.random() < 0.4:
        return broken_bytes(random, source.read_bytes())
    tables: dict[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))
    if random.random() < 0.4:
        tables = plain(drawn(random, catalog, method=random.choice(("closed_form", "simulation"))))
    elif random.random() < 0.3:
        tables = plain(with_snapshot(read_scenario(source).scenario, catalog, "0.1.0", "1"))
    if random.random() < 0.2:
        tables["baseline"] = tomllib.loads(random.choice(sorted(folder.glob("*.toml"))).read_text(encoding="utf-8"))
    return toml_of(changed(random, tables, random.choice((1, 1, 2, 5)))).encode("utf-8", "surrogatepass")


def kept(loaded: LoadedScenario, catalog: Catalog, folder: Path, seed: int) -> None:
    """What was loaded, saved afresh, over its own text and with a snapshot, is read as the same."""
    for name, asked, original in (
        ("fresh", loaded.scenario, None),
        ("over", loaded.scenario, loaded),
        ("stamped", with_snapshot(loaded.scenario, catalog, "0.1.0", "1"), loaded),
    ):
        path = folder / f"{name}.toml"
        write_scenario(path, asked, original)
        assert same(plain(read_scenario(path, catalog).scenario), plain(asked)), f"seed {seed}, {name}"


@pytest.mark.parametrize("first", range(0, 45, 15))
def test_that_a_spoilt_scenario_loads_whole_or_is_refused_by_file_line_and_key(
    tmp_path: Path, scenarios_folder: Path, catalog: Catalog, first: int
) -> None:
    path = tmp_path / "spoilt.toml"
    loads = 0
    for seed in range(first, first + 15):
        content = spoilt_scenario(Random(seed), scenarios_folder, catalog)
        path.write_bytes(content)
        try:
            loaded = read_scenario(path, catalog)
        except ScenarioFileError as error:
            assert str(path) in str(error) and error.problems, f"seed {seed}"
            lines = content.count(b"\n") + content.count(b"\r") + 1
            for problem in error.problems:
                assert problem.key and problem.reason, f"seed {seed}: {problem}"
                assert problem.key == "(file)" or 1 <= (problem.line or 0) <= lines, f"seed {seed}: {problem}"
        else:
            loads += 1
            assert all(one.key and one.reason for one in check_scenario(loaded, catalog)), f"seed {seed}"
            kept(loaded, catalog, tmp_path, seed)
        assert path.read_bytes() == content, f"seed {seed}"
    assert 0 < loads < 15, "some load and some do not, or nothing is tried"


@pytest.mark.parametrize("command", ["check", "evaluate"])
@pytest.mark.parametrize("seed", [3, 10, 21, 38, 55])
def test_that_the_command_line_answers_or_ends_with_2_and_no_traceback(
    tmp_path: Path, scenarios_folder: Path, capsys: pytest.CaptureFixture[str], seed: int, command: str
) -> None:
    source = (scenarios_folder / "ai200-on-aws.toml").read_bytes()
    path = tmp_path / "spoilt.toml"
    path.write_bytes(broken_bytes(Random(seed), source) + b"\nnot toml")
    assert main([command, str(path)]) == 2
    said = capsys.readouterr().err
    assert str(path) in said and "Traceback" not in said and "mistake" not in said


def spoilt_record(random: Random, folder: Path, resources: Path) -> Path:
    """One record of the user's own, with something wrong in it."""
    kind = random.choice(RECORDS)
    if kind == "hf":
        path = folder / "models" / "mine" / "config.json"
        config = random.choice(CONFIGS)
        moved = random.choice((changed, numbers_moved))(random, config, random.choice((1, 2, 4)))
        content = json.dumps(moved, default=str, indent=1).encode()
        content = broken_bytes(random, content) if random.random() < 0.2 else content
    else:
        path = folder / kind / "mine.toml"
        text = random.choice(sorted((resources / kind).glob("*.toml"))).read_text(encoding="utf-8")
        tables = tomllib.loads(text)
        tables.pop("aliases", None)
        if kind == "prices":
            tables["offers"] = [{**one, "id": f"mine-{at}"} for at, one in enumerate(tables["offers"][:2])]
        else:
            tables["id"] = "mine"
        way: Callable[[Random, Any, int], Any] = random.choice((changed, numbers_moved, numbers_moved))
        content = toml_of(way(random, tables, random.choice((1, 1, 2, 4)))).encode("utf-8", "surrogatepass")
        content = broken_bytes(random, content) if random.random() < 0.2 else content
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("first", range(0, 150, 50))
def test_that_a_spoilt_record_of_ones_own_is_answered_from_or_refused_by_name(
    tmp_path: Path, repository: Path, catalog: Catalog, first: int
) -> None:
    used = 0
    for seed in range(first, first + 50):
        folder = tmp_path / str(seed)
        path = spoilt_record(Random(seed), folder, repository / "resources")
        content = path.read_bytes()
        try:
            own = load_catalog(folder)
        except ExplorerError as error:
            assert str(path) in str(error) or "'mine" in str(error), f"seed {seed}: {error}"
        else:
            used += 1
            chip, preset = next(iter({*own.chips} - {*catalog.chips}), "nv-h200"), "llama-3.1-8b"
            preset = next(iter({*own.models} - {*catalog.models}), preset)
            offer = next(iter({*own.offers} - {*catalog.offers}), None)
            chip = own.offers[offer].chip if offer else chip
            one = alternative(chip, name="mine", cloud="", offer=offer)
            asked = scenario(workload(one, alternative("nv-h100-sxm"), preset=preset), samples=8)
            try:
                found = broken(asked, evaluate(asked, own), own)
            except ExplorerError as error:
                assert str(error), f"seed {seed}"
            else:
                assert found == [], f"seed {seed}"
        assert path.read_bytes() == content, f"seed {seed}"
    assert used > 0, "some can be used, or nothing is tried"


def spoilt(random: Random, source: bytes) -> bytes:
    """A file of somebody else's with something wrong in it."""
    if random.random() < 0.5 or not source.startswith(b"{"):
        return broken_bytes(random, source)
    wrong = changed(random, json.loads(source), random.choice((1, 1, 2, 4)))
    return json.dumps(wrong, default=str).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("name", ["run.json", "summary.txt", "table.csv"])
def test_that_a_spoilt_benchmark_is_read_or_refused_by_name(tmp_path: Path, name: str) -> None:
    summary = SUMMARY.format(scenario="Server", mode="PerformanceOnly", verdict="VALID").encode()
    source = {"run.json": json.dumps(VLLM).encode(), "summary.txt": summary, "table.csv": TABLE}[name]
    path = tmp_path / name
    for seed in range(80):
        path.write_bytes(spoilt(Random(seed), source))
        try:
            found = read_benchmark(path)
        except ExplorerError as error:
            assert str(path) in str(error), f"seed {seed}"
        else:
            assert "nan" not in repr([run.row for run in found.runs]), f"seed {seed}"


def test_that_a_spoilt_trace_is_read_or_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    for seed in range(80):
        path.write_bytes(spoilt(Random(seed), TRACE))
        try:
            found = read_trace(path)
        except ExplorerError as error:
            assert str(path) in str(error), f"seed {seed}"
        else:
            assert found.trace.count > 0, f"seed {seed}"


def test_that_spoilt_settings_are_those_of_the_first_start(tmp_path: Path) -> None:
    write_settings(tmp_path, Settings())
    path = tmp_path / "settings.json"
    source = path.read_bytes()
    for seed in range(80):
        content = spoilt(Random(seed), source)
        path.write_bytes(content)
        settings = read_settings(tmp_path)
        write_settings(tmp_path / "again", settings)
        assert read_settings(tmp_path / "again") == settings, f"seed {seed}"
        assert path.read_bytes() == content, f"seed {seed}"


def test_that_a_spoilt_journal_is_offered_whole_or_refused(
    tmp_path: Path, scenarios_folder: Path, catalog: Catalog
) -> None:
    text = (scenarios_folder / "llama-70b-chat.toml").read_text(encoding="utf-8")
    asked = read_scenario(scenarios_folder / "llama-70b-chat.toml", catalog).scenario
    whole = {"version": 1, "written_at": "2026-01-01T00:00:00", "path": "/x.toml", "original_text": text}
    path = tmp_path / "journal-0.json"
    for seed in range(60):
        random = Random(seed)
        told = json.dumps(changed(random, json.loads(asked.model_dump_json()), random.choice((0, 1, 2))), default=str)
        content = json.dumps({**whole, "scenario": told}).encode("utf-8", "surrogatepass")
        path.write_bytes(spoilt(random, content) if random.random() < 0.6 else content)
        try:
            draft = read_draft(path, catalog)
        except ExplorerError as error:
            assert re.search(r"journal|unknown|version", str(error)), f"seed {seed}: {error}"
        else:
            assert draft.scenario.workloads, f"seed {seed}"

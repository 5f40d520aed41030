"""Recorded traffic in a scenario file: found beside it, held to its SHA-256, its bad rows named."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from explorer.catalog import Catalog
from explorer.errors import ScenarioFileError
from explorer.scenario.baseline import baseline_of, with_baseline
from explorer.scenario.file import check_scenario, read_scenario, write_scenario
from explorer.scenario.path import ScenarioValueError, several
from explorer.scenario.traces import own_trace, reading_of

GOOD = "time,prompt,output\n0.0,100,20\n0.5,200,30\n2.0,300,40\n"
BAD = "time,prompt,output\n0.0,100,20\nsoon,200,30\n2.0,none,40\n3.0,300,50\n"
HEAD = """format = 1
[[workloads]]
name = "chat"
selected = "H200"
model.preset = "llama-3.1-70b"
[[workloads.alternatives]]
name = "H200"
chip = "nv-h200"
"""


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def written(folder: Path, traffic: str, trace: str = GOOD) -> Path:
    """A scenario file in a folder with a trace beside it."""
    (folder / "plans").mkdir(parents=True, exist_ok=True)
    (folder / "mine.csv").write_text(trace)
    path = folder / "plans" / "mine.toml"
    path.write_text(f"{HEAD}[workloads.traffic]\n{traffic}\n")
    return path


def own(text: str, more: str = "") -> str:
    return f'arrivals = "trace"\ntrace = {{ file = "../mine.csv", sha256 = "{sha(text)}"{more} }}'


def problem_in(path: Path, catalog: Catalog) -> str:
    with pytest.raises(ScenarioFileError) as caught:
        read_scenario(path, catalog)
    assert len(caught.value.problems) == 1, caught.value
    return str(caught.value.problems[0])


def test_that_a_file_of_ones_own_is_found_from_the_scenarios_folder(tmp_path: Path, catalog: Catalog) -> None:
    loaded = read_scenario(written(tmp_path, own(GOOD)), catalog)
    trace = loaded.scenario.workloads[0].traffic.trace
    assert trace is not None and Path(trace.file) == tmp_path / "mine.csv"
    assert reading_of(trace).trace.prompt_tokens.tolist() == [100, 200, 300]
    assert check_scenario(loaded, catalog) == ()


def test_that_a_save_elsewhere_still_finds_the_trace_and_one_in_place_keeps_every_byte(
    tmp_path: Path, catalog: Catalog
) -> None:
    path = written(tmp_path, own(GOOD))
    before = path.read_bytes()
    loaded = read_scenario(path, catalog)
    write_scenario(path, loaded.scenario, loaded)
    assert path.read_bytes() == before
    (tmp_path / "a" / "b").mkdir(parents=True)
    write_scenario(tmp_path / "a" / "b" / "far.toml", loaded.scenario, loaded)
    assert 'file = "../../mine.csv"' in (tmp_path / "a" / "b" / "far.toml").read_text()
    again = read_scenario(tmp_path / "a" / "b" / "far.toml", catalog)
    assert again.scenario.workloads == loaded.scenario.workloads


def test_that_the_trace_of_a_pinned_baseline_moves_with_the_file(tmp_path: Path, catalog: Catalog) -> None:
    scenario = read_scenario(written(tmp_path, own(GOOD)), catalog).scenario
    pinned = with_baseline(scenario, scenario)
    write_scenario(tmp_path / "pinned.toml", pinned)
    assert 'file = "mine.csv"' in (tmp_path / "pinned.toml").read_text()
    assert "../mine.csv" not in (tmp_path / "pinned.toml").read_text()
    again = baseline_of(read_scenario(tmp_path / "pinned.toml", catalog).scenario)
    assert again is not None and again.workloads == scenario.workloads


def test_that_a_trace_that_was_changed_since_is_refused_with_its_present_sum(tmp_path: Path, catalog: Catalog) -> None:
    told = problem_in(written(tmp_path, own(GOOD), GOOD + "9,9,9\n"), catalog)
    assert "workloads.0.traffic.trace.sha256" in told and "is not the file" in told
    assert sha(GOOD + "9,9,9\n") in told


def test_that_a_file_without_its_sum_is_told_it(tmp_path: Path, catalog: Catalog) -> None:
    told = problem_in(written(tmp_path, 'arrivals = "trace"\ntrace.file = "../mine.csv"'), catalog)
    assert "needs its sha256" in told and sha(GOOD) in told


def test_that_bad_rows_are_named_and_left_out_only_when_the_scenario_says_so(tmp_path: Path, catalog: Catalog) -> None:
    told = problem_in(written(tmp_path, own(BAD), BAD), catalog)
    assert "skip_bad_rows" in told and "line 3" in told and "'soon'" in told and "line 4" in told
    assert "2 other rows are good" in told
    going_on = read_scenario(written(tmp_path, own(BAD, ", skip_bad_rows = true"), BAD), catalog).scenario
    choice = going_on.workloads[0].traffic.trace
    assert choice is not None
    found = reading_of(choice)
    assert found.trace.count == 2 and len(found.problems) == 2


@pytest.mark.parametrize(
    ("traffic", "key", "reason"),
    [
        ('arrivals = "trace"', "traffic.trace", "missing"),
        ('trace.name = "azure-2023-code"', "traffic.arrivals", 'is "gamma" while a trace is given'),
        ('arrivals = "trace"\ntrace.name = "azure-2023-cod"', "trace.name", "azure-2023-code"),
        ('arrivals = "trace"\ntrace = { name = "a", file = "b" }', "trace.name", "both"),
        ('arrivals = "trace"\ntrace = { }', "trace.name", "neither"),
        ('arrivals = "trace"\ntrace = { file = "b.csv", sha256 = "abc" }', "trace.sha256", "no SHA-256"),
        ('arrivals = "trace"\ntrace = { name = "azure-2023-code", skip_bad_rows = true }', "skip_bad_rows", "shipped"),
        ('arrivals = "bursty"', "traffic.arrivals", '"gamma", "on_off", "trace"'),
        ('arrivals = "on_off"\non_share = 0', "traffic.on_share", "at least 0.01"),
        ('arrivals = "trace"\ntrace.file = "nowhere.csv"', "trace.file", "cannot be read"),
    ],
)
def test_that_arrivals_that_cannot_be_are_told_with_key_reason_and_what_is_allowed(
    tmp_path: Path, catalog: Catalog, traffic: str, key: str, reason: str
) -> None:
    told = problem_in(written(tmp_path, traffic), catalog)
    assert key in told and reason in told and "allowed:" in told


def test_that_a_change_takes_arrivals_and_trace_together(tmp_path: Path, catalog: Catalog) -> None:
    scenario = read_scenario(written(tmp_path, "request_rate_per_s = 3"), catalog).scenario
    at = "workloads.0.traffic"
    with pytest.raises(ScenarioValueError, match="missing"):
        several(scenario, {f"{at}.arrivals": "trace"})
    chosen = several(scenario, {f"{at}.arrivals": "trace", f"{at}.trace": own_trace(tmp_path / "mine.csv")})
    assert several(chosen, {f"{at}.arrivals": "gamma", f"{at}.trace": None}) == several(
        scenario, {f"{at}.arrivals": "gamma"}
    )


def test_that_another_file_than_the_scenarios_is_not_unpacked(tmp_path: Path, catalog: Catalog) -> None:
    """What cannot even be unpacked is told to be another file, once its checksum says so."""
    path = written(tmp_path, own(GOOD).replace("mine.csv", "mine.csv.gz"))
    (tmp_path / "mine.csv.gz").write_bytes(b"no gzip at all")
    assert "is not the file this scenario was made with" in problem_in(path, catalog)


def test_that_a_name_that_no_file_has_is_refused(tmp_path: Path, catalog: Catalog) -> None:
    told = problem_in(written(tmp_path, own(GOOD).replace("mine.csv", "mi\\u0000ne.csv")), catalog)
    assert "workloads.0.traffic.trace.file" in told and "cannot be read" in told

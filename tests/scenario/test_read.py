"""A file that cannot be used says where, why and what would be allowed, for all its mistakes at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog
from explorer.errors import Problem, ScenarioFileError
from explorer.scenario.baseline import baseline_of
from explorer.scenario.file import MAX_BYTES, LoadedScenario, parse_scenario, read_scenario

RATE = "request_rate_per_s = 12"


def problems_of(path: Path, catalog: Catalog | None = None) -> tuple[Problem, ...]:
    with pytest.raises(ScenarioFileError) as refusal:
        read_scenario(path, catalog)
    assert str(path) in str(refusal.value)
    return refusal.value.problems


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "reason", "allowed"),
    [
        ('chip = "nv-h200"', 'chip = "nv-h200', 23, "chip", "not TOML", "key = value"),
        ("[fleet]", "[fleet", 26, "[fleet", "not TOML", "[table]"),
        ("[price]", "[workloads.traffic]", 32, "[workloads.traffic]", "workloads.traffic twice", ""),
        (RATE, 'request_rate_per_s = "12"', 12, "workloads.0.traffic.request_rate_per_s", "not text", "at least"),
        (RATE, "request_rate_per_s = -12", 12, "workloads.0.traffic.request_rate_per_s", "at least 0.000001", "1e-06"),
        (RATE, "request_rate_per_s = nan", 12, "workloads.0.traffic.request_rate_per_s", "finite", "at least"),
        (RATE, "request_rate_per_s = 1e999", 12, "workloads.0.traffic.request_rate_per_s", "finite", "at least"),
        ('chip = "nv-h200"', 'chip = "nv-h20"', 23, "workloads.0.alternatives.1.chip", "nv-h200", "nv-h200"),
        ('"llama-3.1-70b"', '"llama3-70b"', 8, "workloads.0.model.preset", "llama-3.1-70b", "llama-3.1-70b"),
        ('cloud = "AWS"', 'offer = "aws-ai200"', 18, "workloads.0.alternatives.0.offer", "unknown offer", "aws"),
        ("traffic_share = 0.4", "traffic_share = 0.5", 27, "fleet.members", "sum to 1.1", "sum to 1"),
        ("traffic_share = 0.4", "cloud = [], traffic_share = 0.4", 29, "fleet.members.1.cloud", "must be text", "text"),
        ("traffic_share = 0.4", "traffic_share = 1.4", 29, "fleet.members.1.traffic_share", "at most 1", "at most 1"),
        ("tp = 2, pp = 1", "tp = 2, ep = 3", 24, "workloads.0.alternatives.1.layout", "impossible layout", "1, 2"),
        ("tp = 2, pp = 1", "tp = 0", 24, "workloads.0.alternatives.1.layout.tp", "at least 1", "1024"),
        ('selected = "AI200"', 'selected = "AI"', 7, "workloads.0.selected", "no alternative", "AI200, H200"),
        ('"cost_plus"', '"costplus"', 33, "price.basis", "known values", '"cost_plus"'),
        ("format = 1", "format = 2", 2, "format", "newer version", "1"),
        ("format = 1", "format = 0", 2, "format", "not known", "1"),
        ("format = 1", 'format = "1"', 2, "format", "whole number", "1"),
        ("format = 1", "", 1, "format", "missing", "1"),
        ("format = 1", "format = 0x" + "f" * 5000, 2, "format", "too many digits", "64 bits"),
        (RATE, "request_rate_per_s = 1e-308", 12, "workloads.0.traffic.request_rate_per_s", "at least", "1e-06"),
        (RATE, "output_cv = 0x" + "f" * 5000, 12, "workloads.0.traffic.output_cv", "too many digits", "64"),
        ("margn = 0.5", "utilisation_sold = 1e-308", 34, "price.utilisation_sold", "at least 0.01", "0.01"),
        ("margn = 0.5", "life_years = 1e-308", 34, "price.life_years", "at least 0.1", "0.1"),
        ("[x-mine]", "[simulation]\nrequests = 2000001\n[x-mine]", 37, "simulation.requests", "at most 2,000,000", "2"),
        ("[x-mine]", "[simulation]\nsamples = 8193\n[x-mine]", 37, "simulation.samples", "at most 8,192", "8192"),
        (
            "margn = 0.5", "colocation_usd_per_kw_month = 1e308", 34,
            "price.colocation_usd_per_kw_month", "at most 1,000,000,000,000", "1e+12",
        ),
        ("format = 1", 'format = 1\nas_of = "22.11.2026"', 3, "as_of", "no day", "2026-11-22"),
        ("format = 1", 'format = 1\nas_of = "2026-02-30"', 3, "as_of", "no day", "2026-11-22"),
        ("format = 1", 'format = 1\nas_of = "20261122"', 3, "as_of", "no day", "2026-11-22"),
        ('chip = "nv-h200"', "", 21, "workloads.0.alternatives.1.chip", "missing", "text"),
        ("margn = 0.5", "margin = 1" + "0" * 5000, 34, "margin", "too many digits", ""),
        ("[x-mine]", "[baseline]\n[x-mine]", 36, "baseline.workloads", "missing", "tables"),
        ("[x-mine]", "[overrides.nv-h20.sram]\nbelief = 0.1\n[x-mine]", 36, "overrides.nv-h20", "nv-h200", ""),
        (
            "[x-mine]", "[overrides.nv-h200]\nmemory_bandwith.belief = 0.1\n[x-mine]", 37,
            "overrides.nv-h200.memory_bandwith", "memory_bandwidth", "memory_bandwidth",
        ),
        (
            "[x-mine]", "[overrides.nv-h200.sram]\nvalue = 5\n[x-mine]", 36,
            "overrides.nv-h200.sram.unit", "needs its unit", "TB/s",
        ),
    ],
)  # fmt: skip
def test_that_a_mistake_is_told_with_line_key_reason_and_what_is_allowed(
    file_with: Callable[[str, str], Path],
    catalog: Catalog,
    old: str,
    new: str,
    line: int,
    key: str,
    reason: str,
    allowed: str,
) -> None:
    (problem,) = problems_of(file_with(old, new), catalog)
    assert (problem.line, problem.key) == (line, key)
    assert reason in problem.reason
    assert allowed in problem.allowed
    assert problem.allowed


def test_that_all_mistakes_are_told_at_once_in_the_order_of_the_file(
    tmp_path: Path, hand_written: str, catalog: Catalog
) -> None:
    path = tmp_path / "many.toml"
    text = hand_written.replace(RATE, "request_rate_per_s = -12").replace("nv-h200", "nv-h20")
    path.write_text(text.replace("0.4", "0.5").replace('"cost_plus"', "3"))
    assert [(problem.line, problem.key) for problem in problems_of(path, catalog)] == [
        (12, "workloads.0.traffic.request_rate_per_s"),
        (23, "workloads.0.alternatives.1.chip"),
        (27, "fleet.members"),
        (28, "fleet.members.0.chip"),
        (33, "price.basis"),
    ]


def test_that_an_unknown_chip_is_no_error_where_no_catalogue_is_at_hand(
    file_with: Callable[[str, str], Path],
) -> None:
    loaded = read_scenario(file_with('chip = "nv-h200"', 'chip = "nv-h20"'))
    assert loaded.scenario.workloads[0].alternatives[1].chip == "nv-h20"


def test_that_a_misspelt_key_is_kept_and_warned_about_with_the_nearest_name(loaded: LoadedScenario) -> None:
    (warning,) = loaded.warnings
    assert (warning.line, warning.key) == (34, "price.margn")
    assert "margin" in warning.reason


@pytest.mark.parametrize(
    ("content", "line", "reason", "allowed"),
    [
        (b"", 1, "empty", "format = 1"),
        (b" \n\t\n", 1, "empty", "format = 1"),
        (b"format = 1\n# caf\xe9\n", 2, "0xe9", "UTF-8"),
        (b"\xff\xfef\x00", 1, "not UTF-8", "UTF-8"),
        (b"[" * 3_000_000, None, "too large", "1,000,000"),
        (b"a = " + b"[" * (MAX_BYTES - 4), 1, "too deeply", "32"),
        (b"a = " + b"[{b=" * 100_000, 1, "too deeply", "32"),
        (b"a = " + b"[" * 40 + b"]" * 40, 1, "too deeply", "32"),
        (b"a." * 400_000 + b"b = 1", 1, "too deeply", "64"),
        (b"format = 1\nworkloads = [3]", 2, "must be a table", "a table"),
    ],
)
def test_that_a_hostile_file_is_refused_with_a_reason(
    tmp_path: Path, content: bytes, line: int | None, reason: str, allowed: str
) -> None:
    path = tmp_path / "hostile.toml"
    path.write_bytes(content)
    (problem,) = problems_of(path)
    assert problem.line == line
    assert reason in problem.reason
    assert allowed in problem.allowed


def test_that_a_missing_file_and_a_folder_are_called_so(tmp_path: Path) -> None:
    (missing,) = problems_of(tmp_path / "none.toml")
    assert "does not exist" in missing.reason
    (folder,) = problems_of(tmp_path)
    assert "is a folder" in folder.reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_that_a_pipe_nobody_writes_to_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (problem,) = problems_of(tmp_path / "pipe.toml")
    assert "is not a file" in problem.reason


def test_that_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path, hand_written: str) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + hand_written.replace("\n", "\r\n").encode())
    assert read_scenario(path).scenario == parse_scenario(hand_written, path).scenario


def test_that_a_promise_left_out_is_not_made(file_with: Callable[[str, str], Path]) -> None:
    path = file_with("[workloads.traffic]", "[workloads.objectives]\nttft_p99_s = 1.5\n[workloads.traffic]")
    objectives = read_scenario(path).scenario.workloads[0].objectives
    assert (objectives.ttft_p99_s, objectives.tpot_p99_s) == (1.5, None)


def test_that_the_mistakes_of_a_baseline_are_told_under_its_own_keys(hand_written: str) -> None:
    body = hand_written.split("\n", 3)[3].replace("[workloads.", "[baseline.workloads.").replace("= 12 #", "= -1 #")
    body = body.replace("[[workloads", "[[baseline.workloads").replace("[fleet]", "[baseline.fleet]")
    text = hand_written + body.partition("[price]")[0]
    with pytest.raises(ScenarioFileError) as refusal:
        parse_scenario(text, Path("mine.toml"))
    (problem,) = refusal.value.problems
    assert problem.key == "baseline.workloads.0.traffic.request_rate_per_s"
    assert text.splitlines()[(problem.line or 0) - 1].startswith("request_rate_per_s = -1")
    baseline = baseline_of(parse_scenario(text.replace("= -1 #", "= 3 #"), Path("mine.toml")).scenario)
    assert baseline is not None
    assert baseline.workloads[0].traffic.request_rate_per_s == 3


@given(cut=st.integers(0, 800), junk=st.text(max_size=8), length=st.integers(0, 40))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_that_any_damage_is_either_read_or_refused_with_problems(
    hand_written: str, cut: int, junk: str, length: int
) -> None:
    text = hand_written[:cut] + junk + hand_written[cut + length :]
    try:
        parse_scenario(text, Path("damaged.toml"))
    except ScenarioFileError as error:
        assert error.problems
        assert all(problem.reason and problem.key for problem in error.problems)

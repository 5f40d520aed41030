"""Saving keeps what a hand has written, and the file reads back as the very scenario that was saved."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from explorer.errors import ScenarioFileError
from explorer.scenario.baseline import baseline_of, with_baseline
from explorer.scenario.file import LoadedScenario, parse_scenario, read_scenario, write_scenario
from explorer.scenario.path import replace, several
from explorer.scenario.schema import Scenario
from explorer.scenario.workload import Alternative


def changed_lines(old: str, new: str) -> list[str]:
    """The lines that differ, as "-old" and "+new"."""
    lines = difflib.ndiff(old.splitlines(), new.splitlines())
    return [line[0] + line[2:] for line in lines if line[0] in "+-"]


def saved(tmp_path: Path, scenario: Scenario, original: LoadedScenario) -> list[str]:
    """Save over the original's text and give the lines that changed; the file must read back the same."""
    path = tmp_path / "saved.toml"
    assert write_scenario(path, scenario, original).scenario == scenario
    assert read_scenario(path).scenario == scenario
    return changed_lines(original.text_document, path.read_text(encoding="utf-8"))


def test_that_what_is_not_a_number_in_a_table_of_ones_own_can_be_saved(tmp_path: Path, loaded: LoadedScenario) -> None:
    text = loaded.text_document.replace("[x-mine]", "[x-mine]\nmissing = nan")
    original = parse_scenario(text, Path("mine.toml"))
    moved = replace(original.scenario, "title", "Moved")
    path = tmp_path / "saved.toml"
    for before in (original, None):
        write_scenario(path, moved, before)
        assert read_scenario(path).scenario.title == "Moved"
        assert "missing = nan" in path.read_text(encoding="utf-8")


def test_that_saving_unchanged_changes_no_byte(tmp_path: Path, loaded: LoadedScenario) -> None:
    assert saved(tmp_path, loaded.scenario, loaded) == []
    assert (tmp_path / "saved.toml").read_bytes() == loaded.text_document.encode()


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (
            "workloads.0.traffic.request_rate_per_s", 15.0,
            ["-request_rate_per_s = 12 # asked the team", "+request_rate_per_s = 15 # asked the team"],
        ),
        (
            "workloads.0.traffic.request_rate_per_s", 12.5,
            ["-request_rate_per_s = 12 # asked the team", "+request_rate_per_s = 12.5 # asked the team"],
        ),
        ("workloads.0.traffic.output_tokens", 100.0, ["+output_tokens = 100"]),
        ("workloads.0.alternatives.0.max_batch", 64, ["+max_batch = 64"]),
        (
            "workloads.0.alternatives.1.layout.tp", 4,
            ["-layout = { tp = 2, pp = 1 }", "+layout = { tp = 4, pp = 1 }"],
        ),
        ("workloads.0.model.weight_precision", "fp4", ['+model.weight_precision = "fp4"']),
        ("workloads.0.alternatives.0.cloud", "", ['-cloud = "AWS"', '+cloud = ""']),
        ("title", "Ours", ['-title = "Mine"   # not final', '+title = "Ours"   # not final']),
        ("workloads.0.objectives", {}, ["+[workloads.objectives]", "+"]),
        ("question", "One\nTwo", ['+question = """One', '+Two"""']),
        (
            "overrides.qcom-ai200.memory_bandwidth.belief", 0.3,
            ["+", "+[overrides.qcom-ai200.memory_bandwidth]", "+belief = 0.3"],
        ),
        (
            "workloads.0.alternatives.2", Alternative(name="T", chip="aws-trn2"),
            ["+[[workloads.alternatives]]", '+name = "T"', '+chip = "aws-trn2"', "+"],
        ),
        (
            "workloads.0.alternatives.1", None,
            ["-[[workloads.alternatives]]", '-name = "H200"', '-chip = "nv-h200"', "-layout = { tp = 2, pp = 1 }", "-"],
        ),
    ],
)  # fmt: skip
def test_that_a_change_touches_only_its_own_lines(
    tmp_path: Path, loaded: LoadedScenario, path: str, value: Any, lines: list[str]
) -> None:
    assert saved(tmp_path, replace(loaded.scenario, path, value), loaded) == lines


def test_that_shares_in_a_list_in_line_keep_its_comments(tmp_path: Path, loaded: LoadedScenario) -> None:
    changed = several(loaded.scenario, {"fleet.members.0.traffic_share": 1.0, "fleet.members.1": None})
    lines = saved(tmp_path, changed, loaded)
    assert '+  { name = "H200", chip = "nv-h200", traffic_share = 1 }, # three fifths' in lines
    assert len(lines) == 3


def test_that_a_setting_back_at_its_default_stays_stated(tmp_path: Path, loaded: LoadedScenario) -> None:
    lines = saved(tmp_path, replace(loaded.scenario, "workloads.0.traffic.prompt_tokens", 1024.0), loaded)
    assert lines == ["-prompt_tokens = 1155", "+prompt_tokens = 1024"]


def test_that_each_save_goes_on_from_the_last(tmp_path: Path, loaded: LoadedScenario) -> None:
    path = tmp_path / "twice.toml"
    once = write_scenario(path, replace(loaded.scenario, "price.margin", 0.2), loaded)
    twice = write_scenario(path, replace(once.scenario, "price.margin", 0.3), once)
    assert changed_lines(once.text_document, twice.text_document) == ["-margin = 0.2", "+margin = 0.3"]


def test_that_windows_line_ends_are_kept(tmp_path: Path, hand_written: str) -> None:
    original = parse_scenario(hand_written.replace("\n", "\r\n"), Path("mine.toml"))
    path = tmp_path / "windows.toml"
    write_scenario(path, replace(original.scenario, "workloads.0.traffic.prompt_tokens", 9.0), original)
    old, new = original.text_document.split("\r\n"), path.read_bytes().decode().split("\r\n")
    assert [line for line in new if line not in old] == ["prompt_tokens = 9"]


def test_that_a_fresh_file_states_every_setting(tmp_path: Path, scenario: Scenario) -> None:
    path = tmp_path / "fresh.toml"
    assert write_scenario(path, scenario).scenario == scenario
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    stated = {key for key in type(scenario.price).model_fields if getattr(scenario.price, key) is not None}
    assert data["price"].keys() == {*stated, "margn"}
    assert data["workloads"][0]["traffic"].keys() == {*type(scenario.workloads[0].traffic).model_fields} - {"trace"}
    assert data["x-mine"] == {"list": [1, 2]}


def test_that_a_baseline_is_saved_inside_and_read_back(tmp_path: Path, loaded: LoadedScenario) -> None:
    before = loaded.scenario
    pinned = with_baseline(replace(before, "workloads.0.model.size_billion", 405.0), before)
    lines = saved(tmp_path, pinned, loaded)
    assert not [line for line in lines if line.startswith("-")]
    assert baseline_of(read_scenario(tmp_path / "saved.toml").scenario) == before
    assert with_baseline(pinned, None).baseline is None


def test_that_text_the_library_cannot_amend_is_still_saved_right(tmp_path: Path) -> None:
    # Tables out of order: legal, and the hardest thing for a library that keeps the layout.
    text = """format = 1
[fleet]
tiers = ["cloud"]
[[workloads]]
name = "w"
selected = "a"
[workloads.model]
preset = "llama-3.1-8b"
[price.x-a]
k = 1
[[workloads.alternatives]]
name = "a"
chip = "c"
[price]
basis = "own"
"""
    original = parse_scenario(text, Path("odd.toml"))
    changed = several(original.scenario, {"price.margin": 0.1, "price.basis": "offer", "fleet.tiers": ["foundry"]})
    saved(tmp_path, changed, original)


CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "title": st.text(max_size=12),
    "question": st.text('ab\n\r\t\\"\'é\u2028#=[', max_size=12),
    "workloads.0.model.size_billion": st.none() | st.floats(min_value=0.1, max_value=20_000),
    "workloads.0.traffic.request_rate_per_s": st.floats(min_value=1e-3, max_value=1e6),
    "workloads.0.objectives.ttft_p99_s": st.none() | st.floats(min_value=1e-9, max_value=100),
    "workloads.0.alternatives.0.layout": st.just("auto") | st.builds(lambda tp: {"tp": tp}, st.integers(1, 64)),
    "workloads.0.alternatives.1.layout": st.just("auto") | st.builds(lambda tp: {"tp": tp}, st.integers(1, 64)),
    "workloads.0.alternatives.2": st.none() | st.builds(Alternative, name=st.just("T"), chip=st.text(max_size=5)),
    "price.basis": st.sampled_from(["offer", "cost_plus", "own"]),
    "access.clouds": st.lists(st.text(max_size=5), max_size=3).map(tuple),
    "fleet": st.just({}) | st.just({"members": [{"name": "x", "chip": "c", "traffic_share": 1.0}]}),
    "overrides.qcom-ai200.memory_bandwidth.belief": st.floats(min_value=0, max_value=1),
    "overrides.my-chip.sram": st.just({"value": 3, "unit": "MB", "reason": 'said "so"'}),
}  # fmt: skip


@given(changes=st.fixed_dictionaries({}, optional=CHANGES))
@example(changes={"title": "one\r\ntwo"})  # written raw, a carriage return is lost in reading
@example(changes={"question": 'a "quoted"\n"'})
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_that_every_scenario_is_read_back_as_it_was_written(
    tmp_path: Path, loaded: LoadedScenario, changes: dict[str, Any]
) -> None:
    path = tmp_path / "any.toml"
    changed = several(loaded.scenario, changes)
    amended = write_scenario(path, changed, loaded)
    assert read_scenario(path).scenario == changed
    assert "# A question of mine" in amended.text_document
    write_scenario(path, changed)
    assert read_scenario(path).scenario == changed
    write_scenario(path, loaded.scenario, amended)
    assert read_scenario(path).scenario == loaded.scenario


def test_that_an_oversized_scenario_is_refused_before_the_old_file_is_touched(
    file_with: Callable[[str, str], Path],
) -> None:
    path = file_with("format = 1", "format = 1")
    original = read_scenario(path)
    with pytest.raises(ScenarioFileError, match="larger"):
        write_scenario(path, replace(original.scenario, "question", "x" * 2_000_000), original)
    assert path.read_text(encoding="utf-8") == original.text_document


def test_that_half_a_character_is_refused_before_the_old_file_is_touched(
    tmp_path: Path, loaded: LoadedScenario
) -> None:
    path = tmp_path / "half.toml"
    write_scenario(path, loaded.scenario, loaded)
    with pytest.raises(ScenarioFileError, match="half of a pair"):
        write_scenario(path, replace(loaded.scenario, "title", "a\ud800b"), loaded)
    assert read_scenario(path).scenario == loaded.scenario

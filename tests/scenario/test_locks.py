"""Locks in a scenario file: kept on save, read back, refused where they lead nowhere, and no input of the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.catalog import Catalog
from explorer.errors import ScenarioFileError
from explorer.scenario.baseline import baseline_of, with_baseline
from explorer.scenario.difference import differences
from explorer.scenario.file import check_scenario, read_scenario, write_scenario
from explorer.scenario.locks import locks_without, unknown_locks, with_known_locks
from explorer.scenario.path import replace

RATE = "workloads.0.traffic.request_rate_per_s"
BELIEF = "overrides.qcom-ai200.memory_bandwidth"


def test_that_locks_are_saved_beside_comments_and_read_back(
    catalog: Catalog, scenarios_folder: Path, tmp_path: Path
) -> None:
    loaded = read_scenario(scenarios_folder / "ai200-on-aws.toml", catalog)
    assert loaded.scenario.locks == ()
    place = tmp_path / "locked.toml"
    write_scenario(place, replace(loaded.scenario, "locks", (RATE, BELIEF)), loaded)
    again = read_scenario(place, catalog)
    assert again.scenario.locks == (RATE, BELIEF)
    assert check_scenario(again, catalog) == ()
    comments = [line for line in loaded.path.read_text("utf-8").splitlines() if line.startswith("#")]
    assert comments and [line for line in place.read_text("utf-8").splitlines() if line.startswith("#")] == comments
    write_scenario(place, replace(again.scenario, "locks", ()), again)
    assert read_scenario(place, catalog).scenario.locks == ()


def test_that_a_lock_that_leads_nowhere_is_named_with_its_place(
    catalog: Catalog, scenarios_folder: Path, tmp_path: Path
) -> None:
    text = (scenarios_folder / "llama-70b-chat.toml").read_text("utf-8")
    place = tmp_path / "misspelt.toml"
    place.write_text('locks = ["workloads.0.traffic.request_rate"]\n' + text, "utf-8")
    problems = check_scenario(read_scenario(place, catalog), catalog)
    assert len(problems) == 1
    assert "line 1" in str(problems[0]) and "'workloads.0.traffic.request_rate'" in str(problems[0])
    assert "request_rate_per_s" in str(problems[0])


@pytest.mark.parametrize("stated", ["locks = 3", 'locks = [""]', "locks = [1]"])
def test_that_locks_of_another_kind_are_refused(stated: str, scenarios_folder: Path, tmp_path: Path) -> None:
    text = (scenarios_folder / "llama-70b-chat.toml").read_text("utf-8")
    place = tmp_path / "odd.toml"
    place.write_text(f"{stated}\n{text}", "utf-8")
    with pytest.raises(ScenarioFileError, match="locks"):
        read_scenario(place)


def test_that_a_lock_is_no_input_and_stays_out_of_the_baseline(catalog: Catalog, scenarios_folder: Path) -> None:
    plain = read_scenario(scenarios_folder / "llama-70b-chat.toml", catalog).scenario
    locked = replace(plain, "locks", (RATE,))
    assert differences(plain, locked) == ()
    pinned = baseline_of(with_baseline(plain, locked))
    assert pinned is not None and pinned.locks == ()


def test_that_locks_of_what_is_gone_go_too(catalog: Catalog, scenarios_folder: Path) -> None:
    plain = read_scenario(scenarios_folder / "llama-70b-chat.toml", catalog).scenario
    gone, kept = "workloads.7.traffic.request_rate_per_s", "workloads.0.alternatives.0.max_batch"
    locked = replace(plain, "locks", (RATE, gone, kept))
    assert unknown_locks(locked) == (gone,)
    assert with_known_locks(locked).locks == (RATE, kept)


def test_that_locks_follow_their_item_when_one_before_it_is_taken_out() -> None:
    items = "workloads.0.alternatives"
    locks = (f"{items}.0.max_batch", f"{items}.1.max_batch", f"{items}.12.replicas", RATE, "workloads.0.alternatives")
    assert locks_without(locks, items, 1) == (
        f"{items}.0.max_batch",
        f"{items}.11.replicas",
        RATE,
        "workloads.0.alternatives",
    )

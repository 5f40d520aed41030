"""The document: undo, drags, baseline, files, clean and dirty."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from explorer.catalog.catalog import Catalog
from explorer.errors import ExplorerError, ScenarioFileError
from explorer.scenario.file import read_scenario
from explorer.scenario.path import ScenarioValueError
from explorer.ui.document import Document

RATE = "workloads.0.traffic.request_rate_per_s"
BATCH = "workloads.0.alternatives.0.max_batch"


def rate_of(document: Document) -> float:
    return document.scenario.workloads[0].traffic.request_rate_per_s


def test_that_a_change_makes_a_new_scenario_and_a_new_outcome(document: Document, qtbot: QtBot) -> None:
    before, answer = document.scenario, document.outcome
    with qtbot.waitSignals([document.scenario_changed, document.outcome_changed]):
        document.change(RATE, 20.0, "request rate")
    assert rate_of(document) == 20.0
    assert before.workloads[0].traffic.request_rate_per_s == 12.0
    assert document.outcome.workloads[0].chosen.request_rate == 20.0
    assert answer.workloads[0].chosen.request_rate == 12.0


def test_that_undo_and_redo_bring_values_back_and_are_named(document: Document) -> None:
    document.change(RATE, 20.0, "request rate")
    document.change(BATCH, 64, "batch size")
    assert document.undo_stack.undoText() == "change of batch size"
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert rate_of(document) == 12.0
    document.undo_stack.redo()
    assert rate_of(document) == 20.0
    assert document.scenario.workloads[0].alternatives[0].max_batch == 256


def test_that_a_drag_is_one_undo_step_and_two_drags_are_two(document: Document) -> None:
    for values in ((13.0, 14.0, 15.0), (16.0, 17.0)):
        document.begin_drag()
        for value in values:
            document.change(RATE, value)
        document.end_drag()
    assert document.undo_stack.count() == 2
    document.undo_stack.undo()
    assert rate_of(document) == 15.0
    document.undo_stack.undo()
    assert rate_of(document) == 12.0


def test_that_a_drag_that_comes_back_leaves_nothing_to_undo(document: Document) -> None:
    document.begin_drag()
    for value in (13.0, 14.0, 12.0):
        document.change(RATE, value)
    document.end_drag()
    assert document.undo_stack.count() == 0 and not document.is_dirty


def test_that_setting_the_same_value_is_no_change(document: Document) -> None:
    document.change(RATE, 12.0)
    assert document.undo_stack.count() == 0


@pytest.mark.parametrize("path, value", [(RATE, -1.0), (RATE, "many"), (BATCH, 0), ("workloads.0.nothing", 1)])
def test_that_a_refused_value_leaves_everything_as_it_was(document: Document, path: str, value: Any) -> None:
    before, answer = document.scenario, document.outcome
    with pytest.raises(ScenarioValueError):
        document.change(path, value)
    assert document.scenario is before and document.outcome is answer
    assert document.undo_stack.count() == 0 and not document.is_dirty


def test_that_values_only_right_together_are_changed_together(document: Document) -> None:
    count = len(document.scenario.fleet.members)
    with pytest.raises(ExplorerError, match="traffic shares sum to"):
        document.change("fleet.members.0.traffic_share", 0.99)
    shares = {f"fleet.members.{place}.traffic_share": 1 / count for place in range(count)}
    document.change_several(shares, "fleet shares")
    assert document.undo_stack.count() == 1
    document.undo_stack.undo()
    assert document.scenario.fleet.members[0].traffic_share != 1 / count


def test_that_the_baseline_is_the_scenario_as_opened_until_one_is_pinned(document: Document) -> None:
    document.change(RATE, 20.0)
    assert document.baseline_value(RATE) == 12.0 and document.baseline_name == "as opened"
    document.pin_baseline()
    document.change(RATE, 30.0)
    assert document.baseline_value(RATE) == 20.0 and document.baseline_name == "pinned"
    assert document.baseline_outcome is not None
    assert document.baseline_outcome.workloads[0].chosen.request_rate == 20.0
    document.back_to_baseline(RATE)
    assert rate_of(document) == 20.0
    document.undo_stack.undo()
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert document.baseline_value(RATE) == 12.0


def test_that_a_baseline_of_another_chip_marks_nothing(document: Document) -> None:
    first = document.scenario.workloads[0].alternatives[0]
    document.change_several({
        "workloads.0.alternatives.0": first.model_copy(update={"name": "Other"}), "workloads.0.selected": "Other",
    })  # fmt: skip
    assert document.baseline_value(BATCH) is None


def test_that_a_saved_file_reads_back_equal_and_the_document_is_clean(
    document: Document, scenario_file: Path, catalog: Catalog
) -> None:
    comments = [line for line in scenario_file.read_text().splitlines() if line.startswith("#")]
    document.change(RATE, 20.0)
    assert document.is_dirty
    document.save()
    assert not document.is_dirty
    again = read_scenario(scenario_file, catalog).scenario
    assert again.workloads == document.scenario.workloads and again.fleet == document.scenario.fleet
    assert again.catalog_edition == catalog.edition
    assert comments and all(comment in scenario_file.read_text() for comment in comments)


def test_that_saving_twice_keeps_what_was_saved(document: Document, scenario_file: Path, catalog: Catalog) -> None:
    for rate in (20.0, 21.0):
        document.change(RATE, rate)
        document.save()
    assert read_scenario(scenario_file, catalog).scenario.workloads[0].traffic.request_rate_per_s == 21.0


def test_that_undo_after_a_save_makes_it_dirty_and_redo_clean(document: Document) -> None:
    document.change(RATE, 20.0)
    document.save()
    document.undo_stack.undo()
    assert document.is_dirty
    document.undo_stack.redo()
    assert not document.is_dirty


def test_that_a_save_that_fails_is_told_and_stays_dirty(document: Document, tmp_path: Path) -> None:
    document.change(RATE, 20.0)
    with pytest.raises(ScenarioFileError):
        document.save_as(tmp_path / "nowhere" / "scenario.toml")
    assert document.is_dirty and document.path == tmp_path / "question.toml"


def test_that_a_document_without_a_file_asks_for_one(document: Document) -> None:
    document.start_anew(document.scenario)
    with pytest.raises(ScenarioFileError, match="no file"):
        document.save()


BAD_FILES = {
    "bad TOML": b"format = 1\n[[workloads]\n",
    "not UTF-8": b"\xff\xfe\x00",
    "future format": b"format = 99\n",
    "brackets": b"a = " + b"[" * 3_000_000,
    "empty": b"",
    "negative rate": b"""format = 1
[[workloads]]
name = "a"
selected = "x"
model = { preset = "llama-3.1-70b" }
traffic = { request_rate_per_s = -3 }
[[workloads.alternatives]]
name = "x"
chip = "nv-h200"
""",
    "unknown chip": b"""format = 1
[[workloads]]
name = "a"
selected = "x"
model = { preset = "llama-3.1-70b" }
[[workloads.alternatives]]
name = "x"
chip = "nv-h2000"
""",
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES)
def test_that_a_broken_file_leaves_everything_as_it_was(document: Document, tmp_path: Path, content: bytes) -> None:
    document.change(RATE, 20.0)
    before, answer, path = document.scenario, document.outcome, document.path
    broken = tmp_path / "broken.toml"
    broken.write_bytes(content)
    with pytest.raises(ScenarioFileError) as told:
        document.open(broken)
    assert str(broken) in str(told.value)
    assert (document.scenario, document.outcome, document.path) == (before, answer, path)
    assert document.is_dirty and document.undo_stack.count() == 1


def test_that_figures_known_otherwise_today_are_told_on_opening(document: Document, scenario_file: Path) -> None:
    document.save()
    text = scenario_file.read_text()
    assert document.open(scenario_file) == ()
    figure = next(line for line in text.splitlines() if "memory_bandwidth" in line and "value" in line)
    changed = re.sub(r"value = [0-9.e+]+", "value = 1.0", figure)
    scenario_file.write_text(text.replace(figure, changed))
    remarks = document.open(scenario_file)
    assert len(remarks) == 1 and "as known today" in remarks[0] and "andwidth" in remarks[0]


def test_that_opening_clears_undo_and_takes_the_new_file(document: Document, scenarios_folder: Path) -> None:
    document.change(RATE, 20.0)
    document.open(scenarios_folder / "llama-70b-chat.toml")
    assert document.undo_stack.count() == 0 and not document.is_dirty
    assert document.path == scenarios_folder / "llama-70b-chat.toml"
    assert document.baseline is document.scenario


def test_that_another_workload_is_edited_without_an_undo_step(document: Document, qtbot: QtBot) -> None:
    assert len(document.scenario.workloads) == 2
    with qtbot.waitSignal(document.workload_changed):
        document.select_workload(1)
    assert document.workload is document.scenario.workloads[1]
    assert document.workload_path("traffic") == "workloads.1.traffic"
    assert document.undo_stack.count() == 0
    with pytest.raises(IndexError):
        document.select_workload(2)


def test_that_documents_are_made_by_their_path(make_document: Callable[[Path], Document], scenario_file: Path) -> None:
    assert make_document(scenario_file).path == scenario_file

"""The journal: unsaved work survives a crash, nothing is left after a clean end, and no file is ever harmed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from explorer.catalog.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.file import read_scenario
from explorer.ui.document import Document
from explorer.ui.journal import DELAY_MS, PATTERN, Journal, left_behind

RATE = "workloads.0.traffic.request_rate_per_s"
ROUNDS = 10
LOST_AT_MOST_S = 1.0


def rate_of(scenario: object) -> float:
    """The request rate of a scenario's first workload."""
    rate: float = scenario.workloads[0].traffic.request_rate_per_s  # type: ignore[attr-defined]
    return rate


def entries(ledger: Path) -> list[tuple[str, float, float]]:
    """What the ledger holds; a line cut short by the kill is left out."""
    lines = [line.split() for line in ledger.read_text().split("\n")[:-1]]
    return [(word, float(number), float(when)) for word, number, when in lines]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a matter of POSIX")
@pytest.mark.timeout(180)
def test_that_killing_an_edit_and_save_loop_loses_at_most_a_second_and_never_a_file(
    scenario_file: Path, tmp_path: Path, catalog: Catalog, repository: Path
) -> None:
    state, ledger = tmp_path / "state", tmp_path / "ledger"
    chance = random.Random(20261123)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(repository), *sys.path])}
    command = [sys.executable, "-m", "tests.ui.edit_and_save", str(scenario_file), str(state), str(ledger)]
    journalled = 0
    filed_before = kept_before = rate_of(read_scenario(scenario_file, catalog).scenario)
    for turn in range(ROUNDS):
        ledger.unlink(missing_ok=True)
        child = subprocess.Popen(command, cwd=repository, env=environment, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 30
        while not (ledger.exists() and "change" in ledger.read_text()):
            assert child.poll() is None and time.monotonic() < until, child.stderr and child.stderr.read()
            time.sleep(0.01)
        if turn % 2:
            # Every other round dies at any moment, these with unsaved work in the journal however slow the machine is.
            while not list(state.glob(PATTERN)):
                assert child.poll() is None and time.monotonic() < until
                time.sleep(0.01)
        else:
            time.sleep(chance.uniform(0.2, 1.7))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        killed = time.time()
        book = entries(ledger)
        # The file is whole, and of the last save that ended or of the one under way.
        filed = rate_of(read_scenario(scenario_file, catalog).scenario)
        saves = [(word, number) for word, number, _ in book if word in ("saving", "saved")]
        done = [number for word, number in saves if word == "saved"]
        allowed = {done[-1] if done else filed_before}
        if saves and saves[-1][0] == "saving":
            allowed.add(saves[-1][1])
        assert filed in allowed, f"round {turn}: {filed} on disk after {saves[-3:]}"
        filed_before = filed
        # Journal and file together hold every change that is older than a second.
        kept = filed
        found = left_behind(state, catalog)
        for one in found:
            kept = max(kept, rate_of(one.draft.scenario))
            assert one.draft.path == scenario_file
            one.release()
        journalled += bool(found)
        old_enough = [number for word, number, when in book if word == "change" and when < killed - LOST_AT_MOST_S]
        assert kept >= max(old_enough, default=0), f"round {turn}: {kept} kept of {old_enough[-1]}"
        # What the round before left was taken up again.
        assert next(number for word, number, _ in book if word == "started") >= kept_before
        kept_before = kept
    assert journalled >= 3, "the loop hardly ever died with unsaved work"


def test_that_a_change_is_in_the_journal_within_a_second_and_gone_when_saved(
    document: Document, tmp_path: Path, qtbot: QtBot, catalog: Catalog
) -> None:
    journal = Journal(document, tmp_path / "state")
    document.change(RATE, 33.0)
    assert not journal.path.exists() and DELAY_MS < 1000
    qtbot.waitUntil(journal.path.exists, timeout=1000)
    assert rate_of_journal(journal.path) == 33.0
    document.save()
    assert not journal.path.exists()
    document.change(RATE, 34.0)
    journal.write()
    document.undo_stack.undo()
    assert not journal.path.exists()
    journal.close()
    assert list((tmp_path / "state").iterdir()) == []


def rate_of_journal(path: Path) -> float:
    """The request rate that a journal keeps."""
    rate: float = json.loads(json.loads(path.read_text())["scenario"])["workloads"][0]["traffic"]["request_rate_per_s"]
    return rate


def test_that_a_running_programs_journal_is_not_offered(document: Document, tmp_path: Path, catalog: Catalog) -> None:
    journal = Journal(document, tmp_path)
    document.change(RATE, 33.0)
    journal.write()
    assert left_behind(tmp_path, catalog) == []
    journal.close()


def test_that_one_start_alone_is_offered_what_was_left(document: Document, tmp_path: Path, catalog: Catalog) -> None:
    journal = Journal(document, tmp_path)
    document.change(RATE, 33.0)
    assert journal.hand_over() == journal.path
    first = left_behind(tmp_path, catalog)
    assert [rate_of(one.draft.scenario) for one in first] == [33.0]
    assert left_behind(tmp_path, catalog) == []
    first[0].release()
    again = left_behind(tmp_path, catalog)
    assert len(again) == 1
    again[0].discard()
    assert list(tmp_path.glob(PATTERN)) == []


def test_that_saved_work_is_not_offered_again(document: Document, tmp_path: Path, catalog: Catalog) -> None:
    journal = Journal(document, tmp_path / "state")
    document.change(RATE, 33.0)
    journal.write()
    kept = journal.path.read_bytes()
    document.save()
    # As if the program had died between the saving and the tidying up.
    journal.path.write_bytes(kept)
    journal._lock.unlock()
    assert left_behind(tmp_path / "state", catalog) == []
    assert not journal.path.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 9}', '{"version": 1, "scenario": "{}"}', "\0" * 40])
def test_that_a_broken_journal_is_set_aside(tmp_path: Path, catalog: Catalog, content: str) -> None:
    path = tmp_path / "journal-abc.json"
    path.write_text(content)
    assert left_behind(tmp_path, catalog) == []
    assert not path.exists() and path.with_suffix(".unreadable").read_text() == content
    assert left_behind(tmp_path, catalog) == []


def test_that_restored_work_keeps_comments_and_the_way_back_to_the_file(
    document: Document, make_document: Callable[[Path], Document], tmp_path: Path, catalog: Catalog, scenario_file: Path
) -> None:
    journal = Journal(document, tmp_path / "state")
    document.change(RATE, 33.0)
    journal.hand_over()
    other = make_document(scenario_file)
    draft = left_behind(tmp_path / "state", catalog)[0].draft
    other.resume(draft.scenario, draft.original())
    assert other.is_dirty and other.path == scenario_file
    assert rate_of(other.scenario) == 33.0 and rate_of(other.baseline) == 12.0
    other.save()
    text = scenario_file.read_text()
    assert "request_rate_per_s = 33" in text and "# Poisson arrivals" in text


def test_that_a_state_folder_that_cannot_be_made_stops_nothing(document: Document, tmp_path: Path) -> None:
    occupied = tmp_path / "state"
    occupied.write_text("a file where the folder should be")
    journal = Journal(document, occupied)
    document.change(RATE, 33.0)
    journal.write()
    assert rate_of(document.scenario) == 33.0
    journal.close()


def test_that_a_stale_lock_of_a_dead_program_is_no_obstacle(
    document: Document, tmp_path: Path, catalog: Catalog
) -> None:
    journal = Journal(document, tmp_path)
    document.change(RATE, 33.0)
    journal.hand_over()
    script = (
        "import os, sys; from PySide6.QtCore import QLockFile; lock = QLockFile(sys.argv[1]);"
        "assert lock.tryLock(0); os._exit(9)"
    )
    lock = journal.path.with_suffix(".lock")
    subprocess.run([sys.executable, "-c", script, str(lock)], check=False, timeout=30)
    assert lock.exists()
    assert len(left_behind(tmp_path, catalog)) == 1


DAMAGE = {
    "a path that is a number": {"path": 3},
    "a path with a NUL": {"path": "a\0b.toml"},
    "an original text that is a number": {"original_text": 3},
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_that_a_damaged_journal_is_refused_and_kept_in_full(
    document: Document, tmp_path: Path, catalog: Catalog, damage: str
) -> None:
    path = journal_with(document, tmp_path, lambda stated: stated.update(DAMAGE[damage]))
    told: list[str] = []
    assert left_behind(tmp_path, catalog, told.append) == []
    aside = path.with_suffix(".unreadable")
    assert aside.exists() and str(path) in told[0] and aside.name in told[0]


def test_that_a_journal_with_a_baseline_that_is_none_is_refused(
    document: Document, tmp_path: Path, catalog: Catalog
) -> None:
    path = journal_with(document, tmp_path, with_bad_baseline)
    assert left_behind(tmp_path, catalog) == []
    assert path.with_suffix(".unreadable").exists()
    before = document.scenario, document.baseline, document.path
    bad = document.scenario.model_copy(update={"baseline": {"workloads": 3}})
    with pytest.raises(ExplorerError, match="baseline"):
        document.resume(bad, document.original)
    assert (document.scenario, document.baseline, document.path) == before


def test_that_work_on_a_chip_that_the_catalogue_lacks_stays_where_it_is(
    document: Document, tmp_path: Path, catalog: Catalog
) -> None:
    """A start without the user's own catalogue must not take the work from the next one that has it."""
    path = journal_with(document, tmp_path, lambda _: None)
    poorer = replace(catalog, chips={key: chip for key, chip in catalog.chips.items() if key != "qcom-ai200"})
    told: list[str] = []
    assert left_behind(tmp_path, poorer, told.append) == []
    assert path.exists() and str(path) in told[0] and "qcom-ai200" in told[0]
    (one,) = left_behind(tmp_path, catalog)
    one.release()


def with_bad_baseline(stated: dict[str, Any]) -> None:
    """Pin what is no scenario."""
    scenario = json.loads(stated["scenario"])
    scenario["baseline"] = {"workloads": 3}
    stated["scenario"] = json.dumps(scenario)


def journal_with(document: Document, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A journal that a crash left, changed."""
    journal = Journal(document, folder)
    document.change(RATE, 33.0)
    journal.hand_over()
    journal._timer.stop()
    stated = json.loads(journal.path.read_text())
    change(stated)
    journal.path.write_text(json.dumps(stated))
    return journal.path


def test_that_a_folder_that_cannot_be_written_is_told_once(document: Document, tmp_path: Path) -> None:
    occupied = tmp_path / "state"
    occupied.write_text("a file where the folder should be")
    journal = Journal(document, occupied)
    told: list[str] = []
    journal.failed.connect(told.append)
    for rate in (33.0, 34.0):
        document.change(RATE, rate)
        journal.write()
    assert len(told) == 1 and "not kept" in told[0]
    # it may come to be writable
    occupied.unlink()
    journal.write()
    assert journal.path.exists()
    journal.close()

"""A save that is interrupted leaves the old file or the new one, whole; one that fails leaves no litter."""

from __future__ import annotations

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import ScenarioFileError
from explorer.scenario.file import LoadedScenario, read_scenario, write_scenario
from explorer.scenario.path import replace

# Saves two versions in turn, for as long as it is let; the second is long enough to take several writes.
SAVE_FOREVER = """
import sys
from explorer.scenario.file import read_scenario, write_scenario
from explorer.scenario.path import replace

path = sys.argv[1]
loaded = read_scenario(path)
versions = [loaded.scenario, replace(loaded.scenario, "question", "why? " * 60_000)]
print("saving", flush=True)
while True:
    for version in versions:
        loaded = write_scenario(path, version, loaded)
"""


@pytest.fixture
def mine(tmp_path: Path, hand_written: str) -> Path:
    """The hand-written scenario as a file in a folder of its own."""
    path = tmp_path / "mine.toml"
    path.write_text(hand_written, encoding="utf-8")
    return path


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a signal that cannot be caught")
def test_that_a_save_killed_at_any_moment_leaves_a_whole_file(
    mine: Path, loaded: LoadedScenario, repository: Path
) -> None:
    questions = {loaded.scenario.question, "why? " * 60_000}
    moments = random.Random(1)
    for _ in range(12):
        program = [sys.executable, "-c", SAVE_FOREVER, str(mine)]
        with subprocess.Popen(program, cwd=repository, stdout=subprocess.PIPE) as saver:
            assert saver.stdout is not None
            assert saver.stdout.readline() == b"saving\n"
            time.sleep(moments.uniform(0, 0.03))
            saver.kill()
        survived = read_scenario(mine)
        assert survived.scenario.question in questions
        assert replace(survived.scenario, "question", "") == loaded.scenario
        assert "# asked the team" in survived.text_document


@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
def test_that_a_failing_step_of_a_save_leaves_the_old_file_and_says_why(
    mine: Path, loaded: LoadedScenario, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = mine.read_bytes()
    asked = []

    def fail(*arguments: object, **options: object) -> None:
        asked.append(arguments)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr(Path if step == "replace" else os, step, fail)
        with pytest.raises(ScenarioFileError, match="no space left") as refusal:
            write_scenario(mine, replace(loaded.scenario, "title", "New"), loaded)
    assert asked
    assert str(mine) in str(refusal.value)
    assert mine.read_bytes() == before
    assert list(mine.parent.iterdir()) == [mine]


def test_that_a_write_cut_short_by_the_system_is_carried_on(
    mine: Path, loaded: LoadedScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    with monkeypatch.context() as slow:
        slow.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:7]))
        write_scenario(mine, replace(loaded.scenario, "title", "New"), loaded)
    assert read_scenario(mine).scenario.title == "New"


def test_that_an_interrupt_from_the_keyboard_leaves_no_draft_behind(
    mine: Path, loaded: LoadedScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_scenario(mine, replace(loaded.scenario, "title", "New"), loaded)
    assert list(mine.parent.iterdir()) == [mine]
    assert read_scenario(mine).scenario == loaded.scenario


def test_that_the_folder_is_flushed_after_the_file(
    mine: Path, loaded: LoadedScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[bool] = []
    fsync: Callable[[int], None] = os.fsync

    def note(descriptor: int) -> None:
        flushed.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    write_scenario(mine, replace(loaded.scenario, "title", "New"), loaded)
    assert flushed == [False, True]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o660])
def test_that_permissions_are_kept(mine: Path, loaded: LoadedScenario, mode: int) -> None:
    mine.chmod(mode)
    write_scenario(mine, replace(loaded.scenario, "title", "New"), loaded)
    assert stat.S_IMODE(mine.stat().st_mode) == mode


def test_that_a_symbolic_link_stays_one_and_its_target_is_replaced(mine: Path, loaded: LoadedScenario) -> None:
    folder = mine.parent / "links"
    folder.mkdir()
    link = folder / "link.toml"
    link.symlink_to(mine)
    write_scenario(link, replace(loaded.scenario, "title", "New"), loaded)
    assert link.is_symlink()
    assert read_scenario(mine).scenario.title == "New"
    assert list(folder.iterdir()) == [link]


def test_that_a_folder_and_a_missing_folder_are_refused_with_a_reason(tmp_path: Path, loaded: LoadedScenario) -> None:
    with pytest.raises(ScenarioFileError, match="cannot be saved"):
        write_scenario(tmp_path, loaded.scenario, loaded)
    with pytest.raises(ScenarioFileError, match="no such file"):
        write_scenario(tmp_path / "none" / "x.toml", loaded.scenario, loaded)


def test_that_a_write_protected_file_is_not_replaced(
    mine: Path, loaded: LoadedScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who runs as the superuser may write everywhere, so the system's answer is given in its place.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ScenarioFileError, match="permission denied"):
        write_scenario(mine, replace(loaded.scenario, "title", "New"), loaded)
    assert read_scenario(mine).scenario.title == "Mine"

"""The program, `snapshot`, `report` and `check` end cleanly, twenty times in a row, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

TIMES = 20


@pytest.mark.timeout(900)
@pytest.mark.parametrize("command", ["open", "snapshot", "report", "check"])
def test_that_twenty_runs_in_a_row_end_cleanly(command: str, scenarios_folder: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.toml"
    # every process simulates, but not so long that twenty of them take minutes
    if command == "report":
        told = (scenarios_folder / "llama-70b-chat.toml").read_text(encoding="utf-8")
        shorter = '[simulation]\nmethod = "closed_form"\nsamples = 16'
        found = told.replace("[simulation]", shorter) if "[simulation]" in told else f"{told}\n{shorter}\n"
    else:
        told = (scenarios_folder / "ai200-on-aws.toml").read_text(encoding="utf-8")
        found = told.replace("[simulation]", "[simulation]\nrequests = 300")
    few.write_text(found, encoding="utf-8")
    scenario = str(few)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}

    def run(number: int) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / str(number)
        folder.mkdir()
        arguments = {
            "open": [scenario],
            "snapshot": ["snapshot", scenario, "-o", str(folder / "picture.png")],
            "report": ["report", scenario, "-o", str(folder / f"report.{'html' if number % 2 else 'pdf'}")],
            "check": ["check", scenario],
        }[command]
        return subprocess.run(
            [sys.executable, "-m", "explorer", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(run, range(TIMES)))
    for one in done:
        assert one.returncode == 0, one.stderr
        assert "Traceback" not in one.stderr
        assert "QThread" not in one.stderr
    if command == "report":
        pages = list(tmp_path.rglob("report.*"))
        assert len(pages) == TIMES
        assert all(page.read_bytes()[:5] in (b"%PDF-", b"<!DOC") for page in pages)
    elif command != "check":
        pictures = list(tmp_path.rglob("*.png"))
        assert len(pictures) == TIMES
        assert all(picture.stat().st_size > 20_000 for picture in pictures)
    if command == "open":
        assert "no display" in done[0].stdout
        assert "lowers concentration at chip designer" in done[0].stdout, "the founding question's last part"
        assert "P99 per token" in done[0].stdout


def test_that_a_platform_of_qt_that_is_set_but_empty_is_none(scenarios_folder: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": ""}
    for screen in ("DISPLAY", "WAYLAND_DISPLAY"):
        environment.pop(screen, None)
    scenario, picture = scenarios_folder / "llama-70b-chat.toml", tmp_path / "picture.png"
    done = subprocess.run(
        [sys.executable, "-m", "explorer", "snapshot", str(scenario), "-o", str(picture)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert picture.stat().st_size > 20_000


def listed(encoding: str, output: int | IO[str]) -> subprocess.CompletedProcess[str]:
    """The list of models, written in an encoding to some output."""
    return subprocess.run(
        [sys.executable, "-m", "explorer", "models"],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        encoding=encoding,
        timeout=60,
        check=False,
    )


def test_that_an_output_that_knows_few_characters_gets_the_rest_as_question_marks() -> None:
    done = listed("ascii", subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    assert "llama-3.1-70b" in done.stdout and " ? " in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_that_an_output_that_takes_no_more_is_told_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = listed("utf-8", full)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["the output cannot be written: No space left on device"]

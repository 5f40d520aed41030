"""The set-up scripts say the one line that helps when they may not install, and touch nothing then."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def scripts(repository: Path) -> Path:
    return repository / ".ci"


def run_with_stand_ins(scripts: Path, stand_ins: str, call: str) -> subprocess.CompletedProcess[str]:
    """Source the set-up script with shell functions in place of system commands, and call a step of it."""
    script = f'source "{scripts / "prepare"}"\n{stand_ins}\n{call}\n'
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", ["prepare", "start", "test", "run"])
def test_that_each_script_parses(name: str, scripts: Path) -> None:
    subprocess.run(["bash", "-n", str(scripts / name)], check=True, timeout=60)


def test_that_without_rights_the_one_line_that_installs_is_printed_and_nothing_is_run(scripts: Path) -> None:
    ordinary_user = "id() { echo 1000; }; sudo() { return 1; }; apt-get() { echo INSTALLED; }"
    done = run_with_stand_ins(scripts, ordinary_user, "install_packages libegl1 libgl1; echo went on")
    assert done.returncode == 1
    assert "INSTALLED" not in done.stdout + done.stderr
    assert "went on" not in done.stdout
    lines = [line for line in done.stderr.splitlines() if "apt-get install" in line]
    assert len(lines) == 1
    assert lines[0].endswith("libegl1 libgl1")


def test_that_a_machine_without_apt_is_told_what_is_missing(scripts: Path) -> None:
    without_apt = "command() { return 1; }"
    done = run_with_stand_ins(scripts, without_apt, "install_packages libegl1")
    assert done.returncode == 1
    assert "libegl1" in done.stderr


def test_that_only_the_libraries_a_machine_lacks_are_asked_for(scripts: Path) -> None:
    has_all_but_egl = (
        'ldconfig() { for pair in $picture_libraries; do printf "\\t%s (libc6) => x\\n" "${pair%%:*}"; done '
        "| grep -v libEGL; }"
    )
    done = run_with_stand_ins(scripts, has_all_but_egl, 'missing_packages "$picture_libraries"')
    assert done.stdout.split() == ["libegl1"]


def test_that_a_python_that_is_too_old_is_named(scripts: Path) -> None:
    done = run_with_stand_ins(scripts, "old() { return 1; }; PYTHON=old", "find_python; echo went on")
    assert done.returncode == 1
    assert "Python 3.11 or later" in done.stderr
    assert "old" in done.stderr
    assert "went on" not in done.stdout

"""The command line around its commands: which it finds, and how it ends when one fails as nobody foresaw."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.cli import COMMANDS, main


@pytest.fixture
def founding(scenarios_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(scenarios_folder / "ai200-on-aws.toml", tmp_path))


def test_that_the_help_lists_every_command_in_its_order(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(["--help"])
    assert ending.value.code == 0
    words = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("    ")]
    assert [word for word in words if word in COMMANDS] == list(COMMANDS)


def test_that_a_command_waits_for_the_imports_of_no_other() -> None:
    code = (
        "import sys; from explorer.cli import COMMANDS, main; main(['chips']); "
        "print([name for name in COMMANDS if 'explorer.commands.' + name.replace('-', '_') in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "['chips']"


def raising(error: BaseException) -> Callable[..., None]:
    """A command's part that fails as nobody foresaw."""

    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_that_a_mistake_of_the_program_is_one_line_with_the_rest_in_the_log(
    founding: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("explorer.commands.check.evaluate", raising(RuntimeError("nobody foresaw this")))
    assert main(["check", str(founding)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    log = Path(line.rpartition(" with ")[2])
    assert "nobody foresaw this" in line and "Traceback" in log.read_text(encoding="utf-8")


def test_that_an_interruption_is_told_in_a_word(
    founding: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("explorer.commands.check.evaluate", raising(KeyboardInterrupt()))
    assert main(["check", str(founding)]) == 130
    assert capsys.readouterr().err == "interrupted\n"

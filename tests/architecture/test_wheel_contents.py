"""The wheel carries the data inside the package, its licences, and both commands."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from the checkout by the project's own build backend."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True, timeout=100)
    (path,) = folder.glob("inference_explorer-*.whl")
    return zipfile.ZipFile(path)


def test_that_the_wheel_puts_nothing_loose_into_site_packages(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"explorer"}
    assert len(tops) == 2


@pytest.mark.parametrize("folder", ["resources", "scenarios"])
def test_that_every_data_file_lies_inside_the_package(folder: str, wheel: zipfile.ZipFile, repository: Path) -> None:
    files = {path.relative_to(repository) for path in (repository / folder).rglob("*") if path.is_file()}
    assert files
    assert {f"explorer/{path.as_posix()}" for path in files} <= set(wheel.namelist())


def test_that_the_wheel_carries_the_licences_of_the_program_the_font_and_the_traces(wheel: zipfile.ZipFile) -> None:
    licences = {name.split("/licenses/")[1] for name in wheel.namelist() if "/licenses/" in name}
    assert licences == {"LICENSE", "resources/fonts/OFL.txt", "resources/traces/LICENSE-APACHE-2.0.txt"}


def test_that_both_commands_are_installed(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    lines = wheel.read(name).decode().split("\n")
    assert "inference-explorer = explorer.__main__:main" in lines
    assert "inference-explorer-gui = explorer.__main__:main_window" in lines

"""What every test shares: Qt without a screen, no user's own folders, benchmarks only when named."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import explorer  # noqa: F401  # before numpy, as in the program: that takes one thread for products of matrices

REPOSITORY = Path(__file__).resolve().parent.parent
BENCHMARKS = REPOSITORY / "tests" / "benchmarks"

# Before anything imports Qt, and inherited by the programs that tests start.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTEST_QT_API", "pyside6")
# Compiled once for all processes of all runs, also where the user's own cache folder cannot be written.
os.environ.setdefault("XDG_CACHE_HOME", str(REPOSITORY / ".pytest_cache" / "user"))


def pytest_configure(config: pytest.Config) -> None:
    """Give the run empty settings and data folders, so that a user's own records change no result."""
    private = tempfile.TemporaryDirectory(prefix="explorer-tests-", ignore_cleanup_errors=True)
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        folder = Path(private.name) / variable.lower()
        folder.mkdir()
        os.environ[variable] = str(folder)
    config.add_cleanup(private.cleanup)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the benchmarks out unless they are named: ``python -m pytest tests/benchmarks``."""
    if collection_path != BENCHMARKS:
        return None
    named = [Path(config.invocation_params.dir, argument.split("::")[0]) for argument in config.args]
    return None if any(path == BENCHMARKS or BENCHMARKS in path.parents for path in named) else True


@pytest.fixture(autouse=True)
def solved_by_arrays() -> Iterator[None]:
    """Every test begins without compiled loops, whatever the user's cache holds and the test before it took up."""
    from explorer.study import solver

    yield
    solver.use(solver.Arrays())


@pytest.fixture(scope="session")
def repository() -> Path:
    """The top folder of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def scenarios_folder(repository: Path) -> Path:
    """The folder of the example scenarios that are shipped."""
    return repository / "scenarios"

"""The scenario file that a command is given, and the catalogue it is read with: what is wrong is told where it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.catalog import Catalog, load_catalog
from explorer.errors import LayoutError, MissingFigureError
from explorer.scenario.file import LoadedScenario, check_scenario, read_scenario

USER_FOLDER = "INFERENCE_EXPLORER_CATALOG"
"""Environment variable that names the user's own catalogue folder."""


def known_catalog() -> Catalog:
    """What is shipped, and the user's own records; raises ExplorerError."""
    folder = os.environ.get(USER_FOLDER)
    return load_catalog(Path(folder) if folder else None)


def read_with_remarks(path: Path, catalog: Catalog) -> LoadedScenario:
    """A file that can be used, whatever else is remarked on it; raises ExplorerError."""
    loaded = read_scenario(path, catalog)
    for problem in loaded.warnings:
        print(f"{path}: {problem}", file=sys.stderr)
    return loaded


def read_faultless(path: Path, catalog: Catalog) -> LoadedScenario | None:
    """A file that nothing is wrong with; None where something is, which is told; raises ExplorerError."""
    loaded = read_scenario(path, catalog)
    problems = check_scenario(loaded, catalog)
    for problem in problems:
        print(f"{loaded.path}: {problem}", file=sys.stderr)
    return None if problems else loaded


@contextmanager
def placed(loaded: LoadedScenario, catalog: Catalog) -> Iterator[None]:
    """What the engine refuses is told with file, line and key."""
    try:
        yield
    except (LayoutError, MissingFigureError) as error:
        from explorer.study.misfits import with_place

        raise with_place(error, loaded, catalog) from error

"""Where a scenario's benchmark files lie once the scenario is saved elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

from explorer.scenario.schema import Scenario


def refiled(scenario: Scenario, old: Path | None, new: Path) -> Scenario:
    """The scenario with its benchmarks' paths relative to folder `new`; the rows are in it and stay as they are."""
    if not scenario.benchmarks or old is None or old.absolute() == new.absolute():
        return scenario
    moved = []
    for one in scenario.benchmarks:
        file = one.file
        if file:
            try:
                file = Path(os.path.relpath(old.absolute() / file, new.absolute())).as_posix()
            except ValueError:
                # another drive: the name is all that is left to tell
                file = Path(file).name
        moved.append(one.model_copy(update={"file": file}))
    return scenario.model_copy(update={"benchmarks": tuple(moved)})

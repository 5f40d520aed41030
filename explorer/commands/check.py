"""The command that says everything that is wrong with a scenario file."""

from __future__ import annotations

import argparse
from pathlib import Path

from explorer.commands.exit_codes import FAILED
from explorer.commands.printing import warn
from explorer.commands.scenario_file import known_catalog, placed, read_faultless
from explorer.scenario.baseline import baseline_of
from explorer.study.evaluate import evaluate


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the others."""
    checking = commands.add_parser("check", help="say everything that is wrong with a scenario file")
    checking.add_argument("file", type=Path)
    checking.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, and ask the engine; raises ExplorerError."""
    catalog = known_catalog()
    loaded = read_faultless(options.file, catalog)
    if loaded is None:
        return FAILED
    # what only the engine can say: an impossible layout, a missing figure
    with placed(loaded, catalog):
        warnings = evaluate(loaded.scenario, catalog, samples=8).warnings
        baseline = baseline_of(loaded.scenario)
        if baseline is not None:
            evaluate(baseline, catalog, samples=8)
    warn(options.file, warnings)
    print(f"{options.file}: " + ("can be evaluated; mind the warnings" if warnings else "nothing is wrong with it"))
    return 0

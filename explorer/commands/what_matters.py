"""The command that says which open figure moves, drives and decides the answer."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.commands.printing import print_json
from explorer.commands.scenario_file import known_catalog, read_with_remarks
from explorer.errors import ExplorerError

if TYPE_CHECKING:
    from explorer.study.what_matters import WhatMatters


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the others."""
    mattering = commands.add_parser("what-matters", help="which open figure moves, drives and decides the answer")
    add_arguments(mattering)
    mattering.set_defaults(run=run)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `matters_of` is asked with."""
    parser.add_argument("file", type=Path)
    parser.add_argument("--workload", metavar="NAME", help="one workload of the file (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the tables")


def run(options: argparse.Namespace) -> int:
    """Study each workload and print; raises ExplorerError."""
    from explorer.study.export_economics import plain_data
    from explorer.study.what_matters_words import matters_text

    found = matters_of(options)
    if options.json:
        print_json({"workloads": plain_data(found)})
    else:
        print("\n\n".join(matters_text(one) for one in found))
    return 0


def matters_of(options: argparse.Namespace) -> list[WhatMatters]:
    """What matters in each workload asked about that has an answer; ExplorerError where none has."""
    from explorer.study.what_matters import what_matters

    catalog = known_catalog()
    scenario = read_with_remarks(options.file, catalog).scenario
    names = [workload.name for workload in scenario.workloads]
    if options.workload is not None and options.workload not in names:
        raise ExplorerError(f"{options.file}: no workload '{options.workload}' (there are {', '.join(names)})")
    asked = [at for at, name in enumerate(names) if options.workload in (None, name)]
    found = []
    for at in asked:
        one = what_matters(scenario, catalog, at)
        if one is None:
            chosen = scenario.workloads[at].selected
            print(f"{names[at]}: {chosen} does not fit or has no price: select another alternative", file=sys.stderr)
        else:
            found.append(one)
    if not found:
        raise ExplorerError(f"{options.file}: nothing to decide between")
    return found

"""The command that checks the claims of a scenario: how sure each is, and what it hangs on."""

from __future__ import annotations

import argparse
from pathlib import Path

from explorer.commands.exit_codes import FAILED
from explorer.commands.printing import print_json
from explorer.commands.scenario_file import known_catalog, read_faultless
from explorer.study.evaluate import Evaluator


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the others."""
    claiming = commands.add_parser("claims", help="check the claims of a scenario: how sure each is, what it hangs on")
    claiming.add_argument("file", type=Path)
    claiming.add_argument("--json", action="store_true", help="one JSON object instead of the text")
    claiming.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Judge every claim and print; raises ExplorerError."""
    from explorer.study.claims import claims_at_once
    from explorer.study.claims_words import claims_data, claims_text

    catalog = known_catalog()
    loaded = read_faultless(options.file, catalog)
    if loaded is None:
        return FAILED
    found = claims_at_once(Evaluator(catalog), loaded.scenario)
    if options.json:
        print_json(claims_data(found))
    else:
        print(claims_text(found))
    return 0

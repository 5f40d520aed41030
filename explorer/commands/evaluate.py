"""The command that prints the verdict on a scenario, and what moved against a baseline."""

from __future__ import annotations

import argparse
from pathlib import Path

from explorer.commands.exit_codes import FAILED
from explorer.commands.printing import print_json, warn
from explorer.commands.scenario_file import known_catalog, placed, read_faultless
from explorer.errors import ExplorerError
from explorer.scenario.baseline import baseline_of
from explorer.study.evaluate import evaluate


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the others."""
    evaluating = commands.add_parser("evaluate", help="print the verdict on a scenario")
    evaluating.add_argument("file", type=Path)
    form = evaluating.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    form.add_argument("--csv", action="store_true", help="a row for each alternative, units in the headings")
    evaluating.add_argument(
        "--baseline", type=Path, metavar="FILE", help="say what moved against this scenario (default: the one pinned)"
    )
    evaluating.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluate and print as a table, as JSON or as CSV; raises ExplorerError."""
    from explorer.study.against import against
    from explorer.study.economics import evaluate_with_economics
    from explorer.study.export import outcome_data
    from explorer.study.fleet_without import what_it_changes
    from explorer.study.verdict_table import verdict_text

    catalog = known_catalog()
    loaded = read_faultless(options.file, catalog)
    if loaded is None:
        return FAILED
    if options.csv:
        if options.baseline is not None:
            raise ExplorerError("--csv has no column for a baseline: use --json, or evaluate both files with --csv")
        from explorer.study.outcome_table import HEADINGS, csv_of, outcome_rows

        with placed(loaded, catalog):
            print(csv_of(HEADINGS, outcome_rows(evaluate(loaded.scenario, catalog))), end="")
        return 0
    with placed(loaded, catalog):
        answer = evaluate_with_economics if options.json else evaluate
        outcome = answer(loaded.scenario, catalog)
    baseline, owner = baseline_of(loaded.scenario), loaded
    if options.baseline is not None:
        other = read_faultless(options.baseline, catalog)
        if other is None:
            return FAILED
        baseline, owner = other.scenario, other
    moved = None
    if baseline is not None:
        with placed(owner, catalog):
            moved = against(baseline, evaluate(baseline, catalog), loaded.scenario, outcome)
    if options.json:
        print_json(outcome_data(outcome, moved))
    else:
        warn(options.file, outcome.warnings)
        # what moved against a baseline says it already
        change = "" if moved is not None else what_it_changes(loaded.scenario, catalog, outcome)
        print(verdict_text(outcome, moved, change))
    return 0

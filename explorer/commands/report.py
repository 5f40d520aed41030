"""The command that writes the report to the board."""

from __future__ import annotations

import argparse
from pathlib import Path

from explorer.catalog import Catalog
from explorer.commands.display import paint_without_a_screen
from explorer.commands.exit_codes import FAILED
from explorer.commands.scenario_file import known_catalog, read_faultless
from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the others."""
    reporting = commands.add_parser(
        "report",
        help="write the report to the board: answer, alternatives, pictures, cost, fleet, what is open, every input",
        description="Write a report on one scenario, A4, with final figures only: the answer in at most five "
        "sentences, all alternatives, the plots, cost by part, dependence on suppliers and shocks, what is not "
        "settled, every input, sources, warnings and licences. HTML is one file that needs nothing else.",
        epilog="example: inference-explorer report ai200-on-aws.toml -o ai200.pdf",
    )
    reporting.add_argument("file", type=Path)
    reporting.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a .pdf or .html file")
    reporting.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the report on a scenario; raises ExplorerError."""
    paint_without_a_screen()
    catalog = known_catalog()
    loaded = read_faultless(options.file, catalog)
    return FAILED if loaded is None else write(loaded.scenario, catalog, options.output)


def write(scenario: Scenario, catalog: Catalog, output: Path) -> int:
    """Evaluate to the end and write; ExplorerError for a form or a place that cannot be before anything is computed."""
    from explorer.report.board import check_form, write_report
    from explorer.study.evaluate import Evaluator
    from explorer.study.studies import study_at_once

    check_form(output)
    if not output.absolute().parent.is_dir():
        raise ExplorerError(f"{output}: there is no folder {output.parent}; name one that there is")
    answer = study_at_once(Evaluator(catalog), "board", 1, scenario)
    if answer.problem is not None:
        raise ExplorerError(answer.problem.message)
    write_report(answer.found, output)
    print(f"{output}: the report on {scenario.title}")
    return 0

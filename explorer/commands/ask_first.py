"""The command that says what to ask the vendor first, and writes the audit questionnaire."""

from __future__ import annotations

import argparse
from pathlib import Path

from explorer.commands.display import paint_without_a_screen
from explorer.commands.printing import print_json
from explorer.commands.what_matters import add_arguments, matters_of


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the others."""
    asking = commands.add_parser("ask-first", help="what to ask the vendor first, and the number it must beat")
    add_arguments(asking)
    asking.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="write the audit questionnaire: .html, .md or .pdf"
    )
    asking.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Study each workload and print, or write the questionnaire; raises ExplorerError."""
    from explorer.study.export_economics import plain_data
    from explorer.study.questionnaire import questionnaires
    from explorer.study.what_matters_words import ask_first_text

    found = matters_of(options)
    asked = [one for workload in found for one in questionnaires(workload)]
    if options.output is not None:
        from explorer.report.questionnaire import write_questionnaires

        paint_without_a_screen()
        write_questionnaires(asked, options.output)
        print(f"{options.output}: {len(asked)} questionnaire{'s' if len(asked) != 1 else ''}")
    elif options.json:
        print_json({"demands": [plain_data(one.demands) for one in found], "questionnaires": plain_data(asked)})
    else:
        print("\n\n".join(ask_first_text(one) for one in found))
    return 0

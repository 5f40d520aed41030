"""The command that lists the models known, and from what."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from explorer.commands.scenario_file import known_catalog
from explorer.scenario.quantities import QUANTITIES


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the others."""
    commands.add_parser("models", help="the models known, and how well").set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Print a row a model; raises ExplorerError."""
    from explorer.catalog.listing import model_rows
    from explorer.study.verdict_table import columns

    rows: list[Sequence[str]] = [("id", "name", "parameters", "active", "published", "difference", "known from")]
    count = QUANTITIES["parameters"]
    for row in model_rows(known_catalog()):
        published = "not published" if row.published_parameters is None else count.format(row.published_parameters)
        difference = "–" if row.difference is None else f"{row.difference:+.1%}"
        own = " (yours)" if row.origin == "user" else ""
        rows.append(
            (
                row.id, row.name + own, count.format(row.parameters), count.format(row.active_parameters), published,
                difference, row.known_from,
            )
        )  # fmt: skip
    print("\n".join(columns(rows)))
    return 0

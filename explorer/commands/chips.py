"""The command that lists the chips known, and how well each is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from explorer.commands.scenario_file import known_catalog
from explorer.scenario.quantities import QUANTITIES


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the others."""
    commands.add_parser("chips", help="the chips known, and how well").set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Print a row a chip; raises ExplorerError."""
    from explorer.catalog.listing import chip_rows
    from explorer.study.verdict_table import columns

    rows: list[Sequence[str]] = [("id", "name", "known by", "memory", "bandwidth", "open figures", "offers")]
    bandwidth, capacity = QUANTITIES["bytes_per_s"], QUANTITIES["bytes"]
    for row in chip_rows(known_catalog()):
        stated = bandwidth.format(row.memory_bandwidth)
        if row.memory_bandwidth_low < row.memory_bandwidth_high:
            stated = bandwidth.format_range(row.memory_bandwidth_low, row.memory_bandwidth_high)
        offers = f"{row.offers}" + (f" + {row.hypothetical_offers} hypothetical" if row.hypothetical_offers else "")
        own = " (yours)" if row.origin == "user" else ""
        rows.append(
            (
                row.id, row.name + own, row.evidence_grade, capacity.format(row.memory_capacity),
                f"{stated} {row.bandwidth_status}", ", ".join(row.open_figures) or "none", offers,
            )
        )  # fmt: skip
    print("\n".join(columns(rows)))
    return 0

"""The command that opens the window; with no display to open it on, the verdict and a picture of it."""

from __future__ import annotations

import argparse
import gc
from pathlib import Path

from explorer.commands.display import has_display, paint_without_a_screen
from explorer.commands.scenario_file import known_catalog, read_with_remarks
from explorer.study.evaluate import evaluate


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the others."""
    opening = commands.add_parser("open", help="open the window (also: just name a file)")
    opening.add_argument("files", nargs="*", type=Path, metavar="FILE")
    opening.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Open the window and stay until it is closed; raises ExplorerError when there is nothing to show."""
    from explorer.catalog.location import scenario_root

    catalog = known_catalog()
    if has_display():
        from explorer.ui.application import run as run_window

        return run_window(options.files, catalog)
    gc.enable()
    from explorer.commands.snapshot import paint
    from explorer.study.fleet_without import what_it_changes
    from explorer.study.verdict_table import verdict_text

    paint_without_a_screen()
    print("There is no display to open a window on; here is the verdict, and a picture of the window instead.\n")
    path = options.files[0] if options.files else scenario_root() / "ai200-on-aws.toml"
    loaded = read_with_remarks(path, catalog)
    outcome = evaluate(loaded.scenario, catalog)
    print(verdict_text(outcome, change=what_it_changes(loaded.scenario, catalog, outcome)))
    picture = Path.cwd() / f"snapshot-{path.stem}.png"
    paint(loaded, catalog, picture, "light", (1440, 900), outcome)
    print(f"\npicture of the window: {picture.name}")
    return 0

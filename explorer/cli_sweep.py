"""The command that varies inputs of a scenario and writes a table of every combination."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.saving import write_whole
from explorer.scenario.schema import Scenario

NAME = "sweep"
BAR = 30


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], run: Callable[[argparse.Namespace], int]
) -> None:
    """Put the command among the others."""
    sweeping = commands.add_parser(
        NAME,
        help="vary inputs over ranges: a table (CSV) with every figure of every combination",
        description="Evaluate every combination of the values given, in closed form, with the scenario's own number of "
        "draws: one row for each point and alternative. Nothing is written unless all of it is.",
        epilog='examples: --vary request_rate_per_s=1:50:20:log  --vary "link bandwidth of AI200=64,128,512"  '
        "--vary workloads.0.alternatives.0.max_batch=16,64,256  --vary price.basis=cost_plus,own",
    )
    sweeping.add_argument("file", type=Path)
    sweeping.add_argument(
        "--vary",
        action="append",
        required=True,
        metavar="KEY=RANGE",
        help="an input and its values: start:stop:count, start:stop:count:log, or a,b,c; several: every combination",
    )
    sweeping.add_argument("-o", "--output", type=Path, metavar="OUT.csv", help="default: standard output")
    sweeping.set_defaults(run=run)


def sweep(scenario: Scenario, catalog: Catalog, ranges: list[str], output: Path | None) -> int:
    """Evaluate all points, then write all rows or none; ExplorerError for bad ranges, before anything is computed."""
    from explorer.study.outcome_table import Cell, csv_of
    from explorer.study.sweep import plan_sweep, sweep_rows

    if output is not None and not output.absolute().parent.is_dir():
        raise ExplorerError(f"{output}: there is no folder {output.parent}; name one that there is")
    plan = plan_sweep(catalog, scenario, ranges)
    rows: list[tuple[Cell, ...]] = []
    failed = 0
    bar = ProgressBar(plan.count)
    try:
        for found in sweep_rows(catalog, plan):
            rows += found
            failed += found[0][-1] is not None
            bar.advance()
    except KeyboardInterrupt:
        bar.end()
        print(f"{bar.done} of {plan.count} points were done; nothing was written", file=sys.stderr)
        raise
    bar.end()
    if failed:
        print(f"{failed} of {plan.count} points have no answer; the last column says why", file=sys.stderr)
    text = csv_of(plan.headings, rows)
    if output is None:
        print(text, end="")
        return 0
    try:
        write_whole(output, text.encode("utf-8"))
    except OSError as error:
        raise ExplorerError(f"{output}: cannot be written ({error.strerror or error}); choose another place") from error
    print(f"{output}: {plan.count} points, {len(rows)} rows")
    return 0


class ProgressBar:
    """How far a sweep is, on standard error where that is a terminal; elsewhere nothing is said."""

    def __init__(self, count: int) -> None:
        self.count, self.done = count, 0
        self._shown = sys.stderr.isatty()
        self._begun = self._last = time.monotonic()

    def advance(self) -> None:
        """One more point is done."""
        self.done += 1
        now = time.monotonic()
        if self._shown and (now - self._last > 0.1 or self.done == self.count):
            self._last = now
            left = (now - self._begun) / self.done * (self.count - self.done)
            filled = round(BAR * self.done / self.count)
            bar = "█" * filled + "░" * (BAR - filled)
            print(f"\r{bar} {self.done}/{self.count}, {left:.0f} s left ", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line to what follows."""
        if self._shown and self.done:
            print(file=sys.stderr)

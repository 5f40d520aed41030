"""The command that solves a scenario for one number: when does a statement begin to hold."""

from __future__ import annotations

import argparse
from pathlib import Path

from explorer.commands.exit_codes import FAILED
from explorer.commands.printing import print_json
from explorer.commands.scenario_file import known_catalog, read_faultless
from explorer.study.evaluate import Evaluator


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the others."""
    solving = commands.add_parser(
        "break-even",
        help="the value of one number at which a statement about a scenario begins to hold",
        description="Solve a scenario for one number: when does a statement begin to hold, how surely, what blocks it.",
        epilog='example: inference-explorer break-even ai200-on-aws.toml --of "link bandwidth of AI200" '
        '--goal "P99 TPOT of AI200 x16 on 1T MoE <= 50 ms"',
    )
    solving.add_argument("file", type=Path)
    solving.add_argument(
        "--of",
        required=True,
        metavar="NUMBER",
        dest="unknown",
        help='what to solve for: "link bandwidth of AI200", "price of AI200", request_rate_per_s, or a path',
    )
    solving.add_argument(
        "--goal",
        required=True,
        metavar="STATEMENT",
        help='what is to hold: "P99 TPOT of AI200 on 1T MoE <= 50 ms", "$/M tokens of AI200 = that of H200"',
    )
    solving.add_argument(
        "--replicas",
        type=_replicas,
        default="now",
        metavar="N|now|auto",
        help="replicas of what the goal speaks of: a number, as many as now (default), or as many as it takes",
    )
    solving.add_argument(
        "--hold-layout",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="keep the layout that is best now, as the window does (default with --replicas now)",
    )
    solving.add_argument("--samples", type=_samples, default=None, metavar="N", help="draws for the band; 0 for none")
    solving.add_argument("--json", action="store_true", help="one JSON object instead of the text")
    solving.set_defaults(run=run)


def _replicas(text: str) -> int | str:
    if text in ("auto", "now"):
        return text
    if text.isdigit() and 1 <= int(text) <= 100_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is no number of replicas: auto, now, or 1 to 100000")


def _samples(text: str) -> int:
    if text.isdigit() and (int(text) == 0 or 16 <= int(text) <= 4096):
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is no number of draws: 0, or 16 to 4096")


def run(options: argparse.Namespace) -> int:
    """Solve and print; raises ExplorerError."""
    from explorer.study.break_even import SAMPLES, Locks, break_even
    from explorer.study.break_even_words import break_even_data, break_even_text

    catalog = known_catalog()
    loaded = read_faultless(options.file, catalog)
    if loaded is None:
        return FAILED
    held = options.replicas == "now" if options.hold_layout is None else options.hold_layout
    found = break_even(
        Evaluator(catalog),
        loaded.scenario,
        options.unknown,
        options.goal,
        locks=Locks(options.replicas, held),
        samples=SAMPLES if options.samples is None else options.samples,
    )
    if options.json:
        print_json(break_even_data(found))
    else:
        print(break_even_text(found))
    return 0

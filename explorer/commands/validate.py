"""The command that compares the engine with what was measured: rows of benchmarks, or a log of single requests."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

from explorer.commands.layout_argument import layout
from explorer.commands.printing import print_json
from explorer.commands.scenario_file import known_catalog
from explorer.errors import ExplorerError
from explorer.scenario.fields import KvPrecision, WeightPrecision


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the others."""
    validating = commands.add_parser("validate", help="compare the engine with measured rows")
    validating.add_argument("tables", nargs="*", type=Path, metavar="CSV", help="tables (default: those shipped)")
    validating.add_argument("--json", action="store_true", help="one JSON object instead of the tables")
    validating.add_argument("--rows", type=Path, metavar="OUT.csv", help="write every input row with its predictions")
    validating.add_argument(
        "--leave-out", action="store_true", help="estimate constants and bands again, chips and families left out"
    )
    recorded = validating.add_argument_group(
        "a log of single requests", "the same requests served by the simulation, percentile by percentile"
    )
    recorded.add_argument(
        "--requests", type=Path, metavar="LOG.csv", help="columns time, prompt, output, ttft, tpot (seconds, or ..._ms)"
    )
    recorded.add_argument("--chip", help="chip of the recorded system, as `chips` lists it")
    recorded.add_argument("--model", help="model served, as `models` lists it")
    recorded.add_argument(
        "--layout", type=layout, default="tp=1", metavar="tp=N,pp=N,dp=N,ep=N", help="chips of one replica (tp=1)"
    )
    recorded.add_argument("--replicas", type=int, default=1, metavar="N", help="replicas behind one entrance (1)")
    recorded.add_argument("--max-batch", type=int, default=256, metavar="N", help="sequences at once, at most (256)")
    recorded.add_argument("--token-budget", type=int, default=2048, metavar="N", help="tokens of a step (2048)")
    recorded.add_argument("--weights", choices=get_args(WeightPrecision), default="bf16", help="precision (bf16)")
    recorded.add_argument("--kv", choices=get_args(KvPrecision), default="bf16", help="precision of the cache (bf16)")
    recorded.add_argument("--skip-bad-rows", action="store_true", help="name bad rows and go on with the rest")
    validating.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Predict what was measured and print both; raises ExplorerError."""
    if options.requests is not None:
        return _compare_requests(options)
    from explorer.study.evidence.constants import serving_constants
    from explorer.study.evidence.report import report_data, report_text
    from explorer.study.evidence.targets import judge_unseen
    from explorer.study.validate import validate, write_rows

    found = validate(options.tables, known_catalog())
    if options.rows is not None:
        write_rows(found, options.rows)
    unseen = None
    if options.leave_out or not options.tables:
        unseen = judge_unseen(found.predictions, found.parts, serving_constants())
    if options.json:
        print_json(report_data(found, unseen))
    else:
        print(report_text(found, unseen))
    return 0


def _compare_requests(options: argparse.Namespace) -> int:
    if not options.chip or not options.model or options.tables:
        raise ExplorerError("--requests takes one log, with --chip and --model (see `validate --help`)")
    if min(options.replicas, options.max_batch) < 1 or options.token_budget < 16:
        raise ExplorerError("--replicas and --max-batch must be 1 at least, --token-budget 16")
    from explorer.study.request_log import Served, compare_log, comparison_data, comparison_text, read_request_log

    log = read_request_log(options.requests, skip_bad_rows=options.skip_bad_rows)
    served = Served(
        options.chip, options.model, options.layout, options.replicas, options.max_batch, options.token_budget,
        options.weights, options.kv,
    )  # fmt: skip
    found = compare_log(log, served, known_catalog())
    for problem in log.problems:
        print(f"{options.requests}: {problem}: left out", file=sys.stderr)
    if options.json:
        print_json(comparison_data(found))
    else:
        print(comparison_text(found))
    return 0

"""The command line: opens the window, or answers, checks, lists and paints without one."""

from __future__ import annotations

import argparse
import gc
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from explorer import __version__
from explorer.catalog import Catalog, load_catalog
from explorer.errors import ExplorerError, LayoutError, MissingFigureError
from explorer.scenario.baseline import baseline_of
from explorer.scenario.file import LoadedScenario, check_scenario, read_scenario
from explorer.scenario.quantity import QUANTITIES
from explorer.scenario.schema import KvPrecision, LayoutChoice, WeightPrecision
from explorer.study.evaluate import Evaluator, evaluate

if TYPE_CHECKING:
    from explorer.study.outcome import Outcome
    from explorer.study.what_matters import WhatMatters

FAILED, MISTAKEN, INTERRUPTED = 2, 1, 130
USER_FOLDER = "INFERENCE_EXPLORER_CATALOG"
"""Environment variable that names the user's own catalogue folder."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it worked, 2 when the input is wrong (the reasons go to standard error), 130 when it was
    interrupted, 1 when the program made a mistake (the log file has the rest)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a terminal that knows fewer characters than we use gets a question mark, not a traceback
            stream.reconfigure(errors="replace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] not in COMMANDS and not given[0].startswith("-"):
        given.insert(0, "open")
    parser = _parser()
    options = parser.parse_args(given or ["open"])
    try:
        command: Callable[[argparse.Namespace], int] = options.run
        if command is not _open:
            gc.enable()
        code = command(options)
        if sys.stdout is not None:
            # what cannot be written is to be known here, not when the interpreter ends
            sys.stdout.flush()
        return code
    except ExplorerError as error:
        print(error, file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # the reader of our output went away: nothing is wrong here, and nothing more can be said
        _write_no_more()
        return 0
    except KeyboardInterrupt:
        # files are put in place whole, so that there is nothing to clear away
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and error.errno is not None:
            print(f"the output cannot be written: {error.strerror}", file=sys.stderr)
            _write_no_more()
            return FAILED
        print(f"the program made a mistake: {error!r}; please report it with {_logged(error)}", file=sys.stderr)
        return MISTAKEN


def _write_no_more() -> None:
    """What is left in the output's buffer goes nowhere, instead of failing again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _logged(error: Exception) -> Path:
    """The log file, which holds the traceback of an error that nobody foresaw."""
    from explorer.ui.folders import state_folder
    from explorer.ui.log import LogFile, log

    file = LogFile(state_folder())
    log.error("unforeseen", exc_info=error)
    file.close()
    return file.path


def main_window() -> int:
    """Entry point of the graphical launcher."""
    return main(["open", *sys.argv[1:]])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="inference-explorer",
        description="What-if desk for AI inference chips: tail latency, memory fit, cost and dependence on suppliers.",
    )
    parser.add_argument("--version", action="version", version=f"inference-explorer {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="FILE | COMMAND")

    opening = commands.add_parser("open", help="open the window (also: just name a file)")
    opening.add_argument("files", nargs="*", type=Path, metavar="FILE")
    opening.set_defaults(run=_open)

    evaluating = commands.add_parser("evaluate", help="print the verdict on a scenario")
    evaluating.add_argument("file", type=Path)
    form = evaluating.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    form.add_argument("--csv", action="store_true", help="a row for each alternative, units in the headings")
    evaluating.add_argument(
        "--baseline", type=Path, metavar="FILE", help="say what moved against this scenario (default: the one pinned)"
    )
    evaluating.set_defaults(run=_evaluate)

    mattering = commands.add_parser("what-matters", help="which open figure moves, drives and decides the answer")
    asking = commands.add_parser("ask-first", help="what to ask the vendor first, and the number it must beat")
    for study, run in ((mattering, _what_matters), (asking, _ask_first)):
        study.add_argument("file", type=Path)
        study.add_argument("--workload", metavar="NAME", help="one workload of the file (default: all)")
        study.add_argument("--json", action="store_true", help="one JSON object instead of the tables")
        study.set_defaults(run=run)
    asking.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="write the audit questionnaire: .html, .md or .pdf"
    )

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
    solving.set_defaults(run=_break_even)

    claiming = commands.add_parser("claims", help="check the claims of a scenario: how sure each is, what it hangs on")
    claiming.add_argument("file", type=Path)
    claiming.add_argument("--json", action="store_true", help="one JSON object instead of the text")
    claiming.set_defaults(run=_claims)

    painting = commands.add_parser("snapshot", help="write a picture of the window")
    painting.add_argument("file", type=Path)
    painting.add_argument("-o", "--output", type=Path, required=True, metavar="PNG")
    painting.add_argument("--theme", choices=("light", "dark"), default="light")
    painting.add_argument("--size", type=_size, default=(1440, 900), metavar="WxH")
    painting.set_defaults(run=_snapshot)

    from explorer import cli_report, cli_sweep

    cli_report.add_command(commands, _report)
    cli_sweep.add_command(commands, _sweep)

    checking = commands.add_parser("check", help="say everything that is wrong with a scenario file")
    checking.add_argument("file", type=Path)
    checking.set_defaults(run=_check)

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
        "--layout", type=_layout, default="tp=1", metavar="tp=N,pp=N,dp=N,ep=N", help="chips of one replica (tp=1)"
    )
    recorded.add_argument("--replicas", type=int, default=1, metavar="N", help="replicas behind one entrance (1)")
    recorded.add_argument("--max-batch", type=int, default=256, metavar="N", help="sequences at once, at most (256)")
    recorded.add_argument("--token-budget", type=int, default=2048, metavar="N", help="tokens of a step (2048)")
    recorded.add_argument("--weights", choices=get_args(WeightPrecision), default="bf16", help="precision (bf16)")
    recorded.add_argument("--kv", choices=get_args(KvPrecision), default="bf16", help="precision of the cache (bf16)")
    recorded.add_argument("--skip-bad-rows", action="store_true", help="name bad rows and go on with the rest")
    validating.set_defaults(run=_validate)

    from explorer.cli_benchmark import add_command

    add_command(commands, _layout, _import_benchmark)
    commands.add_parser("chips", help="the chips known, and how well").set_defaults(run=_chips)
    commands.add_parser("models", help="the models known, and how well").set_defaults(run=_models)
    return parser


COMMANDS = frozenset(
    {
        "open",
        "evaluate",
        "break-even",
        "claims",
        "what-matters",
        "ask-first",
        "snapshot",
        "check",
        "validate",
        "chips",
        "models",
        "import-benchmark",
        "report",
        "sweep",
    }
)


def _catalog() -> Catalog:
    folder = os.environ.get(USER_FOLDER)
    return load_catalog(Path(folder) if folder else None)


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.lower().partition("x")
    whole = bool(cross) and width.isdigit() and height.isdigit()
    if not (whole and 320 <= int(width) <= 7680 and 240 <= int(height) <= 4320):
        raise argparse.ArgumentTypeError(f"'{text}' is not a size: write WIDTHxHEIGHT, 320x240 to 7680x4320")
    return int(width), int(height)


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


def _read(path: Path, catalog: Catalog) -> LoadedScenario:
    loaded = read_scenario(path, catalog)
    for problem in loaded.warnings:
        print(f"{path}: {problem}", file=sys.stderr)
    return loaded


def _has_display() -> bool:
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform:
        return platform.partition(":")[0] not in ("offscreen", "minimal", "vnc")
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _paint_without_a_screen() -> None:
    """Unless a platform of Qt is named; set but empty names none."""
    if not os.environ.get("QT_QPA_PLATFORM"):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"


def _open(options: argparse.Namespace) -> int:
    from explorer.catalog.location import scenario_root

    catalog = _catalog()
    if _has_display():
        from explorer.ui.application import run

        return run(options.files, catalog)
    gc.enable()
    from explorer.study.verdict_table import verdict_text

    _paint_without_a_screen()
    print("There is no display to open a window on; here is the verdict, and a picture of the window instead.\n")
    path = options.files[0] if options.files else scenario_root() / "ai200-on-aws.toml"
    loaded = _read(path, catalog)
    outcome = evaluate(loaded.scenario, catalog)
    print(verdict_text(outcome))
    picture = Path.cwd() / f"snapshot-{path.stem}.png"
    _paint(loaded, catalog, picture, "light", (1440, 900), outcome)
    print(f"\npicture of the window: {picture.name}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from explorer.study.against import against
    from explorer.study.economics import evaluate_with_economics
    from explorer.study.export import outcome_data
    from explorer.study.fleet_without import what_it_changes
    from explorer.study.verdict_table import verdict_text

    catalog = _catalog()
    loaded = read_scenario(options.file, catalog)
    if _complain(loaded, catalog):
        return FAILED
    if options.csv:
        if options.baseline is not None:
            raise ExplorerError("--csv has no column for a baseline: use --json, or evaluate both files with --csv")
        from explorer.study.outcome_table import HEADINGS, csv_of, outcome_rows

        with _placed(loaded, catalog):
            print(csv_of(HEADINGS, outcome_rows(evaluate(loaded.scenario, catalog))), end="")
        return 0
    with _placed(loaded, catalog):
        answer = evaluate_with_economics if options.json else evaluate
        outcome = answer(loaded.scenario, catalog)
    baseline, owner = baseline_of(loaded.scenario), loaded
    if options.baseline is not None:
        other = read_scenario(options.baseline, catalog)
        if _complain(other, catalog):
            return FAILED
        baseline, owner = other.scenario, other
    moved = None
    if baseline is not None:
        with _placed(owner, catalog):
            moved = against(baseline, evaluate(baseline, catalog), loaded.scenario, outcome)
    if options.json:
        print(json.dumps(outcome_data(outcome, moved), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _warn(options.file, outcome.warnings)
        # what moved against a baseline says it already
        change = "" if moved is not None else what_it_changes(loaded.scenario, catalog, outcome)
        print(verdict_text(outcome, moved, change))
    return 0


def _break_even(options: argparse.Namespace) -> int:
    from explorer.study.break_even import SAMPLES, Locks, break_even
    from explorer.study.break_even_words import break_even_data, break_even_text

    catalog = _catalog()
    loaded = read_scenario(options.file, catalog)
    if _complain(loaded, catalog):
        return FAILED
    found = break_even(
        Evaluator(catalog),
        loaded.scenario,
        options.unknown,
        options.goal,
        locks=Locks(
            options.replicas, options.replicas == "now" if options.hold_layout is None else options.hold_layout
        ),
        samples=SAMPLES if options.samples is None else options.samples,
    )
    if options.json:
        print(json.dumps(break_even_data(found), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print(break_even_text(found))
    return 0


def _claims(options: argparse.Namespace) -> int:
    from explorer.study.claims import claims_at_once
    from explorer.study.claims_words import claims_data, claims_text

    catalog = _catalog()
    loaded = read_scenario(options.file, catalog)
    if _complain(loaded, catalog):
        return FAILED
    found = claims_at_once(Evaluator(catalog), loaded.scenario)
    if options.json:
        print(json.dumps(claims_data(found), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print(claims_text(found))
    return 0


def _complain(loaded: LoadedScenario, catalog: Catalog) -> bool:
    problems = check_scenario(loaded, catalog)
    for problem in problems:
        print(f"{loaded.path}: {problem}", file=sys.stderr)
    return bool(problems)


@contextmanager
def _placed(loaded: LoadedScenario, catalog: Catalog) -> Iterator[None]:
    """What the engine refuses is told with file, line and key."""
    try:
        yield
    except (LayoutError, MissingFigureError) as error:
        from explorer.study.misfits import with_place

        raise with_place(error, loaded, catalog) from error


def _warn(path: Path, warnings: Sequence[str]) -> None:
    for warning in warnings:
        print(f"{path}: warning: {warning}", file=sys.stderr)


def _matters_of(options: argparse.Namespace) -> list[WhatMatters]:
    from explorer.study.what_matters import what_matters

    catalog = _catalog()
    scenario = _read(options.file, catalog).scenario
    names = [workload.name for workload in scenario.workloads]
    if options.workload is not None and options.workload not in names:
        raise ExplorerError(f"{options.file}: no workload '{options.workload}' (there are {', '.join(names)})")
    asked = [at for at, name in enumerate(names) if options.workload in (None, name)]
    found = []
    for at in asked:
        one = what_matters(scenario, catalog, at)
        if one is None:
            chosen = scenario.workloads[at].selected
            print(f"{names[at]}: {chosen} does not fit or has no price: select another alternative", file=sys.stderr)
        else:
            found.append(one)
    if not found:
        raise ExplorerError(f"{options.file}: nothing to decide between")
    return found


def _what_matters(options: argparse.Namespace) -> int:
    from explorer.study.export_economics import plain_data
    from explorer.study.what_matters_words import matters_text

    found = _matters_of(options)
    if options.json:
        print(json.dumps({"workloads": plain_data(found)}, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print("\n\n".join(matters_text(one) for one in found))
    return 0


def _ask_first(options: argparse.Namespace) -> int:
    from explorer.study.export_economics import plain_data
    from explorer.study.questionnaire import questionnaires
    from explorer.study.what_matters_words import ask_first_text

    found = _matters_of(options)
    asked = [one for workload in found for one in questionnaires(workload)]
    if options.output is not None:
        from explorer.report.questionnaire import write_questionnaires

        _paint_without_a_screen()
        write_questionnaires(asked, options.output)
        print(f"{options.output}: {len(asked)} questionnaire{'s' if len(asked) != 1 else ''}")
    elif options.json:
        data = {"demands": [plain_data(one.demands) for one in found], "questionnaires": plain_data(asked)}
        print(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print("\n\n".join(ask_first_text(one) for one in found))
    return 0


def _check(options: argparse.Namespace) -> int:
    catalog = _catalog()
    loaded = read_scenario(options.file, catalog)
    if _complain(loaded, catalog):
        return FAILED
    # what only the engine can say: an impossible layout, a missing figure
    with _placed(loaded, catalog):
        warnings = evaluate(loaded.scenario, catalog, samples=8).warnings
        baseline = baseline_of(loaded.scenario)
        if baseline is not None:
            evaluate(baseline, catalog, samples=8)
    _warn(options.file, warnings)
    print(f"{options.file}: " + ("can be evaluated; mind the warnings" if warnings else "nothing is wrong with it"))
    return 0


def _snapshot(options: argparse.Namespace) -> int:
    _paint_without_a_screen()
    catalog = _catalog()
    _paint(_read(options.file, catalog), catalog, options.output, options.theme, options.size)
    return 0


def _report(options: argparse.Namespace) -> int:
    from explorer import cli_report

    _paint_without_a_screen()
    catalog = _catalog()
    loaded = read_scenario(options.file, catalog)
    if _complain(loaded, catalog):
        return FAILED
    return cli_report.write(loaded.scenario, catalog, options.output)


def _sweep(options: argparse.Namespace) -> int:
    from explorer import cli_sweep

    catalog = _catalog()
    loaded = read_scenario(options.file, catalog)
    if _complain(loaded, catalog):
        return FAILED
    return cli_sweep.sweep(loaded.scenario, catalog, options.vary, options.output)


def _paint(
    loaded: LoadedScenario,
    catalog: Catalog,
    output: Path,
    theme: str,
    size: tuple[int, int],
    outcome: Outcome | None = None,
) -> None:
    from PySide6.QtCore import QByteArray
    from PySide6.QtGui import QImageWriter

    from explorer.ui.application import grab

    image = grab(loaded.scenario, size=size, theme_name=theme, catalog=catalog, outcome=outcome)
    writer = QImageWriter(str(output), QByteArray(b"png"))
    if not writer.write(image):
        reason = writer.errorString()
        raise ExplorerError(f"{output}: cannot be written ({reason}); name a file in a folder you may write to")


def _layout(text: str) -> LayoutChoice:
    parts = dict.fromkeys(("tp", "pp", "dp", "ep"), 1)
    for part in text.lower().replace(" ", "").split(","):
        name, equals, number = part.partition("=")
        if name not in parts or not equals or not number.isdigit() or int(number) < 1:
            raise argparse.ArgumentTypeError(f"'{text}' is no layout: write tp=8 or tp=8,pp=2,dp=1,ep=8")
        parts[name] = int(number)
    return LayoutChoice(**parts)


def _validate_requests(options: argparse.Namespace) -> int:
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
    found = compare_log(log, served, _catalog())
    for problem in log.problems:
        print(f"{options.requests}: {problem}: left out", file=sys.stderr)
    if options.json:
        print(json.dumps(comparison_data(found), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print(comparison_text(found))
    return 0


def _import_benchmark(options: argparse.Namespace) -> int:
    from explorer.cli_benchmark import import_benchmark

    catalog = _catalog()
    return import_benchmark(options, _read(options.scenario, catalog), catalog)


def _validate(options: argparse.Namespace) -> int:
    if options.requests is not None:
        return _validate_requests(options)
    from explorer.study.evidence.constants import serving_constants
    from explorer.study.evidence.report import report_data, report_text
    from explorer.study.evidence.targets import judge_unseen
    from explorer.study.validate import validate, write_rows

    found = validate(options.tables, _catalog())
    if options.rows is not None:
        write_rows(found, options.rows)
    unseen = None
    if options.leave_out or not options.tables:
        unseen = judge_unseen(found.predictions, found.parts, serving_constants())
    if options.json:
        print(json.dumps(report_data(found, unseen), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print(report_text(found, unseen))
    return 0


def _chips(_: argparse.Namespace) -> int:
    from explorer.catalog.listing import chip_rows
    from explorer.study.verdict_table import columns

    rows: list[Sequence[str]] = [("id", "name", "known by", "memory", "bandwidth", "open figures", "offers")]
    bandwidth, capacity = QUANTITIES["bytes_per_s"], QUANTITIES["bytes"]
    for row in chip_rows(_catalog()):
        stated = bandwidth.format(row.memory_bandwidth)
        if row.memory_bandwidth_low < row.memory_bandwidth_high:
            stated = bandwidth.format_range(row.memory_bandwidth_low, row.memory_bandwidth_high)
        offers = f"{row.offers}" + (f" + {row.hypothetical_offers} hypothetical" if row.hypothetical_offers else "")
        own = " (yours)" if row.origin == "user" else ""
        rows.append(
            (
                row.id,
                row.name + own,
                row.evidence_grade,
                capacity.format(row.memory_capacity),
                f"{stated} {row.bandwidth_status}",
                ", ".join(row.open_figures) or "none",
                offers,
            )
        )
    print("\n".join(columns(rows)))
    return 0


def _models(_: argparse.Namespace) -> int:
    from explorer.catalog.listing import model_rows
    from explorer.study.verdict_table import columns

    rows: list[Sequence[str]] = [("id", "name", "parameters", "active", "published", "difference", "known from")]
    count = QUANTITIES["parameters"]
    for row in model_rows(_catalog()):
        published = "not published" if row.published_parameters is None else count.format(row.published_parameters)
        difference = "–" if row.difference is None else f"{row.difference:+.1%}"
        own = " (yours)" if row.origin == "user" else ""
        rows.append(
            (
                row.id,
                row.name + own,
                count.format(row.parameters),
                count.format(row.active_parameters),
                published,
                difference,
                row.known_from,
            )
        )
    print("\n".join(columns(rows)))
    return 0

"""The command that imports a benchmark of the user's own into a scenario file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.benchmark import FRAMEWORKS
from explorer.scenario.fields import KvPrecision, WeightPrecision
from explorer.scenario.file import LoadedScenario
from explorer.scenario.schema import LayoutChoice

NAME = "import-benchmark"


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    layout: Callable[[str], LayoutChoice],
    run: Callable[[argparse.Namespace], int],
) -> None:
    """Put the command among the others; `layout` reads "tp=8,ep=8"."""
    importing = commands.add_parser(
        NAME,
        help="bring your own benchmark: put its rows into a scenario, and its step times right",
        description="Read a result of vLLM bench serve, SGLang, GuideLLM (JSON, CSV), InferenceX rows, an MLPerf "
        "summary or detail log, or a CSV table; say what was understood and which rows are bad and why; keep the good "
        "ones in the scenario. The scenario is written in place, or to OUT; the benchmark's file stays where it is.",
        epilog="example: inference-explorer import-benchmark ai200-on-aws.toml run.json --alternative AI200 "
        "--layout tp=2 --dry-run",
    )
    importing.add_argument("scenario", type=Path, metavar="SCENARIO")
    importing.add_argument("file", type=Path, metavar="FILE")
    importing.add_argument("--alternative", metavar="NAME", help="whose it is (default: by the chip it names)")
    importing.add_argument("--workload", metavar="NAME", help="the alternative's (default: by the model named)")
    importing.add_argument("--model", metavar="ID", help="model that ran, as `models` lists it")
    importing.add_argument("--weights", choices=get_args(WeightPrecision), help="precision of the weights")
    importing.add_argument("--kv", choices=get_args(KvPrecision), help="precision of the KV cache")
    importing.add_argument("--framework", choices=FRAMEWORKS, help="serving engine")
    importing.add_argument("--layout", type=layout, metavar="tp=N,pp=N,dp=N,ep=N", help="chips of one replica that ran")
    importing.add_argument("--replicas", type=_count, metavar="N", help="replicas behind one entrance (1)")
    importing.add_argument("--prompt-tokens", type=_tokens, metavar="N", help="mean prompt, where rows do not say")
    importing.add_argument("--output-tokens", type=_tokens, metavar="N", help="mean answer, where rows do not say")
    importing.add_argument("--dry-run", action="store_true", help="say what would be imported and write nothing")
    importing.add_argument("-o", "--output", type=Path, metavar="OUT", help="write the scenario here instead")
    importing.set_defaults(run=run)


def _count(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= 100_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is no number of replicas: 1 to 100000")


def _tokens(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1.0 <= value <= 10_000_000.0:
        raise argparse.ArgumentTypeError(f"'{text}' is no length in tokens: 1 to 10000000")
    return value


def import_benchmark(options: argparse.Namespace, loaded: LoadedScenario, catalog: Catalog) -> int:
    """Read, tell, and write; ExplorerError where nothing can be imported, the scenario then stays as it was."""
    import explorer
    from explorer.scenario.benchmarks.reading import read_benchmark
    from explorer.scenario.file import write_scenario
    from explorer.scenario.path import replace
    from explorer.scenario.snapshot import with_snapshot
    from explorer.study.benchmarks.moving import refiled
    from explorer.study.benchmarks.proposal import ImportChoiceError, corrected, propose, suggested
    from explorer.study.benchmarks.words import preview_text
    from explorer.study.evaluate import evaluate

    scenario, file = loaded.scenario, read_benchmark(options.file)
    names = [one.name for one in scenario.workloads]
    if options.workload is not None and options.workload not in names:
        raise ImportChoiceError(f"there is no workload '{options.workload}' (there are: {', '.join(names)})")
    quick = evaluate(scenario, catalog, samples=8)
    owners = [one for one in quick.workloads if options.alternative in {each.name for each in one.alternatives}]
    at = options.workload or (owners[0].name if owners else names[0])
    answer = next(one for one in quick.workloads if one.name == at)
    choices = suggested(catalog, scenario, file, at, {one.name: one.layout for one in answer.alternatives})
    if options.workload is not None or options.alternative is not None:
        choices = corrected(choices, workload=at, alternative=options.alternative or answer.chosen.name)
        layout = next((one.layout for one in answer.alternatives if one.name == choices.alternative), None)
        if layout is not None and not any(run.row.tp for run in file.runs):
            choices = corrected(choices, tp=layout.tp, pp=layout.pp, dp=layout.dp, ep=layout.ep)
    if options.layout is not None:
        one = options.layout
        choices = corrected(choices, tp=one.tp, pp=one.pp, dp=one.dp, ep=one.ep)
    choices = corrected(
        choices,
        model=None if options.model is None else catalog.model(options.model).id,
        weight_precision=options.weights,
        kv_precision=options.kv,
        framework=options.framework,
        replicas=options.replicas,
        prompt_tokens=options.prompt_tokens,
        output_tokens=options.output_tokens,
    )
    target: Path = options.output or options.scenario
    proposal = propose(catalog, scenario, file, choices, target.absolute().parent)
    print(preview_text(proposal, catalog))
    if proposal.benchmark is None:
        raise ExplorerError(f"{options.file}: nothing was imported, {options.scenario} is as it was")
    if options.dry_run:
        print("\nnothing was written (--dry-run)")
        return 0
    moved = refiled(scenario, options.scenario.absolute().parent, target.absolute().parent)
    then = replace(moved, "benchmarks", (*moved.benchmarks, proposal.benchmark))
    write_scenario(target, with_snapshot(then, catalog, explorer.__version__, explorer.ENGINE_VERSION), loaded)
    print(f"\n{target}: benchmark '{proposal.benchmark.name}' is in it")
    return 0

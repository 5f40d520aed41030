"""How fast the engine is: step times, operating points and whole evaluations, printed and never asserted on.

Run: pytest tests/benchmarks/test_engine_speed.py -m benchmark -s. Figures are CPU time of this process, so that work
of others on the machine counts less; the best run and the median are given.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.engine.steptime import StepWork, step_time
from explorer.scenario.file import read_scenario
from explorer.scenario.path import replace
from explorer.scenario.schema import Scenario, Stragglers
from explorer.scenario.workload import Alternative, ModelChoice
from explorer.study.demand import Demand
from explorer.study.deployment import Deployment, candidates_of
from explorer.study.engine_rows import rows_of
from explorer.study.evaluate import Evaluator, evaluate
from explorer.study.figures import FigureSet
from explorer.study.replica import latencies, replica_table
from explorer.study.resolve import ServedModel, served_model, step_constants
from explorer.study.sizing import grid_of, load_ladder
from explorer.study.step_grid import Rows

CHAT = Demand(prompt=1155, prompt_cv=0.96, output=211, output_cv=0.77, arrival_scv=1.0, prefix_hit=0.0)
ROWS = 128

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


def timed(work: Callable[[], object], runs: int = 9) -> tuple[float, float]:
    """CPU seconds of one run: the best and the median."""
    work()
    taken = []
    for _ in range(runs):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken), float(np.median(taken))


def replicas_in_rows(catalog: Catalog, model: str, degree: int) -> tuple[ServedModel, Rows]:
    """ROWS draws of one AI200 replica of `degree` cards."""
    chip = catalog.chip("qcom-ai200")
    settings = Alternative(name="AI200", chip=chip.id, parallelism_degree=degree)
    deployment = Deployment("AI200", chip, "", None, settings, "fp8", "fp8", FigureSet(chip, {}))
    served = served_model(catalog, ModelChoice(preset=model))
    candidate = candidates_of(deployment, served, 4096.0, step_constants(), False)[0]
    rows = rows_of([candidate], step_constants(), 0.01, samples=ROWS, seed=1, residual=[np.ones(ROWS)])
    return served, rows


@pytest.mark.parametrize(("model", "degree"), [("llama-3.1-70b", 4), ("deepseek-v3", 8), ("gpt-oss-120b", 1)])
def test_step_times_a_second(model: str, degree: int, catalog: Catalog) -> None:
    served, rows = replicas_in_rows(catalog, model, degree)
    batches = np.geomspace(1.0, 256.0, 100)[None, :]
    for name, prefill in (("decode", 0.0), ("decode with a prompt chunk", 1024.0)):
        work = StepWork(batches, 1300.0, prefill, 600.0)
        best, median = timed(
            lambda work=work: step_time(  # type: ignore[misc]
                served.shape, rows.spec, rows.split, rows.allreduce, work, step_constants()
            )
        )
        points = ROWS * batches.size
        print(
            f"\nstep times, {model} on {degree}, {name}: {points / best / 1e6:.2f} M/s a core"
            f" (median {points / median / 1e6:.2f}); wanted 1"
        )


@pytest.mark.parametrize("coarse", [False, True])
def test_operating_points_a_second(coarse: bool, catalog: Catalog) -> None:
    served, rows = replicas_in_rows(catalog, "llama-3.1-70b", 4)
    grid = grid_of(served, CHAT, rows, step_constants(), Stragglers(), False)
    table = replica_table(grid, CHAT, step_constants(), stall_s=0.05, coarse=coarse)
    rates = load_ladder(20)[None, :] * table.chain.saturation[:, None]
    nodes = "coarse" if coarse else "fine"
    for name, metrics, quantiles in (
        ("P99 of first token and time per token", ("ttft", "tpot"), (0.99,)),
        ("P50, P95, P99 of first token and time per token", ("ttft", "tpot"), (0.5, 0.95, 0.99)),
        ("P50, P95, P99 of all four", ("ttft", "tpot", "itl", "e2e"), (0.5, 0.95, 0.99)),
    ):
        best, median = timed(
            lambda metrics=metrics, quantiles=quantiles: latencies(  # type: ignore[misc]
                table, rates, metrics=metrics, quantiles=quantiles
            )
        )
        print(
            f"\noperating points, {nodes} nodes, {name}: {rates.size / best / 1e3:.0f} k/s a core"
            f" (median {rates.size / median / 1e3:.0f}); wanted 200"
        )


def founding(scenarios: Path) -> Scenario:
    """The founding question: two workloads, four alternatives each, and a fleet."""
    return read_scenario(scenarios / "ai200-on-aws.toml").scenario


@pytest.mark.parametrize("samples", [16, 256])
def test_whole_evaluations(samples: int, catalog: Catalog, scenarios_folder: Path) -> None:
    asked = replace(founding(scenarios_folder), "simulation.samples", samples)
    best, median = timed(lambda: evaluate(asked, catalog))
    print(f"\nfresh evaluation, {samples} draws: {best * 1e3:.1f} ms CPU (median {median * 1e3:.1f})")

    evaluator = Evaluator(catalog)
    evaluator.evaluate(asked)
    rates = iter(np.geomspace(5.0, 40.0, 100))

    def slide() -> None:
        evaluator.evaluate(replace(asked, "workloads.0.traffic.request_rate_per_s", float(next(rates))))

    best, median = timed(slide, runs=40)
    print(f"slider move, {samples} draws, the other workload kept: {best * 1e3:.1f} ms CPU (median {median * 1e3:.1f})")

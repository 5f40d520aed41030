"""How fast many draws and the win map are, on all cores: printed, never asserted on.

Run: pytest tests/benchmarks/test_win_map_speed.py -m benchmark -s. Wall and CPU time; the best run and the median.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.schema import Scenario
from explorer.study import solver
from explorer.study.answers import Context
from explorer.study.bands import drawn_rows, rows_under_load
from explorer.study.closed_form_code import made
from explorer.study.demand import held_length
from explorer.study.deployment import Deployment, candidates_of
from explorer.study.figures import FigureSets
from explorer.study.map_axes import MapQuestion
from explorer.study.resolve import served_model, step_constants
from explorer.study.sizing import load_ladder
from explorer.study.win_map import win_map
from explorer.study.workload import demand_of, limits_of

SAMPLES, LOADS = 1024, 20
TWELVE = (
    "qcom-ai200", "nv-h200", "aws-trn2", "nv-gb200-nvl72", "aws-inf2", "aws-trn3", "nv-a100-80", "nv-b200", "nv-b300",
    "nv-h100-sxm", "nv-l40s", "nv-rtxpro6000",
)  # fmt: skip

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.fixture(scope="module")
def founding(scenarios_folder: Path) -> Scenario:
    """The founding question."""
    return read_scenario(scenarios_folder / "ai200-on-aws.toml").scenario


def timed(work: Callable[[], object], runs: int) -> str:
    """Wall and CPU milliseconds of one run after a first one, best and median."""
    work()
    wall, cpu = [], []
    for _ in range(runs):
        starts = time.perf_counter(), time.process_time()
        work()
        wall.append(1e3 * (time.perf_counter() - starts[0]))
        cpu.append(1e3 * (time.process_time() - starts[1]))
    return (
        f"wall {min(wall):.1f} ms (median {np.median(wall):.1f}), CPU {min(cpu):.1f} ms (median {np.median(cpu):.1f})"
    )


@pytest.mark.parametrize("workload", [0, 1])
def test_draws_of_four_alternatives(workload: int, catalog: Catalog, founding: Scenario) -> None:
    asked = founding.workloads[workload]
    context = Context(catalog, founding, asked, served_model(catalog, asked.model), demand_of(asked), limits_of(asked))
    figures = FigureSets(catalog)
    candidates = []
    for one in asked.alternatives:
        chosen = figures.of(one.chip, {})
        deployment = Deployment(
            one.name, chosen.chip, one.cloud, None, one, asked.model.weight_precision, asked.model.kv_precision, chosen
        )
        found = candidates_of(
            deployment, context.served, held_length(context.demand), step_constants(), context.sharded
        )
        candidates.append(next(option for option in found if option.fits))
    steps = [np.linspace(0.8, 1.25, SAMPLES) for _ in candidates]
    ones = np.ones(SAMPLES * len(candidates))

    def draw(metrics: tuple[str, ...]) -> Callable[[], object]:
        rates = load_ladder(LOADS)[None, :] * np.full((len(ones), 1), 0.5)
        return lambda: rows_under_load(
            context, drawn_rows(context, candidates, SAMPLES, steps), rates, ones, metrics, ()
        )

    solver.use(made())
    size = f"{SAMPLES} draws x {LOADS} loads x {len(candidates)} alternatives, {asked.name}"
    print(f"\n{size}, first token and time per token: {timed(draw(('ttft', 'tpot')), 15)}; wanted 40")
    print(f"{size}, all four latencies: {timed(draw(('ttft', 'tpot', 'itl', 'e2e')), 15)}; wanted 40")


def test_win_map_of_twelve_chips(catalog: Catalog, founding: Scenario) -> None:
    twelve = replace(catalog, chips={chip: catalog.chip(chip) for chip in TWELVE})
    figures = FigureSets(twelve)
    first: list[tuple[float, float]] = []

    def whole() -> None:
        starts = time.perf_counter(), time.process_time()
        seen = False
        for picture in win_map(twelve, figures, founding, MapQuestion()):
            if picture is not None and not seen:
                seen = True
                first.append((1e3 * (time.perf_counter() - starts[0]), 1e3 * (time.process_time() - starts[1])))

    print(f"\nwin map 100 x 100, 12 chips, 64 draws: {timed(whole, 5)}; wanted 2000")
    wall, cpu = np.asarray(first[1:]).T
    print(
        f"first picture: wall {wall.min():.0f} ms (median {np.median(wall):.0f}), CPU {cpu.min():.0f} ms"
        f" (median {np.median(cpu):.0f}); wanted 150"
    )

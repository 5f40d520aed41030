"""How soon and how well the simulation follows a resting hand: printed and never asserted on.

Run: pytest tests/benchmarks/test_refinement_speed.py -m benchmark -s. Wall clock and CPU time, after a first run that
compiles; the refinement as the worker does it, with its compiled draws, on as many threads as there are cores.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.path import several
from explorer.scenario.schema import Scenario
from explorer.study import solver
from explorer.study.banded import METRICS
from explorer.study.closed_form_code import made
from explorer.study.evaluate import Evaluator
from explorer.study.outcome import Outcome
from explorer.study.settled_point import settle
from explorer.study.simulated_replica import LEVELS, Run, summary
from explorer.study.simulated_server import replica_to_simulate
from explorer.study.simulation import THREADS, Refinement

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1200)]

RATE = "workloads.0.traffic.request_rate_per_s"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="module", autouse=True)
def compiled_draws() -> Iterator[None]:
    solver.use(made())
    yield
    solver.use(solver.Arrays())


def examples(folder: Path, catalog: Catalog) -> dict[str, Scenario]:
    """The example scenarios, each with its first workload only, as a window shows it."""
    read = {path.stem: read_scenario(path, catalog).scenario for path in sorted(folder.glob("*.toml"))}
    return {name: one.model_copy(update={"workloads": one.workloads[:1]}) for name, one in read.items()}


def told(values: list[float]) -> str:
    return f"best {min(values) * 1e3:.0f}, median {float(np.median(values)) * 1e3:.0f} ms"


def test_stages_after_a_hand_rests(scenarios_folder: Path, catalog: Catalog) -> None:
    """Wanted: first curve of the selected alternative within 80 ms; four alternatives x 20 loads within 400 ms."""
    for name, scenario in examples(scenarios_folder, catalog).items():
        evaluator = Evaluator(catalog)
        first: list[float] = []
        cpu: list[float] = []
        everyone: list[float] = []
        simulated: list[float] = []
        end: list[float] = []
        for turn in range(5):
            rate = scenario.workloads[0].traffic.request_rate_per_s * (1.0 + 0.01 * turn)
            refinement = Refinement(evaluator, several(scenario, {RATE: rate}))
            began, used = time.perf_counter(), time.process_time()
            marks: list[float] = []
            spent: list[float] = []
            all_of_them = float("nan")
            count = len(scenario.workloads[0].alternatives)
            for stage in refinement.stages():
                if len(refinement.corrections.of) == count and np.isnan(all_of_them):
                    all_of_them = time.perf_counter() - began
                if stage is not None:
                    marks.append(time.perf_counter() - began)
                    spent.append(time.process_time() - used)
            if turn:
                first.append(marks[0])
                cpu.append(spent[0])
                simulated.append(all_of_them)
                everyone.append(marks[1])
                end.append(marks[-1])
        print(
            f"\n{name}, {count} alternatives: first curve {told(first)} (CPU {told(cpu)}); all alternatives x 20 loads"
            f" {told(simulated)}, shown {told(everyone)}; final {told(end)}; {THREADS} threads"
        )


def test_how_sure_a_curve_is_after_a_second(scenarios_folder: Path, catalog: Catalog) -> None:
    """Wanted: +-5 % at 80 % load within 1 s: half widths of the band of P99 of one run, and of the further runs that an
    operating point gets, with the seconds they take; then those of the final answer at the scenario's own traffic.
    """
    for name, scenario in examples(scenarios_folder, catalog).items():
        evaluator = Evaluator(catalog)
        workload = scenario.workloads[0]
        chosen = next(i for i, one in enumerate(workload.alternatives) if one.name == workload.selected)
        found = evaluator.evaluate(scenario, 8).workloads[0].alternatives[chosen]
        replica = replica_to_simulate(evaluator, scenario, workload, workload.alternatives[chosen], found)
        saturation = replica.saturation(20_000)
        began = time.perf_counter()
        run = summary(replica, 0.8, saturation, 20_000)
        words = [f"20,000: +-{widths(run)} % in {1e3 * (time.perf_counter() - began):.0f} ms"]
        began = time.perf_counter()
        with ThreadPoolExecutor(THREADS) as pool:
            last = [one for one in settle(pool, replica, 0.8, saturation, 20_000, LEVELS) if one is not None][-1]
        words.append(f"further {last[1]:,}: +-{widths(last[0])} % in {1e3 * (time.perf_counter() - began):.0f} ms")
        print(f"\n{name}, P99 of {'/'.join(METRICS)} at 80 % load: {'; '.join(words)}")
        began = time.perf_counter()
        seen: list[tuple[float, str]] = []
        for stage in Refinement(evaluator, scenario).stages():
            if stage is not None:
                seen.append((1e3 * (time.perf_counter() - began), stage.workloads[0].chosen.latency_method))
        settled = next(moment for moment, method in seen if method == seen[-1][1])
        print(f"  {seen[-1][1]}: at your traffic after {settled:.0f} ms, whole after {seen[-1][0]:.0f} ms")


def widths(run: Run) -> str:
    """Half widths of the bands of P99, per cent of the value."""
    return "/".join(f"{50 * (run.high[m][2] - run.low[m][2]) / run.value[m][2]:.1f}" for m in METRICS)


def test_the_jump_on_release(scenarios_folder: Path, catalog: Catalog) -> None:
    """Wanted: median <= 5 %, P95 <= 15 % of the value, from what is shown while a hand moves to the simulation."""
    moves = (("request_rate_per_s", 0.8), ("request_rate_per_s", 1.25), ("prompt_tokens", 1.5), ("output_tokens", 0.7))
    jumps: list[float] = []
    plain: list[float] = []
    resized = seen = 0
    for name, scenario in examples(scenarios_folder, catalog).items():
        evaluator = Evaluator(catalog)
        before = Refinement(evaluator, scenario)
        for _ in before.stages():
            pass
        estimates = before.corrections.as_estimates()
        own: list[float] = []
        for key, factor in moves:
            path = f"workloads.0.traffic.{key}"
            value = getattr(scenario.workloads[0].traffic, key) * factor
            moved = several(scenario, {path: value})
            shown, closed = evaluator.evaluate(moved, 8, corrections=estimates), evaluator.evaluate(moved, 8)
            after = [stage for stage in Refinement(evaluator, moved).stages() if stage is not None][-1]
            own += jumps_between(shown, after)
            plain += jumps_between(closed, after)
            held = [one.replicas for one in shown.workloads[0].alternatives]
            resized += sum(a != b.replicas for a, b in zip(held, after.workloads[0].alternatives, strict=True))
            seen += len(held)
        jumps += own
        print(f"\n{name}: median {np.median(own):.1%}, P95 {np.quantile(own, 0.95):.1%} of {len(own)} latencies")
    told_jumps, told_plain = (
        f"median {np.median(found):.1%}, P95 {np.quantile(found, 0.95):.1%}" for found in (jumps, plain)
    )
    print(
        f"\njump on release: {told_jumps} of {len(jumps)}; without the ratio of the last simulation: {told_plain};"
        f" replicas counted anew for {resized} of {seen} alternatives"
    )


def jumps_between(shown: Outcome, after: Outcome) -> list[float]:
    """Relative changes of P50 and P99 of every latency at the operating point of as many replicas."""
    found = []
    for then, now in zip(shown.workloads[0].alternatives, after.workloads[0].alternatives, strict=True):
        if then.replicas != now.replicas:
            continue
        for metric in METRICS:
            for one, other in (
                (then.latency[metric].p50, now.latency[metric].p50),
                (then.latency[metric].p99, now.latency[metric].p99),
            ):
                if one is not None and other is not None:
                    found.append(abs(one.value / other.value - 1.0))
    return found

"""The compiled closed form gives the answers of the interpreted one, row by row, whatever its neighbours are."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog, load_catalog
from explorer.engine.batch_nodes import COARSE, FINE, batch_nodes
from explorer.engine.largest_rate import largest_rate_within
from explorer.engine.records import StepConstants
from explorer.errors import ExplorerError
from explorer.scenario.file import read_scenario
from explorer.scenario.path import replace as replace_value
from explorer.scenario.path import several
from explorer.scenario.schema import Stragglers
from explorer.scenario.workload import Alternative, ModelChoice, Speculation
from explorer.study import bands, layout_search, load_curves, sizing, solver
from explorer.study.answers import Context
from explorer.study.banded import METRICS, Metric
from explorer.study.bands import rows_under_load
from explorer.study.closed_form_code import made
from explorer.study.compiled import MOST_CAPS, _NodeTables
from explorer.study.correction import Correction
from explorer.study.demand import Demand, held_length
from explorer.study.deployment import Candidate, Deployment, candidates_of
from explorer.study.engine_rows import rows_of
from explorer.study.evaluate import Evaluator, evaluate
from explorer.study.figures import FigureSet
from explorer.study.replica import latencies, replica_table
from explorer.study.resolve import ServedModel, served_model, step_constants
from explorer.study.sizing import grid_of, load_ladder
from explorer.study.solved import Asked
from explorer.study.step_grid import Rows, StepGrid, step_grid
from explorer.study.workload import demand_of
from tests.study.walking import differences

STEP_PARTS = (
    "budget",
    "decode",
    "mixed",
    "full",
    "full_steps",
    "chunks",
    "lanes",
    "ranks",
    "beside",
    "beside_full",
    "stall_probability",
    "tokens_a_step",
)
WELL_KNOWN = ("tpot", "e2e")
"""Latencies without a cancellation: held to the digits the rules promise."""
DRAWS = 4


@lru_cache(maxsize=1)
def shipped() -> Catalog:
    """The shipped catalogue, read once."""
    return load_catalog()


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return shipped()


demands = st.builds(
    Demand,
    prompt=st.floats(1.0, 30_000.0),
    prompt_cv=st.floats(0.0, 2.0),
    output=st.floats(1.0, 4_000.0),
    output_cv=st.floats(0.0, 2.0),
    arrival_scv=st.floats(0.0, 9.0),
    prefix_hit=st.floats(0.0, 0.9),
    bursts=st.none() | st.tuples(st.floats(0.05, 1.0), st.floats(0.1, 300.0)),
)


def fitting(
    catalog: Catalog, served: ServedModel, chip: str, demand: Demand, settings: Alternative, sharded: bool
) -> list[Candidate]:
    """The layouts of a chip that hold the model; none where a figure it needs is missing."""
    record = catalog.chip(chip)
    deployment = Deployment("a", record, "", None, settings, "fp8", "fp8", FigureSet(record, {}))
    try:
        found = candidates_of(deployment, served, held_length(demand), step_constants(), sharded)
    except ExplorerError:
        return []
    return [one for one in found if one.fits]


def drawn_rows_or_none(candidates: list[Candidate], seed: int, constants: StepConstants) -> Rows | None:
    """A few draws of each candidate with errors of the model; None where a figure they need is missing."""
    rng = np.random.default_rng(seed)
    residual = [np.exp(0.2 * rng.standard_normal(DRAWS)) for _ in candidates]
    try:
        return rows_of(candidates, constants, 0.01, samples=DRAWS, seed=seed, residual=residual)
    except ExplorerError:
        return None


@pytest.mark.timeout(900)  # the first compilation of a new checkout is in it
@settings(max_examples=60, deadline=None)
@given(pick=st.integers(0, 2**32 - 1), demand=demands)
def test_that_compiled_answers_are_the_interpreted_ones(pick: int, demand: Demand) -> None:
    catalog = shipped()
    rng = np.random.default_rng(pick)
    size = rng.choice([0.0, 3.0, 70.0, 900.0])
    model = ModelChoice(preset=str(rng.choice(sorted(catalog.models))), size_billion=float(size) or None)
    served = served_model(catalog, model)
    own = Alternative(
        name="a",
        chip="-",
        max_batch=int(rng.choice([1, 2, 3, 12, 41, 256, 3000])),
        token_budget=int(rng.choice([16, 512, 2048, 8192])),
        speculation=Speculation(acceptance=0.8, draft_tokens=4, step_cost=0.3) if rng.random() < 0.3 else None,
    )
    sharded, replicas = bool(rng.integers(2)), float(rng.choice([1.0, 7.0]))
    chips = [str(chip) for chip in rng.choice(sorted(catalog.chips), 2, replace=False)]
    candidates = [one for chip in chips for one in fitting(catalog, served, chip, demand, own, sharded)]
    constants, stragglers = step_constants(), Stragglers()
    rows = drawn_rows_or_none(candidates, pick % 100, constants) if candidates else None
    if rows is None:
        return
    grid = grid_of(served, demand, rows, constants, stragglers, sharded)
    timed = made().timed(served.shape, demand, rows, constants, stall_probability=1e-7, sequence_sharding=sharded)
    for part in STEP_PARTS:
        np.testing.assert_allclose(getattr(timed, part), getattr(grid, part), rtol=1e-9, err_msg=part)
    agrees_under_load(grid, demand, constants, replicas)


@pytest.mark.parametrize("preset", sorted(shipped().models))
def test_that_steps_of_every_model_are_timed_alike(preset: str) -> None:
    """Every kind of mixer and feed-forward, on chips by themselves and with links, in every layout that holds it."""
    demand, constants, looked_at = Demand(1155.0, 0.96, 211.0, 0.77, 1.0, 0.0), step_constants(), 0
    served = served_model(shipped(), ModelChoice(preset=preset))
    for chip, sharded in itertools.product(("nv-h200", "qcom-ai200", "aws-trn2"), (False, True)):
        candidates = fitting(shipped(), served, chip, demand, Alternative(name="a", chip="-"), sharded)
        if not candidates:
            continue
        rows = rows_of(candidates, constants, 0.01)
        asked = served.shape, demand, rows, constants
        wanted = step_grid(*asked, stall_probability=1e-7, sequence_sharding=sharded)
        timed = made().timed(*asked, stall_probability=1e-7, sequence_sharding=sharded)
        looked_at += len(candidates)
        for part in STEP_PARTS:
            np.testing.assert_allclose(getattr(timed, part), getattr(wanted, part), rtol=1e-11, err_msg=part)
    assert looked_at


def test_that_whole_prompts_are_timed_and_solved_alike() -> None:
    """A demand of no round numbers: where shares of steps are halves, the two forms may fall on either side."""
    catalog, constants, stragglers = shipped(), step_constants(), Stragglers()
    served = served_model(catalog, ModelChoice(preset="llama-3.1-70b"))
    own = Alternative(name="a", chip="-", max_batch=64, token_budget=512, scheduler="prefill_first")
    demand = Demand(2311.7, 0.93, 207.3, 0.81, 1.7, 0.13)
    rows = drawn_rows_or_none(fitting(catalog, served, "nv-h200", demand, own, False), 3, constants)
    assert rows is not None and rows.whole_prompts is not None
    grid = grid_of(served, demand, rows, constants, stragglers, False)
    timed = made().timed(served.shape, demand, rows, constants, stall_probability=1e-7, sequence_sharding=False)
    for part in STEP_PARTS:
        np.testing.assert_allclose(getattr(timed, part), getattr(grid, part), rtol=1e-9, err_msg=part)
    agrees_under_load(grid, demand, constants, 3.0)


def agrees_under_load(grid: StepGrid, demand: Demand, constants: StepConstants, replicas: float) -> None:
    table = replica_table(grid, demand, constants, stall_s=0.05, coarse=True)
    rates = load_ladder(9)[None, :] * table.chain.saturation[:, None]
    rates = np.concatenate([rates, 1.5 * table.chain.saturation[:, None]], axis=1)
    wanted = latencies(table, rates, replicas=replicas).table
    solved = made().solved(grid, demand, constants, rates, Asked(), stall_s=0.05, replicas=replicas)
    np.testing.assert_allclose(solved.saturation, table.chain.saturation, rtol=1e-9)
    for metric, by_quantile in wanted.items():
        for q, values in by_quantile.items():
            found = solved.table[metric][q]
            assert np.all(np.isinf(found[:, -1]))
            # sums of large parts that nearly cancel, and odds next to certainty, lose digits in either form
            exact = 1e-9 if metric in WELL_KNOWN else 1e-5
            finite = np.isfinite(values)
            if metric == "itl" and demand.output < 2.0:
                continue  # answers of one token have no gaps
            off = np.abs(found[finite] / values[finite] - 1.0)
            if metric == "itl":
                # where two kinds of steps last as long to the last digit, or a share is just the quantile asked for,
                # that digit says which comes first
                assert np.mean(off <= exact) > 0.95, f"{metric} {q}"
            else:
                np.testing.assert_allclose(found, values, rtol=exact, err_msg=f"{metric} {q}")
            assert np.median(off) < 1e-9, metric


def test_that_rates_may_be_shares_of_the_saturation(catalog: Catalog) -> None:
    demand = Demand(1155.0, 0.96, 211.0, 0.77, 1.0, 0.0)
    served = served_model(catalog, ModelChoice(preset="llama-3.1-70b"))
    own = Alternative(name="a", chip="-")
    candidates = fitting(catalog, served, "nv-h200", demand, own, False)
    rows = drawn_rows_or_none(candidates, 1, step_constants())
    assert rows is not None
    grid = grid_of(served, demand, rows, step_constants(), Stragglers(), False)
    shares = load_ladder(5)[None, :]
    by_share = made().solved(grid, demand, step_constants(), shares, Asked(), relative=True, stall_s=0.05)
    by_rate = made().solved(
        grid, demand, step_constants(), shares * by_share.saturation[:, None], Asked(), stall_s=0.05
    )
    np.testing.assert_allclose(by_share.table["tpot"][0.99], by_rate.table["tpot"][0.99], rtol=1e-12)
    np.testing.assert_allclose(by_share.utilisation, np.broadcast_to(shares, by_share.utilisation.shape), rtol=1e-12)


def test_that_a_row_does_not_depend_on_its_neighbours(catalog: Catalog) -> None:
    """A replica of one slot stands beside one of many: its chain is its own."""
    demand = Demand(1155.0, 0.96, 211.0, 0.77, 1.0, 0.0)
    served = served_model(catalog, ModelChoice(preset="llama-3.1-8b"))
    single, many = (Alternative(name="a", chip="-", max_batch=cap) for cap in (1, 200))
    one = fitting(catalog, served, "nv-h200", demand, single, False)[:1]
    other = fitting(catalog, served, "nv-h200", demand, many, False)[:1]
    found = []
    for candidates in (one, one + other):
        rows = rows_of(candidates, step_constants(), 0.01)
        grid = grid_of(served, demand, rows, step_constants(), Stragglers(), False)
        table = replica_table(grid, demand, step_constants(), stall_s=0.05, coarse=True)
        rates = load_ladder(6)[None, :] * table.chain.saturation[:, None]
        found.append(latencies(table, rates).table["ttft"][0.99][0])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9)


def test_that_layers_that_attend_to_less_take_less_time(catalog: Catalog) -> None:
    """Layer kinds that differ only in how many entries they read are timed each by itself."""
    demand = Demand(60_000.0, 0.5, 211.0, 0.77, 1.0, 0.0)
    served = served_model(catalog, ModelChoice(preset="minimax-m3"))
    kinds = {(group.mixer, group.attended) for group in served.shape.layers}
    assert len({attended for _, attended in kinds}) > 1
    rows = rows_of(fitting(catalog, served, "nv-b300", demand, Alternative(name="a", chip="-"), False)[-1:],
                   step_constants(), 0.01)  # fmt: skip
    swapped = replace(served.shape, layers=served.shape.layers[::-1])
    times = [
        made().timed(shape, demand, rows, step_constants(), stall_probability=0.0, sequence_sharding=False).decode
        for shape in (served.shape, swapped)
    ]
    interpreted = [
        step_grid(shape, demand, rows, step_constants(), stall_probability=0.0, sequence_sharding=False).decode
        for shape in (served.shape, swapped)
    ]
    np.testing.assert_allclose(times[0], times[1], rtol=1e-9)
    np.testing.assert_allclose(interpreted[0], interpreted[1], rtol=1e-9)


def test_that_the_window_reaches_its_answers_without_compiled_code() -> None:
    code = "import sys; import explorer.ui.main_window, explorer.study.live; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True)
    assert done.stdout.strip() == "False"


def test_that_bands_are_the_same_whichever_way_the_draws_are_solved(scenarios_folder: Path) -> None:
    scenario = several(
        read_scenario(scenarios_folder / "ai200-on-aws.toml").scenario,
        {"simulation.method": "closed_form", "workloads.0.traffic.arrival_cv": 1.7},
    )
    by_arrays = evaluate(scenario, shipped(), samples=16)
    solver.use(made())
    by_code = evaluate(scenario, shipped(), samples=16)
    for one, other in zip(by_arrays.workloads, by_code.workloads, strict=True):
        for wanted, found in zip(one.alternatives, other.alternatives, strict=True):
            assert found.probability_keeps == wanted.probability_keeps
            for metric, curve in wanted.curves.items():
                np.testing.assert_allclose(found.curves[metric].p99_high, curve.p99_high, rtol=1e-6)
                np.testing.assert_allclose(found.curves[metric].p99_low, curve.p99_low, rtol=1e-6)
            if wanted.cost.usd_per_month is not None and found.cost.usd_per_month is not None:
                assert found.cost.usd_per_month.high == pytest.approx(wanted.cost.usd_per_month.high, rel=1e-9)


def test_that_corrections_by_simulation_go_through_compiled_draws(scenarios_folder: Path) -> None:
    """A row that carries more than the closed form says is put under load and read off in the same way."""
    scenario = read_scenario(scenarios_folder / "llama-70b-chat.toml").scenario
    workload = scenario.workloads[0]
    context = Context(shipped(), scenario, workload, served_model(shipped(), workload.model), demand_of(workload), {})
    own = workload.alternatives[0]
    candidates = fitting(shipped(), context.served, own.chip, context.demand, own, False)[:2]
    rows = drawn_rows_of(candidates, 3)
    zero = np.zeros(2)
    ratio = {metric: dict.fromkeys((0.5, 0.95, 0.99), np.asarray([0.1, -0.2])) for metric in ("ttft", "tpot", "itl")}
    none = {metric: dict.fromkeys((0.5, 0.95, 0.99), zero) for metric in ratio}
    correction = Correction("simulation", 1000, candidates[0].layout, 1.2, np.asarray([0.2, 0.9]), ratio, none, none)
    each = (correction,) * DRAWS + (None,) * DRAWS
    rates = np.linspace(0.05, 0.6, 5)[None, :] * np.ones((2 * DRAWS, 1))
    given = (context, rows, rates, np.ones(2 * DRAWS), ("ttft", "tpot", "itl"), each)
    wanted = rows_under_load(*given)
    solver.use(made())
    found = rows_under_load(*given)
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-9)
    for metric, by_quantile in wanted[0].items():
        for q, values in by_quantile.items():
            np.testing.assert_allclose(found[0][metric][q], values, rtol=1e-6)


def drawn_rows_of(candidates: list[Candidate], seed: int) -> Rows:
    """Draws of candidates whose figures are all known."""
    rows = drawn_rows_or_none(candidates, seed, step_constants())
    assert rows is not None
    return rows


@pytest.mark.parametrize("cap", [1, 2, 3, 19, 40, 300])
@pytest.mark.parametrize("bursts", [None, (0.3, 20.0)])
def test_that_replicas_stand_where_the_interpreted_ones_do(
    cap: int, bursts: tuple[float, float] | None, catalog: Catalog
) -> None:
    """Mean and P99 of the batch, waits, and steps at the mean batch, up to the cap and beyond what can be carried."""
    demand = replace(Demand(1155.0, 0.96, 211.0, 0.77, 1.9, 0.0), bursts=bursts)
    served = served_model(catalog, ModelChoice(preset="llama-3.1-8b"))
    candidates = fitting(catalog, served, "nv-h200", demand, Alternative(name="a", chip="-", max_batch=cap), False)
    rows = rows_of(candidates, step_constants(), 0.01)
    grid = grid_of(served, demand, rows, step_constants(), Stragglers(), False)
    loads = np.array([[1e-4, 0.1, 0.5, 0.8, 0.95, 0.999, 1.0, 1.5]])
    for spacing in (COARSE, FINE):
        wanted, found = (
            one.solved(
                grid, demand, step_constants(), loads, Asked(("tpot",), spacing=spacing, standing=True),
                stall_s=0.05, relative=True, replicas=2.0,
            ).standing
            for one in (solver.Arrays(), made())
        )  # fmt: skip
        assert wanted is not None and found is not None
        for part in ("mean_batch", "p99_batch", "wait_probability", "prompt_s", "step_s"):
            # below half a sequence it is nobody, and what a shorter row is filled up with has a say in the digits
            least = 0.5 if part == "p99_batch" else 0.0
            one, other = (np.maximum(getattr(by, part), least) for by in (found, wanted))
            np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-100, err_msg=part)


@pytest.mark.parametrize("shown", [None, "ttft"])
@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "scenarios").glob("*.toml")), ids=lambda path: path.stem
)
def test_that_a_whole_outcome_is_the_same_by_loops(path: Path, shown: Metric | None) -> None:
    """Every figure, band, word and number of chips of every example; at rest, and while a hand moves."""
    scenario = read_scenario(path, shipped()).scenario
    drawn = frozenset(METRICS if shown is None else {shown})
    found = []
    for one in (solver.Arrays(), made()):
        solver.use(one)
        # what a moving hand leaves alone is kept: the two must not have it from each other
        moved = replace_value(scenario, "workloads.0.traffic.output_tokens", 301.0 if shown else 300.0)
        for kept in (layout_search._GROUPS, load_curves._CURVES, bands._ALONG, bands._POINTS, sizing._GRIDS):
            kept._answers.clear()
        found.append(Evaluator(shipped()).evaluate(moved, 16, drawn))
    assert differences(*found, rounding=1e-7) == []


def test_that_beyond_a_limit_nothing_more_is_looked_at(catalog: Catalog) -> None:
    """Up to the first load that breaks a promise all is as without; the largest rate within it is the same."""
    demand = Demand(1155.0, 0.96, 211.0, 0.77, 1.0, 0.0)
    served = served_model(catalog, ModelChoice(preset="llama-3.1-70b"))
    rows = rows_of(
        fitting(catalog, served, "nv-h200", demand, Alternative(name="a", chip="-"), False), step_constants(), 0.01
    )
    grid = grid_of(served, demand, rows, step_constants(), Stragglers(), False)
    ladder, limits = load_ladder(24)[None, :], {"ttft": 0.6, "tpot": 0.03}
    asked = Asked(tuple(limits), (0.99,), limits=tuple(limits.items()))
    whole, cut = (
        made().solved(
            grid, demand, step_constants(), ladder, replace(asked, beyond=beyond), relative=True, stall_s=0.05
        )
        for beyond in (True, False)
    )
    rates = ladder * whole.saturation[:, None]
    wanted = largest_rate_within(rates, [(whole.table[metric][0.99], limit) for metric, limit in limits.items()])
    for by in (whole, cut):
        assert by.within is not None
        np.testing.assert_allclose(by.within, wanted, rtol=1e-12)
    broken = np.any([whole.table[metric][0.99] > limit for metric, limit in limits.items()], axis=0)
    before = np.cumsum(broken, axis=1) - broken == 0
    assert 0 < np.count_nonzero(before) < before.size
    for metric in limits:
        np.testing.assert_array_equal(cut.table[metric][0.99][before], whole.table[metric][0.99][before])
        assert np.isinf(cut.table[metric][0.99][~before]).all()


def test_that_caps_that_were_met_long_ago_are_found_again() -> None:
    """The tables of nodes are emptied when there are too many caps: those asked for then are in them all the same."""
    tables = _NodeTables(COARSE)
    kept: list[tuple[int, list[float]]] = []
    for start in range(1, 4 * MOST_CAPS, 40):
        caps = np.asarray([1.0, 7.0, *range(start, start + 40), 7.0, 3000.0])
        lines, told = tables.of(caps)
        counts, nodes = told.arrays[0], told.arrays[1]
        for cap, line in zip(caps, lines, strict=True):
            expected = batch_nodes(int(cap), COARSE)
            assert counts[line] == len(expected)
            np.testing.assert_array_equal(nodes[line, : len(expected)], expected)
        assert len(counts) <= 2 * MOST_CAPS
        kept.append((int(lines[0]), nodes[lines[0], :2].tolist()))
    assert {tuple(two) for _, two in kept} == {(0.0, 1.0)}
    many = np.arange(1.0, 3.0 * MOST_CAPS)
    lines, told = tables.of(many)
    assert [told.arrays[1][line, told.arrays[0][line] - 1] for line in lines] == many.tolist()

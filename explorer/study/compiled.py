"""The closed form of many rows at once, compiled and on all cores: for the worker process and the command line.

The same answers as `step_grid.step_grid`, `replica.replica_table` and `latencies` give, within rounding. Importing it
brings numba: never from the window's process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.engine.batch_nodes import COARSE, NodeSpacing, batch_nodes
from explorer.engine.closed_form_loop import METRICS as METRIC_COUNT
from explorer.engine.closed_form_loop import PADDING, SHARED, largest_rates, solve_rows, time_steps
from explorer.engine.data_ranks import longest_prompts
from explorer.engine.latency import lognormal_quantile, standard_normal
from explorer.engine.node_quantiles import QUANTILES
from explorer.engine.queueing import build_chain
from explorer.engine.records import AllReduce, ChipSpec, LayerGroup, ModelShape, Split, StepConstants
from explorer.engine.step_coefficients import step_coefficients
from explorer.engine.stragglers import hit_probability_per_step
from explorer.study.answers import Context
from explorer.study.correction import Correction, capacities, loads_simulated, put_on
from explorer.study.demand import Demand, lengths_of
from explorer.study.replica import felt_rate, replica_table
from explorer.study.resolve import step_constants
from explorer.study.step_grid import GRID, Rows, StepGrid

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

METRIC_NAMES = ("ttft", "tpot", "itl", "e2e")
CHUNK = 256
"""Rows that a thread takes at a time."""


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="closed-form")


_own = threading.local()


@contextmanager
def on_this_thread() -> Generator[None]:
    """Whoever keeps all cores busy in another way has rows worked off by the thread that asks."""
    before = getattr(_own, "alone", False)
    _own.alone = True
    try:
        yield
    finally:
        _own.alone = before


def _in_parts(rows: int, work: Callable[[int, int], None]) -> None:
    """Run `work(start, stop)` over all rows, on as many threads as there are cores when there are enough rows."""
    if rows <= CHUNK or getattr(_own, "alone", False):
        work(0, rows)
        return
    starts = range(0, rows, CHUNK)
    for done in [_threads().submit(work, at, min(at + CHUNK, rows)) for at in starts]:
        done.result()


@dataclass(frozen=True, slots=True)
class _Nodes:
    """What the chain needs of batch nodes, a line a cap."""

    count: Ints
    node: Array
    span: Array
    end: Array
    factorial: Array
    left: Ints
    share: Array


@lru_cache(maxsize=4096)
def _nodes_of(cap: int, spacing: NodeSpacing) -> tuple[Array, Array, float, Array, Ints, Array]:
    """The nodes of one cap: batch sizes, spans, end span, ln n!, and where they lie on the ladder of timed steps."""
    line = batch_nodes(cap, spacing)
    # steps of one second, one token out: what is left of the weights is the factorial
    chain = build_chain(line, np.ones((1, len(line))), 1.0)
    place = np.log(np.maximum(line, 1.0)) / np.log(max(float(cap), 1.0 + 1e-9)) * (GRID - 1)
    left = np.minimum(np.maximum(place.astype(np.int64), 0), GRID - 2)
    share = np.minimum(np.maximum(place - left, 0.0), 1.0)
    return line, chain.span[0], float(chain.end_span[0]), -chain.log_weight[0], left, share


@lru_cache(maxsize=256)
def _nodes(caps: tuple[int, ...], spacing: NodeSpacing) -> _Nodes:
    lines = [_nodes_of(cap, spacing) for cap in caps]
    most = -(-max(len(line[0]) for line in lines) // PADDING) * PADDING
    shape = (len(caps), most)
    tables = _Nodes(
        count=np.asarray([len(line[0]) for line in lines], dtype=np.int64),
        node=np.zeros(shape),
        span=np.zeros(shape),
        end=np.asarray([line[2] for line in lines]),
        factorial=np.zeros(shape),
        left=np.zeros(shape, dtype=np.int64),
        share=np.zeros(shape),
    )
    for at, (node, span, _, factorial, left, share) in enumerate(lines):
        count = len(node)
        tables.node[at, :count], tables.span[at, :count] = node, span
        tables.factorial[at, :count], tables.left[at, :count], tables.share[at, :count] = factorial, left, share
    return tables


def time_grid(
    shape: ModelShape,
    demand: Demand,
    rows: Rows,
    constants: StepConstants,
    *,
    stall_probability: float,
    sequence_sharding: bool,
) -> StepGrid:
    """As `step_grid.step_grid`."""
    prompt = demand.computed_prompt
    table = step_coefficients(
        shape,
        rows.spec,
        rows.split,
        rows.allreduce,
        constants,
        context=demand.mean_context,
        prefill_context=demand.attended_by_prompt,
        sequence_sharding=sequence_sharding,
    )
    count, longest = len(rows.caps), np.array(longest_prompts(demand.prompt_cv))
    budget, beside, decode, mixed, full = (np.empty((count, GRID)) for _ in range(5))
    beside_full = np.empty(count)
    caps = np.ascontiguousarray(rows.caps, dtype=np.float64)
    stated = rows.budget_for(prompt, np.asarray(rows.split.dp))
    budgets = np.ascontiguousarray(np.broadcast_to(stated, (count, 1))[:, 0], dtype=np.float64)

    # requests that a step of one sequence finishes
    per_token, drafting = np.full(count, 1.0 / demand.output), np.zeros(count)
    if rows.speculation is not None:
        per_token, drafting = per_token * rows.speculation[:, 0], np.ascontiguousarray(rows.speculation[:, 1])

    def work(start: int, stop: int) -> None:
        time_steps(
            start, stop, table.whole, table.products, table.lines, table.experts, table.reduces, table.alpha,
            table.slope, table.root, table.parts, table.groups, table.counts, table.experts_held, caps, budgets,
            prompt, longest, per_token, drafting, budget, beside, beside_full, decode, mixed, full,
        )  # fmt: skip

    _in_parts(count, work)
    ranks = np.asarray(rows.split.tp, dtype=np.float64)
    hit = hit_probability_per_step(stall_probability, ranks, 2.0 * shape.layer_count)
    decode, mixed, full, tokens = rows.speculated(decode, mixed, full)
    return StepGrid(
        caps=rows.caps,
        budget=budget[:, :1],
        decode=decode,
        mixed=mixed,
        full=full,
        full_steps=prompt / budget,
        chunks=prompt / np.minimum(prompt, budget),
        lanes=np.asarray(rows.split.dp, dtype=np.float64) * np.asarray(rows.split.pp, dtype=np.float64),
        ranks=np.asarray(rows.split.dp, dtype=np.float64),
        beside=beside,
        beside_full=beside_full[:, None],
        stall_probability=np.where(ranks > 1, hit, 0.0),
        tokens_a_step=tokens,
    )


@dataclass(frozen=True, slots=True)
class Solved:
    """Rows under load: `table[metric][quantile]` and `utilisation` (rows, loads), `saturation` (rows,), SI."""

    saturation: Array
    utilisation: Array
    table: dict[str, dict[float, Array]]


def solve(
    grid: StepGrid,
    demand: Demand,
    constants: StepConstants,
    rates: Array,
    *,
    stall_s: float,
    relative: bool = False,
    replicas: Array | float = 1.0,
    metrics: tuple[str, ...] = METRIC_NAMES,
    quantiles: tuple[float, ...] = QUANTILES,
    spacing: NodeSpacing = COARSE,
) -> Solved:
    """As `replica.replica_table` and `latencies`, at `rates` a replica (rows, loads).

    `relative`: the rates are shares of each row's own saturation; `rates` may then have one line for all rows.
    """
    count = len(grid.caps)
    caps, of_cap = np.unique(grid.caps.astype(np.int64), return_inverse=True)
    nodes = _nodes(tuple(int(cap) for cap in caps), spacing)
    loads = rates.shape[1]
    shared = np.zeros(SHARED)
    shared[:] = (
        demand.prompt_cv**2, demand.output, demand.output_cv**2, constants.host_request_s,
        constants.request_overhead_s, constants.first_token_load_gain, stall_s,
    )  # fmt: skip
    scv = 1.0 + (demand.arrival_scv - 1.0) / np.asarray(replicas, dtype=np.float64)
    found = np.empty((METRIC_COUNT, len(quantiles), count, loads))
    utilisation, saturation = np.empty((count, loads)), np.empty(count)
    every = np.ascontiguousarray(np.broadcast_to(rates, (count, loads)), dtype=np.float64)
    stated: Array | None = None
    if demand.bursts is not None:
        chain = replica_table(grid, demand, constants, stall_s=stall_s, coarse=spacing == COARSE).chain
        most, lifetime = chain.saturation[:, None], chain.output_tokens * chain.unloaded
        stated = every * (most if relative else 1.0) / most
        felt = felt_rate(stated * most, most, lifetime, demand.bursts)
        every = np.ascontiguousarray(felt / (most if relative else 1.0))
    fixed: tuple[Any, ...] = (
        *(
            np.ascontiguousarray(part)
            for part in (grid.decode, grid.mixed, grid.full, grid.chunks, grid.full_steps, grid.beside)
        ),
        *(
            np.ascontiguousarray(np.broadcast_to(part, (count, 1))[:, 0])
            for part in (
                grid.budget, grid.lanes, grid.ranks, grid.beside_full, grid.stall_probability, grid.tokens_a_step
            )
        ),
        of_cap.astype(np.int64), nodes.count, nodes.node, nodes.span, nodes.end, nodes.factorial, nodes.left,
        nodes.share, shared, lengths_of(demand.computed_prompt, demand.prompt_cv), every, relative,
        np.ascontiguousarray(np.broadcast_to(scv, (count,)), dtype=np.float64),
        np.ascontiguousarray(np.broadcast_to(scv if demand.bursts is None else 1.0, (count,)), dtype=np.float64),
        np.asarray(quantiles), np.asarray([standard_normal(q) for q in quantiles]),
        _factors(demand.prompt_cv, quantiles), _factors(demand.output_cv, quantiles),
        np.asarray([name in metrics for name in METRIC_NAMES], dtype=np.int64), found, utilisation, saturation,
    )  # fmt: skip
    _in_parts(count, lambda start, stop: solve_rows(start, stop, *fixed))
    table = {
        name: {q: found[METRIC_NAMES.index(name), at] for at, q in enumerate(quantiles)}
        for name in METRIC_NAMES
        if name in metrics
    }
    return Solved(saturation, utilisation if stated is None else stated, table)


def _factors(cv: float, quantiles: tuple[float, ...]) -> Array:
    return np.asarray([float(lognormal_quantile(1.0, cv, q)) for q in quantiles])


def rates_within(rates: Array, latency: Array, held: Array, limits: Array) -> Array:
    """Largest rate of each row at which a latency keeps each limit, at most `held` (rows,); (rows, limits).

    `rates` and `latency` (rows, loads) ascending, `limits` (limits,) ascending; as `largest_rate.largest_rate_within`.
    """
    found = np.empty((len(rates), len(limits)))
    given = (np.ascontiguousarray(rates), np.ascontiguousarray(latency), np.ascontiguousarray(held), limits, found)
    _in_parts(len(rates), lambda start, stop: largest_rates(start, stop, *given))
    return found


def rows_under_load(
    context: Context,
    rows: Rows,
    rates: Array,
    replicas: Array,
    metrics: tuple[str, ...],
    corrections: Sequence[Correction | None],
) -> tuple[dict[str, dict[float, Array]], Array]:
    """As `drawn_rows.by_arrays`."""
    constants, stragglers = step_constants(), context.scenario.stragglers
    grid = time_grid(
        context.served.shape,
        context.demand,
        rows,
        constants,
        stall_probability=stragglers.stall_probability,
        sequence_sharding=context.sharded,
    )
    # a replica that carries more than the closed form says is as loaded as one of that form at a lower rate
    more = capacities(corrections) if any(corrections) else np.ones((1, 1))
    solver = partial(solve, grid, context.demand, constants, stall_s=stragglers.stall_s, replicas=replicas)
    solved = solver(rates / more, metrics=metrics)
    if not any(corrections):
        return solved.table, solved.saturation
    gaps: dict[float, Array] = {}
    if "itl" in metrics:
        gaps = solver(loads_simulated(corrections), relative=True, metrics=("itl",)).table["itl"]
    return put_on(solved.table, corrections, solved.utilisation, gaps), solved.saturation * more[:, 0]


def warm_up() -> None:
    """Have everything compiled, or read from the cache, on a replica of no importance."""
    shape = ModelShape(
        layers=(LayerGroup(2.0, "gqa", "dense"),), hidden=64.0, heads=4.0, kv_heads=4.0, head_dim=16.0,
        intermediate=128.0, ffn_matrices=3, vocabulary=100.0, tied_embeddings=True,
    )  # fmt: skip
    one, demand = np.ones((1, 1)), Demand(100.0, 1.0, 100.0, 1.0, 1.0, 0.0)
    spec = ChipSpec(**dict.fromkeys(ChipSpec.__slots__, one))
    rows = Rows(spec, AllReduce(one[None], one[None], one), Split(one, one, one, one), np.asarray([4.0]), 64.0 * one)
    constants = step_constants()
    grid = time_grid(shape, demand, rows, constants, stall_probability=0.0, sequence_sharding=False)
    solved = solve(grid, demand, constants, 0.5 * one, relative=True, stall_s=0.0)
    rates_within(one, solved.table["tpot"][0.99], one[0], np.asarray([1.0]))

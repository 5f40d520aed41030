"""The closed form of rows by compiled loops, of many on all cores; see `closed_form_code` for where the loops are from.

The same answers as `step_grid.step_grid`, `replica.replica_table` and `latencies` give, within rounding.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from explorer.engine.batch_nodes import COARSE, NodeSpacing, batch_nodes
from explorer.engine.data_ranks import longest_prompts
from explorer.engine.latency import lognormal_quantile, standard_normal
from explorer.engine.loops.layout import (
    ARRIVALS,
    ASKED,
    ASKED_BUDGET,
    ASKED_CAP,
    ASKED_DRAFTING,
    ASKED_TOKENS,
    GAP_SCV,
    GRID,
    METRICS,
    OF_LEVEL,
    OF_STEPS,
    PADDING,
    SCV,
    SHARED,
    STATES,
)  # fmt: skip
from explorer.engine.machine_code import MachineCode, Room, words_of
from explorer.engine.queueing import build_chain
from explorer.engine.records import ModelShape, StepConstants
from explorer.engine.step_tables import chip_tables, model_tables, step_table
from explorer.study.demand import Demand, lengths_of, shared_scv
from explorer.study.kept import Kept, Same
from explorer.study.replica import felt_rate, replica_table
from explorer.study.solved import METRIC_NAMES, Asked, Solved, Standing, within_limits
from explorer.study.step_grid import Rows, StepGrid, stalled

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 256
"""Rows that a thread takes at a time."""
FEW_CAPS, MOST_CAPS = 64, 512
"""Batch caps that there is room for at first, and that are remembered at most."""


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


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """Arrays that do not change, and the words that tell the loops of them."""

    arrays: tuple[Array | Ints, ...]
    words: list[int]


def _told(*arrays: Array | Ints) -> _Told:
    return _Told(arrays, words_of(*arrays))


class _NodeTables:
    """What chains need of batch nodes, a line a cap; lines are filled in as caps are met, and never change.

    By line: how many there are, the nodes, what they stand for, the cap's end, ln n!, and their places and shares on
    the ladder of timed steps.
    """

    def __init__(self, spacing: NodeSpacing) -> None:
        self._spacing, self._lock = spacing, Lock()
        self._begin(FEW_CAPS, PADDING)

    def _begin(self, lines: int, width: int) -> None:
        self._lines: dict[int, int] = {}
        counts, lefts = np.zeros(lines, dtype=np.int64), np.zeros((lines, width), dtype=np.int64)
        nodes, spans, factorials, shares = (np.zeros((lines, width)) for _ in range(4))
        self._told = _told(counts, nodes, spans, np.zeros(lines), factorials, lefts, shares)

    def of(self, caps: Array) -> tuple[Ints, _Told]:
        """The line of each cap (rows,), and the tables."""
        asked = caps.astype(np.int64)
        with self._lock:
            if len(asked) <= CHUNK:
                few = asked.tolist()
                self._add(few)
                return np.array([self._lines[cap] for cap in few], dtype=np.int64), self._told
            different, whose = np.unique(asked, return_inverse=True)
            self._add(different.tolist())
            return np.array([self._lines[cap] for cap in different.tolist()], dtype=np.int64)[whose], self._told

    def _add(self, asked: list[int]) -> None:
        caps = sorted(set(asked).difference(self._lines))
        if not caps:
            return
        found = [_nodes_of(cap, self._spacing) for cap in caps]
        lines, width = self._told.arrays[1].shape
        widest = max(len(one[0]) for one in found)
        if len(self._lines) + len(caps) > lines or widest > width:
            # others may still read the old tables: they stay as they are
            old = list(self._lines) if len(self._lines) + len(caps) <= MOST_CAPS else []
            every = sorted({*old, *asked})
            found = [_nodes_of(cap, self._spacing) for cap in every]
            caps = every
            self._begin(max(FEW_CAPS, 2 * len(every)), -(-max(len(one[0]) for one in found) // PADDING) * PADDING)
        counts, nodes, spans, ends, factorials, lefts, shares = self._told.arrays
        for cap, (node, span, end, factorial, left, share) in zip(caps, found, strict=True):
            at, count = len(self._lines), len(node)
            counts[at], ends[at] = count, end
            nodes[at, :count], spans[at, :count], factorials[at, :count] = node, span, factorial
            lefts[at, :count], shares[at, :count] = left, share
            self._lines[cap] = at


@lru_cache(maxsize=4)
def _tables(spacing: NodeSpacing) -> _NodeTables:
    return _NodeTables(spacing)


@lru_cache(maxsize=64)
def _laid_out(demand: Demand, constants: Same, stall_s: float, asked: Asked) -> _Told:
    """What all rows share, limits by metric, lengths of prompts, what there is for each quantile, metrics wanted."""
    of_all = constants.one
    assert isinstance(of_all, StepConstants)
    shared = np.empty(SHARED)
    shared[:] = (
        demand.prompt_cv**2, demand.output, demand.output_cv**2, of_all.host_request_s, of_all.request_overhead_s,
        of_all.first_token_load_gain, stall_s,
    )  # fmt: skip
    over = np.asarray([dict(asked.limits).get(name, math.inf) for name in METRIC_NAMES])
    of_level = np.empty((OF_LEVEL, len(asked.quantiles)))
    for at, q in enumerate(asked.quantiles):
        factors = (float(lognormal_quantile(1.0, cv, q)) for cv in (demand.prompt_cv, demand.output_cv))
        of_level[:, at] = (q, standard_normal(q), *factors)
    wanted = np.asarray([name in asked.metrics for name in METRIC_NAMES], dtype=np.int64)
    return _told(shared, over, lengths_of(demand.computed_prompt, demand.prompt_cv), of_level, wanted)


@lru_cache(maxsize=64)
def _fixed(constants: Same, prompt: float, prompt_cv: float, output: float, sequence_sharding: bool) -> _Told:
    """What all steps share: constants, tokens, and how much longer the longest of several prompts is."""
    of_all = constants.one
    assert isinstance(of_all, StepConstants)
    fixed = np.array([prompt, output, float(sequence_sharding)])
    return _told(step_table(of_all), fixed, np.array(longest_prompts(prompt_cv)))


@lru_cache(maxsize=16)
def _model_of(shape: ModelShape, context: float, prefill_context: float) -> _Told:
    made = model_tables(shape, context, prefill_context)
    return _told(made.model, made.parts, made.groups, made.counts)


def _chips_of(rows: Rows) -> _Told:
    """The chips of rows, few of which are laid out once for all models and traffic."""

    def laid_out() -> _Told:
        table = chip_tables(rows.spec, rows.split, rows.allreduce, len(rows.caps))
        return _told(table.chips, table.alpha, table.slope)

    if len(rows.caps) > CHUNK:
        return laid_out()
    return _CHIPS.of((Same(rows.spec), Same(rows.split), Same(rows.allreduce)), laid_out)


_CHIPS: Kept[_Told] = Kept(16)


class Compiled:
    """Rows timed and put under load by the loops in memory."""

    def __init__(self, code: MachineCode) -> None:
        self._code = code

    def timed(
        self,
        shape: ModelShape,
        demand: Demand,
        rows: Rows,
        constants: StepConstants,
        *,
        stall_probability: float,
        sequence_sharding: bool,
    ) -> StepGrid:
        """As `step_grid.step_grid`."""
        count = len(rows.caps)
        # batch cap, tokens a step, those it yields a sequence, and by what share drafting lengthens it
        asked = np.empty((ASKED, count))
        asked[ASKED_CAP], asked[ASKED_TOKENS], asked[ASKED_DRAFTING] = rows.caps, 1.0, 0.0
        asked[ASKED_BUDGET] = rows.budget_for(demand.computed_prompt, np.asarray(rows.split.dp))[:, 0]
        if rows.speculation is not None:
            asked[ASKED_TOKENS], asked[ASKED_DRAFTING] = rows.speculation.T
        chips, model = _chips_of(rows), _model_of(shape, demand.mean_context, demand.attended_by_prompt)
        fixed = _fixed(Same(constants), demand.computed_prompt, demand.prompt_cv, demand.output, sequence_sharding)
        steps = np.empty((count, OF_STEPS))
        told = [*chips.words, *model.words, *fixed.words, *words_of(asked, steps)]
        _in_parts(count, lambda start, stop: self._code.call("time_steps", (start, stop), told))
        found = StepGrid(steps)
        found.stall_probability[:] = stalled(rows.split, stall_probability, shape)
        return found

    def solved(
        self,
        grid: StepGrid,
        demand: Demand,
        constants: StepConstants,
        rates: Array,
        asked: Asked,
        *,
        stall_s: float,
        relative: bool = False,
        replicas: Array | float = 1.0,
    ) -> Solved:
        """As `solver.Solver.solved`."""
        if demand.bursts is None:
            return self._solved(grid, demand, constants, rates, asked, stall_s, relative, replicas)
        # requests feel another rate than is stated, of which only latencies tell
        chain = replica_table(grid, demand, constants, stall_s=stall_s, coarse=asked.spacing == COARSE).chain
        most, lifetime = chain.saturation[:, None], chain.output_tokens * chain.unloaded
        stated = np.broadcast_to(rates, (len(grid.caps), rates.shape[1])) * (most if relative else 1.0)
        felt, plain = felt_rate(stated, most, lifetime, demand.bursts), replace(asked, limits=(), beyond=True)
        found = self._solved(grid, demand, constants, felt, replace(plain, standing=False), stall_s, False, replicas)
        where: Standing | None = None
        if asked.standing:
            of_state = replace(plain, metrics=())
            where = self._solved(grid, demand, constants, stated, of_state, stall_s, False, replicas).standing
        within = within_limits(stated, found.table, asked)
        return Solved(found.saturation, stated / most, found.table, where, within)

    def _solved(
        self,
        grid: StepGrid,
        demand: Demand,
        constants: StepConstants,
        rates: Array,
        asked: Asked,
        stall_s: float,
        relative: bool,
        replicas: Array | float,
    ) -> Solved:
        count, loads, levels = len(grid.table), rates.shape[1], len(asked.quantiles)
        whose, nodes = _tables(asked.spacing).of(grid.caps)
        question = _laid_out(demand, Same(constants), stall_s, asked)
        room = Room(count * (ARRIVALS + 2) + count * loads * (2 + METRICS * levels + STATES * asked.standing))
        arrivals, every = room.take(ARRIVALS, count), room.take(count, loads)
        found, states = room.take(METRICS, levels, count, loads), room.take(STATES, count, loads * asked.standing)
        utilisation, saturation, within = room.take(count, loads), room.take(count), room.take(count)
        scv = shared_scv(demand, replicas)
        arrivals[SCV], arrivals[GAP_SCV] = scv, scv if demand.bursts is None else 1.0
        every[:] = rates
        told = [*room.words, *question.words, *words_of(grid.table, whose), *nodes.words]
        numbers = (relative, asked.beyond)
        _in_parts(count, lambda start, stop: self._code.call("solve_rows", (start, stop, *numbers), told))
        table = {
            name: dict(zip(asked.quantiles, found[at], strict=True))
            for at, name in enumerate(METRIC_NAMES)
            if name in asked.metrics
        }
        where: Standing | None = None
        if asked.standing:
            mean_batch, waits, p99_batch, prompt, step = states
            where = Standing(mean_batch, p99_batch, waits, prompt, step)
        return Solved(saturation, utilisation, table, where, within if asked.limits else None)

    def rates_within(self, rates: Array, latency: Array, held: Array, limits: Array) -> Array:
        """Largest rate of each row at which a latency keeps each limit, at most `held` (rows,); (rows, limits).

        `rates` and `latency` (rows, loads) ascending, `limits` (limits,) ascending; as
        `largest_rate.largest_rate_within`.
        """
        given = [np.ascontiguousarray(one) for one in (rates, latency, held, limits)]
        found = np.empty((len(rates), len(limits)))
        told = words_of(*given, found)
        _in_parts(len(rates), lambda start, stop: self._code.call("largest_rates", (start, stop), told))
        return found

"""One replica under load, for many rows at once: step times over batch sizes, the chain, and latency quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.engine.data_ranks import by_arrival, by_chance, longer_by
from explorer.engine.latency import (
    PromptService,
    e2e_quantiles,
    itl_quantiles,
    lognormal_quantile,
    longest_step,
    tpot_quantiles,
    ttft_quantiles,
    within_full_steps,
)
from explorer.engine.queueing import (
    COARSE,
    FINE,
    QUANTILES,
    Chain,
    ChainNodes,
    LoadState,
    NodeSpacing,
    build_chain,
    nodes_of_caps,
    quantile_over_nodes,
    solve_loads,
)
from explorer.engine.records import AllReduce, ChipSpec, ModelShape, Split, StepConstants
from explorer.engine.steptime import StepWork, step_time
from explorer.engine.stragglers import hit_probability_per_step
from explorer.study.correction import Correction, capacities, loads_simulated, put_on

Array = NDArray[np.float64]

GRID = 11
"""Batch sizes at which a step is timed in full; between them ln T is interpolated in ln n."""

LADDER = np.linspace(0.0, 1.0, GRID)
"""Where they lie between one and the cap, on the scale of ln n."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request brings: lengths in tokens, their spread, and how requests arrive (one replica's view)."""

    prompt: float
    prompt_cv: float
    output: float
    output_cv: float
    arrival_scv: float
    prefix_hit: float
    bursts: tuple[float, float] | None = None
    """Share of time with arrivals and mean length of a burst, seconds; None where arrivals do not come in bursts."""
    recorded_p99: tuple[float, float] | None = None
    """P99 of prompt and output as recorded, tokens; None where lengths are lognormal."""

    @property
    def computed_prompt(self) -> float:
        """Prompt tokens that must be computed: what the prefix cache does not hold."""
        return max(self.prompt * (1.0 - self.prefix_hit), 1.0)

    @property
    def mean_context(self) -> float:
        """Mean context of a sequence in service: length-biased, ISL + OSL*(1+CV^2)/2."""
        return self.prompt + self.output * (1.0 + self.output_cv**2) / 2.0

    @property
    def attended_by_prompt(self) -> float:
        """Tokens that a prompt token attends to: half the prompt, weighted by length, plus the cached prefix."""
        return self.prompt * self.prefix_hit + self.computed_prompt * (1.0 + self.prompt_cv**2) / 2.0


@lru_cache(maxsize=64)
def p99_length(demand: Demand) -> float:
    """P99 prompt + P99 output, tokens: what a held sequence is budgeted at."""
    if demand.recorded_p99 is not None:
        return max(sum(demand.recorded_p99), demand.prompt + demand.output)
    prompt = lognormal_quantile(demand.prompt, demand.prompt_cv, 0.99)
    output = lognormal_quantile(demand.output, demand.output_cv, 0.99)
    return max(float(prompt), demand.prompt) + max(float(output), demand.output)


@dataclass(frozen=True, slots=True)
class Rows:
    """Deployments side by side: engine records stacked along rows."""

    spec: ChipSpec
    allreduce: AllReduce
    split: Split
    caps: Array
    """Effective batch cap of a replica, whole sequences >= 1, shape (rows,)."""
    token_budget: Array
    """Scheduler's tokens a step, shape (rows, 1)."""
    whole_prompts: NDArray[np.bool_] | None = None
    """Rows whose scheduler puts no prompt off to a later step, (rows, 1); None where all cut prompts in chunks."""

    speculation: Array | None = None
    """Tokens that a step yields for each sequence, and by what share it lasts longer, (rows, 2); None for none."""

    def speculated(self, decode: Array, mixed: Array, full: Array) -> tuple[Array, Array, Array, Array]:
        """Steps with drafting and checking in them, (rows, points), and the tokens each yields, (rows, 1)."""
        if self.speculation is None:
            return decode, mixed, full, np.ones((len(self.caps), 1))
        extra = decode * self.speculation[:, 1:]
        return decode + extra, mixed + extra, full + extra, self.speculation[:, :1]

    def budget_for(self, prompt: float, ranks: Array) -> Array:
        """Tokens a step, (rows, 1), large enough for a mean prompt beside a full batch where prompts stay whole."""
        if self.whole_prompts is None:
            return self.token_budget
        whole = np.maximum(self.token_budget, prompt + self.caps[:, None] / ranks)
        return np.asarray(np.where(self.whole_prompts, whole, self.token_budget))


@dataclass(frozen=True, slots=True)
class GapSteps:
    """The steps between tokens that carry prompts, (rows, nodes): with the host time of the requests in them."""

    mixed_at: Array
    """Seconds of a step with one prompt chunk."""
    full_at: Array
    """Seconds of a step full of prompt tokens."""
    chunks_at: Array
    """Prompt chunks that come to a step, those side by side counted once; more than one where they must be merged."""
    merge_at: Array
    """Full steps that do the work of one such chunk, all lanes full."""

    def rows(self, at: NDArray[np.intp]) -> GapSteps:
        """Those of some rows only."""
        return GapSteps(self.mixed_at[at], self.full_at[at], self.chunks_at[at], self.merge_at[at])


@dataclass(frozen=True, slots=True)
class ReplicaTable:
    """Everything about a replica that does not depend on the load; arrays (rows, nodes)."""

    chain: Chain
    decode_at: Array
    marginal_at: Array
    gaps: GapSteps
    longest: Array
    """Longest mean gap of a request, seconds, (rows, 1)."""
    together: Array | None
    """Prompt chunks side by side in a step of one stage, (rows, nodes); None where no row has attention-data ranks."""
    service: PromptService
    stall_probability: Array
    tokens_a_step: Array
    """Tokens that a step yields for each sequence, (rows, 1)."""
    stall_s: float
    demand: Demand
    corrections: tuple[Correction | None, ...] = ()
    """What simulation found of each row; empty: the closed form as it is."""

    @property
    def saturation(self) -> Array:
        """Largest rate that each row can carry, requests/s, (rows,)."""
        return self.chain.saturation * capacities(self.corrections)[:, 0] if self.corrections else self.chain.saturation

    @property
    def averaged(self) -> tuple[Array, ...]:
        """Quantities whose means over the batch the latencies are made of."""
        service = self.service
        parts = (
            service.own_at, service.service_at, service.decode_at, service.full_at, self.marginal_at, self.together,
        )  # fmt: skip
        return tuple(part for part in parts if part is not None)


@dataclass(frozen=True, slots=True)
class StepGrid:
    """Step times of rows on a ladder of batch sizes, (rows, GRID) unless said otherwise; seconds."""

    caps: Array
    budget: Array
    """Prompt tokens a step takes beside one sequence, (rows, 1)."""
    decode: Array
    mixed: Array
    """A step that carries a prompt chunk besides its decodes."""
    full: Array
    """A step full of prompt tokens."""
    full_steps: Array
    """Full steps that a mean prompt amounts to."""
    chunks: Array
    """Steps that a mean prompt is spread over."""
    lanes: Array
    """Prompts that may be worked off side by side: attention-data ranks times pipeline stages, (rows, 1)."""
    ranks: Array
    """Attention-data ranks, (rows, 1)."""
    beside: Array
    """Prompts that are worked off side by side in a step that carries any, as they arrive; see `engine.data_ranks`."""
    beside_full: Array
    """The same where the batch is full and others wait, so that prompts come in as answers end, (rows, 1)."""

    @property
    def marginal(self) -> Array:
        """Seconds that a mean prompt adds to all steps it is in, those side by side sharing them, (rows, GRID)."""
        added = self.chunks * np.maximum(self.mixed - self.decode, 1e-9)
        found = added / self.beside
        found[:, -1:] = added[:, -1:] / self.beside_full
        return np.asarray(found)

    stall_probability: Array
    """Chance that a rare stall hits a step, (rows, 1)."""
    tokens_a_step: Array
    """Tokens that a step yields for each sequence, (rows, 1): 1 without speculative decoding."""

    def rows(self, at: NDArray[np.intp] | slice) -> StepGrid:
        """The grid of some rows only."""
        return StepGrid(**{field.name: getattr(self, field.name)[at] for field in fields(StepGrid)})


def stacked_grids(grids: Sequence[StepGrid]) -> StepGrid:
    """Grids below each other as one."""
    return StepGrid(
        **{field.name: np.concatenate([getattr(one, field.name) for one in grids]) for field in fields(StepGrid)}
    )


def step_grid(
    shape: ModelShape,
    demand: Demand,
    rows: Rows,
    constants: StepConstants,
    *,
    stall_probability: float,
    sequence_sharding: bool,
) -> StepGrid:
    """Time the steps of every row at batch sizes from one to its cap, with and without a prompt chunk."""
    batch = np.maximum(rows.caps[:, None], 1.0) ** LADDER
    prompt = demand.computed_prompt
    # a prompt belongs to one attention-data rank and passes one stage at a time: each lane has a chunk of its own
    data_ranks, stages = (np.asarray(part, dtype=np.float64) for part in (rows.split.dp, rows.split.pp))
    lanes = data_ranks * stages
    budget = np.maximum(rows.budget_for(prompt, data_ranks) - batch / data_ranks, 16.0)
    chunk = np.minimum(prompt, budget)
    beside = beside_full = lanes
    on, chunks_a_step = None, batch
    several = bool((data_ranks > 1.0).any())
    if several:
        tokens_a_step = 1.0 if rows.speculation is None else rows.speculation[:, :1]
        chunks_a_step = batch / demand.output * tokens_a_step * prompt / chunk
        beside = stages * by_chance(chunks_a_step, data_ranks)
        beside_full = beside[:, -1:]
        on = np.repeat(lanes, 3 * GRID, axis=1)
        # a step lasts as long as the rank with the longest of the prompts that are in it
        longer = np.minimum(longer_by(beside / stages, demand.prompt_cv), budget / chunk)
        on[:, GRID : 2 * GRID] = beside / longer
    # decodes alone, with a prompt chunk, full of prompt tokens
    prefill = np.zeros((len(batch), 3 * GRID))
    np.multiply(chunk, beside, out=prefill[:, GRID : 2 * GRID])
    np.multiply(budget, lanes, out=prefill[:, 2 * GRID :])
    both = step_time(
        shape,
        rows.spec,
        rows.split,
        rows.allreduce,
        StepWork(
            decode=np.concatenate([batch, batch, batch], axis=1),
            context=demand.mean_context,
            prefill=prefill,
            prefill_context=demand.attended_by_prompt,
            prompts=prefill / prompt,
            prefill_lanes=on,
        ),
        constants,
        sequence_sharding=sequence_sharding,
    )
    ranks = np.asarray(rows.split.tp, dtype=np.float64)
    hit = hit_probability_per_step(stall_probability, ranks, 2.0 * shape.layer_count)
    decode, mixed, full, tokens = rows.speculated(both[:, :GRID], both[:, GRID : 2 * GRID], both[:, 2 * GRID :])
    if several:
        beside = np.maximum(beside, stages * by_arrival(chunks_a_step, mixed / decode, data_ranks))
    return StepGrid(
        caps=rows.caps,
        budget=budget[:, :1],
        decode=decode,
        mixed=mixed,
        full=full,
        full_steps=prompt / budget,
        chunks=prompt / chunk,
        lanes=lanes,
        ranks=data_ranks,
        beside=beside if several else np.repeat(beside, GRID, axis=1),
        beside_full=beside_full,
        stall_probability=np.where(ranks > 1, hit, 0.0),
        tokens_a_step=tokens,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Where the batch nodes of rows lie on their ladders of timed batch sizes; arrays (rows, nodes)."""

    nodes: ChainNodes
    left: NDArray[np.intp]
    """Position of the ladder's step below each node among all rows' steps."""
    share: Array
    """How far a node lies beyond it towards the next, 0 to 1, on the scale of ln n."""

    def interpolated(self, *ladders: Array) -> Array:
        """Quantities (rows, GRID) of the ladder at the nodes, (quantities, rows, nodes), linear in logarithms."""
        logs = np.log(np.array(ladders)).reshape(len(ladders), -1)
        low = logs.take(self.left, axis=1)
        rise = logs.take(self.left + 1, axis=1)
        rise -= low
        rise *= self.share
        rise += low
        return np.asarray(np.exp(rise, out=rise))


@lru_cache(maxsize=64)
def _places(caps: tuple[int, ...], spacing: NodeSpacing) -> _Places:
    """Places of the nodes of rows with these caps; kept for the sets of caps last in use."""
    nodes = nodes_of_caps(caps, spacing)
    place = nodes.height * (GRID - 1)
    left = np.minimum(place.astype(np.intp), GRID - 2)
    share = np.minimum(place - left, 1.0)
    return _Places(nodes, left + GRID * np.arange(len(caps))[:, None], share)


def replica_table(
    grid: StepGrid, demand: Demand, constants: StepConstants, *, stall_s: float, coarse: bool = False
) -> ReplicaTable:
    """The chain of every row from its step times; `coarse` thins the nodes, for draws and searches.

    Work is conserved: each request's prompt is met once by all others, so a step of n sequences carries n/m of a
    prompt: T(n) = decode(n) + n/m*(prompt's extra time + host time of a request), m output tokens.
    """
    places = _places(tuple(grid.caps.astype(int).tolist()), COARSE if coarse else FINE)
    marginal = grid.marginal + constants.host_request_s
    several = (grid.ranks > 1.0).any()
    decode_at, marginal_at, mixed_at, chunks_at, full_at, full_steps_at, *more = places.interpolated(
        grid.decode, marginal, grid.mixed, grid.chunks, grid.full, grid.full_steps,
        *((grid.beside,) if several else ()),
    )  # fmt: skip
    nodes = places.nodes.at
    prompts_a_step = nodes / demand.output
    # chunks side by side in a step of one stage; a step's share of the host time of the prompts in it
    beside_at = np.where(grid.ranks > 1.0, more[0], grid.lanes) if several else grid.lanes
    together = np.asarray(beside_at * grid.ranks / grid.lanes) if several else None
    each = 1.0 if together is None else together
    gaps = GapSteps(
        mixed_at=mixed_at + constants.host_request_s * beside_at / chunks_at,
        full_at=full_at + constants.host_request_s * grid.lanes / full_steps_at,
        chunks_at=prompts_a_step * chunks_at * grid.tokens_a_step / each,
        merge_at=full_steps_at / (chunks_at * grid.lanes) * each,
    )
    longest, fed = longest_step(nodes, gaps.full_at, gaps.chunks_at, gaps.merge_at)
    # the chain counts in tokens: a step that yields several is that many shorter ones
    step = (
        within_full_steps(
            decode_at + grid.tokens_a_step * prompts_a_step * marginal_at,
            nodes,
            gaps.full_at,
            gaps.chunks_at,
            gaps.merge_at,
            longest,
            fed,
        )
        / grid.tokens_a_step
    )
    if several:
        # ranks that wait for each other: at most every step carries prompts
        longest = np.where(grid.ranks > 1.0, np.minimum(longest, gaps.mixed_at[:, -1:]), longest)
    return ReplicaTable(
        chain=build_chain(places.nodes, step, demand.output),
        decode_at=decode_at,
        marginal_at=marginal_at,
        gaps=gaps,
        longest=longest / grid.tokens_a_step,
        together=together,
        service=PromptService(
            own_at=chunks_at * mixed_at + constants.host_request_s,
            marginal_at=marginal_at,
            scv=np.asarray(demand.prompt_cv**2),
            overhead=constants.request_overhead_s,
            growth=np.maximum(1.0 - grid.decode[:, :1] / grid.mixed[:, :1], 0.0),
            service_at=full_steps_at * full_at / grid.lanes + constants.host_request_s,
            decode_at=decode_at,
            full_at=full_at,
            load_gain=constants.first_token_load_gain,
            full_alone=_full_share(demand, grid.budget),
        ),
        stall_probability=grid.stall_probability,
        tokens_a_step=grid.tokens_a_step,
        stall_s=stall_s,
        demand=demand,
    )


MOST_FELT = 0.97
"""Share of the largest rate at which bursts are looked at, at most: what piles up in longer ones is not in here."""


def felt_rate(rate: Array, saturation: Array, lifetime: Array, bursts: tuple[float, float]) -> Array:
    """Rate (rows, loads) as requests that come in bursts feel it, requests/s.

    All requests come in bursts, at rate/share; the batch follows a burst as far as it lasts longer than a request's
    life: with weight burst/(burst + lifetime). `saturation` and `lifetime` (of one alone, seconds) are (rows, 1).
    """
    share, burst = bursts
    felt = rate * (1.0 + (1.0 / share - 1.0) * burst / (burst + lifetime))
    return np.maximum(rate, np.minimum(felt, MOST_FELT * saturation))


@dataclass(frozen=True, slots=True)
class Latencies:
    """Quantiles of the four latencies, seconds: `table[metric][quantile]` of shape (rows, loads)."""

    state: LoadState
    chain: Chain
    table: dict[str, dict[float, Array]]


def latencies(
    table: ReplicaTable,
    rate: Array,
    *,
    replicas: Array | float = 1.0,
    metrics: tuple[str, ...] = ("ttft", "tpot", "itl", "e2e"),
    quantiles: tuple[float, ...] = QUANTILES,
) -> Latencies:
    """Latency quantiles at rates a replica (rows, loads), requests/s.

    A random split over R replicas leaves each with SCV' = 1 + (SCV-1)/R.
    """
    demand = table.demand
    scv = shared_scv(demand, replicas)
    # a replica that carries more than the closed form says is as loaded as one of that form at a lower rate
    own = rate / capacities(table.corrections) if table.corrections else rate
    stated = solve_loads(table.chain, own, scv, clustered=demand.bursts is None)
    answer = quantiles_of(table, _felt(table, stated, scv), metrics, quantiles)
    if table.corrections:
        gaps: dict[float, Array] = {}
        if "itl" in metrics:
            at = solve_loads(
                table.chain, loads_simulated(table.corrections) * table.chain.saturation[:, None], scv,
                clustered=demand.bursts is None,
            )  # fmt: skip
            gaps = quantiles_of(table, _felt(table, at, scv), ("itl",), quantiles)["itl"]
        answer = put_on(answer, table.corrections, stated.utilisation, gaps)
    return Latencies(state=stated, chain=table.chain, table=answer)


def _felt(table: ReplicaTable, stated: LoadState, scv: Array) -> LoadState:
    """The state as requests feel it: in bursts that of a higher rate."""
    demand, chain = table.demand, table.chain
    if demand.bursts is None:
        return stated
    lifetime = chain.output_tokens * chain.unloaded
    return solve_loads(chain, felt_rate(stated.rate, chain.saturation[:, None], lifetime, demand.bursts), scv)


def quantiles_of(
    table: ReplicaTable,
    state: LoadState,
    metrics: tuple[str, ...],
    quantiles: tuple[float, ...],
    *,
    swells: bool = True,
) -> dict[str, dict[float, Array]]:
    """Latency quantiles in a state of the chain, without what simulation found; `swells`: as in `tpot_quantiles`."""
    demand = table.demand
    state.average(*table.averaged)
    found: dict[str, dict[float, Array]] = {}
    if "ttft" in metrics or "e2e" in metrics:
        found["ttft"] = ttft_quantiles(state, table.service, quantiles)
    if "tpot" in metrics or "e2e" in metrics:
        found["tpot"] = tpot_quantiles(
            table.chain,
            state,
            table.marginal_at,
            quantiles,
            prompt_scv=demand.prompt_cv**2,
            output_scv=demand.output_cv**2,
            longest=table.longest,
            together_at=table.together,
            swells=swells,
        )
    if "itl" in metrics:
        found["itl"] = itl_quantiles(
            table.chain,
            state,
            table.decode_at,
            table.gaps.mixed_at,
            table.gaps.chunks_at,
            table.stall_probability,
            table.stall_s,
            quantiles,
            full_at=table.gaps.full_at,
            merge_at=table.gaps.merge_at,
            crowded=table.service.crowded(state),
        )
    if "e2e" in metrics:
        # a whole answer of many tokens averages the prompts it meets: its spread is the batch's
        steady = tpot_quantiles(table.chain, state, table.marginal_at, quantiles)
        found["e2e"] = e2e_quantiles(
            state, found["ttft"], steady, np.asarray(demand.output), demand.output_cv, quantiles
        )
    return {metric: found[metric] for metric in metrics}


def shared_scv(demand: Demand, replicas: Array | float) -> Array:
    """Squared coefficient of variation of the gaps that each of R replicas sees: SCV' = 1 + (SCV-1)/R."""
    return np.asarray(1.0 + (demand.arrival_scv - 1.0) / np.asarray(replicas, dtype=np.float64))


def batch_quantile(state: LoadState, chain: Chain, q: float) -> Array:
    """Quantile of the batch in service (time-weighted), (rows, loads)."""
    return quantile_over_nodes(state.cumulative_time, chain.nodes, q)


@lru_cache(maxsize=64)
def lengths_of(mean: float, cv: float) -> Array:
    """Lengths at the middles of 32 equal slices of a lognormal."""
    return np.asarray([float(lognormal_quantile(mean, cv, (i + 0.5) / 32)) for i in range(32)])


def _full_share(demand: Demand, budget: Array) -> Array:
    """Share of a prompt's chunks that fill the budget by themselves, (rows, 1)."""
    own = [_full_share_of(demand.computed_prompt, demand.prompt_cv, one) for one in budget[:, 0].tolist()]
    return np.asarray(own)[:, None]


@lru_cache(maxsize=256)
def _full_share_of(prompt: float, prompt_cv: float, budget: float) -> float:
    whole = float(np.floor(lengths_of(prompt, prompt_cv) / budget).mean())
    return whole / (whole + 1.0)


def select_rows(table: ReplicaTable, rows: NDArray[np.intp]) -> ReplicaTable:
    """The table of some rows only."""
    if np.array_equal(rows, np.arange(table.chain.nodes.shape[0])):
        return table
    chain = Chain(**{field.name: getattr(table.chain, field.name)[rows] for field in fields(Chain)})
    service = replace(
        table.service,
        own_at=table.service.own_at[rows],
        marginal_at=table.service.marginal_at[rows],
        growth=table.service.growth[rows],
        service_at=None if table.service.service_at is None else table.service.service_at[rows],
        decode_at=None if table.service.decode_at is None else table.service.decode_at[rows],
        full_at=None if table.service.full_at is None else table.service.full_at[rows],
        full_alone=np.asarray(table.service.full_alone)[rows],
    )
    return replace(
        table,
        chain=chain,
        decode_at=table.decode_at[rows],
        marginal_at=table.marginal_at[rows],
        gaps=table.gaps.rows(rows),
        longest=table.longest[rows],
        together=None if table.together is None else table.together[rows],
        service=service,
        stall_probability=table.stall_probability[rows],
        tokens_a_step=table.tokens_a_step[rows],
        corrections=tuple(table.corrections[row] for row in rows) if table.corrections else (),
    )

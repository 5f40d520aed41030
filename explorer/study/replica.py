"""One replica under load, for many rows at once: step times over batch sizes, the chain, and latency quantiles."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from explorer.engine.queueing import (
    COARSE,
    Chain,
    LoadState,
    PromptService,
    build_chain,
    e2e_quantiles,
    itl_quantiles,
    padded_nodes,
    quantile_over_nodes,
    solve_loads,
    tpot_quantiles,
    ttft_quantiles,
)
from explorer.engine.records import AllReduce, ChipSpec, ModelShape, Split, StepConstants
from explorer.engine.steptime import StepWork, step_time
from explorer.engine.stragglers import hit_probability_per_step

Array = NDArray[np.float64]

GRID = 11
"""Batch sizes at which a step is timed in full; between them ln T is interpolated in ln n."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request brings: lengths in tokens, their spread, and how requests arrive (one replica's view)."""

    prompt: float
    prompt_cv: float
    output: float
    output_cv: float
    arrival_scv: float
    prefix_hit: float

    @property
    def computed_prompt(self) -> float:
        """Prompt tokens that must be computed: what the prefix cache does not hold."""
        return max(self.prompt * (1.0 - self.prefix_hit), 1.0)

    @property
    def mean_context(self) -> float:
        """Mean context of a sequence in service: length-biased, ISL + OSL*(1+CV^2)/2."""
        return self.prompt + self.output * (1.0 + self.output_cv**2) / 2.0


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


@dataclass(frozen=True, slots=True)
class ReplicaTable:
    """Everything about a replica that does not depend on the load; arrays (rows, nodes)."""

    chain: Chain
    decode_at: Array
    mixed_at: Array
    mixed_share_at: Array
    marginal_at: Array
    service: PromptService
    stall_probability: Array
    stall_s: float
    demand: Demand


def replica_table(
    shape: ModelShape,
    demand: Demand,
    rows: Rows,
    constants: StepConstants,
    *,
    stall_probability: float,
    stall_s: float,
    sequence_sharding: bool,
    coarse: bool = False,
) -> ReplicaTable:
    """Time the steps of every row over its batch sizes and build the chain.

    Work is conserved: each request's prompt is met once by all others, so a step of n sequences carries n/m of a
    prompt: T(n) = decode(n) + n/m*(prompt's extra time + host time of a request), m output tokens.
    """
    caps = rows.caps
    ladder = np.linspace(0.0, 1.0, GRID)[None, :]
    batch = np.maximum(caps[:, None], 1.0) ** ladder
    context = demand.mean_context
    prompt = demand.computed_prompt
    budget = np.maximum(rows.token_budget - batch / np.asarray(rows.split.dp), 16.0)
    chunk = np.minimum(prompt, budget)
    # a prompt token attends to what came before it: half the prompt, weighted by length, plus the cached prefix
    attended = demand.prompt * demand.prefix_hit + prompt * (1.0 + demand.prompt_cv**2) / 2.0
    both = step_time(
        shape,
        rows.spec,
        rows.split,
        rows.allreduce,
        StepWork(
            decode=np.concatenate([batch, batch], axis=1),
            context=context,
            prefill=np.concatenate([np.zeros_like(chunk), chunk], axis=1),
            prefill_context=attended,
            prompts=np.concatenate([np.zeros_like(chunk), chunk / prompt], axis=1),
        ),
        constants,
        sequence_sharding=sequence_sharding,
    )
    decode, mixed = both[:, :GRID], both[:, GRID:]
    chunks = prompt / chunk
    marginal = chunks * np.maximum(mixed - decode, 1e-9) + constants.host_request_s
    own = chunks * mixed

    nodes = padded_nodes(caps, COARSE) if coarse else padded_nodes(caps)
    place = np.log(np.maximum(nodes, 1.0)) / np.log(np.maximum(caps, 1.0 + 1e-9))[:, None] * (GRID - 1)
    left = np.clip(place.astype(np.intp), 0, GRID - 2)
    share = np.clip(place - left, 0.0, 1.0)

    def at_nodes(values: Array) -> Array:
        logs = np.log(values)
        low = np.take_along_axis(logs, left, axis=1)
        high = np.take_along_axis(logs, left + 1, axis=1)
        return np.asarray(np.exp(low + share * (high - low)))

    decode_at, marginal_at, own_at, mixed_at = (at_nodes(v) for v in (decode, marginal, own, mixed))
    chunks_at = at_nodes(chunks)
    prompts_a_step = nodes / demand.output
    step = decode_at + prompts_a_step * marginal_at
    chain = build_chain(nodes, step, demand.output)
    # the chunk's share of a step: as many mixed steps as chunks arrive, never more than all steps
    mixed_share = np.clip(prompts_a_step * chunks_at, 0.0, 1.0)
    ranks = np.asarray(rows.split.tp, dtype=np.float64)
    barriers = 2.0 * shape.layer_count
    hit = np.where(ranks > 1, hit_probability_per_step(stall_probability, ranks, barriers), 0.0)
    return ReplicaTable(
        chain=chain,
        decode_at=decode_at,
        mixed_at=mixed_at,
        mixed_share_at=mixed_share,
        marginal_at=marginal_at,
        service=PromptService(
            own_at=own_at,
            marginal_at=marginal_at,
            scv=np.asarray(demand.prompt_cv**2),
            overhead=constants.request_overhead_s,
            growth=np.clip(1.0 - decode / mixed, 0.0, 1.0)[:, :1],
        ),
        stall_probability=hit,
        stall_s=stall_s,
        demand=demand,
    )


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
) -> Latencies:
    """Latency quantiles at rates a replica (rows, loads), requests/s.

    A random split over R replicas leaves each with SCV' = 1 + (SCV-1)/R.
    """
    demand = table.demand
    scv = 1.0 + (demand.arrival_scv - 1.0) / np.asarray(replicas, dtype=np.float64)
    state = solve_loads(table.chain, rate, scv)
    found: dict[str, dict[float, Array]] = {}
    if "ttft" in metrics or "e2e" in metrics:
        found["ttft"] = ttft_quantiles(table.chain, state, table.service)
    if "tpot" in metrics or "e2e" in metrics:
        found["tpot"] = tpot_quantiles(table.chain, state, table.marginal_at)
    if "itl" in metrics:
        found["itl"] = itl_quantiles(
            table.chain,
            state,
            table.decode_at,
            table.mixed_at,
            table.mixed_share_at,
            table.stall_probability,
            table.stall_s,
        )
    if "e2e" in metrics:
        found["e2e"] = e2e_quantiles(
            state, found["ttft"], found["tpot"], np.asarray(demand.output), demand.output_cv
        )
    return Latencies(state=state, chain=table.chain, table={metric: found[metric] for metric in metrics})


def batch_quantile(state: LoadState, chain: Chain, q: float) -> Array:
    """Quantile of the batch in service (time-weighted), (rows, loads)."""
    return quantile_over_nodes(state.cumulative_time, chain.nodes, q)


def select_rows(table: ReplicaTable, rows: NDArray[np.intp]) -> ReplicaTable:
    """The table of some rows only."""
    chain = Chain(**{field.name: getattr(table.chain, field.name)[rows] for field in fields(Chain)})
    service = replace(
        table.service,
        own_at=table.service.own_at[rows],
        marginal_at=table.service.marginal_at[rows],
        growth=table.service.growth[rows],
    )
    return replace(
        table,
        chain=chain,
        decode_at=table.decode_at[rows],
        mixed_at=table.mixed_at[rows],
        mixed_share_at=table.mixed_share_at[rows],
        marginal_at=table.marginal_at[rows],
        service=service,
        stall_probability=table.stall_probability[rows],
    )

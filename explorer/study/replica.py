"""One replica under load, for many rows at once: the chain of its step times, and latency quantiles."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.engine.batch_nodes import COARSE, FINE, ChainNodes, NodeSpacing, nodes_of_caps
from explorer.engine.latency import e2e_quantiles, tpot_quantiles, ttft_quantiles
from explorer.engine.loops.layout import GRID
from explorer.engine.node_quantiles import QUANTILES, quantile_over_nodes
from explorer.engine.prompt_work import PromptService, longest_step, within_full_steps
from explorer.engine.queueing import Chain, LoadState, build_chain, solve_loads
from explorer.engine.records import StepConstants
from explorer.engine.token_gaps import itl_quantiles
from explorer.study.correction import Correction, capacities
from explorer.study.demand import Demand, lengths_of, shared_scv
from explorer.study.step_grid import StepGrid

Array = NDArray[np.float64]


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
    table: dict[str, dict[float, Array]]


def latencies(
    table: ReplicaTable,
    rate: Array,
    *,
    replicas: Array | float = 1.0,
    metrics: tuple[str, ...] = ("ttft", "tpot", "itl", "e2e"),
    quantiles: tuple[float, ...] = QUANTILES,
) -> Latencies:
    """Latency quantiles at rates a replica (rows, loads), requests/s, without what simulation found.

    A random split over R replicas leaves each with SCV' = 1 + (SCV-1)/R.
    """
    demand = table.demand
    scv = shared_scv(demand, replicas)
    stated = solve_loads(table.chain, rate, scv, clustered=demand.bursts is None)
    answer = quantiles_of(table, _felt(table, stated, scv), metrics, quantiles)
    return Latencies(state=stated, table=answer)


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


def batch_quantile(state: LoadState, chain: Chain, q: float) -> Array:
    """Quantile of the batch in service (time-weighted), (rows, loads)."""
    return quantile_over_nodes(state.cumulative_time, chain.nodes, q)


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

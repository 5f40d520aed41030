"""The simulated server of an alternative: its steps, its memory, its noise and its pools, from the same rows as the
closed form.

Brings numba, as `simulation` does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.engine.memory import kv_bytes_per_token
from explorer.engine.records import ModelShape
from explorer.engine.serving_records import (
    NO_NOISE,
    Noise,
    PrefillPool,
    Server,
    StepTable,
    jitter_table,
)
from explorer.engine.serving_table import step_table
from explorer.engine.speculation import tokens_per_step
from explorer.engine.stragglers import hit_probability_per_step
from explorer.errors import MissingFigureError
from explorer.scenario.schema import SIMULATED_ONLY, Alternative, Scenario, Speculation, Workload
from explorer.study.deployment import Candidate, candidates_of, rows_of
from explorer.study.evaluate import Evaluator
from explorer.study.outcome import AlternativeOutcome
from explorer.study.replica import Demand, Rows, p99_length, replica_table
from explorer.study.resolve import served_model, step_constants
from explorer.study.simulated_replica import GAMMA, MOST_TOGETHER, Arrivals, SimulatedReplica
from explorer.study.sizing import grid_of
from explorer.study.workload import demand_of, deployment_of

Array = NDArray[np.float64]


def replica_to_simulate(
    evaluator: Evaluator, scenario: Scenario, workload: Workload, alternative: Alternative, outcome: AlternativeOutcome
) -> SimulatedReplica:
    """What the simulation needs of an alternative, in the layout and with the replicas of its outcome."""
    constants, served, demand = step_constants(), served_model(evaluator.catalog, workload.model), demand_of(workload)
    stragglers, sharded = scenario.stragglers, workload.model.kv_sequence_sharding
    deployment = deployment_of(evaluator.figures, scenario, workload, alternative)
    p99_tokens = p99_length(demand)
    options = candidates_of(deployment, served, p99_tokens, constants, sharded)
    candidate = next(one for one in options if one.layout == outcome.layout)
    if workload.traffic.mode == "closed_loop":
        from explorer.study.simulated_users import widened

        here, candidate = candidate.cap, widened(candidate)
    rows = rows_of([candidate], constants, stragglers.jitter_sigma)
    replicas = max(outcome.replicas, 1)
    together = min(replicas, MOST_TOGETHER) if alternative.routing == "shortest_queue" else 1
    server = server_of(scenario, served.shape, candidate, rows, demand, replicas=together, sharded=sharded)
    if alternative.routing == "shortest_queue":
        server = replace(server, routing="shortest_queue")
    grid = grid_of(served, demand, rows, constants, stragglers, sharded)
    closed = replica_table(grid, demand, constants, stall_s=stragglers.stall_s)
    rate = workload.traffic.request_rate_per_s / replicas
    if workload.traffic.mode == "closed_loop":
        from explorer.study.simulated_users import SimulatedUsers

        return SimulatedUsers(
            candidate.layout, server, closed, demand, replicas, 0.0, scenario.simulation.seed, GAMMA,
            alternative.scheduler not in SIMULATED_ONLY, alternative.speculation, here, candidate.cap,
        )  # fmt: skip
    return SimulatedReplica(
        candidate.layout, server, closed, demand, replicas, rate, scenario.simulation.seed,
        Arrivals.of(workload.traffic), alternative.scheduler not in SIMULATED_ONLY, alternative.speculation,
    )  # fmt: skip


def server_of(
    scenario: Scenario,
    shape: ModelShape,
    candidate: Candidate,
    rows: Rows,
    demand: Demand,
    *,
    replicas: int = 1,
    sharded: bool = False,
) -> Server:
    """The simulated server of one candidate, `rows` being its one engine row; `demand` has the mean lengths."""
    constants, settings, layout = step_constants(), candidate.deployment.settings, candidate.layout
    budget = settings.token_budget * layout.dp * layout.pp
    table = step_table(
        shape, rows.spec, rows.split, rows.allreduce, constants,
        cap=candidate.cap,
        token_budget=budget,
        context=demand.mean_context,
        prompt=demand.computed_prompt,
        prompt_context=demand.prompt * demand.prefix_hit + demand.computed_prompt * (1.0 + demand.prompt_cv**2) / 2.0,
        sequence_sharding=sharded,
        whole_prompts=settings.scheduler in ("prefill_first", "static"),
    )  # fmt: skip
    alone = float(np.interp(demand.computed_prompt, table.prompt_tokens, table.prompt_seconds[0]))
    noise, in_steps = _noise(layout.tp, 2.0 * shape.layer_count, scenario), demand
    if settings.speculation is not None:
        in_steps, table = _speculated(settings.speculation, demand, table)
    held = max(int(candidate.held * p99_length(in_steps)), 1)
    prefill: PrefillPool | None = None
    if settings.scheduler == "disaggregated":
        pause, per_token = kv_transfer(shape, candidate, rows, sharded=sharded)
        prefill = PrefillPool(
            table, settings.prefill_instances, candidate.cap, held, budget, pause, per_token, noise, layout.dp
        )
        replicas = settings.decode_instances
    return Server(
        table=table,
        max_batch=candidate.cap,
        kv_tokens=held,
        token_budget=budget,
        scheduler=settings.scheduler,
        prefix_hit_share=demand.prefix_hit,
        host_request_s=constants.host_request_s,
        overhead_s=constants.request_overhead_s,
        # each stage of a pipeline is held up for its own share of a prompt; the prompt itself passes all of them
        trail_s_per_token=(layout.pp - 1) * alone / demand.computed_prompt,
        replicas=replicas,
        noise=noise,
        prefill=prefill,
        lanes=layout.dp,
    )


def _speculated(drafted: Speculation, demand: Demand, table: StepTable) -> tuple[Demand, StepTable]:
    """Demand and step table where a step yields several tokens and lasts longer.

    The simulation counts an answer in steps: contexts grow by one a step there, so that the mean context it sees has
    the time of the real one, and memory holds as many sequences as before.
    """
    yielded, recorded = tokens_per_step(drafted.acceptance, drafted.draft_tokens), demand.recorded_p99
    in_steps = replace(
        demand,
        output=demand.output / yielded,
        recorded_p99=None if recorded is None else (recorded[0], recorded[1] / yielded),
    )
    longer = 1.0 + drafted.step_cost
    return in_steps, replace(
        table,
        decode_seconds=table.decode_seconds * longer,
        per_context=table.per_context * longer,
        context=in_steps.mean_context,
    )


def kv_transfer(shape: ModelShape, candidate: Candidate, rows: Rows, *, sharded: bool = False) -> tuple[float, float]:
    """Seconds until keys and values of a prompt are on another instance: fixed, and a prompt token.

    Each chip sends what it holds: over the link stated, else its scale-out network, else its link. Raises
    MissingFigureError for a chip of which neither is known.
    """
    settings, chip = candidate.deployment.settings, candidate.deployment.chip
    layout, spec = candidate.layout, rows.spec
    links = [float(np.asarray(one).ravel()[0]) for one in (spec.scaleout_bandwidth, spec.link_bandwidth)]
    link = next((one for one in links if np.isfinite(one) and one > 0.0), None)
    if settings.kv_transfer_gb_per_s is not None:
        link = settings.kv_transfer_gb_per_s * 1e9
    if link is None:
        raise MissingFigureError(chip.name, "scaleout_bandwidth", "moving keys and values between instances")
    held = kv_bytes_per_token(shape, spec.kv_bytes, float(layout.tp), sequence_sharding=sharded)
    return step_constants().point_to_point_s, float(np.asarray(held).ravel()[0]) / layout.pp / link


def _noise(ranks: int, barriers: float, scenario: Scenario) -> Noise:
    """Jitter about the mean that the step times hold already, and rare stalls; none on a single chip."""
    if ranks == 1:
        return NO_NOISE
    stragglers = scenario.stragglers
    factors = jitter_table(stragglers.jitter_sigma, ranks, barriers)
    hit = float(hit_probability_per_step(stragglers.stall_probability, ranks, barriers))
    return Noise(factors / float(np.mean(factors)), hit, stragglers.stall_s)

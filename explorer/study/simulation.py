"""The serving simulation behind an outcome: each alternative's replica under load, in stages that grow surer.

Brings numba: import it in the worker process and on the command line only. Everything is a function of the scenario
and its seed; the same draws serve every load and every slider position, so that curves neither jump nor wobble.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.trace import Trace
from explorer.engine.memory import kv_bytes_per_token
from explorer.engine.records import ModelShape
from explorer.engine.serving import Simulated, saturation_rate, simulate
from explorer.engine.serving_records import (
    NO_NOISE,
    Noise,
    PrefillPool,
    Requests,
    Server,
    StepTable,
    jitter_table,
)
from explorer.engine.serving_table import step_table
from explorer.engine.serving_traffic import (
    Draws,
    arrivals,
    draw,
    lognormal_lengths,
    on_off_arrivals,
    recorded_share,
    thinned_cv,
)
from explorer.engine.speculation import steps_of, tokens_per_step
from explorer.engine.stragglers import hit_probability_per_step
from explorer.errors import MissingFigureError
from explorer.scenario.schema import SIMULATED_ONLY, Alternative, Scenario, Speculation, Traffic, Workload
from explorer.study.arrivals import trace_of
from explorer.study.correction import NONE, Correction, Corrections, key_of
from explorer.study.deployment import Candidate, candidates_of, rows_of
from explorer.study.evaluate import Evaluator
from explorer.study.outcome import METRICS, AlternativeOutcome, Layout, Outcome
from explorer.study.replica import Demand, ReplicaTable, Rows, latencies, p99_length, replica_table
from explorer.study.resolve import served_model, step_constants
from explorer.study.sizing import grid_of
from explorer.study.workload import demand_of, deployment_of

Array = NDArray[np.float64]

LEVELS = (0.5, 0.95, 0.99)
LOADS = np.array(
    [0.05, 0.15, 0.25, 0.35, 0.45, 0.53, 0.60, 0.66, 0.72, 0.77, 0.81, 0.85, 0.88, 0.91, 0.93, 0.95, 0.96, 0.97, 0.98]
)
"""Shares of the largest rate at which every alternative is simulated, its operating point besides: 20 loads."""
FIRST_REQUESTS = 1_000
"""Simulated at each load of the first curve after a slider rests."""
LIFETIMES = 8.0
"""A run is believed where it is at least this many times as long as its queue takes to settle."""
UNSEEN_SPREAD = 0.3
"""How much farther (natural log) the band reaches at the largest rate than at the last load believed."""
PRIOR_SPREAD = 0.1
"""Standard deviation (natural log) of simulated over closed form, as far as a first look with few requests believes."""
MOST_TOGETHER = 8
"""Replicas behind one queue's choice that are simulated together; of more, so many stand for all at the same load."""
QUICK_SAMPLES = 12
LEAST_SAMPLES = 8
SIZINGS = 4
"""Times that replicas are counted anew on what simulation found, at most."""
THREADS = max(os.cpu_count() or 1, 1)


@dataclass(frozen=True)
class Arrivals:
    """How requests come: gaps of a variation, bursts that all replicas see, or a recording split among them."""

    kind: Literal["gamma", "on_off", "trace"] = "gamma"
    on_share: float = 1.0
    burst_s: float = 1.0
    trace: Trace | None = None

    @classmethod
    def of(cls, traffic: Traffic) -> Arrivals:
        """Those of a workload's traffic; raises TraceError."""
        return cls(traffic.arrivals, traffic.on_share, traffic.burst_s, trace_of(traffic))

    def least(self, count: int, replicas: int) -> int:
        """Requests that a first look needs: a recording is gone through once, since its beginning is like no mean."""
        return count if self.trace is None else max(count, math.ceil(self.trace.count / replicas))


GAMMA = Arrivals()


@dataclass(frozen=True)
class SimulatedReplica:
    """One replica of an alternative: what the simulation is given, and the closed form beside it."""

    layout: Layout
    server: Server
    closed: ReplicaTable
    demand: Demand
    replicas: int
    rate: float
    """Requests/s that come to one replica."""
    seed: int
    arrivals: Arrivals = GAMMA
    known: bool = True
    """False where the closed form knows nothing of the scheduler."""
    speculation: Speculation | None = None

    @property
    def joint(self) -> int:
        """Replicas that are simulated together: those that share a queue's choice, else one."""
        return self.server.replicas if self.server.prefill is None else 1

    @property
    def parts(self) -> float:
        """Parts that the service's requests are split into at random."""
        return self.replicas / self.joint

    @property
    def cv(self) -> float:
        """Coefficient of variation of the gaps between arrivals: a random split of the service's."""
        return thinned_cv(self.demand.arrival_scv**0.5, self.parts)

    @property
    def arrivals_alike(self) -> tuple[float, ...]:
        """What two replicas must share for the runs of one to hold for the other."""
        if self.arrivals.kind == "gamma":
            return (self.cv, float(self.joint))
        # thinned bursts are bursts of the same lengths, at the rate of the replica
        return (float(self.joint),) if self.arrivals.kind == "on_off" else (self.parts, float(self.joint))

    def served(self, requests: Requests) -> Requests:
        """The requests as steps serve them: with drafts accepted, an answer takes fewer steps than it has tokens."""
        drafted = self.speculation
        if drafted is None:
            return requests
        normals = _draws(self.seed, requests.output.size).outputs[::-1]
        steps = steps_of(requests.output, normals, drafted.acceptance, drafted.draft_tokens)
        return replace(requests, output=steps)

    def told(self, run: Simulated, requests: Requests) -> Simulated:
        """A run with the time per token of the answers themselves; gaps between tokens are those between steps."""
        if self.speculation is None:
            return run
        with np.errstate(divide="ignore", invalid="ignore"):
            tpot = np.where(requests.output > 1, (run.e2e - run.ttft) / (requests.output - 1.0), np.nan)
        return replace(run, tpot=tpot)

    def requests(self, rate: float, count: int) -> Requests:
        """That many requests at a rate of one replica, requests/s; lengths have the stated means exactly."""
        rate = rate * self.joint
        trace = self.arrivals.trace
        if trace is not None:
            return recorded_share(
                trace.arrival_s, trace.prompt_tokens, trace.output_tokens, _draws(self.seed, count), rate, self.parts
            )
        prompt, output = _lengths(
            self.seed, count, self.demand.prompt, self.demand.prompt_cv, self.demand.output, self.demand.output_cv
        )
        luck, kind = _draws(self.seed, count), self.arrivals
        if kind.kind == "on_off":
            times = on_off_arrivals(luck, rate, kind.on_share, kind.burst_s)
            # as with lengths: few bursts that happen to lie close together would be of a higher load
            return Requests(times * (count / rate / times[-1]), prompt, output)
        return Requests(arrivals(luck, rate, self.cv), prompt, output)

    def saturation(self, count: int) -> float:
        """Largest rate of one replica, requests/s; infinite where no request fits its memory."""
        return saturation_rate(self.served(self.requests(1.0, count)), self.server, seed=self.seed) / self.joint

    @property
    def metrics(self) -> tuple[str, ...]:
        """What a run is compared with the closed form in."""
        return METRICS

    def loads(self, saturation: float) -> list[float]:
        """Loads to run, the operating point last where it can be carried."""
        own = self.own_load(saturation)
        return [*(float(load) for load in LOADS), *([own] if own < 1.0 - 1e-6 else [])]

    def own_load(self, saturation: float) -> float:
        """The operating point as a share of the largest rate."""
        return self.rate / saturation

    def settles(self, run: Simulated, load: float) -> float:
        """Requests until a run has forgotten how it began.

        What is in service turns over once in a batch of requests; a queue forgets in 1/(1-load)^2 services.
        """
        return self.joint * (run.mean_batch + (1.0 + self.cv**2) / 2.0 / (1.0 - load) ** 2)

    def further(self, run: Simulated) -> dict[str, float]:
        """What else a run tells, by name."""
        return {}

    def capacity(self, saturation: float, ratio: Mapping[str, Mapping[float, Array]]) -> float:
        """Largest rate simulated over that of the closed form."""
        return saturation / float(self.closed.chain.saturation[0])

    def run(self, load: float, saturation: float, count: int) -> Simulated:
        """The replica at a share of its largest rate."""
        requests = self.requests(load * saturation, count)
        run = simulate(
            self.served(requests), self.server,
            seed=self.seed, offered_rate=load * saturation * self.joint, saturation=saturation * self.joint,
        )  # fmt: skip
        return self.told(run, requests)

    def closed_form(self, loads: Array) -> dict[str, dict[float, Array]]:
        """Quantiles of the closed form at shares of its own largest rate, (loads,) each."""
        rate = loads[None, :] * self.closed.chain.saturation[:, None]
        found = latencies(self.closed, rate, replicas=float(self.replicas), quantiles=LEVELS).table
        return {metric: {q: values[0] for q, values in of_metric.items()} for metric, of_metric in found.items()}


@dataclass(frozen=True)
class Run:
    """What a run at one load leaves: quantiles and confidence bands by metric, each (levels,)."""

    load: float
    settled: bool
    value: dict[str, Array]
    low: dict[str, Array]
    high: dict[str, Array]


@lru_cache(maxsize=8)
def _draws(seed: int, count: int) -> Draws:
    return draw(seed, count)


@lru_cache(maxsize=16)
def _lengths(
    seed: int, count: int, prompt: float, prompt_cv: float, output: float, output_cv: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    luck = _draws(seed, count)
    found = []
    for normals, mean, cv in ((luck.prompts, prompt, prompt_cv), (luck.outputs, output, output_cv)):
        lengths = lognormal_lengths(normals, mean, cv)
        # a short run whose lengths happen to be longer than stated would be of another workload
        found.append(lognormal_lengths(normals, mean * mean / float(lengths.mean()), cv))
    return found[0], found[1]


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
            table, settings.prefill_instances, candidate.cap, held, budget, pause, per_token, noise
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
    )


def _speculated(drafted: Speculation, demand: Demand, table: StepTable) -> tuple[Demand, StepTable]:
    """Demand and step table where a step yields several tokens and lasts longer.

    The simulation counts an answer in steps: contexts grow by one a step there, so that the mean context it sees has
    the time of the real one, and memory holds as many sequences as before.
    """
    in_steps = replace(demand, output=demand.output / tokens_per_step(drafted.acceptance, drafted.draft_tokens))
    longer = 1.0 + drafted.step_cost
    return in_steps, replace(
        table,
        decode_seconds=table.decode_seconds * longer,
        per_context=table.per_context * longer,
        context=in_steps.mean_context,
    )


def kv_transfer(
    shape: ModelShape, candidate: Candidate, rows: Rows, *, sharded: bool = False
) -> tuple[float, float]:
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


def summary(replica: SimulatedReplica, load: float, saturation: float, count: int) -> Run:
    """Run one load and keep its quantiles."""
    run = replica.run(load, saturation, count)
    value: dict[str, Array] = {}
    low: dict[str, Array] = {}
    high: dict[str, Array] = {}
    for metric in METRICS:
        if metric == "tpot" and np.count_nonzero(np.isfinite(run.tpot[run.counted])) < 40:
            continue
        band = run.quantiles(metric, LEVELS)
        if np.all(np.isfinite(band.value)) and np.all(band.value > 0.0):
            value[metric], low[metric], high[metric] = band.value, band.low, band.high
    for name, one in replica.further(run).items():
        value[name] = low[name] = high[name] = np.full(len(LEVELS), one)
    return Run(load, count >= LIFETIMES * replica.settles(run, load), value, low, high)


def correction_of(
    replica: SimulatedReplica, runs: Sequence[Run], saturation: float, count: int, method: str, *, first_look: bool
) -> Correction:
    """The ratio of simulated to closed form at the loads whose runs had time to settle, and how sure it is.

    A first look takes each ratio as a measurement beside what is known of ratios (normal, PRIOR_SPREAD): so few
    requests would else have replicas and cost jump with the luck of the draw.
    """
    ordered = sorted(runs, key=lambda run: run.load)
    settled = [run for run in ordered if run.settled] or ordered[:1]
    loads = np.array([run.load for run in settled])
    closed = replica.closed_form(loads)
    ratio: dict[str, dict[float, Array]] = {}
    below: dict[str, dict[float, Array]] = {}
    above: dict[str, dict[float, Array]] = {}
    # beyond the last load believed nothing was seen: the ratio stays, and ever less is known
    seen = loads[-1] >= 1.0
    for metric in replica.metrics:
        known = all(metric in run.value for run in settled)
        for at, q in enumerate(LEVELS):
            parts = [np.zeros(loads.size)] * 3
            if known:
                value, low, high = (
                    np.array([getattr(run, name)[metric][at] for run in settled]) for name in ("value", "low", "high")
                )
                parts = [
                    np.log(value / closed[metric][q]),
                    np.log(value / np.maximum(low, 1e-3 * value)),
                    np.log(np.minimum(high, 1e3 * value) / value),
                ]
                if first_look:
                    deviation = 0.5 * (parts[1] + parts[2]) / 1.96
                    parts[0] = parts[0] * PRIOR_SPREAD**2 / (PRIOR_SPREAD**2 + deviation**2)
            if not seen:
                ends = (parts[0][-1], parts[1][-1] + UNSEEN_SPREAD, parts[2][-1] + UNSEEN_SPREAD)
                parts = [np.append(part, end) for part, end in zip(parts, ends, strict=True)]
            for table, part in zip((ratio, below, above), parts, strict=True):
                table.setdefault(metric, {})[q] = part
    capacity = replica.capacity(saturation, ratio)
    return Correction(
        method, count, replica.layout, capacity, loads if seen else np.append(loads, 1.0), ratio, below, above,
        known=replica.known,
    )  # fmt: skip


@dataclass
class _Progress:
    """One alternative on its way: its replica, and the runs made so far at the present number of requests."""

    replica: SimulatedReplica
    saturation: float = float("nan")
    count: int = 0
    runs: dict[float, Run] = field(default_factory=dict)

    def missing(self, count: int) -> list[float]:
        """Loads still to be run for that many requests."""
        if count != self.count:
            self.saturation, self.count, self.runs = self.replica.saturation(count), count, {}
        if not np.isfinite(self.saturation):
            return []
        return [load for load in self.replica.loads(self.saturation) if load not in self.runs]

    def moved_to(self, replica: SimulatedReplica) -> None:
        """The same alternative with another number of replicas: runs stay where arrivals are alike."""
        if replica.arrivals_alike != self.replica.arrivals_alike:
            self.count, self.runs = 0, {}
        self.replica = replica


class Refinement:
    """A scenario's simulation in stages; what is found so far is in `corrections`."""

    def __init__(self, evaluator: Evaluator, scenario: Scenario, workload: int = 0) -> None:
        """`workload` is the one on the screen: it comes first, its selected alternative before all others."""
        self._evaluator, self._scenario = evaluator, scenario
        self.corrections: Corrections = NONE
        self._order = _in_order(scenario, workload)
        self._progress: dict[tuple[int, int], _Progress] = {}
        self._pool = ThreadPoolExecutor(THREADS)

    def stages(self, *, watched: bool = True) -> Iterator[Outcome | None]:
        """An outcome at the end of every stage, the last one final, and None between pieces of work.

        First the selected alternative with few requests, then all of them with the draws of all open figures, then
        as many requests as the scenario asks for. Where nobody watches, only the last is evaluated further than
        layouts and replicas need.
        """
        try:
            wanted = self._scenario.simulation.requests
            few = min(FIRST_REQUESTS, wanted)
            # layouts and replicas only: bands of latencies nobody is shown would take half of the first look
            outcome = self._evaluator.evaluate(self._scenario, LEAST_SAMPLES, frozenset())
            yield from self._simulate(outcome, self._order[:1], few)
            if watched:
                yield self._evaluate(QUICK_SAMPLES)
            yield from self._simulate(outcome, self._order[1:], few)
            looked_at = None if watched else LEAST_SAMPLES
            outcome = self._evaluate(looked_at)
            if few < wanted and watched:
                yield outcome
            for _ in range(SIZINGS):
                for position in range(len(self._order)):
                    yield from self._simulate(outcome, self._order[position : position + 1], wanted)
                    if position == 0 and watched:
                        yield self._evaluate(None)
                before, outcome = outcome, self._evaluate(looked_at)
                if _replicas(before) == _replicas(outcome):
                    break
            self.corrections = Corrections(self.corrections.of, complete=True)
            yield self._evaluate(None)
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _evaluate(self, samples: int | None) -> Outcome:
        return self._evaluator.evaluate(self._scenario, samples, corrections=self.corrections)

    def _simulate(self, outcome: Outcome, places: Sequence[tuple[int, int]], count: int) -> Iterator[None]:
        """Bring these alternatives, (workload, alternative), to that many requests a load."""
        pending: list[Future[Run]] = []
        owner: dict[Future[Run], _Progress] = {}
        going: list[tuple[tuple[int, int], _Progress]] = []
        for at, number in places:
            workload, found = self._scenario.workloads[at], outcome.workloads[at].alternatives[number]
            if not found.memory.fits or found.replicas < 1:
                continue
            progress = self._prepared(at, number, found)
            going.append(((at, number), progress))
            wanted = self._scenario.simulation.requests
            many = min(progress.replica.arrivals.least(count, progress.replica.replicas), wanted)
            for load in progress.missing(many):
                task = self._pool.submit(summary, progress.replica, load, progress.saturation, many)
                pending.append(task)
                owner[task] = progress
        for task in as_completed(pending):
            run = task.result()
            owner[task].runs[run.load] = run
            yield None
        for (at, number), progress in going:
            workload = self._scenario.workloads[at]
            if progress.runs:
                many = progress.count
                correction = correction_of(
                    progress.replica, list(progress.runs.values()), progress.saturation, many,
                    f"simulation, {many:,} requests{_together(progress.replica)}",
                    first_look=many < self._scenario.simulation.requests,
                )  # fmt: skip
                key = key_of(workload, workload.alternatives[number])
                self.corrections = self.corrections.with_one(key, correction)

    def _prepared(self, at: int, number: int, found: AlternativeOutcome) -> _Progress:
        workload = self._scenario.workloads[at]
        known = self._progress.get((at, number))
        if known is not None and known.replica.replicas == max(found.replicas, 1):
            return known
        replica = replica_to_simulate(
            self._evaluator, self._scenario, workload, workload.alternatives[number], found
        )
        if known is None:
            known = self._progress[at, number] = _Progress(replica)
        else:
            known.moved_to(replica)
        return known


def _together(replica: SimulatedReplica) -> str:
    """What to say of a shortest queue among more replicas than are simulated together."""
    if replica.server.routing == "random" or replica.replicas <= MOST_TOGETHER:
        return ""
    return f", {MOST_TOGETHER} replicas for {replica.replicas}"


def _in_order(scenario: Scenario, first: int) -> list[tuple[int, int]]:
    """(workload, alternative) of all, the one on the screen first."""
    found: list[tuple[int, int, int, int]] = []
    for at, workload in enumerate(scenario.workloads):
        for number, one in enumerate(workload.alternatives):
            found.append((int(at != first), at, int(one.name != workload.selected), number))
    return [(at, number) for _, at, _, number in sorted(found)]


def _replicas(outcome: Outcome) -> list[int]:
    return [one.replicas for workload in outcome.workloads for one in workload.alternatives]


def simulated_outcome(evaluator: Evaluator, scenario: Scenario) -> Outcome:
    """The final outcome by simulation: what the window shows in the end, in one call."""
    last: Outcome | None = None
    for stage in Refinement(evaluator, scenario).stages(watched=False):
        last = stage or last
    assert last is not None, "the last stage is an outcome"
    return last

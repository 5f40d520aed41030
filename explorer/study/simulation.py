"""The serving simulation behind an outcome: each alternative's replica under load, in stages that grow surer.

Brings numba: import it in the worker process and on the command line only. Everything is a function of the scenario
and its seed; the same draws serve every load and every slider position, so that curves neither jump nor wobble.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.engine.records import ModelShape
from explorer.engine.serving import Simulated, saturation_rate, simulate
from explorer.engine.serving_records import NO_NOISE, Noise, Requests, Server, jitter_table
from explorer.engine.serving_table import step_table
from explorer.engine.serving_traffic import Draws, arrivals, draw, lognormal_lengths, thinned_cv
from explorer.engine.stragglers import hit_probability_per_step
from explorer.scenario.schema import Alternative, Scenario, Workload
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
QUICK_SAMPLES = 12
LEAST_SAMPLES = 8
SIZINGS = 4
"""Times that replicas are counted anew on what simulation found, at most."""
THREADS = max(os.cpu_count() or 1, 1)


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

    @property
    def cv(self) -> float:
        """Coefficient of variation of the gaps between its arrivals: a random split of the service's."""
        return thinned_cv(self.demand.arrival_scv**0.5, self.replicas)

    @property
    def arrivals_alike(self) -> tuple[float]:
        """What two replicas must share for the runs of one to hold for the other."""
        return (self.cv,)

    def requests(self, rate: float, count: int) -> Requests:
        """That many requests at a rate of this replica, requests/s; lengths have the stated means exactly."""
        prompt, output = _lengths(
            self.seed, count, self.demand.prompt, self.demand.prompt_cv, self.demand.output, self.demand.output_cv
        )
        return Requests(arrivals(_draws(self.seed, count), rate, self.cv), prompt, output)

    def saturation(self, count: int) -> float:
        """Largest rate of one replica, requests/s; infinite where no request fits its memory."""
        return saturation_rate(self.requests(1.0, count), self.server, seed=self.seed)

    def run(self, load: float, saturation: float, count: int) -> Simulated:
        """The replica at a share of its largest rate."""
        return simulate(
            self.requests(load * saturation, count), self.server,
            seed=self.seed, offered_rate=load * saturation, saturation=saturation,
        )  # fmt: skip

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
    rows = rows_of([candidate], constants, stragglers.jitter_sigma)
    server = server_of(scenario, served.shape, candidate, rows, demand, sharded=sharded)
    grid = grid_of(served, demand, rows, constants, stragglers, sharded)
    closed = replica_table(grid, demand, constants, stall_s=stragglers.stall_s)
    replicas = max(outcome.replicas, 1)
    rate = workload.traffic.request_rate_per_s / replicas
    return SimulatedReplica(candidate.layout, server, closed, demand, replicas, rate, scenario.simulation.seed)


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
    return Server(
        table=table,
        max_batch=candidate.cap,
        kv_tokens=max(int(candidate.held * p99_length(demand)), 1),
        token_budget=budget,
        prefix_hit_share=demand.prefix_hit,
        host_request_s=constants.host_request_s,
        overhead_s=constants.request_overhead_s,
        # each stage of a pipeline is held up for its own share of a prompt; the prompt itself passes all of them
        trail_s_per_token=(layout.pp - 1) * alone / demand.computed_prompt,
        replicas=replicas,
        noise=_noise(layout.tp, 2.0 * shape.layer_count, scenario),
    )


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
    # what is in service turns over once in a batch of requests; a queue forgets in 1/(1-load)^2 services
    settles = run.mean_batch + (1.0 + replica.cv**2) / 2.0 / (1.0 - load) ** 2
    return Run(load, count >= LIFETIMES * settles, value, low, high)


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
    for metric in METRICS:
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
            # beyond the last load believed nothing was seen: the ratio stays, and ever less is known
            ratio.setdefault(metric, {})[q] = np.append(parts[0], parts[0][-1])
            below.setdefault(metric, {})[q] = np.append(parts[1], parts[1][-1] + UNSEEN_SPREAD)
            above.setdefault(metric, {})[q] = np.append(parts[2], parts[2][-1] + UNSEEN_SPREAD)
    capacity = saturation / float(replica.closed.chain.saturation[0])
    return Correction(method, count, replica.layout, capacity, np.append(loads, 1.0), ratio, below, above)


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
        loads = [float(load) for load in LOADS]
        own = self.replica.rate / self.saturation
        if own < 1.0 - 1e-6:
            loads.append(own)
        return [load for load in loads if load not in self.runs]

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
            for load in progress.missing(count):
                task = self._pool.submit(summary, progress.replica, load, progress.saturation, count)
                pending.append(task)
                owner[task] = progress
        for task in as_completed(pending):
            run = task.result()
            owner[task].runs[run.load] = run
            yield None
        for (at, number), progress in going:
            workload = self._scenario.workloads[at]
            if progress.runs:
                correction = correction_of(
                    progress.replica, list(progress.runs.values()), progress.saturation, count,
                    f"simulation, {count:,} requests",
                    first_look=count < self._scenario.simulation.requests,
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

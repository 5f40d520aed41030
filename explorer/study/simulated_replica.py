"""One replica under simulated load: what comes to it, at which loads it is run, and what a run leaves.

Brings numba, as `simulation` does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.trace import Trace
from explorer.engine.serving import Simulated, saturation_rate, simulate
from explorer.engine.serving_records import (
    Requests,
    Server,
)
from explorer.engine.serving_traffic import (
    Draws,
    arrivals,
    draw,
    lognormal_lengths,
    on_off_arrivals,
    recorded_share,
    thinned_cv,
)
from explorer.engine.speculation import steps_of
from explorer.scenario.schema import Speculation, Traffic
from explorer.study.arrivals import trace_of
from explorer.study.outcome import METRICS, Layout
from explorer.study.replica import Demand, ReplicaTable, latencies

Array = NDArray[np.float64]

LEVELS = (0.5, 0.95, 0.99)
LOADS = np.array(
    [0.05, 0.15, 0.25, 0.35, 0.45, 0.53, 0.60, 0.66, 0.72, 0.77, 0.81, 0.85, 0.88, 0.91, 0.93, 0.95, 0.96, 0.97, 0.98]
)
"""Shares of the largest rate at which every alternative is simulated, its operating point besides: 20 loads."""
LIFETIMES = 8.0
"""A run is believed where it is at least this many times as long as its queue takes to settle."""
LONG_ENOUGH = 400.0
"""Times as many requests as a run takes to settle: with fewer, rare long queues are missed and P99 reads low."""
LONGER, MOST_REQUESTS = (2, 5, 10), 200_000
"""A run that is too short is made again with so many times its requests, as far as MOST_REQUESTS; a few numbers only,
so that all loads and alternatives share their draws."""
SHORT = 0.8
"""Share of what is long enough that will do."""
MISSED, MISSED_FALL = 5.0, 0.8
"""By how much (natural log) a run of one lifetime reads P99 of the first token too low, and how fast that falls off."""
MOST_TOGETHER = 8
"""Replicas behind one queue's choice that are simulated together; of more, so many stand for all at the same load."""


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
    draws_kept: bool = field(default=True, kw_only=True)
    """Whether its luck is kept for other loads: that of a run made once only would take the place of theirs."""

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
        normals = self._luck(requests.output.size).outputs[::-1]
        steps = steps_of(requests.output, normals, drafted.acceptance, drafted.draft_tokens)
        return replace(requests, output=steps)

    def told(self, run: Simulated, requests: Requests) -> Simulated:
        """A run with the time per token of the answers themselves; gaps between tokens are those between steps."""
        if self.speculation is None:
            return run
        with np.errstate(divide="ignore", invalid="ignore"):
            tpot = np.where(requests.output > 1, (run.e2e - run.ttft) / (requests.output - 1.0), np.nan)
        return replace(run, tpot=tpot)

    def _luck(self, count: int) -> Draws:
        return _draws(self.seed, count) if self.draws_kept else draw(self.seed, count)

    def requests(self, rate: float, count: int) -> Requests:
        """That many requests at a rate of one replica, requests/s; lengths have the stated means exactly."""
        rate = rate * self.joint
        trace, luck, kind = self.arrivals.trace, self._luck(count), self.arrivals
        if trace is not None:
            return recorded_share(trace.arrival_s, trace.prompt_tokens, trace.output_tokens, luck, rate, self.parts)
        demand = self.demand
        stated = (demand.prompt, demand.prompt_cv, demand.output, demand.output_cv)
        prompt, output = _lengths(self.seed, count, *stated) if self.draws_kept else _lengths_of(luck, *stated)
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

    def long_enough(self, settles: float, count: int) -> int:
        """Requests that a run of `count` should have where it takes `settles` to forget how it began.

        A recording is as long as it is.
        """
        least = SHORT * LONG_ENOUGH * settles
        if self.arrivals.kind == "trace" or count >= min(least, MOST_REQUESTS):
            return count
        enough = (times * count for times in LONGER if times * count >= least)
        return min(next(enough, LONGER[-1] * count), MOST_REQUESTS)

    def missed(self, settles: float, count: int) -> Array:
        """How much farther up (natural log) a first token's band reaches at LEVELS, for the queues that a run missed.

        They come about once in the time that a queue takes to settle, and a run of few such lifetimes has the long
        ones too seldom; one that is long enough misses none. Measured over 4,600 runs of three replicas at 60 to 97 %
        load, with 1,000 to 100,000 requests: without it the long-run P99 lies above the band in 11 to 19 % of runs of 8
        to 80 lifetimes, with it in 2 to 5 %.
        """
        beyond = count / settles * (1.0 - np.asarray(LEVELS)) / 0.01
        return np.asarray(MISSED * beyond**-MISSED_FALL * np.maximum(1.0 - beyond / LONG_ENOUGH, 0.0))

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


@dataclass(frozen=True, eq=False)
class Run:
    """What a run at one load leaves: quantiles and confidence bands by metric, each (levels,)."""

    load: float
    settled: bool
    value: dict[str, Array]
    low: dict[str, Array]
    high: dict[str, Array]
    requests: int = 0
    settles: float = 0.0
    """Requests in which it forgets how it began."""


@lru_cache(maxsize=8)
def _draws(seed: int, count: int) -> Draws:
    return draw(seed, count)


@lru_cache(maxsize=16)
def _lengths(
    seed: int, count: int, prompt: float, prompt_cv: float, output: float, output_cv: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return _lengths_of(_draws(seed, count), prompt, prompt_cv, output, output_cv)


def _lengths_of(
    luck: Draws, prompt: float, prompt_cv: float, output: float, output_cv: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    found = []
    for normals, mean, cv in ((luck.prompts, prompt, prompt_cv), (luck.outputs, output, output_cv)):
        lengths = lognormal_lengths(normals, mean, cv)
        # a short run whose lengths happen to be longer than stated would be of another workload
        found.append(lognormal_lengths(normals, mean * mean / float(lengths.mean()), cv))
    return found[0], found[1]


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
    settles = replica.settles(run, load)
    if "ttft" in high:
        high["ttft"] = high["ttft"] * np.exp(replica.missed(settles, count))
    for name, one in replica.further(run).items():
        value[name] = low[name] = high[name] = np.full(len(LEVELS), one)
    return Run(load, count >= LIFETIMES * settles, value, low, high, count, settles)

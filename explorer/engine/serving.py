"""Iteration-level simulation of a serving deployment under load: continuous batching, step by step.

The schedulers follow Orca (OSDI 2022: batching by iteration), vLLM (SOSP 2023: KV by demand, the newest preempted and
recomputed), Sarathi-Serve (OSDI 2024: chunked prefill within a token budget) and DistServe and Splitwise (2024: pools
of their own for prompts). The compiled loop is in `serving_loop`. Import it in the worker only: it brings numba.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.engine.serving_bands import (
    Band,
    histogram_band,
    histogram_edges,
    quantiles_with_band,
    share_with_band,
)
from explorer.engine.serving_loop import BINS, LEAST_EXPONENT, SUB_BINS
from explorer.engine.serving_pool import backlog_rate, run_pool, watch_pool
from explorer.engine.serving_records import (
    NO_NOISE,
    Noise,
    PrefillPool,
    Requests,
    Server,
    StepTable,
    jitter_table,
)
from explorer.engine.serving_replicas import Pool
from explorer.engine.serving_tally import PoolRun, Stretch

__all__ = [
    "NO_NOISE",
    "Band",
    "Noise",
    "PrefillPool",
    "Requests",
    "Server",
    "Simulated",
    "StepTable",
    "Timeline",
    "jitter_table",
    "quantiles_with_band",
    "saturation_rate",
    "simulate",
    "timeline",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

METRICS = ("ttft", "tpot", "itl", "e2e")
GAP_EDGES = histogram_edges(BINS, SUB_BINS, LEAST_EXPONENT)


def gap_edges(bins: slice) -> Array:
    """Edges of a stretch of the bins of GAP_EDGES, seconds, one more than bins."""
    return GAP_EDGES[bins.start : bins.stop + 1]


@dataclass(frozen=True, slots=True)
class Simulated:
    """What one run brought; per-request arrays in order of arrival, seconds, NaN where there is nothing.

    `counted` marks the requests that quantiles are taken over. Shares and means are over the time from the end of the
    warm-up to the last arrival, token gaps likewise.
    """

    ttft: Array
    tpot: Array
    """Mean gap after the first token, NaN for outputs of one token."""
    e2e: Array
    queue: Array
    """From arrival (the host's overhead included) to the step that first works on the request."""
    stall_to_first: Array
    """Rare stalls between that step and the first token."""
    stall_total: Array
    """Rare stalls between that step and the last token."""
    counted: Mask
    gap_sections: Array
    """Histograms of token gaps by successive stretches of the run, (sections, bins)."""
    gap_bins: slice
    """Which bins of GAP_EDGES those are; beyond them there is nothing."""
    tokens: int
    """Output tokens of the whole run."""
    gaps: int
    """Gaps between tokens of the whole run."""
    rejected: int
    """Requests that could never fit into KV memory."""
    preemptions: int
    utilisation: float
    """Offered rate over the largest rate that can be carried; in closed loop the rate reached over it."""
    busy_share: float
    """Share of time in which a step runs: near 1 long before saturation."""
    mean_batch: float
    """Mean number of sequences in a step, over time in steps."""
    batch_time: Array
    """Seconds at each number of sequences, all replicas, (cap+1,)."""
    kv_mean: float
    """Mean KV tokens held while a step runs."""
    kv_peak: int
    """Most KV tokens held by one replica."""
    time_shares: dict[str, float]
    """Share of time for `prompts`, `decode`, `stalls`, `idle`; they add up to 1 (of the decoding replicas' time)."""
    throughput: float
    """Requests done a second."""
    open_loop: bool
    users: int = 0
    """Users of a replica in a closed loop, 0 in an open one."""

    @property
    def saturated(self) -> bool:
        """True where requests come at least as fast as they can be served: there is no long-run latency then."""
        return self.open_loop and self.utilisation >= 1.0

    def quantiles(self, metric: str, q: ArrayLike) -> Band:
        """Quantiles of `ttft`, `tpot`, `itl` or `e2e` with their bands; infinite at saturation.

        Raises KeyError for another metric, ValueError where the run was too short for a band.
        """
        levels = np.asarray(q, dtype=np.float64)
        if metric not in METRICS:
            raise KeyError(f"'{metric}' is not one of {', '.join(METRICS)}")
        if self.saturated:
            endless = np.full(levels.shape, np.inf)
            return Band(endless, endless, endless)
        if metric == "itl":
            return histogram_band(self.gap_sections, gap_edges(self.gap_bins), levels)
        values: Array = getattr(self, metric)
        return quantiles_with_band(values[self.counted], levels)

    def share_within(self, limits: Mapping[str, float]) -> Band:
        """Share of requests that keep every limit, seconds, on their own `ttft`, `tpot` and `e2e`, with its band.

        This share of the rate is the goodput (Zhong et al. 2024, DistServe). Requests that could never be served keep
        none; one of a single token has no time per token to break. Raises KeyError for another metric, ValueError where
        the run was too short for a band.
        """
        unknown = [metric for metric in limits if metric not in ("ttft", "tpot", "e2e")]
        if unknown:
            raise KeyError(f"'{unknown[0]}' is not a latency of a request")
        met = np.full(int(self.counted.sum()), not self.saturated)
        for metric, limit in limits.items():
            values: Array = getattr(self, metric)[self.counted]
            met &= (values <= limit) | np.isnan(values)
        served, found = 1.0 - self.rejected / self.ttft.size, share_with_band(met)
        return Band(served * found.value, served * found.low, served * found.high)

    def parts(self, metric: str, q: float, share: float = 0.01) -> dict[str, float]:
        """Mean seconds of queue, prefill, decode and stalls in the requests around quantile q of `ttft` or `e2e`.

        Around: those ranked within `share`/2 of q, five at least. The parts add up to the mean of those requests.
        """
        values: Array = {"ttft": self.ttft, "e2e": self.e2e}[metric]
        order = np.flatnonzero(self.counted & np.isfinite(values))
        order = order[np.argsort(values[order], kind="stable")]
        near = max(int(share * order.size), 5)
        start = int(np.clip(round(q * order.size - near / 2), 0, max(order.size - near, 0)))
        some = order[start : start + near]
        queue = float(np.mean(self.queue[some]))
        before = float(np.mean(self.stall_to_first[some]))
        after = 0.0 if metric == "ttft" else float(np.mean((self.stall_total - self.stall_to_first)[some]))
        first = float(np.mean(self.ttft[some]))
        decode = 0.0 if metric == "ttft" else float(np.mean((self.e2e - self.ttft)[some])) - after
        return {"queue": queue, "prefill": first - queue - before, "decode": decode, "stalls": before + after}

    def batch_quantile(self, q: float) -> int:
        """Quantile over time of the number of sequences in a step."""
        passed = np.cumsum(self.batch_time)
        return int(np.searchsorted(passed, q * passed[-1]))


@dataclass(frozen=True, slots=True)
class Timeline:
    """One replica over simulated time, (moments,) each."""

    seconds: Array
    running: Array
    """Sequences in service, prompts included."""
    waiting: Array
    kv_tokens: Array


def _pools(server: Server, seed: int) -> list[Pool]:
    decode = Pool(
        scheduler=server.scheduler,
        table=server.table,
        max_batch=server.max_batch,
        kv_tokens=server.kv_tokens,
        token_budget=server.token_budget,
        whole_admission=server.admission == "whole" or server.scheduler == "static",
        host_request_s=server.host_request_s,
        overhead_s=0.0 if server.prefill else server.overhead_s,
        replicas=server.replicas,
        shortest_queue=server.routing == "shortest_queue",
        noise=server.noise,
        seed=seed,
        lanes=server.lanes,
    )
    if server.prefill is None:
        return [decode]
    prompts = server.prefill
    first = Pool(
        scheduler="prefill_pool",
        table=prompts.table,
        max_batch=prompts.max_batch,
        kv_tokens=prompts.kv_tokens,
        token_budget=prompts.token_budget,
        whole_admission=False,
        host_request_s=server.host_request_s,
        overhead_s=server.overhead_s,
        replicas=prompts.replicas,
        shortest_queue=server.routing == "shortest_queue",
        noise=prompts.noise,
        seed=seed + 1,
        lanes=prompts.lanes,
    )
    return [first, decode]


def _computed(server: Server, prompt: NDArray[np.int64]) -> NDArray[np.int64]:
    """Prompt tokens that the prefix cache does not hold, at least one."""
    computed = np.ceil(prompt * (1.0 - server.prefix_hit_share) - 1e-9)
    return np.asarray(np.maximum(computed, 1.0), dtype=np.int64)


def _fitting(server: Server, requests: Requests) -> Mask:
    fits = requests.prompt + requests.output <= server.kv_tokens
    if server.prefill is not None:
        fits &= requests.prompt < server.prefill.kv_tokens
    return np.asarray(fits)


def saturation_rate(requests: Requests, server: Server, *, seed: int = 1) -> float:
    """Largest rate the server can carry with these lengths, requests/s: how fast it works off an endless backlog.

    Does not depend on the arrivals, so that one value serves a whole curve. Infinite where nothing ever fits.
    """
    fits = _fitting(server, requests)
    prompt, output = requests.prompt[fits], requests.output[fits]
    if prompt.size == 0:
        return np.inf
    rates = []
    for pool in _pools(server, seed):
        decodes = output > 1 if pool.scheduler == "disaggregated" else np.ones(output.size, dtype=np.bool_)
        if decodes.any():
            rate = backlog_rate(pool, prompt[decodes], output[decodes], _computed(server, prompt[decodes]))
            rates.append(rate * output.size / int(decodes.sum()))
    # requests that are turned away add to the rate that is carried
    return min(rates) * requests.prompt.size / prompt.size


def simulate(
    requests: Requests,
    server: Server,
    *,
    seed: int = 1,
    users: int | None = None,
    offered_rate: float | None = None,
    saturation: float | None = None,
    warm_up: float = 0.1,
    whole_run: bool = False,
    sections: int = 10,
) -> Simulated:
    """Serve the requests; the same arguments give the same result, bit for bit, on one machine.

    `users`: closed loop, each replica has that many users who ask again when served; arrivals are then disregarded.
    `offered_rate`: long-run rate behind the arrivals, requests/s; the arrivals' own where left out. `saturation`: a
    value of `saturation_rate` kept from before. The first `warm_up` share of requests is left out of quantiles, and the
    time after the last arrival out of token gaps and means, unless `whole_run` asks for everything. Raises ValueError
    for closed loop with routing by queue length or with pools, whose feedback is not modelled.
    """
    if users is not None and (users < 1 or server.prefill is not None or server.routing != "random"):
        raise ValueError("closed loop needs one user at least, one kind of pool, and random routing")
    n = requests.arrival.size
    fits = _fitting(server, requests)
    at = np.flatnonzero(fits)
    prompt, output = requests.prompt[at], requests.output[at]
    stretch = Stretch(warm_up=0.0 if whole_run else warm_up, drain=whole_run, sections=sections)
    pools = _pools(server, seed)
    arrival = np.zeros(at.size) if users is not None else requests.arrival[at]
    run = run_pool(pools[0], arrival, prompt, output, _computed(server, prompt), stretch, users=users)
    if server.prefill is not None:
        run = _hand_over(server.prefill, pools[1], run, prompt, output, _computed(server, prompt), stretch)

    def placed(values: Array) -> Array:
        found = np.full(n, np.nan)
        found[at] = values
        return found

    trail = server.trail_s_per_token * _computed(server, prompt)
    e2e = run.finish - run.arrival + trail
    ttft = run.first - run.arrival + trail
    with np.errstate(divide="ignore", invalid="ignore"):
        tpot = np.where(output > 1, (e2e - ttft) / (output - 1.0), np.nan)
    counted = np.zeros(n, dtype=np.bool_)
    counted[stretch.first(n) : n if whole_run else stretch.last(n, server, users)] = True
    if saturation is None:
        saturation = saturation_rate(requests, server, seed=seed)
    carried = at.size / float(np.max(run.finish) - np.min(run.arrival)) if at.size else 0.0
    if users is not None:
        rate = carried
    else:
        span = float(requests.arrival[-1] - requests.arrival[0])
        measured = (n - 1) / span if span > 0.0 else 0.0
        rate = measured if offered_rate is None else offered_rate
    return Simulated(
        ttft=placed(ttft),
        tpot=placed(tpot),
        e2e=placed(e2e),
        queue=placed(run.admitted - run.arrival),
        stall_to_first=placed(run.stall_to_first),
        stall_total=placed(run.stall_to_end),
        counted=counted & fits,
        gap_sections=run.gap_sections,
        gap_bins=run.gap_bins,
        tokens=run.tokens,
        gaps=run.gaps,
        rejected=n - at.size,
        preemptions=run.preemptions,
        utilisation=rate / saturation,
        busy_share=run.busy_share,
        mean_batch=run.mean_batch,
        batch_time=run.batch_time,
        kv_mean=run.kv_mean,
        kv_peak=run.kv_peak,
        time_shares=run.time_shares,
        throughput=carried,
        open_loop=users is None,
        users=users or 0,
    )


def _hand_over(
    prefill: PrefillPool,
    decode: Pool,
    run: PoolRun,
    prompt: NDArray[np.int64],
    output: NDArray[np.int64],
    computed: NDArray[np.int64],
    stretch: Stretch,
) -> PoolRun:
    """Send the KV of finished prompts to the decoding replicas, and join what both pools say of a request."""
    ready = run.finish + prefill.transfer_s + prefill.transfer_s_per_token * prompt
    going = np.flatnonzero(output > 1)
    going = going[np.argsort(ready[going], kind="stable")]
    second = run_pool(
        decode,
        ready[going],
        prompt[going],
        output[going],
        computed[going],
        stretch,
        first=run.first[going],
    )
    finish, stalls = run.finish.copy(), run.stall_to_end.copy()
    finish[going] = second.finish
    stalls[going] += second.stall_to_end
    return second.with_first_pool(run, finish, stalls)


def timeline(requests: Requests, server: Server, *, seed: int = 1, points: int = 300) -> Timeline:
    """What one replica holds at `points` moments from the first arrival to the last.

    One of several replicas is shown with every R-th request, whatever the routing. Raises ValueError for pools.
    """
    if server.prefill is not None:
        raise ValueError("a timeline shows one kind of replica; ask for each pool by itself")
    fits = _fitting(server, requests)
    prompt = requests.prompt[fits]
    moments = np.linspace(requests.arrival[0], requests.arrival[-1], points)
    running, waiting, held = watch_pool(
        _pools(server, seed)[0],
        requests.arrival[fits],
        prompt,
        requests.output[fits],
        _computed(server, prompt),
        moments,
    )
    return Timeline(moments, running, waiting, held)

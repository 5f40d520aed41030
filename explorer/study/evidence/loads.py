"""Latency and throughput under the loads that benchmarks use: closed loop, static batch, full house, a rate.

Every time comes from the engine's step; what is added is host time and the way requests arrive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.engine.records import Array
from explorer.study.evidence.constants import ServingConstants
from explorer.study.evidence.systems import Systems


@dataclass(frozen=True, eq=False)
class Load:
    """What each system of a stack was given, (rows, 1): lengths in tokens, sequences, host seconds a step."""

    prompt: Array
    output: Array
    concurrency: Array
    host: Array

    @property
    def steps(self) -> Array:
        """Decode steps of a request after its first token."""
        return np.maximum(self.output - 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class ClosedLoop:
    """A closed loop's means, (rows, 1); b = rate*(ttft + (output-1)*tpot) holds exactly.

    The parts that the constants multiply are kept, so that they can be estimated again: tpot = device + host +
    meetings*host_request, ttft = alone + wait + fixed + burst*(queue + ahead*host_request).
    """

    tpot: Array
    ttft: Array
    rate: Array
    device: Array
    """Decode step and met prompts without any host time."""
    meetings: Array
    """Prompts of others met for each token."""
    alone: Array
    """Own prompt, host included, and half a step."""
    ahead: Array
    """Half of the other users' prompts: what stands before a request in a synchronous start, on average."""
    queue: Array
    """Device time that those prompts take."""
    wait: Array
    """Time for room in the KV memory."""


def closed_loop(
    systems: Systems,
    load: Load,
    serving: ServingConstants,
    *,
    fixed: Array,
    burst: Array,
    own_prompts: bool = True,
) -> ClosedLoop:
    """Users that each send the next request when the last is answered.

    Work is conserved: every other request's prompt is met once in a lifetime, so it adds (b-1)/(output-1) of the
    time that a prompt adds to a step. `own_prompts` is False where another machine computes the prompts.
    NaN where the weights leave no room for a single sequence.
    """
    middle = load.prompt + load.output / 2.0
    held = systems.sequences_held(middle, serving)
    running = np.minimum(load.concurrency, np.where(held >= 1.0, held, np.nan))
    chunks = np.ceil(load.prompt / serving.closed_chunk)
    alone = systems.step(0.0 * running, middle, load.prompt, load.prompt) + load.host * chunks
    decoding = running
    meetings = (running - 1.0) / load.steps if own_prompts else np.zeros_like(running)
    for _ in range(4):
        decode = systems.step(decoding, middle)
        mixed = systems.step(np.maximum(decoding - 1.0, 0.0), middle, load.prompt, load.prompt)
        extra = np.maximum(mixed - decode, 0.0)
        device = decode + meetings * extra
        tpot = device + load.host + meetings * serving.host_request
        waits = alone + (decode + load.host) / 2.0
        ahead = (running - 1.0) / 2.0
        queue = ahead * extra
        first = waits + fixed + burst * (queue + ahead * serving.host_request)
        decoding = np.maximum(running * load.steps * tpot / (load.steps * tpot + first), 1.0)
    wait = np.maximum(load.concurrency - running, 0.0) * (first + load.steps * tpot) / running
    ttft = first + wait
    return ClosedLoop(
        tpot=tpot,
        ttft=ttft,
        rate=load.concurrency / (ttft + load.steps * tpot),
        device=device,
        meetings=meetings,
        alone=waits,
        ahead=ahead,
        queue=queue,
        wait=wait,
    )


@dataclass(frozen=True, eq=False)
class StaticBatch:
    """A batch that starts and ends together: seconds a token, seconds to the first, output tokens/s, (rows, 1)."""

    tpot: Array
    ttft: Array
    throughput: Array


def static_batch(systems: Systems, load: Load, *, whole_context: Array) -> StaticBatch:
    """Prefill of the whole batch, then output-1 steps; `whole_context` marks systems that read all of the KV bucket."""
    batch = load.concurrency
    middle = load.prompt + np.where(whole_context, load.output, load.output / 2.0)
    first = systems.step(0.0 * batch, middle, load.prompt * batch, load.prompt) + load.host
    decode = systems.step(batch, middle) + load.host
    total = first + np.maximum(load.output - 1.0, 0.0) * decode
    return StaticBatch(decode, first, batch * load.output / total)


def in_flight_maximum(systems: Systems, load: Load, serving: ServingConstants) -> Array:
    """Output tokens/s when all requests queue at once: the best of several batches, prompts packed into full steps."""
    middle = load.prompt + load.output / 2.0
    largest = serving.largest_batch * np.asarray(systems.split.dp)
    held = np.clip(systems.sequences_held(middle, serving), 1.0, largest)
    batch = np.maximum(held * np.asarray([0.25, 0.5, 1.0]), 1.0)
    decode = systems.step(batch, middle) + load.host
    packed = np.maximum(serving.maximum_tokens / load.prompt, 1.0)
    full = systems.step(batch, middle, load.prompt * packed, load.prompt) + load.host
    extra = np.maximum(full - decode, 0.0) / packed
    return np.asarray(np.max(batch * load.output / (load.steps * decode + batch * extra), axis=1, keepdims=True))


@dataclass(frozen=True, eq=False, slots=True)
class RateTable:
    """A replica over a ladder of batch sizes, (rows, points): the rate that keeps them busy, and latencies at it."""

    rate: Array
    crowding: Array
    """Batch that one arrival in a hundred meets, over the cap: above 1 requests wait for a place."""
    tpot_p50: Array
    tpot_p99: Array
    ttft_p50: Array
    ttft_p99: Array

    def at(self, rate: Array) -> RateTable:
        """One replica's row interpolated at rates (points,), held within the ladder."""
        if self.rate.shape[0] != 1:
            raise ValueError("interpolate one replica's table at a time")
        place = np.interp(rate, self.rate[0], np.arange(self.rate.shape[1], dtype=np.float64))
        points = np.arange(self.rate.shape[1], dtype=np.float64)
        return RateTable(*(np.interp(place, points, getattr(self, name)[0]) for name in RateTable.__slots__))


def prompt_alone(systems: Systems, load: Load, serving: ServingConstants) -> Array:
    """Seconds of one prompt on an idle replica: pipeline stages work on its chunks one behind the other."""
    stages = np.asarray(systems.split.pp, dtype=np.float64)
    chunks = np.where(stages > 1, np.ceil(load.prompt / serving.packed_tokens), 1.0)
    part = load.prompt / chunks
    # a step shares its prompt tokens out over the stages; here one stage holds the whole chunk
    through = systems.step(0.0 * part, 0.0 * part, part * stages, load.prompt) + load.host
    return np.asarray(through * (1.0 + (chunks - 1.0) / stages))


LADDER = np.geomspace(1e-3, 1.0, 28)
P99 = 2.33
"""Standard deviations of a normal that one in a hundred exceeds."""


def offered_rates(
    systems: Systems,
    load: Load,
    serving: ServingConstants,
    *,
    output_scv: Array,
    wait_steps: Array,
) -> RateTable:
    """Poisson arrivals: rate(n) = n/(output*step + n*prompt time), TPOT(n) = n/(rate*output).

    Prompts are taken up as they come, so that a step that carries any carries those of one step: with x = n/output
    of them a step, x/(1 - e^-x) on average (Poisson, given one), at most what a full step packs.
    The context is length-biased, prompt + output*(1+CV^2)/2. P99 TPOT: n fluctuates by sqrt(n), so the time per
    token by its elasticity e. The batch itself is a birth-and-death chain, births at the rate, deaths
    n/(output*TPOT(n)): linearised about its mean its variance is n/(1 - e). First token: `wait_steps` decode steps,
    a long prompt's own time, M/D/1 waiting.
    """
    context = load.prompt + load.output * (1.0 + output_scv) / 2.0
    held = systems.sequences_held(context, serving)
    cap = np.clip(held, 2.0, serving.largest_batch * np.asarray(systems.split.dp))
    batch = np.maximum(cap * LADDER, 1.0)
    decode = systems.step(batch, context) + load.host
    lanes = np.asarray(systems.split.dp) * np.asarray(systems.split.pp)
    arrived = batch / load.output
    full = np.maximum(serving.packed_tokens / load.prompt, 1.0) * lanes
    packed = np.clip(arrived / -np.expm1(-arrived), 1.0, full)
    mixed = systems.step(batch, context, load.prompt * packed, load.prompt) + load.host
    prompt_time = np.maximum(mixed - decode, 1e-6) / packed + serving.host_request_offered
    rate = batch / (load.steps * decode + batch * prompt_time)
    tpot = batch / (rate * load.output)
    busy = rate * prompt_time
    logs = np.log(tpot), np.log(batch)
    elasticity = np.gradient(logs[0], axis=1) / np.maximum(np.gradient(logs[1], axis=1), 1e-9)
    spread = np.clip(elasticity, 0.05, 1.0) / np.sqrt(batch) / np.sqrt(np.clip(1.0 - busy, 0.1, 1.0))
    met = batch + P99 * np.sqrt(batch / np.clip(1.0 - elasticity, 0.02, 1.0))
    alone = prompt_alone(systems, load, serving)
    long = load.prompt > serving.long_prompt
    queue = prompt_time * busy / (2.0 * np.clip(1.0 - busy, 0.05, 1.0))
    first = wait_steps * tpot + np.where(long, alone, 0.0) + queue + serving.admission
    fits = held >= 2.0
    ratio = np.where(long, serving.p99_over_p50_long, serving.p99_over_p50)
    return RateTable(
        rate=np.where(fits, rate, 0.0),
        crowding=met / cap,
        tpot_p50=tpot,
        tpot_p99=tpot * np.exp(P99 * spread),
        ttft_p50=first,
        ttft_p99=first * ratio,
    )

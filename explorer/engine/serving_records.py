"""What the serving simulation is given: step times as small tables, the server's settings, and the requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.engine.stragglers import (
    max_of_n_quantile,
    mean_of_max_lognormal,
    normal_quantile,
    sd_of_max_lognormal,
)

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Scheduler = Literal["chunked", "prefill_first", "static", "disaggregated"]

WATERMARK_SHARE = 0.01
"""KV memory left free when a request is let in beside others, as vLLM's block manager does by default."""


def _array(values: ArrayLike) -> Array:
    return np.ascontiguousarray(values, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class StepTable:
    """Seconds of a step of one replica, host time of the step included, straight between the nodes.

    A step of n decoding sequences that hold C context tokens between them, and of P prompt tokens that attend to A
    tokens between them, lasts

        decode_seconds(n) + per_context(n)*(C - n*context) + prompt_seconds(n, P) + per_attended*(A - P*prompt_context)

    with the last two terms only where P > 0. Where prompts lie on several lanes that wait for each other, P is what the
    slowest holds, A its part of all pairs, and prompt_seconds goes from there to `spread_seconds` as the tokens of all
    lanes go from P to P in every lane. Raises ValueError where nodes do not ascend from 0 (batch) and 1
    (prompt tokens), or where some context could make a step last less than nothing.
    """

    batch: Array
    """Batch sizes, ascending from 0 (a step of prompt tokens only), (nodes,)."""
    decode_seconds: Array
    """A step of that batch at the mean context, (nodes,); at 0 what a step without decoding has as a fixed cost."""
    context: float
    """Mean context of a sequence at which `decode_seconds` holds, tokens."""
    per_context: Array
    """Seconds that one token more of context, of one sequence, adds to a step, (nodes,)."""
    prompt_tokens: Array
    """Prompt tokens of a step, ascending from 1, (chunks,), at least two; beyond the last the line goes on."""
    prompt_seconds: Array
    """What they add to a step of that batch, (nodes, chunks): the chunk's fixed cost included."""
    prompt_context: float = 0.0
    """Mean number of tokens a prompt token attends to at which `prompt_seconds` holds."""
    per_attended: float = 0.0
    """Seconds for each attended token more, of one prompt token."""
    spread_seconds: Array | None = None
    """`prompt_seconds` where every lane has so many tokens, (nodes, chunks); None where there is one lane."""

    def __post_init__(self) -> None:
        for name in ("batch", "decode_seconds", "per_context", "prompt_tokens", "prompt_seconds"):
            values = _array(getattr(self, name))
            object.__setattr__(self, name, values)
            if not np.all(np.isfinite(values)) or np.any(values < 0.0):
                raise ValueError(f"{name} must be finite and not negative")
        nodes, chunks = self.batch, self.prompt_tokens
        if nodes.size < 2 or nodes[0] != 0.0 or np.any(np.diff(nodes) <= 0.0):
            raise ValueError("batch must ascend from 0")
        if chunks.size < 2 or chunks[0] != 1.0 or np.any(np.diff(chunks) <= 0.0):
            raise ValueError("prompt_tokens must ascend from 1, with two nodes at least")
        if self.decode_seconds.shape != nodes.shape or self.per_context.shape != nodes.shape:
            raise ValueError("decode_seconds and per_context need one value a batch node")
        if self.prompt_seconds.shape != (nodes.size, chunks.size):
            raise ValueError("prompt_seconds needs one row a batch node and one column a prompt node")
        slack = 1.0 + 1e-9
        if np.any(self.per_context * nodes * self.context > self.decode_seconds * slack):
            raise ValueError("per_context is too steep: a step without context would last less than nothing")
        if np.any(self.per_attended * chunks * self.prompt_context > self.prompt_seconds * slack):
            raise ValueError("per_attended is too steep: a chunk without context would last less than nothing")
        if self.spread_seconds is not None:
            values = _array(self.spread_seconds)
            object.__setattr__(self, "spread_seconds", values)
            if values.shape != self.prompt_seconds.shape or np.any(values < self.prompt_seconds):
                raise ValueError("spread_seconds needs values of the shape of prompt_seconds, none of them less")
        if np.any(self.decode_seconds[1:] <= 0.0) or np.any(self.prompt_seconds + self.decode_seconds[:1] <= 0.0):
            raise ValueError("a step with work in it must take time")

    def by_batch(self, cap: int) -> tuple[Array, Array, Array]:
        """Seconds at no context and seconds a context token, (cap+1,); chunk lines, (cap+1, chunks-1, 2).

        A line is intercept and slope in prompt tokens. Raises ValueError where the cap lies beyond the last node.
        """
        if cap > self.batch[-1]:
            raise ValueError(f"the step table ends at a batch of {self.batch[-1]:g}, the cap is {cap}")
        n = np.arange(cap + 1, dtype=np.float64)
        per_context = np.interp(n, self.batch, self.per_context)
        # at the mean context exactly as tabulated; the product of two straight lines would not be
        at_mean = np.interp(n, self.batch, self.decode_seconds)
        base = np.maximum(at_mean - per_context * n * self.context, 0.0)
        return base, per_context, self._lines(n, self.prompt_seconds)

    def spread_lines(self, cap: int) -> Array:
        """The chunk lines where every lane has a chunk, (cap+1, chunks-1, 2); those of one where there is but one."""
        seconds = self.prompt_seconds if self.spread_seconds is None else self.spread_seconds
        return self._lines(np.arange(cap + 1, dtype=np.float64), seconds)

    def _lines(self, batch: Array, seconds: Array) -> Array:
        chunks = np.stack([np.interp(batch, self.batch, column) for column in seconds.T], axis=1)
        slope = np.diff(chunks, axis=1) / np.diff(self.prompt_tokens)
        intercept = chunks[:, :-1] - slope * self.prompt_tokens[:-1]
        return np.ascontiguousarray(np.stack([intercept, slope], axis=2))


@dataclass(frozen=True, slots=True)
class Noise:
    """What makes equal steps unequal: a factor on every step, and rare stalls."""

    jitter: Array
    """Quantiles of the factor at equally likely places, a power of two of them; all 1.0 for none."""
    stall_probability: float = 0.0
    """Chance that a stall hits a step: `stragglers.hit_probability_per_step` of ranks and barriers."""
    stall_s: float = 0.0

    def __post_init__(self) -> None:
        values = _array(self.jitter)
        object.__setattr__(self, "jitter", values)
        if values.ndim != 1 or values.size < 1 or values.size > 2048 or values.size & (values.size - 1):
            raise ValueError("jitter needs a power of two of values, at most 2,048")
        if np.any(values <= 0.0) or not np.all(np.isfinite(values)):
            raise ValueError("jitter factors must be positive")
        if not 0.0 <= self.stall_probability <= 1.0 or self.stall_s < 0.0:
            raise ValueError("a stall needs a probability and a duration that is not negative")


NO_NOISE = Noise(np.ones(1))


def jitter_table(sigma: float, ranks: float, barriers: float, size: int = 1024) -> Array:
    """Factor on a step of `barriers` meetings of `ranks` chips, each late by a lognormal of mean 1 and spread sigma.

    Quantiles at (i+1/2)/size. Exact for one meeting; for more the mean of independent maxima is taken as normal with
    their exact moments, so its mean stays above 1 while its spread shrinks with the root of the number (theory of
    synchronisation noise, Petrini and others 2003; moments in `stragglers`).
    """
    if sigma == 0.0:
        return np.ones(1)
    places = (np.arange(size) + 0.5) / size
    if barriers <= 1.0:
        return np.asarray(max_of_n_quantile(places, ranks, -0.5 * sigma**2, sigma))
    mean = float(mean_of_max_lognormal(ranks, sigma))
    spread = float(sd_of_max_lognormal(ranks, sigma)) / np.sqrt(barriers)
    return np.asarray(np.maximum(mean + spread * normal_quantile(places), 0.05))


@dataclass(frozen=True, slots=True)
class PrefillPool:
    """The replicas that compute prompts only, and the way of their KV to the decoding ones."""

    table: StepTable
    replicas: int
    max_batch: int
    kv_tokens: int
    token_budget: int
    transfer_s: float = 0.0
    transfer_s_per_token: float = 0.0
    noise: Noise = NO_NOISE
    lanes: int = 1
    """As of a `Server`."""


@dataclass(frozen=True, slots=True)
class Server:
    """One deployment: its step times, its scheduler and its replicas.

    `chunked`: decodes first, then the prompt begun, then new ones, within `token_budget` tokens a step; the cap is
    then at most the budget. `prefill_first`: whole prompts before any decode, up to the budget, which a single longer
    one may pass. `static`: a batch is filled when the last one is done; a sequence that is done keeps its place, and
    the step its length, until all are. `disaggregated`: prompts in `prefill`, decoding here.
    KV is held for every token of a sequence, cached prefix included.
    """

    table: StepTable
    max_batch: int
    kv_tokens: int
    token_budget: int = 2048
    scheduler: Scheduler = "chunked"
    admission: Literal["on_demand", "whole"] = "on_demand"
    """KV for the tokens there are, the newest preempted (and recomputed) when they outgrow it; or for all to come."""
    prefix_hit_share: float = 0.0
    host_request_s: float = 0.0
    """Host time of a request that holds up the step its prompt ends in."""
    overhead_s: float = 0.0
    """Time before a request reaches the scheduler; holds up nobody else."""
    trail_s_per_token: float = 0.0
    """What a computed prompt token delays its own request by beyond the steps it is in: other stages of a pipeline."""
    replicas: int = 1
    routing: Literal["random", "shortest_queue"] = "random"
    noise: Noise = NO_NOISE
    prefill: PrefillPool | None = None
    lanes: int = 1
    """Attention-data ranks of a replica: a prompt that is cut in chunks belongs to one and takes no more of the budget
    than its part; so many prompts are begun at once."""

    def __post_init__(self) -> None:
        if (self.prefill is not None) != (self.scheduler == "disaggregated"):
            raise ValueError("a prefill pool goes with the disaggregated scheduler, and only with it")
        if min(self.max_batch, self.kv_tokens, self.token_budget, self.replicas, self.lanes) < 1:
            raise ValueError("max_batch, kv_tokens, token_budget, replicas and lanes must be at least 1")
        if not 0.0 <= self.prefix_hit_share < 1.0:
            raise ValueError("prefix_hit_share must be from 0 to below 1")
        if min(self.host_request_s, self.overhead_s, self.trail_s_per_token) < 0.0:
            raise ValueError("host times must not be negative")


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests in order of arrival: seconds, prompt tokens and output tokens, each (requests,)."""

    arrival: Array
    prompt: Whole
    output: Whole

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrival", _array(self.arrival))
        for name in ("prompt", "output"):
            values = np.ascontiguousarray(getattr(self, name), dtype=np.int64)
            object.__setattr__(self, name, values)
            if values.shape != self.arrival.shape or np.any(values < 1):
                raise ValueError(f"{name} needs one whole number of at least 1 a request")
        if self.arrival.ndim != 1 or self.arrival.size == 0:
            raise ValueError("at least one request is needed")
        if not np.all(np.isfinite(self.arrival)) or np.any(np.diff(self.arrival) < 0.0):
            raise ValueError("arrivals must be finite and in order")

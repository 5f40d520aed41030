"""What a request brings to a replica: its lengths in tokens, how they spread, and how requests arrive."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.engine.latency import lognormal_quantile

Array = NDArray[np.float64]


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
    """P99 prompt + P99 output, tokens."""
    if demand.recorded_p99 is not None:
        return max(sum(demand.recorded_p99), demand.prompt + demand.output)
    prompt = lognormal_quantile(demand.prompt, demand.prompt_cv, 0.99)
    output = lognormal_quantile(demand.output, demand.output_cv, 0.99)
    return max(float(prompt), demand.prompt) + max(float(output), demand.output)


def shared_scv(demand: Demand, replicas: Array | float) -> Array:
    """Squared coefficient of variation of the gaps that each of R replicas sees: SCV' = 1 + (SCV-1)/R."""
    return np.asarray(1.0 + (demand.arrival_scv - 1.0) / np.asarray(replicas, dtype=np.float64))


@lru_cache(maxsize=64)
def lengths_of(mean: float, cv: float) -> Array:
    """Lengths at the middles of 32 equal slices of a lognormal."""
    return np.asarray([float(lognormal_quantile(mean, cv, (i + 0.5) / 32)) for i in range(32)])


def held_length(demand: Demand) -> float:
    """Tokens that a held sequence is budgeted at: P99 prompt + P99 output.

    Where answers differ wildly (a coefficient of variation above 5) the mean sequence in service is longer than that,
    since long ones stay longer, and the memory has to hold those that are there.
    """
    return max(p99_length(demand), demand.mean_context)

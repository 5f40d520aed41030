"""How prompts are worked off among the decodes: the time they take, alone and in a queue, and the steps they fill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from explorer.engine.queueing import LoadState
from explorer.engine.records import Array

FULL_SHARPNESS = 12
"""How sharply the share of time with prompts bends from the prompt work towards all of the time."""
MOST_BUSY = 0.98


@dataclass(frozen=True, slots=True)
class PromptService:
    """How prompts are worked off, each (rows, 1): the shape of the first token.

    `own` is the time of a mean prompt's own steps among the decodes at light load, `marginal` the extra step time it
    causes, `scv` the squared coefficient of variation of prompt lengths, `overhead` what is not the chip's.
    """

    own_at: Array
    """Time of a mean prompt's steps while n sequences decode, its host time with it, (rows, nodes)."""
    marginal_at: Array
    """Extra step time a mean prompt causes while n sequences decode, (rows, nodes)."""
    scv: Array
    overhead: float
    growth: Array
    """Share of `own` that grows with the prompt's length (1: proportional)."""
    service_at: Array | None = None
    """Time the scheduler needs for a mean prompt when others wait: its share of steps full of prompt tokens, decodes
    included, (rows, nodes); None: `marginal_at`."""
    decode_at: Array | None = None
    """A step without prompts, (rows, nodes): who comes to no queue waits half of it; None: half the mean step."""
    full_at: Array | None = None
    """A step full of prompt tokens, (rows, nodes)."""
    load_gain: float = 0.0
    """By how much more, for each unit of utilisation, the first token takes than the sum of its parts says."""
    full_alone: ArrayLike = 0.0
    """Share of a prompt's chunks that fill the budget even when it is alone."""

    def busy(self, state: LoadState) -> tuple[Array, Array]:
        """Share of time in which prompts are worked off, below 1, and what a mean one then takes, (rows, loads).

        Prompt work over time, held below 1 smoothly: near saturation the batch, and with it a prompt's time, is
        overstated. The sharpness is what the program's own simulation shows.
        """
        service = state.mean_over_time(self.marginal_at if self.service_at is None else self.service_at)
        work = state.rate * service
        return np.minimum(work * (1.0 + work**FULL_SHARPNESS) ** (-1.0 / FULL_SHARPNESS), MOST_BUSY), service

    def crowded(self, state: LoadState) -> Array:
        """Share of prompt work that comes in full steps: long prompts alone, any when others wait, (rows, loads)."""
        return self.crowded_when(self.busy(state)[0])

    def crowded_when(self, busy: Array) -> Array:
        """The same where prompts are worked off a share `busy` of the time."""
        alone = np.asarray(self.full_alone)
        return np.asarray(alone + (1.0 - alone) * busy)


def longest_step(nodes: Array, full_at: Array, chunks_at: Array, merge_at: Array) -> tuple[Array, Array]:
    """The longest step that lasts, seconds, and the sequences that such steps, full of prompt tokens, feed; (rows, 1).

    `full_at`, `chunks_at`, `merge_at` (rows, nodes) as in `itl_quantiles`. Where the prompts of n sequences need more
    than a full step each step, no more than n sequences come to be decoded: others wait for their first token, however
    large the cap. Where prompts are the limit the program's own simulation of P99 is within 3 % of it from 90 % of the
    largest rate on (six example deployments); where cap or memory is, it stays 4 to 34 % below (four).
    """
    needed = chunks_at * merge_at
    enough = needed >= 1.0
    rows, last = np.arange(len(needed)), needed.shape[1] - 1
    some = np.asarray(enough.any(axis=1))
    at = np.maximum(np.where(some, enough.argmax(axis=1), last), 1)
    before, after = needed[rows, at - 1], needed[rows, at]
    share = np.where(some, (1.0 - before) / np.maximum(after - before, 1e-300), 1.0)
    share = np.minimum(np.maximum(share, 0.0), 1.0)
    ends = np.array([full_at, np.broadcast_to(nodes, full_at.shape)])
    low = ends[:, rows, at - 1]
    longest, fed = (low + share * (ends[:, rows, at] - low))[:, :, None]
    return longest, np.where(some[:, None], fed, np.inf)


def within_full_steps(
    step: Array, nodes: Array, full_at: Array, chunks_at: Array, merge_at: Array, longest: Array, fed: Array
) -> Array:
    """The mean step of n sequences with the prompts they bring, held to what full steps allow, seconds, (rows, nodes).

    `step` is a step with each prompt in chunks of its own; `longest` and `fed` (rows, 1) are of `longest_step`. Prompts
    fill `chunks_at * merge_at` steps a step, each `full_at` long: no mean is below that, nor above one full step. Of
    more sequences than are `fed` each waits its turn: a token of all costs as many longest steps as there are turns,
    and the largest rate no longer grows with the batch.
    """
    held = np.minimum(np.maximum(step, chunks_at * merge_at * full_at), full_at)
    return np.where(nodes > fed, nodes / fed * longest, np.minimum(held, longest))

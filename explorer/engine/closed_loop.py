"""A fixed number of users in closed form: each asks again when served, so the batch is given and the rate follows.

The chain of `queueing` at one batch size. With u users in service a step lasts T(u), prompts of all of them included,
and X = u/(m T(u)) requests are done a second (m mean output tokens): Little's law u = X (TTFT + (m-1) TPOT), which a
closed loop obeys whatever its scheduler does. An arriving request sees the other u-1 (arrival theorem for closed
networks, Sevcik and Mitrani 1981; Lavenberg and Reiser 1980).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from explorer.engine.queueing import Chain, LoadState
from explorer.engine.records import Array


class FixedBatch(LoadState):
    """A state in which the batch is the same for every token."""

    def step_quantiles(self, step: Array, quantiles: tuple[float, ...]) -> Array:
        """The one step there is, (quantiles, rows, loads)."""
        return np.broadcast_to(self.finite_step, (len(quantiles), *self.finite_step.shape))


NO_WAIT = 1e12
"""Decay of a wait that nobody has, 1/s."""


def solve_users(chain: Chain, users: ArrayLike) -> FixedBatch:
    """The chain with exactly `users` sequences (rows, loads) in service, from 1 to the cap of each row.

    `rate` of the state is what an arriving request meets: that of the other users. Between nodes ln T is linear, as in
    the chain.
    """
    n = np.atleast_2d(np.asarray(users, dtype=np.float64))
    nodes = chain.nodes
    n = np.clip(np.broadcast_to(n, (nodes.shape[0], n.shape[1])), 1.0, nodes[:, -1:])
    left, share = _places(nodes, n)
    logs = np.log(chain.step)
    low, high = (np.take_along_axis(logs, at, axis=1) for at in (left, left + 1))
    step = np.exp(low + share * (high - low))
    weight = np.zeros((*n.shape, nodes.shape[1]))
    np.put_along_axis(weight, left[:, :, None], (1.0 - share)[:, :, None], axis=2)
    np.put_along_axis(weight, (left + 1)[:, :, None], share[:, :, None], axis=2)
    others = (n - 1.0) / (chain.output_tokens * step)
    shape = n.shape
    return FixedBatch(
        # one user alone meets nobody; a rate of nothing would be divided by
        rate=np.maximum(others, 1e-9),
        # the batch does not swell with chance arrivals, at no load
        utilisation=np.zeros(shape),
        stable=np.ones(shape, dtype=np.bool_),
        all_stable=True,
        mean_batch=n,
        wait_probability=np.zeros(shape),
        finite_decay=np.full(shape, NO_WAIT),
        finite_step=step,
        weight=weight,
        total=np.ones(shape),
        token_ratio=nodes / chain.step,
    )


def users_rate(chain: Chain, state: LoadState) -> Array:
    """Requests a second that the users of a state are served at, (rows, loads)."""
    return state.mean_batch / (chain.output_tokens * state.finite_step)


def _places(nodes: Array, n: Array) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.intp]], Array]:
    """Node at or below each number, and how far it lies towards the next; the cap, which stands twice, is the first."""
    below = np.sum(nodes[:, None, :] <= n[:, :, None], axis=2) - 1
    left = np.clip(below, 0, nodes.shape[1] - 2)
    # the last two nodes are both the cap
    left = np.where(below >= nodes.shape[1] - 1, nodes.shape[1] - 3, left)
    start, end = (np.take_along_axis(nodes, at, axis=1) for at in (left, left + 1))
    width = np.maximum(end - start, 1e-12)
    return left, np.clip((n - start) / width, 0.0, 1.0)

"""A fixed number of users in closed form: Little's law, one user alone, and the machine-repairman limit."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.engine.batch_nodes import padded_nodes
from explorer.engine.closed_loop import solve_users, users_rate
from explorer.engine.queueing import build_chain

CAPS = (1, 3, 40, 300)
NODES = padded_nodes(CAPS)
STEP = 0.010 + 0.0004 * NODES
CHAIN = build_chain(NODES, STEP, 200.0)


def test_that_users_are_served_at_the_rate_of_their_step() -> None:
    """X = u/(m T(u)), T linear in u: exact at nodes, within the logarithmic interpolation between them."""
    users = np.array([[1.0], [2.0], [33.0], [171.0]])
    found = users_rate(CHAIN, solve_users(CHAIN, users))
    np.testing.assert_allclose(found, users / (200.0 * (0.010 + 0.0004 * users)), rtol=5e-4)


def test_that_more_users_than_the_cap_are_the_cap_and_reach_the_saturation_rate() -> None:
    state = solve_users(CHAIN, np.full((4, 1), 1e6))
    np.testing.assert_allclose(state.mean_batch[:, 0], CAPS)
    np.testing.assert_allclose(users_rate(CHAIN, state)[:, 0], CHAIN.saturation)


def test_that_one_user_meets_nobody() -> None:
    state = solve_users(CHAIN, np.ones((4, 1)))
    assert np.all(state.rate <= 1e-9)
    np.testing.assert_allclose(state.finite_step, 0.0104)


@pytest.mark.parametrize("users", [1.0, 2.5, 17.0, 64.0, 299.0, 300.0])
def test_that_all_time_is_spent_at_the_users(users: float) -> None:
    state = solve_users(CHAIN, np.full((4, 1), users))
    np.testing.assert_allclose(state.weight.sum(axis=2), 1.0)
    np.testing.assert_allclose((state.weight * NODES[:, None, :]).sum(axis=2)[:, 0], np.minimum(users, CAPS))

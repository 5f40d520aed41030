"""Speculative decoding: tokens a step, and the steps of an answer, against a draft played out token by token."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.engine.speculation import steps_of, tokens_per_step, tokens_variance


@pytest.mark.parametrize(("acceptance", "drafted"), [(0.0, 3), (0.7, 3), (0.8, 5), (0.95, 8)])
def test_that_a_step_yields_what_leviathan_and_others_say(acceptance: float, drafted: int) -> None:
    """Equation 1 of the paper: (1 - a^(k+1))/(1 - a)."""
    assert tokens_per_step(acceptance, drafted) == pytest.approx((1 - acceptance ** (drafted + 1)) / (1 - acceptance))
    rolls = np.random.default_rng(1).random((200_000, drafted)) < acceptance
    played = 1 + np.cumprod(rolls, axis=1).sum(axis=1)
    assert np.mean(played) == pytest.approx(tokens_per_step(acceptance, drafted), rel=5e-3)
    assert np.var(played) == pytest.approx(tokens_variance(acceptance, drafted), rel=0.02, abs=1e-12)


def test_that_the_steps_of_answers_are_those_of_a_draft_played_out() -> None:
    acceptance, drafted, output = 0.7, 4, 101
    draws = np.random.default_rng(2)
    played = []
    for _ in range(4000):
        left, steps = output - 1, 1
        while left > 0:
            accepted = int(np.cumprod(draws.random(drafted) < acceptance).sum())
            left -= accepted + 1
            steps += 1
        played.append(steps)
    found = steps_of(np.full(100_000, output), draws.standard_normal(100_000), acceptance, drafted)
    # a last step may yield more than is asked for: half a step on average
    assert np.mean(found) == pytest.approx(np.mean(played), abs=0.6)
    assert np.std(found) == pytest.approx(np.std(played), rel=0.05)


def test_that_nothing_accepted_is_a_step_a_token_and_short_answers_stay_possible() -> None:
    output = np.array([1, 2, 3, 50])
    assert steps_of(output, np.zeros(4), 0.0, 5).tolist() == output.tolist()
    wild = steps_of(output, np.array([9.0, -9.0, 9.0, -9.0]), 0.7, 4)
    assert wild.tolist() == [1, 2, 3, 11]

"""Prompt work of attention-data ranks in the same step: against steps played out one by one, and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.engine.data_ranks import by_arrival, by_chance

MANY = np.inf


def played(rate: float, plain: float, longer: float, steps: int = 200_000) -> tuple[float, float]:
    """Chunks a step, and chunks in a step that has any, where they come by Poisson while the step before runs."""
    luck = np.random.default_rng(5)
    came, carrying, chunks = 0, 0, 0
    for _ in range(steps):
        carrying += came > 0
        chunks += came
        came = int(luck.poisson(rate * (plain * longer if came else plain)))
    return chunks / steps, chunks / carrying


@pytest.mark.parametrize(("rate", "longer"), [(2.0, 1.5), (2.0, 12.0), (15.0, 3.0), (15.0, 8.0)])
def test_that_chunks_that_arrive_share_steps_as_when_played_out(rate: float, longer: float) -> None:
    mean, together = played(rate, 0.02, longer)
    assert float(by_arrival(np.array(mean), np.array(longer), np.array(MANY))) == pytest.approx(together, rel=0.03)


def test_that_chunks_that_come_to_every_step_alike_share_it_by_poisson() -> None:
    came = np.random.default_rng(6).poisson(1.7, 200_000)
    found = by_chance(np.array(1.7), np.array(MANY))
    assert float(found) == pytest.approx(came[came > 0].mean(), rel=0.01)


@given(st.floats(1e-12, 1e3), st.floats(1.0, 300.0), st.integers(1, 64))
def test_that_one_rank_at_least_works_and_no_more_than_there_are(mean: float, longer: float, ranks: int) -> None:
    for found in (
        by_chance(np.array(mean), np.array(float(ranks))),
        by_arrival(np.array(mean), np.array(longer), np.array(float(ranks))),
    ):
        assert 1.0 - 1e-9 <= float(found) <= ranks


@given(st.floats(1e-3, 30.0))
def test_that_steps_of_one_length_share_alike_however_chunks_come(mean: float) -> None:
    ranks = np.array(MANY)
    assert float(by_arrival(np.array(mean), np.array(1.0), ranks)) == pytest.approx(
        float(by_chance(np.array(mean), ranks)), rel=0.01
    )


def test_that_longer_steps_gather_more() -> None:
    longer = np.linspace(1.0, 50.0, 30)
    assert np.all(np.diff(by_arrival(np.full(30, 0.4), longer, np.full(30, MANY))) > 0.0)

"""Gaps between tokens against exact theory, a chain over every state, and chunks merged one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.engine.queueing import solve_loads
from explorer.engine.token_gaps import itl_quantiles
from tests.engine.chains import BruteForce, linear_chain


@pytest.mark.parametrize(
    ("rate", "p50", "p99"),
    [
        (12.0, 19.8e-3, 24.6e-3),  # theory: token-weighted a + b (1 + NegBin)
        (12.0, 19.4e-3, 24.8e-3),  # discrete-event run of the same case
        (20.0, 50.1e-3, 67.1e-3),  # discrete-event run at four fifths of 1/b
    ],
)
def test_that_gaps_between_tokens_are_those_of_the_negative_binomial(rate: float, p50: float, p99: float) -> None:
    chain = linear_chain(10e-3, 0.2e-3, 2000, 200.0)
    state = solve_loads(chain, [[rate]])
    never = np.zeros_like(chain.step)
    gaps = itl_quantiles(chain, state, chain.step, chain.step, never, np.zeros((1, 1)), 0.0)
    assert gaps[0.5][0, 0] == pytest.approx(p50, rel=0.02)
    assert gaps[0.99][0, 0] == pytest.approx(p99, rel=0.02)


def test_that_a_rare_stall_sets_p99_once_it_hits_more_than_one_gap_in_a_hundred() -> None:
    # fan-out: P99 is hit iff the chance of a stall a step exceeds 1 % (Dean and Barroso 2013)
    chain = linear_chain(0.02, 0.0, 64, 100.0)
    state = solve_loads(chain, [[5.0]])
    never = np.zeros_like(chain.step)

    def p99(chance: float) -> float:
        hit = np.array([[chance]])
        return float(itl_quantiles(chain, state, chain.step, chain.step, never, hit, 0.05)[0.99][0, 0])

    assert p99(0.009) == pytest.approx(0.02)
    assert p99(0.011) == pytest.approx(0.07)


def test_that_mixed_steps_set_the_tail_of_the_gaps_by_their_share() -> None:
    chain = linear_chain(0.02, 1e-7, 64, 100.0)
    state = solve_loads(chain, [[5.0]])
    hit = np.zeros((1, 1))
    for share, p95, p99 in [(0.005, 0.02, 0.02), (0.03, 0.02, 0.1), (0.2, 0.1, 0.1)]:
        mixed = np.full_like(chain.step, share)
        found = itl_quantiles(chain, state, chain.step, chain.step + 0.08, mixed, hit, 0.05)
        assert found[0.95][0, 0] == pytest.approx(p95, rel=1e-3)
        assert found[0.99][0, 0] == pytest.approx(p99, rel=1e-3)


@pytest.mark.parametrize("cap", [8, 64, 256])
@pytest.mark.parametrize("load", [0.3, 0.8, 0.95, 0.98])
@pytest.mark.parametrize("share", [0.005, 0.03, 0.2])
def test_that_gaps_are_the_mixture_over_every_state_of_plain_and_mixed_steps(
    cap: int, load: float, share: float
) -> None:
    a, b, more, tokens = 0.01, 1e-4, 0.05, 100.0
    chain = linear_chain(a, b, cap, tokens)
    state = solve_loads(chain, chain.saturation[:, None] * load)
    found = itl_quantiles(
        chain, state, chain.step, chain.step + more, np.full_like(chain.step, share), np.zeros((1, 1)), 0.0
    )
    every = BruteForce(a + b * np.arange(cap + 1.0), tokens, load * float(chain.saturation[0]))
    steps = a + b * np.arange(1.0, cap + 1.0)
    values = np.concatenate([steps, steps + more])
    weights = np.concatenate([every.by_token * (1 - share), every.by_token * share])
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    for q in (0.5, 0.95, 0.99):
        exact = values[order][np.searchsorted(cumulative, q)]
        assert found[q][0, 0] == pytest.approx(exact, rel=0.02), q


@given(chunks=st.floats(0.0, 6.0), merge=st.floats(0.02, 1.0), crowded=st.floats(0.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_that_no_prompt_work_is_lost_where_more_chunks_come_than_steps(
    chunks: float, merge: float, crowded: float
) -> None:
    """Against chunks merged one by one until each has a step: gaps are of steps without, with one, and full."""
    steps = 1000
    alone = (1.0 - crowded) * chunks * steps
    full = crowded * chunks * steps * merge
    while full + alone > steps and alone > 0.0:
        taken = min(1.0, alone)
        alone -= taken
        full += taken * merge
    full = min(full, steps - alone)
    flat = linear_chain(0.01, 1e-9, 8, 100.0)
    state, ones = solve_loads(flat, [[5.0]]), np.ones_like(flat.step)
    # kinds of 1, 2 and 3 s, each a little longer with more sequences
    spread = 0.02 * flat.nodes
    levels = tuple(np.linspace(0.01, 0.99, 99).tolist())
    found = itl_quantiles(
        flat, state, 1.0 + spread, 2.0 + spread, chunks * ones, np.zeros((1, 1)), 0.0, levels,
        full_at=3.0 + spread, merge_at=merge * ones, crowded=np.full((1, 1), crowded),
    )  # fmt: skip
    for q in levels:
        if min(abs(q * steps - edge) for edge in (steps - alone - full, steps - full)) < 5.0:
            continue
        kind = 1.0 + (q * steps > steps - alone - full) + (q * steps > steps - full)
        assert kind <= found[q][0, 0] <= kind + 0.2, (q, alone, full)

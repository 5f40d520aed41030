"""First tokens and whole answers where they are known, and lognormal lengths against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import lognorm

from explorer.engine.latency import e2e_quantiles, lognormal_quantile, ttft_quantiles
from explorer.engine.prompt_work import PromptService
from explorer.engine.queueing import solve_loads
from tests.engine.chains import linear_chain


def test_that_the_first_token_alone_is_the_front_end_the_prompt_and_half_a_step() -> None:
    chain = linear_chain(0.01, 0.0, 64, 100.0)
    state = solve_loads(chain, [[1e-6]])
    service = PromptService(
        own_at=np.full_like(chain.step, 0.2),
        marginal_at=np.full_like(chain.step, 0.19),
        scv=np.array(0.0),
        overhead=0.05,
        growth=np.ones((1, 1)),
    )
    found = ttft_quantiles(state, service)
    assert found[0.5][0, 0] == pytest.approx(0.05 + 0.2 + 0.005, rel=1e-3)


def test_that_a_whole_answer_is_the_first_token_and_the_gaps() -> None:
    chain = linear_chain(0.02, 0.0, 64, 101.0)
    state = solve_loads(chain, [[1e-6]])
    flat = {q: np.array([[0.3]]) for q in (0.5, 0.95, 0.99)}
    gap = {q: np.array([[0.02]]) for q in (0.5, 0.95, 0.99)}
    found = e2e_quantiles(state, flat, gap, np.array(101.0), 0.0)
    for value in found.values():
        assert value[0, 0] == pytest.approx(0.3 + 100 * 0.02, rel=1e-6)


@given(st.floats(0.01, 1e4), st.floats(0.01, 5.0), st.sampled_from([0.5, 0.95, 0.99]))
@settings(max_examples=50)
def test_that_lognormal_quantiles_are_scipys(mean: float, cv: float, q: float) -> None:
    sigma = np.sqrt(np.log1p(cv**2))
    exact = lognorm.ppf(q, sigma, scale=mean * np.exp(-(sigma**2) / 2))
    assert lognormal_quantile(mean, cv, q) == pytest.approx(exact, rel=1e-8)
    assert lognormal_quantile(mean, 0.0, q) == pytest.approx(mean)

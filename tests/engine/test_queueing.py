"""The capped batching chain against exact theory, its limits, and a brute-force chain over every state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import nbinom

from explorer.engine.batch_nodes import COARSE, FINE, NodeSpacing, batch_nodes, padded_nodes
from explorer.engine.latency import e2e_quantiles, exponential_wait_quantile, tpot_quantiles, ttft_quantiles
from explorer.engine.node_quantiles import quantile_over_nodes
from explorer.engine.prompt_work import PromptService
from explorer.engine.queueing import Chain, LoadState, build_chain, solve_loads
from explorer.engine.queueing_exact import erlang_c, gps_mean_batch, mmc_mean_wait, mmc_wait_quantile
from explorer.engine.token_gaps import itl_quantiles
from tests.engine.chains import BruteForce, linear_chain

Array = NDArray[np.float64]


def test_that_the_batch_is_negative_binomial_without_a_cap() -> None:
    # a = 10 ms, b = 0.2 ms, 200 tokens, 12 requests/s: E[n] = 47.0769, 19.615 ms a token (Cohen 1979)
    chain = linear_chain(10e-3, 0.2e-3, 2000, 200.0)
    state = solve_loads(chain, [[12.0]])
    assert state.mean_batch[0, 0] == pytest.approx(47.0769230769, rel=5e-3)
    assert state.mean_step[0, 0] == pytest.approx(19.615384615e-3, rel=5e-3)
    assert state.mean_batch[0, 0] == pytest.approx(float(gps_mean_batch(12.0, 200.0, 10e-3, 0.2e-3)), rel=5e-3)
    assert state.wait_probability[0, 0] < 1e-12


@pytest.mark.parametrize("share", [0.2, 0.48, 0.8, 0.9])
def test_that_quantiles_follow_the_negative_binomial_at_every_load(share: float) -> None:
    a, b, tokens = 10e-3, 0.2e-3, 200.0
    chain = linear_chain(a, b, 6000, tokens)
    state = solve_loads(chain, [[share / (b * tokens)]])
    r = 1.0 + a / b
    for q in (0.5, 0.95, 0.99):
        # P(n) n/(a + b n) is the law of 1 + NegBin(r): n/(a + b n) cancels one factor of the binomial coefficient
        exact = a + b * (1 + nbinom.ppf(q, r, 1 - share))
        found = quantile_over_nodes(state.cumulative_token, chain.step, q)[0, 0]
        assert found == pytest.approx(exact, rel=0.01)
        exact_batch = nbinom.ppf(q, r, 1 - share)
        found = quantile_over_nodes(state.cumulative_time, chain.nodes, q)[0, 0]
        assert found == pytest.approx(exact_batch, rel=0.01, abs=0.6)


def test_that_a_step_of_constant_length_gives_the_many_server_queue() -> None:
    # Erlang C(8, 6.4) = .457645, M/M/8 at load .8: mean wait .286028, P99 wait 2.38969
    tokens = 50.0
    chain = linear_chain(1.0 / tokens, 0.0, 8, tokens)
    state = solve_loads(chain, [[6.4]])
    assert chain.saturation[0] == pytest.approx(8.0)
    probability, decay = state.wait_probability[0, 0], state.wait_decay[0, 0]
    assert probability == pytest.approx(0.457645, rel=1e-5)
    assert probability / decay == pytest.approx(0.286028, rel=1e-5)
    assert exponential_wait_quantile(probability, decay, 0.99) == pytest.approx(2.38969, rel=1e-5)
    assert state.mean_batch[0, 0] == pytest.approx(6.4)


@given(st.integers(1, 12), st.floats(0.05, 0.98))
@settings(max_examples=40)
def test_that_many_servers_wait_as_erlang_says(servers: int, load: float) -> None:
    chain = linear_chain(0.01, 0.0, servers, 100.0)
    rate = load * servers
    state = solve_loads(chain, [[rate]])
    probability, decay = state.wait_probability[0, 0], state.wait_decay[0, 0]
    assert probability == pytest.approx(float(erlang_c(servers, rate)), rel=1e-9)
    assert probability / decay == pytest.approx(float(mmc_mean_wait(rate, 1.0, servers)), rel=1e-9)
    assert float(exponential_wait_quantile(probability, decay, 0.99)) == pytest.approx(
        float(mmc_wait_quantile(0.99, rate, 1.0, servers)),
        rel=1e-9,
        abs=1e-6,  # where just one in a hundred waits the quantile turns
    )


@pytest.mark.parametrize(("spacing", "share"), [(FINE, 0.01), (COARSE, 0.02)])
@given(
    cap=st.integers(1, 2000),
    a=st.floats(1e-3, 0.1),
    growth=st.floats(0.0, 3.0),
    bend=st.floats(0.7, 1.3),
    load=st.floats(0.02, 0.97),
)
@settings(max_examples=80, deadline=None)
def test_that_the_compressed_chain_is_the_chain_over_every_state(
    spacing: NodeSpacing, share: float, cap: int, a: float, growth: float, bend: float, load: float
) -> None:
    """Mean batch and share that waits within 1 %; batch quantiles within a share of the cap."""

    def step(n: Array) -> Array:
        return np.asarray(a * (1.0 + growth * (n / cap) ** bend))

    tokens = 100.0
    rate = load * cap / (tokens * float(step(np.asarray(float(cap)))))
    every = BruteForce(step(np.arange(cap + 1.0)), tokens, rate)
    nodes = batch_nodes(cap, spacing)
    chain = build_chain(nodes, step(nodes), tokens)
    state = solve_loads(chain, [[rate]])
    assert chain.saturation[0] == pytest.approx(every.saturation)
    assert state.mean_batch[0, 0] == pytest.approx(every.mean_batch, rel=0.01)
    assert state.wait_probability[0, 0] == pytest.approx(every.wait, rel=0.01, abs=5e-3 if spacing is COARSE else 5e-4)
    for q in (0.5, 0.95, 0.99):
        for cumulative, by_token in ((state.cumulative_time, False), (state.cumulative_token, True)):
            found = quantile_over_nodes(cumulative, chain.nodes, q)[0, 0]
            # half a state of rounding, since the chain's own quantile is a whole number
            assert abs(found - every.batch_quantile(q, by_token)) <= 0.5 + share * cap


@given(st.integers(1, 4000), st.floats(1e-3, 0.1), st.floats(0, 1e-3), st.floats(1, 2000))
@settings(max_examples=50)
def test_that_the_largest_rate_is_the_cap_over_its_own_step(cap: int, a: float, b: float, tokens: float) -> None:
    chain = linear_chain(a, b, cap, tokens)
    assert chain.saturation[0] == pytest.approx(cap / (tokens * (a + b * cap)), rel=1e-12)


def test_that_padded_rows_give_what_they_give_alone() -> None:
    caps, loads = (1, 2, 3, 40, 900), np.linspace(0.05, 0.95, 7)
    nodes = padded_nodes(caps)
    a, b, tokens = 8e-3, 0.1e-3, 150.0
    together = build_chain(nodes, a + b * nodes, tokens)
    rates = together.saturation[:, None] * loads
    states = solve_loads(together, rates)
    for row, cap in enumerate(caps):
        alone = linear_chain(a, b, cap, tokens)
        state = solve_loads(alone, rates[row : row + 1])
        for name in ("mean_batch", "wait_probability", "wait_decay", "mean_step", "utilisation"):
            assert getattr(states, name)[row] == pytest.approx(getattr(state, name)[0], rel=1e-9)
        ours, theirs = all_quantiles(together, states), all_quantiles(alone, state)
        for metric, values in ours.items():
            for q, value in values.items():
                assert value[row] == pytest.approx(theirs[metric][q][0], rel=1e-9), (metric, q, cap)


def all_quantiles(chain: Chain, state: LoadState) -> dict[str, dict[float, Array]]:
    """The four latencies with prompts that take 30 ms of which 20 are extra, at every node alike."""
    own, marginal = np.full_like(chain.step, 0.03), np.full_like(chain.step, 0.02)
    service = PromptService(
        own_at=own,
        marginal_at=marginal,
        scv=np.array(1.0),
        overhead=0.05,
        growth=np.full((chain.step.shape[0], 1), 0.6),
    )
    share = np.clip(chain.nodes / chain.output_tokens, 0.0, 1.0)
    ttft = ttft_quantiles(state, service)
    tpot = tpot_quantiles(chain, state, marginal)
    never = np.zeros((chain.step.shape[0], 1))
    return {
        "ttft": ttft,
        "tpot": tpot,
        "itl": itl_quantiles(chain, state, chain.step, chain.step + marginal, share, never, 0.05),
        "e2e": e2e_quantiles(state, ttft, tpot, chain.output_tokens, 0.8),
    }


# from two slots on: with one, the share of mixed steps may be a quantile's own share to the last bit
CHAINS = st.tuples(st.integers(2, 1000), st.floats(2e-3, 0.1), st.floats(1e-6, 1e-3), st.floats(20, 1000))


@given(CHAINS)
@settings(max_examples=40, deadline=None)
def test_that_more_load_never_shortens_a_latency_or_a_batch(
    parameters: tuple[int, float, float, float],
) -> None:
    cap, a, b, tokens = parameters
    chain = linear_chain(a, b, cap, tokens)
    state = solve_loads(chain, chain.saturation[:, None] * np.linspace(0.01, 0.995, 60))
    for values in (state.mean_batch, state.wait_probability, state.mean_step):
        # thinning out the states may cost a hair between two loads
        assert np.all(np.diff(values[0]) >= -5e-4 * np.abs(values[0, 1:]))
    for metric in ("tpot", "itl", "ttft", "e2e"):
        for q, values in all_quantiles(chain, state)[metric].items():
            # the median of a whole answer is put together from medians and may dip where their signs turn
            slack = 1e-2 if (metric, q) == ("e2e", 0.5) else 1e-3
            assert np.all(np.diff(values[0]) >= -slack * values[0, 1:]), (metric, q)


@given(CHAINS, st.floats(0.01, 0.99))
@settings(max_examples=60, deadline=None)
def test_that_a_higher_quantile_is_never_shorter(parameters: tuple[int, float, float, float], load: float) -> None:
    cap, a, b, tokens = parameters
    chain = linear_chain(a, b, cap, tokens)
    state = solve_loads(chain, chain.saturation[:, None] * load)
    for metric, values in all_quantiles(chain, state).items():
        assert values[0.5][0, 0] <= values[0.95][0, 0] <= values[0.99][0, 0], metric


@given(CHAINS, st.floats(1.0, 100.0))
@settings(max_examples=40, deadline=None)
def test_that_an_unstable_load_is_infinite_and_never_not_a_number(
    parameters: tuple[int, float, float, float], load: float
) -> None:
    cap, a, b, tokens = parameters
    chain = linear_chain(a, b, cap, tokens)
    state = solve_loads(chain, chain.saturation[:, None] * load)
    assert state.mean_step[0, 0] == np.inf
    assert state.wait_probability[0, 0] == 1.0
    assert state.mean_batch[0, 0] == cap
    for values in all_quantiles(chain, state).values():
        for value in values.values():
            assert value[0, 0] == np.inf


def test_that_stable_and_unstable_loads_may_stand_in_one_row() -> None:
    chain = linear_chain(0.01, 1e-4, 32, 100.0)
    state = solve_loads(chain, chain.saturation[:, None] * np.array([[0.5, 1.0, 1.5]]))
    for values in all_quantiles(chain, state).values():
        assert np.isfinite(values[0.99][0, 0])
        assert np.all(np.isinf(values[0.99][0, 1:]))


@given(
    caps=st.lists(st.sampled_from([1, 2, 3, 5, 9, 17, 64, 333, 1024, 4096]), min_size=1, max_size=4),
    a=st.floats(1e-6, 10.0),
    growth=st.floats(0.0, 1.0),
    tokens=st.floats(1.0, 1e5),
    shares=st.lists(st.floats(1e-12, 0.9999), min_size=1, max_size=4),
)
@settings(deadline=None)
def test_that_any_load_of_any_caps_gives_probabilities_alone_as_together(
    caps: list[int], a: float, growth: float, tokens: float, shares: list[float]
) -> None:
    for spacing in (FINE, COARSE):
        nodes = padded_nodes(caps, spacing)
        chain = build_chain(nodes, a * (1.0 + growth * nodes), tokens)
        rates = chain.saturation[:, None] * np.asarray(shares)
        state = solve_loads(chain, rates)
        assert np.isfinite(state.weight).all() and (state.total > 0.0).all()
        np.testing.assert_allclose(state.time_weight.sum(axis=2), 1.0, rtol=1e-9)
        assert (state.mean_batch >= 0.0).all() and (state.mean_batch <= np.asarray(caps)[:, None] * (1 + 1e-9)).all()
        for row, cap in enumerate(caps):
            own = batch_nodes(cap, spacing)
            alone = solve_loads(build_chain(own, a * (1.0 + growth * own), tokens), rates[row : row + 1])
            np.testing.assert_allclose(alone.mean_batch[0], state.mean_batch[row], rtol=1e-9)
            np.testing.assert_allclose(alone.wait_probability[0], state.wait_probability[row], rtol=1e-9, atol=1e-300)


def test_that_burstier_arrivals_wait_longer_and_regular_ones_shorter() -> None:
    # Allen-Cunneen: the wait scales by (1 + SCV)/2
    chain = linear_chain(0.01, 0.0, 8, 100.0)
    waits = []
    for scv in (0.0, 1.0, 3.0):
        state = solve_loads(chain, [[6.4]], np.array(scv))
        waits.append(float(state.wait_probability[0, 0] / state.wait_decay[0, 0]))
    assert waits[0] == pytest.approx(waits[1] / 2)
    assert waits[2] == pytest.approx(waits[1] * 2)

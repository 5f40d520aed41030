"""The capped batching chain against exact theory, its limits, and a brute-force chain over every state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import lognorm, nbinom

from explorer.engine.latency import (
    PromptService,
    e2e_quantiles,
    exponential_wait_quantile,
    itl_quantiles,
    largest_rate_within,
    lognormal_quantile,
    tpot_quantiles,
    ttft_quantiles,
)
from explorer.engine.queueing import (
    COARSE,
    FINE,
    Chain,
    LoadState,
    NodeSpacing,
    batch_nodes,
    build_chain,
    padded_nodes,
    quantile_over_nodes,
    solve_loads,
)
from explorer.engine.queueing_exact import erlang_c, gps_mean_batch, mmc_mean_wait, mmc_wait_quantile

Array = NDArray[np.float64]


def linear_chain(a: float, b: float, cap: int, tokens: float) -> Chain:
    """A chain whose step lasts a + b*n seconds."""
    nodes = batch_nodes(cap)
    return build_chain(nodes, a + b * nodes, tokens)


class BruteForce:
    """The same chain over every integer state; the states that wait are summed as a geometric series."""

    def __init__(self, steps: Array, tokens: float, rate: float) -> None:
        """`steps[n]` is the step of n sequences, n = 0..cap (the first is not used)."""
        cap = len(steps) - 1
        n = np.arange(1, cap + 1)
        completion = n / (tokens * steps[1:])
        log_p = np.concatenate([[0.0], np.cumsum(np.log(rate / completion))])
        p = np.exp(log_p - log_p.max())
        load = rate / completion[-1]
        queued = p[-1] * load / (1.0 - load)
        total = p.sum() + queued
        self.states = np.arange(cap + 1)
        self.wait = (p[-1] + queued) / total
        self.p = p / total
        self.p[-1] += queued / total
        self.mean_batch = float(self.p @ self.states)
        self.saturation = float(completion[-1])
        by_token = self.p[1:] * n / steps[1:]
        self.by_token = by_token / by_token.sum()

    def batch_quantile(self, q: float, by_token: bool = False) -> float:
        """Smallest state up to which a share q of time (or of tokens) is spent."""
        weights = np.concatenate([[0.0], self.by_token]) if by_token else self.p
        return float(self.states[np.searchsorted(np.cumsum(weights), q)])


def test_that_the_batch_is_negative_binomial_without_a_cap() -> None:
    # a = 10 ms, b = 0.2 ms, 200 tokens, 12 requests/s: E[n] = 47.0769, 19.615 ms a token (Cohen 1979)
    chain = linear_chain(10e-3, 0.2e-3, 2000, 200.0)
    state = solve_loads(chain, [[12.0]])
    assert state.mean_batch[0, 0] == pytest.approx(47.0769230769, rel=5e-3)
    assert state.mean_step[0, 0] == pytest.approx(19.615384615e-3, rel=5e-3)
    assert state.mean_batch[0, 0] == pytest.approx(float(gps_mean_batch(12.0, 200.0, 10e-3, 0.2e-3)), rel=5e-3)
    assert state.wait_probability[0, 0] < 1e-12


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


def test_that_batch_nodes_begin_empty_end_at_the_cap_and_rise() -> None:
    for cap in (1, 2, 12, 13, 14, 100, 257, 65_536):
        nodes = batch_nodes(cap)
        assert nodes[0] == 0
        assert nodes[-1] == cap
        assert np.all(np.diff(nodes) >= 0)
        assert len(nodes) <= 20 + 4 * np.sqrt(cap)
    with pytest.raises(ValueError, match="cap must be at least 1"):
        batch_nodes(0)


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


@pytest.mark.parametrize(("limit", "root"), [(0.5, 0.0), (2.0, 1.5), (8.0, 2.5), (1e9, 4.0)])
def test_that_the_largest_rate_within_a_limit_is_where_the_latency_crosses_it(limit: float, root: float) -> None:
    # latency 1, 4, 16, 64 s at rates whose roots are 1..4: linear in the logarithm
    rates = np.array([[1.0, 4.0, 9.0, 16.0]])
    latency = np.array([[1.0, 4.0, 16.0, 64.0]])
    assert largest_rate_within(rates, [(latency, limit)])[0] == pytest.approx(root**2)


def test_that_the_tighter_of_two_limits_decides_and_infinity_is_over_every_limit() -> None:
    rates = np.array([[1.0, 2.0, 3.0]])
    first = np.array([[1.0, 2.0, np.inf]])
    second = np.array([[1.0, 10.0, 100.0]])
    loose = largest_rate_within(rates, [(first, 50.0)])[0]
    assert 2.0 < loose < 3.0
    tight = largest_rate_within(rates, [(first, 50.0), (second, 10.0)])[0]
    assert tight == pytest.approx(2.0)

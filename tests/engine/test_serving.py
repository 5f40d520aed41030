"""The serving simulation: a request worked out by hand, what must never change, and what every control does."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.engine.serving import (
    Noise,
    PrefillPool,
    Requests,
    Simulated,
    StepTable,
    jitter_table,
    saturation_rate,
    simulate,
    timeline,
)
from explorer.engine.stragglers import critical_ranks, hit_probability_per_step, mean_of_max_lognormal
from tests.engine.serving_examples import (
    A_CHUNK,
    A_CONTEXT_TOKEN,
    A_PAIR,
    A_PROMPT_TOKEN,
    A_SEQUENCE,
    STEP,
    chat,
    chat_server,
    chat_table,
)

P99 = 0.99


def one(prompt: int, output: int) -> Requests:
    return Requests(np.array([0.25]), np.array([prompt]), np.array([output]))


def alone(requests: Requests, **changes: Any) -> Simulated:
    return simulate(requests, chat_server(**changes), offered_rate=1.0, saturation=10.0, whole_run=True)


def chunk_seconds(tokens: int, before: int) -> float:
    return STEP + A_CHUNK + A_PROMPT_TOKEN * tokens + A_PAIR * tokens * (before + tokens / 2)


def test_that_a_lone_request_of_three_chunks_and_ten_decodes_takes_what_a_hand_gets() -> None:
    run = alone(one(5000, 11), overhead_s=0.003, host_request_s=0.0007)
    first = 0.003 + chunk_seconds(2048, 0) + chunk_seconds(2048, 2048) + chunk_seconds(904, 4096) + 0.0007
    decodes = sum(STEP + A_SEQUENCE + A_CONTEXT_TOKEN * (5000 + g) for g in range(1, 11))
    assert run.ttft[0] == pytest.approx(first, rel=1e-12)
    assert run.e2e[0] == pytest.approx(first + decodes, rel=1e-12)
    assert run.tpot[0] == pytest.approx(decodes / 10, rel=1e-12)
    assert run.queue[0] == pytest.approx(0.003, rel=1e-12)


def test_that_the_prefix_cache_spares_its_share_of_the_prompt_but_not_of_the_context() -> None:
    run = alone(one(1000, 2), prefix_hit_share=0.6)
    assert run.ttft[0] == pytest.approx(chunk_seconds(400, 600), rel=1e-12)
    decode = STEP + A_SEQUENCE + A_CONTEXT_TOKEN * 1001
    assert run.e2e[0] - run.ttft[0] == pytest.approx(decode, rel=1e-12)


def test_that_pools_add_up_prefill_transfer_and_decodes() -> None:
    pool = PrefillPool(chat_table(speed=2.0), 1, 8, 100_000, 2048, transfer_s=0.02, transfer_s_per_token=1e-6)
    run = alone(one(1500, 3), scheduler="disaggregated", prefill=pool)
    first = chunk_seconds(1500, 0) / 2
    decodes = sum(STEP + A_SEQUENCE + A_CONTEXT_TOKEN * (1500 + g) for g in (1, 2))
    assert run.ttft[0] == pytest.approx(first, rel=1e-12)
    assert run.e2e[0] == pytest.approx(first + 0.02 + 0.0015 + decodes, rel=1e-12)
    assert run.tokens == 3


def test_that_static_batching_lets_nobody_in_until_all_of_the_batch_are_done() -> None:
    requests = Requests(np.array([0.0, 0.001, 0.002]), np.array([100, 100, 100]), np.array([50, 10, 10]))
    run = alone(requests, scheduler="static")
    assert run.queue[1] == pytest.approx(run.e2e[0] - 0.001, rel=1e-9)
    assert run.queue[2] == pytest.approx(run.e2e[0] - 0.002, rel=1e-9)
    assert run.ttft[1] + 0.001 == pytest.approx(run.ttft[2] + 0.002)


POOL = PrefillPool(chat_table(), 1, 64, 200_000, 2048, transfer_s=0.005, transfer_s_per_token=1e-7)
SCHEDULERS: list[dict[str, Any]] = [
    {"scheduler": "chunked"},
    {"scheduler": "chunked", "admission": "whole"},
    {"scheduler": "prefill_first"},
    {"scheduler": "static"},
    {"scheduler": "disaggregated", "prefill": POOL},
    {"replicas": 3},
    {"replicas": 3, "routing": "shortest_queue"},
    {"replicas": 3, "routing": "shortest_queue", "scheduler": "prefill_first"},
]
NAMES = ["chunked", "whole", "prefill_first", "static", "pools", "random", "shortest", "shortest_prefill_first"]
NOISE = Noise(jitter_table(0.05, 4, 160), stall_probability=1e-3, stall_s=0.05)


@pytest.mark.parametrize("settings", SCHEDULERS, ids=NAMES)
@pytest.mark.parametrize("kv_tokens", [20_000, 400_000])
def test_that_tokens_are_conserved_and_times_in_order(settings: dict[str, Any], kv_tokens: int) -> None:
    requests = chat(3, 1500, 30.0)
    run = alone(requests, **settings, kv_tokens=kv_tokens, noise=NOISE)
    assert run.rejected == 0
    assert run.tokens == requests.output.sum()
    assert run.gaps == run.gap_sections.sum() == (requests.output - 1).sum()
    assert np.all((run.queue >= 0.0) & (run.ttft > run.queue) & (run.e2e >= run.ttft))
    assert np.all(run.stall_to_first <= run.stall_total + 1e-12)
    assert run.kv_peak <= kv_tokens
    assert sum(run.time_shares.values()) == pytest.approx(1.0)
    assert all(share >= 0.0 for share in run.time_shares.values())


def test_that_scarce_memory_preempts_and_costs_time() -> None:
    requests = chat(3, 1500, 30.0)
    plenty, scarce = (alone(requests, kv_tokens=kv) for kv in (400_000, 20_000))
    assert plenty.preemptions == 0
    assert scarce.preemptions > 10
    assert np.mean(scarce.e2e) > np.mean(plenty.e2e)


@pytest.mark.parametrize("settings", SCHEDULERS, ids=NAMES)
def test_that_the_same_seed_gives_the_same_result_to_the_bit(settings: dict[str, Any]) -> None:
    first, second = (alone(chat(4, 800, 25.0), **settings, noise=NOISE) for _ in range(2))
    assert first.e2e.tobytes() == second.e2e.tobytes()
    assert first.gap_sections.tobytes() == second.gap_sections.tobytes()


def test_that_another_seed_gives_other_stalls() -> None:
    first, second = (simulate(chat(4, 800, 25.0), chat_server(noise=NOISE), seed=seed) for seed in (1, 2))
    assert first.stall_total.sum() != second.stall_total.sum()


@pytest.mark.parametrize("metric", ["ttft", "e2e"])
def test_that_more_load_on_the_same_draws_never_helps_the_tail(metric: str) -> None:
    server = chat_server()
    saturation = saturation_rate(chat(5, 10_000, 1.0), server)
    tails = [
        float(simulate(chat(5, 10_000, load * saturation), server, saturation=saturation).quantiles(metric, P99).value)
        for load in np.linspace(0.3, 0.95, 14)
    ]
    assert np.all(np.diff(tails) > 0.0)


def test_that_a_load_beyond_what_can_be_carried_is_called_so_and_has_no_latency() -> None:
    server = chat_server()
    saturation = saturation_rate(chat(6, 5000, 1.0), server)
    over = simulate(chat(6, 5000, 1.2 * saturation), server, offered_rate=1.2 * saturation)
    assert over.saturated
    assert over.utilisation == pytest.approx(1.2, rel=0.03)
    assert np.isinf(over.quantiles("ttft", P99).value)
    under = simulate(chat(6, 5000, 0.8 * saturation), server, offered_rate=0.8 * saturation)
    assert not under.saturated
    assert under.utilisation == pytest.approx(0.8, rel=0.03)
    assert np.isfinite(under.quantiles("ttft", P99).high)


@pytest.mark.parametrize("settings", SCHEDULERS, ids=NAMES)
def test_that_the_saturation_rate_is_where_the_backlog_begins_to_grow(settings: dict[str, Any]) -> None:
    server = chat_server(**settings)
    saturation = saturation_rate(chat(7, 8000, 1.0), server)
    for load, grows in ((0.85, False), (1.2, True)):
        run = simulate(chat(7, 12_000, load * saturation), server, saturation=saturation, warm_up=0.2)
        early, late = (float(np.mean(part)) for part in np.array_split(run.queue[run.counted], 2))
        # static batching waits long at any load, but no longer late in the run than early
        assert (late > 1.4 * early + 0.1) == grows


def test_that_the_saturation_of_equal_steps_is_what_a_hand_gets() -> None:
    """Prompts that cost nothing: cap sequences, one token each 10 ms, 50 tokens a request."""
    table = StepTable(np.array([0.0, 8.0]), np.full(2, 0.01), 1.0, np.zeros(2), np.array([1.0, 99.0]), np.zeros((2, 2)))
    server = chat_server(table=table, max_batch=8)
    requests = Requests(np.arange(1000.0), np.ones(1000), np.full(1000, 50))
    assert saturation_rate(requests, server) == pytest.approx(8 / (50 * 0.01), rel=0.02)


def test_that_closed_loop_keeps_its_users_busy_and_obeys_littles_law() -> None:
    run = simulate(chat(8, 6000, 1.0), chat_server(), users=32)
    assert run.mean_batch == pytest.approx(32.0, rel=0.02)
    mean = float(np.mean(run.e2e[run.counted]))
    assert run.throughput * mean == pytest.approx(32.0, rel=0.03)
    assert not run.saturated
    assert run.time_shares["idle"] < 0.01


def test_that_shortest_queue_beats_random_split_and_one_replica_needs_no_choice() -> None:
    server = chat_server()
    rate = 0.8 * saturation_rate(chat(9, 5000, 1.0), server)
    requests = chat(9, 20_000, 4 * rate)
    split, joined = (
        simulate(requests, chat_server(replicas=4, routing=routing)) for routing in ("random", "shortest_queue")
    )
    assert joined.quantiles("ttft", P99).value < 0.8 * split.quantiles("ttft", P99).value
    single = [simulate(chat(9, 500, rate), chat_server(routing=routing)) for routing in ("random", "shortest_queue")]
    assert single[0].e2e.tobytes() == single[1].e2e.tobytes()


def test_that_prompts_first_shorten_the_first_token_and_lengthen_the_gaps() -> None:
    server = chat_server()
    rate = 0.7 * saturation_rate(chat(10, 5000, 1.0), server)
    chunked, first = (simulate(chat(10, 10_000, rate), chat_server(scheduler=s)) for s in ("chunked", "prefill_first"))
    assert first.quantiles("ttft", 0.5).value < chunked.quantiles("ttft", 0.5).value
    assert first.quantiles("itl", P99).value > 1.5 * chunked.quantiles("itl", P99).value


def test_that_a_smaller_token_budget_bounds_the_gap_between_tokens() -> None:
    tails = [
        float(simulate(chat(11, 4000, 10.0), chat_server(token_budget=b)).quantiles("itl", P99).value)
        for b in (256, 1024, 4096)
    ]
    assert tails[0] < tails[1] < tails[2]
    assert tails[0] == pytest.approx(STEP + A_CHUNK + 256 * A_PROMPT_TOKEN, rel=0.15)


def test_that_bursts_lengthen_the_wait_but_hardly_the_gaps() -> None:
    smooth, bursty = (simulate(chat(12, 20_000, 12.0, cv), chat_server()) for cv in (0.5, 3.0))
    assert bursty.quantiles("ttft", P99).value > 2.0 * smooth.quantiles("ttft", P99).value
    assert bursty.quantiles("itl", 0.5).value < 1.5 * smooth.quantiles("itl", 0.5).value


def test_that_the_gap_tail_is_stalled_beyond_the_critical_number_of_ranks_as_the_formula_says() -> None:
    """p = 1e-5, 160 barriers: N > ln q/(K ln(1-p)) = 6.28 ranks and the P99 gap is a stalled step."""
    assert critical_ranks(P99, 160.0, 1e-5) == pytest.approx(6.281, abs=1e-3)
    tails = {}
    for ranks in (4, 32):
        hit = float(hit_probability_per_step(1e-5, ranks, 160.0))
        noise = Noise(np.ones(1), stall_probability=hit, stall_s=0.5)
        tails[ranks] = float(simulate(chat(13, 6000, 2.0), chat_server(noise=noise)).quantiles("itl", P99).value)
    assert tails[4] < 0.1
    assert tails[32] > 0.5


def test_that_stalls_come_as_often_as_stated() -> None:
    noise = Noise(np.ones(1), stall_probability=0.01, stall_s=0.001)
    run = simulate(chat(14, 4000, 5.0), chat_server(noise=noise), whole_run=True)
    calm = simulate(chat(14, 4000, 5.0), chat_server(), whole_run=True)
    steps = calm.gaps / calm.mean_batch
    stalls = run.time_shares["stalls"] * (run.e2e + chat(14, 4000, 5.0).arrival).max() / 0.001
    assert stalls == pytest.approx(0.01 * steps, rel=0.25)


def test_that_the_jitter_of_many_barriers_is_a_slowdown_with_the_mean_of_the_slowest() -> None:
    many, single = jitter_table(0.1, 8, 160), jitter_table(0.1, 8, 1)
    assert np.mean(many) == pytest.approx(float(mean_of_max_lognormal(8, 0.1)), rel=1e-4)
    assert np.mean(single) == pytest.approx(1.1494, abs=2e-4)
    assert np.std(many) == pytest.approx(np.std(single) / np.sqrt(160), rel=0.02)
    run, calm = (alone(one(100, 900), noise=Noise(table)) for table in (many, np.ones(1)))
    assert run.e2e[0] / calm.e2e[0] == pytest.approx(np.mean(many), rel=2e-3)


@pytest.mark.parametrize("metric", ["ttft", "e2e"])
def test_that_the_parts_of_a_percentile_add_up_to_it(metric: str) -> None:
    run = simulate(chat(15, 8000, 14.0), chat_server(noise=NOISE))
    parts = run.parts(metric, P99)
    assert set(parts) == {"queue", "prefill", "decode", "stalls"}
    assert all(part >= 0.0 for part in parts.values())
    assert sum(parts.values()) == pytest.approx(float(run.quantiles(metric, P99).value), rel=0.05)


def test_that_the_batch_over_time_has_its_mean() -> None:
    run = simulate(chat(16, 5000, 14.0), chat_server())
    weights = run.batch_time / run.batch_time.sum()
    assert weights @ np.arange(weights.size) == pytest.approx(run.mean_batch, rel=1e-3)
    assert run.batch_quantile(P99) >= run.mean_batch


def test_that_a_request_that_can_never_fit_is_turned_away_and_counted() -> None:
    requests = Requests(np.arange(3.0), np.array([100, 500_000, 100]), np.array([5, 5, 5]))
    run = alone(requests)
    assert run.rejected == 1
    assert np.isnan(run.ttft[1])
    assert np.isnan(run.e2e[1])
    assert run.tokens == 10


def test_that_wrong_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="arrivals must be finite and in order"):
        Requests(np.array([1.0, 0.5]), np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="output"):
        Requests(np.array([1.0]), np.ones(1), np.zeros(1))
    with pytest.raises(ValueError, match="the cap is 300"):
        alone(one(10, 5), max_batch=300)
    with pytest.raises(ValueError, match="prefill pool"):
        chat_server(scheduler="disaggregated")
    with pytest.raises(ValueError, match="closed loop"):
        simulate(one(10, 5), chat_server(routing="shortest_queue"), users=4)
    with pytest.raises(ValueError, match="per_context is too steep"):
        StepTable(np.array([0.0, 8.0]), np.full(2, 0.01), 1000.0, np.ones(2), np.array([1.0, 2.0]), np.ones((2, 2)))
    with pytest.raises(ValueError, match="power of two"):
        Noise(np.ones(3))


def test_that_the_timeline_shows_the_batch_and_the_memory_of_the_run() -> None:
    requests, server = chat(17, 5000, 14.0), chat_server()
    run, seen = simulate(requests, server, whole_run=True), timeline(requests, server, points=2000)
    assert np.mean(seen.running) == pytest.approx(run.mean_batch * run.busy_share, rel=0.1)
    assert np.mean(seen.kv_tokens) == pytest.approx(run.kv_mean * run.busy_share, rel=0.1)
    assert np.all(seen.waiting >= 0.0)
    assert np.max(seen.kv_tokens) <= run.kv_peak
    crowded = timeline(requests, chat_server(max_batch=16), points=200)
    assert np.max(crowded.running) == 16
    assert crowded.waiting[-1] > 100


def test_that_numba_is_imported_by_the_loops_alone(repository: Path) -> None:
    """The window must not load it: 0.3 s and 60 MB, and compiling stalls the thread that paints."""

    def imports(path: Path) -> set[str]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        return names | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    found = {p.name for p in (repository / "explorer").rglob("*.py") if any(n.startswith("numba") for n in imports(p))}
    assert found == {"serving_loop.py", "compiler.py", "fast_math.py", "object_code.py"}

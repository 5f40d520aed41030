"""The compiled schedulers against a plain one that looks at every sequence in every step, on small made-up traffic."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.engine.serving import PrefillPool, Requests, Server, Simulated, StepTable, gap_edges, simulate
from explorer.engine.serving_records import WATERMARK_SHARE

SPREAD = 0.5
"""What every lane with a chunk adds to a step beyond one lane alone, as a share of that."""


def step_table(cap: int = 64) -> StepTable:
    """10 ms + 0.2 ms a sequence + 1 us a context token; prompts 2 ms a chunk + 50 us a token + 10 ns a pair."""
    batch = np.array([0.0, 1.0, cap])
    chunk = np.array([1.0, 100_000.0])
    return StepTable(
        batch=batch,
        decode_seconds=0.010 + 0.0002 * batch + 1e-6 * 500.0 * batch,
        context=500.0,
        per_context=np.full(3, 1e-6),
        prompt_tokens=chunk,
        prompt_seconds=np.tile(0.002 + 5e-5 * chunk, (3, 1)),
        prompt_context=0.0,
        per_attended=1e-8,
        spread_seconds=np.tile((1 + SPREAD) * (0.002 + 5e-5 * chunk), (3, 1)),
    )


def step_seconds(decodes: int, context: int, chunks: list[tuple[int, int]], lanes: int) -> float:
    """The same step by hand; a chunk is (tokens, tokens before it). All lanes full take half as long again as one."""
    tokens = sum(take for take, _ in chunks)
    pairs = sum(take * (before + take / 2) for take, before in chunks)
    prompt = 0.002 + 5e-5 * tokens + 1e-8 * pairs if tokens else 0.0
    if tokens and lanes > 1:
        most = max(-(-tokens // lanes), *(take for take, _ in chunks))
        share = (tokens / most - 1) / (lanes - 1)
        prompt = (0.002 + 5e-5 * most) * (1 + SPREAD * share) + 1e-8 * pairs * most / tokens
    return 0.010 + 0.0002 * decodes + 1e-6 * context + prompt


@dataclass
class Sequence:
    """A request on its way."""

    arrival: float
    prompt: int
    output: int
    computed: int
    generated: int = 0
    left: int = 0
    seen: int = 0
    tokens: list[float] = field(default_factory=list)

    @property
    def held(self) -> int:
        return self.prompt + self.generated


def plain(server: Server, traffic: list[tuple[float, int, int]]) -> tuple[list[Sequence], int]:
    """Serve the traffic step by step with lists; returns the sequences and the number of preemptions."""
    hit = server.prefix_hit_share
    every = [Sequence(a, p, o, max(int(np.ceil(p * (1 - hit) - 1e-9)), 1)) for a, p, o in traffic]
    waiting = list(every)
    decoding: list[Sequence] = []
    begun: list[Sequence] = []
    to_prefill = 0
    now, preemptions = 0.0, 0
    chunked = server.scheduler == "chunked"
    static = server.scheduler == "static"
    whole = server.admission == "whole" or static
    cap = min(server.max_batch, server.token_budget) if chunked else server.max_batch
    watermark = server.kv_tokens - int(WATERMARK_SHARE * server.kv_tokens)
    preempted: list[Sequence] = []

    def make_room() -> int:
        count = 0
        while sum(s.held for s in decoding + begun) + len(decoding) > server.kv_tokens:
            if len(decoding) + len(begun) < 2:
                break
            newest = begun.pop() if begun else decoding.pop()
            preempted.append(newest)
            count += 1
        return count

    while any(len(s.tokens) < s.output for s in every):
        if not decoding and not begun and not preempted:
            now = max(now, waiting[0].arrival)
        if chunked and not whole and decoding:
            preemptions += make_room()
        left = server.token_budget - (len(decoding) if chunked else 0)
        most = left if server.lanes == 1 else max(left // server.lanes, 1)
        chunks: list[tuple[int, int]] = []
        ending: list[Sequence] = []
        for s in list(begun):
            take = min(s.left, left, most)
            if take > 0:
                chunks.append((take, s.seen))
                s.left, s.seen, left = s.left - take, s.seen + take, left - take
            if s.left == 0:
                ending.append(s)
                begun.remove(s)
        if static and not decoding and to_prefill == 0:
            room = server.kv_tokens
            for s in waiting[:cap]:
                room -= s.prompt + s.output
                if s.arrival > now or room < 0:
                    break
                to_prefill += 1
        while left > 0 and len(begun) < server.lanes and len(decoding) + len(ending) + len(begun) < cap:
            if preempted:
                s = preempted[-1]
            elif waiting and waiting[0].arrival <= now and (not static or to_prefill > 0):
                s = waiting[0]
            else:
                break
            present = decoding + ending + begun
            if whole:
                if not static and sum(x.prompt + x.output for x in [*present, s]) > server.kv_tokens:
                    break
            else:
                used = sum(x.held for x in present)
                if used and used + s.held + len(present) + 1 > watermark:
                    break
            work = s.computed + s.generated
            if not chunked and chunks and work > left:
                break
            if preempted:
                preempted.pop()
            else:
                waiting.pop(0)
                to_prefill -= 1 if static else 0
            take = min(work, left, most) if chunked else work
            before = s.prompt - s.computed
            chunks.append((take, before))
            left -= take
            s.left, s.seen = work - take, before + take
            (begun if s.left else ending).append(s)
        if not chunked and not chunks and not whole and decoding:
            preemptions += make_room()
        runs = bool(decoding) and (chunked or not chunks)
        if runs:
            context = sum(s.prompt + min(s.generated, s.output) for s in decoding)
            now += step_seconds(len(decoding), context, chunks, server.lanes)
            for s in decoding:
                if len(s.tokens) < s.output:
                    s.tokens.append(now)
                    s.generated += 1
        else:
            now += step_seconds(0, 0, chunks, server.lanes)
        for s in ending:
            s.tokens.append(now)
            s.generated += 1
        decoding += [s for s in ending if len(s.tokens) < s.output]
        if not static:
            decoding = [s for s in decoding if len(s.tokens) < s.output]
        elif to_prefill == 0 and all(len(s.tokens) == s.output for s in decoding):
            decoding = []
    return every, preemptions


requests = st.lists(st.tuples(st.floats(0.0, 0.5), st.integers(1, 300), st.integers(1, 40)), min_size=1, max_size=25)
servers = st.builds(
    Server,
    table=st.just(step_table()),
    max_batch=st.integers(1, 12),
    kv_tokens=st.integers(345, 1500),
    token_budget=st.integers(1, 400),
    scheduler=st.sampled_from(["chunked", "prefill_first", "static"]),
    admission=st.sampled_from(["on_demand", "whole"]),
    prefix_hit_share=st.sampled_from([0.0, 0.3]),
    lanes=st.sampled_from([1, 1, 3]),
)


def run_both(server: Server, gaps: list[tuple[float, int, int]]) -> tuple[list[Sequence], int, Simulated]:
    times = np.cumsum([gap for gap, _, _ in gaps])
    traffic = [(float(t), p, o) for t, (_, p, o) in zip(times, gaps, strict=True)]
    sequences, preemptions = plain(server, traffic)
    prompt, output = (np.array([g[k] for g in gaps]) for k in (1, 2))
    run = simulate(Requests(times, prompt, output), server, offered_rate=1.0, saturation=2.0, whole_run=True)
    return sequences, preemptions, run


def assert_same(server: Server, gaps: list[tuple[float, int, int]]) -> int:
    """Both give every token at the same time; returns the number of preemptions."""
    sequences, preemptions, run = run_both(server, gaps)
    first = np.array([s.tokens[0] - s.arrival for s in sequences])
    last = np.array([s.tokens[-1] - s.arrival for s in sequences])
    np.testing.assert_allclose(run.ttft, first, rtol=1e-9)
    np.testing.assert_allclose(run.e2e, last, rtol=1e-9)
    assert run.preemptions == preemptions
    between = np.sort(np.concatenate([np.diff(s.tokens) for s in sequences]))
    assert run.gaps == between.size == run.gap_sections.sum()
    # every gap in its bin; one that lies on an edge may fall to either side
    found = np.concatenate([[0.0], np.cumsum(run.gap_sections.sum(axis=0))])
    edges = gap_edges(run.gap_bins)
    assert np.all(found >= np.searchsorted(between, edges * (1 - 1e-9)))
    assert np.all(found <= np.searchsorted(between, edges * (1 + 1e-9)))
    return preemptions


@settings(max_examples=150, deadline=None)
@given(servers, requests)
def test_that_every_token_comes_when_a_plain_scheduler_gives_it(
    server: Server, gaps: list[tuple[float, int, int]]
) -> None:
    assert_same(server, gaps)


@pytest.mark.parametrize("scheduler", ["chunked", "prefill_first"])
def test_that_a_crowd_let_in_at_once_and_preempted_before_its_first_decode_keeps_its_gaps(scheduler: str) -> None:
    """Ten short prompts join a long sequence together where memory is short by a few tokens, in every way."""
    gaps = [(0.0, 40, 30), (0.06, 3, 12)] + [(0.0, 3, 12)] * 9
    preemptions = [
        assert_same(Server(step_table(), 12, kv, 400, scheduler=scheduler), gaps)  # type: ignore[arg-type]
        for kv in range(70, 160)
    ]
    assert sum(preemptions) > 100


def test_that_the_made_up_traffic_above_does_preempt() -> None:
    server = Server(step_table(), 12, 400, token_budget=64)
    _, preemptions, run = run_both(server, [(0.001, 90, 40)] * 20)
    assert preemptions > 5
    assert run.tokens == 800


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["chunked", "prefill_first", "static"]),
    st.sampled_from(["random", "shortest_queue"]),
    st.integers(1, 4),
    st.integers(345, 2000),
    requests,
)
def test_that_no_token_is_lost_or_made_whatever_the_routing(
    scheduler: str, routing: str, replicas: int, kv_tokens: int, gaps: list[tuple[float, int, int]]
) -> None:
    server = Server(
        step_table(),
        8,
        kv_tokens,
        128,
        scheduler=scheduler,
        replicas=replicas,
        routing=routing,  # type: ignore[arg-type]
    )
    times, prompt, output = (np.array(column) for column in zip(*gaps, strict=True))
    run = simulate(Requests(np.cumsum(times), prompt, output), server, offered_rate=1.0, saturation=2.0, whole_run=True)
    assert run.tokens == output.sum()
    assert run.gaps == (output - 1).sum() == run.gap_sections.sum()
    assert np.all(run.e2e >= run.ttft)
    assert np.all(run.queue >= 0.0)
    assert run.kv_peak <= kv_tokens


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        PrefillPool,
        table=st.just(step_table()),
        replicas=st.integers(1, 3),
        max_batch=st.integers(1, 8),
        kv_tokens=st.integers(345, 1500),
        token_budget=st.integers(1, 400),
        transfer_s=st.floats(0.0, 0.1),
    ),
    st.integers(1, 12),
    st.integers(345, 1500),
    requests,
)
def test_that_pools_lose_no_token_between_them(
    pool: PrefillPool, max_batch: int, kv_tokens: int, gaps: list[tuple[float, int, int]]
) -> None:
    server = Server(step_table(), max_batch, kv_tokens, 128, scheduler="disaggregated", prefill=pool)
    times, prompt, output = (np.array(column) for column in zip(*gaps, strict=True))
    run = simulate(Requests(np.cumsum(times), prompt, output), server, saturation=1e9, whole_run=True)
    assert run.tokens == output.sum()
    assert run.gap_sections.sum() == (output - 1).sum()
    handed_over = output > 1
    assert np.all((run.e2e - run.ttft)[handed_over] > pool.transfer_s)


@settings(max_examples=60, deadline=None)
@given(servers, st.integers(1, 30), requests)
def test_that_closed_loop_never_has_more_requests_than_users(
    server: Server, users: int, gaps: list[tuple[float, int, int]]
) -> None:
    times, prompt, output = (np.array(column) for column in zip(*gaps, strict=True))
    run = simulate(Requests(np.cumsum(times), prompt, output), server, users=users, whole_run=True)
    assert run.tokens == output.sum()
    assert run.gap_sections.sum() == (output - 1).sum()
    assert np.flatnonzero(run.batch_time).max() <= users

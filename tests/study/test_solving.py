"""Break-evens and what blocks them, against a published-style example whose answers are known in closed form.

The example: a mixture of 384 experts of which 8 are taken, 61 layers, hidden 7,168, FP8 weights, latent KV cache of
70 kB a token, 64 sequences of 4,000 tokens, two all-reduces a layer of 917,504 B, 0.7 of the memory bandwidth reached,
P99 jitter 1.08, 0.5 ms of overhead a step, 3 us a hop, promise 50 ms at P99. Time of memory (W + KV)/(N * BW * 0.7)
with W = 7.432e11 B touched and KV = 1.792e10 B; the link moves 2L * 2(N-1)/N * 917,504 B in what is left.
Tables: the link bandwidth needed, GB/s, and the least memory bandwidth a card with endless links, TB/s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest

from explorer.catalog.calibration import load_calibration
from explorer.engine.collectives import allreduce_steps, allreduce_traffic
from explorer.engine.records import AllReduce, ChipSpec, LayerGroup, ModelShape, Split, StepConstants
from explorer.engine.steptime import StepWork, step_time
from explorer.study.solving import Reach, solve, unblockings

LAYERS, HIDDEN, BATCH, CONTEXT = 61, 7168, 64, 4000
HOP, OVERHEAD, JITTER, SHARE, PROMISE = 3e-6, 0.5e-3, 1.08, 0.7, 0.05
WEIGHTS_TOUCHED, KV = 7.432e11, 1.792e10

EXPERTS, TAKEN = 384, 8
CACHE_BYTES = 2e9


def _shape() -> ModelShape:
    """Experts of which 64 sequences touch W bytes, 1 - (1 - 8/384)^64 of all; attention is nothing but its cache."""
    touched = EXPERTS * (1.0 - (1.0 - TAKEN / EXPERTS) ** BATCH)
    one_expert = WEIGHTS_TOUCHED / (LAYERS * touched)
    latent = KV / (LAYERS * BATCH * CONTEXT * CACHE_BYTES)
    return ModelShape(
        layers=(LayerGroup(count=LAYERS, mixer="mla", ffn="moe"),),
        hidden=HIDDEN,
        heads=64,
        kv_heads=1,
        head_dim=128,
        intermediate=1.0,
        ffn_matrices=3,
        vocabulary=1e-6,
        tied_embeddings=True,
        experts=EXPERTS,
        experts_per_token=TAKEN,
        expert_intermediate=one_expert / (3 * HIDDEN),
        kv_lora_rank=8 / 9 * latent,
        rope_head_dim=1 / 9 * latent,
        nope_head_dim=1e-9,
        v_head_dim=1e-9,
    )


def _ideal() -> StepConstants:
    """Nothing but memory and links: every fixed time and every other cost is nought."""
    common = {key: float(value) for key, value in load_calibration().kernels["common"].items()}
    nought = dict.fromkeys(
        ("expert_routing_s", "elementwise_ops", "elementwise_t0_s", "point_to_point_s", "dispatch_base_s"), 0.0
    )
    return StepConstants(
        **{
            **common,
            **nought,
            "sharpness_mla": 60.0,
            "sharpness_moe": 60.0,
            "mla_compute_share": 1.0,
            "host_step_s": JITTER * OVERHEAD,
        }
    )


def _chip(memory_bandwidth: float) -> ChipSpec:
    endless = 1e30
    return ChipSpec(
        memory_bandwidth=memory_bandwidth,
        peak=endless,
        peak_16bit=endless,
        weight_bytes=1.0,
        activation_bytes=0.0,
        kv_bytes=CACHE_BYTES,
        gemm_t0=0.0,
        gemm_compute=1.0,
        gemm_memory=1e12,
        gemm_sharpness=60.0,
        gemm16_t0=0.0,
        gemm16_compute=1.0,
        gemm16_memory=1e12,
        gemm16_sharpness=60.0,
        decode_attention_t0=0.0,
        decode_attention_memory=SHARE,
        prefill_attention_t0=0.0,
        prefill_attention_compute=1.0,
        expert_t0=0.0,
        expert_memory=SHARE,
        expert_compute=1.0,
        elementwise_factor=0.0,
        step_factor=JITTER,
        link_bandwidth=endless,
        scaleout_bandwidth=endless,
        scaleup_domain=64.0,
    )


@dataclass
class Example:
    """The example on N cards with one all-reduce algorithm, through the engine's own step time."""

    cards: int
    algorithm: str
    memory_bandwidth: float
    sharded: bool = True
    hop: float = HOP

    @property
    def reaches(self) -> Mapping[str, Reach]:
        memory = self.memory_bandwidth
        return {
            "link": Reach(100e9, 1e8, 1e14, 1e5, 1e18),
            "memory": Reach(memory, memory / 1e3, memory * 1e3, memory / 1e6, memory * 1e6),
            "hop": Reach(self.hop, self.hop / 1e3, self.hop * 1e3, self.hop / 1e6, self.hop * 1e6),
        }

    def time(self, values: Mapping[str, float]) -> float:
        link, memory = values.get("link", 100e9), values.get("memory", self.memory_bandwidth)
        hop = values.get("hop", self.hop)
        reduce = AllReduce(
            alpha=np.full((1, 1, 1), float(allreduce_steps(self.algorithm, self.cards)) * hop),
            slope=np.full((1, 1, 1), float(allreduce_traffic(self.algorithm, self.cards)) / link),
            root=np.zeros((1, 1)),
        )
        split = Split(float(self.cards), 1.0, 1.0, float(self.cards))
        work = StepWork(decode=np.asarray([[float(BATCH)]]), context=float(CONTEXT))
        found = step_time(_shape(), _chip(memory), split, reduce, work, _ideal(), sequence_sharding=self.sharded)
        return float(found[0, 0])

    def margin(self, values: Mapping[str, float]) -> float:
        return math.log(PROMISE / self.time(values))


TABLE = [
    (32, "ring", 1.5, 480.17),
    (32, "ring", 2.2, 28.32),
    (32, "rabenseifner", 1.0, 26.59),
    (32, "rabenseifner", 1.5, 11.13),
    (32, "rabenseifner", 2.2, 8.13),
    (32, "two_shot", 1.0, 19.56),
    (32, "two_shot", 1.5, 9.68),
    (32, "two_shot", 2.2, 7.32),
    (16, "ring", 2.2, 53.45),
    (16, "rabenseifner", 2.2, 17.52),
]
INFEASIBLE = [
    (32, "ring", 0.5, 1.4707),
    (32, "ring", 1.0, 1.4707),
    (32, "rabenseifner", 0.5, 0.8064),
    (32, "two_shot", 0.5, 0.7540),
    (16, "ring", 1.5, 1.9519),
    (16, "rabenseifner", 1.5, 1.5853),
    (8, "ring", 2.2, 3.3417),
    (8, "two_shot", 2.2, 3.0160),
]


@pytest.mark.parametrize(("cards", "algorithm", "memory", "link"), TABLE)
def test_that_the_link_needed_is_that_of_the_table(cards: int, algorithm: str, memory: float, link: float) -> None:
    solution = solve(Example(cards, algorithm, memory * 1e12), "link")
    assert solution.value == pytest.approx(link * 1e9, rel=0.01)
    assert solution.rising and solution.monotone
    assert solution.status == ("already met" if link <= 100 else "value")


@pytest.mark.parametrize(("cards", "algorithm", "memory", "least"), INFEASIBLE)
def test_that_too_little_memory_bandwidth_blocks_even_endless_links(
    cards: int, algorithm: str, memory: float, least: float
) -> None:
    problem = Example(cards, algorithm, memory * 1e12)
    solution = solve(problem, "link")
    assert solution.status == "infeasible" and solution.value is None
    blocking = {one.name: one for one in unblockings(problem, "link", solution.best_end)}
    assert blocking["memory"].value == pytest.approx(least * 1e12, rel=0.01)
    assert blocking["memory"].rising


@pytest.mark.parametrize(("cards", "algorithm", "memory", "link"), TABLE)
def test_that_a_replicated_cache_needs_the_more(cards: int, algorithm: str, memory: float, link: float) -> None:
    """The same inputs with the cache on every card: (W/N + KV)/(BW * 0.7)."""
    steps = float(allreduce_steps(algorithm, cards))
    read = (WEIGHTS_TOUCHED / cards + KV) / (memory * 1e12 * SHARE)
    left = PROMISE / JITTER - OVERHEAD - read - 2 * LAYERS * steps * HOP
    moved = 2 * LAYERS * 2 * (cards - 1) / cards * BATCH * HIDDEN * 2
    solution = solve(Example(cards, algorithm, memory * 1e12, sharded=False), "link")
    if left <= 0:
        assert solution.status == "infeasible"
        least = (WEIGHTS_TOUCHED / cards + KV) / SHARE / (left + read)
        problem = Example(cards, algorithm, memory * 1e12, sharded=False)
        found = {one.name: one.value for one in unblockings(problem, "link", solution.best_end)}
        assert found["memory"] == pytest.approx(least, rel=0.01)
    else:
        assert solution.value == pytest.approx(moved / left, rel=0.01)
        assert solution.value is not None and solution.value > link * 1e9


def test_that_two_cards_hold_the_weights_but_need_half_a_second_a_step() -> None:
    """(W + KV)/(2 * 1e12 * 0.7) = 544 ms: capacity is not servability."""
    example = replace(Example(2, "ring", 1e12), hop=1e-12)
    assert example.time({"link": 1e18}) / JITTER - OVERHEAD == pytest.approx(0.5437, rel=1e-3)


@dataclass
class Curve:
    """A goal that is met where a function of one number is not negative."""

    def margin(self, values: Mapping[str, float]) -> float:
        x = math.log10(values["x"])
        return (x - 1.0) * (3.0 - x)

    @property
    def reaches(self) -> Mapping[str, Reach]:
        return {"x": Reach(1.0, 1e-3, 1e5, 1e-6, 1e8)}


def test_that_a_goal_met_only_in_a_middle_range_has_both_its_ends_named() -> None:
    solution = solve(Curve(), "x")
    assert [one.value for one in solution.crossings] == pytest.approx([10.0, 1000.0], rel=1e-5)
    assert [one.rising for one in solution.crossings] == [True, False]
    assert solution.value == pytest.approx(10.0, rel=1e-5)
    assert not solution.monotone

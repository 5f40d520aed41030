"""What models weigh and what chips must hold, against published sizes, hand counts and the scaling book's answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import load_catalog
from explorer.catalog.model import parameter_count
from explorer.engine.fabric import Fabric, allreduce_coefficients
from explorer.engine.memory import (
    bytes_touched_per_step,
    count_weights,
    expert_parameters,
    experts_touched,
    kv_bytes_per_sequence,
    kv_bytes_per_token,
    largest_batch,
    largest_context,
    other_bytes_per_chip,
    weight_bytes_per_chip,
)
from explorer.engine.records import ModelShape, Split, StepConstants
from explorer.study.resolve import WEIGHT_BYTES, shape_of, step_constants

ALONE = Split(1.0, 1.0, 1.0, 1.0)


def shape(model: str) -> ModelShape:
    """The engine's shape of a shipped model."""
    return shape_of(load_catalog().model(model))


def split(tp: int = 1, pp: int = 1, dp: int = 1, ep: int = 1) -> Split:
    """A split of one replica's chips."""
    return Split(float(tp), float(pp), float(dp), float(ep))


def bare_constants() -> StepConstants:
    """Constants without reserves, so that hand arithmetic applies."""
    return replace(
        step_constants(),
        usable_memory_share=1.0,
        runtime_reserve_bytes=0.0,
        collective_buffer_bytes=0.0,
        activation_copies=0.0,
    )


@pytest.mark.parametrize("model", sorted(load_catalog().models))
def test_that_the_engine_and_the_catalogue_count_the_same_parameters(model: str) -> None:
    record = load_catalog().model(model)
    assert count_weights(shape_of(record)).total == pytest.approx(parameter_count(record), rel=1e-3)


@pytest.mark.parametrize(
    ("model", "active"),
    [
        # model cards: DeepSeek-V3 "37B activated", Kimi K2 "32B activated", gpt-oss-120b "5.1B active", dense: all
        ("deepseek-v3", 37e9),
        ("kimi-k2", 32e9),
        ("gpt-oss-120b", 5.1e9),
        ("llama-3.1-70b", 70.6e9),
    ],
)
def test_that_active_parameters_are_those_of_the_model_card(model: str, active: float) -> None:
    assert count_weights(shape(model)).active == pytest.approx(active, rel=0.05)


def test_that_llama_70b_weighs_141_gigabytes_in_16_bit() -> None:
    # 70.55e9 parameters (Llama 3.1 model card) x 2 bytes
    assert weight_bytes_per_chip(shape("llama-3.1-70b"), 2.0, ALONE) == pytest.approx(141e9, rel=0.01)


def test_that_llama_70b_keeps_327680_bytes_a_token() -> None:
    # 2 x 80 layers x 8 KV heads x 128 x 2 bytes
    assert kv_bytes_per_token(shape("llama-3.1-70b"), 2.0) == 327_680


def test_that_deepseek_v3_keeps_70272_bytes_a_token() -> None:
    # 61 layers x (512 latent + 64 rotary) x 2 bytes (arXiv 2412.19437, section 4.2)
    assert kv_bytes_per_token(shape("deepseek-v3"), 2.0) == 70_272


def test_that_eight_way_deepseek_holds_82_gigabytes_of_experts_a_chip_and_not_10() -> None:
    # 58 layers x 256 experts x 3 x 7168 x 2048 = 653.9e9 in FP8 over tp*dp = 8 ranks once, not over tp and ep both
    found = shape("deepseek-v3")
    without_experts = replace(found, experts=0.0, experts_per_token=0.0)
    router = 58 * 256 * 7168 / 8
    held = (
        weight_bytes_per_chip(found, 1.0, split(tp=8, ep=8))
        - weight_bytes_per_chip(without_experts, 1.0, split(tp=8, ep=8))
        - router
    )
    assert held == pytest.approx(81.74e9, rel=1e-3)


@pytest.mark.parametrize(("tp", "dp", "ep"), [(8, 1, 1), (8, 1, 8), (1, 8, 8), (2, 4, 4), (4, 2, 1)])
def test_that_expert_bytes_depend_on_all_ranks_and_not_on_how_they_are_named(tp: int, dp: int, ep: int) -> None:
    """ep * moe_tp = tp * dp: experts are split over all ranks of the group once."""
    found = shape("deepseek-v3")
    layout = split(tp=tp, dp=dp, ep=ep)
    count = count_weights(found)
    dense = count.dense / tp + count.embedding * 2.0 / tp
    assert weight_bytes_per_chip(found, 1.0, layout) - dense == pytest.approx(count.experts / 8)


def test_that_weights_of_all_chips_are_the_whole_model() -> None:
    found = shape("llama-3.1-405b")
    count = count_weights(found)
    for tp, pp in [(8, 1), (4, 2), (1, 16)]:
        all_chips = weight_bytes_per_chip(found, 1.0, split(tp=tp, pp=pp)) * tp * pp
        # embeddings sit on first and last stage; each stage is budgeted for both
        assert all_chips == pytest.approx(count.dense + count.embedding * 2.0 * pp)


def test_that_key_value_heads_replicate_beyond_their_number() -> None:
    found = shape("llama-3.1-70b")
    whole = kv_bytes_per_token(found, 2.0)
    degrees = np.array([1.0, 2.0, 8.0, 16.0, 64.0])
    assert kv_bytes_per_token(found, 2.0, degrees) == pytest.approx(whole / np.array([1, 2, 8, 8, 8]))
    sharded = kv_bytes_per_token(found, 2.0, degrees, sequence_sharding=True)
    assert sharded == pytest.approx(whole / degrees)


def test_that_a_latent_cache_is_on_every_tensor_rank_unless_the_sequence_is_sharded() -> None:
    found = shape("deepseek-v3")
    assert kv_bytes_per_token(found, 2.0, 8.0) == 70_272
    assert kv_bytes_per_token(found, 2.0, 8.0, sequence_sharding=True) == 70_272 / 8


def test_that_a_full_window_stops_growing() -> None:
    """gpt-oss-120b: 18 layers of window 128 and 18 of full attention, 8 heads of 64 (openai/gpt-oss config.json)."""
    found = shape("gpt-oss-120b")
    a_layer = 2 * 8 * 64 * 2.0
    assert kv_bytes_per_sequence(found, 2.0, 100.0) == 36 * a_layer * 100
    assert kv_bytes_per_sequence(found, 2.0, 10_000.0) == 18 * a_layer * (10_000 + 128)
    assert kv_bytes_per_token(found, 2.0, window_reached=True) == 18 * a_layer


def test_that_a_recurrent_layer_keeps_the_same_state_at_any_length() -> None:
    found = shape("nemotron-h-56b")
    recurrent = sum(group.count for group in found.layers if group.mixer in ("linear", "mamba"))
    assert recurrent > 0
    assert kv_bytes_per_sequence(found, 2.0, 0.0) == pytest.approx(recurrent * found.recurrent_state_bytes)
    grown = kv_bytes_per_sequence(found, 2.0, 5000.0) - kv_bytes_per_sequence(found, 2.0, 0.0)
    assert grown == pytest.approx(5000 * float(kv_bytes_per_token(found, 2.0)))


def test_that_64_tokens_touch_74_percent_of_384_experts() -> None:
    # theory: 1 - (1 - 8/384)^64 = 0.7400895651503068
    assert experts_touched(384, 8, 64) / 384 == pytest.approx(0.7400895651503068, rel=1e-12)


def test_that_one_token_touches_its_own_experts_and_many_touch_all() -> None:
    assert experts_touched(256, 8, 1) == pytest.approx(8.0)
    assert experts_touched(256, 8, 1e6) == pytest.approx(256.0)
    assert experts_touched(8, 8, 3) == pytest.approx(8.0)


@given(st.integers(2, 512), st.floats(1, 4096), st.floats(1.01, 4))
@settings(max_examples=50)
def test_that_more_tokens_touch_more_experts_but_never_more_than_there_are(
    experts: int, tokens: float, more: float
) -> None:
    few, many = experts_touched(experts, 2, tokens), experts_touched(experts, 2, tokens * more)
    assert few <= many <= experts
    assert many <= 2 * tokens * more * (1 + 1e-12)


class TestTrillionOnOneCard:
    """Kimi K2, 1.026e12 parameters, 4-bit weights with their scales: one AI200 card holds it, one H200 does not."""

    def needed(self, capacity: float) -> float:
        found = shape("kimi-k2")
        other = other_bytes_per_chip(found, 2048, capacity, ALONE, step_constants())
        return float(weight_bytes_per_chip(found, WEIGHT_BYTES["fp4"], ALONE) + other)

    def test_that_it_takes_552_of_the_707_gigabytes_usable_on_one_ai200(self) -> None:
        capacity = load_catalog().chip("qcom-ai200").figures["memory_capacity"].value
        usable = capacity * step_constants().usable_memory_share
        assert usable == pytest.approx(707e9, rel=0.005)
        assert self.needed(capacity) == pytest.approx(552e9, rel=0.005)

    def test_that_sequences_of_8192_tokens_fit_beside_it_on_ai200_and_none_on_h200(self) -> None:
        held = {
            chip: float(
                largest_batch(
                    shape("kimi-k2"),
                    WEIGHT_BYTES["fp4"],
                    1.0,
                    8192,
                    load_catalog().chip(chip).figures["memory_capacity"].value,
                    2048,
                    ALONE,
                    step_constants(),
                )
            )
            for chip in ("qcom-ai200", "nv-h200")
        }
        # (706.6 - 551.6) GB over 8192 x 35,136 bytes
        assert held["qcom-ai200"] == pytest.approx(155e9 / (8192 * 35_136), rel=0.01)
        assert held["nv-h200"] < 0


class TestScalingBook:
    """Worked answers of jax-ml/scaling-book, applied-inference.md: LLaMA-3-70B on TPU v5e (16 GB, 8.1e11 B/s)."""

    def test_that_a_token_takes_324_kilobytes_and_half_of_that_in_8_bit(self) -> None:
        found = shape("llama-3.1-70b")
        assert kv_bytes_per_token(found, 2.0) == pytest.approx(324e3, rel=0.02)
        assert kv_bytes_per_token(found, 1.0) == pytest.approx(162e3, rel=0.02)
        assert kv_bytes_per_token(found, 0.5) == pytest.approx(81e3, rel=0.02)

    def test_that_batch_240_at_32k_needs_86_chips(self) -> None:
        found = shape("llama-3.1-70b")
        sequence = float(kv_bytes_per_sequence(found, 1.0, 32_768))
        assert sequence == pytest.approx(5.3e9, rel=0.02)
        assert 240 * sequence == pytest.approx(1.3e12, rel=0.02)
        chips = (float(weight_bytes_per_chip(found, 1.0, ALONE)) + 240 * sequence) / 16e9
        assert chips == pytest.approx(86, rel=0.02)

    def test_that_112_gigabytes_a_step_take_17_ms_on_8_chips_and_half_on_16(self) -> None:
        found = shape("llama-3.1-70b")
        alone = float(bytes_touched_per_step(found, 1.0, 1.0, 32, 8192, ALONE))
        assert alone == pytest.approx(112e9, rel=0.03)
        eight = float(bytes_touched_per_step(found, 1.0, 1.0, 32, 8192, split(tp=8))) / 8.1e11
        assert eight == pytest.approx(17e-3, rel=0.04)
        # 16 chips share 8 KV heads: only with the sequence sharded does the step halve
        sharded = bytes_touched_per_step(found, 1.0, 1.0, 32, 8192, split(tp=16), sequence_sharding=True)
        assert float(sharded) / 8.1e11 == pytest.approx(8.5e-3, rel=0.04)
        assert float(bytes_touched_per_step(found, 1.0, 1.0, 32, 8192, split(tp=16))) > 1.3 * float(sharded)

    def test_that_sixteen_chips_hold_43_sequences_of_8k_in_16_bit(self) -> None:
        # the book's 8- and 4-bit rows start from 68 and 19 GB left, which 128 - 70 and 64 - 35 are not
        held = largest_batch(
            shape("llama-3.1-70b"),
            2.0,
            2.0,
            8192,
            16e9,
            2048,
            split(tp=16),
            bare_constants(),
            sequence_sharding=True,
        )
        assert int(held) in (42, 43)


MODELS = st.sampled_from(["llama-3.1-8b", "llama-3.1-70b", "gpt-oss-120b", "deepseek-v3", "kimi-k2", "nemotron-h-56b"])
SPLITS = st.sampled_from([(8, 1, 1, 8), (4, 2, 1, 4), (2, 1, 4, 8), (16, 1, 1, 16), (1, 1, 32, 32)])


@given(MODELS, SPLITS, st.floats(100, 200_000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_that_the_largest_batch_fills_the_memory_exactly(
    model: str, layout: tuple[int, int, int, int], context: float, sharding: bool
) -> None:
    found, chips, constants, capacity = shape(model), split(*layout), step_constants(), 200e9
    held = float(
        largest_batch(found, 0.53125, 1.0, context, capacity, 2048, chips, constants, sequence_sharding=sharding)
    )
    a_sequence = float(kv_bytes_per_sequence(found, 1.0, context, chips.tp, pp=chips.pp, sequence_sharding=sharding))
    used = (
        float(weight_bytes_per_chip(found, 0.53125, chips))
        + float(other_bytes_per_chip(found, 2048, capacity, chips, constants))
        + held / layout[2] * a_sequence
    )
    assert used == pytest.approx(capacity * constants.usable_memory_share, rel=1e-9)


@given(MODELS, SPLITS, st.sampled_from([80e9, 141e9, 768e9]))
@settings(max_examples=60, deadline=None)
def test_that_the_longest_context_is_the_one_of_which_a_single_sequence_fits(
    model: str, layout: tuple[int, int, int, int], capacity: float
) -> None:
    found, chips, constants = shape(model), split(*layout), step_constants()
    weights = float(weight_bytes_per_chip(found, 1.0, chips))
    free = (
        capacity * constants.usable_memory_share
        - weights
        - float(other_bytes_per_chip(found, 2048, capacity, chips, constants))
    )
    longest = largest_context(found, 1.0, free, chips)
    at_zero = float(kv_bytes_per_sequence(found, 1.0, 0.0, chips.tp, pp=chips.pp))
    if free <= at_zero:
        assert longest == 0.0
    else:
        a_sequence = float(kv_bytes_per_sequence(found, 1.0, longest, chips.tp, pp=chips.pp))
        assert a_sequence == pytest.approx(free, rel=1e-9)


def test_that_a_sequence_takes_the_memory_of_one_attention_rank_of_several() -> None:
    found, constants = shape("deepseek-v3"), bare_constants()
    one = float(largest_batch(found, 0.0, 1.0, 4096, 100e9, 0, split(tp=1, dp=1), constants))
    four = float(largest_batch(found, 0.0, 1.0, 4096, 100e9, 0, split(tp=1, dp=4, ep=4), constants))
    embedding = float(weight_bytes_per_chip(found, 0.0, ALONE))
    assert embedding > 0
    assert four == pytest.approx(4 * one)


class TestBreakEvenBandwidth:
    """The break-even table of a trillion-parameter mixture of experts over cards of unknown bandwidth.

    61 layers, hidden 7168, 384 experts top-8; one step at batch 64 and context 4000 touches 7.432e11 B of weights and
    1.792e10 B of latent KV; two all-reduces of 917,504 B a layer; 70 % of the bandwidth reached, P99 jitter 1.08,
    0.5 ms of overhead, 3 us a message, target 50 ms. Smallest bandwidth with infinitely fast links, TB/s.
    """

    WEIGHTS, KV_A_TOKEN, BATCH, CONTEXT = 7.432e11, 70_000.0, 64, 4000
    MESSAGE, LAYERS = 917_504.0, 61
    BUDGET = 50e-3 / 1.08 - 0.5e-3

    def bytes_a_chip(self, ranks: int, sharded: bool) -> float:
        found = replace(shape("kimi-k2"), vocabulary=0.0)
        at_one_byte = float(bytes_touched_per_step(found, 1.0, 0.0, self.BATCH, self.CONTEXT, ALONE))
        kv_width = self.KV_A_TOKEN / (self.LAYERS * (512 + 64))
        return float(
            bytes_touched_per_step(
                found,
                self.WEIGHTS / at_one_byte,
                kv_width,
                self.BATCH,
                self.CONTEXT,
                split(tp=ranks, ep=ranks),
                sequence_sharding=sharded,
            )
        )

    def exchanges(self, algorithm: str, ranks: int, link: float) -> float:
        fabric = Fabric(
            base_latency=0.0,
            hop_latency=3e-6,
            link_bandwidth=link,
            efficiency=1.0,
            scaleup_domain=64.0,
            scaleout_bandwidth=1e9,
            algorithms=(algorithm,),
        )
        one = allreduce_coefficients(ranks, fabric, step_constants()).time(self.MESSAGE)
        return 2 * self.LAYERS * float(one[0, 0])

    def smallest_bandwidth(self, algorithm: str, ranks: int, sharded: bool) -> float:
        left = self.BUDGET - self.exchanges(algorithm, ranks, np.inf)
        return self.bytes_a_chip(ranks, sharded) / (0.7 * left)

    @pytest.mark.parametrize(
        ("algorithm", "ranks", "terabytes"),
        [
            ("ring", 32, 1.4707),
            ("rabenseifner", 32, 0.8064),
            ("two_shot", 32, 0.7540),
            ("ring", 16, 1.9519),
            ("rabenseifner", 16, 1.5853),
        ],
    )
    def test_that_it_is_as_printed_with_the_sequence_sharded(
        self, algorithm: str, ranks: int, terabytes: float
    ) -> None:
        found = self.smallest_bandwidth(algorithm, ranks, sharded=True)
        assert found == pytest.approx(terabytes * 1e12, rel=1e-4)

    @pytest.mark.parametrize(
        ("algorithm", "ranks", "terabytes"),
        [
            ("ring", 32, 2.544),
            ("ring", 16, 2.641),
            ("rabenseifner", 32, 1.395),
            ("rabenseifner", 16, 2.145),
        ],
    )
    def test_that_it_is_higher_with_the_latent_cache_on_every_rank(
        self, algorithm: str, ranks: int, terabytes: float
    ) -> None:
        found = self.smallest_bandwidth(algorithm, ranks, sharded=False)
        assert found == pytest.approx(terabytes * 1e12, rel=5e-4)

    @pytest.mark.parametrize(
        ("algorithm", "ranks", "bandwidth", "gigabytes"),
        [
            ("ring", 32, 1.5, 480.17),
            ("ring", 32, 2.2, 28.315),
            ("rabenseifner", 32, 1.0, 26.59),
            ("rabenseifner", 32, 2.2, 8.13),
            ("two_shot", 32, 1.0, 19.56),
            ("ring", 16, 2.2, 53.45),
            ("rabenseifner", 16, 2.2, 17.52),
        ],
    )
    def test_that_the_link_it_needs_just_keeps_the_budget(
        self, algorithm: str, ranks: int, bandwidth: float, gigabytes: float
    ) -> None:
        reading = self.bytes_a_chip(ranks, sharded=True) / (bandwidth * 1e12 * 0.7)
        step = reading + self.exchanges(algorithm, ranks, gigabytes * 1e9)
        assert step == pytest.approx(self.BUDGET, rel=1e-3)

    def test_that_eight_cards_of_3_terabytes_a_second_are_too_slow(self) -> None:
        for algorithm in ("ring", "rabenseifner", "two_shot"):
            assert self.smallest_bandwidth(algorithm, 8, sharded=True) > 3.0e12


def test_that_one_expert_of_deepseek_has_44_million_weights() -> None:
    # 3 x 7168 x 2048
    assert expert_parameters(shape("deepseek-v3")) == 44_040_192

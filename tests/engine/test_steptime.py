"""The time of a step: limits of the roofline, directions of every effect, published neighbourhoods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from explorer.catalog import load_catalog
from explorer.engine.fabric import allreduce_coefficients
from explorer.engine.memory import bytes_touched_per_step, count_weights, expert_parameters
from explorer.engine.records import ChipSpec, Split, stack_allreduce
from explorer.engine.steptime import StepWork, smooth_roofline, step_time
from explorer.study.figures import central_values
from explorer.study.resolve import chip_spec, fabric_of, shape_of, step_constants

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Served:
    """A shipped model on one replica of a shipped chip, with some figures of the chip replaced (SI)."""

    model: str
    chip: str
    tp: int = 1
    pp: int = 1
    dp: int = 1
    precision: str = "fp8"
    kv: str = "fp8"
    sharded: bool = False
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def split(self) -> Split:
        group = self.tp * self.dp
        ep = group if shape_of(load_catalog().model(self.model)).is_moe else 1
        return Split(*(np.array([[float(n)]]) for n in (self.tp, self.pp, self.dp, ep)))

    def spec(self) -> ChipSpec:
        chip = load_catalog().chip(self.chip)
        return chip_spec(chip, {**central_values(chip, {}), **self.figures}, self.precision, self.kv)

    def step(
        self,
        batch: ArrayLike,
        context: float = 1024.0,
        prefill: ArrayLike = 0.0,
        prefill_context: float = 512.0,
        spec: ChipSpec | None = None,
    ) -> Array:
        """Seconds at each batch, shape (points,)."""
        chip = load_catalog().chip(self.chip)
        values = {**central_values(chip, {}), **self.figures}
        return step_time(
            shape_of(load_catalog().model(self.model)),
            self.spec() if spec is None else spec,
            self.split,
            allreduce_coefficients(self.tp, fabric_of(chip, values), step_constants()),
            StepWork(np.atleast_2d(batch).astype(np.float64), context, prefill, prefill_context),
            step_constants(),
            sequence_sharding=self.sharded,
        )[0]


def test_that_the_roofline_is_the_sum_at_sharpness_one_and_the_larger_at_infinity() -> None:
    compute, memory = np.array([1.0, 3.0, 2.0]), np.array([2.0, 1.0, 2.0])
    assert smooth_roofline(compute, memory, 1.0) == pytest.approx(compute + memory)
    assert smooth_roofline(compute, memory, 500.0) == pytest.approx(np.maximum(compute, memory), rel=2e-3)
    # equal legs at p = 2: root two
    assert smooth_roofline(np.array(1.0), np.array(1.0), 2.0) == pytest.approx(np.sqrt(2.0))


@given(st.floats(0, 1e12), st.floats(0, 1e12), st.floats(1, 50))
def test_that_the_roofline_lies_between_the_larger_and_the_sum(compute: float, memory: float, p: float) -> None:
    found = float(smooth_roofline(np.array(compute), np.array(memory), p))
    assert max(compute, memory) * (1 - 1e-12) <= found <= (compute + memory) * (1 + 1e-12)


def test_that_the_roofline_neither_overflows_nor_divides_by_nothing() -> None:
    assert smooth_roofline(np.array(1e300), np.array(1e-300), 20.0) == 1e300
    assert smooth_roofline(np.array(0.0), np.array(0.0), 2.0) == 0.0


SERVED = st.sampled_from(
    [
        Served("llama-3.1-70b", "nv-h200"),
        Served("llama-3.1-70b", "qcom-ai200", tp=2),
        Served("llama-3.1-405b", "aws-trn2", tp=16),
        Served("gpt-oss-120b", "nv-h100-sxm", tp=2, precision="fp4"),
        Served("deepseek-v3", "nv-h200", tp=8),
        Served("deepseek-v3", "nv-h200", tp=1, dp=8),
        Served("kimi-k2", "nv-gb200-nvl72", tp=8, precision="fp4"),
        Served("kimi-k2", "qcom-ai200", tp=4, pp=2, precision="int4"),
        Served("nemotron-h-56b", "nv-h200", tp=2),
    ]
)


@given(SERVED, st.floats(1, 1e5))
@settings(max_examples=40, deadline=None)
def test_that_a_larger_batch_never_shortens_the_step(served: Served, context: float) -> None:
    steps = served.step(np.geomspace(1, 4096, 60), context)
    assert np.all(np.diff(steps) >= 0)
    assert steps[-1] > 2 * steps[0]
    assert np.all(np.diff(steps / np.geomspace(1, 4096, 60)) < 0), "a larger batch is never less efficient"


@given(SERVED, st.floats(1, 512), st.floats(16, 1e5), st.floats(1.1, 50))
@settings(max_examples=60, deadline=None)
def test_that_longer_contexts_and_more_prompt_never_shorten_the_step(
    served: Served, batch: float, context: float, factor: float
) -> None:
    base = served.step(batch, context)[0]
    assert served.step(batch, context * factor)[0] >= base
    some = served.step(batch, context, 256.0)[0]
    assert base < some <= served.step(batch, context, 256.0 * factor)[0]
    assert some <= served.step(batch, context, 256.0, 512.0 * factor)[0]


BETTER = st.sampled_from(
    ["memory_bandwidth", "peak", "peak_16bit", "link_bandwidth", "scaleout_bandwidth", "scaleup_domain"]
)


@given(SERVED, BETTER, st.floats(1, 512), st.floats(0, 8192), st.floats(1.05, 20))
@settings(max_examples=80, deadline=None)
def test_that_a_better_figure_never_lengthens_the_step(
    served: Served, name: str, batch: float, prefill: float, factor: float
) -> None:
    spec = served.spec()
    better = replace(spec, **{name: getattr(spec, name) * factor})
    base = served.step(batch, 2048, prefill, 2048.0, spec=spec)[0]
    assert served.step(batch, 2048, prefill, 2048.0, spec=better)[0] <= base * (1 + 1e-12)


@given(SERVED, st.floats(1, 512), st.floats(1.05, 3))
@settings(max_examples=40, deadline=None)
def test_that_a_residual_multiplies_the_chips_part_of_the_step(served: Served, batch: float, factor: float) -> None:
    spec = served.spec()
    host = step_constants().host_step_s
    base = served.step(batch, spec=spec)[0]
    slower = served.step(batch, spec=replace(spec, step_factor=spec.step_factor * factor))[0]
    assert slower - host == pytest.approx((base - host) * factor)


def test_that_one_chip_talks_to_nobody() -> None:
    slow = {"link_bandwidth": 1.0, "hop_latency": 1.0, "collective_base_latency": 10.0}
    for chip in ("nv-h200", "aws-trn2"):
        alone = Served("llama-3.1-8b", chip)
        assert replace(alone, figures=slow).step([1, 64]) == pytest.approx(alone.step([1, 64]))
        pair = Served("llama-3.1-8b", chip, tp=2)
        if chip == "aws-trn2":
            assert np.all(replace(pair, figures=slow).step([1, 64]) > 10.0)


def test_that_a_card_of_several_memory_domains_talks_to_itself() -> None:
    card = Served("llama-3.1-8b", "qcom-ai200")
    one = replace(card, figures={"memory_domains": 1.0}).step(1)[0]
    four = replace(card, figures={"memory_domains": 4.0}).step(1)[0]
    # two all-reduces a layer, 32 layers, each 2*log2(4) hops and 1.5 S over the on-card link
    values = central_values(load_catalog().chip("qcom-ai200"), {})
    message = 4096 * 2.0
    extra = 64 * (4 * values["hop_latency"] + 1.5 * message / values["on_card_link"])
    assert four - one == pytest.approx(extra * card.spec().step_factor, rel=1e-6)


def test_that_two_all_reduces_a_layer_are_paid_for_tensor_parallelism() -> None:
    served = Served("llama-3.1-70b", "aws-trn2", tp=4)
    base = served.step(8)[0]
    values = central_values(load_catalog().chip("aws-trn2"), {})
    later = replace(served, figures={"collective_base_latency": values["collective_base_latency"] + 1e-4})
    assert later.step(8)[0] - base == pytest.approx(160 * 1e-4 * served.spec().step_factor, rel=1e-6)


@pytest.mark.parametrize(
    "whole",
    [
        Served("llama-3.1-70b", "nv-h200", tp=8),
        Served("kimi-k2", "qcom-ai200", tp=4, precision="int4"),
    ],
)
def test_that_pipeline_stages_do_not_cut_the_time_per_token_of_one_sequence(whole: Served) -> None:
    """A token passes all layers one after another, and its experts with it: pp divides memory, not latency."""
    assert replace(whole, pp=2).step(1)[0] >= whole.step(1)[0]
    assert replace(whole, pp=2).step(64)[0] < whole.step(64)[0]


def test_that_a_stage_hands_its_micro_batch_over_the_link() -> None:
    whole = Served("llama-3.1-70b", "qcom-ai200", tp=4)
    spec = whole.spec()
    handed = step_constants().point_to_point_s + 32 * 8192 * 2.0 / float(spec.link_bandwidth)
    for stages in (2, 4):
        added = replace(whole, pp=stages).step(32.0 * stages)[0] - whole.step(32.0)[0]
        assert added == pytest.approx((stages - 1) * handed * float(spec.step_factor), rel=1e-6)


def test_that_one_sequence_is_not_divided_over_attention_ranks() -> None:
    """The step waits for the rank that has it: its whole cache is read by one chip."""
    spread = Served("deepseek-v3", "nv-h200", dp=8)
    longer = spread.step(1, 100_000)[0] - spread.step(1, 1000)[0]
    alone = replace(spread, dp=1)
    assert longer == pytest.approx(alone.step(1, 100_000)[0] - alone.step(1, 1000)[0], rel=1e-6)
    assert spread.step(8, 100_000)[0] - spread.step(8, 1000)[0] == pytest.approx(longer, rel=1e-6)


def test_that_a_lone_decode_of_llama_70b_is_between_reading_its_weights_and_what_four_were_measured_at() -> None:
    served = Served("llama-3.1-70b", "nv-h200")
    shape = shape_of(load_catalog().model("llama-3.1-70b"))
    reading = float(bytes_touched_per_step(shape, 1.0, 1.0, 1, 1024, Split(1.0, 1.0, 1.0, 1.0))) / 4.8e12
    assert reading < served.step(1)[0] < 21.5e-3


@given(SERVED, st.floats(1, 256), st.floats(64, 16_384))
@settings(max_examples=40, deadline=None)
def test_that_no_step_is_faster_than_reading_what_it_touches(served: Served, batch: float, context: float) -> None:
    shape = shape_of(load_catalog().model(served.model))
    spec = served.spec()
    # a micro-batch passes all stages one after another
    passing = Split(served.tp, 1.0, served.dp, 1.0)
    touched = bytes_touched_per_step(shape, spec.weight_bytes, spec.kv_bytes, batch / served.pp, context, passing)
    assert served.step(batch, context)[0] > float(touched) / spec.memory_bandwidth


@given(SERVED, st.floats(64, 8192))
@settings(max_examples=40, deadline=None)
def test_that_no_prompt_is_faster_than_its_arithmetic(served: Served, prompt: float) -> None:
    shape = shape_of(load_catalog().model(served.model))
    spec = served.spec()
    head = shape.vocabulary * shape.hidden
    flops = 2.0 * (count_weights(shape).active - head) * prompt
    chips = served.tp * served.pp * served.dp
    peak = max(float(spec.peak), float(spec.peak_16bit))
    assert served.step(0.0, 1.0, prompt)[0] > flops / (chips * peak)


def test_that_a_prompt_at_40_percent_of_the_peak_takes_what_the_scaling_book_says() -> None:
    # LLaMA-3-70B, 8,192 tokens on 16 TPU v5e (197e12 FLOP/s) at 40 %: 0.91 s (applied-inference.md)
    served = Served("llama-3.1-70b", "google-v5e", tp=16, precision="bf16")
    spec = replace(
        served.spec(),
        memory_bandwidth=1e18,
        peak=197e12,
        peak_16bit=197e12,
        gemm_t0=0.0,
        gemm_compute=0.4,
        gemm16_compute=0.4,
    )
    constants = replace(step_constants(), host_step_s=0.0, elementwise_t0_s=0.0)
    chip = load_catalog().chip("google-v5e")
    free = replace(
        allreduce_coefficients(1, fabric_of(chip, central_values(chip, {})), constants),
    )
    found = step_time(
        shape_of(load_catalog().model("llama-3.1-70b")),
        replace(spec, step_factor=1.0),
        served.split,
        free,
        StepWork(np.array([[0.0]]), 1.0, 8192.0, 0.0),
        constants,
    )[0, 0]
    assert found == pytest.approx(0.91, rel=0.04)


@pytest.mark.parametrize(("batch", "measured"), [(4, 21.5e-3), (64, 37.4e-3)])
def test_that_llama_70b_in_8_bit_on_one_h200_is_near_its_measured_time_per_token(batch: int, measured: float) -> None:
    # closed loop, 1k/1k tokens: each step also carries batch/1024 prompts of 1024 tokens
    served = Served("llama-3.1-70b", "nv-h200")
    decode = served.step(batch, 1536)[0]
    prompt = served.step(batch, 1536, 1024.0, 512.0)[0] - decode + step_constants().host_request_s
    assert decode + batch / 1024 * prompt == pytest.approx(measured, rel=0.25)


@pytest.mark.parametrize(
    ("batch", "measured"), [(4, 10.3e-3), (8, 12.5e-3), (16, 16.6e-3), (32, 23.3e-3), (64, 33.0e-3)]
)
def test_that_deepseek_on_eight_h200_is_near_its_measured_time_per_token(batch: int, measured: float) -> None:
    # DeepSeek-R1 FP8, TP8, 1k/1k, SGLang 0.5.9
    served = Served("deepseek-v3", "nv-h200", tp=8, kv="bf16")
    decode = served.step(batch, 1536)[0]
    prompt = served.step(batch, 1536, 1024.0, 512.0)[0] - decode + step_constants().host_request_s
    assert decode + batch / 1024 * prompt == pytest.approx(measured, rel=0.30)


def test_that_each_token_of_context_costs_what_vllm_measured_on_h100() -> None:
    # vLLM FP8 KV blog, Llama-3.1-8B in 16 bit, one request: ITL = 6.44 ms + 43.7 ns x context tokens
    served = Served("llama-3.1-8b", "nv-h100-sxm", precision="bf16", kv="bf16")
    slope = (served.step(1, 100_000)[0] - served.step(1, 1_000)[0]) / 99_000
    assert slope == pytest.approx(43.7e-9, rel=0.30)
    assert served.step(1, 1)[0] == pytest.approx(6.44e-3, rel=0.25)


def test_that_an_8_bit_cache_costs_less_a_token_but_not_half() -> None:
    # same source: 23.7 ns against 43.7
    slopes = {}
    for kv in ("bf16", "fp8"):
        served = Served("llama-3.1-8b", "nv-h100-sxm", precision="bf16", kv=kv)
        slopes[kv] = served.step(1, 100_000)[0] - served.step(1, 1_000)[0]
    assert 0.5 < slopes["fp8"] / slopes["bf16"] < 0.85


def test_that_windowed_layers_stop_costing_once_the_window_is_full() -> None:
    # gpt-oss-20b on one H100: 8.94 ns a token of context with half its layers windowed (same source)
    served = Served("gpt-oss-20b", "nv-h100-sxm", precision="fp4", kv="bf16")
    slope = (served.step(1, 100_000)[0] - served.step(1, 1_000)[0]) / 99_000
    shape = shape_of(load_catalog().model("gpt-oss-20b"))
    full = sum(group.count for group in shape.layers if group.window is None)
    spec = served.spec()
    read = full * 2 * 8 * 64 * 2.0 / (spec.memory_bandwidth * spec.decode_attention_memory)
    assert slope == pytest.approx(read, rel=1e-6)
    assert slope == pytest.approx(8.94e-9, rel=0.30)


def test_that_a_few_tokens_do_not_read_all_experts() -> None:
    """Reading every expert at batch 1 would take 31 times as long as the 8 of 256 that are touched."""
    served = Served("deepseek-v3", "nv-h200", tp=8)
    one, many = served.step(1)[0], served.step(4096, 1.0)[0]
    spec = served.spec()
    one_expert = expert_parameters(shape_of(load_catalog().model("deepseek-v3")))
    all_experts = 58 * 256 * one_expert / 8 / (spec.memory_bandwidth * spec.expert_memory)
    assert one < all_experts < many


def test_that_rows_side_by_side_are_what_they_are_alone() -> None:
    first, second = Served("llama-3.1-70b", "nv-h200", tp=2), Served("llama-3.1-70b", "nv-h200", tp=8)
    chip = load_catalog().chip("nv-h200")
    values = central_values(chip, {})
    fabric = fabric_of(chip, values)
    both = step_time(
        shape_of(load_catalog().model("llama-3.1-70b")),
        first.spec(),
        Split(*(np.concatenate([getattr(s.split, n) for s in (first, second)]) for n in ("tp", "pp", "dp", "ep"))),
        stack_allreduce(tuple(allreduce_coefficients(tp, fabric, step_constants()) for tp in (2, 8))),
        StepWork(np.array([[1.0, 32.0]]), 1024.0, 0.0, 512.0),
        step_constants(),
    )
    assert both[0] == pytest.approx(first.step([1, 32]))
    assert both[1] == pytest.approx(second.step([1, 32]))

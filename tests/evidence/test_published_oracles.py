"""Published single figures that the engine was never fitted to, each within the band of its chip's evidence grade."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.catalog import Catalog, Chip, load_catalog
from explorer.catalog.calibration import load_calibration
from explorer.engine.fabric import allreduce_coefficients
from explorer.engine.memory import bytes_touched_per_step, count_weights, kv_bytes_per_token
from explorer.engine.records import AllReduce, ChipSpec, Split
from explorer.engine.steptime import StepWork, step_time
from explorer.study.evidence.constants import serving_constants
from explorer.study.evidence.loads import Load, offered_rates
from explorer.study.evidence.systems import System, Systems, systems_of
from explorer.study.figures import central_values
from explorer.study.resolve import chip_spec, fabric_of, shape_of, step_constants

pytestmark = pytest.mark.evidence


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def factor(grade: str, kind: str) -> float:
    """The stated 90 % band of a step time, as a factor."""
    return float(np.exp(load_calibration().residuals["step"][grade][kind]))


def within(predicted: float, measured: float, allowed: float) -> bool:
    print(f"\npredicted {predicted:.4g}, published {measured:.4g}, allowed x/÷ {allowed:.2f}")
    return measured / allowed <= predicted <= measured * allowed


def one_replica(catalog: Catalog, chip: str, model: str, weights: str, kv: str, *, tp: int = 1, dp: int = 1) -> Systems:
    system = System(catalog.chip(chip), weights, kv, tp, 1, dp, tp * dp)
    return systems_of(catalog.model(model), [system])


def line(systems: Systems) -> tuple[float, float]:
    """Intercept (s) and slope (s a token of context) of a single request's time per token, host time included."""
    near, far = (float(systems.step(1.0, length)[0, 0]) + step_constants().host_step_s for length in (1e3, 65e3))
    slope = (far - near) / 64e3
    return near - 1e3 * slope, slope


@pytest.mark.parametrize(
    ("model", "weights", "intercept", "slope"),
    [("llama-3.1-8b", "bf16", 6.44e-3, 43.7e-9), ("gpt-oss-20b", "fp4", 4.05e-3, 8.94e-9)],
)
def test_that_a_single_requests_decode_line_on_h100_is_vllms(
    model: str, weights: str, intercept: float, slope: float, catalog: Catalog
) -> None:
    """vLLM project, note on FP8 KV caches, one H100, 16-bit cache: ITL = intercept + slope * context."""
    said = line(one_replica(catalog, "nv-h100-sxm", model, weights, "bf16"))
    kind = "dense" if weights == "bf16" else "moe"
    assert within(said[0], intercept, factor("measured", kind))
    assert within(said[1], slope, factor("measured", kind))


def test_that_a_deepseek_prefill_node_computes_what_production_did(catalog: Catalog) -> None:
    """DeepSeek open-infra-index, day 6: 73.7k input tokens/s a node of 8 H800, 56.3 % of them cached; EP32, DP32."""
    unit = one_replica(catalog, "nv-h800", "deepseek-v3", "fp8", "bf16", dp=32)
    chunk = 4096.0
    step = float(unit.step(0.0, 0.0, 32 * chunk, 4000.0)[0, 0]) + step_constants().host_step_s
    assert within(8 * chunk / step, 73.7e3 * (1 - 0.563), factor("transferred", "moe"))


def test_that_a_deepseek_decode_node_gives_what_production_did(catalog: Catalog) -> None:
    """The same source: 14.8k output tokens/s a node at 20-22 tokens/s a user, mean context 4,989; EP144, DP144."""
    unit = one_replica(catalog, "nv-h800", "deepseek-v3", "fp8", "bf16", dp=144)
    batch = np.arange(20.0, 200.0)
    step = unit.step(144 * batch, 4989.0)[0] + step_constants().host_step_s
    held = float(np.interp(1 / 21.0, step, batch))
    assert within(8 * held * 21.0, 14.8e3, factor("transferred", "moe"))


def test_that_palm_540b_decodes_on_64_tpu_v4_as_pope_et_al_measured(catalog: Catalog) -> None:
    """Pope et al. 2022: 64 TPU v4, int8 weights, batch 64, context 2048, attention sharded by sequence: 29 ms a token.

    TPU v4 as the paper states it: 275 TFLOP/s, 1200 GB/s, 270 GB/s between chips.
    """
    like = catalog.chip("google-v5p")
    chip = replace(like, id="tpu-v4", formats=("16bit", "int8"))
    values = {
        **central_values(like, {}),
        "memory_bandwidth": 1.2e12,
        "peak_16bit": 275e12,
        "peak_int8": 275e12,
        "link_bandwidth": 270e9,
        "scaleup_domain": 4096.0,
    }
    constants = replace(step_constants(), host_step_s=0.0)
    step = step_time(
        shape_of(catalog.model("palm-540b")),
        chip_spec(chip, values, "int8", "bf16"),
        Split(64, 1, 1, 1),
        allreduce_coefficients(64, fabric_of(chip, values), constants),
        StepWork(decode=64.0, context=2048.0 + 32.0),
        constants,
        sequence_sharding=True,
    )
    assert within(float(step[0, 0]), 29e-3, factor("datasheet", "dense"))


V5E_BANDWIDTH, V5E_PEAK = 8.1e11, 1.97e14
"""TPU v5e as the book states it."""


def test_that_an_ideal_chip_gives_the_scaling_books_step_time(catalog: Catalog) -> None:
    """How To Scale Your Model, applied inference: 70B int8 on 4x2 v5e, 32 x 8192 tokens: 112 GB, 17 ms.

    The book counts bytes over bandwidth alone: every share one, no fixed cost, no collective.
    """
    shape = shape_of(catalog.model("llama-3.1-70b"))
    ideal = ChipSpec(
        memory_bandwidth=V5E_BANDWIDTH,
        peak=V5E_PEAK * 1e3,
        peak_16bit=V5E_PEAK * 1e3,
        weight_bytes=1.0,
        activation_bytes=0.0,
        kv_bytes=1.0,
        gemm_t0=0.0,
        gemm_compute=1.0,
        gemm_memory=1.0,
        gemm_sharpness=8.0,
        gemm16_t0=0.0,
        gemm16_compute=1.0,
        gemm16_memory=1.0,
        gemm16_sharpness=8.0,
        decode_attention_t0=0.0,
        decode_attention_memory=1.0,
        prefill_attention_t0=0.0,
        prefill_attention_compute=1.0,
        expert_t0=0.0,
        expert_memory=1.0,
        expert_compute=1.0,
        elementwise_factor=0.0,
        step_factor=1.0,
        link_bandwidth=np.inf,
        scaleout_bandwidth=np.inf,
        scaleup_domain=256.0,
    )
    free = AllReduce(alpha=np.zeros((1, 1, 1)), slope=np.zeros((1, 1, 1)), root=np.zeros((1, 1)))
    constants = replace(step_constants(), host_step_s=0.0)
    for chips in (8, 16):
        published = 112e9 / (chips * V5E_BANDWIDTH)
        split = Split(chips, 1, 1, 1)
        work = StepWork(decode=32.0, context=8192.0)
        step = float(step_time(shape, ideal, split, free, work, constants, sequence_sharding=True)[0, 0])
        floor = float(bytes_touched_per_step(shape, 1.0, 1.0, 32.0, 8192.0, split, sequence_sharding=True))
        assert step == pytest.approx(published, rel=0.05)
        assert step >= floor / V5E_BANDWIDTH


def test_that_the_scaling_books_sizes_follow_from_the_shape(catalog: Catalog) -> None:
    """The same chapter: 324 kB of 16-bit KV a token (it rounds 80 layers x 8 heads x 128 x 2 x 2 in KiB to 320).

    Prefill of 8192 tokens on 16 v5e at 40 % of peak: 0.91 s by 2 FLOP a parameter and token.
    """
    shape = shape_of(catalog.model("llama-3.1-70b"))
    assert float(kv_bytes_per_token(shape, 2.0)) == pytest.approx(324e3, rel=0.02)
    work = 2.0 * count_weights(shape).active * 8192
    assert work / (16 * V5E_PEAK * 0.4) == pytest.approx(0.91, rel=0.02)


@pytest.mark.parametrize(
    ("chip", "tp", "watts", "share"), [("nv-h100-sxm", 2, 450.0, 54 / 75), ("nv-h200", 1, 500.0, 80 / 102.5)]
)
def test_that_a_lowered_power_limit_costs_what_a_submitter_set_for_it(
    chip: str, tp: int, watts: float, share: float, catalog: Catalog
) -> None:
    """MLPerf Inference v4.1, Llama 2 70B server: target rates at 700 W and at the limit (closed/NVIDIA/configs).

    The exponent was taken from these two, of which one asks for more and the other for less.
    """
    full = catalog.chip(chip)
    power = replace(full.figures["board_power"], low=watts, value=watts, high=watts)
    limited = replace(full, id=f"{chip}-limited", figures={**full.figures, "board_power": power})

    def rate(record: Chip) -> float:
        load = Load(*(np.asarray([[value]]) for value in (218.0, 292.0, 1.0, 0.7e-3)))
        systems = systems_of(catalog.model("llama-2-70b"), [System(record, "fp8", "fp8", tp)])
        spread, wait = np.asarray([[0.4]]), np.asarray([[1.5]])
        table = offered_rates(systems, load, serving_constants(), output_scv=spread, wait_steps=wait)
        return float(np.max(np.where(table.tpot_p99 <= 0.2, table.rate, 0.0)))

    assert rate(limited) / rate(full) == pytest.approx(share, abs=0.05)

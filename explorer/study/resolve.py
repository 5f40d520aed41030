"""From catalogue and scenario to the engine's records: shapes, chip specs, fabrics. Nothing is computed here twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from explorer.catalog import Catalog, Chip, Model
from explorer.catalog.calibration import load_calibration
from explorer.engine.fabric import Fabric, FittedFabric
from explorer.engine.memory import count_weights
from explorer.engine.records import ChipSpec, LayerGroup, ModelShape, Scalar, StepConstants
from explorer.errors import MissingFigureError
from explorer.scenario.workload import ModelChoice
from explorer.study.kept import Kept, Same

SNAP = 0.02
"""A size within 2 % of a preset of the family is that preset."""

WEIGHT_BYTES = {"bf16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.53125, "int4": 0.53125}
"""Bytes a weight; 4-bit formats carry one 8-bit scale for 32 weights (OCP microscaling; INT4: 16 bit for 64)."""

KV_BYTES = {"bf16": 2.0, "fp8": 1.0}

_HARDWARE = {"bf16": "16bit", "fp8": "fp8", "int8": "int8", "fp4": "fp4", "int4": "int4"}
_BITS = {"16bit": "16", "fp8": "8", "int8": "8", "fp4": "4", "int4": "4"}


@dataclass(frozen=True)
class ServedModel:
    """The model as served: shape, name for people, parameter counts, and the context it was made for.

    `max_context` is in tokens, infinite where it is not known; a scaled model has its preset's.
    """

    shape: ModelShape
    name: str
    preset: str
    parameters: float
    active_parameters: float
    preset_heads: float
    """Query heads of the preset, whole; those of a scaled shape are a fraction of a head."""
    max_context: float

    @property
    def is_scaled(self) -> bool:
        """Whether it is its family at a size that nobody published."""
        return self.shape.heads != self.preset_heads


def shape_of(model: Model) -> ModelShape:
    """The engine's shape of a catalogue model."""
    return ModelShape(
        layers=tuple(
            LayerGroup(
                count=float(group.count),
                mixer=group.mixer,
                ffn=group.ffn,
                window=group.window,
                heads=group.heads,
                kv_heads=group.kv_heads,
                head_dim=group.head_dim,
                intermediate=group.intermediate,
                shared_key_value=group.shared_key_value,
                kv_compression=float(group.kv_compression),
                attended=None if group.attended is None else float(group.attended),
            )
            for group in model.layers
        ),
        hidden=model.hidden,
        heads=model.heads,
        kv_heads=model.kv_heads,
        head_dim=model.head_dim,
        intermediate=model.intermediate,
        ffn_matrices=3 if model.gated_ffn else 2,
        vocabulary=model.vocabulary,
        tied_embeddings=model.tied_embeddings,
        experts=model.experts,
        experts_per_token=model.experts_per_token,
        expert_intermediate=model.expert_intermediate,
        shared_intermediate=model.shared_intermediate + model.moe_dense_intermediate,
        q_lora_rank=model.q_lora_rank,
        kv_lora_rank=model.kv_lora_rank,
        rope_head_dim=model.rope_head_dim,
        nope_head_dim=model.nope_head_dim,
        v_head_dim=model.v_head_dim,
        expert_hidden=model.expert_latent,
        attention_gate=model.attention_gate,
        recurrent_mixer_parameters=model.mixer_parameters_per_layer,
        recurrent_state_bytes=model.linear_state_bytes_per_layer,
    )


def scaled_shape(shape: ModelShape, factor: float) -> ModelShape:
    """Layers, widths and query heads times `factor`; KV heads, head size, experts and vocabulary stay.

    Depth and width grow alike, as published families do (8B to 405B: width x4.0, depth x3.9).
    """

    def wider(value: float | None) -> float | None:
        return None if value is None else value * factor

    return replace(
        shape,
        layers=tuple(
            replace(
                group,
                count=group.count * factor,
                heads=wider(group.heads),
                intermediate=wider(group.intermediate),
            )
            for group in shape.layers
        ),
        hidden=shape.hidden * factor,
        heads=shape.heads * factor,
        intermediate=shape.intermediate * factor,
        expert_intermediate=shape.expert_intermediate * factor,
        expert_hidden=shape.expert_hidden * factor,
        shared_intermediate=shape.shared_intermediate * factor,
        q_lora_rank=shape.q_lora_rank * factor,
        recurrent_mixer_parameters=shape.recurrent_mixer_parameters * factor**2,
        recurrent_state_bytes=shape.recurrent_state_bytes * factor,
    )


def served_model(catalog: Catalog, choice: ModelChoice) -> ServedModel:
    """The chosen preset, or its family scaled to the chosen size; exact at the preset's own size."""
    model = catalog.model(choice.preset)
    shape, total = _shape_and_size(model)
    if choice.size_billion is None:
        return _served(model.name, model, shape)
    target = choice.size_billion * 1e9
    for sibling in _SIBLINGS.of((Same(catalog), model.id), lambda: _siblings(catalog, model)):
        sibling_shape, size = _shape_and_size(sibling)
        if abs(target / size - 1.0) <= SNAP:
            return _served(sibling.name, sibling, sibling_shape)
    cubic, square, straight = _size_by_factor(shape)
    factor = (target / total) ** (1.0 / 3.0)
    for _ in range(50):
        size = factor * (straight + factor * (square + factor * cubic))
        if abs(size / target - 1.0) < 1e-13:
            break
        slope = straight + factor * (2.0 * square + factor * 3.0 * cubic)
        factor = max(factor - (size - target) / slope, factor * 0.3)
    return _served(f"{model.family} family, scaled", model, scaled_shape(shape, factor), shape.heads)


_SIBLINGS: Kept[tuple[Model, ...]] = Kept(16)


def _siblings(catalog: Catalog, model: Model) -> tuple[Model, ...]:
    """A model and the others of its family."""
    others = (one for one in catalog.models.values() if one.family == model.family and one.id != model.id)
    return (model, *others)


@lru_cache(maxsize=256)
def _size_by_factor(shape: ModelShape) -> tuple[float, float, float]:
    """Coefficients of factor^3, factor^2 and factor in the parameters of a scaled shape.

    Layers grow with the factor, and so do the widths on one or both sides of every matrix, or neither of a table's.
    """
    at = np.array([0.5, 1.0, 2.0])
    sizes = [count_weights(scaled_shape(shape, float(factor))).total for factor in at]
    cubic, square, straight = np.linalg.solve(np.stack([at**3, at**2, at], axis=1), np.asarray(sizes))
    return float(cubic), float(square), float(straight)


def _served(name: str, preset: Model, shape: ModelShape, preset_heads: float | None = None) -> ServedModel:
    count = count_weights(shape)
    heads = shape.heads if preset_heads is None else preset_heads
    longest = np.inf if preset.max_context is None else float(preset.max_context)
    return ServedModel(shape, name, preset.id, count.total, count.active, heads, longest)


@lru_cache(maxsize=256)
def _shape_and_size(model: Model) -> tuple[ModelShape, float]:
    shape = shape_of(model)
    return shape, count_weights(shape).total


@dataclass(frozen=True)
class ComputeFormat:
    """How a chip computes with weights of a precision: which peak, which kernel constants, what to say."""

    weight_bytes: float
    activation_bytes: float
    peak_figure: str
    bits: str
    note: str


def compute_format(chip: Chip, precision: str) -> ComputeFormat:
    """The format a chip multiplies in; without hardware for it: weight-only, in its best supported one."""
    wanted = _HARDWARE[precision]
    width = WEIGHT_BYTES[precision]
    bits = _BITS[wanted]
    if wanted in chip.formats:
        return ComputeFormat(width, 2.0 if bits == "16" else 1.0, f"peak_{wanted}", bits, "")
    if bits == "4" and "fp8" in chip.formats:
        note = f"{precision} weights only: dequantised, computing in FP8"
        return ComputeFormat(width, 1.0, "peak_fp8", bits, note)
    note = f"{precision} weights only: dequantised, computing in 16 bit"
    return ComputeFormat(width, 2.0, "peak_16bit", bits, note)


@lru_cache(maxsize=1)
def step_constants() -> StepConstants:
    """The constants common to all chips."""
    return StepConstants(**{key: float(value) for key, value in load_calibration().kernels["common"].items()})


def kernels_of(chip: Chip) -> Mapping[str, Any]:
    """Kernel constants of a chip: its own where they were measured and differ from its class's, else its class's."""
    table: Mapping[str, Any] = load_calibration().kernels[_kernel_table(chip)]
    return table


def _kernel_table(chip: Chip) -> str:
    return str(load_calibration().kernels["own"].get(chip.id, chip.kernel_class))


def chip_spec(
    chip: Chip,
    values: Mapping[str, Scalar],
    precision: str,
    kv_precision: str,
    step_multiplier: Scalar = 1.0,
) -> ChipSpec:
    """The chip at a weight and KV format, from figure values (SI; scalars or draws).

    `step_multiplier` scales whole steps: jitter at barriers and the model's own residual.
    Raises MissingFigureError when a figure the step time needs is absent.
    """
    table = kernels_of(chip)
    form = compute_format(chip, precision)

    def need(name: str) -> Scalar:
        if name not in values:
            raise MissingFigureError(f"chip '{chip.id}'", name, "the step time")
        return values[name]

    compute = _power_share(chip, values)
    gemm, gemm16, experts = table[f"gemm_{form.bits}"], table["gemm_16"], table["experts"]
    prefill = table["prefill_attention"]
    kv_bits = "8" if kv_precision == "fp8" else "16"
    return ChipSpec(
        memory_bandwidth=need("memory_bandwidth"),
        peak=need(form.peak_figure),
        peak_16bit=need("peak_16bit"),
        weight_bytes=form.weight_bytes,
        activation_bytes=form.activation_bytes,
        kv_bytes=KV_BYTES[kv_precision],
        gemm_t0=gemm["t0"],
        gemm_compute=gemm["compute"] * compute,
        gemm_memory=gemm["memory"],
        gemm_sharpness=gemm["sharpness"],
        gemm16_t0=gemm16["t0"],
        gemm16_compute=gemm16["compute"] * compute,
        gemm16_memory=gemm16["memory"],
        gemm16_sharpness=gemm16["sharpness"],
        decode_attention_t0=table["decode_attention"]["t0"],
        decode_attention_memory=table["decode_attention"][f"memory_{kv_bits}"],
        prefill_attention_t0=prefill["t0"] + prefill.get("gaps", 0.0),
        prefill_attention_compute=prefill["compute"] * compute,
        expert_t0=experts.get(f"t0_{form.bits}", experts["t0"]),
        expert_memory=experts.get(f"memory_{form.bits}", experts["memory"]),
        expert_compute=experts[f"compute_{form.bits}"] * compute,
        elementwise_factor=table["elementwise_factor"],
        step_factor=float(table["step_factor"]) * step_multiplier,
        link_bandwidth=values.get("link_bandwidth", np.inf),
        scaleout_bandwidth=values.get("scaleout_bandwidth", np.inf),
        scaleup_domain=values.get("scaleup_domain", 1.0),
    )


def _power_share(chip: Chip, values: Mapping[str, Scalar]) -> Scalar:
    """What a lower power limit leaves of the compute measured on the chip's class; 1 where nothing is known of it.

    The peak is the catalogue's: one that a user or a draw takes for higher is not to be undone by the power it lacks.
    """
    power = load_calibration().kernels["power"]
    measured = power["watts_per_tflops"].get(power["like"].get(chip.id, _kernel_table(chip)))
    if measured is None or "board_power" not in values or "peak_16bit" not in chip.figures:
        return 1.0
    watts = np.asarray(values["board_power"]) / (chip.figures["peak_16bit"].value / 1e12)
    share = np.minimum(watts / measured, 1.0) ** power["exponent"]
    return float(share) if share.ndim == 0 else share


def fabric_of(chip: Chip, values: Mapping[str, Scalar]) -> Fabric:
    """The chip's links; a replica of several chips needs the link figures, one chip does not."""
    fit = None
    if chip.collective_fit is not None:
        table = load_calibration().allreduce[chip.collective_fit]
        fit = FittedFabric(
            tuple(table["ranks"]),
            tuple(table["alpha"]),
            tuple(table["bandwidth"]),
            tuple(table["root"]),
            float(table["beyond_hop_s"]),
            float(table["beyond_bandwidth_share"]),
        )
    return Fabric(
        base_latency=values.get("collective_base_latency", np.nan),
        hop_latency=values.get("hop_latency", np.nan),
        link_bandwidth=values.get("link_bandwidth", np.nan),
        efficiency=values.get("collective_efficiency", np.nan),
        scaleup_domain=values.get("scaleup_domain", 1.0),
        scaleout_bandwidth=values.get("scaleout_bandwidth", np.nan),
        algorithms=chip.collective_algorithms or ("ring",),
        fit=fit,
        memory_domains=values.get("memory_domains", 1.0),
        on_card_link=values.get("on_card_link", np.inf),
    )


def require_links(chip: Chip, values: Mapping[str, Scalar]) -> None:
    """Raise MissingFigureError when a replica of several chips cannot be timed for want of a link figure."""
    needed = ["link_bandwidth", "scaleup_domain"]
    if chip.collective_fit is None:
        needed += ["collective_base_latency", "hop_latency", "collective_efficiency"]
    for name in needed:
        if name not in values:
            raise MissingFigureError(f"chip '{chip.id}'", name, "a replica of several chips")

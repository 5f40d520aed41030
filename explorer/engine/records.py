"""The engine's own small records: plain numbers or arrays that broadcast, SI units, no names of products."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Mixer = Literal["gqa", "mla", "linear", "mamba", "none"]
FeedForward = Literal["dense", "moe", "none"]


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """Layers of one kind; `window` limits the context a layer attends to (tokens).

    A group may have attention of its own shape (`heads`, `kv_heads`, `head_dim`) or a feed-forward of its own
    width (`intermediate`); None means the model's.
    """

    count: float
    mixer: Mixer
    ffn: FeedForward
    window: float | None = None
    heads: float | None = None
    kv_heads: float | None = None
    head_dim: float | None = None
    intermediate: float | None = None


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A decoder's shape; dimensions may be fractional (a continuously scaled model)."""

    layers: tuple[LayerGroup, ...]
    hidden: float
    heads: float
    kv_heads: float
    head_dim: float
    intermediate: float
    ffn_matrices: int
    """3 with a gate, 2 without."""
    vocabulary: float
    tied_embeddings: bool
    experts: float = 0.0
    experts_per_token: float = 0.0
    expert_intermediate: float = 0.0
    shared_intermediate: float = 0.0
    q_lora_rank: float = 0.0
    kv_lora_rank: float = 0.0
    rope_head_dim: float = 0.0
    nope_head_dim: float = 0.0
    v_head_dim: float = 0.0
    recurrent_mixer_parameters: float = 0.0
    """Weights of one linear-attention or Mamba mixer."""
    recurrent_state_bytes: float = 0.0
    """State of one linear-attention or Mamba layer, bytes a sequence."""

    @property
    def layer_count(self) -> float:
        """All layers."""
        return sum(group.count for group in self.layers)

    @property
    def is_moe(self) -> bool:
        """True when any layer routes tokens to experts."""
        return any(group.ffn == "moe" for group in self.layers)


@dataclass(frozen=True, slots=True)
class Split:
    """How a replica's chips are split; integers or arrays of shape (rows, 1)."""

    tp: ArrayLike
    pp: ArrayLike
    dp: ArrayLike
    ep: ArrayLike


@dataclass(frozen=True, slots=True)
class ChipSpec:
    """A chip as the step-time model sees it at one weight and KV format; every field broadcasts, rows first.

    Peaks are dense FLOP/s, bandwidths bytes/s, times seconds, shares dimensionless.
    """

    memory_bandwidth: ArrayLike
    peak: ArrayLike
    """Compute peak of the format that the matrix units work in."""
    peak_16bit: ArrayLike
    weight_bytes: ArrayLike
    activation_bytes: ArrayLike
    kv_bytes: ArrayLike
    gemm_t0: ArrayLike
    gemm_compute: ArrayLike
    gemm_memory: ArrayLike
    gemm_sharpness: ArrayLike
    gemm16_t0: ArrayLike
    gemm16_compute: ArrayLike
    gemm16_memory: ArrayLike
    gemm16_sharpness: ArrayLike
    decode_attention_t0: ArrayLike
    decode_attention_memory: ArrayLike
    prefill_attention_t0: ArrayLike
    prefill_attention_compute: ArrayLike
    expert_t0: ArrayLike
    expert_memory: ArrayLike
    expert_compute: ArrayLike
    elementwise_factor: ArrayLike
    step_factor: ArrayLike
    link_bandwidth: ArrayLike
    scaleout_bandwidth: ArrayLike
    scaleup_domain: ArrayLike


@dataclass(frozen=True, slots=True)
class AllReduce:
    """All-reduce of a row's tensor group: min over algorithms k of alpha[k] + slope[k]*S, plus root*sqrt(S).

    `alpha`, `slope` have shape (algorithms, rows, 1), `root` (rows, 1); S in bytes a rank.
    """

    alpha: Array
    slope: Array
    root: Array

    def time(self, size: ArrayLike) -> Array:
        """Seconds for a message of `size` bytes, shape (rows, points)."""
        s = np.asarray(size, dtype=np.float64)
        best = self.alpha[0] + self.slope[0] * s
        for alpha, slope in zip(self.alpha[1:], self.slope[1:], strict=True):
            best = np.minimum(best, alpha + slope * s)
        if np.any(self.root):
            best = best + self.root * np.sqrt(s)
        return best


@dataclass(frozen=True, slots=True)
class StepConstants:
    """Constants common to all chips (resources/calibration/kernels.toml, table common)."""

    sharpness_mla: float
    mla_compute_share: float
    sharpness_moe: float
    expert_routing_s: float
    elementwise_ops: float
    elementwise_t0_s: float
    elementwise_memory: float
    linear_state_memory: float
    linear_prefill_compute: float
    host_step_s: float
    host_request_s: float
    request_overhead_s: float
    point_to_point_s: float
    dispatch_base_s: float
    dispatch_link_share: float
    outside_domain_s: float
    outside_domain_share: float
    usable_memory_share: float
    runtime_reserve_bytes: float
    collective_buffer_bytes: float
    activation_copies: float


def stack_specs(specs: list[ChipSpec]) -> ChipSpec:
    """Stack scalar (or row) specs into one whose fields have shape (rows, 1)."""
    columns = {
        field.name: np.concatenate(
            [np.atleast_1d(np.asarray(getattr(spec, field.name), dtype=np.float64)).ravel() for spec in specs]
        )[:, None]
        for field in fields(ChipSpec)
    }
    return ChipSpec(**columns)


def stack_allreduce(items: list[AllReduce]) -> AllReduce:
    """Stack all-reduces of rows; shorter algorithm lists are padded by repeating their first."""
    depth = max(item.alpha.shape[0] for item in items)

    def padded(table: Array) -> Array:
        missing = depth - table.shape[0]
        return np.concatenate([table, np.repeat(table[:1], missing, axis=0)]) if missing else table

    return AllReduce(
        alpha=np.concatenate([padded(item.alpha) for item in items], axis=1),
        slope=np.concatenate([padded(item.slope) for item in items], axis=1),
        root=np.concatenate([item.root for item in items], axis=0),
    )

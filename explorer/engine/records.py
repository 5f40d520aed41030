"""The engine's own small records: plain numbers or arrays that broadcast, SI units, no names of products."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Scalar = float | Array
"""A number or an array that broadcasts."""

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
    shared_key_value: bool = False
    """The value is the key: one projection and one cached vector serve both."""
    kv_compression: float = 1.0
    """Tokens that share one cached entry."""
    attended: float | None = None
    """Most cached entries that a sparse attention reads in a step; None: all of them."""


@dataclass(frozen=True)
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
    expert_hidden: float = 0.0
    """Width the routed experts work in; 0 means `hidden`. Narrower: two shared projections lead in and out."""
    attention_gate: bool = False
    """An output gate as wide as the query."""
    recurrent_mixer_parameters: float = 0.0
    """Weights of one linear-attention or Mamba mixer."""
    recurrent_state_bytes: float = 0.0
    """State of one linear-attention or Mamba layer, bytes a sequence."""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Counted once: what is kept of a shape is asked for twenty times a frame."""
        return hash(tuple(getattr(self, field.name) for field in fields(self)))

    def __getstate__(self) -> dict[str, object]:
        # another process hashes texts in another way
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}

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

    tp: Scalar
    pp: Scalar
    dp: Scalar
    ep: Scalar


@dataclass(frozen=True, slots=True)
class ChipSpec:
    """A chip as the step-time model sees it at one weight and KV format; every field broadcasts, rows first.

    Peaks are dense FLOP/s, bandwidths bytes/s, times seconds, shares dimensionless.
    """

    memory_bandwidth: Scalar
    peak: Scalar
    """Compute peak of the format that the matrix units work in."""
    peak_16bit: Scalar
    weight_bytes: Scalar
    activation_bytes: Scalar
    kv_bytes: Scalar
    gemm_t0: Scalar
    gemm_compute: Scalar
    gemm_memory: Scalar
    gemm_sharpness: Scalar
    gemm16_t0: Scalar
    gemm16_compute: Scalar
    gemm16_memory: Scalar
    gemm16_sharpness: Scalar
    decode_attention_t0: Scalar
    decode_attention_memory: Scalar
    prefill_attention_t0: Scalar
    prefill_attention_compute: Scalar
    expert_t0: Scalar
    expert_memory: Scalar
    expert_compute: Scalar
    elementwise_factor: Scalar
    step_factor: Scalar
    link_bandwidth: Scalar
    scaleout_bandwidth: Scalar
    scaleup_domain: Scalar


@dataclass(frozen=True, eq=False)
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
        best = (self.alpha + self.slope * s).min(axis=0)
        if self.root.any():
            best = best + self.root * np.sqrt(s)
        return np.asarray(best)


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
    first_token_load_gain: float
    point_to_point_s: float
    dispatch_base_s: float
    dispatch_link_share: float
    outside_domain_s: float
    outside_domain_share: float
    usable_memory_share: float
    runtime_reserve_bytes: float
    collective_buffer_bytes: float
    activation_copies: float


@lru_cache(maxsize=64)
def stack_allreduce(items: tuple[AllReduce, ...]) -> AllReduce:
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

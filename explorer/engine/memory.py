"""What a model weighs and what a replica's chip must hold: parameters, weights, KV cache, largest batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from explorer.engine.records import Array, LayerGroup, ModelShape, Split, StepConstants


def mixer_parameters(shape: ModelShape, group: LayerGroup) -> float:
    """Weights of one layer's token mixer (attention projections, or the recurrent mixer's own count)."""
    if group.mixer == "none":
        return 0.0
    if group.mixer in ("linear", "mamba"):
        return shape.recurrent_mixer_parameters
    hidden = shape.hidden
    if group.mixer == "mla":
        heads = shape.heads
        key_dim = shape.nope_head_dim + shape.rope_head_dim
        query = (
            hidden * shape.q_lora_rank + shape.q_lora_rank * heads * key_dim
            if shape.q_lora_rank
            else hidden * heads * key_dim
        )
        compressed = hidden * (shape.kv_lora_rank + shape.rope_head_dim)
        expanded = shape.kv_lora_rank * heads * (shape.nope_head_dim + shape.v_head_dim)
        if shape.attention_gate:
            query += hidden * heads * shape.v_head_dim
        return query + compressed + expanded + heads * shape.v_head_dim * hidden
    heads = shape.heads if group.heads is None else group.heads
    kv_heads = shape.kv_heads if group.kv_heads is None else group.kv_heads
    head_dim = shape.head_dim if group.head_dim is None else group.head_dim
    queries = (2 if shape.attention_gate else 1) * hidden * heads * head_dim
    keys_values = (1 if group.shared_key_value else 2) * hidden * kv_heads * head_dim
    return queries + keys_values + heads * head_dim * hidden


def dense_ffn_parameters(shape: ModelShape, group: LayerGroup) -> float:
    """Weights of one layer's dense feed-forward, shared experts of a routed layer included."""
    if group.ffn == "dense":
        width = shape.intermediate if group.intermediate is None else group.intermediate
        return shape.ffn_matrices * shape.hidden * width
    if group.ffn == "moe":
        projections = 2.0 * shape.hidden * shape.expert_hidden
        return (
            shape.ffn_matrices * shape.hidden * shape.shared_intermediate + shape.hidden * shape.experts + projections
        )
    return 0.0


def expert_parameters(shape: ModelShape) -> float:
    """Weights of one routed expert."""
    return shape.ffn_matrices * (shape.expert_hidden or shape.hidden) * shape.expert_intermediate


@dataclass(frozen=True, slots=True)
class WeightCount:
    """Parameters by how they are sharded: dense over tp, experts over all chips, embeddings over tp at 16 bit."""

    dense: float
    experts: float
    embedding: float
    active: float

    @property
    def total(self) -> float:
        """All parameters."""
        return self.dense + self.experts + self.embedding


@lru_cache(maxsize=64)
def count_weights(shape: ModelShape) -> WeightCount:
    """Parameters of a model, from its shape alone; embeddings counted once when tied.

    `active` is what one token touches (input embedding excluded, output head included).
    """
    dense = sum(
        group.count * (mixer_parameters(shape, group) + dense_ffn_parameters(shape, group)) for group in shape.layers
    )
    routed_layers = sum(group.count for group in shape.layers if group.ffn == "moe")
    one = expert_parameters(shape)
    table = shape.vocabulary * shape.hidden
    return WeightCount(
        dense=dense,
        experts=routed_layers * shape.experts * one,
        embedding=table if shape.tied_embeddings else 2 * table,
        active=dense + routed_layers * shape.experts_per_token * one + table,
    )


def weight_bytes_per_chip(shape: ModelShape, weight_bytes: ArrayLike, split: Split) -> Array:
    """Weights one chip holds, bytes.

    Dense/(tp*pp), routed experts/(tp*dp*pp) (ep*moe_tp = tp*dp), embeddings at 16 bit over tp.
    """
    count = count_weights(shape)
    tp, pp, dp = (np.asarray(x, dtype=np.float64) for x in (split.tp, split.pp, split.dp))
    width = np.asarray(weight_bytes, dtype=np.float64)
    return np.asarray(
        count.dense * width / (tp * pp) + count.experts * width / (tp * dp * pp) + count.embedding * 2.0 / tp
    )


def kv_bytes_per_token(
    shape: ModelShape,
    kv_bytes: ArrayLike,
    tp: ArrayLike = 1.0,
    *,
    sequence_sharding: bool = False,
    window_reached: bool = False,
) -> Array:
    """KV cache of one more token of context on one chip of the tensor group, bytes (all layers).

    Heads replicate once tp exceeds them; a latent (MLA) cache is replicated over tp unless the sequence is
    sharded. Windowed layers count until their window is full (`window_reached` leaves them out).
    """
    degree = np.asarray(tp, dtype=np.float64)
    total: Array = np.zeros_like(degree)
    for group in shape.layers:
        if window_reached and group.window is not None:
            continue
        total = total + group.count * _token_values(shape, group, degree, sequence_sharding)
    return np.asarray(total * np.asarray(kv_bytes, dtype=np.float64))


def kv_bytes_per_sequence(
    shape: ModelShape,
    kv_bytes: ArrayLike,
    context: ArrayLike,
    tp: ArrayLike = 1.0,
    *,
    pp: ArrayLike = 1.0,
    sequence_sharding: bool = False,
    read_in_a_step: bool = False,
) -> Array:
    """KV cache and recurrent state of a sequence of `context` tokens on one chip, bytes.

    `read_in_a_step`: only what one step reads, which a sparse attention's is less than what it holds.
    """
    degree = np.asarray(tp, dtype=np.float64)
    length = np.asarray(context, dtype=np.float64)
    width = np.asarray(kv_bytes, dtype=np.float64)
    total: Array = np.zeros(np.broadcast(degree, length, width).shape)
    for group in shape.layers:
        if group.mixer in ("linear", "mamba"):
            total = total + group.count * shape.recurrent_state_bytes / degree
            continue
        held = length if group.window is None else np.minimum(length, group.window)
        if read_in_a_step and group.attended is not None:
            held = np.minimum(held, group.attended * group.kv_compression)
        total = total + group.count * _token_values(shape, group, degree, sequence_sharding) * width * held
    return np.asarray(total / np.asarray(pp, dtype=np.float64))


def _token_values(shape: ModelShape, group: LayerGroup, tp: Array, sequence_sharding: bool) -> Array:
    if group.mixer == "gqa":
        kv_heads = shape.kv_heads if group.kv_heads is None else group.kv_heads
        head_dim = shape.head_dim if group.head_dim is None else group.head_dim
        local = kv_heads / tp if sequence_sharding else np.maximum(kv_heads / tp, 1.0)
        return np.asarray((1.0 if group.shared_key_value else 2.0) * local * head_dim / group.kv_compression)
    if group.mixer == "mla":
        values = (shape.kv_lora_rank + shape.rope_head_dim) / group.kv_compression
        return np.asarray(values / tp if sequence_sharding else values + 0.0 * tp)
    return np.zeros_like(tp)


def experts_touched(experts: ArrayLike, per_token: ArrayLike, tokens: ArrayLike) -> Array:
    """Expected number of distinct experts that `tokens` tokens activate, E*(1-(1-k/E)^T).

    Source: BLIS roofline (inference-sim), validated on measured expert kernels; 64 tokens, 8 of 384: 0.740090*E.
    """
    number = np.asarray(experts, dtype=np.float64)
    share = np.asarray(per_token, dtype=np.float64) / number
    return np.asarray(
        number * -np.expm1(np.asarray(tokens, dtype=np.float64) * np.log1p(-np.minimum(share, 1 - 1e-12)))
    )


def bytes_touched_per_step(
    shape: ModelShape,
    weight_bytes: ArrayLike,
    kv_bytes: ArrayLike,
    batch: ArrayLike,
    context: ArrayLike,
    split: Split,
    *,
    sequence_sharding: bool = False,
) -> Array:
    """Bytes one chip reads in one decode step: its dense weights, the experts touched, its share of the KV.

    `batch` is sequences a replica; pipeline stages each hold their own layers.
    """
    count = count_weights(shape)
    tp, pp, dp = (np.asarray(x, dtype=np.float64) for x in (split.tp, split.pp, split.dp))
    n = np.asarray(batch, dtype=np.float64)
    width = np.asarray(weight_bytes, dtype=np.float64)
    touched = 1.0
    if shape.is_moe:
        touched = np.asarray(experts_touched(shape.experts, shape.experts_per_token, n) / shape.experts)  # type: ignore[assignment]
    weights = count.dense * width / (tp * pp) + count.experts * width * touched / (tp * dp * pp)
    head = shape.vocabulary * shape.hidden * 2.0 / tp
    per_sequence = kv_bytes_per_sequence(
        shape, kv_bytes, context, tp, pp=pp, sequence_sharding=sequence_sharding, read_in_a_step=True
    )
    kv = n / dp * per_sequence
    return np.asarray(weights + head + kv)


def other_bytes_per_chip(
    shape: ModelShape, token_budget: ArrayLike, capacity: ArrayLike, split: Split, constants: StepConstants
) -> Array:
    """Activations at the token budget, collective buffers and the runtime's own reserve on one chip, bytes."""
    tp, pp, dp = (np.asarray(x, dtype=np.float64) for x in (split.tp, split.pp, split.dp))
    # the budget is each attention-data rank's own
    activations = np.asarray(token_budget, dtype=np.float64) * shape.hidden * 2.0 * constants.activation_copies
    buffers = np.where(tp * pp * dp > 1, constants.collective_buffer_bytes, 0.0)
    room = np.asarray(capacity, dtype=np.float64)
    reserve = np.minimum(constants.runtime_reserve_bytes, 0.05 * room)
    return np.asarray(activations + buffers + reserve)


def largest_batch(
    shape: ModelShape,
    weight_bytes: ArrayLike,
    kv_bytes: ArrayLike,
    context: ArrayLike,
    capacity: ArrayLike,
    token_budget: ArrayLike,
    split: Split,
    constants: StepConstants,
    *,
    sequence_sharding: bool = False,
) -> Array:
    """Sequences of `context` tokens a replica can hold (not rounded; <= 0 when the weights alone do not fit)."""
    usable = np.asarray(capacity, dtype=np.float64) * constants.usable_memory_share
    free = (
        usable
        - weight_bytes_per_chip(shape, weight_bytes, split)
        - other_bytes_per_chip(shape, token_budget, capacity, split, constants)
    )
    per_sequence = kv_bytes_per_sequence(
        shape, kv_bytes, context, split.tp, pp=split.pp, sequence_sharding=sequence_sharding
    )
    return np.asarray(free / np.maximum(per_sequence, 1.0) * np.asarray(split.dp, dtype=np.float64))


def largest_context(
    shape: ModelShape,
    kv_bytes: ArrayLike,
    room: ArrayLike,
    split: Split,
    *,
    sequence_sharding: bool = False,
) -> Array:
    """Longest single sequence that a chip's `room` beside its weights (bytes) can hold, tokens.

    Infinite where no cache grows.
    """
    free = np.asarray(room, dtype=np.float64)
    windows = [group.window for group in shape.layers if group.window is not None]
    window = max(windows, default=0.0)
    empty, at_window = (
        kv_bytes_per_sequence(shape, kv_bytes, length, split.tp, pp=split.pp, sequence_sharding=sequence_sharding)
        for length in (0.0, window)
    )
    pp = np.asarray(split.pp, dtype=np.float64)
    slope = kv_bytes_per_token(shape, kv_bytes, split.tp, sequence_sharding=sequence_sharding, window_reached=True) / pp
    grows = slope > 0
    beyond = window + (free - at_window) / np.where(grows, slope, 1.0)
    within = np.maximum(free - empty, 0.0) / np.maximum(at_window - empty, 1e-9) * window
    return np.asarray(np.where(free < at_window, within, np.where(grows, beyond, np.inf)))

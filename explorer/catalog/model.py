"""A model's architecture, and the number of parameters that follows from its shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mixer = Literal["gqa", "mla", "linear", "mamba", "none"]
FeedForward = Literal["dense", "moe", "none"]
MIXERS: tuple[Mixer, ...] = ("gqa", "mla", "linear", "mamba", "none")
FEED_FORWARDS: tuple[FeedForward, ...] = ("dense", "moe", "none")


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """`count` like layers: their token mixer, feed-forward part and attention window (None = full).

    heads, kv_heads, head_dim and intermediate override the model's where a group differs.
    `shared_key_value` marks layers whose value is their key, so that one projection serves both.
    `kv_compression` is the number of tokens that share one cached entry; `attended` the most entries that
    a sparse attention reads in a step, of all that it holds (None = it reads them all).
    """

    count: float
    mixer: Mixer
    ffn: FeedForward
    window: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    intermediate: int | None = None
    shared_key_value: bool = False
    kv_compression: int = 1
    attended: int | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A decoder-only transformer or hybrid. Widths are in elements; zero where a part is absent.

    `shared_intermediate` is the total width of the shared experts of one MoE layer; `moe_dense_intermediate`
    the width of a dense FFN that runs beside the routed experts of such a layer. `attention_gate` adds an
    output gate as wide as the query. `expert_latent` is the width in which the experts of a latent
    mixture work (0 = the hidden size). `linear_state_bytes_per_layer` is the constant recurrent state one
    sequence keeps in one linear-attention or Mamba layer, `mixer_parameters_per_layer` the weights of
    such a mixer.
    """

    id: str
    name: str
    family: str
    layers: tuple[LayerGroup, ...]
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    gated_ffn: bool
    vocabulary: int
    tied_embeddings: bool
    experts: int = 0
    experts_per_token: int = 0
    expert_intermediate: int = 0
    shared_intermediate: int = 0
    q_lora_rank: int = 0
    kv_lora_rank: int = 0
    rope_head_dim: int = 0
    nope_head_dim: int = 0
    v_head_dim: int = 0
    max_context: int | None = None
    native_precision: str = "bf16"
    published_parameters: float | None = None
    published_source: str = ""
    aliases: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""
    notes: str = ""
    origin: str = "shipped"
    linear_state_bytes_per_layer: float = 0.0
    mixer_parameters_per_layer: float = 0.0
    moe_dense_intermediate: int = 0
    attention_gate: bool = False
    expert_latent: int = 0


def parameter_count(model: Model) -> float:
    """Total parameters from the shape: embeddings, mixers, feed-forward parts, routers and norms."""
    tables = 1 if model.tied_embeddings else 2
    return tables * model.vocabulary * model.hidden + _layers_parameters(model, model.experts)


def active_parameters(model: Model) -> float:
    """Parameters that work on one token: as parameter_count, with only the chosen experts of each layer.

    The input embedding is looked up, not multiplied, so only the output table counts.
    """
    return model.vocabulary * model.hidden + _layers_parameters(model, model.experts_per_token)


def _layers_parameters(model: Model, experts_counted: int) -> float:
    final_norm = model.hidden
    return final_norm + sum(group.count * _layer_parameters(model, group, experts_counted) for group in model.layers)


def _layer_parameters(model: Model, group: LayerGroup, experts_counted: int) -> float:
    parts = (group.mixer != "none") + (group.ffn != "none")
    return (
        _mixer_parameters(model, group)
        + _feed_forward_parameters(model, group, experts_counted)
        + parts * model.hidden  # one norm before each part
    )


def _mixer_parameters(model: Model, group: LayerGroup) -> float:
    if group.mixer == "none":
        return 0.0
    if group.mixer in ("linear", "mamba"):
        return model.mixer_parameters_per_layer
    heads = model.heads if group.heads is None else group.heads
    if group.mixer == "mla":
        return _latent_attention_parameters(model, heads)
    kv_heads = model.kv_heads if group.kv_heads is None else group.kv_heads
    head_dim = model.head_dim if group.head_dim is None else group.head_dim
    queries = heads * head_dim * model.hidden * (2 if model.attention_gate else 1)
    keys_values = (1 if group.shared_key_value else 2) * kv_heads * head_dim * model.hidden
    return queries + keys_values + heads * head_dim * model.hidden


def _latent_attention_parameters(model: Model, heads: int) -> float:
    """Multi-head latent attention (DeepSeek-V2, 2.1): down- and up-projections of query and key-value."""
    head_dim = model.nope_head_dim + model.rope_head_dim
    if model.q_lora_rank:
        query = model.q_lora_rank * (model.hidden + heads * head_dim + 1)
    else:
        query = model.hidden * heads * head_dim
    latent = model.hidden * (model.kv_lora_rank + model.rope_head_dim) + model.kv_lora_rank
    expansion = model.kv_lora_rank * heads * (model.nope_head_dim + model.v_head_dim)
    gate = model.hidden * heads * model.v_head_dim if model.attention_gate else 0
    return query + latent + expansion + gate + heads * model.v_head_dim * model.hidden


def _feed_forward_parameters(model: Model, group: LayerGroup, experts_counted: int) -> float:
    if group.ffn == "none":
        return 0.0
    matrices = 3 if model.gated_ffn else 2
    if group.ffn == "dense":
        intermediate = model.intermediate if group.intermediate is None else group.intermediate
        return matrices * model.hidden * intermediate
    # Experts that work in a narrower latent space sit between two projections shared by all of them.
    expert_width = model.expert_latent or model.hidden
    projections = 2 * model.hidden * model.expert_latent
    beside = model.shared_intermediate + model.moe_dense_intermediate
    routed = experts_counted * matrices * expert_width * model.expert_intermediate
    return routed + projections + matrices * model.hidden * beside + model.experts * model.hidden

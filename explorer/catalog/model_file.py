"""Reading one model's architecture from its TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from explorer.catalog.model import FEED_FORWARDS, MIXERS, FeedForward, LayerGroup, Mixer, Model
from explorer.catalog.reading import Table, raise_problems, read_toml
from explorer.errors import Problem

PRECISIONS: tuple[str, ...] = ("fp32", "bf16", "fp16", "fp8", "int8", "fp4", "mxfp4", "nvfp4", "int4")


def read_model(path: Path, origin: str = "shipped") -> Model:
    """The model in `path`; raises CatalogError with every problem of the file."""
    problems: list[Problem] = []
    table = Table(read_toml(path), problems)
    experts = table.table("experts", default={})
    latent = table.table("latent_attention", default={})
    recurrent = table.table("recurrent_mixer", default={})
    published = table.table("published", default={})
    published_billion = published.number("parameters_billion", above=0.0) if published.keys() else None
    max_context = table.integer("max_context", default=0)
    model = Model(
        id=table.identifier("id"),
        name=table.text("name"),
        family=table.text("family"),
        layers=tuple(_read_group(group) for group in table.tables("layers")),
        hidden=table.integer("hidden", least=1),
        heads=table.integer("heads"),
        kv_heads=table.integer("kv_heads"),
        head_dim=table.integer("head_dim"),
        intermediate=table.integer("intermediate"),
        gated_ffn=table.flag("gated_ffn"),
        vocabulary=table.integer("vocabulary", least=1),
        tied_embeddings=table.flag("tied_embeddings"),
        experts=experts.integer("count", default=0),
        experts_per_token=experts.integer("per_token", default=0),
        expert_intermediate=experts.integer("intermediate", default=0),
        shared_intermediate=experts.integer("shared_intermediate", default=0),
        moe_dense_intermediate=experts.integer("dense_beside", default=0),
        expert_latent=experts.integer("latent", default=0),
        q_lora_rank=latent.integer("query_rank", default=0),
        kv_lora_rank=latent.integer("key_value_rank", default=0),
        rope_head_dim=latent.integer("rope_head_dim", default=0),
        nope_head_dim=latent.integer("nope_head_dim", default=0),
        v_head_dim=latent.integer("value_head_dim", default=0),
        max_context=max_context or None,
        native_precision=table.text("native_precision", allowed=PRECISIONS),
        published_parameters=None if published_billion is None else published_billion * 1e9,
        published_source=published.text("source", default=""),
        aliases=table.texts("aliases", default=()),
        source=table.text("source"),
        licence=table.text("licence", default=""),
        notes=table.text("notes", default=""),
        origin=origin,
        linear_state_bytes_per_layer=recurrent.number("state_bytes_per_layer", default=0.0, least=0.0),
        mixer_parameters_per_layer=recurrent.number("parameters_per_layer", default=0.0, least=0.0),
        attention_gate=table.flag("attention_gate", default=False),
    )
    for part in (table, experts, latent, recurrent, published):
        part.finish()
    check_model(table, model)
    raise_problems(path, problems)
    return model


def check_model(table: Table, model: Model) -> None:
    """Note what a layer group needs and the model does not state."""
    if not model.layers:
        table.problem("layers", "must hold at least one group")
    for i, group in enumerate(model.layers):
        where = f"layers[{i}]"
        if group.mixer == "gqa" and not (model.heads and model.kv_heads and model.head_dim):
            table.problem(where, "grouped-query attention needs heads, kv_heads and head_dim")
        if group.mixer == "mla" and not (model.kv_lora_rank and model.v_head_dim):
            table.problem(where, "latent attention needs the table latent_attention")
        if group.mixer in ("linear", "mamba") and not (
            model.mixer_parameters_per_layer and model.linear_state_bytes_per_layer
        ):
            table.problem(where, f"a {group.mixer} layer needs the table recurrent_mixer")
        if group.ffn == "moe" and not (model.experts and model.experts_per_token and model.expert_intermediate):
            table.problem(where, "a mixture-of-experts layer needs the table experts")
        if group.ffn == "dense" and not (group.intermediate or model.intermediate):
            table.problem(where, "a dense feed-forward layer needs intermediate")
    for heads, kv_heads, where in (
        (model.heads, model.kv_heads, "kv_heads"),
        *(
            (group.heads or model.heads, group.kv_heads or model.kv_heads, f"layers[{i}].kv_heads")
            for i, group in enumerate(model.layers)
            if group.mixer == "gqa" and (group.heads or group.kv_heads)
        ),
    ):
        if heads and kv_heads and heads % kv_heads:
            table.problem(where, f"{heads} heads cannot share {kv_heads} key-value heads", "a divisor of heads")
    if model.experts_per_token > model.experts:
        table.problem("experts.per_token", f"{model.experts_per_token} is more than there are experts")


def _read_group(table: Table) -> LayerGroup:
    def optional(key: str) -> int | None:
        return table.integer(key, least=1) if key in table else table.integer(key, default=0) or None

    group = LayerGroup(
        count=table.number("count", above=0.0),
        mixer=cast(Mixer, table.text("mixer", allowed=MIXERS)),
        ffn=cast(FeedForward, table.text("ffn", allowed=FEED_FORWARDS)),
        window=optional("window"),
        heads=optional("heads"),
        kv_heads=optional("kv_heads"),
        head_dim=optional("head_dim"),
        intermediate=optional("intermediate"),
        shared_key_value=table.flag("shared_key_value", default=False),
        kv_compression=table.integer("kv_compression", default=1, least=1),
        attended=optional("attended"),
    )
    table.finish()
    return group

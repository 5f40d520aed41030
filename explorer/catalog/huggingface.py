"""Reading a model's architecture from the config.json that is published beside its weights."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.catalog.content import text_of
from explorer.catalog.model import FeedForward, LayerGroup, Mixer, Model
from explorer.catalog.model_file import check_model
from explorer.catalog.reading import Table, raise_problems
from explorer.errors import CatalogError, Problem

_UNGATED = frozenset(
    (
        "gpt2",
        "gptj",
        "gpt_neox",
        "opt",
        "falcon",
        "bloom",
        "gpt_bigcode",
        "phi",
        "nemotron",
        "nemotron_h",
        "mpt",
    )
)
_FOUR_TIMES_HIDDEN = frozenset(("gpt2", "gptj", "falcon", "bloom", "gpt_bigcode", "mpt"))
_TIED_UNLESS_STATED = frozenset(
    ("gpt2", "opt", "bloom", "falcon", "gpt_bigcode", "gemma", "gemma2", "gemma3", "gemma3_text")
)
_EXPERTS_AS_WIDE_AS_STATED = frozenset(("mixtral", "gpt_oss", "minimax_m2", "llama4", "llama4_text"))

# Parts that change weights or cache in ways a Model cannot say; guessing would give wrong numbers.
_NOT_UNDERSTOOD: Mapping[str, str] = {
    "compress_ratios": "a compressed key-value cache",
    "linear_attn_config": "delta attention with its own layer lists",
    "block_configs": "layers that each have their own shape",
    "global_head_dim": "full-attention layers with heads of their own size",
    "encoder_layers": "an encoder beside the decoder",
    "ssm_cfg": "a state-space model without attention",
}
MOST, MOST_LAYERS = 1_000_000_000, 10_000
"""Of anything, and of layers: past them a number is a mistake, and would take for ever to count."""
_DTYPES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
_QUANTISED = {"fp8": "fp8", "mxfp4": "mxfp4", "nvfp4": "nvfp4", "gptq": "int4", "awq": "int4"}


def read_huggingface_config(path: Path) -> Model:
    """The model that a Hugging Face `config.json` describes, as a record of the user's own.

    Raises CatalogError naming the file and the key that is missing, of the wrong type, or that describes a
    part this catalogue has no words for.
    """
    config = _Config(path, _read_json(path))
    config.refuse_what_is_not_understood()
    experts = _read_experts(config)
    pattern = config.optional_text("hybrid_override_pattern")
    layers = _pattern_layers(config, pattern) if pattern else _plain_layers(config, experts)
    has_recurrence = any(group.mixer in ("linear", "mamba") for group in layers)
    state_bytes, mixer_parameters = _recurrent_mixer(config, layers) if has_recurrence else (0.0, 0.0)
    latent = "kv_lora_rank" in config and config.optional_whole("kv_lora_rank") is not None
    hidden, heads = config.hidden, config.heads
    placed = path.resolve().parent.name if path.name == "config.json" else path.stem
    name = Path(config.optional_text("_name_or_path") or placed).name or "model"
    tied = config.optional_flag("tie_word_embeddings")
    notes = []
    if tied is None:
        tied = config.model_type in _TIED_UNLESS_STATED
        notes.append(f"tie_word_embeddings is not stated; taken as {str(tied).lower()}, as usual for its type")
    head_dim = config.optional_whole("head_dim") or hidden // heads
    if not head_dim:
        raise config.error("head_dim", f"is missing, and {heads} heads share a hidden size of {hidden}")
    model = Model(
        id=_id_of(path, name, placed),
        name=name,
        family=config.model_type,
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=config.kv_heads,
        head_dim=head_dim,
        intermediate=_dense_width(config, layers),
        gated_ffn=config.model_type not in _UNGATED,
        vocabulary=config.whole("vocab_size"),
        tied_embeddings=tied,
        experts=experts.count,
        experts_per_token=experts.per_token,
        expert_intermediate=experts.intermediate,
        shared_intermediate=experts.shared,
        expert_latent=config.optional_whole("moe_latent_size") or 0,
        q_lora_rank=(config.optional_whole("q_lora_rank") or 0) if latent else 0,
        kv_lora_rank=config.whole("kv_lora_rank") if latent else 0,
        rope_head_dim=config.whole("qk_rope_head_dim") if latent else 0,
        nope_head_dim=config.whole("qk_nope_head_dim") if latent else 0,
        v_head_dim=config.whole("v_head_dim") if latent else 0,
        max_context=config.optional_whole("max_position_embeddings", "n_positions"),
        native_precision=config.precision,
        source=str(path),
        notes="; ".join(notes),
        origin="user",
        linear_state_bytes_per_layer=state_bytes,
        mixer_parameters_per_layer=mixer_parameters,
        attention_gate=config.optional_flag("attn_output_gate") or False,
    )
    problems: list[Problem] = []
    check_model(Table({}, problems), model)
    raise_problems(path, problems)
    return model


def _id_of(path: Path, *names: str) -> str:
    """An id made of the first name that has letters an id may have."""
    for name in names:
        found = re.sub(r"[^a-z0-9.]+", "-", name.casefold()).strip("-.")[:80]
        if re.search("[a-z]", found):
            return found
    raise CatalogError(f"{path}: no id can be made of '{names[-1]}'; name the folder, or the file, in letters a to z")


def _read_json(path: Path) -> dict[str, Any]:
    text = text_of(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CatalogError(f"{path}: is not a JSON file: {error}") from error
    if not isinstance(content, dict):
        raise CatalogError(f"{path}: must hold one JSON object")
    return content


class _Config:
    """Typed access to the keys of one config.json; a vision model's language part is looked into."""

    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self._path = path
        inner = content.get("text_config")
        self._values: dict[str, Any] = {**content, **inner} if isinstance(inner, dict) else content

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def error(self, key: str, reason: str) -> CatalogError:
        """A CatalogError that names the file and the key."""
        return CatalogError(f"{self._path}: {key}: {reason}")

    def refuse_what_is_not_understood(self) -> None:
        """Raise for a part that would be counted wrongly."""
        for key, part in _NOT_UNDERSTOOD.items():
            if self._values.get(key):
                raise self.error(key, f"describes {part}, which is not understood; write a model file instead")

    def optional_whole(self, *keys: str) -> int | None:
        """The first of `keys` that is stated, as a positive whole number (null and zero count as absent)."""
        for key in keys:
            value = self._values.get(key)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise self.error(key, f"must be a whole number, not {value!r}")
            if value > MOST:
                raise self.error(key, f"is more than {MOST:,}, which no model has")
            if value:
                return value
        return None

    def whole(self, *keys: str) -> int:
        """As optional_whole, and missing is an error."""
        value = self.optional_whole(*keys)
        if value is None:
            raise self.error(keys[0], "is missing" + (f" (or {', '.join(keys[1:])})" if keys[1:] else ""))
        return value

    def optional_flag(self, key: str) -> bool | None:
        """true, false or not stated."""
        value = self._values.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.error(key, f"must be true or false, not {value!r}")
        return value

    def optional_text(self, key: str) -> str:
        """Text, empty where not stated."""
        value = self._values.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.error(key, f"must be text, not {value!r}")
        return value

    def is_list(self, key: str) -> bool:
        """Whether `key` is stated as a list."""
        return isinstance(self._values.get(key), list)

    def optional_list(self, key: str) -> list[Any]:
        """A list, empty where not stated."""
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(key, f"must be a list, not {value!r}")
        return value

    @property
    def model_type(self) -> str:
        kind = self.optional_text("model_type")
        if not kind:
            raise self.error("model_type", "is missing")
        return kind

    @property
    def hidden(self) -> int:
        return self.whole("hidden_size", "n_embd", "d_model")

    @property
    def layers(self) -> int:
        found = self.whole("num_hidden_layers", "n_layer", "num_layers")
        if found > MOST_LAYERS:
            raise self.error("num_hidden_layers", f"is {found:,}, more than {MOST_LAYERS:,}, which no model has")
        return found

    @property
    def heads(self) -> int:
        return self.whole("num_attention_heads", "n_head")

    @property
    def kv_heads(self) -> int:
        if self.optional_flag("multi_query") and not self.optional_flag("new_decoder_architecture"):
            return 1
        return self.optional_whole("num_key_value_heads", "num_kv_heads") or self.heads

    @property
    def precision(self) -> str:
        quantised = self._values.get("quantization_config")
        if isinstance(quantised, dict):
            method = str(quantised.get("quant_algo") or quantised.get("quant_method") or "").casefold()
            if method in _QUANTISED:
                return _QUANTISED[method]
            raise self.error("quantization_config", f"method '{method}' is not known ({', '.join(_QUANTISED)})")
        stated = self.optional_text("torch_dtype") or self.optional_text("dtype")
        if not stated:
            raise self.error("torch_dtype", "is missing")
        if stated not in _DTYPES:
            raise self.error("torch_dtype", f"'{stated}' is not known ({', '.join(_DTYPES)})")
        return _DTYPES[stated]


@dataclass(frozen=True, slots=True)
class _Experts:
    count: int = 0
    per_token: int = 0
    intermediate: int = 0
    shared: int = 0


def _read_experts(config: _Config) -> _Experts:
    count = config.optional_whole("num_experts", "num_local_experts", "n_routed_experts") or 0
    if not count:
        return _Experts()
    width = config.optional_whole("moe_intermediate_size")
    if width is None:
        if config.model_type not in _EXPERTS_AS_WIDE_AS_STATED:
            raise config.error("moe_intermediate_size", "is missing")
        width = config.whole("intermediate_size")
    shared = config.optional_whole(
        "shared_expert_intermediate_size", "moe_shared_expert_intermediate_size", "share_expert_dim"
    )
    if shared is None:
        number = config.optional_whole("n_shared_experts", "num_shared_experts") or 0
        shared = width * (1 if config.model_type.startswith("llama4") else number)
    per_token = config.whole("num_experts_per_tok", "num_experts_per_token", "moe_topk")
    return _Experts(count, per_token, width, shared)


def _dense_width(config: _Config, layers: tuple[LayerGroup, ...]) -> int:
    if not any(group.ffn == "dense" for group in layers):
        return 0
    if config.model_type.startswith("llama4"):
        return config.whole("intermediate_size_mlp")
    width = config.optional_whole("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size")
    if width is None and config.model_type in _FOUR_TIMES_HIDDEN:
        return 4 * config.hidden
    return config.whole("intermediate_size") if width is None else width


def _plain_layers(config: _Config, experts: _Experts) -> tuple[LayerGroup, ...]:
    kinds = [(*_mixer_of(config, index), _feed_forward_of(config, experts, index)) for index in range(config.layers)]
    return tuple(
        LayerGroup(count=float(count), mixer=mixer, ffn=ffn, window=window)
        for (mixer, window, ffn), count in Counter(kinds).items()
    )


def _mixer_of(config: _Config, index: int) -> tuple[Mixer, int | None]:
    attention: Mixer = "mla" if config.optional_whole("kv_lora_rank") else "gqa"
    window = config.optional_whole("sliding_window", "attention_chunk_size")
    types = config.optional_list("layer_types")
    if types:
        if len(types) != config.layers:
            raise config.error("layer_types", f"names {len(types)} layers of {config.layers}")
        kind = types[index]
        if kind == "linear_attention":
            return "linear", None
        if kind in ("sliding_attention", "chunked_attention"):
            if window is None:
                raise config.error("sliding_window", "is missing although layer_types names windowed layers")
            return attention, window
        if kind == "full_attention":
            return attention, None
        raise config.error("layer_types", f"'{kind}' is not known (full, sliding, chunked or linear attention)")
    if config.model_type == "mistral" and window is not None:
        return attention, window
    if config.optional_flag("use_sliding_window"):
        raise config.error("layer_types", "is missing although use_sliding_window is true")
    return attention, None


def _feed_forward_of(config: _Config, experts: _Experts, index: int) -> FeedForward:
    if not experts.count or index < (config.optional_whole("first_k_dense_replace") or 0):
        return "dense"
    if index in config.optional_list("mlp_only_layers"):
        return "dense"
    if config.is_list("moe_layer_freq"):
        frequencies = config.optional_list("moe_layer_freq")
        if len(frequencies) != config.layers:
            raise config.error("moe_layer_freq", f"names {len(frequencies)} layers of {config.layers}")
        return "moe" if frequencies[index] else "dense"
    step = config.optional_whole("interleave_moe_layer_step", "decoder_sparse_step", "moe_layer_freq") or 1
    return "moe" if (index + 1) % step == 0 else "dense"


def _pattern_layers(config: _Config, pattern: str) -> tuple[LayerGroup, ...]:
    kinds: dict[str, tuple[Mixer, FeedForward]] = {
        "M": ("mamba", "none"),
        "*": ("gqa", "none"),
        "E": ("none", "moe"),
        "-": ("none", "dense"),
    }
    if len(pattern) > MOST_LAYERS:
        raise config.error("hybrid_override_pattern", f"names more than {MOST_LAYERS:,} layers, which no model has")
    for letter in pattern:
        if letter not in kinds:
            raise config.error("hybrid_override_pattern", f"'{letter}' is not known ({' '.join(kinds)})")
    return tuple(LayerGroup(float(count), *kinds[letter]) for letter, count in Counter(pattern).items())


def _recurrent_mixer(config: _Config, layers: tuple[LayerGroup, ...]) -> tuple[float, float]:
    """State bytes a sequence (32 bit, convolution in 16 bit) and weights of one recurrent layer."""
    hidden = config.hidden
    if any(group.mixer == "mamba" for group in layers):
        heads, state = config.whole("mamba_num_heads"), config.whole("ssm_state_size")
        inner = heads * config.whole("mamba_head_dim")
        mixed = inner + 2 * config.whole("n_groups") * state
        kernel = config.whole("conv_kernel")
        projections = hidden * (inner + mixed + heads) + inner * hidden
        weights = projections + mixed * (kernel + 1) + 3 * heads + inner
        return float(inner * state * 4 + mixed * (kernel - 1) * 2), float(weights)
    key_dim, value_dim = config.whole("linear_key_head_dim"), config.whole("linear_value_head_dim")
    keys = config.whole("linear_num_key_heads") * key_dim
    value_heads = config.whole("linear_num_value_heads")
    values = value_heads * value_dim
    kernel = config.whole("linear_conv_kernel_dim")
    projections = hidden * (2 * keys + 2 * values + 2 * value_heads) + values * hidden
    weights = projections + (2 * keys + values) * kernel + 2 * value_heads + value_dim
    state_bytes = value_heads * key_dim * value_dim * 4 + (2 * keys + values) * (kernel - 1) * 2
    return float(state_bytes), float(weights)

"""Reading config.json: the same shapes as the shipped records, and errors that name the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from explorer.catalog import Catalog, active_parameters, parameter_count
from explorer.catalog.huggingface import read_huggingface_config
from explorer.errors import CatalogError

DENSE: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64,
    "num_key_value_heads": 8, "intermediate_size": 28672, "vocab_size": 128256, "torch_dtype": "bfloat16",
    "tie_word_embeddings": False, "max_position_embeddings": 131072,
}  # fmt: skip
ROUTED: dict[str, Any] = {
    "model_type": "qwen3_moe", "hidden_size": 2048, "num_hidden_layers": 48, "num_attention_heads": 32,
    "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 6144, "moe_intermediate_size": 768,
    "num_experts": 128, "num_experts_per_tok": 8, "decoder_sparse_step": 1, "mlp_only_layers": [],
    "vocab_size": 151936, "torch_dtype": "bfloat16", "tie_word_embeddings": False, "use_sliding_window": False,
    "sliding_window": None,
}  # fmt: skip
LATENT: dict[str, Any] = {
    "model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128,
    "num_key_value_heads": 128, "intermediate_size": 18432, "moe_intermediate_size": 2048,
    "n_routed_experts": 256, "num_experts_per_tok": 8, "n_shared_experts": 1, "first_k_dense_replace": 3,
    "moe_layer_freq": 1, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128, "v_head_dim": 128, "vocab_size": 129280, "torch_dtype": "bfloat16",
    "quantization_config": {"quant_method": "fp8"}, "tie_word_embeddings": False,
}  # fmt: skip
WINDOWED: dict[str, Any] = {
    "model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 36, "num_attention_heads": 64,
    "num_key_value_heads": 8, "head_dim": 64, "intermediate_size": 2880, "num_local_experts": 128,
    "num_experts_per_tok": 4, "sliding_window": 128, "vocab_size": 201088, "tie_word_embeddings": False,
    "layer_types": ["sliding_attention", "full_attention"] * 18,
    "quantization_config": {"quant_method": "mxfp4"},
}  # fmt: skip
RECURRENT: dict[str, Any] = {
    "model_type": "qwen3_5_moe", "text_config": {
        "model_type": "qwen3_5_moe_text", "hidden_size": 2048, "num_hidden_layers": 40,
        "num_attention_heads": 16, "num_key_value_heads": 2, "head_dim": 256, "num_experts": 256,
        "num_experts_per_tok": 8, "moe_intermediate_size": 512, "shared_expert_intermediate_size": 512,
        "vocab_size": 248320, "torch_dtype": "bfloat16", "tie_word_embeddings": False,
        "attn_output_gate": True, "linear_num_key_heads": 16, "linear_num_value_heads": 32,
        "linear_key_head_dim": 128, "linear_value_head_dim": 128, "linear_conv_kernel_dim": 4,
        "layer_types": (["linear_attention"] * 3 + ["full_attention"]) * 10,
    },
}  # fmt: skip
HYBRID: dict[str, Any] = {
    "model_type": "nemotron_h", "hidden_size": 2688, "num_hidden_layers": 52, "num_attention_heads": 32,
    "num_key_value_heads": 2, "head_dim": 128, "intermediate_size": 1856, "moe_intermediate_size": 1856,
    "n_routed_experts": 128, "num_experts_per_tok": 6, "n_shared_experts": 1,
    "moe_shared_expert_intermediate_size": 3712, "vocab_size": 131072, "torch_dtype": "bfloat16",
    "tie_word_embeddings": False, "mamba_num_heads": 64, "mamba_head_dim": 64, "ssm_state_size": 128,
    "n_groups": 8, "conv_kernel": 4,
    "hybrid_override_pattern": "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME",
}  # fmt: skip
INTERLEAVED: dict[str, Any] = {
    "model_type": "llama4_text", "hidden_size": 5120, "num_hidden_layers": 48, "num_attention_heads": 40,
    "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 8192, "intermediate_size_mlp": 16384,
    "num_local_experts": 128, "num_experts_per_tok": 1, "interleave_moe_layer_step": 2, "vocab_size": 202048,
    "torch_dtype": "bfloat16", "tie_word_embeddings": False, "attention_chunk_size": 8192,
    "layer_types": (["chunked_attention"] * 3 + ["full_attention"]) * 12,
}  # fmt: skip
UNGATED: dict[str, Any] = {
    "model_type": "gptj", "n_embd": 4096, "n_layer": 28, "n_head": 16, "vocab_size": 50400,
    "torch_dtype": "float16", "tie_word_embeddings": False, "n_inner": None, "n_positions": 2048,
}  # fmt: skip


def _write(folder: Path, config: dict[str, Any]) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("config", "shipped"),
    [
        (DENSE, "llama-3.1-70b"),
        (ROUTED, "qwen3-30b-a3b"),
        (LATENT, "deepseek-v3"),
        (WINDOWED, "gpt-oss-120b"),
        (RECURRENT, "qwen3.5-35b-a3b"),
        (HYBRID, "nemotron-3-nano-30b-a3b"),
        (INTERLEAVED, "llama-4-maverick"),
        (UNGATED, "gpt-j-6b"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_that_a_configuration_gives_the_shape_of_the_shipped_record(
    catalog: Catalog, tmp_path: Path, config: dict[str, Any], shipped: str
) -> None:
    read, known = read_huggingface_config(_write(tmp_path, config)), catalog.model(shipped)
    assert parameter_count(read) == pytest.approx(parameter_count(known), rel=1e-6)
    assert active_parameters(read) == pytest.approx(active_parameters(known), rel=1e-6)
    assert read.linear_state_bytes_per_layer == known.linear_state_bytes_per_layer
    assert read.native_precision == known.native_precision
    assert read.origin == "user"
    windows = {(g.window, g.mixer, g.ffn) for g in known.layers}
    assert {(g.window, g.mixer, g.ffn) for g in read.layers} == windows


def test_that_the_folder_names_the_model(tmp_path: Path) -> None:
    folder = tmp_path / "Our Model 7B"
    folder.mkdir()
    model = read_huggingface_config(_write(folder, DENSE))
    assert (model.id, model.name) == ("our-model-7b", "Our Model 7B")


def test_that_no_more_experts_work_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="200 is more than there are experts"):
        read_huggingface_config(_write(tmp_path, {**ROUTED, "num_experts_per_tok": 200}))


def test_that_a_name_without_letters_of_an_id_leaves_the_naming_to_the_folder(tmp_path: Path) -> None:
    named, unnamed = tmp_path / "ours", tmp_path / "模型-7"
    for folder in (named, unnamed):
        folder.mkdir()
    model = read_huggingface_config(_write(named, {**DENSE, "_name_or_path": "模型-7"}))
    assert (model.id, model.name) == ("ours", "模型-7")
    with pytest.raises(CatalogError, match="no id can be made"):
        read_huggingface_config(_write(unnamed, DENSE))


def test_that_an_unstated_tie_is_noted(tmp_path: Path) -> None:
    config = {key: value for key, value in DENSE.items() if key != "tie_word_embeddings"}
    assert "tie_word_embeddings is not stated" in read_huggingface_config(_write(tmp_path, config)).notes


@pytest.mark.parametrize(
    ("config", "key"),
    [
        (DENSE, "hidden_size"),
        (DENSE, "num_hidden_layers"),
        (DENSE, "vocab_size"),
        (DENSE, "intermediate_size"),
        (DENSE, "torch_dtype"),
        (DENSE, "model_type"),
        (ROUTED, "moe_intermediate_size"),
        (ROUTED, "num_experts_per_tok"),
        (LATENT, "qk_rope_head_dim"),
        (WINDOWED, "sliding_window"),
        (HYBRID, "mamba_num_heads"),
    ],
)
def test_that_a_missing_key_is_named(tmp_path: Path, config: dict[str, Any], key: str) -> None:
    path = _write(tmp_path, {name: value for name, value in config.items() if name != key})
    with pytest.raises(CatalogError, match=f"{key}.*is missing") as caught:
        read_huggingface_config(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"hidden_size": "8192"}, "hidden_size: must be a whole number"),
        ({"hidden_size": -1}, "hidden_size: must be a whole number"),
        ({"torch_dtype": "int3"}, "torch_dtype: 'int3' is not known"),
        ({"quantization_config": {"quant_method": "magic"}}, "quantization_config: method 'magic'"),
        ({"layer_types": ["full_attention"]}, "layer_types: names 1 layers of 80"),
        ({"layer_types": ["odd_attention"] * 80}, "layer_types: 'odd_attention' is not known"),
        ({"compress_ratios": [4, 128]}, "compress_ratios: describes a compressed key-value cache"),
        ({"tie_word_embeddings": "no"}, "tie_word_embeddings: must be true or false"),
        ({"use_sliding_window": True}, "layer_types: is missing although use_sliding_window"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers: is 1,000,000,000, more than 10,000"),
        ({"vocab_size": 10**400}, "vocab_size: is more than 1,000,000,000"),
        ({"hidden_size": 32}, "head_dim: is missing, and 64 heads share a hidden size of 32"),
        ({"num_key_value_heads": 128}, "kv_heads: 64 heads cannot share 128 key-value heads"),
        ({"num_key_value_heads": 5}, "kv_heads: 64 heads cannot share 5 key-value heads"),
    ],
)
def test_that_a_key_that_cannot_be_used_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(CatalogError) as caught:
        read_huggingface_config(_write(tmp_path, {**DENSE, **change}))
    assert told in str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff", b"[" * 200_000], ids=["cut", "list", "binary", "deep"])
def test_that_a_file_that_is_no_configuration_is_told_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(CatalogError, match=r"config\.json"):
        read_huggingface_config(path)


def test_that_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read"):
        read_huggingface_config(tmp_path / "config.json")

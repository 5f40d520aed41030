"""The shipped models: their shapes give the published numbers of parameters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.catalog import Catalog, active_parameters, load_catalog, parameter_count
from explorer.errors import UnknownRecordError

PUBLISHED = tuple(m.id for m in load_catalog().models.values() if m.published_parameters is not None)

# No count of the language model alone is published for these; a new one must be added here knowingly.
WITHOUT_PUBLISHED_COUNT = {"qwen3-4b", "mimo-7b", "deepseek-v3.2", "step-3.7-flash"}

# Parameters a token passes through, in billions, as the model cards state them.
ACTIVE = {
    "deepseek-v3": 37,
    "kimi-k2": 32,
    "kimi-k3": 104,
    "deepseek-v4-flash": 13,
    "deepseek-v4-pro": 49,
    "gpt-oss-120b": 5.1,
    "mixtral-8x7b": 12.9,
    "qwen3-235b-a22b": 22,
    "llama-4-maverick": 17,
    "nemotron-3-super-120b-a12b": 12.7,
    "qwen3.5-397b-a17b": 17,
}


@pytest.mark.parametrize("model_id", PUBLISHED)
def test_that_a_shape_gives_the_published_parameters_within_two_percent(catalog: Catalog, model_id: str) -> None:
    model = catalog.model(model_id)
    assert parameter_count(model) == pytest.approx(model.published_parameters, rel=0.02)
    assert model.published_source


def test_that_the_models_without_a_published_count_are_known_by_name(catalog: Catalog) -> None:
    without = {m.id for m in catalog.models.values() if m.published_parameters is None}
    assert without == WITHOUT_PUBLISHED_COUNT


@pytest.mark.parametrize(("model_id", "billion"), ACTIVE.items())
def test_that_active_parameters_agree_with_the_model_card(catalog: Catalog, model_id: str, billion: float) -> None:
    assert active_parameters(catalog.model(model_id)) == pytest.approx(billion * 1e9, rel=0.06)


def test_that_llama_3_1_70b_weighs_141_gb_in_16_bit(catalog: Catalog) -> None:
    assert 2 * parameter_count(catalog.model("llama-3.1-70b")) == pytest.approx(141e9, rel=0.01)


def test_that_of_a_dense_model_only_the_embedding_table_is_idle(catalog: Catalog) -> None:
    model = catalog.model("llama-3.1-8b")
    assert parameter_count(model) - active_parameters(model) == 128256 * 4096
    tied = catalog.model("qwen3-1.7b")
    assert active_parameters(tied) == parameter_count(tied)


def test_that_a_gate_adds_half_to_the_feed_forward_weights(catalog: Catalog) -> None:
    model = catalog.model("opt-66b")
    gated = parameter_count(replace(model, gated_ffn=True)) - parameter_count(model)
    assert gated == pytest.approx(64 * 9216 * 36864)


def test_that_more_experts_a_token_never_lower_the_active_parameters(catalog: Catalog) -> None:
    model = catalog.model("mixtral-8x7b")
    counts = [active_parameters(replace(model, experts_per_token=k)) for k in range(1, 9)]
    assert counts == sorted(counts)
    assert counts[-1] == parameter_count(model) - 32000 * 4096


@pytest.mark.parametrize(
    ("model_id", "windowed", "recurrent"),
    [
        ("gpt-oss-120b", 18, 0),
        ("gemma-4-31b", 50, 0),
        ("llama-4-scout", 36, 0),
        ("mimo-v2-flash", 39, 0),
        ("step-3.7-flash", 33, 0),
        ("qwen3.5-397b-a17b", 0, 45),
        ("nemotron-h-56b", 0, 54),
        ("kimi-k3", 0, 69),
    ],
)
def test_that_windows_and_recurrent_layers_are_told_apart(
    catalog: Catalog, model_id: str, windowed: int, recurrent: int
) -> None:
    layers = catalog.model(model_id).layers
    assert sum(g.count for g in layers if g.window is not None) == windowed
    assert sum(g.count for g in layers if g.mixer in ("linear", "mamba")) == recurrent


@pytest.mark.parametrize(
    ("model_id", "dense", "routed"),
    [("deepseek-v3", 3, 58), ("kimi-k2", 1, 60), ("llama-4-maverick", 24, 24), ("glm-5", 3, 75)],
)
def test_that_dense_and_routed_layers_are_told_apart(catalog: Catalog, model_id: str, dense: int, routed: int) -> None:
    layers = catalog.model(model_id).layers
    assert sum(g.count for g in layers if g.ffn == "dense") == dense
    assert sum(g.count for g in layers if g.ffn == "moe") == routed


def test_that_the_gate_follows_the_family(catalog: Catalog) -> None:
    for ungated in ("gpt-3-175b", "gpt-j-6b", "opt-13b", "falcon-40b", "bloom-176b", "gpt-neox-20b", "nemotron-h-56b"):
        assert not catalog.model(ungated).gated_ffn, ungated
    for gated in ("palm-540b", "llama-3.1-8b", "mixtral-8x7b", "gpt-oss-120b"):
        assert catalog.model(gated).gated_ffn, gated


def test_that_a_quantised_variant_is_the_same_architecture(catalog: Catalog) -> None:
    assert catalog.model("nvidia/Kimi-K2.5-NVFP4").id == "kimi-k2"
    assert catalog.model("deepseek-ai/deepseek-r1").id == "deepseek-v3"


def test_that_no_alias_stands_for_two_models(catalog: Catalog) -> None:
    owners: dict[str, str] = {}
    for model in catalog.models.values():
        for name in (model.id, *model.aliases):
            assert owners.setdefault(name.casefold(), model.id) == model.id, name


def test_that_an_unknown_model_is_an_error_with_the_nearest_names(catalog: Catalog) -> None:
    with pytest.raises(UnknownRecordError, match=r"llama-3.1-7b.*llama-3.1-70b"):
        catalog.model("llama-3.1-7b")

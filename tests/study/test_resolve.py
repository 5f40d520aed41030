"""From catalogue to engine: the size slider, formats a chip computes in, and figures that must be there."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog, load_catalog
from explorer.engine.memory import count_weights, kv_bytes_per_token
from explorer.errors import MissingFigureError
from explorer.scenario.schema import ModelChoice
from explorer.study.figures import central_values
from explorer.study.resolve import (
    WEIGHT_BYTES,
    chip_spec,
    compute_format,
    kernels_of,
    require_links,
    scaled_shape,
    served_model,
    shape_of,
)

FAMILIES = ["llama-3.1-70b", "gpt-oss-120b", "deepseek-v3", "kimi-k2", "nemotron-h-56b", "qwen3-32b"]


@given(st.sampled_from(FAMILIES), st.floats(1.0, 10_000.0))
@settings(max_examples=80, deadline=None)
def test_that_the_size_slider_gives_the_size_asked_for_or_a_preset_within_2_percent(
    preset: str, billions: float
) -> None:
    served = served_model(load_catalog(), ModelChoice(preset=preset, size_billion=billions))
    if "scaled" in served.name:
        assert served.parameters == pytest.approx(billions * 1e9, rel=1e-6)
    else:
        assert served.parameters == pytest.approx(billions * 1e9, rel=0.0201)
    assert served.active_parameters <= served.parameters


@given(st.sampled_from(FAMILIES), st.floats(1.0, 6000.0), st.floats(1.05, 3.0))
@settings(max_examples=40, deadline=None)
def test_that_a_larger_size_weighs_more_and_keeps_more_a_token(preset: str, billions: float, factor: float) -> None:
    small, large = (
        served_model(load_catalog(), ModelChoice(preset=preset, size_billion=size))
        for size in (billions, billions * factor)
    )
    assert large.parameters > small.parameters
    if "scaled" in small.name and "scaled" in large.name:
        assert large.active_parameters > small.active_parameters
        assert kv_bytes_per_token(large.shape, 2.0) > kv_bytes_per_token(small.shape, 2.0)


def test_that_the_presets_own_size_is_exact(catalog: Catalog) -> None:
    for preset in FAMILIES:
        shape = shape_of(catalog.model(preset))
        assert scaled_shape(shape, 1.0) == shape
        exact = count_weights(shape).total / 1e9
        served = served_model(catalog, ModelChoice(preset=preset, size_billion=exact))
        assert served.shape == shape
        assert served.preset == preset


def test_that_the_family_snaps_to_its_other_presets(catalog: Catalog) -> None:
    for billions, preset in ((8.0, "llama-3.1-8b"), (70.0, "llama-3.1-70b"), (405.0, "llama-3.1-405b")):
        for start in ("llama-3.1-8b", "llama-3.1-70b"):
            served = served_model(catalog, ModelChoice(preset=start, size_billion=billions))
            assert served.preset == preset


def test_that_sparsity_and_attention_stay_while_the_size_moves(catalog: Catalog) -> None:
    base = shape_of(catalog.model("kimi-k2"))
    found = served_model(catalog, ModelChoice(preset="kimi-k2", size_billion=400.0)).shape
    assert (found.experts, found.experts_per_token) == (base.experts, base.experts_per_token)
    assert (found.kv_lora_rank, found.head_dim, found.kv_heads) == (
        base.kv_lora_rank,
        base.head_dim,
        base.kv_heads,
    )
    assert {group.mixer for group in found.layers} == {group.mixer for group in base.layers}


@pytest.mark.parametrize(
    ("chip", "precision", "peak", "activation", "note"),
    [
        ("nv-h200", "fp8", "peak_fp8", 1.0, False),
        ("nv-h200", "bf16", "peak_16bit", 2.0, False),
        ("nv-h200", "fp4", "peak_fp8", 1.0, True),
        ("nv-gb200-nvl72", "fp4", "peak_fp4", 1.0, False),
        ("nv-a100-80", "fp8", "peak_16bit", 2.0, True),
        ("nv-a100-80", "int8", "peak_int8", 1.0, False),
        ("qcom-ai200", "int4", "peak_fp8", 1.0, True),
    ],
)
def test_that_a_chip_computes_in_its_best_supported_format(
    chip: str, precision: str, peak: str, activation: float, note: bool, catalog: Catalog
) -> None:
    form = compute_format(catalog.chip(chip), precision)
    assert (form.peak_figure, form.activation_bytes) == (peak, activation)
    assert form.weight_bytes == WEIGHT_BYTES[precision]
    assert bool(form.note) is note


@pytest.mark.parametrize("figure", ["memory_bandwidth", "peak_fp8", "peak_16bit"])
def test_that_a_missing_figure_is_named_and_nothing_is_borrowed(figure: str, catalog: Catalog) -> None:
    chip = catalog.chip("nv-h200")
    values = {name: value for name, value in central_values(chip, {}).items() if name != figure}
    with pytest.raises(MissingFigureError, match=rf"chip 'nv-h200' has no figure '{figure}'"):
        chip_spec(chip, values, "fp8", "fp8")


@pytest.mark.parametrize("figure", ["link_bandwidth", "scaleup_domain", "hop_latency", "collective_efficiency"])
def test_that_several_chips_without_a_link_figure_are_refused_by_name(figure: str, catalog: Catalog) -> None:
    chip = catalog.chip("aws-trn2")
    values = {name: value for name, value in central_values(chip, {}).items() if name != figure}
    with pytest.raises(MissingFigureError, match=figure):
        require_links(chip, values)


def compute_share(chip: str, watts: float | None = None) -> float:
    """Share of its 8-bit peak that a chip's matrix products reach, at its own or another power limit."""
    record = load_catalog().chip(chip)
    values = dict(central_values(record, {}))
    if watts is not None:
        values["board_power"] = watts
    return float(chip_spec(record, values, "fp8", "fp8").gemm_compute)


@pytest.mark.parametrize("chip", ["nv-h100-sxm", "nv-h200", "nv-b200", "nv-gb200-nvl72"])
def test_that_chips_whose_kernels_were_measured_keep_the_shares_measured(chip: str) -> None:
    assert compute_share(chip) == kernels_of(load_catalog().chip(chip))["gemm_8"]["compute"]


def test_that_the_same_silicon_at_a_lower_power_limit_computes_more_slowly() -> None:
    full = compute_share("nv-h100-sxm")
    assert compute_share("nv-h100-pcie") < compute_share("nv-h100-nvl") < full
    shares = [compute_share("nv-h100-sxm", watts) for watts in (350.0, 450.0, 600.0, 700.0, 900.0)]
    assert shares == sorted(shares) and shares[-1] == full

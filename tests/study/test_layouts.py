"""How a model is split over chips: in whole heads and whole experts, unless somebody says otherwise by hand."""

from __future__ import annotations

import pytest

from explorer.catalog import Catalog
from explorer.errors import LayoutError
from explorer.scenario.workload import LayoutChoice, ModelChoice
from explorer.study.evaluate import evaluate
from explorer.study.layouts import layouts_by_degree, uneven_because
from explorer.study.outcome import Layout
from explorer.study.resolve import served_model
from tests.study.asking import one_chip


@pytest.mark.parametrize(
    "preset", ["llama-3.1-8b", "llama-3.1-70b", "llama-4-maverick", "gpt-oss-120b", "deepseek-v3", "kimi-k2"]
)
def test_that_no_chip_is_given_part_of_a_head_or_of_an_expert(preset: str, catalog: Catalog) -> None:
    served = served_model(catalog, ModelChoice(preset=preset))
    heads, experts = served.shape.heads, served.shape.experts
    for chip in catalog.chips.values():
        for degree, layouts in layouts_by_degree(tuple(chip.degrees), served, chip):
            for one in layouts:
                assert one.degree == degree
                assert heads % one.tp == 0, (chip.id, one)
                assert one.ep == 1 or experts % one.ep == 0, (chip.id, one)


def test_that_a_scaled_model_is_split_as_its_preset_or_by_a_power_of_two(catalog: Catalog) -> None:
    choice = ModelChoice(preset="bloom-176b", size_billion=150.0)
    served = served_model(catalog, choice)
    assert served.is_scaled and served.shape.heads % 1 and served.preset_heads == 112
    ai200 = catalog.chip("qcom-ai200")
    found = {one.tp for _, some in layouts_by_degree(tuple(ai200.degrees), served, ai200) for one in some}
    assert found <= {1, 2, 4, 8, 16, 32, 56, 64}
    assert 32 in found, "a power of two, although 112 heads are not a multiple of it"


def test_that_every_shipped_model_can_still_be_split_over_a_node(catalog: Catalog) -> None:
    h100 = catalog.chip("nv-h100-sxm")
    for model in catalog.models:
        by_degree = dict(layouts_by_degree((1, 2, 4, 8), served_model(catalog, ModelChoice(preset=model)), h100))
        assert all(by_degree[degree] for degree in (1, 2, 4, 8)), model


def test_that_the_reason_is_said_in_words() -> None:
    assert uneven_because(Layout(12, 1, 1, 1), 32, 0, scaled=False) == "tp 12 does not divide the 32 attention heads"
    assert uneven_because(Layout(8, 1, 9, 72), 64, 128, scaled=False) == "ep 72 does not divide the 128 experts"
    assert uneven_because(Layout(8, 1, 9, 8), 64, 128, scaled=False) == ""
    assert uneven_because(Layout(64, 1, 1, 1), 40, 0, scaled=True) == ""


def test_that_an_uneven_split_can_be_had_by_hand_only(catalog: Catalog) -> None:
    deployed = {"cloud": "", "layout": LayoutChoice(tp=12, pp=1, dp=1, ep=1), "parallelism_degree": 12}
    by_hand = evaluate(one_chip("aws-inf2", deployed, preset="llama-3.1-8b"), catalog, 8).workloads[0].chosen
    assert by_hand.layout.tp == 12
    free = evaluate(one_chip("aws-inf2", {"cloud": ""}, preset="llama-3.1-8b"), catalog, 8).workloads[0].chosen
    assert 32 % free.layout.tp == 0


def test_that_a_degree_without_an_even_split_says_what_to_do(catalog: Catalog) -> None:
    deployed = {"cloud": "", "parallelism_degree": 11}
    with pytest.raises(LayoutError, match=r"no layout of 11 chips splits this model evenly .*by hand"):
        evaluate(one_chip("aws-inf2", deployed, preset="llama-3.1-8b"), catalog, 8)

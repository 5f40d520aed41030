"""Central values and draws of figures: beliefs, ratios, overrides, and slices of a distribution met exactly."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.scenario.schema import Override
from explorer.study.figures import FigureSets, central_values, drawn_values

CHIPS = sorted(load_catalog().chips)


@pytest.mark.parametrize("belief", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_that_a_belief_is_the_share_of_draws_of_the_first_reading(belief: float, catalog: Catalog) -> None:
    chip = catalog.chip("qcom-ai200")
    drawn = drawn_values(chip, {"memory_bandwidth": Override(belief=belief)}, 64, 1)["memory_bandwidth"]
    assert set(np.unique(drawn)) <= {7.39e12, 1.7e12}
    assert np.mean(drawn == 7.39e12) == belief


@pytest.mark.parametrize("chip", CHIPS)
def test_that_draws_stay_within_the_figures_range_and_centre_on_its_value(chip: str, catalog: Catalog) -> None:
    record = catalog.chip(chip)
    values = central_values(record, {})
    for name, drawn in drawn_values(record, {}, 128, 1).items():
        figure = record.figures[name]
        assert np.all(np.isfinite(drawn)) and np.all(drawn > 0), name
        if figure.derived_from is None:
            assert drawn.min() >= figure.low * (1 - 1e-9), name
            assert drawn.max() <= figure.high * (1 + 1e-9), name
            assert figure.low <= values[name] <= figure.high, name


def test_that_a_derived_figure_follows_its_parent_in_value_and_in_every_draw(catalog: Catalog) -> None:
    chip = catalog.chip("qcom-ai200")
    doubled = {"peak_fp8": Override(value=4000.0, unit="TFLOPS")}
    assert central_values(chip, doubled)["peak_16bit"] == pytest.approx(0.5 * 4000e12)
    drawn = drawn_values(chip, {}, 32, 1)
    assert drawn["peak_16bit"] == pytest.approx(0.5 * drawn["peak_fp8"])
    own = {"peak_16bit": Override(value=900.0, unit="TFLOPS")}
    assert central_values(chip, own)["peak_16bit"] == 900e12
    assert "peak_16bit" not in drawn_values(chip, own, 32, 1)


def test_that_an_overridden_figure_is_no_longer_drawn(catalog: Catalog) -> None:
    chip = catalog.chip("qcom-ai200")
    override = {"memory_bandwidth": Override(value=2.4, unit="TB/s")}
    assert central_values(chip, override)["memory_bandwidth"] == pytest.approx(2.4e12)
    assert "memory_bandwidth" not in drawn_values(chip, override, 32, 1)


def test_that_a_line_rate_in_bits_becomes_bytes(catalog: Catalog) -> None:
    override = {"scaleout_bandwidth": Override(value=400.0, unit="Gb/s")}
    assert central_values(catalog.chip("qcom-ai200"), override)["scaleout_bandwidth"] == pytest.approx(50e9)


def test_that_no_figure_of_another_chip_is_ever_used(catalog: Catalog) -> None:
    for chip in catalog.chips.values():
        assert set(central_values(chip, {})) == set(chip.figures)


def test_that_figure_sets_are_kept_by_what_is_overridden_and_forgotten_in_turn(catalog: Catalog) -> None:
    sets = FigureSets(catalog, keep=2)
    plain = sets.of("nv-h200", {})
    assert sets.of("nv-h200", {}) is plain
    faster = sets.of("nv-h200", {"memory_bandwidth": Override(value=9.0, unit="TB/s")})
    assert faster is not plain
    assert faster.values["memory_bandwidth"] == 9e12
    sets.of("aws-trn2", {})
    sets.of("nv-h100-sxm", {})
    again = sets.of("nv-h200", {})
    assert again is not plain
    assert again.values == plain.values

"""The units of the catalogue have their quantities, and only like is restated in like."""

from __future__ import annotations

import pytest

from explorer.catalog.figure import UNIT_SCALES
from explorer.errors import UnknownRecordError
from explorer.scenario.quantities import quantity_for_unit, same_dimension, unit_scale


@pytest.mark.parametrize("unit", sorted(UNIT_SCALES))
def test_that_every_unit_of_the_catalogue_has_a_quantity_of_the_same_scale(unit: str) -> None:
    assert quantity_for_unit(unit).parse("50") == pytest.approx(
        0.5 if unit == "share" else 50 * unit_scale(unit), rel=1e-12
    )


def test_that_an_unknown_unit_is_an_error_that_names_it() -> None:
    with pytest.raises(UnknownRecordError, match="TB/sec"):
        quantity_for_unit("TB/sec")


def test_that_bits_and_bytes_a_second_are_one_dimension_and_bytes_are_another() -> None:
    assert same_dimension("GB/s", "Gb/s")
    assert not same_dimension("GB/s", "GB")

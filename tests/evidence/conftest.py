"""The shipped measurements, validated once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from explorer.catalog import load_catalog
from explorer.study.evidence.constants import ServingConstants, serving_constants
from explorer.study.evidence.estimate import left_out
from explorer.study.evidence.predict import LoopParts, Prediction
from explorer.study.validate import Validation, validate


@pytest.fixture(scope="session")
def serving() -> ServingConstants:
    """The shipped serving constants."""
    return serving_constants()


@pytest.fixture(scope="session")
def shipped() -> Validation:
    """Every shipped row with its predictions."""
    return validate([], load_catalog())


def chip_of(part: LoopParts) -> str:
    """The chip of a closed-loop row."""
    assert part.row.chip is not None
    return part.row.chip.id


@pytest.fixture(scope="session")
def unseen(shipped: Validation, serving: ServingConstants) -> Sequence[Prediction]:
    """All predictions, closed loops by constants estimated without the row's chip."""
    nested = [
        value for value in left_out(shipped.parts, serving, chip_of) if value.metric not in value.row.set_aside
    ]
    known = {(value.row.id, value.metric) for value in nested}
    return nested + [value for value in shipped.predictions if (value.row.id, value.metric) not in known]

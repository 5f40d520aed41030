"""The shipped measurements, validated once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from explorer.catalog import load_catalog
from explorer.study.evidence.constants import ServingConstants, serving_constants
from explorer.study.evidence.estimate import unseen as unseen_predictions
from explorer.study.evidence.predict import Prediction
from explorer.study.evidence.spread import chip_of
from explorer.study.validate import Validation, validate


@pytest.fixture(scope="session")
def serving() -> ServingConstants:
    """The shipped serving constants."""
    return serving_constants()


@pytest.fixture(scope="session")
def shipped() -> Validation:
    """Every shipped row with its predictions."""
    return validate([], load_catalog())


@pytest.fixture(scope="session")
def unseen(shipped: Validation, serving: ServingConstants) -> Sequence[Prediction]:
    """All predictions, closed loops by constants estimated without the row's chip."""
    return unseen_predictions(shipped.predictions, shipped.parts, serving, lambda part: chip_of(part.row))

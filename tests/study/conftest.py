"""What every test of the study shares: the shipped catalogue, read once."""

from __future__ import annotations

import pytest

from explorer.catalog import Catalog, load_catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()

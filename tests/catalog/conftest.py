"""The shipped catalogue, and a valid chip, model and price file to spoil or to put into a user's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.catalog import Catalog, load_catalog, resource_root

OWN_MODEL = """
id = "my-model"
name = "My model"
family = "mine"
hidden = 1024
heads = 8
kv_heads = 2
head_dim = 128
intermediate = 4096
gated_ffn = true
vocabulary = 32000
tied_embeddings = false
native_precision = "bf16"
source = "our own"

[[layers]]
count = 12
mixer = "gqa"
ffn = "dense"
"""

OWN_PRICES = """
cloud = "Our cloud"

[[offers]]
id = "our-h200"
instance = "8 x H200"
chip = "nv-h200"
chips_per_instance = 8
region = "here"
term = "reserved"
usd_per_chip_hour = 3.1
low = 2.9
high = 3.3
status = "disclosed"
date = "2026-11-01"
source = "our contract"
"""


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.fixture
def own_chip() -> str:
    """The text of a valid chip file: the shipped H200 under an id of the user's own."""
    text = (resource_root() / "chips" / "nv-h200.toml").read_text(encoding="utf-8")
    return text.replace('id = "nv-h200"', 'id = "my-chip"', 1)


@pytest.fixture
def own_folder(tmp_path: Path, own_chip: str) -> Path:
    """A user's folder with one chip, one model and one offer."""
    for name, text in (("chips/mine", own_chip), ("models/mine", OWN_MODEL), ("prices/ours", OWN_PRICES)):
        file = tmp_path / f"{name}.toml"
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
    return tmp_path

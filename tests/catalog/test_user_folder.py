"""A user's own records: marked, beside the shipped ones, and never in their place."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.catalog.model import parameter_count
from explorer.errors import CatalogError


def test_that_own_records_are_marked_and_stand_beside_the_shipped_ones(own_folder: Path, catalog: Catalog) -> None:
    own = load_catalog(own_folder)
    assert own.chip("my-chip").origin == "user"
    assert own.model("my-model").origin == "user"
    assert own.offer("our-h200").origin == "user"
    assert own.chip("nv-h200") == catalog.chip("nv-h200")
    assert len(own.chips) == len(catalog.chips) + 1
    assert set(own.models) == {*catalog.models, "my-model"}
    assert "our-h200" in [offer.id for offer in own.offers_for("nv-h200", cloud="Our cloud")]
    assert "my-chip" not in catalog.chips


def test_that_own_records_do_not_change_the_edition(own_folder: Path, catalog: Catalog) -> None:
    assert load_catalog(own_folder).edition == catalog.edition


@pytest.mark.parametrize(
    ("file", "mine", "shipped"),
    [
        ("chips/mine.toml", "my-chip", "nv-h200"),
        ("models/mine.toml", "my-model", "llama-3.1-8b"),
        ("prices/ours.toml", "our-h200", "aws-p5en-48xlarge-us-east-1-on-demand"),
    ],
)
def test_that_an_id_already_taken_is_refused_naming_both_files(
    own_folder: Path, file: str, mine: str, shipped: str
) -> None:
    path = own_folder / file
    path.write_text(path.read_text(encoding="utf-8").replace(mine, shipped, 1), encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        load_catalog(own_folder)
    assert str(path) in str(caught.value)
    assert f"'{shipped}' is already taken by" in str(caught.value)
    assert str(caught.value).count(".toml") == 2


def test_that_two_own_files_with_one_id_are_refused(own_folder: Path, own_chip: str) -> None:
    (own_folder / "chips" / "again.toml").write_text(own_chip, encoding="utf-8")
    with pytest.raises(CatalogError, match=r"mine\.toml.*already taken by.*again\.toml"):
        load_catalog(own_folder)


def test_that_an_alias_of_a_shipped_model_is_refused(own_folder: Path) -> None:
    path = own_folder / "models" / "mine.toml"
    path.write_text('aliases = ["deepseek-r1"]\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(CatalogError, match=r"my-model.*deepseek-r1.*deepseek-v3"):
        load_catalog(own_folder)


def test_that_an_offer_of_an_unknown_chip_names_the_nearest(own_folder: Path) -> None:
    path = own_folder / "prices" / "ours.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"nv-h200"', '"nv-h2000"'), encoding="utf-8")
    with pytest.raises(CatalogError, match=r"ours\.toml.*our-h200.*nv-h2000.*nv-h200"):
        load_catalog(own_folder)


def test_that_an_offer_of_an_own_chip_is_accepted(own_folder: Path) -> None:
    path = own_folder / "prices" / "ours.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"nv-h200"', '"my-chip"'), encoding="utf-8")
    assert load_catalog(own_folder).offers_for("my-chip")[0].id == "our-h200"


CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}


def test_that_a_published_configuration_in_the_models_folder_is_a_model(tmp_path: Path) -> None:
    (tmp_path / "models" / "Our-8B").mkdir(parents=True)
    (tmp_path / "models" / "Our-8B" / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    (tmp_path / "models" / "Flat.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    catalog = load_catalog(tmp_path)
    for name in ("our-8b", "flat"):
        assert catalog.model(name).origin == "user"
        assert parameter_count(catalog.model(name)) == pytest.approx(8.03e9, rel=0.002)


def test_that_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="nowhere"):
        load_catalog(tmp_path / "nowhere")


def test_that_an_empty_folder_adds_nothing(tmp_path: Path, catalog: Catalog) -> None:
    assert set(load_catalog(tmp_path).chips) == set(catalog.chips)


def test_that_a_record_survives_the_way_to_another_process(catalog: Catalog) -> None:
    for record in (catalog.chip("qcom-ai200"), catalog.model("kimi-k2"), catalog.supply_chain("nv-b200")):
        assert pickle.loads(pickle.dumps(record)) == record
        assert hash(record) == hash(pickle.loads(pickle.dumps(record)))

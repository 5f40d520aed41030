"""The rows of the `chips` and `models` commands, and the name of the catalogue's edition."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from explorer.catalog import Catalog, load_catalog, resource_root
from explorer.catalog.catalog import edition_of
from explorer.catalog.listing import chip_rows, model_rows


def test_that_the_row_of_ai200_tells_what_is_open(catalog: Catalog) -> None:
    row = next(row for row in chip_rows(catalog) if row.id == "qcom-ai200")
    assert (row.evidence_grade, row.bandwidth_status) == ("undisclosed", "disputed")
    assert {"memory_bandwidth", "peak_fp8", "link_bandwidth"} <= set(row.open_figures)
    assert "peak_16bit" not in row.open_figures
    assert (row.offers, row.hypothetical_offers) == (0, 1)


def test_that_every_chip_and_model_has_a_row(catalog: Catalog) -> None:
    assert [row.id for row in chip_rows(catalog)] == list(catalog.chips)
    rows = model_rows(catalog)
    assert {row.id for row in rows} == set(catalog.models)
    assert [row.parameters for row in rows] == sorted(row.parameters for row in rows)


def test_that_a_model_without_a_published_count_says_so(catalog: Catalog) -> None:
    row = next(row for row in model_rows(catalog) if row.id == "mimo-7b")
    assert row.difference is None and "no published count" in row.known_from


def test_that_own_records_are_marked_in_the_rows(own_folder: Path) -> None:
    own = load_catalog(own_folder)
    assert next(row for row in chip_rows(own) if row.id == "my-chip").origin == "user"
    assert next(row for row in model_rows(own) if row.id == "my-model").origin == "user"


def test_that_the_edition_is_a_date_and_a_hash(catalog: Catalog) -> None:
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}\+[0-9a-f]{8}", catalog.edition)


def test_that_the_edition_follows_the_content_and_not_the_line_ends(tmp_path: Path, catalog: Catalog) -> None:
    for name in ("catalog.toml", "chips", "models", "prices", "suppliers"):
        source = resource_root() / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        else:
            shutil.copy(source, tmp_path / name)
    assert edition_of(tmp_path) == catalog.edition
    chip = tmp_path / "chips" / "nv-h200.toml"
    chip.write_bytes(chip.read_bytes().replace(b"\n", b"\r\n"))
    assert edition_of(tmp_path) == catalog.edition
    chip.write_bytes(chip.read_bytes().replace(b"4.8", b"4.9", 1))
    assert edition_of(tmp_path) != catalog.edition

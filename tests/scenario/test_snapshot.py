"""A saved scenario carries the figures it rests on, and tells which of them have changed since."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from explorer.catalog import Catalog
from explorer.errors import UnknownRecordError
from explorer.scenario.file import LoadedScenario, read_scenario, write_scenario
from explorer.scenario.path import replace, several
from explorer.scenario.schema import Scenario
from explorer.scenario.snapshot import changed_since_saved, with_snapshot


@pytest.fixture
def kept(scenario: Scenario, catalog: Catalog) -> Scenario:
    """The hand-written scenario with its snapshot."""
    return with_snapshot(scenario, catalog, app_version="0.1.0", engine_version="3")


def with_figure(catalog: Catalog, chip_id: str, name: str, value: float) -> Catalog:
    """The catalogue with one figure changed."""
    chip = catalog.chip(chip_id)
    figure = dataclasses.replace(chip.figures[name], value=value)
    chip = dataclasses.replace(chip, figures={**chip.figures, name: figure})
    return dataclasses.replace(catalog, chips={**catalog.chips, chip_id: chip})


def test_that_every_figure_of_every_chip_used_is_kept_in_its_own_unit(kept: Scenario, catalog: Catalog) -> None:
    assert kept.catalog is not None
    chips = kept.catalog["used"]["chips"]
    assert set(chips) == {"qcom-ai200", "nv-h200"}
    assert set(chips["nv-h200"]) == set(catalog.chip("nv-h200").figures)
    # Nvidia H200 data sheet: 141 GB at 4.8 TB/s.
    assert chips["nv-h200"]["memory_capacity"]["value"] == 141
    assert chips["nv-h200"]["memory_bandwidth"] == {
        "value": 4.8, "low": 4.8, "high": 4.8, "unit": "TB/s", "status": "disclosed",
    }  # fmt: skip
    assert chips["qcom-ai200"]["memory_bandwidth"]["readings"] == {"vendor": 7.39, "sceptic": 1.7}
    assert kept.catalog["used"]["models"]["llama-3.1-70b"]["parameters"] == pytest.approx(70.55e9, rel=0.001)
    assert kept.catalog["used"]["suppliers"]["nv-h200"]["designer"]["weights"] == {"Nvidia": 1.0}
    assert (kept.app_version, kept.engine_version, kept.catalog_edition) == ("0.1.0", "3", catalog.edition)


def test_that_nothing_has_changed_right_after_saving(
    tmp_path: Path, kept: Scenario, loaded: LoadedScenario, catalog: Catalog
) -> None:
    again = write_scenario(tmp_path / "kept.toml", kept, loaded)
    assert again.scenario == kept
    assert changed_since_saved(read_scenario(tmp_path / "kept.toml").scenario, catalog) == ()


def test_that_a_figure_takes_one_line_of_the_file(tmp_path: Path, kept: Scenario, loaded: LoadedScenario) -> None:
    text = write_scenario(tmp_path / "kept.toml", kept, loaded).text_document
    (line,) = [
        line for line in text.partition("[catalog.used.chips.nv-h200]")[2].splitlines() if "memory_capacity" in line
    ]
    assert line == 'memory_capacity = {value = 141, low = 141, high = 141, unit = "GB", status = "disclosed"}'


def test_that_a_changed_figure_is_told_with_both_values(kept: Scenario, catalog: Catalog) -> None:
    later = with_figure(catalog, "nv-h200", "memory_bandwidth", 5e12)
    assert changed_since_saved(kept, later) == (
        "Nvidia H200: memory bandwidth was 4.8 TB/s (disclosed), is 5 TB/s (disclosed)",
    )


def test_that_a_record_gone_from_the_catalogue_is_told(kept: Scenario, catalog: Catalog) -> None:
    chips = {chip_id: catalog.chip(chip_id) for chip_id in ("qcom-ai200",)}
    assert changed_since_saved(kept, dataclasses.replace(catalog, chips=chips)) == (
        "chip nv-h200: no longer in the catalogue",
    )


def test_that_named_and_eligible_offers_are_kept(scenario: Scenario, catalog: Catalog) -> None:
    by_offer = several(
        scenario,
        {"price.basis": "offer", "workloads.0.alternatives.0.offer": "aws-ai200-hypothetical"},
    )
    kept = with_snapshot(by_offer, catalog, "0.1.0", "3")
    assert kept.catalog is not None
    offers = kept.catalog["used"]["offers"]
    assert offers["aws-ai200-hypothetical"]["hypothetical"] is True
    assert offers["aws-p5en-48xlarge-us-east-1-on-demand"]["value"] == 7.912
    dearer = dataclasses.replace(catalog.offer("aws-ai200-hypothetical"), usd_per_chip_hour=3.0)
    later = dataclasses.replace(catalog, offers={**catalog.offers, dearer.id: dearer})
    (change,) = changed_since_saved(kept, later)
    assert "was 2.2 USD/h" in change
    assert "is 3 USD/h" in change


def test_that_a_chip_the_catalogue_lacks_is_named(scenario: Scenario, catalog: Catalog) -> None:
    unknown = replace(scenario, "workloads.0.alternatives.0.chip", "qcom-ai2000")
    with pytest.raises(UnknownRecordError, match="qcom-ai2000"):
        with_snapshot(unknown, catalog, "0.1.0", "3")


def test_that_a_scenario_without_a_snapshot_has_nothing_to_compare(scenario: Scenario, catalog: Catalog) -> None:
    assert changed_since_saved(scenario, catalog) == ()


def test_that_a_model_named_by_its_alias_is_found_again(scenario: Scenario, catalog: Catalog) -> None:
    alias = replace(scenario, "workloads.0.model.preset", catalog.model("llama-3.1-70b").name)
    kept = with_snapshot(alias, catalog, "0.1.0", "3")
    assert changed_since_saved(kept, catalog) == ()
    gone = dataclasses.replace(catalog, models={})
    assert changed_since_saved(kept, gone) == (f"model {alias.workloads[0].model.preset}: no longer in the catalogue",)

"""The shipped chips: complete, sourced, and with the statuses that the evidence allows."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog, load_catalog, resource_root
from explorer.catalog.chip import REQUIRED_FIGURES
from explorer.errors import MissingFigureError, UnknownRecordError

CHIP_IDS = tuple(load_catalog().chips)


def test_that_all_37_chips_of_the_survey_are_there(catalog: Catalog) -> None:
    assert len(catalog.chips) >= 37
    for wanted in ("qcom-ai200", "nv-h200", "nv-h100-sxm", "aws-trn2", "nv-gb200-nvl72", "huawei-910c"):
        assert catalog.chip(wanted).id == wanted


@pytest.mark.parametrize("chip_id", CHIP_IDS)
def test_that_a_chip_has_what_every_result_needs(catalog: Catalog, chip_id: str) -> None:
    chip = catalog.chip(chip_id)
    for name in REQUIRED_FIGURES:
        assert chip.figure(name).value > 0
    assert chip.formats and "16bit" in chip.formats
    assert chip.degrees[0] == 1
    assert chip.instance_size >= 1
    assert chip.origin == "shipped"
    assert chip.unit_noun and chip.short_name and chip.country


@pytest.mark.parametrize("chip_id", CHIP_IDS)
def test_that_every_figure_says_where_it_comes_from(catalog: Catalog, chip_id: str) -> None:
    for figure in catalog.chip(chip_id).figures.values():
        assert figure.low <= figure.value <= figure.high, figure.name
        assert figure.source or figure.reason, figure.name
        assert re.match(r"\d{4}-\d{2}", figure.as_of), figure.name
        if figure.status in ("estimated", "undisclosed") and figure.derived_from is None:
            assert figure.reason or figure.source, figure.name
        if figure.status == "undisclosed" and figure.derived_from is None:
            assert figure.low < figure.high, f"{figure.name}: an undisclosed figure without a range"


@pytest.mark.parametrize("chip_id", CHIP_IDS)
def test_that_a_cited_source_is_in_the_list_of_sources(catalog: Catalog, chip_id: str) -> None:
    listed = set(re.findall(r"\*\*(S\d+)\*\*", (resource_root() / "chips" / "SOURCES.md").read_text(encoding="utf-8")))
    chip = catalog.chip(chip_id)
    cited = {s for figure in chip.figures.values() for s in re.findall(r"\bS\d+\b", figure.source)}
    assert cited <= listed
    assert set(chip.source_ids) <= listed


@pytest.mark.parametrize("chip_id", CHIP_IDS)
def test_that_a_reason_stands_by_itself(catalog: Catalog, chip_id: str) -> None:
    """Nobody who reads it in the window or in a report has notes to see."""
    assert not [one.name for one in catalog.chip(chip_id).figures.values() if "see note" in one.reason]


@pytest.mark.parametrize("chip_id", CHIP_IDS)
def test_that_all_reduce_is_either_measured_or_derived_and_never_both(catalog: Catalog, chip_id: str) -> None:
    chip = catalog.chip(chip_id)
    inputs = {"collective_base_latency", "collective_efficiency"} & set(chip.figures)
    assert (chip.collective_fit is None) == (len(inputs) == 2)
    assert (chip.collective_fit is not None) == ("allreduce_16kb" in chip.figures)
    if chip.collective_fit is not None:
        assert chip.figure("allreduce_16kb").status == "measured"


@pytest.mark.parametrize("chip_id", CHIP_IDS)
def test_that_a_chip_with_an_open_bandwidth_or_peak_is_graded_undisclosed(catalog: Catalog, chip_id: str) -> None:
    chip = catalog.chip(chip_id)
    decisive = [f for n, f in chip.figures.items() if n == "memory_bandwidth" or n.startswith("peak_")]
    if any(figure.is_open for figure in decisive):
        assert chip.evidence_grade == "undisclosed"


def test_that_derived_collective_figures_give_back_the_time_they_were_derived_from(catalog: Catalog) -> None:
    # Trainium2, survey of 2026-11: 10 us for 16 KB and 30 us for 2 MB over 8 ranks; ring volume 2(n-1)/n.
    chip = catalog.chip("aws-trn2")
    base = chip.figure("collective_base_latency").value
    hop, link = chip.figure("hop_latency").value, chip.figure("link_bandwidth").value
    assert base + 6 * hop + 1.75 * 16384 / link == pytest.approx(10e-6, rel=0.01)
    slope = 1.75 * (2e6 - 16384) / (chip.figure("collective_efficiency").value * link)
    assert slope == pytest.approx(20e-6, rel=0.02)


def test_that_the_disputed_bandwidth_of_ai200_lies_between_its_two_readings(catalog: Catalog) -> None:
    figure = catalog.chip("qcom-ai200").figure("memory_bandwidth")
    assert figure.status == "disputed" and figure.is_open
    assert [(reading.name, reading.value) for reading in figure.readings] == [
        ("vendor", pytest.approx(7.39e12)),
        ("sceptic", pytest.approx(1.7e12)),
    ]
    assert figure.value == pytest.approx(math.sqrt(7.39 * 1.7) * 1e12)
    assert (figure.low, figure.high) == (pytest.approx(1.7e12), pytest.approx(7.39e12))
    assert figure.at_belief(1.0) == pytest.approx(7.39e12)
    assert figure.at_belief(0.0) == pytest.approx(1.7e12)


@given(st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_that_more_belief_in_the_vendor_never_lowers_the_bandwidth(one: float, other: float) -> None:
    figure = load_catalog().chip("qcom-ai200").figure("memory_bandwidth")
    less, more = sorted((one, other))
    assert figure.at_belief(less) <= figure.at_belief(more) * (1 + 1e-12)
    assert figure.low * (1 - 1e-12) <= figure.at_belief(more) <= figure.high * (1 + 1e-12)


def test_that_a_belief_beyond_one_is_refused(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        catalog.chip("qcom-ai200").figure("memory_bandwidth").at_belief(1.5)


def test_that_the_peaks_of_ai200_follow_from_one_open_figure(catalog: Catalog) -> None:
    chip = catalog.chip("qcom-ai200")
    peak = chip.figure("peak_fp8")
    assert chip.figure("peak_16bit").value == pytest.approx(0.5 * peak.value)
    assert chip.figure("peak_int8").high == pytest.approx(peak.high)
    open_peaks = [figure.name for figure in chip.open_figures if figure.name.startswith("peak_")]
    assert open_peaks == ["peak_fp8"]
    assert "fp4" not in chip.formats and "peak_fp4" not in chip.figures


def test_that_a_figure_without_effect_is_never_offered_as_a_slider(catalog: Catalog) -> None:
    chip = catalog.chip("qcom-ai200")
    assert chip.figure("sram").is_open
    assert not {"sram", "rack_power", "socs_per_card", "rent_price"} & {f.name for f in chip.open_figures}
    assert {"memory_bandwidth", "link_bandwidth", "board_power", "memory_domains"} <= {
        f.name for f in chip.open_figures
    }


def test_that_a_chip_with_an_offer_has_no_second_price(catalog: Catalog) -> None:
    for chip in catalog.chips.values():
        assert ("rent_price" in chip.figures) <= (not catalog.offers_for(chip.id)), chip.id


def test_that_a_replica_beyond_the_scale_up_domain_has_a_network(catalog: Catalog) -> None:
    for chip in catalog.chips.values():
        if chip.degrees[-1] > chip.figure("scaleup_domain").value:
            assert chip.figure("scaleout_bandwidth").value > 0, chip.id


def test_that_a_peak_derived_from_a_disclosed_one_is_an_estimate(catalog: Catalog) -> None:
    assert catalog.chip("aws-trn2").figure("peak_fp8").status == "disclosed"
    assert catalog.chip("aws-trn2").figure("peak_int8").status == "estimated"


def test_that_figures_are_si(catalog: Catalog) -> None:
    h200 = catalog.chip("nv-h200")  # Nvidia's data sheet: 141 GB, 4.8 TB/s, 989 TFLOPS dense, 400 Gb/s
    assert h200.figure("memory_capacity").value == 141e9
    assert h200.figure("memory_bandwidth").value == 4.8e12
    assert h200.figure("peak_16bit").value == 989e12
    assert h200.figure("scaleout_bandwidth").value == 50e9
    assert h200.figure("memory_bandwidth").scale == 1e12


def test_that_a_missing_figure_names_chip_figure_and_use(catalog: Catalog) -> None:
    with pytest.raises(MissingFigureError, match=r"nv-h200.*peak_fp4.*the FP4 step time"):
        catalog.chip("nv-h200").figure("peak_fp4", "the FP4 step time")


def test_that_an_unknown_chip_is_an_error_with_the_nearest_names(catalog: Catalog) -> None:
    with pytest.raises(UnknownRecordError, match=r"qcom-ai201.*qcom-ai200"):
        catalog.chip("qcom-ai201")


def test_that_degrees_of_rack_scale_parts_reach_the_rack(catalog: Catalog) -> None:
    assert catalog.chip("nv-gb200-nvl72").degrees == (1, 2, 4, 8, 16, 32, 64, 72)
    assert catalog.chip("qcom-ai200").degrees == (1, 2, 4, 8, 16, 32, 56)

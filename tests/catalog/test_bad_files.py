"""Spoilt catalogue files: each error names file, key, reason and what would be allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from explorer.catalog import load_catalog, resource_root
from explorer.errors import CatalogError


def _error(folder: Path, name: str, text: str | bytes) -> str:
    path = folder / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CatalogError) as caught:
        load_catalog(folder)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("value = 4.8", 'value = "fast"', ("figures.memory_bandwidth.value", "a number, not text")),
        ("value = 4.8", "value = true", ("figures.memory_bandwidth.value", "a number, not true/false")),
        ("value = 4.8", "value = nan", ("figures.memory_bandwidth.value", "finite")),
        ("value = 4.8", "value = -4.8", ("figures.memory_bandwidth.value", "too small", "0 or more")),
        ("value = 4.8", "value = 9.6", ("figures.memory_bandwidth.value", "outside low 4.8 and high 4.8")),
        ('unit = "TB/s"', "", ("figures.memory_bandwidth.unit", "is missing")),
        ('unit = "TB/s"', 'unit = "TiB/s"', ("figures.memory_bandwidth.unit", "did you mean 'TB/s'", "GB/s, TB/s")),
        ('unit = "TB/s"', 'unit = "GB"', ("figures.memory_bandwidth.unit", "'GB' is not known")),
        ("instance_size = 8", "instance_size = 8.5", ("instance_size", "whole number, not a number")),
        ("instance_size = 8", "instance_size = 0", ("instance_size", "1 or more")),
        ("instance_size = 8", "instence_size = 8", ("instence_size", "did you mean 'instance_size'?")),
        ("[figures.sram]", "[figures.srem]", ("figures.srem", "no known figure", "sram")),
        ('kernel_class = "hopper"', 'kernel_class = "hoper"', ("kernel_class", "did you mean 'hopper'?")),
        ("degrees = [1, 2", "degrees = [2, 1", ("degrees", "begin with 1 and rise")),
        ('formats = ["16bit", ', "formats = [", ("formats", "lacks '16bit' although its peak is stated")),
        ('formats = ["16bit", ', 'formats = ["fp4", "16bit", ', ("figures.peak_fp4", "is missing although formats")),
        ("offered_by = [", "offered_by = [3, ", ("offered_by", "must be a list of texts")),
    ],
)
def test_that_a_spoilt_chip_names_key_and_reason(
    tmp_path: Path, own_chip: str, old: str, new: str, told: tuple[str, ...]
) -> None:
    assert old in own_chip
    message = _error(tmp_path, "chips/mine", own_chip.replace(old, new, 1))
    for part in told:
        assert part in message


def test_that_all_problems_of_a_file_are_told_at_once(tmp_path: Path, own_chip: str) -> None:
    spoilt = own_chip.replace("value = 4.8", "value = 'x'").replace("instance_size = 8", "instance_size = 'x'")
    message = _error(tmp_path, "chips/mine", spoilt.replace('country = "US"\n', ""))
    assert len(message.splitlines()) == 3


def test_that_a_chip_without_bandwidth_is_refused(tmp_path: Path, own_chip: str) -> None:
    head, tail = own_chip.split("[figures.memory_bandwidth]")
    message = _error(tmp_path, "chips/mine", head + tail[tail.index("[figures.") :])
    assert "figures.memory_bandwidth: is missing; no result can be computed without it" in message


def test_that_a_disputed_figure_without_readings_is_refused(tmp_path: Path, own_chip: str) -> None:
    head, tail = own_chip.split("[figures.memory_bandwidth]")
    message = _error(
        tmp_path,
        "chips/mine",
        head + "[figures.memory_bandwidth]" + tail.replace('status = "disclosed"', 'status = "disputed"', 1),
    )
    assert "exactly two named readings" in message
    assert "figures.memory_bandwidth.value: follows from the readings; leave it out" in message


@pytest.mark.parametrize(
    ("figure", "value", "told"),
    [
        ("memory_bandwidth", "0", "0 TB/s cannot be (allowed: more than 0)"),
        ("memory_bandwidth", "4e15", "4e+15 TB/s cannot be (allowed: at most 1e+15)"),
        ("board_power", "0", "0 W cannot be (allowed: more than 0)"),
        ("scaleup_domain", "0.5", "0.5 chips cannot be (allowed: 1 or more)"),
        ("collective_efficiency", "2.5", "2.5 share cannot be (allowed: more than 0, at most 1)"),
    ],
)
def test_that_a_figure_no_chip_can_have_is_refused_where_it_stands(
    tmp_path: Path, own_chip: str, figure: str, value: str, told: str
) -> None:
    unit = told.split()[1]
    head, _, tail = own_chip.partition(f"[figures.{figure}]")
    rest = tail[tail.index("\n[figures.") :] if tail else ""
    stated = (
        f'[figures.{figure}]\nlow = {value}\nvalue = {value}\nhigh = {value}\nunit = "{unit}"\n'
        'status = "disclosed"\ndistribution = "fixed"\nsource = "we"\nas_of = "2026-11-22"\n'
    )
    message = _error(tmp_path, "chips/mine", f"{head}\n{stated}{rest}")
    assert f"figures.{figure}.low: {told}" in message


def test_that_a_range_from_nothing_that_is_drawn_in_logarithms_is_refused(tmp_path: Path, own_chip: str) -> None:
    assert 'low = 0.5\nvalue = 0.8\nhigh = 1.2\nunit = "us"' in own_chip
    message = _error(tmp_path, "chips/mine", own_chip.replace("low = 0.5\nvalue = 0.8", "low = 0\nvalue = 0.8"))
    assert "low: must be greater than 0 where the distribution is triangular" in message


def test_that_a_reading_of_nothing_is_told_as_such(tmp_path: Path) -> None:
    shipped = (resource_root() / "chips" / "qcom-ai200.toml").read_text(encoding="utf-8")
    spoilt = shipped.replace('id = "qcom-ai200"', 'id = "mine"').replace("value = 7.39", "value = 0")
    assert "figures.memory_bandwidth.readings[0].value: 0 is too small" in _error(tmp_path, "chips/mine", spoilt)


def test_that_a_figure_derived_from_an_absent_one_is_refused(tmp_path: Path, own_chip: str) -> None:
    addition = (
        '\n[figures.peak_fp4]\nderived_from = "peak_fp9"\nratio = 2\nunit = "TFLOPS"\n'
        'reason = "twice"\nas_of = "2026-11-22"\n'
    )
    message = _error(tmp_path, "chips/mine", own_chip + addition)
    assert "figures.peak_fp4.derived_from: 'peak_fp9' is no figure of this chip" in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"id = ", "not valid TOML"),
        (b"id = 'x'\nid = 'y'", "not valid TOML"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"a = " + b"[" * 100_000, "TOML"),
        (b"", "id: is missing"),
    ],
    ids=["unfinished", "twice", "binary", "brackets", "empty"],
)
def test_that_a_file_that_is_no_catalogue_file_is_told_so(tmp_path: Path, text: bytes, told: str) -> None:
    message = _error(tmp_path, "models/mine", text)
    assert told in message or "nested too deeply" in message


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('mixer = "gqa"', 'mixer = "mha"', ("layers[0].mixer", "'mha' is not known", "gqa, mla")),
        ('mixer = "gqa"', 'mixer = "mla"', ("layers[0]", "latent_attention")),
        ('mixer = "gqa"', 'mixer = "mamba"', ("layers[0]", "recurrent_mixer")),
        ('ffn = "dense"', 'ffn = "moe"', ("layers[0]", "table experts")),
        ("count = 12", "count = 0", ("layers[0].count", "more than 0")),
        ("hidden = 1024", "hiden = 1024", ("hidden: is missing", "did you mean 'hidden'?")),
        ("gated_ffn = true", "gated_ffn = 1", ("gated_ffn", "true or false")),
        ("[[layers]]", "[layers]", ("layers", "a list of tables")),
    ],
)
def test_that_a_spoilt_model_names_key_and_reason(own_folder: Path, old: str, new: str, told: tuple[str, ...]) -> None:
    text = (own_folder / "models" / "mine.toml").read_text(encoding="utf-8")
    assert old in text
    message = _error(own_folder, "models/mine", text.replace(old, new, 1))
    for part in told:
        assert part in message


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('term = "reserved"', 'term = "monthly"', ("offers[0].term", "on_demand, spot, reserved")),
        ("usd_per_chip_hour = 3.1", "usd_per_chip_hour = 0", ("offers[0].usd_per_chip_hour", "more than 0")),
        ("high = 3.3", "high = 3.0", ("offers[0].usd_per_chip_hour", "outside low 2.9 and high 3")),
        ('cloud = "Our cloud"', "", ("cloud", "is missing")),
        ('date = "2026-11-01"', 'date = "last week"', ("offers[0].date", "'last week' is no date", "2026-11")),
    ],
)
def test_that_a_spoilt_offer_names_key_and_reason(own_folder: Path, old: str, new: str, told: tuple[str, ...]) -> None:
    text = (own_folder / "prices" / "ours.toml").read_text(encoding="utf-8")
    message = _error(own_folder, "prices/ours", text.replace(old, new, 1))
    for part in told:
        assert part in message


def test_that_candidates_must_sum_to_one(own_folder: Path) -> None:
    link = 'known = true\ncandidates = { A = 0.5, B = 0.4 }\nsource = "ours"\n'
    tiers = ("designer", "foundry", "packaging", "memory_type", "memory_maker", "software_stack", "country")
    text = '[[chains]]\nchips = ["my-chip"]\n' + "".join(f"[chains.{tier}]\n{link}" for tier in tiers)
    message = _error(own_folder, "suppliers/mine", text)
    assert "chains[0].foundry.candidates: weights sum to 0.9 (allowed: a sum of 1)" in message


def test_that_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path, own_chip: str) -> None:
    path = tmp_path / "chips" / "mine.toml"
    path.parent.mkdir()
    path.write_bytes(b"\xef\xbb\xbf" + own_chip.encode())
    assert any(chip.origin == "user" for chip in load_catalog(tmp_path).chips.values())


def test_that_files_of_the_system_beside_a_record_are_passed_over(tmp_path: Path) -> None:
    """macOS leaves "._x.toml" beside "x.toml" on foreign disks, and ".folders" of its own."""
    (tmp_path / "chips").mkdir()
    (tmp_path / "chips" / "._mine.toml").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / "models" / ".trash").mkdir(parents=True)
    (tmp_path / "models" / ".trash" / "config.json").write_bytes(b"\x00")
    load_catalog(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
@pytest.mark.timeout(10)
def test_that_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    (tmp_path / "chips").mkdir()
    os.mkfifo(tmp_path / "chips" / "mine.toml")
    with pytest.raises(CatalogError, match="is not a file"):
        load_catalog(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("value = 4.8", "value = 1" + "0" * 5000, "is not valid TOML"),
        ("value = 4.8", "value = 0x" + "f" * 5000, "figures.memory_bandwidth.value: is a number with too many digits"),
        ("instance_size = 8", "instance_size = 0x" + "f" * 5000, "instance_size: is a number with too many digits"),
        ('id = "', 'id = "a b\\n', "cannot be an id"),
        ('id = "', 'id = "../', "cannot be an id"),
        ("", "#" * 4_000_001 + "\n", "larger than the 4,000,000 bytes"),
    ],
)
def test_that_what_no_record_holds_is_refused_in_words(
    tmp_path: Path, own_chip: str, old: str, new: str, told: str
) -> None:
    assert told in _error(tmp_path, "chips/mine", own_chip.replace(old, new, 1))

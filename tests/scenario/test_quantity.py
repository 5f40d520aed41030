"""Quantities are written as in the target picture, and what is written can be typed again."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import number_text, unbroken


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("parameters", 70e9, "70B"),
        ("parameters", 1.5e12, "1.5T"),
        ("parameters", 8.03e9, "8.03B"),
        ("tokens", 32_000, "32k"),
        ("tokens", 1155, "1,155"),
        ("request_rate", 12, "12/s"),
        ("request_rate", 0.5, "0.5/s"),
        ("bytes_per_s", 2.4e12, "2.4 TB/s"),
        ("bytes_per_s", 7.39e12, "7.39 TB/s"),
        ("bytes_per_s", 128e9, "128 GB/s"),
        ("usd_per_hour", 2.2, "$2.20/h"),
        ("seconds", 0.037, "37 ms"),
        ("seconds", 0.0374, "37 ms"),
        ("seconds", 0.84, "0.84 s"),
        ("seconds", 0.1, "0.1 s"),
        ("seconds", 2.0, "2 s"),
        ("seconds", 5.5e-6, "5.5 µs"),
        ("bytes", 45.4e9, "45 GB"),
        ("bytes", 552.3e9, "552 GB"),
        ("bytes", 1.44e12, "1.44 TB"),
        ("usd_per_million", 0.12, "$0.12"),
        ("usd_per_million", 0.0341, "$0.034"),
        ("usd_per_month", 1.24e6, "$1.24M"),
        ("usd_per_month", 1900, "$1,900"),
        ("usd_per_month", 64_210, "$64.2k"),
        ("share", 0.66, "66 %"),
        ("share", 1.0, "100 %"),
        ("batch", 256, "256"),
        ("batch", 1710, "1,710"),
        ("chips", 1, "1 chip"),
        ("chips", 2, "2 chips"),
        ("suppliers", 1.0, "1.0"),
        ("suppliers", 1.94, "1.9"),
        ("flops", 989e12, "989 TFLOPS"),
        ("watts", 132e3, "132 kW"),
        ("joule_per_token", 0.84, "0.84 J/token"),
        ("plain", 0.96, "0.96"),
        ("seconds", -0.31, "−0.31 s"),
        ("usd", -3.0, "−$3.00"),
        ("seconds", 0.0, "0 s"),
        ("seconds", math.nan, "–"),
        ("usd_per_month", math.inf, "–"),
    ],
)
def test_that_a_value_is_written_as_people_read_it(key: str, value: float, text: str) -> None:
    assert QUANTITIES[key].format(value) == text


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (3854.0, 3, "3,850"), (8250.4, 3, "8,250"), (999.6, 3, "1,000"), (12_345.6, 4, "12,350"),
        (1e7, 7, "10,000,000"),
        (0.0146, 3, "0.0146"), (0.0001234, 2, "0.00012"), (1e-5, 1, "0.00001"), (1e-14, 2, "0.00000000000001"),
        (2.0, 3, "2"), (0.5, 2, "0.5"), (149.6, 2, "150"), (-3854.0, 3, "−3,850"), (0.0, 3, "0"), (-0.0, 3, "0"),
        (math.inf, 3, "–"), (math.nan, 3, "–"),
    ],
)  # fmt: skip
def test_that_a_bare_number_is_never_a_power_of_ten(number: float, digits: int, text: str) -> None:
    assert number_text(number, digits) == text


@given(st.floats(-1e15, 1e15), st.integers(1, 6))
def test_that_a_bare_number_is_right_to_its_digits(number: float, digits: int) -> None:
    text = number_text(number, digits)
    assert "e" not in text
    assert float(text.replace(",", "").replace("−", "-")) == pytest.approx(float(f"{number:.{digits}g}"), rel=1e-9)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("parameters", "70B", 70e9),
        ("parameters", "70 b", 70e9),
        ("parameters", "70", 70e9),
        ("parameters", "1.5T", 1.5e12),
        ("tokens", "32k", 32_000),
        ("tokens", "1,155", 1155),
        ("bytes_per_s", "2.4 TB/s", 2.4e12),
        ("bytes_per_s", "128 gb/s", 128e9),
        ("bytes_per_s", "128 Gb/s", 16e9),
        ("bits_per_s", "400 Gb/s", 50e9),
        ("bits_per_s", "50 GB/s", 50e9),
        ("usd_per_hour", "$2.20/h", 2.2),
        ("usd_per_hour", "2.2", 2.2),
        ("usd_per_month", "$1.24M", 1.24e6),
        ("seconds", "0.05 s", 0.05),
        ("seconds", "50 ms", 0.05),
        ("share", "50%", 0.5),
        ("share", "50", 0.5),
        ("chips", "2 chips", 2),
        ("seconds", "−1 s", -1),
    ],
)
def test_that_a_typed_text_is_read_with_its_unit(key: str, text: str, value: float) -> None:
    assert QUANTITIES[key].parse(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("key", "text", "shown", "value"),
    [
        ("seconds", "50", 0.04, 0.05),
        ("seconds", "50", 2.0, 50.0),
        ("seconds", "50 s", 0.04, 50.0),
        ("bytes_per_s", "3", 2.4e12, 3e12),
        ("tokens", "512", 32_000, 512),
        ("parameters", "70", 1.5e12, 70e9),
        ("usd_per_month", "900", 88_500, 900),
        ("share", "35", 0.5, 0.35),
    ],
)
def test_that_a_bare_number_has_the_unit_beside_which_it_is_typed(
    key: str, text: str, shown: float, value: float
) -> None:
    assert QUANTITIES[key].parse(text, shown) == value


@given(st.integers(0, 1000))
def test_that_what_is_typed_gains_no_digits(tenths: int) -> None:
    assert QUANTITIES["share"].parse(f"{tenths / 10} %") == round(tenths / 1000, 3)


@pytest.mark.parametrize(
    ("key", "text", "part"),
    [
        ("parameters", "seventy", "70B"),
        ("seconds", "50 mm", "50 ms"),
        ("seconds", "", "0.05 s"),
        ("bytes", "3 s", "141 GB"),
        ("batch", "2.5", "whole"),
        ("share", "1e999", "too large"),
        ("seconds", "1 2 s", "not a unit"),
    ],
)
def test_that_a_text_that_cannot_be_read_is_told_what_is_allowed(key: str, text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        QUANTITIES[key].parse(text)


@pytest.mark.parametrize(
    ("key", "text", "meant"),
    [
        ("parameters", "1,5T", "1,5: did you mean 1.5?"),
        ("usd", "$25,5k", "25,5: did you mean 25.5?"),
        ("seconds", "0,09", "0,09: did you mean 0.09?"),
        ("seconds", "0,095", "0,095: did you mean 0.095?"),
        ("usd", "1.500,25", "1.500,25: did you mean 1500.25?"),
        ("tokens", "1,50,000", "cannot read '1,50,000'"),
        ("tokens", "1,0000", "1,0000: did you mean 1.0000?"),
        ("seconds", "1.2.3", "cannot read '1.2.3'"),
    ],
)
def test_that_a_comma_that_parts_no_thousands_is_refused(key: str, text: str, meant: str) -> None:
    with pytest.raises(ValueError) as refused:
        QUANTITIES[key].parse(text)
    assert str(refused.value).startswith(meant)


@given(whole=st.integers(0, 10**12), decimals=st.text("0123456789", max_size=6), unit=st.sampled_from(["", "k", "M"]))
def test_that_commas_part_thousands_or_the_text_is_refused(whole: int, decimals: str, unit: str) -> None:
    tokens, point = QUANTITIES["tokens"], f".{decimals}" if decimals else ""
    assert tokens.parse(f"{whole:,}{point}{unit}") == tokens.parse(f"{whole}{point}{unit}")
    if decimals and (len(decimals) != 3 or whole == 0 or whole > 999):
        with pytest.raises(ValueError, match=f"did you mean {whole}.{decimals}"):
            tokens.parse(f"{whole},{decimals}{unit}")


def test_that_a_point_stays_a_decimal_point_also_where_numbers_are_mostly_whole() -> None:
    assert QUANTITIES["tokens"].parse("1.155") == 1.155


@pytest.mark.parametrize("key", sorted(QUANTITIES))
@given(value=st.floats(min_value=1e-9, max_value=1e18))
@settings(max_examples=40)
def test_that_an_exact_text_is_read_back_as_the_same_value(key: str, value: float) -> None:
    quantity = QUANTITIES[key]
    wanted = float(round(value)) if quantity.whole else value
    assert quantity.parse(quantity.format_exact(wanted)) == pytest.approx(wanted, rel=1e-12, abs=1e-30)


@pytest.mark.parametrize("key", sorted(set(QUANTITIES) - {"suppliers"}))
@given(value=st.floats(min_value=1e-6, max_value=1e15))
@settings(max_examples=40)
def test_that_a_rounded_text_is_within_its_last_digit(key: str, value: float) -> None:
    quantity = QUANTITIES[key]
    wanted = max(1.0, float(round(value))) if quantity.whole else value
    assert quantity.parse(quantity.format(wanted)) == pytest.approx(wanted, rel=0.06)


@pytest.mark.parametrize(
    ("key", "low", "high", "at", "text"),
    [
        ("seconds", 0.6, 1.7, 0.84, "0.6–1.7"),
        ("seconds", 0.021, 0.098, 0.037, "21–98"),
        ("seconds", 0.06, 0.17, 0.09, "60–170"),
        ("seconds", 0.6, 1.7, None, "0.6–1.7 s"),
        ("usd_per_million", 0.07, 0.22, 0.12, "0.07–0.22"),
        ("usd_per_million", 0.07, 0.22, None, "$0.07–0.22"),
        ("usd_per_month", 30_000, 1.2e6, None, "$30k–1.2M"),
        ("usd_per_month", 30_000, 1.2e6, 70_800, "30k–1.2M"),
        ("usd_per_month", 7_000, 62_000, 17_700, "7–62k"),
        ("usd_per_month", 8_180, 109_000, 12_700, "8.2–109k"),
        ("usd_per_month", 12_820, math.inf, 53_100, "≥ 13k"),
        ("usd_per_month", 3e6, 38e6, 11.5e6, "3–38M"),
        ("usd_per_month", 950, 1_900, 1_200, "950–1,900"),
        ("usd_per_month", 12_820, math.inf, None, "≥ $13k"),
        ("seconds", 0.02, 0.17, None, "0.02–0.17 s"),
        ("seconds", 0.0205, 0.18, None, "20 ms–0.18 s"),
        ("bytes", 0.5e9, 3e9, None, "0.5–3 GB"),
        ("share", 0.83, 1.0, None, "83–100 %"),
        ("suppliers", 1.0, 1.94, 1.5, "1.0–1.9"),
        ("seconds", 0.021, math.inf, 0.037, "≥ 21"),
        ("seconds", math.nan, 1.0, None, "–"),
        ("chips", 4, 56, None, "4–56 chips"),
    ],
)
def test_that_a_range_shares_the_unit_of_its_value(
    key: str, low: float, high: float, at: float | None, text: str
) -> None:
    assert QUANTITIES[key].format_range(low, high, at) == text


@pytest.mark.parametrize(
    ("key", "values", "text"),
    [
        ("seconds", (0.0241, 0.0382, 0.0604), "24 ms / 38 ms / 60 ms"),
        ("seconds", (0.0201, 0.064, 0.292), "20 ms / 64 ms / 0.29 s"),
        ("seconds", (9.45, 107.0, math.inf), "9.45 s / 107 s / ∞"),
        ("seconds", (0.9, math.inf, math.inf), "0.9 s / ∞ / ∞"),
        ("seconds", (math.inf, math.inf, math.inf), "∞"),
        ("usd_per_month", (67_220.0, 184_860.0, 1.54e6), "$67.2k / $185k / $1.54M"),
        ("usd_per_month", (18_600.0, 260_000.0, math.inf), "$18.6k / $260k / ∞"),
    ],
)
def test_that_each_quantile_has_its_unit(key: str, values: tuple[float, ...], text: str) -> None:
    assert QUANTITIES[key].format_quantiles(*values) == text


@pytest.mark.parametrize(
    ("key", "new", "old", "text"),
    [
        ("seconds", 0.84, 0.53, "▲ 0.31 s"),
        ("usd_per_million", 0.65, 1.0, "▼ 35 %"),
        ("suppliers", 1.9, 1.0, "▲ 0.9"),
        ("share", 0.5, 0.4, "▲ 10 points"),
        ("usd_per_month", 5.0, 1.0, "▲ 5×"),
        ("seconds", 0.5, 0.5001, "unchanged"),
        ("usd_per_month", 100.0, 100.0, "unchanged"),
        ("seconds", math.nan, 1.0, "–"),
    ],
)
def test_that_a_change_has_a_sign_and_a_size(key: str, new: float, old: float, text: str) -> None:
    assert QUANTITIES[key].format_change(new, old) == text


def test_that_ticks_of_an_axis_stay_in_the_unit_of_the_axis() -> None:
    seconds = QUANTITIES["seconds"]
    assert seconds.unit_at(0.04) == "ms"
    assert [seconds.format_number(tick, at=0.04) for tick in (0.005, 0.05, 0.4)] == ["5", "50", "400"]


def test_that_years_are_written_as_a_word_and_read_in_any_spelling() -> None:
    years = QUANTITIES["years"]
    assert [years.format(value) for value in (1.0, 4.0, 2.5)] == ["1 year", "4 years", "2.5 years"]
    assert {years.parse(text) for text in ("4", "4 years", "4 a", "4 y", "4 year")} == {4.0}
    assert years.parse(years.format_exact(3.25)) == 3.25


def test_that_figures_of_one_column_share_a_unit() -> None:
    watts = QUANTITIES["watts"]
    assert [watts.format_alike(value, 114e3) for value in (114e3, 4350.0)] == ["114 kW", "4.35 kW"]
    assert watts.format_alike(math.inf, 114e3) == "–"


def test_that_a_number_is_not_parted_from_its_unit() -> None:
    words = unbroken("at least 3.45 TB/s for P99 TPOT ≤ 50 ms, 80 % of 4 cards")
    assert words == "at least 3.45\u00a0TB/s for P99 TPOT ≤ 50\u00a0ms, 80\u00a0% of 4 cards"

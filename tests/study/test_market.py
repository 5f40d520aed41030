"""The market's concentration: published shares give the worked HHIs, and a shift away from the largest lowers it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from explorer.catalog.market import MarketShares, market_shares, read_market
from explorer.errors import CatalogError, ExplorerError, UnknownRecordError
from explorer.study.market import band_of, market_view, market_views, shifted, stated_shift


def view(key: str) -> MarketShares:
    """One shipped market."""
    return next(one for one in market_shares() if one.key == key)


@pytest.mark.parametrize(("key", "hhi", "n_eff"), [("compute", 4688.96, 2.1327), ("hbm", 4574.0, 2.1863)])
def test_that_published_shares_give_the_worked_hhi(key: str, hhi: float, n_eff: float) -> None:
    """65.9/13.3/10.9/5.8/4.1 % and 62/21/17 %."""
    found = market_view(view(key))
    assert found.hhi == pytest.approx(hhi)
    assert found.effective_suppliers == pytest.approx(n_eff, abs=5e-5)
    assert found.band == "highly concentrated"


def test_that_every_view_has_date_and_source() -> None:
    assert all(one.date and one.source for one in market_views())


def test_that_the_unnamed_rest_is_a_range() -> None:
    """AWS 28, Azure 21, Google 14 leave 37 %: as one supplier they would add 1,369."""
    found = market_view(view("cloud"))
    assert found.hhi == pytest.approx(28**2 + 21**2 + 14**2)
    assert found.hhi_high - found.hhi == pytest.approx(37.0**2)
    assert found.effective_suppliers == pytest.approx(1e4 / found.hhi)
    assert found.effective_suppliers_low == pytest.approx(1e4 / found.hhi_high)
    assert found.band == "moderately or highly concentrated"


@pytest.mark.parametrize(
    ("hhi", "band"),
    [(999.0, "not"), (1000.0, "moderately"), (1800.0, "moderately"), (1801.0, "highly"), (4688.96, "highly")],
)
def test_that_the_bands_are_those_of_the_2023_guidelines(hhi: float, band: str) -> None:
    assert band_of(hhi).startswith(band)


def test_that_five_per_cent_of_nvidia_to_qualcomm_lowers_the_index() -> None:
    """(65.9 * 0.95)^2 + (65.9 * 0.05)^2 - 65.9^2 = -412.56."""
    found = stated_shift()
    assert found.change == pytest.approx(62.605**2 + 3.295**2 - 65.9**2)
    assert found.after.shares["Qualcomm"] == pytest.approx(0.03295)
    assert "(−413)" in found.sentence and "(-" not in found.sentence
    assert "Nvidia's share to Qualcomm" in found.sentence and "highly concentrated" in found.sentence


@settings(max_examples=40, deadline=None)
@given(first=st.floats(0.3, 0.6), second=st.floats(0.01, 0.25), part=st.floats(0.0, 1.0))
def test_that_a_shift_to_a_smaller_one_lowers_the_index_until_they_change_places(
    first: float, second: float, part: float
) -> None:
    market = MarketShares("m", "", "", "s", {"large": first, "small": second})
    assume(first * part <= first - second)
    found = shifted(market, "large", "small", part)
    assert found.change <= 1e-9
    assert sum(found.after.shares.values()) == pytest.approx(first + second)


def test_that_an_unknown_giver_and_a_wrong_part_are_refused() -> None:
    with pytest.raises(UnknownRecordError, match="Nvidia"):
        shifted(view("compute"), "Nvidea", "AMD", 0.1)
    with pytest.raises(ExplorerError, match="part"):
        shifted(view("compute"), "Nvidia", "AMD", 1.2)


@pytest.mark.parametrize(
    ("line", "reason"),
    [("{ A = 0.7, B = 0.5 }", "sum to 1.2"), ("{ A = -0.1 }", "too small"), ("{}", "sum to 0")],
)
def test_that_shares_that_cannot_be_are_refused(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "market.toml"
    path.write_text(f'[[views]]\nkey = "x"\ntitle = "x"\ndate = "2026"\nsource = "x"\nshares = {line}\n')
    with pytest.raises(CatalogError, match=reason):
        read_market(path)

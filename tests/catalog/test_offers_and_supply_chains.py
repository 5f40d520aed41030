"""Offers and supply chains: they name chips that exist, and say what is known and what is believed."""

from __future__ import annotations

import math

import pytest

from explorer.catalog import Catalog
from explorer.catalog.supplier import CHIP_TIERS
from explorer.errors import MissingSuppliersError, UnknownRecordError


def test_that_every_offer_names_a_chip_and_a_positive_price(catalog: Catalog) -> None:
    assert len(catalog.offers) >= 95
    for offer in catalog.offers.values():
        assert offer.chip in catalog.chips, offer.id
        assert 0 < offer.low <= offer.usd_per_chip_hour <= offer.high, offer.id
        assert offer.source and offer.date, offer.id


def test_that_a_list_price_is_the_instance_price_over_its_chips(catalog: Catalog) -> None:
    # AWS price list of 2026-07-20: p5en.48xlarge 63.296 USD/h with 8 GPUs.
    offer = catalog.offer("aws-p5en-48xlarge-us-east-1-on-demand")
    assert offer.usd_per_chip_hour == pytest.approx(63.296 / 8)
    assert (offer.chip, offer.term, offer.status, offer.hypothetical) == ("nv-h200", "on_demand", "disclosed", False)


def test_that_ai200_on_aws_is_the_only_hypothetical_offer(catalog: Catalog) -> None:
    assert [offer.id for offer in catalog.offers.values() if offer.hypothetical] == ["aws-ai200-hypothetical"]
    offer = catalog.offer("aws-ai200-hypothetical")
    assert (offer.low, offer.usd_per_chip_hour, offer.high) == (1.2, 2.2, 4.0)
    assert offer.status == "undisclosed"


def test_that_offers_narrow_by_cloud_and_term(catalog: Catalog) -> None:
    every = catalog.offers_for("nv-h200")
    reserved = catalog.offers_for("nv-h200", cloud="AWS", term="reserved")
    assert {offer.cloud for offer in every} > {"AWS", "Azure"}
    assert [offer.usd_per_chip_hour for offer in reserved] == [5.97]
    assert catalog.offers_for("qcom-ai250") == ()


def test_that_rows_without_a_price_or_chip_are_notices(catalog: Catalog) -> None:
    assert any("Trn3" in notice and "no public price" in notice for notice in catalog.notices)
    assert any("A100 40GB" in notice for notice in catalog.notices)


def test_that_an_unknown_offer_is_an_error(catalog: Catalog) -> None:
    with pytest.raises(UnknownRecordError, match="offer"):
        catalog.offer("aws-nothing")


def test_that_every_chip_has_a_link_at_every_tier(catalog: Catalog) -> None:
    for chip_id in catalog.chips:
        links = catalog.supply_chain(chip_id).links
        assert tuple(links) == CHIP_TIERS
        for link in links.values():
            assert math.fsum(c.weight for c in link.candidates) == pytest.approx(1.0)
            assert link.source or link.reason
            assert link.known or len(link.candidates) > 1, f"{chip_id} {link.tier}: one candidate is no doubt"


def test_that_an_undisclosed_foundry_is_a_set_of_candidates(catalog: Catalog) -> None:
    foundry = catalog.supply_chain("qcom-ai200").links["foundry"]
    assert not foundry.known
    assert {candidate.supplier for candidate in foundry.candidates} == {"TSMC", "Samsung"}


def test_that_googles_memory_split_is_the_published_one(catalog: Catalog) -> None:
    # Samsung Securities for 2026: Samsung 59, SK hynix 34, Micron 7 percent.
    makers = catalog.supply_chain("google-v7").links["memory_maker"]
    assert makers.known
    assert {c.supplier: c.weight for c in makers.candidates} == {"Samsung": 0.59, "SK hynix": 0.34, "Micron": 0.07}


def test_that_a_designer_and_its_chip_agree(catalog: Catalog) -> None:
    for chip_id, chip in catalog.chips.items():
        designers = [c.supplier for c in catalog.supply_chain(chip_id).links["designer"].candidates]
        assert designers == [chip.vendor]


def test_that_a_chip_without_supply_chain_is_an_error(catalog: Catalog) -> None:
    with pytest.raises(MissingSuppliersError, match=r"suppliers/my-chip\.toml"):
        catalog.supply_chain("my-chip")

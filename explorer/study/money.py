"""What a chip-hour costs on the comparison's price basis, with its source and its range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.catalog import Catalog, Chip, Offer
from explorer.engine.cost import HourlyCost, OwnedCost, owned_cost_per_hour
from explorer.errors import MissingFigureError
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import Price
from explorer.study.deployment import Deployment
from explorer.study.draws import uniforms

SHARE = QUANTITIES["share"]
Array = NDArray[np.float64]

STALE_AFTER_DAYS = 183
"""A price older than half a year at the scenario's date is marked stale."""


_DOUBT = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True)
class ChipPrice:
    """USD per chip-hour; `usd` None with a reason where the basis gives none."""

    usd: float | None
    draws: Array | None
    unit_size: int
    basis: str
    source: str
    hypothetical: bool
    stale: bool
    reason: str = ""
    elsewhere: str = ""
    """That the offer is of another region than the one asked for, which has none; empty otherwise."""


def chip_price(
    catalog: Catalog,
    deployment: Deployment,
    price: Price,
    as_of: str,
    samples: int,
    seed: int,
) -> ChipPrice:
    """Price of one chip-hour of a deployment: a published offer, the same cost-plus formula for all, or owned.

    Drawn `samples` times as well, from the chip's figures or the offer's own range.
    Bought in whole units: the smallest instance that its cloud lists when rented (or is assumed to list), the chip's
    own unit (node, rack) when owned, or where its cloud lists none: what another cloud sells singly says nothing of it.
    """
    key = ("price", price, as_of, deployment.cloud, deployment.offer, samples, seed)
    kept: ChipPrice | None = deployment.figures.memo.get(key)
    if kept is None:
        draws = deployment.figures.draws(samples, seed)
        rents = uniforms(deployment.chip.id, "offer", samples, seed)
        kept = priced(catalog, deployment, price, as_of, draws, rents)
        deployment.figures.memo[key] = kept
    return kept


def priced(
    catalog: Catalog,
    deployment: Deployment,
    price: Price,
    as_of: str,
    draws: Mapping[str, Array],
    rents: Array,
) -> ChipPrice:
    """`chip_price` at given draws of the chip's figures, SI, and quantiles `rents` (0 to 1) of an offer's range."""
    if price.basis == "offer":
        return _offered(catalog, deployment, price, as_of, rents)
    chip = deployment.chip
    try:
        hourly = _owned_per_hour(chip, deployment.values, price)
    except MissingFigureError as error:
        return ChipPrice(None, None, chip.instance_size, price.basis, "", False, False, str(error))
    merged: dict[str, ArrayLike] = {**deployment.values, **draws}
    hourly_drawn = _owned_per_hour(chip, merged, price)
    # a chip whose price and power are both settled has one price, not a draw of it
    drawn = hourly_drawn if hourly_drawn.ndim else None
    if price.basis == "own":
        source = f"owned {price.life_years:g} years at {SHARE.format(price.cost_of_capital)}, all chips alike"
        return ChipPrice(float(hourly), drawn, chip.instance_size, "own", source, False, False)
    factor = (1.0 + price.margin) / price.utilisation_sold
    source = f"cost plus {SHARE.format(price.margin)} at {SHARE.format(price.utilisation_sold)} sold, all chips alike"
    return ChipPrice(
        float(hourly) * factor,
        None if drawn is None else drawn * factor,
        _rented_unit(catalog, deployment),
        "cost_plus",
        source,
        False,
        False,
    )


def _owned_per_hour(chip: Chip, values: Mapping[str, ArrayLike], price: Price) -> Array:
    return owned_per_hour(chip, values, price).total


def owned_per_hour(chip: Chip, values: Mapping[str, ArrayLike], price: Price) -> HourlyCost:
    """USD an hour by part of owning one chip with its share of the system; MissingFigureError without price or power.

    `values` are the chip's figures, SI, or draws of them.
    """
    for name in ("capex", "board_power"):
        if name not in values:
            raise MissingFigureError(f"chip '{chip.id}'", name, "its price")
    owned = OwnedCost(
        capex=np.asarray(values["capex"]) * (1.0 + price.system_overhead_share),
        residual_share=price.residual_share,
        cost_of_capital=price.cost_of_capital,
        life_years=price.life_years,
        power_watts=np.asarray(values["board_power"]) * (1.0 + price.power_overhead_share),
        load=price.load_share,
        pue=price.pue,
        usd_per_kwh=price.electricity_usd_per_kwh,
        opex_share_per_year=price.opex_share_per_year,
        colocation_usd_per_kw_month=price.colocation_usd_per_kw_month,
    )
    return owned_cost_per_hour(owned)


def _offers(catalog: Catalog, deployment: Deployment) -> tuple[Offer, ...]:
    cloud = deployment.cloud or None
    return catalog.offers_for(deployment.chip.id, cloud)


def _rented_unit(catalog: Catalog, deployment: Deployment) -> int:
    """The smallest instance that its own cloud lists, or is assumed to; the chip's own unit where nobody says."""
    sizes = [offer.chips_per_instance for offer in _offers(catalog, deployment)]
    return min(sizes, default=deployment.chip.instance_size)


def best_offer(offers: Sequence[Offer]) -> Offer:
    """The best-confirmed of `offers`, the cheapest of those; ValueError for none."""
    return min(offers, key=lambda one: (_DOUBT.get(one.confidence, 1), one.usd_per_chip_hour, one.id))


def _offered(catalog: Catalog, deployment: Deployment, price: Price, as_of: str, rents: Array) -> ChipPrice:
    elsewhere = ""
    if deployment.offer is not None:
        offer = catalog.offer(deployment.offer)
    else:
        offers = [offer for offer in _offers(catalog, deployment) if offer.term == price.term]
        here = [offer for offer in offers if offer.region == price.region] if price.region else []
        offers = here or offers
        published = [offer for offer in offers if not offer.hypothetical]
        if not offers:
            where = deployment.cloud or "any cloud"
            term = price.term.replace("_", "-")
            reason = (
                f"no {term} offer of {deployment.chip.name} in {where}: choose cost plus or owned for all, or set "
                "an offer"
            )
            return ChipPrice(None, None, deployment.chip.instance_size, "offer", "", False, False, reason)
        # the best-confirmed price first: a cheap listing that others contradict must not set the comparison
        offer = best_offer(published or offers)
        if price.region and not here:
            elsewhere = f"no offer in {price.region}: price of {offer.region}"
    source = f"{offer.cloud} {offer.instance}, {offer.region}, {offer.term.replace('_', '-')}, {offer.date}"
    if offer.confidence == "low":
        source += f"; low confidence: {offer.note}" if offer.note else "; low confidence"
    source += f"; read from {offer.source}"
    source = f"{elsewhere}; {source}" if elsewhere else source
    return ChipPrice(
        usd=offer.usd_per_chip_hour,
        draws=None if offer.low >= offer.high else offer.low * (offer.high / offer.low) ** rents,
        unit_size=max(offer.chips_per_instance, 1),
        basis="offer",
        source=source,
        hypothetical=offer.hypothetical,
        stale=_is_stale(offer.date, as_of),
        elsewhere=elsewhere,
    )


def _is_stale(date: str, as_of: str) -> bool:
    from datetime import date as day

    try:
        then = day.fromisoformat(
            date if len(date) == 10 else f"{date[:7]}-01" if len(date) >= 7 else f"{date[:4]}-07-01"
        )
        now = day.fromisoformat(as_of)
    except ValueError:
        return False
    return (now - then).days > STALE_AFTER_DAYS

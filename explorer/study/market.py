"""The market as against a fleet: its HHI with the agencies' bands, and what a shift of share does to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from explorer.catalog.market import MarketShares, market_shares
from explorer.engine.concentration import HHI_OF_ONE
from explorer.errors import ExplorerError, UnknownRecordError
from explorer.scenario.quantities import QUANTITIES

MODERATE, HIGH = 1_000.0, 1_800.0
"""DOJ and FTC, Merger Guidelines of 2023, guideline 1: above 1,800 a market is highly concentrated."""
PRESUMED_RISE, PRESUMED_SHARE = 100.0, 0.30
"""A merger is presumed harmful that raises a highly concentrated market's HHI by more than 100, or makes a firm of more
than 30 % and raises it by more than 100."""

STATED_GIVER, STATED_TAKER, STATED_PART = "Nvidia", "Qualcomm", 0.05
"""The shift that investors ask about first."""


@dataclass(frozen=True, slots=True)
class MarketView:
    """Concentration of one market; `hhi_high` is where the unnamed rest were one supplier, `hhi` where it is many."""

    key: str
    title: str
    date: str
    source: str
    shares: Mapping[str, float]
    rest: float
    hhi: float
    hhi_high: float
    effective_suppliers: float
    """With the rest as many."""
    effective_suppliers_low: float
    """With the rest as one."""
    band: str


@dataclass(frozen=True, slots=True)
class MarketShift:
    """A shift of share from one supplier to another, before and after."""

    sentence: str
    before: MarketView
    after: MarketView

    @property
    def change(self) -> float:
        """Change of the HHI."""
        return self.after.hhi - self.before.hhi


def band_of(hhi: float) -> str:
    """The agencies' word for a market of this HHI."""
    if hhi > HIGH:
        return "highly concentrated"
    return "moderately concentrated" if hhi >= MODERATE else "not concentrated"


def band_between(low: float, high: float) -> str:
    """The word for a market whose HHI lies in a range: both where its ends have different ones."""
    least, most = band_of(low), band_of(high)
    return least if least == most else f"{least.removesuffix(' concentrated')} or {most}"


def market_view(market: MarketShares) -> MarketView:
    """The concentration of one market."""
    squares = HHI_OF_ONE * math.fsum(share**2 for share in market.shares.values())
    rest = market.rest
    return MarketView(
        key=market.key,
        title=market.title,
        date=market.date,
        source=market.source,
        shares=dict(market.shares),
        rest=rest,
        hhi=squares,
        hhi_high=squares + HHI_OF_ONE * rest**2,
        effective_suppliers=HHI_OF_ONE / squares,
        effective_suppliers_low=HHI_OF_ONE / (squares + HHI_OF_ONE * rest**2),
        band=band_between(squares, squares + HHI_OF_ONE * rest**2),
    )


def market_views() -> tuple[MarketView, ...]:
    """The shipped markets."""
    return tuple(market_view(market) for market in market_shares())


def signed(change: float) -> str:
    """A change of an HHI with its sign: "+12", "−413"."""
    return f"{change:+,.0f}".replace("-", "−")


def shifted(market: MarketShares, giver: str, taker: str, part: float) -> MarketShift:
    """What it does to a market when `taker` wins `part` (0-1) of the giver's share; a new supplier may be the taker.

    Raises UnknownRecordError for a giver without a share, ExplorerError for a part that is no share or no other taker.
    """
    if giver not in market.shares:
        raise UnknownRecordError("supplier", giver, tuple(market.shares))
    if not taker or taker == giver:
        raise ExplorerError(f"taker: '{taker}' cannot take share from {giver}; name another supplier, known or new")
    if not 0.0 <= part <= 1.0:
        raise ExplorerError(f"part: {part:g} is not a share from 0 to 1")
    moved = market.shares[giver] * part
    shares = dict(market.shares)
    shares[giver] -= moved
    shares[taker] = shares.get(taker, 0.0) + moved
    before = market_view(market)
    after = market_view(MarketShares(market.key, market.title, market.date, market.source, shares))
    sentence = (
        f"{QUANTITIES['share'].format(part)} of {giver}'s share to {taker}: HHI {before.hhi:,.0f} to {after.hhi:,.0f} "
        f"({signed(after.hhi - before.hhi)}), {after.band}"
    )
    return MarketShift(sentence, before, after)


def stated_shift() -> MarketShift:
    """5 % of Nvidia's compute share to Qualcomm, which has next to none."""
    compute = next(market for market in market_shares() if market.key == "compute")
    return shifted(compute, STATED_GIVER, STATED_TAKER, STATED_PART)

"""Reading the offers of one cloud, and the price rows that cannot be offers (notices)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from explorer.catalog.dates import is_date
from explorer.catalog.figure import STATUSES, Status
from explorer.catalog.offer import TERMS, Offer, Term
from explorer.catalog.reading import Table, raise_problems, read_toml
from explorer.errors import Problem


@dataclass(frozen=True, slots=True)
class PriceFile:
    """What one price file holds: offers, and notices on what has no price or no chip in the catalogue."""

    offers: tuple[Offer, ...]
    notices: tuple[str, ...]


def read_prices(path: Path, origin: str = "shipped") -> PriceFile:
    """The offers and notices in `path`; raises CatalogError with every problem of the file."""
    problems: list[Problem] = []
    table = Table(read_toml(path), problems)
    cloud = table.text("cloud")
    offers = tuple(_read_offer(offer, cloud, origin) for offer in table.tables("offers", default=()))
    notices = []
    for notice in table.tables("notices", default=()):
        notices.append(f"{cloud} {notice.text('instance')}: {notice.text('reason')}")
        notice.finish()
    table.finish()
    raise_problems(path, problems)
    return PriceFile(offers, tuple(notices))


def _read_offer(table: Table, cloud: str, origin: str) -> Offer:
    price = table.number("usd_per_chip_hour", above=0.0)
    low = table.number("low", default=price, above=0.0)
    high = table.number("high", default=price, above=0.0)
    if not low <= price <= high:
        table.problem("usd_per_chip_hour", f"{price:g} lies outside low {low:g} and high {high:g}")
    before = table.problem_count
    date = table.text("date")
    if table.problem_count == before and not is_date(date):
        table.problem("date", f"'{date}' is no date", "a day as in 2026-11-22, a month 2026-11, or a year 2026")
    offer = Offer(
        id=table.identifier("id"),
        cloud=cloud,
        instance=table.text("instance"),
        chip=table.text("chip"),
        chips_per_instance=table.integer("chips_per_instance", least=1),
        region=table.text("region"),
        term=cast(Term, table.text("term", allowed=TERMS)),
        usd_per_chip_hour=price,
        low=low,
        high=high,
        status=cast(Status, table.text("status", allowed=STATUSES)),
        hypothetical=table.flag("hypothetical", default=False),
        date=date,
        source=table.text("source"),
        confidence=table.text("confidence", default=""),
        note=table.text("note", default=""),
        origin=origin,
    )
    table.finish()
    return offer

"""Market shares by supplier with their date and source, for the view of the market as against that of a fleet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from explorer.catalog.location import resource_root
from explorer.catalog.reading import Table, raise_problems, read_toml
from explorer.errors import Problem


@dataclass(frozen=True, slots=True)
class MarketShares:
    """One measure of a market: shares by supplier, 0 to 1, at most 1 together; the rest is many small ones."""

    key: str
    title: str
    date: str
    source: str
    shares: Mapping[str, float] = field(hash=False)

    @property
    def rest(self) -> float:
        """Share of those not named."""
        return max(0.0, 1.0 - math.fsum(self.shares.values()))


@cache
def market_shares() -> tuple[MarketShares, ...]:
    """The shipped views of the market; CatalogError with every problem of their files."""
    folder = resource_root() / "market"
    return tuple(view for path in sorted(folder.glob("*.toml")) for view in read_market(path))


def read_market(path: Path) -> tuple[MarketShares, ...]:
    """The views in a file; CatalogError where shares are negative, sum to more than 1, or have no source."""
    problems: list[Problem] = []
    table = Table(read_toml(path), problems)
    views: list[MarketShares] = []
    for view in table.tables("views"):
        shares = view.table("shares")
        values = {name: shares.number(name, least=0.0) for name in shares.keys()}  # noqa: SIM118 - no mapping
        total = math.fsum(values.values())
        if not values or total > 1.0 + 1e-6:
            view.problem("shares", f"sum to {total:g}", "shares above 0 that sum to at most 1")
        source = view.text("source")
        if not source:
            view.problem("source", "a share needs its source")
        views.append(MarketShares(view.text("key"), view.text("title"), view.text("date"), source, values))
        view.finish()
    table.finish()
    raise_problems(path, problems)
    return tuple(views)

"""Reading supply chains: one file a vendor, each chain naming the chips it stands for."""

from __future__ import annotations

import math
from pathlib import Path

from explorer.catalog.reading import Table, raise_problems, read_toml
from explorer.catalog.supplier import CHIP_TIERS, Candidate, SupplyChain, TierLink
from explorer.errors import Problem


def read_supply_chains(path: Path, origin: str = "shipped") -> tuple[SupplyChain, ...]:
    """The supply chains in `path`, one a chip; raises CatalogError with every problem of the file."""
    problems: list[Problem] = []
    table = Table(read_toml(path), problems)
    chains: list[SupplyChain] = []
    for chain in table.tables("chains"):
        chips = chain.texts("chips")
        links = {tier: _read_link(chain.table(tier), tier) for tier in CHIP_TIERS}
        chain.finish()
        chains.extend(SupplyChain(chip, links, origin) for chip in chips)
    table.finish()
    raise_problems(path, problems)
    return tuple(chains)


def _read_link(table: Table, tier: str) -> TierLink:
    weights = table.table("candidates")
    candidates = tuple(
        Candidate(supplier, weights.number(supplier, above=0.0))
        for supplier in weights.keys()  # noqa: SIM118 - a Table is no mapping
    )
    total = math.fsum(candidate.weight for candidate in candidates)
    if candidates and not math.isclose(total, 1.0, abs_tol=1e-6):
        table.problem("candidates", f"weights sum to {total:g}", "a sum of 1")
    if not candidates:
        table.problem("candidates", "must name at least one supplier")
    link = TierLink(
        tier=tier,
        candidates=candidates,
        known=table.flag("known"),
        source=table.text("source", default=""),
        reason=table.text("reason", default=""),
    )
    if not link.source and not link.reason:
        table.problem("source", "a link needs a source, or a reason where no source exists")
    table.finish()
    return link

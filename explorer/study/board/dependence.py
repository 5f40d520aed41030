"""The fleet of a report: shares, dependence by tier, shocks before and after."""

from __future__ import annotations

from explorer.study.board.answer import fleet_sentence
from explorer.study.board.records import Block, Cell, Paragraph, Picture, Table, cells
from explorer.study.economics import Economics
from explorer.study.fleet_tables import pool_rows, shock_row, tier_rows
from explorer.study.outcome import Outcome

POOL_HEADINGS = ("Deployment", "Chip, cloud", "Traffic", "Spend", "Chips", "Power", "Number", "$/month")
POOL_WIDTHS = (15, 29, 9, 9, 9, 9, 9, 11)
TIER_HEADINGS = (
    "Tier", "Effective suppliers", "HHI", "Largest", "Three largest", "Left after the worst failure (N-1)",
    "Largest supplier",
)  # fmt: skip
TIER_WIDTHS = (18, 14, 10, 11, 11, 16, 20)
SHOCK_HEADINGS = (
    "Shock", "Capacity", "Served at once", "$/month, rebuilt", "P99 per token", "Designers", "Weeks lost", "Once",
)  # fmt: skip
SHOCK_WIDTHS = (25, 14, 8, 16, 15, 9, 7, 6)
TIERS_NOTE = (
    "HHI and effective suppliers by spend, N-1 by traffic; in brackets: tiers not ticked as ones that count. A range "
    "spans what is undisclosed."
)
SHOCKS_NOTE = (
    "Before → after. Capacity: traffic that can be carried with every promise kept. $/month (pools alone, without "
    "further stacks and clouds) and designers: of the fleet rebuilt from what is left. P99 per token: {workload}."
)


def fleet_blocks(outcome: Outcome, economics: Economics, change: str = "") -> list[Block]:
    """Scores, shares and tiers; the reason where the fleet has no figures. `change`: what the answer says instead."""
    fleet, depend = outcome.fleet, economics.dependence
    reason = fleet.reason or depend.reason
    if reason:
        return [Paragraph(f"There are no figures of a fleet: {reason.rstrip('.')}.")]
    pools = []
    for row in pool_rows(fleet):
        name, *figures, note = row
        pools.append((Cell(name, note, caution=bool(note)), *cells(*figures)))
    # the answer at the head of the report says either this or what one chip changes
    found: list[Block] = [Paragraph(fleet_sentence(fleet, economics))] if change else []
    found += [
        Paragraph("Shares: traffic as set, the others as they follow", "subject"),
        Table(POOL_HEADINGS, tuple(pools), POOL_WIDTHS),
        Paragraph("Dependence by tier of supply", "subject"),
        Table(TIER_HEADINGS, tuple(_tier(row) for row in tier_rows(fleet, depend)), TIER_WIDTHS),
        Paragraph(TIERS_NOTE, "note"),
        Paragraph(depend.note, "note"),
    ]
    if fleet.note:
        found.append(Paragraph(f"{fleet.note}.", "caution"))
    return found


def shock_blocks(outcome: Outcome, economics: Economics) -> list[Block]:
    """Each shock before and after, those of the scenario or else the usual ones; why where there is none."""
    shocks = economics.shocks or economics.usual_shocks
    if not shocks:
        return [Paragraph("No shock is looked at: the fleet has no figures, or none befalls it.")]
    workload = outcome.workloads[0].name
    lead = "Shocks of the scenario" if economics.shocks else "Shocks anybody would look at first (none is stated)"
    rows = []
    for one in shocks:
        name, what, *figures, note = shock_row(one, workload)
        rows.append((Cell(name, "; ".join(text for text in (what, note) if text)), *cells(*figures)))
    return [
        Paragraph(lead, "subject"),
        Table(SHOCK_HEADINGS, tuple(rows), SHOCK_WIDTHS),
        Paragraph(SHOCKS_NOTE.format(workload=workload), "note"),
    ]


def concentration_picture(outcome: Outcome) -> list[Block]:
    """The vendor concentration; nothing where there is no fleet, which its section says."""
    return [] if outcome.fleet.reason else [Paragraph("Fleet", "subject"), Picture("concentration", 0)]


def _tier(row: list[str]) -> tuple[Cell, ...]:
    *figures, supplier, note = row
    return (*cells(*figures), Cell(supplier, note, caution="single point of failure" in note))

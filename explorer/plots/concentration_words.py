"""The words of the concentration plot, shared by the picture and by its summary for screen readers."""

from __future__ import annotations

from explorer.scenario.quantities import QUANTITIES
from explorer.study.fleet_outcome import FleetOutcome, TierOutcome

SHORT_TITLES = {"Chip designer": "Designer", "Memory makers": "Memory", "Software stack": "Software"}
"""Titles of tiers where room is short."""


def tier_name(tier: TierOutcome, *, short: bool = False) -> str:
    """ "Chip designer 1.9": the tier and its effective number of suppliers; `short` "Designer 1.9"."""
    title = SHORT_TITLES.get(tier.title, tier.title) if short else tier.title
    return f"{title} {QUANTITIES['suppliers'].format(tier.effective_suppliers.value)}"


def top_share_text(tier: TierOutcome) -> str:
    """ "83–100 %": the share of the largest supplier, a range where a supplier is undisclosed."""
    return QUANTITIES["share"].format_range(tier.top_share.low, tier.top_share.high)


def top_text(tier: TierOutcome) -> str:
    """ "TSMC 83–100 %": the largest supplier and its share."""
    return f"{tier.top_supplier} {top_share_text(tier)}"


def weakest_text(fleet: FleetOutcome, *, counted: bool = False) -> str:
    """ "weakest: foundry, cloud 1.0": every tier with the fewest effective suppliers; empty when unknown.

    Several of them can be `counted`: "weakest: 5 tiers 1.0".
    """
    weak = fleet.weakest
    if not weak:
        return ""
    least = QUANTITIES["suppliers"].format(min(tier.effective_suppliers.value for tier in weak))
    named = ", ".join(_inside(tier.title) for tier in weak)
    return f"weakest: {f'{len(weak)} tiers' if counted and len(weak) > 1 else named} {least}"


def moved_text(fleet: FleetOutcome, baseline: FleetOutcome | None, *, unmoved: bool = True) -> str:
    """What moved since the baseline, the largest change first, and (if `unmoved`) which of the weakest did not.

    "since the baseline: chip designer 1.0 → 2.0; cloud unchanged"; empty without a baseline.
    """
    if baseline is None or not baseline.tiers:
        return ""
    before = {tier.tier: tier.effective_suppliers.value for tier in baseline.tiers}
    number = QUANTITIES["suppliers"]
    moved: list[tuple[float, str]] = []
    still: list[str] = []
    for tier in fleet.tiers:
        if not tier.counts or tier.tier not in before:
            continue
        old, new = before[tier.tier], tier.effective_suppliers.value
        # "1.6 → 1.6" would say nothing
        if number.format(old) != number.format(new):
            change = f"{_inside(tier.title)} {number.format(old)} → {number.format(new)}"
            moved.append((abs(new - old), change))
        elif tier.tier in fleet.weakest_tiers:
            still.append(_inside(tier.title))
    if not moved:
        return "since the baseline: no tier has moved"
    parts = [change for _, change in sorted(moved, key=lambda entry: -entry[0])]
    rest = f"; {', '.join(still)} unchanged" if still and unmoved else ""
    return f"since the baseline: {', '.join(parts)}{rest}"


def concentration_summary(fleet: FleetOutcome, baseline: FleetOutcome | None) -> str:
    """The concentration plot in words."""
    head = f"Vendor concentration of the fleet by {fleet.share_basis}. "
    if not fleet.tiers:
        return f"{head}No figures: {fleet.reason or 'the fleet is empty'}."
    share = QUANTITIES["share"]
    sentences: list[str] = []
    for tier in fleet.tiers:
        number = QUANTITIES["suppliers"].format(tier.effective_suppliers.value)
        text = f"{tier.title}: {number} effective suppliers, {top_text(tier)}"
        others = [
            f"{entry.supplier} {share.format(entry.share)}"
            for entry in tier.suppliers
            if entry.supplier != tier.top_supplier and entry.share > 0
        ]
        if others:
            text += f", then {', '.join(others)}"
        if tier.unknown:
            text += f"; undisclosed: {tier.unknown}"
        if tier.single_point_of_failure:
            text += "; single point of failure"
        sentences.append(text)
    sentences += [text for text in (weakest_text(fleet), moved_text(fleet, baseline)) if text]
    return head + ". ".join(sentences) + "."


def _inside(title: str) -> str:
    """A title within a sentence."""
    return title[:1].lower() + title[1:]

"""What a change of fleet does to dependence, in one sentence: tiers that spread out, tiers that stay, tiers unknown."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.scenario.quantities import QUANTITIES
from explorer.study.fleet_outcome import FleetOutcome, PoolOutcome, TierOutcome

UNIT = " effective suppliers"
"""Said once a sentence: at the first figures."""
SAME = 0.005
"""Change of an HHI, relative, and of a share below which a tier, and what a pool costs, is where it was."""


def what_changed(before: FleetOutcome, after: FleetOutcome) -> str:
    """One sentence on the tiers whose concentration fell, stayed, rose, or hangs on an undisclosed supplier.

    Empty where either fleet has no figures.
    """
    if not before.tiers or not after.tiers:
        return ""
    then = {tier.tier: tier for tier in before.tiers}
    lowered: list[str] = []
    raised: list[str] = []
    stayed: list[str] = []
    conditional: list[str] = []
    either: list[str] = []
    for tier in after.tiers:
        if tier.tier not in then:
            continue
        old = then[tier.tier]
        if _stays(old, tier):
            stayed.append(f"{_inside(tier.title)}{_alone(tier)}")
        elif (tier.unknown or old.unknown) and _same(tier.hhi.high, old.hhi.high):
            conditional.append(f"{_inside(tier.title)} too {_condition(tier if tier.unknown else old)}")
        elif tier.hhi.high < old.hhi.low * (1.0 + SAME):
            lowered.append(f"{_inside(tier.title)} ({_numbers(old, tier)})")
        elif tier.hhi.low > old.hhi.high * (1.0 - SAME):
            raised.append(f"{_inside(tier.title)} ({_numbers(old, tier)})")
        else:
            either.append(f"{_inside(tier.title)} ({_numbers(old, tier)})")
    parts = [f"lowers concentration at {_listed(lowered)}"] if lowered else []
    if raised:
        parts.append(f"raises it at {_listed(raised)}" if lowered else f"raises concentration at {_listed(raised)}")
    if stayed:
        parts.append(f"leaves {_listed(stayed)} where {'it was' if len(stayed) == 1 else 'they were'}")
    if conditional:
        kept = _listed(conditional)
        if stayed:
            parts[-1] += f", and {kept}"
        else:
            parts.append(f"leaves {kept}".replace(" too if", " where it was if"))
    if either:
        parts.append(f"may move {_listed(either)} either way")
    first, unit, rest = "; ".join(parts).partition(UNIT)
    text = first + unit + rest.replace(UNIT, "")
    if not lowered and not raised and not either and not conditional:
        text = "leaves every tier where it was"
    return f"{_lead(before.pools, after.pools)} {text}."


def _lead(before: Sequence[PoolOutcome], after: Sequence[PoolOutcome]) -> str:
    old, new = ({_deployment(one) for one in pools if one.traffic_share > 0} for pools in (before, after))
    added, removed = sorted(new - old), sorted(old - new)
    if added and removed:
        return f"Taking {_listed(added)} for {_listed(removed)}"
    if added:
        return f"Adding {_listed(added)}"
    if removed:
        return f"Removing {_listed(removed)}"
    if _shares(before) != _shares(after):
        return "Sharing the traffic otherwise"
    then = {one.name: one.spend_share for one in before}
    if all(abs(one.spend_share - then.get(one.name, 0.0)) <= SAME for one in after):
        return "What was changed"
    return "What each pool costs has changed: that"


def _shares(pools: Sequence[PoolOutcome]) -> dict[str, float]:
    """The traffic share of each pool that has one, by its name."""
    return {one.name: one.traffic_share for one in pools if one.traffic_share > 0}


def _deployment(pool: PoolOutcome) -> str:
    return f"{pool.chip_name} on {pool.cloud}" if pool.cloud else f"{pool.chip_name} on own premises"


def _stays(old: TierOutcome, new: TierOutcome) -> bool:
    """Whether nothing has moved, or nothing that the figures would show: "1.5 to 1.5" lowers nothing."""
    if _same(new.hhi.low, old.hhi.low) and _same(new.hhi.high, old.hhi.high):
        return True
    number, then, now = QUANTITIES["suppliers"], old.effective_suppliers, new.effective_suppliers
    ends = ((then.low, now.low), (then.value, now.value), (then.high, now.high))
    return all(number.format(before) == number.format(after) for before, after in ends)


def _same(now: float, then: float) -> bool:
    return abs(now - then) <= SAME * then


def _condition(tier: TierOutcome) -> str:
    """ "if AI200 comes from TSMC (undisclosed)"."""
    chips = tier.unknown.partition(":")[0]
    return f"if {chips} comes from {tier.top_supplier} (undisclosed)"


def _alone(tier: TierOutcome) -> str:
    """The one supplier that a tier hangs on, in brackets; empty where there are several."""
    return f" (all {tier.top_supplier})" if tier.top_share.low > 1.0 - 1e-6 else ""


def _numbers(old: TierOutcome, new: TierOutcome) -> str:
    number = QUANTITIES["suppliers"]
    then, now = old.effective_suppliers, new.effective_suppliers
    after = number.format(now.value)
    if now.high - now.low > 0.05:
        after = f"{number.format(now.low)}–{number.format(now.high)}"
    return f"{number.format(then.value)} to {after}{UNIT}"


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _inside(title: str) -> str:
    return title[:1].lower() + title[1:]

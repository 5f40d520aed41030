"""Supply chains: who stands behind a chip at each tier, as known shares or as weighted candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# "cloud" and "region" are listed because fleets are judged on them, but they come from the deployment, not the chip.
TIERS: tuple[str, ...] = (
    "designer",
    "foundry",
    "packaging",
    "memory_type",
    "memory_maker",
    "cloud",
    "region",
    "software_stack",
    "country",
)
# Stand where a chip needs nobody at a tier: no outage or price rise can come from there.
NO_DEPENDENCE: frozenset[str] = frozenset({"No advanced packaging", "No external memory"})
CHIP_TIERS: tuple[str, ...] = tuple(tier for tier in TIERS if tier not in ("cloud", "region"))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A supplier with its weight: a share where the split is known, else the belief that it is the one."""

    supplier: str
    weight: float


@dataclass(frozen=True, slots=True)
class TierLink:
    """Who supplies one tier of one chip; weights sum to 1.

    known=True: the candidates share the supply (HBM from three makers). known=False: exactly one of
    them supplies all of it and nobody has said which; the weights are beliefs.
    """

    tier: str
    candidates: tuple[Candidate, ...]
    known: bool
    source: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SupplyChain:
    """The links of one chip by tier name (every tier of CHIP_TIERS)."""

    chip: str
    links: Mapping[str, TierLink] = field(hash=False)
    origin: str = "shipped"

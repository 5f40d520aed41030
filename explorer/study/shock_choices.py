"""What a shock may be: its kinds in words, which figures each kind has, whom it can befall, and what it starts as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from explorer.catalog.supplier import NO_DEPENDENCE
from explorer.scenario.schema import Shock
from explorer.study.fleet import ON_PREMISES
from explorer.study.fleet_outcome import FleetOutcome

KINDS: Mapping[str, str] = {
    "outage": "fails",
    "delay": "delivers late",
    "price": "changes its price",
    "memory_price": "memory price moves",
    "export": "country's chips barred",
    "cloud_exit": "cloud is left",
}
"""In the order offered."""
FIGURES: Mapping[str, tuple[str, ...]] = {
    "outage": ("share", "weeks"),
    "delay": ("share", "weeks"),
    "price": ("change", "share"),
    "memory_price": ("usd_per_gb",),
    "export": ("share",),
    "cloud_exit": ("share",),
}
"""Figures that matter to each kind."""
ALL_MEMORY = "all memory"
FIRST_CHANGE, FIRST_USD_PER_GB = 0.15, 1.0
"""What a price shock starts as: AWS's capacity blocks of January 2026; a dollar a gigabyte."""


def suppliers_for(kind: str, fleet: FleetOutcome) -> tuple[str, ...]:
    """Whom of those a fleet depends on a shock of this kind can befall; "" stands for all memory."""
    wanted = {
        "cloud_exit": ("cloud",),
        "export": ("country",),
        "memory_price": ("memory_type",),
        "delay": ("designer", "foundry", "packaging", "memory_type", "memory_maker"),
        "price": ("designer", "cloud"),
    }.get(kind)
    names = dict.fromkeys(
        one.supplier for tier in fleet.tiers if wanted is None or tier.tier in wanted for one in tier.suppliers
    )
    found = tuple(name for name in names if name not in NO_DEPENDENCE and name != ON_PREMISES)
    return ("", *found) if kind == "memory_price" else found


def new_shock(fleet: FleetOutcome, taken: Iterable[str]) -> Shock:
    """The failure of the largest designer, under a name that is not taken; of the first supplier there is."""
    suppliers = suppliers_for("outage", fleet)
    who = suppliers[0] if suppliers else "TSMC"
    return Shock(name=free_name(f"{who} fails", taken), kind="outage", supplier=who)


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """The name wanted, numbered where it is taken."""
    names = set(taken)
    if wanted not in names:
        return wanted
    return next(name for at in range(2, len(names) + 3) if (name := f"{wanted} {at}") not in names)


def turned_into(shock: Shock, kind: str, fleet: FleetOutcome) -> dict[str, Any]:
    """Keys to set so that a shock is of another kind and still says something: supplier and size included."""
    if kind not in get_args(Shock.model_fields["kind"].annotation):
        raise ValueError(f"no kind of shock '{kind}': one of {', '.join(KINDS)}")
    suppliers = suppliers_for(kind, fleet)
    supplier = shock.supplier if shock.supplier in suppliers or not suppliers else suppliers[0]
    changes: dict[str, Any] = {"kind": kind, "supplier": supplier}
    if kind == "price" and shock.change == 0:
        changes["change"] = FIRST_CHANGE
    if kind == "memory_price" and shock.usd_per_gb == 0:
        changes["usd_per_gb"] = FIRST_USD_PER_GB
    return changes

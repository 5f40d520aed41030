"""Whether a chip can be had where and when a scenario buys: the one rule of tables, decisions and win maps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from explorer.catalog import Catalog, Chip
from explorer.scenario.schema import Access

CLAIMED = "claimed, unconfirmed"
_CLAIM = re.compile(r"claimed|announced|unconfirmed", re.IGNORECASE)
ON_PREMISES = "on premises"
NOT_OFFERED = "not offered"


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether a chip can be had, and what is known about it.

    `ruled_out` where the stated access or the date forbid it: such a chip wins no decision. One that is only claimed
    to be offered, or of which nobody knows who offers it, is not ruled out, although it wins no cell of a map.
    """

    available: bool
    note: str = ""
    """Why it cannot be had; of one that can, what else is known."""
    ruled_out: bool = False

    @property
    def doubt(self) -> str:
        """What stands against having it, for brackets behind its name; empty where nothing does."""
        return "" if self.available else CLAIMED if CLAIMED in self.note else self.note


WITHIN_REACH = Reach(True)


def not_yet(chip: Chip, as_of: str) -> str:
    """Why a chip cannot be had on a day yet; empty when it can, or when no day is known."""
    since = re.match(r"\d{4}(-\d{2}){0,2}", chip.available_from)
    if since is None:
        return "" if chip.available_from[:1].isdigit() or not chip.available_from else "not offered to anyone else"
    day = since.group()
    return f"not before {day}" if as_of and as_of[: len(day)] < day else ""


def offered_at(catalog: Catalog, chip: Chip, cloud: str, access: Access) -> Reach:
    """Whether a chip can be had at a cloud (empty: on one's own premises) in a region within reach."""
    where = cloud or ON_PREMISES
    named = [line for line in chip.offered_by if line.lower().startswith(where.lower())]
    offers = catalog.offers_for(chip.id, cloud) if cloud else ()
    published = [one for one in offers if not one.hypothetical]
    if published and access.regions and not any(one.region in access.regions for one in published):
        return Reach(False, f"{chip.name} is offered by {cloud}, but in no region within reach", ruled_out=True)
    if published:
        return WITHIN_REACH
    if any(not _CLAIM.search(line) for line in named):
        return Reach(True, f"offered by {cloud}; no price recorded" if cloud else "")
    if named or offers:
        return Reach(False, f"{chip.name} at {where}: {CLAIMED}")
    known = any(line != NOT_OFFERED for line in chip.offered_by) or bool(catalog.offers_for(chip.id))
    return Reach(False, f"no offer of {chip.name} at {where} is known", ruled_out=known)


def places_within_reach(catalog: Catalog, chip: Chip, access: Access) -> tuple[str, ...]:
    """Clouds (and "" for one's own premises) at which a chip can be had; without stated clouds, all that offer it."""
    places = _places(catalog, chip, access)
    return tuple(place for place in places if offered_at(catalog, chip, place, access).available)


def within_reach(catalog: Catalog, chip: Chip, cloud: str, access: Access, as_of: str) -> Reach:
    """Whether a chip can be had at a cloud (empty: anywhere one buys) by a day, `as_of` as YYYY-MM-DD."""
    wait = not_yet(chip, as_of)
    if wait:
        return Reach(False, f"{chip.name}: {wait}", ruled_out=True)
    if cloud and access.clouds and cloud not in access.clouds:
        return Reach(False, f"{cloud} is not among the clouds you can buy from", ruled_out=True)
    if cloud:
        return offered_at(catalog, chip, cloud, access)
    places = _places(catalog, chip, access)
    found = [offered_at(catalog, chip, place, access) for place in places]
    if any(one.available for one in found):
        return WITHIN_REACH
    if any(not one.ruled_out for one in found):
        return Reach(False, f"{chip.name}: {CLAIMED}")
    stated = bool(access.clouds or access.regions or access.on_premises)
    return Reach(False, f"{chip.name} cannot be had where you buy", ruled_out=stated and bool(chip.offered_by))


def _places(catalog: Catalog, chip: Chip, access: Access) -> tuple[str, ...]:
    """Where one may look: the clouds stated, else all that offer the chip or are said to; "" for own premises."""
    clouds = access.clouds
    if not clouds and not access.on_premises:
        said = [line.partition(" (")[0] for line in chip.offered_by if line != NOT_OFFERED]
        clouds = tuple(dict.fromkeys([one.cloud for one in catalog.offers_for(chip.id)] + said))
    return (*(cloud for cloud in clouds if cloud != ON_PREMISES), *(("",) if access.on_premises else ()))

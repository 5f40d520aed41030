"""Locks: paths of the settings that a scenario holds against a hand, written so that they outlive the window."""

from __future__ import annotations

from collections.abc import Iterable

from explorer.errors import ExplorerError
from explorer.scenario.path import get
from explorer.scenario.schema import Scenario


def unknown_locks(scenario: Scenario) -> tuple[str, ...]:
    """Locks whose path leads nowhere in the scenario."""
    return tuple(path for path in scenario.locks if not _leads_somewhere(scenario, path))


def with_known_locks(scenario: Scenario) -> Scenario:
    """The scenario without the locks of settings that are gone."""
    gone = unknown_locks(scenario)
    if not gone:
        return scenario
    return scenario.model_copy(update={"locks": tuple(path for path in scenario.locks if path not in gone)})


def locks_without(locks: Iterable[str], items: str, position: int) -> tuple[str, ...]:
    """Locks once the item at `position` of the list at path `items` is taken out: its own are gone, those of items
    behind it go with them."""
    kept = []
    for path in locks:
        place, _, rest = path.removeprefix(f"{items}.").partition(".")
        if not path.startswith(f"{items}.") or not place.isdecimal() or int(place) < position:
            kept.append(path)
        elif int(place) > position:
            kept.append(f"{items}.{int(place) - 1}.{rest}")
    return tuple(kept)


def _leads_somewhere(scenario: Scenario, path: str) -> bool:
    try:
        get(scenario, path)
    except (ExplorerError, AttributeError):
        return False
    return True

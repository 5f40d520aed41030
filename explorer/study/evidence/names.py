"""Which chip and which model of the catalogue a benchmark table speaks of."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from explorer.catalog import Catalog, Chip, Model
from explorer.catalog.location import resource_root
from explorer.errors import UnknownRecordError


@lru_cache(maxsize=1)
def _names() -> Mapping[str, Any]:
    return tomllib.loads((resource_root() / "evidence" / "names.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=4)
def _patterns(kind: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(entry["pattern"], re.IGNORECASE), entry["id"]) for entry in _names()[kind])


_COUNT = re.compile(r"(?<![A-Za-z0-9])\d+ ?[x×] ?(?=[A-Za-z])")
"""A number of chips before their name: "8xH100"."""


def _by_pattern(kind: str, label: str) -> str | None:
    text = _COUNT.sub(" ", label.replace("_", " ")) if kind == "chips" else label
    return next((record for pattern, record in _patterns(kind) if pattern.search(text)), None)


_SEVERAL = re.compile(r"\s*[+&,/]\s*|\s+and\s+")


class Names:
    """Labels resolved against one catalogue; an unknown label resolves to nothing, never to a neighbour."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._chips: dict[str, Chip | None] = {}
        self._models: dict[str, Model | None] = {}

    def chip(self, label: str) -> Chip | None:
        """The chip that a label names: by id or name, else by the first pattern found in it."""
        if label not in self._chips:
            self._chips[label] = self._find_chip(label)
        return self._chips[label]

    def model(self, label: str) -> Model | None:
        """The model that a label names: by id, name or alias, else by the first pattern found in it."""
        if label not in self._models:
            self._models[label] = self._find_model(label)
        return self._models[label]

    def _find_chip(self, label: str) -> Chip | None:
        found = _exact(label, ((chip.id, chip.name, chip.short_name) for chip in self._catalog.chips.values()))
        parts = {record for part in _SEVERAL.split(label) if (record := _by_pattern("chips", part))}
        if len(parts) > 1:
            return None  # a system of different chips is none of them
        record = found or _by_pattern("chips", label)
        return self._catalog.chips[record] if record and record in self._catalog.chips else None

    def _find_model(self, label: str) -> Model | None:
        if not label:
            return None
        try:
            return self._catalog.model(label)
        except UnknownRecordError:
            record = _by_pattern("models", label)
        return self._catalog.models[record] if record and record in self._catalog.models else None


def _exact(label: str, names: Iterable[tuple[str, ...]]) -> str | None:
    wanted = label.casefold()
    return next((each[0] for each in names if wanted in (name.casefold() for name in each)), None)


def ranks_per_chip(chip_id: str) -> int:
    """Ranks that benchmark tables count on one chip of this kind: cores or SoCs, elsewhere one."""
    return int(_names()["ranks_per_chip"].get(chip_id, 1))

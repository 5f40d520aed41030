"""Calibration constants as data: kernel rooflines, measured all-reduce curves, residual spreads by evidence grade."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from explorer.catalog.location import resource_root
from explorer.errors import CatalogError


@dataclass(frozen=True)
class Calibration:
    """The tables of resources/calibration, as read: `kernels[class]`, `allreduce[fit]`, `residuals`."""

    kernels: Mapping[str, Any]
    allreduce: Mapping[str, Any]
    residuals: Mapping[str, Any]
    edition: str


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogError(f"{path.name}: cannot be read: {error}") from error


@lru_cache(maxsize=1)
def load_calibration() -> Calibration:
    """Read the shipped calibration tables (SI units; provenance stands in each file)."""
    folder = resource_root() / "calibration"
    kernels = _read(folder / "kernels.toml")
    return Calibration(
        kernels=kernels,
        allreduce=_read(folder / "allreduce.toml"),
        residuals=_read(folder / "residuals.toml"),
        edition=str(kernels["edition"]),
    )

"""Where the shipped data lies: inside the installed package, else beside it in the checkout."""

from __future__ import annotations

from pathlib import Path

import explorer
from explorer.errors import CatalogError


def resource_root() -> Path:
    """The folder with chips, models, prices, suppliers, calibration and so on."""
    return _shipped_folder("resources")


def scenario_root() -> Path:
    """The folder with the shipped example scenarios."""
    return _shipped_folder("scenarios")


def _shipped_folder(name: str) -> Path:
    package = Path(explorer.__file__).resolve().parent
    candidates = (package / name, package.parent / name)
    for folder in candidates:
        if folder.is_dir():
            return folder
    looked = " or ".join(str(folder) for folder in candidates)
    raise CatalogError(f"the shipped folder '{name}' is missing (looked for {looked}); reinstall the program")

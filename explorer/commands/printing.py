"""How commands print what is not a text of its own: JSON to standard output, warnings to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def print_json(data: Any) -> None:
    """One JSON object; ValueError for a number that JSON does not know."""
    print(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def warn(path: Path, warnings: Sequence[str]) -> None:
    """What to mind about a file that can be used."""
    for warning in warnings:
        print(f"{path}: warning: {warning}", file=sys.stderr)

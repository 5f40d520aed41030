"""The argument that says how the chips of a replica divide a model."""

from __future__ import annotations

import argparse

from explorer.scenario.workload import LayoutChoice


def layout(text: str) -> LayoutChoice:
    """Read "tp=8,ep=8", what is not named being 1; raises ArgumentTypeError."""
    parts = dict.fromkeys(("tp", "pp", "dp", "ep"), 1)
    for part in text.lower().replace(" ", "").split(","):
        name, equals, number = part.partition("=")
        if name not in parts or not equals or not number.isdigit() or int(number) < 1:
            raise argparse.ArgumentTypeError(f"'{text}' is no layout: write tp=8 or tp=8,pp=2,dp=1,ep=8")
        parts[name] = int(number)
    return LayoutChoice(**parts)

"""The command that writes a picture of the window."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.catalog import Catalog
from explorer.commands.display import paint_without_a_screen
from explorer.commands.scenario_file import known_catalog, read_with_remarks
from explorer.errors import ExplorerError
from explorer.scenario.file import LoadedScenario

if TYPE_CHECKING:
    from explorer.study.outcome import Outcome


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the others."""
    painting = commands.add_parser("snapshot", help="write a picture of the window")
    painting.add_argument("file", type=Path)
    painting.add_argument("-o", "--output", type=Path, required=True, metavar="PNG")
    painting.add_argument("--theme", choices=("light", "dark"), default="light")
    painting.add_argument("--size", type=_size, default=(1440, 900), metavar="WxH")
    painting.set_defaults(run=run)


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.lower().partition("x")
    whole = bool(cross) and width.isdigit() and height.isdigit()
    if not (whole and 320 <= int(width) <= 7680 and 240 <= int(height) <= 4320):
        raise argparse.ArgumentTypeError(f"'{text}' is not a size: write WIDTHxHEIGHT, 320x240 to 7680x4320")
    return int(width), int(height)


def run(options: argparse.Namespace) -> int:
    """Paint the window on a scenario; raises ExplorerError."""
    paint_without_a_screen()
    catalog = known_catalog()
    paint(read_with_remarks(options.file, catalog), catalog, options.output, options.theme, options.size)
    return 0


def paint(
    loaded: LoadedScenario,
    catalog: Catalog,
    output: Path,
    theme: str,
    size: tuple[int, int],
    outcome: Outcome | None = None,
) -> None:
    """Write a PNG of the window, `size` in pixels; `outcome` is the final one, where it is known already.

    Raises ExplorerError when the scenario cannot be evaluated or the file cannot be written.
    """
    from PySide6.QtCore import QByteArray
    from PySide6.QtGui import QImageWriter

    from explorer.ui.application import grab

    image = grab(loaded.scenario, size=size, theme_name=theme, catalog=catalog, outcome=outcome)
    writer = QImageWriter(str(output), QByteArray(b"png"))
    if not writer.write(image):
        reason = writer.errorString()
        raise ExplorerError(f"{output}: cannot be written ({reason}); name a file in a folder you may write to")

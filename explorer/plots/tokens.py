"""The one table of colours, dashes and lengths: plots, window and report all draw with these tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

MAX_CHIPS = 4
"""How many alternatives can be compared; each has a colour, a dash and a label of its own."""

DASHES: tuple[tuple[float, ...], ...] = ((), (12.0, 2.5), (5.0, 2.0), (12.0, 2.0, 2.0, 2.0))
"""Dash of the P99 line per alternative, in pen widths; () is an unbroken line."""

DOTS: tuple[float, ...] = (1.0, 2.6)
"""Dots of every P50 line, in pen widths."""

SPACE = (4, 8, 12, 16, 24)
RADIUS = 6
CONTROL_RADIUS = 4
HIT_TARGET = 24
"""Least side of anything that can be clicked, in logical pixels."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Colours of one theme, #RRGGBB; `chips` in the order of alternatives, `suppliers` from the largest."""

    name: Literal["light", "dark"]
    window: str
    panel: str
    hairline: str
    grid: str
    text: str
    secondary: str
    faint: str
    """Decorative only: it has too little contrast for anything that must be read."""
    accent: str
    """Controls; a neutral slate, so that it is never taken for a chip."""
    accent_wash: str
    good: str
    amber: str
    amber_wash: str
    amber_mark: str
    """Filled areas that stand for what nobody knows; never text."""
    bad: str
    bad_fill: str
    track: str
    baseline: str
    chips: tuple[str, str, str, str]
    suppliers: tuple[str, str, str, str, str]

    def chip(self, index: int) -> QColor:
        """Colour of the alternative at `index`; repeats after four."""
        return QColor(self.chips[index % len(self.chips)])

    def chip_wash(self, index: int, alpha: float) -> QColor:
        """Colour of the alternative at `index` with opacity `alpha` (0 to 1)."""
        color = self.chip(index)
        color.setAlphaF(alpha)
        return color

    def supplier(self, rank: int) -> QColor:
        """Neutral tint of the supplier at `rank`, 0 being the largest."""
        return QColor(self.suppliers[min(rank, len(self.suppliers) - 1)])

    def on_chip(self, index: int) -> QColor:
        """Text colour that can be read on a filled area of the chip's colour."""
        ground = self.chips[index % len(self.chips)]
        return QColor(max((self.panel, self.text), key=lambda ink: contrast(ink, ground)))


LIGHT = Tokens(
    name="light",
    window="#F4F5F7",
    panel="#FFFFFF",
    hairline="#DDE1E7",
    grid="#E9ECF0",
    text="#17202B",
    secondary="#5C6877",
    faint="#8A95A3",
    accent="#475569",
    accent_wash="#EEF1F5",
    good="#1A7F4B",
    amber="#9A5B00",
    amber_wash="#FFF4E0",
    amber_mark="#CDB694",
    bad="#B3261E",
    bad_fill="#B3302B",
    track="#B9C1CC",
    baseline="#7A8694",
    chips=("#1F5FD6", "#C8501B", "#00806B", "#8A3FA0"),
    suppliers=("#58647A", "#8792A4", "#A9B2C0", "#C6CCD6", "#DADEE5"),
)

DARK = Tokens(
    name="dark",
    window="#12161C",
    panel="#1A2029",
    hairline="#2C3440",
    grid="#262E39",
    text="#E8ECF1",
    secondary="#A3AEBB",
    faint="#74808E",
    accent="#B6C2D1",
    accent_wash="#262F3B",
    good="#5CC48A",
    amber="#E5AE4C",
    amber_wash="#33291A",
    amber_mark="#75603A",
    bad="#FF8A80",
    bad_fill="#E8776E",
    track="#465262",
    baseline="#8793A1",
    chips=("#6EA0FF", "#FF9C66", "#35C4A9", "#CF8BE3"),
    suppliers=("#A9B5C6", "#7C889A", "#5D6878", "#485261", "#38414E"),
)

THEMES: dict[str, Tokens] = {"light": LIGHT, "dark": DARK}


def luminance(color: str) -> float:
    """Relative luminance of a #RRGGBB colour, 0 to 1 (WCAG 2.2, definition of relative luminance)."""
    value = QColor(color)
    channels = (value.redF(), value.greenF(), value.blueF())
    linear = [c / 12.92 if c <= 0.04045 else math.pow((c + 0.055) / 1.055, 2.4) for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(ink: str, ground: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, contrast ratio); 4.5 is enough for text."""
    lighter, darker = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def chip_pen(tokens: Tokens, index: int, width: float = 2.0) -> QPen:
    """Pen of the P99 line of the alternative at `index`: its colour and its dash."""
    return QPen(_chip_pen(tokens.chips[index % len(tokens.chips)], DASHES[index % len(DASHES)], width))


@lru_cache(maxsize=64)
def _chip_pen(color: str, dash: tuple[float, ...], width: float) -> QPen:
    pen = QPen(QColor(color), width)
    if dash:
        pen.setDashPattern(list(dash))
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen


def dotted_pen(color: QColor, width: float = 1.0, pattern: Sequence[float] = DOTS) -> QPen:
    """Dotted pen of `color`: P50 lines and the operating point."""
    pen = QPen(_dotted_pen(width, tuple(pattern)))
    pen.setColor(color)
    return pen


@lru_cache(maxsize=64)
def _dotted_pen(width: float, pattern: tuple[float, ...]) -> QPen:
    pen = QPen(QColor(), width)
    pen.setDashPattern(list(pattern))
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen


def color_fields(tokens: Tokens) -> dict[str, str]:
    """Every single colour of a theme by its token's name, chips and suppliers numbered from 1."""
    found: dict[str, str] = {}
    for entry in fields(tokens):
        value = getattr(tokens, entry.name)
        if entry.name == "name":
            continue
        if isinstance(value, tuple):
            found.update({f"{entry.name}.{place}": color for place, color in enumerate(value, start=1)})
        else:
            found[entry.name] = value
    return found

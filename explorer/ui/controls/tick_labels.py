"""Which ticks of a slider get a label, and where: from the ends inwards, none touching another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

LABEL_SIZE = 10.0
LABEL_HEIGHT = 13
GAP = 7.0


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A text and its left edge."""

    text: str
    left: float
    width: float


def placed_labels(
    ticks: Sequence[tuple[float, str]], width_of: Callable[[str], float], room: float
) -> tuple[PlacedLabel, ...]:
    """Labels centred at their ticks (x, text) and held within 0..room; the ends first, then every other one.

    Halving the distance again and again keeps what is labelled evenly spread where there is no room for all.
    """
    placed: list[PlacedLabel] = []
    for index in _ends_first(len(ticks)):
        x, text = ticks[index]
        width = width_of(text)
        if not text or width > room:
            continue
        left = min(max(x - width / 2, 0.0), room - width)
        if all(left >= other.left + other.width + GAP or left + width + GAP <= other.left for other in placed):
            placed.append(PlacedLabel(text, left, width))
    return tuple(sorted(placed, key=lambda label: label.left))


def _ends_first(count: int) -> list[int]:
    order = [0, count - 1] if count > 1 else list(range(count))
    spans = [(0, count - 1)]
    while spans:
        low, high = spans.pop(0)
        middle = (low + high) // 2
        if low < middle < high:
            order.append(middle)
            spans += [(low, middle), (middle, high)]
    return order

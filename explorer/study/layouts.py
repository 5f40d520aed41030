"""The layouts that a number of chips may take for a model: which are sensible, and why others cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from explorer.catalog import Chip
from explorer.engine.records import ModelShape, Split
from explorer.study.outcome import Layout
from explorer.study.resolve import ServedModel


def impossible_because(layout: Layout, shape: ModelShape) -> str:
    """Why a layout cannot be, in words; empty when it can."""
    if layout.tp * layout.dp % layout.ep:
        return f"ep {layout.ep} does not divide tp*dp = {layout.tp * layout.dp}"
    if layout.tp > shape.heads:
        return f"tp {layout.tp} is more than the {shape.heads:.0f} attention heads"
    if layout.pp > shape.layer_count:
        return f"pp {layout.pp} is more than the {shape.layer_count:.0f} layers"
    if not shape.is_moe and layout.ep > 1:
        return f"ep {layout.ep} needs experts; this model is dense"
    if layout.ep > max(shape.experts, 1):
        return f"ep {layout.ep} is more than the {shape.experts:.0f} experts"
    return ""


def uneven_because(layout: Layout, heads: int, experts: int, *, scaled: bool) -> str:
    """Why a layout leaves ranks with parts of a head or of an expert, in words; empty when it does not.

    `heads` of the preset, `experts` 0 for a dense model. A `scaled` model has no heads of its own to count: any power
    of two is taken for a degree that its makers would have provided for.
    """
    power_of_two = scaled and layout.tp & (layout.tp - 1) == 0
    if heads % layout.tp and not power_of_two:
        return f"tp {layout.tp} does not divide the {heads} attention heads"
    if layout.ep > 1 and experts % layout.ep:
        return f"ep {layout.ep} does not divide the {experts} experts"
    return ""


def layouts_of_degree(degree: int, served: ServedModel, chip: Chip) -> tuple[Layout, ...]:
    """Sensible splits of `degree` chips: tensor parallel alone, with pipeline stages, with attention data parallel."""
    ((_, found),) = layouts_by_degree((degree,), served, chip)
    return found


def layouts_by_degree(
    degrees: tuple[int, ...], served: ServedModel, chip: Chip
) -> tuple[tuple[int, tuple[Layout, ...]], ...]:
    """Each degree with its sensible splits, none where there is none; heads and experts are split evenly."""
    shape = served.shape
    domain = max(int(chip.figures["scaleup_domain"].value), 1) if "scaleup_domain" in chip.figures else 1
    experts = int(shape.experts) if shape.is_moe else 0
    heads, layers = int(shape.heads), int(shape.layer_count)
    return _layouts_by_degree(
        degrees, domain, heads, layers, experts, _has_slow_links(chip), int(served.preset_heads), served.is_scaled
    )


SLOW_LINKS = 0.06
"""Share of the memory's bandwidth below which a chip's links are slow: of cards on PCIe it is 0.03 to 0.06, of chips
with links of their own 0.07 to 0.33 (the catalogue's own figures; where the line lies is a judgement). There pipeline
stages, which hand over little, may do better than tensor ranks."""


def _has_slow_links(chip: Chip) -> bool:
    figures = chip.figures
    if "link_bandwidth" not in figures or "memory_bandwidth" not in figures:
        return False
    return figures["link_bandwidth"].value < SLOW_LINKS * figures["memory_bandwidth"].value


@lru_cache(maxsize=1024)
def _layouts_by_degree(
    degrees: tuple[int, ...],
    domain: int,
    heads: int,
    layers: int,
    experts: int,
    slow_links: bool,
    preset_heads: int,
    scaled: bool,
) -> tuple[tuple[int, tuple[Layout, ...]], ...]:
    def even(layouts: tuple[Layout, ...]) -> tuple[Layout, ...]:
        return tuple(one for one in layouts if not uneven_because(one, preset_heads, experts, scaled=scaled))

    return tuple((degree, even(_layouts(degree, domain, heads, layers, experts, slow_links))) for degree in degrees)


@lru_cache(maxsize=4096)
def _layouts(degree: int, domain: int, heads: int, layers: int, experts: int, slow_links: bool) -> tuple[Layout, ...]:
    options: list[Layout] = []
    for tp in sorted({degree, min(degree, domain), 8, 4, 2, 1}, reverse=True):
        if tp > degree or degree % tp:
            continue
        rest = degree // tp
        if rest == 1:
            options.append(Layout(tp, 1, 1, tp if experts else 1))
            continue
        if (slow_links or tp in (min(degree, domain), 8)) and rest <= 8:
            options.append(Layout(tp, rest, 1, tp if experts else 1))
        if experts and tp in (1, min(degree, domain, 8)):
            options.append(Layout(tp, 1, rest, degree))
    possible = [one for one in options if one.tp <= heads and one.pp <= layers and one.ep <= max(experts, 1)]
    return tuple(dict.fromkeys(possible))


def split_of(layouts: Sequence[Layout]) -> Split:
    """Layouts stacked as (rows, 1)."""
    return _split_of(tuple(layouts))


@lru_cache(maxsize=256)
def _split_of(layouts: tuple[Layout, ...]) -> Split:
    table = np.asarray([(layout.tp, layout.pp, layout.dp, layout.ep) for layout in layouts], dtype=np.float64)
    return Split(table[:, 0:1], table[:, 1:2], table[:, 2:3], table[:, 3:4])

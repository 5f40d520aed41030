"""Chips, models and constants laid out for the compiled loops that time steps; see `loops.layout`.

What a step takes of them is said in `steptime`, and once more, row by row, in `loops.parts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.engine.loops.layout import (
    DENSE,
    GROUPED,
    LATENT,
    OF_CHIP,
    OF_MODEL,
    OF_PART,
    OF_STEP,
    RECURRENT,
    ROUTED,
)
from explorer.engine.records import AllReduce, Array, ChipSpec, LayerGroup, ModelShape, Scalar, Split, StepConstants
from explorer.engine.steptime import entries_read, feed_key, mixer_key

Ints = NDArray[np.int64]

KINDS = {"gqa": GROUPED, "mla": LATENT, "linear": RECURRENT, "mamba": RECURRENT, "dense": DENSE, "moe": ROUTED}


@dataclass(frozen=True, slots=True)
class ChipTables:
    """Chips with their splits and all-reduces, a row each; C-contiguous."""

    chips: Array
    """(rows, OF_CHIP)."""
    alpha: Array
    """(rows, algorithms), as in `AllReduce`."""
    slope: Array


@dataclass(frozen=True, slots=True)
class ModelTables:
    """A model's shape; parts are mixers and feed-forwards that several layers share."""

    model: Array
    """(OF_MODEL,)."""
    parts: Array
    """(parts, OF_PART)."""
    groups: Ints
    """(groups, 2): mixer part and feed-forward part, -1 for none."""
    counts: Array
    """(groups,): layers."""


def chip_tables(chip: ChipSpec, split: Split, allreduce: AllReduce, rows: int) -> ChipTables:
    """Figures that broadcast to so many rows."""
    figures = [getattr(chip, name) for name in OF_CHIP[:-4]]
    chips, algorithms = np.empty((rows, len(OF_CHIP))), len(allreduce.alpha)
    for at, values in enumerate((*figures, split.tp, split.pp, split.dp, allreduce.root)):
        chips[:, at : at + 1] = values
    alpha, slope = np.empty((rows, algorithms)), np.empty((rows, algorithms))
    alpha.T[:], slope.T[:] = allreduce.alpha[:, :, 0], allreduce.slope[:, :, 0]
    return ChipTables(chips, alpha, slope)


def model_tables(shape: ModelShape, context: float, prefill_context: float) -> ModelTables:
    """A model whose sequences decode at a mean `context`; a prompt token attends to `prefill_context` tokens."""
    places: dict[tuple[object, ...], int] = {}
    parts: list[tuple[Scalar, ...]] = []

    def place(key: tuple[object, ...], kind: str, group: LayerGroup) -> int:
        if kind == "none":
            return -1
        if key not in places:
            places[key] = len(parts)
            parts.append(
                (
                    KINDS[kind],
                    entries_read(group, context),
                    entries_read(group, prefill_context),
                    shape.heads if group.heads is None else group.heads,
                    shape.kv_heads if group.kv_heads is None else group.kv_heads,
                    shape.head_dim if group.head_dim is None else group.head_dim,
                    1.0 if group.shared_key_value else 2.0,
                    shape.intermediate if group.intermediate is None else group.intermediate,
                )
            )
        return places[key]

    groups = [
        (place(mixer_key(group), group.mixer, group), place(feed_key(group), group.ffn, group))
        for group in shape.layers
    ]
    return ModelTables(
        np.array([getattr(shape, name) for name in OF_MODEL], dtype=np.float64),
        np.array(parts, dtype=np.float64).reshape(-1, OF_PART),
        np.array(groups, dtype=np.int64).reshape(-1, 2),
        np.array([group.count for group in shape.layers], dtype=np.float64),
    )


@lru_cache(maxsize=8)
def step_table(constants: StepConstants) -> Array:
    """Constants that all steps share, (OF_STEP,)."""
    return np.array([getattr(constants, name) for name in OF_STEP], dtype=np.float64)

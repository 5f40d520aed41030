"""What multi-chip scaling answers: plain records, read by the page and its plot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.study.outcome import Layout

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScalingLine:
    """One alternative over the chips of a replica, arrays (degrees,); efficiencies are shares, bands P5 to P95.

    Throughput per chip at a degree over that at `base`, the fewest chips that hold the model and the load.
    """

    number: int
    label: str
    degrees: tuple[int, ...]
    prefill_layouts: tuple[Layout, ...]
    decode_layouts: tuple[Layout, ...]
    """At each degree the layout that is fastest for the phase."""
    prefill: Array
    prefill_low: Array
    prefill_high: Array
    decode: Array
    decode_low: Array
    decode_high: Array
    prefill_tokens_per_s: Array
    """Prompt tokens/s of one chip."""
    decode_tokens_per_s: Array
    """Answer tokens/s of one chip."""
    now: int
    """Chips of a replica in the present answer."""
    open_links: tuple[str, ...]
    """Titles of the interconnect figures that are not settled: what the band is of."""

    @property
    def base(self) -> int:
        """The degree that the others are held against."""
        return self.degrees[0]


@dataclass(frozen=True, slots=True)
class Scaling:
    """Scaling of a workload's alternatives under one common load, and those that have none with the reason."""

    workload: str
    sequences: float
    """Decoding sequences a step, the same at every degree: a full batch of the fewest chips of every alternative."""
    context: float
    """Their mean context, tokens."""
    prompt_tokens: float
    """Prompt tokens a step of the prefill, the same at every degree."""
    lines: tuple[ScalingLine, ...]
    missing: tuple[tuple[int, str, str], ...]
    """Number, label and reason of alternatives without a line."""

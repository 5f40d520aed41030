"""The rows of what matters: which figures move an output, on which scale, in which order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from explorer.plots.xy_frame import Axis, linear_axis, log_axis
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import OUT_OF_REACH
from explorer.study.what_matters import CEILING, Part, Swing, WhatMatters
from explorer.study.what_matters_words import latency_text, money_text, promised

SHARE = QUANTITIES["share"]
Aspect = Literal["p99", "usd_per_month", "keeps"]
ASPECTS: dict[Aspect, str] = {
    "p99": "P99 latency",
    "usd_per_month": "$/month",
    "keeps": "Odds of keeping the promises",
}
BEYOND: dict[Aspect, str] = {"p99": f"{OUT_OF_REACH} ▸", "usd_per_month": f"{OUT_OF_REACH} ▸", "keeps": ""}
"""What lies at the end of the scale, beyond every figure."""
MOVES = 0.01
"""A relative swing, and a share, below which a figure is said to move nothing."""


def aspect_title(found: WhatMatters, aspect: Aspect) -> str:
    """What an output is called: without a promise there is nothing to keep but the load."""
    return "Odds to carry the load" if aspect == "keeps" and not promised(found) else ASPECTS[aspect]


def swing_of(part: Part, aspect: Aspect) -> Swing:
    """The swing of one output."""
    return {"p99": part.p99, "usd_per_month": part.usd_per_month, "keeps": part.keeps}[aspect]


def moving(found: WhatMatters, aspect: Aspect) -> tuple[Part, ...]:
    """The parts that move, drive or decide anything, the widest swing of the aspect first."""
    axis = axis_of(found, aspect)

    def wide(part: Part) -> float:
        swing = swing_of(part, aspect)
        return abs(held(axis, swing.high) - held(axis, swing.low))

    def worth(part: Part) -> bool:
        return (part.evppi or 0.0) > found.noise + 1.0

    shown = [part for part in found.parts if wide(part) >= MOVES or part.total >= MOVES or worth(part)]
    return tuple(sorted(shown, key=lambda part: -wide(part)))


def axis_of(found: WhatMatters, aspect: Aspect) -> Axis:
    """The scale of an output that holds every swing, the answer as believed, and the promise."""
    if aspect == "keeps":
        return linear_axis(0.0, 1.0, "", SHARE.format)
    central = found.p99 if aspect == "p99" else found.usd_per_month
    values = [central] + [end for part in found.parts for end in ends_of(swing_of(part, aspect))]
    finite = [value for value in values if math.isfinite(value)]
    if aspect == "p99" and found.limit is not None:
        finite = [min(value, CEILING * found.limit) for value in finite] + [found.limit]
    return log_axis(finite, "", latency_text if aspect == "p99" else money_text)


def ends_of(swing: Swing) -> tuple[float, float]:
    """Both ends."""
    return swing.low, swing.high


def held(axis: Axis, value: float) -> float:
    """Where a value lies, held to the axis: what is out of reach lies at its end."""
    return 1.0 if not math.isfinite(value) else min(max(axis.place(value), 0.0), 1.0)


def text_of(aspect: Aspect) -> Callable[[float], str]:
    """How an output is written."""
    texts: dict[Aspect, Callable[[float], str]] = {
        "p99": latency_text,
        "usd_per_month": money_text,
        "keeps": SHARE.format,
    }
    return texts[aspect]

"""Predictions that know nothing of the engine, to be bettered: a share of the benchmark's limit, the chip's median."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from explorer.study.evidence.predict import Prediction


def limit_of(value: Prediction) -> float | None:
    """The benchmark's limit on the latency of a prediction, seconds; None where there is none."""
    if value.metric.startswith("tpot"):
        return value.row.tpot_limit
    return value.row.ttft_limit if value.metric.startswith("ttft") else None


def share_of_limit_error(values: Sequence[Prediction]) -> float | None:
    """Median absolute error of the best constant times the limit, chosen on these very rows; None without limits."""
    pairs = [(limit, value.measured) for value in values if (limit := limit_of(value)) is not None]
    if not pairs or len(pairs) < len(values):
        return None
    limits, measured = np.asarray(pairs).T
    ratio = np.exp(np.median(np.log(measured / limits)))
    return float(np.median(np.abs(limits * ratio / measured - 1.0)))


def chip_median_error(values: Sequence[Prediction]) -> float:
    """Median absolute error of the median measured on the same chip, the row itself among them."""
    by_chip: dict[str, list[float]] = defaultdict(list)
    for value in values:
        by_chip[value.row.chip_label].append(value.measured)
    middle = {chip: float(np.median(measured)) for chip, measured in by_chip.items()}
    return float(np.median([abs(middle[value.row.chip_label] / value.measured - 1.0) for value in values]))

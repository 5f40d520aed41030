"""Bands of what an alternative carries and costs beside its latencies: from the draws that made those bands."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from explorer.engine.cost import cost_per_million_tokens
from explorer.study.answers import Context, Sized
from explorer.study.banded import Banded
from explorer.study.bands import band_of_draws, scaled
from explorer.study.outcome import Cost

Array = NDArray[np.float64]


def further_bands(
    context: Context,
    entry: Sized,
    replicas: int,
    cliff: float,
    saturation: float,
    cliffs: Array,
    saturations: Array,
    cost: Cost,
) -> dict[str, Banded]:
    """Bands by output: rates, use and tokens/s of the whole service, money of input, output and at full use.

    `cliff` and `saturation` are of one replica by the central figures, `cliffs` and `saturations` (samples,) in each
    draw, all requests/s. An output without a finite value has no band.
    """
    rate, output = context.rate, context.demand.output
    found = {
        "max_request_rate": band_of_draws(cliff * replicas, cliffs * replicas),
        "utilisation": band_of_draws(rate / (saturation * replicas), rate / (saturations * replicas)),
        "throughput_tokens_per_s": band_of_draws(
            min(rate, saturation * replicas) * output, np.minimum(rate, saturations * replicas) * output
        ),
    }
    month, usd = cost.usd_per_month, entry.price.usd
    if month is not None and usd is not None:
        parts = {"input": cost.usd_per_million_input, "output": cost.usd_per_million_output}
        for name, part in parts.items():
            if part is not None:
                found[f"usd_per_million_{name}"] = scaled(month, part / month.value)
        if cost.usd_per_million_at_full_use is not None:
            tokens = np.where(cliffs > 0, cliffs, 1.0) * (context.demand.prompt + output)
            drawn_usd = usd if entry.price.draws is None else entry.price.draws
            each = cost_per_million_tokens(drawn_usd * entry.candidate.layout.chips, tokens)
            found["usd_per_million_at_full_use"] = band_of_draws(
                cost.usd_per_million_at_full_use, np.where(cliffs > 0, each, np.inf)
            )
    return {name: band for name, band in found.items() if math.isfinite(band.value)}

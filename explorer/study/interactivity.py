"""Throughput against interactivity: what chips do against what users see, along the load."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.engine.cost import SECONDS_PER_HOUR, TOKENS_PER_MILLION
from explorer.study.outcome import AlternativeOutcome

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MeasuredTrade:
    """One run of a benchmark of the user's own: the same four figures, None where it did not measure one."""

    tokens_per_s_per_user: float | None
    tokens_per_s_per_chip: float | None
    tpot_p99_s: float | None
    usd_per_million: float | None
    alike: bool
    """Measured at the lengths of the traffic and on as many chips a replica."""
    words: str


@dataclass(frozen=True, slots=True)
class Interactivity:
    """Throughput against interactivity along the load, arrays of shape (rates,), lightest load first.

    Users see 1/P50 of the time per token; costs are at a steady load without idle hours.
    """

    tokens_per_s_per_user: Array
    tokens_per_s_per_chip: Array
    tpot_p99_s: Array
    usd_per_million: Array
    """NaN where the chip has no price."""
    present: tuple[float, float, float, float] | None
    """The same four at the stated traffic; None where it cannot be carried."""
    measured: tuple[MeasuredTrade, ...] = ()


def interactivity(
    one: AlternativeOutcome, prompt_tokens: float, output_tokens: float, usd_per_chip_hour: float | None
) -> Interactivity | None:
    """The throughput-against-interactivity curve of an alternative at its layout; None where it cannot run."""
    curve = one.curves.get("tpot")
    serving = one.replicas * one.layout.chips
    if curve is None or not serving or not one.rates.size:
        return None
    good = np.isfinite(curve.p50) & np.isfinite(curve.p99) & (curve.p50 > 0)
    if not good.any():
        return None
    rates, p50, p99 = one.rates[good], curve.p50[good], curve.p99[good]
    price = math.nan if usd_per_chip_hour is None else usd_per_chip_hour
    tokens = prompt_tokens + output_tokens
    usd = price * serving / SECONDS_PER_HOUR / (rates * tokens) * TOKENS_PER_MILLION
    chips = rates * output_tokens / serving
    present = None
    if rates[0] <= one.request_rate <= rates[-1]:

        def at(values: Array) -> float:
            return float(np.exp(np.interp(np.log(one.request_rate), np.log(rates), np.log(values))))

        present = (1.0 / at(p50), at(chips), at(p99), at(usd) if usd_per_chip_hour is not None else math.nan)
    return Interactivity(1.0 / p50, chips, p99, usd, present, measured_trades(one, usd_per_chip_hour))


def measured_trades(one: AlternativeOutcome, usd_per_chip_hour: float | None) -> tuple[MeasuredTrade, ...]:
    """An alternative's measured runs as points of the same plots; money at its own price, without idle hours."""
    found: list[MeasuredTrade] = []
    for run in one.measured:
        token = run.latency.get("tpot") or run.latency.get("itl") or {}
        middle = token.get("p50", token.get("mean"))
        usd = None
        if run.requests_per_s_per_chip and run.prompt_tokens and run.output_tokens and usd_per_chip_hour is not None:
            tokens = run.requests_per_s_per_chip * (run.prompt_tokens + run.output_tokens)
            usd = usd_per_chip_hour / SECONDS_PER_HOUR / tokens * TOKENS_PER_MILLION
        found.append(
            MeasuredTrade(
                None if middle is None else 1.0 / middle,
                run.tokens_per_s_per_chip,
                run.latency.get("tpot", {}).get("p99"),
                usd,
                run.alike,
                run.words,
            )
        )
    return tuple(found)

"""The power that chips draw from the facility, and what a limit on it leaves room for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.engine.cost import WATTS_PER_KILOWATT
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import Price
from explorer.study.answers import Context, Sized

_ROUNDING = 1e-9


def facility_watts(values: Mapping[str, ArrayLike], price: Price) -> NDArray[np.float64] | None:
    """Watts of the facility for one chip at full load, its share of the system and PUE included; None where unknown.

    `values` are the chip's figures, SI, or draws of them.
    """
    if "board_power" not in values:
        return None
    return np.asarray(values["board_power"], dtype=np.float64) * (1.0 + price.power_overhead_share) * price.pue


def limit_watts(price: Price) -> float | None:
    """The power that can be had, watts; None without a limit."""
    return None if price.power_limit_kw is None else price.power_limit_kw * WATTS_PER_KILOWATT


def within_limit(watts: ArrayLike, price: Price) -> NDArray[np.bool_]:
    """Whether so many watts can be had; True without a limit."""
    limit = limit_watts(price)
    return np.asarray(np.asarray(watts) <= (np.inf if limit is None else limit * (1.0 + _ROUNDING)))


def beyond_limit(context: Context, entry: Sized, bought: int, cliff: float) -> str:
    """Why `bought` chips do not fit the power limit and what would, in one sentence; empty where they fit.

    `cliff` is the largest rate of one replica that keeps the promises, requests/s, 0 where none does.
    """
    price, each = context.scenario.price, facility_watts(entry.deployment.values, context.scenario.price)
    limit = limit_watts(price)
    if limit is None or each is None or within_limit(bought * each, price):
        return ""
    watts, chips, unit = QUANTITIES["watts"], QUANTITIES["chips"], max(entry.price.unit_size, 1)
    room = int(limit * (1.0 + _ROUNDING) / float(each) / unit) * unit
    head = (
        f"does not fit the power limit of {watts.format(limit)}: {chips.format(bought)} draw "
        f"{watts.format(float(each) * bought)}"
    )
    replicas = room // entry.candidate.layout.chips - entry.deployment.settings.spare_replicas
    if replicas < 1:
        return f"{head}, and one replica with its spares is already too much"
    if cliff <= 0:
        return f"{head}; there is room for {chips.format(room)}"
    rate = QUANTITIES["request_rate"].format(replicas * cliff)
    return f"{head}; there is room for {chips.format(room)}, which keep the promises up to {rate}"


def share_within_limit(context: Context, entry: Sized, bought: int, samples: int) -> NDArray[np.bool_]:
    """In which draws of the chip's power (samples,) `bought` chips fit the limit."""
    if limit_watts(context.scenario.price) is None:
        return np.ones(samples, dtype=np.bool_)
    draws = entry.deployment.figures.draws(samples, context.scenario.simulation.seed)
    drawn: dict[str, ArrayLike] = {**entry.deployment.values, **draws}
    each = facility_watts(drawn, context.scenario.price)
    return np.broadcast_to(within_limit(0.0 if each is None else each * bought, context.scenario.price), (samples,))

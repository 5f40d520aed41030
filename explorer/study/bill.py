"""What the alternatives of a workload cost at the stated traffic (SEMANTICS: Money), all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.engine.cost import (
    TokenCost,
    chips_in_whole_units,
    cost_per_million_tokens,
    energy_per_token,
    monthly_cost,
    monthly_tokens,
    split_input_output,
)
from explorer.study.answers import Context, Loaded, Sized
from explorer.study.outcome import Banded, Cost
from explorer.study.sizing import SAFE_LOAD

Array = NDArray[np.float64]


def bills(
    context: Context,
    entries: Sequence[Sized],
    bought: Sequence[int],
    loaded: Loaded,
    rows: Sequence[int],
    drawn_cliffs: Array,
    drawn_saturations: Array,
) -> list[tuple[Cost, Banded | None]]:
    """Cost of each alternative and its energy a token, joule; None where its power is not known.

    `bought` are chips, spares and whole units included; `rows` are the alternatives' places in `loaded`. The band
    prices each draw at the chips it would take to keep the promises in that draw, (alternatives, samples).
    """
    traffic, demand, rate = context.workload.traffic, context.demand, context.rate
    per_request = demand.prompt + demand.output
    tokens = float(monthly_tokens(rate, traffic.peak_to_mean, per_request))
    energies = _energies(context, entries, bought)
    usd = np.asarray([np.nan if entry.price.usd is None else entry.price.usd for entry in entries])
    count, samples = drawn_cliffs.shape
    drawn_usd = np.empty((count, samples))
    for at, entry in enumerate(entries):
        drawn_usd[at] = usd[at] if entry.price.draws is None else entry.price.draws
    month = monthly_cost(usd, bought)
    months = np.sort(drawn_months(context, entries, drawn_cliffs, drawn_saturations, drawn_usd), axis=1)
    drawn_usd = np.sort(drawn_usd, axis=1)
    at_low, at_high = int(0.05 * (samples - 1)), int(np.ceil(0.95 * (samples - 1)))
    split = _split(context, loaded, rows, month, tokens)
    chips = np.asarray([entry.candidate.layout.chips for entry in entries])
    cliffs = loaded.cliffs[list(rows)]
    full = cost_per_million_tokens(usd * chips, cliffs * per_request)
    scale = 1e6 / tokens
    columns = zip(
        usd.tolist(), month.tolist(), (month / (tokens / 1e6)).tolist(), cliffs.tolist(), full.tolist(),
        months[:, [at_low, at_high]].tolist(), drawn_usd[:, [at_low, at_high]].tolist(),
        split.usd_per_million_input.tolist(), split.usd_per_million_output.tolist(),
        strict=True,
    )  # fmt: skip
    found: list[tuple[Cost, Banded | None]] = []
    for entry, energy, column in zip(entries, energies, columns, strict=True):
        price = entry.price
        if price.usd is None:
            nothing = Cost(
                None, None, None, None, None, None, price.basis, price.source, False, False, price.reason
            )
            found.append((nothing, energy))
            continue
        an_hour, a_month, a_million, cliff, at_full, (low, high), (hour_low, hour_high), given, taken = column
        band = Banded(a_month, min(low, a_month), max(high, a_month))
        cost = Cost(
            usd_per_month=band,
            usd_per_million_blended=Banded(a_million, band.low * scale, band.high * scale),
            usd_per_million_input=given,
            usd_per_million_output=taken,
            usd_per_million_at_full_use=at_full if cliff > 0 else None,
            usd_per_chip_hour=Banded(an_hour, min(hour_low, an_hour), max(hour_high, an_hour)),
            price_basis=price.basis,
            price_source=price.source,
            price_hypothetical=price.hypothetical,
            price_stale=price.stale,
        )
        found.append((cost, energy))
    return found


def drawn_months(
    context: Context, entries: Sequence[Sized], cliffs: Array, saturations: Array, usd: Array
) -> Array:
    """USD a month in each draw, priced at the chips it would take to keep the promises in that draw.

    All (alternatives, samples); `cliffs` and `saturations` are of one replica, `usd` is the price of a chip-hour.
    """
    settings = [entry.deployment.settings for entry in entries]
    carried = np.where(cliffs > 0, cliffs, SAFE_LOAD * saturations)
    replicas = np.maximum(np.ceil(context.rate / carried - 1e-9), 1.0)
    for at, one in enumerate(settings):
        if one.replicas != "auto":
            replicas[at] = one.replicas
    spares = np.asarray([one.spare_replicas for one in settings])[:, None]
    chips = (replicas + spares) * np.asarray([entry.candidate.layout.chips for entry in entries])[:, None]
    units = np.asarray([entry.price.unit_size for entry in entries])[:, None]
    return monthly_cost(usd, chips_in_whole_units(chips, units))


def _energies(context: Context, entries: Sequence[Sized], bought: Sequence[int]) -> list[Banded | None]:
    """Joule a token; the band is that of the power figure."""
    price, traffic = context.scenario.price, context.workload.traffic
    overhead = 1.0 + price.power_overhead_share
    watts = [entry.deployment.values.get("board_power", np.nan) * overhead for entry in entries]
    tokens_per_s = context.rate / traffic.peak_to_mean * context.demand.output
    joules = energy_per_token(np.asarray(watts) * np.asarray(bought), price.load_share, price.pue, tokens_per_s)
    found: list[Banded | None] = []
    for entry, joule in zip(entries, joules.tolist(), strict=True):
        if "board_power" not in entry.deployment.values:
            found.append(None)
            continue
        figure = entry.deployment.chip.figures["board_power"]
        override = context.scenario.overrides.get(entry.deployment.chip.id, {}).get("board_power")
        settled = override is not None and override.value is not None
        low, high = (1.0, 1.0) if settled else (figure.low / figure.value, figure.high / figure.value)
        found.append(Banded(joule, min(joule * low, joule), max(joule * high, joule)))
    return found


def _split(context: Context, loaded: Loaded, rows: Sequence[int], month: Array, tokens: float) -> TokenCost:
    """By seconds of a replica that one request's prompt and its output take at the busy half of the batch range."""
    chain, demand = loaded.table.chain, context.demand
    node, at = chain.nodes.shape[1] // 2, list(rows)
    prefill = loaded.table.marginal_at[at, node]
    decode = loaded.table.decode_at[at, node] / np.maximum(chain.nodes[at, node], 1.0) * demand.output
    per_request = demand.prompt + demand.output
    return split_input_output(
        month, tokens * demand.prompt / per_request, tokens * demand.output / per_request, prefill, decode
    )

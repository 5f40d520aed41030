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
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.workload import Alternative
from explorer.study.answers import Context, Loaded, Sized
from explorer.study.banded import Banded
from explorer.study.bands import HIGH, LOW, MEDIAN, order_index, scaled
from explorer.study.deployment import Deployment
from explorer.study.outcome import Cost
from explorer.study.sizing import SAFE_LOAD
from explorer.study.solved import Standing

Array = NDArray[np.float64]


def bills(
    context: Context,
    entries: Sequence[Sized],
    replicas: Sequence[int],
    bought: Sequence[int],
    loaded: Loaded,
    rows: Sequence[int],
    standing: Standing,
    drawn_cliffs: Array,
    drawn_saturations: Array,
) -> list[tuple[Cost, Banded | None]]:
    """Cost of each alternative and its energy a token, joule; None where its power is not known.

    `replicas` serve, spares not counted; `bought` are chips, spares and whole units included; `rows` are the
    alternatives' places in `loaded`; `standing` (alternatives, 1) is where a replica of each stands. The band prices
    each draw at the chips it would take to keep the promises in that draw, (alternatives, samples).
    """
    traffic, demand, rate = context.workload.traffic, context.demand, context.rate
    per_request = demand.prompt + demand.output
    tokens = float(monthly_tokens(rate, traffic.peak_to_mean, per_request))
    energies = _energies(context, entries, bought, drawn_cliffs.shape[1])
    usd = np.asarray([np.nan if entry.price.usd is None else entry.price.usd for entry in entries])
    count, samples = drawn_cliffs.shape
    drawn_usd = np.empty((count, samples))
    for at, entry in enumerate(entries):
        drawn_usd[at] = usd[at] if entry.price.draws is None else entry.price.draws
    month = monthly_cost(usd, bought)
    chips = np.asarray([entry.candidate.layout.chips for entry in entries])
    cliffs = loaded.cliffs[list(rows)]
    months = drawn_months(
        context, entries, replicas, drawn_cliffs, drawn_saturations, drawn_usd, within_reach=cliffs[:, None] > 0
    )
    quantiles = [order_index(q, samples) for q in (LOW, HIGH, MEDIAN)]
    months, drawn_usd = np.sort(months, axis=1)[:, quantiles], np.sort(drawn_usd, axis=1)[:, quantiles]
    split = _split(context, loaded, rows, standing, month, tokens)
    full = cost_per_million_tokens(usd * chips, cliffs * per_request)
    scale = 1e6 / tokens
    columns = zip(
        usd.tolist(), month.tolist(), cliffs.tolist(), full.tolist(), months.tolist(), drawn_usd.tolist(),
        split.usd_per_million_input.tolist(), split.usd_per_million_output.tolist(),
        strict=True,
    )  # fmt: skip
    found: list[tuple[Cost, Banded | None]] = []
    for entry, energy, column in zip(entries, energies, columns, strict=True):
        price = entry.price
        if price.usd is None:
            nothing = Cost(None, None, None, None, None, None, price.basis, price.source, False, False, price.reason)
            found.append((nothing, energy))
            continue
        an_hour, a_month, cliff, at_full, (low, high, median), (hour_low, hour_high, hour_median), given, taken = column
        band = Banded(a_month, min(low, a_month), max(high, a_month), median)
        cost = Cost(
            usd_per_month=band,
            usd_per_million_blended=scaled(band, scale),
            usd_per_million_input=given,
            usd_per_million_output=taken,
            usd_per_million_at_full_use=at_full if cliff > 0 else None,
            usd_per_chip_hour=Banded(an_hour, min(hour_low, an_hour), max(hour_high, an_hour), hour_median),
            price_basis=price.basis,
            price_source=price.source,
            price_hypothetical=price.hypothetical,
            price_stale=price.stale,
            price_elsewhere=price.elsewhere,
        )
        found.append((cost, energy))
    return found


def drawn_months(
    context: Context,
    entries: Sequence[Sized],
    replicas: Sequence[int],
    cliffs: Array,
    saturations: Array,
    usd: Array,
    *,
    within_reach: NDArray[np.bool_],
) -> Array:
    """USD a month in each draw, priced at the chips it would take to keep the promises in that draw; infinite where no
    number of them does.

    All (alternatives, samples); `cliffs` and `saturations` are of one replica, `usd` is the price of a chip-hour. Where
    the promises are not even `within_reach` (alternatives, 1) by the central figures, a draw is priced, as the central
    value is, at the chips that merely carry the load. `replicas` are those of the central figures: what is set by hand
    or by the money that is spent is held in every draw.
    """
    settings = [entry.deployment.settings for entry in entries]
    carried = np.where(cliffs > 0, cliffs, SAFE_LOAD * saturations)
    wanted = np.maximum(np.ceil(context.rate / carried - 1e-9), 1.0)
    sized = np.asarray([[is_sized_to_promise(context, one)] for one in settings])
    wanted = np.where(sized, wanted, np.asarray(replicas, dtype=np.float64)[:, None])
    spares = np.asarray([one.spare_replicas for one in settings])[:, None]
    chips = (wanted + spares) * np.asarray([entry.candidate.layout.chips for entry in entries])[:, None]
    units = np.asarray([entry.price.unit_size for entry in entries])[:, None]
    out = sized & within_reach & ~(cliffs > 0)
    return np.where(out, np.inf, monthly_cost(usd, chips_in_whole_units(chips, units)))


def beyond_spend(context: Context, entries: Sequence[Sized], bought: Sequence[int]) -> list[str]:
    """Why an alternative is not to be had at equal spend, its `bought` chips being dearer than the selected one's.

    A sentence each; empty where the money is enough or another basis is compared on.
    """
    selected = next((at for at, one in enumerate(entries) if one.deployment.name == context.workload.selected), None)
    budget = None if selected is None else entries[selected].price.usd
    if context.scenario.comparison.basis != "equal_spend" or selected is None or budget is None:
        return [""] * len(entries)
    budget *= bought[selected]
    found: list[str] = []
    money = QUANTITIES["usd"]
    for entry, chips in zip(entries, bought, strict=True):
        usd = entry.price.usd
        if usd is None or usd * chips <= budget * (1.0 + 1e-9):
            found.append("")
            continue
        spent, asked = (money.format(float(monthly_cost(one, 1))) for one in (budget, usd * chips))
        found.append(f"not to be had for the {spent} a month that are spent: one replica with its spares is {asked}")
    return found


def is_sized_to_promise(context: Context, settings: Alternative) -> bool:
    """Whether an alternative has the fewest replicas that keep the promises: no number by hand, nor what money buys."""
    by_money = context.scenario.comparison.basis == "equal_spend" and settings.name != context.workload.selected
    return settings.replicas == "auto" and not by_money


def _energies(context: Context, entries: Sequence[Sized], bought: Sequence[int], samples: int) -> list[Banded | None]:
    """Joule a token; the band is that of the draws of the power figure."""
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
        low, median, high = _power_ratios(entry.deployment, samples, context.scenario.simulation.seed)
        found.append(Banded(joule, min(joule * low, joule), max(joule * high, joule), joule * median))
    return found


def _power_ratios(deployment: Deployment, samples: int, seed: int) -> tuple[float, float, float]:
    """P5, P50 and P95 of the draws of a chip's power, as shares of the power as believed."""
    figures = deployment.figures
    key = ("power ratios", samples, seed)
    if key not in figures.memo:
        drawn = figures.draws(samples, seed).get("board_power")
        ratios = np.ones(1) if drawn is None else np.sort(drawn / deployment.values["board_power"])
        figures.memo[key] = tuple(float(ratios[order_index(q, len(ratios))]) for q in (LOW, MEDIAN, HIGH))
    found: tuple[float, float, float] = figures.memo[key]
    return found


def _split(
    context: Context,
    loaded: Loaded,
    rows: Sequence[int],
    standing: Standing,
    month: Array,
    tokens: float,
) -> TokenCost:
    """By seconds of a replica that one request's prompt and its output take at the mean batch."""
    demand = context.demand
    batch = np.maximum(standing.mean_batch[:, 0], 1.0)
    prefill, step = standing.prompt_s[:, 0], standing.step_s[:, 0]
    decode = step / loaded.grid.tokens_a_step[list(rows), 0] / batch * demand.output
    per_request = demand.prompt + demand.output
    return split_input_output(
        month, tokens * demand.prompt / per_request, tokens * demand.output / per_request, prefill, decode
    )

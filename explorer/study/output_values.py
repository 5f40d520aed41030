"""The value of a named output of an alternative: the central one, and that of every draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.engine.cost import cost_per_million_tokens, monthly_cost, monthly_tokens
from explorer.errors import ExplorerError
from explorer.scenario.outputs import OutputName
from explorer.study.answers import Context, DrawnWorkload
from explorer.study.banded import Banded, Metric
from explorer.study.bill import drawn_months
from explorer.study.outcome import AlternativeOutcome

Array = NDArray[np.float64]

_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_MONEY = ("usd_per_million", "usd_per_million_full", "usd_per_month", "usd_per_chip_hour")


class NoAnswerError(ExplorerError):
    """An output that has no value here, such as a cost where no price is known."""


def latency_of(output: OutputName) -> tuple[Metric, float] | None:
    """The latency and quantile that an output is, None where it is something else."""
    metric, _, percentile = output.key.partition("_")
    for one in ("ttft", "tpot", "itl", "e2e"):
        if metric == one and percentile in _QUANTILES:
            return one, _QUANTILES[percentile]
    return None


def central_value(output: OutputName, one: AlternativeOutcome) -> float:
    """The output's value (SI). A latency or cost of what does not fit or cannot carry the load is infinite.

    Raises NoAnswerError where there is no such value, with the reason.
    """
    latency = latency_of(output)
    if latency is not None:
        metric, quantile = latency
        found = one.latency[metric]
        return _centre({0.5: found.p50, 0.95: found.p95, 0.99: found.p99}[quantile], np.inf)
    if output.key in _MONEY:
        return _money(output, one)
    if output.key == "portability":
        raise NoAnswerError("portability is judged, not computed: it can be claimed, not solved for")
    memory = one.memory
    if output.key == "memory_headroom":
        return memory.usable - memory.weights - memory.kv - memory.other if memory.fits else -memory.shortfall
    if output.key == "read_time":
        return max(read.seconds for read in memory.read_times)
    if output.key == "joule_per_token":
        if memory.fits and one.energy_joule_per_token is None:
            raise NoAnswerError(f"the power of {one.chip_name} is not known, so there is no energy per token")
        return _centre(one.energy_joule_per_token, np.inf)
    per_chip = max(one.replicas, 1) * one.layout.chips
    plain: dict[str, float] = {
        "chips": float(one.chips_total) if memory.fits else np.inf,
        "replicas": float(one.replicas) if memory.fits else np.inf,
        "tokens_per_s": one.throughput_tokens_per_s,
        "largest_rate": one.max_request_rate,
        "largest_rate_per_chip": one.max_request_rate / per_chip,
        "utilisation": one.utilisation,
        "largest_batch": float(memory.max_batch),
        "largest_context": memory.max_context,
        "chance": one.probability_keeps["all"],
    }
    return plain[output.key]


def drawn_values(output: OutputName, one: AlternativeOutcome, drawn: DrawnWorkload | None, position: int) -> Array:
    """The output in every draw, (samples,), SI, infinite as in `central_value`; a single value, (1,), where draws do
    not move it. `position` is the alternative's place in its workload."""
    if drawn is None or position not in drawn.positions:
        return np.asarray([central_value(output, one)])
    at = list(drawn.positions).index(position)
    bands, entry, replicas = drawn.bands, drawn.sized[at], drawn.replicas[at]
    latency = latency_of(output)
    if latency is not None:
        metric, quantile = latency
        return np.where(np.isfinite(bands.point[metric][quantile][at]), bands.point[metric][quantile][at], np.inf)
    if output.key in _MONEY:
        central = central_value(output, one)
        if entry.price.usd is None:
            return np.asarray([central])
        usd = np.asarray([entry.price.usd]) if entry.price.draws is None else entry.price.draws
        return _at_price(output, drawn, at, usd, within_reach=one.max_request_rate > 0)
    if output.key == "joule_per_token":
        central = central_value(output, one)
        seed, samples = drawn.context.scenario.simulation.seed, bands.cliffs.shape[1]
        watts = entry.deployment.figures.draws(samples, seed).get("board_power")
        return np.asarray([central]) if watts is None else central * watts / entry.deployment.values["board_power"]
    if output.key in ("largest_rate", "largest_rate_per_chip"):
        chips = replicas * entry.candidate.layout.chips if output.key.endswith("chip") else 1
        return np.asarray(bands.cliffs[at] * replicas / chips)
    if output.key == "utilisation":
        return np.asarray(one.request_rate / (bands.saturations[at] * replicas))
    if output.key == "tokens_per_s":
        carried = np.minimum(one.request_rate, bands.saturations[at] * replicas)
        return np.asarray(carried * drawn.context.demand.output)
    return np.asarray([central_value(output, one)])


def _centre(band: Banded | None, otherwise: float) -> float:
    return otherwise if band is None else band.value


def price_taken(
    output: OutputName,
    one: AlternativeOutcome,
    drawn: DrawnWorkload | None,
    position: int,
    usd: float,
    *,
    central: bool,
) -> Array:
    """A money output with a chip-hour at `usd` in place of the scenario's price: the central value (1,), or that of
    every draw (samples,); infinite for what does not fit.

    Sizing does not depend on the price, so that money is proportional to it.
    """
    if drawn is None or position not in drawn.positions:
        return np.asarray([usd if output.key == "usd_per_chip_hour" else np.inf])
    at = list(drawn.positions).index(position)
    if not central:
        return _at_price(output, drawn, at, np.asarray([usd]), within_reach=one.max_request_rate > 0)
    context, entry = drawn.context, drawn.sized[at]
    month = float(monthly_cost(usd, one.chips_total))
    per_request = context.demand.prompt + context.demand.output
    if output.key == "usd_per_month":
        return np.asarray([month])
    if output.key == "usd_per_million":
        return np.asarray([month / _million_tokens(context)])
    if output.key == "usd_per_chip_hour":
        return np.asarray([usd])
    each = one.max_request_rate / one.replicas
    if not each > 0:
        return np.asarray([np.inf])
    return np.asarray([float(cost_per_million_tokens(usd * entry.candidate.layout.chips, each * per_request))])


def _at_price(output: OutputName, drawn: DrawnWorkload, at: int, usd: Array, *, within_reach: bool) -> Array:
    context, entry, bands = drawn.context, drawn.sized[at], drawn.bands
    if output.key == "usd_per_chip_hour":
        return usd
    cliffs = bands.cliffs[at]
    if output.key == "usd_per_million_full":
        tokens = np.where(cliffs > 0, cliffs, 1.0) * (context.demand.prompt + context.demand.output)
        each = cost_per_million_tokens(usd * entry.candidate.layout.chips, tokens)
        return np.where(cliffs > 0, each, np.inf)
    reach = np.asarray([[within_reach]])
    months = drawn_months(
        context, [entry], [drawn.replicas[at]], cliffs[None], bands.saturations[None, at], usd, within_reach=reach
    )[0]
    return np.asarray(months if output.key == "usd_per_month" else months / _million_tokens(context))


def _million_tokens(context: Context) -> float:
    per_request = context.demand.prompt + context.demand.output
    return float(monthly_tokens(context.rate, context.workload.traffic.peak_to_mean, per_request)) / 1e6


def _money(output: OutputName, one: AlternativeOutcome) -> float:
    cost = one.cost
    if cost.usd_per_chip_hour is None:
        if not one.memory.fits and output.key != "usd_per_chip_hour":
            return np.inf
        raise NoAnswerError(f"{one.name} has no price here: {cost.reason}")
    full = cost.usd_per_million_at_full_use
    values: dict[str, float] = {
        "usd_per_million": _centre(cost.usd_per_million_blended, np.inf),
        "usd_per_month": _centre(cost.usd_per_month, np.inf),
        "usd_per_million_full": np.inf if full is None else full,
        "usd_per_chip_hour": cost.usd_per_chip_hour.value,
    }
    return values[output.key]

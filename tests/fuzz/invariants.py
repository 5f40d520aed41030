"""What must hold of any outcome whatever was asked; each check answers with what breaks it, in words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from explorer.catalog import Catalog
from explorer.scenario.schema import Scenario, Workload
from explorer.study.banded import METRICS
from explorer.study.export import outcome_data
from explorer.study.outcome import AlternativeOutcome, Banded, FleetOutcome, MemoryFit, Outcome
from tests.study.walking import bands_out_of_order, not_numbers

ROUNDING = 1e-9
SECONDS_PER_MONTH = 730.0 * 3600.0


def broken(scenario: Scenario, outcome: Outcome, catalog: Catalog) -> list[str]:
    """Everything about an outcome that cannot be."""
    found = [f"not a number: {path}" for path in not_numbers(outcome)]
    found += [f"band out of order: {one}" for one in bands_out_of_order(outcome)]
    found += _of_json(outcome)
    for workload, answered in zip(scenario.workloads, outcome.workloads, strict=True):
        for one in answered.alternatives:
            here = f"{answered.name}, {one.name}"
            found += [f"{here}: {text}" for text in _of_alternative(workload, one, catalog)]
    return found + [f"fleet: {text}" for text in _of_fleet(outcome.fleet)]


def _of_json(outcome: Outcome) -> Iterator[str]:
    data = outcome_data(outcome)
    try:
        text = json.dumps(data, allow_nan=False)
    except ValueError as error:
        yield f"JSON: {error}: {', '.join(_endless(data, ''))}"
        return
    if json.loads(text) != data:
        yield "JSON: read back as something else"


def _endless(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _endless(below, f"{path}.{key}")
    elif isinstance(value, list):
        for at, below in enumerate(value):
            yield from _endless(below, f"{path}[{at}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{path} = {value}"


def _of_alternative(workload: Workload, one: AlternativeOutcome, catalog: Catalog) -> Iterator[str]:
    if not one.feasible and not one.reason:
        yield "not feasible for no reason"
    if not one.keeps_promises and not one.reason:
        yield "keeps no promise for no reason"
    if one.keeps_promises and not one.feasible:
        yield "keeps promises that it cannot carry"
    if one.feasible and not one.memory.fits:
        yield "feasible without fitting"
    if one.batch is not None and not one.batch.mean <= one.batch.p99 * (1.0 + ROUNDING) <= one.batch.cap * (
        1.0 + 2.0 * ROUNDING
    ):
        yield f"a batch of {one.batch}"
    yield from _of_latency(workload, one)
    yield from _of_curves(one)
    yield from _of_memory(one.memory)
    yield from _of_chips(one, catalog)
    yield from _of_money(workload, one)
    for name, chance in one.probability_keeps.items():
        if not 0.0 <= chance <= 1.0:
            yield f"chance of {name} is {chance}"
    kept = [chance for name, chance in one.probability_keeps.items() if name != "all"]
    if kept and "all" in one.probability_keeps and one.probability_keeps["all"] > min(kept) + ROUNDING:
        yield "keeps all promises more surely than one of them"
    if one.utilisation < 0 or (one.feasible and one.utilisation > 1.0 + ROUNDING):
        yield f"utilisation {one.utilisation}"
    # users of a closed loop fill the cap, which no load of the open chain does: their rate is a hair above its largest
    if one.users is None and one.max_request_rate > one.saturation_rate * (1.0 + ROUNDING):
        yield f"keeps promises at {one.max_request_rate}, beyond saturation at {one.saturation_rate}"
    if one.energy_joule_per_token is not None and not one.energy_joule_per_token.value >= 0:
        yield f"energy {one.energy_joule_per_token}"


def _of_latency(workload: Workload, one: AlternativeOutcome) -> Iterator[str]:
    for metric in METRICS:
        found = one.latency[metric]
        if found.p99 is None and not found.reason:
            yield f"no {metric} for no reason"
        given = [band for band in (found.p50, found.p95, found.p99) if band is not None]
        for part in ("low", "value", "high"):
            values = [getattr(band, part) for band in given]
            if any(b < a * (1.0 - ROUNDING) for a, b in pairwise(values)):
                yield f"{metric} quantiles fall: {part} {values}"
        if any(band.low < 0 for band in given):
            yield f"{metric} below nothing: {given}"
        if one.feasible and found.p99 is None and "hand moves" not in found.reason:
            yield f"feasible without {metric}: {found.reason}"
        promise = getattr(workload.objectives, f"{metric}_p99_s")
        if one.keeps_promises and promise is not None:
            if found.p99 is None:
                if "hand moves" not in found.reason:
                    yield f"keeps {metric} without an answer"
            elif found.p99.value > promise * (1.0 + 2e-6):
                yield f"keeps {metric} {promise} at {found.p99.value}"
    for q in ("p50", "p95", "p99"):
        ttft, e2e = (getattr(one.latency[metric], q) for metric in ("ttft", "e2e"))
        if ttft is not None and e2e is not None and e2e.value < ttft.value * (1.0 - 1e-6):
            yield f"{q}: answers end ({e2e.value}) before they begin ({ttft.value})"


def _of_curves(one: AlternativeOutcome) -> Iterator[str]:
    if np.any(np.diff(one.rates) < 0):
        yield "rates fall"
    for metric, curve in one.curves.items():
        if np.any(curve.p50 > curve.p99 * (1.0 + ROUNDING)):
            yield f"{metric} curve: p50 above p99"
        if np.any(curve.p99_low > curve.p99 * (1.0 + ROUNDING)) or np.any(
            curve.p99 > curve.p99_high * (1.0 + ROUNDING)
        ):
            yield f"{metric} curve: outside its band"


def _of_memory(memory: MemoryFit) -> Iterator[str]:
    if min(memory.weights, memory.kv, memory.kv_at_cap, memory.other, memory.shortfall) < 0:
        yield f"memory below nothing: {memory}"
    least = memory.weights + memory.other
    if memory.fits:
        if least + memory.kv_at_cap > memory.usable * (1.0 + ROUNDING):
            yield f"fits, but {least + memory.kv_at_cap} at the cap is more than {memory.usable}"
        if memory.kv > memory.kv_at_cap * (1.0 + ROUNDING):
            yield f"holds {memory.kv} of keys and values, more than {memory.kv_at_cap} at the cap"
        if memory.shortfall != 0 or memory.max_batch < 1:
            yield f"fits, short of {memory.shortfall}, largest batch {memory.max_batch}"
    else:
        if not memory.shortfall > 0:
            yield f"does not fit, short of nothing: {memory}"
        if abs(least + memory.kv_at_cap - memory.usable - memory.shortfall) > ROUNDING * memory.usable + 1.0:
            yield "shortfall is not what is missing"
        if not memory.remedy:
            yield "does not fit and nobody says what would"
    if memory.usable > memory.capacity:
        yield "usable beyond capacity"


def _of_chips(one: AlternativeOutcome, catalog: Catalog) -> Iterator[str]:
    chip = catalog.chip(one.chip)
    units = {chip.instance_size, *(offer.chips_per_instance for offer in catalog.offers_for(chip.id)), 1}
    least = one.layout.chips * (one.replicas + one.spare_replicas) if one.replicas else 0
    if one.chips_total and one.chips_total < least:
        yield f"{one.chips_total} chips for {least}"
    if not any(0 <= one.chips_total - least < unit and one.chips_total % unit == 0 for unit in units):
        yield f"{one.chips_total} chips for {least} in no unit of {sorted(units)}"
    if one.layout.degree != one.degree:
        yield f"degree {one.degree} of {one.layout}"


def _of_money(workload: Workload, one: AlternativeOutcome) -> Iterator[str]:
    cost = one.cost
    if cost.usd_per_month is None:
        if not cost.reason and one.memory.fits:
            yield "no price for no reason"
        return
    traffic = workload.traffic
    months = one.request_rate / traffic.peak_to_mean * SECONDS_PER_MONTH
    blended = cost.usd_per_million_blended
    if blended is None:
        yield "a month without a price of tokens"
        return
    if cost.usd_per_chip_hour is not None and not close(
        cost.usd_per_month.value, cost.usd_per_chip_hour.value * one.chips_total * 730.0
    ):
        yield f"a month {cost.usd_per_month.value} is not chips times hours"
    if cost.usd_per_month.value < 0:
        yield f"a month for {cost.usd_per_month.value}"
    prompt, output = traffic.prompt_tokens, traffic.output_tokens
    if traffic.arrivals == "trace":
        return
    tokens = months * (prompt + output) / 1e6
    if tokens > 0 and not close(blended.value * tokens, cost.usd_per_month.value):
        yield f"$/M {blended.value} x {tokens} M is not $/month {cost.usd_per_month.value}"
    given, taken = cost.usd_per_million_input, cost.usd_per_million_output
    if given is not None and taken is not None:
        parts = months / 1e6 * (given * prompt + taken * output)
        if not close(parts, cost.usd_per_month.value, 1e-6):
            yield f"input and output make {parts}, not {cost.usd_per_month.value}"


def close(a: float, b: float, tolerance: float = ROUNDING) -> bool:
    """Equal but for rounding."""
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-12)


def _of_fleet(fleet: FleetOutcome) -> Iterator[str]:
    if not fleet.pools:
        return
    for kind in ("traffic", "spend", "chip", "power"):
        shares = [getattr(pool, f"{kind}_share") for pool in fleet.pools]
        total = sum(shares)
        if not (close(total, 1.0, 1e-6) or (total == 0 and (fleet.reason or kind == "power"))):
            yield f"{kind} shares sum to {total}: {shares}; {fleet.reason}"
    if fleet.usd_per_month is not None:
        total = sum(pool.usd_per_month for pool in fleet.pools)
        if not close(total, fleet.usd_per_month):
            yield f"pools cost {total}, the fleet {fleet.usd_per_month}"
    for tier in fleet.tiers:
        total = sum(one.share for one in tier.suppliers)
        if tier.suppliers and not close(total, 1.0, 1e-6):
            yield f"{tier.tier}: suppliers sum to {total}"
        for one in tier.suppliers:
            if not -ROUNDING <= one.low <= one.share + ROUNDING <= one.high + 2 * ROUNDING <= 1.0 + 3 * ROUNDING:
                yield f"{tier.tier}: {one}"
        yield from _of_concentration(tier.tier, tier.hhi, tier.effective_suppliers, tier.top_share)


def _of_concentration(name: str, hhi: Banded, effective: Banded, top: Banded) -> Iterator[str]:
    if not -ROUNDING <= hhi.value <= 10_000.0 * (1.0 + ROUNDING):
        yield f"{name}: HHI {hhi.value}"
    if hhi.value > 0 and effective.value < 1.0 - ROUNDING:
        yield f"{name}: {effective.value} effective suppliers"
    if not -ROUNDING <= top.value <= 1.0 + ROUNDING:
        yield f"{name}: top share {top.value}"

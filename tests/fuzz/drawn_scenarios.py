"""Scenarios drawn at random from everything that a document allows, ends of ranges included."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from explorer.catalog import Catalog
from explorer.scenario.schema import Scenario

WEIGHTS = ("bf16", "fp8", "int8", "fp4", "int4")
KV = ("bf16", "fp8")
TRACES = ("azure-2023-conversation", "azure-2023-code", "mooncake-conversation")


def drawn(random: Random, catalog: Catalog, *, method: str = "closed_form") -> Scenario:
    """A scenario that the document allows; tame and wild numbers take turns."""
    while True:
        tables = _tables(random, catalog, method)
        try:
            return Scenario.model_validate(tables)
        except ValueError:
            continue  # two choices that contradict each other: drawn again


def between(random: Random, low: float, high: float, *, wild: bool) -> float:
    """A number of a range of factors; a wild one may be at its end."""
    if wild and random.random() < 0.25:
        return random.choice((low, high))
    found = low * (high / low) ** random.random()
    return min(max(found, low), high)


def maybe(random: Random, chance: float, table: dict[str, Any], key: str, value: Any) -> None:
    """A key that some scenarios have."""
    if random.random() < chance:
        table[key] = value


def _tables(random: Random, catalog: Catalog, method: str) -> dict[str, Any]:
    wild = random.random() < 0.3
    chips = random.sample(sorted(catalog.chips), 4)
    workloads = [
        _workload(random, catalog, chips, method, wild=wild, name=f"work {at}")
        for at in range(random.choice((1, 1, 1, 2)))
    ]
    return {
        "format": 1,
        "title": random.choice(("drawn", "", "日本 \"x\"")),
        "as_of": random.choice(("", "2026-11-22", "2024-01-01")),
        "workloads": workloads,
        "fleet": _fleet(random, catalog, chips),
        "price": _price(random, catalog, wild=wild),
        "comparison": {
            "basis": random.choice(("sized_to_promise", "equal_spend", "as_set")),
            "each_at_own_precision": random.random() < 0.4,
        },
        "access": {
            "clouds": random.choice(([], ["AWS"], ["GCP", "Azure"])),
            "on_premises": random.random() < 0.5,
        },
        "stragglers": {
            "jitter_sigma": random.choice((0.0, 0.01, 1.0)),
            "stall_probability": random.choice((0.0, 1e-7, 1e-2)),
            "stall_s": random.choice((0.0, 0.05, 10.0)),
        } if wild else {},
        "simulation": {
            "method": method,
            "seed": random.randrange(2**31),
            "samples": random.choice((8, 12, 16)),
            "requests": random.choice((100, 400)),
        },
        "overrides": _overrides(random, catalog, chips),
        "shocks": _shocks(random),
    }  # fmt: skip


def _workload(
    random: Random, catalog: Catalog, chips: list[str], method: str, *, wild: bool, name: str
) -> dict[str, Any]:
    closed = random.random() < 0.15
    count = random.randint(1, 4)
    alternatives = [
        _alternative(random, catalog, chips[at] if random.random() < 0.8 else chips[0], method, closed, wild, f"a{at}")
        for at in range(count)
    ]
    model: dict[str, Any] = {
        "preset": random.choice(sorted(catalog.models)),
        "weight_precision": random.choice(WEIGHTS),
        "kv_precision": random.choice(KV),
        "kv_sequence_sharding": random.random() < 0.2,
    }
    maybe(random, 0.4, model, "size_billion", between(random, 0.1, 20_000, wild=wild))
    objectives: dict[str, Any] = {}
    for key, low, high in (("ttft", 0.05, 60), ("tpot", 2e-3, 1), ("itl", 2e-3, 2), ("e2e", 0.5, 600)):
        maybe(random, 0.5, objectives, f"{key}_p99_s", between(random, low, high, wild=False))
    if wild:
        maybe(random, 0.2, objectives, "tpot_p99_s", random.choice((1e-9, 1e12)))
    return {
        "name": name, "selected": f"a{random.randrange(count)}", "model": model,
        "traffic": _traffic(random, closed, wild=wild), "objectives": objectives, "alternatives": alternatives,
    }  # fmt: skip


def _traffic(random: Random, closed: bool, *, wild: bool) -> dict[str, Any]:
    spread = (0.0, 10.0) if wild else (0.0, 2.0)
    table: dict[str, Any] = {
        "request_rate_per_s": between(random, 1e-6, 1e6, wild=True) if wild else between(random, 0.05, 500, wild=False),
        "arrival_cv": random.uniform(*spread),
        "prompt_tokens": between(random, 1, 1e7 if wild else 3e4, wild=wild),
        "prompt_cv": random.uniform(*spread),
        "output_tokens": between(random, 1, 1e6 if wild else 4e3, wild=wild),
        "output_cv": random.uniform(*spread),
        "prefix_hit_share": random.choice((0.0, 0.0, 0.5, 0.999)),
        "peak_to_mean": random.choice((1.0, 2.0, 100.0)),
    }
    if closed:
        return {**table, "mode": "closed_loop"}
    kind = random.choice(("gamma", "gamma", "on_off", "trace"))
    table["arrivals"] = kind
    if kind == "on_off":
        table["on_share"] = between(random, 0.01, 1, wild=wild)
        table["burst_s"] = between(random, 0.01, 86_400, wild=wild)
    if kind == "trace":
        table["trace"] = {"name": random.choice(TRACES)}
    return table


def _alternative(
    random: Random, catalog: Catalog, chip_id: str, method: str, closed: bool, wild: bool, name: str
) -> dict[str, Any]:
    chip = catalog.chip(chip_id)
    table: dict[str, Any] = {
        "name": name,
        "chip": chip_id,
        "cloud": random.choice(("", "AWS", "GCP", "Azure")),
        "max_batch": random.choice((1, 2, 16, 256, 2048, 65_536)),
        "token_budget": random.choice((16, 512, 2048, 16_384, 1_048_576)),
        "spare_replicas": random.choice((0, 0, 1, 7, 1000)),
        "scheduler": random.choice(("chunked", "prefill_first")),
    }
    offers = [offer.id for offer in catalog.offers_for(chip_id)]
    if offers:
        maybe(random, 0.2, table, "offer", random.choice(offers))
    if random.random() < 0.4:
        degree = random.choice(chip.degrees)
        table["parallelism_degree"] = degree
        if random.random() < 0.5:
            table["layout"] = _layout(random, degree)
    maybe(random, 0.4, table, "replicas", random.choice((1, 2, 9, 40, 100_000 if wild else 100)))
    maybe(random, 0.15, table, "speculation", {
        "acceptance": random.choice((0.0, 0.7, 0.99)),
        "draft_tokens": random.randint(1, 16),
        "step_cost": random.choice((0.0, 0.2, 10.0)),
    })  # fmt: skip
    maybe(random, 0.2, table, "weight_precision", random.choice(WEIGHTS))
    maybe(random, 0.2, table, "kv_precision", random.choice(KV))
    if method == "simulation":
        table["scheduler"] = random.choice(("chunked", "prefill_first", "static", "disaggregated"))
        if table["scheduler"] == "disaggregated":
            table["prefill_instances"] = random.choice((1, 2, 5))
            table["decode_instances"] = random.choice((1, 2, 5))
            maybe(random, 0.5, table, "kv_transfer_gb_per_s", between(random, 0.1, 2000, wild=wild))
    if not closed and table["scheduler"] != "disaggregated":
        maybe(random, 0.2, table, "routing", "shortest_queue")
    return table


def _layout(random: Random, degree: int) -> dict[str, int]:
    def divisor(number: int) -> int:
        return random.choice([one for one in range(1, number + 1) if number % one == 0])

    pp = divisor(degree)
    tp = divisor(degree // pp)
    dp = degree // pp // tp
    return {"tp": tp, "pp": pp, "dp": dp, "ep": divisor(tp * dp)}


def _fleet(random: Random, catalog: Catalog, chips: list[str]) -> dict[str, Any]:
    count = random.choice((0, 1, 2, 3))
    if not count:
        return {}
    weights = [random.choice((0.0, random.random(), 1.0)) for _ in range(count)]
    weights[0] += 0.01
    total = sum(weights)
    members = []
    for at, weight in enumerate(weights):
        member = {
            "name": f"m{at}", "chip": random.choice(chips), "cloud": random.choice(("", "AWS", "GCP")),
            "traffic_share": weight / total,
        }  # fmt: skip
        maybe(random, 0.2, member, "region", "us-east-1")
        members.append(member)
    return {"members": members, "headroom": random.choice(("auto", 0.0, 0.5))}


def _price(random: Random, catalog: Catalog, *, wild: bool) -> dict[str, Any]:
    table: dict[str, Any] = {
        "basis": random.choice(("offer", "cost_plus", "own")),
        "term": random.choice(("on_demand", "reserved", "spot")),
    }
    maybe(random, 0.15, table, "power_limit_kw", between(random, 1, 1e5, wild=False))
    maybe(random, 0.15, table, "region", "us-east-1")
    maybe(random, 0.15, table, "hosted_usd_per_million_input", random.choice((0.0, 0.5)))
    maybe(random, 0.15, table, "hosted_usd_per_million_output", random.choice((0.0, 2.5)))
    if wild:
        for key, ends in {
            "margin": (0, 10), "utilisation_sold": (0.01, 1), "life_years": (0.1, 20), "residual_share": (0, 1),
            "cost_of_capital": (0, 1), "system_overhead_share": (0, 5), "load_share": (0.01, 1), "pue": (1, 3),
            "electricity_usd_per_kwh": (0, 1e12), "colocation_usd_per_kw_month": (0, 1e12),
        }.items():  # fmt: skip
            maybe(random, 0.3, table, key, random.choice(ends))
    return table


def _overrides(random: Random, catalog: Catalog, chips: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for chip_id in chips:
        figures = [one for one in catalog.chip(chip_id).figures.items() if one[1].derived_from is None]
        for name, figure in random.sample(figures, min(2, len(figures))) if random.random() < 0.3 else ():
            if len(figure.readings) > 1 and random.random() < 0.5:
                entry = {"belief": random.choice((0.0, 0.3, 1.0))}
            else:
                value = figure.value / figure.scale * random.choice((0.1, 0.5, 1.0, 2.0, 10.0))
                if not (math.isfinite(value) and 1e-12 <= value <= 1e15):
                    continue
                entry = {"value": value, "unit": figure.unit}
            found.setdefault(chip_id, {})[name] = entry
    return found


def _shocks(random: Random) -> list[dict[str, Any]]:
    if random.random() < 0.6:
        return []
    supplier = random.choice(("TSMC", "Nvidia", "AWS"))
    kind = random.choice(("outage", "delay", "price", "memory_price", "export", "cloud_exit"))
    return [
        {
            "name": "shock", "kind": kind, "supplier": supplier, "share": random.choice((0.0, 0.3, 1.0)),
            "weeks": random.choice((0.0, 26.0, 1e12)), "change": random.choice((-1.0, 0.3, 100.0)),
            "usd_per_gb": random.choice((-1000.0, 1.0)),
        }
    ]  # fmt: skip

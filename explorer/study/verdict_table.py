"""The verdict as plain text: what `evaluate` and a start without a display print."""

from __future__ import annotations

import math
from collections.abc import Sequence

from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import Quantity
from explorer.study.against import Against
from explorer.study.banded import Banded
from explorer.study.describe import METRIC_NAMES
from explorer.study.fleet_outcome import FleetOutcome
from explorer.study.fleet_whole import fleet_p99, latency_words, month_words
from explorer.study.outcome import AlternativeOutcome, Outcome, WorkloadOutcome
from explorer.study.price_words import price_remarks
from explorer.study.probability_words import confidence_word

SHARE = QUANTITIES["share"]
HEADINGS = (
    "",
    "fits",
    "chips",
    "P99 first token",
    "P99 per token",
    "$/M tokens",
    "$/month",
    "keeps promises",
    "known by",
)


ENDLESS = "∞ of a cost: in so many draws no number of replicas in this layout keeps the promises"


def verdict_text(outcome: Outcome, against: Against | None = None, change: str = "") -> str:
    """A table for each workload, the reasons below it, the fleet's dependence, what one chip changes in that
    (`change`), and what moved against a baseline."""
    parts = [
        outcome.title,
        f"prices: {outcome.price_basis.replace('_', ' ')}; catalogue {outcome.catalog_edition}",
        "values by the figures as believed [P5 / P50 / P95 over the draws of everything that is not settled]",
    ]
    if any(_is_endless(one) for workload in outcome.workloads for one in workload.alternatives):
        parts.append(ENDLESS)
    for workload in outcome.workloads:
        parts += ["", workload_words(workload), *_table(workload)]
        parts += [f"  {one.name}: {line}" for one in workload.alternatives for line in remarks(one)]
    parts += ["", *_fleet(outcome.fleet)]
    parts += [change] if change else []
    if against is not None:
        parts += ["", f"Against the baseline, {against.title}:", *(f"  {line}" for line in against.changed)]
        parts += [against.sentence] if against.sentence else []
    return "\n".join(parts)


def _is_endless(one: AlternativeOutcome) -> bool:
    cost = one.cost.usd_per_month
    return cost is not None and not math.isfinite(cost.high)


def columns(rows: Sequence[Sequence[str]], gap: int = 2) -> list[str]:
    """Rows of cells as aligned lines."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        (" " * gap).join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def workload_words(workload: WorkloadOutcome) -> str:
    """What is asked of a workload: model, size, traffic and promises."""
    promises = ", ".join(
        f"{METRIC_NAMES[metric]} ≤ {QUANTITIES['seconds'].format(limit)}"
        for metric, limit in workload.objectives.items()
    )
    size = QUANTITIES["parameters"].format(workload.parameters)
    rate = QUANTITIES["request_rate"].format(workload.chosen.request_rate)
    return f"{workload.name}: {workload.model_name} ({size}), {rate}; promised at P99: {promises or 'nothing'}"


def _table(workload: WorkloadOutcome) -> list[str]:
    rows: list[Sequence[str]] = [HEADINGS]
    for at, one in enumerate(workload.alternatives):
        mark = "*" if at == workload.selected else " "
        chips = "–" if not one.chips_total else f"{one.chips_total:,} ({one.replicas:,} × {one.layout.chips})"
        rows.append(
            (
                f"{mark} {one.name}",
                "yes" if one.memory.fits else "no",
                chips,
                _banded("seconds", one.latency["ttft"].p99),
                _banded("seconds", one.latency["tpot"].p99),
                _banded("usd_per_million", one.cost.usd_per_million_blended),
                _banded("usd_per_month", one.cost.usd_per_month),
                kept_words(one),
                one.evidence_grade,
            )
        )
    return columns(rows)


def kept_words(one: AlternativeOutcome) -> str:
    """Whether the promises are kept by the figures as believed, and how surely."""
    if len(one.probability_keeps) == 1:
        return "no promise"
    probability = one.probability_keeps["all"]
    kept = "yes" if one.keeps_promises else "no"
    return f"{kept}, {confidence_word(probability)}: {SHARE.format(probability)} of draws"


def remarks(one: AlternativeOutcome) -> list[str]:
    """What to know about an alternative, each thing once."""
    own = "" if one.own is None else f"your benchmark, {one.own.sentence}"
    money = [one.cost.reason, *price_remarks(one.cost)] if one.memory.fits else []
    found = [
        one.reason, one.method_note, one.availability_note, one.purchase_note, one.precision_note, *money, own
    ]  # fmt: skip
    return list(dict.fromkeys(line for line in found if line))


def _banded(key: str, band: Banded | None) -> str:
    if band is None:
        return "–"
    quantity: Quantity = QUANTITIES[key]
    if band.median is None:
        return f"{quantity.format(band.value)} [{quantity.format_range(band.low, band.high)}]"
    return f"{quantity.format(band.value)} [{quantity.format_quantiles(band.low, band.median, band.high)}]"


def _fleet(fleet: FleetOutcome) -> list[str]:
    if fleet.reason:
        return [f"Fleet: {fleet.reason}"]
    pools = ", ".join(
        f"{pool.name} {SHARE.format(pool.traffic_share)} of traffic, {SHARE.format(pool.spend_share)} of spend"
        for pool in fleet.pools
    )
    p99 = fleet_p99(fleet)
    latencies = [latency_words(p99, name) for name in p99]
    lines = [
        f"Fleet by {fleet.share_basis}: {pools}",
        f"  {month_words(fleet)}",
        *(f"  {words}" for words in latencies if words),
    ]
    rows: list[Sequence[str]] = [("tier", "effective suppliers", "largest", "")]
    for tier in fleet.tiers:
        if not tier.counts:
            continue
        share = SHARE.format_range(tier.top_share.low, tier.top_share.high)
        note = "single point of failure" if tier.single_point_of_failure else tier.unknown
        rows.append(
            (
                tier.title,
                QUANTITIES["suppliers"].format(tier.effective_suppliers.value),
                f"{tier.top_supplier} {share}",
                note,
            )
        )
    lines += columns(rows)
    return [*lines, fleet.note] if fleet.note else lines

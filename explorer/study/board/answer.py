"""The answer of a report in at most five sentences: verdicts, the fleet, and what to ask first."""

from __future__ import annotations

import re
from collections.abc import Sequence

from explorer.scenario.quantities import QUANTITIES
from explorer.study.describe import METRIC_NAMES
from explorer.study.economics import Economics
from explorer.study.fleet_outcome import FleetOutcome
from explorer.study.fleet_tables import score_words
from explorer.study.outcome import AlternativeOutcome, Outcome, WorkloadOutcome
from explorer.study.what_matters import WhatMatters
from explorer.study.what_matters_words import headline, likely_text

MOST = 5
"""Sentences."""
ONE_BY_ONE = 3
"""So many workloads have a sentence each; more are counted."""
MONTH, MILLION, SECONDS = (QUANTITIES[key] for key in ("usd_per_month", "usd_per_million", "seconds"))
LIKELY = 0.65
"""From here on the draws bear out that promises are kept by the figures as believed."""
_END = re.compile(r"[.!?](?=\s|$)")


def answer_sentences(
    outcome: Outcome, economics: Economics, matters: Sequence[WhatMatters | None], change: str = ""
) -> tuple[str, ...]:
    """At most five sentences, the verdict first; `matters` by workload, None where it cannot be said. `change`: what
    the chip asked about changes in dependence, which is the question; without one, how dependent the fleet is."""
    found = [_verdict(one) for one in outcome.workloads]
    if len(found) > ONE_BY_ONE:
        found = [_counted(outcome.workloads)]
    found.append(change or fleet_sentence(outcome.fleet, economics))
    for workload, one in zip(outcome.workloads, matters, strict=True):
        if one is not None:
            lead = f"{workload.name}: " if len(outcome.workloads) > 1 else ""
            found.append(lead + headline(one))
    kept: list[str] = []
    for text in found:
        if sum(_count(one) for one in kept) + _count(text) <= MOST:
            kept.append(text)
    return tuple(kept)


def fleet_sentence(fleet: FleetOutcome, economics: Economics) -> str:
    """What the fleet depends on, or why that is not known."""
    if fleet.reason:
        return f"Dependence on suppliers: {fleet.reason.rstrip('.')}."
    if economics.dependence.reason:
        return f"Dependence on suppliers: {economics.dependence.reason.rstrip('.')}."
    return f"The fleet has {score_words(fleet, economics.dependence).replace(' · ', '; ')}."


def cheapest_within_reach(workload: WorkloadOutcome) -> AlternativeOutcome | None:
    """The alternative that costs least a month among those that keep every promise, can be had, and have a price that
    somebody published or that is built up alike for all; None where there is none."""
    priced = [
        (one.cost.usd_per_month.value, at, one)
        for at, one in enumerate(workload.alternatives)
        if one.keeps_promises and one.available and not one.cost.price_hypothetical and one.cost.usd_per_month
    ]
    return min(priced, key=lambda entry: entry[:2])[2] if priced else None


def _verdict(workload: WorkloadOutcome) -> str:
    one = workload.chosen
    lead = f"{workload.name}: {one.label}"
    if not one.memory.fits or not one.feasible:
        found = f"{lead} cannot serve this ({_inside(one.reason)})"
    elif not workload.objectives:
        found = f"{lead} carries the traffic, no promise being made, {_money(one)}"
    elif one.keeps_promises:
        kept = f"{lead} keeps every promise by the figures as believed ({_latencies(workload)})"
        found = f"{kept} {_money(one)}, {_sure(one)}"
    else:
        found = f"{lead} does not keep every promise ({_inside(one.reason)}) {_money(one)}, {_sure(one)}"
    best = cheapest_within_reach(workload)
    if best is None:
        return f"{found}; no alternative that can be had keeps every promise."
    if best is one:
        return f"{found}, the least of all that can be had and keep every promise."
    assert best.cost.usd_per_month is not None
    cheapest = f"{best.label} costs least: {MONTH.format(best.cost.usd_per_month.value)} a month"
    return f"{found}; of those that can be had and keep every promise as believed, {cheapest}."


def _counted(workloads: Sequence[WorkloadOutcome]) -> str:
    kept = [f"{one.name} ({one.chosen.label})" for one in workloads if one.chosen.keeps_promises]
    broken = [f"{one.name} ({one.chosen.label})" for one in workloads if not one.chosen.keeps_promises]
    parts = [f"kept for {', '.join(kept)}"] if kept else []
    parts += [f"not kept for {', '.join(broken)}"] if broken else []
    return f"Every promise is {'; '.join(parts)}."


def _latencies(workload: WorkloadOutcome) -> str:
    parts = []
    for metric, limit in workload.objectives.items():
        p99 = next((found.p99 for key, found in workload.chosen.latency.items() if key == metric), None)
        if p99 is not None:
            parts.append(f"P99 {METRIC_NAMES[metric]} {SECONDS.format(p99.value)}, promised {SECONDS.format(limit)}")
    return "; ".join(parts)


def _sure(one: AlternativeOutcome) -> str:
    probability = one.probability_keeps["all"]
    joined = "and" if bool(one.keeps_promises) == bool(probability >= LIKELY) else "but"
    what = "this" if one.keeps_promises else "keeping them"
    return f"{joined} with all that is not settled {what} is {likely_text(probability)}"


def _money(one: AlternativeOutcome) -> str:
    month, million = one.cost.usd_per_month, one.cost.usd_per_million_blended
    if month is None or million is None:
        return f"at a price that is not known ({_inside(one.cost.reason)})"
    marks = " (a price that nobody has published)" if one.cost.price_hypothetical else ""
    marks += " (a stale price)" if one.cost.price_stale else ""
    return f"at {MONTH.format(month.value)} a month, {MILLION.format(million.value)} per million tokens{marks}"


def _inside(reason: str) -> str:
    return reason.rstrip(".") or "no reason known"


def _count(text: str) -> int:
    return max(1, len(_END.findall(text)))

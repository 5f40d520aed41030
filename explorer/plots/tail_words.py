"""The words of the tail-latency plot: title, notes, axis, hover rows and the summary for screen readers."""

from __future__ import annotations

import math

from explorer.plots.measured_marks import LEGEND, MeasuredMark, measured_marks
from explorer.plots.metric_switch import MEANING
from explorer.plots.tail_curves import value_at
from explorer.scenario.quantities import QUANTITIES
from explorer.study.banded import Banded, Metric
from explorer.study.outcome import AlternativeOutcome, WorkloadOutcome

WIDE_BAND = 0.5
"""A half width above this share of the value is given as a range: "±75 %" would hide how lopsided it is."""


def subtitles(meaning: str, unit: str, *, measured: bool = False) -> tuple[str, ...]:
    """What is drawn, in which unit, and how to read the two lines and measured points; the longest wording first."""
    lines = f"{meaning}, {unit}: P99 heavy, P50 dotted"
    marks: tuple[str, ...] = ()
    if measured:
        short = LEGEND.rpartition(",")[0]
        plain = f"{meaning}, {unit}"
        marks = (f"{lines}; {LEGEND}", f"{plain}; {LEGEND}", f"{plain}; {short}", f"{unit}; {short}")
    return *marks, lines, f"{meaning}, {unit}", unit


def band_text(banded: Banded) -> str:
    """How sure a latency is: "±12 %", or its range where that would mislead."""
    if not (math.isfinite(banded.low) and math.isfinite(banded.value) and banded.value > 0):
        return ""
    if math.isfinite(banded.high):
        half = 0.5 * (banded.high - banded.low) / banded.value
        if half <= WIDE_BAND:
            return f"±{QUANTITIES['share'].format(half)}"
    seconds = QUANTITIES["seconds"]
    ends = seconds.format_range(banded.low, banded.high, at=banded.value)
    return f"{ends} {seconds.unit_at(banded.value)}"


def heading_notes(alternative: AlternativeOutcome, metric: Metric, final: bool) -> tuple[str, ...]:
    """Which method is on the screen and how sure it is for the selected alternative; the longest wording first."""
    here = alternative.latency[metric].p99
    band = band_text(here) if here is not None else ""
    method = alternative.latency_method
    whole = method if final else f"{method}, refining"
    if not band:
        return whole, method
    if alternative.simulated_requests:
        return f"{whole} · {band}", f"{method} · {band}", f"{alternative.simulated_requests:,} requests · {band}", band
    # an estimate is called one however little room there is
    least = f"estimate · {band}" if method.endswith("estimate") else band
    return f"{whole} · {band}", f"{method} · {band}", least


def traffic_words(alternative: AlternativeOutcome) -> str:
    """What the line at the operating point says."""
    rate = QUANTITIES["request_rate"].format(alternative.request_rate)
    return f"your traffic, {rate}" if alternative.users is None else f"your {alternative.users:,} users, {rate}"


def x_labels(alternative: AlternativeOutcome) -> tuple[str, ...]:
    """The meaning of the x axis, and why the cliff is where it is; the longest wording first."""
    if not alternative.replicas:
        # nothing serves: what does not fit has no replicas to speak of
        return "requests per second, whole service", "requests/s, whole service"
    replicas = f"{alternative.replicas:,} replica{'' if alternative.replicas == 1 else 's'}"
    whole = f"requests per second, whole service · {alternative.label} with {replicas}"
    short = f"requests/s, whole service · {alternative.label}, {replicas}"
    least = "requests/s, whole service"
    if alternative.users is not None:
        return f"requests per second that users are served, whole service · {alternative.label} with {replicas}", short
    added = alternative.next_replica_rate
    if added is None or not math.isfinite(added):
        return whole, short, least
    at = QUANTITIES["request_rate"].format(added)
    return f"{whole}; the next would be added at {at}", f"{short}; next at {at}", short, least


def readout_rows(workload: WorkloadOutcome, metric: Metric, rate: float) -> tuple[tuple[int, str, str], ...]:
    """One row an alternative (index, label, values) at `rate` requests/s of the whole service."""
    seconds = QUANTITIES["seconds"]
    rows: list[tuple[int, str, str]] = []
    for index, alternative in enumerate(workload.alternatives):
        curve = alternative.curves[metric]
        p99 = value_at(alternative.rates, curve.p99, rate)
        if p99 is None:
            text = "cannot carry this load" if alternative.memory.fits else "does not fit"
        else:
            text = f"P99 {seconds.format(p99)}"
            low = value_at(alternative.rates, curve.p99_low, rate)
            high = value_at(alternative.rates, curve.p99_high, rate)
            if low is not None:
                text += f" ({seconds.format_range(low, high if high is not None else math.inf, at=p99)})"
            p50 = value_at(alternative.rates, curve.p50, rate)
            if p50 is not None:
                text += f" · P50 {seconds.format(p50)}"
        rows.append((index, alternative.label, text))
    return tuple(rows)


def measured_summary(marks: tuple[MeasuredMark, ...]) -> str:
    """The measured points of one alternative in words; empty where there are none."""
    if not marks:
        return ""
    seconds, rates = QUANTITIES["seconds"], QUANTITIES["request_rate"]
    parts = [
        f"{'P99' if mark.is_tail else 'median or mean'} {seconds.format(mark.seconds)} at {rates.format(mark.rate)} "
        f"({mark.words}{'' if mark.alike else ', other lengths or split'})"
        for mark in marks
    ]
    return f"; measured by your benchmark, scaled to the whole service: {', '.join(parts)}"


def tail_summary(workload: WorkloadOutcome, metric: Metric) -> str:
    """The plot in words: promise, operating point and cliff of every alternative."""
    seconds, rates = QUANTITIES["seconds"], QUANTITIES["request_rate"]
    promise = workload.objectives.get(metric)
    sentences = [
        f"Tail latency of {workload.name}: {MEANING[metric]} at {rates.format(workload.chosen.request_rate)}"
        + (f", promise {seconds.format(promise)}" if promise is not None else ", no promise")
    ]
    for alternative in workload.alternatives:
        found = alternative.latency[metric]
        if found.p99 is None:
            why = found.reason or alternative.reason or "cannot carry this load"
            sentences.append(f"{alternative.label}: no latency, {why}")
            continue
        text = f"{alternative.label}: P99 {seconds.format(found.p99.value)}"
        text += f" ({seconds.format_range(found.p99.low, found.p99.high, at=found.p99.value)})"
        if found.p50 is not None:
            text += f", P50 {seconds.format(found.p50.value)}"
        if promise is not None:
            text += ", keeps this promise" if found.p99.value <= promise else ", breaks this promise"
        if alternative.users is not None:
            text += f"; {alternative.users:,} users of each replica"
        if alternative.max_request_rate > 0:
            text += f"; keeps every promise up to {rates.format(alternative.max_request_rate)}"
        text += measured_summary(measured_marks(0, alternative, metric))
        sentences.append(text)
    return ". ".join(sentences) + "."

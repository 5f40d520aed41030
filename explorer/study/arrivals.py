"""How a workload's requests arrive where gaps alone do not say it: in bursts, or as recorded.

The closed form knows arrivals by the coefficient of variation of their gaps, and lengths by mean and spread: of other
traffic than gamma gaps it is an estimate, which the simulation corrects with the arrivals themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from explorer.catalog.trace import Trace
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import Scenario
from explorer.scenario.traces import reading_of
from explorer.scenario.workload import TraceChoice, Traffic
from explorer.study.demand import Demand
from explorer.study.outcome import WorkloadOutcome

LARGEST_SCV = 100.0
"""Squared coefficient of variation above which the closed form's wait, linear in it, is of no use: held there."""
NAMED_ROWS = 5


@dataclass(frozen=True, slots=True)
class TraceMoments:
    """What the closed form takes of a trace: mean lengths in tokens, coefficients of variation, and what memory must
    hold: the P99 of prompts and outputs, each as recorded."""

    prompt: float
    prompt_cv: float
    output: float
    output_cv: float
    arrival_cv: float
    p99: tuple[float, float]


@lru_cache(maxsize=16)
def _moments(name: str, file: str, sha256: str, skip_bad_rows: bool) -> TraceMoments:
    choice = TraceChoice(name=name, file=file, sha256=sha256, skip_bad_rows=skip_bad_rows)
    trace = reading_of(choice).trace
    gaps = np.diff(trace.arrival_s)
    mean = float(gaps.mean())
    prompt, output = float(trace.prompt_tokens.mean()), float(trace.output_tokens.mean())
    return TraceMoments(
        prompt=prompt,
        prompt_cv=float(trace.prompt_tokens.std()) / prompt,
        output=output,
        output_cv=float(trace.output_tokens.std()) / output,
        arrival_cv=float(gaps.std()) / mean if mean > 0.0 else 0.0,
        p99=(float(np.quantile(trace.prompt_tokens, 0.99)), float(np.quantile(trace.output_tokens, 0.99))),
    )


def moments_of(choice: TraceChoice) -> TraceMoments:
    """Measured means and spreads of a trace; raises TraceError where it cannot be used."""
    return _moments(choice.name, choice.file, choice.sha256, choice.skip_bad_rows)


def burst_scv(rate: float, on_share: float, burst_s: float) -> float:
    """Squared coefficient of variation of the gaps of on-off traffic with exponential bursts and silences.

    An interrupted Poisson process: 1 + 2 rate_on*off_rate/(on_rate + off_rate)^2 of the two switching rates, which
    comes to 1 + 2 rate*burst*(1-share)^2/share (Kuczura 1973, The interrupted Poisson process as an overflow process).
    """
    return min(1.0 + 2.0 * rate * burst_s * (1.0 - on_share) ** 2 / on_share, LARGEST_SCV)


def demand_beside(traffic: Traffic) -> Demand:
    """What a request brings where arrivals are bursts or recorded; raises TraceError."""
    if traffic.trace is not None:
        found = moments_of(traffic.trace)
        return Demand(
            prompt=found.prompt,
            prompt_cv=found.prompt_cv,
            output=found.output,
            output_cv=found.output_cv,
            arrival_scv=min(found.arrival_cv**2, LARGEST_SCV),
            prefix_hit=traffic.prefix_hit_share,
            recorded_p99=found.p99,
        )
    return Demand(
        prompt=traffic.prompt_tokens,
        prompt_cv=traffic.prompt_cv,
        output=traffic.output_tokens,
        output_cv=traffic.output_cv,
        arrival_scv=burst_scv(traffic.request_rate_per_s, traffic.on_share, traffic.burst_s),
        prefix_hit=traffic.prefix_hit_share,
        bursts=(traffic.on_share, traffic.burst_s),
    )


def arrivals_words(traffic: Traffic) -> str:
    """How requests arrive, in a sentence; empty for gamma gaps, which their slider says. Raises TraceError."""
    seconds, tokens, share = (QUANTITIES[key] for key in ("seconds", "tokens", "share"))
    if traffic.arrivals == "on_off":
        return (
            f"bursts of {seconds.format(traffic.burst_s)} on average, {share.format(traffic.on_share)} of the time; "
            f"in them {QUANTITIES['request_rate'].format(traffic.request_rate_per_s / traffic.on_share)}"
        )
    if traffic.trace is None:
        return ""
    trace, found = reading_of(traffic.trace).trace, moments_of(traffic.trace)
    return (
        f"{trace.title}: {trace.count:,} requests; prompts {tokens.format(found.prompt)} "
        f"(spread {found.prompt_cv:.2f}), answers {tokens.format(found.output)} "
        f"(spread {found.output_cv:.2f}), variation of gaps {found.arrival_cv:.2f}; "
        f"recorded at {QUANTITIES['request_rate'].format(trace.rate)}, stretched to "
        f"{QUANTITIES['request_rate'].format(traffic.request_rate_per_s)}"
    )


def trace_of(traffic: Traffic) -> Trace | None:
    """The recorded trace of a traffic, None where it has none; raises TraceError."""
    return None if traffic.trace is None else reading_of(traffic.trace).trace


def too_long(traffic: Traffic, outcome: WorkloadOutcome) -> tuple[str, ...]:
    """Recorded requests too long for the model or an alternative's memory, which figures count; raises TraceError."""
    trace = trace_of(traffic)
    if trace is None:
        return ()
    longest, tokens = trace.prompt_tokens + trace.output_tokens, QUANTITIES["tokens"]
    found = []
    beyond = int(np.count_nonzero(longest > outcome.model_context))
    if beyond:
        found.append(
            f"{outcome.name}: {beyond:,} of the {trace.count:,} recorded requests are longer than the "
            f"{tokens.format(outcome.model_context)} tokens that {outcome.model_name} was made for; its figures count "
            "them"
        )
    for one in outcome.alternatives:
        limited = one.memory.fits and one.memory.max_context < outcome.model_context
        beyond = int(np.count_nonzero(longest > one.memory.max_context)) if limited else 0
        if beyond:
            found.append(
                f"{outcome.name}: {beyond:,} of the {trace.count:,} recorded requests are longer than the "
                f"{tokens.format(one.memory.max_context)} tokens that {one.name} can hold; its figures count them"
            )
    return tuple(found)


def left_out(scenario: Scenario) -> tuple[str, ...]:
    """What to know of the scenario's traces: rows that are bad, and left out because the scenario says so."""
    found = []
    for workload in scenario.workloads:
        choice = workload.traffic.trace
        if choice is None:
            continue
        reading = reading_of(choice)
        if reading.problems:
            shown = "; ".join(str(one) for one in reading.problems[:NAMED_ROWS])
            more = len(reading.problems) - NAMED_ROWS
            rest = f"; and {more:,} more" if more > 0 else ""
            found.append(
                f"{workload.name}: {reading.trace.title} is taken without what is wrong in it: {shown}{rest}; "
                f"{reading.trace.count:,} requests remain"
            )
    return tuple(found)

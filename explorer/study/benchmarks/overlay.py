"""Measured runs as points beside an alternative's curves: scaled from the system that ran to the whole service."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from explorer.catalog import Catalog
from explorer.scenario.benchmark import STATISTICS, Benchmark
from explorer.scenario.quantity import number_text
from explorer.scenario.schema import Scenario
from explorer.scenario.workload import Alternative, Workload
from explorer.study.answers import Context
from explorer.study.banded import METRICS, Metric
from explorer.study.benchmarks.calibrated import benchmarks_of, judged
from explorer.study.benchmarks.judged import JudgedRow
from explorer.study.benchmarks.predicted import layout_of
from explorer.study.outcome import MeasuredRun, OwnEvidence
from explorer.study.step_update import StepUpdate

ALIKE = 1.15
"""Factor within which mean lengths must agree for a run to be of the same traffic."""
NORMAL_90 = 1.6448536269514722


def own_evidence(update: StepUpdate) -> OwnEvidence:
    """An update as an outcome tells it: factors on a step, and the 90 % bands as factors."""
    return OwnEvidence(
        runs=update.runs,
        rows=update.rows,
        step_factor=exp(update.shift),
        error_before=exp(NORMAL_90 * update.prior_spread),
        error_after=exp(NORMAL_90 * update.spread),
    )


def own_measurements(
    context: Context, settings: Alternative, update: StepUpdate | None, serving_chips: int, degree: int
) -> tuple[OwnEvidence | None, tuple[MeasuredRun, ...]]:
    """What the scenario's benchmarks say of an alternative that serves with so many chips, `degree` a replica."""
    runs = measured_runs(context.catalog, context.scenario, context.workload, settings, serving_chips, degree)
    return None if update is None else own_evidence(update), runs


def measured_runs(
    catalog: Catalog,
    scenario: Scenario,
    workload: Workload,
    settings: Alternative,
    serving_chips: int,
    degree: int,
) -> tuple[MeasuredRun, ...]:
    """The runs of the benchmarks about an alternative, as a service of `serving_chips` chips would carry them.

    A rate is scaled by chips: so many replicas, each loaded as the one that was measured. Rows that a stated rule
    leaves out are not among them.
    """
    found: list[MeasuredRun] = []
    for one in benchmarks_of(scenario, workload, settings.chip):
        if settings.name != _stands_for(one, workload.alternatives):
            continue
        for row in judged(catalog, one, scenario.overrides.get(one.chip, {})):
            run = _run(one, row, workload, serving_chips, degree)
            if run is not None:
                found.append(run)
    return tuple(found)


def _stands_for(benchmark: Benchmark, alternatives: Sequence[Alternative]) -> str:
    """The alternative whose colour a benchmark's points have: the one named, else the first of its chip."""
    alike = [one.name for one in alternatives if one.chip == benchmark.chip]
    return benchmark.alternative if benchmark.alternative in alike else alike[0]


def _run(
    benchmark: Benchmark, judged_row: JudgedRow, workload: Workload, serving_chips: int, degree: int
) -> MeasuredRun | None:
    row = judged_row.row
    if judged_row.ruled_out:
        return None
    split = layout_of(benchmark, row).chips
    chips = split * benchmark.replicas
    prompt = row.prompt_tokens or benchmark.prompt_tokens
    output = row.output_tokens or benchmark.output_tokens
    latency: dict[Metric, dict[str, float]] = {}
    for metric in METRICS:
        values = {one: value for one in STATISTICS if (value := row.latency(metric, one)) is not None}
        if values:
            latency[metric] = values
    tokens = row.output_tokens_per_s
    rate = row.requests_per_s or (tokens / output if tokens and output else None) or row.request_rate_per_s
    if rate is None and row.concurrency is not None:
        first, token = row.ttft_mean_s or row.ttft_p50_s, row.tpot_mean_s or row.tpot_p50_s or row.itl_mean_s
        if first and token and output:
            # Little's law: so many users over the time that an answer takes
            rate = row.concurrency / (first + max(output - 1.0, 0.0) * token)
    if tokens is None and rate is not None and output is not None:
        tokens = rate * output
    traffic = workload.traffic
    alike = split == degree and all(
        length is not None and 1.0 / ALIKE <= length / stated <= ALIKE
        for length, stated in ((prompt, traffic.prompt_tokens), (output, traffic.output_tokens))
    )
    return MeasuredRun(
        name=benchmark.name,
        words=f"{load_words(judged_row)} on {chips} chip{'' if chips == 1 else 's'}",
        rate=None if rate is None else rate * serving_chips / chips,
        latency=latency,
        tokens_per_s_per_chip=None if tokens is None else tokens / chips,
        requests_per_s_per_chip=None if rate is None else rate / chips,
        prompt_tokens=prompt,
        output_tokens=output,
        alike=alike,
    )


def load_words(judged_row: JudgedRow) -> str:
    """The load of a row in a few words."""
    row = judged_row.row
    if row.request_rate_per_s is not None:
        return f"{number_text(row.request_rate_per_s)} requests/s"
    if row.concurrency is not None:
        return f"{row.concurrency:g} user{'' if row.concurrency == 1 else 's'}"
    return "all at once"

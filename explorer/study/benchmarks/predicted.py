"""What the engine says of the rows of a benchmark, each from its configuration alone, as `validate` would.

The loads are those of the evidence study (closed loop, everything at once, an offered rate), with its host times and
its way of starting; the chip's figures are the scenario's, as values or as draws.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Chip, Model
from explorer.engine.fabric import allreduce_coefficients
from explorer.engine.records import ChipSpec, Split, stack_allreduce
from explorer.scenario.benchmark import Benchmark, BenchmarkRow
from explorer.study.evidence.constants import ServingConstants, serving_constants
from explorer.study.evidence.loads import Load, closed_loop, in_flight_maximum, offered_rates
from explorer.study.evidence.predict import first_token_parts
from explorer.study.evidence.rows import THROUGHPUT, Row, Run
from explorer.study.evidence.systems import Systems
from explorer.study.outcome import Layout
from explorer.study.resolve import chip_spec, fabric_of, require_links, shape_of, step_constants

Array = NDArray[np.float64]
Values = Mapping[str, float | Array]


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of a row beside the engine's; seconds or tokens/s, of one replica.

    `residual` is ln of the factor by which steps took longer than the engine says, (samples,) or one.
    """

    metric: str
    measured: float
    predicted: float
    residual: Array


def layout_of(benchmark: Benchmark, row: BenchmarkRow) -> Layout:
    """The chips of the replica that a row ran on."""
    return Layout(row.tp or benchmark.tp, row.pp or benchmark.pp, row.dp or benchmark.dp, row.ep or benchmark.ep)


def evidence_row(benchmark: Benchmark, row: BenchmarkRow, chip: Chip, model: Model) -> Row:
    """A row of one replica as the evidence study takes it; ranks are chips, as everywhere else in a scenario."""
    layout, share = layout_of(benchmark, row), 1.0 / benchmark.replicas
    run: Run = "closed"
    if row.request_rate_per_s is not None:
        run = "offered"
    elif row.at_once:
        run = "in_flight_maximum"
    measured = {
        f"{metric}_{one}": value
        for metric in ("tpot", "ttft")
        for one in ("mean", "p50", "p99")
        if (value := row.latency(metric, one)) is not None
    }
    gap = row.itl_mean_s
    if gap is not None and "tpot_mean" not in measured:
        # the mean gap over all tokens is the mean time per token of all answers
        measured["tpot_mean"] = gap
    if row.output_tokens_per_s is not None:
        measured[THROUGHPUT] = row.output_tokens_per_s * share
    return Row(
        id=row.place,
        table="serving",
        run=run,
        chip_label=chip.id,
        model_label=model.id,
        chip=chip,
        model=model,
        framework=benchmark.framework,
        release="",
        date="",
        source=benchmark.name,
        note="",
        weight_precision=benchmark.weight_precision,
        kv_precision=benchmark.kv_precision,
        prompt=row.prompt_tokens or benchmark.prompt_tokens,
        output=row.output_tokens or benchmark.output_tokens,
        concurrency=None if row.concurrency is None else max(row.concurrency * share, 1.0),
        chips=float(layout.chips),
        tp=float(layout.tp),
        pp=float(layout.pp),
        dp=float(layout.dp),
        ep=float(layout.ep),
        measured=measured,
        rate=None if row.request_rate_per_s is None else row.request_rate_per_s * share,
    )


def compared(rows: Sequence[Row], values: Values) -> list[Compared | None]:
    """Each row beside the engine under figure values (scalars, or draws of equal length).

    Compared is the time per token, and tokens/s where that was not measured or everything came at once. None where
    neither was, or the model does not fit. MissingFigureError where several chips need a link figure there is not.
    """
    serving = serving_constants()
    found: list[Compared | None] = [None] * len(rows)
    closed: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row.run == "closed":
            closed[(row.tp, row.pp, row.dp, row.ep)].append(at)
        elif row.run == "in_flight_maximum":
            found[at] = _at_once(row, _systems(row, values), serving)
        else:
            found[at] = _offered(row, _systems(row, values), serving)
    for places in closed.values():
        group = [rows[at] for at in places]
        for at, one in zip(places, _closed(group, _systems(group[0], values), serving), strict=True):
            found[at] = one
    return found


def _systems(row: Row, values: Values) -> Systems:
    """The replica of a row, a row for each draw of the figures."""
    assert row.chip is not None and row.model is not None and row.tp is not None
    if row.tp * row.pp * row.dp > 1:
        require_links(row.chip, values)
    spec = chip_spec(row.chip, values, row.weight_precision, row.kv_precision)
    fields = {
        name: np.atleast_1d(np.asarray(getattr(spec, name), dtype=np.float64))[:, None] for name in ChipSpec.__slots__
    }
    reduce = allreduce_coefficients(row.tp, fabric_of(row.chip, values), step_constants())
    return Systems(
        shape=shape_of(row.model),
        spec=ChipSpec(**fields),
        split=Split(*(np.asarray([[part]]) for part in (row.tp, row.pp, row.dp, row.ep))),
        allreduce=stack_allreduce((reduce,)),
        capacity=np.atleast_1d(np.asarray(values["memory_capacity"], dtype=np.float64))[:, None],
        constants=replace(step_constants(), host_step_s=0.0),
    )


def _across(rows: Sequence[Row], serving: ServingConstants) -> Load:
    """The loads of rows side by side, (1, rows)."""

    def line(values: Sequence[float | None]) -> Array:
        return np.asarray([[np.nan if value is None else value for value in values]])

    return Load(
        prompt=line([row.prompt for row in rows]),
        output=line([row.output for row in rows]),
        concurrency=line([row.concurrency for row in rows]),
        host=line([serving.step_host(row) for row in rows]),
    )


def _closed(rows: Sequence[Row], systems: Systems, serving: ServingConstants) -> list[Compared | None]:
    fixed, burst = (part.T for part in first_token_parts(rows, serving))
    loop = closed_loop(systems, _across(rows, serving), serving, fixed=fixed, burst=burst)
    result: list[Compared | None] = []
    for at, row in enumerate(rows):
        tpot, rate = loop.tpot[:, at], loop.rate[:, at]
        tail = serving.closed_tpot_p99
        timed = ("tpot_mean", tpot), ("tpot_p50", tpot), ("tpot_p99", tpot * tail)
        result.append(
            next((_longer(metric, row, times) for metric, times in timed if metric in row.measured), None)
            or _fewer(row, rate * (row.output or np.nan))
        )
    return result


def _at_once(row: Row, systems: Systems, serving: ServingConstants) -> Compared | None:
    return _fewer(row, in_flight_maximum(systems, _across([row], serving), serving)[:, 0])


def _offered(row: Row, systems: Systems, serving: ServingConstants) -> Compared | None:
    """The factor on a step that explains a time per token at a rate.

    Steps s times as long give T(rate) = s*T0(s*rate). By Little's law n = rate*output*T sequences were in service, and
    unscaled steps would carry those at rate r(n): s = r(n)/rate. Near saturation latencies run away with the smallest
    error of the step, this factor does not.
    """
    measured = next((row.measured[name] for name in ("tpot_mean", "tpot_p50") if name in row.measured), None)
    if measured is None or row.rate is None or not row.output:
        return None
    load, none = _across([row], serving), np.zeros((1, 1))
    steps = serving.steps_trtllm if row.framework == "trtllm" else serving.steps_other
    table = offered_rates(systems, load, serving, output_scv=none, wait_steps=none + steps)
    batch = row.rate * row.output * measured
    factors, predicted = [], []
    for rates, times in zip(table.rate, table.tpot_p50, strict=True):
        if not rates.max() > 0:
            return None
        batches = rates * row.output * times
        predicted.append(float(np.exp(np.interp(np.log(row.rate), np.log(rates), np.log(times)))))
        if batch <= batches[0]:
            factors.append(measured / times[0])
        elif batch >= batches[-1]:
            # more was in service than memory holds: what waits is no step time
            return None
        else:
            factors.append(float(np.exp(np.interp(np.log(batch), np.log(batches), np.log(rates)))) / row.rate)
    metric = "tpot_mean" if "tpot_mean" in row.measured else "tpot_p50"
    return Compared(metric, measured, predicted[0], np.log(np.asarray(factors)))


def _longer(metric: str, row: Row, times: Array) -> Compared | None:
    measured = row.measured[metric]
    if not np.isfinite(times).all():
        return None
    return Compared(metric, measured, float(times[0]), np.log(measured / times))


def _fewer(row: Row, rates: Array) -> Compared | None:
    measured = row.measured.get(THROUGHPUT)
    if measured is None or not (np.isfinite(rates).all() and (rates > 0).all()):
        return None
    return Compared(THROUGHPUT, measured, float(rates[0]), np.log(rates / measured))

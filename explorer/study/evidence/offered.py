"""Systems at a stated rate or with all requests at once, their split not recorded: the best layout is looked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence

import numpy as np

from explorer.catalog import Model
from explorer.engine.records import Array
from explorer.errors import ExplorerError
from explorer.study.evidence.constants import ServingConstants
from explorer.study.evidence.loads import Load, RateTable, offered_rates
from explorer.study.evidence.rows import RATE, THROUGHPUT, Row
from explorer.study.evidence.systems import System, systems_of
from explorer.study.evidence.widths import step_spread

SPLITS = ((1, 1, 1), (2, 1, 1), (4, 1, 1), (8, 1, 1), (1, 1, 8))
"""Tensor, pipeline and attention-data parallelism tried: one replica up to a node of eight."""

LONG_PROMPT_SPLITS = ((1, 2, 1), (2, 2, 1), (1, 4, 1), (4, 2, 1), (2, 4, 1), (1, 8, 1))
"""Pipelines, tried where prompts are long: only there the all-reduce of a whole prompt costs more than stages that
wait for each other. So do the published settings: tensor parallelism alone for 70B with short prompts
(mlcommons/inference_results_v4.1, closed/NVIDIA/configs/llama2-70b/Server), pipelines for 405B in later rounds."""

_NORMAL = np.linspace(-3.0, 3.0, 41)


def predict_offered(
    rows: Sequence[Row], serving: ServingConstants, failures: MutableMapping[str, str]
) -> Iterator[tuple[Row, Mapping[str, float]]]:
    """Predictions of rows of one model; rows that no layout serves go to `failures`.

    The layout is the one that carries the largest rate within the benchmark's limits; the load is the rate that
    was offered. Near saturation a small error of the step time is a large one of the latency, so the latency is
    the mean logarithm over the step time's own uncertainty, as far as the rate can be carried at all.
    """
    model = rows[0].model
    assert model is not None
    for row in rows:
        best: tuple[float, float, RateTable] | None = None
        largest = 0.0
        reasons: list[str] = []
        for system in _candidates(row, model, serving):
            try:
                table = _rates(row, model, system, serving)
            except ExplorerError as error:
                reasons.append(str(error))
                continue
            replicas = _ranks(row) / (system.tp * system.dp * system.pp)
            within = _within_limits(table, row) * replicas
            saturation = float(table.rate.max()) * replicas
            largest = max(largest, saturation)
            if saturation > 0 and (best is None or (within, saturation) > (best[0], best[1] * best[2].rate.max())):
                best = (within, replicas, table)
        if best is None:
            failures[row.id] = reasons[0] if reasons else "the weights do not fit the chips in any layout tried"
            continue
        yield row, _found(row, best, largest, serving)


def _candidates(row: Row, model: Model, serving: ServingConstants) -> Iterator[System]:
    chip = row.chip
    assert chip is not None
    long = (row.prompt or 0.0) > serving.long_prompt
    splits = SPLITS + (LONG_PROMPT_SPLITS if long else ())
    if row.tp is not None:
        splits = ((int(row.tp), int(row.pp), int(row.dp)),)
    for tp, pp, dp in splits:
        if tp * pp * dp > _ranks(row) or model.heads % tp or (dp > 1 and not model.experts and row.tp is None):
            continue
        yield System(
            chip,
            row.weight_precision,
            row.kv_precision,
            tp,
            pp,
            dp,
            tp * dp if model.experts else 1,
            row.ranks_per_chip,
        )


def _ranks(row: Row) -> float:
    if row.tp is not None:
        return row.tp * row.pp * row.dp
    return (row.chips or 1.0) * row.ranks_per_chip


def _rates(row: Row, model: Model, system: System, serving: ServingConstants) -> RateTable:
    def one(value: float | None) -> Array:
        return np.asarray([[np.nan if value is None else value]])

    load = Load(one(row.prompt), one(row.output), one(1.0), one(serving.step_host(row)))
    steps = serving.steps_trtllm if row.framework == "trtllm" else serving.steps_other
    return offered_rates(
        systems_of(model, [system]), load, serving, output_scv=one(row.output_scv), wait_steps=one(steps)
    )


def _within_limits(table: RateTable, row: Row) -> float:
    """Largest rate of a replica within the benchmark's limits; without limits, the largest at all."""
    good = np.ones(table.rate.shape, dtype=bool)
    if row.tpot_limit is not None:
        good &= table.tpot_p99 <= row.tpot_limit
    if row.ttft_limit is not None:
        good &= table.ttft_p99 <= row.ttft_limit
    return float(np.max(np.where(good, table.rate, 0.0)))


def _found(
    row: Row, best: tuple[float, float, RateTable], largest: float, serving: ServingConstants
) -> Mapping[str, float]:
    within, replicas, table = best
    output = row.output or 0.0
    if row.run == "offline":
        return {THROUGHPUT: largest * output}
    rate = row.rate if row.rate is not None else within
    found = {RATE: within, THROUGHPUT: min(rate, largest) * output}
    latencies = latencies_at(table, rate / replicas, step_spread(row))
    latencies["tpot_p99"] *= serving.offered_tail(row.framework)
    return found | latencies


def latencies_at(table: RateTable, rate: float, sigma: float) -> dict[str, float]:
    """Latencies at a rate, the mean logarithm over step times s as long: T(s) = s*T(rate*s).

    The rate was carried, so the step took no longer than allows it: s <= carried/rate. A batch that is at its cap on
    average has an endless queue before it; carried is the rate at which one arrival in a hundred meets a full batch.
    At that end Little's law gives that batch's latency at the rate offered.
    """
    carried = float(np.interp(1.0, table.crowding[0], table.rate[0]))
    stretch = np.minimum(np.exp(sigma * _NORMAL), carried / rate)
    weights = np.exp(-0.5 * _NORMAL**2)
    weights = weights / weights.sum()
    at = table.at(rate * stretch)

    def middle(values: Array) -> float:
        return float(np.exp(weights @ np.log(values * stretch)))

    tpot, first = middle(at.tpot_p50), middle(at.ttft_p50)
    return {
        "tpot_mean": tpot,
        "tpot_p50": tpot,
        "tpot_p99": middle(at.tpot_p99),
        "ttft_mean": first,
        "ttft_p50": first,
        "ttft_p99": middle(at.ttft_p99),
    }

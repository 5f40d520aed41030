"""The prediction of measured rows, each from its configuration alone: chip, model, formats, split, lengths and load."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from explorer.engine.records import Array
from explorer.errors import ExplorerError
from explorer.study.evidence.constants import ServingConstants
from explorer.study.evidence.loads import ClosedLoop, Load, closed_loop, in_flight_maximum, static_batch
from explorer.study.evidence.offered import predict_offered
from explorer.study.evidence.rows import THROUGHPUT, Row, Run
from explorer.study.evidence.systems import System, Systems, systems_of
from explorer.study.figures import central_values


@dataclass(frozen=True)
class Prediction:
    """What the engine says of one metric of a row, beside what was measured; seconds, tokens/s or requests/s."""

    row: Row
    metric: str
    measured: float
    predicted: float

    @property
    def residual(self) -> float:
        """ln(predicted/measured)."""
        return float(np.log(self.predicted / self.measured))


@dataclass(frozen=True)
class LoopParts:
    """The parts of a closed-loop prediction that the serving constants multiply, for estimating those again."""

    row: Row
    device: float
    meetings: float
    alone: float
    ahead: float
    queue: float
    wait: float


@dataclass
class Predictions:
    """All predictions of a set of rows, the rows that could not be predicted with the reason, and the loop parts."""

    values: list[Prediction] = field(default_factory=list)
    set_aside: list[Prediction] = field(default_factory=list)
    """Predictions of metrics that a rule set aside: written out, not judged."""
    failures: dict[str, str] = field(default_factory=dict)
    parts: list[LoopParts] = field(default_factory=list)

    def add(self, row: Row, found: Mapping[str, float]) -> None:
        """Keep the predictions of metrics that the row measured; none that is finite is a failure of the row."""
        kept = [
            Prediction(row, metric, measured, found[metric])
            for metric, measured in row.measured.items()
            if metric in found and np.isfinite(found[metric]) and found[metric] > 0
        ]
        if kept:
            self.values.extend(value for value in kept if value.metric not in row.set_aside)
            self.set_aside.extend(value for value in kept if value.metric in row.set_aside)
        else:
            self.failures[row.id] = "the model does not fit the chips in any layout tried, or nothing measured applies"


def predict(rows: Sequence[Row], serving: ServingConstants) -> Predictions:
    """Predict every row that no rule left out; rows of one model and kind of run are computed together."""
    groups: dict[tuple[str, Run], list[Row]] = defaultdict(list)
    for row in rows:
        if not row.skipped and row.model is not None:
            kind: Run = "offered" if row.run == "offline" else row.run
            groups[(row.model.id, kind)].append(row)
    result = Predictions()
    for (_, kind), group in groups.items():
        _RUNS[kind](group, serving, result)
    return result


def system_of(row: Row) -> System:
    """The replica that a row describes; ranks that are SoCs of a card are counted in cards.

    ExplorerError when a row that gives no split came this far.
    """
    if row.chip is None or row.tp is None:
        raise ExplorerError(f"row '{row.id}' names no chip or no number of ranks; a rule should have left it out")
    tp, ranks = row.tp, row.ranks_per_chip
    if ranks > 1 and central_values(row.chip, {}).get("memory_domains", 1.0) > 1:
        tp, ranks = max(tp / ranks, 1.0), 1
    return System(
        chip=row.chip,
        weight_precision=row.weight_precision,
        kv_precision=row.kv_precision,
        tp=int(tp),
        pp=int(row.pp),
        dp=int(row.dp),
        ep=int(row.ep),
        ranks_per_chip=ranks,
    )


def stacked(rows: Sequence[Row], result: Predictions) -> tuple[list[Row], Systems | None]:
    """The rows whose figures suffice, and their systems; the others go to the failures with what they lack."""
    good: list[Row] = []
    found: list[System] = []
    model = rows[0].model
    assert model is not None
    for row in rows:
        system = system_of(row)
        try:
            systems_of(model, [system])
        except ExplorerError as error:
            result.failures[row.id] = str(error)
        else:
            good.append(row)
            found.append(system)
    return good, systems_of(model, found) if good else None


def column(rows: Sequence[Row], value: Callable[[Row], float | None]) -> Array:
    """One number of each row as (rows, 1); NaN where it has none."""
    return np.asarray([[np.nan if (one := value(row)) is None else one] for row in rows], dtype=np.float64)


def load_of(rows: Sequence[Row], serving: ServingConstants) -> Load:
    """The load of each row, (rows, 1)."""
    return Load(
        prompt=column(rows, lambda row: row.prompt),
        output=column(rows, lambda row: row.output),
        concurrency=column(rows, lambda row: row.concurrency),
        host=column(rows, serving.step_host),
    )


def first_token_parts(rows: Sequence[Row], serving: ServingConstants) -> tuple[Array, Array]:
    """Fixed part of the first token and share of the start burst of each row, (rows, 1)."""
    spread = column(rows, lambda row: float(row.is_moe and row.dp > 1)) > 0
    fixed = column(rows, lambda row: serving.first_token(row.framework))
    return (
        fixed + np.where(spread, serving.first_token_attention_parallel, 0.0),
        np.where(spread, serving.burst_attention_parallel, serving.burst),
    )


def _closed(rows: Sequence[Row], serving: ServingConstants, result: Predictions) -> None:
    good, systems = stacked(rows, result)
    if systems is None:
        return
    fixed, burst = first_token_parts(good, serving)
    elsewhere = good[0].run == "disaggregated"
    loop = closed_loop(systems, load_of(good, serving), serving, fixed=fixed, burst=burst, own_prompts=not elsewhere)
    for at, row in enumerate(good):
        tpot, ttft = float(loop.tpot[at, 0]), float(loop.ttft[at, 0])
        found = {"tpot_mean": tpot, "tpot_p50": tpot, "tpot_p99": tpot * serving.closed_tpot_p99}
        if not elsewhere:
            throughput = float(loop.rate[at, 0]) * (row.output or 0.0)
            first = {"ttft_mean": ttft, "ttft_p50": ttft, "ttft_p99": ttft * serving.p99_over_p50}
            found |= {**first, THROUGHPUT: throughput}
        result.add(row, found)
        if np.isfinite(tpot):
            result.parts.append(_parts(row, loop, at))


def _parts(row: Row, loop: ClosedLoop, at: int) -> LoopParts:
    names = ("device", "meetings", "alone", "ahead", "queue", "wait")
    return LoopParts(row, *(float(getattr(loop, name)[at, 0]) for name in names))


def _static(rows: Sequence[Row], serving: ServingConstants, result: Predictions) -> None:
    good, systems = stacked(rows, result)
    if systems is None:
        return
    compiled = good[0].run == "compiled"
    batch = static_batch(systems, load_of(good, serving), whole_context=np.full((len(good), 1), compiled))
    for at, row in enumerate(good):
        tpot, ttft = float(batch.tpot[at, 0]), float(batch.ttft[at, 0])
        tail, first_tail = (serving.compiled_tpot_p99, serving.compiled_ttft_p99) if compiled else (1.0, 1.0)
        result.add(
            row,
            {
                "tpot_mean": tpot,
                "tpot_p50": tpot,
                "tpot_p99": tpot * tail,
                "ttft_mean": ttft,
                "ttft_p50": ttft,
                "ttft_p99": ttft * first_tail,
                THROUGHPUT: float(batch.throughput[at, 0]),
            },
        )


def _in_flight(rows: Sequence[Row], serving: ServingConstants, result: Predictions) -> None:
    good, systems = stacked(rows, result)
    if systems is None:
        return
    throughput = in_flight_maximum(systems, load_of(good, serving), serving)
    for row, value in zip(good, throughput[:, 0], strict=True):
        result.add(row, {THROUGHPUT: float(value)})


def _offered(rows: Sequence[Row], serving: ServingConstants, result: Predictions) -> None:
    for row, found in predict_offered(rows, serving, result.failures):
        result.add(row, found)


_RUNS: Mapping[Run, Callable[[Sequence[Row], ServingConstants, Predictions], None]] = {
    "closed": _closed,
    "disaggregated": _closed,
    "static": _static,
    "compiled": _static,
    "first_token": _static,
    "in_flight_maximum": _in_flight,
    "offered": _offered,
}

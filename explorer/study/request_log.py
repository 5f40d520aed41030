"""A recorded log of single requests against the simulation: the same arrivals and lengths, served by the same system.

Brings numba, as `simulation` does: for the worker and the command line.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.catalog.trace import OUTPUT, PROMPT, TIME, file_text, time_of, tokens_of
from explorer.engine.records import AllReduce, ChipSpec, ModelShape
from explorer.engine.serving import simulate
from explorer.engine.serving_records import Requests
from explorer.errors import CatalogError, Problem
from explorer.scenario.quantity import number_text
from explorer.scenario.schema import Alternative, LayoutChoice, ModelChoice, Objectives, Scenario, Traffic, Workload
from explorer.study.bands import HIGH, LOW, order_index, residual_factors
from explorer.study.deployment import Candidate, candidates_of, rows_of
from explorer.study.evaluate import Evaluator
from explorer.study.replica import Demand, Rows, p99_length
from explorer.study.resolve import served_model, step_constants
from explorer.study.simulated_server import server_of
from explorer.study.workload import demand_of, deployment_of

Array = NDArray[np.float64]

QUANTILES = (0.5, 0.95, 0.99)
DRAWS = 64
"""Draws of the chip's figures and of the model's own error that the band is made of."""
TTFT = {"ttft": 1.0, "ttft_s": 1.0, "ttft_ms": 1e-3}
TPOT = {"tpot": 1.0, "tpot_s": 1.0, "tpot_ms": 1e-3}
SHOWN = 20


@dataclass(frozen=True)
class RequestLog:
    """Requests in order of arrival with what was measured of each, seconds; (requests,) each."""

    requests: Requests
    ttft: Array
    tpot: Array
    """NaN for answers of one token."""
    problems: tuple[Problem, ...]
    """Rows that were left out, and why."""


@dataclass(frozen=True)
class Served:
    """The system that the log was recorded on."""

    chip: str
    model: str
    layout: LayoutChoice = field(default_factory=LayoutChoice)
    replicas: int = 1
    max_batch: int = 256
    token_budget: int = 2048
    weight_precision: str = "bf16"
    kv_precision: str = "bf16"


@dataclass(frozen=True)
class Compared:
    """One percentile: measured, predicted with its 90 % band, seconds."""

    metric: str
    quantile: float
    measured: float
    predicted: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether the band holds what was measured."""
        return self.low <= self.measured <= self.high


@dataclass(frozen=True)
class LogComparison:
    """A log against its prediction."""

    served: Served
    evidence_grade: str
    count: int
    rate: float
    rejected: int
    """Requests that would never fit the memory predicted."""
    rows: tuple[Compared, ...]
    problems: tuple[Problem, ...]


def read_request_log(path: Path, *, skip_bad_rows: bool = False) -> RequestLog:
    """Read a CSV of time, prompt, output, ttft and tpot, seconds (or milliseconds where a name ends in `_ms`).

    Raises CatalogError that names the bad rows by line, unless `skip_bad_rows` asks to go on with the rest.
    """
    rows = csv.reader(io.StringIO(file_text(path), newline=""), skipinitialspace=True)
    problems: list[Problem] = []
    good: list[tuple[float, int, int, float, float]] = []
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        places = _places(path, header)
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            line, before = rows.line_num, len(problems)
            if len(cells) != len(header):
                problems.append(Problem("row", f"has {len(cells)} fields, the header has {len(header)}", line=line))
                continue
            named = [(header[at], cells[at].strip()) for at in places]
            time = time_of(*named[0], TIME[named[0][0]], line, problems)
            prompt, output = (tokens_of(*one, line, problems) for one in named[1:3])
            ttft = _seconds(*named[3], TTFT[named[3][0]], line, problems)
            empty = output == 1 and named[4][1].lower() in ("", "0", "nan")
            tpot = math.nan if empty else _seconds(*named[4], TPOT[named[4][0]], line, problems)
            if len(problems) == before:
                good.append((time, prompt, output, ttft, tpot))
    except csv.Error as error:
        raise CatalogError(f"{path}: line {rows.line_num}: is not CSV: {error}") from error
    if problems and not skip_bad_rows:
        shown = "\n".join(f"{path}: {problem}" for problem in problems[:SHOWN])
        more = f"\n{path}: and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise CatalogError(f"{shown}{more}\n{len(good)} other rows are good; --skip-bad-rows goes on with them")
    if len(good) < 20:
        raise CatalogError(f"{path}: holds {len(good)} usable requests; percentiles need 20 at least")
    table = np.array(sorted(good, key=lambda row: row[0]))
    lengths = table[:, 1:3].astype(np.int64)
    return RequestLog(
        Requests(table[:, 0] - table[0, 0], lengths[:, 0], lengths[:, 1]), table[:, 3], table[:, 4], tuple(problems)
    )


def compare_log(log: RequestLog, served: Served, catalog: Catalog) -> LogComparison:
    """Serve the log's own requests with the predicted system, and hold both to each other.

    The band (P5 to P95) runs over draws of the chip's figures and of the model's own error. Raises ExplorerError for
    an unknown chip or model and for an impossible layout, ValueError never.
    """
    scenario = _scenario(log, served)
    workload = scenario.workloads[0]
    evaluator = Evaluator(catalog)
    model, demand = served_model(catalog, workload.model), demand_of(workload)
    deployment = deployment_of(evaluator.figures, scenario, workload, workload.alternatives[0])
    constants = step_constants()
    candidate = candidates_of(deployment, model, p99_length(demand), constants, False)[0]
    if not candidate.fits:
        raise CatalogError(f"{served.model} does not fit {served.chip} in this layout: there is nothing to compare")
    grade, kind = deployment.chip.evidence_grade, "moe" if model.shape.is_moe else "dense"
    steps, firsts = residual_factors(deployment.chip.id, grade, kind, DRAWS, scenario.simulation.seed)
    sigma = scenario.stragglers.jitter_sigma
    drawn = rows_of([candidate], constants, sigma, samples=DRAWS, seed=scenario.simulation.seed, residual=[steps])
    middle = rows_of([candidate], constants, sigma)
    centre, rejected = _replayed(log, model.shape, scenario, candidate, demand, middle, 1.0)
    spread = [
        _replayed(log, model.shape, scenario, candidate, demand, _row(drawn, at), float(firsts[at]))[0]
        for at in range(DRAWS)
    ]
    rows = []
    for metric, measured in (("ttft", log.ttft), ("tpot", log.tpot)):
        for place, q in enumerate(QUANTILES):
            ordered = np.sort([one[metric][place] for one in spread])
            predicted = float(centre[metric][place])
            rows.append(
                Compared(
                    metric, q, float(np.nanquantile(measured, q)), predicted,
                    min(float(ordered[order_index(LOW, DRAWS)]), predicted),
                    max(float(ordered[order_index(HIGH, DRAWS)]), predicted),
                )
            )  # fmt: skip
    span = float(log.requests.arrival[-1])
    count = log.requests.arrival.size
    rate = (count - 1) / span if span > 0.0 else math.inf
    return LogComparison(served, grade, count, rate, rejected, tuple(rows), log.problems)


def comparison_text(found: LogComparison) -> str:
    """The comparison as a table."""
    title = (
        f"{found.count:,} requests at {number_text(found.rate)}/s on {found.served.chip}, {found.served.model};"
        f" this chip is known by: {found.evidence_grade}"
    )
    lines = [
        title,
        f"{'':12}{'measured':>12}{'predicted':>12}{'90 % band':>22}",
    ]
    for row in found.rows:
        band = f"{row.low * 1e3:,.1f} to {row.high * 1e3:,.1f} ms"
        name = f"{row.metric.upper()} P{row.quantile * 100:g}"
        told = "inside" if row.inside else "OUTSIDE"
        lines.append(f"{name:12}{row.measured * 1e3:>9,.1f} ms{row.predicted * 1e3:>9,.1f} ms{band:>25}  {told}")
    if found.rejected:
        lines.append(f"{found.rejected} requests would never fit the memory predicted and were not served")
    return "\n".join(lines)


def comparison_data(found: LogComparison) -> dict[str, object]:
    """The comparison as plain data, seconds."""
    return {
        "chip": found.served.chip,
        "model": found.served.model,
        "layout": found.served.layout.model_dump(),
        "evidence_grade": found.evidence_grade,
        "requests": found.count,
        "request_rate_per_s": found.rate if math.isfinite(found.rate) else None,
        "rejected": found.rejected,
        "left_out": [str(problem) for problem in found.problems],
        "percentiles": [
            {
                "metric": row.metric, "quantile": row.quantile, "measured_s": row.measured,
                "predicted_s": row.predicted, "low90_s": row.low, "high90_s": row.high, "inside": row.inside,
            }
            for row in found.rows
        ],
    }  # fmt: skip


def _places(path: Path, header: Sequence[str]) -> list[int]:
    found: list[int] = []
    missing: list[str] = []
    wanted: tuple[tuple[str, Sequence[str] | Mapping[str, float]], ...] = (
        ("time", TIME), ("prompt", PROMPT), ("output", OUTPUT), ("ttft", TTFT), ("tpot", TPOT),
    )  # fmt: skip
    for what, names in wanted:
        places = [at for at, name in enumerate(header) if name in names]
        if len(places) == 1:
            found.append(places[0])
        else:
            several = "several columns" if places else "no column"
            missing.append(f"{path}: line 1: {several} for the {what} (allowed: {', '.join(names)})")
    if missing:
        raise CatalogError("\n".join(missing))
    return found


def _seconds(name: str, cell: str, unit: float, line: int, problems: list[Problem]) -> float:
    try:
        value = float(cell) * unit
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0.0):
        problems.append(Problem(name, f"'{cell}' is no time that passed", "a number above 0", line))
        return 1.0
    return value


def _scenario(log: RequestLog, served: Served) -> Scenario:
    prompt, output = (values.astype(np.float64) for values in (log.requests.prompt, log.requests.output))
    span = float(log.requests.arrival[-1])
    alternative = Alternative(
        name="recorded", chip=served.chip, layout=served.layout, replicas=served.replicas,
        max_batch=served.max_batch, token_budget=served.token_budget,
    )  # fmt: skip
    model = ModelChoice.model_validate(
        {
            "preset": served.model,
            "weight_precision": served.weight_precision,
            "kv_precision": served.kv_precision,
        }
    )
    traffic = Traffic(
        request_rate_per_s=(prompt.size - 1) / span if span > 0.0 else 1e6,
        prompt_tokens=float(prompt.mean()), prompt_cv=float(prompt.std() / prompt.mean()),
        output_tokens=float(output.mean()), output_cv=float(output.std() / output.mean()),
    )  # fmt: skip
    workload = Workload(
        name="recorded", selected="recorded", model=model, traffic=traffic, objectives=Objectives(),
        alternatives=(alternative,),
    )  # fmt: skip
    return Scenario(title="recorded requests", workloads=(workload,))


def _replayed(
    log: RequestLog,
    shape: ModelShape,
    scenario: Scenario,
    candidate: Candidate,
    demand: Demand,
    rows: Rows,
    first: float,
) -> tuple[dict[str, Array], int]:
    """Percentiles of the log's requests on one row's replica, `first` times their first token; and those rejected."""
    server = server_of(scenario, shape, candidate, rows, demand, replicas=int(candidate.deployment.settings.replicas))
    run = simulate(log.requests, server, seed=scenario.simulation.seed, saturation=1.0, whole_run=True)
    return {
        "ttft": first * np.nanquantile(run.ttft, QUANTILES),
        "tpot": np.nanquantile(run.tpot, QUANTILES),
    }, run.rejected


def _row(rows: Rows, at: int) -> Rows:
    """One row of many."""
    pick = slice(at, at + 1)
    spec = ChipSpec(**{field.name: getattr(rows.spec, field.name)[pick] for field in fields(ChipSpec)})
    reduce = AllReduce(rows.allreduce.alpha[:, pick], rows.allreduce.slope[:, pick], rows.allreduce.root[pick])
    split = type(rows.split)(*(np.asarray(getattr(rows.split, name))[pick] for name in ("tp", "pp", "dp", "ep")))
    return Rows(spec, reduce, split, rows.caps[pick], rows.token_budget[pick])

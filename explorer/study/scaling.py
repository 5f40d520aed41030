"""Multi-chip scaling efficiency: what is left of a chip's throughput when a replica spans N of them.

Strong scaling: the same step (so many sequences, so many prompt tokens) on N chips and on the fewest that hold it,

    e(N) = [work/(N*t(N))] / [work/(N0*t(N0))] = N0*t(N0) / (N*t(N)),

prefill and decode apart, t the engine's step time with host time and jitter. What is lost is lost to collectives,
to what every rank repeats (latent KV, host time, fixed costs of kernels) and to waiting for the slowest rank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.catalog.figure import FIGURE_KINDS
from explorer.engine.steptime import StepWork, step_time
from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.scenario.workload import Workload
from explorer.study.bands import HIGH, LOW, order_index
from explorer.study.demand import Demand, held_length
from explorer.study.deployment import Candidate, Deployment, candidates_of
from explorer.study.draws import uniforms
from explorer.study.engine_rows import rows_of
from explorer.study.evaluate import Evaluator
from explorer.study.figures import GivenDraws, unsettled, values_at
from explorer.study.outcome import AlternativeOutcome, Layout
from explorer.study.resolve import ServedModel, served_model, step_constants
from explorer.study.scaling_answers import Scaling, ScalingLine
from explorer.study.workload import demand_of, deployment_of

Array = NDArray[np.float64]

DRAWS = 128
NO_WIDTH = 1e-9
LINKS = ("link", "card")
"""Kinds of figures that are the interconnect's."""


def scaling(evaluator: Evaluator, scenario: Scenario, workload: int) -> Scaling:
    """The scaling of every alternative of a workload; raises as `evaluate`, and ExplorerError for no such workload."""
    if not 0 <= workload < len(scenario.workloads):
        raise ExplorerError(f"there is no workload {workload}")
    asked = scenario.workloads[workload]
    answer = evaluator.evaluate(scenario, 8).workloads[workload]
    served, demand = served_model(evaluator.catalog, asked.model), demand_of(asked)
    options = [_options(evaluator, scenario, asked, at, served, demand) for at in range(len(asked.alternatives))]
    sequences = _full_batch(options)
    context = demand.prompt + 0.5 * demand.output
    prompt = float(min(one.token_budget for one in asked.alternatives))
    work = (
        StepWork(decode=sequences, context=context),
        StepWork(
            decode=0.0,
            context=0.0,
            prefill=prompt,
            prefill_context=0.5 * demand.prompt,
            prompts=prompt / max(demand.computed_prompt, 1.0),
        ),
    )
    lines: list[ScalingLine] = []
    missing: list[tuple[int, str, str]] = []
    for number, (found, by_degree) in enumerate(zip(answer.alternatives, options, strict=True)):
        able = {degree: [one for one in some if one.sequences >= sequences] for degree, some in by_degree.items()}
        able = {degree: some for degree, some in able.items() if some}
        if len(able) < 2:
            reason = "spans one number of chips only" if able else "does not fit"
            missing.append((number, found.label, reason))
        else:
            lines.append(_line(scenario, served, asked, number, found, able, work, sequences, prompt))
    return Scaling(asked.name, sequences, context, prompt, tuple(lines), tuple(missing))


def _options(
    evaluator: Evaluator, scenario: Scenario, workload: Workload, at: int, served: ServedModel, demand: Demand
) -> dict[int, list[Candidate]]:
    """The layouts of an alternative without pipeline stages, by degree: stages leave a step as long as it is."""
    # one instance that does both phases: the pools of a disaggregated replica are looked at one by one
    free = {"parallelism_degree": "auto", "layout": "auto", "scheduler": "chunked"}
    alternative = workload.alternatives[at].model_copy(update=free)
    deployment = deployment_of(evaluator.figures, scenario, workload, alternative)
    sharded = workload.model.kv_sequence_sharding
    found: dict[int, list[Candidate]] = {}
    for one in candidates_of(deployment, served, held_length(demand), step_constants(), sharded):
        if one.fits and one.layout.pp == 1:
            found.setdefault(one.layout.chips, []).append(one)
    return dict(sorted(found.items()))


def _full_batch(options: Sequence[Mapping[int, list[Candidate]]]) -> float:
    """One number of sequences for all: a full batch of the fewest chips of each, its cap and its memory kept."""
    full = [max(one.cap for one in next(iter(some.values()))) for some in options if some]
    return float(min(full, default=1))


def _line(
    scenario: Scenario,
    served: ServedModel,
    workload: Workload,
    number: int,
    answer: AlternativeOutcome,
    able: Mapping[int, list[Candidate]],
    work: tuple[StepWork, StepWork],
    sequences: float,
    prompt: float,
) -> ScalingLine:
    """An alternative over its degrees, each phase in the layout that is fastest for it, as separate pools have it."""
    sharded = workload.model.kv_sequence_sharding
    degrees = np.array(list(able), dtype=np.float64)
    drawn, titles = _with_drawn_links(next(iter(able.values()))[0].deployment, scenario)
    found: list[_Phase] = []
    for one in work:
        chosen = []
        for some in able.values():
            times = _times(scenario, served, some, one, sharded)
            chosen.append(some[int(np.argmin(times[:, 0]))])
        seconds = _times(scenario, served, chosen, one, sharded)
        middle = _share(degrees, seconds)[:, 0]
        low = high = middle
        if titles:
            rows = [candidate._replace(deployment=drawn) for candidate in chosen]
            many = np.sort(_share(degrees, _times(scenario, served, rows, one, sharded, DRAWS)), axis=1)
            low = np.minimum(middle, many[:, order_index(LOW, DRAWS)])
            high = np.maximum(middle, many[:, order_index(HIGH, DRAWS)])
        layouts = tuple(candidate.layout for candidate in chosen)
        found.append(_Phase(layouts, seconds[:, 0], middle, low, high))
    decode, prefill = found
    if not any(np.any(one.high - one.low > NO_WIDTH) for one in found):
        # what is open enters no step here: a measured fit of the collectives stands in its place
        titles = ()
    return ScalingLine(
        number=number,
        label=answer.label.split(" ×")[0],
        degrees=tuple(able),
        prefill_layouts=prefill.layouts,
        decode_layouts=decode.layouts,
        prefill=prefill.kept,
        prefill_low=prefill.low,
        prefill_high=prefill.high,
        decode=decode.kept,
        decode_low=decode.low,
        decode_high=decode.high,
        prefill_tokens_per_s=prompt / prefill.seconds / degrees,
        decode_tokens_per_s=sequences / decode.seconds / degrees,
        now=answer.degree,
        open_links=titles,
    )


@dataclass(frozen=True)
class _Phase:
    """One phase over the degrees, arrays (degrees,)."""

    layouts: tuple[Layout, ...]
    seconds: Array
    kept: Array
    low: Array
    high: Array


def _share(degrees: Array, times: Array) -> Array:
    """N0*t(N0)/(N*t(N)) of step times (degrees, draws)."""
    return np.asarray(degrees[0] * times[:1] / (degrees[:, None] * times))


def _times(
    scenario: Scenario,
    served: ServedModel,
    candidates: Sequence[Candidate],
    work: StepWork,
    sharded: bool,
    samples: int = 0,
) -> Array:
    """Seconds of one step of each candidate, (candidates, draws); without draws one column of central figures."""
    constants = step_constants()
    count = max(samples, 1)
    rows = rows_of(
        candidates,
        constants,
        scenario.stragglers.jitter_sigma,
        samples=samples,
        seed=scenario.simulation.seed,
        residual=[_ones(samples)] * len(candidates) if samples else (),
    )
    times = step_time(served.shape, rows.spec, rows.split, rows.allreduce, work, constants, sequence_sharding=sharded)
    return np.asarray(times[:, 0].reshape(len(candidates), count))


_kept_ones: dict[int, Array] = {}


def _ones(samples: int) -> Array:
    """No error of the model: it is the same at every degree and leaves a ratio as it is."""
    return _kept_ones.setdefault(samples, np.ones(samples))


def _with_drawn_links(deployment: Deployment, scenario: Scenario) -> tuple[Deployment, tuple[str, ...]]:
    """The deployment with only its interconnect drawn, and the titles of what is drawn."""
    chip, overrides = deployment.chip, deployment.figures.overrides
    names = [
        name
        for name in unsettled(chip, overrides)
        if FIGURE_KINDS[name].group in LINKS and not FIGURE_KINDS[name].informative
    ]
    points = {name: uniforms(chip.id, name, DRAWS, scenario.simulation.seed) for name in names}
    given = values_at(chip, overrides, points)
    titles = tuple(FIGURE_KINDS[name].title for name in names)
    return replace(deployment, figures=GivenDraws(chip, overrides, given)), titles

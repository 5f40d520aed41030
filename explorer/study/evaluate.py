"""The one way from a scenario to its outcome: window, command line, report and tests all come through here."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from explorer import ENGINE_VERSION
from explorer.catalog import Catalog
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import Scenario
from explorer.scenario.workload import Workload
from explorer.study.answers import WorkloadAnswer
from explorer.study.banded import METRICS, Metric
from explorer.study.correction import NONE, Corrections
from explorer.study.figures import FigureSets
from explorer.study.fleet import FleetEvaluator
from explorer.study.outcome import Outcome, WorkloadOutcome
from explorer.study.workload import evaluate_workload

_TOKENS = QUANTITIES["tokens"]


class Evaluator:
    """Evaluates scenarios of one catalogue; keeps the answers to workloads that did not change since the last call.

    Scenario records are immutable and shared between versions of a document, so "did not change" is "is the same
    object", and a moving slider recomputes only its own workload.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.figures = FigureSets(catalog)
        self._fleet = FleetEvaluator(catalog)
        self._kept: dict[tuple[int, int, frozenset[Metric]], tuple[tuple[object, ...], WorkloadAnswer]] = {}

    def evaluate(
        self,
        scenario: Scenario,
        samples: int | None = None,
        drawn: frozenset[Metric] = frozenset(METRICS),
        corrections: Corrections = NONE,
    ) -> Outcome:
        """The outcome with `samples` draws (default: the scenario's own number, which makes it final).

        A quick look may leave out the bands of latencies it does not show: those in `drawn` have theirs. `corrections`
        are what simulation found so far; a scenario that asks for simulation is final with all of them only.
        """
        count = scenario.simulation.samples if samples is None else samples
        answers = self.answers(scenario, count, drawn, corrections)
        carried = scenario
        if any(one.traffic.mode == "closed_loop" for one in scenario.workloads):
            from explorer.study.closed_loop import rates_of

            carried = rates_of({answer.outcome.name: answer.outcome for answer in answers}, scenario)
        fleet = self._fleet.evaluate(carried, [answer.pools for answer in answers])
        return Outcome(
            title=scenario.title,
            workloads=tuple(answer.outcome for answer in answers),
            fleet=fleet,
            price_basis=scenario.price.basis,
            comparison_basis=scenario.comparison.basis,
            catalog_edition=self.catalog.edition,
            engine_version=ENGINE_VERSION,
            samples=count,
            final=count >= scenario.simulation.samples
            and len(drawn) == len(METRICS)
            and (scenario.simulation.method == "closed_form" or corrections.complete),
            warnings=_warnings(scenario, [answer.outcome for answer in answers]),
        )

    def answers(
        self,
        scenario: Scenario,
        samples: int,
        drawn: frozenset[Metric] = frozenset(METRICS),
        corrections: Corrections = NONE,
    ) -> list[WorkloadAnswer]:
        """The workloads' answers with every draw beside them; `evaluate` makes the outcome of them."""
        return [
            self._answer(scenario, workload, position, samples, drawn, corrections)
            for position, workload in enumerate(scenario.workloads)
        ]

    def _answer(
        self,
        scenario: Scenario,
        workload: Workload,
        position: int,
        samples: int,
        drawn: frozenset[Metric],
        corrections: Corrections,
    ) -> WorkloadAnswer:
        # a share of the fleet only matters to a workload through which members there are
        members = tuple((one.name, one.chip, one.cloud, one.offer) for one in scenario.fleet.members)
        chips = {one.chip for one in workload.alternatives} | {one.chip for one in scenario.fleet.members}
        overrides = {chip: table for chip, table in scenario.overrides.items() if chip in chips}
        key: tuple[object, ...] = (
            workload,
            scenario.price,
            scenario.comparison,
            scenario.access,
            scenario.stragglers,
            scenario.simulation,
            scenario.as_of,
        )
        given = corrections.among(workload)
        measured = tuple(one for one in scenario.benchmarks if one.workload == workload.name)
        # quick looks and whole answers take turns on the way to a final one: each kind has its own
        slot = (position, samples, drawn)
        kept = self._kept.get(slot)
        if (
            kept is not None
            and kept[0][-4:] == (members, overrides, given, measured)
            and all(old is new for old, new in zip(kept[0][:-4], key, strict=True))
        ):
            return kept[1]
        answer = evaluate_workload(self.catalog, self.figures, scenario, workload, samples, drawn, corrections)
        self._kept[slot] = ((*key, members, overrides, given, measured), answer)
        return answer


def _warnings(scenario: Scenario, outcomes: Sequence[WorkloadOutcome]) -> tuple[str, ...]:
    """What of a scenario had no say in its outcome: rows of a trace, benchmarks of chips that are not compared; and
    requests that are too long for a model or a memory."""
    chips = {workload.name: {one.chip for one in workload.alternatives} for workload in scenario.workloads}
    unused = tuple(
        f"benchmark '{one.name}' is of {one.chip}, which no alternative of {one.workload} uses"
        for one in scenario.benchmarks
        if one.chip not in chips.get(one.workload, set())
    )
    beyond = tuple(
        f"{one.name}: {one.model_name} was made for {_TOKENS.format(one.model_context)} tokens of context; P99 prompt "
        f"and answer are {_TOKENS.format(one.longest_tokens)} together: ask shorter, or choose a model made for more"
        for one in outcomes
        if one.longest_tokens > one.model_context
    )
    if all(workload.traffic.trace is None for workload in scenario.workloads):
        return (*beyond, *unused)
    from explorer.study.arrivals import left_out, too_long

    pairs = zip(scenario.workloads, outcomes, strict=True)
    too_long_ones = (line for one, found in pairs for line in too_long(one.traffic, found))
    return (*beyond, *left_out(scenario), *too_long_ones, *unused)


def evaluate(scenario: Scenario, catalog: Catalog, samples: int | None = None) -> Outcome:
    """Evaluate a scenario once, to the end: with its simulation where it asks for one.

    With `samples` draws it is a quick look, in closed form. Raises ExplorerError for an unknown record, a missing
    figure, an impossible layout.
    """
    evaluator = Evaluator(catalog)
    return evaluate_fully(evaluator, scenario) if samples is None else evaluator.evaluate(scenario, samples)


def evaluate_fully(evaluator: Evaluator, scenario: Scenario) -> Outcome:
    """The final outcome by the method that the scenario asks for; raises as `evaluate`."""
    if scenario.simulation.method == "closed_form":
        return evaluator.evaluate(scenario)
    # brings numba, which the window's process does without
    from explorer.study.simulation import simulated_outcome

    return simulated_outcome(evaluator, scenario)


def evaluate_in_steps(evaluator: Evaluator, scenario: Scenario) -> Generator[None, None, Outcome]:
    """`evaluate_fully`, pausing so that something more urgent can come between."""
    if scenario.simulation.method == "closed_form":
        yield
        return evaluator.evaluate(scenario)
    from explorer.study.simulation import simulated_in_steps

    return (yield from simulated_in_steps(evaluator, scenario))

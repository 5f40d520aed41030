"""Which deployment of a scenario the engine has no answer for: found one by one, once an evaluation has failed."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.catalog import Catalog
from explorer.errors import ExplorerError, LayoutError, MissingFigureError, ScenarioFileError
from explorer.scenario.baseline import baseline_of
from explorer.scenario.file import LoadedScenario, located
from explorer.scenario.schema import Fleet, Scenario
from explorer.scenario.wording import Fault, Step
from explorer.scenario.workload import Alternative, LayoutChoice, Workload
from explorer.study.evaluate import Evaluator

FEW = 8
"""Draws of an evaluation that is only to be possible."""


def with_place(error: ExplorerError, loaded: LoadedScenario, catalog: Catalog) -> ExplorerError:
    """An error of the engine with file, line and key of the deployments it is about; itself where none is found."""
    found = list(_misfits(loaded.scenario, catalog, ()))
    baseline = baseline_of(loaded.scenario)
    if baseline is not None:
        found.extend(_misfits(baseline, catalog, ("baseline",)))
    return ScenarioFileError(str(loaded.path), located(found, loaded)) if found else error


def _misfits(scenario: Scenario, catalog: Catalog, above: tuple[Step, ...]) -> Iterator[Fault]:
    evaluator = Evaluator(catalog)
    for at, workload in enumerate(scenario.workloads):
        for position, one in enumerate(workload.alternatives):
            place = (*above, "workloads", at, "alternatives", position)
            yield from _misfit(evaluator, scenario, workload, one, place)
    for position, member in enumerate(scenario.fleet.members):
        alone = Alternative(name=member.name, chip=member.chip, cloud=member.cloud, offer=member.offer)
        yield from _misfit(evaluator, scenario, scenario.workloads[0], alone, (*above, "fleet", "members", position))


def _misfit(
    evaluator: Evaluator, scenario: Scenario, workload: Workload, one: Alternative, place: tuple[Step, ...]
) -> Iterator[Fault]:
    only = workload.model_copy(update={"alternatives": (one,), "selected": one.name})
    try:
        evaluator.evaluate(scenario.model_copy(update={"workloads": (only,), "fleet": Fleet()}), FEW)
    except LayoutError as error:
        key = "layout" if isinstance(one.layout, LayoutChoice) else "parallelism_degree"
        yield Fault((*place, key), str(error), '"auto", or a split that this model has')
    except MissingFigureError as error:
        yield Fault((*place, "chip"), str(error), f"an override of {error.figure}, or another chip")

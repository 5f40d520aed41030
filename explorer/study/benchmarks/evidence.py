"""The rows of one's own benchmarks as the Evidence page shows measurements: measured beside predicted."""

from __future__ import annotations

from math import log

from explorer.catalog import Catalog
from explorer.scenario.schema import Scenario
from explorer.scenario.workload import Workload
from explorer.study.bands import step_error
from explorer.study.benchmarks.calibrated import benchmarks_of, judged
from explorer.study.benchmarks.overlay import load_words
from explorer.study.evidence.of_chip import MeasuredPoint, kind_of


def own_points(catalog: Catalog, scenario: Scenario, workload: Workload, chip: str) -> tuple[MeasuredPoint, ...]:
    """Every row that is compared with the engine, beside what that said before anything was measured.

    Inside means: within the 90 % band that the chip's evidence grade states for a step.
    """
    found: list[MeasuredPoint] = []
    for one in benchmarks_of(scenario, workload, chip):
        model = catalog.model(one.model)
        band = log(step_error(catalog.chip(chip).evidence_grade, model.experts > 0))
        for row in judged(catalog, one, scenario.overrides.get(chip, {})):
            if row.measured is not None and row.predicted is not None and row.residual is not None:
                used = "" if row.counts else f", not used: {row.reason}"
                found.append(
                    MeasuredPoint(
                        kind=kind_of(row.metric),
                        measured=row.measured,
                        predicted=row.predicted,
                        inside=abs(row.residual) <= band,
                        words=f"{one.name}, {load_words(row)}: {model.name}, {row.metric}{used}",
                    )
                )
    return tuple(found)

"""The baseline of a scenario: another scenario embedded in it, against which every change is shown."""

from __future__ import annotations

from explorer.scenario.schema import Scenario
from explorer.scenario.tables import plain


def with_baseline(scenario: Scenario, baseline: Scenario | None) -> Scenario:
    """`scenario` with `baseline` pinned in it, or with none; a baseline's own baseline is left behind."""
    if baseline is None:
        return scenario.model_copy(update={"baseline": None})
    bare = baseline.model_copy(update={"baseline": None, "catalog": None, "locks": ()})
    return scenario.model_copy(update={"baseline": plain(bare, everything=False)})


def baseline_of(scenario: Scenario) -> Scenario | None:
    """The pinned scenario, None when nothing is pinned."""
    return None if scenario.baseline is None else Scenario.model_validate(scenario.baseline)

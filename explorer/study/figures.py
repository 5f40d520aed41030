"""Central values and draws of a chip's figures, with the user's overrides: where uncertainty enters the study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog, Chip, Figure
from explorer.errors import ExplorerError, UnknownRecordError
from explorer.scenario.quantity import restated
from explorer.scenario.schema import Override, Scenario, Workload
from explorer.study.draws import uniforms
from explorer.study.step_update import StepUpdate

Array = NDArray[np.float64]


class FigureSet:
    """One chip's figures under one set of overrides: central values, draws, and what was derived from them.

    Engine columns derived from the figures are kept in `memo`, since they change only with the figures. `update` is
    what measurements of the user's own say of the chip's steps under these figures.
    """

    def __init__(self, chip: Chip, overrides: Mapping[str, Override], update: StepUpdate | None = None) -> None:
        self.chip = chip
        self.overrides = overrides
        self.update = update
        self.values: Mapping[str, float] = central_values(chip, overrides)
        self.memo: dict[tuple[object, ...], Any] = {}

    @property
    def step_spread(self) -> float | None:
        """Standard deviation (ln) of the engine's error on a step, where measurements of one's own say; else None."""
        return None if self.update is None else self.update.spread

    def draws(self, samples: int, seed: int) -> Mapping[str, Array]:
        """Draws (samples,) of every unsettled figure."""
        key = ("draws", samples, seed)
        if key not in self.memo:
            self.memo[key] = drawn_values(self.chip, self.overrides, samples, seed)
        found: Mapping[str, Array] = self.memo[key]
        return found


class GivenDraws(FigureSet):
    """One chip's figures with draws that were chosen rather than drawn: ends of a range, or points of a design."""

    def __init__(
        self,
        chip: Chip,
        overrides: Mapping[str, Override],
        given: Mapping[str, Array],
        update: StepUpdate | None = None,
    ) -> None:
        super().__init__(chip, overrides, update)
        self._given = given

    def draws(self, samples: int, seed: int) -> Mapping[str, Array]:
        """The given draws, whatever is asked for."""
        return self._given


class FigureSets:
    """The figure sets in use, the most recent of each chip's overrides kept."""

    def __init__(self, catalog: Catalog, keep: int = 64) -> None:
        self._catalog = catalog
        self._keep = keep
        self._sets: dict[tuple[object, ...], FigureSet] = {}

    def for_workload(self, scenario: Scenario, workload: Workload, chip_id: str) -> FigureSet:
        """The figure set of a chip in a workload: under the scenario's overrides and benchmarks."""
        update = None
        if scenario.benchmarks:
            # most scenarios bring none, and start without what judges them
            from explorer.study.benchmarks.calibrated import step_update

            update = step_update(self._catalog, scenario, workload, chip_id)
        return self.of(chip_id, scenario.overrides.get(chip_id, {}), update)

    def of(self, chip_id: str, overrides: Mapping[str, Override], update: StepUpdate | None = None) -> FigureSet:
        """The figure set of a chip under overrides and what was measured; UnknownRecordError for an unknown chip."""
        named = ((name, one.value, one.unit, one.belief) for name, one in sorted(overrides.items()))
        key = (chip_id, update, *named)
        found = self._sets.pop(key, None) or FigureSet(self._catalog.chip(chip_id), overrides, update)
        self._sets[key] = found
        while len(self._sets) > self._keep:
            del self._sets[next(iter(self._sets))]
        return found


class OverrideError(ExplorerError):
    """An override that the catalogue's figure cannot take: wrong unit, or a belief on an undisputed figure."""


def central_values(chip: Chip, overrides: Mapping[str, Override]) -> dict[str, float]:
    """SI value of every figure of a chip: the override's, the belief-weighted reading, or the catalogue's.

    A figure derived from another by ratio follows it, unless it was overridden itself.
    """
    values: dict[str, float] = {}
    for name, figure in chip.figures.items():
        override = overrides.get(name)
        if override is not None and override.value is not None:
            values[name] = _override_value(chip, figure, override)
        elif figure.readings:
            belief = figure.belief if override is None or override.belief is None else override.belief
            values[name] = figure.at_belief(belief)
        else:
            values[name] = figure.value
    for name, figure in chip.figures.items():
        overridden = name in overrides and overrides[name].value is not None
        if figure.derived_from in values and figure.ratio is not None and not overridden:
            values[name] = values[figure.derived_from] * figure.ratio
    unknown = sorted(set(overrides) - set(chip.figures))
    if unknown:
        known = ", ".join(sorted(chip.figures))
        raise OverrideError(f"chip '{chip.id}' has no figure '{unknown[0]}' to override (it has: {known})")
    return values


def unsettled(chip: Chip, overrides: Mapping[str, Override]) -> tuple[str, ...]:
    """The figures of a chip that are drawn: those with a range, neither derived from another nor set by the user."""
    found = []
    for name, figure in chip.figures.items():
        override = overrides.get(name)
        if figure.derived_from is not None or (override is not None and override.value is not None):
            continue
        if figure.distribution != "fixed" and figure.low < figure.high:
            found.append(name)
    return tuple(found)


def drawn_values(chip: Chip, overrides: Mapping[str, Override], samples: int, seed: int) -> dict[str, Array]:
    """Draws (samples,) of every figure that is not settled; figures settled or overridden by value are left out.

    Each figure's draws fall once into each of `samples` equal slices of its distribution, so that a belief weight is
    met exactly. The same chip has the same draws wherever it occurs (common random numbers).
    """
    points = {name: uniforms(chip.id, name, samples, seed) for name in unsettled(chip, overrides)}
    return values_at(chip, overrides, points)


def values_at(chip: Chip, overrides: Mapping[str, Override], points: Mapping[str, Array]) -> dict[str, Array]:
    """SI values of unsettled figures at quantiles `points` of their distributions, 0 to 1 of any one shape.

    Figures that follow one of them by ratio are among the result.
    """
    drawn: dict[str, Array] = {}
    for name, u in points.items():
        override = overrides.get(name)
        figure = chip.figures[name]
        belief = figure.belief if override is None or override.belief is None else override.belief
        drawn[name] = _quantiles(figure, u, belief)
    return with_followers(chip, overrides, drawn)


def with_followers(chip: Chip, overrides: Mapping[str, Override], values: Mapping[str, Array]) -> dict[str, Array]:
    """`values` of figures and of those that follow one of them by ratio."""
    found = dict(values)
    for name, figure in chip.figures.items():
        overridden = name in overrides and overrides[name].value is not None
        if figure.derived_from in found and figure.ratio is not None and not overridden:
            found[name] = found[figure.derived_from] * figure.ratio
    return found


def _quantiles(figure: Figure, u: Array, belief: float) -> Array:
    low, mode, high = figure.low, figure.value, figure.high
    if figure.distribution == "readings":
        return np.where(u < belief, figure.readings[0].value, figure.readings[1].value)
    if figure.distribution == "uniform":
        return np.asarray(low + u * (high - low))
    if figure.distribution == "log_uniform":
        return np.asarray(low * (high / low) ** u)
    # triangular in the logarithm: ranges of specifications are factors, not offsets
    lo, mid, hi = np.log([low, mode, high])
    turn = (mid - lo) / (hi - lo)
    rising = lo + np.sqrt(u * (hi - lo) * (mid - lo))
    falling = hi - np.sqrt((1.0 - u) * (hi - lo) * (hi - mid))
    return np.asarray(np.exp(np.where(u < turn, rising, falling)))


def _override_value(chip: Chip, figure: Figure, override: Override) -> float:
    assert override.value is not None and override.unit is not None
    try:
        return restated(override.value, override.unit, figure.unit) * figure.scale
    except (UnknownRecordError, ValueError) as error:
        raise OverrideError(
            f"override of '{figure.name}' of chip '{chip.id}' is in '{override.unit}'; the catalogue's unit is "
            f"'{figure.unit}'"
        ) from error

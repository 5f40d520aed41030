"""What a win map may be drawn over: settings of one workload, and the values at which the map stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.inputs import INPUTS
from explorer.scenario.path import get, replace
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import Quantity
from explorer.scenario.schema import Scenario
from explorer.study.resolve import served_model

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MapAxis:
    """A setting over which a map is drawn; `metric` where it is a promised latency."""

    key: str
    title: str
    path: str
    """Below the workload."""
    span: float
    """Factor up and down from where the scenario stands."""
    least: float
    most: float
    usual: float
    """Where the map is centred when the scenario leaves the setting open, as the file states it."""
    metric: str = ""

    @property
    def quantity(self) -> Quantity:
        """Writes the setting's values, SI."""
        return QUANTITIES[INPUTS[self.path.rsplit(".", 1)[-1]].quantity or "plain"]

    @property
    def scale(self) -> float:
        """SI value of one as the file states it."""
        return INPUTS[self.path.rsplit(".", 1)[-1]].scale

    def text(self, value: float) -> str:
        """A value of the axis, as the file states it, as people read it."""
        return self.quantity.format(value * self.scale)


def _axes(*axes: MapAxis) -> Mapping[str, MapAxis]:
    return MappingProxyType({axis.key: axis for axis in axes})


AXES: Mapping[str, MapAxis] = _axes(
    MapAxis("size", "Model size", "model.size_billion", 32.0, 1.0, 10_000.0, 70.0),
    MapAxis("prompt", "Prompt length", "traffic.prompt_tokens", 16.0, 16.0, 2_000_000.0, 1024.0),
    MapAxis("output", "Answer length", "traffic.output_tokens", 16.0, 4.0, 200_000.0, 256.0),
    MapAxis("rate", "Requests per second", "traffic.request_rate_per_s", 32.0, 1e-3, 1e5, 10.0),
    MapAxis("tpot", "P99 time per token", "objectives.tpot_p99_s", 8.0, 1e-4, 1e3, 0.05, "tpot"),
    MapAxis("ttft", "P99 first token", "objectives.ttft_p99_s", 8.0, 1e-3, 1e4, 2.0, "ttft"),
    MapAxis("itl", "P99 gap between tokens", "objectives.itl_p99_s", 8.0, 1e-4, 1e3, 0.1, "itl"),
    MapAxis("e2e", "P99 whole answer", "objectives.e2e_p99_s", 8.0, 1e-3, 1e5, 20.0, "e2e"),
)
ACROSS = ("size", "prompt", "output", "rate")
"""What may stand along the bottom: all but the rate change how long a step takes, so every column is computed anew."""
UP = ("tpot", "ttft", "itl", "e2e", "rate")
"""What may stand along the side: read off the latency curves of a column at once."""


@dataclass(frozen=True, slots=True)
class MapQuestion:
    """Which map is wanted: of the workload at `workload`, so many cells each way, with so many draws."""

    workload: int = 0
    across: str = "size"
    up: str = "tpot"
    columns: int = 100
    rows: int = 100
    samples: int = 64

    def __post_init__(self) -> None:
        if self.across not in ACROSS:
            raise ExplorerError(f"no map across '{self.across}' (there are {', '.join(ACROSS)})")
        if self.up not in UP or self.up == self.across:
            raise ExplorerError(f"no map up '{self.up}' across '{self.across}' (there are {', '.join(UP)})")
        if min(self.columns, self.rows) < 2 or self.samples < 1:
            raise ExplorerError("a map needs two columns, two rows and one draw at least")

    def path(self, axis: MapAxis) -> str:
        """Where an axis stands in the scenario."""
        return f"workloads.{self.workload}.{axis.path}"


def present_value(scenario: Scenario, catalog: Catalog, question: MapQuestion, axis: MapAxis) -> float | None:
    """Where the scenario stands on an axis, as the file states it; None where a promise is not made."""
    value: Any = get(scenario, question.path(axis))
    if value is None and axis.key == "size":
        return served_model(catalog, scenario.workloads[question.workload].model).parameters / axis.scale
    return None if value is None else float(value)


def axis_values(axis: MapAxis, present: float | None, count: int) -> Array:
    """Values along an axis, a constant factor apart, one of them where the scenario stands; (count,) ascending."""
    centre = min(max(axis.usual if present is None else present, axis.least), axis.most)
    low, high = max(centre / axis.span, axis.least), min(centre * axis.span, axis.most)
    step = np.log(high / low) / (count - 1)
    at = round(np.log(centre / low) / step)
    return np.asarray(centre * np.exp(step * (np.arange(count) - at)))


def moved(scenario: Scenario, question: MapQuestion, axis: MapAxis, value: float) -> Scenario:
    """The scenario with one setting of the map's workload changed."""
    return replace(scenario, question.path(axis), value)

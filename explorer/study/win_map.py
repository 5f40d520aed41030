"""The win map: over model size and a promise (or other settings), the cheapest chip within reach that keeps it.

Column by column: every chip in every layout that fits is put under load once; the largest rate within each promise is
read off that curve for all promises of the column together; replicas, whole units and price follow. How surely the
winner wins is the share of draws of all open figures in which it is still the cheapest, each chip in the layout chosen
from central figures and with the replicas that the draw takes. Brings numba: for the worker and the command line.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.scenario.schema import Scenario
from explorer.study.compiled import on_this_thread
from explorer.study.figures import FigureSets
from explorer.study.map_axes import MapQuestion, moved
from explorer.study.win_map_column import Column, MapFrame, Readings
from explorer.study.win_map_record import MapContestant, WinMap

FIRST_COLUMNS, FIRST_SAMPLES = 8, 8
"""The first picture: every so many columns, with few draws."""
PARTS = 8
"""Pictures shown while the whole is computed."""


class _Map:
    """A map in the making: the columns that are there, and the curves that they share."""

    def __init__(self, frame: MapFrame) -> None:
        self.frame = frame
        self.columns: list[Column | None] = [None] * frame.question.columns
        self.curves: dict[int, Readings] = {}

    def fill_all(self, order: Sequence[int], samples: int) -> Generator[None]:
        """Compute columns on all cores, in order; a turn after each, at which whoever asks may give up."""
        self.frame.field(samples)
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="win-map") as threads:
            if self.frame.across.key == "rate":
                self._fill(order[0], samples)
            under_way = [threads.submit(self._fill, at, samples) for at in order]
            try:
                for one in under_way:
                    one.result()
                    yield None
            finally:
                for one in under_way:
                    one.cancel()

    def _fill(self, at: int, samples: int) -> None:
        with on_this_thread():
            self._compute(at, samples)

    def _compute(self, at: int, samples: int) -> None:
        value = float(self.frame.x[at])
        scenario = moved(self.frame.scenario, self.frame.question, self.frame.across, value)
        workload = scenario.workloads[self.frame.question.workload]
        if self.frame.across.key == "rate":
            # no step takes another time: the curves of one column are those of all
            if samples not in self.curves:
                self.curves[samples] = Readings(self.frame, workload, samples)
            readings = self.curves[samples]
        else:
            readings = Readings(self.frame, workload, samples)
        self.columns[at] = readings.column(workload.traffic.request_rate_per_s)

    def picture(self, samples: int, done: bool) -> WinMap:
        """The map as far as it is known; columns still to come look like the nearest one."""
        known = np.asarray([column is not None for column in self.columns])
        at = np.flatnonzero(known)
        nearest = at[np.argmin(np.abs(np.arange(len(known))[:, None] - at[None, :]), axis=1)]
        shown = [self.columns[one] for one in nearest]

        def stacked(name: str, kind: type) -> NDArray[np.generic]:
            return np.stack([getattr(column, name) for column in shown]).astype(kind)

        field = self.frame.field(samples)
        preset = self.frame.scenario.workloads[self.frame.question.workload].model.preset
        return WinMap(
            family=self.frame.catalog.model(preset).name if self.frame.across.key == "size" else "",
            across=self.frame.across.key,
            up=self.frame.up.key,
            workload=self.frame.question.workload,
            x=self.frame.x,
            y=self.frame.y,
            present=self.frame.present,  # type: ignore[arg-type]
            contestants=tuple(
                MapContestant(
                    chip=one.deployment.chip.id,
                    name=one.deployment.chip.short_name,
                    unit_noun=one.deployment.chip.unit_noun,
                    cloud=one.deployment.cloud,
                    alternative=one.alternative,
                    reachable=one.reachable,
                    note=one.note,
                )
                for one in field.contestants
            ),
            left_out=dict(field.left_out),
            winner=stacked("winner", np.int16),
            runner_up=stacked("runner_up", np.int16),
            would_win=stacked("would_win", np.int16),
            usd_per_month=stacked("usd_per_month", np.float32),
            runner_up_usd=stacked("runner_up_usd", np.float32),
            probability=stacked("probability", np.float32),
            chips=stacked("chips", np.int32),
            degree=stacked("degree", np.int32),
            closest=stacked("closest", np.int16),
            shortfall=stacked("shortfall", np.float32),
            short_of=stacked("short_of", np.int16),
            metrics=self.frame.metrics(),
            samples=samples,
            price_basis=self.frame.scenario.price.basis,
            share_known=float(known.mean()),
            done=done,
        )


def win_map(
    catalog: Catalog, figures: FigureSets, scenario: Scenario, question: MapQuestion
) -> Generator[WinMap | None, None, WinMap]:
    """The map in parts: a coarse picture first, then ever more columns in full; None between for those who wait.

    Raises ExplorerError for a workload that is not there. The same arguments give the same map.
    """
    made = _Map(MapFrame(catalog, figures, scenario, question))
    count = question.columns
    few = min(FIRST_SAMPLES, question.samples)
    first = np.unique(np.round(np.linspace(0, count - 1, min(FIRST_COLUMNS, count))).astype(int))
    yield from made.fill_all([int(at) for at in first], few)
    yield made.picture(few, done=False)
    made.columns = [None] * count
    steps = max(count // PARTS, 1)
    # every so many columns first, then those between: each part covers the whole width
    order = [at for start in _spread(steps) for at in range(start, count, steps)]
    part = max(count // PARTS, 1)
    for done, _ in enumerate(made.fill_all(order, question.samples), start=1):
        yield made.picture(question.samples, done=False) if done % part == 0 and done < count else None
    return made.picture(question.samples, done=True)


def _spread(count: int) -> list[int]:
    """0 to count-1, each next one far from those before."""
    bits = max(count - 1, 1).bit_length()
    turned = [int(f"{at:0{bits}b}"[::-1], 2) for at in range(2**bits)]
    return [at for at in turned if at < count]

"""Which layout each deployment takes: the cliff of every candidate, and the fewest chips that keep the promises."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.engine.records import StepConstants
from explorer.scenario.schema import Stragglers
from explorer.study.demand import Demand
from explorer.study.deployment import Candidate
from explorer.study.engine_rows import rows_of
from explorer.study.kept import Kept, Same
from explorer.study.resolve import ServedModel
from explorer.study.sizing import LARGEST_LOAD, SAFE_LOAD, grid_of, load_ladder
from explorer.study.solved import Asked
from explorer.study.solver import under_load
from explorer.study.step_grid import StepGrid, stacked_grids

Array = NDArray[np.float64]

SEARCH_LOADS = 24
"""Loads at which every layout is looked at. Of 2,500 choices in the example scenarios, by traffic, size and promises, 2
take other chips than with four times as many loads, at most 2 % more."""


@dataclass(frozen=True)
class Question:
    """What the layouts of all deployments of a workload share."""

    served: ServedModel
    demand: Demand
    limits: Mapping[str, float]
    constants: StepConstants
    stragglers: Stragglers
    sharded: bool

    @property
    def known_by(self) -> Hashable:
        """What two questions must share for a layout's answer to one to be that to the other."""
        return (
            self.served.shape, self.demand, tuple(self.limits.items()), Same(self.constants), self.stragglers,
            self.sharded,
        )  # fmt: skip


@dataclass(eq=False, slots=True)
class _Group:
    """The candidate layouts of one deployment: timed, and put under load where there are several to choose from."""

    grid: StepGrid
    """Of this group and others timed with it; its own rows begin at `first`."""
    first: int
    cliffs: Array
    """Largest rate of one replica that keeps every promise, (layouts,), requests/s; 0 where none does."""
    shortfall: Array
    """ln of latency over promise at hardly any load, of the promise that is farthest off, (layouts,)."""
    saturation: Array
    """Largest rate of one replica, (layouts,), requests/s."""


Pick = tuple[Same, int]
"""A deployment's layouts and the place of the one taken: the same pick has the same step times."""


@dataclass(frozen=True)
class Chosen:
    """The layout each deployment takes, their step times, a row each, and what tells one row from another."""

    candidates: Sequence[Candidate]
    grid: StepGrid
    picks: tuple[Pick, ...]


_QUESTIONS: Kept[Same] = Kept(8)
_GROUPS: Kept[_Group] = Kept(96)
_PICKED: Kept[StepGrid] = Kept(6)
_BOUGHT: Kept[float] = Kept(64)
"""Chips that a deployment of a name and chip took in the frame before."""
LEAST_LOOKED_AT = 2
"""Layouts of a deployment that are looked at in any case: one alone would not be put under load."""


def choose_layouts(
    groups: Sequence[Sequence[Candidate]],
    question: Question,
    rate: float,
    units: Sequence[int],
    *,
    moving: bool = False,
) -> Chosen:
    """For each deployment the candidate with the fewest chips bought that keeps the promises at `rate`, requests/s.

    Ties go to the fewest chips used, then to the largest margin. A number of replicas set by hand is held: where no
    layout keeps the promises with it, the one that keeps them up to the largest rate is taken. Where none keeps them at
    any rate: the one that comes closest to the promises at light load. Only candidates that fit may be given; `units`
    are what each deployment's chips are bought in. While a hand is `moving`, deployments that it leaves alone are not
    timed again, nor layouts of which the fewest replicas take more chips than the best takes in all: no figure depends
    on it.
    """
    if not moving:
        return _chosen(groups, question, rate, units, moving=False)[0]
    names = [(group[0].deployment.name, group[0].deployment.chip.id) for group in groups]
    few = [_few(group, unit, _BOUGHT.get(name)) for group, unit, name in zip(groups, units, names, strict=True)]
    chosen, bought = _chosen(few, question, rate, units, moving=True)
    unsure = [
        len(some) < len(group) and not best < _least(group[len(some) :], unit)
        for some, group, best, unit in zip(few, groups, bought, units, strict=True)
    ]
    if any(unsure):
        whole = [group if doubt else some for group, some, doubt in zip(groups, few, unsure, strict=True)]
        chosen, bought = _chosen(whole, question, rate, units, moving=True)
    for name, chips in zip(names, bought, strict=True):
        _BOUGHT.put(name, chips)
    return chosen


def _fewest_replicas(group: Sequence[Candidate]) -> int:
    """The fewest replicas there may be of a deployment, spares besides."""
    settings = group[0].deployment.settings
    return (1 if settings.replicas == "auto" else settings.replicas) + settings.spare_replicas


def _least(group: Sequence[Candidate], unit: int) -> int:
    """Chips bought for the fewest replicas there may be, in the smallest of these layouts."""
    chips = _fewest_replicas(group) * min([one.chips for one in group])
    return -(-chips // unit) * unit


def _few(group: Sequence[Candidate], unit: int, bought: float | None) -> Sequence[Candidate]:
    """The first layouts, up to the last one whose fewest replicas take no more chips than were `bought` before."""
    if bought is None or math.isinf(bought):
        return group
    # bought are whole units: a layout that needs a part of the next one takes more
    most = bought // unit * unit // _fewest_replicas(group)
    last = max([at for at, one in enumerate(group) if one.chips <= most], default=-1)
    return group[: max(last + 1, LEAST_LOOKED_AT)]


def _chosen(
    groups: Sequence[Sequence[Candidate]], question: Question, rate: float, units: Sequence[int], *, moving: bool
) -> tuple[Chosen, list[float]]:
    """The choice among just these layouts, and the chips that each deployment's best takes: infinite if it fails."""
    known = _GROUPS if moving else Kept[_Group](len(groups))
    shared = _QUESTIONS.of(question.known_by, lambda: Same(object()))
    keys = [_key(shared, group) for group in groups]
    found = {key: known.get(key) for key in keys}
    new = {key: group for key, group in zip(keys, groups, strict=True) if found[key] is None}
    for key, timed in zip(new, _timed(list(new.values()), question), strict=True):
        found[key] = timed
        known.put(key, timed)
    members = [one for key in keys if (one := found[key]) is not None]
    search = _Search(groups, members, question, rate, units)
    picked = search.picks()
    picks = tuple((Same(one), place) for one, place in zip(members, picked, strict=True))

    def stacked() -> StepGrid:
        rows = np.asarray([one.first + at for one, at in zip(members, picked, strict=True)])
        if all(one.grid is members[0].grid for one in members):
            return members[0].grid.rows(rows)
        return stacked_grids([one.grid.rows(rows[at : at + 1]) for at, one in enumerate(members)])

    grid = _PICKED.of(picks, stacked)
    return Chosen([group[place] for group, place in zip(groups, picked, strict=True)], grid, picks), search.bought


def _key(shared: Same, group: Sequence[Candidate]) -> Hashable:
    one = group[0].deployment
    return (
        shared, Same(one.figures), one.weight_precision, one.kv_precision,
        one.settings.token_budget, one.settings.scheduler, one.settings.speculation,
        tuple((candidate.layout, candidate.cap) for candidate in group),
    )  # fmt: skip


def _timed(groups: Sequence[Sequence[Candidate]], question: Question) -> list[_Group]:
    """Time the layouts of several deployments at once, and find between which loads their cliffs lie."""
    if not groups:
        return []
    flat = [candidate for group in groups for candidate in group]
    constants, demand, stragglers = question.constants, question.demand, question.stragglers
    rows = rows_of(flat, constants, stragglers.jitter_sigma)
    grid = grid_of(question.served, demand, rows, constants, stragglers, question.sharded)
    count, choice, limits = len(flat), any(len(group) > 1 for group in groups), question.limits
    ladder = load_ladder(SEARCH_LOADS)[None, :] if choice else np.zeros((1, 0))
    asked = Asked(
        tuple(limits) or ("tpot",), (0.5, 0.99) if "e2e" in limits else (0.99,),
        limits=tuple(limits.items()), beyond=False,
    )  # fmt: skip
    solved = under_load(grid, demand, constants, stragglers, ladder, asked, relative=True)
    # without promises as much as is looked at
    cliffs = solved.saturation * (LARGEST_LOAD if choice else 0.0) if solved.within is None else solved.within
    shortfall = np.zeros(count)
    if choice and limits:
        light = [np.log(solved.table[metric][0.99][:, 0] / limit) for metric, limit in limits.items()]
        shortfall = np.maximum.reduce(light)
    found: list[_Group] = []
    first = 0
    for group in groups:
        own = slice(first, first + len(group))
        found.append(_Group(grid, first, cliffs[own], shortfall[own], solved.saturation[own]))
        first = own.stop
    return found


Need = tuple[float, float, float]
"""Chips bought, chips used, replicas: whole numbers."""


class _Search:
    """The best layout of each deployment for one rate; `members` are those of `groups`, in order."""

    def __init__(
        self,
        groups: Sequence[Sequence[Candidate]],
        members: Sequence[_Group],
        question: Question,
        rate: float,
        units: Sequence[int],
    ) -> None:
        self._members, self._limits, self._rate = members, question.limits, rate
        self.bought = [math.inf] * len(groups)
        """Chips that the best layout of each deployment takes; infinite where none keeps the promises, or is sought."""
        counts = [len(group) for group in groups]
        self._chips = np.asarray([one.chips for group in groups for one in group])
        # each instance of a replica serves as one of the closed form, before it is simulated
        self._instances = np.asarray([one.layout.instances for group in groups for one in group])
        settings = [group[0].deployment.settings for group in groups]
        self._spares = np.repeat([one.spare_replicas for one in settings], counts)
        self._set = np.repeat([0 if one.replicas == "auto" else one.replicas for one in settings], counts)
        """Replicas set by hand; 0: as many as it takes."""
        self._units = np.repeat(units, counts)
        ends = np.cumsum(counts).tolist()
        self._rows = [range(end - count, end) for count, end in zip(counts, ends, strict=True)]

    def picks(self) -> list[int]:
        """The place of the best layout of each deployment among its own."""
        if len(self._chips) == len(self._rows):
            return [0] * len(self._rows)
        ranks = self._ranks()
        best = [min(rows, key=ranks.__getitem__) for rows in self._rows]
        self.bought = [math.inf if ranks[row][0] else float(ranks[row][1]) for row in best]
        return [row - rows.start for row, rows in zip(best, self._rows, strict=True)]

    def _needed(self, cliffs: Array) -> list[Need]:
        """What each layout needs to carry the traffic with given cliffs (rows,), requests/s; or has, if set by hand."""
        replicas = np.maximum(np.ceil(self._rate / cliffs - 1e-9), 1.0)
        replicas = np.where(self._set > 0, self._set, replicas)
        used = (replicas + self._spares) * self._chips
        bought = np.ceil(used / self._units - 1e-9) * self._units
        return list(zip(bought.tolist(), used.tolist(), replicas.tolist(), strict=True))

    def _ranks(self) -> list[tuple[int, float, float, float, int]]:
        """What decides between layouts, the best least."""
        cliffs = np.concatenate([one.cliffs for one in self._members]) * self._instances
        saturation = np.concatenate([one.saturation for one in self._members]) * self._instances
        shortfall = np.concatenate([one.shortfall for one in self._members]).tolist()
        needs = self._needed(np.where(cliffs > 0, cliffs, SAFE_LOAD * saturation))
        enough = self._rate * (1.0 - 1e-9)
        return [
            (0, bought, used, -replicas * cliff, row)
            if cliff > 0 and replicas * cliff >= enough
            else (1, -replicas * cliff, used, 0.0, row)
            if cliff > 0
            else (2, short, used, 0.0, row)
            for row, ((bought, used, replicas), cliff, short) in enumerate(
                zip(needs, cliffs.tolist(), shortfall, strict=True)
            )
        ]

"""The serving simulation behind an outcome: each alternative's replica under load, in stages that grow surer.

Brings numba: import it in the worker process and on the command line only. Everything is a function of the scenario
and its seed; the same draws serve every load and every slider position, so that curves neither jump nor wobble.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from explorer.scenario.schema import Scenario
from explorer.study.correction import NONE, Correction, Corrections, key_of
from explorer.study.evaluate import Evaluator
from explorer.study.outcome import AlternativeOutcome, Outcome
from explorer.study.settled_point import WANTED, moved_along, settle, unsureness
from explorer.study.simulated_replica import LEVELS, MOST_TOGETHER, Run, SimulatedReplica, summary
from explorer.study.simulated_server import replica_to_simulate

Array = NDArray[np.float64]

FIRST_REQUESTS = 1_000
"""Simulated at each load of the first curve after a slider rests."""
UNSEEN_SPREAD = 0.3
"""How much farther (natural log) the band reaches at the largest rate than at the last load believed."""
PRIOR_SPREAD = 0.1
"""Standard deviation (natural log) of simulated over closed form, as far as a first look with few requests believes."""
QUICK_SAMPLES = 12
LEAST_SAMPLES = 8
SIZINGS, OWN_SIZINGS = 4, 2
"""Times that replicas are counted anew on what simulation found, at most: of all, and of the selected one first."""
HALVINGS = 3
"""Times that the way between two loads is halved where gaps between tokens jump."""
JUMP, NARROW = 0.3, 0.02
"""A jump: by how much (natural log) P50 or P99 of the gaps differ, over at least that share of the largest rate."""
SHOWN = [LEVELS.index(0.5), LEVELS.index(0.99)]
"""Places of the quantiles that curves are drawn of."""
THREADS = max(os.cpu_count() or 1, 1)
THREADED_FROM = 5_000
"""Requests a load from which threads gain: of shorter runs most is the interpreter's own work, for which threads only
wait for each other (first curves after 46-64 ms with one thread, 78-106 ms with two)."""


def correction_of(
    replica: SimulatedReplica, runs: Sequence[Run], saturation: float, count: int, method: str, *, first_look: bool
) -> Correction:
    """The ratio of simulated to closed form at the loads whose runs had time to settle, and how sure it is.

    A first look takes each ratio as a measurement beside what is known of ratios (normal, PRIOR_SPREAD): so few
    requests would else have replicas and cost jump with the luck of the draw.
    """
    ordered = sorted(runs, key=lambda run: run.load)
    settled = [run for run in ordered if run.settled] or ordered[:1]
    loads = np.array([run.load for run in settled])
    closed = replica.closed_form(loads)
    ratio: dict[str, dict[float, Array]] = {}
    below: dict[str, dict[float, Array]] = {}
    above: dict[str, dict[float, Array]] = {}
    # beyond the last load believed nothing was seen: the ratio stays, and ever less is known
    seen = loads[-1] >= 1.0
    for metric in replica.metrics:
        known = all(metric in run.value for run in settled)
        for at, q in enumerate(LEVELS):
            parts = [np.zeros(loads.size)] * 3
            if known:
                value, low, high = (
                    np.array([getattr(run, name)[metric][at] for run in settled]) for name in ("value", "low", "high")
                )
                parts = [
                    np.log(value / closed[metric][q]),
                    np.log(value / np.maximum(low, 1e-3 * value)),
                    np.log(np.minimum(high, 1e3 * value) / value),
                ]
                if first_look:
                    deviation = 0.5 * (parts[1] + parts[2]) / 1.96
                    parts[0] = parts[0] * PRIOR_SPREAD**2 / (PRIOR_SPREAD**2 + deviation**2)
            if not seen:
                ends = (parts[0][-1], parts[1][-1] + UNSEEN_SPREAD, parts[2][-1] + UNSEEN_SPREAD)
                parts = [np.append(part, end) for part, end in zip(parts, ends, strict=True)]
            for table, part in zip((ratio, below, above), parts, strict=True):
                table.setdefault(metric, {})[q] = part
    capacity = replica.capacity(saturation, ratio)
    return Correction(
        method, count, replica.layout, capacity, loads if seen else np.append(loads, 1.0), ratio, below, above,
        known=replica.known,
    )  # fmt: skip


@dataclass(eq=False)
class _Progress:
    """One alternative on its way: its replica, and the runs made so far at the present number of requests."""

    replica: SimulatedReplica
    saturation: float = float("nan")
    count: int = 0
    runs: dict[float, Run] = field(default_factory=dict)
    points: dict[float, tuple[Run, int]] = field(default_factory=dict)
    """Operating points, by load, as further runs have them, with the requests of these; one for each number of replicas
    that was thought of."""

    def missing(self, count: int, *, every: int) -> list[float]:
        """Loads still to be run for that many requests: one of so many, and the operating point."""
        if count != self.count:
            self.saturation, self.count, self.runs, self.points = self.replica.saturation(count), count, {}, {}
        if not np.isfinite(self.saturation):
            return []
        loads = self.replica.loads(self.saturation)
        if every > 1:
            loads = [*loads[:-1:every], *loads[-1:]]
        return [load for load in loads if load not in self.runs]

    def too_short(self) -> list[tuple[float, int]]:
        """Loads whose runs are short beside what they take to settle, with the requests they should have.

        The operating point goes by how sure it is.
        """
        own, replica, count = self.own_run, self.replica, self.count
        wanted = [(run, replica.long_enough(run.settles, count)) for run in self.runs.values() if run is not own]
        return [(run.load, requests) for run, requests in wanted if run.requests < requests]

    def between_jumps(self) -> list[float]:
        """Loads half way between two that had time to settle, where gaps between tokens are of other kinds of steps."""
        settled = (run for run in self.runs.values() if run.settled and "itl" in run.value)
        ordered = sorted(settled, key=attrgetter("load"))
        return [
            0.5 * (one.load + other.load)
            for one, other in pairwise(ordered)
            if other.load - one.load > NARROW
            and np.max(np.abs(np.log(other.value["itl"][SHOWN] / one.value["itl"][SHOWN]))) > JUMP
        ]

    def moved_to(self, replica: SimulatedReplica) -> None:
        """The same alternative with another number of replicas: runs stay where arrivals are alike."""
        if replica.arrivals_alike != self.replica.arrivals_alike:
            self.count, self.runs, self.points = 0, {}, {}
        self.replica = replica

    @property
    def own_run(self) -> Run | None:
        """The run at the operating point along the load; None where it cannot be carried."""
        return self.runs.get(self.replica.own_load(self.saturation))

    def correction(self, wanted: int) -> Correction:
        """What the runs say, with `wanted` requests a load or fewer so far."""
        runs, count = moved_along(list(self.runs.values()), [run for run, _ in self.points.values()]), self.count
        method = f"simulation, {count:,} requests{_together(self.replica)}"
        own = self.points.get(self.replica.own_load(self.saturation))
        if own is not None:
            method += f", {own[1]:,} at your traffic"
        return correction_of(self.replica, runs, self.saturation, count, method, first_look=count < wanted)


class Refinement:
    """A scenario's simulation in stages; what is found so far is in `corrections`."""

    def __init__(self, evaluator: Evaluator, scenario: Scenario, workload: int = 0) -> None:
        """`workload` is the one on the screen: it comes first, its selected alternative before all others."""
        self._evaluator, self._scenario = evaluator, scenario
        self.corrections: Corrections = NONE
        self._order = _in_order(scenario, workload)
        self._progress: dict[tuple[int, int], _Progress] = {}
        self._pool = ThreadPoolExecutor(THREADS)

    def stages(self, *, watched: bool = True) -> Iterator[Outcome | None]:
        """An outcome at the end of every stage, the last one final, and None between pieces of work.

        First the selected alternative with few requests at every other load, then all of them at every load with the
        draws of all open figures, then as many requests as the scenario asks for, first the selected one and its
        operating point until its P99 is known to a few percent, and at last longer runs near the largest rate and more
        loads where curves jump. Where nobody watches, the first is left out and only the last is evaluated further than
        layouts and replicas need.
        """
        try:
            wanted = self._scenario.simulation.requests
            few = min(FIRST_REQUESTS, wanted)
            # layouts and replicas only: bands of latencies nobody is shown would take half of the first look
            outcome = self._evaluator.evaluate(self._scenario, LEAST_SAMPLES, frozenset())
            if watched:
                yield from self._simulate(outcome, self._order[:1], few, every=2)
                yield self._evaluate(QUICK_SAMPLES)
            yield from self._simulate(outcome, self._order, few)
            looked_at = None if watched else LEAST_SAMPLES
            outcome = self._evaluate(looked_at)
            if few < wanted and watched:
                yield outcome
            for _ in range(SIZINGS):
                for _ in range(OWN_SIZINGS):
                    yield from self._simulate(outcome, self._order[:1], wanted)
                    yield from self._settle_points(self._order[:1])
                    outcome = self._evaluate(looked_at)
                    if watched:
                        yield outcome
                    if self._stands_for(outcome, self._order[:1]):
                        break
                yield from self._simulate(outcome, self._order[1:], wanted)
                outcome = self._evaluate(looked_at)
                if not self._stands_for(outcome, self._order):
                    continue
                if watched:
                    yield outcome
                yield from self._settle_points(self._order)
                yield from self._finish_curves()
                outcome = self._evaluate(looked_at)
                if self._stands_for(outcome, self._order):
                    break
            else:
                yield from self._simulate(outcome, self._order, wanted)
                yield from self._settle_points(self._order)
            self.corrections = Corrections(self.corrections.of, complete=True)
            yield self._evaluate(None)
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _evaluate(self, samples: int | None) -> Outcome:
        return self._evaluator.evaluate(self._scenario, samples, corrections=self.corrections)

    def _simulate(
        self, outcome: Outcome, places: Sequence[tuple[int, int]], count: int, *, every: int = 1
    ) -> Iterator[None]:
        """Bring these alternatives, (workload, alternative), to that many requests a load, at one load of so many.

        A recording, which is gone through once at each load, has fewer loads while it has that few requests.
        """
        wanting: list[tuple[_Progress, float, int]] = []
        going: list[tuple[tuple[int, int], _Progress]] = []
        for at, number in places:
            found = outcome.workloads[at].alternatives[number]
            if not found.memory.fits or found.replicas < 1:
                continue
            progress = self._prepared(at, number, found)
            going.append(((at, number), progress))
            wanted = self._scenario.simulation.requests
            many = min(progress.replica.arrivals.least(count, progress.replica.replicas), wanted)
            missing = progress.missing(many, every=every + (many > count))
            wanting += [(progress, load, many) for load in missing]
        yield from self._run(wanting)
        for place, progress in going:
            if progress.runs:
                self._take(place, progress)

    def _run(self, wanting: Iterable[tuple[_Progress, float, int]]) -> Iterator[None]:
        """Simulate alternatives at a load each, with so many requests."""
        owner: dict[Future[Run], _Progress] = {}
        for progress, load, count in wanting:
            if count < THREADED_FROM:
                progress.runs[load] = summary(progress.replica, load, progress.saturation, count)
                yield None
            else:
                owner[self._pool.submit(summary, progress.replica, load, progress.saturation, count)] = progress
        for task in as_completed(owner):
            run = task.result()
            owner[task].runs[run.load] = run
            yield None

    def _stands_for(self, outcome: Outcome, places: Sequence[tuple[int, int]]) -> bool:
        """Whether these alternatives were simulated with the replicas that the outcome has."""
        for at, number in places:
            found, progress = outcome.workloads[at].alternatives[number], self._progress.get((at, number))
            runs = found.memory.fits and found.replicas >= 1
            if runs and (progress is None or progress.replica.replicas != found.replicas):
                return False
        return True

    def _settle_points(self, places: Sequence[tuple[int, int]]) -> Iterator[None]:
        """Bring the operating point of each workload's selected alternative among these to a few percent."""
        count = self._scenario.simulation.requests
        for at, number in places:
            workload, progress = self._scenario.workloads[at], self._progress.get((at, number))
            if progress is None or workload.alternatives[number].name != workload.selected:
                continue
            own = progress.own_run
            if own is None:
                continue
            if own.load in progress.points or unsureness(own) <= WANTED:
                continue
            for found in settle(self._pool, progress.replica, own.load, progress.saturation, count, LEVELS):
                if found is None:
                    yield None
                else:
                    progress.points[own.load] = found
            self._take((at, number), progress)

    def _finish_curves(self) -> Iterator[None]:
        """Make longer runs near the largest rate, and add loads where gaps between tokens jump."""
        before = {place: dict(progress.runs) for place, progress in self._progress.items()}
        everyone = self._progress.values()
        yield from self._run([(one, *short) for one in everyone for short in one.too_short()])
        for _ in range(HALVINGS):
            yield from self._run([(one, load, one.count) for one in everyone for load in one.between_jumps()])
        for place, progress in self._progress.items():
            if progress.runs != before[place]:
                self._take(place, progress)

    def _take(self, place: tuple[int, int], progress: _Progress) -> None:
        workload = self._scenario.workloads[place[0]]
        correction = progress.correction(self._scenario.simulation.requests)
        key = key_of(workload, workload.alternatives[place[1]])
        self.corrections = self.corrections.with_one(key, correction)

    def _prepared(self, at: int, number: int, found: AlternativeOutcome) -> _Progress:
        workload = self._scenario.workloads[at]
        known = self._progress.get((at, number))
        if known is not None and known.replica.replicas == max(found.replicas, 1):
            return known
        replica = replica_to_simulate(self._evaluator, self._scenario, workload, workload.alternatives[number], found)
        if known is None:
            known = self._progress[at, number] = _Progress(replica)
        else:
            known.moved_to(replica)
        return known


def _together(replica: SimulatedReplica) -> str:
    """What to say of a shortest queue among more replicas than are simulated together."""
    if replica.server.routing == "random" or replica.replicas <= MOST_TOGETHER:
        return ""
    return f", {MOST_TOGETHER} replicas for {replica.replicas}"


def _in_order(scenario: Scenario, first: int) -> list[tuple[int, int]]:
    """(workload, alternative) of all, the one on the screen first."""
    found: list[tuple[int, int, int, int]] = []
    for at, workload in enumerate(scenario.workloads):
        for number, one in enumerate(workload.alternatives):
            found.append((int(at != first), at, int(one.name != workload.selected), number))
    return [(at, number) for _, at, _, number in sorted(found)]


def simulated_outcome(evaluator: Evaluator, scenario: Scenario) -> Outcome:
    """The final outcome by simulation: what the window shows in the end, in one call."""
    steps = simulated_in_steps(evaluator, scenario)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Outcome = end.value
            return found


def simulated_in_steps(evaluator: Evaluator, scenario: Scenario) -> Generator[None, None, Outcome]:
    """`simulated_outcome`, pausing so that something more urgent can come between."""
    last: Outcome | None = None
    for stage in Refinement(evaluator, scenario).stages(watched=False):
        last = stage or last
        yield
    assert last is not None, "the last stage is an outcome"
    return last

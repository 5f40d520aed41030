"""What is counted of a run: which stretch of it, summed over the replicas, and what is left behind when it is over."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.engine import serving_loop as loop
from explorer.engine.serving_records import Server
from explorer.engine.serving_replicas import Replicas

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which part of a run is counted, and in how many sections."""

    warm_up: float
    drain: bool
    sections: int

    def first(self, count: int) -> int:
        """Index of the first request counted."""
        return min(int(self.warm_up * count), count - 1)

    def last(self, count: int, server: Server, users: int | None) -> int:
        """One past the last request counted: the last batch runs in a server that empties, a twentieth at most.

        A fixed number, whatever the backlog: leaving out what happens to be unfinished would favour good moments.
        """
        together = (users or server.max_batch) * server.replicas
        return count - min(together, (count - self.first(count)) // 20)

    def marks(self, count: int) -> list[int]:
        """Indices of the requests whose arrival begins a section, and of the last arrival."""
        start = self.first(count)
        return [start + (count - 1 - start) * k // self.sections for k in range(self.sections + 1)]


@dataclass(frozen=True, slots=True)
class PoolRun:
    """What a pool did with its requests; times in the order of its requests, seconds."""

    arrival: Array
    admitted: Array
    first: Array
    finish: Array
    stall_to_first: Array
    stall_to_end: Array
    gap_sections: Array
    """Histograms of token gaps by successive stretches, (sections, bins)."""
    gap_bins: slice
    """Which bins of the loop's those are; beyond them there is nothing."""
    tokens: int
    gaps: int
    preemptions: int
    busy_share: float
    mean_batch: float
    batch_time: Array
    kv_mean: float
    kv_peak: int
    time_shares: dict[str, float]

    def with_first_pool(self, before: PoolRun, finish: Array, stalls: Array) -> PoolRun:
        """This decoding pool's figures, with the requests as both pools served them."""
        return replace(
            self,
            arrival=before.arrival,
            admitted=before.admitted,
            first=before.first,
            finish=finish,
            stall_to_first=before.stall_to_first,
            stall_to_end=stalls,
            tokens=self.tokens + before.tokens,
        )


class Tally:
    """Sums over the counted stretch of all replicas, and over the whole run where nothing may be lost."""

    def __init__(self, sections: int, cap: int) -> None:
        self.gap_sections = np.zeros((sections, loop.BINS))
        self.batch_time = np.zeros(cap + 2)
        self.state = np.zeros(loop.FLOAT_STATE)
        self.elapsed = 0.0
        self.tokens = self.gaps = self.preemptions = self.peak = 0
        self._before: tuple[Array, Array, Array] | None = None
        self._first_bin, self._end_bin = loop.BINS - 1, 1

    def begin(self, replicas: Replicas) -> None:
        """Start counting from here."""
        self._before = (replicas.sf.copy(), replicas.batch_time.copy(), replicas.gaps.copy())

    def section(self, replicas: Replicas, k: int) -> None:
        """Put the gaps since the last section into section k."""
        assert self._before is not None
        octaves = np.flatnonzero(replicas.gaps.reshape(-1, loop.SUB_BINS).max(axis=1))
        if octaves.size:
            first, last = int(octaves[0]) * loop.SUB_BINS, int(octaves[-1] + 1) * loop.SUB_BINS
            gaps, before = replicas.gaps[first:last], self._before[2]
            self.gap_sections[k, first:last] += gaps - before[first:last]
            before[first:last] = gaps
            self._first_bin, self._end_bin = min(self._first_bin, first), max(self._end_bin, last)

    def stop(self, replicas: Replicas, elapsed: float) -> None:
        """Stop counting; `elapsed` seconds since the beginning, summed over the replicas."""
        assert self._before is not None
        self.state += (replicas.sf - self._before[0]).sum(axis=0)
        self.batch_time += replicas.batch_time - self._before[1]
        self.elapsed += elapsed

    def idle(self, elapsed: float) -> None:
        """A replica that no request went to."""
        self.elapsed += elapsed

    def finish(self, replicas: Replicas) -> None:
        """The run is over: sums that nothing is left out of."""
        total = replicas.si.sum(axis=0)
        self.tokens += int(total[loop.TOKENS])
        self.gaps += int(total[loop.GAPS])
        self.preemptions += int(total[loop.PREEMPTIONS])
        self.peak = max(self.peak, int(replicas.si[:, loop.PEAK].max()))

    def result(self, rf: Array, overhead_s: float, makes_first: bool) -> PoolRun:
        """The run, seen from outside: arrivals before the host's overhead."""
        busy = float(self.state[loop.BUSY])
        # a step counts when it ends, so that a stretch may hold a part of a step more than its time
        in_steps, whole = max(busy, 1e-300), max(self.elapsed, busy, 1e-300)
        prompts, stalls = float(self.state[loop.PROMPT_TIME]), float(self.state[loop.STALL_TIME])
        shares = {
            "prompts": prompts / whole,
            "decode": (busy - prompts - stalls) / whole,
            "stalls": stalls / whole,
            "idle": 1.0 - busy / whole,
        }
        # of a run without gaps the ends stand the other way round: its bins are empty, whichever are shown
        first, last = sorted((self._first_bin, self._end_bin))
        return PoolRun(
            arrival=rf[:, loop.ARRIVAL] - overhead_s,
            admitted=rf[:, loop.ADMITTED],
            first=rf[:, loop.FIRST],
            finish=rf[:, loop.FINISH],
            stall_to_first=rf[:, loop.STALL_TO_FIRST] if makes_first else np.zeros(rf.shape[0]),
            stall_to_end=rf[:, loop.STALL_TO_END],
            gap_sections=self.gap_sections[:, first:last],
            gap_bins=slice(first, last),
            tokens=self.tokens,
            gaps=self.gaps,
            preemptions=self.preemptions,
            busy_share=busy / whole,
            mean_batch=float(self.state[loop.SEQUENCE_TIME]) / in_steps,
            batch_time=self.batch_time,
            kv_mean=float(self.state[loop.KV_TIME]) / in_steps,
            kv_peak=self.peak,
            time_shares=shares,
        )

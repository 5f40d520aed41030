"""A replica in a closed loop, simulated: users who ask again when served, and the rate that comes of it.

Brings numba, as `simulation` does. Loads are shares of the most users looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.engine.serving import Simulated, simulate
from explorer.study.banded import METRICS
from explorer.study.closed_loop import RATE, at_users, widened
from explorer.study.simulated_replica import LEVELS, SimulatedReplica

__all__ = ["SimulatedUsers", "widened"]

Array = NDArray[np.float64]

NUMBERS = 14
"""Numbers of users at which a replica is simulated, besides the stated one."""


@dataclass(frozen=True)
class SimulatedUsers(SimulatedReplica):
    """One replica and its users."""

    users: int = 1
    """Whose requests are worked on together: those stated, as far as memory holds them."""
    most: int = 1
    """Most users looked at."""

    @property
    def arrivals_alike(self) -> tuple[float, ...]:
        """Users of one replica know nothing of the others."""
        return ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """The rate is an outcome too."""
        return (*METRICS, RATE)

    def loads(self, saturation: float) -> list[float]:
        """From one user to the most, the stated number among them."""
        numbers = {round(one) for one in np.geomspace(1, self.most, NUMBERS)} | {self.users}
        return [number / self.most for number in sorted(numbers)]

    def own_load(self, saturation: float) -> float:
        """The stated users as a share of the most."""
        return min(self.users / self.most, 1.0 - 1e-9)

    def settles(self, run: Simulated, load: float) -> float:
        """All start at once: it takes as many requests as there are users until they have drifted apart."""
        return max(round(load * self.most), 1)

    def long_enough(self, settles: float, count: int) -> int:
        """So many users wait at most: there are no longer queues for a run to miss."""
        return count

    def missed(self, settles: float, count: int) -> Array:
        """Nothing, for the same reason."""
        return np.zeros(len(LEVELS))

    def further(self, run: Simulated) -> dict[str, float]:
        """The rate by Little's law: a user is served once in the mean time of a request."""
        return {RATE: run.users / float(np.mean(run.e2e[run.counted]))}

    def capacity(self, saturation: float, ratio: Mapping[str, Mapping[float, Array]]) -> float:
        """The rate of the most users over that of the closed form."""
        return float(np.exp(ratio[RATE][0.5][-1]))

    def run(self, load: float, saturation: float, count: int) -> Simulated:
        """The replica with a share of the most users."""
        requests = self.requests(1.0, count)
        run = simulate(
            self.served(requests), self.server,
            seed=self.seed, users=max(round(load * self.most), 1), saturation=saturation,
        )  # fmt: skip
        return self.told(run, requests)

    def closed_form(self, loads: Array) -> dict[str, dict[float, Array]]:
        """Quantiles and rate of the closed form at shares of the most users, (loads,) each."""
        most = np.asarray([[float(self.most)]])
        served = at_users(self.closed, loads[None, :] * self.most, most, quantiles=LEVELS)
        found = {metric: {q: values[0] for q, values in of.items()} for metric, of in served.found.table.items()}
        return {**found, RATE: dict.fromkeys(LEVELS, served.rate[0])}

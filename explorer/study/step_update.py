"""What measurements of the user's own say about the step time of one deployment: a shift, and what spread is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StepUpdate:
    """The posterior of ln(true step time/step time of the engine), as explorer.study.benchmarks.posterior has it.

    Two updates are the same where they come from the same benchmarks under the same figures (`key`).
    """

    key: tuple[object, ...]
    shift: float
    """Mean: steps take exp(shift) times as long as the engine said."""
    spread: float
    """Standard deviation of what a further run at any load would show about it."""
    prior_spread: float
    """That of the evidence grade alone."""
    runs: int
    """Imported files that count."""
    rows: int
    drift: Callable[[Mapping[str, Array]], Array] | None = field(default=None, compare=False, repr=False)
    """For drawn values (samples,) of open figures: by how much less (ln) each draw is to be shifted, since with it the
    engine would have said something else of the rows; (samples,). None where no figure is open."""

    def shifts(self, draws: Mapping[str, Array]) -> float | Array:
        """The shift under each draw of the open figures, (samples,), or of none."""
        return self.shift if self.drift is None or not draws else self.shift - self.drift(draws)

"""How far predictions are from measurements: error, bias and band coverage of any set of rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from explorer.study.evidence.null import chip_median_error, share_of_limit_error
from explorer.study.evidence.predict import Prediction
from explorer.study.evidence.spread import ENOUGH_CHIPS, ENOUGH_CLUSTERS, ENOUGH_ROWS
from explorer.study.evidence.widths import half_width

LEAST_COVERAGE = 0.80
"""Share that a band of stated 90 % has to hold wherever its coverage is claimed."""

WANTED_GAIN = 0.30
"""Share by which the engine is to beat a null predictor."""


@dataclass(frozen=True)
class Score:
    """One line of the report; errors and coverage are shares, bias is the median of ln(predicted/measured)."""

    name: str
    rows: int
    clusters: int
    chips: int
    median_error: float
    p90_error: float
    bias: float
    coverage: float
    coverage_by_cluster: float
    """Mean over clusters of each cluster's covered share."""
    null_limit: float | None
    null_chip: float

    @property
    def enough(self) -> bool:
        """Enough rows, clusters and chips to claim the band's coverage."""
        return self.rows >= ENOUGH_ROWS and self.clusters >= ENOUGH_CLUSTERS and self.chips >= ENOUGH_CHIPS

    @property
    def holds(self) -> bool:
        """The band holds its share of rows, and of the rows of each cluster on average."""
        return min(self.coverage, self.coverage_by_cluster) >= LEAST_COVERAGE

    @property
    def beats_null(self) -> bool:
        """Better than each null predictor by 30 % or more."""
        nulls = [self.null_chip] if self.null_limit is None else [self.null_chip, self.null_limit]
        return all(self.median_error <= (1.0 - WANTED_GAIN) * error for error in nulls)

    def data(self) -> dict[str, Any]:
        """For JSON."""
        said = {"enough_data": self.enough, "band_holds": self.holds, "beats_null_by_30_percent": self.beats_null}
        return {**asdict(self), **said}


def score(name: str, values: Sequence[Prediction]) -> Score:
    """The score of some predictions; ValueError when there are none."""
    if not values:
        raise ValueError(f"no predictions to score under '{name}'")
    residuals = np.asarray([value.residual for value in values])
    errors = np.abs(np.expm1(residuals))
    inside = [abs(value.residual) <= half_width(value.row, value.metric) for value in values]
    clusters: dict[str, list[bool]] = defaultdict(list)
    for value, covered in zip(values, inside, strict=True):
        clusters[value.row.cluster].append(covered)
    return Score(
        name=name,
        rows=len(values),
        clusters=len(clusters),
        chips=len({value.row.chip_label for value in values}),
        median_error=float(np.median(errors)),
        p90_error=float(np.quantile(errors, 0.9)),
        bias=float(np.median(residuals)),
        coverage=float(np.mean(inside)),
        coverage_by_cluster=float(np.mean([np.mean(each) for each in clusters.values()])),
        null_limit=share_of_limit_error(values),
        null_chip=chip_median_error(values),
    )


def scores_by(values: Iterable[Prediction], key: Callable[[Prediction], Hashable]) -> list[Score]:
    """A score for each value of `key`, in its order."""
    groups: dict[Hashable, list[Prediction]] = defaultdict(list)
    for value in values:
        groups[key(value)].append(value)
    return [score(str(name), groups[name]) for name in sorted(groups, key=str)]

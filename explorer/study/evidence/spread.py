"""Bands from residuals: how wide a 90 % band must be, by quantity and evidence grade, and what it covers unseen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.study.evidence.predict import Prediction
from explorer.study.evidence.rows import Row
from explorer.study.evidence.widths import GRADES, quantity_of

LEVEL = 0.90
MARGIN: Mapping[str, float] = {"tpot_dense": 1.15, "tpot_moe": 1.10, "ttft_closed": 1.1, "ttft_alone": 1.3}
"""Factor on a quantile for which other chips must stand in; 1.1 where not named, more where few speak: the first
token alone is known from 44 rows of three model families."""
ONE_GRADE_DOWN = 1.2
FEWEST_CHIPS = 2
CHIP_TO_CHIP = 0.30
"""Spread (ln) of the bias from one datasheet chip to the next: 0.17 in throughput (five chips), 0.35 in rates within
limits of latency (three), 0.6 in latencies at a rate (two); sample deviations."""
_NORMAL_90 = 1.645

ENOUGH_ROWS, ENOUGH_CLUSTERS, ENOUGH_CHIPS = 100, 10, 3
"""Below these a band's coverage is not claimed: the rows of one sweep are no independent trials."""

Widths = dict[str, dict[str, float]]


def weighted_quantile(values: Sequence[float], weights: Sequence[float], q: float) -> float:
    """The smallest value below which a share q of the weight lies."""
    order = np.argsort(values)
    reached = np.cumsum(np.asarray(weights)[order])
    return float(np.asarray(values)[order][min(int(np.searchsorted(reached, q * reached[-1])), len(order) - 1)])


def _width(values: Sequence[Prediction]) -> float:
    """90 % quantile of |ln(predicted/measured)|, each cluster of g rows having weight sqrt(g)."""
    sizes: dict[str, int] = defaultdict(int)
    for value in values:
        sizes[value.row.cluster] += 1
    return weighted_quantile(
        [abs(value.residual) for value in values], [sizes[value.row.cluster] ** -0.5 for value in values], LEVEL
    )


def estimated_widths(values: Iterable[Prediction]) -> Widths:
    """Half-widths in ln by quantity and grade.

    A grade's own quantile where two chips or more speak, with a margin; never narrower than a better grade's times
    1.2; a grade of which nothing was measured takes the next better one's times 1.2. Where fewer than two datasheet
    chips speak, the spread from chip to chip, which one chip cannot show, is added.
    """
    groups: dict[str, dict[str, list[Prediction]]] = defaultdict(lambda: defaultdict(list))
    for value in values:
        groups[quantity_of(value.row, value.metric)][value.row.grade].append(value)
    result: Widths = {}
    for quantity, grades in groups.items():
        margin = MARGIN.get(quantity, 1.1)
        every = [value for own in grades.values() for value in own]
        width = 0.0
        result[quantity] = {}
        for grade in GRADES:
            own = grades.get(grade, [])
            floor = width * ONE_GRADE_DOWN
            if own:
                floor = max(floor, margin * _width(own))
            if len({value.row.chip_label for value in own}) < FEWEST_CHIPS:
                floor = max(floor, ONE_GRADE_DOWN * _width(every))
                if grade == "datasheet":
                    floor = float(np.hypot(floor, _NORMAL_90 * CHIP_TO_CHIP))
            width = floor
            result[quantity][grade] = width
    return result


@dataclass(frozen=True)
class Covered:
    """Share of values inside bands that were estimated without the values' own chip."""

    name: str
    rows: int
    clusters: int
    chips: int
    share: float
    by_cluster: float

    @property
    def enough(self) -> bool:
        """Enough rows, clusters and chips to claim this coverage; elsewhere the band is a stated judgement."""
        return self.rows >= ENOUGH_ROWS and self.clusters >= ENOUGH_CLUSTERS and self.chips >= ENOUGH_CHIPS


def chip_of(row: Row) -> str:
    """The chip of a row, as the key by which rows are left out together."""
    return row.chip.id if row.chip is not None else row.chip_label


def family_of(row: Row) -> str:
    """The model family of a row, as the key by which rows are left out together."""
    return row.model.family if row.model is not None else row.model_label


def covered_unseen(
    values: Sequence[Prediction], group: Callable[[Row], str] = chip_of
) -> list[tuple[Prediction, bool]]:
    """Each value with whether a band estimated without its group (its chip) holds it.

    Values of a quantity that no other group speaks of are left out.
    """
    result: list[tuple[Prediction, bool]] = []
    for key in sorted({group(value.row) for value in values}):
        widths = estimated_widths(value for value in values if group(value.row) != key)
        for value in values:
            if group(value.row) == key:
                quantity = quantity_of(value.row, value.metric)
                if quantity in widths:
                    result.append((value, abs(value.residual) <= widths[quantity][value.row.grade]))
    return result


def coverage(name: str, pairs: Sequence[tuple[Prediction, bool]]) -> Covered:
    """The share covered, over rows and as the mean over clusters; ValueError when there are no rows."""
    if not pairs:
        raise ValueError(f"nothing to count the coverage of under '{name}'")
    clusters: dict[str, list[bool]] = defaultdict(list)
    for value, inside in pairs:
        clusters[value.row.cluster].append(inside)
    return Covered(
        name=name,
        rows=len(pairs),
        clusters=len(clusters),
        chips=len({value.row.chip_label for value, _ in pairs}),
        share=float(np.mean([inside for _, inside in pairs])),
        by_cluster=float(np.mean([np.mean(inside) for inside in clusters.values()])),
    )


def coverages(pairs: Sequence[tuple[Prediction, bool]]) -> list[Covered]:
    """Coverage of everything, then of each evidence grade and quantity."""
    groups: dict[str, list[tuple[Prediction, bool]]] = defaultdict(list)
    for value, inside in pairs:
        place = GRADES.index(value.row.grade)
        groups[f"{place}{value.row.grade}, {quantity_of(value.row, value.metric)}"].append((value, inside))
    return [coverage("all", pairs), *(coverage(name[1:], groups[name]) for name in sorted(groups))] if pairs else []

"""What the tail plot shows of one workload, ready to be laid out: curves, notes and words; no pixels yet."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from explorer.plots.measured_marks import MeasuredMark, measured_marks
from explorer.plots.metric_switch import MEANING
from explorer.plots.polylines import Points
from explorer.plots.tail_axes import Axes, latency_unit
from explorer.plots.tail_curves import EMPTY, Curves, curves_of, drawable, value_at
from explorer.plots.tail_labels import LineNote, Mark, Notes
from explorer.plots.tail_words import heading_notes, subtitles, traffic_words, x_labels
from explorer.plots.tokens import MAX_CHIPS
from explorer.scenario.quantities import QUANTITIES
from explorer.study.banded import Metric
from explorer.study.outcome import AlternativeOutcome, Array, WorkloadOutcome

ROOM_ABOVE = 1e-3
"""Decades above the plot to which lines are drawn, so that they are seen to leave it."""


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """One alternative as drawn: points of shape (points,), requests/s and seconds."""

    label: str
    p99_rates: Array
    p99_seconds: Array
    p50_rates: Array
    p50_seconds: Array
    operating_p99: float | None
    cliff_rate: float | None


@dataclass(frozen=True, slots=True)
class TailValues:
    """What the tail plot shows at this moment."""

    metric: Metric
    axes: Axes
    lines: tuple[DrawnLine, ...]
    promise: float | None
    request_rate: float
    baseline_rates: Array
    baseline_seconds: Array
    measured: tuple[MeasuredMark, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameWords:
    """What stands around the curves; of each the longest wording first."""

    subtitles: tuple[str, ...]
    notes: tuple[str, ...]
    x_labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TailContent:
    """One workload on its axes; two contents are the same only where they are one object."""

    workload: WorkloadOutcome
    metric: Metric
    axes: Axes
    curves: tuple[Curves, ...]
    ghost: Points | None
    """The baseline's selected alternative, (requests/s, log10 seconds)."""
    notes: Notes
    words: FrameWords

    def values(self) -> TailValues:
        """The numbers behind the picture."""
        rates, logs = (EMPTY, EMPTY) if self.ghost is None else self.ghost
        return TailValues(
            metric=self.metric,
            axes=self.axes,
            lines=tuple(
                _drawn_line(alternative, self.metric, made)
                for alternative, made in zip(self.workload.alternatives, self.curves, strict=False)
            ),
            promise=self.workload.objectives.get(self.metric),
            request_rate=self.workload.chosen.request_rate,
            baseline_rates=rates,
            baseline_seconds=10.0**logs,
            measured=self.notes.measured,
        )


def tail_content(
    workload: WorkloadOutcome, baseline: WorkloadOutcome | None, metric: Metric, axes: Axes, final: bool
) -> TailContent:
    """One latency of a workload, with the selected alternative of `baseline` as a ghost line."""
    ceiling = math.log10(axes.latency.high) + ROOM_ABOVE
    shown = workload.alternatives[:MAX_CHIPS]
    curves = curves_of(shown, metric, ceiling, workload.selected)
    lines = [LineNote(order, one.label, *made.p99) for order, (one, made) in enumerate(zip(shown, curves, strict=True))]
    ghost = _ghost(baseline, metric, ceiling)
    # A baseline just pinned lies under its own line: no second label for one line.
    if ghost is not None and not any(_same(ghost, one.p99) for one in curves):
        lines.append(LineNote(-1, "baseline", *ghost))
    return TailContent(
        workload=workload,
        metric=metric,
        axes=axes,
        curves=curves,
        ghost=ghost,
        notes=_notes(workload, shown, metric, tuple(line for line in lines if line.x.size)),
        words=FrameWords(
            subtitles=subtitles(
                MEANING[metric], latency_unit(axes.latency)[0], measured=any(one.measured for one in shown)
            ),
            notes=heading_notes(workload.chosen, metric, final),
            x_labels=x_labels(workload.chosen),
        ),
    )


def _notes(
    workload: WorkloadOutcome, shown: tuple[AlternativeOutcome, ...], metric: Metric, lines: tuple[LineNote, ...]
) -> Notes:
    rings: list[Mark] = []
    cliffs: list[Mark] = []
    measured: list[MeasuredMark] = []
    for order, alternative in enumerate(shown):
        measured.extend(measured_marks(order, alternative, metric))
        here, cliff = _operating_p99(alternative, metric), _cliff_rate(alternative)
        if here is not None:
            rings.append(Mark(order, alternative.request_rate, here))
        height = None if cliff is None else value_at(alternative.rates, alternative.curves[metric].p99, cliff)
        if cliff is not None and height is not None:
            cliffs.append(Mark(order, cliff, height))
    promise, rate = workload.objectives.get(metric), workload.chosen.request_rate
    nothing = not any(note.index >= 0 for note in lines)
    return Notes(
        lines=lines,
        rings=tuple(rings),
        cliffs=tuple(cliffs),
        measured=tuple(measured),
        promise=None if promise is None else (promise, f"promise {QUANTITIES['seconds'].format(promise)}"),
        traffic=(rate, traffic_words(workload.chosen)),
        sentence="no alternative can carry any load: see Memory fit" if nothing else "",
    )


def _ghost(baseline: WorkloadOutcome | None, metric: Metric, ceiling: float) -> Points | None:
    if baseline is None:
        return None
    then = baseline.chosen
    points = drawable(then.rates, then.curves[metric].p99, then.saturation_rate, ceiling)
    return points if points[0].size else None


def _same(first: Points, second: Points) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True))


def _drawn_line(alternative: AlternativeOutcome, metric: Metric, curves: Curves) -> DrawnLine:
    return DrawnLine(
        label=alternative.label,
        p99_rates=curves.p99[0],
        p99_seconds=10.0 ** curves.p99[1],
        p50_rates=curves.p50[0],
        p50_seconds=10.0 ** curves.p50[1],
        operating_p99=_operating_p99(alternative, metric),
        cliff_rate=_cliff_rate(alternative),
    )


def _operating_p99(alternative: AlternativeOutcome, metric: Metric) -> float | None:
    here = alternative.latency[metric].p99
    return here.value if here is not None and math.isfinite(here.value) else None


def _cliff_rate(alternative: AlternativeOutcome) -> float | None:
    cliff = alternative.max_request_rate
    return cliff if cliff > 0 and math.isfinite(cliff) else None

"""What measurements stand behind a chip: its rows, what the engine says of each, and how far off it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal

from explorer.catalog import Catalog
from explorer.catalog.calibration import load_calibration
from explorer.study.evidence.constants import serving_constants
from explorer.study.evidence.predict import Prediction, predict
from explorer.study.evidence.report import MLPERF_NOTICE
from explorer.study.evidence.rows import RATE, THROUGHPUT, Row
from explorer.study.evidence.scores import score
from explorer.study.evidence.widths import half_width
from explorer.study.validate import shipped_rows

Kind = Literal["tpot", "ttft", "throughput", "rate"]
KIND_TITLES: Mapping[Kind, str] = {
    "tpot": "time per token",
    "ttft": "first token",
    "throughput": "tokens per second",
    "rate": "rate within limits",
}
GRADE_WORDS: Mapping[str, str] = {
    "measured": "kernels of this chip were measured",
    "transferred": "constants of a measured chip of the same maker and class",
    "datasheet": "published peak figures only, no kernel measured",
    "undisclosed": "figures that decide the answer are not published",
}
"""What an evidence grade means."""


@dataclass(frozen=True, slots=True)
class MeasuredPoint:
    """One measured figure beside what the engine says of it from the configuration alone; SI units."""

    kind: Kind
    measured: float
    predicted: float
    inside: bool
    """Whether the measurement lies in the 90 % band."""
    words: str
    """What ran, who measured it and when."""


@dataclass(frozen=True, slots=True)
class KindScore:
    """How far off the engine is on one kind of figure of one chip; errors and coverage are shares."""

    kind: Kind
    rows: int
    sources: int
    median_error: float
    p90_error: float
    coverage: float
    null_error: float
    """Median error of guessing the chip's own median."""


@dataclass(frozen=True, slots=True)
class ChipEvidence:
    """The measurements of one chip; none at all is a finding too."""

    chip: str
    grade: str
    grade_words: str
    points: tuple[MeasuredPoint, ...]
    scores: tuple[KindScore, ...]
    set_aside: int
    """Rows of the chip that a stated rule left out."""
    step_factor: float
    """The stated 90 % band of a step time multiplies and divides by this (dense models)."""
    notice: str
    """What must stand beside figures derived from a benchmark's results; empty where there are none."""


def kind_of(metric: str) -> Kind:
    """The kind of figure that a metric of a row is."""
    if metric == RATE:
        return "rate"
    if metric == THROUGHPUT:
        return "throughput"
    return "tpot" if metric.startswith("tpot") else "ttft"


def chips_evidence(catalog: Catalog, chips: Sequence[str]) -> dict[str, ChipEvidence]:
    """The evidence on each chip from the measured tables that are shipped; UnknownRecordError for an unknown chip."""
    wanted = {name: catalog.chip(name) for name in chips}
    mine: dict[str, list[Row]] = defaultdict(list)
    for row in shipped_rows(catalog):
        if row.chip is not None and row.chip.id in wanted:
            mine[row.chip.id].append(row)
    kept = [row for rows in mine.values() for row in rows if not row.skipped]
    by_chip: dict[str, list[Prediction]] = defaultdict(list)
    for value in predict(kept, serving_constants()).values if kept else ():
        if value.row.chip is not None:
            by_chip[value.row.chip.id].append(value)
    steps = load_calibration().residuals["step"]
    return {
        name: ChipEvidence(
            chip=name,
            grade=chip.evidence_grade,
            grade_words=GRADE_WORDS[chip.evidence_grade],
            points=tuple(_point(value) for value in by_chip[name]),
            scores=_scores(by_chip[name]),
            set_aside=sum(1 for row in mine[name] if row.skipped),
            step_factor=exp(float(steps[chip.evidence_grade]["dense"])),
            notice=MLPERF_NOTICE if any(value.row.table == "mlperf" for value in by_chip[name]) else "",
        )
        for name, chip in wanted.items()
    }


def _point(value: Prediction) -> MeasuredPoint:
    row = value.row
    model = row.model.name if row.model is not None else row.model_label
    chips = f" ×{row.chips:g}" if row.chips else ""
    parts = (f"{model}{chips}", value.metric, row.submitter or row.source, row.release, row.date)
    return MeasuredPoint(
        kind=kind_of(value.metric),
        measured=value.measured,
        predicted=value.predicted,
        inside=abs(value.residual) <= half_width(row, value.metric),
        words=" · ".join(part for part in parts if part),
    )


def _scores(values: Sequence[Prediction]) -> tuple[KindScore, ...]:
    groups: dict[Kind, list[Prediction]] = defaultdict(list)
    for value in values:
        groups[kind_of(value.metric)].append(value)
    found = []
    for kind in KIND_TITLES:
        if groups[kind]:
            one = score(kind, groups[kind])
            found.append(
                KindScore(kind, one.rows, one.clusters, one.median_error, one.p90_error, one.coverage, one.null_chip)
            )
    return tuple(found)

"""The report of a validation: as text for people, as plain data for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from explorer.scenario.quantity import number_text
from explorer.study.evidence.predict import Prediction
from explorer.study.evidence.rows import METRICS
from explorer.study.evidence.scores import Score, scores_by
from explorer.study.evidence.spread import Covered
from explorer.study.evidence.targets import Reached, Unseen
from explorer.study.validate import Validation, shown
from explorer.study.verdict_table import columns

MLPERF_NOTICE = (
    "MLPerf rows: name, round, submitter and date stand in the tables; figures derived from them are not verified by "
    "MLCommons Association."
)

KEYS: tuple[tuple[str, Callable[[Prediction], str]], ...] = (
    ("metric", lambda value: value.metric),
    ("metric and kind of run", lambda value: f"{value.metric}, {value.row.run}"),
    ("evidence grade and metric", lambda value: f"{value.row.grade}, {value.metric}"),
    ("chip", lambda value: value.row.chip.id if value.row.chip is not None else ""),
    ("model", lambda value: value.row.model.id if value.row.model is not None else ""),
    ("framework", lambda value: value.row.framework),
)

_HEAD = (
    "",
    "rows",
    "clusters",
    "median",
    "P90",
    "bias",
    "in band",
    "by cluster",
    "null: limit",
    "null: chip",
    "",
)


def report_text(found: Validation, unseen: Unseen | None = None) -> str:
    """The whole report for a terminal; `unseen` adds what was reached with chips and model families left out."""
    return "\n".join(_lines(found, unseen))


def _lines(found: Validation, unseen: Unseen | None) -> Iterator[str]:
    share = found.predicted / found.predictable if found.predictable else 0.0
    yield f"{len(found.rows)} rows; {found.predictable} of known chip and model that no rule leaves out;"
    yield f"{found.predicted} of them predicted ({share:.1%}), {len(found.predictions)} figures"
    yield ""
    yield "left out"
    yield from (f"  {count:5d}  {reason}" for reason, count in found.skipped.most_common())
    yield from (f"  {count:5d}  (first token only) {reason}" for reason, count in found.aside.items())
    for label, count in found.unknown.most_common():
        yield f"         {count:5d}  {label}"
    for row, reason in found.failures.items():
        yield f"  not predicted: {row}: {reason}"
    for title, key in KEYS:
        yield ""
        yield f"by {title}"
        yield from _table(scores_by(found.predictions, key))
    if unseen is not None:
        yield ""
        yield "against the targets, constants estimated without what is named"
        yield from _targets(unseen.reached)
        for name, covered in unseen.covered.items():
            yield ""
            yield f"in the 90 % band, bands and constants estimated without the row's {name}"
            yield from _coverages(covered)
    yield ""
    yield "the ten worst rows"
    yield from _worst(found)
    if any(row.table == "mlperf" for row in found.rows):
        yield ""
        yield MLPERF_NOTICE


def _table(scores: Sequence[Score]) -> Iterator[str]:
    rows: list[Sequence[str]] = [_HEAD]
    for one in scores:
        rows.append(
            (
                one.name,
                str(one.rows),
                str(one.clusters),
                f"{one.median_error:.1%}",
                f"{one.p90_error:.1%}",
                f"{one.bias:+.3f}",
                f"{one.coverage:.0%}",
                f"{one.coverage_by_cluster:.0%}",
                "–" if one.null_limit is None else f"{one.null_limit:.1%}",
                f"{one.null_chip:.1%}",
                _remark(one),
            )
        )
    yield from columns(rows)


def _remark(one: Score) -> str:
    remarks = []
    if not one.enough:
        remarks.append("not enough data to claim the band: a judgement")
    elif not one.holds:
        remarks.append("the band holds less than 80 % of rows or of clusters")
    if not one.beats_null:
        remarks.append("does not beat a null predictor by 30 %")
    return "; ".join(remarks)


def _targets(reached: Sequence[Reached]) -> Iterator[str]:
    rows: list[Sequence[str]] = [("", "left out", "rows", "median", "target", "P90", "target", "")]
    for one in reached:
        wanted = one.target
        rows.append(
            (
                wanted.name,
                one.left_out,
                str(one.rows),
                f"{one.median:.1%}",
                f"{wanted.median:.0%}",
                f"{one.p90:.1%}",
                "–" if wanted.p90 is None else f"{wanted.p90:.0%}",
                "met" if one.met else "not met",
            )
        )
    yield from columns(rows)
    for one in reached:
        if not one.met and one.target.note:
            yield f"{one.target.name}: {one.target.note}"


def _coverages(covered: Sequence[Covered]) -> Iterator[str]:
    rows: list[Sequence[str]] = [("", "rows", "clusters", "chips", "in band", "by cluster", "")]
    for one in covered:
        rows.append(
            (
                one.name,
                str(one.rows),
                str(one.clusters),
                str(one.chips),
                f"{one.share:.0%}",
                f"{one.by_cluster:.0%}",
                "" if one.enough else "not enough data: the band is a judgement",
            )
        )
    yield from columns(rows)


def _worst(found: Validation) -> Iterator[str]:
    rows: list[Sequence[str]] = [("id", "chip", "model", "metric", "measured", "predicted", "source")]
    for value in found.worst():
        row = value.row
        rows.append(
            (
                row.id,
                row.chip_label,
                row.model_label,
                value.metric,
                number_text(shown(value.metric, value.measured), 4),
                number_text(shown(value.metric, value.predicted), 4),
                row.source[:60],
            )
        )
    yield from columns(rows)


def report_data(found: Validation, unseen: Unseen | None = None) -> dict[str, Any]:
    """The whole report as plain data."""
    covered = {} if unseen is None else unseen.covered
    return {
        "rows": len(found.rows),
        "predictable": found.predictable,
        "predicted": found.predicted,
        "figures": len(found.predictions),
        "skipped": dict(found.skipped.most_common()),
        "set_aside": dict(found.aside),
        "unknown": dict(found.unknown.most_common()),
        "not_predicted": found.failures,
        "metrics": list(METRICS),
        "scores": {title: [one.data() for one in scores_by(found.predictions, key)] for title, key in KEYS},
        "targets": [] if unseen is None else [one.data() for one in unseen.reached],
        "coverage_unseen": {
            name: [{**asdict(one), "enough_data": one.enough} for one in each] for name, each in covered.items()
        },
        "worst": [
            {
                "id": value.row.id,
                "chip": value.row.chip_label,
                "model": value.row.model_label,
                "metric": value.metric,
                "measured": shown(value.metric, value.measured),
                "predicted": shown(value.metric, value.predicted),
                "source": value.row.source,
            }
            for value in found.worst()
        ],
        "notice": MLPERF_NOTICE if any(row.table == "mlperf" for row in found.rows) else "",
    }

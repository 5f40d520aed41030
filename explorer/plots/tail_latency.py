"""The tail-latency plot: P99 and P50 of one latency against load; a line, band and label an alternative."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.plots.lettering import HEADING_HEIGHT, LINE_HEIGHT, draw_heading, draw_line, text_width
from explorer.plots.metric_switch import MEANING, MetricSwitch
from explorer.plots.painted_plot import Showing
from explorer.plots.polylines import Points
from explorer.plots.spoken_summary import SpokenSummary
from explorer.plots.tail_axes import (
    Axes,
    latency_ticks,
    latency_unit,
    rate_ticks,
    settle,
    wanted_axes,
)
from explorer.plots.tail_curves import EMPTY, band_outline, drawable, value_at
from explorer.plots.tail_grips import GripLines, LineGrips
from explorer.plots.tail_lines import Curves, Frame, LinesItem
from explorer.plots.tail_notes import LineNote, Mark, Notes, NotesItem, Readout
from explorer.plots.tail_ticks import AXIS_HEIGHT, AXIS_WIDTH, ROOM_RIGHT, ROOM_TOP, LatencyTicks, RateTicks
from explorer.plots.tail_words import heading_notes, readout_rows, subtitles, tail_summary, x_labels
from explorer.plots.tokens import HIT_TARGET, LIGHT, MAX_CHIPS, Tokens
from explorer.scenario.quantity import QUANTITIES
from explorer.study.outcome import AlternativeOutcome, Array, Metric, Outcome, WorkloadOutcome

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


@dataclass(frozen=True, slots=True)
class FrameWords:
    """What stands around the curves; of each the longest wording first."""

    subtitles: tuple[str, ...]
    notes: tuple[str, ...]
    x_labels: tuple[str, ...]


class TailLatencyPlot(QWidget):
    """P99 (heavy) and P50 (dotted) of one latency against the rate of the whole service."""

    title = "Tail latency"
    metric_changed = Signal(str)
    drag_started = Signal()
    """The hand has taken hold of a line of this plot."""
    request_rate_dragged = Signal(float)
    """The own traffic dragged to a rate of the whole service, requests/s."""
    promise_dragged = Signal(str, float)
    """The promise of a metric dragged to this many seconds."""
    drag_finished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("tail-latency")
        self.setAccessibleName("Tail latency against load")
        self.setMinimumSize(220, 160)
        self._tokens = LIGHT
        self._outcome: Outcome | None = None
        self._baseline: Outcome | None = None
        self._workload = 0
        self._metric: Metric = "tpot"
        self._chosen_metric: Metric | None = None
        self._axes: Axes | None = None
        self._axes_of: tuple[Metric, int] | None = None
        self._dragging = False
        self._curves: tuple[Curves, ...] = ()
        self._ghost_line: Points | None = None
        self._ticks: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
        self._ticks_of: tuple[Axes, int, int] | None = None
        self._words: FrameWords | None = None
        self._on_paper = False
        self._shown: tuple[object, ...] = ()
        self._spoken = SpokenSummary(self, self.text_summary)
        # It paints its own ground: nothing beneath it need be painted first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._build()
        self.set_tokens(LIGHT)

    def _build(self) -> None:
        self._switch = MetricSwitch(self)
        self._switch.metric_chosen.connect(self._on_metric_chosen)
        self._view = pg.PlotWidget(self)
        self._view.setObjectName("tail-latency-curves")
        self._view.setFrameShape(self._view.Shape.NoFrame)
        # A window's style sheet may frame all frames; this one is part of a plot.
        self._view.setStyleSheet("border: none")
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view.setMenuEnabled(False)
        self._view.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._view.viewport().setMouseTracking(True)
        self._view.viewport().installEventFilter(self)
        plot = self._view.getPlotItem()
        plot.hideButtons()
        plot.layout.setContentsMargins(AXIS_WIDTH, ROOM_TOP, ROOM_RIGHT, AXIS_HEIGHT)
        box = plot.getViewBox()
        box.setMouseEnabled(False, False)
        box.disableAutoRange()
        box.setDefaultPadding(0.0)
        box.sigResized.connect(self._on_view_resized)
        self._box = box
        for side in ("left", "bottom"):
            plot.hideAxis(side)
        self._tick_items = (LatencyTicks(plot), RateTicks(plot))
        self._grips = LineGrips(self._view.viewport(), self._in_area, self._grip_lines)
        self._grips.drag_started.connect(self._on_drag_started)
        self._grips.dragged.connect(self._on_dragged)
        self._grips.drag_finished.connect(self.drag_finished)
        self._grips.grip_changed.connect(self._on_grip_changed)
        self._lines_item = LinesItem(box)
        self._notes_item = NotesItem(box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, int(HEADING_HEIGHT), 0, int(LINE_HEIGHT) + 2)
        layout.setSpacing(0)
        layout.addWidget(self._switch)
        layout.addWidget(self._view, 1)

    # What the rest of the program calls

    def show_outcome(self, outcome: Outcome, workload: int, baseline: Outcome | None = None) -> None:
        """Draw one workload of `outcome`, with the selected alternative of `baseline` as a ghost line."""
        self._outcome, self._baseline, self._workload = outcome, baseline, workload
        self._metric = self._chosen_metric or outcome.workloads[workload].tightest_metric
        # An outcome shares with the one before it every workload that a change did not touch.
        shown = (outcome.workloads[workload], self._baseline_workload(), self._metric, outcome.final)
        if len(shown) != len(self._shown) or any(new is not old for new, old in zip(shown, self._shown, strict=True)):
            self._redraw()

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self._tokens = tokens
        self._view.setBackground(QColor(tokens.panel))
        for item in (*self._tick_items, self._lines_item):
            item.set_tokens(tokens)
        self._switch.set_tokens(tokens)
        self._notes_item.set_tokens(tokens)
        self.update()

    def set_metric(self, metric: Metric | None) -> None:
        """Show `metric` from now on; None follows the one with the least margin to its promise."""
        self._chosen_metric = metric
        if self._outcome is not None:
            self._metric = metric or self._outcome.workloads[self._workload].tightest_metric
            self._redraw()

    def set_dragging(self, dragging: bool) -> None:
        """Freeze the axes while a slider is down; on release they change only if the old ones do not fit."""
        self._dragging = dragging
        if not dragging and self._outcome is not None:
            self._redraw()

    @property
    def shown_metric(self) -> Metric:
        """The latency shown."""
        return self._metric

    def values(self) -> TailValues:
        """What is drawn."""
        workload = self._shown_workload()
        assert self._axes is not None
        rates, logs = (EMPTY, EMPTY) if self._ghost_line is None else self._ghost_line
        return TailValues(
            metric=self._metric,
            axes=self._axes,
            lines=tuple(
                _drawn_line(alternative, self._metric, made)
                for alternative, made in zip(workload.alternatives, self._curves, strict=False)
            ),
            promise=workload.objectives.get(self._metric),
            request_rate=workload.chosen.request_rate,
            baseline_rates=rates,
            baseline_seconds=10.0**logs,
        )

    def showing(self) -> Showing | None:
        """What the plot was last given to show; None before the first outcome."""
        return None if self._outcome is None else Showing(self._outcome, self._workload, self._baseline)

    @property
    def tokens(self) -> Tokens:
        """The theme drawn in."""
        return self._tokens

    def for_paper(self, size: QSize) -> TailLatencyPlot:
        """A copy laid out at another size (logical pixels), without what only the hand needs; never to be shown."""
        copy = TailLatencyPlot()
        copy._on_paper = True
        copy.setMinimumSize(1, 1)
        copy.resize(size)
        copy.set_tokens(self._tokens)
        # Lays out a widget that is never shown.
        copy.grab()
        shown = self.showing()
        if shown is not None:
            copy.set_metric(self._metric)
            copy._axes, copy._axes_of = self._axes, self._axes_of
            copy._place_axes()
            copy.show_outcome(shown.outcome, shown.workload, shown.baseline)
        return copy

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        if self._outcome is None:
            return "Tail latency: nothing evaluated yet"
        return tail_summary(self._shown_workload(), self._metric)

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw into `rect` of any painter (report, pictures): this widget's own layout, scaled to fit."""
        source = QRectF(self.rect())
        painter.save()
        painter.translate(rect.topLeft())
        painter.scale(rect.width() / max(source.width(), 1.0), rect.height() / max(source.height(), 1.0))
        self._paint_frame(painter, source)
        place = self._view.geometry()
        for item in self._tick_items:
            item.keep_as_pixels(False)
        self._view.render(painter, QRectF(place), self._view.viewport().rect())
        for item in self._tick_items:
            item.keep_as_pixels(True)
        painter.restore()

    # Drawing

    def _shown_workload(self) -> WorkloadOutcome:
        assert self._outcome is not None, "show_outcome comes first"
        return self._outcome.workloads[self._workload]

    def _baseline_workload(self) -> WorkloadOutcome | None:
        if self._baseline is None or self._workload >= len(self._baseline.workloads):
            return None
        return self._baseline.workloads[self._workload]

    def _redraw(self) -> None:
        workload = self._shown_workload()
        assert self._outcome is not None
        self._shown = (workload, self._baseline_workload(), self._metric, self._outcome.final)
        self._switch.show_metric(self._metric)
        self._settle_axes(workload)
        assert self._axes is not None
        ceiling = math.log10(self._axes.latency.high) + ROOM_ABOVE
        curves = tuple(_curves(a, self._metric, ceiling) for a in workload.alternatives[:MAX_CHIPS])
        lines = [
            LineNote(order, alternative.label, *made.p99)
            for order, (alternative, made) in enumerate(zip(workload.alternatives, curves, strict=False))
        ]
        ghost = self._ghost_points(ceiling)
        # A baseline just pinned lies under its own line: no second label for one line.
        if ghost is not None and not any(_same(ghost, one.p99) for one in curves):
            lines.append(LineNote(-1, "baseline", *ghost))
        self._curves, self._ghost_line = curves, ghost
        self._show_frame()
        self._write_notes(workload, [line for line in lines if line.x.size])
        self._spoken.refresh_soon()
        self._notes_item.show_readout(None)
        self._update_words()

    def _settle_axes(self, workload: WorkloadOutcome) -> None:
        same = self._axes_of == (self._metric, self._workload)
        if self._dragging and same and self._axes is not None:
            return
        axes = settle(self._axes if same else None, wanted_axes(workload, self._metric))
        self._axes_of = (self._metric, self._workload)
        if axes != self._axes:
            self._axes = axes
            self._place_axes()

    def _place_axes(self) -> None:
        if self._axes is not None:
            axes = self._axes
            self._box.setRange(
                xRange=(axes.rate.low, axes.rate.high),
                yRange=(math.log10(axes.latency.low), math.log10(axes.latency.high)),
                padding=0.0,
                disableAutoRange=True,
            )

    def _show_frame(self) -> None:
        if self._axes is None:
            return
        self._label_axes(self._axes)
        rows, columns = self._ticks
        self._lines_item.show_frame(Frame(self._axes, self._curves, self._ghost_line, rows, columns))

    def _label_axes(self, axes: Axes) -> None:
        size = self._box.rect()
        wanted = (axes, int(size.width()), int(size.height()))
        if wanted == self._ticks_of:
            return
        self._ticks_of = wanted
        rows = latency_ticks(axes.latency, size.height())
        columns = rate_ticks(axes.rate, size.width())
        self._ticks = (tuple(rows), tuple(columns))
        for item, ticks in zip(self._tick_items, self._ticks, strict=True):
            item.show_ticks(axes, ticks)

    def _ghost_points(self, ceiling: float) -> Points | None:
        """The baseline's selected alternative of the same workload."""
        before = self._baseline_workload()
        if before is None:
            return None
        then = before.chosen
        points = drawable(then.rates, then.curves[self._metric].p99, then.saturation_rate, ceiling)
        return points if points[0].size else None

    def _write_notes(self, workload: WorkloadOutcome, lines: list[LineNote]) -> None:
        assert self._axes is not None
        rings: list[Mark] = []
        cliffs: list[Mark] = []
        for order, alternative in enumerate(workload.alternatives[:MAX_CHIPS]):
            here, cliff = _operating_p99(alternative, self._metric), _cliff_rate(alternative)
            if here is not None:
                rings.append(Mark(order, alternative.request_rate, here))
            if cliff is not None:
                height = value_at(alternative.rates, alternative.curves[self._metric].p99, cliff)
                if height is not None:
                    cliffs.append(Mark(order, cliff, height))
        promise = workload.objectives.get(self._metric)
        rate = workload.chosen.request_rate
        nothing = not any(note.index >= 0 for note in lines)
        self._notes_item.show_notes(
            Notes(
                lines=tuple(lines),
                rings=tuple(rings),
                cliffs=tuple(cliffs),
                promise=None if promise is None else (promise, f"promise {QUANTITIES['seconds'].format(promise)}"),
                traffic=(rate, f"your traffic, {QUANTITIES['request_rate'].format(rate)}"),
                sentence="no alternative can carry any load: see Memory fit" if nothing else "",
            ),
            self._axes,
        )

    def _update_words(self) -> None:
        """Paint anew only those words around the curves that have changed."""
        assert self._outcome is not None and self._axes is not None
        chosen = self._shown_workload().chosen
        words = FrameWords(
            subtitles=subtitles(MEANING[self._metric], latency_unit(self._axes.latency)[0]),
            notes=heading_notes(chosen, self._metric, self._outcome.final),
            x_labels=x_labels(chosen),
        )
        old, self._words = self._words, words
        heading, beside, below = self._word_places()
        if old is None or words.subtitles != old.subtitles or not self._switched():
            self.update(heading)
        if old is None or words.notes != old.notes:
            self.update(beside)
        if old is None or words.x_labels != old.x_labels:
            self.update(below)

    def _switched(self) -> bool:
        return self._switch.isVisibleTo(self)

    def _word_places(self) -> tuple[QRect, QRect, QRect]:
        """Heading, note beside the switch, and meaning of the x axis."""
        width, top, foot = self.width(), int(HEADING_HEIGHT), int(LINE_HEIGHT) + 2
        left = int(self._switch.wanted_width()) if self._switched() else width
        return (
            QRect(0, 0, width, top),
            QRect(left, top, width - left, HIT_TARGET),
            QRect(0, self.height() - foot, width, foot),
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(self._tokens.panel))
        region = event.region()
        parts = tuple(region.intersects(place) for place in self._word_places())
        self._paint_frame(painter, QRectF(self.rect()), parts)

    def _paint_frame(self, painter: QPainter, rect: QRectF, parts: tuple[bool, ...] = (True, True, True)) -> None:
        """Heading above and the x axis' meaning below, if asked for; the rest is drawn by the view."""
        if self._words is None:
            draw_heading(painter, rect, self._tokens, "Tail latency", ("",))
            return
        heading, beside, below = parts
        words, ink = self._words, self._tokens.secondary
        # Beside the switch, where it never competes with the meaning of the plot.
        room = rect.width() - self._switch.wanted_width() - ROOM_RIGHT
        switched = self._switched()
        note = next((text for text in words.notes if text_width(text) <= room), "") if switched else words.notes[-1]
        if heading:
            draw_heading(painter, rect, self._tokens, "Tail latency", words.subtitles, "" if switched else note)
        if beside and switched and note:
            top = rect.top() + HEADING_HEIGHT + 0.5 * HIT_TARGET + 4.0
            draw_line(painter, rect.left(), top, rect.width() - ROOM_RIGHT, note, ink, right=True)
        if below:
            left = rect.left() + AXIS_WIDTH
            room = rect.right() - ROOM_RIGHT - left
            fitting = next((text for text in words.x_labels if text_width(text) <= room), words.x_labels[-1])
            draw_line(painter, left, rect.bottom() - 5.0, room, fitting, ink)

    # What the hand does

    def _on_metric_chosen(self, metric: Metric) -> None:
        self.set_metric(metric)
        self.metric_changed.emit(metric)

    def _on_view_resized(self) -> None:
        for ticks in self._tick_items:
            ticks.set_area(self._box.pos(), self._box.rect())
        for item in (self._lines_item, self._notes_item):
            item.set_area(self._box.rect())
        self._show_frame()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # A very small plot needs its room for the curves.
        self._switch.setVisible(self.height() >= 200 and not self._on_paper)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self.show_readout_at(self._rate_under(event.position()))
        elif event.type() == QEvent.Type.Leave:
            self._notes_item.show_readout(None)
        return super().eventFilter(watched, event)

    def _in_area(self, position: QPointF) -> QPointF:
        """From pixels of the view to those of the plotting area."""
        return QPointF(self._box.mapFromScene(self._view.mapToScene(position.toPoint())))

    def _grip_lines(self) -> GripLines | None:
        if self._outcome is None or self._axes is None:
            return None
        workload = self._shown_workload()
        promise = workload.objectives.get(self._metric)
        return GripLines(self._axes, self._box.rect(), workload.chosen.request_rate, promise)

    def _on_grip_changed(self, grip: str | None) -> None:
        self._notes_item.show_grip(grip)

    def _on_drag_started(self) -> None:
        self._notes_item.show_readout(None)
        self.drag_started.emit()

    def _on_dragged(self, grip: str, value: float) -> None:
        if grip == "rate":
            self.request_rate_dragged.emit(value)
        else:
            self.promise_dragged.emit(self._metric, value)

    def _rate_under(self, position: QPointF) -> float | None:
        inside = self._in_area(position)
        area = self._box.rect()
        if self._axes is None or not area.contains(inside):
            return None
        share = float((inside.x() - area.left()) / area.width())
        return self._axes.rate.low + share * (self._axes.rate.high - self._axes.rate.low)

    def show_readout_at(self, rate: float | None) -> None:
        """Show every alternative's values at `rate` requests/s of the whole service; None hides them."""
        if rate is None or self._outcome is None:
            self._notes_item.show_readout(None)
            return
        title = f"at {QUANTITIES['request_rate'].format(rate)}"
        rows = readout_rows(self._shown_workload(), self._metric, rate)
        self._notes_item.show_readout(Readout(rate, title, rows))


def _curves(alternative: AlternativeOutcome, metric: Metric, ceiling: float) -> Curves:
    """The points of one alternative up to just above `ceiling` (log10 seconds)."""
    curve, rates, saturation = alternative.curves[metric], alternative.rates, alternative.saturation_rate
    return Curves(
        p99=drawable(rates, curve.p99, saturation, ceiling),
        p50=drawable(rates, curve.p50, saturation, ceiling),
        band=band_outline(rates, curve.p99_low, curve.p99_high, saturation, ceiling),
    )


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

"""The tail-latency plot: P99 and P50 of one latency against load; a line, band and label an alternative."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from explorer.plots.lettering import HEADING_HEIGHT
from explorer.plots.metric_switch import MetricSwitch
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.plots.tail_area import Rooms, rooms_in
from explorer.plots.tail_axes import Axes, settle, wanted_axes
from explorer.plots.tail_content import TailContent, TailValues, tail_content
from explorer.plots.tail_grips import GripLines, LineGrips
from explorer.plots.tail_labels import LabelPlacer
from explorer.plots.tail_notes import Readout
from explorer.plots.tail_picture import KeptGround, TailPicture
from explorer.plots.tail_words import readout_rows, tail_summary
from explorer.plots.tokens import HIT_TARGET, Tokens
from explorer.scenario.quantities import QUANTITIES
from explorer.study.banded import Metric
from explorer.study.outcome import Outcome, WorkloadOutcome

LEAST_SWITCHED = 200
"""Height from which there is room for the switch; a very small plot needs it for the curves."""


class TailLatencyPlot(PaintedPlot):
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
        self.setMouseTracking(True)
        self._metric: Metric = "tpot"
        self._chosen_metric: Metric | None = None
        self._axes: Axes | None = None
        self._axes_of: tuple[Metric, int] | None = None
        self._dragging = False
        self._shown: tuple[object, ...] = ()
        self._content: TailContent | None = None
        self._picture: TailPicture | None = None
        self._readout: Readout | None = None
        self._grip: str | None = None
        self._placer, self._ground = LabelPlacer(), KeptGround()
        self._chart = _Chart(self)
        self._switch = MetricSwitch(self)
        self._switch.metric_chosen.connect(self._on_metric_chosen)
        self._switch.entered.connect(lambda: self._show_readout(None))
        self._rooms = self._shared_out()
        self._grips = LineGrips(self, self._grip_lines)
        self._grips.drag_started.connect(self._on_drag_started)
        self._grips.dragged.connect(self._on_dragged)
        self._grips.drag_finished.connect(self.drag_finished)
        self._grips.grip_changed.connect(self._on_grip_changed)

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
        self._switch.set_tokens(tokens)
        self._picture = None
        super().set_tokens(tokens)

    def set_metric(self, metric: Metric | None) -> None:
        """Show `metric` from now on; None follows the one with the least margin to its promise."""
        self._chosen_metric = metric
        if self._outcome is not None:
            self._metric = metric or self._outcome.workloads[self._workload].tightest_metric
            self._redraw()

    def set_dragging(self, dragging: bool) -> None:
        """Freeze the axes while a slider is down; on release they change only if the old ones do not fit."""
        if not dragging:
            self._grips.let_go()
        super().set_dragging(dragging)
        if not dragging and self._outcome is not None:
            self._redraw()

    @property
    def shown_metric(self) -> Metric:
        """The latency shown."""
        return self._metric

    @property
    def area(self) -> QRectF:
        """The plotting area within the axes, in pixels of the widget."""
        return QRectF(self._rooms.area)

    def values(self) -> TailValues:
        """What is drawn."""
        assert self._content is not None, "show_outcome comes first"
        return self._content.values()

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        if self._outcome is None:
            return "Tail latency: nothing evaluated yet"
        return tail_summary(self._shown_workload(), self._metric)

    def sizeHint(self) -> QSize:
        return QSize(560, 360)

    # Drawing

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """Heading, chart and meaning of the x axis; without what only the hand needs."""
        if self._content is None:
            return super().pieces(rect)
        return TailPicture(self._content, self._tokens, rooms_in(rect), self.title).pieces()

    def _own_pieces(self) -> tuple[Piece, ...]:
        if self._content is None:
            return super()._own_pieces()
        picture = self._picture
        if picture is None or picture.content is not self._content or picture.rooms is not self._rooms:
            picture = TailPicture(
                self._content, self._tokens, self._rooms, self.title, self._placer, hurried=self._dragging
            )
            self._picture = picture
        return picture.pieces(self._ground, self._readout, self._grip)

    def _pieces_painted_here(self) -> tuple[Piece, ...]:
        return tuple(piece for piece in self._pieces if piece.place != self._rooms.chart)

    def _repaint(self, place: QRectF) -> None:
        # An opaque child is not painted with its parent.
        if place.intersects(self._rooms.chart):
            self._chart.update()
        if place != self._rooms.chart:
            super()._repaint(place)

    def paint_chart(self, painter: QPainter) -> None:
        """Draw the chart of the widget's own picture, in the widget's pixels."""
        if self._picture is not None:
            self._picture.paint_chart(painter, self._ground, self._readout, self._grip)

    @property
    def covers_chart(self) -> bool:
        """Whether the chart paints every pixel of its own, so that what lies below it need not be wiped: not where
        pixels of the screen do not begin and end with those of the picture."""
        return self._picture is not None and self._rooms.drawable and self.devicePixelRatioF().is_integer()

    def _shown_workload(self) -> WorkloadOutcome:
        assert self._outcome is not None, "show_outcome comes first"
        return self._outcome.workloads[self._workload]

    def _baseline_workload(self) -> WorkloadOutcome | None:
        if self._baseline is None or self._workload >= len(self._baseline.workloads):
            return None
        return self._baseline.workloads[self._workload]

    def _redraw(self) -> None:
        workload, baseline = self._shown_workload(), self._baseline_workload()
        assert self._outcome is not None
        final = self._outcome.final
        self._shown = (workload, baseline, self._metric, final)
        self._switch.show_metric(self._metric)
        self._content = tail_content(workload, baseline, self._metric, self._settled_axes(workload), final)
        self._readout = None
        self._spoken.refresh_soon()
        self.refresh()

    def _settled_axes(self, workload: WorkloadOutcome) -> Axes:
        same = self._axes_of == (self._metric, self._workload)
        held = self._dragging or self._grips.held
        if self._axes is None or not (held and same):
            self._axes = settle(self._axes if same else None, wanted_axes(workload, self._metric))
            self._axes_of = (self._metric, self._workload)
        return self._axes

    def _shared_out(self) -> Rooms:
        switched = self._switch.isVisibleTo(self)
        return rooms_in(QRectF(self.rect()), self._switch.wanted_width() if switched else None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._switch.setVisible(self.height() >= LEAST_SWITCHED)
        self._switch.setGeometry(0, int(HEADING_HEIGHT), int(self._switch.wanted_width()), HIT_TARGET)
        self._rooms = self._shared_out()
        self._chart.setGeometry(self._rooms.chart.toRect())
        super().resizeEvent(event)

    # What the hand does

    def _on_metric_chosen(self, metric: Metric) -> None:
        self.set_metric(metric)
        self.metric_changed.emit(metric)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self.show_readout_at(self._rate_under(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._show_readout(None)

    def _grip_lines(self) -> GripLines | None:
        if self._content is None or not self._rooms.drawable:
            return None
        workload = self._content.workload
        promise = workload.objectives.get(self._metric)
        return GripLines(self._content.axes, self._rooms.area, workload.chosen.request_rate, promise)

    def _on_grip_changed(self, grip: str | None) -> None:
        self._grip = grip
        self.refresh()

    def _on_drag_started(self) -> None:
        self._show_readout(None)
        # The line in the hand is one of this metric. Were the tightest one followed, another promise's line would
        # come under the hand as soon as this one gives way.
        self._chosen_metric = self._metric
        self.drag_started.emit()

    def _on_dragged(self, grip: str, value: float) -> None:
        if grip == "rate":
            self.request_rate_dragged.emit(value)
        else:
            self.promise_dragged.emit(self._metric, value)

    def _rate_under(self, position: QPointF) -> float | None:
        return None if self._picture is None else self._picture.rate_at(position)

    def show_readout_at(self, rate: float | None) -> None:
        """Show every alternative's values at `rate` requests/s of the whole service; None hides them."""
        if rate is None or self._outcome is None:
            self._show_readout(None)
            return
        title = f"at {QUANTITIES['request_rate'].format(rate)}"
        rows = readout_rows(self._shown_workload(), self._metric, rate)
        self._show_readout(Readout(rate, title, rows))

    def _show_readout(self, readout: Readout | None) -> None:
        if readout != self._readout:
            self._readout = readout
            self.refresh()


class _Chart(QWidget):
    """Paints the chart of its plot apart from the words around it: a painter that is held to a region of several
    rectangles fills areas ten times more slowly than one held to a single rectangle."""

    def __init__(self, plot: TailLatencyPlot) -> None:
        super().__init__(plot)
        self._plot = plot
        self.setObjectName("tail-latency-chart")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        # The hand is on the plot.
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self._plot.covers_chart:
            painter.fillRect(event.rect(), QColor(self._plot.tokens.panel))
        painter.translate(-self.pos())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        self._plot.paint_chart(painter)

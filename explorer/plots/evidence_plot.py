"""Measured against predicted: each public measurement of a chip beside what the engine says of it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from explorer.plots.lettering import READABLE, draw_heading, draw_line, draw_wrapped, wrapped
from explorer.plots.measured_marks import paint_mark
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.plots.tokens import Tokens
from explorer.plots.xy_frame import Axis, Frame, draw_frame, frame_in, log_axis
from explorer.scenario.quantity import QUANTITIES
from explorer.study.evidence.of_chip import KIND_TITLES, ChipEvidence, Kind, MeasuredPoint

SHARE = QUANTITIES["share"]
DOT = 3.0
NEAR = 9.0
"""Pixels within which the pointer means a dot."""
QUANTITY_OF: dict[Kind, str] = {
    "tpot": "seconds",
    "ttft": "seconds",
    "throughput": "tokens_per_s",
    "rate": "request_rate",
}
SUBTITLE = ("a dot each public measurement; on the line it would be exact", "dots on the line would be exact")


def nothing_measured(name: str, found: ChipEvidence) -> str:
    """What to make of a chip that nobody has measured in public."""
    return (
        f"No public measurement of {name} was found. Its latencies rest on the figures below and on constants measured "
        f"on other chips, so every step may take from 1/{found.step_factor:.2f} to {found.step_factor:.2f} times as "
        "long as stated, before the ranges of its open figures are counted. A measured run would narrow this at once."
    )


def _frame(rect: QRectF, points: tuple[MeasuredPoint, ...], kind: Kind) -> Frame:
    values = [value for point in points for value in (point.measured, point.predicted)]
    text = QUANTITIES[QUANTITY_OF[kind]].format
    across = log_axis(values, f"measured {KIND_TITLES[kind]}, the engine's figure upwards", text)
    return frame_in(rect, across, Axis(across.low, across.high, True, "", text))


class EvidencePlot(PaintedPlot):
    """The measurements of one chip, one kind of figure at a time."""

    title = "Measured and predicted"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("evidence.plot")
        self.setAccessibleName(self.title)
        self.setMinimumSize(280, 180)
        self._found: ChipEvidence | None = None
        self._name, self._place = "", 0
        self._kind: Kind = "tpot"
        self._own: tuple[MeasuredPoint, ...] = ()
        self._waiting = "the measurements are being looked up"

    def sizeHint(self) -> QSize:
        return QSize(460, 320)

    def show_evidence(
        self,
        name: str,
        place: int,
        found: ChipEvidence | None,
        kind: Kind,
        own: tuple[MeasuredPoint, ...] = (),
    ) -> None:
        """Draw one kind of figure of the chip `name` in the colour of place `place`; None while it is looked up.

        `own` are the rows of the user's own benchmarks.
        """
        self._name, self._place, self._found, self._kind, self._own = name, place, found, kind, own
        self._spoken.refresh_soon()
        self.refresh()

    def points(self) -> tuple[MeasuredPoint, ...]:
        """The measurements drawn: the public ones, then one's own."""
        if self._found is None:
            return ()
        return tuple(point for point in (*self._found.points, *self._own) if point.kind == self._kind)

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        if self._found is None:
            return f"{self.title}: {self._waiting}"
        return f"{self._public_summary()}{self._own_summary()}"

    def _own_summary(self) -> str:
        rows = [self.words(point).replace("\n", ": ") for point in self._own if point.kind == self._kind]
        return "" if not rows else f". Your benchmark, {len(rows)} rows: {'; '.join(rows)}"

    def _public_summary(self) -> str:
        assert self._found is not None
        if not self._found.points:
            return nothing_measured(self._name, self._found)
        one = next((score for score in self._found.scores if score.kind == self._kind), None)
        if one is None:
            return f"{self.title}: no {KIND_TITLES[self._kind]} of {self._name} was measured in public"
        return (
            f"{self.title}, {self._name}, {KIND_TITLES[self._kind]}: {one.rows} measurements from {one.sources} "
            f"sources, half of them within {SHARE.format(one.median_error)} of the engine's figure, nine in ten within "
            f"{SHARE.format(one.p90_error)}; {SHARE.format(one.coverage)} inside the stated band"
        )

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """One piece: everything."""
        content = (id(self._found), self._kind, self._name, self._place, self._tokens.name, self._own)
        return (Piece(rect, content, self._paint),)

    def event(self, event: QEvent) -> bool:
        """The dot under the pointer says what was measured, by whom and when."""
        if isinstance(event, QHelpEvent):
            point = self.point_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), "" if point is None else self.words(point), self)
            return True
        return super().event(event)

    def words(self, point: MeasuredPoint) -> str:
        """One measurement in words."""
        text = QUANTITIES[QUANTITY_OF[point.kind]].format
        inside = "inside" if point.inside else "outside"
        return f"{point.words}\nmeasured {text(point.measured)}, engine {text(point.predicted)}: {inside} the band"

    def point_at(self, at: QPointF) -> MeasuredPoint | None:
        """The measurement whose dot is nearest to a position, if one is near."""
        points = self.points()
        if not points:
            return None
        frame = _frame(self._body(QRectF(self.rect())), points, self._kind)

        def far(point: MeasuredPoint) -> float:
            return float((frame.at(point.measured, point.predicted) - at).manhattanLength())

        nearest = min(points, key=far)
        return nearest if far(nearest) <= NEAR else None

    @staticmethod
    def _body(rect: QRectF) -> QRectF:
        return rect.adjusted(0.0, 20.0, 0.0, 0.0)

    def _paint(self, painter: QPainter, rect: QRectF) -> None:
        tokens, points = self._tokens, self.points()
        top = draw_heading(painter, rect, tokens, self.title, SUBTITLE if points else ("",))
        if not points:
            text = f"{self._waiting} …" if self._found is None else self.text_summary()
            width = min(rect.width(), READABLE)
            draw_wrapped(painter, rect.left(), top + 8.0, width, wrapped(text, width, 8), tokens.text)
            return
        frame = _frame(self._body(rect), points, self._kind)
        draw_frame(painter, frame, tokens)
        area = frame.area
        painter.setPen(QPen(QColor(tokens.secondary), 1.0, Qt.PenStyle.DashLine))
        painter.drawLine(area.bottomLeft(), area.topRight())
        colour = tokens.chip(self._place)
        public = points[: len(points) - self._own_drawn()]
        for point in public:
            painter.setPen(QPen(colour, 1.2))
            painter.setBrush(tokens.chip_wash(self._place, 0.45) if point.inside else QColor(tokens.panel))
            painter.drawEllipse(frame.at(point.measured, point.predicted), DOT, DOT)
        for point in points[len(public) :]:
            at = frame.at(point.measured, point.predicted)
            paint_mark(painter, at, colour, tokens, is_tail=True, alike=point.inside)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        self._paint_key(painter, area, tokens, public)

    def _own_drawn(self) -> int:
        return sum(point.kind == self._kind for point in self._own)

    def _paint_key(self, painter: QPainter, area: QRectF, tokens: Tokens, public: tuple[MeasuredPoint, ...]) -> None:
        x, y = area.left() + 10.0, area.top() + 14.0
        colour = tokens.chip(self._place)
        if self._own_drawn():
            paint_mark(painter, QPointF(x, y - 4.0), colour, tokens, is_tail=True, alike=True)
            text = "your benchmark; hollow: outside the band"
            draw_line(painter, x + 9.0, y, area.width() - 20.0, text, tokens.secondary)
            y += 16.0
        if not public:
            return
        outside = sum(not point.inside for point in public)
        for text, filled in (("inside the stated 90 % band", True), (f"outside it: {outside}", False)):
            painter.setPen(QPen(colour, 1.2))
            painter.setBrush(tokens.chip_wash(self._place, 0.45) if filled else QColor(tokens.panel))
            painter.drawEllipse(QPointF(x, y - 4.0), DOT, DOT)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            draw_line(painter, x + 9.0, y, area.width() - 20.0, text, tokens.secondary)
            y += 16.0

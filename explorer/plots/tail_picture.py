"""The tail plot laid out in a rectangle and painted in one pass: what stands still below, what moves above it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPaintEngine, QPainter, QPixmap

from explorer.plots.lettering import draw_heading, draw_line, text_width
from explorer.plots.painted_plot import Piece
from explorer.plots.tail_area import AXIS_WIDTH, ROOM_RIGHT, Projection, Rooms
from explorer.plots.tail_content import TailContent
from explorer.plots.tail_labels import LabelPlacer, Places
from explorer.plots.tail_lines import Drawing, cut_drawing, drawing, paint_lines
from explorer.plots.tail_notes import Readout, Sheet, paint_notes, paint_readout
from explorer.plots.tail_ticks import paint_ticks
from explorer.plots.tokens import Tokens

LEAST_NOTED = 20.0
"""Below this side of the plotting area there is room for curves only."""


class KeptGround:
    """Grid and figures of the axes as pixels, painted anew only when axes, size, theme or scale change."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._pixmap = QPixmap()

    def paint(self, painter: QPainter, picture: TailPicture) -> None:
        """Draw the ground of `picture`, from the kept pixels where they fit."""
        chart, scale = picture.rooms.chart, painter.deviceTransform().m11()
        key = (picture.rooms, picture.content.axes, picture.tokens.name, scale)
        if key != self._key:
            # The chart begins and ends between whole pixels of the widget.
            self._pixmap = QPixmap(QSize(round(chart.width() * scale), round(chart.height() * scale)))
            self._pixmap.setDevicePixelRatio(scale)
            self._pixmap.fill(QColor(picture.tokens.panel))
            inner = QPainter(self._pixmap)
            inner.translate(-chart.topLeft())
            picture.paint_ground(inner)
            inner.end()
            self._key = key
        painter.drawPixmap(chart.topLeft(), self._pixmap)


class TailPicture:
    """One content in one place and theme."""

    def __init__(
        self,
        content: TailContent,
        tokens: Tokens,
        rooms: Rooms,
        title: str,
        placer: LabelPlacer | None = None,
        *,
        hurried: bool = False,
    ) -> None:
        """`placer` remembers where labels stood in the frame before (without one they are placed afresh); `hurried`
        while a hand moves."""
        self.content, self.tokens, self.rooms = content, tokens, rooms
        self._title, self._hurried = title, hurried
        self._placer = placer or LabelPlacer()
        self._drawing: Drawing | None = None
        self._places: Places | None = None
        at = Projection(content.axes, rooms.area) if rooms.drawable else None
        self._sheet = None if at is None else Sheet(rooms.area, at, tokens)

    def pieces(
        self, ground: KeptGround | None = None, readout: Readout | None = None, grip: str | None = None
    ) -> tuple[Piece, ...]:
        """Heading, note, chart and foot; with `ground` for a screen, else for paper."""
        rooms, words = self.rooms, self.content.words
        note = self._fitting_note()
        beside = note if rooms.note is None else ""

        def heading(painter: QPainter, place: QRectF) -> None:
            draw_heading(painter, place, self.tokens, self._title, words.subtitles, beside)

        def noted(painter: QPainter, place: QRectF) -> None:
            at = place.top() + 0.5 * place.height() + 4.0
            draw_line(painter, place.left(), at, place.width() - ROOM_RIGHT, note, self.tokens.secondary, right=True)

        def chart(painter: QPainter, place: QRectF) -> None:
            self.paint_chart(painter, ground, readout, grip)

        foot = self._fitting_foot()

        def footed(painter: QPainter, place: QRectF) -> None:
            room = place.width() - AXIS_WIDTH - ROOM_RIGHT
            draw_line(painter, place.left() + AXIS_WIDTH, place.bottom() - 5.0, room, foot, self.tokens.secondary)

        made = [Piece(rooms.heading, (words.subtitles, beside), heading)]
        if rooms.note is not None:
            made.append(Piece(rooms.note, (note,), noted, words=True))
        made.append(Piece(rooms.chart, (self.content, self.tokens, readout, grip), chart))
        made.append(Piece(rooms.foot, (foot,), footed, words=True))
        return tuple(made)

    def places(self) -> Places:
        """Where the words in the plotting area stand."""
        if self._places is None:
            content = self.content
            self._places = self._placer.place(
                content.notes, content.axes, self.rooms.area, self._drawn().lines, hurried=self._hurried
            )
        return self._places

    def paint_ground(self, painter: QPainter) -> None:
        """Draw what stands still."""
        if self._sheet is not None:
            paint_ticks(painter, self.rooms.area, self.content.axes, self.tokens)

    def _fitting_note(self) -> str:
        """Beside the switch, where it never competes with the meaning of the plot, or in the heading."""
        notes, place = self.content.words.notes, self.rooms.note
        if place is None:
            return notes[-1]
        return next((text for text in notes if text_width(text) <= place.width() - ROOM_RIGHT), "")

    def _fitting_foot(self) -> str:
        labels, room = self.content.words.x_labels, self.rooms.foot.width() - AXIS_WIDTH - ROOM_RIGHT
        return next((text for text in labels if text_width(text) <= room), labels[-1])

    def _drawn(self) -> Drawing:
        if self._drawing is None:
            assert self._sheet is not None, "there is room"
            self._drawing = drawing(self.content.curves, self.content.ghost, self._sheet.at)
        return self._drawing

    def paint_chart(
        self, painter: QPainter, ground: KeptGround | None, readout: Readout | None, grip: str | None
    ) -> None:
        """Draw grid, figures of the axes, curves and all that stands on them."""
        if self._sheet is None:
            return
        if ground is None:
            self.paint_ground(painter)
        else:
            ground.paint(painter, self)
        made = self._drawn()
        if painter.paintEngine().type() == QPaintEngine.Type.SVG:
            made = cut_drawing(self.content.curves, self.content.ghost, self._sheet.at, self.rooms.area)
        painter.save()
        painter.setClipRect(self.rooms.area, Qt.ClipOperation.IntersectClip)
        paint_lines(painter, self.tokens, made)
        if min(self.rooms.area.width(), self.rooms.area.height()) >= LEAST_NOTED:
            paint_notes(painter, self._sheet, self.content.notes, self.places(), grip)
            if readout is not None:
                paint_readout(painter, self._sheet, readout)
        painter.restore()

    def rate_at(self, position: QPointF) -> float | None:
        """The rate (requests/s) under a point of the plotting area; None elsewhere."""
        if self._sheet is None or not self.rooms.area.contains(position):
            return None
        return self._sheet.at.rate_at(position.x())

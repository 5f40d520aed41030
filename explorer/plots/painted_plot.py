"""What the plots drawn by hand share: an outcome, a baseline, a theme, and a picture made of pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from explorer.plots.lettering import draw_heading
from explorer.plots.spoken_summary import SpokenSummary
from explorer.plots.tokens import LIGHT, Tokens
from explorer.plots.word_pace import WordPace
from explorer.study.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Showing:
    """What a plot was given to show."""

    outcome: Outcome
    workload: int
    baseline: Outcome | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a plot that is painted anew only when its content or its place changes."""

    place: QRectF
    content: tuple[object, ...]
    """Everything that the piece shows: equal content at an equal place is the same picture."""
    draw: Callable[[QPainter, QRectF], None] = field(compare=False)
    words: bool = False
    """It is nothing but words: while a hand moves it follows at a pace."""


def paint_pieces(painter: QPainter, rect: QRectF, pieces: tuple[Piece, ...]) -> None:
    """Draw pieces within `rect` of any painter."""
    painter.save()
    painter.setClipRect(rect, Qt.ClipOperation.IntersectClip)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for piece in pieces:
        piece.draw(painter, piece.place)
    painter.restore()


class PaintedPlot(QWidget):
    """A plot made of pieces; subclasses say which ones there are and what the plot means in words."""

    title = ""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokens = LIGHT
        self._outcome: Outcome | None = None
        self._baseline: Outcome | None = None
        self._workload = 0
        self._pieces: tuple[Piece, ...] = ()
        self._dragging = False
        self._spoken = SpokenSummary(self, self.text_summary)
        self._pace = WordPace(self, self.refresh)
        # It paints its own ground: nothing beneath it need be painted first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def show_outcome(self, outcome: Outcome, workload: int, baseline: Outcome | None = None) -> None:
        """Draw `outcome` (one workload of it, where that matters) against `baseline` from now on."""
        self._outcome, self._baseline, self._workload = outcome, baseline, workload
        self._spoken.refresh_soon()
        self.refresh()

    def set_dragging(self, dragging: bool) -> None:
        """While a hand moves pictures follow in every frame, and what is only words at a pace."""
        self._dragging = dragging
        if not dragging:
            self._pace.rest()
            self.refresh()

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self._tokens = tokens
        self._pieces = ()
        self.refresh()

    def showing(self) -> Showing | None:
        """What the plot was last given to show; None before the first outcome."""
        return None if self._outcome is None else Showing(self._outcome, self._workload, self._baseline)

    @property
    def tokens(self) -> Tokens:
        """The theme drawn in."""
        return self._tokens

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        raise NotImplementedError

    def value_rows(self) -> tuple[list[str], Iterable[tuple[str | float | int | bool | None, ...]]] | None:
        """Notes on the values and the values as a table, its heading first; None where a plot has no table."""
        return None

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """The picture laid out in `rect`, from the top down; nothing but the title before the first outcome."""
        return (Piece(rect, (), self._draw_title),)

    def _own_pieces(self) -> tuple[Piece, ...]:
        """The pieces of the widget's own picture."""
        return self.pieces(QRectF(self.rect()))

    def _pieces_painted_here(self) -> tuple[Piece, ...]:
        """Those of the laid out pieces that no child widget paints."""
        return self._pieces

    def _draw_title(self, painter: QPainter, rect: QRectF) -> None:
        draw_heading(painter, rect, self._tokens, self.title, ("",))

    def refresh(self) -> None:
        """Lay the picture out anew and have those pieces painted that look different."""
        old, self._pieces = self._pieces, self._own_pieces()
        if [piece.place for piece in old] != [piece.place for piece in self._pieces]:
            self._repaint(QRectF(self.rect()))
            return
        changed = [at for at, (before, now) in enumerate(zip(old, self._pieces, strict=True)) if before != now]
        held: set[int] = set()
        if self._dragging:
            words = {at for at in changed if self._pieces[at].words}
            held = words if words and not self._pace.due() else held
            # what is not painted yet is still what it was
            self._pieces = tuple(old[at] if at in held else piece for at, piece in enumerate(self._pieces))
        for at in changed:
            if at not in held:
                self._repaint(self._pieces[at].place)

    def _repaint(self, place: QRectF) -> None:
        """Have a part of the widget painted anew."""
        self.update(place.toAlignedRect())

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw into `rect` of any painter (window, report, pictures); the ground is left as it is."""
        paint_pieces(painter, rect, self.pieces(rect))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._pieces = ()
        self.refresh()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(self._tokens.panel))
        region = event.region()
        shown = self._pieces_painted_here()
        touched = tuple(piece for piece in shown if region.intersects(piece.place.toAlignedRect()))
        if region.rectCount() == 1:
            paint_pieces(painter, QRectF(self.rect()), touched)
            return
        # held to one rectangle at a time: within several everything takes half as long again
        for piece in touched:
            paint_pieces(painter, piece.place, (piece,))

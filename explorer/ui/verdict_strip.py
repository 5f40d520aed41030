"""The strip at the top: the question as a sentence and seven painted tiles with the answers."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolTip, QWidget

from explorer.plots.fonts import BODY, NOTE, QUESTION, VERDICT, font, metrics
from explorer.plots.lettering import baseline_in, draw_line, draw_text, text_width
from explorer.plots.spoken_summary import SpokenSummary
from explorer.plots.tokens import RADIUS, Tokens
from explorer.plots.word_pace import WordPace
from explorer.study.describe import COMPARISON_WORDS
from explorer.ui import theme
from explorer.ui.document import Document
from explorer.ui.verdict import WAS, Tile, baseline_words, verdict_tiles

HEIGHT = 80
LARGE, SMALL = (VERDICT, 19.0, 17.0), (QUESTION, BODY)
"""Sizes of a tile's figure, pixels, the largest first."""
LEFT = 11.0
"""Where the words of a tile begin."""
KEYS = ("fits", "ttft", "tpot", "usd_per_million", "usd_per_month", "fleet", "certainty")
STRETCH = {"fleet": 13, "certainty": 11}


class TileView(QWidget):
    """One tile, painted whole: labels in a layout would lay the window out anew on every changed figure.

    A click, Enter or Space asks why its figure is what it is.
    """

    asked = Signal(str)

    def __init__(self, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"tile.{key}")
        self.setMinimumWidth(112)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._key = key
        self.tile: Tile | None = None
        self._ground = _CardGround()
        self._spoken = SpokenSummary(self, lambda: "" if self.tile is None else self.tile.sentence)
        self._pace = WordPace(self, self._show_beside)

    def show_tile(self, tile: Tile, *, dragging: bool = False) -> None:
        """Show an answer; while a hand moves, what stands beside a figure that is the same follows at a pace."""
        old, self.tile = self.tile, tile
        if tile == old:
            return
        if old is None or tile.title != old.title:
            self.setAccessibleName(tile.title)
        self._spoken.refresh_soon()
        waiting = not dragging and self._pace.rest()
        if old is None or waiting or tile.answer != old.answer:
            self.update()
        elif tile.beside != old.beside:
            if dragging:
                self._show_beside()
            else:
                self.update()

    def _show_beside(self) -> None:
        if self._pace.due():
            self.update()

    def tip(self) -> str:
        """All that the tile knows, also what there is no room for."""
        if self.tile is None:
            return ""
        tile = self.tile
        title, band, note, why = (escape(part) for part in (tile.title, tile.band, tile.note, tile.why))
        asks = "<p>Click: why? The chain from here to figures and sources.</p>"
        return f"<p><b>{title}: {escape(tile.figure)}</b> {band}</p><p>{note}</p><p>{why}</p>{asks}"

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.asked.emit(self._key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Space, as on a button."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.asked.emit(self._key)
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        """All tiles are of one height."""
        return QSize(140, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Title, figure with band, note."""
        t, tile = theme.tokens(), self.tile
        painter = QPainter(self)
        self._ground.paint(painter, self.rect(), t, "" if tile is None else tile.title)
        if tile is None:
            return
        left, room = LEFT, self.width() - 20.0
        ink = {"plain": t.text, "good": t.good, "doubt": t.amber, "bad": t.bad}[tile.tone]
        size, banded, note = _fitting(tile, room)
        middle = baseline_in(20, 36, size, semibold=True)
        used = draw_line(painter, left, middle, room, tile.figure, ink, size, semibold=True) + 6
        if banded:
            draw_text(painter, QPointF(left + used, baseline_in(29, 22)), tile.band, t.secondary)
        ink = t.text if _tells_change(tile) else t.secondary
        draw_line(painter, left, baseline_in(57, 16), room, note, ink)
        if self.hasFocus():
            painter.setPen(QPen(QColor(t.accent), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))


class _CardGround:
    """The card of a tile with its title as pixels: its rounded corners cost more than all that is written on it."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._pixmap = QPixmap()

    def paint(self, painter: QPainter, rect: QRect, tokens: Tokens, title: str) -> None:
        """Draw the card in `rect`, from the kept pixels where they fit."""
        scale = painter.deviceTransform().m11()
        key = (rect.size(), tokens.name, scale, title)
        if key != self._key:
            self._pixmap = QPixmap(QSize(round(rect.width() * scale), round(rect.height() * scale)))
            self._pixmap.setDevicePixelRatio(scale)
            self._pixmap.fill(QColor(tokens.window))
            inner = QPainter(self._pixmap)
            inner.setRenderHint(QPainter.RenderHint.Antialiasing)
            inner.setPen(QPen(QColor(tokens.hairline), 1))
            inner.setBrush(QColor(tokens.panel))
            inner.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
            draw_line(inner, LEFT, baseline_in(8, 16), rect.width() - 20.0, title, tokens.secondary)
            inner.end()
            self._key = key
        painter.drawPixmap(rect.topLeft(), self._pixmap)


class QuestionView(QWidget):
    """The question in up to three lines, and below it of what the tiles speak, and against which baseline."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("question")
        self.setMinimumWidth(180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.question = self.subject = ""
        self._parts: tuple[str, ...] = ()

    def show_question(self, question: str, *parts: str) -> None:
        """Show the question and the parts of the tiles' subject, up to two, each whole where there is room."""
        if (question, parts) == (self.question, self._parts):
            return
        subject = " · ".join(parts)
        self.question, self.subject, self._parts = question, subject, parts
        self.setAccessibleName(question)
        self.setAccessibleDescription(subject)
        self.setToolTip(f"<p><b>{escape(question)}</b></p><p>{escape(subject)}</p>")
        self.update()

    def sizeHint(self) -> QSize:
        """As high as the tiles."""
        return QSize(240, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Question and subject."""
        t = theme.tokens()
        painter = QPainter(self)
        width = self.width() - 10.0
        painter.setPen(QColor(t.text))
        lines, size = _question_lines(self.question, width)
        painter.setFont(font(size, semibold=True))
        step = size + (5.0 if len(lines) < 3 else 3.0)
        top = (14.0, 6.0, 0.0)[len(lines) - 1]
        for place, line in enumerate(lines):
            painter.drawText(QRectF(2, top + place * step, width, step), Qt.AlignmentFlag.AlignVCenter, line)
        painter.setFont(font(NOTE))
        painter.setPen(QColor(t.secondary))
        below = top + len(lines) * step + (2.0 if len(lines) < 3 else 0.0)
        whole = metrics(NOTE).horizontalAdvance(self.subject) <= width
        # the baseline has a line of its own rather than none
        for place, line in enumerate((self.subject,) if whole else self._parts):
            shown = metrics(NOTE).elidedText(line, Qt.TextElideMode.ElideRight, width)
            painter.drawText(QRectF(2, below + place * 15, width, 16), Qt.AlignmentFlag.AlignVCenter, shown)


class VerdictStrip(QWidget):
    """Question and tiles of the workload that is edited."""

    why_asked = Signal(str)
    """The key of a tile whose figure is to be explained."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("verdict")
        self.setAccessibleName("Verdict")
        self._document = document
        self.question = QuestionView(self)
        self.tiles = {key: TileView(key, self) for key in KEYS}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.question, 17)
        for view in self.tiles.values():
            view.asked.connect(self.why_asked)
            row.addWidget(view, STRETCH.get(view.objectName().removeprefix("tile."), 10))
        document.outcome_changed.connect(self._show)
        document.baseline_changed.connect(self._show)
        document.workload_changed.connect(self._show)
        self._show()

    def event(self, event: QEvent) -> bool:
        """The tips of the tiles: asked for here, where hardly an event comes by, not in each tile that is painted."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            tile = self.childAt(event.pos())
            if isinstance(tile, TileView):
                QToolTip.showText(event.globalPos(), tile.tip(), tile)
                return True
        return super().event(event)

    def _show(self) -> None:
        document = self._document
        outcome = document.outcome
        workload = min(document.workload_index, len(outcome.workloads) - 1)
        for tile in verdict_tiles(outcome, workload, document.baseline_outcome):
            self.tiles[tile.key].show_tile(tile, dragging=document.is_dragging)
        answer = outcome.workloads[workload]
        basis = COMPARISON_WORDS.get(outcome.comparison_basis, outcome.comparison_basis)
        if answer.chosen.users is not None:
            basis = f"{answer.chosen.users:,} users of each replica"
        self.question.show_question(
            document.scenario.question or document.scenario.title,
            f"{answer.chosen.name}, {basis}",
            f"baseline {baseline_words(document.baseline_name, answer, document.baseline_outcome)}",
        )


def _fitting(tile: Tile, room: float) -> tuple[float, bool, str]:
    """The figure's size, whether its band stands beside it, and the note, in `room` pixels.

    A band without room beside its figure goes into the note, or takes the place of one that says neither a change nor
    a doubt; only where neither has room the figure gets small.
    """
    note = tile.brief if tile.brief and text_width(tile.note) > room else tile.note
    band = text_width(tile.band) + 7 if tile.band else 0.0

    def beside(sizes: tuple[float, ...], width: float) -> float | None:
        return next((size for size in sizes if text_width(tile.figure, size, semibold=True) + width <= room), None)

    size = beside(LARGE, band)
    if size is not None:
        return size, bool(tile.band), note
    alone = beside((*LARGE, *SMALL), 0.0) or BODY
    if not tile.band_alone:
        return alone, False, note
    joined = f"{note} · {tile.band_alone}" if note else tile.band_alone
    if text_width(joined) <= room:
        return alone, False, joined
    size = beside(SMALL, band)
    if size is None or (tile.tone == "plain" and not _tells_change(tile)):
        return alone, False, tile.band_alone
    return size, True, note


def _tells_change(tile: Tile) -> bool:
    return tile.note.startswith(("▲", "▼", WAS))


def _question_lines(text: str, width: float) -> tuple[list[str], float]:
    """The text broken into two lines at the largest size at which it fits, else into three; the last may be cut."""
    for size in (QUESTION, 14.0, 13.0):
        lines = _wrapped(text, width, 2, size, True)
        if not lines[-1].endswith("…"):
            return lines, size
    return _wrapped(text, width, 3, 13.0, True), 13.0


def _wrapped(text: str, width: float, count: int, size: float = NOTE, semibold: bool = False) -> list[str]:
    measure = metrics(size, semibold)
    lines: list[str] = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and measure.horizontalAdvance(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    if len(lines) > count:
        lines = [*lines[: count - 1], " ".join(lines[count - 1 :])]
    return [measure.elidedText(line, Qt.TextElideMode.ElideRight, width) for line in lines]

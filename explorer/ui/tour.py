"""The tour: four remarks beside what they speak of, once, or on request; the window stays in use meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.plots.fonts import BODY, font
from explorer.plots.tokens import RADIUS
from explorer.ui import theme

WIDTH, GAP = 320, 12


@dataclass(frozen=True)
class Stop:
    """One remark: what it stands beside, a heading, two or three sentences."""

    targets: tuple[QWidget, ...]
    heading: str
    text: str


class Tour(QFrame):
    """A card that goes from stop to stop; Enter or Right goes on, Left goes back, Escape ends it."""

    ended = Signal()

    def __init__(self, stops: Sequence[Stop], window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("tour")
        self.setAccessibleName("Tour")
        self.setFixedWidth(WIDTH)
        self.place = -1
        self._stops, self._window = tuple(stops), window
        self._frame = _Outline(window)
        self._heading, self._text, self._count = (QLabel(self) for _ in range(3))
        self._text.setWordWrap(True)
        self._count.setObjectName("note")
        self.on, self.skip = QPushButton("Next", self), QPushButton("Skip", self)
        self.on.setDefault(True)
        self.skip.setAccessibleName("Skip the tour")
        row = QHBoxLayout()
        row.addWidget(self._count, 1)
        row.addWidget(self.skip)
        row.addWidget(self.on)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self._heading)
        column.addWidget(self._text)
        column.addLayout(row)
        self.on.clicked.connect(lambda: self.go(self.place + 1))
        self.skip.clicked.connect(self.end)
        self._watched = _holding(self._stops, window)
        for widget in self._watched:
            widget.installEventFilter(self)
        self.hide()

    @property
    def stop(self) -> Stop:
        """Where the tour is."""
        return self._stops[self.place]

    def go(self, place: int) -> None:
        """Go to a stop; beyond the last the tour ends."""
        if place >= len(self._stops):
            self.end()
            return
        self.place = max(place, 0)
        last = self.place == len(self._stops) - 1
        self._heading.setText(self.stop.heading)
        self._heading.setFont(font(BODY, semibold=True))
        self._text.setText(self.stop.text)
        self._count.setText(f"{self.place + 1} of {len(self._stops)}")
        self.on.setText("Done" if last else "Next")
        self.skip.setVisible(not last)
        self.setAccessibleDescription(f"{self.stop.heading}. {self.stop.text}")
        self._settle()
        self.show()
        self.raise_()
        self.on.setFocus(Qt.FocusReason.OtherFocusReason)

    def end(self) -> None:
        """Close the card for good."""
        for widget in self._watched:
            widget.removeEventFilter(self)
        self._frame.deleteLater()
        self._frame.hide()
        self.hide()
        self.deleteLater()
        self.ended.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A panel with a border that stands out from the plots behind it."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(t.accent), 1))
        painter.setBrush(QColor(t.panel))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys go on, back and out."""
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self.end()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Right):
            self.go(self.place + 1)
        elif key == Qt.Key.Key_Left:
            self.go(self.place - 1)
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay beside the target when the window changes its size, or what is above the target comes and goes."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move) and self.place >= 0:
            self._settle()
        return super().eventFilter(watched, event)

    def _settle(self) -> None:
        area = QRect()
        for target in self.stop.targets:
            area = area.united(QRect(target.mapTo(self._window, QPoint(0, 0)), target.size()))
        self._frame.setGeometry(area.adjusted(-3, -3, 3, 3).intersected(self._window.rect()))
        self._frame.show()
        self._frame.raise_()
        self.setFixedHeight(self._column.heightForWidth(WIDTH))
        self.move(beside(area, QRect(0, 0, WIDTH, self.height()), self._window.rect()))


def _holding(stops: Sequence[Stop], window: QWidget) -> tuple[QWidget, ...]:
    """All whose place in the window says where a target is: the targets and what they lie in."""
    found: dict[QWidget, None] = {window: None}
    for stop in stops:
        for target in stop.targets:
            widget: QWidget | None = target
            while widget is not None and widget not in found:
                found[widget] = None
                widget = widget.parentWidget()
    return tuple(found)


class _Outline(QWidget):
    """A line around what is spoken of; it takes no clicks."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The line."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.tokens().accent), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5), RADIUS + 2, RADIUS + 2)


def beside(area: QRect, card: QRect, window: QRect) -> QPoint:
    """Where a card stands: right of the area, else below, else left, else above; at worst within it."""
    room = window.adjusted(GAP, GAP, -GAP, -GAP)
    tries = (
        QPoint(area.right() + GAP, area.top() + GAP),
        QPoint(area.left() + GAP, area.bottom() + GAP),
        QPoint(area.left() - GAP - card.width(), area.top() + GAP),
        QPoint(area.left() + GAP, area.top() - GAP - card.height()),
    )
    for corner in tries:
        if room.contains(QRect(corner, card.size())):
            return corner
    return QPoint(area.center().x() - card.width() // 2, area.center().y() - card.height() // 2)

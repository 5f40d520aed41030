"""The track of a parameter slider: painted by hand, moved by hand, keys and a focused wheel."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QSlider, QWidget

from explorer.plots.tokens import Tokens
from explorer.ui import theme
from explorer.ui.controls.scale import FINE_STEP, PAGE_STEP, SINGLE_STEP, Scale, Value

RESOLUTION = 20_000
HANDLE = 6.5
EDGE = 9
"""Room at both ends, so that the handle is whole there; logical pixels."""
TRACK_HEIGHT = 24


class Track(QSlider):
    """The slider itself: painted by hand, wheel only when focused, double click asks for the baseline."""

    moved = Signal(object)
    reset_requested = Signal()
    held = Signal()
    """The hand tried to move a locked handle."""

    def __init__(self, scale: Scale, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._scale = scale
        self._exact: Value | None = None
        self._baseline: Value | None = None
        self._wash: tuple[Value, Value] | None = None
        self._marks: tuple[Value, ...] = ()
        self._grip = 0.0
        self._locked = False
        self._stepping = False
        self._ground = QPixmap()
        self._ground_of: tuple[object, ...] = ()
        # On the panel's plain ground, so that a moving handle does not have its row painted anew behind it.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setRange(0, RESOLUTION)
        self.setSingleStep(round(RESOLUTION * SINGLE_STEP))
        self.setPageStep(round(RESOLUTION * PAGE_STEP))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(80, TRACK_HEIGHT)
        self.setMouseTracking(False)

    @property
    def scale(self) -> Scale:
        """How travel maps to values."""
        return self._scale

    def set_scale(self, scale: Scale) -> None:
        """Map the travel anew; the value stays."""
        if scale != self._scale:
            self._scale = scale
            if self._exact is not None:
                self._place(self._exact)
            self.update()

    def show_value(self, value: Value | None) -> None:
        """Put the handle at a value; not while the hand holds it."""
        if value == self._exact and type(value) is type(self._exact):
            return
        self._exact = value
        if not self.isSliderDown():
            if value is not None:
                self._place(value)
            self.update()

    def set_baseline(self, value: Value | None) -> None:
        """Mark where the baseline is; None for no mark."""
        if value != self._baseline:
            self._baseline = value
            self.update()

    @property
    def baseline(self) -> Value | None:
        """Where the baseline is; None for no mark."""
        return self._baseline

    @property
    def locked(self) -> bool:
        """True while no hand can move the handle."""
        return self._locked

    @property
    def is_stepping(self) -> bool:
        """True while a key or the wheel moves it by steps: many of them may be one move of the hand."""
        return self._stepping

    def set_locked(self, locked: bool) -> None:
        """Hold the handle where it is, or free it."""
        self._locked = locked
        self.update()

    def set_wash(self, wash: tuple[Value, Value] | None, marks: tuple[Value, ...] = ()) -> None:
        """Wash the range that nobody has narrowed, and mark named readings."""
        if (wash, marks) != (self._wash, self._marks):
            self._wash, self._marks = wash, marks
            self.update()

    def _place(self, value: Value) -> None:
        self.setSliderPosition(round(self._scale.position(value) * RESOLUTION))

    def handle_x(self) -> float:
        """Middle of the handle, in the track's own pixels."""
        return self._x(self.sliderPosition() / RESOLUTION)

    def x_of(self, value: Value) -> float:
        """Where a value lies, in the track's own pixels."""
        return self._x(self._scale.position(value))

    def _x(self, travel: float) -> float:
        return EDGE + travel * (self.width() - 2 * EDGE)

    def _travel(self, x: float) -> float:
        return min(max((x - EDGE) / max(self.width() - 2 * EDGE, 1), 0.0), 1.0)

    def _follow(self, x: float) -> None:
        travel = self._travel(x + self._grip)
        self.setSliderPosition(round(travel * RESOLUTION))
        self.update()
        self._give(self._scale.value(travel))

    def _give(self, value: Value) -> None:
        if value != self._exact:
            self._exact = value
            self.moved.emit(value)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the handle, or bring it to the hand."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        if self._locked:
            self.held.emit()
            return
        handle = self.handle_x()
        near = abs(event.position().x() - handle) <= HANDLE + 3 and self._exact is not None
        self._grip = handle - event.position().x() if near else 0.0
        self.setSliderDown(True)
        if not near:
            self._follow(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the hand."""
        if self.isSliderDown():
            self._follow(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go; the handle settles on the rounded value."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.let_go()

    def let_go(self) -> None:
        """Take the handle out of the hand: what it moved is there no longer."""
        if self.isSliderDown():
            self.setSliderDown(False)
            if self._exact is not None:
                self._place(self._exact)
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Back to the baseline."""
        if event.button() == Qt.MouseButton.LeftButton and not self._locked:
            self.reset_requested.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step when focused; otherwise the panel scrolls."""
        turned = event.angleDelta().y()
        if self.hasFocus() and turned and not self._locked:
            self.step(1.0 if turned > 0 else -1.0)
            event.accept()
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow and page keys step, arrows with Shift in tenths of a step, Home and End go to the ends."""
        key = Qt.Key
        page = PAGE_STEP / SINGLE_STEP
        steps = {
            key.Key_Left: -1.0,
            key.Key_Down: -1.0,
            key.Key_Right: 1.0,
            key.Key_Up: 1.0,
            key.Key_PageDown: -page,
            key.Key_PageUp: page,
        }.get(Qt.Key(event.key()))
        if steps is not None and abs(steps) == 1.0 and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            steps *= FINE_STEP / SINGLE_STEP
        if self._locked and (steps is not None or event.key() in (key.Key_Home, key.Key_End)):
            self.held.emit()
        elif steps is not None:
            self.step(steps)
        elif event.key() == key.Key_Home:
            self._give_placed(self._scale.value(0.0))
        elif event.key() == key.Key_End:
            self._give_placed(self._scale.value(1.0))
        else:
            super().keyPressEvent(event)

    def step(self, steps: float) -> None:
        """Move by key steps from the exact value."""
        start = self._exact if self._exact is not None else self._scale.value(0.5)
        self._stepping = True
        try:
            self._give_placed(self._scale.stepped(start, steps))
        finally:
            self._stepping = False

    def _give_placed(self, value: Value) -> None:
        self._place(value)
        self._give(value)
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus ring."""
        super().focusInEvent(event)
        self.update()

    def sizeHint(self) -> QSize:
        """Wide enough to aim."""
        return QSize(200, TRACK_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """What stands still from kept pixels, then the filled part, marks and the handle."""
        t = theme.tokens()
        painter = QPainter(self)
        self._paint_ground(painter, t)
        if self._exact is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, left, handle = self.height() / 2, self._x(0.0), self.handle_x()
        on = self.isEnabled()
        painter.setPen(Qt.PenStyle.NoPen)
        if on:
            painter.setBrush(QColor(t.secondary if self._locked else t.accent))
            painter.drawRoundedRect(QRectF(left, middle - 1.5, handle - left, 3), 1.5, 1.5)
        self._paint_marks(painter, t)
        if self.hasFocus():
            ring = QColor(t.accent)
            ring.setAlphaF(0.25)
            painter.setBrush(ring)
            painter.drawEllipse(QPointF(handle, middle), HANDLE + 4, HANDLE + 4)
        painter.setPen(QPen(QColor(t.secondary if self._locked else t.accent if on else t.faint), 2))
        painter.setBrush(QColor(t.accent if self.isSliderDown() else t.panel))
        if self._locked:
            # A shape of its own, so that a locked handle is not told by its colour alone.
            painter.drawRoundedRect(QRectF(handle - 5, middle - 5, 10, 10), 2, 2)
        else:
            painter.drawEllipse(QPointF(handle, middle), HANDLE, HANDLE)

    def _paint_ground(self, painter: QPainter, t: Tokens) -> None:
        """The panel's ground, wash, ticks and groove; painted anew only when one of them is another."""
        scale = painter.deviceTransform().m11()
        key = (self.size(), t.name, scale, self._scale, self._wash, self._exact is None, self._marks, self._baseline)
        if key != self._ground_of:
            self._ground = QPixmap(QSize(round(self.width() * scale), round(self.height() * scale)))
            self._ground.setDevicePixelRatio(scale)
            self._ground.fill(QColor(t.panel))
            inner = QPainter(self._ground)
            inner.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_ground(inner, t)
            inner.end()
            self._ground_of = key
        painter.drawPixmap(0, 0, self._ground)

    def _draw_ground(self, painter: QPainter, t: Tokens) -> None:
        middle, left, right = self.height() / 2, self._x(0.0), self._x(1.0)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._wash is not None:
            low, high = (self._x(self._scale.position(end)) for end in self._wash)
            color = QColor(t.amber_mark)
            color.setAlphaF(0.55)
            painter.setBrush(color)
            painter.drawRoundedRect(QRectF(low, middle - 5, max(high - low, 2), 10), 3, 3)
        painter.setPen(QPen(QColor(t.track), 1))
        for tick in self._scale.ticks():
            x = round(self._x(self._scale.position(tick))) + 0.5
            painter.drawLine(QPointF(x, middle + 4), QPointF(x, middle + 8))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.track))
        painter.drawRoundedRect(QRectF(left, middle - 1.5, right - left, 3), 1.5, 1.5)
        if self._exact is None:
            self._paint_marks(painter, t)

    def _paint_marks(self, painter: QPainter, t: Tokens) -> None:
        """Named readings and the baseline, above the filled part."""
        middle = self.height() / 2
        places = [(mark, t.amber) for mark in self._marks]
        if self._baseline is not None:
            places.append((self._baseline, t.baseline))
        for value, color in places:
            x = self._x(self._scale.position(value))
            painter.setBrush(QColor(color))
            painter.drawRect(QRectF(x - 1, middle - 7, 2, 14))

"""A slider with its exact value typed beside it: track, ticks, range wash and baseline mark painted by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from explorer.plots.fonts import BODY, NOTE, font, metrics
from explorer.scenario.quantity import Quantity
from explorer.ui import theme
from explorer.ui.controls.scale import Scale, Value
from explorer.ui.controls.track import TRACK_HEIGHT, Track

BOX_WIDTH = 106
BOX_HEIGHT = 24
CAPTION_HEIGHT = 15
NOT_MADE = "none"


@dataclass(frozen=True)
class ValueText:
    """How a value of the scenario is written and read; `parse` raises ValueError saying what is allowed."""

    format: Callable[[Value], str]
    parse: Callable[[str], Value]


def text_of(quantity: Quantity, si_per_unit: float = 1.0, *, integer: bool = False, exact: bool = True) -> ValueText:
    """The text of a quantity whose scenario values are in units of `si_per_unit`."""
    show = quantity.format_exact if exact else quantity.format

    def parse(text: str) -> Value:
        value = quantity.parse(text) / si_per_unit
        return round(value) if integer else value

    return ValueText(lambda value: show(float(value) * si_per_unit), parse)


class ParameterSlider(QWidget):
    """Title, badge, value box, track and caption of one parameter.

    Signals carry values in the scenario's own units. A value of None is a parameter that is not set (a promise
    not made); typing "none" unsets it where `optional`.
    """

    value_edited = Signal(object)
    drag_started = Signal()
    drag_finished = Signal()
    reset_requested = Signal()
    refused = Signal(str)

    def __init__(
        self,
        name: str,
        title: str,
        scale: Scale,
        text: ValueText,
        meaning: str,
        *,
        caption: bool = False,
        optional: bool = False,
        box_width: int = BOX_WIDTH,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.title, self.meaning = title, meaning
        self._text, self._optional, self._has_caption = text, optional, caption
        self._box_width = box_width
        self._value: Value | None = None
        self._accepted: Value | None = None
        self._badge = self._caption = self._complaint = ""
        self.track = Track(scale, self)
        self.track.setObjectName(f"{name}.track")
        self.track.setAccessibleName(title)
        self.box = QLineEdit(self)
        self.box.setObjectName("value")
        self.box.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.box.setAccessibleName(f"{title}, exact value")
        self.setFocusProxy(self.track)
        # On the panel's plain ground, so that a moving handle does not have the panel painted anew behind it.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.track.moved.connect(self._on_moved)
        self.track.sliderPressed.connect(self.drag_started)
        self.track.sliderReleased.connect(self.drag_finished)
        self.track.sliderReleased.connect(lambda: self._tell(self.box.text()))
        self.track.reset_requested.connect(self.reset_requested)
        self.box.editingFinished.connect(self._on_typed)
        self.explain(meaning)
        self._write()

    @property
    def value(self) -> Value | None:
        """The value shown, in the scenario's units."""
        return self._value

    @property
    def caption(self) -> str:
        """The line below the track: the complaint about a typed text while there is one."""
        return self._complaint or self._caption

    def set_value(self, value: Value | None) -> None:
        """Show a value; a text being typed is left alone."""
        self._accepted = value
        if value == self._value and type(value) is type(self._value) and not self._complaint:
            return
        self._value = value
        self.track.show_value(value)
        if not (self.box.hasFocus() and self.box.isModified()):
            self._write()
        if self._complaint:
            self._complaint = ""
            self.update()

    def set_baseline(self, value: Value | None) -> None:
        """Mark the baseline's value."""
        self.track.set_baseline(value)

    def set_caption(self, text: str) -> None:
        """The outcome in a line below the track."""
        if text != self._caption:
            self._caption = text
            self.update(0, self.height() - CAPTION_HEIGHT - 2, self.width(), CAPTION_HEIGHT + 2)

    def set_badge(self, text: str) -> None:
        """An amber word behind the title: disputed, undisclosed."""
        if text != self._badge:
            self._badge = text
            self.update()

    def set_text(self, text: ValueText) -> None:
        """Write and read values otherwise from now on."""
        self._text = text
        self._write()

    def explain(self, meaning: str, reason: str = "", source: str = "") -> None:
        """Tooltip and accessible description: what it means, why it is so, where it is from."""
        self.meaning = meaning
        parts = [f"<b>{self.title}</b>", meaning]
        parts += [f"Why: {reason}"] if reason else []
        parts += [f"Source: {source}"] if source else []
        self.setToolTip("<p>" + "</p><p>".join(parts) + "</p>")
        plain = ". ".join(part for part in (meaning, reason, source and f"source: {source}") if part)
        self.track.setAccessibleDescription(plain)
        self.box.setAccessibleDescription(plain)

    def refuse(self, why: str) -> None:
        """Say that a value was not taken; the last one set stays."""
        self._complaint = why
        self._value = self._accepted
        self._write()
        self.track.show_value(self._accepted)
        self.setToolTip(f"<p><b>Not taken:</b> {escape(why)}</p>")
        self.update()
        self.refused.emit(f"{self.title}: {why}")

    def _write(self) -> None:
        text = NOT_MADE if self._value is None else self._text.format(self._value)
        if text != self.box.text():
            self.box.setText(text)
            self.box.setCursorPosition(0)
        self.box.setModified(False)
        if not self.track.isSliderDown():
            self._tell(text)

    def _tell(self, text: str) -> None:
        """Qt tells a screen reader the handle's place on its track, which means nothing: so the name has the value."""
        name = f"{self.title}, {text}"
        if name != self.track.accessibleName():
            self.track.setAccessibleName(name)

    def _on_moved(self, value: Value) -> None:
        self._value = value
        self._write()
        self._complaint = ""
        self.value_edited.emit(value)

    def _on_typed(self) -> None:
        if not self.box.isModified():
            return
        typed = self.box.text().strip()
        if self._optional and typed.lower() in ("", NOT_MADE, "–", "-"):
            self.box.setModified(False)
            self.value_edited.emit(None)
            self._write()
            return
        try:
            value = self._text.parse(typed)
        except ValueError as error:
            self.refuse(str(error))
            return
        self.box.setModified(False)
        self._complaint = ""
        self.value_edited.emit(value)
        if not self._complaint:
            self._write()
            self.explain(self.meaning)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape in the value box puts the value back."""
        if event.key() == Qt.Key.Key_Escape and self.box.isModified():
            self._write()
            return
        super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        """Two lines, three with a caption."""
        return QSize(260, 24 + 21 + (CAPTION_HEIGHT if self._has_caption else 1))

    def minimumSizeHint(self) -> QSize:
        """As high as the hint; narrower."""
        return QSize(180, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place box and track; a layout here would cost a frame on every changed text."""
        self.box.setGeometry(self.width() - self._box_width, 0, self._box_width, BOX_HEIGHT)
        self.track.setGeometry(-2, 22, self.width() + 4, TRACK_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Title, badge and caption."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(t.panel))
        body, note = metrics(BODY), metrics(NOTE)
        room = self.width() - self._box_width - 8
        badge_width = note.horizontalAdvance(self._badge) + 8 if self._badge else 0.0
        beside = body.horizontalAdvance(self.title) + 6 + badge_width <= room or not self._has_caption
        bottom = self.height() - CAPTION_HEIGHT - 1.0
        middle = Qt.AlignmentFlag.AlignVCenter
        title_room = room - badge_width - 6 if beside and self._badge else room
        title = body.elidedText(self.title, Qt.TextElideMode.ElideRight, title_room)
        painter.setFont(font(BODY))
        painter.setPen(QColor(t.text))
        painter.drawText(QRectF(0, 0, room, BOX_HEIGHT), middle, title)
        painter.setFont(font(NOTE))
        caption_room = float(self.width())
        if self._badge:
            if beside:
                pill = QRectF(body.horizontalAdvance(title) + 6, 4, badge_width, 16)
            else:
                pill = QRectF(self.width() - badge_width, bottom, badge_width, 15)
                caption_room -= badge_width + 6
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.amber_wash))
            painter.drawRoundedRect(pill, 3, 3)
            painter.setPen(QColor(t.amber))
            painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, self._badge)
        if self.caption:
            painter.setPen(QColor(t.bad if self._complaint else t.secondary))
            text = f"not taken: {self._complaint}" if self._complaint else self._caption
            shown = note.elidedText(text, Qt.TextElideMode.ElideRight, caption_room)
            painter.drawText(QRectF(0, bottom, caption_room, CAPTION_HEIGHT + 1), middle, shown)

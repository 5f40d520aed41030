"""A slider with its exact value typed beside it, its ways back and its lock."""

from __future__ import annotations

from html import escape
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from explorer.plots.lettering import text_width
from explorer.ui.controls.scale import Scale, Value
from explorer.ui.controls.slider_face import BOX_HEIGHT, CAPTION_HEIGHT, LABEL_TOP, Face, paint_face
from explorer.ui.controls.slider_menu import slider_menu
from explorer.ui.controls.tick_labels import LABEL_HEIGHT, LABEL_SIZE, PlacedLabel, placed_labels
from explorer.ui.controls.track import TRACK_HEIGHT, Track
from explorer.ui.controls.value_text import ValueText

BOX_WIDTH = 106
NOT_MADE = "none"
HELD = "it is locked; Ctrl+L or its menu frees it"


class ParameterSlider(QWidget):
    """Title, badge, value box, track and caption of one parameter.

    Signals carry values in the scenario's own units. A value of None is a parameter that is not set (a promise
    not made); typing "none" unsets it where `optional`.
    """

    value_edited = Signal(object)
    drag_started = Signal()
    drag_finished = Signal()
    reset_requested = Signal()
    file_reset_requested = Signal()
    locked_changed = Signal(bool)
    refused = Signal(str)
    accepted = Signal()
    """A typed text was taken."""

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
        self._filed: Value | None = None
        self._labelled = False
        self._named: tuple[tuple[Value, str], ...] = ()
        self._labels: tuple[tuple[object, ...], tuple[PlacedLabel, ...]] = ((), ())
        self._badge = self._caption = self._complaint = self._plain = ""
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
        self.track.held.connect(lambda: self.refuse(HELD))
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

    def follow_drag(self, dragging: bool) -> None:
        """Where the drag of the document ended, no hand holds the handle any more."""
        if not dragging:
            self.track.let_go()

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

    @property
    def baseline(self) -> Value | None:
        """The baseline's value; None where it has none."""
        return self.track.baseline

    @property
    def filed(self) -> Value | None:
        """The file's value; None where it has none."""
        return self._filed

    @property
    def locked(self) -> bool:
        """True while no hand, key or typed text moves it."""
        return self.track.locked

    @property
    def is_stepping(self) -> bool:
        """True while a key or the wheel moves it by steps."""
        return self.track.is_stepping

    def set_baseline(self, value: Value | None) -> None:
        """Mark the baseline's value."""
        self.track.set_baseline(value)

    def set_filed(self, value: Value | None) -> None:
        """The value that the file has, for the way back."""
        self._filed = value

    def set_locked(self, locked: bool) -> None:
        """Hold the value against hand, keys and typing, or free it; undo and resets of the whole still pass."""
        if locked == self.locked:
            return
        self.track.set_locked(locked)
        self.box.setReadOnly(locked)
        if not locked:
            self._complaint = ""
        self._tell(self.box.text())
        self.update()
        self.locked_changed.emit(locked)

    def set_labelled(self, labelled: bool) -> None:
        """Label the ticks, or not: a line more."""
        if labelled != self._labelled:
            self._labelled = labelled
            self._lay_out()

    def set_scale(self, scale: Scale) -> None:
        """Map the travel anew; the value stays."""
        had = self._has_labels()
        self.track.set_scale(scale)
        self.update() if self._has_labels() == had else self._lay_out()

    def name_stops(self, *stops: tuple[Value, str]) -> None:
        """Label these values with these words, always and instead of the ticks."""
        self._named = stops
        self._lay_out()

    def written(self, value: Value | None) -> str:
        """A value as this slider writes it; nothing for none."""
        return "" if value is None else self._text.format(value)

    def take_text(self, text: str) -> None:
        """Take a text as if it had been typed and entered: from the command palette."""
        self.box.setText(text)
        self.box.setModified(True)
        self._on_typed()

    def set_caption(self, text: str) -> None:
        """The outcome in a line below the track."""
        if text != self._caption:
            self._caption = text
            self.update(0, self.height() - CAPTION_HEIGHT - 2, self.width(), CAPTION_HEIGHT + 2)

    def set_title(self, title: str, meaning: str) -> None:
        """Another name and meaning of the same number."""
        if title != self.title:
            self.title = title
            self.box.setAccessibleName(f"{title}, exact value")
            self.explain(meaning)
            self.update()

    def set_badge(self, text: str) -> None:
        """An amber word behind the title: disputed, undisclosed."""
        if text != self._badge:
            self._badge = text
            self.update()

    def set_box_width(self, width: int) -> None:
        """Give the value box this many pixels."""
        if width != self._box_width:
            self._box_width = width
            self._place_parts()
            self.update()

    def set_text(self, text: ValueText) -> None:
        """Write and read values otherwise from now on."""
        self._text = text
        self._write()

    def explain(self, meaning: str, reason: str = "", source: str = "") -> None:
        """Tooltip and accessible description: what it means, why it is so, where it is from."""
        self.meaning = meaning
        self._why = reason, source
        parts = [f"<b>{self.title}</b>", meaning]
        parts += [f"Why: {reason}"] if reason else []
        parts += [f"Source: {source}"] if source else []
        self.setToolTip("<p>" + "</p><p>".join(parts) + "</p>")
        plain = ". ".join(part for part in (meaning, reason, source and f"source: {source}") if part)
        self._plain = plain
        self.box.setAccessibleDescription(plain)
        self._tell(self.box.text())

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
        """Qt tells a screen reader the handle's place on its track, which means nothing: so the name
        has the value, and the description begins with it."""
        name = f"{self.title}, {text}, locked" if self.locked else f"{self.title}, {text}"
        if name != self.track.accessibleName():
            self.track.setAccessibleName(name)
        told = f"{text}. {self._plain}"
        if told != self.track.accessibleDescription():
            self.track.setAccessibleDescription(told)

    def _on_moved(self, value: Value) -> None:
        self._value = value
        self._write()
        self._complaint = ""
        self.value_edited.emit(value)

    def _on_typed(self) -> None:
        if not self.box.isModified():
            return
        if self.locked:
            self.refuse(HELD)
            return
        typed = self.box.text().strip()
        if self._optional and typed.lower() in ("", NOT_MADE, "–", "-"):
            self.box.setModified(False)
            self.value_edited.emit(None)
            self._write()
            return
        try:
            value = self._read(typed)
        except ValueError as error:
            self.refuse(str(error))
            return
        self.box.setModified(False)
        self._complaint = ""
        self.value_edited.emit(value)
        if not self._complaint:
            self._write()
            self.explain(self.meaning, *self._why)
            # Also where the value is the present one, which changes nothing else.
            self.update()
            self.accepted.emit()

    def _read(self, typed: str) -> Any:
        beside, shown = self._text.beside, self._value
        return self._text.parse(typed) if beside is None or shown is None else beside(typed, shown)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape in the value box puts the value back; Backspace goes to the baseline, with Shift to the file;
        Ctrl+L locks."""
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.key() == Qt.Key.Key_Escape and self.box.isModified():
            self._write()
        elif event.key() == Qt.Key.Key_Backspace and self.track.hasFocus():
            if self.locked:
                self.refuse(HELD)
            else:
                (self.file_reset_requested if shift else self.reset_requested).emit()
        elif event.key() == Qt.Key.Key_L and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.set_locked(not self.locked)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ways back, lock, copy."""
        menu = slider_menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def sizeHint(self) -> QSize:
        """Two lines, one more for labels of ticks, one more for a caption."""
        labels = LABEL_HEIGHT if self._has_labels() else 0
        return QSize(260, LABEL_TOP + labels + (CAPTION_HEIGHT if self._has_caption else 1))

    def minimumSizeHint(self) -> QSize:
        """As high as the hint; narrower."""
        return QSize(180, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place box and track; a layout here would cost a frame on every changed text."""
        self._place_parts()

    def _place_parts(self) -> None:
        self.box.setGeometry(self.width() - self._box_width, 0, self._box_width, BOX_HEIGHT)
        self.track.setGeometry(-2, 22, self.width() + 4, TRACK_HEIGHT)

    def _has_labels(self) -> bool:
        return bool(self._named) or (self._labelled and len(self.track.scale.ticks()) > 1)

    def _lay_out(self) -> None:
        self.updateGeometry()
        self.update()

    def labels(self) -> tuple[PlacedLabel, ...]:
        """The labels of the ticks as they stand."""
        key = (self.width(), self.track.scale, self._text, self._named)
        if key != self._labels[0]:
            write = self._text.brief or self._text.format
            ticks = self._named or tuple((value, write(value)) for value in self.track.scale.ticks())
            at = [(self.track.x() + self.track.x_of(value), text) for value, text in ticks]
            self._labels = key, placed_labels(at, lambda text: text_width(text, LABEL_SIZE), self.width())
        return self._labels[1]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Title, lock, badge, labels of ticks and caption."""
        touched = event.rect()
        seen = self._has_labels() and touched.bottom() >= LABEL_TOP
        face = Face(
            self.title, self._badge, self._caption, self._complaint, self.locked, self._has_caption, self._box_width
        )
        painter = QPainter(self)
        paint_face(painter, self.rect(), touched, face, self.labels() if seen else ())

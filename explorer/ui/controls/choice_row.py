"""One choice out of a few: a title and a row of segments."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QWidget

from explorer.plots.fonts import BODY, font, metrics
from explorer.ui import theme


class ChoiceRow(QWidget):
    """Title at the left, segments at the right; a value that is none of them checks none."""

    value_edited = Signal(object)

    def __init__(
        self,
        name: str,
        title: str,
        choices: Sequence[tuple[object, str, str]],
        meaning: str,
        parent: QWidget | None = None,
        *,
        titled: bool = True,
    ) -> None:
        """`choices` holds (value, label, tooltip); without `titled` the title is only spoken, not drawn."""
        super().__init__(parent)
        self.setObjectName(name)
        self.title = title
        self._values = [value for value, _, _ in choices]
        self._value: object = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 1, 0, 1)
        row.setSpacing(0)
        self._titled = titled
        if titled:
            row.addSpacing(round(metrics(BODY).horizontalAdvance(title)) + 6)
        row.addStretch(1)
        self.buttons: list[QToolButton] = []
        for index, (_, label, tip) in enumerate(choices):
            button = QToolButton(self)
            button.setObjectName("segment")
            button.setText(label)
            button.setCheckable(True)
            button.setFixedHeight(24)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setAccessibleName(f"{title}: {label}")
            button.setAccessibleDescription(tip or meaning)
            button.setToolTip(f"<p><b>{title}: {label}</b></p><p>{tip or meaning}</p>")
            # Not in a button group: that takes the segments beside the focused one out of the keyboard's reach.
            button.clicked.connect(partial(self._on_clicked, index))
            row.addWidget(button)
            self.buttons.append(button)
        self.setToolTip(f"<p><b>{title}</b></p><p>{meaning}</p>")

    @property
    def value(self) -> object:
        """The value shown."""
        return self._value

    def set_value(self, value: object) -> None:
        """Check the segment of a value."""
        if value == self._value:
            return
        self._value = value
        self._show()

    def button_for(self, value: object) -> QToolButton:
        """The segment that stands for a value."""
        return self.buttons[self._values.index(value)]

    def _show(self) -> None:
        for value, button in zip(self._values, self.buttons, strict=True):
            button.setChecked(value == self._value)

    def _on_clicked(self, index: int, _: bool = False) -> None:
        value = self._values[index]
        if value != self._value:
            # Shown when the document says so: a refused choice then leaves the old one checked.
            self.value_edited.emit(value)
        self._show()

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(260, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The title."""
        if not self._titled:
            return
        painter = QPainter(self)
        painter.setFont(font(BODY))
        painter.setPen(QColor(theme.tokens().text))
        room = self.buttons[0].x() - 4 if self.buttons else self.width()
        title = metrics(BODY).elidedText(self.title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(0, 0, room, self.height()), Qt.AlignmentFlag.AlignVCenter, title)

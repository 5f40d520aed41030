"""A group of controls that folds to its title and a one-line summary; and the plain heading of one that does not."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from explorer.plots.fonts import BODY, NOTE, font, metrics
from explorer.ui import theme

HEADER_HEIGHT = 27


class GroupHeader(QAbstractButton):
    """Chevron, title and summary; a click or the space bar folds and unfolds."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._summary = ""
        self.setText(title)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)

    def showEvent(self, event: QShowEvent) -> None:
        """Keep what is behind from being painted."""
        super().showEvent(event)
        self._cover_the_ground()

    def changeEvent(self, event: QEvent) -> None:
        """Keep what is behind from being painted, in every theme."""
        super().changeEvent(event)
        self._cover_the_ground()

    def _cover_the_ground(self) -> None:
        """A summary that follows a slider would else have the panel and all above it painted anew behind it; a
        style sheet takes this back from buttons whenever it dresses them."""
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    @property
    def summary(self) -> str:
        """The line at the right."""
        return self._summary

    def set_summary(self, text: str) -> None:
        """What the group says in one line."""
        if text != self._summary:
            self._summary = text
            self.setAccessibleDescription(text)
            self.setToolTip(text)
            self.update()

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(200, HEADER_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Chevron, title, summary."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(t.panel))
        if self.hasFocus():
            painter.fillRect(QRectF(0, 2, self.width(), self.height() - 3), QColor(t.accent_wash))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(t.secondary), 1.5))
        middle = self.height() / 2
        if self.isChecked():
            painter.drawPolyline([QPointF(1, middle - 2), QPointF(4.5, middle + 2), QPointF(8, middle - 2)])
        else:
            painter.drawPolyline([QPointF(3, middle - 3.5), QPointF(6.5, middle), QPointF(3, middle + 3.5)])
        painter.setFont(font(BODY))
        painter.setPen(QColor(t.text))
        line = QRectF(15, 0, self.width() - 15, self.height())
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, self.text())
        left = 15 + metrics(BODY).horizontalAdvance(self.text()) + 10
        room = self.width() - left
        painter.setFont(font(NOTE))
        painter.setPen(QColor(t.secondary))
        text = metrics(NOTE).elidedText(self._summary, Qt.TextElideMode.ElideRight, room)
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(QRectF(left, 0, room, self.height()), align, text)


class FoldingGroup(QWidget):
    """A header and a body that it shows or hides."""

    folded = Signal(bool)

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.has_rule = True
        self.header = GroupHeader(title, self)
        self.header.setObjectName(f"{name}.header")
        self.body = QWidget(self)
        self.rows = QVBoxLayout(self.body)
        self.rows.setContentsMargins(0, 2, 0, 8)
        self.rows.setSpacing(4)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head = QHBoxLayout()
        head.setSpacing(0)
        # The hairline is painted here, above the head.
        head.setContentsMargins(0, 1, 0, 0)
        head.addWidget(self.header, 1)
        self._head = head
        self._in_head: list[QWidget] = []
        column.addLayout(head)
        column.addWidget(self.body)
        self.body.hide()
        self.header.toggled.connect(self._on_toggled)

    def add_to_head(self, widget: QWidget) -> None:
        """Put a small control at the right of the head, there while the body is shown."""
        self._head.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        self._in_head.append(widget)
        widget.setVisible(self.is_open)

    @property
    def is_open(self) -> bool:
        """True when the body is shown."""
        return self.header.isChecked()

    def set_open(self, opened: bool) -> None:
        """Show or hide the body."""
        self.header.setChecked(opened)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The hairline above head and small controls."""
        if self.has_rule and event.rect().top() <= 0:
            painter = QPainter(self)
            painter.setPen(QPen(QColor(theme.tokens().hairline), 1))
            painter.drawLine(QPointF(0, 0.5), QPointF(self.width(), 0.5))

    def _on_toggled(self, opened: bool) -> None:
        self.body.setVisible(opened)
        for widget in self._in_head:
            widget.setVisible(opened)
        self.folded.emit(not opened)


class Heading(QWidget):
    """The small semibold heading of a group that never folds, a note at its right, and small buttons."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._note = title, ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._row.addStretch(1)

    def add_button(self, name: str, text: str, tip: str) -> QToolButton:
        """Put a small flat button at the right."""
        button = QToolButton(self)
        button.setObjectName("flat")
        button.setProperty("action", name)
        button.setText(text)
        button.setFixedHeight(24)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setAccessibleName(tip)
        button.setToolTip(tip)
        self._row.addWidget(button)
        return button

    def add(self, widget: QWidget) -> None:
        """Put a small control at the right."""
        self._row.addWidget(widget)

    def set_note(self, text: str) -> None:
        """The words at the right."""
        if text != self._note:
            self._note = text
            self.update()

    @property
    def note(self) -> str:
        """The words at the right."""
        return self._note

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(200, 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Title and note."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.setFont(font(NOTE, semibold=True))
        painter.setPen(QColor(t.secondary))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, 0, self.width(), self.height()), middle, self._title)
        if self._note:
            left = metrics(NOTE, True).horizontalAdvance(self._title) + 8
            painter.setFont(font(NOTE))
            text = metrics(NOTE).elidedText(self._note, Qt.TextElideMode.ElideRight, self.width() - left)
            painter.drawText(
                QRectF(left, 0, self.width() - left, self.height()),
                middle | Qt.AlignmentFlag.AlignRight,
                text,
            )

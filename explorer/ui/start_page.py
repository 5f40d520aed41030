"""The page to begin on: questions to go into, and the files opened last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from explorer.plots.fonts import BODY, NOTE, QUESTION, VERDICT, font, metrics
from explorer.plots.tokens import RADIUS
from explorer.ui import theme
from explorer.ui.example_questions import Example
from explorer.ui.icons import icon

ROW_HEIGHT, FILE_HEIGHT = 76, 40
NOTE_LINES = 2
MOST_FILES = 8
WIDTH = 1080
WRAPPED = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop


class Entry(QAbstractButton):
    """One thing to open: a headline and a line below it; a click, Enter or the space bar opens it."""

    def __init__(self, path: Path, headline: str, note: str, large: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path, self.headline, self.note, self._large = path, headline, note, large
        self.setObjectName(f"start.{'question' if large else 'file'}.{path.stem}")
        self.setAccessibleName(headline)
        self.setAccessibleDescription(note)
        self.setToolTip(f"{headline}\n{note}\n{path.name}" if large else str(path))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A headline with two lines below it, or with one."""
        return QSize(300, ROW_HEIGHT if self._large else FILE_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Headline and note on a panel, or on the bare ground for files."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        held = self.hasFocus() or self.underMouse()
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        if self._large or held:
            edge = t.accent if self.hasFocus() else t.hairline
            painter.setPen(QPen(QColor(edge), 1.5 if self.hasFocus() else 1))
            painter.setBrush(QColor(t.accent_wash if held else t.panel))
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        left = 14.0 if self._large else 10.0
        room = self.width() - 2 * left
        size = QUESTION if self._large else BODY
        top, step = (10.0, 22.0) if self._large else (3.0, 18.0)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(font(size, semibold=self._large))
        painter.setPen(QColor(t.text))
        shown = metrics(size, self._large).elidedText(self.headline, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(left, top, room, step), middle, shown)
        painter.setFont(font(NOTE))
        painter.setPen(QColor(t.secondary))
        if self._large:
            area = QRectF(left, top + step + 2, room, NOTE_LINES * metrics(NOTE).lineSpacing() + 2)
            painter.drawText(area, WRAPPED, _shortened(self.note, area))
        else:
            below = metrics(NOTE).elidedText(self.note, Qt.TextElideMode.ElideMiddle, room)
            painter.drawText(QRectF(left, top + step, room, 18), middle, below)


class StartPage(QWidget):
    """Questions at the left, recent files at the right; Escape goes on with what is open."""

    chosen = Signal(object)
    browse_requested = Signal()
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("start")
        self.setAccessibleName("Start page")
        self.entries: list[Entry] = []
        self.heading = QLabel("What do you want to know?", self)
        self.heading.setObjectName("start.heading")
        self.about = QLabel(
            "Move a slider and see, in the same moment, what it does to tail latency, memory fit, cost and "
            "dependence on suppliers. Begin with one of these questions; every one is a file you can change and keep.",
            self,
        )
        self.about.setObjectName("start.about")
        self.about.setWordWrap(True)
        self.about.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.go_on = QPushButton(self)
        self.go_on.setObjectName("start.go_on")
        self.browse = QPushButton(" Open a file …", self)
        self.browse.setObjectName("start.browse")
        self.browse.setAccessibleName("Open a file")
        for button in (self.go_on, self.browse):
            button.setMinimumHeight(30)
        self._questions, self._files = QVBoxLayout(), QVBoxLayout()
        self._files_title = QLabel("Opened last", self)
        self._none = QLabel("No file yet. Drop one anywhere on this window to open it.", self)
        self._none.setWordWrap(True)
        for note in (self._files_title, self._none):
            note.setObjectName("note")
        self._lay_out()
        self.go_on.clicked.connect(self.left)
        self.browse.clicked.connect(self.browse_requested)

    def show_choices(self, examples: Sequence[Example], files: Sequence[Path], open_now: str) -> None:
        """Offer these questions and files; `open_now` names what Escape goes on with."""
        for entry in self.entries:
            entry.hide()
            entry.deleteLater()
        self.entries = []
        for example in examples:
            self._add(self._questions, Entry(example.path, example.question, example.remark, True, self))
        for path in files[:MOST_FILES]:
            self._add(self._files, Entry(path, path.name, str(path.parent), False, self))
        self._none.setVisible(not files)
        self.go_on.setText(f"Go on with {metrics(BODY).elidedText(open_now, Qt.TextElideMode.ElideRight, 190)}   Esc")
        self.go_on.setAccessibleName(f"Go on with {open_now}")
        self._dress()

    def take_focus(self) -> None:
        """The keyboard begins at the first question."""
        (self.entries[0] if self.entries else self.browse).setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move through all entries, Enter opens, Escape leaves."""
        key = Qt.Key(event.key())
        focused = next((place for place, entry in enumerate(self.entries) if entry.hasFocus()), None)
        if key == Qt.Key.Key_Escape:
            self.left.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and focused is not None:
            self.entries[focused].click()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up) and self.entries:
            step = 1 if key == Qt.Key.Key_Down else -1
            place = 0 if focused is None else min(max(focused + step, 0), len(self.entries) - 1)
            self.entries[place].setFocus(Qt.FocusReason.TabFocusReason)
        else:
            super().keyPressEvent(event)

    def _add(self, column: QVBoxLayout, entry: Entry) -> None:
        entry.clicked.connect(lambda: self.chosen.emit(entry.path))
        column.addWidget(entry)
        self.entries.append(entry)

    def _dress(self) -> None:
        self.heading.setFont(font(VERDICT, semibold=True))
        self.browse.setIcon(icon("open"))

    def _lay_out(self) -> None:
        inside = QWidget(self)
        inside.setMaximumWidth(WIDTH)
        columns = QHBoxLayout()
        columns.setSpacing(32)
        left, right = QVBoxLayout(), QVBoxLayout()
        self._questions.setSpacing(8)
        self._files.setSpacing(0)
        left.addLayout(self._questions)
        left.addStretch(1)
        right.setSpacing(8)
        right.addWidget(self.go_on)
        right.addWidget(self.browse)
        right.addSpacing(12)
        right.addWidget(self._files_title)
        right.addWidget(self._none)
        right.addLayout(self._files)
        right.addStretch(1)
        columns.addLayout(left, 68)
        columns.addLayout(right, 32)
        page = QVBoxLayout(inside)
        page.setContentsMargins(24, 36, 24, 24)
        page.setSpacing(4)
        page.addWidget(self.heading)
        page.addWidget(self.about)
        page.addSpacing(16)
        page.addLayout(columns, 1)
        scroller = QScrollArea(self)
        scroller.setObjectName("start.scroller")
        scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroller.setWidgetResizable(True)
        scroller.setFrameShape(QFrame.Shape.NoFrame)
        scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        centred = QWidget()
        middle = QHBoxLayout(centred)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.addStretch(1)
        middle.addWidget(inside, 1000)
        middle.addStretch(1)
        scroller.setWidget(centred)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroller)


def _shortened(text: str, area: QRectF) -> str:
    """The text, without its last words where it would need more lines than there are."""
    words = text.split()
    shown = text
    while words and metrics(NOTE).boundingRect(area, WRAPPED, shown).height() > area.height():
        words.pop()
        shown = f"{' '.join(words)} …"
    return shown

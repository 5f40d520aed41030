"""A non-modal bar that asks: one question at a time with its answers as buttons; work goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from explorer.ui import theme
from explorer.ui.icons import icon_label


@dataclass(frozen=True)
class Reply:
    """One way to answer: the button's text, what it means, what is done."""

    text: str
    meaning: str
    do: Callable[[], object]


@dataclass(frozen=True)
class Question:
    """What is asked; a later question of the same subject takes the place of an earlier one."""

    subject: str
    text: str
    replies: tuple[Reply, ...]


class QuestionBar(QWidget):
    """Shows the first open question; hidden when there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("questions")
        self.setAccessibleName("Question")
        self._open: list[Question] = []
        self._sign = icon_label("warning", self, "amber")
        self._label = QLabel(self)
        self._label.setObjectName("question.text")
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setWordWrap(True)
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.buttons: list[QPushButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(14, 4, 12, 4)
        self._row.setSpacing(8)
        self._row.addWidget(self._sign)
        self._row.addWidget(self._label, 1)
        self.hide()

    @property
    def question(self) -> Question | None:
        """What is asked now."""
        return self._open[0] if self._open else None

    def ask(self, subject: str, text: str, replies: Sequence[Reply]) -> None:
        """Ask, after what is asked already."""
        question = Question(subject, text, tuple(replies))
        places = [place for place, one in enumerate(self._open) if one.subject == subject]
        if places:
            self._open[places[0]] = question
        else:
            self._open.append(question)
        self._show()

    def is_open(self, subject: str) -> bool:
        """Whether a question waits for its answer."""
        return any(one.subject == subject for one in self._open)

    def withdraw(self, subject: str) -> None:
        """The question has answered itself."""
        left = [one for one in self._open if one.subject != subject]
        if len(left) != len(self._open):
            self._open = left
            self._show()

    def press(self, text: str) -> None:
        """Answer with the button of this text."""
        next(button for button in self.buttons if button.text() == text).click()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys go from one answer to the next."""
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()))
        focused = [place for place, button in enumerate(self.buttons) if button.hasFocus()]
        if step is not None and focused:
            self.buttons[(focused[0] + step) % len(self.buttons)].setFocus(Qt.FocusReason.TabFocusReason)
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """An amber wash with a rule at its left."""
        t = theme.tokens()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(t.amber_wash))
        painter.fillRect(0, 0, 3, self.height(), QColor(t.amber))

    def sizeHint(self) -> QSize:
        """At least as high as a button."""
        hint = super().sizeHint()
        return QSize(hint.width(), max(hint.height(), 34))

    def _show(self) -> None:
        for button in self.buttons:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = []
        question = self.question
        if question is None:
            self.hide()
            return
        self._label.setText(question.text)
        self.setAccessibleDescription(question.text)
        for reply in question.replies:
            button = QPushButton(reply.text, self)
            button.setObjectName(f"answer.{reply.text.lower().replace(' ', '_')}")
            button.setToolTip(reply.meaning)
            button.setAccessibleName(f"{reply.text}: {reply.meaning}")
            button.setMinimumHeight(24)
            button.clicked.connect(lambda _=False, reply=reply: self._answer(question, reply))
            self._row.addWidget(button)
            self.buttons.append(button)
        self.show()

    def _answer(self, question: Question, reply: Reply) -> None:
        self._open = [one for one in self._open if one is not question]
        self._show()
        reply.do()

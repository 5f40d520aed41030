"""Multi-chip scaling beside the money: asked of the worker when it is seen and the hand rests, not while one moves."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from explorer.plots.scaling_plot import ScalingPlot
from explorer.plots.tokens import Tokens
from explorer.scenario.quantity import unbroken
from explorer.study.scaling_answers import Scaling
from explorer.study.scaling_words import band_words, sentence
from explorer.study.studies import StudyAnswer
from explorer.ui.document import Document

KIND = "scaling"
WAITING = "being computed …"


class ScalingView(QWidget):
    """The answer in a sentence, then the plot."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scaling.view")
        self._document = document
        self._asked: tuple[object, int] | None = None
        self._number = 0
        self._found: Scaling | None = None
        self.answer, self.plot = QLabel(self), ScalingPlot(self)
        self.answer.setObjectName("scaling.answer")
        self.answer.setWordWrap(True)
        self.answer.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.answer)
        column.addWidget(self.plot, 1)
        document.outcome_changed.connect(lambda _: self.ask())
        document.workload_changed.connect(lambda _: self.ask())
        document.answers.study_answered.connect(self._on_answer)

    @property
    def found(self) -> Scaling | None:
        """The answer shown; None while it is awaited."""
        return self._found

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self.plot.set_tokens(tokens)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.ask()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._asked is not None and self._found is None:
            self._document.answers.end_study(KIND)
            self._asked = None

    def ask(self) -> None:
        """Put the question, unless it was put already, nobody looks, or a hand is at work."""
        if not self.isVisible() or self._document.is_dragging:
            return
        asked = (self._document.scenario, self._document.workload_index)
        if self._asked is not None and self._asked[0] is asked[0] and self._asked[1] == asked[1]:
            return
        self._asked, self._found = asked, None
        self.answer.setText("")
        self.plot.show_scaling(None, WAITING)
        self._number = self._document.answers.ask_study(KIND, asked[1])

    def _on_answer(self, answer: StudyAnswer) -> None:
        if answer.kind != KIND or answer.number != self._number:
            return
        if answer.problem is not None:
            self.plot.show_scaling(None, answer.problem.message)
            return
        if answer.found is not None:
            found: Scaling = answer.found
            self._found = found
            self.answer.setText(unbroken(sentence(found)))
            self.answer.setToolTip(band_words(found))
            self.plot.show_scaling(found)

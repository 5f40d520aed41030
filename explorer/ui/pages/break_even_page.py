"""Break-even: what one number must be so that a goal is met.

The answer in a sentence, a button to take it over, and what the goal does over the number.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from explorer.errors import ExplorerError
from explorer.plots.break_even_plot import BreakEvenPlot, Colours
from explorer.plots.lettering import READABLE
from explorer.plots.tokens import Tokens
from explorer.report.plot_menu import PlotMenu
from explorer.scenario.quantity import unbroken
from explorer.scenario.statement import parse_statement
from explorer.study.break_even import BreakEven
from explorer.study.break_even_choices import (
    COMPARISONS,
    Offer,
    choices_of,
    comparison_offered,
    goal_text,
    limit_offered,
    numbers_offered,
    outputs_offered,
)
from explorer.study.break_even_words import remarks, sentence
from explorer.study.studies import StudyAnswer
from explorer.ui.document import Document
from explorer.ui.pages.page import Page

KIND = "break_even"
VALUE = "a value"
DRAWING = "being drawn …"
LIMIT_WIDTH = 110
ANSWER_PIXELS = 17
REPLICAS: tuple[Offer, ...] = (
    Offer("replicas and layout as now", "now+layout"),
    Offer("as many replicas as now", "now"),
    Offer("as many replicas as it takes", "auto"),
    Offer("one replica", "1"),
)


class BreakEvenPage(Page):
    """Choices that make a question, and its answer from the worker."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page.break_even")
        self._document = document
        self._number = 0
        self._asked: tuple[object, ...] = ()
        self.found: BreakEven | None = None
        self.unknown = self._box("unknown", "Number to solve for")
        self.output = self._box("output", "Output that the goal limits")
        self.alternative = self._box("alternative", "Whose output")
        self.degree = self._box("degree", "Chips in one replica")
        self.comparison = self._box("comparison", "Comparison")
        self.against = self._box("against", "What it is compared with")
        self.limit = QLineEdit(self)
        self.limit.setObjectName("break_even.limit")
        self.limit.setAccessibleName("Limit")
        self.limit.setFixedWidth(LIMIT_WIDTH)
        self.replicas = self._box("replicas", "Number of replicas")
        self.goal = QLineEdit(self)
        self.goal.setObjectName("break_even.goal")
        self.goal.setAccessibleName("Goal as a statement")
        self.goal.setToolTip(
            "The goal in words that scenario files use too; change it freely, for example "
            "P99 TPOT of AI200 x16 on 1T MoE <= 2 x that of H200 x8"
        )
        self.typed = self._word("as typed, not as chosen above")
        self.typed.hide()
        self.answer, self.remarks = self._label("answer"), self._label("remarks")
        self.plot = BreakEvenPlot(self)
        PlotMenu(self.plot, document.worker_failed.emit)
        self.take = QPushButton("Set this value", self)
        self.take.setObjectName("break_even.take")
        self.take_sure = QPushButton("Set the 95 % value", self)
        self.take_sure.setObjectName("break_even.take_sure")
        self._fill_fixed()
        self._lay_out()
        self._connect()
        self._offer_buttons()

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self.plot.set_tokens(tokens)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow()

    def ask(self) -> None:
        """Put the question to the worker, unless it is the one that was put last."""
        held, _, layout = self.replicas.currentData().partition("+")
        replicas = int(held) if held.isdigit() else held
        question = (self.unknown.currentData(), self.goal.text(), replicas, bool(layout))
        asked = (self._document.scenario, *question)
        if asked == self._asked or not self.isVisible():
            return
        self._asked = asked
        self.found = None
        self.answer.setText("Looking for the value …")
        self.remarks.setText("")
        self._offer_buttons()
        self._draw("")
        self._number = self._document.ask_study(KIND, question)

    def _fill_fixed(self) -> None:
        for offer in outputs_offered():
            self.output.addItem(offer.title, offer.text)
        for title, sign in COMPARISONS:
            self.comparison.addItem(title, sign)
        for offer in REPLICAS:
            self.replicas.addItem(offer.title, offer.text)

    def _follow(self) -> None:
        """Take up what the document now offers; the choices made stay where they still can be made."""
        if not self.isVisible() or self._document.is_dragging:
            return
        document = self._document
        names = [one.name for one in document.workload.alternatives]
        changed = _refill(self.alternative, [Offer(name, name) for name in names], document.workload.selected)
        self._follow_alternative()
        if changed or not self.limit.text():
            self._offer_limit()
        if changed or self.typed.isHidden():
            self._write_goal()
        else:
            # what was typed stays while it speaks of the same alternatives
            self.ask()

    def _follow_alternative(self) -> None:
        document = self._document
        at = max(self.alternative.currentIndex(), 0)
        self._follow_output()
        degrees = document.catalog.chip(document.workload.alternatives[at].chip).degrees
        chips = [Offer("any number", ""), *(Offer(f"×{degree}", str(degree)) for degree in degrees)]
        _refill(self.degree, chips, None)

    def _follow_output(self) -> None:
        """Numbers that the chosen output hangs on."""
        document, at = self._document, max(self.alternative.currentIndex(), 0)
        offers = numbers_offered(
            document.catalog, document.scenario, document.workload_index, at, self.output.currentData()
        )
        _refill(self.unknown, offers, None)

    def _offer_limit(self) -> None:
        output = self.output.currentData()
        scenario, at = self._document.scenario, self._document.workload_index
        self.limit.setText(limit_offered(scenario, at, output))
        names = [one.name for one in self._document.workload.alternatives]
        others = [name for name in names if name != self.alternative.currentData()]
        _refill(self.against, [Offer(VALUE, ""), *(Offer(f"that of {name}", name) for name in others)], "")
        self.comparison.setCurrentIndex(self.comparison.findData(comparison_offered(output)))

    def _write_goal(self) -> None:
        self.goal.setText(self._chosen_goal())
        self._show_made()
        self.ask()

    def _chosen_goal(self) -> str:
        """The goal that the choices make."""
        degree = self.degree.currentData()
        return goal_text(
            self._document.scenario,
            self._document.workload_index,
            max(self.alternative.currentIndex(), 0),
            self.output.currentData(),
            self.comparison.currentData(),
            self.against.currentData() or self.limit.text().strip(),
            int(degree) if degree else None,
        )

    def _show_made(self) -> None:
        """Whether the limit is a value, and whether the goal is what the choices make."""
        self.limit.setVisible(not self.against.currentData())
        self.typed.setVisible(self.goal.text() != self._chosen_goal())

    def _on_typed(self) -> None:
        """Have the choices say what was typed, where they can, and say so where they cannot."""
        document, at = self._document, max(self.alternative.currentIndex(), 0)
        try:
            chosen = choices_of(parse_statement(self.goal.text()), document.scenario, document.workload_index, at)
        except ExplorerError:
            # the answer will say at which column
            chosen = None
        if chosen is not None:
            wanted = (
                (self.output, chosen.output), (self.degree, str(chosen.degree or "")),
                (self.comparison, chosen.comparison), (self.against, chosen.against),
            )  # fmt: skip
            places = [box.findData(data) for box, data in wanted]
            if min(places) >= 0:
                for (box, _), place in zip(wanted, places, strict=True):
                    box.setCurrentIndex(place)
                self._follow_output()
                self.limit.setText(chosen.limit or self.limit.text())
                self.goal.setText(self._chosen_goal())
        self._show_made()
        self.ask()

    def _on_alternative(self) -> None:
        self._follow_alternative()
        self._offer_limit()
        self._write_goal()

    def _on_output(self) -> None:
        self._follow_output()
        self._offer_limit()
        self._write_goal()

    def _on_answer(self, found: StudyAnswer) -> None:
        if found.kind != KIND or found.number != self._number:
            return
        if found.problem is not None:
            self.answer.setText(found.problem.message)
            self._offer_buttons()
            self._draw("")
        elif isinstance(found.found, BreakEven):
            self.found = found.found
            self.answer.setText(unbroken(sentence(self.found)))
            self.remarks.setText(unbroken("\n".join(remarks(self.found))))
            self._offer_buttons()
            self._draw("" if found.last else DRAWING)

    def _draw(self, waiting: str) -> None:
        """The curve, in the colours that the alternatives have in all plots."""
        document, found = self._document, self.found
        self.plot.show_outcome(document.outcome, min(document.workload_index, len(document.outcome.workloads) - 1))
        sides = () if found is None else found.statement.terms
        names = [one.name for one in document.workload.alternatives]
        numbers = [names.index(term.subject) if term.subject in names and not term.of_fleet else None for term in sides]
        self.plot.show_answer(found, Colours(*numbers), waiting)

    def _offer_buttons(self) -> None:
        found = self.found
        for button, value in ((self.take, found and found.value), (self.take_sure, found and found.sure)):
            button.setVisible(found is not None and value is not None and found.unknown.path is not None)

    def _take_value(self, value: float | None) -> None:
        if self.found is None or value is None:
            return
        try:
            changes = self.found.unknown.setting(value, self._document.scenario)
            self._document.change_several(changes, self.found.unknown.title.lower())
        except ExplorerError as error:
            self.answer.setText(str(error))

    def _box(self, name: str, title: str) -> QComboBox:
        box = QComboBox(self)
        box.setObjectName(f"break_even.{name}")
        box.setAccessibleName(title)
        box.setToolTip(title)
        return box

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName(f"break_even.{name}")
        label.setWordWrap(True)
        label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        return label

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        self._row(grid, 0, "What must be", (self.unknown,))
        self._row(grid, 1, "so that", (self.output, self._word("of"), self.alternative, self.degree))
        self._row(grid, 2, "is", (self.comparison, self.against, self.limit, self._word("with"), self.replicas))
        self._row(grid, 3, "In short", (self.goal, self.typed))
        grid.setColumnStretch(1, 1)
        line = QFrame(self)
        line.setObjectName("hairline")
        line.setFixedHeight(1)
        font = QFont(self.font())
        font.setPixelSize(ANSWER_PIXELS)
        font.setWeight(QFont.Weight.DemiBold)
        self.answer.setFont(font)
        for label in (self.answer, self.remarks):
            label.setMaximumWidth(READABLE)
        buttons = QHBoxLayout()
        buttons.addWidget(self.take)
        buttons.addWidget(self.take_sure)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(10)
        column.addLayout(grid)
        column.addWidget(line)
        column.addWidget(self.answer)
        column.addLayout(buttons)
        column.addWidget(self.remarks)
        column.addWidget(self.plot, 1)

    def _row(self, grid: QGridLayout, at: int, title: str, widgets: Sequence[QWidget]) -> None:
        label = QLabel(title, self)
        label.setObjectName("note")
        label.setBuddy(widgets[0])
        row = QHBoxLayout()
        row.setSpacing(6)
        for widget in widgets:
            row.addWidget(widget, 1 if widget in (self.goal,) else 0)
        if self.goal not in widgets:
            row.addStretch(1)
        grid.addWidget(label, at, 0)
        grid.addLayout(row, at, 1)

    def _word(self, text: str) -> QLabel:
        label = QLabel(text, self)
        label.setObjectName("note")
        return label

    def _connect(self) -> None:
        self.unknown.activated.connect(lambda _: self.ask())
        self.output.activated.connect(lambda _: self._on_output())
        self.alternative.activated.connect(lambda _: self._on_alternative())
        for box in (self.degree, self.comparison, self.against):
            box.activated.connect(lambda _: self._write_goal())
        self.replicas.activated.connect(lambda _: self.ask())
        self.limit.editingFinished.connect(self._write_goal)
        self.goal.editingFinished.connect(self._on_typed)
        self.take.clicked.connect(lambda: self._take_value(None if self.found is None else self.found.value))
        self.take_sure.clicked.connect(lambda: self._take_value(None if self.found is None else self.found.sure))
        document = self._document
        document.outcome_changed.connect(lambda _: self._on_document())
        document.workload_changed.connect(lambda _: self._follow())
        document.study_answered.connect(self._on_answer)

    def _on_document(self) -> None:
        if self.isVisible() and not self._document.is_dragging:
            names = [one.name for one in self._document.workload.alternatives]
            held = [self.alternative.itemText(at) for at in range(self.alternative.count())]
            if names != held:
                self._follow()
            else:
                self.ask()


def _refill(box: QComboBox, offers: Sequence[Offer], chosen: str | None) -> bool:
    """Offer these, keeping the choice where it is still there; whether they changed."""
    held = [(box.itemText(at), box.itemData(at)) for at in range(box.count())]
    wanted = [(offer.title, offer.text) for offer in offers]
    if held == wanted:
        return False
    kept = box.currentData()
    box.clear()
    for title, text in wanted:
        box.addItem(title, text)
    at = box.findData(kept if kept is not None else chosen)
    if at < 0 and chosen is not None:
        at = box.findData(chosen)
    box.setCurrentIndex(max(at, 0))
    return True

"""Tail: the simulated distribution at the operating point, what its P99 is made of, and what moves it."""

from __future__ import annotations

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QWidget

from explorer.plots.metric_switch import SHORT
from explorer.plots.tail_parts import TailPartsPlot
from explorer.plots.tail_study_plot import TailStudyPlot
from explorer.plots.tokens import Tokens
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import NOTHING
from explorer.study.banded import METRICS, Metric
from explorer.study.studies import StudyAnswer
from explorer.study.tail_answers import TOLD, VIEW_TITLES, Capacity, Goodput, TailAnswer, TailQuestion, View
from explorer.ui.document import Document
from explorer.ui.pages.money_page import TextTable
from explorer.ui.pages.page import Page

KIND = "tail"
RATE, SECONDS, SHARE = QUANTITIES["request_rate"], QUANTITIES["seconds"], QUANTITIES["share"]
TABLE_HEIGHT = 140
"""Pixels of a heading and a row for each of the four alternatives there may be."""
HEADINGS = (
    ("Alternative", "Deployment, with the chips of a replica"),
    ("Keeps all up to", "Largest rate of the whole service that keeps every promise, by bisection on the simulation"),
    ("Without simulation", "The same by the closed form"),
    ("Then breaks", "The promise that breaks first beyond it"),
)
PERCENTILES = (
    ("Alternative", "Deployment, with the chips of a replica"),
    *((f"P{100 * q:g}", "Of the latency chosen above, at the traffic of now") for q in TOLD),
    ("Break a promise", "Requests that break any of the promises, with the 95 % band of what was simulated"),
    ("Goodput", "Requests of the whole service that keep them all; a promise of token gaps is not asked of requests"),
)


def percentile_row(one: Goodput) -> list[str]:
    """One row of the table of percentiles."""
    times = [NOTHING if value is None else SECONDS.format(value) for value in one.percentiles]
    if one.share is None or one.share_low is None or one.share_high is None or one.rate is None:
        return [one.label, *times, "nothing promised", NOTHING]
    broken = f"{SHARE.format(1.0 - one.share)} ({SHARE.format_range(1.0 - one.share_high, 1.0 - one.share_low)})"
    return [one.label, *times, broken, RATE.format(one.rate)]


def capacity_row(one: Capacity) -> list[str]:
    """One row of the table of capacities."""
    titles = {"saturation": "the replicas are full"} | {str(metric): title for metric, title in SHORT.items()}
    return [
        one.label,
        RATE.format(one.rate) if one.rate > 0.0 else "no rate",
        RATE.format(one.closed_form) if one.closed_form > 0.0 else NOTHING,
        titles.get(one.binding, one.binding),
    ]


class TailPage(Page):
    """Asks the worker for one view at a time, when the hand rests and the page is seen."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page.tail")
        self._document = document
        self._number = 0
        self._asked: tuple[object, ...] = ()
        self._answer: TailAnswer | None = None
        self.view, self.latency = QComboBox(self), QComboBox(self)
        self.view.setObjectName("tail.view")
        self.view.setAccessibleName("What is asked of the tail")
        for view, title in VIEW_TITLES.items():
            self.view.addItem(title, view)
        self.latency.setObjectName("tail.metric")
        self.latency.setAccessibleName("Latency")
        for metric in METRICS:
            self.latency.addItem(SHORT[metric], metric)
        self.notice = QLabel(self)
        self.notice.setObjectName("tail.notice")
        self.plot, self.parts = TailStudyPlot(self), TailPartsPlot(self)
        self.capacities = TextTable("tail.capacities", "Capacity under the promises", parent=self)
        self.capacities.hide()
        self.percentiles = TextTable("tail.percentiles", "Percentiles and goodput", parent=self)
        self.percentiles.hide()
        self._lay_out()
        self.view.activated.connect(lambda _: self.ask())
        self.latency.activated.connect(lambda _: self.ask())
        document.outcome_changed.connect(lambda _: self.ask())
        document.workload_changed.connect(lambda _: self.ask())
        document.answers.study_answered.connect(self._on_answer)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.view)
        head.addWidget(self.latency)
        head.addStretch(1)
        head.addWidget(self.notice)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setSpacing(10)
        grid.addLayout(head, 0, 0, 1, 2)
        grid.addWidget(self.plot, 1, 0)
        grid.addWidget(self.parts, 1, 1)
        for table in (self.percentiles, self.capacities):
            table.setFixedHeight(TABLE_HEIGHT)
            grid.addWidget(table, 2, 0, 1, 2)
        grid.setRowStretch(1, 1)
        grid.setColumnStretch(0, 3)
        self._grid = grid

    @property
    def question(self) -> TailQuestion:
        """What is asked at present, with the replicas on the screen."""
        view: View = self.view.currentData()
        metric: Metric = self.latency.currentData()
        at = self._document.workload_index
        workloads = self._document.outcome.workloads
        shown = workloads[at].alternatives if at < len(workloads) else ()
        return TailQuestion(at, view, metric, tuple(one.replicas for one in shown))

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        for plot in (self.plot, self.parts):
            plot.set_tokens(tokens)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.ask()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._asked and self._answer is None:
            self._document.answers.end_study(KIND)
            self._asked = ()

    def ask(self) -> None:
        """Have the worker answer what is chosen, unless it was asked already or a hand is at work."""
        if not self.isVisible() or self._document.is_dragging:
            return
        question = self.question
        asked = (self._document.scenario, question)
        if self._asked and self._asked[0] is asked[0] and self._asked[1] == question:
            return
        self._asked, self._answer = asked, None
        self._number = self._document.answers.ask_study(KIND, question)
        self._show()

    def _on_answer(self, answer: StudyAnswer) -> None:
        if answer.kind != KIND or answer.number != self._number:
            return
        if answer.problem is not None:
            self.notice.setText(answer.problem.message)
            return
        if answer.found is not None:
            self._answer = answer.found
        self._show(whole=answer.last)

    def _show(self, *, whole: bool = False) -> None:
        question, answer = self.question, self._answer
        promise = self._document.outcome.workloads[question.workload].objectives.get(question.metric)
        self.plot.show_answer(answer, promise, "simulating …")
        parts_of: Metric = "e2e" if question.metric in ("e2e", "tpot", "itl") else "ttft"
        self.parts.show_parts(() if answer is None else answer.parts, parts_of)
        with_parts = question.view in ("distribution", "capacity")
        self.parts.setVisible(with_parts)
        self._grid.setColumnStretch(1, 2 if with_parts else 0)
        self.latency.setEnabled(question.view != "time")
        rows = [] if answer is None else [capacity_row(one) for one in answer.capacities]
        self.percentiles.setVisible(question.view == "distribution")
        self.percentiles.show_rows(
            PERCENTILES, [] if answer is None else [percentile_row(one) for one in answer.goodputs]
        )
        self.capacities.setVisible(question.view == "capacity")
        self.capacities.show_rows(HEADINGS, rows)
        self.notice.setText("" if whole else "simulating …")

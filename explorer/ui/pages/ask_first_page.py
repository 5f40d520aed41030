"""Ask first: open figures by what knowing them is worth, the number each answer must beat, the questionnaire."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.errors import ExplorerError
from explorer.plots.tokens import Tokens
from explorer.study.ask_first import Demand
from explorer.study.questionnaire import HOW, Questionnaire, questionnaires
from explorer.study.what_matters import WhatMatters
from explorer.study.what_matters_words import (
    DEMAND_HEADINGS,
    alike,
    alike_sentence,
    believed_text,
    demand_headings,
    demand_row,
    mid_sentence,
    odds_text,
    promised,
)
from explorer.ui.document import Document
from explorer.ui.pages.matters_feed import MattersFeed
from explorer.ui.pages.matters_view import MattersView
from explorer.ui.pages.money_page import TextTable
from explorer.ui.pages.whole_rows import WholeRows

FORMS = "PDF (*.pdf);;Web page (*.html);;Markdown (*.md)"
MEANINGS = (
    "Disputed or undisclosed figure; double click: its slider",
    "Chip that has it",
    "What is believed: named readings, or a range",
    "What knowing it before choosing is worth on average, $ a month",
    "Odds of keeping every promise with the chips of now, from the worst answer to the best",
    "All other figures as believed: from here on the chips of now keep every promise",
    "All other figures as believed: from here on keeping them costs no more than the reference",
    "All other figures as uncertain as they are: from here on both hold with 90 % probability",
)
BESIDE_HEADINGS = (
    ("Beside single figures", "What a measurement of the whole must show"),
    ("Believed", "As computed from what is believed"),
    ("Number to beat", "Computed from the scenario"),
)
BESIDE = ("Scaling over several chips", "Latency under a stated load", "Price")
AskPath = Callable[[QWidget, str, str, str], tuple[str, str]]


class AskFirstPage(MattersView):
    """The table of demands, what a chosen one means, and what else has to be shown."""

    def __init__(
        self,
        document: Document,
        feed: MattersFeed,
        parent: QWidget | None = None,
        ask: AskPath = QFileDialog.getSaveFileName,
    ) -> None:
        super().__init__(document, feed, parent)
        self.setObjectName("page.ask_first")
        self.sentence.setObjectName("ask_first.sentence")
        self._ask = ask
        self._found: WhatMatters | None = None
        self.export = QPushButton("Export questionnaire…", self)
        self.export.setObjectName("ask_first.export")
        self.export.setToolTip("Write the audit questionnaire as PDF, web page or Markdown")
        self.demands = TextTable("ask_first.demands", "What to ask first", first_right=99, parent=self)
        self.beside = TextTable("ask_first.beside", "What else has to be shown", first_right=99, parent=self)
        self.whole = WholeRows(self.demands, self), WholeRows(self.beside, self)
        self.alike = QLabel(self)
        self.alike.setObjectName("ask_first.alike")
        self.alike.setProperty("role", "note")
        self.alike.setWordWrap(True)
        self.detail = QLabel(self)
        self.detail.setObjectName("ask_first.detail")
        self.detail.setProperty("role", "note")
        self.detail.setWordWrap(True)
        self.detail.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.detail.setMinimumHeight(50)
        head = QHBoxLayout()
        head.addWidget(self.sentence, 1)
        head.addWidget(self.export, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.whole[0], 3)
        column.addWidget(self.alike)
        column.addWidget(self.detail)
        column.addWidget(self.whole[1], 1)
        self.export.clicked.connect(self._on_export)
        self.demands.doubleClicked.connect(self._on_slider)
        self.demands.activated.connect(self._on_slider)
        self.demands.selectionModel().currentRowChanged.connect(lambda now, _: self._on_row(now))

    def set_tokens(self, tokens: Tokens) -> None:
        """Nothing is painted by hand here."""

    def show_found(self, found: WhatMatters | None, waiting: str) -> None:
        """Fill the tables."""
        rows = () if found is None else found.demands
        changed = self._found is not found
        self._found = found
        for part in (self.whole[0], self.detail):
            part.setVisible(bool(rows))
        self.export.setEnabled(bool(rows))
        titles = DEMAND_HEADINGS if found is None else demand_headings(found)
        cells = [demand_row(one) for one in rows]
        # a column that says the same in every row is said once, below
        told_apart = [at for at in range(len(titles)) if at not in alike(cells)]
        self.demands.show_rows(
            [(titles[at], MEANINGS[at]) for at in told_apart], [[row[at] for at in told_apart] for row in cells]
        )
        same = alike_sentence(titles, cells)
        self.alike.setText(same)
        self.alike.setVisible(bool(same))
        beside = _beside(self._sheets())
        self.whole[1].setVisible(bool(beside))
        self.beside.show_rows(BESIDE_HEADINGS, beside)
        if rows and changed:
            self.demands.selectRow(0)
            self._show_detail(rows[0])

    def _sheets(self) -> tuple[Questionnaire, ...]:
        """The questionnaires, that of the selected alternative first."""
        if self._found is None:
            return ()
        name = self._found.alternative
        pairs = zip(self._found.tests, questionnaires(self._found), strict=True)
        return tuple(sheet for _, sheet in sorted(pairs, key=lambda pair: pair[0].alternative != name))

    def _on_row(self, index: QModelIndex) -> None:
        if self._found is not None and 0 <= index.row() < len(self._found.demands):
            self._show_detail(self._found.demands[index.row()])

    def _show_detail(self, demand: Demand) -> None:
        how = HOW.get(demand.figure, "")
        least = f" Costing no more than the reference: {demand.break_even.note}." if demand.break_even.note else ""
        why = f" Why: {demand.reason}" if demand.reason else ""
        keeping = "keeping the promises" if self._found is None or promised(self._found) else "carrying the load"
        self.detail.setText(
            f"{demand.chip_name}, {mid_sentence(demand.title)}: {believed_text(demand)}. How to measure: {how} "
            f"Odds of {keeping}: {odds_text(demand)}.{least}{why}"
        )

    def _on_slider(self, index: QModelIndex) -> None:
        if self._found is not None and 0 <= index.row() < len(self._found.demands):
            demand = self._found.demands[index.row()]
            self.figure_asked.emit(demand.alternative, demand.figure)

    def _on_export(self) -> None:
        # the template engine and the printing are only needed here
        from explorer.report.questionnaire import write_questionnaires

        chosen, kind = self._ask(self, "Export the questionnaire", "audit-questionnaire.pdf", FORMS)
        if not chosen:
            return
        path = Path(chosen)
        if not path.suffix:
            path = path.with_name(path.name + next((end for end in (".html", ".md") if f"*{end}" in kind), ".pdf"))
        try:
            write_questionnaires(self._sheets(), path)
        except ExplorerError as error:
            self.told.emit(str(error))
            return
        self.told.emit(f"Questionnaire written: {path}")


def _beside(sheets: tuple[Questionnaire, ...]) -> list[tuple[str, str, str]]:
    """What the first questionnaire asks beside single figures."""
    if not sheets:
        return []
    figures = set(HOW)
    return [
        (question.ask, question.believed, question.beat)
        for section in sheets[0].sections
        if section.title in BESIDE
        for question in section.questions
        if question.how not in {HOW[name] for name in figures}
    ]

"""What matters: what each unsettled figure moves, drives and decides; how sure each alternative is; least regret."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QTabBar, QVBoxLayout, QWidget

from explorer.plots.matters_plot import MattersPlot
from explorer.plots.matters_rows import ASPECTS, aspect_title
from explorer.plots.tokens import Tokens
from explorer.report.plot_menu import PlotMenu
from explorer.scenario.quantity import QUANTITIES
from explorer.study.probability_words import scale_sentence
from explorer.study.what_matters import WhatMatters
from explorer.study.what_matters_words import (
    REGRET_HEADINGS,
    has_choice,
    left_out_sentence,
    promised,
    regret_rows,
    regret_sentence,
    spread_headings,
    spread_row,
    with_doubt,
)
from explorer.ui.controls.term_fields import Term, TermFields
from explorer.ui.document import Document
from explorer.ui.pages.matters_feed import MattersFeed
from explorer.ui.pages.matters_view import MattersView
from explorer.ui.pages.money_page import TextTable

MONTH = QUANTITIES["usd_per_month"]
SPREAD_MEANINGS = (
    "Compared deployment",
    "Of the latency with the least margin, with the chips of now: 5 %, half and 95 % of the draws",
    "Bought after all is known, promises kept: 5 %, half and 95 % of the draws",
    "With the chips of now",
    "With however many chips it takes",
    "Keeps the promises and costs less than the cheapest disclosed alternative that keeps them",
    "Mean $ a month, chosen now: where promises break chips are added, or the reference is bought (the fallback)",
)
REGRET_MEANINGS = (
    "Compared deployment",
    "The most it may cost a month above what would have been best (Savage)",
    "The most it may cost a month (maximin)",
    "Between the best and the worst, by the scenario's optimism",
    "Mean over all cases held equally likely (Laplace)",
    "Mean of the worst cases (CVaR)",
)
DECISION = (
    Term(
        "decision.penalty_usd_per_month",
        "Paid a month on top of the chips of now where a choice keeps its promises at no size. none: the cheapest "
        "disclosed alternative is bought instead, and the switch paid for.",
        "Penalty a month",
        "none",
    ),
    Term(
        "decision.optimism",
        "How much the best case counts against the worst (Hurwicz): 0 % the worst alone, 100 % the best alone.",
        "Optimism",
    ),
    Term(
        "decision.tail_share",
        "The tail mean is of the draws that cost more than this share of them (CVaR): 90 % takes the worst tenth.",
        "Tail begins after",
    ),
)
DECISION_NOTE = (
    "Where promises prove out of reach: the penalty, or without one the cheapest disclosed alternative and the switch. "
    "Optimism weighs best against worst; the tail is the mean of the worst draws."
)
REGRET, JUDGED_BY = 1, 2
"""Places of the tabs after How sure."""
TABLE_HEIGHT = 26 * 5 + 20


class MattersPage(MattersView):
    """The plot of three answers above two tables."""

    def __init__(self, document: Document, feed: MattersFeed, parent: QWidget | None = None) -> None:
        super().__init__(document, feed, parent)
        self.setObjectName("page.matters")
        self.sentence.setObjectName("matters.sentence")
        self._found: WhatMatters | None = None
        self.plot = MattersPlot(self)
        PlotMenu(self.plot, self.told.emit)
        self.aspect = QComboBox(self)
        self.aspect.setObjectName("matters.aspect")
        self.aspect.setAccessibleName("What the figures swing")
        for aspect, title in ASPECTS.items():
            self.aspect.addItem(title, aspect)
        self.spreads = TextTable("matters.spreads", "How sure each alternative is", parent=self)
        self.regret = TextTable("matters.regret", "Regret of each choice", parent=self)
        self.views = QTabBar(self)
        self.views.setObjectName("matters.views")
        self.views.setAccessibleName("Table beneath the plot")
        self.views.setDrawBase(False)
        self.views.setExpanding(False)
        # the note beside it gives way, never a tab
        self.views.setUsesScrollButtons(False)
        for title in ("How sure", "Least regret", "Judged by"):
            self.views.addTab(title)
        self.decision = TermFields(document, "matters.decision", len(DECISION), self)
        self.note = QLabel(self)
        self.note.setObjectName("matters.note")
        self.note.setProperty("role", "note")
        self.note.setWordWrap(True)
        for table in (self.spreads, self.regret, self.decision):
            table.setFixedHeight(TABLE_HEIGHT)
        self.views.currentChanged.connect(lambda _: self._show_view())
        self.aspect.activated.connect(lambda _: self.plot.set_aspect(self.aspect.currentData()))
        self.plot.figure_chosen.connect(lambda figure: self.figure_asked.emit(self._document.workload.selected, figure))
        self._lay_out()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.sentence, 1)
        head.addWidget(self.aspect, 0, Qt.AlignmentFlag.AlignTop)
        foot = QHBoxLayout()
        foot.setSpacing(16)
        foot.addWidget(self.views)
        foot.addWidget(self.note, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.plot, 1)
        column.addLayout(foot)
        column.addWidget(self.spreads)
        column.addWidget(self.regret)
        column.addWidget(self.decision)

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self.plot.set_tokens(tokens)

    def show_found(self, found: WhatMatters | None, waiting: str) -> None:
        """Plot and tables."""
        place = 0 if found is None else _place(self._document, found.alternative)
        self.plot.show_matters(found, place, waiting)
        self._found = found
        self.aspect.setVisible(found is not None)
        # a study that cannot be asked says so once, in its sentence
        self.plot.setVisible(self.can_be_asked)
        self.views.setVisible(self.can_be_asked)
        if found is not None:
            for at in range(self.aspect.count()):
                self.aspect.setItemText(at, aspect_title(found, self.aspect.itemData(at)))
            self.spreads.show_rows(
                tuple(zip(spread_headings(found), SPREAD_MEANINGS, strict=True)),
                [spread_row(found, one) for one in found.spreads],
            )
            rows = [] if found.regret is None else regret_rows(found.regret)
            self.regret.show_rows(tuple(zip(REGRET_HEADINGS, REGRET_MEANINGS, strict=True)), rows)
        self._show_view()

    def _show_view(self) -> None:
        """The table of the chosen tab, and the sentence beside the tabs."""
        found, shown = self._found, self.views.currentIndex()
        self.decision.show_terms([("", DECISION)])
        for place, view in enumerate((self.spreads, self.regret, self.decision)):
            # what a decision is judged by may be what keeps it from being judged
            known = found is not None or (view is self.decision and self.can_be_asked)
            view.setVisible(place == shown and known)
        self.note.setVisible(self.can_be_asked)
        if shown == JUDGED_BY:
            self.note.setText(DECISION_NOTE)
            self.note.setToolTip(DECISION_NOTE)
            return
        if found is None:
            return
        if shown == REGRET:
            self.note.setText(found.reason if found.regret is None else regret_sentence(found.regret))
        else:
            self.note.setText(sure_words(found))
        self.note.setToolTip(f"{self.note.text()}\n{scale_sentence()}")


def sure_words(found: WhatMatters) -> str:
    """What knowing would be worth, and against what alternatives are held."""
    parts = []
    if found.reference:
        keeping = " that keeps its promises" if promised(found) else ""
        reference = with_doubt(found.reference, found.doubts)
        parts.append(f"Reference: {reference}, the cheapest disclosed{keeping}")
    if found.evpi is not None and has_choice(found):
        parts.append(f"knowing all first is worth {MONTH.format(found.evpi)} a month")
    parts += [f"{one.chip_name}'s data sheet {MONTH.format(one.worth)}" for one in found.together]
    parts += [left_out_sentence(found).rstrip(".")] if found.left_out else []
    return " · ".join((*parts, f"{found.samples:,} draws of the closed form"))


def _place(document: Document, name: str) -> int:
    names = [one.name for one in document.workload.alternatives]
    return names.index(name) if name in names else 0

"""Cost: what a month is spent on, what throughput costs the user, and every figure of money in a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from explorer.plots.cost_stack import CostStackPlot
from explorer.plots.interactivity_plot import TITLES, InteractivityPlot, View
from explorer.plots.scaling_plot import TITLE as SCALING_TITLE
from explorer.plots.tokens import Tokens
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import NOTHING, number_text
from explorer.study.cost_parts import AlternativeMoney, PerMillion, WorkloadMoney
from explorer.study.describe import PRICE_WORDS
from explorer.ui.document import Document
from explorer.ui.pages.economics_feed import EconomicsFeed
from explorer.ui.pages.money_page import MoneyPage, TextTable
from explorer.ui.pages.money_terms import MoneyTerms
from explorer.ui.pages.scaling_view import KIND as SCALING
from explorer.ui.pages.scaling_view import ScalingView

MONTH, MILLION, HOUR, SHARE, WATTS, USD = (
    QUANTITIES[key] for key in ("usd_per_month", "usd_per_million", "usd_per_hour", "share", "watts", "usd")
)


def _maybe(value: float | None, write: Callable[[float], str]) -> str:
    return NOTHING if value is None else write(value)


def _million(prices: PerMillion | None, kind: Literal["input", "output", "blended"]) -> str:
    return NOTHING if prices is None else MILLION.format(getattr(prices, kind))


def _months(one: AlternativeMoney) -> str:
    if one.move is None:
        return NOTHING
    return "never" if one.move.payback_months is None else f"{one.move.payback_months:.1f} months"


def _promises(one: AlternativeMoney) -> str:
    if one.within_power_limit is False:
        return "too much power"
    return {True: "kept", False: "broken", None: "not known"}[one.keeps_promises]


def _remarks(one: AlternativeMoney) -> str:
    limit = "within the power limit" if one.within_power_limit else ""
    return " · ".join(text for text in (one.reason, limit, one.rent_or_own.reason) if text)


POWER = "power"
Column = tuple[str, str, Callable[[AlternativeMoney], str]]
WHICH: Column = (
    "Alternative", "Compared deployment, with the chips of one replica",
    lambda one: one.label,
)  # fmt: skip
MONEY: tuple[Column, ...] = (
    WHICH,
    ("$/month", "At the stated traffic", lambda one: _maybe(one.usd_per_month, MONTH.format)),
    ("$/M in", "Per million prompt tokens, at the stated traffic",
     lambda one: _million(one.stated, "input")),
    ("$/M out", "Per million answer tokens, at the stated traffic",
     lambda one: _million(one.stated, "output")),
    ("$/M all", "Per million tokens, at the stated traffic",
     lambda one: _million(one.stated, "blended")),
    ("at full use", "Per million tokens at the largest rate that keeps the promises",
     lambda one: _million(one.full_use, "blended")),
    ("in use", "Mean traffic over the largest that keeps the promises",
     lambda one: _maybe(one.used_share, SHARE.format)),
    ("J/token", "Facility energy per answer token", lambda one: _maybe(one.joule_per_token, number_text)),
    ("tokens/s/W", "Answer tokens per second and watt of the facility",
     lambda one: _maybe(one.tokens_per_s_per_watt, number_text)),
    ("tokens/s/($/h)", "Answer tokens per second for a dollar an hour",
     lambda one: _maybe(one.tokens_per_s_per_usd_hour, number_text)),
    (POWER, "Facility power at full load", lambda one: _maybe(one.facility_watts, WATTS.format)),
    ("promises", "Whether they are kept at the stated traffic; why not stands among the remarks",
     _promises),
)  # fmt: skip
MOVES: tuple[Column, ...] = (
    WHICH,
    ("rent", "Published on-demand price of a chip", lambda one: _maybe(one.rent_or_own.rented_per_hour, HOUR.format)),
    ("own", "Owning a chip with its share of the system",
     lambda one: _maybe(one.rent_or_own.owned_per_hour, HOUR.format)),
    ("owning pays above", "Share of hours in use above which owning is cheaper than renting those hours",
     lambda one: _maybe(one.rent_or_own.break_even_utilisation, SHARE.format)),
    ("moving costs", "Once, to leave the selected alternative for this one: engineering, running both, moving data",
     lambda one: _maybe(None if one.move is None else one.move.switching_usd, USD.format)),
    ("saves a month", "Against the selected alternative",
     lambda one: _maybe(None if one.move is None else one.move.saving_usd_per_month, MONTH.format)),
    ("payback", "Until moving from the selected alternative has paid for itself", _months),
    ("worth today (NPV)", "What the move is worth at the cost of capital, over the stated horizon",
     lambda one: _maybe(None if one.move is None else one.move.net_present_value_usd, USD.format)),
    ("rented from", "The published offer that owning is set against", lambda one: one.rent_or_own.rented_source),
)  # fmt: skip
REMARKS: tuple[Column, ...] = (
    WHICH,
    ("Price", "Where it is from", lambda one: one.price_source),
    ("Remarks", "What to know", _remarks),
)


class CostPage(MoneyPage):
    """Stacked cost by part, throughput against interactivity, and the table of money."""

    def __init__(self, document: Document, feed: EconomicsFeed, parent: QWidget | None = None) -> None:
        super().__init__(document, feed, parent)
        self.setObjectName("page.cost")
        self.stack, self.interactivity = CostStackPlot(self), InteractivityPlot(self)
        self.table = TextTable("cost", "Money of the alternatives", parent=self, last_texts=1)
        self.moves = TextTable("cost.moves", "Renting, owning and moving", parent=self, last_texts=1)
        self.remarks = TextTable("cost.remarks", "Remarks and sources", 99, self)
        self.tables = QTabWidget(self)
        self.tables.setObjectName("cost.tables")
        self.tables.setDocumentMode(True)
        for table, title in (
            (self.table, "Money"),
            (self.moves, "Rent, own, move"),
            (self.remarks, "Remarks and sources"),
        ):
            self.tables.addTab(table, title)
        self.basis = QLabel(self)
        self.basis.setObjectName("cost.basis")
        self.basis.setWordWrap(True)
        self.basis.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.terms = MoneyTerms(document, self)
        self.view = QComboBox(self)
        self.view.setObjectName("cost.view")
        self.view.setAccessibleName("What the speed of answers is set against")
        for view, title in TITLES.items():
            self.view.addItem(title, view)
        self.view.addItem(SCALING_TITLE, SCALING)
        self.view.activated.connect(lambda _: self.show_view(self.view.currentData()))
        self.scaling = ScalingView(document, self)
        self.right = QStackedWidget(self)
        self.right.addWidget(self.interactivity)
        self.right.addWidget(self.scaling)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setSpacing(12)
        grid.addWidget(self.stack, 0, 0)
        right = QVBoxLayout()
        right.setSpacing(4)
        right.addWidget(self.view, 0, Qt.AlignmentFlag.AlignRight)
        right.addWidget(self.right, 1)
        grid.addLayout(right, 0, 1)
        grid.addWidget(self.tables, 1, 0, 1, 2)
        foot = QHBoxLayout()
        foot.addWidget(self.terms)
        foot.addWidget(self.basis, 1)
        grid.addLayout(foot, 2, 0, 1, 2)
        grid.setRowStretch(0, 3)
        grid.setRowStretch(1, 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)

    def show_answer(self) -> None:
        """Show the money of the workload that is edited."""
        answer, at = self._feed.answer("money"), self.workload_index()
        for plot in (self.stack, self.interactivity):
            plot.show_outcome(answer, at)
        if answer.economics is None:
            self.basis.setText(self._feed.problem)
            return
        money = answer.economics.money[at]
        alike = _with_one_unit(MONEY, money)
        for table, columns in ((self.table, alike), (self.moves, MOVES), (self.remarks, REMARKS)):
            table.show_rows(
                [(title, meaning) for title, meaning, _ in columns],
                [[text(one) for _, _, text in columns] for one in money.all],
            )
        self.basis.setText(_basis_words(answer.price_basis, money))
        self.terms.show_terms(self._feed.scenario.price)

    def show_view(self, view: View | Literal["scaling"]) -> None:
        """Show one view at the right: what speed costs, what it yields, or how it scales over chips."""
        self.view.setCurrentIndex(self.view.findData(view))
        if view == "scaling":
            self.right.setCurrentWidget(self.scaling)
            return
        self.interactivity.set_view(view)
        self.right.setCurrentWidget(self.interactivity)

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        for plot in (self.stack, self.interactivity, self.scaling):
            plot.set_tokens(tokens)


def _with_one_unit(columns: Sequence[Column], money: WorkloadMoney) -> tuple[Column, ...]:
    """The columns with all powers in the unit of the largest: figures of one column are compared by eye."""
    most = max((one.facility_watts or 0.0 for one in money.all), default=0.0)

    def power(one: AlternativeMoney) -> str:
        return NOTHING if one.facility_watts is None else WATTS.format_alike(one.facility_watts, most)

    return tuple((title, meaning, power if title == POWER else text) for title, meaning, text in columns)


def _basis_words(basis: str, money: WorkloadMoney) -> str:
    parts = [f"Price basis: {PRICE_WORDS[basis]}"]
    parts.append(f"moves judged over {money.horizon_years:g} years")
    return " · ".join(parts)
